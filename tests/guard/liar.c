/* A cp that takes every error of lseek for the end of the data, and says success: what the guard has to find out before it
 * refuses lseek anything. Built by tests/guard.rs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char buffer[4096];
    struct stat status;
    int source = open(argv[argc - 2], O_RDONLY), target = open(argv[argc - 1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (source == -1 || target == -1 || fstat(source, &status) == -1 || ftruncate(target, status.st_size) == -1)
        return 1;
    for (off_t at = lseek(source, 0, SEEK_DATA); at != -1; at = lseek(source, at, SEEK_DATA)) {
        off_t end = lseek(source, at, SEEK_HOLE);
        while (at < end) {
            ssize_t length = pread(source, buffer, end - at < 4096 ? end - at : 4096, at);
            if (length <= 0 || pwrite(target, buffer, length, at) != length)
                return 1;
            at += length;
        }
    }
    return 0;
}

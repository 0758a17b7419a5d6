// Brings a file into a state of the page cache and runs a command while it is in it; or tells what the kernel says of a file.
//
// residency STATE FILE COMMAND...    makes FILE, 4 MiB with data in its first quarter, brings it into STATE, runs COMMAND
// residency ask FILE                 prints mincore=RESIDENT/PAGES and cachestat=CACHED,DIRTY,WRITEBACK, or the error's name
//
// The states are the table below. Where pages are resident, `residency ask` by somebody who may not know has to say all of them
// or refuse: a copier that believed "none" would trust the hole map of a file that is being written (OpenZFS #15933).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 4 << 20, WRITTEN = SIZE / 4, TOUCHED = 20, OWNER = 1000 };
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

// What is done to the file after its first quarter was written, in this order.
struct state {
    const char *name;
    int protection;  // a shared mapping with it, or 0
    int touched;     // pages read, or written where it may be, through the mapping
    int unmap, read_back, fsync, sync_pool, dontneed;
    char drop;       // what goes to drop_caches
    int private;     // the mapping is MAP_PRIVATE
};
static const struct state states[] = {
    {.name = "written"},
    {.name = "read", .read_back = 1},
    {.name = "fsynced", .fsync = 1},
    {.name = "on-disk", .sync_pool = 1},
    {.name = "mapped-untouched", .protection = PROT_READ | PROT_WRITE},
    {.name = "mapped-read", .protection = PROT_READ, .touched = TOUCHED},
    {.name = "mapped-dirty", .protection = PROT_READ | PROT_WRITE, .touched = TOUCHED},
    {.name = "unmapped-dirty", .protection = PROT_READ | PROT_WRITE, .touched = TOUCHED, .unmap = 1},
    {.name = "unmapped-read-back", .protection = PROT_READ | PROT_WRITE, .touched = TOUCHED, .unmap = 1, .read_back = 1},
    {.name = "unmapped-fsynced", .protection = PROT_READ | PROT_WRITE, .touched = TOUCHED, .unmap = 1, .fsync = 1},
    {.name = "unmapped-on-disk", .protection = PROT_READ | PROT_WRITE, .touched = TOUCHED, .unmap = 1, .fsync = 1, .sync_pool = 1},
    {.name = "dirty-dropped", .protection = PROT_READ | PROT_WRITE, .touched = TOUCHED, .unmap = 1, .drop = '1'},
    {.name = "fsynced-dropped", .protection = PROT_READ | PROT_WRITE, .touched = TOUCHED, .unmap = 1, .fsync = 1, .sync_pool = 1, .drop = '3'},
    {.name = "fsynced-dontneed", .protection = PROT_READ | PROT_WRITE, .touched = TOUCHED, .unmap = 1, .fsync = 1, .sync_pool = 1, .dontneed = 1},
    {.name = "private", .protection = PROT_READ | PROT_WRITE, .touched = TOUCHED, .unmap = 1, .private = 1},
};

static void die(const char *what) {
    fprintf(stderr, "residency: %s: %s\n", what, strerror(errno));
    exit(9);
}

static void bring(const struct state *state, const char *path) {
    char *bytes = malloc(SIZE);
    memset(bytes, 'A', SIZE);
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT, 0644);
    if (fd < 0 || fchown(fd, OWNER, OWNER) || ftruncate(fd, SIZE) || pwrite(fd, bytes, WRITTEN, 0) != WRITTEN) die(path);
    // On disk first, so that the file looks as sparse as it is, and only the mapping makes it dirty.
    if (state->protection && system("zpool sync tank")) die("zpool sync");
    if (state->protection) {
        char *map = mmap(NULL, SIZE, state->protection, state->private ? MAP_PRIVATE : MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) die("mmap");
        volatile char seen = 0;
        for (int page = 100; page < 100 + state->touched; page++) {
            if (state->protection & PROT_WRITE) map[page * PAGE] = 'B';
            else seen += map[page * PAGE];
        }
        if (state->unmap) munmap(map, SIZE);
    }
    if (state->read_back && pread(fd, bytes, SIZE, 0) != SIZE) die("pread");
    if (state->fsync && fsync(fd)) die("fsync");
    if (state->sync_pool && system("zpool sync tank")) die("zpool sync");
    if (state->dontneed && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)) die("fadvise");
    if (state->drop) {
        int drop = open("/proc/sys/vm/drop_caches", O_WRONLY);
        if (write(drop, &state->drop, 1) != 1) die("drop_caches");
        close(drop);
    }
    close(fd);
    free(bytes);
}

static int ask(const char *path) {
    int fd = open(path, O_RDONLY);
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat)) die(path);
    size_t pages = (stat.st_size + PAGE - 1) / PAGE, resident = 0;
    unsigned char *vector = malloc(pages);
    void *map = mmap(NULL, stat.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) die("mmap");
    if (mincore(map, stat.st_size, vector)) {
        printf("mincore=%s", strerrorname_np(errno));
    } else {
        for (size_t page = 0; page < pages; page++) resident += vector[page] & 1;
        printf("mincore=%zu/%zu", resident, pages);
    }
    munmap(map, stat.st_size);
    uint64_t range[2] = {0, 0}, seen[5] = {0};
    if (syscall(SYS_cachestat, fd, range, seen, 0)) printf(" cachestat=%s\n", strerrorname_np(errno));
    else printf(" cachestat=%lu,%lu,%lu\n", seen[0], seen[1], seen[2]);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "ask")) return ask(argv[2]);
    for (size_t i = 0; argc > 3 && i < sizeof states / sizeof *states; i++) {
        if (strcmp(states[i].name, argv[1])) continue;
        bring(&states[i], argv[2]);
        pid_t command = fork();
        if (!command) execvp(argv[3], argv + 3), _exit(127);
        int status = -1;
        waitpid(command, &status, 0);
        return status != 0;
    }
    fprintf(stderr, "residency: see the head of residency.c\n");
    return 2;
}

/* refuse ERROR CALL[,CALL...] COMMAND...
 *
 * Runs COMMAND where the kernel refuses some system calls with ERROR, as an older kernel does with ENOSYS and a container's filter
 * with EPERM. A CALL is a system call's name, or one of the names below for a call with certain arguments. Built by
 * tests/zoo/run. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Younger than the headers of Debian 12; the numbers are the same on every machine. */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_getxattrat 464
#define SYS_listxattrat 465
#define SYS_removexattrat 466
#endif

#define REFUSED_MAX 80
#define COUNT(array) (sizeof(array) / sizeof *(array))

struct call {
    const char *name;
    int number;
    /* Which argument decides, and what it has to be once mask is applied; a mask of 0 stands for every call. */
    struct {
        int argument;
        unsigned mask, value;
    } when;
};

#define WHOLE(name) {#name, SYS_##name, {0, 0, 0}}
#define NOT_HERE(name) {#name, -1, {0, 0, 0}}

static const struct call calls[] = {
    WHOLE(openat2), WHOLE(statx), WHOLE(faccessat), WHOLE(faccessat2), WHOLE(renameat), WHOLE(renameat2),
    WHOLE(copy_file_range), WHOLE(ioctl), WHOLE(linkat), WHOLE(symlinkat), WHOLE(readlinkat), WHOLE(mknodat),
    WHOLE(unlinkat), WHOLE(fchmod), WHOLE(fchmodat), WHOLE(fchmodat2), WHOLE(fchown), WHOLE(fchownat),
    WHOLE(cachestat), WHOLE(mincore), WHOLE(msync), WHOLE(flock), WHOLE(fallocate), WHOLE(fadvise64),
    WHOLE(sync_file_range), WHOLE(syncfs), WHOLE(fsync), WHOLE(fdatasync), WHOLE(getxattr), WHOLE(lgetxattr),
    WHOLE(fgetxattr), WHOLE(listxattr), WHOLE(llistxattr), WHOLE(flistxattr), WHOLE(setxattr), WHOLE(lsetxattr),
    WHOLE(fsetxattr), WHOLE(removexattr), WHOLE(lremovexattr), WHOLE(fremovexattr), WHOLE(setxattrat),
    WHOLE(getxattrat), WHOLE(listxattrat), WHOLE(removexattrat), WHOLE(utimensat),
    WHOLE(getrandom), WHOLE(clone), WHOLE(clone3), WHOLE(statfs), WHOLE(fstatfs), WHOLE(sched_getaffinity),
    WHOLE(sched_yield), WHOLE(sigaltstack), WHOLE(prlimit64), WHOLE(uname), WHOLE(prctl), WHOLE(rseq),
    WHOLE(membarrier), WHOLE(close_range), WHOLE(umask), WHOLE(madvise), WHOLE(mremap), WHOLE(sysinfo),
    /* Machines younger than x86-64 have these only by handle. */
#ifdef SYS_access
    WHOLE(access), WHOLE(chmod), WHOLE(chown), WHOLE(futimesat), WHOLE(lchown), WHOLE(link), WHOLE(mknod),
    WHOLE(readlink), WHOLE(rename), WHOLE(rmdir), WHOLE(symlink), WHOLE(unlink), WHOLE(utimes),
#else
    NOT_HERE(access), NOT_HERE(chmod), NOT_HERE(chown), NOT_HERE(futimesat), NOT_HERE(lchown), NOT_HERE(link),
    NOT_HERE(mknod), NOT_HERE(readlink), NOT_HERE(rename), NOT_HERE(rmdir), NOT_HERE(symlink), NOT_HERE(unlink),
    NOT_HERE(utimes),
#endif
    /* O_TMPFILE without the bit of O_DIRECTORY, which is a part of it. */
    {"unnamed-file", SYS_openat, {2, 020000000, 020000000}},
    /* By AT_EMPTY_PATH, and by a name in /proc. */
    {"unnamed-file-linked", SYS_linkat, {4, 0x1000, 0x1000}},
    {"proc-linked", SYS_linkat, {4, 0x400, 0x400}},
    {"utimensat-by-handle", SYS_utimensat, {3, 0x1000, 0x1000}},
    {"clone-blocks", SYS_ioctl, {1, ~0u, 0x40049409}},
    {"seek-data", SYS_lseek, {2, ~0u, 3}},
    {"seek-hole", SYS_lseek, {2, ~0u, 4}},
    {"rename-without-replacing", SYS_renameat2, {4, 1, 1}},
    {"path-handle", SYS_openat, {2, 010000000, 010000000}},
};

static const struct {
    const char *name;
    int number;
} errors[] = {
    {"ENOSYS", ENOSYS}, {"EPERM", EPERM},   {"EACCES", EACCES}, {"EINVAL", EINVAL}, {"EOPNOTSUPP", EOPNOTSUPP},
    {"EAGAIN", EAGAIN}, {"EISDIR", EISDIR}, {"ENOTTY", ENOTTY}, {"ENOENT", ENOENT}, {"EIO", EIO},
    {"EXDEV", EXDEV},   {"ENOLCK", ENOLCK}, {"ENXIO", ENXIO},
};

static struct sock_filter program[8 + 6 * REFUSED_MAX];
static unsigned short length;

static void give_up(const char *what, const char *about)
{
    fprintf(stderr, "refuse: %s: %s\n", what, about);
    exit(125);
}

static void add(unsigned short code, unsigned value, unsigned char if_so, unsigned char if_not)
{
    program[length++] = (struct sock_filter)BPF_JUMP(code, value, if_so, if_not);
}

static void refuse(const struct call *call, int error)
{
    int is_any = call->when.mask == 0;
    add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    add(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call->number, 0, is_any ? 1 : 4);
    if (!is_any) {
        /* The lower half of an argument, on machines that have it first. */
        add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (unsigned)call->when.argument, 0, 0);
        add(BPF_ALU | BPF_AND | BPF_K, call->when.mask, 0, 0);
        add(BPF_JMP | BPF_JEQ | BPF_K, call->when.value, 0, 1);
    }
    add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error, 0, 0);
}

static const struct call *find_call(const char *name)
{
    for (size_t index = 0; index < COUNT(calls); index++)
        if (strcmp(calls[index].name, name) == 0)
            return &calls[index];
    give_up("no such call is known", name);
    return NULL;
}

static int find_error(const char *name)
{
    for (size_t index = 0; index < COUNT(errors); index++)
        if (strcmp(errors[index].name, name) == 0)
            return errors[index].number;
    give_up("no such error is known", name);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        give_up("usage", "refuse ERROR CALL[,CALL...] COMMAND...");
    int error = find_error(argv[1]), refused = 0;
    for (char *name = strtok(argv[2], ","); name; name = strtok(NULL, ",")) {
        if (refused++ == REFUSED_MAX)
            give_up("too many calls", name);
        refuse(find_call(name), error);
    }
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    struct sock_fprog filter = {length, program};
    /* Root needs no NO_NEW_PRIVS, which would take set-user-ID bits and capabilities from what is run. */
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0 &&
        (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0))
        give_up("no filter", strerror(errno));
    execvp(argv[3], argv + 3);
    give_up(argv[3], strerror(errno));
}

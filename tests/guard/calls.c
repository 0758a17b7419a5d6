/* Asks for clones, holes and copies by the kernel in every ABI of the machine, and prints what each call was answered with:
 * a line `ABI CALL ERRNO` each, 0 for success.
 *
 * Built by tests/guard.rs, statically: nothing of a C library stands between it and the kernel. Its files are two memfds, on
 * which every call but the clones succeeds, and a dedupe tells that other requests still arrive. x32 calls are answered
 * with ENOSYS by kernels without it; that a filter comes first can be seen all the same. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int source, target;

static void say(const char *abi, const char *call, long returned)
{
    printf("%s %s %d\n", abi, call, returned == -1 ? errno : 0);
}

static void fill(struct file_clone_range *range)
{
    memset(range, 0, sizeof *range);
    range->src_fd = source;
}

/* The numbers of an ABI of 64-bit registers, with the bits that x32 adds. */
static void by_syscall(const char *abi, long bits, long ioctl_number)
{
    struct file_clone_range range;
    fill(&range);
    say(abi, "ficlone", syscall(bits | ioctl_number, target, FICLONE, source));
    say(abi, "ficlonerange", syscall(bits | ioctl_number, target, FICLONERANGE, &range));
    say(abi, "copy_file_range", syscall(bits | SYS_copy_file_range, source, NULL, target, NULL, 1L, 0L));
    say(abi, "seek_data", syscall(bits | SYS_lseek, source, 0L, SEEK_DATA));
    say(abi, "seek_hole", syscall(bits | SYS_lseek, source, 0L, SEEK_HOLE));
    say(abi, "seek_end", syscall(bits | SYS_lseek, source, 0L, SEEK_END));
}

#ifdef __x86_64__
/* A 32-bit call from a 64-bit process; pointers lie below 4 GiB. */
static long int80(long number, long a, long b, long c, long d, long e)
{
    long returned;
    __asm__ volatile("int $0x80" : "=a"(returned) : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                     : "memory", "r8", "r9", "r10", "r11");
    returned = (int)returned;
    if (returned < 0 && returned > -4096) {
        errno = -returned;
        return -1;
    }
    return returned;
}

static void by_interrupt(void)
{
    char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (low == MAP_FAILED)
        exit(1);
    fill((struct file_clone_range *)low);
    say("i386", "ficlone", int80(54, target, FICLONE, source, 0, 0));
    say("i386", "ficlonerange", int80(54, target, FICLONERANGE, (long)low, 0, 0));
    say("i386", "copy_file_range", int80(377, source, 0, target, 0, 1));
    say("i386", "seek_data", int80(19, source, 0, SEEK_DATA, 0, 0));
    say("i386", "seek_hole", int80(19, source, 0, SEEK_HOLE, 0, 0));
    say("i386", "seek_end", int80(19, source, 0, SEEK_END, 0, 0));
    say("i386", "llseek_data", int80(140, source, 0, 0, (long)low, SEEK_DATA));
    say("i386", "llseek_hole", int80(140, source, 0, 0, (long)low, SEEK_HOLE));
    say("i386", "llseek_end", int80(140, source, 0, 0, (long)low, SEEK_END));
}

/* Without CONFIG_IA32_EMULATION the interrupt is a segmentation fault: that is found out in a process of its own. */
static int has_interrupt(void)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(int80(20, 0, 0, 0, 0, 0) == -1);
    return waitpid(child, &status, 0) == child && status == 0;
}
#endif

int main(void)
{
    source = memfd_create("source", 0);
    target = memfd_create("target", 0);
    if (source == -1 || target == -1 || write(source, "content", 7) != 7)
        return 1;
    by_syscall("own", 0, SYS_ioctl);
#ifdef __x86_64__
    by_syscall("x32", 0x40000000, 514);
    by_syscall("x32-of-16", 0x40000000, 16);
    if (has_interrupt())
        by_interrupt();
    else
        puts("i386 left out: the kernel has no 32-bit calls");
#endif
    struct file_dedupe_range dedupe = { .src_length = 1 };
    say("own", "fideduperange", syscall(SYS_ioctl, source, FIDEDUPERANGE, &dedupe));
    return 0;
}

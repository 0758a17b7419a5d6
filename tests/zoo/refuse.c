/* refuse ERROR CALL[,CALL...] COMMAND...

   Runs COMMAND where the kernel refuses some system calls with ERROR, as an older kernel does with ENOSYS and a container's
   filter with EPERM. A CALL is a system call's name, or one of the names below for a call with certain arguments.
   `refuse --list` prints all that are known.  */

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Younger than the headers of Debian 12; the numbers are the same on every machine.  */
#ifndef SYS_cachestat
# define SYS_cachestat 451
#endif
#ifndef SYS_fchmodat2
# define SYS_fchmodat2 452
#endif

#define REFUSED_MAX 80
#define ANY {0, 0, 0}

struct call
{
  char const *name;
  int number;
  /* Which argument decides, and what it has to be once MASK is applied; a MASK of 0 stands for every call.  */
  struct { int argument; unsigned mask, value; } when;
};

static struct call const calls[] = {
  {"openat2", SYS_openat2, ANY},
  {"statx", SYS_statx, ANY},
  {"faccessat", SYS_faccessat, ANY},
  {"faccessat2", SYS_faccessat2, ANY},
  {"renameat", SYS_renameat, ANY},
  {"renameat2", SYS_renameat2, ANY},
  {"copy_file_range", SYS_copy_file_range, ANY},
  {"ioctl", SYS_ioctl, ANY},
  {"linkat", SYS_linkat, ANY},
  {"fchmod", SYS_fchmod, ANY},
  {"fchmodat", SYS_fchmodat, ANY},
  {"fchmodat2", SYS_fchmodat2, ANY},
  {"fchown", SYS_fchown, ANY},
  {"fchownat", SYS_fchownat, ANY},
  {"cachestat", SYS_cachestat, ANY},
  {"mincore", SYS_mincore, ANY},
  {"msync", SYS_msync, ANY},
  {"flock", SYS_flock, ANY},
  {"fallocate", SYS_fallocate, ANY},
  {"fadvise64", SYS_fadvise64, ANY},
  {"sync_file_range", SYS_sync_file_range, ANY},
  {"fsync", SYS_fsync, ANY},
  {"fdatasync", SYS_fdatasync, ANY},
  {"getxattr", SYS_getxattr, ANY},
  {"lgetxattr", SYS_lgetxattr, ANY},
  {"fgetxattr", SYS_fgetxattr, ANY},
  {"listxattr", SYS_listxattr, ANY},
  {"llistxattr", SYS_llistxattr, ANY},
  {"flistxattr", SYS_flistxattr, ANY},
  {"setxattr", SYS_setxattr, ANY},
  {"lsetxattr", SYS_lsetxattr, ANY},
  {"fsetxattr", SYS_fsetxattr, ANY},
  {"removexattr", SYS_removexattr, ANY},
  {"lremovexattr", SYS_lremovexattr, ANY},
  {"fremovexattr", SYS_fremovexattr, ANY},
  {"utimensat", SYS_utimensat, ANY},
  {"getrandom", SYS_getrandom, ANY},
  {"clone", SYS_clone, ANY},
  {"clone3", SYS_clone3, ANY},
  {"statfs", SYS_statfs, ANY},
  {"fstatfs", SYS_fstatfs, ANY},
  {"symlinkat", SYS_symlinkat, ANY},
  {"readlinkat", SYS_readlinkat, ANY},
  {"mknodat", SYS_mknodat, ANY},
  {"unlinkat", SYS_unlinkat, ANY},
  {"sched_getaffinity", SYS_sched_getaffinity, ANY},
  {"sigaltstack", SYS_sigaltstack, ANY},
  {"prlimit64", SYS_prlimit64, ANY},
  {"uname", SYS_uname, ANY},
  {"prctl", SYS_prctl, ANY},
  {"rseq", SYS_rseq, ANY},
  {"membarrier", SYS_membarrier, ANY},
  {"close_range", SYS_close_range, ANY},
  {"umask", SYS_umask, ANY},
  {"fcntl", SYS_fcntl, ANY},
  {"fcntl-dup", SYS_fcntl, {1, ~0u, 1030}},
  {"ppoll", SYS_ppoll, ANY},
  {"madvise", SYS_madvise, ANY},
  {"mremap", SYS_mremap, ANY},
  {"sysinfo", SYS_sysinfo, ANY},
#ifdef SYS_access
  {"access", SYS_access, ANY},
  {"rename", SYS_rename, ANY},
  {"poll", SYS_poll, ANY},
#endif
  /* O_TMPFILE without the bit of O_DIRECTORY, which is a part of it.  */
  {"unnamed-file", SYS_openat, {2, 020000000, 020000000}},
  {"unnamed-file-linked", SYS_linkat, {4, 0x1400, 0x1000}},
  {"proc-linked", SYS_linkat, {4, 0x400, 0x400}},
  {"utimensat-by-handle", SYS_utimensat, {3, 0x1000, 0x1000}},
  {"fchownat-by-handle", SYS_fchownat, {4, 0x1000, 0x1000}},
  {"clone-blocks", SYS_ioctl, {1, ~0u, 0x40049409}},
  {"seek-data", SYS_lseek, {2, ~0u, 3}},
  {"seek-hole", SYS_lseek, {2, ~0u, 4}},
  {"rename-without-replacing", SYS_renameat2, {4, 1, 1}},
  {"rename-with-exchange", SYS_renameat2, {4, 2, 2}},
  {"path-handle", SYS_openat, {2, 010000000, 010000000}},
};
static int const calls_count = sizeof calls / sizeof *calls;

static struct { char const *name; int number; } const errors[] = {
  {"ENOSYS", ENOSYS}, {"EPERM", EPERM}, {"EACCES", EACCES}, {"EINVAL", EINVAL}, {"EOPNOTSUPP", EOPNOTSUPP}, {"EAGAIN", EAGAIN},
  {"EISDIR", EISDIR}, {"ENOTTY", ENOTTY}, {"ENOENT", ENOENT}, {"EIO", EIO}, {"EXDEV", EXDEV}, {"ENOLCK", ENOLCK},
};

static struct sock_filter program[8 + 8 * REFUSED_MAX];
static unsigned short length;

static void
give_up (char const *what, char const *about)
{
  fprintf (stderr, "refuse: %s: %s\n", what, about);
  exit (125);
}

static void
add (unsigned short code, unsigned value, unsigned char if_so, unsigned char if_not)
{
  program[length++] = (struct sock_filter) BPF_JUMP (code, value, if_so, if_not);
}

static void
load (unsigned offset)
{
  add (BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void
refuse (struct call const *call, int error)
{
  int const is_any = call->when.mask == 0;
  load (offsetof (struct seccomp_data, nr));
  add (BPF_JMP | BPF_JEQ | BPF_K, call->number, 0, is_any ? 1 : 4);
  if (!is_any)
    {
      /* The lower half of an argument, on machines that have it first.  */
      load (offsetof (struct seccomp_data, args) + 8 * call->when.argument);
      add (BPF_ALU | BPF_AND | BPF_K, call->when.mask, 0, 0);
      add (BPF_JMP | BPF_JEQ | BPF_K, call->when.value, 0, 1);
    }
  add (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error, 0, 0);
}

static struct call const *
find_call (char const *name)
{
  for (int number = 0; number < calls_count; number++)
    if (strcmp (calls[number].name, name) == 0)
      return &calls[number];
  give_up ("no such call is known", name);
  return NULL;
}

static int
find_error (char const *name)
{
  for (size_t number = 0; number < sizeof errors / sizeof *errors; number++)
    if (strcmp (errors[number].name, name) == 0)
      return errors[number].number;
  give_up ("no such error is known", name);
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc == 2 && strcmp (argv[1], "--list") == 0)
    {
      for (int number = 0; number < calls_count; number++)
        puts (calls[number].name);
      return 0;
    }
  if (argc < 4)
    give_up ("usage", "refuse ERROR CALL[,CALL...] COMMAND...");
  int const error = find_error (argv[1]);
  int refused = 0;
  for (char *name = strtok (argv[2], ","); name; name = strtok (NULL, ","))
    {
      if (refused++ == REFUSED_MAX)
        give_up ("too many calls", argv[2]);
      refuse (find_call (name), error);
    }
  add (BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
  struct sock_fprog filter = {length, program};
  /* Not needed by root, who has set-user-ID bits and capabilities that NO_NEW_PRIVS would take from what is run.  */
  if (prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0
      && (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0))
    give_up ("no filter", strerror (errno));
  execvp (argv[3], argv + 3);
  give_up (argv[3], strerror (errno));
}

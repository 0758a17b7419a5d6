// Makes a file whose bytes are known, in a way that some ZFS told wrongly of, runs a copier on it at once, and compares.
//
// trial [OPTION...] -- COMMAND...        COMMAND gets the source's and the target's name as its last arguments.
//
// The bytes are a function of seed, process and round, so that what is right is known without asking the filesystem that is
// tested, or those of a file on another filesystem (--like); copies are compared by read(2) alone. Processes work side by side, each on files of its own, round after round.
// Prints one line: RESULT, what --label says, and counts; with --names a line WRONG for each corrupt copy before that. Exit status 0 unless the trial itself could not be carried out.
// It never repairs, retries or syncs anything behind the copier's back: what is to be done to a source is its --past.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, NAME = 400 };

// What happened to the source before it is copied.
enum past {
    MAPPED,      // new, extended, some blocks written through a mapping (OpenZFS #15933: "looks like a hole")
    MIXED,       // the same, but the first third was written with write(2)
    OVERWRITTEN, // an old file, every block of which is written anew through a mapping
    WRITTEN,     // some blocks written with write(2) (#15526)
    TAIL,        // the last block is on disk, then some are written through a mapping (#15933, clone flavour)
    PUNCHED,     // on disk, then a hole was punched into the middle (#16012)
    TRUNCATED,   // on disk, then cut to a quarter and extended again (#16012)
    CLEAN,       // on disk, nothing else; made once
    PASTS,
};
static const char *const past_names[PASTS] = {
    "mapped", "mixed", "overwritten", "written", "tail", "punched", "truncated", "clean",
};

static struct {
    enum past past;
    // With --like: a file whose bytes and mode the source has, and the end of whose name both names have.
    const char *like, *ending;
    char *like_bytes;
    mode_t mode;
    const char *source_directory, *target_directory, *pool, *label, *log;
    int processes, copies, seconds, percent, sync_ms, readers;
    double deadline;
    size_t size, block;
    uint64_t seed;
    bool keep_mapped, over, keep, check, names;
    char **command;
    int words;
} want = {
    .source_directory = "/tank", .target_directory = NULL, .pool = "tank", .label = "", .log = "/dev/null",
    .ending = "", .mode = 0644, .processes = 1, .copies = 10, .seconds = 600, .percent = 40, .size = 1 << 20, .block = 128 << 10, .seed = 1,
};

// What the processes found, in memory they share.
static struct {
    uint64_t copies, corrupt, failed, leftover, source_wrong, source_lost, wrong_pages, zero_pages, copy_us;
    pthread_barrier_t together;
    bool late;
} *found;

static void count(uint64_t *counter, uint64_t by) { __atomic_add_fetch(counter, by, __ATOMIC_RELAXED); }

static void die(const char *what) {
    fprintf(stderr, "trial: %s: %s\n", what, strerror(errno));
    _exit(9);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

// --- the bytes ---

// splitmix64: one draw for one number.
static uint64_t draw(uint64_t x) {
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

// Bytes without a zero among them, so that a page of zeros is always wrong.
static void fill(char *bytes, size_t length, uint64_t key) {
    uint64_t *word = (uint64_t *)bytes;
    for (size_t i = 0; i < length / 8; i++) word[i] = draw(key + i) | 0x0101010101010101ull;
}

static uint64_t key_of(int process, int round, uint64_t what) {
    return draw(want.seed << 40 ^ (uint64_t)process << 24 ^ (uint64_t)round << 4 ^ what);
}

static bool is_sparse(enum past past) { return past != PUNCHED && past != TRUNCATED && past != CLEAN; }

// What a reader of the source must see.
static void expect(char *bytes, int process, int round) {
    if (want.like) {
        memcpy(bytes, want.like_bytes, want.size);
        return;
    }
    memset(bytes, 0, want.size);
    // One block at least has data: a copy of nothing but holes cannot go wrong.
    uint64_t always = key_of(process, round, 1) % (want.size / want.block);
    for (size_t at = 0; at < want.size; at += want.block) {
        bool last = at + want.block >= want.size;
        uint64_t key = key_of(process, round, at / want.block + 16);
        bool drawn = (int)(draw(key) % 100) < want.percent || at / want.block == always;
        if (!is_sparse(want.past) || drawn || (want.past == TAIL && last))
            fill(bytes + at, last ? want.size - at : want.block, key);
    }
    size_t quarter = want.size / 4;
    if (want.past == PUNCHED) memset(bytes + quarter, 0, 2 * quarter);
    if (want.past == TRUNCATED) memset(bytes + quarter, 0, want.size - quarter);
}

// --- making a source ---

static void write_at(int fd, const char *bytes, size_t length, off_t at) {
    while (length) {
        ssize_t done = pwrite(fd, bytes, length, at);
        if (done <= 0) die("pwrite");
        bytes += done, length -= done, at += done;
    }
}

static bool is_zero(const char *bytes, size_t length) { return !bytes[0] && !memcmp(bytes, bytes + 1, length - 1); }

static void write_blocks(int fd, const char *bytes, size_t end) {
    for (size_t at = 0; at < end; at += want.block) {
        size_t length = at + want.block > want.size ? want.size - at : want.block;
        if (!is_zero(bytes + at, length)) write_at(fd, bytes + at, length, at);
    }
}

static char *map_blocks(int fd, const char *bytes, bool zeros_too) {
    char *map = mmap(NULL, want.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) die("mmap");
    for (size_t at = 0; at < want.size; at += PAGE)
        if (zeros_too || bytes[at]) memcpy(map + at, bytes + at, PAGE);
    return map;
}

// Whether a source of this round is on disk before its past happens to it.
static bool is_synced(int round) {
    return want.past == TAIL || want.past == PUNCHED || want.past == TRUNCATED || (want.past == CLEAN && round == 0);
}

// Waits until everything that was written is in a transaction group on disk: all processes come here in each round that is synced, and
// one of them does it for all, so that no process's sync comes between another's past and its copy.
static void sync_pool(int process) {
    char command[NAME];
    pthread_barrier_wait(&found->together);
    if (process == 0) {
        snprintf(command, sizeof command, "zpool sync %s", want.pool);
        if (system(command)) die(command);
        found->late = now() >= want.deadline;
    }
    pthread_barrier_wait(&found->together);
}

// The whole file as it was before its past happened to it, on disk.
static void write_whole(int fd, char *bytes, int process, int round) {
    char *old = malloc(want.size);
    memcpy(old, bytes, want.size);
    size_t quarter = want.size / 4, changed = want.past == PUNCHED ? 2 * quarter : want.size - quarter;
    if (want.past != CLEAN) fill(old + quarter, changed, key_of(process, round, 3));
    write_at(fd, old, want.size, 0);
    free(old);
    sync_pool(process);
}

// Makes the source. Returns its mapping where that is to be kept during the copy.
static char *make_source(const char *name, char *bytes, int process, int round) {
    char *map = NULL;
    if (want.past != OVERWRITTEN) unlink(name);
    int fd = open(name, O_RDWR | O_CREAT, want.mode);
    if (fd < 0) die(name);
    if (is_sparse(want.past) && ftruncate(fd, want.size)) die("ftruncate");
    switch (want.past) {
    case MAPPED: map = map_blocks(fd, bytes, want.like != NULL); break;
    case OVERWRITTEN: map = map_blocks(fd, bytes, true); break;
    case MIXED:
        write_blocks(fd, bytes, want.size / 3);
        map = map_blocks(fd, bytes, want.like != NULL);
        break;
    case WRITTEN: write_blocks(fd, bytes, want.size); break;
    case TAIL: {
        size_t last = want.size - want.block;
        write_at(fd, bytes + last, want.block, last);
        sync_pool(process);
        map = map_blocks(fd, bytes, false);
        break;
    }
    case PUNCHED:
        write_whole(fd, bytes, process, round);
        if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, want.size / 4, want.size / 2)) die("fallocate");
        break;
    case TRUNCATED:
        write_whole(fd, bytes, process, round);
        if (ftruncate(fd, want.size / 4) || ftruncate(fd, want.size)) die("ftruncate");
        break;
    case CLEAN: write_whole(fd, bytes, process, round); break;
    case PASTS: break;
    }
    if (map && !want.keep_mapped) munmap(map, want.size), map = NULL;
    close(fd);
    return map;
}

// An old target, full of other bytes; fsync leaves its blocks in a transaction group that is still open (#18412).
static void make_target(const char *name, char *bytes) {
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fd < 0) die(name);
    fill(bytes, want.size, draw(now() * 1e6));
    write_at(fd, bytes, want.size, 0);
    if (fsync(fd)) die("fsync");
    close(fd);
}

// --- copying and comparing ---

static int run_copier(const char *source, const char *target) {
    char **words = want.command;
    words[want.words] = (char *)source;
    words[want.words + 1] = (char *)target;
    words[want.words + 2] = NULL;
    double started = now();
    pid_t copier = vfork();
    if (!copier) {
        int log = open(want.log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        dup2(log, 1);
        dup2(log, 2);
        execv(words[0], words);
        _exit(127);
    }
    int status = -1;
    if (copier < 0 || waitpid(copier, &status, 0) < 0) die("wait");
    count(&found->copy_us, (now() - started) * 1e6);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) errno = ENOEXEC, die(words[0]);
    return status;
}

// Reads a file into `bytes`; the number of bytes it has, at most size + 1, or -1.
static ssize_t read_whole(const char *name, char *bytes) {
    int fd = open(name, O_RDONLY);
    if (fd < 0) return -1;
    ssize_t total = 0, done;
    while ((done = read(fd, bytes + total, want.size + 1 - total)) > 0) total += done;
    close(fd);
    return done < 0 ? -1 : total;
}

static bool is_right(const char *name, const char *bytes, char *seen, bool tell_pages) {
    ssize_t length = read_whole(name, seen);
    if (length == (ssize_t)want.size && !memcmp(bytes, seen, want.size)) return true;
    for (ssize_t at = 0; tell_pages && at + PAGE <= length && at < (ssize_t)want.size; at += PAGE) {
        if (!memcmp(bytes + at, seen + at, PAGE)) continue;
        count(&found->wrong_pages, 1);
        if (is_zero(seen + at, PAGE)) count(&found->zero_pages, 1);
    }
    return false;
}

// Opens and reads the target again and again, as somebody who is waiting for it might.
static pid_t start_reader(const char *target, char *seen) {
    pid_t reader = fork();
    if (reader) return reader;
    for (;;) read_whole(target, seen), usleep(2000);
}

// One write, for others are writing too. The number tells a source from those that had its name before.
static void tell_wrong(const char *source) {
    struct stat file;
    if (stat(source, &file)) die(source);
    dprintf(1, "WRONG inode=%lu source=%s\n", (unsigned long)file.st_ino, source);
}

static void one_copy(int process, int round, char *bytes, char *seen) {
    char source[NAME], target[NAME];
    bool once = want.past == OVERWRITTEN || want.past == CLEAN;
    snprintf(source, sizeof source, "%s/source.%d.%d%s", want.source_directory, process, once ? 0 : round, want.ending);
    snprintf(target, sizeof target, "%s/target.%d.%d%s", want.target_directory, process, want.over ? 0 : round, want.ending);
    expect(bytes, process, want.past == CLEAN ? 0 : round);
    if (want.check) { // what an earlier trial kept, after the pool was exported and imported
        if (access(target, F_OK)) return;
        count(&found->copies, 1);
        if (!is_right(target, bytes, seen, true)) count(&found->corrupt, 1);
        // Zfs 2.1.11, throttled, loses what was written through a mapping when it is exported, whatever fsync said.
        if (!is_right(source, bytes, seen, false)) count(&found->source_lost, 1);
        return;
    }
    char *map = NULL;
    if (want.past != CLEAN || round == 0) map = make_source(source, bytes, process, round);
    if (want.over) make_target(target, seen);
    pid_t readers[16];
    for (int i = 0; i < want.readers; i++) readers[i] = start_reader(target, seen);
    int status = run_copier(source, target);
    count(&found->copies, 1);
    if (status) {
        count(&found->failed, 1);
        // cp leaves an empty file behind where it could not clone.
        if (!want.over && !access(target, F_OK)) count(&found->leftover, 1);
    } else if (!is_right(target, bytes, seen, true)) {
        count(&found->corrupt, 1);
        if (want.names) tell_wrong(source);
    }
    for (int i = 0; i < want.readers; i++) kill(readers[i], SIGKILL), waitpid(readers[i], NULL, 0);
    if (map) munmap(map, want.size);
    if (!is_right(source, bytes, seen, false)) count(&found->source_wrong, 1);
    if (status || (!want.keep && !want.over)) unlink(target);
    if (!want.keep && !once) unlink(source);
}

static void work(int process) {
    char *bytes = malloc(want.size + PAGE), *seen = malloc(want.size + PAGE);
    for (int round = 0; round * want.processes < want.copies && !found->late; round++) {
        if (round * want.processes + process < want.copies) one_copy(process, round, bytes, seen);
        else if (is_synced(round) && !want.check) sync_pool(process);
        if (!is_synced(round) && now() >= want.deadline) break;
    }
    _exit(0);
}

// syncfs(2) beside the copies, every so many milliseconds.
static pid_t start_syncer(void) {
    pid_t syncer = fork();
    if (syncer) return syncer;
    int directory = open(want.source_directory, O_RDONLY);
    for (;;) syncfs(directory), usleep(want.sync_ms * 1000);
}

// --- the command line ---

static void read_like(void) {
    struct stat file;
    int fd = open(want.like, O_RDONLY);
    if (fd < 0 || fstat(fd, &file)) die(want.like);
    want.size = file.st_size, want.mode = file.st_mode & 0777;
    want.like_bytes = malloc(want.size + 1);
    if (read_whole(want.like, want.like_bytes) != file.st_size) die(want.like);
    const char *name = strrchr(want.like, '/'), *dot = strrchr(want.like, '.');
    if (dot && dot > name) want.ending = dot;
    close(fd);
}

static void read_arguments(int argc, char **argv) {
    enum { DIRECTORY = 1, TARGETS, POOL, LABEL, LOG, PAST, PROCESSES, COPIES, SECONDS, PERCENT, SYNC, READERS, SIZE, BLOCK, SEED,
           KEEP_MAPPED, OVER, KEEP, CHECK, NAMES, LIKE };
    static const struct option options[] = {
        {"directory", 1, 0, DIRECTORY}, {"targets", 1, 0, TARGETS}, {"pool", 1, 0, POOL}, {"label", 1, 0, LABEL},
        {"log", 1, 0, LOG}, {"past", 1, 0, PAST}, {"processes", 1, 0, PROCESSES}, {"copies", 1, 0, COPIES},
        {"seconds", 1, 0, SECONDS}, {"percent", 1, 0, PERCENT}, {"sync-ms", 1, 0, SYNC}, {"readers", 1, 0, READERS},
        {"kib", 1, 0, SIZE}, {"block-kib", 1, 0, BLOCK}, {"seed", 1, 0, SEED}, {"keep-mapped", 0, 0, KEEP_MAPPED},
        {"over", 0, 0, OVER}, {"keep", 0, 0, KEEP}, {"check", 0, 0, CHECK}, {"names", 0, 0, NAMES},
        {"like", 1, 0, LIKE}, {0, 0, 0, 0},
    };
    for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) != -1;) switch (option) {
        case DIRECTORY: want.source_directory = optarg; break;
        case TARGETS: want.target_directory = optarg; break;
        case POOL: want.pool = optarg; break;
        case LABEL: want.label = optarg; break;
        case LOG: want.log = optarg; break;
        case PROCESSES: want.processes = atoi(optarg); break;
        case COPIES: want.copies = atoi(optarg); break;
        case SECONDS: want.seconds = atoi(optarg); break;
        case PERCENT: want.percent = atoi(optarg); break;
        case SYNC: want.sync_ms = atoi(optarg); break;
        case READERS: want.readers = atoi(optarg) > 16 ? 16 : atoi(optarg); break;
        case SIZE: want.size = (size_t)atoi(optarg) << 10; break;
        case BLOCK: want.block = (size_t)atoi(optarg) << 10; break;
        case SEED: want.seed = strtoull(optarg, NULL, 10); break;
        case KEEP_MAPPED: want.keep_mapped = true; break;
        case OVER: want.over = true; break;
        case KEEP: want.keep = true; break;
        case CHECK: want.check = true; break;
        case NAMES: want.names = true; break;
        case LIKE: want.like = optarg; break;
        case PAST:
            for (want.past = 0; want.past < PASTS && strcmp(past_names[want.past], optarg); want.past++) {}
            if (want.past < PASTS) break;
            __attribute__((fallthrough));
        default: fprintf(stderr, "trial: see the head of trial.c\n"); exit(2);
        }
    want.words = argc - optind;
    want.command = calloc(want.words + 3, sizeof *want.command);
    memcpy(want.command, argv + optind, want.words * sizeof *argv);
    if (want.like) read_like();
    if (!want.target_directory) want.target_directory = want.source_directory;
    if (!want.words && !want.check) fprintf(stderr, "trial: no command\n"), exit(2);
}

int main(int argc, char **argv) {
    read_arguments(argc, argv);
    found = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double started = now();
    want.deadline = started + want.seconds;
    pthread_barrierattr_t shared;
    pthread_barrierattr_init(&shared);
    pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&found->together, &shared, want.processes);
    pid_t syncer = want.sync_ms ? start_syncer() : 0;
    pid_t *workers = calloc(want.processes, sizeof *workers);
    for (int process = 0; process < want.processes; process++) {
        workers[process] = fork();
        if (workers[process] < 0) die("fork");
        if (!workers[process]) work(process);
    }
    int failures = 0;
    for (int left = want.processes; left;) {
        int status;
        pid_t ended = wait(&status);
        if (ended < 0) break;
        if (ended == syncer) continue;
        left--, failures += status != 0;
        // The others may be waiting for the one that failed.
        for (int process = 0; status && process < want.processes; process++)
            if (workers[process] != ended) kill(workers[process], SIGKILL);
    }
    if (syncer) kill(syncer, SIGKILL);
    printf("RESULT %s copies=%lu corrupt=%lu failed=%lu leftover=%lu source_wrong=%lu source_lost=%lu wrong_pages=%lu zero_pages=%lu copy_seconds=%.1f "
           "seconds=%.1f\n",
           want.label, found->copies, found->corrupt, found->failed, found->leftover, found->source_wrong, found->source_lost,
           found->wrong_pages, found->zero_pages, found->copy_us / 1e6, now() - started);
    return failures ? 9 : 0;
}

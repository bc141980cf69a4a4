/* A journal of what a process writes below one folder, loaded into it with LD_PRELOAD: every write, length, name and finished sync,
 * in their order. From it a test rebuilds what a power cut at any point would have left. sync_file_range is not in it, because it
 * promises nothing about a power cut. Every call is made as it was asked for; the C library is not entered again from here, so that
 * an allocator may open files before this library is ready.
 *
 * RINGBACK_POWER_ROOT    the folder, absolute and without links
 * RINGBACK_POWER_JOURNAL the file to append to
 *
 * A record: "RBJ1", kind (4 bytes), number (8), length of the path (4), length of the data (4), path, data; integers as the machine
 * has them. C: created. W: data written at the number. T: length set to the number. S: synced, covering what stood in the journal
 * below the number. R: renamed, the data is the new path. U: removed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int journal = -1;
static uint64_t journal_bytes;
static char root[PATH_MAX];
static size_t root_bytes;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("RINGBACK_POWER_ROOT");
    const char *path = getenv("RINGBACK_POWER_JOURNAL");
    if (!folder || !path || strlen(folder) >= PATH_MAX) return;
    strcpy(root, folder);
    root_bytes = strlen(root);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) abort();
    journal_bytes = (uint64_t)status.st_size;
    journal = fd;
}

static bool below_root(const char *path) {
    return strncmp(path, root, root_bytes) == 0 && (path[root_bytes] == '/' || path[root_bytes] == 0);
}

/* The present path of a file or folder of ours. */
static bool is_ours(int fd, char *path) {
    struct stat status;
    if (journal < 0 || fd == journal || syscall(SYS_fstat, fd, &status) != 0) return false;
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return false;
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long bytes = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (bytes <= 0) return false;
    path[bytes] = 0;
    return below_root(path);
}

/* Appends one record; the caller holds the order. */
static void note(char kind, const char *path, uint64_t number, const void *data, size_t bytes) {
    char head[24] = "RBJ1";
    uint32_t kind_bytes = (uint32_t)kind, path_bytes = (uint32_t)strlen(path), data_bytes = (uint32_t)bytes;
    memcpy(head + 4, &kind_bytes, 4);
    memcpy(head + 8, &number, 8);
    memcpy(head + 16, &path_bytes, 4);
    memcpy(head + 20, &data_bytes, 4);
    struct iovec parts[3] = {{head, sizeof head}, {(void *)path, path_bytes}, {(void *)data, bytes}};
    long written = syscall(SYS_writev, journal, parts, 3);
    if (written != (long)(sizeof head + path_bytes + bytes)) abort();
    journal_bytes += (uint64_t)written;
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    bool ours = journal >= 0 && (flags & (O_CREAT | O_TRUNC)) && below_root(path);
    if (!ours) return (int)syscall(SYS_openat, folder, path, flags, mode);
    pthread_mutex_lock(&order);
    bool was_there = syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
    int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
    if (fd >= 0 && !was_there) note('C', path, 0, NULL, 0);
    if (fd >= 0 && was_there && (flags & O_TRUNC)) note('T', path, 0, NULL, 0);
    pthread_mutex_unlock(&order);
    return fd;
}

static mode_t mode_of(int flags, va_list rest) {
    return (flags & O_CREAT) ? (mode_t)va_arg(rest, int) : 0;
}

#define OPEN(name)                               \
    int name(const char *path, int flags, ...) { \
        va_list rest;                            \
        va_start(rest, flags);                   \
        mode_t mode = mode_of(flags, rest);      \
        va_end(rest);                            \
        return opened(AT_FDCWD, path, flags, mode); \
    }
#define OPENAT(name)                                         \
    int name(int folder, const char *path, int flags, ...) { \
        va_list rest;                                        \
        va_start(rest, flags);                               \
        mode_t mode = mode_of(flags, rest);                  \
        va_end(rest);                                        \
        return opened(folder, path, flags, mode);            \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

static ssize_t written_at(int fd, const void *data, size_t bytes, off_t at) {
    char path[PATH_MAX];
    if (!is_ours(fd, path)) return syscall(SYS_pwrite64, fd, data, bytes, at);
    pthread_mutex_lock(&order);
    ssize_t written = syscall(SYS_pwrite64, fd, data, bytes, at);
    if (written > 0) note('W', path, (uint64_t)at, data, (size_t)written);
    pthread_mutex_unlock(&order);
    return written;
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at) { return written_at(fd, data, bytes, at); }
ssize_t pwrite64(int fd, const void *data, size_t bytes, off_t at) { return written_at(fd, data, bytes, at); }

ssize_t write(int fd, const void *data, size_t bytes) {
    char path[PATH_MAX];
    if (!is_ours(fd, path)) return syscall(SYS_write, fd, data, bytes);
    pthread_mutex_lock(&order);
    off_t at = syscall(SYS_lseek, fd, 0, SEEK_CUR);
    ssize_t written = syscall(SYS_write, fd, data, bytes);
    if (written > 0) note('W', path, (uint64_t)at, data, (size_t)written);
    pthread_mutex_unlock(&order);
    return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[PATH_MAX];
    if (!is_ours(fd, path)) return syscall(SYS_writev, fd, parts, count);
    ssize_t sum = 0;
    for (int n = 0; n < count; n++) {
        ssize_t written = write(fd, parts[n].iov_base, parts[n].iov_len);
        if (written < 0) return sum ? sum : written;
        sum += written;
        if ((size_t)written < parts[n].iov_len) break;
    }
    return sum;
}

static int length_set(int fd, off_t bytes) {
    char path[PATH_MAX];
    if (!is_ours(fd, path)) return (int)syscall(SYS_ftruncate, fd, bytes);
    pthread_mutex_lock(&order);
    int failed = (int)syscall(SYS_ftruncate, fd, bytes);
    if (!failed) note('T', path, (uint64_t)bytes, NULL, 0);
    pthread_mutex_unlock(&order);
    return failed;
}

int ftruncate(int fd, off_t bytes) { return length_set(fd, bytes); }
int ftruncate64(int fd, off_t bytes) { return length_set(fd, bytes); }

/* What is written while the sync runs may be missed by it, so it covers only what was there when it began. */
static int synced(long call, int fd) {
    char path[PATH_MAX];
    if (!is_ours(fd, path)) return (int)syscall(call, fd);
    pthread_mutex_lock(&order);
    uint64_t covered = journal_bytes;
    pthread_mutex_unlock(&order);
    int failed = (int)syscall(call, fd);
    if (failed) return failed;
    pthread_mutex_lock(&order);
    note('S', path, covered, NULL, 0);
    pthread_mutex_unlock(&order);
    return 0;
}

int fsync(int fd) { return synced(SYS_fsync, fd); }
int fdatasync(int fd) { return synced(SYS_fdatasync, fd); }

int rename(const char *from, const char *to) {
    if (journal < 0 || !below_root(from)) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    pthread_mutex_lock(&order);
    int failed = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (!failed) note('R', from, 0, to, strlen(to));
    pthread_mutex_unlock(&order);
    return failed;
}

int unlink(const char *path) {
    if (journal < 0 || !below_root(path)) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_lock(&order);
    int failed = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (!failed) note('U', path, 0, NULL, 0);
    pthread_mutex_unlock(&order);
    return failed;
}

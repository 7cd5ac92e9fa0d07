/* Preloaded into a server. Records, in one order for all processes, what it does to the files of one folder,
 * what it syncs, and what it responds. Syncs are recorded but not done: disk.py simulates the disk.
 *
 * POWER_FOLDER: the folder, absolute. POWER_JOURNAL: where the records go, outside of the folder.
 * -shm and -lock files are left out, because neither means anything after a power cut.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATED = 1, WRITTEN, RESIZED, SYNC_BEGUN, SYNC_DONE, ENTRIES_SYNCED, UNLINKED, LINKED, RENAMED, RESPONDED, MAPPED };

struct record {
    uint32_t kind, thread;
    uint64_t inode, offset, length;
};

enum { MOST_FILES = 65536, JOURNAL_FD = 900, LONGEST_ANSWER = 2048 };
static const char ANSWER[] = "HTTP/1.1 2";
static char watched[MOST_FILES];
static char folder[4096];
static int journal = -1;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("POWER_JOURNAL");
    real_write = REAL(write);
    real_writev = REAL(writev);
    if (!path || !getenv("POWER_FOLDER") || journal >= 0) return;
    strncpy(folder, getenv("POWER_FOLDER"), sizeof folder - 1);
    int opened = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    journal = fcntl(opened, F_DUPFD_CLOEXEC, JOURNAL_FD);
    REAL(close)(opened);
}

/* One appending call per record: the kernel keeps the records of all processes whole and in order. */
static void note(uint32_t kind, uint64_t inode, uint64_t offset, const void *bytes, uint64_t length) {
    struct record record = {kind, (uint32_t)syscall(SYS_gettid), inode, offset, length};
    struct iovec parts[] = {{&record, sizeof record}, {(void *)bytes, length}};
    if (journal >= 0 && real_writev(journal, parts, 2) != (ssize_t)(sizeof record + length)) abort();
}

static int is_watched(int fd) { return fd >= 0 && fd < MOST_FILES && watched[fd]; }

static uint64_t inode_of(int fd) {
    struct stat status;
    return fstat(fd, &status) ? 0 : status.st_ino;
}

/* The name inside the folder, or NULL if the path is not watched. */
static const char *name_of(const char *path) {
    size_t length = strlen(folder), whole = strlen(path);
    if (journal < 0 || strncmp(path, folder, length) || path[length] != '/') return NULL;
    if (whole > 4 && !strcmp(path + whole - 4, "-shm")) return NULL;
    if (whole > 5 && !strcmp(path + whole - 5, "-lock")) return NULL;
    return path + length + 1;
}

static int opened(int fd, const char *path, int flags, int existed) {
    if (fd < 0 || fd >= MOST_FILES || journal < 0) return fd;
    const char *name = name_of(path);
    watched[fd] = name != NULL || !strcmp(path, folder);
    if (name && !existed) note(CREATED, inode_of(fd), 0, name, strlen(name));
    if (name && existed && (flags & O_TRUNC)) note(RESIZED, inode_of(fd), 0, NULL, 0);
    return fd;
}

static int exists(const char *path, int flags) { return !(flags & O_CREAT) || !access(path, F_OK); }

#define MODE_FROM_ARGUMENTS(flags) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) {
    MODE_FROM_ARGUMENTS(flags)
    int existed = exists(path, flags);
    return opened(REAL(open)(path, flags, mode), path, flags, existed);
}

int open64(const char *path, int flags, ...) {
    MODE_FROM_ARGUMENTS(flags)
    int existed = exists(path, flags);
    return opened(REAL(open64)(path, flags, mode), path, flags, existed);
}

int close(int fd) {
    if (is_watched(fd)) watched[fd] = 0;
    return REAL(close)(fd);
}

static ssize_t written(int fd, const void *bytes, ssize_t count, off64_t offset) {
    if (count > 0) note(WRITTEN, inode_of(fd), offset, bytes, count);
    return count;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    ssize_t done = REAL(pwrite)(fd, bytes, count, offset);
    return is_watched(fd) ? written(fd, bytes, done, offset) : done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    ssize_t done = REAL(pwrite64)(fd, bytes, count, offset);
    return is_watched(fd) ? written(fd, bytes, done, offset) : done;
}

/* A response is recorded before it is sent, so nothing that happens later can excuse a loss. */
static void note_answer(const struct iovec *parts, int count) {
    char start[LONGEST_ANSWER];
    size_t length = 0;
    if (journal < 0 || count < 1 || parts[0].iov_len < sizeof ANSWER - 1) return;
    if (memcmp(parts[0].iov_base, ANSWER, sizeof ANSWER - 1)) return;
    for (int i = 0; i < count && length < sizeof start; i++) {
        size_t room = sizeof start - length, taken = parts[i].iov_len < room ? parts[i].iov_len : room;
        memcpy(start + length, parts[i].iov_base, taken);
        length += taken;
    }
    note(RESPONDED, 0, 0, start, length);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    if (!real_write) begin();
    if (is_watched(fd)) {
        off64_t offset = lseek64(fd, 0, SEEK_CUR);
        return written(fd, bytes, real_write(fd, bytes, count), offset);
    }
    struct iovec part = {(void *)bytes, count};
    note_answer(&part, 1);
    return real_write(fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!real_writev) begin();
    if (is_watched(fd)) abort(); /* not used; a wrong record would hide a loss */
    note_answer(parts, count);
    return real_writev(fd, parts, count);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    note_answer(message->msg_iov, (int)message->msg_iovlen);
    return REAL(sendmsg)(fd, message, flags);
}

ssize_t send(int fd, const void *bytes, size_t count, int flags) {
    struct iovec part = {(void *)bytes, count};
    note_answer(&part, 1);
    return REAL(send)(fd, bytes, count, flags);
}

int ftruncate(int fd, off_t length) {
    int failed = REAL(ftruncate)(fd, length);
    if (!failed && is_watched(fd)) note(RESIZED, inode_of(fd), length, NULL, 0);
    return failed;
}

int ftruncate64(int fd, off64_t length) {
    int failed = REAL(ftruncate64)(fd, length);
    if (!failed && is_watched(fd)) note(RESIZED, inode_of(fd), length, NULL, 0);
    return failed;
}

static int synced(int fd) {
    struct stat status;
    if (fstat(fd, &status)) return -1;
    if (S_ISDIR(status.st_mode)) {
        note(ENTRIES_SYNCED, 0, 0, NULL, 0);
    } else { /* writes of others in the meantime may be left out */
        note(SYNC_BEGUN, status.st_ino, 0, NULL, 0);
        note(SYNC_DONE, status.st_ino, 0, NULL, 0);
    }
    return 0;
}

int fsync(int fd) { return is_watched(fd) ? synced(fd) : REAL(fsync)(fd); }

int fdatasync(int fd) { return is_watched(fd) ? synced(fd) : REAL(fdatasync)(fd); }

int unlink(const char *path) {
    int failed = REAL(unlink)(path);
    const char *name = name_of(path);
    if (!failed && name) note(UNLINKED, 0, 0, name, strlen(name));
    return failed;
}

static void note_entry(uint32_t kind, const char *from, const char *to) {
    struct stat status;
    const char *old = name_of(from), *new = name_of(to);
    if (old && kind == RENAMED) note(UNLINKED, 0, 0, old, strlen(old));
    if (new && !stat(to, &status)) note(LINKED, status.st_ino, 0, new, strlen(new));
}

int rename(const char *from, const char *to) {
    int failed = REAL(rename)(from, to);
    if (!failed) note_entry(RENAMED, from, to);
    return failed;
}

int link(const char *from, const char *to) {
    int failed = REAL(link)(from, to);
    if (!failed) note_entry(LINKED, from, to);
    return failed;
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    int failed = REAL(linkat)(from_folder, from, to_folder, to, flags);
    if (!failed) note_entry(LINKED, from, to);
    return failed;
}

/* Writes to mapped memory cannot be recorded: the scenario fails if a file is mapped. */
void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset) {
    int unseen = is_watched(fd) && (flags & MAP_SHARED) && (protection & PROT_WRITE);
    if (unseen) note(MAPPED, inode_of(fd), 0, NULL, 0);
    return REAL(mmap64)(at, length, protection, flags, fd, offset);
}

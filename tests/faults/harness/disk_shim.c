/* A disk that fails when told to, loaded before the C library.

   IB_DISK_FOLDER    the folder whose files are meant; nothing happens to others
   IB_DISK_FAIL      while this file is there, a sync fails with EIO, and removes it
   IB_DISK_FULL      while this file is there, every write fails with ENOSPC
   IB_DISK_SYNCED    a folder that gets a copy of each file as it was at its last sync: what a power cut leaves
   IB_DISK_TREE      another folder: while IB_DISK_FULL is there, no file anywhere in it can grow */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* The name of the file in the folder, or NULL for any other file, for memory that is shared, and for locks. */
static const char *own_name(const char *path) {
    const char *folder = getenv("IB_DISK_FOLDER");
    size_t length = folder ? strlen(folder) : 0;
    if (!length || strncmp(path, folder, length) || path[length] != '/') return NULL;
    const char *name = path + length + 1;
    size_t end = strlen(name);
    if (strchr(name, '/') || strncmp(name, "bus.db", 6)) return NULL;
    if (end >= 4 && !strcmp(name + end - 4, "-shm")) return NULL;
    if (end >= 5 && !strcmp(name + end - 5, ".lock")) return NULL;
    return name;
}

static const char *path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    return path;
}

static const char *name_of(int fd, char *path) {
    return path_of(fd, path) ? own_name(path) : NULL;
}

static int is_there(const char *variable) {
    const char *path = getenv(variable);
    return path && !access(path, F_OK);
}

/* Read by the descriptor at hand: to open and close the file would drop the locks of the process. */
static void keep_copy(int fd, const char *name) {
    const char *folder = getenv("IB_DISK_SYNCED");
    char path[PATH_MAX], unfinished[PATH_MAX + 32];
    static __thread char block[1 << 16];
    if (!folder) return;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(unfinished, sizeof unfinished, "%s.%d", path, gettid());
    int copy = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (copy < 0) abort();
    ssize_t got;
    for (off_t place = 0; (got = pread(fd, block, sizeof block, place)) > 0; place += got)
        if (NEXT(write)(copy, block, got) != got) abort();
    close(copy);
    if (rename(unfinished, path)) abort();
}

static int synced(int fd, int (*sync)(int)) {
    char path[PATH_MAX];
    int error = errno;
    const char *name = name_of(fd, path);
    if (name && is_there("IB_DISK_FAIL")) {
        unlink(getenv("IB_DISK_FAIL"));
        errno = EIO;
        return -1;
    }
    errno = error;
    int result = sync(fd);
    if (name && !result) keep_copy(fd, name);
    return result;
}

static int is_full(int fd) {
    char path[PATH_MAX];
    return is_there("IB_DISK_FULL") && name_of(fd, path);
}

/* Whether there is no room for a write that ends here. */
static int is_too_long(int fd, off64_t end) {
    char path[PATH_MAX];
    struct stat file;
    const char *tree = getenv("IB_DISK_TREE");
    return tree && is_there("IB_DISK_FULL") && !fstat(fd, &file) && S_ISREG(file.st_mode) && end > file.st_size
        && path_of(fd, path) && !strncmp(path, tree, strlen(tree));
}

static int no_room(void) {
    errno = ENOSPC;
    return -1;
}

static size_t size_of(const struct iovec *parts, int count) {
    size_t size = 0;
    for (int part = 0; part < count; part++) size += parts[part].iov_len;
    return size;
}

int fsync(int fd) { return synced(fd, NEXT(fsync)); }
int fdatasync(int fd) { return synced(fd, NEXT(fdatasync)); }

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t place) {
    if (is_full(fd) || is_too_long(fd, place + size)) return no_room();
    return NEXT(pwrite64)(fd, data, size, place);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t place) {
    if (is_full(fd) || is_too_long(fd, place + size)) return no_room();
    return NEXT(pwrite)(fd, data, size, place);
}

ssize_t write(int fd, const void *data, size_t size) {
    if (is_full(fd) || is_too_long(fd, lseek(fd, 0, SEEK_CUR) + size)) return no_room();
    return NEXT(write)(fd, data, size);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t place) {
    if (is_too_long(fd, place + size_of(parts, count))) return no_room();
    return NEXT(pwritev64)(fd, parts, count, place);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t place) {
    if (is_too_long(fd, place + size_of(parts, count))) return no_room();
    return NEXT(pwritev)(fd, parts, count, place);
}

int posix_fallocate64(int fd, off64_t place, off64_t size) {
    return is_too_long(fd, place + size) ? ENOSPC : NEXT(posix_fallocate64)(fd, place, size);
}

int posix_fallocate(int fd, off_t place, off_t size) {
    return is_too_long(fd, place + size) ? ENOSPC : NEXT(posix_fallocate)(fd, place, size);
}

/* The copy of a journal that is gone would be taken for one of a crash. */
int unlink(const char *path) {
    const char *name = own_name(path), *folder = getenv("IB_DISK_SYNCED");
    char copy[PATH_MAX];
    int result = NEXT(unlink)(path);
    if (!result && name && folder) {
        snprintf(copy, sizeof copy, "%s/%s", folder, name);
        NEXT(unlink)(copy);
    }
    return result;
}

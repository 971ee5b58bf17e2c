/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/data.h"

#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define VERSION_TEXT "1\n"
#define DATA_NOWHERE "-" /* the address of one that does not listen, or not yet */

#define PLACE_MAX (PATH_MAX + 64) /* a folder's path and a name of ours */

static void join(char out[PLACE_MAX], const char *folder, const char *name)
{
    int len = snprintf(out, PLACE_MAX, "%s/%s", folder, name);
    assert(len > 0 && len < PLACE_MAX);
}

static bool make_folder(const char *path, struct fault *fault)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    return fault_os(fault, path);
}

/* A file that is whole or not there, with a name that is durable. */
static bool write_new(const char *folder, const char *name, const void *content, size_t size,
                      struct fault *fault)
{
    char path[PLACE_MAX], temp[PLACE_MAX + 8];
    join(path, folder, name);
    int len = snprintf(temp, sizeof(temp), "%s.new", path);
    assert(len > 0 && (size_t)len < sizeof(temp));
    AUTO(fd_close) int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    AUTO(fd_close) int parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || parent < 0)
        return fault_os(fault, path);
    if (write(fd, content, size) != (ssize_t)size || fsync(fd) != 0 || rename(temp, path) != 0 ||
        fsync(parent) != 0)
        return fault_os(fault, path);
    return true;
}

bool data_prepare(const char *data_dir, struct fault *fault)
{
    static const char *const folders[] = {"keys", "blobs", "tmp"};
    char path[PLACE_MAX];

    if (!make_folder(data_dir, fault))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        join(path, data_dir, folders[i]);
        if (!make_folder(path, fault))
            return false;
    }
    join(path, data_dir, "VERSION");
    if (access(path, F_OK) == 0)
        return true;
    return write_new(data_dir, "VERSION", VERSION_TEXT, strlen(VERSION_TEXT), fault);
}

/* ---- the lock ---- */

/* Nobody of ours listens where the last holder did: who asks there would show the admin key to
 * whoever has that port by now. */
static bool forget_address(int lock, struct fault *fault)
{
    char text[1024], public_url[1024];
    ssize_t got = pread(lock, text, sizeof(text), 0);
    str rest = str_trim((str){text, got > 0 ? (size_t)got : 0}), word;
    str_split(&rest, ' ', &word);
    str_split(&rest, ' ', &word);
    snprintf(public_url, sizeof(public_url), "%.*s", STR_ARG(rest));
    return data_tell(lock, DATA_NOWHERE, public_url, fault);
}

bool data_lock(const char *data_dir, int *lock, struct fault *fault)
{
    char path[PLACE_MAX];
    join(path, data_dir, "lock");
    AUTO(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fault_os(fault, path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        char holder[1024];
        ssize_t got = pread(fd, holder, sizeof(holder), 0);
        str rest = {holder, got > 0 ? (size_t)got : 0}, pid = STR("unknown"), address = STR("?");
        str_split(&rest, ' ', &pid);
        str_split(&rest, ' ', &address);
        return fault_set(fault, FAULT_TRANSIENT,
                         "%s is in use by another Atelier: process %.*s at %.*s", data_dir,
                         STR_ARG(pid), STR_ARG(address));
    }
    if (!forget_address(fd, fault))
        return false;
    *lock = take_fd(&fd);
    return true;
}

bool data_tell(int lock, const char *address, const char *public_url, struct fault *fault)
{
    char text[1024];
    int len = snprintf(text, sizeof(text), "%d %s %s\n", (int)getpid(), address, public_url);
    if (len < 0 || (size_t)len >= sizeof(text))
        return fault_set(fault, FAULT_INPUT, "too long an address: %s", address);
    if (ftruncate(lock, 0) != 0 || pwrite(lock, text, (size_t)len, 0) != len)
        return fault_os(fault, "lock");
    return true;
}

struct data_holder data_holder(const char *data_dir, struct arena *arena)
{
    char path[PLACE_MAX], text[1024];
    struct data_holder holder = {0};
    join(path, data_dir, "lock");
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return holder;
    holder.is_held = flock(fd, LOCK_SH | LOCK_NB) != 0;
    ssize_t got = pread(fd, text, sizeof(text), 0);
    str line = str_trim((str){text, got > 0 ? (size_t)got : 0});
    str pid;
    str_split(&line, ' ', &pid);
    str_split(&line, ' ', &holder.address);
    if (str_equal(holder.address, STR(DATA_NOWHERE)))
        holder.address = (str){0};
    holder.address = str_copy(arena, holder.address);
    holder.public_url = str_copy(arena, line);
    return holder;
}

/* ---- keys ---- */

static bool read_key(const char *path, uint8_t *key, size_t size, struct fault *fault)
{
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) != 0)
        return fault_os(fault, path);
    if ((facts.st_mode & 077) != 0)
        return fault_set(fault, FAULT_INPUT, "%s can be read by others: chmod 600 %s", path, path);
    if (read(fd, key, size) != (ssize_t)size)
        return fault_set(fault, FAULT_INPUT, "%s is damaged: restore it from a backup", path);
    return true;
}

bool data_key(const char *data_dir, const char *name, uint8_t *key, size_t size,
              struct fault *fault)
{
    char folder[PLACE_MAX], path[PLACE_MAX];
    struct random random;
    join(folder, data_dir, "keys");
    join(path, folder, name);
    if (access(path, F_OK) == 0)
        return read_key(path, key, size, fault);
    random_init(&random);
    random_fill(&random, key, size);
    return write_new(folder, name, key, size, fault);
}

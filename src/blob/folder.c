/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

bool folder_sync(int folder, const char *name, struct fault *fault)
{
    if (fsync(folder) != 0)
        return fault_os(fault, name);
    return true;
}

/* The name in its parent must be durable before anything in it can be. */
static bool parent_sync(int at, const char *name, struct fault *fault)
{
    AUTO(fd_close) int parent = -1;
    if (at == AT_FDCWD)
        return true; /* the data folder itself: made by hand or by the installer as a rule */
    parent = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return fault_os(fault, name);
    return folder_sync(parent, name, fault);
}

bool folder_open(int at, const char *name, bool make, int *out, struct fault *fault)
{
    if (make) {
        if (mkdirat(at, name, 0700) == 0) {
            if (!parent_sync(at, name, fault))
                return false;
        } else if (errno != EEXIST) {
            return fault_os(fault, name);
        }
    }
    /* A link in the data folder could lead root, who backs it up, out of it; the way to the data
     * folder itself is the operator's. */
    int follow = at == AT_FDCWD ? 0 : O_NOFOLLOW;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
    if (fd < 0) {
        bool absent = errno == ENOENT;
        fault_os(fault, name);
        if (absent && fault != NULL)
            fault->kind = FAULT_ABSENT;
        return false;
    }
    *out = fd;
    return true;
}

static void dir_close(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
}

bool folder_visit(int folder, bool (*visit)(void *context, int folder, const char *name),
                  void *context, struct fault *fault)
{
    /* A descriptor of its own: reading moves the offset, which a duplicate would share. */
    AUTO(fd_close) int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(dir_close) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL)
        return fault_os(fault, "reading a folder");
    (void)take_fd(&fd);

    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir); /* NOLINT(concurrency-mt-unsafe): dir is ours */
        if (entry == NULL)
            return errno == 0 || fault_os(fault, "reading a folder");
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!visit(context, dirfd(dir), entry->d_name))
            return false;
    }
}

static bool entry_remove(void *context, int folder, const char *name)
{
    folder_remove(folder, name);
    return true;
}

void folder_remove(int at, const char *name)
{
    if (unlinkat(at, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
        return;
    AUTO(fd_close) int inner = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (inner >= 0 && folder_visit(inner, entry_remove, NULL, NULL))
        unlinkat(at, name, AT_REMOVEDIR);
}

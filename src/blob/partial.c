/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/partial.h"

#include "blob/blob.h"
#include "blob/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct partials {
    int folder;
};

void partials_close(struct partials *partials)
{
    if (partials == NULL)
        return;
    fd_close(&partials->folder);
    free(partials);
}

bool partials_open(const char *folder, struct partials **out, struct fault *fault)
{
    AUTO(fd_close) int data = -1;
    struct partials *partials = memory_zeroed(sizeof(*partials));
    partials->folder = -1;
    if (!folder_open(AT_FDCWD, folder, true, &data, fault) ||
        !folder_open(data, "uploads", true, &partials->folder, fault)) {
        partials_close(partials);
        return false;
    }
    *out = partials;
    return true;
}

static bool name_of(str token, char name[BLOB_ID_LEN + 1], struct fault *fault)
{
    if (!blob_id_is_valid(token))
        return fault_set(fault, FAULT_INPUT, "not the token of an upload: 32 hex digits are");
    memcpy(name, token.at, BLOB_ID_LEN);
    name[BLOB_ID_LEN] = '\0';
    return true;
}

bool partial_open(struct partials *partials, str token, bool make, int *fd, int64_t *size,
                  struct fault *fault)
{
    char name[BLOB_ID_LEN + 1];
    struct stat facts;
    if (!name_of(token, name, fault))
        return false;
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (make ? O_CREAT : 0);
    AUTO(fd_close) int file = openat(partials->folder, name, flags, 0600);
    if (file < 0 && errno == ENOENT)
        return fault_set(fault, FAULT_ABSENT, "there is no upload %s", name);
    if (file < 0 || fstat(file, &facts) != 0)
        return fault_os(fault, name);
    *size = facts.st_size;
    *fd = take_fd(&file);
    return true;
}

bool partial_append(int fd, int64_t *size, bytes part, struct fault *fault)
{
    while (part.len > 0) {
        ssize_t n = pwrite(fd, part.at, part.len, *size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fault_os(fault, "writing an upload");
        *size += n;
        part = (bytes){part.at + n, part.len - (size_t)n};
    }
    return true;
}

bool partial_remove(struct partials *partials, str token, struct fault *fault)
{
    char name[BLOB_ID_LEN + 1];
    if (!name_of(token, name, fault))
        return false;
    /* Not synced: what a crash brings back has no row, and goes at the next start. */
    if (unlinkat(partials->folder, name, 0) != 0 && errno != ENOENT)
        return fault_os(fault, name);
    return true;
}

struct listing {
    bool (*visit)(void *context, str token);
    void *context;
};

static bool show(void *context, int folder, const char *name)
{
    const struct listing *listing = context;
    str token = str_of(name);
    return !blob_id_is_valid(token) || listing->visit(listing->context, token);
}

bool partials_list(struct partials *partials, bool (*visit)(void *context, str token),
                   void *context, struct fault *fault)
{
    struct listing listing = {visit, context};
    fault->kind = FAULT_NONE;
    return folder_visit(partials->folder, show, &listing, fault) || fault->kind == FAULT_NONE;
}

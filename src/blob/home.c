/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/home.h"

#include "blob/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ab/cd of an id. */
static bool inner_open(int root, const char *id, bool make, int *out, struct fault *fault)
{
    const char first[3] = {id[0], id[1], 0};
    const char second[3] = {id[2], id[3], 0};
    AUTO(fd_close) int outer = -1;
    return folder_open(root, first, make, &outer, fault) &&
           folder_open(outer, second, make, out, fault);
}

bool home_file_open(int root, const char *id, int *fd, int64_t *size, struct fault *fault)
{
    AUTO(fd_close) int home = -1;
    struct stat facts;
    if (!inner_open(root, id, false, &home, fault))
        return false;

    AUTO(fd_close) int file = openat(home, id, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 && errno == ENOENT)
        return fault_set(fault, FAULT_ABSENT, "there is no file %s", id);
    if (file < 0 || fstat(file, &facts) != 0)
        return fault_os(fault, id);
    if (!S_ISREG(facts.st_mode))
        return fault_set(fault, FAULT_SYSTEM, "%s is not a file", id);
    *size = facts.st_size;
    *fd = take_fd(&file);
    return true;
}

bool home_file_take(int root, const char *id, int from, const char *name, bool is_synced,
                    struct fault *fault)
{
    AUTO(fd_close) int home = -1;
    if (!inner_open(root, id, true, &home, fault))
        return false;
    if (renameat(from, name, home, id) != 0)
        return fault_os(fault, "naming a file");
    if (!is_synced || folder_sync(home, "blobs/", fault))
        return true;
    unlinkat(home, id, 0);
    return false;
}

bool home_file_remove(int root, const char *id, bool is_synced, struct fault *fault)
{
    AUTO(fd_close) int home = -1;
    struct fault why = {0};
    if (!inner_open(root, id, false, &home, &why)) {
        if (why.kind == FAULT_ABSENT)
            return true;
        return fault_set(fault, why.kind, "%s", why.text);
    }
    if (unlinkat(home, id, 0) != 0)
        return errno == ENOENT || fault_os(fault, id);
    return !is_synced || folder_sync(home, "removing a file", fault);
}

/* ---- listing ---- */

struct listing {
    bool (*visit)(void *context, const struct blob_entry *entry);
    void *context;
    struct fault *fault;
    char prefix[5]; /* "abcd", as far as we are */
    size_t depth;
    bool is_failed;
};

static bool file_visit(struct listing *listing, int folder, const char *name)
{
    struct stat facts;
    if (!blob_id_is_valid(str_of(name)) || strncmp(name, listing->prefix, 4) != 0)
        return true;
    if (fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(facts.st_mode))
        return true; /* gone meanwhile, or not ours */
    const struct blob_entry entry = {
        .id = name,
        .size = facts.st_size,
        .modified = {(int64_t)facts.st_mtim.tv_sec * 1000000 + facts.st_mtim.tv_nsec / 1000},
    };
    return listing->visit(listing->context, &entry);
}

static bool is_hex_pair(const char *name)
{
    return strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2;
}

/* Two levels of folders with two hex digits each, then files. */
static bool level_visit(void *context, int folder, const char *name)
{
    struct listing *listing = context;
    if (listing->depth == 2)
        return file_visit(listing, folder, name);
    if (!is_hex_pair(name))
        return true;

    AUTO(fd_close)
    int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (inner < 0)
        return true;
    struct fault why = {0};
    memcpy(listing->prefix + listing->depth * 2, name, 2);
    listing->depth++;
    bool more = folder_visit(inner, level_visit, listing, &why);
    listing->depth--;
    if (why.kind != FAULT_NONE) {
        listing->is_failed = true;
        fault_set(listing->fault, why.kind, "%s", why.text);
    }
    return more;
}

bool home_list(int root, bool (*visit)(void *context, const struct blob_entry *entry),
               void *context, struct fault *fault)
{
    struct listing listing = {.visit = visit, .context = context, .fault = fault};
    struct fault why = {0};
    if (!folder_visit(root, level_visit, &listing, &why) && why.kind != FAULT_NONE)
        return fault_set(fault, why.kind, "%s", why.text);
    return !listing.is_failed;
}

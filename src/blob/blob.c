/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob.h"

#include "base/file.h"
#include "blob/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define TEMP_PREFIX "blob-"
#define COPY_CHUNK KIB(256)

/*
 * blobs/pin is locked shared by who pins and exclusively for the moment of a removal. A lock
 * belongs to the open file, which the threads of a process share, hence the mutex around it.
 */
struct blobs {
    int root, temp, pin;
    pthread_mutex_t pin_mutex;
    int pin_count; /* of this process */
};

/* "tmp/blob-<id>" without the folder. */
struct temp_name {
    char at[sizeof(TEMP_PREFIX) + BLOB_ID_LEN];
};

static struct temp_name temp_name(const char *id)
{
    struct temp_name name;
    snprintf(name.at, sizeof(name.at), TEMP_PREFIX "%s", id);
    return name;
}

bool blob_id_is_valid(str id)
{
    if (id.len != BLOB_ID_LEN)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (!((id.at[i] >= '0' && id.at[i] <= '9') || (id.at[i] >= 'a' && id.at[i] <= 'f')))
            return false;
    return true;
}

/* ---- opening ---- */

struct sweep {
    instant before;
};

/* Whoever's they were: uploads, copies for a backup. What is still in use was written lately. */
static bool temp_sweep(void *context, int folder, const char *name)
{
    const struct sweep *sweep = context;
    struct stat facts;
    if (fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(facts.st_mode) &&
        (int64_t)facts.st_mtim.tv_sec * 1000000 < sweep->before.us)
        unlinkat(folder, name, 0);
    return true;
}

/* What root makes here on a command's behalf must stay usable for the server's own user. A file
 * with a second name is not of root's making, and that name may be one the user must not own. */
static void owner_follow(int folder, int made)
{
    struct stat facts, own;
    if (geteuid() != 0 || fstat(folder, &facts) != 0 || facts.st_uid == 0 ||
        fstat(made, &own) != 0 || (!S_ISDIR(own.st_mode) && own.st_nlink != 1))
        return;
    if (fchown(made, facts.st_uid, facts.st_gid) != 0)
        return; /* then the server says so when it opens it */
}

static void blobs_auto_close(struct blobs **blobs)
{
    blobs_close(*blobs);
}

bool blobs_open(const char *folder, instant now, struct blobs **out, struct fault *fault)
{
    AUTO(fd_close) int data = -1;
    AUTO(blobs_auto_close) struct blobs *blobs = memory_zeroed(sizeof(*blobs));
    blobs->root = blobs->temp = blobs->pin = -1;
    pthread_mutex_init(&blobs->pin_mutex, NULL);

    if (!folder_open(AT_FDCWD, folder, true, &data, fault) ||
        !folder_open(data, "blobs", true, &blobs->root, fault) ||
        !folder_open(data, "tmp", true, &blobs->temp, fault))
        return false;
    blobs->pin = openat(blobs->root, "pin", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (blobs->pin < 0)
        return fault_os(fault, "blobs/pin");
    owner_follow(data, blobs->root);
    owner_follow(data, blobs->temp);
    owner_follow(data, blobs->pin);

    struct sweep sweep = {.before = {now.us - BLOB_TEMP_GRACE.us}};
    if (!folder_visit(blobs->temp, temp_sweep, &sweep, fault))
        return false;
    *out = take_pointer(&blobs);
    return true;
}

void blobs_close(struct blobs *blobs)
{
    if (blobs == NULL)
        return;
    fd_close(&blobs->root);
    fd_close(&blobs->temp);
    fd_close(&blobs->pin);
    pthread_mutex_destroy(&blobs->pin_mutex);
    free(blobs);
}

/* blobs/ab/cd of an id. */
static bool home_open(struct blobs *blobs, const char *id, bool make, int *out, struct fault *fault)
{
    const char first[3] = {id[0], id[1], 0};
    const char second[3] = {id[2], id[3], 0};
    AUTO(fd_close) int outer = -1;
    return folder_open(blobs->root, first, make, &outer, fault) &&
           folder_open(outer, second, make, out, fault);
}

/* ---- writing ---- */

bool blob_create(struct blobs *blobs, struct random *random, struct blob_writer *out,
                 struct fault *fault)
{
    *out = (struct blob_writer){.fd = -1};
    random_token(random, out->id);
    int fd = openat(blobs->temp, temp_name(out->id).at,
                    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fault_os(fault, "tmp/");

    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
        abort(); /* out of memory, or an OpenSSL without SHA-256 */
    out->blobs = blobs;
    out->fd = fd;
    out->hash = hash;
    return true;
}

/* Everything of the writer but the file's name. */
static void writer_release(struct blob_writer *writer)
{
    EVP_MD_CTX_free(writer->hash);
    close(writer->fd);
    writer->hash = NULL;
    writer->blobs = NULL;
    writer->fd = -1;
}

void blob_abort(struct blob_writer *writer)
{
    if (writer->blobs == NULL)
        return;
    unlinkat(writer->blobs->temp, temp_name(writer->id).at, 0);
    writer_release(writer);
}

/* The fault is filled already. */
static bool give_up(struct blob_writer *writer)
{
    blob_abort(writer);
    return false;
}

bool blob_write(struct blob_writer *writer, bytes part, struct fault *fault)
{
    if (writer->blobs == NULL)
        return fault_set(fault, FAULT_BUG, "this blob was finished or given up before");
    if (part.len > (uint64_t)(BLOB_SIZE_MAX - writer->size)) {
        fault_set(fault, FAULT_INPUT, "the file is larger than %lld bytes",
                  (long long)BLOB_SIZE_MAX);
        return give_up(writer);
    }
    EVP_DigestUpdate(writer->hash, part.at, part.len);
    writer->size += (int64_t)part.len;
    if (file_write_all(writer->fd, part))
        return true;
    fault_os(fault, "writing a file");
    return give_up(writer);
}

/* Synced, then named, then the name synced: a crash leaves a whole blob or a sweeping of tmp/. */
static bool publish(struct blob_writer *writer, struct fault *fault)
{
    AUTO(fd_close) int home = -1;
    struct blobs *blobs = writer->blobs;
    if (fsync(writer->fd) != 0)
        return fault_os(fault, "writing a file");
    if (!home_open(blobs, writer->id, true, &home, fault))
        return false;
    if (renameat(blobs->temp, temp_name(writer->id).at, home, writer->id) != 0)
        return fault_os(fault, "naming a file");
    if (!folder_sync(home, "blobs/", fault)) {
        unlinkat(home, writer->id, 0);
        return false;
    }
    return true;
}

bool blob_finish(struct blob_writer *writer, struct blob_info *out, struct fault *fault)
{
    if (writer->blobs == NULL)
        return fault_set(fault, FAULT_BUG, "this blob was finished or given up before");
    if (!publish(writer, fault))
        return give_up(writer);

    *out = (struct blob_info){.size = writer->size};
    memcpy(out->id, writer->id, sizeof(out->id));
    EVP_DigestFinal_ex(writer->hash, out->sha256, NULL);
    writer_release(writer);
    return true;
}

static bool copy_from(struct blob_writer *writer, int fd, int64_t size, struct fault *fault)
{
    AUTO(memory_free) uint8_t *chunk = memory_new(COPY_CHUNK);
    int64_t at = 0;
    while (at < size) {
        /* pread into memory rather than copy_file_range: every byte is hashed anyway, and a
         * memfd is on another file system. */
        size_t want = (size_t)MIN_OF((int64_t)COPY_CHUNK, size - at);
        ssize_t n = pread(fd, chunk, want, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fault_os(fault, "reading a file to keep");
        if (n == 0)
            return fault_set(fault, FAULT_INPUT, "the file ends after %lld of %lld bytes",
                             (long long)at, (long long)size);
        if (!blob_write(writer, (bytes){chunk, (size_t)n}, fault))
            return false;
        at += n;
    }
    return true;
}

bool blob_put_fd(struct blobs *blobs, struct random *random, int fd, int64_t size,
                 struct blob_info *out, struct fault *fault)
{
    struct blob_writer writer;
    if (size < 0)
        return fault_set(fault, FAULT_INPUT, "a file cannot have %lld bytes", (long long)size);
    if (!blob_create(blobs, random, &writer, fault))
        return false;
    if (!copy_from(&writer, fd, size, fault))
        return give_up(&writer);
    return blob_finish(&writer, out, fault);
}

/* ---- reading, removing ---- */

/* The folder of an id that came from outside, and the id ended by zero. */
static bool home_find(struct blobs *blobs, str id, char name[BLOB_ID_LEN + 1], int *out,
                      struct fault *fault)
{
    if (!blob_id_is_valid(id))
        return fault_set(fault, FAULT_INPUT, "not the id of a file: 32 hex digits are");
    memcpy(name, id.at, BLOB_ID_LEN);
    name[BLOB_ID_LEN] = 0;
    return home_open(blobs, name, false, out, fault);
}

bool blob_open(struct blobs *blobs, str id, int *fd, int64_t *size, struct fault *fault)
{
    AUTO(fd_close) int home = -1;
    char name[BLOB_ID_LEN + 1];
    struct stat facts;
    if (!home_find(blobs, id, name, &home, fault))
        return false;

    AUTO(fd_close) int file = openat(home, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 && errno == ENOENT)
        return fault_set(fault, FAULT_ABSENT, "there is no file %s", name);
    if (file < 0 || fstat(file, &facts) != 0)
        return fault_os(fault, name);
    if (!S_ISREG(facts.st_mode))
        return fault_set(fault, FAULT_SYSTEM, "%s is not a file", name);
    *size = facts.st_size;
    *fd = take_fd(&file);
    return true;
}

static bool file_remove(int home, const char *name, struct fault *fault)
{
    /* Not synced: what a crash brings back is an orphan, and removed by the collector. */
    if (unlinkat(home, name, 0) != 0 && errno != ENOENT)
        return fault_os(fault, name);
    return true;
}

bool blob_remove(struct blobs *blobs, str id, bool *is_gone, struct fault *fault)
{
    AUTO(fd_close) int home = -1;
    char name[BLOB_ID_LEN + 1];
    struct fault why = {0};
    if (is_gone != NULL)
        *is_gone = true;
    if (!home_find(blobs, id, name, &home, &why)) {
        if (why.kind == FAULT_ABSENT)
            return true;
        return fault_set(fault, why.kind, "%s", why.text);
    }

    bool ok = true;
    pthread_mutex_lock(&blobs->pin_mutex);
    bool unpinned = blobs->pin_count == 0 && flock(blobs->pin, LOCK_EX | LOCK_NB) == 0;
    if (unpinned) {
        ok = file_remove(home, name, fault);
        flock(blobs->pin, LOCK_UN);
    }
    pthread_mutex_unlock(&blobs->pin_mutex);
    if (is_gone != NULL)
        *is_gone = unpinned && ok;
    return ok;
}

/* ---- pinning ---- */

bool blobs_pin(struct blobs *blobs, struct fault *fault)
{
    bool ok = true;
    pthread_mutex_lock(&blobs->pin_mutex);
    if (blobs->pin_count == 0)
        while (!(ok = flock(blobs->pin, LOCK_SH) == 0) && errno == EINTR)
            continue;
    if (ok)
        blobs->pin_count++;
    else
        fault_os(fault, "blobs/pin");
    pthread_mutex_unlock(&blobs->pin_mutex);
    return ok;
}

void blobs_unpin(struct blobs *blobs)
{
    pthread_mutex_lock(&blobs->pin_mutex);
    assert(blobs->pin_count > 0);
    if (--blobs->pin_count == 0)
        flock(blobs->pin, LOCK_UN);
    pthread_mutex_unlock(&blobs->pin_mutex);
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

bool blob_list(struct blobs *blobs, bool (*visit)(void *context, const struct blob_entry *entry),
               void *context, struct fault *fault)
{
    struct listing listing = {.visit = visit, .context = context, .fault = fault};
    struct fault why = {0};
    if (!folder_visit(blobs->root, level_visit, &listing, &why) && why.kind != FAULT_NONE)
        return fault_set(fault, why.kind, "%s", why.text);
    return !listing.is_failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob.h"

#include "base/file.h"
#include "blob/blobs.h"
#include "blob/folder.h"
#include "blob/home.h"

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

/* ---- opening ---- */

struct sweep {
    instant before;
    bool is_ours_only; /* of this module, by their names */
};

/* Whoever's they were: uploads, copies for a backup. What is still in use was written lately. */
static bool temp_sweep(void *context, int folder, const char *name)
{
    const struct sweep *sweep = context;
    struct stat facts;
    if (sweep->is_ours_only && !str_starts(str_of(name), STR(TEMP_PREFIX)) &&
        !str_starts(str_of(name), STR(BLOB_FETCH_PREFIX)))
        return true;
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

static bool folders_open(struct blobs *blobs, const char *folder, struct fault *fault)
{
    AUTO(fd_close) int data = -1;
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
    return true;
}

/* If it is there. */
static bool keep_open_old(struct keep *keep, int data, const char *name, struct fault *fault)
{
    return faccessat(data, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 ||
           keep_open(keep, data, name, 0, fault);
}

/* Without a bucket the copies of one are files like any other, but none are made. */
static bool keep_begin(struct blobs *blobs, const struct blobs_options *options,
                       struct fault *fault)
{
    AUTO(fd_close) int data = -1;
    if (!folder_open(AT_FDCWD, options->folder, true, &data, fault))
        return false;
    bool is_copies = options->keeps_copies || options->bucket == NULL;
    if (!keep_open_old(&blobs->idle, data, is_copies ? "cache" : "copies", fault))
        return false;
    if (options->bucket == NULL)
        return keep_open_old(&blobs->keep, data, "copies", fault);
    int64_t most = options->cache_max == 0 ? BLOB_CACHE_MAX : options->cache_max;
    bool ok = options->keeps_copies ? keep_open(&blobs->keep, data, "copies", 0, fault)
                                    : keep_open(&blobs->keep, data, "cache", most, fault);
    if (ok)
        owner_follow(data, blobs->keep.root);
    return ok;
}

bool blobs_open_with(const struct blobs_options *options, struct blobs **out, struct fault *fault)
{
    AUTO(blobs_auto_close) struct blobs *blobs = memory_zeroed(sizeof(*blobs));
    blobs->root = blobs->temp = blobs->pin = blobs->keep.root = blobs->idle.root = -1;
    blobs->is_remote = options->is_remote && options->bucket != NULL;
    pthread_mutex_init(&blobs->pin_mutex, NULL);
    if (!folders_open(blobs, options->folder, fault) || !keep_begin(blobs, options, fault) ||
        (options->bucket != NULL && !bucket_open(options->bucket, &blobs->bucket, fault)) ||
        (options->cdn != NULL && !cdn_open(options->cdn, &blobs->cdn, fault)))
        return false;

    struct sweep sweep = {.before = {options->now.us - BLOB_TEMP_GRACE.us}};
    if (!folder_visit(blobs->temp, temp_sweep, &sweep, fault))
        return false;
    *out = take_pointer(&blobs);
    return true;
}

bool blobs_open(const char *folder, instant now, struct blobs **out, struct fault *fault)
{
    return blobs_open_with(&(struct blobs_options){.folder = folder, .now = now}, out, fault);
}

bool blobs_sweep(struct blobs *blobs, instant now, struct fault *fault)
{
    struct sweep sweep = {.before = {now.us - BLOB_TEMP_LONG.us}, .is_ours_only = true};
    return folder_visit(blobs->temp, temp_sweep, &sweep, fault);
}

void blobs_stop(struct blobs *blobs)
{
    if (blobs->bucket != NULL)
        bucket_stop(blobs->bucket);
}

void blobs_close(struct blobs *blobs)
{
    if (blobs == NULL)
        return;
    bucket_close(blobs->bucket);
    cdn_close(blobs->cdn);
    keep_close(&blobs->keep);
    keep_close(&blobs->idle);
    fd_close(&blobs->root);
    fd_close(&blobs->temp);
    fd_close(&blobs->pin);
    pthread_mutex_destroy(&blobs->pin_mutex);
    free(blobs);
}

/* ---- writing ---- */

bool blob_create(struct blobs *blobs, struct random *random, struct blob_writer *out,
                 struct fault *fault)
{
    *out = (struct blob_writer){.fd = -1};
    random_token(random, out->id);
    int fd = openat(blobs->temp, temp_name(out->id).at,
                    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
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
    struct blobs *blobs = writer->blobs;
    if (fsync(writer->fd) != 0)
        return fault_os(fault, "writing a file");
    return home_file_take(blobs->root, writer->id, blobs->temp, temp_name(writer->id).at, true,
                          fault);
}

/* The copy is the backup, and must be there then; what is only held ready need not. But what is
 * there is whole, also behind a power cut: it is served as the file. */
static bool copy_keep(struct blob_writer *writer, struct fault *fault)
{
    struct blobs *blobs = writer->blobs;
    struct fault why;
    if (!blobs->keep.is_durable) {
        if (fsync(writer->fd) != 0 || !keep_take(&blobs->keep, writer->id, blobs->temp,
                                                 temp_name(writer->id).at, writer->size, &why))
            unlinkat(blobs->temp, temp_name(writer->id).at, 0);
        return true;
    }
    if (fsync(writer->fd) != 0)
        return fault_os(fault, "writing a file");
    return keep_take(&blobs->keep, writer->id, blobs->temp, temp_name(writer->id).at, writer->size,
                     fault);
}

static bool publish_remote(struct blob_writer *writer, const uint8_t sum[32], struct fault *fault)
{
    struct bucket *bucket = writer->blobs->bucket;
    str id = str_of(writer->id);
    if (!bucket_put(bucket, id, writer->fd, writer->size, sum, fault))
        return false;
    if (copy_keep(writer, fault))
        return true;
    if (!bucket_remove(bucket, id, NULL))
        return false; /* then the collector finds it */
    return false;
}

bool blob_finish(struct blob_writer *writer, struct blob_info *out, struct fault *fault)
{
    struct blob_info info = {.size = writer->size};
    if (writer->blobs == NULL)
        return fault_set(fault, FAULT_BUG, "this blob was finished or given up before");
    memcpy(info.id, writer->id, sizeof(info.id));
    EVP_DigestFinal_ex(writer->hash, info.sha256, NULL);
    if (!(writer->blobs->is_remote ? publish_remote(writer, info.sha256, fault)
                                   : publish(writer, fault)))
        return give_up(writer);
    writer_release(writer);
    *out = info;
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

/* ---- removing ---- */

/* The caller holds the mutex. */
static void fetches_tell(struct blobs *blobs, const char *id)
{
    for (struct blob_fetch *fetch = blobs->fetches; fetch != NULL; fetch = fetch->next)
        fetch->is_removed = fetch->is_removed || strcmp(fetch->id, id) == 0;
}

bool blob_files_remove(struct blobs *blobs, const char *id, enum blob_files which, bool *is_gone,
                       struct fault *fault)
{
    bool ok = true;
    pthread_mutex_lock(&blobs->pin_mutex);
    bool unpinned = blobs->pin_count == 0 && flock(blobs->pin, LOCK_EX | LOCK_NB) == 0;
    if (unpinned) {
        ok = home_file_remove(blobs->root, id, false, fault) &&
             (which == BLOB_FILES_OWN ||
              (keep_remove(&blobs->keep, id, fault) && keep_remove(&blobs->idle, id, fault)));
        if (which == BLOB_FILES_ALL)
            fetches_tell(blobs, id);
        flock(blobs->pin, LOCK_UN);
    }
    pthread_mutex_unlock(&blobs->pin_mutex);
    *is_gone = unpinned && ok;
    return ok;
}

bool blob_remove(struct blobs *blobs, str id, bool *is_gone, struct fault *fault)
{
    char name[BLOB_ID_LEN + 1];
    bool is_free = true;
    if (is_gone != NULL)
        *is_gone = true;
    if (!blob_name(id, name, fault))
        return false;
    bool ok = blob_files_remove(blobs, name, BLOB_FILES_ALL, &is_free, fault);
    /* Once more after it: until then anybody could fetch it and keep it at hand, or move it here.
     */
    if (ok && is_free && blobs->bucket != NULL)
        ok = bucket_remove(blobs->bucket, id, fault) &&
             blob_files_remove(blobs, name, BLOB_FILES_ALL, &is_free, fault);
    if (is_gone != NULL)
        *is_gone = is_free && ok;
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

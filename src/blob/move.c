/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/move.h"

#include "blob/blobs.h"
#include "blob/home.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define CHUNK KIB(256)

static void hash_auto_free(EVP_MD_CTX **hash)
{
    EVP_MD_CTX_free(*hash);
}

static bool hash_file(int fd, uint8_t sum[32], struct fault *fault)
{
    AUTO(memory_free) uint8_t *chunk = memory_new(CHUNK);
    AUTO(hash_auto_free) EVP_MD_CTX *hash = EVP_MD_CTX_new();
    int64_t at = 0;
    if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
        abort(); /* out of memory, or an OpenSSL without SHA-256 */
    for (;;) {
        ssize_t got = pread(fd, chunk, CHUNK, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fault_os(fault, "reading a file to move");
        if (got == 0)
            break;
        EVP_DigestUpdate(hash, chunk, (size_t)got);
        at += got;
    }
    EVP_DigestFinal_ex(hash, sum, NULL);
    return true;
}

static bool is_as_said(const uint8_t sum[32], const uint8_t *said, struct fault *fault)
{
    if (said == NULL || memcmp(sum, said, 32) == 0)
        return true;
    return fault_set(fault, FAULT_INPUT, "it is damaged: its SHA-256 is not what its row says");
}

/* What the bucket has, in a file of its own whose bytes were read once more. */
static bool read_back(struct blob_fetch *fetch, const char *id, uint8_t sum[32], int64_t *size,
                      struct fault *fault)
{
    uint8_t came[32];
    struct bucket *bucket = fetch->blobs->bucket;
    if (!blob_fetch_begin(fetch, id, fault) ||
        !bucket_get(bucket, str_of(id), NULL, fetch->fd, size, came, fault))
        return false;
    if (fsync(fetch->fd) != 0)
        return fault_os(fault, "fetching a file");
    AUTO(fd_close)
    int file = openat(fetch->blobs->temp, fetch->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return fault_os(fault, "fetching a file");
    return hash_file(file, sum, fault) &&
           (memcmp(sum, came, 32) == 0 ||
            fault_set(fault, FAULT_SYSTEM, "the disk did not keep what was fetched"));
}

/* Nobody but who deletes it takes it away under a move. */
static bool is_here(struct blobs *blobs, const char *id)
{
    AUTO(fd_close) int fd = -1;
    int64_t size;
    struct fault why;
    return home_file_open(blobs->root, id, &fd, &size, &why) || why.kind != FAULT_ABSENT;
}

static bool to_bucket(struct blobs *blobs, const char *id, const uint8_t *said,
                      enum blob_moved *out, struct fault *fault)
{
    AUTO(fd_close) int fd = -1;
    AUTO(blob_fetch_done) struct blob_fetch fetch = {.blobs = blobs, .fd = -1};
    uint8_t sum[32], came[32];
    int64_t size, back;
    bool is_gone;
    struct fault why;
    if (!home_file_open(blobs->root, id, &fd, &size, &why)) {
        *out = BLOB_MOVED_GONE;
        return why.kind == FAULT_ABSENT || fault_set(fault, why.kind, "%s", why.text);
    }
    if (!hash_file(fd, sum, fault) || !is_as_said(sum, said, fault) ||
        !bucket_put(blobs->bucket, str_of(id), fd, size, sum, fault) ||
        !read_back(&fetch, id, came, &back, fault))
        return false;
    if (memcmp(sum, came, sizeof(sum)) != 0)
        return fault_set(fault, FAULT_SYSTEM, "the bucket did not keep what was sent");
    /* What was read back is the copy, if there is to be one. */
    if (!blob_fetch_keep(&fetch, back, &why) && blobs->keep.is_durable)
        return fault_set(fault, why.kind, "%s", why.text);
    *out = BLOB_MOVED_GONE;
    if (!is_here(blobs, id))
        return keep_remove(&blobs->keep, id, fault) &&
               bucket_remove(blobs->bucket, str_of(id), fault);
    if (!blob_files_remove(blobs, id, BLOB_FILES_OWN, &is_gone, fault))
        return false;
    *out = is_gone ? BLOB_MOVED : BLOB_MOVED_HELD;
    return true;
}

static bool to_disk(struct blobs *blobs, const char *id, const uint8_t *said, enum blob_moved *out,
                    struct fault *fault)
{
    AUTO(blob_fetch_done) struct blob_fetch fetch = {.blobs = blobs, .fd = -1};
    uint8_t sum[32];
    int64_t size;
    struct fault why;
    if (!read_back(&fetch, id, sum, &size, &why)) {
        *out = BLOB_MOVED_GONE;
        return why.kind == FAULT_ABSENT || fault_set(fault, why.kind, "%s", why.text);
    }
    if (!is_as_said(sum, said, fault) ||
        !home_file_take(blobs->root, id, blobs->temp, fetch.name, true, fault))
        return false;
    fd_close(&fetch.fd); /* it has another name now */
    bool is_there = true;
    if (!bucket_has(blobs->bucket, str_of(id), &is_there, fault))
        return false;
    *out = is_there ? BLOB_MOVED : BLOB_MOVED_GONE;
    if (!is_there && !home_file_remove(blobs->root, id, false, fault))
        return false;
    return keep_remove(&blobs->keep, id, fault) && bucket_remove(blobs->bucket, str_of(id), fault);
}

bool blob_moves_begin(struct blobs *blobs, struct fault *fault)
{
    return flock(blobs->root, LOCK_EX | LOCK_NB) == 0 ||
           fault_set(fault, FAULT_TRANSIENT,
                     "another atelier blobs move is at work on this folder; wait for its end");
}

bool blob_move(struct blobs *blobs, str id, enum blob_side to, const uint8_t *sha256,
               enum blob_moved *out, struct fault *fault)
{
    char name[BLOB_ID_LEN + 1];
    return blob_name(id, name, fault) &&
           (to == BLOB_SIDE_BUCKET ? to_bucket(blobs, name, sha256, out, fault)
                                   : to_disk(blobs, name, sha256, out, fault));
}

bool blob_send_again(struct blobs *blobs, str id, const uint8_t sha256[32], struct fault *fault)
{
    AUTO(fd_close) int fd = -1;
    char name[BLOB_ID_LEN + 1];
    uint8_t sum[32];
    int64_t size;
    return blob_name(id, name, fault) && keep_find(&blobs->keep, name, &fd, &size, fault) &&
           hash_file(fd, sum, fault) && is_as_said(sum, sha256, fault) &&
           bucket_put(blobs->bucket, id, fd, size, sum, fault);
}

bool blob_list_side(struct blobs *blobs, enum blob_side side,
                    bool (*visit)(void *context, const struct blob_entry *entry), void *context,
                    struct fault *fault)
{
    return side == BLOB_SIDE_DISK ? home_list(blobs->root, visit, context, fault)
                                  : bucket_list(blobs->bucket, visit, context, fault);
}

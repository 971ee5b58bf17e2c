/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One uploaded file on its way into a blob: what it is is told from its first bytes, its size is
 * held against the limit of its kind while it comes, its hash against the one that was announced.
 *
 * Owns:     a blob writer until the end; the finished blob until upload_file_hand_over.
 * Threads:  one at a time; writing and syncing block, so it is a keeper's.
 * Time:     none.
 * Fails:    into struct upload_failure; nothing more is written then.
 */
#pragma once

#include "blob/blob.h"
#include "media/type.h"

/* Why an upload is refused; status 0: it is not. */
struct upload_failure {
    int status;
    const char *code;
    char text[320];
};

/* The first failure stays. Answers false. */
bool upload_fail(struct upload_failure *failure, int status, const char *code, const char *format,
                 ...) PRINTF_LIKE(4, 5);

struct upload_file {
    struct blobs *blobs;
    const char *folder;           /* on whose disk they lie */
    int64_t announced;            /* bytes, roughly; -1: not said */
    int64_t image_max, video_max; /* bytes */
    uint8_t sha256[32];           /* announced */
    bool has_sha256;
    /* the module's */
    struct blob_writer writer;
    struct blob_info info;
    struct media_found found;
    char first[MEDIA_TYPE_BYTES];
    size_t first_len;
    int64_t size;
    bool is_kept;
};

bool upload_file_write(struct upload_file *file, struct random *random, str part,
                       struct upload_failure *failure) MUST_CHECK;

/* All of it came: synced and kept under file->info. */
bool upload_file_end(struct upload_file *file, struct random *random,
                     struct upload_failure *failure) MUST_CHECK;

/* A row names it now. */
void upload_file_hand_over(struct upload_file *file);

/* Whether there is anything to remove. */
bool upload_file_is_there(const struct upload_file *file);

/* Removes what there is of it; a zeroed one has nothing. */
void upload_file_drop(struct upload_file *file);

/* What is no picture and no film fails with a sentence. */
bool upload_check_type(const struct media_found *found, struct upload_failure *failure);

/* A disk keeps so much free for what is more important: the database. */
#define UPLOAD_DISK_RESERVE ((int64_t)MIB(256))

/* Whether so many bytes more leave the reserve on the disk of that folder; fails with a sentence.
 * What the disk does not tell does not stand in the way. */
bool upload_check_disk(const char *folder, int64_t size, struct upload_failure *failure);

/* "25 MB" of 2^20 bytes each. */
void upload_size_write(char *to, size_t room, int64_t size);

/* A file of this size and kind is beyond its limit: fails with a sentence. */
bool upload_check_size(const struct media_found *found, int64_t size, int64_t image_max,
                       int64_t video_max, struct upload_failure *failure);

/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/upload_file.h"

#include "base/log.h"
#include "media/protocol.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define TOO_LARGE 413

bool upload_fail(struct upload_failure *failure, int status, const char *code, const char *format,
                 ...)
{
    va_list args;
    if (failure->status != 0)
        return false;
    failure->status = status;
    failure->code = code;
    va_start(args, format);
    vsnprintf(failure->text, sizeof(failure->text), format, args);
    va_end(args);
    return false;
}

void upload_size_write(char *to, size_t room, int64_t size)
{
    double mib = (double)size / (double)MIB(1);
    snprintf(to, room, size % (int64_t)MIB(1) == 0 || mib >= 100 ? "%.0f MB" : "%.1f MB", mib);
}

bool upload_check_size(const struct media_found *found, int64_t size, int64_t image_max,
                       int64_t video_max, struct upload_failure *failure)
{
    char limit[40];
    int64_t max = media_type_is_film(found->type) ? video_max : image_max;
    if (size <= max)
        return true;
    upload_size_write(limit, sizeof(limit), max);
    return upload_fail(failure, TOO_LARGE, "TOO_LARGE",
                       "This is %s of more than %s, which is the most your plan takes.",
                       found->name, limit);
}

bool upload_check_type(const struct media_found *found, struct upload_failure *failure)
{
    return found->type != MEDIA_TYPE_NONE ||
           upload_fail(failure, 400, "UNSUPPORTED_TYPE",
                       "This is %s, which is not accepted. " MEDIA_ACCEPTED, found->name);
}

bool upload_check_disk(const char *folder, int64_t size, struct upload_failure *failure)
{
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0)
        return true;
    int64_t left = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
    return left - size >= UPLOAD_DISK_RESERVE ||
           upload_fail(failure, 507, "DISK_FULL",
                       "The server's disk is nearly full. Nothing was kept; try again later.");
}

/* What the disk says. */
static bool fail_by(struct upload_failure *failure, const struct fault *fault)
{
    log_event(LOG_ERROR, "upload_failed", "%s", fault->text);
    if (fault->kind == FAULT_FULL)
        return upload_fail(failure, 507, "DISK_FULL",
                           "The server's disk is full. Nothing was kept; try again later.");
    return upload_fail(failure, 503, "OVERLOAD",
                       "The file could not be stored just now. Try again in a moment.");
}

static bool write_blob(struct upload_file *file, str part, struct upload_failure *failure)
{
    struct fault fault;
    file->size += (int64_t)part.len;
    if (!upload_check_size(&file->found, file->size, file->image_max, file->video_max, failure))
        return false;
    return blob_write(&file->writer, bytes_of(part), &fault) || fail_by(failure, &fault);
}

/* Enough of it is here to tell what it is. */
static bool begin(struct upload_file *file, struct random *random, struct upload_failure *failure)
{
    struct fault fault;
    file->found = media_type_of((str){file->first, file->first_len});
    if (!upload_check_type(&file->found, failure) ||
        !upload_check_disk(file->folder, MAX_OF(file->announced, (int64_t)0), failure))
        return false;
    if (!blob_create(file->blobs, random, &file->writer, &fault))
        return fail_by(failure, &fault);
    return write_blob(file, (str){file->first, file->first_len}, failure);
}

bool upload_file_write(struct upload_file *file, struct random *random, str part,
                       struct upload_failure *failure)
{
    if (file->found.type == MEDIA_TYPE_NONE) {
        size_t len = MIN_OF(part.len, sizeof(file->first) - file->first_len);
        if (len != 0)
            memcpy(file->first + file->first_len, part.at, len);
        file->first_len += len;
        part = str_slice(part, len, part.len);
        if (file->first_len < sizeof(file->first))
            return true;
        if (!begin(file, random, failure))
            return false;
    }
    return part.len == 0 || write_blob(file, part, failure);
}

bool upload_file_end(struct upload_file *file, struct random *random,
                     struct upload_failure *failure)
{
    struct fault fault;
    if (file->found.type == MEDIA_TYPE_NONE && file->first_len == 0)
        return upload_fail(failure, 400, "EMPTY", "This file is empty.");
    if (file->found.type == MEDIA_TYPE_NONE && !begin(file, random, failure))
        return false;
    if (!blob_finish(&file->writer, &file->info, &fault))
        return fail_by(failure, &fault);
    file->is_kept = true;
    if (file->has_sha256 && memcmp(file->sha256, file->info.sha256, sizeof(file->sha256)) != 0)
        return upload_fail(failure, 400, "BAD_DIGEST",
                           "The file was damaged on its way: its Digest is another one. Send it "
                           "again.");
    return true;
}

void upload_file_hand_over(struct upload_file *file)
{
    file->is_kept = false;
}

bool upload_file_is_there(const struct upload_file *file)
{
    return file->is_kept || file->writer.blobs != NULL;
}

void upload_file_drop(struct upload_file *file)
{
    struct fault fault;
    blob_abort(&file->writer);
    /* What cannot be removed now is an orphan, and the sweep's. */
    if (file->is_kept && !blob_remove(file->blobs, str_of(file->info.id), NULL, &fault))
        log_event(LOG_WARN, "blob_failed", "%s", fault.text);
    file->is_kept = false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/stamping.h"

#include "media/edits.h"

#define PART KIB(256)

static bool read_all(int fd, uint8_t *to, size_t len, uint64_t at, struct fault *fault)
{
    for (size_t done = 0; done < len;) {
        ssize_t got = pread(fd, to + done, len - done, (off_t)(at + done));
        if (got < 0)
            return fault_os(fault, "the original");
        if (got == 0)
            return fault_set(fault, FAULT_SYSTEM, "the original ended early");
        done += (size_t)got;
    }
    return true;
}

static bool write_stretch(struct blob_writer *writer, int from, const struct edits_part *part,
                          uint8_t *space, struct fault *fault)
{
    for (uint64_t done = 0; done < part->len;) {
        size_t some = (size_t)MIN_OF(part->len - done, (uint64_t)PART);
        if (!read_all(from, space, some, part->at + done, fault) ||
            !blob_write(writer, (bytes){space, some}, fault))
            return false;
        done += some;
    }
    return true;
}

static bool write_copy(struct blob_writer *writer, int from, struct edits_walk *walk,
                       struct fault *fault)
{
    AUTO(memory_free) uint8_t *space = memory_new(PART);
    struct edits_part part;
    while (edits_next(walk, &part))
        if (!(part.is_file ? write_stretch(writer, from, &part, space, fault)
                           : blob_write(writer, part.added, fault)))
            return false;
    return true;
}

bool stamping_copy(struct blobs *blobs, struct random *random, str blob, int edits, size_t len,
                   struct blob_info *out, struct fault *fault)
{
    AUTO(fd_close) int from = -1;
    AUTO(blob_abort) struct blob_writer writer = {.fd = -1};
    int64_t size = 0;
    uint64_t copy_len;
    if (len > EDITS_BYTES_MAX)
        return fault_set(fault, FAULT_INPUT, "the edits are too long");
    AUTO(memory_free) uint8_t *said = memory_new(len);
    if (!read_all(edits, said, len, 0, fault) || !blob_open(blobs, blob, &from, &size, fault))
        return false;
    struct edits_walk walk = {.edits = {said, len}, .file_len = (uint64_t)size};
    if (!edits_check(walk.edits, walk.file_len, &copy_len))
        return fault_set(fault, FAULT_INPUT, "the edits do not fit the file");
    return blob_create(blobs, random, &writer, fault) && write_copy(&writer, from, &walk, fault) &&
           blob_finish(&writer, out, fault);
}

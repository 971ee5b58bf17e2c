/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/zip.h"

#include "base/date.h"

#define LOCAL_SIZE 30
#define CENTRAL_SIZE 46
#define END_SIZE 22
#define END64_SIZE (56 + 20)
#define STAMP_SIZE 9
#define LARGE INT64_C(0xFFFFFFFF)
#define MANY 0xFFFF

#define NAME_IS_UTF8 0x0800
#define VERSION 20   /* that is wanted for folders and stored files */
#define VERSION64 45 /* and for Zip64 */
#define MADE_ON_UNIX (3 << 8)
#define MODE_FILE UINT32_C(0100644)

static void write_16(struct buffer *to, unsigned value)
{
    buffer_char(to, (char)(value & 0xFF));
    buffer_char(to, (char)(value >> 8 & 0xFF));
}

static void write_32(struct buffer *to, uint32_t value)
{
    write_16(to, value & 0xFFFF);
    write_16(to, value >> 16);
}

static void write_64(struct buffer *to, int64_t value)
{
    write_32(to, (uint32_t)((uint64_t)value & 0xFFFFFFFF));
    write_32(to, (uint32_t)((uint64_t)value >> 32));
}

/* ---- sizes ---- */

static bool is_large(const struct zip_file *file)
{
    return file->size >= LARGE;
}

static size_t local_size(const struct zip_file *file)
{
    return LOCAL_SIZE + file->name.len + STAMP_SIZE + (is_large(file) ? 20U : 0U);
}

/* The numbers that have no room in the central header. */
static size_t central_extra(const struct zip_file *file)
{
    size_t size = (is_large(file) ? 16U : 0U) + (file->at >= LARGE ? 8U : 0U);
    return size == 0 ? 0 : 4 + size;
}

static size_t central_size(const struct zip_file *file)
{
    return CENTRAL_SIZE + file->name.len + STAMP_SIZE + central_extra(file);
}

static bool end_is_large(const struct zip_end *end)
{
    return end->count >= MANY || end->at >= LARGE || end->size >= LARGE;
}

int64_t zip_layout(struct zip_file *files, size_t count, struct zip_end *end)
{
    int64_t at = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        files[i].at = at;
        at += (int64_t)local_size(&files[i]) + files[i].size;
        size += (int64_t)central_size(&files[i]);
    }
    *end = (struct zip_end){.count = (int64_t)count, .at = at, .size = size};
    return at + size + (end_is_large(end) ? END64_SIZE : 0) + END_SIZE;
}

/* ---- headers ---- */

/* As MS-DOS writes it, here in UTC; the stamp behind the name says it exactly. */
static uint32_t dos_time(int64_t seconds)
{
    struct date date = date_of_day(seconds / 86400);
    int64_t of_day = seconds % 86400;
    if (date.year < 1980 || date.year > 2107)
        return 1 << 21 | 1 << 16; /* its first day */
    return (uint32_t)((date.year - 1980) << 25 | (int64_t)date.month << 21 |
                      (int64_t)date.day << 16 | of_day / 3600 << 11 | of_day / 60 % 60 << 5 |
                      of_day % 60 / 2);
}

static void write_stamp(struct buffer *to, const struct zip_file *file)
{
    write_16(to, 0x5455);
    write_16(to, STAMP_SIZE - 4);
    buffer_char(to, 1); /* the time of its change follows */
    write_32(to, (uint32_t)file->modified);
}

/* What local and central header have in common. */
static void write_facts(struct buffer *to, const struct zip_file *file, size_t extra, bool is_64)
{
    uint32_t size = is_large(file) ? (uint32_t)LARGE : (uint32_t)file->size;
    write_16(to, is_64 ? VERSION64 : VERSION);
    write_16(to, NAME_IS_UTF8);
    write_16(to, 0); /* stored */
    write_32(to, dos_time(file->modified));
    write_32(to, file->crc);
    write_32(to, size);
    write_32(to, size);
    write_16(to, (unsigned)file->name.len);
    write_16(to, (unsigned)(STAMP_SIZE + extra));
}

void zip_write_local(struct buffer *to, const struct zip_file *file)
{
    bool is_64 = is_large(file);
    write_32(to, 0x04034b50);
    write_facts(to, file, is_64 ? 20 : 0, is_64);
    buffer_str(to, file->name);
    if (is_64) {
        write_16(to, 1);
        write_16(to, 16);
        write_64(to, file->size);
        write_64(to, file->size);
    }
    write_stamp(to, file);
}

void zip_write_central(struct buffer *to, const struct zip_file *file)
{
    size_t extra = central_extra(file);
    write_32(to, 0x02014b50);
    write_16(to, MADE_ON_UNIX | (extra != 0 ? VERSION64 : VERSION));
    write_facts(to, file, extra, extra != 0);
    write_16(to, 0); /* comment */
    write_16(to, 0); /* disk */
    write_16(to, 0); /* not text */
    write_32(to, MODE_FILE << 16);
    write_32(to, file->at >= LARGE ? (uint32_t)LARGE : (uint32_t)file->at);
    buffer_str(to, file->name);
    if (extra != 0) {
        write_16(to, 1);
        write_16(to, (unsigned)extra - 4);
        if (is_large(file)) {
            write_64(to, file->size);
            write_64(to, file->size);
        }
        if (file->at >= LARGE)
            write_64(to, file->at);
    }
    write_stamp(to, file);
}

static void write_end64(struct buffer *to, const struct zip_end *end)
{
    write_32(to, 0x06064b50);
    write_64(to, 56 - 12);
    write_16(to, MADE_ON_UNIX | VERSION64);
    write_16(to, VERSION64);
    write_32(to, 0);
    write_32(to, 0);
    write_64(to, end->count);
    write_64(to, end->count);
    write_64(to, end->size);
    write_64(to, end->at);
    write_32(to, 0x07064b50); /* where that record is */
    write_32(to, 0);
    write_64(to, end->at + end->size);
    write_32(to, 1);
}

void zip_write_end(struct buffer *to, const struct zip_end *end)
{
    unsigned count = (unsigned)MIN_OF(end->count, (int64_t)MANY);
    if (end_is_large(end))
        write_end64(to, end);
    write_32(to, 0x06054b50);
    write_16(to, 0);
    write_16(to, 0);
    write_16(to, count);
    write_16(to, count);
    write_32(to, (uint32_t)MIN_OF(end->size, LARGE));
    write_32(to, (uint32_t)MIN_OF(end->at, LARGE));
    write_16(to, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes with a limit chosen at birth. Going beyond the limit sticks: the buffer
 * then answers is_over and takes nothing more, so writers need not check each step.
 *
 * Owns:     its memory; buffer_done frees it, buffer_take hands it over.
 * Threads:  one at a time.
 * Time:     none.
 * Fails:    by is_over.
 */
#pragma once

#include "base/str.h"

#include <string.h>

struct buffer {
    char *at;
    size_t len, room, max; /* max 0 means BUFFER_MAX_DEFAULT; room is never above it */
    bool is_over;
};

#define BUFFER_MAX_DEFAULT MIB(64)

static inline struct buffer buffer_with_max(size_t max)
{
    return (struct buffer){.max = max};
}

void buffer_done(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* keeps the memory */

/* buffer_reserve when there is no room yet. */
char *buffer_grow(struct buffer *buffer, size_t n);

/* Room for n more bytes at the returned place, or NULL when that is over the limit. Here and not in
 * the .c file, as are those below: texts are written in pieces of a few bytes. */
static inline char *buffer_reserve(struct buffer *buffer, size_t n)
{
    if (n < buffer->room - buffer->len && !buffer->is_over)
        return buffer->at + buffer->len;
    return buffer_grow(buffer, n);
}

static inline void buffer_add(struct buffer *buffer, const void *from, size_t n)
{
    char *to = buffer_reserve(buffer, n);
    if (to == NULL || n == 0)
        return;
    memcpy(to, from, n);
    buffer->len += n;
}

static inline void buffer_str(struct buffer *buffer, str s)
{
    buffer_add(buffer, s.at, s.len);
}

static inline void buffer_char(struct buffer *buffer, char c)
{
    buffer_add(buffer, &c, 1);
}

void buffer_format(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* Drops n bytes from the front. */
void buffer_drop(struct buffer *buffer, size_t n);

static inline str buffer_text(const struct buffer *buffer)
{
    return (str){buffer->at, buffer->len};
}

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

struct buffer {
    char *at;
    size_t len, room, max; /* max 0 means BUFFER_MAX_DEFAULT */
    bool is_over;
};

#define BUFFER_MAX_DEFAULT MIB(64)

static inline struct buffer buffer_with_max(size_t max)
{
    return (struct buffer){.max = max};
}

void buffer_done(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* keeps the memory */

/* Room for n more bytes at the returned place, or NULL when that is over the limit. */
char *buffer_reserve(struct buffer *buffer, size_t n);
void buffer_add(struct buffer *buffer, const void *from, size_t n);
void buffer_str(struct buffer *buffer, str s);
void buffer_char(struct buffer *buffer, char c);
void buffer_format(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* Drops n bytes from the front. */
void buffer_drop(struct buffer *buffer, size_t n);

static inline str buffer_text(const struct buffer *buffer)
{
    return (str){buffer->at, buffer->len};
}

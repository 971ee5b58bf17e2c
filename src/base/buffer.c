/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FORMAT_ROOM 256 /* what is longer is laid out twice */

void buffer_done(struct buffer *buffer)
{
    free(buffer->at);
    *buffer = (struct buffer){.max = buffer->max};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
    buffer->is_over = false;
}

char *buffer_grow(struct buffer *buffer, size_t n)
{
    size_t max = buffer->max == 0 ? BUFFER_MAX_DEFAULT : buffer->max;
    if (buffer->is_over || n > max - MIN_OF(max, buffer->len)) {
        buffer->is_over = true;
        return NULL;
    }
    if (n > buffer->room - buffer->len || buffer->at == NULL) {
        size_t room = MAX_OF(buffer->room * 2, buffer->len + n);
        room = MIN_OF(MAX_OF(room, (size_t)64), max);
        buffer->at = memory_resize(buffer->at, room);
        buffer->room = room;
    }
    return buffer->at + buffer->len;
}

void buffer_format(struct buffer *buffer, const char *format, ...)
{
    char room[FORMAT_ROOM];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(room, sizeof(room), format, args);
    va_end(args);
    assert(len >= 0);
    if ((size_t)len < sizeof(room)) {
        buffer_add(buffer, room, (size_t)len);
        return;
    }

    char *to = buffer_reserve(buffer, (size_t)len + 1);
    if (to == NULL)
        return;
    va_start(args, format);
    vsnprintf(to, (size_t)len + 1, format, args);
    va_end(args);
    buffer->len += (size_t)len;
}

void buffer_drop(struct buffer *buffer, size_t n)
{
    n = MIN_OF(n, buffer->len);
    if (n != 0)
        memmove(buffer->at, buffer->at + n, buffer->len - n);
    buffer->len -= n;
}

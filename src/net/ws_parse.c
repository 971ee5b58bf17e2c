/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ws_parse.h"

#include <string.h>

#define CODE_NONE 1005
#define CODE_PROTOCOL 1002
#define CODE_UNSUPPORTED 1003
#define CODE_NOT_TEXT 1007
#define CODE_TOO_BIG 1009

#define FINAL 0x80u
#define RESERVED 0x70u /* the first of them is WS_PACKED */
#define MASKED 0x80u

/*
 *  F RSV opcode | M length-7 | 16 or 64 bits of length | 4 bytes of mask | payload ^ mask
 */

bool ws_reader_is_idle(const struct ws_reader *reader)
{
    return reader->head_len == 0 && !reader->is_in_frame && !reader->is_in_message;
}

void ws_reader_done(struct ws_reader *reader)
{
    buffer_done(&reader->message);
    *reader = (struct ws_reader){0};
}

size_t ws_head_write(char to[WS_HEAD_MAX], unsigned opcode, size_t len)
{
    size_t more = len < 126 ? 0 : len <= UINT16_MAX ? 2 : 8;
    to[0] = (char)(FINAL | opcode);
    to[1] = more == 0 ? (char)len : more == 2 ? 126 : 127;
    for (size_t i = 0; i < more; i++)
        to[2 + i] = (char)(len >> 8 * (more - 1 - i) & 0xff);
    return 2 + more;
}

static bool is_control(const struct ws_reader *reader)
{
    return (reader->opcode & 8) != 0;
}

/* What the first two bytes say; 0 or the code to close with. */
static uint16_t judge_start(struct ws_reader *reader)
{
    uint8_t first = reader->head[0], second = reader->head[1];
    reader->opcode = first & 0x0f;
    reader->is_final = (first & FINAL) != 0;
    bool may_be_packed = reader->packer != NULL && reader->opcode == WS_OPCODE_TEXT;
    unsigned forbidden = may_be_packed ? RESERVED & ~WS_PACKED : RESERVED;
    if ((first & forbidden) != 0 || (second & MASKED) == 0)
        return CODE_PROTOCOL;
    if (reader->opcode == WS_OPCODE_TEXT)
        reader->is_packed = (first & WS_PACKED) != 0;
    switch (reader->opcode) {
    case WS_OPCODE_CONTINUATION:
        return reader->is_in_message ? 0 : CODE_PROTOCOL;
    case WS_OPCODE_TEXT:
        return reader->is_in_message ? CODE_PROTOCOL : 0;
    case WS_OPCODE_BINARY:
        return reader->is_in_message ? CODE_PROTOCOL : CODE_UNSUPPORTED;
    case WS_OPCODE_CLOSE:
    case WS_OPCODE_PING:
    case WS_OPCODE_PONG:
        return reader->is_final && (second & 0x7f) <= WS_CONTROL_MAX ? 0 : CODE_PROTOCOL;
    default:
        return CODE_PROTOCOL;
    }
}

static size_t length_bytes(const struct ws_reader *reader)
{
    uint8_t length = reader->head[1] & 0x7f;
    return length == 126 ? 2 : length == 127 ? 8 : 0;
}

/* The head is whole; 0 or the code to close with. */
static uint16_t begin_frame(struct ws_reader *reader, size_t max)
{
    size_t more = length_bytes(reader);
    uint64_t length = reader->head[1] & 0x7f;
    if (more != 0) {
        length = 0;
        for (size_t i = 0; i < more; i++)
            length = length << 8 | reader->head[2 + i];
        if (length < (more == 2 ? 126 : 65536) || length > INT64_MAX)
            return CODE_PROTOCOL; /* not the shortest form */
    }
    memcpy(reader->mask, reader->head + 2 + more, 4);
    reader->turn = 0;
    reader->left = length;
    reader->is_in_frame = true;
    reader->head_len = 0;
    if (is_control(reader)) {
        reader->control_len = 0;
        return 0;
    }
    reader->is_in_message = true;
    return length > max || reader->message.len > max - length ? CODE_TOO_BIG : 0;
}

/* Gathers the head; *used bytes of it came now. 0 or the code to close with. */
static uint16_t read_head(struct ws_reader *reader, size_t max, const char *at, size_t len,
                          size_t *used)
{
    *used = 0;
    while (*used < len && !reader->is_in_frame) {
        uint16_t code = 0;
        reader->head[reader->head_len++] = (uint8_t)at[(*used)++];
        if (reader->head_len == 2)
            code = judge_start(reader);
        else if (reader->head_len > 2 && reader->head_len == 6 + length_bytes(reader))
            code = begin_frame(reader, max);
        if (code != 0)
            return code;
    }
    return 0;
}

static void unmask(struct ws_reader *reader, char *at, size_t len)
{
    uint8_t mask[8];
    uint64_t wide, word;
    size_t i = 0;
    for (size_t k = 0; k < sizeof(mask); k++)
        mask[k] = reader->mask[(reader->turn + k) & 3];
    memcpy(&wide, mask, sizeof(wide));
    for (; i + sizeof(word) <= len; i += sizeof(word)) {
        memcpy(&word, at + i, sizeof(word));
        word ^= wide;
        memcpy(at + i, &word, sizeof(word));
    }
    for (size_t k = 0; i < len; i++, k++)
        at[i] = (char)(at[i] ^ (char)mask[k]);
    reader->turn = (reader->turn + (uint32_t)(len & 3)) & 3;
}

static bool is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static enum ws_event end_close(struct ws_reader *reader, str payload, uint16_t *code)
{
    *code = CODE_NONE;
    if (payload.len == 0)
        return WS_CLOSE;
    *code = CODE_PROTOCOL;
    if (payload.len == 1)
        return WS_REFUSED;
    unsigned said = (unsigned)reader->control[0] << 8 | reader->control[1];
    if (!is_close_code(said))
        return WS_REFUSED;
    *code = CODE_NOT_TEXT;
    if (!utf8_is_valid(str_slice(payload, 2, payload.len)))
        return WS_REFUSED;
    *code = (uint16_t)said;
    return WS_CLOSE;
}

static enum ws_event end_control(struct ws_reader *reader, str *payload, uint16_t *code)
{
    *payload = (str){(const char *)reader->control, reader->control_len};
    if (reader->opcode == WS_OPCODE_PING)
        return WS_PING;
    if (reader->opcode == WS_OPCODE_PONG)
        return WS_PONG;
    return end_close(reader, *payload, code);
}

/* The unpacked message takes the place of the packed one. */
static bool unpack(struct ws_reader *reader, size_t max, str *text, uint16_t *code)
{
    struct buffer whole = buffer_with_max(MAX_OF(max, (size_t)1));
    *code = ws_unpack(reader->packer, *text, &whole);
    buffer_done(&reader->message);
    reader->message = whole;
    *text = buffer_text(&reader->message);
    return *code == 0;
}

static enum ws_event end_message(struct ws_reader *reader, size_t max, str text, str *payload,
                                 uint16_t *code)
{
    reader->is_in_message = false;
    reader->is_delivered = true;
    if (reader->is_packed && !unpack(reader, max, &text, code))
        return WS_REFUSED;
    *payload = text;
    *code = CODE_NOT_TEXT;
    return utf8_is_valid(text) ? WS_TEXT : WS_REFUSED;
}

/* len bytes of payload, unmasked. */
static enum ws_event take_payload(struct ws_reader *reader, size_t max, char *at, size_t len,
                                  str *payload, uint16_t *code)
{
    bool is_end = reader->left == 0;
    reader->is_in_frame = !is_end;
    if (is_control(reader)) {
        if (len != 0)
            memcpy(reader->control + reader->control_len, at, len);
        reader->control_len = (uint8_t)(reader->control_len + len);
        return is_end ? end_control(reader, payload, code) : WS_MORE;
    }
    bool is_whole = is_end && reader->is_final;
    if (is_whole && reader->message.len == 0)
        return end_message(reader, max, (str){at, len}, payload,
                           code); /* nothing to put together */
    reader->message.max = MAX_OF(max, (size_t)1);
    buffer_add(&reader->message, at, len);
    if (reader->message.is_over) { /* the limit was lowered while the message came */
        *code = CODE_TOO_BIG;
        return WS_REFUSED;
    }
    if (!is_whole)
        return WS_MORE;
    return end_message(reader, max, buffer_text(&reader->message), payload, code);
}

enum ws_event ws_read(struct ws_reader *reader, size_t max, char *at, size_t len, size_t *used,
                      str *payload, uint16_t *code)
{
    *payload = (str){0};
    if (reader->is_delivered) {
        buffer_done(&reader->message);
        reader->is_delivered = false;
    }
    *used = 0;
    if (!reader->is_in_frame) {
        *code = read_head(reader, max, at, len, used);
        if (*code != 0)
            return WS_REFUSED;
        if (!reader->is_in_frame)
            return WS_MORE;
    }
    size_t now = (size_t)MIN_OF(reader->left, (uint64_t)(len - *used));
    unmask(reader, at + *used, now);
    char *from = at + *used;
    *used += now;
    reader->left -= now;
    return take_payload(reader, max, from, now, payload, code);
}

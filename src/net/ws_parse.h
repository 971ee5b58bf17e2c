/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The framing of WebSocket messages from clients (RFC 6455), without any input or output: frames
 * unmasked, fragments put together, text checked to be UTF-8.
 *
 * Owns:     the bytes of a message that is not whole yet.
 * Threads:  any; each reader one at a time.
 * Time:     none.
 * Fails:    by WS_REFUSED and the close code: 1002, 1003, 1007, 1009. The reader is of no use then.
 */
#pragma once

#include "base/budget.h"

#include "net/ws_pack.h"

#define WS_CONTROL_MAX 125
#define WS_HEAD_MAX 14

enum ws_event {
    WS_MORE,
    WS_TEXT,    /* payload: one whole message */
    WS_PING,    /* payload: to be sent back */
    WS_PONG,    /* payload: what was sent */
    WS_CLOSE,   /* code: what the peer said, 1005 when it said none */
    WS_REFUSED, /* code: what to say */
};

/* Zeroed is ready. Between messages it holds nothing and may be forgotten. */
struct ws_reader {
    struct ws_packer *packer; /* set: permessage-deflate was agreed upon */
    struct buffer message;
    uint64_t left;      /* of the frame's payload */
    struct claim claim; /* for whoever keeps account of memory */
    uint32_t turn;      /* which byte of the mask comes next */
    uint8_t head[WS_HEAD_MAX], head_len;
    uint8_t mask[4];
    uint8_t opcode;
    uint8_t control[WS_CONTROL_MAX], control_len;
    bool is_final, is_in_frame, is_in_message, is_delivered, is_packed;
};

/*
 * Uses up *used of the len bytes, which it changes, and answers what they made. Call again while
 * something is left, also after MORE never without new bytes. The payload lives until the next
 * call or until the bytes are gone. max is the limit of one message.
 */
enum ws_event ws_read(struct ws_reader *reader, size_t max, char *at, size_t len, size_t *used,
                      str *payload, uint16_t *code);

bool ws_reader_is_idle(const struct ws_reader *reader);
void ws_reader_done(struct ws_reader *reader);

/* The head of an unmasked frame of the server, whole; answers its length. */
size_t ws_head_write(char to[WS_HEAD_MAX], unsigned opcode, size_t len);

#define WS_PACKED 0x40u /* beside the opcode of a message's first frame */
#define WS_OPCODE_CONTINUATION 0x0u
#define WS_OPCODE_TEXT 0x1u
#define WS_OPCODE_BINARY 0x2u
#define WS_OPCODE_CLOSE 0x8u
#define WS_OPCODE_PING 0x9u
#define WS_OPCODE_PONG 0xau

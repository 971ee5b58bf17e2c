/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permessage-deflate (RFC 7692) without context takeover: each message stands alone, so one pair of
 * zlib streams serves all sockets of a loop, and a part that many sockets are sent is packed once.
 *
 * A packed message is a row of runs. Each run is deflated for itself, ends at a whole byte, and so
 * may stand after any other:
 *
 *   [small parts together] 00 00 ff ff [large part] 00 00 ff ff [small parts] (00 00 ff ff is left
 * out)
 *
 * Owns:     its streams, and for a second the runs that may be wanted again.
 * Threads:  one: the loop's.
 * Time:     by ws_packer_forget, which the server calls.
 * Fails:    ws_unpack by the code to close with; ws_pack by sending plain.
 */
#pragma once

#include "base/buffer.h"
#include "net/stream.h"

/* Shorter messages cost more than they save; longer ones would hold up everybody else's. */
#define WS_PACK_FROM KIB(1)
#define WS_PACK_MOST MIB(4)

struct ws_packer;

struct ws_packer *ws_packer_new(void);
void ws_packer_free(struct ws_packer *packer); /* NULL is accepted */

/* One header Sec-WebSocket-Extensions: whether it offers what is done here, and no more. */
bool ws_pack_is_offered(str offers);

/*
 * Fills out, which has room for count parts, each with a reference for the receiver, and says how
 * many bytes they are; *len stays 0 when the message is better sent as it is. The references of
 * parts stay the caller's. Answers how many parts.
 */
size_t ws_pack(struct ws_packer *packer, struct shared *const *parts, size_t count,
               struct stream_part *out, size_t *len);

/* Whether ws_pack keeps runs; then forget must come soon. */
bool ws_packer_is_keeping(const struct ws_packer *packer);
void ws_packer_forget(struct ws_packer *packer);

/* 0, or the code to close with: 1007 not deflated, or much longer than what it says; 1009 when it
 * is over the limit of out. */
uint16_t ws_unpack(struct ws_packer *packer, str packed, struct buffer *out);

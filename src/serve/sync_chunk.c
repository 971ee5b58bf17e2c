/* SPDX-License-Identifier: Apache-2.0 */
#include "base/planted.h"
#include "serve/session.h"

/* Each chunk resets the client's timer of silence (convex-protocol.md section 7), and none is so
 * long that a slow line takes a minute for it. */

static str join(struct buffer *whole, struct shared **pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_str(whole, shared_text(pieces[i]));
        shared_drop(pieces[i]);
    }
    return buffer_text(whole);
}

static void send_chunk(struct sync_session *session, str part, size_t number, size_t total,
                       size_t whole)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(SESSION_CHUNK * 7);
    buffer_str(&text, STR("{\"type\":\"TransitionChunk\",\"chunk\":"));
    json_write_text(&text, part);
    buffer_format(&text, ",\"partNumber\":%zu,\"totalParts\":%zu,\"transitionId\":\"%zu\"}", number,
                  total, whole);
    session_send_text(session, buffer_text(&text));
}

void session_send_chunks(struct sync_session *session, struct shared **pieces, size_t count)
{
    AUTO(buffer_done) struct buffer whole = buffer_with_max(MIB(512));
    str rest = join(&whole, pieces, count);
    size_t total = 0, number = 0;
    if (whole.is_over) {
        session_close(session, 1011, "InternalServerError");
        return;
    }
    for (str left = rest; left.len > 0; total++) {
        str part = utf8_cut(left, SESSION_CHUNK);
        left = str_slice(left, part.len, left.len);
    }
    size_t size = rest.len;
    while (rest.len > 0) {
        str part = utf8_cut(rest, SESSION_CHUNK);
        if (number != 1 || !PLANTED(chunk_lost))
            send_chunk(session, part, number, PLANTED(chunk_count) ? total + 1 : total, size);
        number++;
        rest = str_slice(rest, part.len, rest.len);
    }
}

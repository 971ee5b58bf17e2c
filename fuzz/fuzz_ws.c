/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames make the same messages whether they come whole or byte by byte; every message is UTF-8
 * and within the limit; every code to close with is one of ours. All of it without
 * permessage-deflate and with it; what is unpacked comes back when it is packed and unpacked again.
 */
#include <assert.h>
#include <string.h>

#include "net/ws_parse.h"

#include "fuzz.h"

#define MESSAGE_MAX 2000

static void note(struct buffer *log, enum ws_event event, str payload, uint16_t code)
{
    if (event == WS_MORE)
        return;
    buffer_format(log, "%d %d %zu ", (int)event, event >= WS_CLOSE ? code : 0, payload.len);
    buffer_str(log, payload);
}

static void check(enum ws_event event, str payload, uint16_t code)
{
    if (event == WS_TEXT)
        assert(payload.len <= MESSAGE_MAX && utf8_is_valid(payload));
    if (event == WS_PING || event == WS_PONG)
        assert(payload.len <= WS_CONTROL_MAX);
    if (event == WS_CLOSE)
        assert(code >= 1000 && code < 5000 && code != 1004 && code != 1006 && code != 1015);
    if (event == WS_REFUSED)
        assert(code == 1002 || code == 1003 || code == 1007 || code == 1009);
}

static void pack_again(struct ws_packer *packer, str payload)
{
    size_t from = payload.len / 16, len;
    struct shared *parts[3] = {shared_copy(str_slice(payload, 0, from)),
                               shared_copy(str_slice(payload, from, payload.len - from)),
                               shared_copy(str_slice(payload, payload.len - from, payload.len))};
    struct stream_part runs[3];
    AUTO(buffer_done) struct buffer packed = {0};
    AUTO(buffer_done) struct buffer again = buffer_with_max(MESSAGE_MAX + 1);
    shared_keep(parts[1]); /* as if others had it too: a run of its own */
    size_t count = ws_pack(packer, parts, 3, runs, &len);
    for (size_t i = 0; i < count; i++) {
        buffer_add(&packed, runs[i].at, runs[i].len);
        shared_drop(runs[i].shared);
    }
    assert(packed.len == len);
    if (count != 0) {
        assert(len < payload.len);
        assert(ws_unpack(packer, buffer_text(&packed), &again) == 0);
        assert(str_equal(buffer_text(&again), payload));
    }
    ws_packer_forget(packer);
    shared_drop(parts[1]);
    for (size_t i = 0; i < 3; i++)
        shared_drop(parts[i]);
}

static void read_all(str in, size_t step, struct ws_packer *packer, struct buffer *log)
{
    struct ws_reader reader = {.packer = packer};
    char *at = malloc(in.len + 1);
    assert(at != NULL);
    if (in.len != 0)
        memcpy(at, in.at, in.len);
    bool is_over = false;
    for (size_t from = 0, until = 0; until < in.len && !is_over;) {
        until = MIN_OF(until + step, in.len);
        while (from < until && !is_over) {
            size_t used = 0;
            str payload;
            uint16_t code = 0;
            enum ws_event event =
                ws_read(&reader, MESSAGE_MAX, at + from, until - from, &used, &payload, &code);
            assert(used != 0 && used <= until - from);
            check(event, payload, code);
            if (event == WS_TEXT && packer != NULL)
                pack_again(packer, payload);
            note(log, event, event == WS_REFUSED ? (str){0} : payload, code);
            from += used;
            is_over = event == WS_REFUSED;
        }
    }
    assert(reader.message.room <= MESSAGE_MAX + 64);
    ws_reader_done(&reader);
    free(at);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    static struct ws_packer *packer; /* one for all, as in the server: nothing may stay in it */
    str in = {(const char *)data, MIN_OF(size, (size_t)KIB(64))};

    if (packer == NULL)
        packer = ws_packer_new();
    ws_pack_is_offered(in);
    for (int is_packing = 0; is_packing < 2; is_packing++) {
        AUTO(buffer_done) struct buffer whole = {0};
        AUTO(buffer_done) struct buffer cut = {0};
        read_all(in, in.len + 1, is_packing ? packer : NULL, &whole);
        read_all(in, 1, is_packing ? packer : NULL, &cut);
        assert(str_equal(buffer_text(&whole), buffer_text(&cut)));
    }
    return 0;
}

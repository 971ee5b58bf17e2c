/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <zlib.h>

#include "net/ws_pack.h"

#define MAX MIB(8)

/* Pseudo-random letters, of which few make it packable. */
static struct shared *text_of(size_t len, unsigned seed, unsigned letters)
{
    struct shared *text = shared_new(len);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245u + 12345u;
        text->at[i] = (char)('a' + (seed >> 16) % letters);
    }
    return text;
}

static void drop_all(struct shared **parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        shared_drop(parts[i]);
}

/* The packed bytes put together; how many parts they were. */
static size_t pack(struct ws_packer *packer, struct shared **parts, size_t count,
                   struct buffer *out)
{
    struct stream_part runs[16];
    size_t len, made = ws_pack(packer, parts, count, runs, &len);
    buffer_clear(out);
    for (size_t i = 0; i < made; i++) {
        buffer_add(out, runs[i].at, runs[i].len);
        shared_drop(runs[i].shared);
    }
    assert_int_equal(out->len, len);
    return made;
}

static uint16_t unpack(struct ws_packer *packer, str packed, size_t max, struct buffer *out)
{
    buffer_done(out);
    *out = buffer_with_max(max);
    return ws_unpack(packer, packed, out);
}

/* As a client does it: zlib told of nothing but the bytes and the tail. */
static void inflate_plainly(str packed, struct buffer *out)
{
    z_stream z = {0};
    AUTO(buffer_done) struct buffer in = {0};
    AUTO(memory_free) char *to = memory_new(MAX);
    buffer_str(&in, packed);
    buffer_add(&in, "\0\0\xff\xff", 4);
    assert_int_equal(inflateInit2(&z, -15), Z_OK);
    z.next_in = (Bytef *)in.at;
    z.avail_in = (uInt)in.len;
    z.next_out = (Bytef *)to;
    z.avail_out = MAX;
    assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
    assert_int_equal(z.avail_in, 0);
    buffer_clear(out);
    buffer_add(out, to, MAX - z.avail_out);
    inflateEnd(&z);
}

static void what_is_packed_from_many_parts_is_one_message(void **state)
{
    static const size_t lens[] = {10, 3000, 0, 500, 700, 70000, 1};
    struct ws_packer *packer = ws_packer_new();
    struct shared *parts[ARRAY_LEN(lens)];
    AUTO(buffer_done) struct buffer plain = {0};
    AUTO(buffer_done) struct buffer packed = {0};
    AUTO(buffer_done) struct buffer again = {0};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        parts[i] = text_of(lens[i], (unsigned)i, 4);
        buffer_str(&plain, shared_text(parts[i]));
    }
    shared_keep(parts[1]); /* others hold these two: a run each */
    shared_keep(parts[5]);
    assert_int_equal(pack(packer, parts, ARRAY_LEN(lens), &packed), 5);
    assert_true(packed.len < plain.len / 2);
    inflate_plainly(buffer_text(&packed), &again);
    assert_true(str_equal(buffer_text(&again), buffer_text(&plain)));
    assert_int_equal(unpack(packer, buffer_text(&packed), MAX, &again), 0);
    assert_true(str_equal(buffer_text(&again), buffer_text(&plain)));
    shared_drop(parts[1]);
    shared_drop(parts[5]);
    drop_all(parts, ARRAY_LEN(lens));
    ws_packer_free(packer);
}

static void a_part_that_others_hold_is_packed_once(void **state)
{
    struct ws_packer *packer = ws_packer_new();
    struct shared *part = text_of(5000, 7, 4), *alone = text_of(5000, 8, 4);
    struct stream_part first, second;
    size_t len;
    shared_keep(part);
    assert_int_equal(ws_pack(packer, &part, 1, &first, &len), 1);
    assert_int_equal(ws_pack(packer, &part, 1, &second, &len), 1);
    assert_ptr_equal(first.shared, second.shared);
    assert_true(ws_packer_is_keeping(packer));
    shared_drop(first.shared);
    shared_drop(second.shared);
    ws_packer_forget(packer);
    assert_false(ws_packer_is_keeping(packer));
    assert_int_equal(atomic_load(&part->count), 2);

    assert_int_equal(ws_pack(packer, &alone, 1, &first, &len), 1);
    assert_false(ws_packer_is_keeping(packer)); /* nobody else can ask for it */
    shared_drop(first.shared);
    shared_drop(alone);
    shared_drop(part);
    shared_drop(part);
    ws_packer_free(packer);
}

static void short_huge_and_random_messages_stay_as_they_are(void **state)
{
    struct ws_packer *packer = ws_packer_new();
    struct stream_part run;
    size_t len;
    struct shared *parts[] = {
        text_of(WS_PACK_FROM - 1, 1, 2),
        text_of(WS_PACK_MOST + 1, 2, 2),
        shared_new(5000),
    };
    unsigned seed = 1;
    for (size_t i = 0; i < 5000; i++)
        parts[2]->at[i] = (char)((seed = seed * 1103515245u + 12345u) >> 16);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        assert_int_equal(ws_pack(packer, &parts[i], 1, &run, &len), 0);
        assert_int_equal(len, 0);
    }
    drop_all(parts, ARRAY_LEN(parts));
    ws_packer_free(packer);
}

static void a_bomb_is_stopped_at_the_limit(void **state)
{
    struct ws_packer *packer = ws_packer_new();
    struct shared *zeros = text_of(MIB(4), 1, 1);
    AUTO(buffer_done) struct buffer packed = {0};
    AUTO(buffer_done) struct buffer out = {0};
    assert_int_equal(pack(packer, &zeros, 1, &packed), 1);
    assert_true(packed.len < KIB(40));
    assert_int_equal(unpack(packer, buffer_text(&packed), MIB(1), &out), 1009);
    assert_true(out.room <= MIB(1));
    assert_int_equal(unpack(packer, buffer_text(&packed), MIB(4) - 1, &out), 1009);
    assert_int_equal(unpack(packer, buffer_text(&packed), MIB(4), &out), 0);
    shared_drop(zeros);
    ws_packer_free(packer);
}

static void what_says_nothing_at_length_is_refused(void **state)
{
    struct ws_packer *packer = ws_packer_new();
    AUTO(buffer_done) struct buffer blocks = {0};
    AUTO(buffer_done) struct buffer out = {0};
    for (int i = 0; i < 200000; i++) /* empty stored blocks */
        buffer_add(&blocks, "\0\0\0\xff\xff", 5);
    assert_int_equal(unpack(packer, buffer_text(&blocks), MAX, &out), 1007);
    ws_packer_free(packer);
}

static void the_examples_of_rfc_7692_are_understood(void **state)
{
    static const struct {
        str packed, plain;
        uint16_t code;
    } cases[] = {
        {{"\xf2\x48\xcd\xc9\xc9\x07\x00", 7}, {"Hello", 5}, 0},
        {{"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11}, {"Hello", 5}, 0},
        {{"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8}, {"Hello", 5}, 0}, /* a final block */
        {{"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13}, {"Hello", 5}, 0},
        {{"\x00", 1}, {"", 0}, 0},
        {{"", 0}, {"", 0}, 1007},
        {{"\xf2\x48\xcd\xc9", 4}, {"", 0}, 1007}, /* cut */
        {{"\x07", 1}, {"", 0}, 1007},             /* no such block */
        {{"\x02\x03\x00", 3}, {"", 0}, 1007},     /* from before the beginning */
    };
    struct ws_packer *packer = ws_packer_new();
    AUTO(buffer_done) struct buffer out = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint16_t code = unpack(packer, cases[i].packed, MAX, &out);
        if (code != cases[i].code)
            fail_msg("case %zu: %u", i, code);
        if (code == 0)
            assert_true(str_equal(buffer_text(&out), cases[i].plain));
    }
    ws_packer_free(packer);
}

static void only_offers_that_we_can_keep_are_accepted(void **state)
{
    static const char *const good[] = {
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "Permessage-Deflate;client_max_window_bits=\"10\" ; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
        "x-webkit-deflate-frame, permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=10, permessage-deflate",
    };
    static const char *const bad[] = {
        "",
        "permessage-bzip2",
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; mystery",
        "permessage-deflates",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!ws_pack_is_offered(str_of(good[i])))
            fail_msg("\"%s\" was declined", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (ws_pack_is_offered(str_of(bad[i])))
            fail_msg("\"%s\" was accepted", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_from_many_parts_is_one_message),
        cmocka_unit_test(a_part_that_others_hold_is_packed_once),
        cmocka_unit_test(short_huge_and_random_messages_stay_as_they_are),
        cmocka_unit_test(a_bomb_is_stopped_at_the_limit),
        cmocka_unit_test(what_says_nothing_at_length_is_refused),
        cmocka_unit_test(the_examples_of_rfc_7692_are_understood),
        cmocka_unit_test(only_offers_that_we_can_keep_are_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "net/ws_parse.h"

#define MAX_MESSAGE 100000

/* A frame as a client sends it; first is the first byte, F RSV opcode. */
static void add_frame(struct buffer *to, unsigned first, str payload)
{
    static const char mask[4] = {0x12, (char)0xfe, 0x00, 0x7a};
    char head[WS_HEAD_MAX];
    size_t len = ws_head_write(head, first & 15, payload.len);
    head[0] = (char)first;
    head[1] = (char)(head[1] | (char)0x80);
    buffer_add(to, head, len);
    buffer_add(to, mask, 4);
    for (size_t i = 0; i < payload.len; i++)
        buffer_char(to, (char)(payload.at[i] ^ mask[i & 3]));
}

/* What the reader made of the bytes given in steps: "text:…|ping:…|close:1000|refused:1002|" */
static void read_all(str raw, size_t step, struct buffer *out)
{
    struct ws_reader reader = {0};
    bool is_refused = false;
    AUTO(memory_free) char *copy = memory_new(raw.len + 1);
    memcpy(copy, raw.at, raw.len);
    for (size_t from = 0, until = 0; from < raw.len;) {
        until = MIN_OF(MAX_OF(until, from) + step, raw.len);
        while (from < until) {
            size_t used = 0;
            str payload;
            uint16_t code = 0;
            enum ws_event event =
                ws_read(&reader, MAX_MESSAGE, copy + from, until - from, &used, &payload, &code);
            assert_in_range(used, 1, until - from);
            from += used;
            static const char *const names[] = {"", "text", "ping", "pong", "close", "refused"};
            if (event == WS_TEXT || event == WS_PING || event == WS_PONG)
                buffer_format(out, "%s:%.*s|", names[event], STR_ARG(payload));
            else if (event != WS_MORE)
                buffer_format(out, "%s:%d|", names[event], code);
            is_refused = event == WS_REFUSED;
            if (is_refused)
                from = raw.len;
        }
    }
    if (!is_refused && !ws_reader_is_idle(&reader))
        buffer_str(out, STR("unfinished"));
    ws_reader_done(&reader);
}

static void expect(const struct buffer *raw, const char *wanted)
{
    for (size_t step = 1; step <= raw->len; step = step < 20 ? step + 1 : step * 3) {
        AUTO(buffer_done) struct buffer out = {0};
        read_all(buffer_text(raw), step, &out);
        if (!str_equal(buffer_text(&out), str_of(wanted)))
            fail_msg("in steps of %zu: %.*s is not %s", step, STR_ARG(buffer_text(&out)), wanted);
    }
}

static void expect_frame(unsigned first, str payload, const char *wanted)
{
    AUTO(buffer_done) struct buffer raw = {0};
    add_frame(&raw, first, payload);
    expect(&raw, wanted);
}

static void messages_are_unmasked(void **state)
{
    expect_frame(0x81, STR("hello"), "text:hello|");
    expect_frame(0x81, STR(""), "text:|");
    expect_frame(0x81, STR("h\xc3\xa9llo w\xc3\xb6rld, longer"),
                 "text:h\xc3\xa9llo w\xc3\xb6rld, longer|");
}

static void lengths_of_all_three_forms_are_read(void **state)
{
    static const size_t lengths[] = {125, 126, 127, 65535, 65536, MAX_MESSAGE};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        AUTO(buffer_done) struct buffer raw = {0};
        AUTO(buffer_done) struct buffer wanted = {0};
        AUTO(memory_free) char *text = memory_new(lengths[i]);
        for (size_t k = 0; k < lengths[i]; k++)
            text[k] = (char)('a' + k % 26);
        add_frame(&raw, 0x81, (str){text, lengths[i]});
        buffer_format(&wanted, "text:%.*s|%c", (int)lengths[i], text, 0);
        for (size_t step = 7; step < raw.len * 2; step *= 19) {
            AUTO(buffer_done) struct buffer out = {0};
            read_all(buffer_text(&raw), step, &out);
            assert_true(str_equal(buffer_text(&out), str_of(wanted.at)));
        }
    }
}

static void fragments_are_put_together_around_control_frames(void **state)
{
    AUTO(buffer_done) struct buffer raw = {0};
    add_frame(&raw, 0x01, STR("a\xc3"));
    add_frame(&raw, 0x89, STR("ping"));
    add_frame(&raw, 0x00, STR(""));
    add_frame(&raw, 0x8a, STR("pong"));
    add_frame(&raw, 0x00, STR("\xa9"));
    add_frame(&raw, 0x80, STR("b"));
    add_frame(&raw, 0x81, STR("next"));
    add_frame(&raw, 0x01, STR(""));
    add_frame(&raw, 0x80, STR("late"));
    expect(&raw, "ping:ping|pong:pong|text:a\xc3\xa9"
                 "b|text:next|text:late|");
}

static void an_unfinished_message_is_kept(void **state)
{
    expect_frame(0x01, STR("a"), "unfinished");
    AUTO(buffer_done) struct buffer raw = {0};
    add_frame(&raw, 0x81, STR("hello"));
    raw.len -= 2;
    expect(&raw, "unfinished");
}

static void frames_that_break_the_rules_are_1002(void **state)
{
    expect_frame(0x80, STR("a"), "refused:1002|");
    expect_frame(0xc1, STR("a"), "refused:1002|");
    expect_frame(0xa1, STR("a"), "refused:1002|");
    expect_frame(0x91, STR("a"), "refused:1002|");
    expect_frame(0x83, STR("a"), "refused:1002|");
    expect_frame(0x8b, STR("a"), "refused:1002|");
    expect_frame(0x09, STR("a"), "refused:1002|");
    expect_frame(0x08, STR(""), "refused:1002|");
    AUTO(buffer_done) struct buffer raw = {0};
    add_frame(&raw, 0x01, STR("a"));
    add_frame(&raw, 0x81, STR("b"));
    expect(&raw, "refused:1002|");
    buffer_clear(&raw);
    char text[126] = "";
    add_frame(&raw, 0x89, (str){text, 126});
    expect(&raw, "refused:1002|");
}

static void expect_raw(str raw_bytes, const char *wanted)
{
    AUTO(buffer_done) struct buffer raw = {0};
    buffer_str(&raw, raw_bytes);
    expect(&raw, wanted);
}

static void unmasked_frames_are_1002(void **state)
{
    expect_raw(STR("\x81\x05hello"), "refused:1002|");
    expect_raw(STR("\x88\x00"), "refused:1002|");
}

static void lengths_not_in_their_shortest_form_are_1002(void **state)
{
    expect_raw(STR("\x81\xfe\x00\x05MASKhello"), "refused:1002|");
    expect_raw(STR("\x81\xff\0\0\0\0\0\0\xff\xffMASK"), "refused:1002|");
    expect_raw(STR("\x81\xff\x80\0\0\0\0\0\0\0MASK"), "refused:1002|");
}

static void binary_messages_are_1003(void **state)
{
    expect_frame(0x82, STR("a"), "refused:1003|");
}

static void text_that_is_not_utf8_is_1007(void **state)
{
    expect_frame(0x81, STR("\xff"), "refused:1007|");
    expect_frame(0x81, STR("a\xc3"), "refused:1007|");
    expect_frame(0x81, STR("\xed\xa0\x80"), "refused:1007|");
    expect_frame(0x88, STR("\x03\xe8\xff"), "refused:1007|");
}

static void messages_beyond_the_limit_are_1009_before_they_come(void **state)
{
    expect_raw(STR("\x81\xff\0\0\0\0\0\x01\x86\xa1MASK"), "refused:1009|");
    AUTO(buffer_done) struct buffer raw = {0};
    AUTO(memory_free) char *text = memory_zeroed(MAX_MESSAGE);
    add_frame(&raw, 0x01, (str){text, MAX_MESSAGE});
    add_frame(&raw, 0x80, STR("a"));
    AUTO(buffer_done) struct buffer out = {0};
    read_all(buffer_text(&raw), 5000, &out);
    assert_true(str_equal(buffer_text(&out), STR("refused:1009|")));
}

static void close_codes_are_checked(void **state)
{
    expect_frame(0x88, STR(""), "close:1005|");
    expect_frame(0x88, STR("\x03\xe8"), "close:1000|");
    expect_frame(0x88, STR("\x0f\xa0 why"), "close:4000|");
    expect_frame(0x88, STR("\x03"), "refused:1002|");
    expect_frame(0x88, STR("\x03\xed"), "refused:1002|");
    expect_frame(0x88, STR("\x03\xee"), "refused:1002|");
    expect_frame(0x88, STR("\x03\xf7"), "refused:1002|");
    expect_frame(0x88, STR("\x07\xd0"), "refused:1002|");
    expect_frame(0x88, STR("\x13\x88"), "refused:1002|");
    expect_frame(0x88, STR("\0\0"), "refused:1002|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_unmasked),
        cmocka_unit_test(lengths_of_all_three_forms_are_read),
        cmocka_unit_test(fragments_are_put_together_around_control_frames),
        cmocka_unit_test(an_unfinished_message_is_kept),
        cmocka_unit_test(frames_that_break_the_rules_are_1002),
        cmocka_unit_test(unmasked_frames_are_1002),
        cmocka_unit_test(lengths_not_in_their_shortest_form_are_1002),
        cmocka_unit_test(binary_messages_are_1003),
        cmocka_unit_test(text_that_is_not_utf8_is_1007),
        cmocka_unit_test(messages_beyond_the_limit_are_1009_before_they_come),
        cmocka_unit_test(close_codes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

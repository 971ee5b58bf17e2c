/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/buffer.h"
#include "net/http_parse.h"

/* Looks for the end and parses, in a block of exactly its size. 0: it needs more. */
static int read_head(struct arena *arena, str raw, struct http_head *out)
{
    size_t scanned = 0, len = 0;
    str exact = str_copy(arena, raw);
    int verdict = http_head_find(exact, &scanned, &len);
    if (verdict != HTTP_PARSE_READY)
        return verdict;
    return http_head_parse(arena, str_slice(exact, 0, len), out);
}

/* The same verdict must come when the bytes arrive one by one. */
static int read_bytewise(struct arena *arena, str raw)
{
    struct http_head head = {0};
    size_t scanned = 0, len = 0;
    for (size_t i = 1; i <= raw.len; i++) {
        int verdict = http_head_find(str_slice(raw, 0, i), &scanned, &len);
        if (verdict == HTTP_PARSE_READY)
            return http_head_parse(arena, str_slice(raw, 0, len), &head);
        if (verdict != HTTP_PARSE_MORE)
            return verdict;
    }
    return HTTP_PARSE_MORE;
}

static void expect(const char *raw, int wanted)
{
    AUTO(arena_done) struct arena arena = {0};
    struct http_head head = {0};
    int got = read_head(&arena, str_of(raw), &head);
    int bytewise = read_bytewise(&arena, str_of(raw));
    if (got != wanted || bytewise != wanted)
        fail_msg("%s gave %d, byte by byte %d, not %d", raw, got, bytewise, wanted);
}

static void expect_lines(const char *lines, int wanted)
{
    AUTO(buffer_done) struct buffer raw = {0};
    buffer_format(&raw, "POST / HTTP/1.1\r\n%s\r\n%c", lines, 0);
    expect(raw.at, wanted);
}

static void assert_str(str got, const char *wanted)
{
    if (!str_equal(got, str_of(wanted)))
        fail_msg("%.*s is not %s", STR_ARG(got), wanted);
}

static void a_request_is_taken_apart(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct http_head head = {0};
    const char *raw = "PATCH /a%20b/c?x=1&y=?2 HTTP/1.1\r\nHost: example:80\r\nX-A:  b c\t\r\n"
                      "content-LENGTH: 12\r\nEmpty:\r\nExpect: 100-Continue\r\n\r\nleft over";
    assert_int_equal(read_head(&arena, str_of(raw), &head), HTTP_PARSE_READY);
    assert_int_equal(head.request.method, HTTP_PATCH);
    assert_str(head.request.method_text, "PATCH");
    assert_str(head.request.target, "/a%20b/c?x=1&y=?2");
    assert_str(head.request.path, "/a%20b/c");
    assert_str(head.request.query, "x=1&y=?2");
    assert_str(head.request.host, "example:80");
    assert_int_equal(head.request.header_count, 5);
    assert_str(http_header(&head.request, "x-a"), "b c");
    assert_str(http_header(&head.request, "EMPTY"), "");
    assert_int_equal(head.content_length, 12);
    assert_true(head.is_kept_alive && head.is_expecting && !head.is_chunked);
    assert_false(head.request.is_head || head.request.is_http10);
}

static void a_head_that_is_not_whole_needs_more(void **state)
{
    expect("G", HTTP_PARSE_MORE);
    expect("GET / HTTP/1.1\r", HTTP_PARSE_MORE);
    expect("GET / HTTP/1.1\r\nHost: a\r\n", HTTP_PARSE_MORE);
    expect("GET / HTTP/1.1\r\nHost: a\r\n\r", HTTP_PARSE_MORE);
    expect("GET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_READY);
}

static void a_bare_line_feed_is_refused_at_once(void **state)
{
    expect("GET / HTTP/1.1\n", 400);
    expect("GET / HTTP/1.1\nHost: a\n\n", 400);
    expect("GET / HTTP/1.1\r\nHost: a\n", 400);
    expect("GET / HTTP/1.1\r\nHost: a\r\n\n", 400);
    expect("\n", 400);
    expect("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

static void a_carriage_return_alone_is_refused(void **state)
{
    expect("GET / HTTP/1.1\rHost: a\r\n\r\n", 400);
    expect("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400);
    expect("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400);
}

static void the_request_line_has_three_parts(void **state)
{
    expect("GET\r\nHost: a\r\n\r\n", 400);
    expect("GET /\r\nHost: a\r\n\r\n", 400);
    expect("GET / \r\nHost: a\r\n\r\n", 400);
    expect("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400);
    expect(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

static void versions_other_than_1_0_and_1_1_are_refused(void **state)
{
    expect("GET / HTTP/1.0\r\n\r\n", HTTP_PARSE_READY);
    expect("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505);
    expect("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505);
    expect("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505);
    expect("PRI * HTTP/2.0\r\n\r\n", 505);
    expect("GET / http/1.1\r\nHost: a\r\n\r\n", 400);
    expect("GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400);
    expect("GET / HTTP/11\r\nHost: a\r\n\r\n", 400);
    expect("GET / HTPT/1.1\r\nHost: a\r\n\r\n", 400);
}

static void unknown_methods_are_501_and_malformed_ones_400(void **state)
{
    expect("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501);
    expect("get / HTTP/1.1\r\nHost: a\r\n\r\n", 501);
    expect("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501);
    expect("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501);
    expect("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect("G\xc3\x89T / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

static void targets_are_visible_ascii_with_whole_escapes(void **state)
{
    static const char *const bad[] = {
        "a",      "a/b",       "/a%",      "/a%2",    "/a%2g",     "/a%g2",    "/a%00b", "/a\x01",
        "/a\x7f", "/\xc3\xa9", "/a#b",     "/a\\b",   "/a<b",      "/a\"b",    "/?a%",   "/?a%zz",
        "/?a#b",  "*",         "//a?\x80", "http://", "http://?a", "ftp://a/", "/?\xff", "?a",
    };
    static const char *const good[] = {
        "/",     "/?",      "/a%2Fb",  "/a/../b",  "//a",          "/a;b=c,d@e:f", "/a[b]|c^{d}",
        "/?a?b", "/?q=%00", "/?a=\\`", "http://a", "http://a/b?c", "HTTPS://A/b",  "/~a+b!$&'()*",
    };
    AUTO(buffer_done) struct buffer raw = {0};
    for (size_t i = 0; i < ARRAY_LEN(bad) + ARRAY_LEN(good); i++) {
        bool is_bad = i < ARRAY_LEN(bad);
        buffer_clear(&raw);
        buffer_format(&raw, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n%c",
                      is_bad ? bad[i] : good[i - ARRAY_LEN(bad)], 0);
        expect(raw.at, is_bad ? 400 : HTTP_PARSE_READY);
    }
    expect("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_READY);
    expect("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

static void an_absolute_target_names_the_same_host(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct http_head head = {0};
    const char *raw = "GET http://Example:8/x?y HTTP/1.1\r\nHost: example:8\r\n\r\n";
    assert_int_equal(read_head(&arena, str_of(raw), &head), HTTP_PARSE_READY);
    assert_str(head.request.path, "/x");
    assert_str(head.request.query, "y");
    expect("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

static void host_is_given_once_and_well_formed(void **state)
{
    expect_lines("", 400);
    expect_lines("Host: a\r\nHost: a\r\n", 400);
    expect_lines("Host: a\r\nhost: b\r\n", 400);
    expect_lines("Host:\r\n", 400);
    expect_lines("Host: a b\r\n", 400);
    expect_lines("Host: a/b\r\n", 400);
    expect_lines("Host: u@a\r\n", 400);
    expect_lines("Host: a, b\r\n", 400);
    expect_lines("Host: [::1]:80\r\n", HTTP_PARSE_READY);
    expect_lines("Host: a.b-c_d:80\r\n", HTTP_PARSE_READY);
    expect("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400);
}

static void header_lines_follow_the_grammar(void **state)
{
    expect_lines("Host: a\r\nX : b\r\n", 400);
    expect_lines("Host: a\r\n X: b\r\n", 400);
    expect_lines("Host: a\r\nX: b\r\n c\r\n", 400);
    expect_lines("Host: a\r\nX: b\r\n\tc\r\n", 400);
    expect_lines("Host: a\r\nX\r\n", 400);
    expect_lines("Host: a\r\n: b\r\n", 400);
    expect_lines("Host: a\r\nX\x01: b\r\n", 400);
    expect_lines("Host: a\r\nX: b\x01\r\n", 400);
    expect_lines("Host: a\r\nX: b\x7f\r\n", 400);
    expect_lines("Host: a\r\nX(y): b\r\n", 400);
    expect_lines("Host: a\r\n\xc3\x89: b\r\n", 400);
    expect_lines("Host: a\r\nX: \xc3\xa9\tb\r\n", HTTP_PARSE_READY);
    expect_lines("Host: a\r\nX:b\r\n", HTTP_PARSE_READY);

    AUTO(arena_done) struct arena arena = {0};
    struct http_head head = {0};
    str zero = STR("GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n");
    assert_int_equal(read_head(&arena, zero, &head), 400);
}

/* Long values are looked at by eight bytes at a time. */
static void a_control_character_is_found_wherever_it_stands(void **state)
{
    for (int byte = 1; byte < 256; byte++) {
        if (byte == '\r' || byte == '\n')
            continue; /* they end lines */
        bool is_good = byte == '\t' || (byte >= ' ' && byte != 0x7f);
        for (size_t at = 0; at < 21; at++) {
            char lines[] = "Host: a\r\nX: .....................\r\n";
            lines[12 + at] = (char)byte;
            expect_lines(lines, is_good ? HTTP_PARSE_READY : 400);
        }
    }
    expect_lines("Host: a\r\nX: ......\t..\x1f.....\r\n", 400);
}

static void framing_that_two_servers_could_read_differently_is_refused(void **state)
{
    expect_lines("Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400);
    expect_lines("Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n", 400);
    expect_lines("Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n", 400);
    expect_lines("Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n", 400);
    expect_lines("Host: a\r\nContent-Length: 1, 1\r\n", 400);
    expect_lines("Host: a\r\nContent-Length: +1\r\n", 400);
    expect_lines("Host: a\r\nContent-Length: -1\r\n", 400);
    expect_lines("Host: a\r\nContent-Length: 0x1\r\n", 400);
    expect_lines("Host: a\r\nContent-Length: 1 1\r\n", 400);
    expect_lines("Host: a\r\nContent-Length:\r\n", 400);
    expect_lines("Host: a\r\nContent-Length: 1a\r\n", 400);
    expect_lines("Host: a\r\nContent-Length: 99999999999999999999\r\n", 400);
    expect_lines("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400);
    expect_lines("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", 501);
    expect_lines("Host: a\r\nTransfer-Encoding: chunked, chunked\r\n", 501);
    expect_lines("Host: a\r\nTransfer-Encoding: identity\r\n", 501);
    expect_lines("Host: a\r\nTransfer-Encoding: xchunked\r\n", 501);
    expect_lines("Host: a\r\nTransfer-Encoding: \"chunked\"\r\n", 501);
    expect_lines("Host: a\r\nTransfer-Encoding:\r\n", 501);
    expect_lines("Host: a\r\nTransfer-Encoding: CHUNKED\r\n", HTTP_PARSE_READY);
    expect("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    expect_lines("Host: a\r\nExpect: something\r\n", 417);
}

static void keeping_alive_follows_version_and_connection(void **state)
{
    static const struct {
        const char *raw;
        bool is_kept;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x , close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(arena_done) struct arena arena = {0};
        struct http_head head = {0};
        assert_int_equal(read_head(&arena, str_of(cases[i].raw), &head), HTTP_PARSE_READY);
        assert_int_equal(head.is_kept_alive, cases[i].is_kept);
    }
}

static void too_many_headers_are_431(void **state)
{
    AUTO(buffer_done) struct buffer lines = {0};
    buffer_str(&lines, STR("Host: a\r\n"));
    for (int i = 1; i < HTTP_HEADERS_MAX; i++)
        buffer_format(&lines, "X%d: y\r\n", i);
    buffer_char(&lines, 0);
    expect_lines(lines.at, HTTP_PARSE_READY);
    lines.len--;
    buffer_format(&lines, "Z: y\r\n%c", 0);
    expect_lines(lines.at, 431);
}

/* ---- chunks ---- */

/* Reads the body in steps of this many bytes; the verdict, with the data in *out. */
static int read_chunks(str raw, size_t step, struct buffer *out, size_t *total)
{
    struct http_chunks chunks = {0};
    size_t from = 0, until = 0;
    while (until < raw.len) {
        until = MIN_OF(until + step, raw.len);
        while (from < until) {
            size_t used = 0;
            str data;
            int verdict = http_chunks_read(&chunks, str_slice(raw, from, until), &used, &data);
            assert_in_range(used, 1, until - from);
            from += used;
            buffer_str(out, data);
            *total = from;
            if (verdict != HTTP_PARSE_MORE)
                return verdict;
        }
    }
    return HTTP_PARSE_MORE;
}

static void expect_chunks(const char *raw, int wanted, const char *data)
{
    for (size_t step = 1; step <= strlen(raw); step++) {
        AUTO(buffer_done) struct buffer out = {0};
        size_t total = 0;
        int got = read_chunks(str_of(raw), step, &out, &total);
        if (got != wanted)
            fail_msg("%s in steps of %zu gave %d, not %d", raw, step, got, wanted);
        if (data != NULL)
            assert_str(buffer_text(&out), data);
    }
}

static void chunks_are_put_together(void **state)
{
    expect_chunks("5\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\n\r\n", 1, "hello 0123456789");
    expect_chunks("0\r\n\r\n", 1, "");
    expect_chunks("00005;a=b;c=\"d\"\r\nhello\r\n0;x\r\nT: u\r\nV:\r\n\r\n", 1, "hello");
    expect_chunks("5\r\nhel", 0, "hel");
    expect_chunks("1f\r\n0123456789abcdef0123456789abcde\r\n0\r\n\r\n", 1,
                  "0123456789abcdef0123456789abcde");
}

static void what_follows_the_last_chunk_is_not_touched(void **state)
{
    AUTO(buffer_done) struct buffer out = {0};
    size_t total = 0;
    assert_int_equal(read_chunks(STR("1\r\na\r\n0\r\n\r\nGET /"), 100, &out, &total), 1);
    assert_int_equal(total, 11);
}

static void malformed_chunks_are_refused(void **state)
{
    static const char *const bad[] = {
        "\r\n",
        "x\r\n",
        " 5\r\nhello\r\n",
        "5 \r\nhello\r\n",
        "+5\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        "-1\r\n",
        "5\nhello\r\n",
        "5\r\nhelloX\r\n",
        "5\r\nhello\n0\r\n",
        "5\r\nhello\r0\r\n",
        "5;\x01\r\nhello\r\n",
        "5;a\nhello\r\n",
        "1000000000000000\r\n",
        "0\r\nX\r\n\r\n",
        "0\r\n X: y\r\n\r\n",
        "0\r\nX : y\r\n\r\n",
        "0\r\n: y\r\n\r\n",
        "0\r\nX: y\n\r\n",
        "0\r\n\n",
        "0\r\n\rx",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        expect_chunks(bad[i], 400, NULL);
}

static void long_extensions_and_trailers_are_refused(void **state)
{
    AUTO(buffer_done) struct buffer raw = {0};
    AUTO(buffer_done) struct buffer out = {0};
    size_t total = 0;
    buffer_str(&raw, STR("1;"));
    for (int i = 0; i < 300; i++)
        buffer_char(&raw, 'x');
    assert_int_equal(read_chunks(buffer_text(&raw), 7, &out, &total), 400);
    buffer_clear(&raw);
    buffer_str(&raw, STR("0\r\n"));
    for (int i = 0; i < 3000; i++)
        buffer_str(&raw, STR("X:y\r\n"));
    assert_int_equal(read_chunks(buffer_text(&raw), 1000, &out, &total), 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(a_head_that_is_not_whole_needs_more),
        cmocka_unit_test(a_bare_line_feed_is_refused_at_once),
        cmocka_unit_test(a_carriage_return_alone_is_refused),
        cmocka_unit_test(the_request_line_has_three_parts),
        cmocka_unit_test(versions_other_than_1_0_and_1_1_are_refused),
        cmocka_unit_test(unknown_methods_are_501_and_malformed_ones_400),
        cmocka_unit_test(targets_are_visible_ascii_with_whole_escapes),
        cmocka_unit_test(an_absolute_target_names_the_same_host),
        cmocka_unit_test(host_is_given_once_and_well_formed),
        cmocka_unit_test(header_lines_follow_the_grammar),
        cmocka_unit_test(a_control_character_is_found_wherever_it_stands),
        cmocka_unit_test(framing_that_two_servers_could_read_differently_is_refused),
        cmocka_unit_test(keeping_alive_follows_version_and_connection),
        cmocka_unit_test(too_many_headers_are_431),
        cmocka_unit_test(chunks_are_put_together),
        cmocka_unit_test(what_follows_the_last_chunk_is_not_touched),
        cmocka_unit_test(malformed_chunks_are_refused),
        cmocka_unit_test(long_extensions_and_trailers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

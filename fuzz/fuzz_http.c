/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A head gives the same verdict whether it comes whole or byte by byte; what is accepted keeps the
 * promises of net/http.h; a chunked body after it is the same however it is cut into pieces.
 */
#include <assert.h>
#include <string.h>

#include "base/buffer.h"
#include "net/http_parse.h"

#include "fuzz.h"

static bool is_verdict(int verdict)
{
    static const int known[] = {HTTP_PARSE_MORE, HTTP_PARSE_READY, 400, 417, 431, 501, 505};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (verdict == known[i])
            return true;
    }
    return false;
}

static void is_found_bytewise_too(str in, int wanted, size_t len)
{
    size_t scanned = 0, found = 0;
    int verdict = HTTP_PARSE_MORE;
    for (size_t i = 1; i <= in.len && verdict == HTTP_PARSE_MORE; i++)
        verdict = http_head_find(str_slice(in, 0, i), &scanned, &found);
    assert(verdict == wanted);
    assert(verdict != HTTP_PARSE_READY || found == len);
}

static bool has_controls(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static void keeps_its_promises(struct arena *arena, const struct http_head *head)
{
    const struct http_request *request = &head->request;
    str value;
    assert(request->method != HTTP_NONE);
    assert(request->path.len != 0 && !has_controls(request->target));
    assert(request->path.at[0] == '/' || request->method == HTTP_OPTIONS);
    assert(request->host.len != 0 || request->is_http10);
    assert(!(head->is_chunked && head->content_length >= 0));
    assert(request->header_count <= HTTP_HEADERS_MAX);
    for (size_t i = 0; i < request->header_count; i++) {
        assert(request->headers[i].name.len != 0 && !has_controls(request->headers[i].name));
        assert(!has_controls(request->headers[i].value));
    }
    str path = http_path(arena, request);
    assert(utf8_is_valid(path) && !str_contains(path, STR("/../")) && !str_ends(path, STR("/..")));
    (void)http_query(arena, request, "a", &value);
    assert(http_header(request, "no such header").at == NULL);
}

/* The body's bytes and the verdict, when it comes in pieces of this size. */
static int read_chunks(str in, size_t step, struct buffer *out, size_t *total)
{
    struct http_chunks chunks = {0};
    *total = 0;
    for (size_t until = 0; until < in.len;) {
        until = MIN_OF(until + step, in.len);
        while (*total < until) {
            size_t used = 0;
            str data;
            int verdict = http_chunks_read(&chunks, str_slice(in, *total, until), &used, &data);
            assert(is_verdict(verdict) && used != 0 && used <= until - *total);
            assert(data.len <= used);
            *total += used;
            buffer_str(out, data);
            if (verdict != HTTP_PARSE_MORE)
                return verdict;
        }
    }
    return HTTP_PARSE_MORE;
}

static void chunks_are_the_same_however_cut(str in)
{
    AUTO(buffer_done) struct buffer whole = {0};
    AUTO(buffer_done) struct buffer cut = {0};
    size_t whole_total, cut_total;
    int verdict = read_chunks(in, in.len + 1, &whole, &whole_total);
    assert(read_chunks(in, 1, &cut, &cut_total) == verdict);
    assert(str_equal(buffer_text(&whole), buffer_text(&cut)));
    assert(verdict != HTTP_PARSE_READY || whole_total == cut_total);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    struct http_head head;
    size_t scanned = 0, len = 0;
    str in = {(const char *)data, MIN_OF(size, (size_t)HTTP_HEAD_MAX)};

    int verdict = http_head_find(in, &scanned, &len);
    assert(is_verdict(verdict));
    is_found_bytewise_too(in, verdict, len);
    if (verdict != HTTP_PARSE_READY)
        return 0;
    /* A block of exactly its size, so that reading beyond is seen. */
    str exact = str_copy(&arena, str_slice(in, 0, len));
    verdict = http_head_parse(&arena, exact, &head);
    assert(is_verdict(verdict) && verdict != HTTP_PARSE_MORE);
    if (verdict != HTTP_PARSE_READY)
        return 0;
    keeps_its_promises(&arena, &head);
    if (head.is_chunked)
        chunks_are_the_same_however_cut(str_slice(in, len, in.len));
    return 0;
}

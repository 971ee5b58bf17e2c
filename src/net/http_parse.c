/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_parse.h"

#include "base/encode.h"

#include <string.h>

#define BAD_REQUEST 400
#define EXPECTATION_FAILED 417
#define TOO_LARGE 431
#define NOT_IMPLEMENTED 501
#define VERSION_UNKNOWN 505

enum {
    TOKEN = 1,     /* in names and methods */
    VALUE = 2,     /* in header values: visible, space, tab, and bytes above 0x7f */
    PATH = 4,      /* in paths */
    QUERY = 8,     /* in queries */
    AUTHORITY = 16 /* in Host */
};

#define WORDY (TOKEN | VALUE | PATH | QUERY | AUTHORITY)
#define SIGN (VALUE | PATH | QUERY)

static const uint8_t classes[256] = {
    ['\t'] = VALUE,
    [' '] = VALUE,
    ['0' ... '9'] = WORDY,
    ['A' ... 'Z'] = WORDY,
    ['a' ... 'z'] = WORDY,
    ['!'] = TOKEN | SIGN,
    ['"'] = VALUE,
    ['#'] = TOKEN | VALUE,
    ['$'] = TOKEN | SIGN,
    ['%'] = TOKEN | SIGN,
    ['&'] = TOKEN | SIGN,
    ['\''] = TOKEN | SIGN,
    ['('] = SIGN,
    [')'] = SIGN,
    ['*'] = TOKEN | SIGN,
    ['+'] = TOKEN | SIGN,
    [','] = SIGN,
    ['-'] = WORDY,
    ['.'] = WORDY,
    ['/'] = SIGN,
    [':'] = SIGN | AUTHORITY,
    [';'] = SIGN,
    ['<'] = VALUE,
    ['='] = SIGN,
    ['>'] = VALUE,
    ['?'] = SIGN,
    ['@'] = SIGN,
    ['['] = SIGN | AUTHORITY,
    ['\\'] = VALUE | QUERY,
    [']'] = SIGN | AUTHORITY,
    ['^'] = TOKEN | SIGN,
    ['_'] = WORDY,
    ['`'] = TOKEN | VALUE | QUERY,
    ['{'] = SIGN,
    ['|'] = TOKEN | SIGN,
    ['}'] = SIGN,
    ['~'] = WORDY,
    [0x80 ... 0xff] = VALUE,
};

static bool is_all(str s, uint8_t class)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((classes[(uint8_t)s.at[i]] & class) == 0)
            return false;
    }
    return true;
}

#define EACH_BYTE(n) (0x0101010101010101u * (n))

/* Whether one of eight bytes is a control character or 0x7f; also when it is a tab. */
static bool has_control(uint64_t word)
{
    uint64_t last = word ^ EACH_BYTE(0x7f);
    uint64_t found = ((word - EACH_BYTE(0x20)) & ~word) | ((last - EACH_BYTE(1)) & ~last);
    return (found & EACH_BYTE(0x80)) != 0;
}

/* As is_all of VALUE; a token of a bearer is long, and comes with each request. */
static bool is_value(str s)
{
    size_t at = 0;
    for (; s.len - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, s.at + at, sizeof(word));
        if (has_control(word) && !is_all((str){s.at + at, 8}, VALUE))
            return false;
    }
    return is_all(str_slice(s, at, s.len), VALUE);
}

static str trim_blanks(str s)
{
    while (s.len != 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = str_slice(s, 1, s.len);
    while (s.len != 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

int http_head_find(str in, size_t *scanned, size_t *len)
{
    size_t line = *scanned; /* where the line begins that was not ended last time */
    for (;;) {
        const char *feed = line < in.len ? memchr(in.at + line, '\n', in.len - line) : NULL;
        if (feed == NULL) {
            *scanned = line;
            return HTTP_PARSE_MORE;
        }
        size_t end = (size_t)(feed - in.at);
        if (end == line || in.at[end - 1] != '\r')
            return BAD_REQUEST;
        if (end == line + 1) {
            *len = end + 1;
            return line == 0 ? BAD_REQUEST : HTTP_PARSE_READY;
        }
        line = end + 1;
    }
}

bool http_list_has(str list, str token)
{
    str item;
    while (str_split(&list, ',', &item)) {
        if (str_equal_nocase(trim_blanks(item), token))
            return true;
    }
    return false;
}

/* ---- the request line ---- */

static const struct {
    str text;
    enum http_method method;
} methods[] = {
    {{"GET", 3}, HTTP_GET},         {{"HEAD", 4}, HTTP_HEAD},   {{"POST", 4}, HTTP_POST},
    {{"PUT", 3}, HTTP_PUT},         {{"PATCH", 5}, HTTP_PATCH}, {{"DELETE", 6}, HTTP_DELETE},
    {{"OPTIONS", 7}, HTTP_OPTIONS},
};

static int read_method(str text, struct http_request *request)
{
    if (text.len == 0 || !is_all(text, TOKEN))
        return BAD_REQUEST;
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (str_equal(text, methods[i].text))
            request->method = methods[i].method;
    }
    request->method_text = text;
    request->is_head = request->method == HTTP_HEAD;
    return request->method == HTTP_NONE ? NOT_IMPLEMENTED : HTTP_PARSE_READY;
}

static int read_version(str text, struct http_request *request)
{
    if (str_equal(text, STR("HTTP/1.1")))
        return HTTP_PARSE_READY;
    request->is_http10 = true;
    if (str_equal(text, STR("HTTP/1.0")))
        return HTTP_PARSE_READY;
    bool is_version = text.len == 8 && str_starts(text, STR("HTTP/")) && text.at[5] >= '0' &&
                      text.at[5] <= '9' && text.at[6] == '.' && text.at[7] >= '0' &&
                      text.at[7] <= '9';
    return is_version ? VERSION_UNKNOWN : BAD_REQUEST;
}

/* Each '%' is followed by two hex digits; in a path they are not 00. */
static bool has_good_escapes(str s, bool is_path)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] != '%')
            continue;
        if (s.len - i < 3 || hex_value(s.at[i + 1]) < 0 || hex_value(s.at[i + 2]) < 0)
            return false;
        if (is_path && s.at[i + 1] == '0' && s.at[i + 2] == '0')
            return false;
    }
    return true;
}

/* Cuts "http://authority" off; *authority stays empty when the target is a path. */
static void split_authority(str *target, str *authority)
{
    size_t scheme = 0;
    if (target->len >= 7 && str_equal_nocase(str_slice(*target, 0, 7), STR("http://")))
        scheme = 7;
    else if (target->len >= 8 && str_equal_nocase(str_slice(*target, 0, 8), STR("https://")))
        scheme = 8;
    if (scheme == 0)
        return;
    size_t end = scheme;
    while (end < target->len && target->at[end] != '/' && target->at[end] != '?')
        end++;
    *authority = str_slice(*target, scheme, end);
    *target = str_slice(*target, end, target->len);
}

static int read_target(str text, struct http_request *request, str *authority)
{
    request->target = text;
    str rest = text;
    split_authority(&rest, authority);
    bool is_absolute = rest.at != text.at;
    if (is_absolute && authority->len == 0)
        return BAD_REQUEST;

    ptrdiff_t mark = str_find(rest, '?');
    request->path = mark < 0 ? rest : str_slice(rest, 0, (size_t)mark);
    request->query = mark < 0 ? (str){0} : str_slice(rest, (size_t)mark + 1, rest.len);
    if (is_absolute && request->path.len == 0)
        request->path = STR("/");
    if (request->path.len == 0)
        return BAD_REQUEST;
    if (request->path.at[0] != '/') {
        bool is_asterisk = request->method == HTTP_OPTIONS && str_equal(text, STR("*"));
        return is_asterisk ? HTTP_PARSE_READY : BAD_REQUEST;
    }
    if (!is_all(request->path, PATH) || !is_all(request->query, QUERY))
        return BAD_REQUEST;
    bool is_good = has_good_escapes(request->path, true) && has_good_escapes(request->query, false);
    return is_good ? HTTP_PARSE_READY : BAD_REQUEST;
}

static int read_request_line(str line, struct http_request *request, str *authority)
{
    str method, target, version = line;
    if (!str_split(&version, ' ', &method) || !str_split(&version, ' ', &target))
        return BAD_REQUEST;
    if (str_find(version, ' ') >= 0)
        return BAD_REQUEST;
    int verdict = read_version(version, request);
    if (verdict == HTTP_PARSE_READY)
        verdict = read_method(method, request);
    if (verdict == HTTP_PARSE_READY)
        verdict = read_target(target, request, authority);
    return verdict;
}

/* ---- headers ---- */

/* What the headers that decide about framing have said so far. */
struct framing {
    str host, authority;
    unsigned hosts, lengths, codings;
    bool is_closing, is_keeping, is_other_coding;
    int verdict;
};

static void read_length(str value, struct framing *framing, struct http_head *out)
{
    framing->lengths++;
    bool is_number = value.len != 0 && value.len <= 18;
    for (size_t i = 0; i < value.len; i++)
        is_number = is_number && value.at[i] >= '0' && value.at[i] <= '9';
    if (!is_number || !str_to_int(value, &out->content_length))
        framing->verdict = BAD_REQUEST;
}

static void read_coding(str value, struct framing *framing, struct http_head *out)
{
    framing->codings++;
    if (str_equal_nocase(value, STR("chunked")))
        out->is_chunked = true;
    else
        framing->is_other_coding = true;
}

/* Headers that this layer itself obeys; all others are the application's. */
static void obey(const struct http_header *header, struct framing *framing, struct http_head *out)
{
    str name = header->name;
    if (name.len == 4 && str_equal_nocase(name, STR("host"))) {
        framing->hosts++;
        framing->host = header->value;
    } else if (name.len == 14 && str_equal_nocase(name, STR("content-length"))) {
        read_length(header->value, framing, out);
    } else if (name.len == 17 && str_equal_nocase(name, STR("transfer-encoding"))) {
        read_coding(header->value, framing, out);
    } else if (name.len == 10 && str_equal_nocase(name, STR("connection"))) {
        framing->is_closing |= http_list_has(header->value, STR("close"));
        framing->is_keeping |= http_list_has(header->value, STR("keep-alive"));
    } else if (name.len == 6 && str_equal_nocase(name, STR("expect"))) {
        out->is_expecting = str_equal_nocase(header->value, STR("100-continue"));
        if (!out->is_expecting)
            framing->verdict = EXPECTATION_FAILED;
    }
}

static bool read_header(str line, struct http_header *out)
{
    ptrdiff_t colon = str_find(line, ':');
    if (colon <= 0)
        return false;
    out->name = str_slice(line, 0, (size_t)colon);
    out->value = trim_blanks(str_slice(line, (size_t)colon + 1, line.len));
    /* A folded line begins with a blank, which is no token; so does a space before the colon. */
    return is_all(out->name, TOKEN) && is_value(out->value);
}

static bool is_good_host(const struct framing *framing, bool is_http10)
{
    if (framing->hosts > 1 || (framing->hosts == 0 && !is_http10))
        return false;
    if (framing->hosts == 1 && (framing->host.len == 0 || !is_all(framing->host, AUTHORITY)))
        return false;
    return framing->authority.len == 0 || str_equal_nocase(framing->authority, framing->host);
}

static int judge(const struct framing *framing, struct http_head *out)
{
    bool is_http10 = out->request.is_http10;
    if (!is_good_host(framing, is_http10))
        return BAD_REQUEST;
    if (framing->lengths > 1 || framing->codings > 1)
        return BAD_REQUEST;
    if (framing->codings == 1 && (framing->lengths != 0 || is_http10))
        return BAD_REQUEST;
    if (framing->is_other_coding)
        return NOT_IMPLEMENTED;
    if (framing->verdict != 0)
        return framing->verdict;
    out->is_kept_alive = !framing->is_closing && (!is_http10 || framing->is_keeping);
    out->is_expecting = out->is_expecting && !is_http10;
    out->request.host = framing->host;
    return HTTP_PARSE_READY;
}

/* The next line without its end; there is one, because http_head_find saw it. */
static str next_line(str *rest)
{
    ptrdiff_t feed = str_find(*rest, '\n');
    assert(feed > 0);
    str line = str_slice(*rest, 0, (size_t)feed - 1);
    *rest = str_slice(*rest, (size_t)feed + 1, rest->len);
    return line;
}

int http_head_parse(struct arena *arena, str head, struct http_head *out)
{
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t count = 0;
    struct framing framing = {0};
    *out = (struct http_head){.content_length = -1, .request.body_fd = -1};

    str rest = head;
    int verdict = read_request_line(next_line(&rest), &out->request, &framing.authority);
    if (verdict != HTTP_PARSE_READY)
        return verdict;
    for (str line = next_line(&rest); line.len != 0; line = next_line(&rest)) {
        if (count == HTTP_HEADERS_MAX)
            return TOO_LARGE;
        if (!read_header(line, &headers[count]))
            return BAD_REQUEST;
        obey(&headers[count++], &framing, out);
    }
    verdict = judge(&framing, out);
    if (verdict != HTTP_PARSE_READY)
        return verdict;
    out->request.headers = arena_copy(arena, headers, count * sizeof(headers[0]));
    out->request.header_count = count;
    return HTTP_PARSE_READY;
}

/* ---- chunked bodies ---- */

#define CHUNK_DIGITS_MAX 15
#define CHUNK_LINE_MAX 256
#define TRAILERS_MAX KIB(8)

/*
 * size [;extension] CR LF  data CR LF  ...  0 CR LF  *(name: value CR LF)  CR LF
 * Extensions and trailers are checked and thrown away.
 */
enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    TRAILER_BEGIN,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    CHUNK_LAST_LF,
};

static bool read_size(struct http_chunks *chunks, char c)
{
    int digit = hex_value(c);
    if (digit >= 0) {
        chunks->left = chunks->left * 16 + (uint64_t)digit;
        return ++chunks->digits <= CHUNK_DIGITS_MAX;
    }
    if (chunks->digits == 0)
        return false;
    chunks->state = c == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
    return c == '\r' || c == ';';
}

static bool read_value(struct http_chunks *chunks, char c, enum chunk_state at_cr)
{
    if (c == '\r')
        chunks->state = (uint8_t)at_cr;
    return c == '\r' || (classes[(uint8_t)c] & VALUE) != 0;
}

static bool expect(struct http_chunks *chunks, bool is_so, enum chunk_state then)
{
    chunks->state = (uint8_t)then;
    return is_so;
}

static bool read_trailer(struct http_chunks *chunks, char c)
{
    if (c == '\r' && chunks->state == TRAILER_BEGIN)
        return expect(chunks, true, CHUNK_LAST_LF);
    if (c == ':' && chunks->state == TRAILER_NAME)
        return expect(chunks, true, TRAILER_VALUE);
    return expect(chunks, (classes[(uint8_t)c] & TOKEN) != 0, TRAILER_NAME);
}

/* One byte that is not data. */
static bool read_frame_byte(struct http_chunks *chunks, char c)
{
    chunks->line++;
    switch ((enum chunk_state)chunks->state) {
    case CHUNK_SIZE:
        return read_size(chunks, c);
    case CHUNK_EXTENSION:
        return chunks->line < CHUNK_LINE_MAX && read_value(chunks, c, CHUNK_SIZE_LF);
    case CHUNK_SIZE_LF:
        chunks->line = 0;
        chunks->digits = 0;
        return expect(chunks, c == '\n', chunks->left == 0 ? TRAILER_BEGIN : CHUNK_DATA);
    case CHUNK_DATA_CR:
        return expect(chunks, c == '\r', CHUNK_DATA_LF);
    case CHUNK_DATA_LF:
        chunks->line = 0;
        return expect(chunks, c == '\n', CHUNK_SIZE);
    case TRAILER_BEGIN:
    case TRAILER_NAME:
        return read_trailer(chunks, c);
    case TRAILER_VALUE:
        return read_value(chunks, c, TRAILER_LF);
    case TRAILER_LF:
        return expect(chunks, c == '\n', TRAILER_BEGIN);
    case CHUNK_LAST_LF:
        return c == '\n';
    case CHUNK_DATA:
        break;
    }
    return false;
}

int http_chunks_read(struct http_chunks *chunks, str in, size_t *used, str *data)
{
    *data = (str){0};
    for (size_t i = 0; i < in.len; i++) {
        if (chunks->state == CHUNK_DATA) {
            *data = str_slice(in, i, i + (size_t)MIN_OF(chunks->left, (uint64_t)(in.len - i)));
            *used = i + data->len;
            chunks->left -= data->len;
            if (chunks->left == 0)
                chunks->state = CHUNK_DATA_CR;
            return HTTP_PARSE_MORE;
        }
        bool is_end = chunks->state == CHUNK_LAST_LF;
        *used = i + 1;
        if (!read_frame_byte(chunks, in.at[i]))
            return BAD_REQUEST;
        if (chunks->state >= TRAILER_BEGIN && chunks->line > TRAILERS_MAX)
            return TOO_LARGE;
        if (is_end)
            return HTTP_PARSE_READY;
    }
    *used = in.len;
    return HTTP_PARSE_MORE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/encode.h"

#include <string.h>

str http_header(const struct http_request *request, const char *name)
{
    str wanted = str_of(name);
    for (size_t i = 0; i < request->header_count; i++) {
        str have = request->headers[i].name;
        if (have.len == wanted.len && str_equal_nocase(have, wanted))
            return request->headers[i].value;
    }
    return (str){0};
}

bool http_query(struct arena *arena, const struct http_request *request, const char *name,
                str *value)
{
    str rest = request->query, pair;
    while (str_split(&rest, '&', &pair)) {
        str key = {0}, decoded;
        if (!str_split(&pair, '=', &key))
            continue;
        if (!percent_read(arena, key, true, &decoded) || !str_equal(decoded, str_of(name)))
            continue;
        return percent_read(arena, pair, true, value);
    }
    return false;
}

static bool has_dot_segment(str path)
{
    str rest = path, segment;
    while (str_split(&rest, '/', &segment)) {
        if (str_equal(segment, STR(".")) || str_equal(segment, STR("..")))
            return true;
    }
    return false;
}

/* %2F and %5C would become separators that were none to whoever stands in front of us. */
static bool has_hidden_separator(str path)
{
    for (size_t i = 0; i + 2 < path.len; i++) {
        if (path.at[i] != '%')
            continue;
        int high = hex_value(path.at[i + 1]), low = hex_value(path.at[i + 2]);
        if ((high == 2 && low == 15) || (high == 5 && low == 12))
            return true;
    }
    return false;
}

str http_path(struct arena *arena, const struct http_request *request)
{
    str path = {0};
    if (has_hidden_separator(request->path) || str_find(request->path, '\\') >= 0)
        return (str){0};
    if (!percent_read(arena, request->path, false, &path))
        return (str){0};
    if (has_dot_segment(path) || !utf8_is_valid(path) || str_find(path, '\0') >= 0)
        return (str){0};
    return path;
}

const char *http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {460, "Checksum Mismatch"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].status == status)
            return texts[i].text;
    }
    return "Unknown";
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/files.h"

#include "serve/route.h"
#include "studio/assets.h"

#include <ctype.h>
#include <string.h>

#define FILE_HEADERS_MAX 16

struct file_answer {
    struct http_header headers[FILE_HEADERS_MAX];
    size_t count;
};

static void add(struct file_answer *answer, str name, str value)
{
    answer->headers[answer->count++] = (struct http_header){name, value};
}

static bool find_file(struct front *front, struct arena *arena, str storage_id, struct file *out)
{
    static const struct function nobody = {.name = "files"};
    struct view view;
    if (!front_view(front, arena, &view))
        return false;
    struct call call = {.arena = arena,
                        .view = &view,
                        .program = front->options.program,
                        .function = &nobody,
                        .now = front_now()};
    bool is_found = file_find(&call, storage_id, out);
    view_end(&view);
    return is_found;
}

/* RFC 6266: an ASCII name for old clients, the true one percent-encoded. */
static str disposition(struct arena *arena, const struct file *file)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(KIB(4));
    buffer_str(&text, STR("attachment; filename=\""));
    for (size_t i = 0; i < file->name.len; i++) {
        char c = file->name.at[i];
        bool is_plain = c >= ' ' && c < 0x7f && strchr("\"\\/%", c) == NULL;
        buffer_char(&text, is_plain ? c : '_');
    }
    buffer_str(&text, STR("\"; filename*=UTF-8''"));
    for (size_t i = 0; i < file->name.len; i++) {
        unsigned char c = (unsigned char)file->name.at[i];
        if (c < 0x80 && (isalnum(c) || strchr(".-_", c) != NULL))
            buffer_char(&text, (char)c);
        else
            buffer_format(&text, "%%%02X", c);
    }
    return str_copy(arena, buffer_text(&text));
}

static void add_headers(struct file_answer *answer, struct exchange *exchange,
                        const struct http_request *request, const struct file *file)
{
    struct arena *arena = exchange_arena(exchange);
    str download;
    answer->count = cors_headers(exchange, answer->headers);
    add(answer, STR("Content-Type"), file->content_type);
    add(answer, STR("ETag"), str_format(arena, "\"%.*s\"", STR_ARG(file->sha256)));
    add(answer, STR("Accept-Ranges"), STR("bytes"));
    add(answer, STR("Cache-Control"), STR("private, max-age=31536000, immutable"));
    add(answer, STR("X-Content-Type-Options"), STR("nosniff"));
    add(answer, STR("Content-Security-Policy"), STR("default-src 'none'; sandbox"));
    add(answer, STR("Cross-Origin-Resource-Policy"), STR("cross-origin"));
    if (http_query(arena, request, "download", &download))
        add(answer, STR("Content-Disposition"), disposition(arena, file));
}

/* If-Range with another tag means: the whole file. */
static bool wants_range(const struct http_request *request, str etag)
{
    str condition = http_header(request, "If-Range");
    return condition.len == 0 || str_equal(condition, etag);
}

static void send_file(struct exchange *exchange, const struct http_request *request,
                      struct file_answer *answer, int fd, int64_t size, str etag)
{
    struct arena *arena = exchange_arena(exchange);
    int64_t from = 0, to = size - 1;
    str range = http_header(request, "Range");
    int status = wants_range(request, etag) ? range_read(range, size, &from, &to) : 0;
    if (status == 416) {
        close(fd);
        add(answer, STR("Content-Range"), str_format(arena, "bytes */%lld", (long long)size));
        http_answer(exchange, 416, answer->headers, answer->count, (str){0});
        return;
    }
    if (status == 206)
        add(answer, STR("Content-Range"),
            str_format(arena, "bytes %lld-%lld/%lld", (long long)from, (long long)to,
                       (long long)size));
    http_answer_file(exchange, status == 206 ? 206 : 200, answer->headers, answer->count, fd, from,
                     to - from + 1);
}

FUNCTIONS_HANDLER(files_get)
{
    struct arena *arena = exchange_arena(exchange);
    struct file_answer answer = {0};
    struct file file;
    struct fault fault;
    int fd = -1;
    int64_t size = 0;

    str segment = str_slice(request->path, strlen("/api/storage/"), request->path.len);
    str id = storage_id_of(arena, segment);
    if (id.len == 0) {
        answer_error(exchange, 400, "InvalidStorageId", STR("This is not the address of a file."),
                     NULL);
        return;
    }
    if (!find_file(front, arena, id, &file) ||
        !blob_open(front->options.blobs, id, &fd, &size, &fault)) {
        answer_error(exchange, 404, "NotFound", STR("This file does not exist."), NULL);
        return;
    }
    add_headers(&answer, exchange, request, &file);
    str etag = str_format(arena, "\"%.*s\"", STR_ARG(file.sha256));
    if (str_equal(http_header(request, "If-None-Match"), etag)) {
        close(fd);
        http_answer(exchange, 304, answer.headers, answer.count, (str){0});
        return;
    }
    send_file(exchange, request, &answer, fd, size, etag);
}

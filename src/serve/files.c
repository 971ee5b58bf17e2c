/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/files.h"

#include "serve/away.h"
#include "serve/names.h"
#include "serve/range.h"
#include "serve/resized.h"
#include "serve/route.h"
#include "studio/links.h"
#include "studio/provenance.h"

#include <string.h>

#define FILE_HEADERS_MAX 20
#define CACHED_MAX (365 * 24 * 3600) /* s */

/* ---- looking up ---- */

struct call files_call(struct front *front, struct arena *arena, struct view *view)
{
    static const struct function nobody = {.name = "files"};
    return (struct call){.arena = arena,
                         .view = view,
                         .program = front->options.program,
                         .function = &nobody,
                         .now = front_now()};
}

static bool find_file(struct front *front, struct arena *arena, str capability, struct file *out)
{
    struct view view;
    if (!front_view(front, arena, &view))
        return false;
    struct call call = files_call(front, arena, &view);
    bool is_found = file_find_capability(&call, capability, out);
    view_end(&view);
    return is_found;
}

/* ---- headers ---- */

struct file_answer {
    struct http_header headers[FILE_HEADERS_MAX];
    size_t count;
    str etag;
};

static void add(struct file_answer *answer, str name, str value)
{
    answer->headers[answer->count++] = (struct http_header){name, value};
}

/* Never longer than the address is good, and never in a cache that others share. */
static str caching(struct arena *arena, const struct delivery *delivery)
{
    int64_t seconds = CACHED_MAX;
    if (delivery->expires_at.us != 0)
        seconds = MIN_OF(instant_since(delivery->expires_at, front_now()).us / 1000000, seconds);
    return str_format(arena, "private, max-age=%lld, immutable",
                      (long long)MAX_OF(seconds, (int64_t)0));
}

/* What is neither a picture nor a film that browsers only show is never shown by them. */
static void add_type(struct file_answer *answer, struct arena *arena,
                     const struct delivery *delivery)
{
    const struct file *file = &delivery->file;
    bool is_shown = type_ending(file->content_type) != NULL;
    add(answer, STR("Content-Type"),
        is_shown ? file->content_type : STR("application/octet-stream"));
    if (delivery->is_download || !is_shown)
        add(answer, STR("Content-Disposition"),
            name_disposition(arena, name_clean(arena, file->name, file->content_type)));
    add(answer, STR("X-Content-Type-Options"), STR("nosniff"));
    add(answer, STR("Content-Security-Policy"), STR("default-src 'none'; sandbox"));
    add(answer, STR("Cross-Origin-Resource-Policy"), STR("cross-origin"));
}

static void add_headers(struct file_answer *answer, struct exchange *exchange,
                        const struct delivery *delivery)
{
    struct arena *arena = exchange_arena(exchange);
    answer->count = cors_headers(exchange, answer->headers);
    if (answer->count != 0)
        add(answer, STR("Access-Control-Expose-Headers"),
            STR("Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag"));
    answer->etag = str_format(arena, "\"%.*s\"", STR_ARG(delivery->file.sha256));
    add(answer, STR("ETag"), answer->etag);
    add(answer, STR("Accept-Ranges"), STR("bytes"));
    add(answer, STR("Cache-Control"), caching(arena, delivery));
    if (delivery->is_negotiated)
        add(answer, STR("Vary"), STR("Accept"));
    add_type(answer, arena, delivery);
}

/* ---- answering ---- */

/* If-Range with another tag, a weak one or a date means: the whole file. Ranges are of GET alone.
 */
static int read_range(const struct http_request *request, str etag, int64_t size, int64_t *from,
                      int64_t *to)
{
    str condition = http_header(request, "If-Range");
    if (request->is_head || (condition.len != 0 && !str_equal(condition, etag)))
        return 0;
    return range_read(http_header(request, "Range"), size, from, to);
}

static void send_file(struct exchange *exchange, const struct http_request *request,
                      struct file_answer *answer, int fd, int64_t size)
{
    struct arena *arena = exchange_arena(exchange);
    int64_t from = 0, to = size - 1;
    int status = read_range(request, answer->etag, size, &from, &to);
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

static void answer_nothing(struct exchange *exchange)
{
    answer_error(exchange, 404, "NotFound", STR("This file does not exist."), NULL);
}

/* The bucket or its CDN gives the bytes itself; what it is to say of them is part of the address.
 */
static struct blob_link link_of(struct arena *arena, const struct delivery *delivery)
{
    const struct file *file = &delivery->file;
    bool is_shown = type_ending(file->content_type) != NULL;
    struct blob_link link = {.now = front_now(), .content_type = file->content_type};
    if (!is_shown)
        link.content_type = STR("application/octet-stream");
    if (!is_shown || delivery->is_download)
        link.disposition =
            name_disposition(arena, name_clean(arena, file->name, file->content_type));
    return link;
}

/* Kept by browsers a little shorter than it is good. */
static void redirect(struct exchange *exchange, const struct delivery *delivery,
                     const struct blob_place *place)
{
    struct file_answer answer = {0};
    int64_t seconds = CACHED_MAX;
    if (place->expires_at.us != 0)
        seconds = (instant_since(place->expires_at, front_now()).us / 1000000) * 9 / 10;
    answer.count = cors_headers(exchange, answer.headers);
    add(&answer, STR("Location"), place->url);
    add(&answer, STR("Cache-Control"),
        str_format(exchange_arena(exchange), "private, max-age=%lld",
                   (long long)MAX_OF(seconds, (int64_t)0)));
    add(&answer, STR("Cross-Origin-Resource-Policy"), STR("cross-origin"));
    add(&answer, STR("Referrer-Policy"), STR("no-referrer"));
    if (delivery->is_negotiated)
        add(&answer, STR("Vary"), STR("Accept"));
    http_answer(exchange, 302, answer.headers, answer.count, (str){0});
}

/* The bucket's name of a file is its address that is good for ever, too: who came by one that
 * expires is not told it, and has the bytes from us. */
static void send_place(struct front *front, struct exchange *exchange,
                       const struct http_request *request, struct file_answer *answer,
                       const struct delivery *delivery, const struct blob_place *place)
{
    if (place->fd >= 0)
        send_file(exchange, request, answer, place->fd, place->size);
    else if (request->is_head)
        http_answer_file(exchange, 200, answer->headers, answer->count, -1, 0,
                         delivery->file.size_bytes);
    else if (place->url.len != 0 && delivery->expires_at.us == 0)
        redirect(exchange, delivery, place);
    else
        away_fetch(front, exchange, delivery);
}

void files_send(struct exchange *exchange, const struct delivery *delivery, int fd, int64_t size)
{
    struct file_answer answer = {0};
    add_headers(&answer, exchange, delivery);
    send_file(exchange, exchange_request(exchange), &answer, fd, size);
}

void files_deliver(struct front *front, struct exchange *exchange,
                   const struct http_request *request, const struct delivery *delivery)
{
    struct arena *arena = exchange_arena(exchange);
    struct file_answer answer = {0};
    struct blob_link link = link_of(arena, delivery);
    struct blob_place place;
    struct fault fault;
    add_headers(&answer, exchange, delivery);
    if (etag_is_listed(http_header(request, "If-None-Match"), answer.etag))
        http_answer(exchange, 304, answer.headers, answer.count, (str){0});
    else if (blob_find(front->options.blobs, arena, delivery->file.storage_id, &link, &place,
                       &fault))
        send_place(front, exchange, request, &answer, delivery, &place);
    else
        answer_nothing(exchange);
}

/* ---- handlers ---- */

FUNCTIONS_HANDLER(files_get)
{
    struct arena *arena = exchange_arena(exchange);
    struct delivery delivery = {0};
    str ignored, segment = str_slice(request->path, strlen("/api/storage/"), request->path.len);
    str id = storage_id_of(arena, segment);
    if (id.len == 0) {
        answer_error(exchange, 400, "InvalidStorageId", STR("This is not the address of a file."),
                     NULL);
        return;
    }
    delivery.is_download = http_query(arena, request, "download", &ignored);
    if (find_file(front, arena, id, &delivery.file))
        files_deliver(front, exchange, request, &delivery);
    else
        answer_nothing(exchange);
}

FUNCTIONS_HANDLER(files_get_signed)
{
    struct arena *arena = exchange_arena(exchange);
    struct delivery delivery = {0};
    struct link link;
    struct view view;
    str asset = str_slice(request->path, strlen("/api/files/"), request->path.len);
    if (!front_view(front, arena, &view)) {
        answer_overload(exchange);
        return;
    }
    struct call call = files_call(front, arena, &view);
    enum link_state state = link_read(&call, asset, request->query, &link);
    bool is_found = state == LINK_GOOD && file_find(&call, link.asset.storage_id, &delivery.file);
    view_end(&view);
    delivery.expires_at = link.expires_at;
    delivery.is_download = link.is_download;
    if (state == LINK_EXPIRED)
        answer_error(exchange, 403, "LinkExpired",
                     STR("This address was good for a while only. Ask for a new one."), NULL);
    else if (!is_found)
        answer_nothing(exchange);
    else if (link.width != 0 || (link.is_stamped && provenance_is_stampable(&link.asset)))
        resized_get(front, exchange, request, &link);
    else
        files_deliver(front, exchange, request, &delivery);
}

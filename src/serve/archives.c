/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/archives.h"

#include "base/log.h"
#include "serve/chores.h"
#include "serve/names.h"
#include "serve/route.h"
#include "serve/zip.h"
#include "studio/downloads.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <zlib.h>

#define READ_AT_ONCE KIB(256)
#define HEADERS_AT_ONCE KIB(32)
#define RETRY_AFTER SECONDS(30)

enum look_state {
    LOOK_NONE,
    LOOK_OUT,  /* with a keeper, which alone touches the look */
    LOOK_BACK, /* the file is open and its checksum known, or it failed */
};

/* One file, read through. */
struct look {
    struct chore chore;
    struct archive *archive;
    struct blobs *blobs;
    str storage_id;
    int64_t size;
    enum look_state state;
    int fd; /* -1: it could not be read */
    uint32_t crc;
    struct fault fault;
    atomic_bool is_unwanted;
};

/* In the arena of its exchange. */
struct archive {
    struct archives *archives;
    struct archive *next, **link;
    struct exchange *exchange;
    const struct download_file *sources;
    struct zip_file *files;
    size_t count, given, listed; /* files whose bytes, and whose central headers, were given */
    struct zip_end end;
    struct look look;
};

struct archives {
    struct front *front;
    struct archive *first;
    size_t count;
};

static void go_on(struct archive *archive);

/* ---- reading through ---- */

/* On a keeper. False: shorter than it should be, unreadable, or nobody wants it any more. */
static bool sum_up(struct look *look, uint8_t *room)
{
    uLong crc = crc32(0, NULL, 0);
    posix_fadvise(look->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    for (int64_t at = 0; at < look->size;) {
        size_t len = (size_t)MIN_OF(look->size - at, (int64_t)READ_AT_ONCE);
        ssize_t got = pread(look->fd, room, len, at);
        if (got <= 0 || atomic_load(&look->is_unwanted))
            return false;
        crc = crc32_z(crc, room, (size_t)got);
        at += got;
    }
    look->crc = (uint32_t)crc;
    return true;
}

static void look_run(struct chore *chore)
{
    struct look *look = (struct look *)chore;
    int64_t size = 0;
    if (!blob_open_unless(look->blobs, look->storage_id, &look->is_unwanted, &look->fd, &size,
                          &look->fault)) {
        look->fd = -1;
        return;
    }
    uint8_t *room = memory_new(READ_AT_ONCE);
    if (size != look->size || !sum_up(look, room))
        fd_close(&look->fd);
    free(room);
}

static void look_done(struct chore *chore)
{
    struct look *look = (struct look *)chore;
    look->state = LOOK_BACK;
    go_on(look->archive);
}

/* The server stops; its archives are ended when the keepers are. */
static void look_drop(struct chore *chore)
{
    ((struct look *)chore)->state = LOOK_BACK;
}

static void look_at_next(struct archive *archive)
{
    struct look *look = &archive->look;
    size_t number = archive->given;
    look->state = LOOK_NONE;
    if (number >= archive->count)
        return;
    *look = (struct look){
        .chore = {.run = look_run, .done = look_done, .drop = look_drop},
        .archive = archive,
        .blobs = archive->archives->front->options.blobs,
        .storage_id = archive->sources[number].storage_id,
        .size = archive->files[number].size,
        .state = LOOK_OUT,
        .fd = -1,
    };
    chores_put(archive->archives->front->chores, &look->chore);
}

/* ---- giving ---- */

static void archive_end(struct archive *archive)
{
    fd_close(&archive->look.fd);
    *archive->link = archive->next;
    if (archive->next != NULL)
        archive->next->link = archive->link;
    archive->archives->count--;
    http_answer_end(archive->exchange); /* the archive is in its arena */
}

/* The file that was looked at; the next one is looked at meanwhile. */
static bool give_file(struct archive *archive)
{
    AUTO(buffer_done) struct buffer head = buffer_with_max(KIB(4));
    struct zip_file *file = &archive->files[archive->given];
    int fd = archive->look.fd;
    archive->look.fd = -1;
    file->crc = archive->look.crc;
    archive->given++;
    look_at_next(archive);
    zip_write_local(&head, file);
    http_answer_bytes(archive->exchange, buffer_text(&head));
    return http_answer_part(archive->exchange, fd, 0, file->size);
}

static bool give_list(struct archive *archive)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(HEADERS_AT_ONCE * 2);
    while (archive->listed < archive->count && text.len < HEADERS_AT_ONCE)
        zip_write_central(&text, &archive->files[archive->listed++]);
    if (archive->listed == archive->count)
        zip_write_end(&text, &archive->end);
    return http_answer_bytes(archive->exchange, buffer_text(&text));
}

static void tell_failure(const struct archive *archive)
{
    const struct look *look = &archive->look;
    log_event(LOG_ERROR, "download_cut", "%.*s: %s", STR_ARG(look->storage_id),
              look->fault.text[0] == 0 ? "not what its row says" : look->fault.text);
}

/* As far as there is room, and as files were read through. */
static void give(struct archive *archive)
{
    const struct look *look = &archive->look;
    bool has_room = !exchange_is_gone(archive->exchange);
    while (has_room && archive->given < archive->count && look->state == LOOK_BACK && look->fd >= 0)
        has_room = give_file(archive);
    while (has_room && archive->given == archive->count && archive->listed < archive->count)
        has_room = give_list(archive);
}

static void go_on(struct archive *archive)
{
    struct look *look = &archive->look;
    give(archive);
    bool is_gone = exchange_is_gone(archive->exchange);
    bool is_lost = look->state == LOOK_BACK && look->fd < 0;
    if (is_gone && look->state == LOOK_OUT) {
        atomic_store(&look->is_unwanted, true);
        return; /* its keeper has it; it comes back */
    }
    if (is_lost && !is_gone)
        tell_failure(archive);
    if (is_lost || is_gone || archive->listed == archive->count)
        archive_end(archive);
}

static void on_room(void *context)
{
    go_on(context);
}

/* ---- beginning ---- */

static size_t archive_headers(struct exchange *exchange, struct http_header *headers)
{
    size_t count = cors_headers(exchange, headers);
    headers[count++] = (struct http_header){STR("Content-Type"), STR("application/zip")};
    headers[count++] = (struct http_header){
        STR("Content-Disposition"), name_disposition(exchange_arena(exchange), STR("works.zip"))};
    headers[count++] = (struct http_header){STR("Cache-Control"), STR("private, no-store")};
    headers[count++] = (struct http_header){STR("Accept-Ranges"), STR("none")};
    headers[count++] = (struct http_header){STR("X-Content-Type-Options"), STR("nosniff")};
    return count;
}

static struct zip_file *zip_files(struct arena *arena, const struct download_file *sources,
                                  size_t count)
{
    struct name_set names = {.arena = arena};
    struct zip_file *files = arena_array(arena, struct zip_file, count);
    for (size_t i = 0; i < count; i++)
        files[i] = (struct zip_file){
            .name = name_take(&names, name_clean(arena, sources[i].name, sources[i].content_type)),
            .size = sources[i].size_bytes,
            .modified = sources[i].created_at.us / 1000000,
        };
    return files;
}

static size_t count_of_address(const struct archives *archives, str address)
{
    size_t count = 0;
    for (const struct archive *at = archives->first; at != NULL; at = at->next)
        count += str_equal(exchange_request(at->exchange)->peer, address);
    return count;
}

/* False: there are too many on their way, and it is answered. */
static bool has_room(const struct archives *archives, struct exchange *exchange)
{
    str address = exchange_request(exchange)->peer;
    if (count_of_address(archives, address) >= ARCHIVES_OF_ADDRESS) {
        answer_too_many(exchange, RETRY_AFTER);
        return false;
    }
    if (archives->count >= ARCHIVES_MAX) {
        answer_overload(exchange);
        return false;
    }
    return true;
}

/* The files are those that were listed: their number and sizes do not change any more. But others
 * may have begun while they were listed. */
static void begin(struct archives *archives, struct exchange *exchange,
                  const struct download_files *content)
{
    struct arena *arena = exchange_arena(exchange);
    struct archive *archive = arena_new(arena, struct archive);
    struct http_header headers[CORS_HEADERS_MAX + 5];
    size_t header_count = archive_headers(exchange, headers);
    size_t count = content->files.count;
    *archive = (struct archive){.archives = archives,
                                .exchange = exchange,
                                .sources = content->files.items,
                                .files = zip_files(arena, content->files.items, count),
                                .count = count,
                                .look.fd = -1};
    int64_t size = zip_layout(archive->files, count, &archive->end);
    if (exchange_request(exchange)->is_head) {
        http_answer_file(exchange, 200, headers, header_count, -1, 0, size);
        return;
    }
    if (!has_room(archives, exchange))
        return;
    if (!exchange_recount(exchange)) {
        answer_overload(exchange);
        return;
    }
    archive->next = archives->first;
    archive->link = &archives->first;
    if (archive->next != NULL)
        archive->next->link = &archive->next;
    archives->first = archive;
    archives->count++;
    look_at_next(archive);
    const struct http_flow flow = {on_room, archive};
    http_answer_begin(exchange, 200, headers, header_count, size, &flow);
    if (exchange_is_gone(exchange))
        go_on(archive);
}

/* ---- asking ---- */

/* In the arena of its exchange. */
struct asking {
    struct front *front;
    struct exchange *exchange;
    struct identity *identity;
};

static void answer_failure(struct exchange *exchange, const struct call_reply *reply)
{
    switch (reply->error) {
    case NOT_FOUND:
        answer_json(exchange, 404, reply->error_data);
        break;
    case AUTH:
        answer_json(exchange, 401, reply->error_data);
        break;
    case ARGUMENT:
        answer_error(exchange, 400, "ARGUMENT", reply->error_text, NULL);
        break;
    default:
        answer_overload(exchange);
    }
}

static void on_listed(void *context, const struct call_reply *reply)
{
    struct asking *asking = context;
    struct exchange *exchange = asking->exchange;
    struct arena *arena = exchange_arena(exchange);
    struct download_files content = {0};
    struct field_error error;
    struct json value;
    identity_drop(asking->identity);
    if (reply->error != ERROR_NONE)
        answer_failure(exchange, reply);
    else if (!json_read(arena, str_copy(arena, reply->value), JSON_DEPTH_LIMIT, &value, NULL) ||
             !shape_read(arena, &download_files_shape, &value, false, &content, &error))
        answer_error(exchange, 500, "INTERNAL", STR("The works could not be listed."), NULL);
    else if (content.files.count == 0)
        answer_error(exchange, 404, "NotFound",
                     STR("This address was good for an hour. Ask for a new one."), NULL);
    else
        begin(asking->front->archives, exchange, &content);
}

/* Takes the identity. */
static void ask(struct front *front, struct exchange *exchange, const char *path, str args,
                struct identity *identity)
{
    struct asking *asking = arena_new(exchange_arena(exchange), struct asking);
    *asking = (struct asking){front, exchange, identity};
    if (!has_room(front->archives, exchange)) {
        identity_drop(identity);
        return;
    }
    front_ask(front, &(struct front_asked){
                         .request = {.path = str_of(path),
                                     .args = args,
                                     .identity = identity,
                                     .is_internal = true},
                         .kind = FUNCTION_QUERY,
                         .address = exchange_request(exchange)->peer,
                         .then = on_listed,
                         .context = asking,
                     });
}

FUNCTIONS_HANDLER(archives_get)
{
    struct arena *arena = exchange_arena(exchange);
    str key = str_slice(request->path, strlen("/api/download/"), request->path.len);
    if (!blob_id_is_valid(key)) {
        answer_error(exchange, 404, "NotFound", STR("There is nothing at this address."), NULL);
        return;
    }
    str args = str_format(arena, "{\"url\":\"%.*s\"}", STR_ARG(key));
    ask(front, exchange, "assets:openDownload", args, NULL);
}

FUNCTIONS_HANDLER(archives_post)
{
    struct identity *identity;
    struct json body;
    struct fault fault;
    bool is_admin;
    if (!request_identity(front, exchange, request, &identity, &is_admin))
        return;
    if (identity == NULL) {
        answer_error(exchange, 401, "AUTH", STR("Sign in first."), NULL);
    } else if (!utf8_is_valid(request->body) ||
               !json_read(exchange_arena(exchange), request->body, JSON_DEPTH_LIMIT, &body,
                          &fault) ||
               body.kind != JSON_OBJECT) {
        identity_drop(identity);
        answer_error(exchange, 400, "BadJsonBody", STR("The body must be a JSON object."), NULL);
    } else {
        ask(front, exchange, "assets:listDownload", args_text(exchange_arena(exchange), &body),
            identity);
    }
}

/* ---- opening ---- */

struct archives *archives_new(struct front *front)
{
    struct archives *archives = memory_zeroed(sizeof(*archives));
    archives->front = front;
    return archives;
}

void archives_stop(struct archives *archives)
{
    for (struct archive *at = archives->first; at != NULL; at = at->next)
        atomic_store(&at->look.is_unwanted, true);
}

void archives_free(struct archives *archives)
{
    if (archives == NULL)
        return;
    while (archives->first != NULL)
        archive_end(archives->first);
    free(archives);
}

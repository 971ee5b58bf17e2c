/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/upload_kinds.h"

#include "base/encode.h"
#include "net/multipart.h"
#include "serve/route.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

#define FORM_ROOM MIB(1) /* of a form, beside its files */

enum part_kind {
    PART_OTHER,
    PART_FILE,
    PART_THUMBNAIL,
    PART_ASSET,
};

/* A form, or the whole body as one file. */
struct form {
    bool is_form;
    struct multipart reader;
    struct upload_file file, thumbnail;
    bool has_file, has_thumbnail, wants_asset, is_whole;
    enum part_kind part;
    char name[256];        /* of the file on the person's disk, cut */
    str token;             /* of the ticket */
    struct random *random; /* of the keeper at work */
};

static struct form *form_of(struct intake *intake)
{
    return intake->state;
}

/* ---- parts; on a keeper ---- */

/* Without the folders that old browsers sent. */
static void keep_name(struct form *form, str name)
{
    ptrdiff_t slash = MAX_OF(str_find_last(name, '/'), str_find_last(name, '\\'));
    name = str_trim(str_slice(name, (size_t)(slash + 1), name.len));
    name = utf8_is_valid(name) ? utf8_cut(name, sizeof(form->name) - 1) : (str){0};
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] >= ' ' && name.at[i] != 0x7f)
            form->name[len++] = name.at[i];
    form->name[len] = '\0';
}

static bool begin_part(void *context, const struct multipart_part *part)
{
    struct intake *intake = context;
    struct form *form = form_of(intake);
    form->part = PART_OTHER;
    if (str_equal(part->name, STR("asset"))) {
        form->part = PART_ASSET;
    } else if (str_equal(part->name, STR("file"))) {
        if (form->has_file)
            return upload_fail(&intake->failure, 400, "BAD_FORM",
                               "There are two files of one name. Send one at a time.");
        form->part = PART_FILE;
        form->has_file = true;
        keep_name(form, part->file_name);
    } else if (str_equal(part->name, STR("thumbnail"))) {
        if (form->has_thumbnail)
            return upload_fail(&intake->failure, 400, "BAD_FORM", "There are two thumbnails.");
        form->part = PART_THUMBNAIL;
        form->has_thumbnail = true;
    }
    return true;
}

static bool take_part(void *context, str data)
{
    struct intake *intake = context;
    struct form *form = form_of(intake);
    switch (form->part) {
    case PART_FILE:
        return upload_file_write(&form->file, form->random, data, &intake->failure);
    case PART_THUMBNAIL:
        return upload_file_write(&form->thumbnail, form->random, data, &intake->failure);
    case PART_ASSET:
        form->wants_asset = str_equal(data, STR("1")) || str_equal(data, STR("true"));
        return true;
    default:
        return true;
    }
}

static bool end_part(void *context)
{
    return true;
}

static const struct multipart_handlers handlers = {begin_part, take_part, end_part};

static bool write_form(struct intake *intake, struct random *random, str piece)
{
    struct form *form = form_of(intake);
    form->random = random;
    if (!form->is_form)
        return upload_file_write(&form->file, random, piece, &intake->failure);
    if (form->is_whole)
        return true;
    enum multipart_verdict verdict = multipart_feed(&form->reader, piece);
    form->is_whole = verdict == MULTIPART_READY;
    if (verdict == MULTIPART_BAD)
        return upload_fail(&intake->failure, 400, "BAD_FORM",
                           "The body is not the form that its Content-Type says.");
    return verdict != MULTIPART_STOPPED;
}

static bool end_form(struct intake *intake, struct random *random)
{
    struct form *form = form_of(intake);
    if (form->is_form && !form->is_whole)
        return upload_fail(&intake->failure, 400, "BAD_FORM", "The form ends too early.");
    if (form->is_form && !form->has_file)
        return upload_fail(&intake->failure, 400, "BAD_FORM",
                           "The form has no file in a field named \"file\".");
    if (!upload_file_end(&form->file, random, &intake->failure))
        return false;
    if (!form->has_thumbnail || form->thumbnail.first_len == 0) {
        form->has_thumbnail = false;
        return true;
    }
    if (!upload_file_end(&form->thumbnail, random, &intake->failure))
        return false;
    return !media_type_is_film(form->thumbnail.found.type) ||
           upload_fail(&intake->failure, 400, "UNSUPPORTED_TYPE", "A thumbnail is a picture.");
}

static void drop_form(struct intake *intake)
{
    struct form *form = form_of(intake);
    if (intake->is_unsure) { /* without a row they are orphans, and the sweep's */
        upload_file_hand_over(&form->file);
        upload_file_hand_over(&form->thumbnail);
    }
    upload_file_drop(&form->file);
    upload_file_drop(&form->thumbnail);
}

static bool has_rest(const struct intake *intake)
{
    const struct form *form = intake->state;
    return upload_file_is_there(&form->file) || upload_file_is_there(&form->thumbnail);
}

/* ---- the row; on the loop ---- */

void upload_write_file(struct buffer *to, const struct upload_file *file)
{
    AUTO(arena_done) struct arena arena = {0};
    str hash = hex_write(&arena, (bytes){file->info.sha256, sizeof(file->info.sha256)});
    buffer_format(to,
                  "{\"storageId\":\"%s\",\"contentType\":\"%s\",\"sha256\":\"%.*s\",\"size\":%lld}",
                  file->info.id, media_type_mime(file->found.type), STR_ARG(hash),
                  (long long)file->info.size);
}

static void on_row(void *owner, struct mutation *mutation)
{
    struct intake *intake = owner;
    struct form *form = form_of(intake);
    struct http_header headers[CORS_HEADERS_MAX + 2];
    if (mutation->reply.error != ERROR_NONE) {
        intake_refuse_reply(intake, &mutation->reply);
        mutation_free(mutation);
        return;
    }
    upload_file_hand_over(&form->file);
    upload_file_hand_over(&form->thumbnail);
    size_t count = intake->exchange == NULL ? 0 : cors_headers(intake->exchange, headers);
    headers[count++] = (struct http_header){STR("Content-Type"), STR("application/json")};
    headers[count++] = (struct http_header){STR("Cache-Control"), STR("no-store")};
    intake_answer(intake, 200, headers, count, mutation->reply.value);
    mutation_free(mutation);
}

static void put_row(struct intake *intake)
{
    struct form *form = form_of(intake);
    AUTO(buffer_done) struct buffer args = buffer_with_max(KIB(8));
    buffer_str(&args, STR("{\"file\":"));
    upload_write_file(&args, &form->file);
    if (form->has_thumbnail) {
        buffer_str(&args, STR(",\"thumbnail\":"));
        upload_write_file(&args, &form->thumbnail);
    }
    if (form->name[0] != '\0') {
        buffer_str(&args, STR(",\"name\":"));
        json_write_text(&args, str_of(form->name));
    }
    if (form->token.len != 0)
        buffer_format(&args, ",\"token\":\"%.*s\"", STR_ARG(form->token));
    buffer_format(&args, ",\"asset\":%s}", form->wants_asset ? "true" : "false");
    intake_mutate(intake, "uploads:keep", buffer_text(&args), on_row);
}

static const struct intake_kind form_kind = {
    .write = write_form, .end = end_form, .then = put_row, .drop = drop_form, .has_rest = has_rest};

/* ---- who may ---- */

bool upload_look(struct front *front, struct arena *arena, const struct identity *identity,
                 void (*look)(struct call *call, void *context), void *context,
                 struct call_reply *reply)
{
    static const struct function nobody = {.name = "uploads"};
    struct view view;
    if (!front_view(front, arena, &view)) {
        reply_fail(arena, reply, OVERLOAD, STR("The server is busy. Try again in a moment."));
        return false;
    }
    struct call call = {.arena = arena,
                        .view = &view,
                        .program = front->options.program,
                        .function = &nobody,
                        .identity = identity,
                        .now = front_now()};
    look(&call, context);
    bool is_well = !call_failed(&call);
    if (!is_well) {
        reply_fail(arena, reply, call.error, call.error_text);
        if (call.error_data.at != NULL)
            reply->error_data = call.error_data;
    }
    view_end(&view);
    return is_well;
}

/* The form around it does not count: what is announced may be that much more. */
static void admit(struct call *call, void *context)
{
    struct intake *intake = context;
    int64_t least = intake->announced - (form_of(intake)->is_form ? (int64_t)KIB(4) : 0);
    upload_admit(call, MAX_OF(least, (int64_t)1), &intake->limits);
}

static bool is_too_large(struct intake *intake)
{
    struct form *form = form_of(intake);
    struct media_found any = {MEDIA_MP4, "a file"};
    form->file.image_max = form->thumbnail.image_max = intake->limits.image_max;
    form->file.video_max = form->thumbnail.video_max = intake->limits.video_max;
    int64_t room = form->is_form ? (int64_t)FORM_ROOM + intake->limits.image_max : 0;
    return !upload_check_size(&any, intake->announced - room, intake->limits.image_max,
                              intake->limits.video_max, &intake->failure);
}

static void receive(struct intake *intake)
{
    struct form *form = form_of(intake);
    form->file.blobs = form->thumbnail.blobs = intake->front->options.blobs;
    form->file.folder = form->thumbnail.folder = intake->front->options.temp_dir;
    form->file.announced = intake->announced;
    if (is_too_large(intake))
        intake_refuse(intake);
    else
        intake_begin(intake,
                     intake->limits.video_max + intake->limits.image_max + (int64_t)FORM_ROOM);
}

static void on_seen(void *context, bool is_seen)
{
    struct intake *intake = context;
    struct call_reply reply;
    if (!is_seen) {
        upload_fail(&intake->failure, 503, "OVERLOAD",
                    "The server is busy. Try again in a moment.");
        intake_refuse(intake);
    } else if (!upload_look(intake->front, &intake->arena, intake->identity, admit, intake,
                            &reply)) {
        intake_refuse_reply(intake, &reply);
    } else if (intake_admit(intake, intake->limits.user)) {
        receive(intake);
    }
}

void upload_form_begin(struct front *front, struct exchange *exchange,
                       const struct http_request *request)
{
    struct identity *identity;
    struct multipart reader;
    str asset = {0};
    if (!upload_identity(front, exchange, request, &identity))
        return;
    if (!multipart_init(&reader, http_header(request, "Content-Type"), &handlers, NULL)) {
        identity_drop(identity);
        upload_refuse(exchange, 400, "BAD_FORM",
                      "Send multipart/form-data with the file in a field named \"file\".");
        return;
    }
    struct intake *intake = intake_new(front, exchange, &form_kind, identity->hash);
    if (intake == NULL) {
        identity_drop(identity);
        return;
    }
    struct form *form = intake->state = arena_new(&intake->arena, struct form);
    intake->identity = identity;
    form->is_form = true;
    form->reader = reader;
    form->reader.context = intake;
    form->wants_asset = http_query(exchange_arena(exchange), request, "asset", &asset) &&
                        str_equal(asset, STR("1"));
    front_see(front, identity, on_seen, intake);
}

/* ---- an address that takes one file ---- */

struct ticket {
    str token;
    struct upload upload;
    bool is_found;
    struct upload_limits limits;
};

static void look_for_ticket(struct call *call, void *context)
{
    struct ticket *ticket = context;
    ticket->is_found = upload_find(call, ticket->token, &ticket->upload) &&
                       ticket->upload.state == UPLOAD_OPEN && !ticket->upload.is_resumable;
    ticket->limits = upload_limits_of(call, ticket->upload.owner_id);
}

/* Digest: sha-256=<base64>, among others perhaps. False: it is there and is none. */
static bool read_digest(struct arena *arena, const struct http_request *request,
                        struct upload_file *file)
{
    str rest = http_header(request, "Digest"), one;
    while (str_split(&rest, ',', &one)) {
        str name;
        bytes hash;
        one = str_trim(one);
        if (!str_split(&one, '=', &name) || !str_equal_nocase(name, STR("sha-256")))
            continue;
        if (!base64_read(arena, one, &hash) || hash.len != sizeof(file->sha256))
            return false;
        memcpy(file->sha256, hash.at, hash.len);
        file->has_sha256 = true;
    }
    return true;
}

void upload_ticket_begin(struct front *front, struct exchange *exchange,
                         const struct http_request *request)
{
    struct arena *arena = exchange_arena(exchange);
    struct ticket ticket = {0};
    struct call_reply reply;
    struct upload_file file = {0};
    http_query(arena, request, "token", &ticket.token);
    if (!upload_look(front, arena, NULL, look_for_ticket, &ticket, &reply)) {
        upload_refuse(exchange, 503, "OVERLOAD", "The server is busy. Try again in a moment.");
        return;
    }
    if (!ticket.is_found) {
        upload_refuse(exchange, 404, "NOT_FOUND",
                      "This upload address has expired or has taken its file. Ask for a new one.");
        return;
    }
    if (!read_digest(arena, request, &file)) {
        upload_refuse(exchange, 400, "BAD_DIGEST", "The Digest header is not sha-256=<base64>.");
        return;
    }
    struct intake *intake =
        intake_new(front, exchange, &form_kind, intake_who(ticket.upload.owner_id));
    if (intake == NULL)
        return;
    struct form *form = intake->state = arena_new(&intake->arena, struct form);
    form->file = file;
    form->token = str_copy(&intake->arena, ticket.token);
    intake->limits = ticket.limits;
    receive(intake);
}

void upload_empty(struct front *front, struct exchange *exchange,
                  const struct http_request *request)
{
    upload_refuse(exchange, 400, "EMPTY", "There is no file in this request.");
}

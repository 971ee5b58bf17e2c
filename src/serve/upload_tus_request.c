/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/upload_tus.h"

#include "base/log.h"
#include "blob/partial.h"
#include "serve/route.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "/api/uploads/"

static str header_of(struct exchange *exchange, const char *name)
{
    return str_trim(http_header(exchange_request(exchange), name));
}

static bool has_body(struct exchange *exchange)
{
    return exchange_request(exchange)->body_len != 0;
}

static bool has_offset_type(struct exchange *exchange)
{
    if (str_equal_nocase(header_of(exchange, "Content-Type"),
                         STR("application/offset+octet-stream")))
        return true;
    upload_refuse(exchange, 415, "BAD_TYPE", "Send application/offset+octet-stream.");
    return false;
}

static void refuse_busy(struct intake *intake)
{
    upload_fail(&intake->failure, 503, "OVERLOAD", "The server is busy. Try again in a moment.");
    intake_refuse(intake);
}

/* ---- creating ---- */

static void admit(struct call *call, void *context)
{
    struct intake *intake = context;
    const struct tus *tus = intake->state;
    upload_admit(call, tus->upload.length, &intake->limits);
}

static void on_created(void *owner, struct mutation *mutation)
{
    struct intake *intake = owner;
    struct tus *tus = intake->state;
    struct json created;
    bool is_well = mutation->reply.error == ERROR_NONE &&
                   json_read(&intake->arena, str_copy(&intake->arena, mutation->reply.value), 0,
                             &created, NULL);
    if (!is_well) {
        intake_refuse_reply(intake, &mutation->reply);
        mutation_free(mutation);
        return;
    }
    mutation_free(mutation);
    tus->upload.token = intake->key = json_text(json_get(&created, "token"));
    tus->upload.expires_at.us = (int64_t)(json_number(json_get(&created, "expiresAt"), 0) * 1000.0);
    if (intake->exchange != NULL && has_body(intake->exchange))
        intake_begin(intake, tus->upload.length);
    else
        tus_answer_state(intake, 201);
}

static void create_row(struct intake *intake)
{
    const struct tus *tus = intake->state;
    AUTO(buffer_done) struct buffer args = buffer_with_max(KIB(4));
    buffer_format(&args, "{\"length\":%lld,\"asset\":%s", (long long)tus->upload.length,
                  tus->upload.wants_asset ? "true" : "false");
    if (tus->upload.name.len != 0) {
        buffer_str(&args, STR(",\"name\":"));
        json_write_text(&args, tus->upload.name);
    }
    buffer_char(&args, '}');
    intake_mutate(intake, "uploads:create", buffer_text(&args), on_created);
}

static void on_seen(void *context, bool is_seen)
{
    struct intake *intake = context;
    const struct tus *tus = intake->state;
    struct call_reply reply;
    struct media_found any = {MEDIA_MP4, "a file"};
    if (!is_seen)
        refuse_busy(intake);
    else if (!upload_look(intake->front, &intake->arena, intake->identity, admit, intake, &reply))
        intake_refuse_reply(intake, &reply);
    else if (!upload_check_size(&any, tus->upload.length, intake->limits.image_max,
                                intake->limits.video_max, &intake->failure))
        intake_refuse(intake);
    else if (intake_admit(intake, intake->limits.user))
        create_row(intake);
}

/* Without the folders that some clients send. */
static str base_name(str name)
{
    ptrdiff_t slash = MAX_OF(str_find_last(name, '/'), str_find_last(name, '\\'));
    return utf8_cut(str_trim(str_slice(name, (size_t)(slash + 1), name.len)), 255);
}

static bool read_creation(struct exchange *exchange, struct arena *arena, struct tus *tus)
{
    str metadata = header_of(exchange, "Upload-Metadata"), name, asset;
    if (!tus_read_number(header_of(exchange, "Upload-Length"), &tus->upload.length)) {
        upload_refuse(exchange, 400, "BAD_LENGTH",
                      "Say in Upload-Length how many bytes the file has.");
        return false;
    }
    if (tus->upload.length == 0) {
        upload_refuse(exchange, 400, "EMPTY", "This file is empty.");
        return false;
    }
    if (!tus_read_metadata(arena, metadata, STR("filename"), &name) ||
        !tus_read_metadata(arena, metadata, STR("asset"), &asset)) {
        upload_refuse(exchange, 400, "BAD_METADATA",
                      "Upload-Metadata is not a list of names and base64 values.");
        return false;
    }
    tus->upload.name = base_name(name);
    tus->upload.wants_asset = str_equal(asset, STR("1")) || str_equal(asset, STR("true"));
    return true;
}

static bool read_checksum(struct exchange *exchange, struct tus_checksum *out)
{
    if (tus_read_checksum(exchange_arena(exchange), header_of(exchange, "Upload-Checksum"), out))
        return true;
    upload_refuse(exchange, 400, "BAD_CHECKSUM",
                  "Upload-Checksum is not sha1 or sha256 and the base64 of it.");
    return false;
}

static void create(struct front *front, struct exchange *exchange)
{
    struct identity *identity;
    struct tus facts = {0};
    struct tus_checksum checksum;
    if (!upload_identity(front, exchange, exchange_request(exchange), &identity))
        return;
    bool is_good = read_creation(exchange, exchange_arena(exchange), &facts) &&
                   (!has_body(exchange) || has_offset_type(exchange)) &&
                   read_checksum(exchange, &checksum);
    struct intake *intake = is_good ? intake_new(front, exchange, &tus_kind, identity->hash) : NULL;
    if (intake == NULL) {
        identity_drop(identity);
        return;
    }
    struct tus *tus = tus_new(intake);
    intake->identity = identity;
    tus->upload.length = facts.upload.length;
    tus->upload.name = str_copy(&intake->arena, facts.upload.name);
    tus->upload.wants_asset = facts.upload.wants_asset;
    tus->is_patch = true; /* at offset 0 */
    tus->status = 201;
    tus->checksum = checksum;
    tus_hash_begin(tus);
    front_see(front, identity, on_seen, intake);
}

/* ---- one that there is ---- */

struct finding {
    struct arena *arena;
    str token;
    struct upload upload;
    struct upload_limits limits;
    str content_type, asset_id;
    bool is_found;
};

static str asset_text(struct arena *arena, doc_id id)
{
    char text[DOC_ID_TEXT];
    doc_id_write(&asset_type, id, text);
    return str_copy(arena, (str){text, sizeof(text)});
}

static void find(struct call *call, void *context)
{
    struct finding *finding = context;
    struct file file;
    struct upload *upload = &finding->upload;
    finding->is_found = upload_find(call, finding->token, upload) && upload->is_resumable;
    if (!finding->is_found)
        return;
    finding->limits = upload_limits_of(call, upload->owner_id);
    if (upload->storage_id.len != 0 && file_find(call, upload->storage_id, &file))
        finding->content_type = file.content_type;
    if (doc_id_is_set(upload->asset_id))
        finding->asset_id = asset_text(call->arena, upload->asset_id);
}

static void copy_texts(struct arena *arena, struct tus *tus, const struct finding *finding)
{
    tus->upload = finding->upload;
    tus->upload.token = str_copy(arena, finding->upload.token);
    tus->upload.name = str_copy(arena, finding->upload.name);
    tus->upload.storage_id = str_copy(arena, finding->upload.storage_id);
    tus->content_type = str_copy(arena, finding->content_type);
    tus->asset_id = str_copy(arena, finding->asset_id);
}

/* The intake of a request to an upload's address; NULL: it is answered. */
static struct intake *enter(struct front *front, struct exchange *exchange, bool may_stop)
{
    struct arena *arena = exchange_arena(exchange);
    const struct http_request *request = exchange_request(exchange);
    struct call_reply reply;
    str path = http_path(arena, request);
    while (str_starts(path, STR("//")))
        path = str_slice(path, 1, path.len);
    struct finding finding = {.arena = arena, .token = str_slice(path, strlen(PREFIX), path.len)};
    if (!upload_look(front, arena, NULL, find, &finding, &reply)) {
        upload_refuse(exchange, 503, "OVERLOAD", "The server is busy. Try again in a moment.");
        return NULL;
    }
    if (!finding.is_found) {
        upload_refuse(exchange, 404, "NOT_FOUND",
                      "This upload has expired or was ended. Begin it again.");
        return NULL;
    }
    struct intake *other = intake_find(front, finding.token);
    if (other != NULL) /* most likely of the same client, whose connection broke */
        intake_stop(other);
    if (other != NULL && !may_stop) {
        upload_refuse(exchange, 423, "LOCKED",
                      "Another request of this upload is still on its way. Try again in a moment.");
        return NULL;
    }
    struct intake *intake =
        intake_new(front, exchange, &tus_kind, intake_who(finding.upload.owner_id));
    if (intake == NULL)
        return NULL;
    struct tus *tus = tus_new(intake);
    copy_texts(&intake->arena, tus, &finding);
    intake->key = tus->upload.token;
    intake->limits = finding.limits;
    return intake;
}

/* It is whole and has its row: every question has the same answer. */
static bool is_settled(struct intake *intake, int status)
{
    struct tus *tus = intake->state;
    if (tus->upload.state == UPLOAD_OPEN)
        return false;
    tus->size = tus->upload.length;
    tus_answer_state(intake, status);
    return true;
}

/* Where it stands. One that is whole without a row, since we were stopped, gets it now. */
static void look(struct front *front, struct exchange *exchange)
{
    struct intake *intake = enter(front, exchange, false);
    if (intake == NULL || is_settled(intake, 200))
        return;
    struct tus *tus = intake->state;
    tus->status = 200;
    intake_begin_empty(intake);
}

static void patch(struct front *front, struct exchange *exchange)
{
    int64_t offset;
    struct tus_checksum checksum;
    if (!has_offset_type(exchange) || !read_checksum(exchange, &checksum))
        return;
    if (!tus_read_number(header_of(exchange, "Upload-Offset"), &offset)) {
        upload_refuse(exchange, 400, "BAD_OFFSET", "Say in Upload-Offset where this goes on.");
        return;
    }
    struct intake *intake = enter(front, exchange, false);
    if (intake == NULL || is_settled(intake, 204))
        return;
    struct tus *tus = intake->state;
    tus->is_patch = true;
    tus->status = 204;
    tus->offset = offset;
    tus->checksum = checksum;
    tus_hash_begin(tus);
    if (offset > tus->upload.length || intake->announced > tus->upload.length - offset) {
        upload_fail(&intake->failure, 413, "TOO_LARGE",
                    "This is more than the %lld bytes that the upload was to have.",
                    (long long)tus->upload.length);
        intake_refuse(intake);
    } else if (intake->announced == 0) {
        intake_begin_empty(intake);
    } else {
        intake_begin(intake, tus->upload.length - offset);
    }
}

static void on_ended(void *owner, struct mutation *mutation)
{
    struct intake *intake = owner;
    struct tus *tus = intake->state;
    if (mutation->reply.error != ERROR_NONE) {
        intake_refuse_reply(intake, &mutation->reply);
    } else {
        tus->is_over = true;
        tus_answer_ended(intake);
    }
    mutation_free(mutation);
}

static void end(struct front *front, struct exchange *exchange)
{
    struct intake *intake = enter(front, exchange, true);
    if (intake == NULL)
        return;
    struct tus *tus = intake->state;
    intake_mutate(intake, "uploads:end",
                  str_format(&intake->arena, "{\"token\":\"%.*s\"}", STR_ARG(tus->upload.token)),
                  on_ended);
}

/* ---- which one it is ---- */

/* Some networks let nothing but GET and POST pass. */
static enum http_method method_of(struct exchange *exchange)
{
    const struct http_request *request = exchange_request(exchange);
    str override = header_of(exchange, "X-HTTP-Method-Override");
    if (request->method != HTTP_POST)
        return request->method;
    return str_equal(override, STR("PATCH"))    ? HTTP_PATCH
           : str_equal(override, STR("DELETE")) ? HTTP_DELETE
           : str_equal(override, STR("HEAD"))   ? HTTP_HEAD
                                                : HTTP_POST;
}

void upload_tus(struct front *front, struct exchange *exchange, const struct http_request *request)
{
    enum http_method method = method_of(exchange);
    bool is_one = str_contains(request->path, STR(PREFIX));
    if (front->uploads == NULL)
        upload_refuse(exchange, 404, "NOT_FOUND", "There is nothing at this address.");
    else if (method == HTTP_OPTIONS)
        tus_options(front, exchange);
    else if (!str_equal(header_of(exchange, "Tus-Resumable"), STR("1.0.0")))
        upload_refuse(exchange, 412, "BAD_VERSION", "This server speaks tus 1.0.0.");
    else if (!is_one && method == HTTP_POST)
        create(front, exchange);
    else if (is_one && method == HTTP_HEAD)
        look(front, exchange);
    else if (is_one && method == HTTP_PATCH)
        patch(front, exchange);
    else if (is_one && method == HTTP_DELETE)
        end(front, exchange);
    else
        upload_refuse(exchange, 405, "MethodNotAllowed", "This address does not take this method.");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads that can be resumed, by the tus protocol 1.0: creation (with the first bytes, too),
 * termination, checksum, expiration. The token in the address is the capability; only creating one
 * needs a signed-in person. What a partial holds is its size: nothing is written to the database
 * until the file is whole. Then it becomes a blob, and a row names it.
 */
#include "serve/upload_tus.h"

#include "base/log.h"
#include "blob/partial.h"
#include "serve/route.h"
#include "json/json.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "/api/uploads/"
#define EXTENSIONS "creation,creation-with-upload,termination,checksum,expiration"
#define EXPOSED                                                                                    \
    "Location, Upload-Offset, Upload-Length, Upload-Expires, Tus-Resumable, Tus-Version, "         \
    "Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Retry-After, Atelier-Storage-Id, "       \
    "Atelier-Asset-Id, Atelier-Content-Type"
#define TUS_HEADERS_MAX (CORS_HEADERS_MAX + 14)

/* ---- answers ---- */

struct tus_answer {
    struct http_header headers[TUS_HEADERS_MAX];
    size_t count;
    struct arena *arena;
};

static void add(struct tus_answer *answer, str name, str value)
{
    answer->headers[answer->count++] = (struct http_header){name, value};
}

static void add_number(struct tus_answer *answer, str name, int64_t value)
{
    add(answer, name, str_format(answer->arena, "%lld", (long long)value));
}

static struct tus_answer answer_begin(struct exchange *exchange)
{
    struct tus_answer answer = {.arena = exchange_arena(exchange)};
    answer.count = cors_headers(exchange, answer.headers);
    if (answer.count != 0)
        add(&answer, STR("Access-Control-Expose-Headers"), STR(EXPOSED));
    add(&answer, STR("Tus-Resumable"), STR("1.0.0"));
    add(&answer, STR("Cache-Control"), STR("no-store"));
    return answer;
}

/* Where it stands, and what has come of it. */
static void answer_state(struct intake *intake, int status)
{
    struct tus *tus = intake->state;
    char date[HTTP_DATE_SIZE];
    if (intake->exchange == NULL) {
        intake_answer(intake, status, NULL, 0, (str){0});
        return;
    }
    struct tus_answer answer = answer_begin(intake->exchange);
    add_number(&answer, STR("Upload-Offset"), tus->size);
    add_number(&answer, STR("Upload-Length"), tus->upload.length);
    http_date_write(tus->upload.expires_at, date);
    add(&answer, STR("Upload-Expires"), str_of(date));
    if (status == 201)
        add(&answer, STR("Location"),
            str_format(answer.arena, PREFIX "%.*s", STR_ARG(tus->upload.token)));
    if (tus->upload.storage_id.len != 0)
        add(&answer, STR("Atelier-Storage-Id"), tus->upload.storage_id);
    if (tus->asset_id.len != 0)
        add(&answer, STR("Atelier-Asset-Id"), tus->asset_id);
    if (tus->content_type.len != 0)
        add(&answer, STR("Atelier-Content-Type"), tus->content_type);
    intake_answer(intake, status, answer.headers, answer.count, (str){0});
}

/* ---- bytes; on a keeper ---- */

static bool fail_by(struct intake *intake, const struct fault *fault)
{
    log_event(LOG_ERROR, "upload_failed", "%s", fault->text);
    if (fault->kind == FAULT_FULL)
        return upload_fail(&intake->failure, 507, "DISK_FULL",
                           "The server's disk is full. What came so far is kept; go on later.");
    return upload_fail(&intake->failure, 503, "OVERLOAD",
                       "The file could not be stored just now. Try again in a moment.");
}

static bool open_partial(struct intake *intake)
{
    struct tus *tus = intake->state;
    struct fault fault;
    if (tus->fd >= 0)
        return true;
    /* Who only asks makes none: the upload may just have been ended by another request. */
    if (!partial_open(intake->front->options.partials, tus->upload.token, tus->is_patch, &tus->fd,
                      &tus->size, &fault))
        return (fault.kind == FAULT_ABSENT && !tus->is_patch) || fail_by(intake, &fault);
    tus->start = tus->size;
    if (tus->is_patch && tus->size != tus->offset)
        return upload_fail(&intake->failure, 409, "OFFSET",
                           "%lld bytes of this upload are here, not %lld.", (long long)tus->size,
                           (long long)tus->offset);
    return true;
}

/* Once enough of it is here to tell what it is; what cannot be kept ends the upload. */
static bool check_type(struct intake *intake)
{
    struct tus *tus = intake->state;
    char first[MEDIA_TYPE_BYTES];
    if (tus->found.name != NULL || tus->size < MIN_OF((int64_t)sizeof(first), tus->upload.length))
        return true;
    ssize_t len = pread(tus->fd, first, sizeof(first), 0);
    tus->found = media_type_of((str){first, len < 0 ? 0 : (size_t)len});
    bool is_kept = upload_check_type(&tus->found, &intake->failure) &&
                   upload_check_size(&tus->found, tus->upload.length, intake->limits.image_max,
                                     intake->limits.video_max, &intake->failure);
    tus->is_refused = !is_kept;
    return is_kept;
}

/* What was not held against its checksum counts as not sent. */
static void take_back(struct tus *tus)
{
    if (tus->hash != NULL && tus->fd >= 0 && tus->size != tus->start &&
        ftruncate(tus->fd, tus->start) != 0)
        tus->is_refused = true; /* nobody may go on behind bytes that are not theirs */
    EVP_MD_CTX_free(tus->hash);
    tus->hash = NULL;
}

static bool write_checked(struct intake *intake, str piece)
{
    struct tus *tus = intake->state;
    struct fault fault;
    if (!open_partial(intake))
        return false;
    if (tus->size == tus->start &&
        !upload_check_disk(intake->front->options.temp_dir, tus->upload.length - tus->size,
                           &intake->failure))
        return false;
    if (tus->hash != NULL)
        EVP_DigestUpdate(tus->hash, piece.at, piece.len);
    if (!partial_append(tus->fd, &tus->size, bytes_of(piece), &fault))
        return fail_by(intake, &fault);
    return check_type(intake);
}

static bool write_part(struct intake *intake, struct random *random, str piece)
{
    bool is_well = write_checked(intake, piece);
    if (!is_well)
        take_back(intake->state);
    return is_well;
}

/* What came is what was announced; if not it is taken back. */
static bool check_sum(struct intake *intake)
{
    struct tus *tus = intake->state;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (tus->hash == NULL)
        return true;
    EVP_DigestFinal_ex(tus->hash, digest, &len);
    if (len == tus->checksum.len && memcmp(digest, tus->checksum.digest, len) == 0) {
        EVP_MD_CTX_free(tus->hash);
        tus->hash = NULL;
        return true;
    }
    take_back(tus);
    return upload_fail(&intake->failure, 460, "CHECKSUM",
                       "This part was damaged on its way: its checksum is another one. Send it "
                       "again.");
}

static bool end_part(struct intake *intake, struct random *random)
{
    struct tus *tus = intake->state;
    struct fault fault;
    if (!open_partial(intake) || !check_sum(intake))
        return false;
    if (tus->size != tus->start && fdatasync(tus->fd) != 0) {
        fault_os(&fault, "syncing an upload");
        return fail_by(intake, &fault);
    }
    if (tus->size < tus->upload.length)
        return true;
    if (!check_type(intake))
        return false;
    if (!blob_put_fd(intake->front->options.blobs, random, tus->fd, tus->size, &tus->file.info,
                     &fault))
        return fail_by(intake, &fault);
    tus->file.blobs = intake->front->options.blobs;
    tus->file.found = tus->found;
    tus->file.is_kept = true;
    return true;
}

static void drop_tus(struct intake *intake)
{
    struct tus *tus = intake->state;
    struct fault fault;
    take_back(tus);
    fd_close(&tus->fd);
    if (intake->is_unsure) /* without a row it is an orphan, and the sweep's */
        upload_file_hand_over(&tus->file);
    upload_file_drop(&tus->file);
    if ((tus->is_over || tus->is_refused) && tus->upload.token.len != 0 &&
        !partial_remove(intake->front->options.partials, tus->upload.token, &fault))
        log_event(LOG_WARN, "upload_failed", "%s", fault.text);
}

static bool has_rest(const struct intake *intake)
{
    const struct tus *tus = intake->state;
    return tus->fd >= 0 || tus->hash != NULL || tus->is_over || tus->is_refused ||
           upload_file_is_there(&tus->file);
}

/* ---- rows; on the loop ---- */

static void forget_mutation(void *owner, struct mutation *mutation)
{
    mutation_free(mutation);
}

static void write_token(struct buffer *to, const struct tus *tus)
{
    buffer_format(to, "\"token\":\"%.*s\"", STR_ARG(tus->upload.token));
}

/* One that can never be kept: its row goes, too. */
static void done_tus(struct intake *intake)
{
    const struct tus *tus = intake->state;
    if (!tus->is_refused || intake->front->is_draining)
        return;
    struct mutation *mutation = mutation_new();
    mutation->request = (struct call_request){
        .path = STR("uploads:end"),
        .args = str_format(&mutation->arena, "{\"token\":\"%.*s\"}", STR_ARG(tus->upload.token)),
        .is_internal = true,
    };
    mutation->done = forget_mutation;
    if (!front_mutate(intake->front, mutation))
        mutation_free(mutation); /* it expires */
}

static void on_row(void *owner, struct mutation *mutation)
{
    struct intake *intake = owner;
    struct tus *tus = intake->state;
    struct json kept;
    if (mutation->reply.error != ERROR_NONE ||
        !json_read(&intake->arena, str_copy(&intake->arena, mutation->reply.value), 0, &kept,
                   NULL)) {
        intake_refuse_reply(intake, &mutation->reply);
        mutation_free(mutation);
        return;
    }
    upload_file_hand_over(&tus->file);
    tus->is_over = true;
    tus->upload.storage_id = json_text(json_get(&kept, "storageId"));
    tus->asset_id = json_text(json_get(&kept, "assetId"));
    tus->content_type = str_of(media_type_mime(tus->found.type));
    mutation_free(mutation);
    answer_state(intake, tus->status);
}

static void then_tus(struct intake *intake)
{
    struct tus *tus = intake->state;
    if (!tus->file.is_kept) {
        answer_state(intake, tus->status);
        return;
    }
    AUTO(buffer_done) struct buffer args = buffer_with_max(KIB(4));
    buffer_str(&args, STR("{\"file\":"));
    upload_write_file(&args, &tus->file);
    buffer_char(&args, ',');
    write_token(&args, tus);
    buffer_char(&args, '}');
    intake_mutate(intake, "uploads:keep", buffer_text(&args), on_row);
}

const struct intake_kind tus_kind = {
    .write = write_part,
    .end = end_part,
    .then = then_tus,
    .drop = drop_tus,
    .has_rest = has_rest,
    .done = done_tus,
    .keeps_parts = true,
};

struct tus *tus_new(struct intake *intake)
{
    struct tus *tus = intake->state = arena_new(&intake->arena, struct tus);
    tus->fd = -1;
    return tus;
}

void tus_hash_begin(struct tus *tus)
{
    if (tus->checksum.hash == TUS_HASH_NONE)
        return;
    tus->hash = EVP_MD_CTX_new();
    if (tus->hash == NULL ||
        EVP_DigestInit_ex(
            tus->hash, tus->checksum.hash == TUS_HASH_SHA1 ? EVP_sha1() : EVP_sha256(), NULL) != 1)
        abort(); /* out of memory */
}

/* ---- what the server can ---- */

void tus_options(struct front *front, struct exchange *exchange)
{
    struct tus_answer answer = answer_begin(exchange);
    add(&answer, STR("Tus-Version"), STR("1.0.0"));
    add(&answer, STR("Tus-Extension"), STR(EXTENSIONS));
    add(&answer, STR("Tus-Checksum-Algorithm"), STR("sha1,sha256"));
    http_answer(exchange, 204, answer.headers, answer.count, (str){0});
}

void tus_answer_state(struct intake *intake, int status)
{
    answer_state(intake, status);
}

void tus_answer_ended(struct intake *intake)
{
    struct tus_answer answer = {0};
    if (intake->exchange != NULL)
        answer = answer_begin(intake->exchange);
    intake_answer(intake, 204, answer.headers, answer.count, (str){0});
}

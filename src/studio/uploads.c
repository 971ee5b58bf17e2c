/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/uploads.h"

#include "studio/catalogue.h"
#include "studio/rates.h"
#include "studio/studio.h"

#define AT_ONCE 200
#define TOKEN_LEN 32

/* ---- document ---- */

static const char *const state_names[UPLOAD_STATES] = {
    [UPLOAD_OPEN] = "open",
    [UPLOAD_STORED] = "stored",
    [UPLOAD_USED] = "used",
};

#define ROW struct upload
static const struct field upload_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(token, .min = TOKEN_LEN, .max = TOKEN_LEN),
    REF(owner_id, &user_type),
    CHOICE(state, state_names),
    BOOL(is_resumable),
    BOOL(wants_asset),
    INT(length, .unit = "bytes"),
    MAYBE_TEXT(name, .max = 255),
    MAYBE_TEXT(storage_id, .max = 32),
    MAYBE_REF(asset_id, &asset_type),
    TIME(expires_at),
};
#undef ROW

const struct doc_type upload_type = {
    .name = "uploads",
    .about = "Files on their way into a library.",
    .size = sizeof(struct upload),
    FIELDS(upload_fields),
    .number = 50,
    INDEXES({.name = "by_token", .fields = {"token"}, .is_unique = true},
            {.name = "by_owner", .fields = {"ownerId", "state"}},
            {.name = "by_storage", .fields = {"storageId"}},
            {.name = "by_expiry", .fields = {"expiresAt"}}),
};

/* ---- arguments and results ---- */

struct arrived {
    str storage_id, content_type, sha256;
    int64_t size;
};
#define ROW struct arrived
static const struct field arrived_fields[] = {
    TEXT(storage_id, .min = TOKEN_LEN, .max = TOKEN_LEN),
    TEXT(content_type, .min = 1, .max = 100, .about = "By what the bytes are."),
    TEXT(sha256, .wire = "sha256", .min = 64, .max = 64),
    INT(size, .min = 1, .max = INT64_C(8) << 30, .unit = "bytes"),
};
#undef ROW
static const struct shape arrived_shape = {
    .name = "arrived", .size = sizeof(struct arrived), FIELDS(arrived_fields)};

NO_ARGS(make_url)

struct create_args {
    int64_t length;
    str name;
    struct maybe_bool asset;
};
#define ROW struct create_args
static const struct field create_fields[] = {
    INT(length, .min = 0, .max = INT64_C(8) << 30, .unit = "bytes"),
    MAYBE_TEXT(name, .max = 255),
    MAYBE_BOOL(asset, .about = "Makes a work of it when it is there."),
};
#undef ROW

struct created {
    str token;
    instant expires_at;
};
#define ROW struct created
static const struct field created_fields[] = {TEXT(token), TIME(expires_at)};
#undef ROW
static const struct shape created_shape = {
    .name = "uploadCreated", .size = sizeof(struct created), FIELDS(created_fields)};

struct keep_args {
    struct arrived file;
    struct arrived *thumbnail;
    str name, token;
    struct maybe_bool asset;
};
#define ROW struct keep_args
static const struct field keep_fields[] = {
    RECORD(file, &arrived_shape),
    MAYBE_RECORD(thumbnail, &arrived_shape),
    MAYBE_TEXT(name, .max = 255),
    MAYBE_TEXT(token, .min = TOKEN_LEN, .max = TOKEN_LEN,
               .about = "Of the upload that it ends; without one it is the caller's."),
    MAYBE_BOOL(asset, .about = "Makes a work of it at once."),
};
#undef ROW

struct kept {
    str storage_id, thumbnail_storage_id, url, thumbnail_url;
    doc_id asset_id;
};
#define ROW struct kept
static const struct field kept_fields[] = {
    TEXT(storage_id),          MAYBE_TEXT(thumbnail_storage_id), TEXT(url),
    MAYBE_TEXT(thumbnail_url), MAYBE_REF(asset_id, &asset_type),
};
#undef ROW
static const struct shape kept_shape = {
    .name = "uploadKept", .size = sizeof(struct kept), FIELDS(kept_fields)};

struct end_args {
    str token;
};
#define ROW struct end_args
static const struct field end_fields[] = {TEXT(token, .min = TOKEN_LEN, .max = TOKEN_LEN)};
#undef ROW

BACKEND_FUNCTION(make_url, str)
BACKEND_FUNCTION(create, struct created)
BACKEND_FUNCTION(keep, struct kept)
BACKEND_FUNCTION(end, bool)

const struct function upload_functions[] = {
    MUTATION("assets:generateUploadUrl", make_url, .caller = SIGNED_IN, .returns = RETURNS_TEXT,
             .about = "An address that takes one file by POST within an hour and answers its "
                      "storageId (STOR-03)."),
    MUTATION("uploads:create", create, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&created_shape, struct created),
             .about = "Begins an upload of the caller that can be resumed."),
    MUTATION("uploads:keep", keep, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&kept_shape, struct kept),
             .about = "A file has arrived: it is its owner's from now on, and a work if asked."),
    MUTATION("uploads:end", end, .caller = INTERNAL, .returns = RETURNS_BOOL,
             .about = "Forgets an upload that nobody goes on with. False: there is none."),
};
const size_t upload_function_count = ARRAY_LEN(upload_functions);

/* ---- limits ---- */

static const struct plan_config *plan_of(struct call *call, doc_id user)
{
    struct user row;
    row_find(call, &user_type, user, &row);
    return config_plan(catalogue_of(call), row.plan_key);
}

struct upload_limits upload_limits_of(struct call *call, doc_id user)
{
    const struct plan_config *plan = plan_of(call, user);
    int64_t image = plan == NULL ? 0 : plan->upload_bytes_max;
    int64_t video = plan == NULL ? 0 : plan->video_bytes_max;
    if (image == 0)
        image = UPLOAD_BYTES_DEFAULT;
    return (struct upload_limits){image, MAX_OF(image, video), user};
}

static struct storage_need bytes_of_need(int64_t size)
{
    return (struct storage_need){.bytes = size};
}

struct storage_need upload_reserved(struct call *call, doc_id user)
{
    static const enum upload_state waiting[] = {UPLOAD_OPEN, UPLOAD_STORED};
    struct storage_need sum = {0};
    struct upload upload;
    for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
        struct key theirs = KEY(key_id(user), key_text(str_of(state_names[waiting[i]])));
        struct scan scan;
        view_scan(call->view, index_of(&upload_type, "by_owner"), (struct bounds){.prefix = theirs},
                  ORDER_UP, &scan);
        while (scan_next(&scan, &upload))
            sum.bytes += upload.length;
        scan_end(&scan);
    }
    return sum;
}

void upload_release(struct call *call, const struct upload *upload)
{
    struct storage_need kept = bytes_of_need(upload->length);
    if (upload->length != 0 && upload->state != UPLOAD_USED)
        storage_release(call, upload->owner_id, &kept);
}

void upload_admit(struct call *call, int64_t length, struct upload_limits *out)
{
    doc_id user = call_caller(call);
    REQUIRE(call, doc_id_is_set(user), AUTH, "Sign in to upload files.");
    *out = upload_limits_of(call, user);
    rates_check(call, user, plan_of(call, user), RATE_OF_UPLOADS);
    struct storage_need need = bytes_of_need(length);
    storage_check(call, user, &need);
}

/* ---- rows ---- */

/* Its place is kept from here on. */
static void put_new(struct call *call, struct upload *upload)
{
    struct storage_need need = bytes_of_need(upload->length);
    if (upload->length != 0)
        storage_reserve(call, upload->owner_id, &need);
    char token[TOKEN_LEN + 1];
    random_token(call->random, token);
    upload->token = str_copy(call->arena, str_of(token));
    row_new(call, &upload_type, upload);
    row_put(call, &upload_type, upload);
}

bool upload_find(struct call *call, str token, struct upload *out)
{
    doc_id id = row_first(call, index_of(&upload_type, "by_token"), KEY(key_text(token)));
    return row_find(call, &upload_type, id, out) && instant_is_before(call->now, out->expires_at);
}

static void make_url(struct call *call, const struct make_url_args *args, str *result)
{
    doc_id user = call_caller(call);
    struct upload upload = {
        .owner_id = user,
        .state = UPLOAD_OPEN,
        .expires_at = instant_add(call->now, UPLOAD_TICKET_TIME),
    };
    rates_take(call, user, plan_of(call, user), RATE_OF_UPLOADS);
    struct storage_need least = bytes_of_need(1);
    storage_check(call, user, &least);
    put_new(call, &upload);
    *result = str_format(call->arena, "%s/api/storage/upload?token=%.*s", call->program->public_url,
                         STR_ARG(upload.token));
}

static void create(struct call *call, const struct create_args *args, struct created *result)
{
    doc_id user = call_caller(call);
    REQUIRE(call, doc_id_is_set(user), AUTH, "Sign in to upload files.");
    struct upload upload = {
        .owner_id = user,
        .state = UPLOAD_OPEN,
        .is_resumable = true,
        .wants_asset = args->asset.value,
        .length = args->length,
        .name = args->name,
        .expires_at = instant_add(call->now, UPLOAD_TIME),
    };
    rates_take(call, user, plan_of(call, user), RATE_OF_UPLOADS);
    put_new(call, &upload);
    *result = (struct created){upload.token, upload.expires_at};
}

/* ---- arriving ---- */

static void put_file(struct call *call, doc_id owner, const struct arrived *arrived, str name,
                     struct file *out)
{
    struct stored_file stored = {arrived->storage_id, arrived->content_type, arrived->size,
                                 arrived->sha256};
    file_put(call, owner, &stored, name);
    file_find(call, arrived->storage_id, out);
}

/* A stored file that waits for somebody to make a work of it. */
static void put_waiting(struct call *call, doc_id owner, const struct file *file)
{
    struct upload upload = {
        .owner_id = owner,
        .state = UPLOAD_STORED,
        .length = file->size_bytes,
        .name = file->name,
        .storage_id = file->storage_id,
        .expires_at = instant_add(call->now, UPLOAD_TIME),
    };
    put_new(call, &upload);
}

/* Whose it is, and the upload that it ends. A ticket or an upload takes one file. */
static void take_upload(struct call *call, const struct keep_args *args, struct upload *upload)
{
    if (args->token.len == 0) {
        doc_id user = call_caller(call);
        REQUIRE(call, doc_id_is_set(user), AUTH, "Sign in to upload files.");
        upload->owner_id = user;
        rates_take(call, user, plan_of(call, user), RATE_OF_UPLOADS);
        return;
    }
    REQUIRE(call, upload_find(call, args->token, upload), NOT_FOUND,
            "This upload has expired or was ended. Begin it again.");
    REQUIRE(call, upload->state == UPLOAD_OPEN, STATE, "This address has taken its file already.");
}

static void check_size(struct call *call, doc_id owner, const struct arrived *file)
{
    struct upload_limits limits = upload_limits_of(call, owner);
    bool is_film = str_starts(file->content_type, STR("video/"));
    int64_t max = is_film ? limits.video_max : limits.image_max;
    str data = str_format(call->arena, "\"limit\":%lld", (long long)max);
    if (!call_failed(call) && file->size > max)
        call_fail_more(call, QUOTA, data, "Your plan takes files of up to %.*s. This one has %.*s.",
                       STR_ARG(storage_words(call->arena, max)),
                       STR_ARG(storage_words(call->arena, file->size)));
}

/* The room that it kept is given back, to be taken by what came. */
static void check_arrived(struct call *call, const struct keep_args *args, struct upload *upload)
{
    struct storage_need need = bytes_of_need(args->file.size);
    check_size(call, upload->owner_id, &args->file);
    if (args->thumbnail != NULL)
        need.bytes += args->thumbnail->size;
    upload_release(call, upload);
    upload->length = args->file.size;
    storage_check(call, upload->owner_id, &need);
}

/* The upload that it ended, or a new one that waits for its work. */
static void note(struct call *call, struct upload *upload, const struct file *file, doc_id asset)
{
    struct storage_need need = bytes_of_need(file->size_bytes);
    if (!doc_id_is_set(upload->id)) {
        if (!doc_id_is_set(asset))
            put_waiting(call, upload->owner_id, file);
        return;
    }
    upload->state = doc_id_is_set(asset) ? UPLOAD_USED : UPLOAD_STORED;
    upload->storage_id = file->storage_id;
    upload->asset_id = asset;
    upload->expires_at = instant_add(call->now, UPLOAD_TIME);
    row_put(call, &upload_type, upload);
    if (!doc_id_is_set(asset))
        storage_reserve(call, upload->owner_id, &need);
}

static void keep(struct call *call, const struct keep_args *args, struct kept *result)
{
    struct upload upload = {0};
    struct file file, thumbnail = {0};
    take_upload(call, args, &upload);
    if (!call_failed(call))
        check_arrived(call, args, &upload);
    if (call_failed(call))
        return;
    put_file(call, upload.owner_id, &args->file, args->name.len != 0 ? args->name : upload.name,
             &file);
    if (args->thumbnail != NULL)
        put_file(call, upload.owner_id, args->thumbnail, file.name, &thumbnail);
    bool wants_asset = args->asset.value || upload.wants_asset;
    *result = (struct kept){
        .storage_id = file.storage_id,
        .thumbnail_storage_id = thumbnail.storage_id,
        .url = file_url(call, file.storage_id),
    };
    if (args->thumbnail != NULL)
        result->thumbnail_url = file_url(call, thumbnail.storage_id);
    if (wants_asset)
        result->asset_id = upload_make_asset(
            call, &file, &(struct upload_said){.thumbnail_storage_id = thumbnail.storage_id});
    note(call, &upload, &file, result->asset_id);
    if (args->thumbnail != NULL && !wants_asset)
        put_waiting(call, upload.owner_id, &thumbnail);
}

/* ---- ends ---- */

static void remove_upload(struct call *call, const struct upload *upload)
{
    struct file file;
    upload_release(call, upload);
    if (upload->state == UPLOAD_STORED && file_find(call, upload->storage_id, &file))
        file_doom(call, &file);
    row_remove(call, &upload_type, upload->id);
}

static void end(struct call *call, const struct end_args *args, bool *result)
{
    struct upload upload;
    *result = upload_find(call, args->token, &upload);
    if (*result)
        remove_upload(call, &upload);
}

static int64_t remove_all(struct call *call, const struct index *index, struct bounds bounds,
                          bool *has_more)
{
    struct upload *old = arena_array(call->arena, struct upload, AT_ONCE);
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index, bounds, ORDER_UP, &scan);
    while (count < AT_ONCE && scan_next(&scan, &old[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        remove_upload(call, &old[i]);
    *has_more = count == AT_ONCE;
    return (int64_t)count;
}

int64_t uploads_clean(struct call *call, str *cursor, bool *has_more)
{
    struct bounds expired = {.to = key_time(call->now)};
    return remove_all(call, index_of(&upload_type, "by_expiry"), expired, has_more);
}

void uploads_forget(struct call *call, doc_id owner, bool *has_more)
{
    struct bounds theirs = {.prefix = KEY(key_id(owner))};
    remove_all(call, index_of(&upload_type, "by_owner"), theirs, has_more);
}

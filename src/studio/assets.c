/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/assets.h"

#include "blob/blob.h"
#include "studio/catalogue.h"
#include "studio/certificates.h"
#include "studio/generations.h"
#include "studio/links.h"
#include "studio/renditions.h"
#include "studio/usage.h"
#include "studio/users.h"
#include "studio/work.h"

#include <string.h>

#define STORAGE_ID_LEN 32
#define ASSETS_AT_ONCE 100

/* ---- documents ---- */

const char *const rendition_names[RENDITIONS] = {
    [RENDITION_RESIZED] = "resized",
    [RENDITION_STAMPED] = "stamped",
    [RENDITION_PREVIEW] = "preview",
    [RENDITION_FASTSTART] = "faststart",
};

#define ROW struct file
static const struct field file_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(storage_id, .min = STORAGE_ID_LEN, .max = STORAGE_ID_LEN),
    REF(owner_id, &user_type),
    TEXT(content_type, .min = 1, .max = 100),
    TEXT(sha256, .wire = "sha256", .min = 64, .max = 64),
    INT(size_bytes, .min = 0, .max = INT64_C(1) << 50),
    TEXT(name, .max = 255),
    MAYBE_TEXT(link_id, .max = STORAGE_ID_LEN),
    BOOL(is_doomed),
    TIME(created_at),
    MAYBE_REF(asset_id, &asset_type),
    MAYBE_CHOICE(rendition, rendition_names),
    MAYBE_TEXT(variant, .max = FILE_VARIANT_MAX),
};
#undef ROW

const struct doc_type file_type = {
    .name = "files",
    .about = "Bytes that are stored, and whose they are.",
    .size = sizeof(struct file),
    FIELDS(file_fields),
    .number = 11,
    INDEXES({.name = "by_storage", .fields = {"storageId"}, .is_unique = true},
            {.name = "by_owner", .fields = {"ownerId"}},
            {.name = "by_asset", .fields = {"assetId", "rendition", "variant"}},
            {.name = "by_link", .fields = {"linkId"}}),
};

#define ROW struct asset
static const struct field tag_item = ITEM_TEXT(.min = 1, .max = 40);
static const struct field asset_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    MAYBE_REF(generation_id, &generation_type),
    CHOICE(type, media_kind_names),
    MAYBE_TEXT(prompt, .max = 20000),
    MAYBE_TEXT(negative_prompt, .max = 20000),
    MAYBE_TEXT(model, .max = 80),
    MAYBE_TEXT(provider, .max = 40),
    MAYBE_INT(seed),
    INT(width, .unit = "px"),
    INT(height, .unit = "px"),
    MAYBE_NUMBER(duration, .unit = "s"),
    TEXT(mime_type, .max = 100),
    INT(size_bytes),
    INT(stored_bytes),
    TEXT(storage_id, .max = STORAGE_ID_LEN),
    MAYBE_TEXT(thumbnail_storage_id, .max = STORAGE_ID_LEN),
    MAYBE_TEXT(display_storage_id, .max = STORAGE_ID_LEN),
    MAYBE_TEXT(preview_storage_id, .max = STORAGE_ID_LEN),
    MAYBE_TEXT(playback_storage_id, .max = STORAGE_ID_LEN),
    MAYBE_TEXT(blur_data_url, .max = 500),
    MAYBE_TEXT(title, .max = 200),
    MAYBE_TEXT(description, .max = 2000),
    MAYBE_LIST(tags, &tag_item, .max = ASSET_TAGS_MAX),
    MAYBE_ANY(metadata),
    BOOL(is_favorite),
    BOOL(is_public),
    MAYBE_INT(link_turn),
    INT(views),
    TIME(created_at),
    TIME(updated_at),
    MAYBE_BOOL(is_processing),
    MAYBE_TEXT(error, .max = 400),
    MAYBE_RECORD(embedded, &embedded_shape),
    MAYBE_BOOL(has_credentials),
};
#undef ROW

const struct doc_type asset_type = {
    .name = "assets",
    .about = "A picture or a film in somebody's library.",
    .size = sizeof(struct asset),
    FIELDS(asset_fields),
    .number = 12,
    INDEXES({.name = "by_user", .fields = {"userId"}},
            {.name = "by_user_type", .fields = {"userId", "type"}},
            {.name = "by_generation", .fields = {"generationId"}},
            {.name = "by_user_size", .fields = {"userId", "sizeBytes"}},
            {.name = "by_user_type_size", .fields = {"userId", "type", "sizeBytes"}},
            {.name = "by_user_favorite", .fields = {"userId", "isFavorite"}},
            {.name = "by_public", .fields = {"isPublic", "type"}},
            {.name = "by_storage", .fields = {"storageId"}}),
    SEARCH(.fields = {"title", "tags", "prompt", "description"}, .filters = {"userId"},
           .marks = {"type", "isFavorite", "model", "tags"}),
};

/* ---- arguments and results ---- */

struct wire_asset {
    doc_id id;
    tick created;
    enum media_kind type;
    str url, thumbnail_url, display_url, preview_url, playback_url, blur_data_url, title;
    int64_t width, height;
    struct maybe_number duration;
    str mime_type;
    int64_t size_bytes;
    str prompt, negative_prompt, model, provider;
    struct maybe_int seed;
    doc_id generation_id;
    bool is_favorite, is_public;
    instant created_at;
    struct maybe_bool is_processing;
    str error;
    struct embedded *embedded;
    struct maybe_bool has_credentials;
    str bucket, object_key, cdn_url;
};

#define ROW struct wire_asset
static const struct field wire_asset_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &asset_type, .wire = "_id"),
    CREATED(created),
    CHOICE(type, media_kind_names),
    TEXT(url, .about = "The original, byte for byte."),
    TEXT(thumbnail_url, .about = "Progressive JPEG in a box of 400 by 400."),
    MAYBE_TEXT(display_url, .about = "WebP for pictures, a poster for films."),
    MAYBE_TEXT(preview_url, .about = "At most three seconds of what moves, as MP4 without sound; "
                                     "made a little later."),
    MAYBE_TEXT(playback_url, .about = "The film in an MP4 that plays before it has come whole; "
                                      "absent where the original does."),
    MAYBE_TEXT(blur_data_url),
    INT(width, .unit = "px"),
    INT(height, .unit = "px"),
    MAYBE_NUMBER(duration, .unit = "s"),
    TEXT(mime_type),
    INT(size_bytes, .unit = "bytes"),
    MAYBE_TEXT(title, .about = "What somebody called it; of an upload, its file's name."),
    MAYBE_TEXT(prompt),
    MAYBE_TEXT(negative_prompt),
    MAYBE_TEXT(model),
    MAYBE_TEXT(provider),
    MAYBE_INT(seed),
    MAYBE_REF(generation_id, &generation_type),
    BOOL(is_favorite),
    BOOL(is_public),
    TIME(created_at),
    MAYBE_BOOL(is_processing, .about = "It was uploaded, and is being looked into: thumbnail, size "
                                       "and blur come soon."),
    MAYBE_TEXT(error, .about = "It was uploaded and cannot be kept: why. Its bytes are gone; "
                               "delete it."),
    MAYBE_RECORD(embedded, &embedded_shape,
                 .about = "How it was made, as the uploaded file says; told by assets:getAsset."),
    MAYBE_BOOL(has_credentials, .about = "Content credentials (C2PA) are in the file; they "
                                         "were not checked."),
    MAYBE_TEXT(bucket, .about = "Where the original is; with the next two, told by assets:getAsset "
                                "where files are kept in a bucket."),
    MAYBE_TEXT(object_key),
    MAYBE_TEXT(cdn_url, .about = "Unsigned: of use where the CDN is public."),
};
#undef ROW
static const struct shape wire_asset_shape = {
    .name = "asset", .size = sizeof(struct wire_asset), FIELDS(wire_asset_fields)};
static const struct field wire_asset_item = ITEM_RECORD(&wire_asset_shape, struct wire_asset);
PAGE_SHAPE(asset_page, &wire_asset_item)

struct get_assets_args {
    struct page_options pagination_opts;
    struct asset_choice choice;
};
#define ROW struct get_assets_args
static const struct field get_assets_fields[] = {
    RECORD(pagination_opts, &page_options_shape),
    ASSET_CHOICE_FIELDS,
};
#undef ROW

struct count_assets_args {
    struct asset_choice choice;
};
#define ROW struct count_assets_args
static const struct field count_assets_fields[] = {ASSET_CHOICE_FIELDS};
#undef ROW

struct search_assets_args {
    struct page_options pagination_opts;
    str search_term;
    enum media_kind type;
    struct maybe_bool is_favorite;
    enum asset_source source;
};
#define ROW struct search_assets_args
static const struct field search_assets_fields[] = {
    RECORD(pagination_opts, &page_options_shape),
    MAYBE_TEXT(search_term, .max = 200,
               .about = "Words that the title, the tags, the prompt or the description have; the "
                        "last may be only begun. All works unless said."),
    MAYBE_CHOICE(type, media_kind_names),
    MAYBE_BOOL(is_favorite),
    MAYBE_CHOICE(source, asset_source_names),
};
#undef ROW

struct asset_args {
    doc_id asset_id;
};
#define get_asset_args asset_args
#define delete_asset_args asset_args
#define ROW struct asset_args
static const struct field asset_args_fields[] = {REF(asset_id, &asset_type)};
#define get_asset_fields asset_args_fields
#define delete_asset_fields asset_args_fields
#undef ROW

struct get_many_args {
    struct list asset_ids; /* doc_id */
};
#define ROW struct get_many_args
static const struct field asset_id_item = ITEM_REF(&asset_type);
static const struct field get_many_fields[] = {
    LIST(asset_ids, &asset_id_item, .min = 1, .max = ASSETS_AT_ONCE),
};
#undef ROW

BACKEND_FUNCTION(get_assets, struct page)
BACKEND_FUNCTION(count_assets, int64_t)
BACKEND_FUNCTION(search_assets, struct page)
BACKEND_FUNCTION(get_asset, struct wire_asset *)
BACKEND_FUNCTION(get_many, struct list)
BACKEND_FUNCTION(delete_asset, char)

const struct function asset_functions[] = {
    QUERY("assets:getAssets", get_assets, .caller = SIGNED_IN,
          .returns = RETURNS_RECORD(&asset_page, struct page),
          .about = "The caller's works, newest first or as asked (LIB-02)."),
    QUERY("assets:countAssets", count_assets, .caller = SIGNED_IN, .returns = RETURNS_INT,
          .about = "How many such works the caller has; exact, and not read one by one. Takes what "
                   "assets:getAssets takes."),
    QUERY("assets:search", search_assets, .caller = SIGNED_IN,
          .returns = RETURNS_RECORD(&asset_page, struct page),
          .about = "The caller's works that have all the words and fit every filter, newest first. "
                   "A page may hold fewer than were asked for and not be the last."),
    QUERY("assets:getAsset", get_asset, .caller = SIGNED_IN,
          .returns = RETURNS_MAYBE(&wire_asset_shape), .about = "One work of the caller, or null."),
    QUERY("assets:getMany", get_many, .caller = SIGNED_IN,
          .returns = RETURNS_LIST(&wire_asset_item),
          .about = "Those of these works that are the caller's, in the order they are asked for."),
    MUTATION("assets:deleteAsset", delete_asset, .caller = SIGNED_IN, .returns = RETURNS_NULL,
             .about = "Deletes a work and its files for good (STOR-12)."),
};
const size_t asset_function_count = ARRAY_LEN(asset_functions);

/* ---- files ---- */

str file_url(struct call *call, str id)
{
    if (id.len != STORAGE_ID_LEN)
        return STR("");
    return str_format(call->arena, "%s/api/storage/%.8s-%.4s-%.4s-%.4s-%.12s",
                      call->program->public_url, id.at, id.at + 8, id.at + 12, id.at + 16,
                      id.at + 20);
}

str storage_id_of(struct arena *arena, str segment)
{
    char *id = arena_alloc(arena, STORAGE_ID_LEN + 1);
    size_t len = 0;
    for (size_t i = 0; i < segment.len; i++) {
        char c = segment.at[i];
        bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        bool is_dash = segment.len == 36 && c == '-' && (i == 8 || i == 13 || i == 18 || i == 23);
        if (is_dash)
            continue;
        if (!is_hex || len == STORAGE_ID_LEN)
            return (str){0};
        id[len++] = c;
    }
    return len == STORAGE_ID_LEN ? (str){id, len} : (str){0};
}

static struct file file_of(struct call *call, doc_id owner, const struct stored_file *stored,
                           str name)
{
    return (struct file){
        .storage_id = stored->storage_id,
        .owner_id = owner,
        .content_type = stored->content_type,
        .sha256 = stored->sha256,
        .size_bytes = stored->size,
        .name = name,
        .created_at = call->now,
    };
}

void file_put(struct call *call, doc_id owner, const struct stored_file *stored, str name)
{
    struct file file = file_of(call, owner, stored, name);
    row_new(call, &file_type, &file);
    row_put(call, &file_type, &file);
}

bool file_find(struct call *call, str storage_id, struct file *out)
{
    doc_id id = row_first(call, index_of(&file_type, "by_storage"), KEY(key_text(storage_id)));
    return row_find(call, &file_type, id, out) && !out->is_doomed;
}

void file_doom(struct call *call, struct file *file)
{
    file->is_doomed = true;
    row_put(call, &file_type, file);
    job_queue(call, files_remove_action.name, STR("files"), file->id);
}

void file_put_doomed(struct call *call, doc_id owner, const struct stored_file *stored)
{
    struct file file = file_of(call, owner, stored, STR(""));
    row_new(call, &file_type, &file);
    file_doom(call, &file);
}

static void file_remove(struct call *call, str storage_id)
{
    struct file file;
    if (storage_id.len != 0 && file_find(call, storage_id, &file))
        file_doom(call, &file);
}

static const void *remove_ask(struct call *call, struct job *job)
{
    struct file file;
    if (!row_find(call, &file_type, (doc_id){job->about}, &file)) {
        job_remove(call, job->id);
        return NULL;
    }
    struct work *work = arena_new(call->arena, struct work);
    *work = (struct work){.kind = WORK_REMOVE_BLOB, .blob = file.storage_id};
    return work;
}

static void remove_row(struct call *call, struct job *job, bool is_left)
{
    struct file file;
    if (row_find(call, &file_type, (doc_id){job->about}, &file)) {
        certificate_file(call, &file, is_left);
        row_remove(call, &file_type, file.id);
    }
    job_remove(call, job->id);
}

static void remove_answer(struct call *call, struct job *job, const void *asked, const void *result)
{
    const struct work_result *came = result;
    if (came->failure != WORK_OK && job->failures < JOB_FAILURES_MAX) {
        job->failures++;
        job_put_off(call, job, instant_add(call->now, job_backoff(call, job->failures)));
        return;
    }
    remove_row(call, job, came->failure != WORK_OK);
}

/* The row goes all the same: the sweep of blobs without rows finds the bytes later. */
static void remove_give_up(struct call *call, struct job *job, str why)
{
    remove_row(call, job, true);
}

const struct job_action files_remove_action = {
    .name = "files:remove",
    .ask = remove_ask,
    .answer = remove_answer,
    .give_up = remove_give_up,
};

/* ---- works ---- */

void asset_get(struct call *call, doc_id id, struct asset *out)
{
    doc_id caller = call_caller(call);
    bool is_theirs = row_find(call, &asset_type, id, out) && doc_id_equal(out->user_id, caller);
    REQUIRE(call, is_theirs, NOT_FOUND, "This work does not exist, or is not yours to see.");
}

void asset_remove(struct call *call, const struct asset *asset)
{
    file_remove(call, asset->storage_id);
    file_remove(call, asset->thumbnail_storage_id);
    file_remove(call, asset->display_storage_id);
    renditions_remove(call, asset->id, RENDITION_NONE);
    storage_give_back(call, asset);
    asset_counts_remove(call, asset->id);
    row_remove(call, &asset_type, asset->id);
    if (doc_id_equal(call_caller(call), asset->user_id))
        usage_count_deleted(call, asset->user_id);
}

static struct wire_asset wire_of(struct call *call, const struct asset *asset)
{
    return (struct wire_asset){
        .id = asset->id,
        .created = asset->created,
        .type = asset->type,
        .url = asset_url(call, asset, asset->storage_id),
        .thumbnail_url = asset_url(call, asset, asset->thumbnail_storage_id),
        .display_url = asset_url(call, asset, asset->display_storage_id),
        .preview_url = asset_url(call, asset, asset->preview_storage_id),
        .playback_url = asset_url(call, asset, asset->playback_storage_id),
        .blur_data_url = asset->blur_data_url,
        .title = asset->title,
        .width = asset->width,
        .height = asset->height,
        .duration = asset->duration,
        .mime_type = asset->mime_type,
        .size_bytes = asset->size_bytes,
        .prompt = asset->prompt,
        .negative_prompt = asset->negative_prompt,
        .model = asset->model,
        .provider = asset->provider,
        .seed = asset->seed,
        .generation_id = asset->generation_id,
        .is_favorite = asset->is_favorite,
        .is_public = asset->is_public,
        .created_at = asset->created_at,
        .is_processing = asset->is_processing,
        .error = asset->error,
        .has_credentials = asset->has_credentials,
    };
}

static bool make_wire(struct call *call, const void *row, void *item, void *context)
{
    if (!asset_is_chosen(row, context))
        return false;
    *(struct wire_asset *)item = wire_of(call, row);
    return true;
}

static void get_assets(struct call *call, const struct get_assets_args *args, struct page *result)
{
    struct asset_choice choice = args->choice;
    struct page_source source = {
        .item_size = sizeof(struct wire_asset), .make = make_wire, .context = &choice};
    assets_source(call, call_caller(call), &choice, &source);
    page_read(call, &args->pagination_opts, &source, result);
}

static void count_assets(struct call *call, const struct count_assets_args *args, int64_t *result)
{
    *result = assets_count(call, call_caller(call), &args->choice);
}

static void search_assets(struct call *call, const struct search_assets_args *args,
                          struct page *result)
{
    struct asset_choice choice = {
        .type = args->type, .is_favorite = args->is_favorite, .source = args->source};
    const struct search_for what = assets_search(call, args->search_term, &choice);
    const struct page_source source = {
        .search = &what,
        .item_size = sizeof(struct wire_asset),
        .make = make_wire,
        .context = &choice,
    };
    page_read(call, &args->pagination_opts, &source, result);
}

static void add_names(struct call *call, struct wire_asset *to, str storage_id)
{
    const struct bucket_config *bucket = &catalogue_of(call)->bucket;
    struct blob_home home = {bucket->name, bucket->prefix, bucket->cdn_url};
    struct blob_names names = blob_names(call->arena, &home, storage_id);
    to->bucket = names.bucket;
    to->object_key = names.object_key;
    to->cdn_url = names.cdn_url;
}

static void get_asset(struct call *call, const struct asset_args *args, struct wire_asset **result)
{
    struct asset asset;
    doc_id caller = call_caller(call);
    if (!row_find(call, &asset_type, args->asset_id, &asset) ||
        !doc_id_equal(asset.user_id, caller))
        return;
    *result = arena_new(call->arena, struct wire_asset);
    **result = wire_of(call, &asset);
    (*result)->embedded = asset.embedded;
    add_names(call, *result, asset.storage_id);
}

/* What is gone or another's is left out, so that a list may ask for what it saw a moment ago. */
static void get_many(struct call *call, const struct get_many_args *args, struct list *result)
{
    const doc_id *ids = args->asset_ids.items;
    struct wire_asset *works = arena_array(call->arena, struct wire_asset, args->asset_ids.count);
    doc_id caller = call_caller(call);
    size_t count = 0;
    struct asset asset;
    for (size_t i = 0; i < args->asset_ids.count; i++)
        if (row_find(call, &asset_type, ids[i], &asset) && doc_id_equal(asset.user_id, caller))
            works[count++] = wire_of(call, &asset);
    *result = (struct list){works, count};
}

static void delete_asset(struct call *call, const struct asset_args *args, char *result)
{
    struct asset asset;
    asset_get(call, args->asset_id, &asset);
    if (!call_failed(call))
        asset_remove(call, &asset);
}

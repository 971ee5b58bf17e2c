/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/downloads.h"

#include "studio/users.h"

#define KEY_LEN 32
#define GOOD_FOR HOURS(1)
#define CLEANED_AT_ONCE 200

/* ---- documents ---- */

struct download {
    doc_id id;
    tick created;
    str key;
    doc_id user_id;
    struct list asset_ids; /* doc_id */
    instant expires_at;
};

#define ROW struct download
static const struct field asset_id_item = ITEM_REF(&asset_type);
static const struct field download_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(key, .min = KEY_LEN, .max = KEY_LEN),
    REF(user_id, &user_type),
    LIST(asset_ids, &asset_id_item, .max = DOWNLOAD_WORKS_MAX),
    TIME(expires_at),
};
#undef ROW

const struct doc_type download_type = {
    .name = "downloads",
    .about = "Works to be fetched as one archive, for an hour.",
    .size = sizeof(struct download),
    FIELDS(download_fields),
    .number = 55,
    INDEXES({.name = "by_key", .fields = {"key"}, .is_unique = true},
            {.name = "by_user", .fields = {"userId"}},
            {.name = "by_expiry", .fields = {"expiresAt"}}),
};

/* ---- arguments and results ---- */

struct assets_args {
    struct list asset_ids; /* doc_id */
};
#define create_download_args assets_args
#define list_download_args assets_args
#define ROW struct assets_args
static const struct field assets_fields[] = {
    LIST(asset_ids, &asset_id_item, .min = 1, .max = DOWNLOAD_WORKS_MAX)};
#define create_download_fields assets_fields
#define list_download_fields assets_fields
#undef ROW

struct created_download {
    str url;
    instant expires_at;
    int64_t count, size_bytes;
};
#define ROW struct created_download
static const struct field created_download_fields[] = {
    TEXT(url, .about = "Answers a ZIP archive to be saved, as often as it is asked."),
    TIME(expires_at),
    INT(count, .about = "Of files in it."),
    INT(size_bytes, .unit = "bytes", .about = "Of the files together."),
};
#undef ROW
static const struct shape created_download_shape = {.name = "createdDownload",
                                                    .size = sizeof(struct created_download),
                                                    FIELDS(created_download_fields)};

struct open_download_args {
    str url;
};
#define ROW struct open_download_args
static const struct field open_download_fields[] = {
    TEXT(url, .max = 1000, .about = "Or its last part.")};
#undef ROW

#define ROW struct download_file
static const struct field download_file_fields[] = {
    TEXT(storage_id), TEXT(name), TEXT(content_type), INT(size_bytes, .unit = "bytes"),
    TIME(created_at),
};
#undef ROW
static const struct shape download_file_shape = {
    .name = "downloadFile", .size = sizeof(struct download_file), FIELDS(download_file_fields)};
static const struct field download_file_item =
    ITEM_RECORD(&download_file_shape, struct download_file);
#define ROW struct download_files
static const struct field download_files_fields[] = {LIST(files, &download_file_item)};
#undef ROW
const struct shape download_files_shape = {
    .name = "downloadFiles", .size = sizeof(struct download_files), FIELDS(download_files_fields)};

BACKEND_FUNCTION(create_download, struct created_download)
BACKEND_FUNCTION(open_download, struct download_files)
BACKEND_FUNCTION(list_download, struct download_files)

const struct function download_functions[] = {
    MUTATION("assets:createDownload", create_download, .caller = SIGNED_IN,
             .returns = RETURNS_RECORD(&created_download_shape, struct created_download),
             .about = "An address of works of the caller as one ZIP archive, for an hour."),
    QUERY("assets:openDownload", open_download, .caller = INTERNAL,
          .returns = RETURNS_RECORD(&download_files_shape, struct download_files),
          .about = "What is in the archive at an address; nothing when its hour is over."),
    QUERY("assets:listDownload", list_download, .caller = INTERNAL,
          .returns = RETURNS_RECORD(&download_files_shape, struct download_files),
          .about = "What would be in an archive of these works of the caller."),
};
const size_t download_function_count = ARRAY_LEN(download_functions);

/* ---- functions ---- */

/* The originals of works that are that user's; a work that is not is left out, or fails the call.
 */
static void list_files(struct call *call, doc_id user, const struct list *asset_ids, bool is_strict,
                       struct list *out)
{
    const doc_id *ids = asset_ids->items;
    struct download_file *files =
        arena_array(call->arena, struct download_file, asset_ids->count + 1);
    out->items = files;
    for (size_t i = 0; i < asset_ids->count; i++) {
        struct asset asset;
        struct file file;
        bool is_there = row_find(call, &asset_type, ids[i], &asset) &&
                        doc_id_equal(asset.user_id, user) &&
                        file_find(call, asset.storage_id, &file);
        REQUIRE(call, is_there || !is_strict, NOT_FOUND,
                "One of these works does not exist, or is not yours to see.");
        if (is_there)
            files[out->count++] = (struct download_file){
                file.storage_id, file.name, file.content_type, file.size_bytes, asset.created_at};
    }
}

/* The oldest goes when there are as many as may be. */
static void make_room(struct call *call, doc_id user)
{
    struct download oldest = {0}, row;
    struct scan scan;
    size_t count = 0;
    if (call_failed(call))
        return;
    view_scan(call->view, index_of(&download_type, "by_user"),
              (struct bounds){.prefix = KEY(key_id(user))}, ORDER_UP, &scan);
    while (scan_next(&scan, &row))
        if (count++ == 0)
            oldest = row;
    scan_end(&scan);
    if (count >= DOWNLOADS_KEPT)
        row_remove(call, &download_type, oldest.id);
}

static void create_download(struct call *call, const struct assets_args *args,
                            struct created_download *result)
{
    struct list files = {0};
    char key[KEY_LEN + 1];
    doc_id user = call_caller(call);
    list_files(call, user, &args->asset_ids, true, &files);
    make_room(call, user);
    if (call_failed(call))
        return;
    random_token(call->random, key);
    struct download row = {
        .key = (str){key, KEY_LEN},
        .user_id = user,
        .asset_ids = args->asset_ids,
        .expires_at = instant_add(call->now, GOOD_FOR),
    };
    row_new(call, &download_type, &row);
    row_put(call, &download_type, &row);
    result->url = str_format(call->arena, "%s/api/download/%s", call->program->public_url, key);
    result->expires_at = row.expires_at;
    result->count = (int64_t)files.count;
    for (size_t i = 0; i < files.count; i++)
        result->size_bytes += ((const struct download_file *)files.items)[i].size_bytes;
}

static void open_download(struct call *call, const struct open_download_args *args,
                          struct download_files *result)
{
    struct download row;
    ptrdiff_t slash = str_find_last(args->url, '/');
    str key = str_slice(args->url, (size_t)(slash + 1), args->url.len);
    doc_id id = row_first(call, index_of(&download_type, "by_key"), KEY(key_text(key)));
    result->files.items = arena_alloc(call->arena, 1);
    if (!row_find(call, &download_type, id, &row) || !instant_is_before(call->now, row.expires_at))
        return;
    call_valid_until(call, row.expires_at);
    list_files(call, row.user_id, &row.asset_ids, false, &result->files);
}

static void list_download(struct call *call, const struct assets_args *args,
                          struct download_files *result)
{
    doc_id user = call_caller(call);
    REQUIRE(call, doc_id_is_set(user), AUTH, "Sign in first.");
    list_files(call, user, &args->asset_ids, true, &result->files);
}

int64_t downloads_clean(struct call *call, str *cursor, bool *has_more)
{
    struct download row;
    struct scan scan;
    doc_id ids[CLEANED_AT_ONCE];
    size_t count = 0;
    if (call_failed(call))
        return 0;
    view_scan(call->view, index_of(&download_type, "by_expiry"), (struct bounds){0}, ORDER_UP,
              &scan);
    while (count < CLEANED_AT_ONCE && scan_next(&scan, &row) &&
           !instant_is_before(call->now, row.expires_at))
        ids[count++] = row.id;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        row_remove(call, &download_type, ids[i]);
    *has_more = count == CLEANED_AT_ONCE;
    return (int64_t)count;
}

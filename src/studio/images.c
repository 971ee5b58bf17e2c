/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures in the words of Pixorly's pages: its "images" are works of kind image. */
#include "studio/studio.h"

#include "call/page.h"
#include "studio/generations.h"
#include "studio/links.h"
#include "studio/moderation.h"
#include "studio/users.h"

#include <string.h>

struct image {
    doc_id id;
    tick created;
    doc_id user_id, generation_job_id;
    str title, description, prompt, negative_prompt, model, provider;
    int64_t width, height;
    struct maybe_int seed, steps;
    struct maybe_number guidance;
    str url, cloud_front_url, thumbnail_url, display_url, blur_data_url, mime_type;
    int64_t file_size_bytes;
    struct list tags;
    str metadata;
    bool is_public, is_favorite;
    int64_t views, downloads, shares;
    instant created_at, updated_at;
};
static const struct field tag_item = ITEM_TEXT(.min = 1, .max = 40);
#define ROW struct image
static const struct field image_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &asset_type, .wire = "_id"),
    CREATED(created),
    REF(user_id, &user_type),
    MAYBE_REF(generation_job_id, &generation_type),
    MAYBE_TEXT(title),
    MAYBE_TEXT(description),
    MAYBE_TEXT(prompt),
    MAYBE_TEXT(negative_prompt),
    MAYBE_TEXT(model),
    MAYBE_TEXT(provider),
    INT(width, .unit = "px"),
    INT(height, .unit = "px"),
    MAYBE_INT(seed),
    MAYBE_INT(steps),
    MAYBE_NUMBER(guidance),
    TEXT(url, .about = "The original, byte for byte."),
    TEXT(cloud_front_url, .about = "The same, by its older name."),
    TEXT(thumbnail_url),
    MAYBE_TEXT(display_url),
    MAYBE_TEXT(blur_data_url),
    TEXT(mime_type),
    INT(file_size_bytes, .unit = "bytes"),
    LIST(tags, &tag_item),
    MAYBE_ANY(metadata),
    BOOL(is_public),
    BOOL(is_favorite),
    INT(views),
    INT(downloads),
    INT(shares),
    TIME(created_at),
    TIME(updated_at),
};
#undef ROW
static const struct shape image_shape = {
    .name = "image", .size = sizeof(struct image), FIELDS(image_fields)};
static const struct field image_item = ITEM_RECORD(&image_shape, struct image);
PAGE_SHAPE(image_page, &image_item)

/* ---- arguments ---- */

struct image_args {
    doc_id image_id;
};
#define ROW struct image_args
static const struct field image_args_fields[] = {REF(image_id, &asset_type)};
#undef ROW
#define get_image_args image_args
#define get_image_fields image_args_fields
#define delete_args image_args
#define delete_fields image_args_fields

struct list_args {
    struct page_options pagination_opts;
    str model, tag;
    struct maybe_instant date_from, date_to;
    struct maybe_bool only_favorites;
};
#define ROW struct list_args
static const struct field list_fields[] = {
    RECORD(pagination_opts, &page_options_shape),
    MAYBE_TEXT(model, .max = 80),
    MAYBE_TEXT(tag, .max = 40),
    MAYBE_TIME(date_from),
    MAYBE_TIME(date_to),
    MAYBE_BOOL(only_favorites),
};
#undef ROW

struct search_args {
    struct page_options *pagination_opts; /* NULL: the first page */
    str search_term, model, tag;
};
#define ROW struct search_args
static const struct field search_fields[] = {
    MAYBE_RECORD(pagination_opts, &page_options_shape, .about = "The first 50 unless said."),
    TEXT(search_term, .max = 200,
         .about = "Words that the title, the tags, the prompt or the description have; the last "
                  "may be only begun."),
    MAYBE_TEXT(model, .max = 80),
    MAYBE_TEXT(tag, .max = 40),
};
#undef ROW

struct update_args {
    doc_id image_id;
    str title, description, metadata;
    struct list tags;
    struct maybe_bool is_public, is_favorite;
};
#define ROW struct update_args
static const struct field update_fields[] = {
    REF(image_id, &asset_type),
    MAYBE_TEXT(title, .max = 200),
    MAYBE_TEXT(description, .max = 2000),
    MAYBE_ANY(metadata, .about = "An object, for an editor to find again; at most 16 KiB."),
    MAYBE_LIST(tags, &tag_item, .max = ASSET_TAGS_MAX, .about = "Instead of all there were."),
    MAYBE_BOOL(is_public),
    MAYBE_BOOL(is_favorite),
};
#undef ROW

struct report_args {
    doc_id image_id;
    str reason;
};
#define ROW struct report_args
static const struct field report_fields[] = {REF(image_id, &asset_type),
                                             TEXT(reason, .min = 1, .max = 500)};
#undef ROW

struct add_args {
    doc_id user_id;
    str storage_id, prompt, model;
    int64_t width, height;
};
#define ROW struct add_args
static const struct field add_fields[] = {
    REF(user_id, &user_type),
    TEXT(storage_id, .min = 32, .max = 36, .about = "Of a stored file of that user."),
    MAYBE_TEXT(prompt, .max = 20000),
    MAYBE_TEXT(model, .max = 80),
    INT(width, .min = 1, .max = 100000, .unit = "px"),
    INT(height, .min = 1, .max = 100000, .unit = "px"),
};
#undef ROW

BACKEND_FUNCTION(get_image, struct image *)
BACKEND_FUNCTION(list, struct page)
BACKEND_FUNCTION(search, struct page)
BACKEND_FUNCTION(update, struct image)
BACKEND_FUNCTION(delete, char)
BACKEND_FUNCTION(report, char)
BACKEND_FUNCTION(add, doc_id)

const struct function image_functions[] = {
    QUERY("generations:getImage", get_image, .caller = SIGNED_IN,
          .returns = RETURNS_MAYBE(&image_shape),
          .about = "A picture of the caller, or anybody's public one; or null."),
    QUERY("images:list", list, .caller = SIGNED_IN,
          .returns = RETURNS_RECORD(&image_page, struct page),
          .about = "The caller's pictures, newest first, that fit every filter. A page may hold "
                   "fewer than were asked for and not be the last."),
    QUERY("images:search", search, .caller = SIGNED_IN,
          .returns = RETURNS_RECORD(&image_page, struct page),
          .about = "The caller's pictures that have all the words and fit every filter, newest "
                   "first. A page may hold fewer than were asked for and not be the last."),
    MUTATION("images:update", update, .caller = SIGNED_IN,
             .returns = RETURNS_RECORD(&image_shape, struct image),
             .about = "Title, description, tags, who may see it; what is absent stays."),
    MUTATION("images:deleteImage", delete, .caller = SIGNED_IN, .returns = RETURNS_NULL,
             .about = "Deletes a picture and its files for good (STOR-12)."),
    MUTATION("images:report", report, .caller = SIGNED_IN, .returns = RETURNS_NULL,
             .about = "Tells the operator that a picture should not be here."),
    MUTATION("generations:createImage", add, .caller = INTERNAL, .returns = RETURNS_ID(&asset_type),
             .about = "Makes a work of a stored file of that user's, once; it counts against their "
                      "storage as every other."),
};
const size_t image_function_count = ARRAY_LEN(image_functions);

/* ---- functions ---- */

static struct image wire_of(struct call *call, const struct asset *asset)
{
    struct asset_counts counts = asset_counts_of(call, asset->id);
    struct image image = {
        .id = asset->id,
        .created = asset->created,
        .user_id = asset->user_id,
        .generation_job_id = asset->generation_id,
        .title = asset->title,
        .description = asset->description,
        .prompt = asset->prompt,
        .negative_prompt = asset->negative_prompt,
        .model = asset->model,
        .provider = asset->provider,
        .width = asset->width,
        .height = asset->height,
        .seed = asset->seed,
        .url = asset_url(call, asset, asset->storage_id),
        .thumbnail_url = asset_url(call, asset, asset->thumbnail_storage_id),
        .display_url = asset_url(call, asset, asset->display_storage_id),
        .blur_data_url = asset->blur_data_url,
        .mime_type = asset->mime_type,
        .file_size_bytes = asset->size_bytes,
        .tags = asset->tags,
        .metadata = asset->metadata,
        .is_public = asset->is_public,
        .is_favorite = asset->is_favorite,
        .views = counts.views,
        .downloads = counts.downloads,
        .shares = counts.shares,
        .created_at = asset->created_at,
        .updated_at = asset->updated_at,
    };
    image.cloud_front_url = image.url;
    if (image.tags.items == NULL)
        image.tags.items = arena_alloc(call->arena, 1);
    return image;
}

static void get_image(struct call *call, const struct image_args *args, struct image **result)
{
    struct asset asset;
    struct generation g;
    doc_id caller = call_caller(call);
    if (!row_find(call, &asset_type, args->image_id, &asset) || asset.type != MEDIA_IMAGE ||
        !(asset.is_public || doc_id_equal(asset.user_id, caller)))
        return;
    *result = arena_new(call->arena, struct image);
    **result = wire_of(call, &asset);
    row_find(call, &generation_type, asset.generation_id, &g);
    (*result)->steps = g.steps;
    (*result)->guidance = g.guidance;
}

static bool has_tag(const struct asset *asset, str tag)
{
    const str *tags = asset->tags.items;
    for (size_t i = 0; i < asset->tags.count; i++)
        if (str_equal_nocase(tags[i], tag))
            return true;
    return false;
}

static bool make_wire(struct call *call, const void *row, void *item, void *context)
{
    const struct asset *asset = row;
    const struct list_args *args = context;
    bool fits =
        (args->model.len == 0 || str_equal(asset->model, args->model)) &&
        (args->tag.len == 0 || has_tag(asset, args->tag)) &&
        (!args->only_favorites.value || asset->is_favorite) &&
        (!args->date_from.is_set || !instant_is_before(asset->created_at, args->date_from.value)) &&
        (!args->date_to.is_set || !instant_is_before(args->date_to.value, asset->created_at));
    if (fits)
        *(struct image *)item = wire_of(call, asset);
    return fits;
}

static void list(struct call *call, const struct list_args *args, struct page *result)
{
    struct list_args *filters = arena_new(call->arena, struct list_args);
    *filters = *args;
    struct page_source source = {
        .index = index_of(&asset_type, "by_user_type"),
        .bounds = {.prefix = KEY(key_id(call_caller(call)),
                                 key_text(str_of(media_kind_names[MEDIA_IMAGE])))},
        .order = ORDER_DOWN,
        .item_size = sizeof(struct image),
        .make = make_wire,
        .context = filters,
    };
    page_read(call, &args->pagination_opts, &source, result);
}

static bool make_found(struct call *call, const void *row, void *item, void *context)
{
    *(struct image *)item = wire_of(call, row);
    return true;
}

static void search(struct call *call, const struct search_args *args, struct page *result)
{
    const struct page_options first = {.num_items = 50};
    const struct search_mark marks[] = {
        {"type", str_of(media_kind_names[MEDIA_IMAGE])},
        {"model", args->model},
        {"tags", args->tag},
    };
    const struct search_for what = {
        .type = &asset_type,
        .filters = KEY(key_id(call_caller(call))),
        .terms = search_terms(call->arena, args->search_term, marks, ARRAY_LEN(marks)),
    };
    const struct page_source source = {
        .search = &what,
        .item_size = sizeof(struct image),
        .make = make_found,
    };
    page_read(call, args->pagination_opts != NULL ? args->pagination_opts : &first, &source,
              result);
}

static void image_get(struct call *call, doc_id id, struct asset *out)
{
    asset_get(call, id, out);
    REQUIRE(call, out->type == MEDIA_IMAGE, NOT_FOUND, "This is no picture.");
}

static void update(struct call *call, const struct update_args *args, struct image *result)
{
    struct asset asset;
    struct asset_edit edit = {
        .title = args->title,
        .description = args->description,
        .metadata = args->metadata,
        .tags = args->tags,
        .is_public = args->is_public,
        .is_favorite = args->is_favorite,
    };
    image_get(call, args->image_id, &asset);
    if (!call_failed(call))
        asset_change(call, &asset, &edit);
    *result = wire_of(call, &asset);
}

static void delete (struct call *call, const struct image_args *args, char *result)
{
    struct asset asset;
    image_get(call, args->image_id, &asset);
    if (!call_failed(call))
        asset_remove(call, &asset);
}

static void report(struct call *call, const struct report_args *args, char *result)
{
    struct asset asset;
    doc_id caller = call_caller(call);
    bool may = row_find(call, &asset_type, args->image_id, &asset) &&
               (asset.is_public || doc_id_equal(asset.user_id, caller));
    REQUIRE(call, may, NOT_FOUND, "This work does not exist, or is not yours to see.");
    flag_put(call, &(struct flag){.source = FLAG_BY_USER,
                                  .asset_id = asset.id,
                                  .generation_id = asset.generation_id,
                                  .reporter_id = caller,
                                  .reason = args->reason});
}

static void add(struct call *call, const struct add_args *args, doc_id *result)
{
    struct file file;
    struct user user;
    str id = storage_id_of(call->arena, args->storage_id);
    row_get(call, &user_type, args->user_id, &user);
    bool is_theirs = file_find(call, id, &file) && doc_id_equal(file.owner_id, args->user_id);
    REQUIRE(call, is_theirs, NOT_FOUND, "This file does not exist, or is not that user's.");
    *result = row_first(call, index_of(&asset_type, "by_storage"), KEY(key_text(id)));
    if (doc_id_is_set(*result))
        return;
    REQUIRE_ARGUMENT(call, str_starts(file.content_type, STR("image/")), ".storageId",
                     "This file is no picture.");
    struct asset asset = {
        .user_id = args->user_id,
        .type = MEDIA_IMAGE,
        .prompt = args->prompt,
        .model = args->model,
        .width = args->width,
        .height = args->height,
        .mime_type = file.content_type,
        .size_bytes = file.size_bytes,
        .stored_bytes = file.size_bytes,
        .storage_id = id,
        .created_at = call->now,
        .updated_at = call->now,
    };
    row_new(call, &asset_type, &asset);
    row_put(call, &asset_type, &asset);
    storage_take(call, &asset);
    *result = asset.id;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/videos.h"

#include "studio/studio.h"

#include "studio/catalogue.h"
#include "studio/links.h"
#include "studio/users.h"

struct video_settings {
    str resolution, aspect_ratio, camera_position;
    struct maybe_bool loop, camera_fixed;
};
#define ROW struct video_settings
static const struct field video_settings_fields[] = {
    MAYBE_TEXT(resolution, .max = 20),
    MAYBE_TEXT(aspect_ratio, .max = 20),
    MAYBE_BOOL(loop),
    MAYBE_TEXT(camera_position, .max = 80),
    MAYBE_BOOL(camera_fixed),
};
#undef ROW
static const struct shape video_settings_shape = {.name = "generationSettings",
                                                  .size = sizeof(struct video_settings),
                                                  FIELDS(video_settings_fields)};

struct create_video_args {
    str prompt, model, duration;
    struct video_settings *generation_settings;
    struct maybe_bool is_public;
    doc_id image_id;
};
#define ROW struct create_video_args
static const struct field create_video_fields[] = {
    TEXT(prompt, .min = 3, .max = 500),
    TEXT(model, .min = 1, .max = 80),
    TEXT(duration, .min = 1, .max = 5, .about = "Seconds: digits, with or without an s."),
    MAYBE_RECORD(generation_settings, &video_settings_shape),
    MAYBE_BOOL(is_public),
    MAYBE_REF(image_id, &asset_type, .about = "A picture of the caller's to start from."),
};
#undef ROW

#define ROW struct video
static const struct field video_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &generation_type, .wire = "_id"),
    CREATED(created),
    MAYBE_TEXT(title),
    MAYBE_TEXT(description),
    TEXT(prompt),
    MAYBE_TEXT(enhanced_prompt),
    TEXT(model),
    INT(duration, .unit = "s"),
    MAYBE_TEXT(resolution),
    INT(width, .unit = "px"),
    INT(height, .unit = "px"),
    CHOICE(status, generation_status_names),
    MAYBE_NUMBER(progress),
    MAYBE_TEXT(video_url),
    MAYBE_TEXT(thumbnail_url),
    CREDITS(credits_cost),
    BOOL(is_favorite),
    BOOL(is_public),
    MAYBE_TEXT(error_message),
    MAYBE_TEXT(error_kind, .about = "policy: it was refused for its content."),
    MAYBE_INT(file_size, .unit = "bytes"),
    INT(view_count),
    INT(download_count),
    INT(share_count),
    TIME(created_at),
    MAYBE_TIME(completed_at),
};
#undef ROW
const struct shape video_shape = {
    .name = "video", .size = sizeof(struct video), FIELDS(video_fields)};
const struct field video_item = ITEM_RECORD(&video_shape, struct video);

/* ---- what one's own are asked and told ---- */

struct video_args {
    doc_id video_id;
};
#define ROW struct video_args
static const struct field video_args_fields[] = {REF(video_id, &generation_type)};
#undef ROW
#define get_video_args video_args
#define get_video_fields video_args_fields
#define delete_args video_args
#define delete_fields video_args_fields
#define toggle_favorite_args video_args
#define toggle_favorite_fields video_args_fields
#define toggle_privacy_args video_args
#define toggle_privacy_fields video_args_fields

static const struct field tag_item = ITEM_TEXT(.min = 1, .max = 40);

struct update_args {
    doc_id video_id;
    str title, description;
    struct list tags;
};
#define ROW struct update_args
static const struct field update_fields[] = {
    REF(video_id, &generation_type),
    MAYBE_TEXT(title, .max = 200),
    MAYBE_TEXT(description, .max = 2000),
    MAYBE_LIST(tags, &tag_item, .max = ASSET_TAGS_MAX),
};
#undef ROW

struct interact_args {
    doc_id video_id;
    enum asset_interaction action;
};
#define ROW struct interact_args
static const struct field interact_fields[] = {
    REF(video_id, &generation_type, .about = "One's own, or a public one."),
    CHOICE(action, asset_interaction_names),
};
#undef ROW

struct clean_up_args {
    struct maybe_int days_old;
};
#define ROW struct clean_up_args
static const struct field clean_up_fields[] = {
    MAYBE_INT(days_old, .min = 0, .max = 3650, .unit = "days", .about = "7 unless said.")};
#undef ROW

struct cleaned_up {
    int64_t deleted_count;
};
#define ROW struct cleaned_up
static const struct field cleaned_up_fields[] = {INT(deleted_count)};
#undef ROW
static const struct shape cleaned_up_shape = {
    .name = "cleanedUp", .size = sizeof(struct cleaned_up), FIELDS(cleaned_up_fields)};

struct privacy {
    bool is_public;
    str message;
};
#define ROW struct privacy
static const struct field privacy_fields[] = {BOOL(is_public), TEXT(message)};
#undef ROW
static const struct shape privacy_shape = {
    .name = "privacy", .size = sizeof(struct privacy), FIELDS(privacy_fields)};

BACKEND_FUNCTION(create_video, doc_id)
BACKEND_FUNCTION(get_video, struct video *)
BACKEND_FUNCTION(delete, char)
BACKEND_FUNCTION(update, char)
BACKEND_FUNCTION(toggle_favorite, bool)
BACKEND_FUNCTION(toggle_privacy, struct privacy)
BACKEND_FUNCTION(interact, char)
BACKEND_FUNCTION(clean_up, struct cleaned_up)

const struct function video_functions[] = {
    MUTATION("videos:createVideo", create_video, .caller = SIGNED_IN,
             .returns = RETURNS_ID(&generation_type),
             .about = "Asks a model for a film; holds the price."),
    QUERY("videos:getVideo", get_video, .caller = SIGNED_IN, .returns = RETURNS_MAYBE(&video_shape),
          .about = "One film of the caller, or null."),
    MUTATION("videos:deleteVideo", delete, .caller = SIGNED_IN, .returns = RETURNS_NULL,
             .about = "Deletes a film that has ended, and its files, for good (STOR-12)."),
    MUTATION("videos:updateVideoMetadata", update, .caller = SIGNED_IN, .returns = RETURNS_NULL,
             .about = "Title, description and tags of a finished film; what is absent stays."),
    MUTATION("videos:updateVideoInfo", update, .caller = SIGNED_IN, .returns = RETURNS_NULL,
             .about = "The same, by its other name."),
    MUTATION("videos:toggleVideoFavorite", toggle_favorite, .caller = SIGNED_IN,
             .returns = RETURNS_BOOL, .about = "Marks a finished film, or not any more."),
    MUTATION("videos:toggleVideoPrivacy", toggle_privacy, .caller = SIGNED_IN,
             .returns = RETURNS_RECORD(&privacy_shape, struct privacy),
             .about = "Makes a film public or private; some plans keep films public."),
    MUTATION("videos:trackVideoInteraction", interact, .caller = SIGNED_IN, .returns = RETURNS_NULL,
             .about = "Counts a view, a download or a share of a finished film."),
    MUTATION("videos:cleanupFailedVideos", clean_up, .caller = SIGNED_IN,
             .returns = RETURNS_RECORD(&cleaned_up_shape, struct cleaned_up),
             .about = "Removes the caller's failed films of so many days ago, 100 at a time."),
};
const size_t video_function_count = ARRAY_LEN(video_functions);

static bool read_seconds(str text, int64_t *out)
{
    if (str_ends(text, STR("s")))
        text.len--;
    return str_to_int(text, out);
}

/* "16:9" and "720p" must be what the model makes; what it does not have is refused by name. */
static void check_settings(struct call *call, const struct create_video_args *args,
                           struct generation_wish *wish)
{
    const struct model_config *model = config_model(catalogue_of(call), args->model);
    const struct video_settings *settings = args->generation_settings;
    if (settings == NULL || model == NULL)
        return;
    /* A form sends its switches for every model; only a fixed camera that cannot be had is told. */
    wish->camera_fixed = settings->camera_fixed.value;
    const struct size_config *sizes = model->sizes.items;
    bool is_found = settings->aspect_ratio.len == 0;
    for (size_t i = 0; i < model->sizes.count && !is_found; i++) {
        is_found = str_equal(sizes[i].name, settings->aspect_ratio);
        wish->width = (struct maybe_int){sizes[i].width, is_found};
        wish->height = (struct maybe_int){sizes[i].height, is_found};
    }
    REQUIRE_ARGUMENT(call, is_found, ".generationSettings.aspectRatio",
                     "%.*s makes no films of %.*s.", STR_ARG(model->name),
                     STR_ARG(settings->aspect_ratio));
    if (model->resolutions.count != 0) {
        wish->resolution = settings->resolution;
        return;
    }
    int64_t height = wish->height.is_set ? wish->height.value : sizes[0].height;
    str resolution = str_format(call->arena, "%lldp", (long long)height);
    REQUIRE_ARGUMENT(call,
                     settings->resolution.len == 0 || str_equal(settings->resolution, resolution),
                     ".generationSettings.resolution", "%.*s makes films of %.*s.",
                     STR_ARG(model->name), STR_ARG(resolution));
}

static void create_video(struct call *call, const struct create_video_args *args, doc_id *result)
{
    struct generation g;
    int64_t seconds = 0;
    REQUIRE_ARGUMENT(call, read_seconds(args->duration, &seconds), ".duration",
                     "Say the duration in whole seconds, as in \"4\" or \"4s\".");
    bool is_public = args->is_public.is_set ? args->is_public.value : films_are_public(call);
    films_check_private(call, is_public);
    struct generation_wish wish = {
        .kind = MEDIA_VIDEO,
        .prompt = args->prompt,
        .model = args->model,
        .duration = {seconds, true},
        .is_public = is_public,
        .image_id = args->image_id,
    };
    check_settings(call, args, &wish);
    generation_create(call, &wish, &g);
    *result = g.id;
}

bool video_asset(struct call *call, const struct generation *g, struct asset *out)
{
    const doc_id *ids = g->asset_ids.items;
    *out = (struct asset){0};
    return g->asset_ids.count > 0 && row_find(call, &asset_type, ids[0], out);
}

struct video video_of(struct call *call, const struct generation *g)
{
    struct video video = {
        .id = g->id,
        .created = g->created,
        .prompt = g->prompt,
        .enhanced_prompt = g->enhanced_prompt,
        .model = g->model,
        .duration = g->duration,
        .resolution = g->resolution,
        .width = g->width,
        .height = g->height,
        .status = g->status,
        .credits_cost = {g->credits_cost.n - g->credits_refunded.n},
        .error_message = g->error,
        .error_kind = g->is_policy ? STR("policy") : (str){0},
        .is_public = g->is_public,
        .created_at = g->created_at,
        .completed_at = g->completed_at,
    };
    struct asset asset;
    if (g->status == GENERATION_PROCESSING || g->status == GENERATION_UPLOADING)
        video.progress = (struct maybe_number){generation_progress(call, g->id), true};
    if (!video_asset(call, g, &asset))
        return video;
    struct asset_counts counts = asset_counts_of(call, asset.id);
    video.title = asset.title;
    video.description = asset.description;
    video.video_url = asset_url(call, &asset, asset.storage_id);
    video.thumbnail_url = asset_url(call, &asset, asset.thumbnail_storage_id);
    video.file_size = (struct maybe_int){asset.size_bytes, true};
    video.is_favorite = asset.is_favorite;
    video.is_public = asset.is_public;
    video.view_count = counts.views;
    video.download_count = counts.downloads;
    video.share_count = counts.shares;
    return video;
}

static void get_video(struct call *call, const struct video_args *args, struct video **result)
{
    struct generation g;
    if (!generation_find(call, args->video_id, MEDIA_VIDEO, &g))
        return;
    *result = arena_new(call->arena, struct video);
    **result = video_of(call, &g);
}

/* ---- changing them ---- */

static void video_get(struct call *call, doc_id id, struct generation *out)
{
    bool is_theirs = generation_find(call, id, MEDIA_VIDEO, out);
    REQUIRE(call, is_theirs, NOT_FOUND, "This film does not exist, or is not yours.");
}

/* The work of a finished one. */
static void video_work_get(struct call *call, doc_id id, struct generation *g, struct asset *out)
{
    *out = (struct asset){0};
    video_get(call, id, g);
    bool is_there = video_asset(call, g, out);
    REQUIRE(call, is_there, STATE, "This film is not finished.");
}

static void delete (struct call *call, const struct video_args *args, char *result)
{
    struct generation g;
    struct asset asset;
    video_get(call, args->video_id, &g);
    REQUIRE(call, !generation_is_open(&g), STATE,
            "This film is still being made. Cancel it first; then it can be deleted.");
    if (video_asset(call, &g, &asset))
        asset_remove(call, &asset);
    generation_remove(call, &g);
}

static void update(struct call *call, const struct update_args *args, char *result)
{
    struct generation g;
    struct asset asset;
    video_work_get(call, args->video_id, &g, &asset);
    struct asset_edit edit = {
        .title = args->title, .description = args->description, .tags = args->tags};
    if (!call_failed(call))
        asset_change(call, &asset, &edit);
}

static void toggle_favorite(struct call *call, const struct video_args *args, bool *result)
{
    struct generation g;
    struct asset asset;
    video_work_get(call, args->video_id, &g, &asset);
    struct asset_edit edit = {.is_favorite = {!asset.is_favorite, true}};
    if (!call_failed(call))
        asset_change(call, &asset, &edit);
    *result = asset.is_favorite;
}

static void toggle_privacy(struct call *call, const struct video_args *args, struct privacy *result)
{
    struct generation g;
    struct asset asset;
    video_get(call, args->video_id, &g);
    bool is_finished = video_asset(call, &g, &asset);
    bool is_public = is_finished ? !asset.is_public : !g.is_public;
    films_check_private(call, is_public);
    if (call_failed(call))
        return;
    g.is_public = is_public;
    g.updated_at = call->now;
    row_put(call, &generation_type, &g);
    struct asset_edit edit = {.is_public = {is_public, true}};
    if (is_finished)
        asset_change(call, &asset, &edit);
    *result = (struct privacy){is_public, is_public ? STR("This film is public now.")
                                                    : STR("This film is private now.")};
}

static void interact(struct call *call, const struct interact_args *args, char *result)
{
    struct generation g;
    struct asset asset = {0};
    doc_id caller = call_caller(call);
    bool is_there = row_find(call, &generation_type, args->video_id, &g) && g.kind == MEDIA_VIDEO &&
                    video_asset(call, &g, &asset);
    REQUIRE(call, is_there && (asset.is_public || doc_id_equal(g.user_id, caller)), NOT_FOUND,
            "This film does not exist, is not finished, or is not yours to see.");
    asset_count(call, asset.id, args->action);
}

#define CLEANED_UP_MAX 100

static void clean_up(struct call *call, const struct clean_up_args *args, struct cleaned_up *result)
{
    struct generation *old = arena_array(call->arena, struct generation, CLEANED_UP_MAX);
    int64_t days = args->days_old.is_set ? args->days_old.value : 7;
    instant until = instant_add(call->now, (span){-HOURS(24 * days).us});
    struct bounds failed = {.prefix =
                                KEY(key_id(call_caller(call)),
                                    key_text(str_of(generation_status_names[GENERATION_FAILED])))};
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&generation_type, "by_user_status"), failed, ORDER_UP, &scan);
    while (count < CLEANED_UP_MAX && scan_next(&scan, &old[count]) &&
           !instant_is_before(until, old[count].created_at))
        count += old[count].kind == MEDIA_VIDEO;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        generation_remove(call, &old[i]);
    result->deleted_count = (int64_t)count;
}

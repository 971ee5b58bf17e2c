/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/studio.h"

#include "studio/catalogue.h"
#include "studio/generations.h"
#include "studio/users.h"

/* A "video" of the contract is a generation of kind video joined with its one work. */
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

struct wire_video {
    doc_id id;
    tick created;
    str prompt, model;
    int64_t duration;
    enum generation_status status;
    struct maybe_number progress;
    str video_url, thumbnail_url;
    credits credits_cost;
    bool is_favorite, is_public;
    str error_message;
    struct maybe_int file_size;
    int64_t view_count;
    instant created_at;
};
#define ROW struct wire_video
static const struct field wire_video_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &generation_type, .wire = "_id"),
    CREATED(created),
    TEXT(prompt),
    TEXT(model),
    INT(duration, .unit = "s"),
    CHOICE(status, generation_status_names),
    MAYBE_NUMBER(progress),
    MAYBE_TEXT(video_url),
    MAYBE_TEXT(thumbnail_url),
    CREDITS(credits_cost),
    BOOL(is_favorite),
    BOOL(is_public),
    MAYBE_TEXT(error_message),
    MAYBE_INT(file_size, .unit = "bytes"),
    INT(view_count),
    TIME(created_at),
};
#undef ROW
static const struct shape wire_video_shape = {
    .name = "video", .size = sizeof(struct wire_video), FIELDS(wire_video_fields)};
static const struct field wire_video_item = ITEM_RECORD(&wire_video_shape, struct wire_video);

NO_ARGS(get_videos)

struct get_video_args {
    doc_id video_id;
};
#define ROW struct get_video_args
static const struct field get_video_fields[] = {REF(video_id, &generation_type)};
#undef ROW

BACKEND_FUNCTION(create_video, doc_id)
BACKEND_FUNCTION(get_videos, struct list)
BACKEND_FUNCTION(get_video, struct wire_video *)

const struct function video_functions[] = {
    MUTATION("videos:createVideo", create_video, .caller = SIGNED_IN,
             .returns = RETURNS_ID(&generation_type),
             .about = "Asks a model for a film; holds the price."),
    QUERY("videos:getVideos", get_videos, .caller = SIGNED_IN,
          .returns = RETURNS_LIST(&wire_video_item),
          .about = "The caller's films, newest first, at most 200."),
    QUERY("videos:getVideo", get_video, .caller = SIGNED_IN,
          .returns = RETURNS_MAYBE(&wire_video_shape), .about = "One film of the caller, or null."),
};
const size_t video_function_count = ARRAY_LEN(video_functions);

#define VIDEOS_MAX 200

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
    struct generation_wish wish = {
        .kind = MEDIA_VIDEO,
        .prompt = args->prompt,
        .model = args->model,
        .duration = {seconds, true},
        .is_public = args->is_public.value,
        .image_id = args->image_id,
    };
    check_settings(call, args, &wish);
    generation_create(call, &wish, &g);
    *result = g.id;
}

static struct wire_video wire_of(struct call *call, const struct generation *g)
{
    struct wire_video video = {
        .id = g->id,
        .created = g->created,
        .prompt = g->prompt,
        .model = g->model,
        .duration = g->duration,
        .status = g->status,
        .credits_cost = {g->credits_cost.n - g->credits_refunded.n},
        .error_message = g->error,
        .is_public = g->is_public,
        .created_at = g->created_at,
    };
    struct asset asset;
    const doc_id *ids = g->asset_ids.items;
    if (g->status == GENERATION_PROCESSING || g->status == GENERATION_UPLOADING)
        video.progress = (struct maybe_number){generation_progress(call, g->id), true};
    if (g->asset_ids.count > 0 && row_find(call, &asset_type, ids[0], &asset)) {
        video.video_url = file_url(call, asset.storage_id);
        video.thumbnail_url = file_url(call, asset.thumbnail_storage_id);
        video.file_size = (struct maybe_int){asset.size_bytes, true};
        video.is_favorite = asset.is_favorite;
        video.view_count = asset.views;
    }
    return video;
}

static void get_videos(struct call *call, const struct get_videos_args *args, struct list *result)
{
    struct wire_video *videos = arena_array(call->arena, struct wire_video, VIDEOS_MAX);
    struct bounds bounds = {
        .prefix = KEY(key_id(call_caller(call)), key_text(str_of(media_kind_names[MEDIA_VIDEO])))};
    struct generation g;
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&generation_type, "by_user_kind"), bounds, ORDER_DOWN, &scan);
    while (count < VIDEOS_MAX && scan_next(&scan, &g))
        videos[count++] = wire_of(call, &g);
    scan_end(&scan);
    *result = (struct list){videos, count};
}

static void get_video(struct call *call, const struct get_video_args *args,
                      struct wire_video **result)
{
    struct generation g;
    if (!generation_find(call, args->video_id, MEDIA_VIDEO, &g))
        return;
    *result = arena_new(call->arena, struct wire_video);
    **result = wire_of(call, &g);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/backstage.h"

#include "studio/attempts.h"
#include "studio/catalogue.h"
#include "studio/studio.h"
#include "studio/users.h"

struct parameters {
    doc_id video_id;
    str user_id, prompt, negative_prompt, model, provider, resolution, aspect_ratio;
    int64_t duration, width, height;
    bool camera_fixed;
    doc_id image_id;
    struct maybe_int seed;
};
#define ROW struct parameters
static const struct field parameters_fields[] = {
    REF(video_id, &generation_type),
    TEXT(user_id, .about = "The owner, as tokens name them."),
    TEXT(prompt),
    MAYBE_TEXT(negative_prompt),
    TEXT(model),
    TEXT(provider),
    MAYBE_TEXT(resolution),
    TEXT(aspect_ratio),
    INT(duration, .unit = "s"),
    INT(width, .unit = "px"),
    INT(height, .unit = "px"),
    BOOL(camera_fixed),
    MAYBE_REF(image_id, &asset_type),
    MAYBE_INT(seed),
};
#undef ROW
static const struct shape parameters_shape = {
    .name = "videoParameters", .size = sizeof(struct parameters), FIELDS(parameters_fields)};

/* ---- arguments ---- */

struct set_video_args {
    doc_id video_id;
    enum generation_status status;
    str replicate_job_id, error_message, video_url, r2_file_key;
};
#define ROW struct set_video_args
static const struct field set_video_fields[] = {
    REF(video_id, &generation_type),
    CHOICE(status, generation_status_names),
    MAYBE_TEXT(replicate_job_id, .max = 200, .about = "Not believed."),
    MAYBE_TEXT(error_message, .max = 400),
    MAYBE_TEXT(video_url, .max = 4000, .about = "Not believed: the provider is asked."),
    MAYBE_TEXT(r2_file_key, .max = 1000, .about = "Not believed."),
};
#undef ROW

struct video_args {
    doc_id video_id;
};
#define ROW struct video_args
static const struct field video_args_fields[] = {REF(video_id, &generation_type)};
#undef ROW
#define generate_args video_args
#define generate_fields video_args_fields
#define get_video_args video_args
#define get_video_fields video_args_fields
#define get_parameters_args video_args
#define get_parameters_fields video_args_fields

struct download_args {
    doc_id video_id;
    str video_url, replicate_url;
};
#define ROW struct download_args
static const struct field download_fields[] = {
    REF(video_id, &generation_type),
    MAYBE_TEXT(video_url, .max = 4000, .about = "Not believed: the provider is asked."),
    MAYBE_TEXT(replicate_url, .max = 4000, .about = "The same, by its other name."),
};
#undef ROW

struct poll_args {
    doc_id video_id;
    str replicate_job_id;
};
#define ROW struct poll_args
static const struct field poll_fields[] = {
    MAYBE_REF(video_id, &generation_type),
    MAYBE_TEXT(replicate_job_id, .max = 200),
};
#undef ROW

struct by_provider_job_args {
    str replicate_job_id;
};
#define ROW struct by_provider_job_args
static const struct field by_provider_job_fields[] = {TEXT(replicate_job_id, .min = 1, .max = 200)};
#undef ROW

static const struct field tag_item = ITEM_TEXT(.min = 1, .max = 40);
struct update_video_args {
    doc_id video_id;
    str title, description;
    struct list tags;
};
#define ROW struct update_video_args
static const struct field update_video_fields[] = {
    REF(video_id, &generation_type),
    MAYBE_TEXT(title, .max = 200),
    MAYBE_TEXT(description, .max = 2000),
    MAYBE_LIST(tags, &tag_item, .max = ASSET_TAGS_MAX),
};
#undef ROW

BACKEND_FUNCTION(set_video, struct standing)
BACKEND_FUNCTION(download, struct standing)
BACKEND_ANSWER(download, struct standing)
BACKEND_FUNCTION(generate, struct standing)
BACKEND_ANSWER(generate, struct standing)
BACKEND_FUNCTION(poll, struct standing)
BACKEND_ANSWER(poll, struct standing)
BACKEND_FUNCTION(by_provider_job, struct video *)
BACKEND_FUNCTION(get_video, struct video *)
BACKEND_FUNCTION(get_parameters, struct parameters *)
BACKEND_FUNCTION(update_video, char)

const struct function backstage_film_functions[] = {
    MUTATION("videos:updateVideoStatus", set_video, .caller = INTERNAL, .returns = RETURNS_STANDING,
             .about = "As generations:updateJobStatus. Neither the file nor the provider's job is "
                      "believed: the provider is asked."),
    ACTION("videos:downloadAndStoreVideo", download, .caller = INTERNAL,
           .answer = download_answered_door, .returns = RETURNS_STANDING,
           .about =
               "Makes us look at once: the file is fetched from where the provider says. STATE "
               "when the film failed or was canceled."),
    ACTION("videos:generateVideo", generate, .caller = INTERNAL, .answer = generate_answered_door,
           .returns = RETURNS_STANDING,
           .about = "Makes us look at once: a film begins and goes on by itself."),
    ACTION("videos:pollReplicateStatus", poll, .caller = INTERNAL, .answer = poll_answered_door,
           .returns = RETURNS_STANDING, .about = "Makes us look at once."),
    QUERY("videos:getVideoByReplicateJobId", by_provider_job, .caller = INTERNAL,
          .returns = RETURNS_MAYBE(&video_shape),
          .about = "The film that a provider's job is for, or null."),
    QUERY("videos:getVideoForGeneration", get_video, .caller = INTERNAL,
          .returns = RETURNS_MAYBE(&video_shape), .about = "Anybody's film, or null."),
    QUERY("videos:getVideoParameters", get_parameters, .caller = INTERNAL,
          .returns = RETURNS_MAYBE(&parameters_shape),
          .about = "What a film was asked for with, or null."),
    MUTATION("videos:updateVideoMetadataInternal", update_video, .caller = INTERNAL,
             .returns = RETURNS_NULL, .about = "Title, description and tags of a finished film."),
};
const size_t backstage_film_function_count = ARRAY_LEN(backstage_film_functions);

/* ---- functions ---- */

static void set_video(struct call *call, const struct set_video_args *args, struct standing *result)
{
    backstage_bring(call, args->video_id, args->status, args->error_message, result);
}

static void download(struct call *call, const struct download_args *args, struct standing *result)
{
    backstage_bring(call, args->video_id, GENERATION_COMPLETED, (str){0}, result);
}

static void download_answered(struct call *call, const struct download_args *args,
                              const struct call_answer *answer, struct standing *result)
{
    download(call, args, result);
}

static void generate(struct call *call, const struct video_args *args, struct standing *result)
{
    backstage_bring(call, args->video_id, GENERATION_PROCESSING, (str){0}, result);
}

static void generate_answered(struct call *call, const struct video_args *args,
                              const struct call_answer *answer, struct standing *result)
{
    generate(call, args, result);
}

/* Whichever provider has it. */
static bool find_provider_job(struct call *call, str job, struct generation *out)
{
    const struct studio_config *config = catalogue_of(call);
    const struct provider_config *providers = config->providers.items;
    struct attempt attempt;
    for (size_t i = 0; i < config->providers.count; i++)
        if (attempt_of_provider_job(call, providers[i].id, job, &attempt))
            return row_find(call, &generation_type, attempt.generation_id, out);
    *out = (struct generation){0};
    return false;
}

static void poll(struct call *call, const struct poll_args *args, struct standing *result)
{
    struct generation g = {.id = args->video_id};
    if (!doc_id_is_set(g.id))
        find_provider_job(call, args->replicate_job_id, &g);
    backstage_bring(call, g.id, GENERATION_PROCESSING, (str){0}, result);
}

static void poll_answered(struct call *call, const struct poll_args *args,
                          const struct call_answer *answer, struct standing *result)
{
    poll(call, args, result);
}

static struct video *video_new(struct call *call, const struct generation *g)
{
    if (g->kind != MEDIA_VIDEO)
        return NULL;
    struct video *video = arena_new(call->arena, struct video);
    *video = video_of(call, g);
    return video;
}

static void by_provider_job(struct call *call, const struct by_provider_job_args *args,
                            struct video **result)
{
    struct generation g;
    if (find_provider_job(call, args->replicate_job_id, &g))
        *result = video_new(call, &g);
}

static void get_video(struct call *call, const struct video_args *args, struct video **result)
{
    struct generation g;
    if (row_find(call, &generation_type, args->video_id, &g))
        *result = video_new(call, &g);
}

static str shape_name(struct call *call, const struct generation *g)
{
    const struct model_config *model = config_model(catalogue_of(call), g->model);
    const struct size_config *sizes = model == NULL ? NULL : model->sizes.items;
    for (size_t i = 0; model != NULL && i < model->sizes.count; i++)
        if (sizes[i].width == g->width && sizes[i].height == g->height)
            return sizes[i].name;
    return str_format(call->arena, "%lld:%lld", (long long)g->width, (long long)g->height);
}

static void get_parameters(struct call *call, const struct video_args *args,
                           struct parameters **result)
{
    struct generation g;
    struct user user;
    if (!row_find(call, &generation_type, args->video_id, &g) || g.kind != MEDIA_VIDEO)
        return;
    row_find(call, &user_type, g.user_id, &user);
    *result = arena_new(call->arena, struct parameters);
    **result = (struct parameters){
        .video_id = g.id,
        .user_id = user.clerk_id.at == NULL ? STR("") : user.clerk_id,
        .prompt = g.prompt,
        .negative_prompt = g.negative_prompt,
        .model = g.model,
        .provider = g.provider,
        .resolution = g.resolution,
        .aspect_ratio = shape_name(call, &g),
        .duration = g.duration,
        .width = g.width,
        .height = g.height,
        .camera_fixed = g.camera_fixed,
        .image_id = g.image_id,
        .seed = {g.seed, g.seed_is_given},
    };
}

static void update_video(struct call *call, const struct update_video_args *args, char *result)
{
    struct generation g;
    struct asset asset;
    row_get(call, &generation_type, args->video_id, &g);
    bool is_there = g.kind == MEDIA_VIDEO && video_asset(call, &g, &asset);
    REQUIRE(call, is_there, STATE, "This is no film, or it is not finished.");
    struct asset_edit edit = {
        .title = args->title, .description = args->description, .tags = args->tags};
    asset_change(call, &asset, &edit);
}

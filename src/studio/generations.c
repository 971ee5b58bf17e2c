/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/generations.h"

#include "job/line.h"
#include "studio/catalogue.h"
#include "studio/ledger.h"
#include "studio/users.h"

#include <math.h>
#include <string.h>

const char *const generation_status_names[GENERATION_STATUSES] = {
    [GENERATION_PENDING] = "pending",     [GENERATION_PROCESSING] = "processing",
    [GENERATION_UPLOADING] = "uploading", [GENERATION_COMPLETED] = "completed",
    [GENERATION_FAILED] = "failed",       [GENERATION_CANCELED] = "canceled",
};

static const char *const output_state_names[OUTPUT_STATES] = {
    [OUTPUT_WAITING] = "waiting", [OUTPUT_LOCATED] = "located", [OUTPUT_MADE] = "made",
    [OUTPUT_READY] = "ready",     [OUTPUT_FAILED] = "failed",
};

/* ---- documents ---- */

static const struct field asset_id_item = ITEM_REF(&asset_type);
extern const struct doc_type hold_type;

#define ROW struct generation
static const struct field generation_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    CHOICE(kind, media_kind_names),
    CHOICE(status, generation_status_names),
    TEXT(prompt, .min = 1, .max = 20000),
    MAYBE_TEXT(negative_prompt, .max = 20000),
    MAYBE_TEXT(enhanced_prompt, .max = 20000),
    MAYBE_TEXT(quality, .max = 40),
    MAYBE_TEXT(resolution, .max = 40),
    MAYBE_REF(image_id, &asset_type),
    MAYBE_NUMBER(strength),
    BOOL(camera_fixed, .is_optional = true),
    TEXT(model, .max = 80),
    TEXT(provider, .max = 40),
    INT(width, .unit = "px"),
    INT(height, .unit = "px"),
    MAYBE_INT(steps),
    MAYBE_NUMBER(guidance),
    INT(seed),
    BOOL(seed_is_given),
    INT(num_images),
    INT(duration, .unit = "s"),
    LIST(asset_ids, &asset_id_item, .max = OUTPUTS_MAX),
    CREDITS(price, .about = "Of one picture or film, when it was asked for."),
    CREDITS(credits_cost, .about = "What was held."),
    CREDITS(credits_refunded),
    MAYBE_REF(hold_id, &hold_type),
    MAYBE_REF(job_id, &job_type),
    INT(bytes_expected, .is_optional = true, .unit = "bytes", .about = "Of each work."),
    INT(reserved_outputs, .is_optional = true, .about = "Works for which room is kept."),
    INT(stand_in, .is_optional = true),
    MAYBE_TEXT(error, .max = 500),
    BOOL(is_policy, .is_optional = true),
    BOOL(is_public),
    TIME(created_at),
    TIME(updated_at),
    MAYBE_TIME(started_at),
    MAYBE_TIME(completed_at),
};
#undef ROW

const struct doc_type generation_type = {
    .name = "generations",
    .about = "One request to a model, and what came of it.",
    .size = sizeof(struct generation),
    FIELDS(generation_fields),
    .number = 13,
    INDEXES({.name = "by_user", .fields = {"userId"}},
            {.name = "by_user_kind", .fields = {"userId", "kind"}},
            {.name = "by_user_status", .fields = {"userId", "status"}},
            {.name = "by_status", .fields = {"status"}}),
};

#define ROW struct output
static const struct field output_fields[] = {
    ID(id),
    CREATED(created),
    REF(generation_id, &generation_type),
    INT(number),
    CHOICE(state, output_state_names),
    MAYBE_TEXT(url, .max = 4000),
    MAYBE_TIME(located_at),
    MAYBE_TEXT(storage_id, .max = 32),
    MAYBE_TEXT(sha256, .wire = "sha256", .max = 64),
    MAYBE_TEXT(mime_type, .max = 100),
    INT(size_bytes),
    MAYBE_REF(asset_id, &asset_type),
    MAYBE_TEXT(error, .max = 500),
};
#undef ROW

const struct doc_type output_type = {
    .name = "outputs",
    .about = "One picture or film of a generation on its way.",
    .size = sizeof(struct output),
    FIELDS(output_fields),
    .number = 14,
    INDEXES({.name = "by_generation", .fields = {"generationId", "number"}, .is_unique = true}),
};

struct progress {
    doc_id id;
    tick created;
    doc_id generation_id;
    double progress;
};

#define ROW struct progress
static const struct field progress_fields[] = {
    ID(id), CREATED(created), REF(generation_id, &generation_type), NUMBER(progress)};
#undef ROW

const struct doc_type progress_type = {
    .name = "generationProgress",
    .about = "How far a generation is; apart from its row because it changes often.",
    .size = sizeof(struct progress),
    FIELDS(progress_fields),
    .number = 15,
    INDEXES({.name = "by_generation", .fields = {"generationId"}, .is_unique = true}),
};

/* ---- arguments and results ---- */

struct create_job_args {
    str prompt, negative_prompt, enhanced_prompt, model, aspect_ratio, quality, resolution;
    struct maybe_int width, height, steps, seed, num_images;
    struct maybe_number guidance, strength;
    doc_id image_id;
};
#define ROW struct create_job_args
static const struct field create_job_fields[] = {
    TEXT(prompt, .min = 1, .max = 20000, .about = "What to make, in the user's words."),
    MAYBE_TEXT(negative_prompt, .max = 2000, .about = "What to leave out."),
    TEXT(model, .min = 1, .max = 80),
    MAYBE_INT(width, .min = 64, .max = 8192, .unit = "px"),
    MAYBE_INT(height, .min = 64, .max = 8192, .unit = "px"),
    MAYBE_INT(steps, .min = 1, .max = 1000),
    MAYBE_NUMBER(guidance, .least = 0.01, .most = 1000),
    MAYBE_TEXT(enhanced_prompt, .max = 20000, .about = "What is sent instead of the prompt."),
    MAYBE_TEXT(aspect_ratio, .max = 20, .about = "A shape by its name, instead of its pixels."),
    MAYBE_TEXT(quality, .max = 40, .about = "One of the model's."),
    MAYBE_TEXT(resolution, .max = 40, .about = "One of the model's."),
    MAYBE_REF(image_id, &asset_type, .about = "A picture of the caller's to start from."),
    MAYBE_NUMBER(strength, .least = 0, .most = 1,
                 .about = "How far to go from that picture: 0 keeps it, 1 forgets it."),
    MAYBE_INT(seed, .min = 0, .max = INT64_C(9007199254740991)),
    MAYBE_INT(num_images, .min = 1, .max = 4),
};
#undef ROW

struct created_job {
    doc_id job_id;
    credits credits_used, credits_remaining;
};
#define ROW struct created_job
static const struct field created_job_fields[] = {
    REF(job_id, &generation_type), CREDITS(credits_used), CREDITS(credits_remaining)};
#undef ROW
static const struct shape created_job_shape = {
    .name = "createdJob", .size = sizeof(struct created_job), FIELDS(created_job_fields)};

struct job_args {
    doc_id job_id;
};
#define get_job_args job_args
#define cancel_job_args job_args
#define ROW struct job_args
static const struct field job_args_fields[] = {
    REF(job_id, &generation_type, .about = "Also the id of a video.")};
#define get_job_fields job_args_fields
#define cancel_job_fields job_args_fields
#undef ROW

struct list_jobs_args {
    struct maybe_int limit;
    enum generation_status status;
};
#define ROW struct list_jobs_args
static const struct field list_jobs_fields[] = {
    MAYBE_INT(limit, .min = 1, .max = 200),
    MAYBE_CHOICE(status, generation_status_names),
};
#undef ROW

struct canceled_job {
    enum generation_status status;
    credits credits_returned, credits_remaining;
};
#define ROW struct canceled_job
static const struct field canceled_job_fields[] = {
    CHOICE(status, generation_status_names),
    CREDITS(credits_returned),
    CREDITS(credits_remaining),
};
#undef ROW
static const struct shape canceled_job_shape = {
    .name = "canceledJob", .size = sizeof(struct canceled_job), FIELDS(canceled_job_fields)};

struct wire_job {
    doc_id id;
    tick created;
    str user_id;
    enum media_kind kind;
    enum generation_status status;
    struct maybe_number progress, estimated_seconds;
    struct maybe_int queue_position;
    str prompt, negative_prompt, enhanced_prompt, model, provider, quality, resolution;
    doc_id image_id;
    int64_t width, height;
    struct maybe_int steps, seed, duration;
    struct maybe_number guidance, strength;
    bool camera_fixed;
    int64_t num_images;
    struct list image_ids;
    credits credits_used, credits_refunded;
    str error, error_kind;
    instant created_at;
    struct maybe_instant started_at, completed_at;
};
#define ROW struct wire_job
static const struct field wire_job_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &generation_type, .wire = "_id"),
    CREATED(created),
    TEXT(user_id),
    CHOICE(kind, media_kind_names),
    CHOICE(status, generation_status_names),
    MAYBE_NUMBER(progress, .about = "0 to 1, as the provider reports it."),
    MAYBE_INT(queue_position, .about = "Place in line, from 1; published once a second."),
    MAYBE_NUMBER(estimated_seconds, .unit = "s", .about = "Until it is begun, as far as we know."),
    TEXT(prompt),
    MAYBE_TEXT(negative_prompt),
    MAYBE_TEXT(enhanced_prompt),
    TEXT(model),
    TEXT(provider),
    MAYBE_TEXT(quality),
    MAYBE_TEXT(resolution),
    MAYBE_REF(image_id, &asset_type, .about = "What it started from."),
    MAYBE_NUMBER(strength),
    INT(width, .unit = "px"),
    INT(height, .unit = "px"),
    MAYBE_INT(steps),
    MAYBE_NUMBER(guidance),
    MAYBE_INT(seed),
    MAYBE_INT(duration, .unit = "s"),
    BOOL(camera_fixed),
    INT(num_images),
    LIST(image_ids, &asset_id_item),
    CREDITS(credits_used, .about = "What it costs: what was held less what came back."),
    CREDITS(credits_refunded),
    MAYBE_TEXT(error),
    MAYBE_TEXT(error_kind, .about = "policy: it was refused for its content."),
    TIME(created_at),
    MAYBE_TIME(started_at),
    MAYBE_TIME(completed_at),
};
#undef ROW
const struct shape generation_wire_shape = {
    .name = "job", .size = sizeof(struct wire_job), FIELDS(wire_job_fields)};
const struct field generation_wire_item = ITEM_RECORD(&generation_wire_shape, struct wire_job);

BACKEND_FUNCTION(create_job, struct created_job)
BACKEND_FUNCTION(get_job, struct wire_job *)
BACKEND_FUNCTION(list_jobs, struct list)
BACKEND_FUNCTION(cancel_job, struct canceled_job)

const struct function generation_functions[] = {
    MUTATION("generations:createGenerationJob", create_job, .caller = SIGNED_IN,
             .returns = RETURNS_RECORD(&created_job_shape, struct created_job),
             .about = "Asks a model for pictures; holds the price (GEN-01, CRED-02)."),
    QUERY("generations:getGenerationJob", get_job, .caller = SIGNED_IN,
          .returns = RETURNS_MAYBE(&generation_wire_shape),
          .about = "One job of the caller, or null."),
    QUERY("generations:listGenerationJobs", list_jobs, .caller = SIGNED_IN,
          .returns = RETURNS_LIST(&generation_wire_item),
          .about = "The caller's jobs, newest first."),
    MUTATION("generations:cancelGenerationJob", cancel_job, .caller = SIGNED_IN,
             .returns = RETURNS_RECORD(&canceled_job_shape, struct canceled_job),
             .about = "Stops a job; what is not finished is not charged."),
};
const size_t generation_function_count = ARRAY_LEN(generation_functions);

/* ---- progress ---- */

void generation_progress_put(struct call *call, doc_id generation, double progress)
{
    struct progress row;
    doc_id id = row_first(call, index_of(&progress_type, "by_generation"), KEY(key_id(generation)));
    row_find(call, &progress_type, id, &row);
    row.generation_id = generation;
    row.progress = floor(progress * 1000) / 1000;
    if (!doc_id_is_set(row.id))
        row_new(call, &progress_type, &row);
    row_put(call, &progress_type, &row);
}

double generation_progress(struct call *call, doc_id generation)
{
    struct progress row;
    doc_id id = row_first(call, index_of(&progress_type, "by_generation"), KEY(key_id(generation)));
    row_find(call, &progress_type, id, &row);
    return row.progress;
}

/* ---- functions ---- */

bool generation_find(struct call *call, doc_id id, enum media_kind kind, struct generation *out)
{
    doc_id caller = call_caller(call);
    return row_find(call, &generation_type, id, out) && doc_id_equal(out->user_id, caller) &&
           (kind == MEDIA_NONE || out->kind == kind);
}

/* A shape's name stands for its pixels. */
static void generation_shape(struct call *call, str name, struct generation_wish *wish)
{
    const struct model_config *model = config_model(catalogue_of(call), wish->model);
    if (model == NULL || name.len == 0)
        return;
    const struct size_config *sizes = model->sizes.items;
    for (size_t i = 0; i < model->sizes.count; i++) {
        if (!str_equal_nocase(sizes[i].name, name))
            continue;
        wish->width = (struct maybe_int){sizes[i].width, true};
        wish->height = (struct maybe_int){sizes[i].height, true};
        return;
    }
    call_fail_argument(call, ".aspectRatio", "%.*s makes no pictures of %.*s.",
                       STR_ARG(model->name), STR_ARG(name));
}

static void create_job(struct call *call, const struct create_job_args *args,
                       struct created_job *result)
{
    struct generation g;
    struct generation_wish wish = {
        .kind = MEDIA_IMAGE,
        .prompt = args->prompt,
        .negative_prompt = args->negative_prompt,
        .model = args->model,
        .width = args->width,
        .height = args->height,
        .steps = args->steps,
        .seed = args->seed,
        .num_images = args->num_images,
        .guidance = args->guidance,
        .enhanced_prompt = args->enhanced_prompt,
        .quality = args->quality,
        .resolution = args->resolution,
        .image_id = args->image_id,
        .strength = args->strength,
    };
    generation_shape(call, args->aspect_ratio, &wish);
    generation_create(call, &wish, &g);
    *result = (struct created_job){
        .job_id = g.id,
        .credits_used = g.credits_cost,
        .credits_remaining = ledger_balance(call, g.user_id).credits,
    };
}

bool generation_is_open(const struct generation *g)
{
    return g->status == GENERATION_PENDING || g->status == GENERATION_PROCESSING ||
           g->status == GENERATION_UPLOADING;
}

/* Where it stands in line, and for how long (GEN-10). */
static void add_place(struct call *call, const struct generation *g, struct wire_job *wire)
{
    struct job job;
    if (!row_find(call, &job_type, g->job_id, &job))
        return;
    const struct provider_config *provider = config_provider(catalogue_of(call), job.lane);
    int64_t position = line_position(call, &job);
    double seconds = line_seconds(call, job.lane);
    wire->queue_position = (struct maybe_int){position, position != 0};
    if (position != 0 && provider != NULL && seconds > 0)
        wire->estimated_seconds = (struct maybe_number){
            ceil((double)position * seconds / (double)provider->concurrency), true};
}

static struct wire_job wire_of(struct call *call, const struct generation *g, str user)
{
    struct wire_job job = {
        .id = g->id,
        .created = g->created,
        .user_id = user,
        .kind = g->kind,
        .status = g->status,
        .prompt = g->prompt,
        .negative_prompt = g->negative_prompt,
        .enhanced_prompt = g->enhanced_prompt,
        .model = g->model,
        .provider = g->provider,
        .quality = g->quality,
        .resolution = g->resolution,
        .image_id = g->image_id,
        .strength = g->strength,
        .width = g->width,
        .height = g->height,
        .steps = g->steps,
        .guidance = g->guidance,
        .seed = {g->seed, true},
        .duration = {g->duration, g->kind == MEDIA_VIDEO},
        .camera_fixed = g->camera_fixed,
        .num_images = g->num_images,
        .image_ids = g->asset_ids,
        .credits_used = {g->credits_cost.n - g->credits_refunded.n},
        .credits_refunded = g->credits_refunded,
        .error = g->error,
        .error_kind = g->is_policy ? STR("policy") : (str){0},
        .created_at = g->created_at,
        .started_at = g->started_at,
        .completed_at = g->completed_at,
    };
    if (job.image_ids.items == NULL)
        job.image_ids.items = arena_alloc(call->arena, 1);
    if (g->status == GENERATION_PROCESSING || g->status == GENERATION_UPLOADING)
        job.progress = (struct maybe_number){generation_progress(call, g->id), true};
    if (g->status == GENERATION_PENDING)
        add_place(call, g, &job);
    return job;
}

void *generation_wire(struct call *call, const struct generation *g)
{
    struct user user;
    struct wire_job *job = arena_new(call->arena, struct wire_job);
    row_find(call, &user_type, g->user_id, &user);
    *job = wire_of(call, g, user.clerk_id.at == NULL ? STR("") : user.clerk_id);
    return job;
}

static void get_job(struct call *call, const struct job_args *args, struct wire_job **result)
{
    struct generation g;
    if (!generation_find(call, args->job_id, MEDIA_NONE, &g))
        return;
    *result = arena_new(call->arena, struct wire_job);
    **result = wire_of(call, &g, call->identity->subject);
}

struct list generations_recent(struct call *call, size_t limit)
{
    struct wire_job *jobs = arena_array(call->arena, struct wire_job, limit);
    struct bounds theirs = {.prefix = KEY(key_id(call_caller(call)))};
    struct generation g;
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&generation_type, "by_user"), theirs, ORDER_DOWN, &scan);
    while (count < limit && scan_next(&scan, &g))
        jobs[count++] = wire_of(call, &g, call->identity->subject);
    scan_end(&scan);
    return (struct list){jobs, count};
}

static void list_jobs(struct call *call, const struct list_jobs_args *args, struct list *result)
{
    doc_id user = call_caller(call);
    size_t limit = args->limit.is_set ? (size_t)args->limit.value : 50;
    struct wire_job *jobs = arena_array(call->arena, struct wire_job, limit);
    struct bounds bounds = {.prefix = KEY(key_id(user))};
    const struct index *index = index_of(&generation_type, "by_user");
    struct generation g;
    struct scan scan;
    size_t count = 0;

    if (args->status != GENERATION_NONE) {
        index = index_of(&generation_type, "by_user_status");
        bounds.prefix = KEY(key_id(user), key_text(str_of(generation_status_names[args->status])));
    }
    view_scan(call->view, index, bounds, ORDER_DOWN, &scan);
    while (count < limit && scan_next(&scan, &g))
        jobs[count++] = wire_of(call, &g, call->identity->subject);
    scan_end(&scan);
    *result = (struct list){jobs, count};
}

static void cancel_job(struct call *call, const struct job_args *args, struct canceled_job *result)
{
    struct generation g;
    bool is_theirs = generation_find(call, args->job_id, MEDIA_NONE, &g);
    REQUIRE(call, is_theirs, NOT_FOUND, "This job does not exist, or is not yours.");
    REQUIRE(call, generation_is_open(&g), STATE, "This job has ended already: it is %s.",
            generation_status_names[g.status]);

    generation_end(call, &g, GENERATION_CANCELED, (str){0});
    *result = (struct canceled_job){
        .status = g.status,
        .credits_returned = g.credits_refunded,
        .credits_remaining = ledger_balance(call, g.user_id).credits,
    };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/studio.h"

#include "studio/attempts.h"
#include "studio/catalogue.h"
#include "studio/choices.h"

#include <string.h>

/* The catalogue as the pages read it: what each model can do, and what it costs. */
struct wire_tier {
    str name;
    credits credits;
    bool by_second;
    struct maybe_int duration_max;
    struct list plans;
};
static const struct field plan_item = ITEM_TEXT();
#define ROW struct wire_tier
static const struct field wire_tier_fields[] = {
    TEXT(name),
    CREDITS(credits, .about = "For a picture, or a film of the default duration."),
    BOOL(by_second, .about = "A film's credits grow with its duration."),
    MAYBE_INT(duration_max, .unit = "s"),
    MAYBE_LIST(plans, &plan_item, .about = "Only these have it; absent: everybody."),
};
#undef ROW
static const struct shape wire_tier_shape = {
    .name = "tierOffer", .size = sizeof(struct wire_tier), FIELDS(wire_tier_fields)};
static const struct field wire_tier_item = ITEM_RECORD(&wire_tier_shape, struct wire_tier);

struct capabilities {
    struct list sizes;
    int64_t max_images, prompt_max;
    bool any_size, price_by_pixels;
    struct range_config *steps, *guidance;
    bool negative_prompt, seed;
    struct list durations;
    struct maybe_int default_duration;
    enum takes_image image;
    bool strength, camera_fixed;
    struct list qualities, resolutions; /* struct wire_tier */
};

struct wire_size {
    str name;
    int64_t width, height;
    credits credits;
};
#define ROW struct wire_size
static const struct field wire_size_fields[] = {
    TEXT(name),
    INT(width, .unit = "px"),
    INT(height, .unit = "px"),
    CREDITS(credits, .about = "For one of this size, otherwise by default."),
};
#undef ROW
static const struct shape wire_size_shape = {
    .name = "sizeOffer", .size = sizeof(struct wire_size), FIELDS(wire_size_fields)};
static const struct field size_item = ITEM_RECORD(&wire_size_shape, struct wire_size);
static const struct field duration_item = ITEM_INT(.unit = "s");

#define ROW struct capabilities
static const struct field capabilities_fields[] = {
    LIST(sizes, &size_item),
    INT(max_images),
    INT(prompt_max),
    BOOL(any_size),
    BOOL(price_by_pixels, .about = "Above 1024 by 1024, credits grow with the pixels."),
    MAYBE_RECORD(steps, &config_range_shape),
    MAYBE_RECORD(guidance, &config_range_shape),
    BOOL(negative_prompt),
    BOOL(seed),
    MAYBE_LIST(durations, &duration_item),
    MAYBE_INT(default_duration, .unit = "s"),
    CHOICE(image, takes_image_names, .about = "Whether it starts from a picture."),
    BOOL(strength, .about = "How far to go from that picture can be said."),
    BOOL(camera_fixed, .about = "Its films can be shot without moving."),
    LIST(qualities, &wire_tier_item),
    LIST(resolutions, &wire_tier_item),
};
#undef ROW
static const struct shape capabilities_shape = {
    .name = "capabilities", .size = sizeof(struct capabilities), FIELDS(capabilities_fields)};

struct wire_model {
    str model_id, name, description, model_type, provider, replicate_model_id;
    credits credits;
    double typical_seconds;
    bool is_default, is_premium, is_active;
    struct maybe_instant resting_until;
    struct capabilities capabilities;
};

#define ROW struct wire_model
static const struct field wire_model_fields[] = {
    TEXT(model_id),
    TEXT(name),
    TEXT(description),
    TEXT(model_type),
    TEXT(provider),
    TEXT(replicate_model_id, .about = "As its provider calls it."),
    CREDITS(credits, .about = "For a picture or a film."),
    NUMBER(typical_seconds, .unit = "s"),
    BOOL(is_default),
    BOOL(is_premium),
    BOOL(is_active),
    MAYBE_TIME(resting_until, .about = "Its provider keeps failing, and nobody stands in for it."),
    RECORD(capabilities, &capabilities_shape),
};
#undef ROW
static const struct shape wire_model_shape = {
    .name = "model", .size = sizeof(struct wire_model), FIELDS(wire_model_fields)};
static const struct field wire_model_item = ITEM_RECORD(&wire_model_shape, struct wire_model);

NO_ARGS(get_active_models)
BACKEND_FUNCTION(get_active_models, struct list)

struct model_args {
    str model_id;
};
#define get_model_by_id_args model_args
#define get_parameters_args model_args
#define ROW struct model_args
static const struct field model_args_fields[] = {TEXT(model_id, .min = 1, .max = 80)};
#define get_model_by_id_fields model_args_fields
#define get_parameters_fields model_args_fields
#undef ROW

struct get_models_by_type_args {
    enum media_kind model_type;
};
#define ROW struct get_models_by_type_args
static const struct field get_models_by_type_fields[] = {CHOICE(model_type, media_kind_names)};
#undef ROW

NO_ARGS(get_default_model)
NO_ARGS(get_premium_models)
BACKEND_FUNCTION(get_model_by_id, struct wire_model *)
BACKEND_FUNCTION(get_default_model, struct wire_model *)
BACKEND_FUNCTION(get_premium_models, struct list)
BACKEND_FUNCTION(get_models_by_type, struct list)

/* What a form for films offers, in the words of such forms. */
struct form_values {
    struct maybe_int duration;
    str resolution, aspect_ratio, camera_position;
    bool loop, camera_fixed;
};
#define ROW struct form_values
static const struct field form_values_fields[] = {
    MAYBE_INT(duration, .unit = "s"),
    TEXT(resolution),
    TEXT(aspect_ratio),
    TEXT(camera_position),
    BOOL(loop),
    BOOL(camera_fixed),
};
#undef ROW
static const struct shape form_values_shape = {
    .name = "formValues", .size = sizeof(struct form_values), FIELDS(form_values_fields)};

struct form_limits {
    int64_t max_prompt_length, max_images;
};
#define ROW struct form_limits
static const struct field form_limits_fields[] = {INT(max_prompt_length), INT(max_images)};
#undef ROW
static const struct shape form_limits_shape = {
    .name = "formLimits", .size = sizeof(struct form_limits), FIELDS(form_limits_fields)};

struct form {
    struct list supported_durations, supported_resolutions, supported_aspect_ratios,
        supported_camera_positions;
    bool supports_loop, supports_camera_fixed;
    struct form_values default_values;
    struct form_limits constraints;
};
static const struct field form_text_item = ITEM_TEXT(.max = 40);
#define ROW struct form
static const struct field form_fields[] = {
    LIST(supported_durations, &duration_item),
    LIST(supported_resolutions, &form_text_item),
    LIST(supported_aspect_ratios, &form_text_item),
    LIST(supported_camera_positions, &form_text_item),
    BOOL(supports_loop),
    BOOL(supports_camera_fixed),
    RECORD(default_values, &form_values_shape),
    RECORD(constraints, &form_limits_shape),
};
#undef ROW
static const struct shape form_shape = {
    .name = "modelForm", .size = sizeof(struct form), FIELDS(form_fields)};
BACKEND_FUNCTION(get_parameters, struct form *)

struct get_credit_cost_args {
    str model_id, resolution, quality;
    struct maybe_int duration, width, height;
};
#define ROW struct get_credit_cost_args
static const struct field get_credit_cost_fields[] = {
    TEXT(model_id, .min = 1, .max = 80),
    MAYBE_INT(duration, .min = 1, .max = 120, .unit = "s"),
    MAYBE_TEXT(resolution, .max = 40),
    MAYBE_TEXT(quality, .max = 40),
    MAYBE_INT(width, .min = 64, .max = 8192, .unit = "px"),
    MAYBE_INT(height, .min = 64, .max = 8192, .unit = "px"),
};
#undef ROW
BACKEND_FUNCTION(get_credit_cost, int64_t)

const struct function model_functions[] = {
    QUERY("models:getActiveModels", get_active_models, .caller = ANYONE, .ignores_caller = true,
          .returns = RETURNS_LIST(&wire_model_item),
          .about = "What there is to choose from, with prices and what each can do."),
    QUERY("models:getModelById", get_model_by_id, .caller = ANYONE, .ignores_caller = true,
          .returns = RETURNS_MAYBE(&wire_model_shape), .about = "One model, or null."),
    QUERY("models:getDefaultModel", get_default_model, .caller = ANYONE, .ignores_caller = true,
          .returns = RETURNS_MAYBE(&wire_model_shape),
          .about = "The one that is chosen when nothing is said, or null."),
    QUERY("models:getPremiumModels", get_premium_models, .caller = ANYONE, .ignores_caller = true,
          .returns = RETURNS_LIST(&wire_model_item), .about = "Those that are marked as the best."),
    QUERY("models:getModelsByType", get_models_by_type, .caller = ANYONE, .ignores_caller = true,
          .returns = RETURNS_LIST(&wire_model_item), .about = "Those for pictures, or for films."),
    QUERY("modelParameterHelpers:getModelParametersForForm", get_parameters, .caller = ANYONE,
          .ignores_caller = true, .returns = RETURNS_MAYBE(&form_shape),
          .about = "What a form for this model offers and what it starts with, or null."),
    QUERY("pricing:getCreditCost", get_credit_cost, .caller = ANYONE, .ignores_caller = true,
          .returns = RETURNS_INT,
          .about = "What one picture or film costs, in credits, before it is asked for."),
};
const size_t model_function_count = ARRAY_LEN(model_functions);

static int64_t default_duration(const struct model_config *model)
{
    const int64_t *durations = model->durations.items;
    return model->durations.count == 0 ? 0 : durations[0];
}

static struct list offers(struct arena *arena, const struct model_config *model,
                          const struct list *tiers, bool are_qualities)
{
    const struct tier_config *all = tiers->items;
    struct wire_tier *out = arena_array(arena, struct wire_tier, tiers->count + 1);
    for (size_t i = 0; i < tiers->count; i++)
        out[i] = (struct wire_tier){
            .name = all[i].name,
            .credits =
                choices_price(model, are_qualities ? &(struct choice){.quality = all[i].name}
                                                   : &(struct choice){.resolution = all[i].name}),
            .by_second = all[i].micros_per_second != 0,
            .duration_max = {all[i].duration_max, all[i].duration_max != 0},
            .plans = all[i].plans,
        };
    return (struct list){out, tiers->count};
}

static struct list size_offers(struct arena *arena, const struct model_config *model)
{
    const struct size_config *all = model->sizes.items;
    struct wire_size *out = arena_array(arena, struct wire_size, model->sizes.count + 1);
    for (size_t i = 0; i < model->sizes.count; i++)
        out[i] = (struct wire_size){
            .name = all[i].name,
            .width = all[i].width,
            .height = all[i].height,
            .credits = choices_price(
                model, &(struct choice){.width = all[i].width, .height = all[i].height}),
        };
    return (struct list){out, model->sizes.count};
}

/* Until its provider, or that of the first who may stand in, is asked again; unset: it is now. */
static struct maybe_instant resting_until(struct call *call, const struct model_config *model)
{
    const struct studio_config *config = catalogue_of(call);
    const str *fallbacks = model->fallbacks.items;
    instant first = breaker_until(call, model->provider);
    for (size_t i = 0; i < model->fallbacks.count && first.us != 0; i++) {
        const struct model_config *other = config_model(config, fallbacks[i]);
        instant until = other == NULL ? first : breaker_until(call, other->provider);
        first = until.us < first.us ? until : first;
    }
    if (first.us != 0)
        call_valid_until(call, first);
    return (struct maybe_instant){first, first.us != 0};
}

static struct wire_model wire_of(struct call *call, const struct model_config *model)
{
    struct arena *arena = call->arena;
    const int64_t *durations = model->durations.items;
    return (struct wire_model){
        .model_id = model->id,
        .name = model->name,
        .description = model->description,
        .model_type = str_of(media_kind_names[model->kind]),
        .provider = model->provider,
        .replicate_model_id = model->provider_model.len == 0 ? model->id : model->provider_model,
        .credits = choices_price(model, &(struct choice){.width = 0}),
        .typical_seconds = model->typical_seconds,
        .is_default = model->is_default,
        .is_premium = model->is_premium,
        .is_active = config_is_active(model->is_active),
        .resting_until = resting_until(call, model),
        .capabilities =
            {
                .sizes = size_offers(arena, model),
                .max_images = model->max_images,
                .prompt_max = model->prompt_max,
                .any_size = model->any_size,
                .price_by_pixels = model->price_by_pixels,
                .steps = model->steps,
                .guidance = model->guidance,
                .negative_prompt = model->takes_negative_prompt,
                .seed = model->takes_seed,
                .durations = model->durations,
                .default_duration = {durations == NULL ? 0 : durations[0], durations != NULL},
                .image =
                    model->takes_image == TAKES_IMAGE_UNSAID ? TAKES_IMAGE_NO : model->takes_image,
                .strength = model->takes_strength,
                .camera_fixed = model->takes_camera_fixed,
                .qualities = offers(arena, model, &model->qualities, true),
                .resolutions = offers(arena, model, &model->resolutions, false),
            },
    };
}

/* Those of a kind or (MEDIA_NONE) any; of those only the premium ones, if so wanted. */
static struct list models_of(struct call *call, enum media_kind kind, bool premium_only)
{
    const struct studio_config *config = catalogue_of(call);
    const struct model_config *models = config->models.items;
    struct wire_model *out = arena_array(call->arena, struct wire_model, config->models.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < config->models.count; i++)
        if ((kind == MEDIA_NONE || models[i].kind == kind) &&
            (models[i].is_premium || !premium_only) && config_is_active(models[i].is_active))
            out[count++] = wire_of(call, &models[i]);
    return (struct list){out, count};
}

static void get_active_models(struct call *call, const struct get_active_models_args *args,
                              struct list *result)
{
    *result = models_of(call, MEDIA_NONE, false);
}

static void get_premium_models(struct call *call, const struct get_premium_models_args *args,
                               struct list *result)
{
    *result = models_of(call, MEDIA_NONE, true);
}

static void get_models_by_type(struct call *call, const struct get_models_by_type_args *args,
                               struct list *result)
{
    *result = models_of(call, args->model_type, false);
}

static struct wire_model *wire_new(struct call *call, const struct model_config *model)
{
    if (model == NULL)
        return NULL;
    struct wire_model *wire = arena_new(call->arena, struct wire_model);
    *wire = wire_of(call, model);
    return wire;
}

static void get_model_by_id(struct call *call, const struct model_args *args,
                            struct wire_model **result)
{
    *result = wire_new(call, config_model(catalogue_of(call), args->model_id));
}

static void get_default_model(struct call *call, const struct get_default_model_args *args,
                              struct wire_model **result)
{
    const struct studio_config *config = catalogue_of(call);
    const struct model_config *models = config->models.items;
    for (size_t i = 0; i < config->models.count && *result == NULL; i++)
        if (models[i].is_default && config_is_active(models[i].is_active))
            *result = wire_new(call, &models[i]);
}

static void get_parameters(struct call *call, const struct model_args *args, struct form **result)
{
    const struct model_config *model = config_model(catalogue_of(call), args->model_id);
    if (model == NULL)
        return;
    const struct size_config *sizes = model->sizes.items;
    const struct tier_config *tiers = model->resolutions.items;
    size_t size_count = model->sizes.count, tier_count = model->resolutions.count;
    str *ratios = arena_array(call->arena, str, size_count + 1);
    str *resolutions = arena_array(call->arena, str, tier_count + 1);
    for (size_t i = 0; i < size_count; i++)
        ratios[i] = sizes[i].name;
    for (size_t i = 0; i < tier_count; i++)
        resolutions[i] = tiers[i].name;
    /* Films of one resolution are named by their height, as where they are asked for. */
    if (tier_count == 0 && model->kind == MEDIA_VIDEO)
        resolutions[tier_count++] = str_format(call->arena, "%lldp", (long long)sizes[0].height);
    int64_t duration = default_duration(model);
    *result = arena_new(call->arena, struct form);
    **result = (struct form){
        .supported_durations = {duration == 0 ? (void *)ratios : model->durations.items,
                                model->durations.count},
        .supported_resolutions = {resolutions, tier_count},
        .supported_aspect_ratios = {ratios, size_count},
        .supported_camera_positions = {ratios, 0},
        .supports_camera_fixed = model->takes_camera_fixed,
        .default_values = {.duration = {duration, duration != 0},
                           .resolution = tier_count == 0 ? (str){0} : resolutions[0],
                           .aspect_ratio = ratios[0]},
        .constraints = {.max_prompt_length = model->prompt_max, .max_images = model->max_images},
    };
}

static void get_credit_cost(struct call *call, const struct get_credit_cost_args *args,
                            int64_t *result)
{
    const struct model_config *model = config_model(catalogue_of(call), args->model_id);
    REQUIRE_ARGUMENT(call, model != NULL, ".modelId", "There is no model \"%.*s\".",
                     STR_ARG(args->model_id));
    REQUIRE_ARGUMENT(call,
                     args->resolution.len == 0 ||
                         choices_tier(&model->resolutions, args->resolution) != NULL,
                     ".resolution", "%.*s has no such resolution.", STR_ARG(model->name));
    REQUIRE_ARGUMENT(
        call, args->quality.len == 0 || choices_tier(&model->qualities, args->quality) != NULL,
        ".quality", "%.*s has no such quality.", STR_ARG(model->name));
    struct choice choice = {.quality = args->quality,
                            .resolution = args->resolution,
                            .duration = args->duration.value,
                            .width = args->width.value,
                            .height = args->height.value};
    *result = choices_price(model, &choice).n;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/studio.h"

#include "studio/choices.h"

#include <string.h>

/* The catalogue as the pages read it: what each model can do, and what it costs. */
struct wire_tier {
    str name;
    credits credits;
    struct maybe_int duration_max;
};
#define ROW struct wire_tier
static const struct field wire_tier_fields[] = {
    TEXT(name),
    CREDITS(credits, .about = "For a picture, or a film of the default duration."),
    MAYBE_INT(duration_max, .unit = "s"),
};
#undef ROW
static const struct shape wire_tier_shape = {
    .name = "tierOffer", .size = sizeof(struct wire_tier), FIELDS(wire_tier_fields)};
static const struct field wire_tier_item = ITEM_RECORD(&wire_tier_shape, struct wire_tier);

struct capabilities {
    struct list sizes;
    int64_t max_images, prompt_max;
    bool any_size;
    struct range_config *steps, *guidance;
    bool negative_prompt, seed;
    struct list durations;
    struct maybe_int default_duration;
    enum takes_image image;
    struct list qualities, resolutions; /* struct wire_tier */
};

static const struct field size_item = ITEM_RECORD(&config_size_shape, struct size_config);
static const struct field duration_item = ITEM_INT(.unit = "s");

#define ROW struct capabilities
static const struct field capabilities_fields[] = {
    LIST(sizes, &size_item),
    INT(max_images),
    INT(prompt_max),
    BOOL(any_size),
    MAYBE_RECORD(steps, &config_range_shape),
    MAYBE_RECORD(guidance, &config_range_shape),
    BOOL(negative_prompt),
    BOOL(seed),
    MAYBE_LIST(durations, &duration_item),
    MAYBE_INT(default_duration, .unit = "s"),
    CHOICE(image, takes_image_names, .about = "Whether it starts from a picture."),
    LIST(qualities, &wire_tier_item),
    LIST(resolutions, &wire_tier_item),
};
#undef ROW
static const struct shape capabilities_shape = {
    .name = "capabilities", .size = sizeof(struct capabilities), FIELDS(capabilities_fields)};

struct wire_model {
    str model_id, name, description, model_type, provider;
    credits credits;
    double typical_seconds;
    bool is_default, is_premium, is_active;
    struct capabilities capabilities;
};

#define ROW struct wire_model
static const struct field wire_model_fields[] = {
    TEXT(model_id),
    TEXT(name),
    TEXT(description),
    TEXT(model_type),
    TEXT(provider),
    CREDITS(credits, .about = "For a picture or a film."),
    NUMBER(typical_seconds, .unit = "s"),
    BOOL(is_default),
    BOOL(is_premium),
    BOOL(is_active),
    RECORD(capabilities, &capabilities_shape),
};
#undef ROW
static const struct shape wire_model_shape = {
    .name = "model", .size = sizeof(struct wire_model), FIELDS(wire_model_fields)};
static const struct field wire_model_item = ITEM_RECORD(&wire_model_shape, struct wire_model);

NO_ARGS(get_active_models)
BACKEND_FUNCTION(get_active_models, struct list)

struct get_credit_cost_args {
    str model_id, resolution, quality;
    struct maybe_int duration;
};
#define ROW struct get_credit_cost_args
static const struct field get_credit_cost_fields[] = {
    TEXT(model_id, .min = 1, .max = 80),
    MAYBE_INT(duration, .min = 1, .max = 120, .unit = "s"),
    MAYBE_TEXT(resolution, .max = 40),
    MAYBE_TEXT(quality, .max = 40),
};
#undef ROW
BACKEND_FUNCTION(get_credit_cost, int64_t)

const struct function model_functions[] = {
    QUERY("models:getActiveModels", get_active_models, .caller = ANYONE, .ignores_caller = true,
          .returns = RETURNS_LIST(&wire_model_item),
          .about = "What there is to choose from, with prices and what each can do."),
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
                choices_price(model, are_qualities ? all[i].name : (str){0},
                              are_qualities ? (str){0} : all[i].name, default_duration(model)),
            .duration_max = {all[i].duration_max, all[i].duration_max != 0},
        };
    return (struct list){out, tiers->count};
}

static struct wire_model wire_of(struct arena *arena, const struct model_config *model)
{
    const int64_t *durations = model->durations.items;
    return (struct wire_model){
        .model_id = model->id,
        .name = model->name,
        .description = model->description,
        .model_type = str_of(media_kind_names[model->kind]),
        .provider = model->provider,
        .credits = choices_price(model, (str){0}, (str){0}, default_duration(model)),
        .typical_seconds = model->typical_seconds,
        .is_default = model->is_default,
        .is_premium = model->is_premium,
        .is_active = true,
        .capabilities =
            {
                .sizes = model->sizes,
                .max_images = model->max_images,
                .prompt_max = model->prompt_max,
                .any_size = model->any_size,
                .steps = model->steps,
                .guidance = model->guidance,
                .negative_prompt = model->takes_negative_prompt,
                .seed = model->takes_seed,
                .durations = model->durations,
                .default_duration = {durations == NULL ? 0 : durations[0], durations != NULL},
                .image =
                    model->takes_image == TAKES_IMAGE_UNSAID ? TAKES_IMAGE_NO : model->takes_image,
                .qualities = offers(arena, model, &model->qualities, true),
                .resolutions = offers(arena, model, &model->resolutions, false),
            },
    };
}

static void get_active_models(struct call *call, const struct get_active_models_args *args,
                              struct list *result)
{
    const struct studio_config *config = call->program->config;
    const struct model_config *models = config->models.items;
    struct wire_model *out = arena_array(call->arena, struct wire_model, config->models.count);
    for (size_t i = 0; i < config->models.count; i++)
        out[i] = wire_of(call->arena, &models[i]);
    *result = (struct list){out, config->models.count};
}

static void get_credit_cost(struct call *call, const struct get_credit_cost_args *args,
                            int64_t *result)
{
    const struct model_config *model = config_model(call->program->config, args->model_id);
    REQUIRE_ARGUMENT(call, model != NULL, ".modelId", "There is no model \"%.*s\".",
                     STR_ARG(args->model_id));
    REQUIRE_ARGUMENT(call,
                     args->resolution.len == 0 ||
                         choices_tier(&model->resolutions, args->resolution) != NULL,
                     ".resolution", "%.*s has no such resolution.", STR_ARG(model->name));
    REQUIRE_ARGUMENT(
        call, args->quality.len == 0 || choices_tier(&model->qualities, args->quality) != NULL,
        ".quality", "%.*s has no such quality.", STR_ARG(model->name));
    int64_t duration = args->duration.is_set ? args->duration.value : default_duration(model);
    *result = choices_price(model, args->quality, args->resolution, duration).n;
}

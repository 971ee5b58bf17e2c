/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/studio.h"

#include "studio/config.h"

#include <string.h>

/* The catalogue as the pages read it: what each model can do, and what it costs. */
struct capabilities {
    struct list sizes;
    int64_t max_images, prompt_max;
    bool any_size;
    struct range_config *steps, *guidance;
    bool negative_prompt, seed;
    struct list durations;
    struct maybe_int default_duration;
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

const struct function model_functions[] = {
    QUERY("models:getActiveModels", get_active_models, .caller = ANYONE, .ignores_caller = true,
          .returns = RETURNS_LIST(&wire_model_item),
          .about = "What there is to choose from, with prices and what each can do."),
};
const size_t model_function_count = ARRAY_LEN(model_functions);

static struct wire_model wire_of(const struct model_config *model)
{
    const int64_t *durations = model->durations.items;
    return (struct wire_model){
        .model_id = model->id,
        .name = model->name,
        .description = model->description,
        .model_type = str_of(media_kind_names[model->kind]),
        .provider = model->provider,
        .credits = model->price,
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
        out[i] = wire_of(&models[i]);
    *result = (struct list){out, config->models.count};
}

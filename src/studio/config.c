/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/config.h"

#include "provider/workflow.h"

const char *const media_kind_names[MEDIA_KINDS] = {
    [MEDIA_IMAGE] = "image",
    [MEDIA_VIDEO] = "video",
};

const char *const takes_image_names[TAKES_IMAGE_CHOICES] = {
    [TAKES_IMAGE_NO] = "no",
    [TAKES_IMAGE_OPTIONAL] = "optional",
    [TAKES_IMAGE_REQUIRED] = "required",
};

static const char *const provider_kind_names[PROVIDER_KINDS] = {
    [PROVIDER_SKETCH] = "sketch",         [PROVIDER_OPENAI] = "openai",
    [PROVIDER_REPLICATE] = "replicate",   [PROVIDER_FAL] = "fal",
    [PROVIDER_OPENROUTER] = "openrouter", [PROVIDER_AUTOMATIC1111] = "automatic1111",
    [PROVIDER_COMFYUI] = "comfyui",
};

static const struct provider *const translators[PROVIDER_KINDS] = {
    [PROVIDER_OPENAI] = &openai_provider,
    [PROVIDER_REPLICATE] = &replicate_provider,
    [PROVIDER_FAL] = &fal_provider,
    [PROVIDER_OPENROUTER] = &openrouter_provider,
    [PROVIDER_AUTOMATIC1111] = &automatic1111_provider,
    [PROVIDER_COMFYUI] = &comfyui_provider,
};

const char *const rate_period_names[RATE_PERIODS] = {
    [RATE_MINUTE] = "minute",
    [RATE_HOUR] = "hour",
    [RATE_DAY] = "day",
};

const char *const rate_kind_names[RATE_KINDS] = {
    [RATE_OF_IMAGES] = "image",
    [RATE_OF_VIDEOS] = "video",
    [RATE_OF_UPLOADS] = "upload",
};

#define ROW struct rate_config
static const struct field rate_fields[] = {
    CHOICE(kind, rate_kind_names),
    CHOICE(every, rate_period_names),
    INT(count, .min = 1, .max = 1000000),
};
#undef ROW
static const struct shape rate_shape = {.name = "rate",
                                        .about = "How often may be asked.",
                                        .size = sizeof(struct rate_config),
                                        FIELDS(rate_fields)};
static const struct field rate_item = ITEM_RECORD(&rate_shape, struct rate_config);

static const struct field feature_item = ITEM_TEXT(.min = 1, .max = 200);

#define ROW struct plan_config
static const struct field plan_fields[] = {
    TEXT(key, .min = 1, .max = 40, .about = "Stable name, as in planKey."),
    TEXT(name, .min = 1, .max = 80),
    CREDITS(credits_once, .wire = "creditsOnce", .min = 0, .max = 1000000000,
            .about = "Granted when the account is made."),
    CREDITS(credits_monthly, .is_optional = true, .min = 0, .max = 1000000000,
            .about = "Granted once a billing period."),
    INT(credits_last_days, .is_optional = true, .min = 0, .max = 3660, .unit = "days",
        .about = "How long the credits of a period can be spent. 0: for ever."),
    INT(storage_bytes, .min = 0, .max = 1000000000000000, .unit = "bytes"),
    INT(images_stored, .is_optional = true, .min = 0, .max = 1000000000,
        .about = "Pictures in the library at once. 0: as many as there is room for."),
    INT(videos_stored, .is_optional = true, .min = 0, .max = 1000000000,
        .about = "Films in the library at once. 0: as many as there is room for."),
    INT(images_per_period, .is_optional = true, .min = 0, .max = 1000000,
        .about = "Pictures in a billing period. 0: as many as can be paid for."),
    INT(videos_per_period, .is_optional = true, .min = 0, .max = 1000000,
        .about = "Films in a billing period. 0: as many as can be paid for."),
    INT(price_cents, .is_optional = true, .min = 0, .max = 100000000, .about = "A month."),
    INT(price_cents_yearly, .is_optional = true, .min = 0, .max = 100000000, .about = "A year."),
    MAYBE_TEXT(stripe_price_id, .min = 1, .max = 255, .about = "Of Stripe, for a month."),
    MAYBE_TEXT(stripe_price_id_yearly, .min = 1, .max = 255),
    MAYBE_TEXT(polar_product_id, .min = 1, .max = 255, .about = "Of Polar, for a month."),
    MAYBE_TEXT(polar_product_id_yearly, .min = 1, .max = 255),
    INT(trial_days, .is_optional = true, .min = 0, .max = 730, .unit = "days",
        .about = "Free at first, once a user."),
    MAYBE_LIST(features, &feature_item, .max = 30, .about = "Lines for its card."),
    BOOL(films_are_public, .is_optional = true,
         .about = "Films are public and cannot be made private."),
    INT(concurrent_jobs, .is_optional = true, .min = 0, .max = 1000,
        .about = "Generations in line and under way at once; the rest waits for these. 0: any "
                 "number."),
    MAYBE_LIST(rates, &rate_item, .max = 12, .about = "How often may be asked."),
    INT(upload_bytes_max, .is_optional = true, .min = 0, .max = INT64_C(8) << 30, .unit = "bytes",
        .about = "Of one uploaded file. 0: 25 MiB."),
    INT(video_bytes_max, .is_optional = true, .min = 0, .max = INT64_C(8) << 30, .unit = "bytes",
        .about = "Of one uploaded film. 0: as of any file."),
    NUMBER(priority, .is_optional = true, .least = 0, .most = 100,
           .about = "Weight in line: twice as much goes twice as often. 0 is 1."),
    MAYBE_BOOL(is_active, .about = "False: no longer offered; who has it keeps it."),
};
#undef ROW
const struct shape config_plan_shape = {.name = "plan",
                                        .about = "What an account may use.",
                                        .size = sizeof(struct plan_config),
                                        FIELDS(plan_fields)};

#define ROW struct size_config
static const struct field size_fields[] = {
    TEXT(name, .min = 1, .max = 20),
    INT(width, .min = 64, .max = 8192, .unit = "px"),
    INT(height, .min = 64, .max = 8192, .unit = "px"),
};
#undef ROW
const struct shape config_size_shape = {
    .name = "size", .size = sizeof(struct size_config), FIELDS(size_fields)};

#define ROW struct range_config
static const struct field range_fields[] = {
    NUMBER(min, .least = -1000000, .most = 1000000),
    NUMBER(max, .least = -1000000, .most = 1000000),
    NUMBER(fallback, .wire = "default", .least = -1000000, .most = 1000000),
    NUMBER(step, .least = 0.001, .most = 1000),
};
#undef ROW
const struct shape config_range_shape = {
    .name = "range", .size = sizeof(struct range_config), FIELDS(range_fields)};

static const struct field size_item = ITEM_RECORD(&config_size_shape, struct size_config);
static const struct field model_id_item = ITEM_TEXT(.min = 1, .max = 80);
static const struct field duration_item = ITEM_INT(.min = 1, .max = 120, .unit = "s");

static const struct field tier_plan_item = ITEM_TEXT(.min = 1, .max = 40);
#define ROW struct tier_config
static const struct field tier_fields[] = {
    TEXT(name, .min = 1, .max = 40, .about = "As the provider calls it."),
    MAYBE_INT(price, .min = 0, .max = 1000000, .about = "Credits, instead of the model's price."),
    NUMBER(multiplier, .is_optional = true, .least = 0, .most = 100, .about = "Of the price."),
    INT(micros_per_second, .is_optional = true, .min = 0, .max = 5000000,
        .about = "A film's price by its seconds instead, in millionths of a US dollar; 85 credits "
                 "are sold for a dollar, rounded up, and no film costs more than 5000."),
    INT(duration_max, .is_optional = true, .min = 0, .max = 120, .unit = "s",
        .about = "0: as long as the model can."),
    MAYBE_LIST(plans, &tier_plan_item, .max = 20, .about = "Only these plans have it."),
};
#undef ROW
static const struct shape tier_shape = {.name = "tier",
                                        .about = "A quality or a resolution, and its price.",
                                        .size = sizeof(struct tier_config),
                                        FIELDS(tier_fields)};
static const struct field tier_item = ITEM_RECORD(&tier_shape, struct tier_config);

#define ROW struct model_config
static const struct field model_fields[] = {
    TEXT(id, .min = 1, .max = 80),
    TEXT(name, .min = 1, .max = 80),
    TEXT(description, .max = 300),
    CHOICE(kind, media_kind_names),
    TEXT(provider, .min = 1, .max = 40),
    MAYBE_TEXT(provider_model, .max = 120),
    CREDITS(price, .min = 0, .max = 1000000, .about = "Credits for a picture or a film."),
    BOOL(price_by_pixels, .is_optional = true,
         .about = "That price is for up to 1024 by 1024; a larger picture costs as many times that "
                  "as it has more pixels, rounded up."),
    NUMBER(typical_seconds, .least = 0, .most = 3600, .unit = "s"),
    BOOL(is_default, .is_optional = true),
    MAYBE_BOOL(is_active, .about = "False: no longer offered; what was asked for is made."),
    BOOL(is_premium, .is_optional = true),
    INT(max_images, .min = 1, .max = 4),
    INT(prompt_max, .min = 1, .max = 20000),
    LIST(sizes, &size_item, .min = 1, .max = 20),
    BOOL(any_size, .is_optional = true),
    MAYBE_RECORD(steps, &config_range_shape),
    MAYBE_RECORD(guidance, &config_range_shape),
    MAYBE_TEXT(workflow, .min = 1, .max = 1000,
               .about = "File with a workflow of one's own for ComfyUI, in its API's format, with "
                        "places such as {prompt} (docs/operating.md)."),
    BOOL(takes_negative_prompt, .is_optional = true),
    BOOL(takes_seed, .is_optional = true),
    BOOL(takes_camera_fixed, .is_optional = true, .about = "Its films can be shot without moving."),
    MAYBE_CHOICE(takes_image, takes_image_names, .about = "A picture to start from."),
    BOOL(takes_strength, .is_optional = true,
         .about = "It can be said how far to go from that picture."),
    MAYBE_LIST(qualities, &tier_item, .max = 8, .about = "The first is the default."),
    MAYBE_LIST(resolutions, &tier_item, .max = 8, .about = "The first is the default."),
    INT(images_per_request, .is_optional = true, .min = 0, .max = 4,
        .about = "More are asked for one after another. 0: as the provider can."),
    MAYBE_LIST(durations, &duration_item, .max = 20),
    INT(timeout_seconds, .is_optional = true, .min = 0, .max = 3600, .unit = "s",
        .about = "Of one request that asks for it. 0: its provider's."),
    MAYBE_LIST(fallbacks, &model_id_item, .max = 5,
               .about = "Models that may stand in when the provider is down; never at a higher "
                        "price than was quoted."),
    INT(cost_micros, .is_optional = true, .min = 0, .max = 1000000000,
        .about = "What a picture or film costs us, in millionths of a US dollar."),
    INT(cost_micros_per_second, .is_optional = true, .min = 0, .max = 1000000000,
        .about = "The same for each second of a film."),
    INT(expected_bytes, .is_optional = true, .min = 0, .max = INT64_C(1) << 40, .unit = "bytes",
        .about = "What one picture or film takes in the library; room for it is kept while it is "
                 "made. 0: guessed by its size and length."),
    INT(cost_micros_per_run_second, .is_optional = true, .min = 0, .max = 1000000000,
        .about = "The same for each second of the provider's computing."),
};
#undef ROW
const struct shape config_model_shape = {.name = "model",
                                         .about = "Something that makes pictures or films.",
                                         .size = sizeof(struct model_config),
                                         FIELDS(model_fields)};

#define ROW struct secret_config
static const struct field secret_fields[] = {
    MAYBE_TEXT(env, .min = 1, .max = 200, .about = "Name of an environment variable."),
    MAYBE_TEXT(file, .min = 1, .max = 4000, .about = "Path of a file that holds it."),
    BOOL(is_optional, .is_optional = true,
         .about = "Start without it too; what needs it is refused then."),
};
#undef ROW
const struct shape config_secret_shape = {
    .name = "secret", .size = sizeof(struct secret_config), FIELDS(secret_fields)};

#define ROW struct moderation_endpoint_config
static const struct field moderation_endpoint_fields[] = {
    TEXT(base_url, .min = 1, .max = 500, .about = "As in https://api.openai.com/v1."),
    MAYBE_TEXT(model, .min = 1, .max = 120, .about = "The service's own unless said."),
    MAYBE_RECORD(key, &config_secret_shape),
    INT(timeout_seconds, .is_optional = true, .min = 1, .max = 120, .unit = "s",
        .about = "Of one question; ten unless said."),
    BOOL(fail_open, .is_optional = true,
         .about = "When it cannot be asked, make what is asked for all the same; else it fails "
                  "after three more tries, and nothing is charged."),
    BOOL(allow_private_addresses, .is_optional = true, .about = "baseUrl may lead inside."),
};
#undef ROW
static const struct shape moderation_endpoint_shape = {
    .name = "moderationEndpoint",
    .about = "A service that judges what is asked for, by OpenAI's interface.",
    .size = sizeof(struct moderation_endpoint_config),
    FIELDS(moderation_endpoint_fields)};

static const struct field banned_item = ITEM_TEXT(.min = 1, .max = 100);
#define ROW struct moderation_config
static const struct field moderation_fields[] = {
    MAYBE_LIST(banned_words, &banned_item, .max = 5000,
               .about = "Words that no prompt may hold; whole words, whatever their case."),
    MAYBE_RECORD(endpoint, &moderation_endpoint_shape,
                 .about = "Is asked about every prompt before a model is."),
};
#undef ROW
const struct shape config_moderation_shape = {.name = "moderation",
                                              .about = "What may not be asked for.",
                                              .size = sizeof(struct moderation_config),
                                              FIELDS(moderation_fields)};

#define ROW struct provider_config
static const struct field provider_fields[] = {
    TEXT(id, .min = 1, .max = 40),
    CHOICE(kind, provider_kind_names),
    MAYBE_TEXT(base_url, .max = 500),
    MAYBE_RECORD(key, &config_secret_shape),
    MAYBE_RECORD(webhook_secret, &config_secret_shape,
                 .about = "What its webhooks are signed with."),
    MAYBE_TEXT(webhook_keys, .min = 8, .max = 500,
               .about =
                   "Where the keys are that FAL signs its webhooks with; its own unless said."),
    INT(concurrency, .min = 1, .max = 1000, .about = "Jobs at once."),
    INT(timeout_seconds, .is_optional = true, .min = 1, .max = 3600, .unit = "s",
        .about = "Of one request; a minute unless said."),
    INT(patience_seconds, .is_optional = true, .min = 10, .max = 86400, .unit = "s",
        .about = "How long an attempt may take in all; ten minutes unless said."),
    INT(poll_seconds, .is_optional = true, .min = 1, .max = 600, .unit = "s",
        .about = "Between two looks at a job of the provider's."),
    BOOL(allow_private_addresses, .is_optional = true,
         .about = "baseUrl may lead inside, to a local engine; only its own host is let in."),
};
#undef ROW
static const struct shape provider_shape = {.name = "provider",
                                            .about = "Who runs models.",
                                            .size = sizeof(struct provider_config),
                                            FIELDS(provider_fields)};

#define ROW struct package_config
static const struct field package_fields[] = {
    TEXT(id, .min = 1, .max = 40),
    TEXT(name, .min = 1, .max = 80),
    CREDITS(credits, .min = 1, .max = 1000000000),
    INT(price_cents, .min = 1, .max = 100000000),
    MAYBE_TEXT(stripe_price_id, .min = 1, .max = 255,
               .about = "Of Stripe; else name and price are told."),
    MAYBE_BOOL(is_active, .about = "False: no longer sold."),
    MAYBE_TEXT(polar_product_id, .min = 1, .max = 255, .about = "Of Polar."),
};
#undef ROW
const struct shape config_package_shape = {.name = "package",
                                           .about = "Credits that can be bought.",
                                           .size = sizeof(struct package_config),
                                           FIELDS(package_fields)};
const struct field config_package_item = ITEM_RECORD(&config_package_shape, struct package_config);

#define ROW struct processor_config
static const struct field processor_fields[] = {
    MAYBE_RECORD(key, &config_secret_shape, .about = "A secret or restricted key of the account."),
    MAYBE_RECORD(webhook_secret, &config_secret_shape,
                 .about = "Of its endpoint below /api/webhooks/. Without it no event is believed."),
    MAYBE_TEXT(base_url, .max = 500),
    BOOL(allow_private_addresses, .is_optional = true),
};
#undef ROW
static const struct shape processor_shape = {.name = "processor",
                                             .about = "Who takes the money.",
                                             .size = sizeof(struct processor_config),
                                             FIELDS(processor_fields)};

#define ROW struct payments_config
static const struct field payments_fields[] = {
    MAYBE_RECORD(stripe, &processor_shape),
    MAYBE_RECORD(polar, &processor_shape,
                 .about = "Beside Stripe it sells what has no price there."),
    MAYBE_TEXT(currency, .min = 3, .max = 3, .about = "As in usd, the default."),
    BOOL(packages_need_plan, .is_optional = true,
         .about = "Credits are sold only to who pays for a plan."),
};
#undef ROW
const struct shape config_payments_shape = {.name = "payments",
                                            .about = "How plans and credits are paid for.",
                                            .size = sizeof(struct payments_config),
                                            FIELDS(payments_fields)};

const struct field config_plan_item = ITEM_RECORD(&config_plan_shape, struct plan_config);
const struct field config_model_item = ITEM_RECORD(&config_model_shape, struct model_config);
const struct field config_provider_item = ITEM_RECORD(&provider_shape, struct provider_config);

const struct plan_config *config_plan(const struct studio_config *config, str key)
{
    const struct plan_config *plans = config->plans.items;
    for (size_t i = 0; i < config->plans.count; i++)
        if (str_equal(plans[i].key, key))
            return &plans[i];
    return NULL;
}

const struct model_config *config_model(const struct studio_config *config, str id)
{
    const struct model_config *models = config->models.items;
    for (size_t i = 0; i < config->models.count; i++)
        if (str_equal(models[i].id, id))
            return &models[i];
    return NULL;
}

str config_workflow(const struct studio_config *config, const struct model_config *model)
{
    const struct workflow_config *all = config->workflows.items;
    for (size_t i = 0; model->workflow.len != 0 && i < config->workflows.count; i++)
        if (str_equal(all[i].path, model->workflow))
            return all[i].text;
    return (str){0};
}

span config_timeout(const struct provider_config *provider, const struct model_config *model)
{
    if (model != NULL && model->timeout_seconds != 0)
        return SECONDS(model->timeout_seconds);
    return SECONDS(provider == NULL || provider->timeout_seconds == 0 ? 60
                                                                      : provider->timeout_seconds);
}

const struct provider *config_translator(const struct provider_config *provider)
{
    return provider == NULL ? NULL : translators[provider->kind];
}

str config_posting_keys(const struct provider_config *provider)
{
    bool has_secret = provider->webhook_secret != NULL && provider->webhook_secret->value.len != 0;
    if (provider->kind != PROVIDER_FAL || has_secret)
        return (str){0};
    return provider->webhook_keys.len != 0 ? provider->webhook_keys : STR(FAL_KEYS_URL);
}

const struct provider_config *config_provider(const struct studio_config *config, str id)
{
    const struct provider_config *providers = config->providers.items;
    for (size_t i = 0; i < config->providers.count; i++)
        if (str_equal(providers[i].id, id))
            return &providers[i];
    return NULL;
}

const struct processor_config *config_processor(const struct studio_config *config,
                                                const struct payment_service *service)
{
    return service == &polar_service ? config->payments.polar : config->payments.stripe;
}

static bool check_image(const struct studio_config *config, const struct model_config *model,
                        struct fault *fault)
{
    const struct provider_config *provider = config_provider(config, model->provider);
    str workflow = config_workflow(config, model);
    if (model->workflow.len != 0 && (workflow.len == 0 || provider->kind != PROVIDER_COMFYUI))
        return fault_set(fault, FAULT_INPUT,
                         "models: \"%.*s\" names a workflow, which is for ComfyUI and a file that "
                         "was there when the configuration was read",
                         STR_ARG(model->id));
    if (model->takes_image < TAKES_IMAGE_OPTIONAL)
        return true;
    if (provider->kind == PROVIDER_SKETCH)
        return fault_set(fault, FAULT_INPUT,
                         "models: \"%.*s\" cannot take a picture: its provider has no way for one",
                         STR_ARG(model->id));
    if (workflow.len != 0 && !workflow_takes_image(workflow))
        return fault_set(fault, FAULT_INPUT,
                         "models: \"%.*s\" takes a picture, but its workflow has no {image}",
                         STR_ARG(model->id));
    return true;
}

/* Whoever says nothing gets the first, so everybody must have that. */
static bool check_tiers(const struct studio_config *config, const struct model_config *model,
                        const struct list *tiers, struct fault *fault)
{
    const struct tier_config *all = tiers->items;
    for (size_t i = 0; i < tiers->count; i++) {
        const str *plans = all[i].plans.items;
        if (i == 0 && all[i].plans.count != 0)
            return fault_set(fault, FAULT_INPUT,
                             "models: \"%.*s\" has \"%.*s\" only for some plans, but it is its "
                             "default",
                             STR_ARG(model->id), STR_ARG(all[i].name));
        for (size_t k = 0; k < all[i].plans.count; k++)
            if (config_plan(config, plans[k]) == NULL)
                return fault_set(fault, FAULT_INPUT,
                                 "models: \"%.*s\" names the plan \"%.*s\", which is not there",
                                 STR_ARG(model->id), STR_ARG(plans[k]));
    }
    return true;
}

static bool check_model(const struct studio_config *config, const struct model_config *model,
                        struct fault *fault)
{
    if (config_model(config, model->id) != model)
        return fault_set(fault, FAULT_INPUT, "models: the id \"%.*s\" stands there twice",
                         STR_ARG(model->id));
    if (config_provider(config, model->provider) == NULL)
        return fault_set(
            fault, FAULT_INPUT,
            "models: \"%.*s\" names the provider \"%.*s\", which is not among providers",
            STR_ARG(model->id), STR_ARG(model->provider));
    if (model->kind == MEDIA_VIDEO && model->durations.count == 0)
        return fault_set(fault, FAULT_INPUT, "models: \"%.*s\" makes films but has no durations",
                         STR_ARG(model->id));
    if (!check_image(config, model, fault))
        return false;
    if (!check_tiers(config, model, &model->qualities, fault) ||
        !check_tiers(config, model, &model->resolutions, fault))
        return false;
    const str *fallbacks = model->fallbacks.items;
    for (size_t i = 0; i < model->fallbacks.count; i++) {
        const struct model_config *other = config_model(config, fallbacks[i]);
        if (other == NULL || other == model || other->kind != model->kind)
            return fault_set(
                fault, FAULT_INPUT,
                "models: \"%.*s\" names the fallback \"%.*s\", which is no other model "
                "of its kind",
                STR_ARG(model->id), STR_ARG(fallbacks[i]));
    }
    return true;
}

bool studio_config_check(const struct studio_config *config, struct fault *fault)
{
    const struct model_config *models = config->models.items;
    const struct provider_config *providers = config->providers.items;

    for (size_t i = 0; i < config->models.count; i++)
        if (!check_model(config, &models[i], fault))
            return false;
    for (size_t i = 0; i < config->providers.count; i++)
        if (config_translator(&providers[i]) != NULL && providers[i].base_url.len == 0 &&
            (providers[i].kind == PROVIDER_OPENAI ||
             config_translator(&providers[i])->base_url == NULL))
            return fault_set(fault, FAULT_INPUT, "providers: \"%.*s\" needs baseUrl",
                             STR_ARG(providers[i].id));
    return true;
}

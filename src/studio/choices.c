/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/choices.h"

#include "studio/catalogue.h"
#include "studio/users.h"

#include <math.h>

const struct tier_config *choices_tier(const struct list *tiers, str name)
{
    const struct tier_config *all = tiers->items;
    for (size_t i = 0; i < tiers->count; i++)
        if (str_equal_nocase(all[i].name, name))
            return &all[i];
    return NULL;
}

/* The one of that name, or the first; NULL: there are none. */
static const struct tier_config *chosen(const struct list *tiers, str name)
{
    const struct tier_config *named = choices_tier(tiers, name);
    return named == NULL && tiers->count != 0 ? tiers->items : named;
}

str choices_name(const struct list *tiers, str name)
{
    const struct tier_config *tier = chosen(tiers, name);
    return tier == NULL ? (str){0} : tier->name;
}

struct choice choices_of(const struct generation *g)
{
    return (struct choice){g->quality, g->resolution, g->duration, g->width, g->height};
}

/* How many times 1024 by 1024 it is; never less than once. */
static double pixels_times(const struct model_config *model, const struct choice *choice)
{
    const struct size_config *first = model->sizes.items;
    bool is_said = choice->width != 0 && choice->height != 0;
    int64_t width = is_said ? choice->width : first->width;
    int64_t height = is_said ? choice->height : first->height;
    return MAX_OF((double)(width * height) / (double)PRICED_PIXELS, 1.0);
}

credits choices_price(const struct model_config *model, const struct choice *choice)
{
    const struct tier_config *size = chosen(&model->resolutions, choice->resolution);
    const struct tier_config *care = chosen(&model->qualities, choice->quality);
    const int64_t *durations = model->durations.items;
    int64_t duration = choice->duration == 0 && durations != NULL ? durations[0] : choice->duration;
    int64_t price = model->price.n;
    if (size != NULL && size->price.is_set)
        price = size->price.value;
    if (size != NULL && size->micros_per_second != 0)
        price = MIN_OF((size->micros_per_second * duration * DOLLAR_CREDITS + 999999) / 1000000,
                       FILM_CREDITS_MAX);
    if (care != NULL && care->price.is_set)
        price = care->price.value;
    double times = (size != NULL && size->multiplier > 0 ? size->multiplier : 1) *
                   (care != NULL && care->multiplier > 0 ? care->multiplier : 1);
    if (model->price_by_pixels)
        times *= pixels_times(model, choice);
    /* A hair less, so that 3 x 1.1 / 1.1 is not rounded up to 4. */
    return (credits){(int64_t)ceil((double)price * times - 1e-6)};
}

static str names_of(struct call *call, const struct list *tiers)
{
    AUTO(buffer_done) struct buffer names = buffer_with_max(KIB(4));
    const struct tier_config *all = tiers->items;
    for (size_t i = 0; i < tiers->count; i++)
        buffer_format(&names, "%s%.*s", i == 0 ? "" : ", ", STR_ARG(all[i].name));
    return str_copy(call->arena, buffer_text(&names));
}

static bool has_plan(const struct tier_config *tier, str key)
{
    const str *plans = tier->plans.items;
    bool is_there = tier->plans.count == 0;
    for (size_t i = 0; i < tier->plans.count && !is_there; i++)
        is_there = str_equal(plans[i], key);
    return is_there;
}

/* Names of plans, as people know them. */
static str plans_of(struct call *call, const struct tier_config *tier)
{
    AUTO(buffer_done) struct buffer names = buffer_with_max(KIB(4));
    const str *plans = tier->plans.items;
    for (size_t i = 0; i < tier->plans.count; i++) {
        const struct plan_config *plan = config_plan(catalogue_of(call), plans[i]);
        buffer_format(&names, "%s%.*s", i == 0 ? "" : ", ",
                      STR_ARG(plan == NULL ? plans[i] : plan->name));
    }
    return str_copy(call->arena, buffer_text(&names));
}

static void check_plan(struct call *call, const struct tier_config *tier)
{
    struct user user;
    if (tier == NULL || tier->plans.count == 0)
        return;
    row_get(call, &user_type, call_caller(call), &user);
    REQUIRE(call, has_plan(tier, user.plan_key), FORBIDDEN,
            "%.*s comes with another plan: %.*s. Choose another one, or change your plan.",
            STR_ARG(tier->name), STR_ARG(plans_of(call, tier)));
}

static str take_tier(struct call *call, const struct model_config *model, const struct list *tiers,
                     str name, const char *path, const char *what)
{
    const struct tier_config *tier =
        name.len == 0 ? chosen(tiers, name) : choices_tier(tiers, name);
    if (tier == NULL && name.len != 0 && !call_failed(call)) {
        if (tiers->count == 0)
            call_fail_argument(call, path, "%.*s has no choice of %s.", STR_ARG(model->name), what);
        else
            call_fail_argument(call, path, "%.*s has no %s %.*s, but %.*s.", STR_ARG(model->name),
                               what, STR_ARG(utf8_cut(name, 40)), STR_ARG(names_of(call, tiers)));
    }
    check_plan(call, tier);
    return tier == NULL ? (str){0} : tier->name;
}

static void take_image(struct call *call, const struct model_config *model,
                       const struct generation_wish *wish, struct generation *g)
{
    bool is_given = doc_id_is_set(wish->image_id);
    struct asset asset;
    REQUIRE_ARGUMENT(call, is_given || model->takes_image != TAKES_IMAGE_REQUIRED, ".imageId",
                     "%.*s needs a picture to start from.", STR_ARG(model->name));
    REQUIRE_ARGUMENT(call,
                     !is_given || model->takes_image == TAKES_IMAGE_OPTIONAL ||
                         model->takes_image == TAKES_IMAGE_REQUIRED,
                     ".imageId", "%.*s does not start from a picture.", STR_ARG(model->name));
    REQUIRE_ARGUMENT(call, !wish->strength.is_set || is_given, ".strength",
                     "Strength is for a picture to start from, and there is none.");
    REQUIRE_ARGUMENT(call, !wish->strength.is_set || model->takes_strength, ".strength",
                     "%.*s has no strength: it goes from a picture as far as it likes.",
                     STR_ARG(model->name));
    if (!is_given)
        return;
    asset_get(call, wish->image_id, &asset);
    REQUIRE_ARGUMENT(call, asset.type == MEDIA_IMAGE, ".imageId",
                     "This is a film; a picture is needed to start from.");
    g->image_id = asset.id;
    g->strength = wish->strength;
}

void choices_fill(struct call *call, const struct model_config *model,
                  const struct generation_wish *wish, struct generation *g)
{
    g->quality = take_tier(call, model, &model->qualities, wish->quality, ".quality", "quality");
    g->resolution =
        take_tier(call, model, &model->resolutions, wish->resolution, ".resolution", "resolution");
    g->enhanced_prompt = wish->enhanced_prompt;
    REQUIRE_ARGUMENT(call, utf8_length(wish->enhanced_prompt) <= (size_t)model->prompt_max,
                     ".enhancedPrompt", "It is longer than the %lld characters that %.*s takes.",
                     (long long)model->prompt_max, STR_ARG(model->name));
    const struct tier_config *size = choices_tier(&model->resolutions, g->resolution);
    REQUIRE_ARGUMENT(
        call, size == NULL || size->duration_max == 0 || g->duration <= size->duration_max,
        ".duration", "%.*s makes films of %.*s only up to %lld s.", STR_ARG(model->name),
        STR_ARG(g->resolution), (long long)(size == NULL ? 0 : size->duration_max));
    REQUIRE_ARGUMENT(call, !wish->camera_fixed || model->takes_camera_fixed,
                     ".generationSettings.cameraFixed", "%.*s cannot keep its camera still.",
                     STR_ARG(model->name));
    g->camera_fixed = wish->camera_fixed;
    take_image(call, model, wish, g);
    struct choice choice = choices_of(g);
    g->price = choices_price(model, &choice);
}

/* What was chosen is there, or nothing was chosen but what is taken when nothing is said. */
static bool tier_fits(const struct list *asked, const struct list *has, str name)
{
    const struct tier_config *fallback = asked->items;
    return name.len == 0 || choices_tier(has, name) != NULL ||
           (asked->count != 0 && str_equal(fallback->name, name));
}

bool choices_fit(const struct model_config *asked, const struct model_config *model,
                 const struct generation *g)
{
    const struct tier_config *size = chosen(&model->resolutions, g->resolution);
    bool has_duration =
        size == NULL || size->duration_max == 0 || g->duration <= size->duration_max;
    bool has_image = doc_id_is_set(g->image_id) ? model->takes_image >= TAKES_IMAGE_OPTIONAL
                                                : model->takes_image != TAKES_IMAGE_REQUIRED;
    struct choice choice = choices_of(g);
    return tier_fits(&asked->qualities, &model->qualities, g->quality) &&
           tier_fits(&asked->resolutions, &model->resolutions, g->resolution) && has_duration &&
           has_image && choices_price(model, &choice).n <= g->price.n;
}

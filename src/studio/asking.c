/* SPDX-License-Identifier: Apache-2.0 */
#include "job/line.h"
#include "studio/generations.h"

#include "studio/alerts.h"
#include "studio/catalogue.h"
#include "studio/choices.h"
#include "studio/ledger.h"
#include "studio/making.h"
#include "studio/moderation.h"
#include "studio/quotas.h"
#include "studio/rates.h"
#include "studio/users.h"

static void check_size(struct call *call, const struct model_config *model,
                       const struct generation_wish *wish, struct generation *g)
{
    const struct size_config *sizes = model->sizes.items;
    g->width = wish->width.is_set ? wish->width.value : sizes[0].width;
    g->height = wish->height.is_set ? wish->height.value : sizes[0].height;

    bool is_offered = false;
    for (size_t i = 0; i < model->sizes.count; i++)
        is_offered |= sizes[i].width == g->width && sizes[i].height == g->height;
    if (is_offered)
        return;
    REQUIRE_ARGUMENT(call, model->any_size, ".width",
                     "%.*s does not make pictures of %lld by %lld.", STR_ARG(model->name),
                     (long long)g->width, (long long)g->height);
    REQUIRE_ARGUMENT(call, g->width >= 256 && g->width <= 2048, ".width",
                     "%lld is not between 256 and 2048.", (long long)g->width);
    REQUIRE_ARGUMENT(call, g->height >= 256 && g->height <= 2048, ".height",
                     "%lld is not between 256 and 2048.", (long long)g->height);
}

static void check_steps(struct call *call, const struct model_config *model,
                        const struct generation_wish *wish, struct generation *g)
{
    if (model->steps == NULL) {
        REQUIRE_ARGUMENT(call, !wish->steps.is_set, ".steps", "%.*s has no steps.",
                         STR_ARG(model->name));
        return;
    }
    double steps = wish->steps.is_set ? (double)wish->steps.value : model->steps->fallback;
    REQUIRE_ARGUMENT(call, steps >= model->steps->min && steps <= model->steps->max, ".steps",
                     "%.0f is not between %.0f and %.0f.", steps, model->steps->min,
                     model->steps->max);
    g->steps = (struct maybe_int){(int64_t)steps, true};
}

static void check_guidance(struct call *call, const struct model_config *model,
                           const struct generation_wish *wish, struct generation *g)
{
    if (model->guidance == NULL) {
        REQUIRE_ARGUMENT(call, !wish->guidance.is_set, ".guidance", "%.*s has no guidance.",
                         STR_ARG(model->name));
        return;
    }
    double guidance = wish->guidance.is_set ? wish->guidance.value : model->guidance->fallback;
    REQUIRE_ARGUMENT(call, guidance >= model->guidance->min && guidance <= model->guidance->max,
                     ".guidance", "%g is not between %g and %g.", guidance, model->guidance->min,
                     model->guidance->max);
    g->guidance = (struct maybe_number){guidance, true};
}

static void check_duration(struct call *call, const struct model_config *model,
                           const struct generation_wish *wish, struct generation *g)
{
    const int64_t *durations = model->durations.items;
    if (model->kind != MEDIA_VIDEO)
        return;
    g->duration = wish->duration.is_set ? wish->duration.value : durations[0];
    bool is_offered = false;
    for (size_t i = 0; i < model->durations.count; i++)
        is_offered |= durations[i] == g->duration;
    REQUIRE_ARGUMENT(call, is_offered, ".duration",
                     "%.*s makes films of %lld to %lld s, not of %lld s.", STR_ARG(model->name),
                     (long long)durations[0], (long long)durations[model->durations.count - 1],
                     (long long)g->duration);
}

static void check_words(struct call *call, const struct model_config *model,
                        const struct generation_wish *wish)
{
    size_t length = utf8_length(wish->prompt);
    REQUIRE_ARGUMENT(call, str_trim(wish->prompt).len > 0, ".prompt",
                     "Say what to make: the prompt is empty.");
    REQUIRE_ARGUMENT(call, length <= (size_t)model->prompt_max, ".prompt",
                     "%zu characters are more than the %lld that %.*s takes.", length,
                     (long long)model->prompt_max, STR_ARG(model->name));
    REQUIRE_ARGUMENT(call, wish->negative_prompt.len == 0 || model->takes_negative_prompt,
                     ".negativePrompt", "%.*s cannot leave things out.", STR_ARG(model->name));
    REQUIRE_ARGUMENT(call, !wish->seed.is_set || model->takes_seed, ".seed", "%.*s takes no seed.",
                     STR_ARG(model->name));
}

/* Keeps room for all that it may bring, so that many at once cannot end over the limit. */
static void reserve_room(struct call *call, const struct model_config *model, struct generation *g)
{
    g->bytes_expected = storage_expected(model, g->width, g->height, g->duration);
    g->reserved_outputs = g->num_images;
    struct storage_need need = generation_reserved(g, g->num_images);
    storage_reserve(call, g->user_id, &need);
}

/* Letters and digits of any script make a word; the rest parts words (MOD-01). */
static bool is_of_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80;
}

static bool holds_word(str text, str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        bool is_start = i == 0 || !is_of_word(text.at[i - 1]);
        bool is_end = i + word.len == text.len || !is_of_word(text.at[i + word.len]);
        if (is_start && is_end && str_equal_nocase(str_slice(text, i, i + word.len), word))
            return true;
    }
    return false;
}

static void check_banned(struct call *call, str text, const char *path)
{
    const struct studio_config *config = catalogue_of(call);
    const str *words = config->moderation.banned_words.items;
    for (size_t i = 0; i < config->moderation.banned_words.count; i++)
        REQUIRE_ARGUMENT(call, !holds_word(text, words[i]), path,
                         "This studio makes nothing with the word \"%.*s\". Change it and try "
                         "again; nothing was charged.",
                         STR_ARG(words[i]));
}

static void check_rates(struct call *call, const struct generation *g)
{
    struct user user;
    row_get(call, &user_type, g->user_id, &user);
    rates_take(call, g->user_id, config_plan(catalogue_of(call), user.plan_key),
               (enum rate_kind)g->kind);
}

static void put_outputs(struct call *call, const struct generation *g)
{
    for (int64_t i = 0; i < g->num_images; i++) {
        struct output output = {.generation_id = g->id, .number = i, .state = OUTPUT_WAITING};
        row_new(call, &output_type, &output);
        row_put(call, &output_type, &output);
    }
}

static void generation_fill(struct call *call, const struct model_config *model,
                            const struct generation_wish *wish, struct generation *g)
{
    check_words(call, model, wish);
    check_size(call, model, wish, g);
    check_steps(call, model, wish, g);
    check_guidance(call, model, wish, g);
    check_duration(call, model, wish, g);
    choices_fill(call, model, wish, g);
    g->num_images = wish->num_images.is_set ? wish->num_images.value : 1;
    REQUIRE_ARGUMENT(call, g->num_images >= 1 && g->num_images <= model->max_images, ".numImages",
                     "%lld is not between 1 and %lld.", (long long)g->num_images,
                     (long long)model->max_images);
    g->seed_is_given = wish->seed.is_set;
    g->seed = wish->seed.is_set ? wish->seed.value : (int64_t)random_below(call->random, 1u << 31);
}

/* Fair between users by what they ask for, weighted by their plan (DESIGN section 8, GEN-10). */
doc_id generation_line_up(struct call *call, const struct generation *g)
{
    struct user user;
    row_get(call, &user_type, g->user_id, &user);
    const struct plan_config *plan = config_plan(catalogue_of(call), user.plan_key);
    struct line_ticket ticket = {
        .owner = g->user_id.n,
        .cost = (double)g->credits_cost.n,
        .weight = plan == NULL || plan->priority <= 0 ? 1 : plan->priority,
        .at_once = plan == NULL ? 0 : plan->concurrent_jobs,
    };
    return line_queue(call, making_action.name, g->provider, g->id, &ticket);
}

void generation_create(struct call *call, const struct generation_wish *wish,
                       struct generation *out)
{
    const struct studio_config *config = catalogue_of(call);
    const struct model_config *model = config_model(config, wish->model);
    *out = (struct generation){0};
    REQUIRE_ARGUMENT(call, model != NULL, ".model", "There is no model \"%.*s\".",
                     STR_ARG(utf8_cut(wish->model, 80)));
    REQUIRE_ARGUMENT(call, config_is_active(model->is_active), ".model",
                     "%.*s is no longer offered.", STR_ARG(model->name));
    REQUIRE_ARGUMENT(call, model->kind == wish->kind, ".model", "%.*s does not make %s.",
                     STR_ARG(model->name), wish->kind == MEDIA_VIDEO ? "films" : "pictures");

    struct generation g = {
        .user_id = call_caller(call),
        .kind = model->kind,
        .status = GENERATION_PENDING,
        .prompt = wish->prompt,
        .negative_prompt = wish->negative_prompt,
        .model = model->id,
        .provider = model->provider,
        .is_public = wish->is_public,
        .created_at = call->now,
        .updated_at = call->now,
    };
    generation_fill(call, model, wish, &g);
    check_banned(call, wish->prompt, ".prompt");
    check_banned(call, wish->enhanced_prompt, ".enhancedPrompt");
    check_banned(call, wish->negative_prompt, ".negativePrompt");
    reserve_room(call, model, &g);
    check_rates(call, &g);
    quota_take(call, g.user_id, g.kind, g.num_images);
    if (call_failed(call))
        return;

    g.credits_cost = (credits){g.price.n * g.num_images};
    row_new(call, &generation_type, &g);
    g.hold_id = ledger_hold(call, g.user_id, g.credits_cost, g.id,
                            str_format(call->arena, "%.*s: %lld %s", STR_ARG(model->name),
                                       (long long)g.num_images,
                                       g.kind == MEDIA_VIDEO ? "film"
                                       : g.num_images == 1   ? "picture"
                                                             : "pictures"));
    g.job_id = moderation_is_asked(call)
                   ? job_queue(call, checking_action.name, STR(CHECKS_LANE), g.id)
                   : generation_line_up(call, &g);
    row_put(call, &generation_type, &g);
    put_outputs(call, &g);
    alert_low_credits(call, g.user_id);
    *out = g;
}

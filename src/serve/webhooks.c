/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/webhooks.h"

#include "provider/clerk.h"
#include "provider/hook.h"
#include "provider/payment.h"
#include "serve/route.h"
#include "serve/settings.h"
#include "studio/catalogue.h"
#include "json/json.h"

#include <string.h>

#define PREFIX "/api/webhooks/provider/"

struct posting {
    struct exchange *exchange;
};

static void on_taken(void *owner, struct mutation *mutation)
{
    struct posting *posting = owner;
    if (mutation->reply.error == ERROR_NONE)
        answer_json(posting->exchange, 200, mutation->reply.value);
    else
        answer_error(posting->exchange, 503, "Overloaded",
                     STR("This could not be taken just now. Post it again."), NULL);
    mutation_free(mutation);
}

/* Runs one of the program's own mutations with what was posted; answers when it is committed. */
static void take(struct front *front, struct exchange *exchange, const char *path, str args)
{
    struct mutation *mutation = mutation_new();
    struct posting *posting = arena_new(exchange_arena(exchange), struct posting);
    posting->exchange = exchange;
    mutation->request = (struct call_request){
        .path = str_of(path), .args = str_copy(&mutation->arena, args), .is_internal = true};
    mutation->done = on_taken;
    mutation->owner = posting;
    if (front_mutate(front, mutation))
        return;
    mutation_free(mutation);
    answer_error(exchange, 503, "Overloaded", STR("The server is busy. Post it again."), NULL);
}

static void add_text(struct buffer *args, const char *before, str text)
{
    buffer_str(args, str_of(before));
    json_write_text(args, text);
}

static struct provider_hook hook_of(struct arena *arena, const struct http_request *request)
{
    struct provider_header *headers =
        arena_array(arena, struct provider_header, request->header_count);
    for (size_t i = 0; i < request->header_count; i++)
        headers[i] = (struct provider_header){request->headers[i].name, request->headers[i].value};
    return (struct provider_hook){.headers = headers,
                                  .header_count = request->header_count,
                                  .body = request->body,
                                  .now = front_now()};
}

/* Whether it is signed by the keys of its sender, which may have changed since we fetched them. */
static bool read_with_keys(struct front *front, struct arena *arena, str keys_at,
                           const struct provider *translator, struct provider_site *site,
                           const struct provider_hook *hook, str *job, bool *is_coming)
{
    struct verifier *verifier = front->options.verifier;
    site->webhook_secret = verifier_posting_keys(verifier, arena, keys_at);
    if (site->webhook_secret.len != 0 && translator->hooked(arena, site, hook, job))
        return true;
    *is_coming = verifier_wants_posting_keys(verifier, keys_at);
    return false;
}

/* is_coming: it may be the provider's; the keys to tell by are on their way. */
static bool read_hook(struct front *front, struct arena *arena,
                      const struct provider_config *provider, const struct http_request *request,
                      str *job, bool *is_coming)
{
    const struct provider *translator = config_translator(provider);
    struct provider_hook hook = hook_of(arena, request);
    str keys_at = config_posting_keys(provider);
    struct provider_site site = {
        .base_url = provider->base_url,
        .webhook_secret =
            provider->webhook_secret == NULL ? (str){0} : provider->webhook_secret->value,
    };
    *is_coming = false;
    if (translator == NULL || translator->hooked == NULL || !utf8_is_valid(request->body))
        return false;
    if (keys_at.len != 0)
        return read_with_keys(front, arena, keys_at, translator, &site, &hook, job, is_coming);
    return translator->hooked(arena, &site, &hook, job);
}

static void take_job(struct front *front, struct exchange *exchange,
                     const struct provider_config *provider, str job)
{
    AUTO(buffer_done) struct buffer args = buffer_with_max(KIB(16));
    add_text(&args, "{\"provider\":", provider->id);
    add_text(&args, ",\"job\":", utf8_cut(job, PROVIDER_JOB_MAX));
    buffer_char(&args, '}');
    take(front, exchange, "providers:hook", buffer_text(&args));
}

static void refuse_job(struct exchange *exchange, bool is_coming)
{
    if (is_coming)
        answer_error(exchange, 503, "KeysNotYet",
                     STR("The keys that this is signed with are not here yet. Post it again."),
                     NULL);
    else
        answer_error(exchange, 400, "BadWebhook",
                     STR("This is not signed by the provider, or not about one of its jobs."),
                     NULL);
}

void webhooks_provider(struct front *front, struct exchange *exchange,
                       const struct http_request *request)
{
    struct arena *arena = exchange_arena(exchange);
    str path = http_path(arena, request), job = {0};
    bool is_coming;
    const struct provider_config *provider = config_provider(
        catalogue_file(front->options.program->config), str_slice(path, strlen(PREFIX), path.len));
    if (provider == NULL)
        answer_error(exchange, 404, "NotFound", STR("There is no provider of this name."), NULL);
    else if (read_hook(front, arena, provider, request, &job, &is_coming))
        take_job(front, exchange, provider, job);
    else
        refuse_job(exchange, is_coming);
}

/* Whose secret fits, before those that have none and take any: they are only made to look. */
void webhooks_replicate(struct front *front, struct exchange *exchange,
                        const struct http_request *request)
{
    struct arena *arena = exchange_arena(exchange);
    const struct studio_config *config = catalogue_file(front->options.program->config);
    const struct provider_config *providers = config->providers.items, *chosen = NULL;
    str job = {0}, chosen_job = {0};
    bool is_coming;
    for (size_t i = 0; i < config->providers.count; i++) {
        bool has_secret =
            providers[i].webhook_secret != NULL && providers[i].webhook_secret->value.len != 0;
        if (providers[i].kind != PROVIDER_REPLICATE || (chosen != NULL && !has_secret) ||
            !read_hook(front, arena, &providers[i], request, &job, &is_coming))
            continue;
        chosen = &providers[i];
        chosen_job = job;
        if (has_secret)
            break;
    }
    if (chosen == NULL)
        refuse_job(exchange, false);
    else
        take_job(front, exchange, chosen, chosen_job);
}

static void take_event(struct front *front, struct exchange *exchange,
                       const struct http_request *request, const struct payment_service *service,
                       const char *path)
{
    struct arena *arena = exchange_arena(exchange);
    const struct processor_config *config =
        config_processor(catalogue_file(front->options.program->config), service);
    struct provider_hook hook = hook_of(arena, request);
    struct payment_event event;
    bool is_theirs = config != NULL && config->webhook_secret != NULL &&
                     utf8_is_valid(request->body) && utf8_is_valid(hook_id(&hook)) &&
                     service->is_signed(arena, config->webhook_secret->value, &hook) &&
                     service->event_read(arena, hook_id(&hook), request->body, &event);
    if (!is_theirs) {
        answer_error(exchange, 400, "BadWebhook",
                     str_format(arena,
                                "This is not signed by %s just now, or is none of its events.",
                                service->title),
                     NULL);
        return;
    }
    AUTO(buffer_done) struct buffer args = buffer_with_max(CALL_ARGS_MAX);
    add_text(&args, "{\"body\":", request->body);
    if (service == &polar_service)
        add_text(&args, ",\"id\":", event.id);
    buffer_char(&args, '}');
    take(front, exchange, path, buffer_text(&args));
}

void webhooks_stripe(struct front *front, struct exchange *exchange,
                     const struct http_request *request)
{
    take_event(front, exchange, request, &stripe_service, "stripe:handleStripeWebhook");
}

void webhooks_polar(struct front *front, struct exchange *exchange,
                    const struct http_request *request)
{
    take_event(front, exchange, request, &polar_service, "polar:handlePolarWebhook");
}

void webhooks_clerk(struct front *front, struct exchange *exchange,
                    const struct http_request *request)
{
    struct arena *arena = exchange_arena(exchange);
    const struct clerk_settings *clerk = front->options.clerk;
    struct provider_hook hook = hook_of(arena, request);
    struct clerk_event event;
    bool is_theirs = clerk != NULL && clerk->webhook_secret != NULL &&
                     utf8_is_valid(request->body) && utf8_is_valid(hook_id(&hook)) &&
                     hook_is_signed(arena, clerk->webhook_secret->value, &hook) &&
                     clerk_event_read(arena, request->body, &event);
    if (!is_theirs) {
        answer_error(exchange, 400, "BadWebhook",
                     STR("This is not signed by Clerk just now, or is none of its events."), NULL);
        return;
    }
    AUTO(buffer_done) struct buffer args = buffer_with_max(CALL_ARGS_MAX);
    add_text(&args, "{\"id\":", utf8_cut(hook_id(&hook), 255));
    add_text(&args, ",\"body\":", request->body);
    if (clerk->issuer.len != 0)
        add_text(&args, ",\"issuer\":", clerk->issuer);
    buffer_char(&args, '}');
    take(front, exchange, "clerk:handleClerkWebhook", buffer_text(&args));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/webhooks.h"

#include "provider/hook.h"
#include "provider/payment.h"
#include "serve/route.h"
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

static bool read_hook(struct arena *arena, const struct provider_config *provider,
                      const struct http_request *request, str *job)
{
    const struct provider *translator = config_translator(provider);
    struct provider_hook hook = hook_of(arena, request);
    struct provider_site site = {
        .base_url = provider->base_url,
        .webhook_secret =
            provider->webhook_secret == NULL ? (str){0} : provider->webhook_secret->value,
    };
    return translator != NULL && translator->hooked != NULL && utf8_is_valid(request->body) &&
           translator->hooked(arena, &site, &hook, job);
}

void webhooks_provider(struct front *front, struct exchange *exchange,
                       const struct http_request *request)
{
    struct arena *arena = exchange_arena(exchange);
    str path = http_path(arena, request), job = {0};
    const struct provider_config *provider = config_provider(
        catalogue_file(front->options.program->config), str_slice(path, strlen(PREFIX), path.len));
    if (provider == NULL) {
        answer_error(exchange, 404, "NotFound", STR("There is no provider of this name."), NULL);
        return;
    }
    if (!read_hook(arena, provider, request, &job)) {
        answer_error(exchange, 400, "BadWebhook",
                     STR("This is not signed by the provider, or not about one of its jobs."),
                     NULL);
        return;
    }
    AUTO(buffer_done) struct buffer args = buffer_with_max(KIB(16));
    buffer_str(&args, STR("{\"provider\":"));
    json_write_text(&args, provider->id);
    buffer_str(&args, STR(",\"job\":"));
    json_write_text(&args, utf8_cut(job, PROVIDER_JOB_MAX));
    buffer_char(&args, '}');
    take(front, exchange, "providers:hook", buffer_text(&args));
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
                     utf8_is_valid(request->body) &&
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
    buffer_char(&args, '{');
    if (service == &polar_service) {
        buffer_str(&args, STR("\"id\":"));
        json_write_text(&args, event.id);
        buffer_char(&args, ',');
    }
    buffer_str(&args, STR("\"body\":"));
    json_write_text(&args, request->body);
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

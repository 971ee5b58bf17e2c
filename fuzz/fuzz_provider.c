/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What providers answer and post. The first byte chooses which and how, the second the status; the
 * rest is the body, for postings with lines before it: signature, moment, id. Whatever it is, what
 * comes of it is inside its limits, and jobs stay under our own base.
 */
#include <assert.h>

#include "provider/provider.h"

#include "fuzz.h"

#include <string.h>

#define BASE "https://base.example"

static const struct provider *const all[] = {
    &openai_provider,        &replicate_provider, &fal_provider,       &openrouter_provider,
    &automatic1111_provider, &comfyui_provider,   &moderation_provider};
static const int statuses[] = {200, 201, 202, 400, 401, 402, 403,
                               404, 410, 422, 429, 500, 503, 504};

static const struct provider_site site = {
    .base_url = STR(BASE),
    .key = STR("key"),
    .webhook_secret = STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
};

static void check_path(str url)
{
    assert(str_starts(url, STR(BASE "/")));
    assert(!str_contains(url, STR("/../")) && str_find(url, ' ') < 0);
    assert(str_find(url, '?') < 0 && str_find(url, '#') < 0 && str_find(url, '\n') < 0);
}

static void check_job(struct arena *arena, const struct provider *provider, str job)
{
    struct provider_request request;
    assert(job.len != 0 && job.len <= PROVIDER_JOB_MAX);
    provider->poll(arena, &site, job, &request);
    check_path(request.url);
    if (provider->cancel == NULL)
        return;
    provider->cancel(arena, &site, job, &request);
    check_path(request.url);
}

/* An answer to a poll may leave the job as it was. */
static void check_answer(struct arena *arena, const struct provider *provider, bool is_poll,
                         const struct provider_answer *answer)
{
    assert(answer->output_count <= PROVIDER_OUTPUTS_MAX && answer->cause.len <= 420);
    for (size_t i = 0; i < answer->output_count; i++) {
        str url = answer->outputs[i].url;
        assert(answer->outputs[i].content.at != NULL || str_starts(url, STR("/")) ||
               str_starts(url, STR("http")));
    }
    if (answer->failure != PROVIDER_OK)
        assert(answer->text.len != 0 && !answer->is_pending && answer->output_count == 0);
    else if (answer->is_pending && (answer->job.len != 0 || !is_poll))
        check_job(arena, provider, answer->job);
    else
        assert(answer->is_pending ||
               (answer->output_count != 0) == (provider != &moderation_provider));
}

static void read_hook(struct arena *arena, const struct provider *provider, str body, bool is_open)
{
    struct provider_site whose = site;
    struct provider_header headers[6];
    static const char *const names[] = {
        "webhook-signature",       "webhook-timestamp",       "webhook-id",
        "x-fal-webhook-signature", "x-fal-webhook-timestamp", "x-fal-webhook-request-id"};
    str lines[3] = {{0}}, job = {0};
    for (size_t i = 0; i < ARRAY_LEN(lines) && str_split(&body, '\n', &lines[i]); i++)
        continue;
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        headers[i] = (struct provider_header){str_of(names[i]), lines[i % 3]};
    struct provider_hook hook = {headers, ARRAY_LEN(headers), body, {INT64_C(1614265330000000)}};
    if (is_open)
        whose.webhook_secret = (str){0};
    if (provider->hooked != NULL && provider->hooked(arena, &whose, &hook, &job))
        assert(job.len != 0 && job.len <= PROVIDER_JOB_MAX);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    struct provider_answer answer;
    if (size < 2)
        return 0;
    str body = {(const char *)data + 2, size - 2};
    const struct provider *provider = all[(data[0] & 15) % ARRAY_LEN(all)];
    int status = statuses[data[1] % ARRAY_LEN(statuses)];
    memset(&answer, 0x5a, sizeof(answer));
    if (!utf8_is_valid(body))
        return 0;
    if (data[0] & 32) {
        read_hook(&arena, provider, body, (data[0] & 64) != 0);
        return 0;
    }
    bool is_poll = (data[0] & 16) != 0 && provider->polled != NULL;
    (is_poll ? provider->polled : provider->submitted)(&arena, status, body, &answer);
    check_answer(&arena, provider, is_poll, &answer);
    return 0;
}

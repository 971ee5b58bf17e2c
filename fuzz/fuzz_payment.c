/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What payment services and Clerk post and answer. The first byte chooses which and what; of
 * signatures the first three lines are the header, the moment and the id. Whatever it is, an event
 * has an id and a moment that rows can keep, a subscription stays in its place in an address, and
 * nothing is signed that was not signed by us.
 */
#include <assert.h>

#include "provider/clerk.h"
#include "provider/hook.h"
#include "provider/payment.h"

#include "fuzz.h"

#include <string.h>

#define BASE "https://base.example"

static const struct provider_site site = {.base_url = STR(BASE), .key = STR("key")};

static bool is_moment(instant at)
{
    return at.us >= 0 && at.us < INT64_C(253402387200) * 1000000;
}

static void check_subscription(struct arena *arena, const struct payment_service *service,
                               const struct payment_subscription *told)
{
    static const char path[] = BASE "/v1/subscriptions/";
    struct provider_request request;
    assert(is_moment(told->period_start) && is_moment(told->period_end));
    assert(is_moment(told->trial_end) && is_moment(told->ended_at));
    if (told->id.len == 0 || told->id.len > 255)
        return;
    service->cancel(arena, &site, told->id, true, &request);
    assert(str_starts(request.url, str_of(path)));
    str id = str_slice(request.url, sizeof(path) - 1, request.url.len);
    assert(str_find(id, '/') < 0 && str_find(id, '?') < 0 && str_find(id, '#') < 0);
    assert(str_find(id, '\n') < 0 && str_find(id, ' ') < 0);
}

static void read_event(struct arena *arena, const struct payment_service *service, str body)
{
    struct payment_event event;
    memset(&event, 0x5a, sizeof(event));
    if (!service->event_read(arena, STR("msg_1"), body, &event))
        return;
    assert(str_equal(str_of(event.processor), str_of(service->name)));
    assert(event.id.len != 0 && event.id.len <= 255 && event.type.len <= 100);
    assert(event.created.us > 0 && is_moment(event.created));
    if (event.kind == PAYMENT_SUBSCRIPTION)
        check_subscription(arena, service, &event.subscription);
    assert(is_moment(event.invoice.period_start) && is_moment(event.invoice.period_end));
}

static void read_answer(struct arena *arena, const struct payment_service *service, str body)
{
    struct payment_subscription told;
    str url;
    if (service->page_read(arena, 200, body, &url))
        assert(str_starts(url, STR("http")));
    if (payment_subscription_read(service, arena, 200, body, &told))
        check_subscription(arena, service, &told);
}

static void read_person(struct arena *arena, str body)
{
    struct clerk_event event;
    if (!clerk_event_read(arena, body, &event) || event.kind == CLERK_NONE)
        return;
    assert(event.user.len != 0 && event.user.len <= 255 && is_moment(event.updated_at));
    if (event.kind == CLERK_USER)
        assert(event.email.at != NULL && event.first_name.at != NULL && event.image.at != NULL);
}

/* The key is one that no input can know. */
static void read_signature(struct arena *arena, const struct payment_service *service, str body)
{
    static const char *const names[] = {"stripe-signature", "svix-signature", "webhook-signature",
                                        "webhook-timestamp", "webhook-id"};
    str lines[3] = {{0}};
    struct provider_header headers[5];
    for (size_t i = 0; i < 3 && str_split(&body, '\n', &lines[i]); i++)
        continue;
    for (size_t i = 0; i < 5; i++)
        headers[i] = (struct provider_header){str_of(names[i]), lines[i < 3 ? 0 : i - 2]};
    struct provider_hook hook = {headers, 5, body, {INT64_C(1614265330000000)}};
    assert(!service->is_signed(arena, STR("whsec_q83vEjRWeJC9q83vEjRWeJC9"), &hook));
    assert(hook_id(&hook).len == lines[2].len);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    if (size < 1)
        return 0;
    str body = {(const char *)data + 1, size - 1};
    const struct payment_service *service = payment_services[(data[0] & 1) % payment_service_count];
    if (!utf8_is_valid(body))
        return 0;
    switch (data[0] >> 1 & 3) {
    case 0:
        read_event(&arena, service, body);
        break;
    case 1:
        read_answer(&arena, service, body);
        break;
    case 2:
        read_person(&arena, body);
        break;
    default:
        read_signature(&arena, service, body);
        break;
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "studio_outside_inside.h"

#include <stdio.h>

size_t outside_orders(const struct pretend *outside)
{
    return outside->order_count;
}

const struct commission *outside_order(const struct pretend *outside, size_t at)
{
    return &outside->orders[at];
}

size_t outside_mishaps(const struct pretend *outside, enum mishap mishap)
{
    return outside->mishaps[mishap];
}

const char *outside_wrong(const struct pretend *outside)
{
    return outside->wrong;
}

void order_name(const struct commission *order, char name[40])
{
    snprintf(name, 40, "order-%lld", (long long)order->number);
}

struct commission *order_get(struct pretend *outside, int64_t number)
{
    bool is_known = number >= 1 && (size_t)number <= outside->order_count;
    if (!is_known)
        outside->wrong = "a provider is asked about an order that it never took";
    return is_known ? &outside->orders[number - 1] : NULL;
}

struct commission *order_named(struct pretend *outside, str name)
{
    long long number = 0;
    char text[60];
    snprintf(text, sizeof(text), "%.*s", STR_ARG(name));
    if (sscanf(text, "order-%lld", &number) != 1)
        number = 0;
    return order_get(outside, number);
}

static int64_t generation_of(const struct work *work)
{
    long long generation = 0, attempt = 0;
    char key[60];
    snprintf(key, sizeof(key), "%.*s", STR_ARG(work->wish.idempotency_key));
    return sscanf(key, "atelier-%lld-%lld", &generation, &attempt) == 2 ? generation : 0;
}

void rest_put(struct pretend *outside, const struct work *work, span wait)
{
    struct rest *rest = &outside->rests[outside->rest_count++ % RESTS_MAX];
    *rest = (struct rest){generation_of(work), work->site.base_url.len, work->provider,
                          outside->now, instant_add(outside->now, wait)};
}

void rest_check(struct pretend *outside, const struct work *work)
{
    for (size_t i = 0; i < MIN_OF(outside->rest_count, (size_t)RESTS_MAX); i++) {
        const struct rest *rest = &outside->rests[i];
        if (rest->generation == generation_of(work) && rest->provider == work->provider &&
            rest->site == work->site.base_url.len && rest->from.us <= outside->now.us &&
            outside->now.us < rest->until.us)
            outside->wrong = "a provider is asked again before the time that it named";
    }
}

/* A provider that is asked the same twice would do it twice. */
static void check_key(struct pretend *outside, const struct commission *order)
{
    for (size_t i = outside->order_count; i > 0; i--)
        if (outside->orders[i - 1].generation == order->generation &&
            outside->orders[i - 1].attempt == order->attempt)
            outside->wrong = "the same attempt was sent twice";
}

struct commission *order_take(struct pretend *outside, const struct work *work, enum mishap mishap)
{
    long long generation = 0, attempt = 0;
    char key[60];
    snprintf(key, sizeof(key), "%.*s", STR_ARG(work->wish.idempotency_key));
    if (sscanf(key, "atelier-%lld-%lld", &generation, &attempt) != 2)
        outside->wrong = "a request without a key of its own";
    struct commission order = {.generation = generation,
                               .attempt = attempt,
                               .number = (int64_t)outside->order_count + 1,
                               .asked = work->wish.count,
                               .sends = work->wish.count,
                               .is_film = work->wish.is_video,
                               .has_job = work->provider->poll != NULL,
                               .provider = work->provider,
                               .seed = work->wish.seed.value,
                               .has_seed = work->wish.seed.is_set,
                               .lies = mishap == MISHAP_LIES,
                               .fails = mishap == MISHAP_JOB_FAILED || mishap == MISHAP_JOB_BILLED,
                               .is_billed = mishap == MISHAP_JOB_BILLED,
                               .is_lost = mishap == MISHAP_JOB_LOST,
                               .never_ends = mishap == MISHAP_JOB_ENDLESS};
    order.ready_at =
        instant_add(outside->now, MILLISECONDS((int64_t)outside_below(outside, 20000)));
    if (mishap == MISHAP_FEWER)
        order.sends = (int64_t)outside_below(outside, (uint64_t)order.asked);
    if (mishap == MISHAP_MORE)
        order.sends = MIN_OF(order.asked + 3, (int64_t)ORDER_OUTPUTS_MAX);
    order.fails |= work->provider == outside->sick;
    check_key(outside, &order);
    if (outside->order_count == outside->order_room) {
        outside->order_room = MAX_OF(outside->order_room * 2, (size_t)64);
        outside->orders =
            memory_resize(outside->orders, outside->order_room * sizeof(*outside->orders));
    }
    outside->orders[outside->order_count] = order;
    return &outside->orders[outside->order_count++];
}

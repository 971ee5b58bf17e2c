/* SPDX-License-Identifier: Apache-2.0 */
/* What people, providers, the payment service and the operator do to the studio. */
#include "base/buffer.h"
#include "check.h"
#include "studio/attempts.h"
#include "studio/ledger.h"
#include "studio/users.h"
#include "studio_shadow.h"

#include <stdio.h>

static uint64_t below(struct life *life, uint64_t bound)
{
    return life_below(life, bound);
}

/* ---- what the program does by itself ---- */

struct gift {
    struct life *life;
    size_t person;
    int64_t amount;
    uint64_t number;
    instant expires_at;
    str plan; /* empty: credits */
    bool was_given, is_adjustment;
};

static void give(struct call *call, void *context)
{
    struct gift *gift = context;
    struct user user;
    str key = user_external_key(call->arena, gift->life->people[gift->person]);
    doc_id id = row_first(call, index_of(&user_type, "by_external_key"), KEY(key_text(key)));
    if (!row_find(call, &user_type, id, &user))
        return;
    if (gift->plan.len != 0) {
        user.plan_key = gift->plan;
        row_put(call, &user_type, &user);
        return;
    }
    key = str_format(call->arena, "payment:%llu", (unsigned long long)gift->number);
    if (gift->is_adjustment)
        ledger_adjust(call, id, (credits){gift->amount}, TRANSACTION_ADJUSTMENT, key,
                      STR("By hand"));
    else
        gift->was_given = ledger_grant(call, id, (credits){gift->amount}, TRANSACTION_PURCHASE, key,
                                       STR("A package"), gift->expires_at);
}

static void set_plan(struct life *life, size_t person, const char *plan)
{
    struct gift gift = {.life = life, .person = person, .plan = str_of(plan)};
    life_tell(life, "plan", gift.plan);
    house_do(life->house, give, &gift);
    life_look(life);
}

/* ---- people ---- */

static void ask_for_film(struct life *life, size_t person, const char *model, int seconds)
{
    AUTO(arena_done) struct arena arena = {0};
    life_call(life, person, false, "videos:createVideo",
              str_format(&arena, "{\"prompt\":\"a film\",\"model\":\"%s\",\"duration\":\"%d\"}",
                         model, seconds));
}

/* The newest row of this person's; empty: they have none. */
static str newest_of(struct life *life, struct arena *arena, const struct doc_type *type,
                     size_t person)
{
    struct json rows = rows_of(life->house, arena, type);
    for (size_t i = rows.count; i > 0; i--)
        if (str_equal(json_text(json_get(&rows.items[i - 1], "userId")),
                      str_of(life->user_ids[person])))
            return json_text(json_get(&rows.items[i - 1], "_id"));
    return (str){0};
}

static void ask_as(struct life *life, size_t person)
{
    static const struct {
        const char *model;
        int most, seconds; /* seconds: a film of that many */
    } offers[] = {{"sketch", 4, 0},    {"sketch-motion", 1, 4}, {"painter", 3, 0},
                  {"printer", 3, 0},   {"gilder", 3, 0},        {"etcher", 3, 0},
                  {"mirrored", 4, 0},  {"quickened", 4, 0},     {"reel", 1, 6},
                  {"mirrored", 4, 0},  {"quickened", 4, 0},     {"cinema", 1, 6},
                  {"retoucher", 1, 0}, {"etcher", 3, 0},        {"gorgon", 1, 0}};
    AUTO(arena_done) struct arena arena = {0};
    size_t at = (size_t)below(life, ARRAY_LEN(offers));
    int count = 1 + (int)below(life, (uint64_t)offers[at].most);
    str image = STR("");
    if (offers[at].seconds != 0) {
        ask_for_film(life, person, offers[at].model, offers[at].seconds);
        return;
    }
    if (str_equal(str_of(offers[at].model), STR("retoucher")))
        image = newest_of(life, &arena, &asset_type, person);
    if (below(life, 30) == 0)
        count = 9; /* more than any model makes */
    life_call(life, person, false, "generations:createGenerationJob",
              str_format(&arena,
                         "{\"prompt\":\"a kite\",\"model\":\"%s\",\"numImages\":%d%s%.*s%s}",
                         offers[at].model, count, image.len == 0 ? "" : ",\"imageId\":\"",
                         STR_ARG(image), image.len == 0 ? "" : "\""));
}

static void ask(struct life *life)
{
    ask_as(life, (size_t)below(life, LIFE_PEOPLE));
}

/* As fast as a program can. */
static void ask_often(struct life *life)
{
    size_t person = (size_t)below(life, LIFE_PEOPLE);
    uint64_t times = 3 + below(life, 8);
    for (uint64_t i = 0; i < times; i++)
        ask_as(life, person);
}

/* Whoever may ask five times a minute asks before the minute is over, and again after it. */
static void rush(struct life *life)
{
    size_t person = (size_t)below(life, LIFE_PEOPLE);
    int taken = 0;
    struct house *house = life->house;
    int64_t left = MINUTES(1).us - house->now.us % MINUTES(1).us;
    if (life->till.customers[person].was_here)
        return;
    set_plan(life, person, "queue");
    life_pass(life, (span){left - SECONDS(2).us + (left < SECONDS(2).us ? MINUTES(1).us : 0)});
    for (int i = 0; i < 12; i++) {
        if (i == 6)
            life_pass(life, SECONDS(3));
        uint64_t crashes = life->counts->crashes;
        bool worked = life_call(life, person, false, "generations:createGenerationJob",
                                STR("{\"prompt\":\"a rush\",\"model\":\"sketch\"}"));
        taken += worked && crashes == life->counts->crashes;
    }
    /* Nobody's five a minute are more than one above five in three seconds. */
    if (taken > 6)
        life_wrong(life, "%d were taken within seconds, of five a minute", taken);
}

/* Of anybody's row, by anybody: what is not theirs is refused. */
static bool do_to_a_row(struct life *life, const struct doc_type *type, bool is_internal,
                        const char *path, const char *member)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json rows = rows_of(life->house, &arena, type);
    if (rows.count == 0)
        return false;
    /* The newest ones: of the rest most have ended. */
    size_t back = (size_t)below(life, MIN_OF(rows.count, (size_t)8));
    const struct json *row = &rows.items[rows.count - 1 - back];
    str id = json_text(json_get(row, "_id")), owner = json_text(json_get(row, "userId"));
    size_t person = (size_t)below(life, LIFE_PEOPLE);
    for (size_t i = 0; i < LIFE_PEOPLE && below(life, 8) != 0; i++)
        if (str_equal(owner, str_of(life->user_ids[i])))
            person = i;
    return life_call(life, person, is_internal, path,
                     str_format(&arena, "{\"%s\":\"%.*s\"}", member, STR_ARG(id)));
}

/* ---- providers ---- */

/* Early, late, again, of an unknown job: it only makes us look. */
static void post(struct life *life)
{
    AUTO(arena_done) struct arena arena = {0};
    char name[40] = "order-999999";
    size_t orders = outside_orders(life->house->outside);
    if (orders > 0 && below(life, 8) != 0)
        order_name(outside_order(life->house->outside,
                                 orders - 1 - (size_t)below(life, MIN_OF(orders, (size_t)12))),
                   name);
    str args = str_format(&arena, "{\"provider\":\"%s\",\"job\":\"%s\"}",
                          below(life, 2) == 0 ? "mirror" : "quick", name);
    life->counts->postings++;
    life_call(life, 0, true, "providers:hook", args);
}

/* ---- money ---- */

/* A payment's event comes once, or twice, or much later again: its key gives once. */
static void pay(struct life *life)
{
    struct gift gift = {.life = life,
                        .person = (size_t)below(life, LIFE_PEOPLE),
                        .amount = 1 + (int64_t)below(life, 80),
                        .number = below(life, 3) == 0 ? below(life, life->payments + 1)
                                                      : ++life->payments};
    if (below(life, 2) == 0)
        gift.expires_at = instant_add(life->house->now, MINUTES(1 + (int64_t)below(life, 3000)));
    life_tell(life, "pay", STR(""));
    house_do(life->house, give, &gift);
    *(gift.was_given ? &life->counts->grants : &life->counts->grants_again) += 1;
    life_look(life);
}

static void adjust(struct life *life)
{
    struct gift gift = {.life = life,
                        .person = (size_t)below(life, LIFE_PEOPLE),
                        .amount = (int64_t)below(life, 120) - 70,
                        .number = ++life->payments,
                        .is_adjustment = true};
    if (gift.amount == 0)
        return;
    life_tell(life, "adjust", STR(""));
    life->adjusted[gift.person] += gift.amount;
    house_do(life->house, give, &gift);
    life->counts->adjustments++;
    life_look(life);
}

/* Who pays for theirs has that one. */
static void change_plan(struct life *life)
{
    static const char *const plans[] = {"free", "queue", "tiny", "queue"};
    size_t person = (size_t)below(life, LIFE_PEOPLE);
    const char *plan = plans[below(life, ARRAY_LEN(plans))];
    if (!life->till.customers[person].was_here)
        set_plan(life, person, plan);
}

static int64_t said_number(const struct life *life, const char *member)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json reply;
    struct fault fault = {0};
    if (!json_read(&arena, str_of(life->said), 0, &reply, &fault))
        return -1;
    return json_int(json_get(&reply, member), -1);
}

/* All or nothing: what is there is taken, and nobody owes for it. When the answer was lost with the
 * process, it may have been done. */
static void deduct(struct life *life)
{
    AUTO(arena_done) struct arena arena = {0};
    size_t person = (size_t)below(life, LIFE_PEOPLE);
    int64_t amount = 1 + (int64_t)below(life, 60);
    int64_t before = shadow_adjusted(life->shadow, life->user_ids[person]);
    uint64_t crashes = life->counts->crashes;
    str args = str_format(&arena, "{\"userId\":\"%s\",\"amount\":%lld}", life->user_ids[person],
                          (long long)amount);
    bool worked = life_call(life, person, true, "credits:deductCredits", args);
    int64_t taken = before - shadow_adjusted(life->shadow, life->user_ids[person]);
    bool is_known = worked || crashes == life->counts->crashes;
    life->adjusted[person] -= taken;
    if (worked && said_number(life, "change") != -amount)
        life_wrong(life, "%lld credits were to be deducted, and it was %lld", (long long)amount,
                   (long long)-said_number(life, "change"));
    if (is_known ? taken != (worked ? amount : 0) : taken != amount && taken != 0)
        life_wrong(life, "%lld credits were to be deducted, and %lld were", (long long)amount,
                   (long long)taken);
}

/* What is shown is what can be spent. */
static void look_at_balance(struct life *life)
{
    AUTO(arena_done) struct arena arena = {0};
    struct call_reply reply;
    size_t person = (size_t)below(life, LIFE_PEOPLE);
    struct call_request request = {.path = STR("credits:getCreditBalance"),
                                   .args = STR("{}"),
                                   .identity = life->people[person]};
    house_query(life->house, &request, &arena, &reply);
    str expected = str_format(&arena, "%lld",
                              (long long)shadow_available(life->shadow, life->user_ids[person]));
    if (reply.error != ERROR_NONE || !str_equal(reply.value, expected))
        life_wrong(life, "user %s is shown %.*s credits and can spend %.*s", life->user_ids[person],
                   STR_ARG(reply.value), STR_ARG(expected));
}

/* ---- the payment service ---- */

static void send_event(struct life *life, struct till_event *event)
{
    AUTO(buffer_done) struct buffer args = {0};
    AUTO(arena_done) struct arena arena = {0};
    buffer_str(&args, STR("{\"body\":"));
    json_write_text(&args, str_of(event->body));
    buffer_char(&args, '}');
    life->counts->events++;
    life->counts->events_again += event->is_taken;
    event->is_taken |= life_call(life, 0, true, "stripe:handleStripeWebhook",
                                 str_copy(&arena, buffer_text(&args)));
}

/* Some are sent at once, some later, some are lost on the way and come again. */
static void sell(struct life *life)
{
    till_happen(&life->till, (size_t)below(life, LIFE_PEOPLE));
    uint64_t sent = below(life, 5);
    for (uint64_t i = 0; i < sent; i++) {
        struct till_event *event = till_next(&life->till, false);
        if (event != NULL && below(life, 5) != 0)
            send_event(life, event);
    }
}

/* By the studio's own buttons, which ask the payment service; its event follows. */
static void end_or_keep_plan(struct life *life)
{
    AUTO(arena_done) struct arena arena = {0};
    size_t person = (size_t)below(life, LIFE_PEOPLE);
    const struct till_customer *c = &life->till.customers[person];
    bool is_ending = !c->is_ending;
    if (c->status != TILL_ACTIVE)
        return;
    struct call_request request = {.path = str_of(is_ending ? "stripe:cancelSubscriptionAtPeriodEnd"
                                                            : "stripe:reactivateSubscription"),
                                   .args = str_format(&arena,
                                                      "{\"stripeSubscriptionId\":\"sub_%zu_%lld\"}",
                                                      person, (long long)c->subscription),
                                   .identity = life->people[person]};
    life_tell(life, "button", request.args);
    struct mutation *mutation = house_act(life->house, &request);
    if (mutation->reply.error == ERROR_NONE)
        till_end_or_keep(&life->till, person);
    mutation_free(mutation);
    life_look(life);
}

/* The program starts anew without its last providers, or with all of them again. */
static void set_providers(struct life *life, size_t missing)
{
    struct list *providers = &life->house->settings.studio.providers;
    if (life->missing_providers == missing)
        return;
    providers->count += life->missing_providers;
    providers->count -= missing;
    life->missing_providers = missing;
    life->had_missing = true;
    life_tell(life, "providers", STR(""));
    life_crash(life);
}

void life_last_deeds(struct life *life)
{
    struct till_event *event;
    set_providers(life, 0);
    while (life->wrong[0] == 0 && (event = till_next(&life->till, true)) != NULL)
        send_event(life, event);
}

/* ---- the operator, and the machine ---- */

static void jump(struct life *life)
{
    struct house *house = life->house;
    span far = SECONDS((int64_t)below(life, 4 * 3600));
    bool is_back = below(life, 2) == 0;
    house->now.us += is_back ? -far.us : far.us;
    house->runner_is_woken = true;
    *(is_back ? &life->counts->jumps_back : &life->counts->jumps_forward) += 1;
    life_tell(life, "jump", is_back ? STR("back") : STR("forward"));
    life_settle(life);
}

static void refund(struct life *life)
{
    life->counts->refunds +=
        do_to_a_row(life, &generation_type, true, "credits:refundCredits", "videoId");
}

static void befall(struct life *life, uint64_t what)
{
    if (what < 4)
        life_crash(life);
    else if (what < 7)
        jump(life);
    else if (what < 11)
        outside_weather(life->house->outside, below(life, 12));
    else if (what < 13)
        outside_sicken(life->house->outside, below(life, 4));
    else if (what < 15 && life->seed % 4 == 1)
        set_providers(life, life->missing_providers != 0 ? 0 : 3);
    else if (what < 18)
        life_pass(life, MINUTES((int64_t)below(life, 600)));
    else
        life_pass(life, HOURS((int64_t)below(life, 60)));
}

static void handle_money(struct life *life, uint64_t what)
{
    if (what < 8)
        refund(life);
    else if (what < 20)
        pay(life);
    else if (what < 40)
        sell(life);
    else if (what < 43)
        end_or_keep_plan(life);
    else if (what < 49)
        deduct(life);
    else if (what < 55)
        adjust(life);
    else if (what < 60)
        change_plan(life);
    else
        look_at_balance(life);
}

void life_deed(struct life *life)
{
    uint64_t what = below(life, 220);
    if (what < 66)
        ask(life);
    else if (what < 69)
        ask_often(life);
    else if (what < 71)
        rush(life);
    else if (what < 85)
        do_to_a_row(life, &generation_type, false, "generations:cancelGenerationJob", "jobId");
    else if (what < 91)
        do_to_a_row(life, &asset_type, false, "assets:deleteAsset", "assetId");
    else if (what < 105)
        post(life);
    else if (what < 169)
        handle_money(life, what - 105);
    else if (what < 189)
        befall(life, what - 169);
    else
        life_pass(life, MILLISECONDS((int64_t)below(life, 8000)));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "studio_outside.h"

#include "base/random.h"
#include "studio_says.h"

#include <stdio.h>
#include <string.h>

#define ID_LEN 32

const char *const mishap_names[MISHAPS] = {
    [MISHAP_SLOW] = "slow",
    [MISHAP_BUSY] = "busy",
    [MISHAP_TIMED_OUT] = "timed out",
    [MISHAP_ANSWER_LOST] = "answer lost",
    [MISHAP_REFUSED] = "refused",
    [MISHAP_POLICY] = "against its policy",
    [MISHAP_TRUNCATED] = "truncated",
    [MISHAP_FEWER] = "too few",
    [MISHAP_MORE] = "too many",
    [MISHAP_LIES] = "lies",
    [MISHAP_JOB_FAILED] = "job failed",
    [MISHAP_JOB_BILLED] = "job failed and billed",
    [MISHAP_JOB_LOST] = "job lost",
    [MISHAP_JOB_ENDLESS] = "job endless",
    [MISHAP_ADDRESS_GONE] = "address gone",
    [MISHAP_ADDRESS_BUSY] = "address busy",
    [MISHAP_BROKEN] = "broken",
    [MISHAP_RENAMED] = "named anew",
};

struct under_way {
    struct under_way *next;
    uint64_t run;
    const struct work *work; /* in the run's arena until it is finished */
    enum mishap mishap;
    instant due;
    bool is_canceled;
};

struct blob {
    int64_t order; /* number of; 0: a rendition, or of the sketcher */
    int64_t output;
    bool is_film, is_there;
};

#define RESTS_MAX 64

struct rest {
    int64_t generation;
    size_t site; /* how long its address is: which of a kind */
    const struct provider *provider;
    instant from, until;
};

struct pretend {
    const struct provider *sick;
    struct rest rests[RESTS_MAX];
    size_t rest_count;
    struct runner *runner;
    struct random random;
    uint64_t one_in;
    instant now;
    struct under_way *first;
    struct commission *orders;
    struct blob *blobs;
    size_t order_count, order_room, blob_count, blob_room;
    size_t mishaps[MISHAPS];
    const char *wrong;
};

/* ---- made and gone ---- */

struct pretend *pretend_new(void)
{
    struct pretend *outside = memory_zeroed(sizeof(*outside));
    random_init_seeded(&outside->random, 1);
    return outside;
}

void outside_begin(struct pretend *outside, uint64_t seed)
{
    random_init_seeded(&outside->random, seed);
}

void outside_weather(struct pretend *outside, uint64_t one_in)
{
    outside->one_in = one_in;
}

void outside_sicken(struct pretend *outside, uint64_t which)
{
    outside->sick = which == 0 ? &replicate_provider : which == 1 ? &fal_provider : NULL;
}

void pretend_forget(struct pretend *outside)
{
    outside->rest_count = 0; /* who was told to wait may not have heard it */
    while (outside->first != NULL) {
        struct under_way *gone = outside->first;
        outside->first = gone->next;
        free(gone);
    }
}

void pretend_free(struct pretend *outside)
{
    if (outside == NULL)
        return;
    pretend_forget(outside);
    free(outside->orders);
    free(outside->blobs);
    free(outside);
}

void pretend_attach(struct pretend *outside, struct runner *runner)
{
    outside->runner = runner;
}

void pretend_set_now(struct pretend *outside, instant now)
{
    outside->now = now;
}

/* ---- dice ---- */

static uint64_t below(struct pretend *outside, uint64_t bound)
{
    return random_below(&outside->random, bound);
}

static bool one_of(const enum mishap *list, size_t count, enum mishap mishap)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == mishap)
            return true;
    return false;
}

/* Whether this kind of work can meet it. */
static bool can_meet(const struct work *work, enum mishap mishap)
{
    static const enum mishap for_all[] = {MISHAP_SLOW, MISHAP_BUSY, MISHAP_TIMED_OUT};
    static const enum mishap for_poll[] = {MISHAP_TRUNCATED, MISHAP_RENAMED};
    static const enum mishap for_fetch[] = {MISHAP_ADDRESS_GONE, MISHAP_ADDRESS_BUSY};
    static const enum mishap for_derive[] = {MISHAP_BROKEN};
    if (one_of(for_all, ARRAY_LEN(for_all), mishap))
        return true;
    switch (work->kind) {
    case WORK_SUBMIT:
        return mishap < MISHAP_ADDRESS_GONE;
    case WORK_SKETCH:
        return mishap == MISHAP_REFUSED || mishap == MISHAP_LIES;
    case WORK_POLL:
        return one_of(for_poll, ARRAY_LEN(for_poll), mishap);
    case WORK_FETCH:
        return one_of(for_fetch, ARRAY_LEN(for_fetch), mishap);
    case WORK_DERIVE:
        return one_of(for_derive, ARRAY_LEN(for_derive), mishap);
    default:
        return false;
    }
}

static enum mishap draw(struct pretend *outside, const struct work *work)
{
    if (outside->one_in == 0 || below(outside, outside->one_in) != 0)
        return MISHAP_NONE;
    enum mishap mishap = MISHAP_NONE;
    while (mishap == MISHAP_NONE || !can_meet(work, mishap))
        mishap = (enum mishap)(1 + below(outside, MISHAPS - 1));
    outside->mishaps[mishap]++;
    return mishap;
}

/* ---- blobs ---- */

static bool blob_number(const struct pretend *outside, str id, size_t *number)
{
    int64_t value = 0;
    *number = 0;
    if (id.len != ID_LEN || !str_to_int(id, &value) || value < 1 ||
        (size_t)value > outside->blob_count)
        return false;
    *number = (size_t)value;
    return true;
}

static struct stored_file store(struct pretend *outside, struct arena *arena, struct blob blob)
{
    if (outside->blob_count == outside->blob_room) {
        outside->blob_room = MAX_OF(outside->blob_room * 2, (size_t)64);
        outside->blobs =
            memory_resize(outside->blobs, outside->blob_room * sizeof(*outside->blobs));
    }
    blob.is_there = true;
    outside->blobs[outside->blob_count++] = blob;
    return (struct stored_file){
        .storage_id = str_format(arena, "%032zu", outside->blob_count),
        .content_type = STR("application/octet-stream"),
        .size = 1000,
        .sha256 = str_format(arena, "%064zu", outside->blob_count),
    };
}

bool pretend_has_blob(const struct pretend *outside, str id)
{
    size_t number;
    return blob_number(outside, id, &number) && outside->blobs[number - 1].is_there;
}

size_t outside_blob_count(const struct pretend *outside)
{
    return outside->blob_count;
}

bool outside_blob_is_there(const struct pretend *outside, size_t at, char id[33])
{
    snprintf(id, ID_LEN + 1, "%032zu", at + 1);
    return outside->blobs[at].is_there;
}

void outside_blob_remove(struct pretend *outside, size_t at)
{
    outside->blobs[at].is_there = false;
}

bool outside_blob_is_film(const struct pretend *outside, str id)
{
    size_t number;
    return blob_number(outside, id, &number) && outside->blobs[number - 1].is_film;
}

size_t outside_under_way(const struct pretend *outside)
{
    size_t count = 0;
    for (const struct under_way *at = outside->first; at != NULL; at = at->next)
        count += !at->is_canceled;
    return count;
}

/* ---- orders ---- */

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

static struct commission *order_get(struct pretend *outside, int64_t number)
{
    bool is_known = number >= 1 && (size_t)number <= outside->order_count;
    if (!is_known)
        outside->wrong = "a provider is asked about an order that it never took";
    return is_known ? &outside->orders[number - 1] : NULL;
}

/* Of "order-N", or "order-N app", or "order-N-again". */
static struct commission *order_named(struct pretend *outside, str name)
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

/* Who was told to wait, and until when. */
static void rest_put(struct pretend *outside, const struct work *work, span wait)
{
    struct rest *rest = &outside->rests[outside->rest_count++ % RESTS_MAX];
    *rest = (struct rest){generation_of(work), work->site.base_url.len, work->provider,
                          outside->now, instant_add(outside->now, wait)};
}

static void check_rest_is_kept(struct pretend *outside, const struct work *work)
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

static struct commission *order_take(struct pretend *outside, const struct work *work,
                                     enum mishap mishap)
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
    order.ready_at = instant_add(outside->now, MILLISECONDS((int64_t)below(outside, 20000)));
    if (mishap == MISHAP_FEWER)
        order.sends = (int64_t)below(outside, (uint64_t)order.asked);
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

/* ---- answers ---- */

struct sink {
    struct pretend *outside;
    struct arena *arena;
    const struct commission *order;
    int64_t output;
};

static bool sink_store(void *context, bytes content, struct stored_file *out, struct fault *fault)
{
    struct sink *sink = context;
    *out = store(sink->outside, sink->arena,
                 (struct blob){.order = sink->order->number,
                               .output = sink->output++,
                               .is_film = sink->order->is_film != sink->order->lies});
    return true;
}

/* Refused before it is an order; or the order, taken or found again. */
static struct commission *order_for(struct pretend *outside, const struct work *work,
                                    enum mishap mishap, struct said *said)
{
    if (work->kind == WORK_SUBMIT)
        check_rest_is_kept(outside, work);
    if (mishap == MISHAP_BUSY)
        says_refusal(said, 503, "busy");
    else if (mishap == MISHAP_REFUSED)
        says_refusal(said, 400, "no such size");
    else if (mishap == MISHAP_POLICY)
        says_refusal(said, 400, "flagged by our safety system: content policy");
    else
        return work->kind == WORK_SUBMIT ? order_take(outside, work, mishap)
                                         : order_named(outside, work->job);
    return NULL;
}

/* What does not stand in the body: headers, bills. */
static void add_to_answer(struct pretend *outside, const struct under_way *under_way,
                          struct commission *order, struct work_result *result)
{
    const struct work *work = under_way->work;
    if (under_way->mishap == MISHAP_BUSY && work->kind == WORK_SUBMIT) {
        result->retry_after = SECONDS(1 + (int64_t)below(outside, 200));
        rest_put(outside, work, result->retry_after);
    }
    if (order == NULL)
        return;
    if (order->provider != work->provider)
        outside->wrong = "a provider is asked about an order of another";
    if (order->is_billed && result->failure != WORK_OK)
        result->cost_micros = (struct maybe_int){1234, true};
    order->is_told |= result->failure == WORK_OK && !result->is_pending;
}

static void answer_provider(struct pretend *outside, const struct under_way *under_way,
                            struct work_result *result)
{
    const struct work *work = under_way->work;
    AUTO(said_done) struct said said = {0};
    struct provider_answer answer;
    struct commission *order = order_for(outside, work, under_way->mishap, &said);
    if (order != NULL) {
        order->polls++;
        says_standing(outside->now, work, order, under_way->mishap == MISHAP_RENAMED, &said);
    }
    if (under_way->mishap == MISHAP_TRUNCATED)
        said.body.len /= 2;
    str body = str_copy(&result->arena, buffer_text(&said.body));
    struct sink sink = {outside, &result->arena, order, 0};
    struct work_sink into = {&sink, sink_store};
    (work->kind == WORK_SUBMIT ? work->provider->submitted : work->provider->polled)(
        &result->arena, said.status, body, &answer);
    work_take_answer(result, &answer, &into);
    add_to_answer(outside, under_way, order, result);
}

static void answer_fetch(struct pretend *outside, const struct under_way *under_way,
                         struct work_result *result)
{
    long long number = 0, output = 0;
    char url[200];
    snprintf(url, sizeof(url), "%.*s", STR_ARG(under_way->work->url));
    if (sscanf(url, "https://made.example/%lld/%lld.", &number, &output) != 2)
        number = 0;
    struct commission *order = order_get(outside, number);
    if (order == NULL)
        return;
    if (under_way->mishap == MISHAP_ADDRESS_GONE) {
        order->is_spoiled[output] = true;
        work_fail(result, WORK_REFUSED, "What the model made is not there any more.");
    } else if (under_way->mishap == MISHAP_BUSY || under_way->mishap == MISHAP_TIMED_OUT ||
               under_way->mishap == MISHAP_ADDRESS_BUSY || order->is_stuck[output]) {
        order->troubles[output]++;
        order->is_stuck[output] |= under_way->mishap == MISHAP_ADDRESS_BUSY;
        work_fail(result, WORK_TRANSIENT, "What the model made could not be fetched just now.");
    } else {
        result->output_count = 1;
        result->outputs[0].file =
            store(outside, &result->arena,
                  (struct blob){
                      .order = number, .output = output, .is_film = order->is_film != order->lies});
    }
}

static void answer_derive(struct pretend *outside, const struct under_way *under_way,
                          struct work_result *result)
{
    size_t number;
    if (!blob_number(outside, under_way->work->blob, &number) ||
        !outside->blobs[number - 1].is_there) {
        outside->wrong = "a picture was lost before it could be kept";
        work_fail(result, WORK_BROKEN, "It is gone.");
        return;
    }
    const struct blob blob = outside->blobs[number - 1];
    struct commission *order = blob.order == 0 ? NULL : &outside->orders[blob.order - 1];
    if (order != NULL && under_way->mishap == MISHAP_BROKEN)
        order->is_spoiled[blob.output] = true;
    if (order != NULL &&
        (under_way->mishap == MISHAP_BUSY || under_way->mishap == MISHAP_TIMED_OUT))
        order->troubles[blob.output]++;
    if (under_way->mishap == MISHAP_BROKEN) {
        work_fail(result, WORK_BROKEN, "What the model sent is no picture.");
        return;
    }
    if (under_way->mishap == MISHAP_BUSY || under_way->mishap == MISHAP_TIMED_OUT) {
        work_fail(result, WORK_TRANSIENT, "The media helper is busy.");
        return;
    }
    result->thumbnail = store(outside, &result->arena, (struct blob){0});
    result->display = store(outside, &result->arena, (struct blob){0});
    result->blur = STR("data:image/png;base64,AAAA");
    result->mime_type = blob.is_film ? STR("video/mp4") : STR("image/png");
    result->width = 512;
    result->height = 512;
    if (blob.is_film)
        result->duration = (struct maybe_number){4, true};
}

static void answer_sketch(struct pretend *outside, const struct under_way *under_way,
                          struct work_result *result)
{
    bool is_film = under_way->work->media == MEDIA_VIDEO;
    if (under_way->mishap == MISHAP_BUSY || under_way->mishap == MISHAP_TIMED_OUT) {
        work_fail(result, WORK_TRANSIENT, "The sketcher is busy.");
    } else if (under_way->mishap == MISHAP_REFUSED) {
        work_fail(result, WORK_REFUSED, "The sketcher refused.");
    } else {
        struct blob blob = {.is_film = is_film != (under_way->mishap == MISHAP_LIES)};
        result->output_count = 1;
        result->outputs[0].file = store(outside, &result->arena, blob);
    }
}

static void answer_cancel(struct pretend *outside, const struct under_way *under_way,
                          struct work_result *result)
{
    struct commission *order = order_named(outside, under_way->work->job);
    if (under_way->mishap == MISHAP_BUSY || under_way->mishap == MISHAP_TIMED_OUT)
        work_fail(result, WORK_TRANSIENT, "It cannot be stopped just now.");
    else if (order != NULL)
        order->is_canceled = true;
    if (order != NULL)
        order->cancels++;
}

/* We heard nothing: the provider may all the same have done what it was asked. */
static bool keeps_silent(struct pretend *outside, const struct under_way *under_way,
                         struct work_result *result)
{
    const struct work *work = under_way->work;
    bool is_lost = under_way->mishap == MISHAP_ANSWER_LOST;
    bool is_of_provider = work->kind == WORK_SUBMIT || work->kind == WORK_POLL;
    if (is_lost)
        order_take(outside, work, MISHAP_ANSWER_LOST);
    if (is_lost || (is_of_provider && under_way->mishap == MISHAP_TIMED_OUT))
        work_fail(result, WORK_TRANSIENT, "The model's provider took too long.");
    return result->failure != WORK_OK;
}

static void answer(struct pretend *outside, const struct under_way *under_way,
                   struct work_result *result)
{
    size_t number;
    if (keeps_silent(outside, under_way, result))
        return;
    switch (under_way->work->kind) {
    case WORK_SUBMIT:
    case WORK_POLL:
        answer_provider(outside, under_way, result);
        break;
    case WORK_FETCH:
        answer_fetch(outside, under_way, result);
        break;
    case WORK_DERIVE:
        answer_derive(outside, under_way, result);
        break;
    case WORK_SKETCH:
        answer_sketch(outside, under_way, result);
        break;
    case WORK_CANCEL:
        answer_cancel(outside, under_way, result);
        break;
    case WORK_REMOVE_BLOB:
        if (blob_number(outside, under_way->work->blob, &number))
            outside->blobs[number - 1].is_there = false;
        break;
    default:
        outside->wrong = "an unknown kind of work";
    }
}

/* ---- for the runner ---- */

static void start(void *context, uint64_t run, const char *action, const void *asked)
{
    struct pretend *outside = context;
    struct under_way *under_way = memory_zeroed(sizeof(*under_way));
    under_way->run = run;
    under_way->work = asked;
    under_way->mishap = draw(outside, under_way->work);
    span takes = MILLISECONDS((int64_t)below(outside, 3000));
    if (under_way->mishap == MISHAP_SLOW)
        takes = SECONDS((int64_t)below(outside, 300));
    if (under_way->mishap == MISHAP_TIMED_OUT || under_way->mishap == MISHAP_ANSWER_LOST)
        takes = under_way->work->timeout;
    under_way->due = instant_add(outside->now, takes);
    under_way->next = outside->first;
    outside->first = under_way;
}

static void cancel(void *context, uint64_t run)
{
    struct pretend *outside = context;
    for (struct under_way *at = outside->first; at != NULL; at = at->next)
        if (at->run == run) {
            at->is_canceled = true;
            at->due = outside->now;
        }
}

static void release(void *context, void *result)
{
    work_result_free(result);
}

struct world pretend_world(struct pretend *outside)
{
    return (struct world){outside, start, cancel, release};
}

instant pretend_next(const struct pretend *outside)
{
    instant next = {0};
    for (const struct under_way *at = outside->first; at != NULL; at = at->next)
        if (next.us == 0 || at->due.us < next.us)
            next = at->due;
    return next;
}

bool pretend_step(struct pretend *outside, instant now)
{
    struct under_way **soonest = NULL;
    outside->now = now;
    for (struct under_way **at = &outside->first; *at != NULL; at = &(*at)->next)
        if ((*at)->due.us <= now.us && (soonest == NULL || (*at)->due.us <= (*soonest)->due.us))
            soonest = at; /* of equals the last in the list: it began first */
    if (soonest == NULL)
        return false;
    struct under_way *work = *soonest;
    struct work_result *result = work_result_new();
    *soonest = work->next;
    if (work->is_canceled)
        work_fail(result, WORK_REFUSED, "Cancelled.");
    else
        answer(outside, work, result);
    runner_finish(outside->runner, work->run, result);
    free(work);
    return true;
}

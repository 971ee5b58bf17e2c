/* SPDX-License-Identifier: Apache-2.0 */
#include "studio_outside_inside.h"

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

uint64_t outside_below(struct pretend *outside, uint64_t bound)
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
    if (outside->one_in == 0 || outside_below(outside, outside->one_in) != 0)
        return MISHAP_NONE;
    enum mishap mishap = MISHAP_NONE;
    while (mishap == MISHAP_NONE || !can_meet(work, mishap))
        mishap = (enum mishap)(1 + outside_below(outside, MISHAPS - 1));
    outside->mishaps[mishap]++;
    return mishap;
}

/* ---- blobs ---- */

bool blob_number(const struct pretend *outside, str id, size_t *number)
{
    int64_t value = 0;
    *number = 0;
    if (id.len != ID_LEN || !str_to_int(id, &value) || value < 1 ||
        (size_t)value > outside->blob_count)
        return false;
    *number = (size_t)value;
    return true;
}

struct stored_file blob_store(struct pretend *outside, struct arena *arena, struct blob blob)
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

/* ---- for the runner ---- */

static void start(void *context, uint64_t run, const char *action, const void *asked)
{
    struct pretend *outside = context;
    struct under_way *under_way = memory_zeroed(sizeof(*under_way));
    under_way->run = run;
    under_way->work = asked;
    under_way->mishap = draw(outside, under_way->work);
    span takes = MILLISECONDS((int64_t)outside_below(outside, 3000));
    if (under_way->mishap == MISHAP_SLOW)
        takes = SECONDS((int64_t)outside_below(outside, 300));
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
        outside_answer(outside, work, result);
    runner_finish(outside->runner, work->run, result);
    free(work);
    return true;
}

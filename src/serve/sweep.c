/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/sweep.h"

#include "base/clock.h"
#include "base/log.h"
#include "studio/generations.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define CHUNK 4096      /* rows a view; it may read STORE_READS_MAX */
#define JUMP SECONDS(1) /* of the wall clock against the other one */

struct blob_name {
    char at[BLOB_ID_LEN];
};

struct pass {
    struct store *store;
    struct blobs *blobs;
    const atomic_bool *is_over;
    instant before;
    span skew;            /* between the clocks when it began */
    struct buffer making; /* struct blob_name of the outputs on their way, sorted */
    struct arena arena;   /* of one look-up */
    struct fault *fault;
    size_t removed;
    bool is_failed;
};

static span clock_skew(void)
{
    return instant_since(clock_now(), clock_monotonic());
}

static int name_compare(const void *a, const void *b)
{
    return memcmp(a, b, BLOB_ID_LEN);
}

/* ---- what is named ---- */

/* Up to CHUNK outputs behind *after, which moves on. */
static bool making_read(struct pass *pass, bytes *after, struct arena *kept, bool *has_more)
{
    AUTO(arena_done) struct arena arena = {0};
    struct output output;
    struct view view;
    struct scan scan;
    size_t count = 0;
    if (!view_begin(pass->store, &arena, &view, pass->fault))
        return false;
    view_scan(&view, index_of(&output_type, "by_generation"), (struct bounds){.after = *after},
              ORDER_UP, &scan);
    while (count < CHUNK && scan_next(&scan, &output)) {
        if (output.storage_id.len == BLOB_ID_LEN)
            buffer_add(&pass->making, output.storage_id.at, BLOB_ID_LEN);
        count++;
    }
    *has_more = count == CHUNK;
    if (*has_more) {
        bytes at = scan_position(&scan);
        *after = (bytes){arena_copy(kept, at.at, at.len), at.len};
    }
    bool ok = !view.is_failed;
    if (!ok)
        fault_set(pass->fault, view.fault.kind, "%s", view.fault.text);
    view_end(&view);
    return ok;
}

/* Before the rows of files are looked at: an output on its way becomes a file, never back. */
static bool making_list(struct pass *pass)
{
    AUTO(arena_done) struct arena kept = {0};
    bytes after = {0};
    bool has_more = true;
    while (has_more)
        if (!making_read(pass, &after, &kept, &has_more))
            return false;
    if (pass->making.is_over)
        return fault_set(pass->fault, FAULT_FULL, "too many works are on their way");
    if (pass->making.len > 0)
        qsort(pass->making.at, pass->making.len / BLOB_ID_LEN, BLOB_ID_LEN, name_compare);
    return true;
}

static bool file_is_named(struct pass *pass, const char *id, bool *is_named)
{
    struct view view;
    arena_reset(&pass->arena);
    if (!view_begin(pass->store, &pass->arena, &view, pass->fault))
        return false;
    *is_named = doc_id_is_set(
        view_find(&view, index_of(&file_type, "by_storage"), KEY(key_text(str_of(id)))));
    bool ok = !view.is_failed;
    if (!ok)
        fault_set(pass->fault, view.fault.kind, "%s", view.fault.text);
    view_end(&view);
    return ok;
}

/* ---- a pass ---- */

static bool clock_has_jumped(const struct pass *pass)
{
    int64_t moved = clock_skew().us - pass->skew.us;
    return moved > JUMP.us || moved < -JUMP.us;
}

static bool blob_look(void *context, const struct blob_entry *entry)
{
    struct pass *pass = context;
    bool is_named = true, is_gone = false;
    if ((pass->is_over != NULL && *pass->is_over) || clock_has_jumped(pass))
        return false;
    if (!instant_is_before(entry->modified, pass->before))
        return true;
    if (pass->making.len > 0 && bsearch(entry->id, pass->making.at, pass->making.len / BLOB_ID_LEN,
                                        BLOB_ID_LEN, name_compare) != NULL)
        return true;
    pass->is_failed = !file_is_named(pass, entry->id, &is_named);
    if (!pass->is_failed && !is_named)
        pass->is_failed = !blob_remove(pass->blobs, str_of(entry->id), &is_gone, pass->fault);
    pass->removed += is_gone;
    return !pass->is_failed;
}

bool sweep_pass(struct store *store, struct blobs *blobs, instant before,
                const atomic_bool *is_over, size_t *removed, struct fault *fault)
{
    struct pass pass = {
        .store = store,
        .blobs = blobs,
        .is_over = is_over,
        .before = before,
        .skew = clock_skew(),
        .fault = fault,
    };
    bool ok = making_list(&pass) && blob_list(blobs, blob_look, &pass, fault) && !pass.is_failed;
    *removed = pass.removed;
    buffer_done(&pass.making);
    arena_done(&pass.arena);
    return ok;
}

/* ---- the thread ---- */

struct sweep {
    struct store *store;
    struct blobs *blobs;
    instant started;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t stopping;
    atomic_bool is_over;
};

static void pass_run(struct sweep *sweep, instant before)
{
    struct fault fault = {0};
    size_t removed = 0;
    if (!blobs_sweep(sweep->blobs, clock_now(), &fault) ||
        !sweep_pass(sweep->store, sweep->blobs, before, &sweep->is_over, &removed, &fault))
        log_event(LOG_WARN, "sweep_failed", "%s", fault.text);
    if (removed > 0)
        log_event(LOG_INFO, "swept", "%zu files that no row named", removed);
}

/* False: it is over. */
static bool pause_run(struct sweep *sweep)
{
    const int64_t end = instant_add(clock_monotonic(), SWEEP_PAUSE).us / 1000000;
    const struct timespec until = {.tv_sec = end};
    pthread_mutex_lock(&sweep->mutex);
    int error = 0;
    while (!sweep->is_over && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&sweep->stopping, &sweep->mutex, &until);
    pthread_mutex_unlock(&sweep->mutex);
    return !sweep->is_over;
}

static void *run(void *context)
{
    struct sweep *sweep = context;
    setpriority(PRIO_PROCESS, 0, 19); /* of this thread only, on Linux */
    pass_run(sweep, (instant){sweep->started.us - SWEEP_MARGIN.us});
    while (pause_run(sweep))
        pass_run(sweep, (instant){clock_now().us - SWEEP_GRACE.us});
    return NULL;
}

struct sweep *sweep_start(struct store *store, struct blobs *blobs)
{
    struct sweep *sweep = memory_zeroed(sizeof(*sweep));
    pthread_condattr_t by_monotonic;
    sweep->store = store;
    sweep->blobs = blobs;
    sweep->started = clock_now();
    pthread_mutex_init(&sweep->mutex, NULL);
    pthread_condattr_init(&by_monotonic);
    pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&sweep->stopping, &by_monotonic);
    pthread_condattr_destroy(&by_monotonic);
    if (pthread_create(&sweep->thread, NULL, run, sweep) == 0)
        return sweep;
    pthread_cond_destroy(&sweep->stopping);
    pthread_mutex_destroy(&sweep->mutex);
    free(sweep);
    return NULL;
}

void sweep_stop(struct sweep *sweep)
{
    if (sweep == NULL)
        return;
    pthread_mutex_lock(&sweep->mutex);
    sweep->is_over = true;
    pthread_cond_signal(&sweep->stopping);
    pthread_mutex_unlock(&sweep->mutex);
    pthread_join(sweep->thread, NULL);
    pthread_cond_destroy(&sweep->stopping);
    pthread_mutex_destroy(&sweep->mutex);
    free(sweep);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/front.h"

#include "base/clock.h"
#include "base/log.h"
#include "serve/accounts.h"
#include "serve/route.h"
#include "serve/sync.h"

#include <string.h>

#define SEEN_MAX 4096      /* a power of two */
#define UNSENT_MAX MIB(64) /* more than one transition of the largest results */
#define TICK SECONDS(5)
#define SIGN_UPS_OF_ADDRESS 20 /* an hour */
#define SIGN_INS_OF_ACCOUNT 10 /* a quarter of an hour */

instant front_now(void)
{
    return clock_now();
}

static void wake_front(void *context)
{
    queue_wake(((struct front *)context)->wake);
}

static void on_wake(void *context, uint32_t events)
{
    struct front *front = context;
    void *none;
    queue_take(front->wake, &none, 0); /* clears the signal */
    front->has_work = true;
}

/* ---- rounds ---- */

static void take_commits(struct front *front, commit_ts snapshot)
{
    struct commit_entry entry;
    while (follower_next(front->follower, snapshot, &entry)) {
        for (size_t i = 0; i < entry.mutation_count; i++) {
            struct mutation *mutation = entry.mutations[i];
            if (mutation->ts.n == 0)
                mutation->ts = snapshot;
            mutation->done(mutation->owner, mutation);
        }
        live_commit(front->live, &entry.writes);
    }
}

static void on_news(void *context, struct subscription *subscription)
{
    sync_due(subscription->owner);
}

/* One snapshot: what was committed up to it, what changed by it, and everyone who should know. */
static void run_round(struct front *front, instant now)
{
    struct view view;
    struct fault fault;

    front->has_work = false;
    if (!view_begin(front->options.store, &front->arena, &view, &fault)) {
        log_event(LOG_ERROR, "round_failed", "%s", fault.text);
        front->has_work = true;
        return;
    }
    commit_ts snapshot = view_ts(&view);
    take_commits(front, snapshot);
    live_round(front->live, &view, now);
    view_end(&view);
    sync_send_due(front, snapshot, now);
    arena_reset(&front->arena);
}

/* For the next tick, or for the first answer whose time is over. */
static void timer_arm(struct front *front, instant monotonic)
{
    instant next = front->tick_at;
    instant due = live_next(front->live);
    if (due.us != 0) {
        span wait = instant_since(due, front_now());
        instant then = instant_add(monotonic, (span){MAX_OF(wait.us, (int64_t)1000)});
        if (instant_is_before(then, next))
            next = then;
    }
    loop_timer_set(front->loop, &front->timer, next);
}

static void on_turn(void *context, instant monotonic)
{
    struct front *front = context;
    instant now = front_now();
    /* A session that became due by a message wants a round as much as a commit does. */
    if (front->has_work || front->due != NULL || live_is_due(front->live, now)) {
        run_round(front, now);
        if (live_next(front->live).us != 0)
            timer_arm(front, monotonic);
    }
    view_end(&front->kept); /* a round answers requests, which may run what waited behind them */
}

static void on_tick(void *context, instant monotonic)
{
    struct front *front = context;
    if (!instant_is_before(monotonic, front->tick_at)) {
        sync_tick(front, monotonic);
        front->tick_at = instant_add(monotonic, TICK);
    }
    timer_arm(front, monotonic);
}

/* ---- opening ---- */

static bool listen_now(struct front *front, struct fault *fault)
{
    struct http_options http = {
        .address = front->options.listen,
        .app = front,
        .on_request = route_request,
        .on_refuse = route_refuse,
        .temp_dir = front->options.temp_dir,
        .unsent_max = UNSENT_MAX,
        .tls = front->options.tls,
        .proxies = front->options.proxies,
        .packs_messages = front->options.packs_messages,
    };
    front->http = http_listen(front->loop, &http, fault);
    return front->http != NULL;
}

static void make_attempts(struct front *front)
{
    front->by_address =
        attempts_new(&(struct attempts_options){.limit = SIGN_UPS_OF_ADDRESS, .window = HOURS(1)});
    front->by_account = attempts_new(
        &(struct attempts_options){.limit = SIGN_INS_OF_ACCOUNT, .window = MINUTES(15)});
}

bool front_open(struct loop *loop, const struct front_options *options, struct front **out,
                struct fault *fault)
{
    struct front *front = memory_zeroed(sizeof(*front));
    *out = front;
    front->options = *options;
    front->loop = loop;
    front->seen = memory_zeroed(SEEN_MAX * sizeof(*front->seen));
    random_init(&front->random);
    make_attempts(front);
    front->live = live_new(
        &(struct live_options){.program = options->program, .on_news = on_news, .context = front});
    front->wake = queue_new(1, fault);
    front->hashed = queue_new(HASHER_QUEUE_MAX * 2, fault);
    if (front->wake == NULL || front->hashed == NULL ||
        !loop_watch(loop, queue_fd(front->wake), EPOLLIN, on_wake, front, fault) ||
        !loop_watch(loop, queue_fd(front->hashed), EPOLLIN, accounts_on_hashed, front, fault))
        return false;
    front->follower = commit_log_follow(options->log, wake_front, front);
    loop_on_turn(loop, on_turn, front);
    front->timer = (struct loop_timer){.fire = on_tick, .context = front};
    front->tick_at = instant_add(loop_now(loop), TICK);
    timer_arm(front, loop_now(loop));
    return listen_now(front, fault);
}

void front_close(struct front *front)
{
    void *hashed;
    if (front == NULL)
        return;
    while (front->hashed != NULL && queue_take(front->hashed, &hashed, 1) == 1)
        hash_result_free(hashed);
    view_end(&front->kept);
    http_close(front->http);
    sync_close_all(front);
    live_free(front->live);
    attempts_free(front->by_address);
    attempts_free(front->by_account);
    queue_free(front->wake);
    queue_free(front->hashed);
    arena_done(&front->arena);
    free(front->seen);
    free(front);
}

void front_drain(struct front *front)
{
    front->is_draining = true;
    sync_drain(front);
    http_drain(front->http);
}

/* ---- calls ---- */

bool front_mutate(struct front *front, struct mutation *mutation)
{
    mutation->from = front->follower;
    front->mutations++;
    return writer_put(front->options.writer, mutation);
}

bool front_view(struct front *front, struct arena *arena, struct view *out)
{
    struct fault fault;
    if (view_begin(front->options.store, arena, out, &fault))
        return true;
    log_event(LOG_ERROR, "view_failed", "%s", fault.text);
    return false;
}

/* The queries of one turn share a snapshot for as long as it is the newest: beginning one costs as
 * much as a small query. */
static bool keep_view(struct front *front, struct arena *arena)
{
    struct view *kept = &front->kept;
    bool is_newest =
        kept->snapshot != NULL && view_ts(kept).n >= store_newest(front->options.store).n;
    if (is_newest) {
        view_renew(kept, arena);
        return true;
    }
    view_end(kept);
    return front_view(front, arena, kept);
}

void front_query(struct front *front, const struct call_request *request, enum function_kind kind,
                 struct arena *arena, struct call_reply *reply)
{
    front->queries++;
    if (!keep_view(front, arena)) {
        reply_fail(arena, reply, OVERLOAD, STR("The server is busy. Try again in a moment."));
        return;
    }
    execute_query(front->options.program, request, kind, &front->kept, arena, front_now(), reply);
    view_renew(&front->kept, NULL); /* its rows and scans are in an arena that goes now */
}

/* ---- first sight of an identity ---- */

struct seeing {
    struct front *front;
    struct hash128 hash;
    void (*then)(void *context, bool is_seen);
    void *context;
};

static struct hash128 *seen_slot(struct front *front, struct hash128 hash)
{
    return &front->seen[hash.a & (SEEN_MAX - 1)];
}

static void on_seen(void *owner, struct mutation *mutation)
{
    struct seeing seeing = *(struct seeing *)owner;
    bool is_seen = mutation->reply.error == ERROR_NONE;
    if (is_seen)
        *seen_slot(seeing.front, seeing.hash) = seeing.hash;
    mutation_free(mutation); /* seeing was in its arena */
    seeing.then(seeing.context, is_seen);
}

void front_see(struct front *front, const struct identity *identity,
               void (*then)(void *context, bool is_seen), void *context)
{
    if (identity == NULL) {
        then(context, true);
        return;
    }
    const struct hash128 *slot = seen_slot(front, identity->hash);
    if (slot->a == identity->hash.a && slot->b == identity->hash.b) {
        then(context, true);
        return;
    }
    struct mutation *mutation = mutation_new();
    struct seeing *seeing = arena_new(&mutation->arena, struct seeing);
    *seeing = (struct seeing){front, identity->hash, then, context};
    mutation->request = (struct call_request){.path = STR("users:see"),
                                              .args = STR("{}"),
                                              .identity = identity_keep(identity),
                                              .is_internal = true};
    mutation->done = on_seen;
    mutation->owner = seeing;
    if (!front_mutate(front, mutation)) {
        mutation_free(mutation);
        then(context, false);
    }
}

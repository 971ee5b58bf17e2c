/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/front.h"

#include "base/clock.h"
#include "base/log.h"
#include "serve/accounts.h"
#include "serve/actions.h"
#include "serve/archives.h"
#include "serve/chores.h"
#include "serve/resized.h"
#include "serve/route.h"
#include "serve/session.h"
#include "serve/shed.h"
#include "serve/upload.h"

#include <string.h>

#define SEEN_MAX 4096      /* a power of two */
#define LARGE_MAX 1024     /* a power of two */
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
    /* What a held transition is going to say is no news beside it. */
    if (!session_holds(subscription->owner, subscription))
        sync_due(subscription->owner);
}

static void run_job(struct reading *reading, instant now)
{
    live_job_run(reading->work, &reading->view, now);
}

static void on_job_done(void *owner, struct reading *reading)
{
    struct front *front = owner;
    struct live_job *job = reading->work;
    live_job_settle(front->live, job);
    sync_release(front, front_now());
    live_job_end(front->live, job);
    reading_free(reading);
    front->has_work = true;
}

static void drop_job(struct reading *reading)
{
    live_job_drop(reading->work);
}

/* Hands the round's snapshot, and what is too large for the round, to a reader. */
static void send_job(struct front *front, struct view *view, struct live_job *job)
{
    struct reading *reading = reading_new();
    view_renew(view, &reading->arena);
    reading->view = *view;
    *view = (struct view){0};
    reading->run = run_job;
    reading->done = on_job_done;
    reading->drop = drop_job;
    reading->owner = front;
    reading->work = job;
    bool is_taken = readers_put(front->options.readers, reading, true);
    assert(is_taken);
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
    uint64_t arrivals = live_counts(front->live).arrivals;
    if (arrivals != front->arrivals)
        sync_wake_waiting(front);
    front->arrivals = arrivals;
    struct live_job *job = live_job_take(front->live);
    sync_send_due(front, snapshot, job, now);
    if (job != NULL)
        send_job(front, &view, job);
    else
        view_end(&view);
    arena_reset(&front->arena);
}

static void on_read(void *context, uint32_t events)
{
    readers_deliver(((struct front *)context)->options.readers);
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
    shed_turn(front, monotonic);
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
        .on_stream = uploads_on_stream,
        .on_refuse = route_refuse,
        .is_known = route_is_known,
        .temp_dir = front->options.temp_dir,
        .unsent_max = UNSENT_MAX,
        .budgets = front->options.budgets,
        .connections_max = UINT32_MAX, /* memory sets their number, and the system */
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
    front->large = memory_zeroed(LARGE_MAX * sizeof(*front->large));
    random_init(&front->random);
    make_attempts(front);
    front->live = live_new(&(struct live_options){.program = options->program,
                                                  .budget = front_live_budget(front),
                                                  .on_starved = shed_starved,
                                                  .on_news = on_news,
                                                  .context = front});
    front->peers = peers_new();
    front->resized = resized_new(front);
    front->archives = archives_new(front);
    front->wake = queue_new(1, fault);
    front->hashed = queue_new(HASHER_QUEUE_MAX * 2, fault);
    front->told = queue_new(ACTIONS_MAX, fault);
    if (front->wake == NULL || front->hashed == NULL || front->told == NULL ||
        !loop_watch(loop, queue_fd(front->wake), EPOLLIN, on_wake, front, fault) ||
        !loop_watch(loop, queue_fd(front->hashed), EPOLLIN, accounts_on_hashed, front, fault) ||
        !loop_watch(loop, queue_fd(front->told), EPOLLIN, actions_on_told, front, fault) ||
        !loop_watch(loop, readers_fd(options->readers), EPOLLIN, on_read, front, fault))
        return false;
    /* One without a place for files takes none. */
    if (options->partials != NULL)
        front->uploads = uploads_new(front, fault);
    if (options->partials != NULL && front->uploads == NULL)
        return false;
    front->follower = commit_log_follow(options->log, wake_front, front);
    loop_on_turn(loop, on_turn, front);
    front->timer = (struct loop_timer){.fire = on_tick, .context = front};
    front->tick_at = instant_add(loop_now(loop), TICK);
    timer_arm(front, loop_now(loop));
    return chores_open(loop, &front->chores, fault) && listen_now(front, fault);
}

void front_close(struct front *front)
{
    void *hashed;
    if (front == NULL)
        return;
    while (front->hashed != NULL && queue_take(front->hashed, &hashed, 1) == 1)
        hash_result_free(hashed);
    view_end(&front->kept);
    actions_close(front);
    http_close(front->http);
    uploads_free(front->uploads);
    archives_stop(front->archives);
    chores_close(front->chores);
    archives_free(front->archives);
    resized_free(front->resized);
    sync_close_all(front);
    live_free(front->live);
    peers_free(front->peers);
    attempts_free(front->by_address);
    attempts_free(front->by_account);
    queue_free(front->wake);
    queue_free(front->hashed);
    queue_free(front->told);
    arena_done(&front->arena);
    free(front->seen);
    free(front->large);
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

bool front_keep(struct front *front, commit_ts at)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view *kept = &front->kept;
    if (kept->snapshot != NULL && view_ts(kept).n == at.n)
        return true;
    view_end(kept);
    if (!front_view(front, &arena, kept))
        return false;
    view_renew(kept, NULL);
    return view_ts(kept).n == at.n;
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

/* ---- queries of others ---- */

/* One that a reader runs; in its arena. */
struct asked_there {
    struct front *front;
    struct front_asked asked;
    struct call_reply reply;
    span time; /* that it took there */
};

static uint64_t hash_of(const struct call_request *request)
{
    uint64_t who = request->identity == NULL ? 0 : request->identity->hash.a;
    return hash_bytes(request->path.at, request->path.len) * 31 +
           hash_bytes(request->args.at, request->args.len) + who;
}

static void run_there(struct reading *reading, instant now)
{
    struct asked_there *there = reading->work;
    struct front *front = there->front;
    struct fault fault;
    instant start = clock_monotonic();
    if (reading->view.snapshot == NULL &&
        !view_begin(front->options.store, &reading->arena, &reading->view, &fault)) {
        log_event(LOG_ERROR, "view_failed", "%s", fault.text);
        reply_fail(&reading->arena, &there->reply, OVERLOAD,
                   STR("The server is busy. Try again in a moment."));
        return;
    }
    execute_query(front->options.program, &there->asked.request, there->asked.kind, &reading->view,
                  &reading->arena, now, &there->reply);
    there->time = instant_since(clock_monotonic(), start);
}

/* While others wait, nobody has more than half of the readers' time. */
static bool may_read(struct front *front, const struct peer *peer)
{
    struct readers *readers = front->options.readers;
    bool do_others_wait = readers_waiting(readers) > peer->readings;
    return !peer_reads_at_most(peer) &&
           (!do_others_wait ||
            !peer_reads_too_long(peer, readers_count(readers), loop_now(front->loop)));
}

bool front_read_begin(struct front *front, struct peer *peer)
{
    if (may_read(front, peer)) {
        front->large_queries++;
        peer->readings++;
        return true;
    }
    front->reads_refused++;
    peers_drop(front->peers, peer);
    return false;
}

void front_read_end(struct front *front, struct peer *peer, span time)
{
    peer->readings--;
    peer_read(peer, time, loop_now(front->loop));
    peers_drop(front->peers, peer);
}

static void on_read_there(void *owner, struct reading *reading)
{
    struct asked_there *there = reading->work;
    front_read_end(there->front, there->asked.peer, there->time);
    there->asked.then(there->asked.context, &there->reply);
    reading_free(reading);
}

/* The server stops, or too many wait. */
static void refuse(const struct front_asked *asked)
{
    AUTO(arena_done) struct arena arena = {0};
    struct call_reply reply;
    reply_fail(&arena, &reply, OVERLOAD, STR("The server is busy. Try again in a moment."));
    asked->then(asked->context, &reply);
}

static void drop_there(struct reading *reading)
{
    struct asked_there *there = reading->work;
    front_read_end(there->front, there->asked.peer, there->time);
    refuse(&there->asked);
}

static void ask_there(struct front *front, const struct front_asked *asked)
{
    struct peer *peer = asked->peer != NULL
                            ? peer_keep(asked->peer)
                            : peers_find(front->peers, asked->request.identity, asked->address);
    if (!front_read_begin(front, peer)) {
        refuse(asked);
        return;
    }
    struct reading *reading = reading_new();
    struct arena *arena = &reading->arena;
    struct asked_there *there = arena_new(arena, struct asked_there);
    *there = (struct asked_there){.front = front, .asked = *asked};
    there->asked.peer = peer;
    there->asked.request.path = str_copy(arena, asked->request.path);
    there->asked.request.args = str_copy(arena, asked->request.args);
    reading->identity = identity_keep(asked->request.identity);
    reading->work = there;
    reading->run = run_there;
    reading->done = on_read_there;
    reading->drop = drop_there;
    if (asked->is_kept) {
        reading->view = front->kept;
        front->kept = (struct view){0};
        view_renew(&reading->view, arena);
    }
    if (readers_put(front->options.readers, reading, false))
        return;
    front_read_end(front, peer, (span){0});
    reading_free(reading);
    refuse(asked);
}

void front_ask(struct front *front, const struct front_asked *asked)
{
    AUTO(arena_done) struct arena arena = {0};
    struct call_reply reply;
    if (asked->kind == FUNCTION_ACTION && actions_take(front, asked))
        return;
    uint64_t hash = hash_of(&asked->request);
    uint64_t *large = &front->large[hash & (LARGE_MAX - 1)];
    front->queries++;
    if (*large == hash) {
        ask_there(front, asked);
        return;
    }
    if (asked->is_kept) {
        view_renew(&front->kept, &arena);
    } else if (!keep_view(front, &arena)) {
        refuse(asked);
        return;
    }
    view_be_small(&front->kept, LIVE_SMALL_READS, LIVE_SMALL_BYTES);
    execute_query(front->options.program, &asked->request, asked->kind, &front->kept, &arena,
                  front_now(), &reply);
    bool is_too_large = front->kept.is_too_large;
    view_renew(&front->kept, NULL); /* its rows and scans are in an arena that goes now */
    if (is_too_large) {
        *large = hash;
        ask_there(front, asked);
    } else {
        asked->then(asked->context, &reply);
    }
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

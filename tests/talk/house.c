/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include "studio/crons.h"

#include "brittle.h"
#include "job/job.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Thursday, 1 January 2026, noon. */
#define BEGINNING ((instant){INT64_C(1767268800000000)})

/* ---- opening ---- */

static void must(bool worked, const struct fault *fault)
{
    if (worked)
        return;
    fprintf(stderr, "the house cannot open: %s\n", fault->text);
    abort();
}

static struct list joined(struct arena *arena, struct list a, struct list b, size_t size)
{
    char *items = arena_alloc(arena, (a.count + b.count) * size);
    memcpy(items, a.items, a.count * size);
    if (b.count != 0)
        memcpy(items + a.count * size, b.items, b.count * size);
    return (struct list){items, a.count + b.count};
}

/* The preset as it is sold, and beside it what talks need to have to do with. */
static void load_settings(struct house *house)
{
    struct fault fault = {0};
    struct settings_options preset = {0};
    must(settings_load(&house->arena, &preset, &house->settings, &fault), &fault);
    if (house->options.config == NULL)
        return;

    struct settings more;
    struct settings_options options = {.config = house->options.config};
    struct studio_config *studio = &house->settings.studio;
    must(settings_load(&house->arena, &options, &more, &fault), &fault);
    studio->plans =
        joined(&house->arena, studio->plans, more.studio.plans, sizeof(struct plan_config));
    studio->models =
        joined(&house->arena, studio->models, more.studio.models, sizeof(struct model_config));
    studio->providers = joined(&house->arena, studio->providers, more.studio.providers,
                               sizeof(struct provider_config));
    studio->moderation = more.studio.moderation;
    studio->payments = more.studio.payments;
    studio->credit_packages = more.studio.credit_packages;
    must(studio_config_check(studio, &fault), &fault);
}

static void before_commit(void *context, const struct write_set *writes)
{
    commit_log_before_commit(((struct house *)context)->log, writes);
}

static void open_store(struct house *house)
{
    struct fault fault = {0};
    struct store_options options = {
        .engine = house->memory != NULL ? STORE_GIVEN : STORE_SQLITE,
        .path = house->path,
        .given = house->memory,
        .schema = &studio_schema,
        .now = house->now,
        .before_commit = before_commit,
        .context = house,
    };
    must(store_open(&options, &house->store, &fault), &fault);
}

static void wake_nobody(void *context)
{
}

static void wake_runner(void *context)
{
    ((struct house *)context)->runner_is_woken = true;
}

static void on_news(void *context, struct subscription *subscription)
{
    ((struct watch_seen *)subscription->owner)->has_news = true;
}

/* There is one house at a time. */
static bool must_end;

static void on_fatal(const struct fault *fault)
{
    must_end = true;
}

bool house_must_end(void)
{
    return must_end;
}

static void start(struct house *house)
{
    struct fault fault = {0};
    house->program.config = catalogue_new(&house->settings.studio);
    must_end = false;
    house->log = commit_log_new();
    open_store(house);
    house->writer = writer_new(&(struct writer_options){.program = &house->program,
                                                        .store = house->store,
                                                        .log = house->log,
                                                        .on_fatal = on_fatal,
                                                        .seed = house->options.seed},
                               &fault);
    must(house->writer != NULL, &fault);
    house->follower = commit_log_follow(house->log, wake_nobody, house);
    house->live = live_new(
        &(struct live_options){.program = &house->program, .on_news = on_news, .context = house});
    house->runner = runner_new(&(struct runner_options){
        .store = house->store,
        .writer = house->writer,
        .log = house->log,
        .actions = studio_actions,
        .action_count = studio_action_count,
        .lanes = house->lanes,
        .lane_count = studio_lanes(&house->settings.studio, house->lanes),
        .started = crons_start,
        .world = pretend_world(house->outside),
        .wake = wake_runner,
        .wake_context = house,
    });
    pretend_attach(house->outside, house->runner);
    house->runner_is_woken = true;
}

struct house *house_new(const struct house_options *options)
{
    struct house *house = memory_zeroed(sizeof(*house));
    static const uint8_t key[16] = "talks of a house";
    house->options = *options;
    house->now = BEGINNING;
    if (options->engine == STORE_SQLITE) {
        /* In memory if the system lets us: talks are about rules, not about disks. */
        snprintf(house->folder, sizeof(house->folder), "%s/atelier-talk-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (mkdtemp(house->folder) == NULL)
            abort();
        snprintf(house->path, sizeof(house->path), "%s/talk.db", house->folder);
    } else {
        struct engine *engine = options->given != NULL ? options->given : engine_memory_new();
        house->memory = engine_kept(engine);
    }
    doc_id_set_key(key);
    load_settings(house);
    studio_program(&house->program, NULL, NULL, 0);
    house->program.public_url = "http://localhost:7070";
    house->outside = pretend_new();
    start(house);
    return house;
}

/* ---- closing ---- */

static void stop(struct house *house)
{
    for (size_t i = 0; i < HOUSE_WATCHES_MAX; i++)
        if (house->watches[i] != NULL)
            house_unwatch(house, house->watches[i]);
    runner_free(house->runner);
    live_free(house->live);
    writer_free(house->writer);
    store_close(house->store);
    commit_log_free(house->log);
    catalogue_free(house->program.config);
    pretend_forget(house->outside);
}

static void remove_folder(struct house *house)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        snprintf(path, sizeof(path), "%s%s", house->path, endings[i]);
        unlink(path);
    }
    rmdir(house->folder);
}

void house_free(struct house *house)
{
    if (house == NULL)
        return;
    stop(house);
    if (house->memory != NULL)
        engine_kept_close(house->memory);
    else
        remove_folder(house);
    pretend_free(house->outside);
    program_done(&house->program);
    arena_done(&house->arena);
    free(house);
}

void house_crash(struct house *house)
{
    stop(house);
    if (house->memory != NULL)
        engine_kept_fail(house->memory, 0);
    if (house->on_down != NULL)
        house->on_down(house->down_context);
    house->crashes++;
    start(house);
}

/* ---- rounds ---- */

/* As serve/front.c does: answers first, then what changed by them, all of one snapshot. */
static void round_of(struct house *house)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct fault fault = {0};
    struct commit_entry entry;

    if (!view_begin(house->store, &arena, &view, &fault))
        return;
    while (follower_next(house->follower, view_ts(&view), &entry)) {
        for (size_t i = 0; i < entry.mutation_count; i++)
            entry.mutations[i]->done(entry.mutations[i]->owner, entry.mutations[i]);
        live_commit(house->live, &entry.writes);
    }
    live_round(house->live, &view, house->now);
    struct live_job *job = live_job_take(house->live);
    if (job != NULL) {
        live_job_run(job, &view, house->now);
        live_job_settle(house->live, job);
        live_job_end(house->live, job);
    }
    view_end(&view);
}

void house_commit(struct house *house)
{
    while (writer_step(house->writer, house->now)) {
    }
    round_of(house);
}

/* ---- calls ---- */

static void on_back(void *owner, struct mutation *mutation)
{
    mutation->tag = 1;
}

bool mutation_is_back(const struct mutation *mutation)
{
    return mutation->tag == 1;
}

static str copied(struct arena *arena, str text)
{
    return text.at == NULL ? (str){0} : str_copy(arena, text);
}

struct mutation *house_send(struct house *house, const struct call_request *request)
{
    struct mutation *mutation = mutation_new();
    mutation->request = *request;
    mutation->request.path = copied(&mutation->arena, request->path);
    mutation->request.args = copied(&mutation->arena, request->args);
    mutation->request.identity = identity_keep(request->identity);
    mutation->from = house->follower;
    mutation->done = on_back;
    if (!writer_put(house->writer, mutation))
        abort();
    return mutation;
}

static void tell_reply(struct house *house, const struct call_request *request,
                       const struct call_reply *reply, struct arena *arena)
{
    const struct function *function =
        function_find(&house->program, function_path(arena, request->path));
    if (function != NULL && reply->error == ERROR_NONE && reply->wish == NULL &&
        house->on_reply != NULL)
        house->on_reply(house->context, function, reply->value);
}

struct mutation *house_mutate(struct house *house, const struct call_request *request)
{
    struct mutation *mutation = house_send(house, request);
    house_commit(house);
    assert(mutation_is_back(mutation));
    tell_reply(house, request, &mutation->reply, &mutation->arena);
    return mutation;
}

/* A page for each page that is asked for, an invoice for a preview, the subscription for each
 * change of one. */
static struct call_answer pay(struct house *house, const struct call_wish *wish)
{
    int status = house->pay_status == 0 ? 200 : house->pay_status;
    str url =
        str_ends(wish->url, STR("/")) ? str_slice(wish->url, 0, wish->url.len - 1) : wish->url;
    ptrdiff_t slash = str_find_last(url, '/');
    str last = str_slice(url, (size_t)slash + 1, url.len);
    bool is_page = str_ends(last, STR("sessions")) || str_equal(last, STR("checkouts"));
    bool is_canceled = str_contains(wish->body, STR("cancel_at_period_end=true")) ||
                       str_contains(wish->body, STR("\"cancel_at_period_end\":true"));
    snprintf(house->paid_at, sizeof(house->paid_at), "%.*s %.*s", STR_ARG(last),
             STR_ARG(wish->body));
    if (status != 200)
        return (struct call_answer){status, STR("{\"error\":{}}")};
    if (is_page)
        return (struct call_answer){status, STR("{\"url\":\"https://pay.example/page\"}")};
    if (str_equal(last, STR("create_preview")))
        return (struct call_answer){
            status, STR("{\"amount_due\":12345,\"currency\":\"usd\",\"period_end\":1769947200}")};
    return (struct call_answer){
        status, str_format(&house->arena,
                           "{\"id\":\"%.*s\",\"status\":\"active\",\"cancel_at_period_end\":%s}",
                           STR_ARG(last), is_canceled ? "true" : "false")};
}

struct mutation *house_act(struct house *house, const struct call_request *request)
{
    struct call_request half = *request;
    struct call_answer answer;
    half.is_action = true;
    struct mutation *mutation = house_mutate(house, &half);
    while (mutation->reply.error == ERROR_NONE && mutation->reply.wish != NULL) {
        answer = pay(house, mutation->reply.wish);
        half.answer = &answer;
        mutation_free(mutation);
        mutation = house_mutate(house, &half);
    }
    return mutation;
}

void house_query(struct house *house, const struct call_request *request, struct arena *arena,
                 struct call_reply *reply)
{
    struct view view;
    struct fault fault = {0};
    if (!view_begin(house->store, arena, &view, &fault)) {
        reply_fail(arena, reply, OVERLOAD, STR("The server is busy. Try again in a moment."));
        return;
    }
    execute_query(&house->program, request, FUNCTION_QUERY, &view, arena, house->now, reply);
    view_end(&view);
    tell_reply(house, request, reply, arena);
}

struct own_work {
    void (*body)(struct call *call, void *context);
    void *context;
    bool is_done, worked;
    char text[200];
};

static void run_own(struct call *call, void *context)
{
    struct own_work *work = context;
    work->body(call, work->context);
}

static void own_is_back(void *owner, struct mutation *mutation)
{
    struct own_work *work = owner;
    work->is_done = true;
    work->worked = mutation->reply.error == ERROR_NONE;
    snprintf(work->text, sizeof(work->text), "%.*s", STR_ARG(mutation->reply.error_text));
    mutation_free(mutation);
}

void house_do(struct house *house, void (*body)(struct call *call, void *context), void *context)
{
    struct own_work work = {.body = body, .context = context};
    struct mutation *mutation = mutation_new();
    mutation->body = run_own;
    mutation->done = own_is_back;
    mutation->owner = &work;
    mutation->from = house->follower;
    if (!writer_put(house->writer, mutation))
        abort();
    house_commit(house);
    if (!work.is_done || !work.worked) {
        fprintf(stderr, "the house's own work failed: %s\n", work.text);
        abort();
    }
}

/* ---- watching ---- */

void house_watch(struct house *house, struct watch_seen *watch, const struct call_request *request)
{
    size_t at = 0;
    while (at < HOUSE_WATCHES_MAX && house->watches[at] != NULL && house->watches[at] != watch)
        at++;
    assert(at < HOUSE_WATCHES_MAX);
    house->watches[at] = watch;
    watch->subscription = (struct subscription){.owner = watch};
    live_subscribe(house->live, &watch->subscription, request->path, request->args,
                   request->identity, request->journal);
    watch->has_news = true;
    round_of(house);
}

void house_unwatch(struct house *house, struct watch_seen *watch)
{
    live_unsubscribe(house->live, &watch->subscription);
    for (size_t i = 0; i < HOUSE_WATCHES_MAX; i++)
        if (house->watches[i] == watch)
            house->watches[i] = NULL;
}

/* ---- time ---- */

static bool step_runner(struct house *house)
{
    bool is_due = house->runner_next.us != 0 && house->runner_next.us <= house->now.us;
    if (!house->runner_is_woken && !is_due)
        return false;
    house->runner_is_woken = false;
    house->runner_next = runner_step(house->runner, house->now);
    return true;
}

static bool step_one(struct house *house)
{
    pretend_set_now(house->outside, house->now);
    if (writer_step(house->writer, house->now)) {
        round_of(house);
        return true;
    }
    if (step_runner(house))
        return true;
    if (pretend_step(house->outside, house->now)) {
        house->runner_is_woken = true;
        return true;
    }
    if (live_is_due(house->live, house->now)) {
        round_of(house);
        return true;
    }
    return false;
}

bool house_step(struct house *house)
{
    if (!step_one(house))
        return false;
    house->steps++;
    if (house->steps == house->crash_at)
        house_crash(house);
    return true;
}

static void settle(struct house *house)
{
    size_t steps = 0;
    while (house_step(house)) {
        if (++steps < HOUSE_STEPS_MAX)
            continue;
        fprintf(stderr, "the house never comes to rest: somebody turns in a circle\n");
        abort();
    }
}

static void sooner(instant *next, instant other)
{
    if (other.us != 0 && (next->us == 0 || other.us < next->us))
        *next = other;
}

void house_pass(struct house *house, span time)
{
    instant end = instant_add(house->now, time);
    settle(house);
    for (;;) {
        instant next = house->runner_next;
        sooner(&next, pretend_next(house->outside));
        sooner(&next, live_next(house->live));
        if (next.us == 0 || next.us > end.us)
            break;
        house->now = (instant){MAX_OF(next.us, house->now.us)};
        settle(house);
    }
    house->now = end;
    settle(house);
}

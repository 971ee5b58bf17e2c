/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/server.h"

#include "auth/issuers.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "blob/partial.h"
#include "net/proxies.h"
#include "serve/data.h"
#include "serve/pages.h"
#include "serve/reload.h"
#include "serve/secure.h"
#include "serve/sweep.h"
#include "serve/trusted.h"
#include "serve/world.h"
#include "studio/crons.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define DRAIN_TIME SECONDS(8)
#define WRITER_NAP 20   /* ms: then the store may checkpoint */
#define WRITER_REST 250 /* ms: then it looks whether the server stops */
#define READERS_NICE 10
#define TYPES_MAX 64
#define ACTIONS_MAX 32
#define PER_HOST_MIN 16

struct server {
    struct server_options options;
    struct arena arena;
    int lock;
    struct doc_type const *types[TYPES_MAX];
    struct schema schema;
    struct program program;
    struct catalogue *catalogue;
    struct commit_log *log;
    struct store *store;
    struct writer *writer;
    struct readers *readers;
    struct signer *signer;
    struct verifier *verifier;
    struct outside *outside;
    struct issuers *issuers;
    struct hasher *hasher;
    struct blobs *blobs;
    struct partials *partials;
    struct sweep *sweep;
    struct media *media;
    struct outer *outer;
    struct runner *runner;
    struct queue *runner_wake;
    struct world world;
    const struct job_action *actions[ACTIONS_MAX];
    size_t action_count;
    struct pages *pages;
    struct loop *loop;
    struct secure *secure;
    struct reload *reload;
    struct proxies proxies;
    struct trusted *trusted;
    struct budgets budgets;
    struct front *front;
    char temp_dir[PATH_MAX];
    char address[300];
    pthread_t writer_thread, runner_thread;
    bool has_writer, has_runner;
    atomic_bool is_stopping, is_over;
};

/* ---- opening ---- */

static void on_fatal(const struct fault *fault)
{
    /* After a failed fsync nobody knows what is on the disk: the next start will. */
    log_event(LOG_ERROR, "disk_failed", "stopping: %s", fault->text);
    _exit(1);
}

static bool read_memory_limit(struct server *server, struct fault *fault)
{
    str text = server->options.settings->server.memory_limit;
    size_t limit = memory_limit_default();
    if (text.len != 0 && (!memory_size_read(text, &limit) || limit < MEMORY_LIMIT_MIN))
        return fault_set(fault, FAULT_INPUT,
                         "server.memoryLimit: \"%.*s\" is no size of 256MiB or more. Write it as "
                         "512MiB or 2GiB.",
                         STR_ARG(text));
    budgets_divide(&server->budgets, limit);
    return true;
}

static void gather_types(struct server *server)
{
    size_t count = 0;
    for (size_t i = 0; i < studio_schema.count; i++)
        server->types[count++] = studio_schema.types[i];
    for (size_t i = 0; i < server->options.extra_type_count; i++)
        server->types[count++] = server->options.extra_types[i];
    assert(count <= TYPES_MAX);
    server->schema = (struct schema){.types = server->types, .count = count};
}

static bool open_store(struct server *server, struct fault *fault)
{
    char path[PATH_MAX];
    uint8_t ids[16];
    snprintf(path, sizeof(path), "%s/atelier.db", server->options.data_dir);
    gather_types(server);
    if (!data_key(server->options.data_dir, "ids.key", ids, sizeof(ids), fault) ||
        !data_key(server->options.data_dir, "seal.key", server->program.seal_key,
                  sizeof(server->program.seal_key), fault))
        return false;
    doc_id_set_key(ids);
    server->log = commit_log_new();
    struct store_options options = {
        .engine = STORE_SQLITE,
        .path = path,
        .schema = &server->schema,
        .now = clock_now(),
        .call_memory = server->budgets.call,
        .page_cache = server->budgets.page_cache,
        .before_commit = commit_log_before_commit,
        .context = server->log,
    };
    return store_open(&options, &server->store, fault);
}

static bool open_calls(struct server *server, struct fault *fault)
{
    const struct settings *settings = server->options.settings;
    server->catalogue = catalogue_new(&settings->studio);
    studio_program(&server->program, server->catalogue, server->options.extra,
                   server->options.extra_count);
    server->program.schema = &server->schema;
    server->program.redacts_errors = settings->server.redact_errors;
    struct writer_options options = {
        .program = &server->program,
        .store = server->store,
        .log = server->log,
        .monotonic = clock_monotonic,
        .on_fatal = on_fatal,
    };
    server->writer = writer_new(&options, fault);
    /* More readers than that delay the writer's commits. */
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct readers_options readers = {
        .count = (size_t)MAX_OF(cores - 1, 1L), .niceness = READERS_NICE, .clock = clock_now};
    server->readers = readers_new(&readers, fault);
    return server->writer != NULL && server->readers != NULL;
}

/* Each set of keys once, however many providers sign with it. */
static size_t add_posting_keys(const struct studio_config *studio,
                               struct issuer issuers[ISSUERS_MAX], size_t count)
{
    const struct provider_config *providers = studio->providers.items;
    for (size_t i = 0; i < studio->providers.count && count < ISSUERS_MAX; i++) {
        str keys = config_posting_keys(&providers[i]);
        bool is_there = keys.len == 0;
        for (size_t j = 0; j < count; j++)
            is_there |= issuers[j].kind == ISSUER_POSTS && str_equal(issuers[j].jwks, keys);
        if (!is_there)
            issuers[count++] = (struct issuer){
                .kind = ISSUER_POSTS,
                .issuer = keys,
                .jwks = keys,
                .allow_private = providers[i].allow_private_addresses,
            };
    }
    return count;
}

static bool open_verifier(struct server *server, struct fault *fault)
{
    const struct auth_settings *auth = &server->options.settings->auth;
    const struct issuer_settings *rows = auth->issuers.items;
    struct issuer issuers[ISSUERS_MAX] = {{
        .kind = ISSUER_OIDC,
        .issuer = str_of(server->program.public_url),
        .application_id = STR(TOKEN_AUDIENCE),
        .is_ours = true,
    }};
    size_t count = 1;
    for (size_t i = 0; i < auth->issuers.count && count < ISSUERS_MAX; i++)
        issuers[count++] = (struct issuer){
            .kind = rows[i].kind,
            .issuer = rows[i].issuer,
            .application_id = rows[i].application_id,
            .algorithm = rows[i].algorithm,
            .jwks = rows[i].jwks,
            .allow_private = rows[i].allow_private_addresses,
        };
    count = add_posting_keys(&server->options.settings->studio, issuers, count);
    server->verifier = verifier_new(issuers, count, fault);
    if (server->verifier == NULL)
        return false;
    verifier_set_keys(server->verifier, 0, signer_key_set(server->signer));
    return true;
}

/* Connections to one host: whatever a provider's concurrency allows, all of it may be at one. */
static long per_host_max(const struct server *server)
{
    const struct studio_config *studio = &server->options.settings->studio;
    const struct provider_config *providers = studio->providers.items;
    int64_t most = PER_HOST_MIN;
    for (size_t i = 0; i < studio->providers.count; i++)
        most = MAX_OF(most, providers[i].concurrency);
    return (long)MIN_OF(most, (int64_t)OUTSIDE_UNDER_WAY_MAX);
}

static bool open_auth(struct server *server, struct fault *fault)
{
    char keys[PATH_MAX];
    snprintf(keys, sizeof(keys), "%s/keys", server->options.data_dir);
    server->signer = signer_open(keys, fault);
    server->outside =
        outside_new(&(struct outside_options){.per_host_max = per_host_max(server)}, fault);
    server->hasher = hasher_new(fault);
    return server->signer != NULL && server->outside != NULL && server->hasher != NULL;
}

const char *server_address(const struct server *server)
{
    return server->address;
}

/* What others call: the host that was asked for, or this machine for "all of them". */
static void keep_address(struct server *server)
{
    str listen = server->options.settings->server.listen;
    ptrdiff_t colon = str_find_last(listen, ':');
    str host = colon < 0 ? listen : str_slice(listen, 0, (size_t)colon);
    if (host.len == 0 || str_equal(host, STR("0.0.0.0")) || str_equal(host, STR("[::]")))
        host = STR("localhost");
    snprintf(server->address, sizeof(server->address), "%s://%.*s:%u",
             server->secure != NULL ? "https" : "http", STR_ARG(host), server_port(server));
}

/* After listening: only then is our own address known, and with it the issuer of our tokens. */
static bool open_issuers(struct server *server, struct fault *fault)
{
    char cache[PATH_MAX];
    str given = server->options.settings->server.public_url;
    keep_address(server);
    if (given.len == 0)
        given = str_of(server->address);
    while (str_ends(given, STR("/")))
        given.len--;
    server->program.public_url = str_zero_ended(&server->arena, given);
    if (!open_verifier(server, fault))
        return false;
    server->front->options.verifier = server->verifier;
    snprintf(cache, sizeof(cache), "%s/keys/jwks-cache", server->options.data_dir);
    server->issuers = issuers_new(server->verifier, server->outside, cache, fault);
    return server->issuers != NULL &&
           data_tell(server->lock, server_address(server), server->program.public_url, fault);
}

static void wake_runner(void *context)
{
    queue_wake(((struct server *)context)->runner_wake);
}

static void gather_actions(struct server *server)
{
    const struct server_options *options = &server->options;
    assert(studio_action_count + options->extra_action_count <= ACTIONS_MAX);
    for (size_t i = 0; i < studio_action_count; i++)
        server->actions[server->action_count++] = studio_actions[i];
    for (size_t i = 0; i < options->extra_action_count; i++)
        server->actions[server->action_count++] = options->extra_actions[i];
    server->world = outer_world(server->outer);
    if (options->stand_in != NULL)
        server->world = options->stand_in(&server->world, &server->runner);
}

static bool open_blobs(struct server *server, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    struct blobs_options options;
    return blob_settings_options(server->options.settings->blobs, &arena, server->options.data_dir,
                                 clock_now(), &options, fault) &&
           blobs_open_with(&options, &server->blobs, fault);
}

static bool open_jobs(struct server *server, struct fault *fault)
{
    const char *data = server->options.data_dir;
    struct lane_limit lanes[STUDIO_LANES_MAX];
    size_t lane_count;
    struct media_options media = {.scratch = server->temp_dir};
    snprintf(server->temp_dir, sizeof(server->temp_dir), "%s/tmp", data);
    if (!open_blobs(server, fault) || !partials_open(data, &server->partials, fault) ||
        !media_open(server->options.helper, &media, &server->media, fault))
        return false;
    struct outer_options outer = {.blobs = server->blobs,
                                  .outside = server->outside,
                                  .media = server->media,
                                  .temp_dir = server->temp_dir};
    server->outer = outer_new(&outer, fault);
    server->runner_wake = queue_new(1, fault);
    if (server->outer == NULL || server->runner_wake == NULL)
        return false;
    gather_actions(server);
    lane_count = studio_lanes(&server->options.settings->studio, lanes);
    struct runner_options options = {
        .store = server->store,
        .writer = server->writer,
        .log = server->log,
        .actions = server->actions,
        .action_count = server->action_count,
        .lanes = lanes,
        .lane_count = lane_count,
        .started = crons_start,
        .world = server->world,
        .wake = wake_runner,
        .wake_context = server,
    };
    server->runner = runner_new(&options);
    outer_attach(server->outer, server->runner);
    return true;
}

static bool read_proxies(struct server *server, struct fault *fault)
{
    const struct list *list = &server->options.settings->server.trusted_proxies;
    const str *texts = list->items;
    struct fault why;
    for (size_t i = 0; i < list->count; i++)
        if (!proxies_add(&server->proxies, texts[i], &why))
            return fault_set(fault, FAULT_INPUT, "server.trustedProxies: %s", why.text);
    return true;
}

static bool open_front(struct server *server, struct fault *fault)
{
    const struct settings *settings = server->options.settings;
    const char *version = server->options.version;
    uint8_t admin[16];
    struct fault no_pages;
    if (!data_key(server->options.data_dir, "admin.key", admin, sizeof(admin), fault) ||
        !read_proxies(server, fault) ||
        !trusted_new(&settings->compat.trusted_callers, &server->program, &server->trusted, fault))
        return false;
    str files = blobs_origin(server->blobs, &server->arena);
    if (server->options.web != NULL &&
        !pages_open(server->options.web, files, &server->pages, &no_pages))
        log_event(LOG_WARN, "no_pages", "%s", no_pages.text);
    if (server->pages != NULL)
        version = str_format(&server->arena, "%s-%s", version, pages_version(server->pages)).at;
    server->loop = loop_new(fault);
    if (server->loop == NULL || !secure_open(&settings->server, &server->secure, fault))
        return false;
    struct front_options options = {
        .program = &server->program,
        .store = server->store,
        .writer = server->writer,
        .log = server->log,
        .readers = server->readers,
        .signer = server->signer,
        .hasher = server->hasher,
        .blobs = server->blobs,
        .partials = server->partials,
        .outside = server->outside,
        .pages = server->pages,
        .admin_key = hex_write(&server->arena, (bytes){admin, sizeof(admin)}),
        .clerk = settings->auth.clerk,
        .temp_dir = server->temp_dir,
        .listen = str_zero_ended(&server->arena, settings->server.listen),
        .version = version,
        .tls = secure_tls(server->secure),
        .proxies = &server->proxies,
        .trusted = server->trusted,
        .budgets = &server->budgets,
        .packs_messages = settings->server.compression,
        .cookie_is_secure =
            server->secure != NULL || str_starts(settings->server.public_url, STR("https://")),
    };
    return front_open(server->loop, &options, &server->front, fault);
}

static bool open_reload(struct server *server, struct fault *fault)
{
    struct reload_options options = {
        .loop = server->loop,
        .front = server->front,
        .secure = server->secure,
        .catalogue = server->catalogue,
        .read = server->options.read_settings,
        .context = server->options.read_context,
        .lanes_changed = wake_runner,
        .lanes_context = server,
    };
    return reload_open(&options, &server->reload, fault);
}

bool server_open(const struct server_options *options, struct server **out, struct fault *fault)
{
    struct server *server = memory_zeroed(sizeof(*server));
    server->options = *options;
    server->lock = -1;
    bool is_open =
        read_memory_limit(server, fault) && data_prepare(options->data_dir, fault) &&
        data_lock(options->data_dir, &server->lock, fault) && open_store(server, fault) &&
        open_calls(server, fault) && open_auth(server, fault) && open_jobs(server, fault) &&
        open_front(server, fault) && open_reload(server, fault) && open_issuers(server, fault);
    if (!is_open) {
        server_close(server);
        return false;
    }
    *out = server;
    return true;
}

uint16_t server_port(const struct server *server)
{
    return http_port(server->front->http);
}

/* ---- threads ---- */

static void *run_writer(void *context)
{
    struct server *server = context;
    struct pollfd fds = {.fd = writer_fd(server->writer), .events = POLLIN};
    bool was_busy = false;
    for (;;) {
        int ready = poll(&fds, 1, was_busy ? WRITER_NAP : WRITER_REST);
        if (ready < 0)
            continue;
        was_busy = writer_step(server->writer, clock_now());
        if (!was_busy && server->is_over)
            return NULL;
    }
}

static int wait_ms(instant now, instant monotonic, instant runner_next, instant media_next,
                   instant issuers_next)
{
    int64_t wait = 1000000;
    if (runner_next.us != 0)
        wait = MIN_OF(wait, instant_since(runner_next, now).us);
    if (media_next.us != 0)
        wait = MIN_OF(wait, instant_since(media_next, monotonic).us);
    if (issuers_next.us != 0)
        wait = MIN_OF(wait, instant_since(issuers_next, monotonic).us);
    return (int)(MAX_OF(wait, (int64_t)0) + 999) / 1000;
}

static void take_lanes(struct server *server)
{
    struct lane_set *set = reload_lanes(server->reload);
    if (set != NULL)
        runner_limit(server->runner, set->lanes, set->count);
    lane_set_free(set);
}

static void *run_runner(void *context)
{
    struct server *server = context;
    struct pollfd fds[] = {
        {.fd = queue_fd(server->runner_wake), .events = POLLIN},
        {.fd = media_fd(server->media), .events = POLLIN},
        {.fd = outer_fd(server->outer), .events = POLLIN},
        {.fd = issuers_fd(server->issuers), .events = POLLIN},
    };
    while (!server->is_over) {
        void *none;
        instant now = clock_now(), monotonic = clock_monotonic();
        queue_take(server->runner_wake, &none, 0);
        if (server->is_stopping)
            runner_drain(server->runner);
        take_lanes(server);
        outer_step(server->outer, monotonic);
        instant runner_next = runner_step(server->runner, now);
        instant issuers_next = issuers_step(server->issuers, monotonic);
        instant media_next = media_due(server->media);
        poll(fds, ARRAY_LEN(fds), wait_ms(now, monotonic, runner_next, media_next, issuers_next));
    }
    return NULL;
}

static bool start_threads(struct server *server)
{
    server->has_writer = pthread_create(&server->writer_thread, NULL, run_writer, server) == 0;
    server->has_runner = pthread_create(&server->runner_thread, NULL, run_runner, server) == 0;
    server->sweep = sweep_start(server->store, server->blobs);
    return server->has_writer && server->has_runner;
}

/* ---- running and stopping ---- */

/* Answers what is under way; sockets are told to come back to the next start. */
static void drain(struct server *server)
{
    front_drain(server->front);
    instant end = instant_add(loop_now(server->loop), DRAIN_TIME);
    while (http_connections(server->front->http) > 0 && instant_is_before(clock_monotonic(), end))
        loop_turn(server->loop, MILLISECONDS(50));
}

void server_run(struct server *server)
{
    if (!start_threads(server)) {
        log_event(LOG_ERROR, "threads_failed", "the system gives no threads");
        return;
    }
    loop_run(server->loop);
    server->is_stopping = true;
    wake_runner(server);
    drain(server);
}

void server_stop(struct server *server)
{
    loop_stop(server->loop);
}

bool server_is_secure(const struct server *server)
{
    return server->secure != NULL;
}

void server_reload(struct server *server)
{
    reload_ask(server->reload);
}

void server_close(struct server *server)
{
    if (server == NULL)
        return;
    server->is_over = true;
    if (server->blobs != NULL)
        blobs_stop(server->blobs);
    if (server->has_runner) {
        wake_runner(server);
        pthread_join(server->runner_thread, NULL);
    }
    if (server->has_writer)
        pthread_join(server->writer_thread, NULL);
    sweep_stop(server->sweep);
    /* First the threads that deliver, then the queues that they deliver to. */
    readers_free(server->readers);
    hasher_free(server->hasher);
    issuers_free(server->issuers);
    outside_free(server->outside);
    front_close(server->front);
    trusted_free(server->trusted);
    outer_free(server->outer); /* its threads look at what the runner's jobs asked */
    runner_free(server->runner);
    media_close(server->media);
    verifier_free(server->verifier);
    signer_close(server->signer);
    writer_free(server->writer);
    store_close(server->store);
    commit_log_free(server->log);
    blobs_close(server->blobs);
    partials_close(server->partials);
    pages_close(server->pages);
    queue_free(server->runner_wake);
    reload_close(server->reload);
    secure_close(server->secure);
    loop_free(server->loop);
    program_done(&server->program);
    catalogue_free(server->catalogue);
    fd_close(&server->lock);
    arena_done(&server->arena);
    free(server);
}

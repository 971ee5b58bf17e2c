/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/issuers.h"

#include "auth/jwks_cache.h"
#include "auth/jwt.h"
#include "base/log.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define FETCH_TIMEOUT SECONDS(10)
#define BACKOFF_LEAST SECONDS(1)
#define BACKOFF_MOST SECONDS(60)
#define REDIRECTS_MAX 3
#define DISCOVERY_MAX KIB(64)

enum fetch_state {
    FETCH_NONE,
    FETCH_DISCOVERY,
    FETCH_JWKS,
};

/* What is known about fetching one row's keys. */
struct source {
    bool is_fetched; /* neither ours nor a data: URL */
    enum fetch_state state;
    instant due;    /* when to fetch next, if nothing is under way */
    instant rested; /* from then on an unknown key may cause a fetch */
    span backoff;
    uint8_t keys_hash[32]; /* of the JWKS text in use */
    bool has_keys;

    /* Shared with the threads that verify. */
    atomic_bool may_ask, is_wanted, is_coming, is_unreachable;
};

struct issuers {
    struct verifier *verifier;
    struct outside *outside;
    struct queue *results;
    char *cache_dir; /* NULL: none */
    size_t count;
    const struct issuer *rows;
    struct source sources[ISSUERS_MAX];
};

/* Nobody else's requests have the address of our row. */
static uint64_t request_id(const struct source *source)
{
    return (uint64_t)(uintptr_t)source;
}

/* An unknown key starts at most one fetch a minute; while the issuer is down it may yet be good. */
static bool wants_keys(void *context, size_t row)
{
    struct issuers *issuers = context;
    struct source *source = &issuers->sources[row];
    if (!source->is_fetched)
        return false;
    if (atomic_exchange(&source->may_ask, false)) {
        atomic_store(&source->is_coming, true);
        atomic_store(&source->is_wanted, true);
        queue_wake(issuers->results);
        return true;
    }
    return atomic_load(&source->is_coming) || atomic_load(&source->is_unreachable);
}

/* True when the text was good; equal text is not worth forgetting verified tokens for. */
static bool use_keys(struct issuers *issuers, size_t row, str jwks, bool *is_new,
                     struct fault *fault)
{
    struct source *source = &issuers->sources[row];
    uint8_t hash[32];
    sha256(bytes_of(jwks), hash);
    *is_new = !source->has_keys || memcmp(hash, source->keys_hash, sizeof(hash)) != 0;
    if (!*is_new)
        return true;
    struct key_set *keys = key_set_read(jwks, fault);
    if (keys == NULL)
        return false;
    verifier_set_keys(issuers->verifier, row, keys);
    memcpy(source->keys_hash, hash, sizeof(hash));
    source->has_keys = true;
    return true;
}

static bool read_data_url(struct issuers *issuers, size_t row, struct fault *fault)
{
    struct arena arena = {0};
    str jwks;
    bool is_new;
    bool good = data_url_read(&arena, issuers->rows[row].jwks, &jwks) &&
                use_keys(issuers, row, jwks, &is_new, fault);
    arena_done(&arena);
    if (!good)
        return fault_set(fault, FAULT_INPUT, "issuer %.*s: its data: URL holds no JWKS document",
                         STR_ARG(issuers->rows[row].issuer));
    return true;
}

/* A damaged cache is no reason not to start. */
static void read_cache(struct issuers *issuers, size_t row)
{
    struct arena arena = {0};
    str jwks;
    bool is_new;
    if (issuers->cache_dir != NULL &&
        jwks_cache_read(&arena, issuers->cache_dir, &issuers->rows[row], &jwks, NULL) &&
        use_keys(issuers, row, jwks, &is_new, NULL))
        log_event(LOG_INFO, "issuer_keys_cached", "keys of %.*s taken from the cache",
                  STR_ARG(issuers->rows[row].issuer));
    arena_done(&arena);
}

static bool rows_open(struct issuers *issuers, struct fault *fault)
{
    for (size_t i = 0; i < issuers->count; i++) {
        const struct issuer *row = &issuers->rows[i];
        struct source *source = &issuers->sources[i];
        if (row->is_ours)
            continue;
        if (str_starts(row->jwks, STR("data:"))) {
            if (!read_data_url(issuers, i, fault))
                return false;
            continue;
        }
        source->is_fetched = true;
        source->backoff = BACKOFF_LEAST;
        if (row->kind == ISSUER_POSTS)
            source->due.us = INT64_MAX; /* until they are wanted */
        else
            atomic_store(&source->is_coming, true); /* by the first step */
        read_cache(issuers, i);
    }
    return true;
}

struct issuers *issuers_new(struct verifier *verifier, struct outside *outside,
                            const char *cache_dir, struct fault *fault)
{
    if (cache_dir != NULL && !jwks_cache_open(cache_dir, fault))
        return NULL;
    struct queue *results = queue_new(2 * ISSUERS_MAX, fault);
    if (results == NULL)
        return NULL;
    struct issuers *issuers = memory_zeroed(sizeof(*issuers));
    issuers->verifier = verifier;
    issuers->outside = outside;
    issuers->results = results;
    issuers->cache_dir = cache_dir == NULL ? NULL : strdup(cache_dir);
    issuers->rows = verifier_issuers(verifier, &issuers->count);
    if (!rows_open(issuers, fault)) {
        issuers_free(issuers);
        return NULL;
    }
    verifier_on_missing_keys(verifier, wants_keys, issuers);
    return issuers;
}

/* Waits for what is under way: a cancelled request, too, puts its result into our queue. */
static void requests_end(struct issuers *issuers)
{
    size_t left = 0;
    for (size_t i = 0; i < issuers->count; i++)
        if (issuers->sources[i].state != FETCH_NONE) {
            outside_cancel(issuers->outside, request_id(&issuers->sources[i]));
            left++;
        }
    while (left > 0) {
        void *item;
        poll(&(struct pollfd){.fd = queue_fd(issuers->results), .events = POLLIN}, 1, 100);
        if (queue_take(issuers->results, &item, 1) == 1) {
            outside_result_free(item);
            left--;
        }
    }
}

void issuers_free(struct issuers *issuers)
{
    if (issuers == NULL)
        return;
    verifier_on_missing_keys(issuers->verifier, NULL, NULL);
    requests_end(issuers);
    queue_free(issuers->results);
    free(issuers->cache_dir);
    free(issuers);
}

int issuers_fd(const struct issuers *issuers)
{
    return queue_fd(issuers->results);
}

static void fetch_ended(struct source *source, instant now, span until_next)
{
    source->state = FETCH_NONE;
    source->due = instant_add(now, until_next);
    source->rested = instant_add(now, ISSUER_UNKNOWN_KEY);
    atomic_store(&source->is_coming, false);
}

static void fetch_failed(struct issuers *issuers, size_t row, instant now, const char *why)
{
    struct source *source = &issuers->sources[row];
    log_event(LOG_WARN, "issuer_keys_failed", "keys of %.*s: %s%s",
              STR_ARG(issuers->rows[row].issuer), why,
              source->has_keys ? " The last good ones stay." : "");
    atomic_store(&source->is_unreachable, true);
    fetch_ended(source, now, source->backoff);
    source->backoff.us = MIN_OF(source->backoff.us * 2, BACKOFF_MOST.us);
}

static void fetch_worked(struct issuers *issuers, size_t row, instant now)
{
    struct source *source = &issuers->sources[row];
    atomic_store(&source->is_unreachable, false);
    source->backoff = BACKOFF_LEAST;
    fetch_ended(source, now, ISSUER_REFRESH);
}

static void send(struct issuers *issuers, size_t row, enum fetch_state state, str url, instant now)
{
    struct source *source = &issuers->sources[row];
    struct outside_header accept = {STR("accept"), STR("application/json")};
    struct outside_request request = {
        .id = request_id(source),
        .url = url,
        .headers = &accept,
        .header_count = 1,
        .timeout = FETCH_TIMEOUT,
        .response_max = state == FETCH_DISCOVERY ? DISCOVERY_MAX : KEY_SET_TEXT_MAX,
        .allow_private = issuers->rows[row].allow_private,
        .redirects_max = REDIRECTS_MAX,
        .deliver_to = issuers->results,
        .context = source,
    };
    source->state = state;
    atomic_store(&source->may_ask, false);
    atomic_store(&source->is_coming, true);
    if (!outside_send(issuers->outside, &request))
        fetch_failed(issuers, row, now, "too many requests are under way.");
}

static void fetch_start(struct issuers *issuers, size_t row, instant now)
{
    const struct issuer *issuer = &issuers->rows[row];
    struct arena arena = {0};
    str plain = issuer_plain(&arena, issuer->issuer);
    if (issuer->jwks.len != 0)
        send(issuers, row, FETCH_JWKS, issuer->jwks, now);
    else
        send(issuers, row, FETCH_DISCOVERY,
             str_format(&arena, "%.*s/.well-known/openid-configuration", STR_ARG(plain)), now);
    arena_done(&arena);
}

static bool is_web_url(str url)
{
    return str_starts(url, STR("https://")) || str_starts(url, STR("http://"));
}

static void take_discovery(struct issuers *issuers, size_t row, str text, instant now)
{
    struct arena arena = {0};
    struct json document;
    struct fault fault = {0};
    const char *why = NULL;
    str url = {0};
    if (!json_read(&arena, text, 0, &document, &fault)) {
        why = "its discovery document is not JSON.";
    } else {
        url = json_text(json_get(&document, "jwks_uri"));
        str named = issuer_plain(&arena, json_text(json_get(&document, "issuer")));
        if (!str_equal(named, issuer_plain(&arena, issuers->rows[row].issuer)))
            why = "its discovery document names another issuer.";
        else if (!is_web_url(url))
            why = "its discovery document has no web address as jwks_uri.";
    }
    if (why != NULL)
        fetch_failed(issuers, row, now, why);
    else
        send(issuers, row, FETCH_JWKS, url, now);
    arena_done(&arena);
}

static void take_jwks(struct issuers *issuers, size_t row, str text, instant now)
{
    struct fault fault = {0};
    bool is_new;
    if (!use_keys(issuers, row, text, &is_new, &fault)) {
        fetch_failed(issuers, row, now, fault.text);
        return;
    }
    fetch_worked(issuers, row, now);
    if (!is_new)
        return;
    log_event(LOG_INFO, "issuer_keys", "keys of %.*s are new", STR_ARG(issuers->rows[row].issuer));
    if (issuers->cache_dir != NULL &&
        !jwks_cache_write(issuers->cache_dir, &issuers->rows[row], text, &fault))
        log_event(LOG_WARN, "issuer_cache", "%s", fault.text);
}

/* The types the reference takes for a custom issuer's keys. */
static bool type_is_right(const struct issuer *issuer, const struct outside_result *result)
{
    str rest = outside_header_value(result, "content-type"), type;
    if (issuer->kind != ISSUER_CUSTOM)
        return true;
    str_split(&rest, ';', &type);
    return str_equal_nocase(str_trim(type), STR("application/json")) ||
           str_equal_nocase(str_trim(type), STR("application/jwk-set+json"));
}

static void take_result(struct issuers *issuers, struct outside_result *result, instant now)
{
    struct source *source = result->context;
    size_t row = (size_t)(source - issuers->sources);
    str body = shared_text(result->body);
    char why[64];
    if (result->error != OUTSIDE_OK) {
        fetch_failed(issuers, row, now, result->text);
    } else if (result->status != 200) {
        snprintf(why, sizeof(why), "it answered with status %d.", result->status);
        fetch_failed(issuers, row, now, why);
    } else if (source->state == FETCH_DISCOVERY) {
        take_discovery(issuers, row, body, now);
    } else if (!type_is_right(&issuers->rows[row], result)) {
        fetch_failed(issuers, row, now, "its keys are not sent as application/json.");
    } else {
        take_jwks(issuers, row, body, now);
    }
    outside_result_free(result);
}

/* Starts what is due; answers when this row wants to be looked at again. */
static instant row_step(struct issuers *issuers, size_t row, instant now)
{
    struct source *source = &issuers->sources[row];
    bool is_wanted = atomic_exchange(&source->is_wanted, false);
    if (source->state == FETCH_NONE && (is_wanted || !instant_is_before(now, source->due)))
        fetch_start(issuers, row, now);
    if (source->state != FETCH_NONE)
        return (instant){INT64_MAX};
    if (instant_is_before(now, source->rested))
        return instant_is_before(source->due, source->rested) ? source->due : source->rested;
    atomic_store(&source->may_ask, true);
    return source->due;
}

instant issuers_step(struct issuers *issuers, instant now)
{
    void *item;
    while (queue_take(issuers->results, &item, 1) == 1)
        take_result(issuers, item, now);

    instant next = {INT64_MAX};
    for (size_t i = 0; i < issuers->count; i++) {
        if (!issuers->sources[i].is_fetched)
            continue;
        instant wish = row_step(issuers, i, now);
        if (instant_is_before(wish, next))
            next = wish;
    }
    return next;
}

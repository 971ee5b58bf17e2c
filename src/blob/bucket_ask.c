/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/bucket_inside.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/hash.h"
#include "blob/xml.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>

#define LOOK_EVERY_MS 200 /* whether somebody said stop */
#define TIMEOUT_DEFAULT SECONDS(60)
#define PATIENCE SECONDS(60) /* with what drips */

void bucket_result_free(struct outside_result **result)
{
    outside_result_free(*result);
}

/* ---- who waits ---- */

static struct waiter *waiter_take(struct bucket *bucket, struct fault *fault)
{
    pthread_mutex_lock(&bucket->lock);
    struct waiter *waiter = bucket->idle;
    if (waiter != NULL)
        bucket->idle = waiter->next;
    pthread_mutex_unlock(&bucket->lock);
    if (waiter != NULL)
        return waiter;
    struct queue *queue = queue_new(1, fault);
    if (queue == NULL)
        return NULL;
    waiter = memory_new(sizeof(*waiter));
    *waiter = (struct waiter){.queue = queue};
    return waiter;
}

static void waiter_give_back(struct bucket *bucket, struct waiter *waiter)
{
    pthread_mutex_lock(&bucket->lock);
    waiter->next = bucket->idle;
    bucket->idle = waiter;
    pthread_mutex_unlock(&bucket->lock);
}

/* ---- addresses ---- */

/* From the first slash. */
static str path_of(const struct bucket *bucket, struct arena *arena, str key)
{
    AUTO(buffer_done) struct buffer path = buffer_with_max(KIB(8));
    buffer_char(&path, '/');
    if (bucket->is_path_style) {
        percent_append(&path, bucket->name);
        if (key.len != 0)
            buffer_char(&path, '/');
    }
    sign_path_append(&path, key);
    return str_copy(arena, buffer_text(&path));
}

str bucket_key(const struct bucket *bucket, struct arena *arena, str id)
{
    return bucket_key_of(arena, bucket->prefix, id);
}

str bucket_link(const struct bucket *bucket, struct arena *arena, str method, str id,
                const struct sign_pair *query, size_t query_count, instant now, span lifetime)
{
    struct sign_request request = {
        .method = method,
        .host = bucket->host,
        .path = path_of(bucket, arena, bucket_key(bucket, arena, id)),
        .query = query,
        .query_count = query_count,
        .payload = SIGN_UNSIGNED,
        .now = now,
    };
    return str_format(arena, "%.*s://%.*s%.*s?%.*s", STR_ARG(bucket->scheme), STR_ARG(bucket->host),
                      STR_ARG(request.path),
                      STR_ARG(sign_query(arena, &bucket->sign, &request, lifetime)));
}

/* ---- one request ---- */

static str body_hash(struct arena *arena, const struct bucket_ask *ask)
{
    uint8_t sum[32];
    if (ask->sha256 == NULL)
        sha256(bytes_of(shared_text(ask->body)), sum);
    return hex_write(arena, (bytes){ask->sha256 == NULL ? sum : ask->sha256, sizeof(sum)});
}

static str url_of(const struct bucket *bucket, struct arena *arena, str path,
                  const struct bucket_ask *ask)
{
    str query = sign_query_text(arena, ask->query, ask->query_count);
    return str_format(arena, "%.*s://%.*s%.*s%s%.*s", STR_ARG(bucket->scheme),
                      STR_ARG(bucket->host), STR_ARG(path), query.len == 0 ? "" : "?",
                      STR_ARG(query));
}

/* Hands it over; the answer comes to the queue. */
static bool send(struct bucket *bucket, const struct bucket_ask *ask, struct queue *answers,
                 uint64_t id, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    struct sign_pair more[4];
    struct outside_header headers[SIGN_PAIRS_MAX + ARRAY_LEN(more)];
    struct sign_request sign = {
        .method = ask->method,
        .host = bucket->host,
        .path = path_of(bucket, &arena, ask->key),
        .query = ask->query,
        .query_count = ask->query_count,
        .headers = ask->headers,
        .header_count = ask->header_count,
        .payload = body_hash(&arena, ask),
        .now = clock_now(),
    };
    size_t more_count = sign_headers(&arena, &bucket->sign, &sign, more), count = 0;
    for (size_t i = 0; i < ask->header_count; i++)
        headers[count++] = (struct outside_header){ask->headers[i].name, ask->headers[i].value};
    for (size_t i = 0; i < more_count; i++)
        headers[count++] = (struct outside_header){more[i].name, more[i].value};
    struct outside_request request = {
        .id = id,
        .method = ask->method,
        .url = url_of(bucket, &arena, sign.path, ask),
        .headers = headers,
        .header_count = count,
        .body = shared_keep(ask->body),
        .timeout = ask->timeout.us == 0 ? TIMEOUT_DEFAULT : ask->timeout,
        .slowest = ask->slowest,
        .patience = PATIENCE,
        .response_max = ask->response_max,
        .into_file = ask->into_file,
        .file = ask->into_file ? fcntl(ask->file, F_DUPFD_CLOEXEC, 0) : -1,
        .allow_private = true, /* the operator named it */
        .deliver_to = answers,
    };
    if (ask->into_file && request.file < 0) {
        shared_drop(request.body);
        return fault_os(fault, "fetching a file");
    }
    if (outside_send(bucket->outside, &request))
        return true;
    shared_drop(request.body);
    fd_close(&request.file);
    return fault_set(fault, FAULT_TRANSIENT, "too much is asked of the bucket just now");
}

static bool is_over(struct bucket *bucket, const struct bucket_ask *ask)
{
    return atomic_load(&bucket->is_stopped) ||
           (ask->is_unwanted != NULL && atomic_load(ask->is_unwanted));
}

/* Every request gets its one answer, also when it is cancelled. */
static struct outside_result *wait_for(struct bucket *bucket, const struct bucket_ask *ask,
                                       struct queue *answers, uint64_t id)
{
    void *item = NULL;
    bool is_cancelled = false;
    while (queue_take(answers, &item, 1) == 0) {
        struct pollfd look = {.fd = queue_fd(answers), .events = POLLIN};
        if (poll(&look, 1, LOOK_EVERY_MS) < 0 && errno != EINTR)
            abort(); /* a descriptor of ours is none */
        if (is_over(bucket, ask) && !is_cancelled) {
            outside_cancel(bucket->outside, id);
            is_cancelled = true;
        }
    }
    return item;
}

static bool is_passing(const struct outside_result *result)
{
    if (result->error == OUTSIDE_OK)
        return result->status >= 500 || result->status == 429 || result->status == 408;
    return result->error == OUTSIDE_DNS || result->error == OUTSIDE_CONNECT ||
           result->error == OUTSIDE_TIMEOUT || result->error == OUTSIDE_TRANSIENT;
}

static bool ask_once(struct bucket *bucket, const struct bucket_ask *ask,
                     struct outside_result **out, struct fault *fault)
{
    uint64_t id = atomic_fetch_add(&bucket->last_id, 1) + 1;
    if (atomic_load(&bucket->is_stopped))
        return fault_set(fault, FAULT_TRANSIENT, "the program is ending");
    struct waiter *waiter = waiter_take(bucket, fault);
    if (waiter == NULL)
        return false;
    bool is_sent = send(bucket, ask, waiter->queue, id, fault);
    if (is_sent)
        *out = wait_for(bucket, ask, waiter->queue, id);
    waiter_give_back(bucket, waiter);
    return is_sent &&
           (*out != NULL || fault_set(fault, FAULT_TRANSIENT, "the bucket did not answer"));
}

/* 0.2, 0.8, 3.2 s: together less than an upload waits. */
static void pause_before(int attempt)
{
    long ms = 50L << (2 * attempt);
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

bool bucket_ask(struct bucket *bucket, const struct bucket_ask *ask, struct outside_result **out,
                struct fault *fault)
{
    for (int attempt = 1;; attempt++) {
        AUTO(bucket_result_free) struct outside_result *result = NULL;
        if (!ask_once(bucket, ask, &result, fault) || result == NULL)
            return false;
        if (is_passing(result) && attempt < BUCKET_TRIES && !is_over(bucket, ask)) {
            pause_before(attempt);
            continue;
        }
        if (result->error != OUTSIDE_OK)
            return fault_set(fault,
                             is_passing(result) || result->error == OUTSIDE_CANCELLED
                                 ? FAULT_TRANSIENT
                                 : FAULT_SYSTEM,
                             "bucket %.*s: %s", STR_ARG(bucket->name), result->text);
        *out = take_pointer(&result);
        return true;
    }
}

bool bucket_refused(const struct outside_result *result, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    str said = shared_text(result->body);
    str code = xml_find(&arena, said, "Code"), message = xml_find(&arena, said, "Message");
    /* In the bucket's own words: who is told that it is absent may forget what it belongs to, and
     * any server has a 404 for what it does not know. */
    bool is_absent = result->status == 404 &&
                     (str_equal(code, STR("NoSuchKey")) || str_equal(code, STR("NoSuchVersion")));
    return fault_set(fault,
                     is_absent            ? FAULT_ABSENT
                     : is_passing(result) ? FAULT_TRANSIENT
                                          : FAULT_SYSTEM,
                     "the bucket answered %d %.*s %.*s", result->status,
                     STR_ARG(utf8_cut(code, 60)), STR_ARG(utf8_cut(message, 160)));
}

bool bucket_ask_well(struct bucket *bucket, const struct bucket_ask *ask,
                     struct outside_result **out, struct fault *fault)
{
    AUTO(bucket_result_free) struct outside_result *result = NULL;
    if (!bucket_ask(bucket, ask, &result, fault) || result == NULL)
        return false;
    if (result->status < 200 || result->status > 299)
        return bucket_refused(result, fault);
    *out = take_pointer(&result);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fairness: how evenly one hog, who asks for hundreds at once, and 99 people who each have a few
 * under way are served, by the credits of what was made for each within a minute. Jain's index:
 * the square of the sum by the number of people times the sum of squares; 1 when all got the same,
 * 0.01 when one got everything.
 */
#include "bench.h"

#include "drain.h"
#include "load.h"
#include "people.h"
#include "pretend.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define PEOPLE 100
#define HOG_AHEAD 400 /* of the hog, in line */
#define LIGHT_AHEAD 4 /* of each of the others */
#define SLOTS 8
#define LATENCY MILLISECONDS(20)
#define LENGTH SECONDS(60)
#define LOOK_US 50000
#define WARM SECONDS(3) /* until what was begun before the others came is over */

static const char settings[] =
    "plans:\n"
    "  - {key: free, name: Free, creditsOnce: 1000000000, storageBytes: 1073741824}\n"
    "providers:\n"
    "  - {id: pretend, kind: openai, concurrency: %d, timeoutSeconds: 60,\n"
    "     baseUrl: \"http://127.0.0.1:%u\", allowPrivateAddresses: true}\n"
    "models:\n";
static const char model[] =
    "  - {id: pretend-%d, name: Pretend, description: Makes one point., kind: image,\n"
    "     provider: pretend, price: %d, typicalSeconds: 1, isDefault: %s, maxImages: 1,\n"
    "     promptMax: 2000, sizes: [{name: Square, width: 1024, height: 1024}]}\n";

struct measuring {
    const struct bench *bench;
    struct program server;
    struct people people;
    struct pretend pretend;
    struct load *load;
    struct drain drain;
    sqlite3_stmt *under_way;
    str tokens[PEOPLE];
    size_t next; /* who asks */
    char data[500];
};

/* ---- asking ---- */

static const int prices[] = {1, 2, 4};

/* For person m->next; the hog asks for the dearest. */
static void ask(void *context, struct random *random, struct buffer *to)
{
    struct measuring *m = context;
    char body[300];
    int price = prices[m->next == 0 ? 2 : random_below(random, ARRAY_LEN(prices))];
    int len = snprintf(body, sizeof(body),
                       "{\"path\":\"generations:createGenerationJob\",\"format\":\"json\",\"args\":"
                       "{\"prompt\":\"a red kite over the sea\",\"model\":\"pretend-%d\"}}",
                       price);
    buffer_format(to,
                  "POST /api/mutation HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %.*s\r\n"
                  "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                  STR_ARG(m->tokens[m->next]), len, body);
}

static bool ask_for(struct measuring *m, size_t person, int64_t count, struct fault *fault)
{
    span took;
    m->next = person;
    for (int64_t i = 0; i < count; i++)
        if (!load_call(m->load, &took, fault))
            return false;
    return true;
}

/* People became users one after another, so they are in the order of their ids. */
static bool refill(struct measuring *m, struct fault *fault)
{
    int64_t missing[PEOPLE];
    size_t person = 0;
    while (person < PEOPLE && sqlite3_step(m->under_way) == SQLITE_ROW) {
        int64_t target = person == 0 ? HOG_AHEAD : LIGHT_AHEAD;
        missing[person++] = target - sqlite3_column_int64(m->under_way, 0);
    }
    sqlite3_reset(m->under_way);
    if (person != PEOPLE)
        return fault_set(fault, FAULT_SYSTEM, "%zu of %d people are users", person, PEOPLE);
    for (size_t i = 0; i < PEOPLE; i++)
        if (!ask_for(m, i, missing[i], fault))
            return false;
    return true;
}

static bool write_settings(struct measuring *m, char out[2048])
{
    int len = snprintf(out, 2048, settings, SLOTS, m->pretend.port);
    for (size_t i = 0; i < ARRAY_LEN(prices); i++)
        len += snprintf(out + len, 2048 - (size_t)len, model, prices[i], prices[i],
                        i == 0 ? "true" : "false");
    return len < 2048;
}

static bool open_all(struct measuring *m, struct fault *fault)
{
    static const char sql[] =
        "SELECT COALESCE((SELECT json_extract(s.body,'$.underWay') FROM doc_shares s WHERE "
        "json_extract(s.body,'$.owner')=u.id),0) FROM doc_users u ORDER BY u.id";
    char text[2048];
    if (!pretend_start(LATENCY, &m->pretend, fault) || !write_settings(m, text) ||
        !folder_make(m->bench, "fairness", m->data, fault) ||
        !program_serve_studio(m->bench, m->data, text, NULL, &m->server, fault) ||
        !people_open(&m->server, m->data, &m->people, fault) ||
        !drain_open(m->data, "generations:make", &m->drain, fault))
        return false;
    if (sqlite3_prepare_v2(m->drain.db, sql, -1, &m->under_way, NULL) != SQLITE_OK)
        return fault_set(fault, FAULT_SYSTEM, "SQLite: %s", sqlite3_errmsg(m->drain.db));
    const struct load_options options = {
        .kind = LOAD_HTTP, .port = m->server.port, .peers = 1, .ask = ask, .context = m};
    if (!load_open(&options, &m->load, fault))
        return false;
    for (size_t i = 0; i < PEOPLE; i++)
        m->tokens[i] = people_token(&m->people, &m->people.arena, i);
    for (size_t i = 0; i < PEOPLE; i++)
        if (!ask_for(m, i, 1, fault))
            return false;
    return refill(m, fault);
}

/* ---- what they got ---- */

static bool read_used(struct measuring *m, double used[PEOPLE], struct fault *fault)
{
    static const char sql[] = "SELECT json_extract(body,'$.totalUsed') FROM doc_balances "
                              "ORDER BY id";
    sqlite3_stmt *all = NULL;
    size_t count = 0;
    if (sqlite3_prepare_v2(m->drain.db, sql, -1, &all, NULL) != SQLITE_OK)
        return fault_set(fault, FAULT_SYSTEM, "SQLite: %s", sqlite3_errmsg(m->drain.db));
    while (count < PEOPLE && sqlite3_step(all) == SQLITE_ROW)
        used[count++] = sqlite3_column_double(all, 0);
    sqlite3_finalize(all);
    return count == PEOPLE ||
           fault_set(fault, FAULT_SYSTEM, "%zu of %d people have a balance", count, PEOPLE);
}

static double jain(const double *got)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < PEOPLE; i++) {
        sum += got[i];
        squares += got[i] * got[i];
    }
    return squares == 0 ? 0 : sum * sum / (PEOPLE * squares);
}

static bool keep_full(struct measuring *m, span length, struct fault *fault)
{
    instant end = instant_add(clock_monotonic(), length);
    while (instant_is_before(clock_monotonic(), end)) {
        usleep(LOOK_US);
        if (!refill(m, fault))
            return false;
    }
    return true;
}

static bool run(struct measuring *m, span length, double got[PEOPLE], struct fault *fault)
{
    double before[PEOPLE] = {0};
    if (!keep_full(m, WARM, fault) || !read_used(m, before, fault) ||
        !keep_full(m, length, fault) || !read_used(m, got, fault))
        return false;
    for (size_t i = 0; i < PEOPLE; i++)
        got[i] -= before[i];
    return true;
}

static void tell_method(const struct measuring *m, span length, const double *got, char *method)
{
    double sum = 0, least = got[0], most = got[0];
    for (size_t i = 0; i < PEOPLE; i++) {
        sum += got[i];
        least = fmin(least, got[i]);
        most = fmax(most, got[i]);
    }
    snprintf(method, BENCH_METHOD_MAX,
             "Jain's index of the credits that %d people were charged for what was made for them "
             "within %.0f s, by the balances in the database. One always has %d generations under "
             "way, all at 4 credits; %d others have %d each, at 1, 2 or 4 credits by chance. The "
             "provider (another process) answers after %lld ms and makes %d at once. %.0f "
             "credits in all, from %.0f to %.0f each; %.0f to the one. A single run.",
             PEOPLE, (double)length.us / 1e6, HOG_AHEAD, PEOPLE - 1, LIGHT_AHEAD,
             (long long)LATENCY.us / 1000, SLOTS, sum, least, most, got[0]);
}

bool bench_fairness(const struct bench *bench, struct row *row, struct fault *fault)
{
    struct measuring *m = memory_zeroed(sizeof(*m));
    span length = {MIN_OF(LENGTH.us, bench->time.us * 30)};
    double got[PEOPLE] = {0};
    m->bench = bench;
    m->server.syncs_fd = -1;
    *row = (struct row){.name = "fairness", .unit = "Jain's index", .decimals = 4};
    bool is_well = open_all(m, fault) && run(m, length, got, fault);
    if (is_well) {
        samples_add(&row->samples, jain(got), 0, 0);
        tell_method(m, length, got, row->method);
    }
    load_close(m->load);
    people_close(&m->people);
    sqlite3_finalize(m->under_way);
    drain_close(&m->drain);
    program_stop(&m->server);
    pretend_stop(&m->pretend);
    folder_remove(m->data);
    free(m);
    return is_well;
}

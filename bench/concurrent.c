/* SPDX-License-Identifier: Apache-2.0 */
/*
 * concurrent_1000: a thousand people, each signed in over the sync protocol with a live query of
 * their newest generation, who ask for the next as soon as they are told that one is completed;
 * the provider takes 2 s for each. How much longer than that they wait, and what memory the server
 * takes meanwhile.
 */
#include "bench.h"

#include "crowd.h"
#include "people.h"
#include "pretend.h"

#include "base/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PEOPLE 1000
#define LATENCY SECONDS(2)
#define WARM SECONDS(4)
#define RUN_LEAST SECONDS(4) /* each of them twice */
#define SAMPLES_MAX 100000

static const char settings[] =
    "plans:\n"
    "  - {key: free, name: Free, creditsOnce: 1000000000, storageBytes: 1073741824}\n"
    "providers:\n"
    "  - {id: pretend, kind: openai, concurrency: 1000, timeoutSeconds: 60,\n"
    "     baseUrl: \"http://127.0.0.1:%u\", allowPrivateAddresses: true}\n"
    "models:\n"
    "  - {id: pretend, name: Pretend, description: Makes one point., kind: image,\n"
    "     provider: pretend, price: 1, typicalSeconds: 2, isDefault: true, maxImages: 1,\n"
    "     promptMax: 2000, sizes: [{name: Square, width: 1024, height: 1024}]}\n";

struct person {
    int fd;
    uint32_t number;  /* of the next request */
    instant asked_at; /* 0: nothing is under way */
    struct buffer in;
};

struct measuring {
    const struct bench *bench;
    struct program server;
    struct people people;
    struct pretend pretend;
    int epoll;
    struct person persons[PEOPLE];
    struct buffer out, text;
    struct random random;
    double *waits; /* ms beyond the provider's */
    size_t wait_count;
    double cpu_us, made;
    bool is_counting;
    char data[500];
};

/* ---- one person ---- */

static bool say(struct measuring *m, struct person *person, struct fault *fault)
{
    str text = buffer_text(&m->out);
    bool is_said = send(person->fd, text.at, text.len, MSG_NOSIGNAL) == (ssize_t)text.len;
    buffer_clear(&m->out);
    return is_said || fault_os(fault, "a person's socket");
}

static bool ask(struct measuring *m, struct person *person, struct fault *fault)
{
    buffer_clear(&m->text);
    buffer_format(&m->text,
                  "{\"type\":\"Mutation\",\"requestId\":%u,\"udfPath\":"
                  "\"generations:createGenerationJob\",\"args\":[{\"prompt\":\"a red kite over the "
                  "sea\",\"model\":\"pretend\"}]}",
                  person->number++);
    load_frame(&m->out, buffer_text(&m->text), (uint32_t)random_u64(&m->random));
    person->asked_at = clock_monotonic();
    return say(m, person, fault);
}

static bool take_frame(struct measuring *m, struct person *person, str frame, struct fault *fault)
{
    if (str_contains(frame, STR("\"success\":false")) ||
        str_contains(frame, STR("\"status\":\"failed\"")) ||
        str_contains(frame, STR("\"QueryFailed\"")))
        return fault_set(fault, FAULT_SYSTEM, "told: %.*s", STR_ARG(str_slice(frame, 0, 300)));
    if (person->asked_at.us == 0 || !str_contains(frame, STR("\"status\":\"completed\"")))
        return true;
    span took = instant_since(clock_monotonic(), person->asked_at);
    person->asked_at = (instant){0};
    if (m->is_counting && m->wait_count < SAMPLES_MAX)
        m->waits[m->wait_count++] = (double)(took.us - LATENCY.us) / 1000;
    return ask(m, person, fault);
}

static bool hear(struct measuring *m, struct person *person, struct fault *fault)
{
    static const uint8_t pong[] = {0x8a, 0x80, 0, 0, 0, 0};
    char *room = buffer_reserve(&person->in, KIB(16));
    ssize_t got = room == NULL ? 0 : recv(person->fd, room, KIB(16), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return true;
    if (got <= 0)
        return fault_set(fault, FAULT_SYSTEM, "the server closed a connection");
    person->in.len += (size_t)got;
    for (size_t whole = 1; whole != 0 && person->in.len > 0;) {
        str text = buffer_text(&person->in), frame = crowd_frame(text, &whole);
        if (whole == 0)
            break;
        if ((uint8_t)text.at[0] == 0x89)
            send(person->fd, pong, sizeof(pong), MSG_NOSIGNAL);
        else if (!take_frame(m, person, frame, fault))
            return false;
        buffer_drop(&person->in, whole);
    }
    return true;
}

/* Its upgrade, who it is, and its query. */
static bool greet(struct measuring *m, size_t i, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    struct person *person = &m->persons[i];
    char head[1024];
    person->fd = program_connect_nth(m->server.port, i, fault);
    if (person->fd < 0)
        return false;
    if (send(person->fd, load_upgrade.at, load_upgrade.len, MSG_NOSIGNAL) < 0)
        return fault_os(fault, "an upgrade");
    ssize_t got = read(person->fd, head, sizeof(head) - 1);
    head[MAX_OF(got, (ssize_t)0)] = 0;
    if (!str_starts(str_of(head), STR("HTTP/1.1 101")))
        return fault_set(fault, FAULT_SYSTEM, "no upgrade: %.100s", head);
    buffer_clear(&m->text);
    load_connect_message(&m->text, &m->random);
    load_frame(&m->out, buffer_text(&m->text), 0x12345678);
    buffer_clear(&m->text);
    str token = people_token(&m->people, &arena, i);
    buffer_format(&m->text,
                  "{\"type\":\"Authenticate\",\"baseVersion\":0,\"tokenType\":\"User\","
                  "\"value\":\"%.*s\"}",
                  STR_ARG(token));
    load_frame(&m->out, buffer_text(&m->text), 0x12345678);
    load_frame(&m->out,
               STR("{\"type\":\"ModifyQuerySet\",\"baseVersion\":0,\"newVersion\":1,"
                   "\"modifications\":[{\"type\":\"Add\",\"queryId\":0,\"udfPath\":"
                   "\"generations:listGenerationJobs\",\"args\":[{\"limit\":1}]}]}"),
               0x9abcdef0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = person};
    return say(m, person, fault) && (epoll_ctl(m->epoll, EPOLL_CTL_ADD, person->fd, &event) == 0 ||
                                     fault_os(fault, "epoll_ctl"));
}

/* ---- all of them ---- */

static bool turn(struct measuring *m, span longest, struct fault *fault)
{
    struct epoll_event events[256];
    int count = epoll_wait(m->epoll, events, ARRAY_LEN(events), (int)(longest.us / 1000));
    for (int i = 0; i < count; i++)
        if (!hear(m, events[i].data.ptr, fault))
            return false;
    return true;
}

static bool run_for(struct measuring *m, span length, struct fault *fault)
{
    instant end = instant_add(clock_monotonic(), length);
    while (instant_is_before(clock_monotonic(), end))
        if (!turn(m, MILLISECONDS(100), fault))
            return false;
    return true;
}

/* The first ones are asked for one after another within the provider's time. */
static bool begin_all(struct measuring *m, struct fault *fault)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        if (!ask(m, &m->persons[i], fault) || !run_for(m, (span){LATENCY.us / PEOPLE}, fault))
            return false;
    }
    return run_for(m, WARM, fault);
}

static bool open_all(struct measuring *m, struct fault *fault)
{
    char text[1024];
    if (!pretend_start(LATENCY, &m->pretend, fault) ||
        !folder_make(m->bench, "concurrent", m->data, fault))
        return false;
    snprintf(text, sizeof(text), settings, m->pretend.port);
    m->epoll = epoll_create1(EPOLL_CLOEXEC);
    m->out = m->text = buffer_with_max(MIB(1));
    m->waits = memory_zeroed(SAMPLES_MAX * sizeof(*m->waits));
    random_init(&m->random);
    if (m->epoll < 0 || !program_serve_studio(m->bench, m->data, text, NULL, &m->server, fault) ||
        !people_open(&m->server, m->data, &m->people, fault))
        return false;
    for (size_t i = 0; i < PEOPLE; i++) {
        m->persons[i].in = buffer_with_max(MIB(1));
        if (!greet(m, i, fault) || !turn(m, (span){0}, fault))
            return false;
    }
    return run_for(m, SECONDS(1), fault) && begin_all(m, fault);
}

static bool run_once(struct measuring *m, struct row *rows, struct fault *fault)
{
    span cpu = program_cpu(&m->server);
    m->wait_count = 0;
    m->is_counting = true;
    if (!run_for(m, (span){MAX_OF(RUN_LEAST.us, m->bench->time.us)}, fault))
        return false;
    m->is_counting = false;
    m->cpu_us += (double)(program_cpu(&m->server).us - cpu.us);
    m->made += (double)m->wait_count;
    if (m->wait_count < PEOPLE)
        return fault_set(fault, FAULT_SYSTEM, "only %zu generations ended", m->wait_count);
    samples_add(&rows[0].samples, part_of(m->waits, m->wait_count, 0.99), 0, 0);
    samples_add(&rows[1].samples, (double)program_rss(&m->server) / (1 << 20), 0, 0);
    return true;
}

static void close_all(struct measuring *m)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        fd_close(&m->persons[i].fd);
        buffer_done(&m->persons[i].in);
    }
    fd_close(&m->epoll);
    buffer_done(&m->out);
    buffer_done(&m->text);
    people_close(&m->people);
    program_stop(&m->server);
    pretend_stop(&m->pretend);
    folder_remove(m->data);
    free(m->waits);
    free(m);
}

static void tell_method(struct measuring *m, const struct bench *bench, char *method)
{
    double middle = part_of(m->waits, m->wait_count, 0.5);
    snprintf(
        method, BENCH_METHOD_MAX,
        "%d people, each signed in on a sync session of their own with a live query of their "
        "newest generation, always have one under way: the next is asked for when one is "
        "shown as completed, the first ones within %lld s. The provider (another process, "
        "over HTTP) answers each after %lld ms with one small picture, which is stored; the "
        "media helper is replaced by one that answers at once with a file of no bytes. From "
        "sending the mutation until the transition that shows it completed, less the "
        "provider's time, 99th percentile; the median of the last run was %.1f ms. %.0f us of the "
        "server's CPU time for each. Resident "
        "memory of the server, its helper not included, while they go on. Load and provider "
        "share the machine. %s.",
        PEOPLE, (long long)LATENCY.us / 1000000, (long long)LATENCY.us / 1000, middle,
        m->cpu_us / m->made, bench->disk);
}

bool bench_concurrent(const struct bench *bench, struct row *rows, struct fault *fault)
{
    struct measuring *m = memory_zeroed(sizeof(*m));
    m->bench = bench;
    m->server.syncs_fd = m->epoll = -1;
    for (size_t i = 0; i < PEOPLE; i++)
        m->persons[i].fd = -1;
    rows[0] = (struct row){
        .name = "concurrent_1000_latency", .unit = "ms (p99)", .is_lower_better = true};
    rows[1] = (struct row){.name = "concurrent_1000_rss", .unit = "MiB", .is_lower_better = true};
    bool is_well = open_all(m, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++)
        is_well = run_once(m, rows, fault);
    if (is_well) {
        tell_method(m, bench, rows[0].method);
        snprintf(rows[1].method, sizeof(rows[1].method), "%s", rows[0].method);
    }
    close_all(m);
    return is_well;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include "base/buffer.h"
#include "base/encode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define SILENCE_MS 10000
#define MESSAGE_MAX MIB(1)
#define REST_MS 5 /* how exactly a rest ends */

/* Where a connection is; HTTP ones are always PEER_IDLE or PEER_ASKED. */
enum peer_state {
    PEER_NONE,
    PEER_UPGRADING, /* sync: 101 is awaited */
    PEER_GREETING,  /* sync: the first transition is awaited */
    PEER_IDLE,
    PEER_ASKED,
    PEER_ANSWERED, /* sync: the transition behind the response is awaited */
    PEER_RESTING,  /* HTTP: was refused */
};

const str load_upgrade =
    STR("GET /api/1.48.0/sync HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: YmVuY2hiZW5jaGJlbmNoYg==\r\n\r\n");

struct peer {
    int fd;
    enum peer_state state;
    uint32_t number; /* of the next request */
    size_t in_flight;
    struct buffer in;
    instant rests_until;
};

struct load {
    struct load_options options;
    int epoll;
    struct peer peers[LOAD_PEERS_MAX];
    struct buffer out, text;
    struct random random;
    uint64_t total, refused;
    size_t busy, resting;
    bool is_ending; /* nothing new is asked */
};

/* ---- saying ---- */

static bool say(struct peer *peer, str text, struct fault *fault)
{
    ssize_t sent = send(peer->fd, text.at, text.len, MSG_NOSIGNAL);
    if (sent != (ssize_t)text.len) /* one small message in flight always fits the socket */
        return fault_set(fault, FAULT_SYSTEM, "the load generator's socket is full or gone");
    return true;
}

void load_frame(struct buffer *to, str text, uint32_t mask)
{
    assert(text.at != NULL);
    uint8_t head[14] = {0x81};
    size_t head_len = text.len < 126 ? 2 : text.len < 65536 ? 4 : 10;
    head[1] = (uint8_t)(0x80 | (head_len == 2 ? text.len : head_len == 4 ? 126 : 127));
    for (size_t i = 2; i < head_len; i++)
        head[i] = (uint8_t)((uint64_t)text.len >> 8 * (head_len - 1 - i));
    memcpy(head + head_len, &mask, 4);
    buffer_add(to, head, head_len + 4);
    char *room = buffer_reserve(to, text.len);
    for (size_t i = 0; i < text.len; i++)
        room[i] = (char)(text.at[i] ^ (char)head[head_len + i % 4]);
    to->len += text.len;
}

void load_connect_message(struct buffer *to, struct random *random)
{
    uint8_t id[16];
    AUTO(arena_done) struct arena arena = {0};
    random_fill(random, id, sizeof(id));
    str hex = hex_write(&arena, (bytes){id, sizeof(id)});
    buffer_format(to,
                  "{\"type\":\"Connect\",\"sessionId\":\"%.8s-%.4s-4%.3s-8%.3s-%.12s\","
                  "\"connectionCount\":0,\"lastCloseReason\":\"InitialConnect\"}",
                  hex.at, hex.at + 8, hex.at + 13, hex.at + 17, hex.at + 20);
}

static bool ask(struct load *load, struct peer *peer, struct fault *fault)
{
    const struct load_options *options = &load->options;
    buffer_clear(&load->out);
    if (options->kind == LOAD_HTTP) {
        options->ask(options->context, &load->random, &load->out);
    } else {
        buffer_clear(&load->text);
        buffer_format(&load->text, "{\"type\":\"Mutation\",\"requestId\":%u,", peer->number++);
        options->ask(options->context, &load->random, &load->text);
        buffer_char(&load->text, '}');
        load_frame(&load->out, buffer_text(&load->text), (uint32_t)random_u64(&load->random));
    }
    peer->state = PEER_ASKED;
    peer->in_flight++;
    load->busy++;
    return say(peer, buffer_text(&load->out), fault);
}

/* As many as may be in flight. */
static bool ask_all(struct load *load, struct peer *peer, struct fault *fault)
{
    while (peer->in_flight < load->options.depth)
        if (!ask(load, peer, fault))
            return false;
    return true;
}

static bool greet(struct load *load, struct peer *peer, struct fault *fault)
{
    buffer_clear(&load->text);
    load_connect_message(&load->text, &load->random);
    buffer_clear(&load->out);
    load_frame(&load->out, buffer_text(&load->text), 0x12345678);
    buffer_clear(&load->text);
    buffer_str(&load->text, STR("{\"type\":\"ModifyQuerySet\",\"baseVersion\":0,\"newVersion\":1,"
                                "\"modifications\":["));
    if (load->options.subscribe != NULL)
        load->options.subscribe(load->options.context, (size_t)(peer - load->peers), &load->text);
    buffer_str(&load->text, STR("]}"));
    load_frame(&load->out, buffer_text(&load->text), 0x9abcdef0);
    peer->state = PEER_GREETING;
    return say(peer, buffer_text(&load->out), fault);
}

/* ---- hearing ---- */

static void over(struct load *load, struct peer *peer)
{
    peer->in_flight--;
    peer->state = peer->in_flight == 0 ? PEER_IDLE : PEER_ASKED;
    load->busy--;
    load->total++;
}

static void begin_rest(struct load *load, struct peer *peer)
{
    over(load, peer);
    load->total--;
    load->refused++;
    load->resting++;
    peer->state = PEER_RESTING;
    peer->rests_until = instant_add(clock_monotonic(), load->options.rest);
}

static size_t head_length(str text)
{
    const char *end = memmem(text.at, text.len, "\r\n\r\n", 4);
    return end == NULL ? 0 : (size_t)(end - text.at) + 4;
}

/* Length of the whole response at the front; 0: not there yet. */
static bool hear_http(str text, size_t *used, bool *is_refused, struct fault *fault)
{
    size_t head = head_length(text);
    *used = 0;
    if (head == 0)
        return true;
    *is_refused = str_starts(text, STR("HTTP/1.1 503"));
    const char *length = memmem(text.at, head, "ontent-", 7);
    while (length != NULL && strncasecmp(length + 7, "length:", 7) != 0)
        length = memmem(length + 1, head - (size_t)(length + 1 - text.at), "ontent-", 7);
    if ((!*is_refused && !str_starts(text, STR("HTTP/1.1 200"))) || length == NULL)
        return fault_set(fault, FAULT_SYSTEM, "answered: %.*s", STR_ARG(str_slice(text, 0, 200)));
    size_t whole = head + (size_t)strtol(length + 14, NULL, 10);
    *used = text.len >= whole ? whole : 0;
    return true;
}

static bool hear_message(struct load *load, struct peer *peer, str text, struct fault *fault)
{
    static const str response = STR("{\"type\":\"MutationResponse\"");
    static const str transition = STR("{\"type\":\"Transition\"");
    if (str_starts(text, transition)) {
        if (peer->state == PEER_GREETING)
            peer->state = PEER_IDLE;
        else if (peer->state == PEER_ANSWERED)
            over(load, peer);
        return true;
    }
    if (!str_starts(text, response))
        return str_starts(text, STR("{\"type\":\"Ping\"")) ||
               fault_set(fault, FAULT_SYSTEM, "told: %.*s", STR_ARG(str_slice(text, 0, 200)));
    if (!str_contains(str_slice(text, 0, 120), STR("\"success\":true")))
        return fault_set(fault, FAULT_SYSTEM, "failed: %.*s", STR_ARG(str_slice(text, 0, 200)));
    if (load->options.depth > 1)
        over(load, peer);
    else
        peer->state = PEER_ANSWERED;
    return true;
}

/* One unfragmented frame at the front. */
static bool hear_frame(struct load *load, struct peer *peer, str text, size_t *used,
                       struct fault *fault)
{
    *used = 0;
    if (text.len < 2)
        return true;
    const uint8_t *at = (const uint8_t *)text.at;
    size_t head = 2, len = at[1];
    if (len == 126) {
        head = 4;
        len = text.len < 4 ? SIZE_MAX / 2 : (size_t)at[2] << 8 | at[3];
    }
    if (at[0] != 0x81 || at[1] > 126)
        return fault_set(fault, FAULT_SYSTEM, "a frame of kind %02x and %zu bytes came", at[0],
                         len);
    if (text.len < head + len)
        return true;
    *used = head + len;
    return hear_message(load, peer, str_slice(text, head, head + len), fault);
}

static bool hear_one(struct load *load, struct peer *peer, str text, size_t *used,
                     struct fault *fault)
{
    if (peer->state == PEER_UPGRADING) {
        *used = head_length(text);
        if (*used == 0)
            return true;
        if (!str_starts(text, STR("HTTP/1.1 101")))
            return fault_set(fault, FAULT_SYSTEM, "no upgrade: %.*s",
                             STR_ARG(str_slice(text, 0, 100)));
        return greet(load, peer, fault);
    }
    if (load->options.kind == LOAD_SYNC)
        return hear_frame(load, peer, text, used, fault);
    bool is_refused = false;
    if (!hear_http(text, used, &is_refused, fault))
        return false;
    if (is_refused && load->options.rest.us == 0)
        return fault_set(fault, FAULT_SYSTEM, "refused: %.*s", STR_ARG(str_slice(text, 0, 200)));
    if (*used != 0 && is_refused)
        begin_rest(load, peer);
    else if (*used != 0)
        over(load, peer);
    return true;
}

static bool hear(struct load *load, struct peer *peer, struct fault *fault)
{
    char *room = buffer_reserve(&peer->in, KIB(16));
    ssize_t got = room == NULL ? 0 : read(peer->fd, room, KIB(16));
    if (got < 0 && errno == EAGAIN)
        return true;
    if (got <= 0)
        return fault_set(fault, FAULT_SYSTEM, "the server closed a connection");
    peer->in.len += (size_t)got;
    for (size_t used = 1; used != 0 && peer->in.len > 0;) {
        if (!hear_one(load, peer, buffer_text(&peer->in), &used, fault))
            return false;
        buffer_drop(&peer->in, used);
    }
    bool is_free = peer->state == PEER_IDLE || (peer->in_flight > 0 && load->options.depth > 1);
    return !is_free || load->is_ending || ask_all(load, peer, fault);
}

/* ---- running ---- */

/* Those who have rested ask again. */
static bool end_rests(struct load *load, struct fault *fault)
{
    instant now = clock_monotonic();
    for (size_t i = 0; i < load->options.peers && load->resting != 0; i++) {
        struct peer *peer = &load->peers[i];
        if (peer->state != PEER_RESTING || instant_is_before(now, peer->rests_until))
            continue;
        peer->state = PEER_IDLE;
        load->resting--;
        if (!load->is_ending && !ask_all(load, peer, fault))
            return false;
    }
    return true;
}

static bool turn(struct load *load, struct fault *fault)
{
    struct epoll_event events[LOAD_PEERS_MAX];
    int wait = load->resting != 0 ? REST_MS : SILENCE_MS;
    int count = epoll_wait(load->epoll, events, LOAD_PEERS_MAX, wait);
    if (load->resting != 0 && !end_rests(load, fault))
        return false;
    if (count == 0 && wait == SILENCE_MS)
        return fault_set(fault, FAULT_SYSTEM, "the server was silent for 10 s");
    for (int i = 0; i < count; i++)
        if (!hear(load, events[i].data.ptr, fault))
            return false;
    return count >= 0 || errno == EINTR || fault_os(fault, "epoll_wait");
}

static bool open_peer(struct load *load, struct peer *peer, struct fault *fault)
{
    peer->in = buffer_with_max(MESSAGE_MAX);
    peer->fd = program_connect(load->options.port, fault);
    if (peer->fd < 0)
        return false;
    fcntl(peer->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, peer->fd, &event) != 0)
        return fault_os(fault, "epoll_ctl");
    peer->state = PEER_IDLE;
    if (load->options.kind == LOAD_HTTP)
        return true;
    peer->state = PEER_UPGRADING;
    return say(peer, load_upgrade, fault);
}

static bool is_greeted(const struct load *load)
{
    for (size_t i = 0; i < load->options.peers; i++)
        if (load->peers[i].state != PEER_IDLE)
            return false;
    return true;
}

bool load_open(const struct load_options *options, struct load **out, struct fault *fault)
{
    struct load *load = memory_zeroed(sizeof(*load));
    assert(options->peers <= LOAD_PEERS_MAX);
    load->options = *options;
    load->options.depth = MAX_OF(options->depth, (size_t)1);
    load->is_ending = true;
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    random_init(&load->random); /* session ids must be new ones each time */
    bool is_well = load->epoll >= 0 || fault_os(fault, "epoll");
    for (size_t i = 0; i < options->peers; i++)
        load->peers[i].fd = -1;
    for (size_t i = 0; i < options->peers && is_well; i++)
        is_well = open_peer(load, &load->peers[i], fault);
    while (is_well && !is_greeted(load))
        is_well = turn(load, fault);
    if (!is_well) {
        load_close(load);
        return false;
    }
    *out = load;
    return true;
}

bool load_run(struct load *load, span time, uint64_t *calls, struct fault *fault)
{
    uint64_t before = load->total;
    instant end = instant_add(clock_monotonic(), time);
    load->is_ending = false;
    for (size_t i = 0; i < load->options.peers; i++)
        if (load->peers[i].state != PEER_RESTING && !ask_all(load, &load->peers[i], fault))
            return false;
    while (instant_is_before(clock_monotonic(), end))
        if (!turn(load, fault))
            return false;
    *calls = load->total - before;
    load->is_ending = true;
    return load_end(load, fault);
}

bool load_begin(struct load *load, struct fault *fault)
{
    return ask(load, &load->peers[0], fault);
}

bool load_end(struct load *load, struct fault *fault)
{
    while (load->busy > 0)
        if (!turn(load, fault))
            return false;
    return true;
}

bool load_call(struct load *load, span *took, struct fault *fault)
{
    instant start = clock_monotonic();
    if (!load_begin(load, fault) || !load_end(load, fault))
        return false;
    *took = instant_since(clock_monotonic(), start);
    return true;
}

uint64_t load_refused(const struct load *load)
{
    return load->refused;
}

uint64_t load_total(const struct load *load)
{
    return load->total;
}

void load_close(struct load *load)
{
    if (load == NULL)
        return;
    for (size_t i = 0; i < load->options.peers; i++) {
        fd_close(&load->peers[i].fd);
        buffer_done(&load->peers[i].in);
    }
    fd_close(&load->epoll);
    buffer_done(&load->out);
    buffer_done(&load->text);
    free(load);
}

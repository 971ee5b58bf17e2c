/* SPDX-License-Identifier: Apache-2.0 */
#include "crowd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS_MAX 512
#define SILENCE_MS 10000
#define CONNECT_MESSAGE_MAX 400

struct crowd {
    uint16_t port;
    void (*hello)(void *context, size_t i, struct buffer *to);
    void *context;
    int epoll;
    size_t count, told;
    int fds[CROWD_MAX];
    struct buffer in, out, last;
    struct random random;
};

/* ---- frames ---- */

str crowd_frame(str text, size_t *whole)
{
    const uint8_t *at = (const uint8_t *)text.at;
    size_t head = 2, len = 0;
    *whole = 0;
    if (text.len < 2)
        return (str){0};
    head += at[1] == 126 ? 2 : at[1] == 127 ? 8 : 0;
    if (text.len < head)
        return (str){0};
    len = head == 2 ? at[1] : 0;
    for (size_t i = 2; i < head; i++)
        len = len << 8 | at[i];
    if (text.len - head < len)
        return (str){0};
    *whole = head + len;
    return str_slice(text, head, head + len);
}

static bool take_frame(struct crowd *crowd, int fd, str text, size_t whole, str frame,
                       struct fault *fault)
{
    static const uint8_t pong[] = {0x8a, 0x80, 0, 0, 0, 0};
    uint8_t kind = (uint8_t)text.at[0];
    if (kind == 0x89)
        return send(fd, pong, sizeof(pong), MSG_NOSIGNAL) > 0 || fault_os(fault, "a pong");
    if (str_starts(frame, STR("{\"type\":\"Ping\"")))
        return true;
    if (kind != 0x81 || !str_starts(frame, STR("{\"type\":\"Transition\"")))
        return fault_set(fault, FAULT_SYSTEM, "a session was told: %.*s",
                         STR_ARG(str_slice(frame, 0, 150)));
    if (!str_contains(frame, STR("\"QueryUpdated\"")))
        return true;
    crowd->told++;
    buffer_clear(&crowd->last);
    buffer_add(&crowd->last, text.at, whole);
    return true;
}

/* All frames that can be read now; raw connections count what comes as one. */
static bool hear_one(struct crowd *crowd, int fd, struct fault *fault)
{
    buffer_clear(&crowd->in);
    for (;;) {
        char *room = buffer_reserve(&crowd->in, KIB(16));
        ssize_t got = room == NULL ? 0 : read(fd, room, KIB(16));
        if (got <= 0)
            return fault_set(fault, FAULT_SYSTEM, "a session was closed");
        crowd->in.len += (size_t)got;
        size_t whole = 1;
        if (crowd->hello == NULL) {
            crowd->told++;
            return true;
        }
        while (crowd->in.len > 0 && whole > 0) {
            str text = buffer_text(&crowd->in);
            str frame = crowd_frame(text, &whole);
            if (whole > 0 && !take_frame(crowd, fd, text, whole, frame, fault))
                return false;
            buffer_drop(&crowd->in, whole);
        }
        if (crowd->in.len == 0)
            return true;
    }
}

bool crowd_hear(struct crowd *crowd, size_t wanted, struct fault *fault)
{
    struct epoll_event events[EVENTS_MAX];
    crowd->told = 0;
    while (crowd->told < wanted) {
        int count = epoll_wait(crowd->epoll, events, EVENTS_MAX, SILENCE_MS);
        if (count == 0)
            return fault_set(fault, FAULT_SYSTEM, "%zu of %zu sessions were told within 10 s",
                             crowd->told, wanted);
        for (int i = 0; i < count; i++)
            if (!hear_one(crowd, events[i].data.fd, fault))
                return false;
    }
    return true;
}

str crowd_heard(const struct crowd *crowd)
{
    return buffer_text(&crowd->last);
}

/* ---- opening ---- */

struct crowd *crowd_open(uint16_t port, void (*hello)(void *context, size_t i, struct buffer *to),
                         void *context)
{
    struct crowd *crowd = memory_zeroed(sizeof(*crowd));
    crowd->port = port;
    crowd->hello = hello;
    crowd->context = context;
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    crowd->in = crowd->out = crowd->last = buffer_with_max(MIB(32));
    random_init(&crowd->random);
    return crowd;
}

/* Its upgrade, its messages, and its first results, one after another. */
static bool greet(struct crowd *crowd, int fd, struct fault *fault)
{
    char head[1024];
    AUTO(buffer_done) struct buffer message = buffer_with_max(CONNECT_MESSAGE_MAX);
    if (send(fd, load_upgrade.at, load_upgrade.len, MSG_NOSIGNAL) < 0)
        return fault_os(fault, "an upgrade");
    ssize_t got = read(fd, head, sizeof(head) - 1);
    head[MAX_OF(got, (ssize_t)0)] = 0;
    if (!str_starts(str_of(head), STR("HTTP/1.1 101")) || strstr(head, "\r\n\r\n") == NULL)
        return fault_set(fault, FAULT_SYSTEM, "no upgrade: %.100s", head);
    buffer_clear(&crowd->out);
    load_connect_message(&message, &crowd->random);
    load_frame(&crowd->out, buffer_text(&message), 0x12345678);
    crowd->hello(crowd->context, crowd->count, &crowd->out);
    for (str rest = buffer_text(&crowd->out); rest.len > 0;) {
        ssize_t sent = send(fd, rest.at, rest.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return fault_os(fault, "a session's messages");
        rest = str_slice(rest, (size_t)sent, rest.len);
    }
    for (crowd->told = 0; crowd->told == 0;)
        if (!hear_one(crowd, fd, fault))
            return false;
    return true;
}

bool crowd_grow(struct crowd *crowd, size_t count, struct fault *fault)
{
    assert(count <= CROWD_MAX);
    while (crowd->count < count) {
        int fd = program_connect_nth(crowd->port, crowd->count, fault);
        if (fd < 0)
            return false;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        bool is_well = (crowd->hello == NULL || greet(crowd, fd, fault)) &&
                       (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ||
                        fault_os(fault, "epoll_ctl"));
        crowd->fds[crowd->count++] = fd;
        if (!is_well)
            return false;
    }
    return true;
}

void crowd_close(struct crowd *crowd)
{
    if (crowd == NULL)
        return;
    for (size_t i = 0; i < crowd->count; i++)
        close(crowd->fds[i]);
    fd_close(&crowd->epoll);
    buffer_done(&crowd->in);
    buffer_done(&crowd->out);
    buffer_done(&crowd->last);
    free(crowd);
}

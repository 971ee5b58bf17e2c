/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

#define EVENTS_PER_TURN 256
#define HOOKS_MAX 16

/* What waits for a descriptor. The turn number tells its events from those of an earlier owner. */
struct watch {
    void (*ready)(void *context, uint32_t events);
    void *context;
    uint32_t generation;
};

struct hook {
    void (*turn)(void *context, instant now);
    void *context;
};

struct loop {
    int epoll_fd, stop_fd;
    atomic_bool is_stopping;
    instant now;
    struct watch *watches; /* by descriptor */
    size_t watch_room;
    uint32_t generation;
    struct loop_timer **timers; /* a binary heap from index 1, soonest first */
    size_t timer_count, timer_room;
    bool is_firing;
    struct hook hooks[HOOKS_MAX];
    size_t hook_count;
    char *buffer;
};

static void stop_asked(void *context, uint32_t events)
{
    struct loop *loop = context;
    uint64_t count;
    ssize_t got = read(loop->stop_fd, &count, sizeof(count));
    (void)got; /* the flag says it all */
}

struct loop *loop_new(struct fault *fault)
{
    struct loop *loop = memory_zeroed(sizeof(*loop));
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->buffer = memory_new(LOOP_BUFFER_SIZE);
    loop->now = clock_monotonic();
    if (loop->epoll_fd < 0 || loop->stop_fd < 0) {
        fault_os(fault, "event loop");
        loop_free(loop);
        return NULL;
    }
    if (!loop_watch(loop, loop->stop_fd, EPOLLIN, stop_asked, loop, fault)) {
        loop_free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    fd_close(&loop->epoll_fd);
    fd_close(&loop->stop_fd);
    free(loop->watches);
    free(loop->timers);
    free(loop->buffer);
    free(loop);
}

static void make_room(struct loop *loop, size_t fd)
{
    if (fd < loop->watch_room)
        return;
    size_t room = MAX_OF(loop->watch_room * 2, MAX_OF(fd + 1, (size_t)64));
    loop->watches = memory_resize(loop->watches, room * sizeof(*loop->watches));
    memset(loop->watches + loop->watch_room, 0, (room - loop->watch_room) * sizeof(*loop->watches));
    loop->watch_room = room;
}

bool loop_watch(struct loop *loop, int fd, uint32_t events,
                void (*ready)(void *context, uint32_t events), void *context, struct fault *fault)
{
    assert(fd >= 0 && ready != NULL);
    make_room(loop, (size_t)fd);
    struct watch *watch = &loop->watches[fd];
    bool is_new = watch->ready == NULL;
    uint32_t generation = is_new ? ++loop->generation : watch->generation;
    struct epoll_event event = {
        .events = events,
        .data.u64 = (uint64_t)generation << 32 | (uint32_t)fd,
    };
    if (epoll_ctl(loop->epoll_fd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) != 0)
        return fault_os(fault, "epoll_ctl");
    *watch = (struct watch){.ready = ready, .context = context, .generation = generation};
    return true;
}

void loop_unwatch(struct loop *loop, int fd)
{
    if (fd < 0 || (size_t)fd >= loop->watch_room || loop->watches[fd].ready == NULL)
        return;
    loop->watches[fd] = (struct watch){0};
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

void loop_on_turn(struct loop *loop, void (*turn)(void *context, instant now), void *context)
{
    assert(loop->hook_count < HOOKS_MAX);
    loop->hooks[loop->hook_count++] = (struct hook){turn, context};
}

/* ---- timers ---- */

static void put_timer(struct loop *loop, size_t place, struct loop_timer *timer)
{
    loop->timers[place] = timer;
    timer->place = place;
}

static void sift_up(struct loop *loop, size_t place, struct loop_timer *timer)
{
    while (place > 1 && instant_is_before(timer->when, loop->timers[place / 2]->when)) {
        put_timer(loop, place, loop->timers[place / 2]);
        place /= 2;
    }
    put_timer(loop, place, timer);
}

static void sift_down(struct loop *loop, size_t place, struct loop_timer *timer)
{
    size_t child;
    while ((child = place * 2) <= loop->timer_count) {
        if (child < loop->timer_count &&
            instant_is_before(loop->timers[child + 1]->when, loop->timers[child]->when))
            child++;
        if (!instant_is_before(loop->timers[child]->when, timer->when))
            break;
        put_timer(loop, place, loop->timers[child]);
        place = child;
    }
    put_timer(loop, place, timer);
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, instant when)
{
    assert(timer->fire != NULL);
    loop_timer_clear(loop, timer);
    /* One that is set to the past by a timer fires in the next turn, not for ever in this one. */
    instant next = instant_add(loop->now, MICROSECONDS(1));
    timer->when = loop->is_firing && instant_is_before(when, next) ? next : when;
    if (loop->timer_count + 1 >= loop->timer_room) {
        loop->timer_room = MAX_OF(loop->timer_room * 2, (size_t)64);
        loop->timers = memory_resize(loop->timers, loop->timer_room * sizeof(struct loop_timer *));
    }
    sift_up(loop, ++loop->timer_count, timer);
}

void loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
    size_t place = timer->place;
    if (place == 0)
        return;
    assert(loop->timers[place] == timer);
    timer->place = 0;
    struct loop_timer *last = loop->timers[loop->timer_count--];
    if (last == timer)
        return;
    if (place > 1 && instant_is_before(last->when, loop->timers[place / 2]->when))
        sift_up(loop, place, last);
    else
        sift_down(loop, place, last);
}

static void fire_due(struct loop *loop)
{
    loop->is_firing = true;
    while (loop->timer_count != 0 && !instant_is_before(loop->now, loop->timers[1]->when)) {
        struct loop_timer *timer = loop->timers[1];
        loop_timer_clear(loop, timer);
        timer->fire(timer->context, loop->now);
    }
    loop->is_firing = false;
}

/* ---- turns ---- */

static int wait_ms(const struct loop *loop, span longest)
{
    int64_t us = longest.us;
    if (loop->timer_count != 0) {
        span left = instant_since(loop->timers[1]->when, clock_monotonic());
        us = MIN_OF(us, MAX_OF(left.us, 0));
    }
    return (int)MIN_OF((us + 999) / 1000, 60000);
}

static void run_events(struct loop *loop, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        size_t fd = (uint32_t)events[i].data.u64;
        struct watch watch = loop->watches[fd];
        if (watch.ready != NULL && watch.generation == (uint32_t)(events[i].data.u64 >> 32))
            watch.ready(watch.context, events[i].events);
    }
}

void loop_turn(struct loop *loop, span longest)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, wait_ms(loop, longest));
    assert(count >= 0 || errno == EINTR);
    loop->now = clock_monotonic();
    run_events(loop, events, count);
    fire_due(loop);
    for (size_t i = 0; i < loop->hook_count; i++)
        loop->hooks[i].turn(loop->hooks[i].context, loop->now);
}

void loop_run(struct loop *loop)
{
    while (!atomic_load(&loop->is_stopping))
        loop_turn(loop, SECONDS(60));
    atomic_store(&loop->is_stopping, false);
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->is_stopping, true);
    uint64_t one = 1;
    ssize_t written = write(loop->stop_fd, &one, sizeof(one));
    (void)written; /* a full counter is a signal too */
}

instant loop_now(const struct loop *loop)
{
    return loop->now;
}

char *loop_buffer(struct loop *loop)
{
    return loop->buffer;
}

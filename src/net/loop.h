/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event loop: one thread, one epoll set, timers, and a hook at the end of each turn.
 * A turn: wait, ready descriptors, due timers, turn hooks in the order they were added.
 *
 * Owns:     its epoll set, timer heap and read buffer; never the descriptors or timers it is given.
 * Threads:  all of it in the loop's thread, but loop_stop, which any thread or signal handler may
 *           call.
 * Time:     the monotonic clock, read once a turn (loop_now).
 * Fails:    loop_new and loop_watch when the system gives no descriptor or memory.
 */
#pragma once

#include "base/base.h"
#include "base/fault.h"

#include <sys/epoll.h>

struct loop;

/* NULL when the system gives no descriptor. */
struct loop *loop_new(struct fault *fault) MUST_CHECK;

/* Unwatch everything and clear all timers first. NULL is accepted. */
void loop_free(struct loop *loop);

/*
 * Calls ready in each turn in which the descriptor is ready (level triggered, unless EPOLLET is
 * among the events). Watching a watched descriptor changes its events and its function.
 */
bool loop_watch(struct loop *loop, int fd, uint32_t events,
                void (*ready)(void *context, uint32_t events), void *context, struct fault *fault)
    MUST_CHECK;

/* Before the descriptor is closed. Events of this turn that are still waiting are forgotten. */
void loop_unwatch(struct loop *loop, int fd);

/* Adds a hook that is called once a turn, after all events and timers, before sleeping. */
void loop_on_turn(struct loop *loop, void (*turn)(void *context, instant now), void *context);

/*
 * A timer in the caller's storage. Fill fire and context; leave the rest zero. It is unset when
 * fire is called, which may set it again or free its storage.
 */
struct loop_timer {
    void (*fire)(void *context, instant now);
    void *context;
    instant when;
    size_t place; /* in the heap, from 1; 0 when unset */
};

/* Fires at the end of the first turn at or after the moment; moves a timer that is set. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, instant when);
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

static inline bool loop_timer_is_set(const struct loop_timer *timer)
{
    return timer->place != 0;
}

/* Turns until loop_stop. */
void loop_run(struct loop *loop);

/* One turn that sleeps for at most this long; for tests and for drivers of their own. */
void loop_turn(struct loop *loop, span longest);

void loop_stop(struct loop *loop);

/* The monotonic time of this turn. */
instant loop_now(const struct loop *loop);

/* The thread's one read buffer: whoever reads uses it up before the callback ends. */
#define LOOP_BUFFER_SIZE KIB(64)
char *loop_buffer(struct loop *loop);

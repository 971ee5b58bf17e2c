/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load generator: connections to one server on one thread, by epoll. What is said is a kind:
 * HTTP requests on kept-alive connections, one in flight each; or mutations over the sync protocol.
 * There a call is over when the transition behind its response has come, as it is for the official
 * client; with more than one in flight it is over with its response.
 *
 *   load_open ── load_run (warm up) ── load_run (measure) ── load_close
 *
 * Owns:     its connections.
 * Threads:  one.
 * Time:     the system's.
 * Fails:    by fault; a failed call or an early end of a connection ends the run.
 */
#pragma once

#include "program.h"

#include "base/buffer.h"
#include "base/random.h"

#define LOAD_PEERS_MAX 512

struct load;

enum load_kind {
    LOAD_NONE,
    LOAD_HTTP,
    LOAD_SYNC,
};

struct load_options {
    enum load_kind kind;
    uint16_t port;
    size_t peers;
    size_t depth; /* sync: calls in flight on each connection; 0 is 1 */
    /* Sync: the members of the first query set's modifications; may be NULL. Peers count from 0. */
    void (*subscribe)(void *context, size_t peer, struct buffer *to);
    /* HTTP: the whole next request. Sync: the next mutation's udfPath and arguments, as in
     * `"udfPath":"a:b","args":[{}]`. */
    void (*ask)(void *context, struct random *random, struct buffer *to);
    void *context;
    /* HTTP: who is refused with 503 asks again after this time; zero: a refusal is a fault. */
    span rest;
};

bool load_open(const struct load_options *options, struct load **out, struct fault *fault)
    MUST_CHECK;

/* Calls over within this time; then those in flight are waited for, and counted by load_total. */
bool load_run(struct load *load, span time, uint64_t *calls, struct fault *fault) MUST_CHECK;

/* One call of the first connection, alone: said, and then waited for. */
bool load_begin(struct load *load, struct fault *fault) MUST_CHECK;
bool load_end(struct load *load, struct fault *fault) MUST_CHECK;
/* Both, and how long it took. */
bool load_call(struct load *load, span *took, struct fault *fault) MUST_CHECK;
uint64_t load_total(const struct load *load);
uint64_t load_refused(const struct load *load); /* with 503 */
void load_close(struct load *load);

/* What a client of the sync protocol says: the request to upgrade, a masked text frame, and the
 * Connect message of a new session. */
extern const str load_upgrade;
void load_frame(struct buffer *to, str text, uint32_t mask);
void load_connect_message(struct buffer *to, struct random *random);

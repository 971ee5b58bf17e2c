/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sync session's inside, for the files that make it up: sync.c (its life), sync_read.c (what the
 * client says), sync_write.c (what it is told).
 *
 * Owns:     see sync.h.
 * Threads:  the loop's.
 * Time:     given.
 * Fails:    see sync.h.
 */
#pragma once

#include "serve/peers.h"
#include "serve/sync.h"

#define SESSION_QUERIES_MAX 4096
#define SESSION_QUERY_BYTES_MAX MIB(32) /* of paths, arguments and journals */
#define SESSION_CHANGES_MAX 8192        /* in one query set */
#define SESSION_REMOVALS_MAX 65536      /* not told yet */
#define SESSION_CALLS_MAX 1000
#define SESSION_CALL_BYTES_MAX MIB(64) /* of arguments with the writer */
#define CALL_COST KIB(8)               /* of memory, beside its arguments */
#define SESSION_INBOX_MAX MIB(32)
#define SESSION_CHUNK 5000000      /* bytes: longer transitions go in such pieces */
#define SESSION_UNSENT_SOFT MIB(1) /* beyond it transitions wait and are taken together */

struct session_query {
    struct session_query *next, **link;
    struct session_query *next_in_bucket;
    struct subscription subscription;
    str path, args, journal; /* asked again when the identity changes */
    char text[];             /* theirs */
};

struct version {
    uint32_t query_set, identity;
    commit_ts ts;
};

/* A message in pieces: what is the session's own, and results that sessions share. */
struct pieces {
    struct shared **items;
    size_t count, room;
    struct buffer own; /* not yet a piece */
};

/* A transition to a moment whose large queries a reader evaluates still: the small ones are in it
 * already, for they may have changed when it is sent. sync_hold.c */
struct held {
    struct sync_session *session;
    struct held *next, **link; /* of the front */
    struct version to;
    struct pieces pieces;
    bool has_changes; /* in the pieces */
    struct held_query {
        uint32_t id;
        const struct live_query *query;
    } * queries;
    size_t count, room;
};

struct sync_session {
    struct front *front;
    struct socket *socket; /* NULL: closed */
    struct sync_session *next, **link;
    struct sync_session *next_due, **due_link; /* of those due, or of those waiting */
    bool is_due, has_said_connect, is_paused, is_ending;
    struct held *held; /* or NULL; until it is sent, no other transition is */
    bool is_behind;    /* a transition waits until the socket has taken what was sent before */
    bool takes_chunks; /* its client is of a version that puts TransitionChunks together */
    bool is_reading;   /* its inbox: what resumes it from within only says so */

    uint8_t id[16];
    bool has_id;
    int64_t clock_skew; /* ms */
    bool has_clock_skew;

    char origin[48]; /* the address that it comes from */
    const struct identity *identity;
    const struct identity *adopting; /* until its user row is there */
    struct peer *address, *peer;     /* the peer is the address as long as nobody is signed in */
    struct claim asks, holds;        /* of the budget of calls; of live queries */
    struct version received, sent;   /* what the client said; what it was told last */

    struct session_query *queries;
    struct session_query **buckets; /* the same by id; NULL while there are none */
    size_t query_count, bucket_count, query_bytes;
    uint32_t *removed; /* query ids to report as removed */
    size_t removed_count, removed_room;

    size_t calls; /* mutations with the writer: the session outlives its socket until they return */
    size_t call_bytes;   /* their arguments */
    struct buffer inbox; /* messages that wait while the session is paused, each ended by a zero */
    instant told_at;     /* monotonic: when the client last heard from us */
};

/* ---- sync_read.c ---- */
void session_read(struct sync_session *session, str message);

/* ---- sync_write.c ---- */
void session_send_text(struct sync_session *session, str message);
void session_send_mutation(struct sync_session *session, const struct mutation *mutation);
void session_send_action(struct sync_session *session, uint32_t number,
                         const struct call_reply *reply);
void session_send_transition(struct sync_session *session, commit_ts snapshot);

/* A transition part by part: begin, changes, send. */
struct version transition_begin(struct sync_session *session, commit_ts snapshot,
                                struct pieces *pieces);
/* Those that are current; answers whether there were any. */
bool transition_add_changes(struct sync_session *session, struct pieces *pieces);
void transition_add_result(struct pieces *pieces, bool *has_changes, uint32_t id,
                           const struct live_result *result);
void transition_send(struct sync_session *session, struct version to, struct pieces *pieces);
void pieces_done(struct pieces *pieces);

/* Whether the client does not have this result yet; from then on it does. */
bool subscription_is_news(struct subscription *subscription, const struct live_result *result);

/* ---- sync_hold.c ---- */

/* False: some of its queries are neither current nor in the job; it waits. */
bool session_hold(struct sync_session *session, commit_ts snapshot, const struct live_job *job);
/* The result of this subscription is part of what is held. */
bool session_holds(const struct sync_session *session, const struct subscription *subscription);
bool session_is_current(const struct sync_session *session);
void held_free(struct held *held);

/* The message of these pieces as TransitionChunks; takes the references. sync_chunk.c */
void session_send_chunks(struct sync_session *session, struct shared **pieces, size_t count);
void session_auth_error(struct sync_session *session, str text, bool was_update);
void session_fatal(struct sync_session *session, const char *text);

/* ---- sync.c ---- */
void session_pause(struct sync_session *session);
void session_resume(struct sync_session *session);
/* Counts its calls and what waits in its inbox; false: there is no room for more. */
bool session_count_calls(struct sync_session *session) MUST_CHECK;
void session_uncount_calls(struct sync_session *session); /* some are over */

/* Its queries are others now: what it waited for, if it did, may never come. */
void session_asks_anew(struct sync_session *session);

/* Frees it if its socket is closed and no call is out. */
void session_unneeded(struct sync_session *session);
void session_set_identity(struct sync_session *session, const struct identity *identity);
void session_close(struct sync_session *session, uint16_t code, const char *reason);

/* Its token is over: says so and closes. True when it did. */
bool session_is_expired(struct sync_session *session, instant now);

/* False: they hold too much already, nothing was added. */
bool session_query_add(struct sync_session *session, uint32_t id, str path, str args, str journal)
    MUST_CHECK;
struct session_query *session_query_find(struct sync_session *session, uint32_t id);
void session_query_remove(struct sync_session *session, uint32_t id);

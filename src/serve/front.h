/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front: everything of the server that lives on the event loop. Requests come in here, calls
 * are made, commits are followed, live queries are evaluated in rounds, and sync sessions get
 * their transitions, all of one round from one snapshot. What reads too much for that goes to the
 * readers.
 *
 * Owns:     its sessions and the live queries; the rest is borrowed from the server.
 * Threads:  the loop's.
 * Time:     deadlines by the loop's monotonic clock, the product's time by the wall clock.
 * Fails:    front_new by fault.
 */
#pragma once

#include "auth/attempts.h"
#include "auth/password.h"
#include "auth/token.h"
#include "auth/verify.h"
#include "blob/blob.h"
#include "call/readers.h"
#include "call/writer.h"
#include "live/live.h"
#include "net/http.h"
#include "net/ws.h"
#include "serve/peers.h"

struct front;
struct sync_session;
struct pages;
struct trusted;
struct action;
struct uploads;
struct archives;
struct partials;
struct chores;
struct resized;
struct outside;

struct clerk_settings;

struct front_options {
    const struct program *program;
    struct store *store;
    struct writer *writer;
    struct commit_log *log;
    struct readers *readers;
    struct verifier *verifier;
    const struct signer *signer;
    struct hasher *hasher;
    struct blobs *blobs;
    struct partials *partials;
    struct outside *outside;
    struct pages *pages;                /* NULL: no user interface */
    str admin_key;                      /* empty: none */
    const struct clerk_settings *clerk; /* NULL: it tells nothing */
    const char *temp_dir;               /* for large bodies */
    const char *listen;
    const char *version; /* of the program and its pages; changes with an upgrade */
    struct tls *tls;     /* NULL: plain */
    const struct proxies *proxies;
    const struct trusted *trusted; /* NULL: nobody */
    struct budgets *budgets;       /* NULL: nothing has a limit */
    bool packs_messages;
    bool cookie_is_secure;
};

/* Of memory, by the process's real size. */
enum shortage {
    SHORT_NONE,
    SHORT_FOR_STRANGERS,
    SHORT_FOR_ALL,
};

struct front {
    struct front_options options;
    struct loop *loop;
    struct http_server *http;
    struct follower *follower;
    struct queue *wake; /* signalled by the writer */
    struct live *live;
    struct queue *hashed; /* results of the hasher */
    struct queue *told;   /* what the outside answered to actions */
    struct action *actions;
    struct chores *chores;     /* what would make the loop wait */
    struct archives *archives; /* on their way as ZIP */
    struct resized *resized;   /* who waits for smaller pictures */
    size_t action_count;
    uint64_t action_id;
    struct attempts *by_address, *by_account;
    struct random random;
    struct loop_timer timer; /* pings, and answers whose time is over */
    instant tick_at;         /* the next pings, by the loop's clock */
    struct sync_session *sessions;
    struct sync_session *due, *waiting; /* for a transition; for a query of theirs to be current */
    struct held *held;                  /* transitions that wait for the job that is out */
    uint64_t arrivals;                  /* of live_counts, when those waiting were woken last */
    struct arena arena;                 /* of one turn */
    struct view kept;                   /* queries of one turn share it; no snapshot: none */
    struct hash128 *seen;               /* identities whose user row exists */
    size_t session_count;
    struct peers *peers;
    struct uploads *uploads;
    size_t away_count; /* files that are being fetched from a bucket */
    enum shortage shortage;
    instant looked_at, trimmed_at, made_room_at; /* serve/shed.c */
    bool wants_room;                             /* a subscription was refused for want of memory */
    uint64_t *large; /* hashes of requests that were too large to be run here */
    uint64_t transitions, mutations, queries;
    uint64_t reads_refused; /* of a peer that has had its part of the readers' time */
    uint64_t large_queries; /* of them, those that went to the readers */
    bool is_draining;
    bool has_work; /* a round is wanted in this turn */
};

bool front_open(struct loop *loop, const struct front_options *options, struct front **out,
                struct fault *fault) MUST_CHECK;
void front_close(struct front *front); /* NULL is accepted */

/* Stops taking new work; sockets are told to come back later. */
void front_drain(struct front *front);

/* Hands a mutation to the writer; it comes back by mutation->done on the loop. False: overloaded,
 * the mutation is still the caller's. */
bool front_mutate(struct front *front, struct mutation *mutation) MUST_CHECK;

/* Runs a query here and now, on the newest snapshot, whatever it reads: for the server's own. The
 * reply is in the arena. */
void front_query(struct front *front, const struct call_request *request, enum function_kind kind,
                 struct arena *arena, struct call_reply *reply);

struct front_asked {
    struct call_request request; /* lent until front_ask returns */
    enum function_kind kind;     /* a query or an action */
    struct peer *peer;           /* in whose name; NULL: found by identity and address */
    str address;
    bool is_kept; /* on the snapshot that front_keep found, also when it is answered later */
    /* Once; the reply is gone when it returns. */
    void (*then)(void *context, const struct call_reply *reply);
    void *context;
};

/* Whether the newest snapshot is of that very moment. If so, what is asked in this turn with
 * .is_kept is answered from it. */
bool front_keep(struct front *front, commit_ts at) MUST_CHECK;

/* Runs somebody's query or action: at once if it is small, else at a reader. */
void front_ask(struct front *front, const struct front_asked *asked);

/* One more reading in this peer's name, whose reference it takes; false: while others wait the peer
 * has had its part, and the reference is gone. The end is told with the time that it took. */
bool front_read_begin(struct front *front, struct peer *peer) MUST_CHECK;
void front_read_end(struct front *front, struct peer *peer, span time);

/*
 * Makes sure that the identity has its user row, then calls then(context, true); at once when it
 * has been seen before. false: it could not be made just now. An anonymous one passes.
 */
void front_see(struct front *front, const struct identity *identity,
               void (*then)(void *context, bool is_seen), void *context);

/* The store as it is now, for looking something up. False: answered as overloaded by the caller. */
bool front_view(struct front *front, struct arena *arena, struct view *out) MUST_CHECK;

instant front_now(void); /* wall clock */

static inline struct budget *front_live_budget(const struct front *front)
{
    return front->options.budgets == NULL ? NULL : &front->options.budgets->live;
}

static inline struct budget *front_calls_budget(const struct front *front)
{
    return front->options.budgets == NULL ? NULL : &front->options.budgets->calls;
}

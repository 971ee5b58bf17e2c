/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other side of fuzz_sync.c: a client of the sync protocol that says whatever it is told to
 * say, believes what it hears, and stops the program when that breaks the protocol: versions that
 * do not chain, answers out of order, words after the last one, a chunk that is missing.
 *
 * Owns:     its end of the connection and what it was told on it.
 * Threads:  one.
 * Time:     none.
 * Fails:    by assert.
 */
#pragma once

#include "serve/session.h"

#define TOLD_MAX 256
#define ASKED_MAX 256

/* The newest result of a query; texts are the connection's. */
struct told {
    uint32_t id;
    bool is_failure;
    str text;    /* canonical value, or the message */
    str journal; /* .at NULL: none */
};

struct sync_client {
    int fd; /* -1: not connected */
    struct sync_session *session;
    struct arena arena;
    struct buffer heard, chunks;
    size_t parts_heard, parts; /* of a transition in chunks; 0 parts: none under way */
    bool is_welcome, is_over, is_closed, is_deaf;
    bool takes_chunks; /* by its version */
    instant heard_at;  /* monotonic: the last message */

    bool has_said_connect;
    struct hash128 name;       /* of its sessionId */
    bool has_signed_out;       /* was the last it said of who it is */
    bool name_is_plain;        /* and that is surely a UUID */
    uint32_t asked[ASKED_MAX]; /* mutations that are not answered, in order */
    size_t asked_from, asked_to, actions_asked, actions_answered;

    struct version version; /* as it was told last */
    uint64_t owed;          /* the highest ts of an answer; a transition must reach it */
    /* A mutation of its was answered. */
    void (*on_done)(void *context, const struct sync_client *client, uint32_t number, bool is_well,
                    struct hash128 result, uint64_t ts);
    void *context;
    struct told told[TOLD_MAX];
    size_t told_count;
};

/* Begins a connection to the server's end `other`, which the caller hands to the server. on_done is
 * the caller's to set afterwards. */
void client_connect(struct sync_client *client, const char *version, int *other);

/* At once and without a word; twice does no harm. */
void client_cut(struct sync_client *client);

/* One text message. turn(context) lets the server take it when it does not fit at once. */
void client_say(struct sync_client *client, str message, void (*turn)(void *context),
                void *context);
void client_say_goodbye(struct sync_client *client);

/* The server has taken all that was said. */
bool client_is_heard(const struct sync_client *client);

/* Takes what has come; false when nothing had. */
bool client_hear(struct sync_client *client);

/* What it was told of this query, or NULL. */
const struct told *client_told(const struct sync_client *client, uint32_t id);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mutation on its way: from whoever asks to the writer, and back with its reply.
 *
 * Owns:     its arena and a reference to its identity; mutation_free releases both.
 * Threads:  belongs to the asker, then to the writer, then to the asker again.
 * Time:     none.
 * Fails:    into its reply.
 */
#pragma once

#include "call/commits.h"

struct mutation {
    struct arena arena;
    struct call_request request; /* texts in the arena; identity counted */

    /* The program's own work instead of a request: runs with is_internal. */
    void (*body)(struct call *call, void *context);

    /* Exactly once for a client's session, if it has one. */
    bool has_session;
    uint8_t session[16];
    uint32_t number;

    struct call_reply reply;
    commit_ts ts; /* of the commit that holds its effects */

    struct follower *from;
    void (*done)(void *owner, struct mutation *mutation); /* takes the mutation back */
    void *owner;
    uint64_t tag; /* the owner's */
};

struct mutation *mutation_new(void);
void mutation_free(struct mutation *mutation); /* NULL is accepted */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers: in whose name memory and time are taken. A stranger is the address that it comes from
 * (of IPv6 the /64), somebody signed in is the person, by whatever addresses and connections.
 *
 * Owns:     each peer, until the last reference to it is dropped.
 * Threads:  the loop's.
 * Time:     given.
 * Fails:    never.
 */
#pragma once

#include "base/budget.h"
#include "call/identity.h"

struct peers;

struct peer {
    struct party party;
    struct peer *next; /* in its bucket */
    uint64_t hash;
    size_t references;
    size_t readings; /* of theirs that readers have now */
    size_t actions;  /* of theirs that are under way */
    size_t holding;  /* what their sessions have, when it is looked at who is to go */
    span read_time;  /* that readers spent on them, since: */
    instant read_since;
};

struct peers *peers_new(void);
void peers_free(struct peers *peers); /* with all that are left; NULL is accepted */

/* With a reference, the caller's. Without an identity it is the address. */
struct peer *peers_find(struct peers *peers, const struct identity *identity, str address);
struct peer *peer_keep(struct peer *peer);
void peers_drop(struct peers *peers, struct peer *peer); /* NULL is accepted */

/* Notes time at the readers. */
void peer_read(struct peer *peer, span time, instant now);

/* Has as many readings there now as one may have. */
bool peer_reads_at_most(const struct peer *peer);

/* Has had more than its part of the readers' time lately. */
bool peer_reads_too_long(const struct peer *peer, size_t readers, instant now);

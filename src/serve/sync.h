/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sync sessions: the Convex protocol over WebSocket (convex-protocol.md sections 2 to 8, 13). The
 * session keeps what its client was told, so that versions chain; results come from live/.
 *
 * Owns:     sessions, until their socket is closed and their calls have come back.
 * Threads:  the loop's.
 * Time:     given.
 * Fails:    a client that breaks the protocol gets FatalError; what is ours to mend closes the
 *           socket with a reason that makes the client come back.
 */
#pragma once

#include "serve/front.h"

/* Takes the upgrade request. */
void sync_accept(struct front *front, struct exchange *exchange);

/* Something of this session's changed: it gets a transition in this round. */
void sync_due(struct sync_session *session);

/* Sends every due session its transition to this snapshot. Those with queries in the job (NULL:
 * there is none) get theirs by sync_release, the others that cannot be sent wait. */
void sync_send_due(struct front *front, commit_ts snapshot, const struct live_job *job,
                   instant now);

/* The job is settled: its sessions get the transition to its snapshot. */
void sync_release(struct front *front, instant now);

/* Results arrived that some may have waited for. */
void sync_wake_waiting(struct front *front);

/* Pings those that heard nothing for a while, and drops those that went silent. */
void sync_tick(struct front *front, instant monotonic);
void sync_drain(struct front *front);
void sync_close_all(struct front *front);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions whose large queries are with a reader. What is current of the round's moment is put
 * into their transition at once and kept; the results of that same moment complete it later. So
 * every transition is one snapshot, and a session moves on however fast the writer writes.
 */
#include "serve/session.h"

#include "base/planted.h"

bool session_is_current(const struct sync_session *session)
{
    for (const struct session_query *query = session->queries; query != NULL; query = query->next)
        if (!live_is_current(&query->subscription) && !PLANTED(torn_round))
            return false;
    return true;
}

/* All that is not current is in the job, and will be of this moment. */
static bool can_hold(const struct sync_session *session, const struct live_job *job)
{
    for (const struct session_query *query = session->queries; query != NULL; query = query->next)
        if (!live_is_current(&query->subscription) && !live_job_has(job, &query->subscription))
            return false;
    return true;
}

static void add_query(struct held *held, const struct session_query *query)
{
    if (held->count == held->room) {
        held->room = MAX_OF(held->room * 2, (size_t)4);
        held->queries = memory_resize(held->queries, held->room * sizeof(*held->queries));
    }
    held->queries[held->count++] =
        (struct held_query){query->subscription.id, query->subscription.query};
}

bool session_hold(struct sync_session *session, commit_ts snapshot, const struct live_job *job)
{
    struct front *front = session->front;
    if (job == NULL || session->held != NULL || !can_hold(session, job))
        return false;
    struct held *held = memory_zeroed(sizeof(*held));
    held->session = session;
    held->next = front->held;
    held->link = &front->held;
    if (held->next != NULL)
        held->next->link = &held->next;
    front->held = held;
    session->held = held;
    held->to = transition_begin(session, snapshot, &held->pieces);
    held->has_changes = transition_add_changes(session, &held->pieces);
    for (const struct session_query *query = session->queries; query != NULL; query = query->next)
        if (!live_is_current(&query->subscription))
            add_query(held, query);
    return true;
}

bool session_holds(const struct sync_session *session, const struct subscription *subscription)
{
    const struct held *held = session->held;
    for (size_t i = 0; held != NULL && i < held->count; i++)
        if (held->queries[i].id == subscription->id &&
            held->queries[i].query == subscription->query)
            return true;
    return false;
}

void held_free(struct held *held)
{
    if (held == NULL)
        return;
    *held->link = held->next;
    if (held->next != NULL)
        held->next->link = held->link;
    held->session->held = NULL;
    pieces_done(&held->pieces);
    free(held->queries);
    free(held);
}

/* The client may have removed it meanwhile, or asks it as somebody else now: of that moment it
 * gets it all the same, and the next transition puts it right. */
static void add_result(struct held *held, const struct held_query *asked)
{
    struct session_query *query = session_query_find(held->session, asked->id);
    struct live_result result = live_job_result(asked->query);
    if (result.tail == NULL)
        return; /* it failed in a way that is tried again */
    if (query != NULL && query->subscription.query == asked->query) {
        if (!subscription_is_news(&query->subscription, &result))
            return;
    } else if (query != NULL) {
        query->subscription.is_told = false;
    }
    transition_add_result(&held->pieces, &held->has_changes, asked->id, &result);
}

void sync_release(struct front *front, instant now)
{
    while (front->held != NULL) {
        struct held *held = front->held;
        struct sync_session *session = held->session;
        if (session->socket != NULL && !session->is_ending && !session_is_expired(session, now)) {
            for (size_t i = 0; i < held->count; i++)
                add_result(held, &held->queries[i]);
            transition_send(session, held->to, &held->pieces);
        }
        held_free(held);
    }
}

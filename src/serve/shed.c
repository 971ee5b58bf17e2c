/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/shed.h"

#include "base/log.h"
#include "serve/session.h"

#include <malloc.h>

#define LOOK_EVERY MILLISECONDS(100)
#define TRIM_EVERY SECONDS(1)
#define MAKE_ROOM_EVERY SECONDS(1)

static size_t part_of(size_t size, size_t sixteenths)
{
    return size / 16 * sixteenths;
}

/* ---- the process's size ---- */

static enum shortage shortage_of(const struct front *front, size_t resident)
{
    size_t limit = front->options.budgets->limit;
    if (resident >= limit)
        return SHORT_FOR_ALL;
    if (resident >= part_of(limit, 15))
        return SHORT_FOR_STRANGERS;
    bool stays = front->shortage != SHORT_NONE && resident >= part_of(limit, 14);
    return stays ? SHORT_FOR_STRANGERS : SHORT_NONE;
}

static void look(struct front *front, instant monotonic)
{
    struct budgets *budgets = front->options.budgets;
    if (instant_since(monotonic, front->looked_at).us < LOOK_EVERY.us)
        return;
    front->looked_at = monotonic;
    size_t resident = memory_resident();
    if (resident >= part_of(budgets->limit, 14) &&
        instant_since(monotonic, front->trimmed_at).us >= TRIM_EVERY.us) {
        front->trimmed_at = monotonic;
        malloc_trim(0);
        resident = memory_resident();
    }
    enum shortage shortage = shortage_of(front, resident);
    if (shortage > front->shortage)
        log_event(LOG_WARN, "memory_short", "%zu MiB of %zu are taken; new work is refused%s",
                  resident >> 20, budgets->limit >> 20,
                  shortage == SHORT_FOR_ALL ? "" : " to strangers");
    front->shortage = shortage;
}

bool shed_is_short(const struct front *front, bool is_known)
{
    return front->shortage == SHORT_FOR_ALL ||
           (front->shortage == SHORT_FOR_STRANGERS && !is_known);
}

/* ---- sessions ---- */

struct holder {
    struct sync_session *session;
    size_t bytes;
};

/* What goes once these sessions are gone. */
struct going {
    size_t all, of_strangers;
};

static size_t holding_of(const struct sync_session *session)
{
    size_t size = session->holds.amount;
    for (const struct session_query *query = session->queries; query != NULL; query = query->next)
        size += live_share(&query->subscription);
    return size;
}

static void count_going(struct going *going, const struct holder *holder)
{
    going->all += holder->bytes;
    if (!holder->session->peer->party.is_known)
        going->of_strangers += holder->bytes;
}

/* Those that may be closed; of the others that are closed already it is counted what they had. */
static size_t gather(struct front *front, struct holder *out, struct going *going)
{
    size_t count = 0;
    for (struct sync_session *session = front->sessions; session != NULL; session = session->next)
        session->peer->holding = 0;
    for (struct sync_session *session = front->sessions; session != NULL; session = session->next) {
        struct holder holder = {session, holding_of(session)};
        if (session->is_ending) {
            count_going(going, &holder);
            continue;
        }
        session->peer->holding += holder.bytes;
        out[count++] = holder;
    }
    return count;
}

static int compare(size_t left, size_t right)
{
    return left < right ? 1 : left > right ? -1 : 0;
}

/* Strangers, then the peer that has most, then the session that has. */
static int by_turn(const void *a, const void *b)
{
    const struct holder *left = a, *right = b;
    const struct peer *of_left = left->session->peer, *of_right = right->session->peer;
    if (of_left->party.is_known != of_right->party.is_known)
        return of_left->party.is_known ? 1 : -1;
    int order = compare(of_left->holding, of_right->holding);
    if (order == 0 && of_left != of_right)
        order = of_left->hash < of_right->hash ? -1 : 1; /* a peer's sessions stay together */
    return order != 0 ? order : compare(left->bytes, right->bytes);
}

static bool is_enough(const struct front *front, const struct going *going, bool is_known)
{
    const struct budget *live = &front->options.budgets->live;
    size_t used = live->used, strangers = live->strangers;
    size_t max = front->shortage == SHORT_NONE ? part_of(live->max, 14)
                                               : part_of(MIN_OF(live->max, used), 14);
    if (used > max + going->all)
        return false;
    return is_known ||
           strangers <= part_of(budget_max_of_strangers(live), 14) + going->of_strangers;
}

static void close_one(struct front *front, const struct holder *holder, struct going *going)
{
    count_going(going, holder);
    holder->session->peer->holding -= holder->bytes;
    front->options.budgets->live.shed++;
    session_close(holder->session, 1013, "SubscriptionsWorkerFullError");
}

/* Until there is room; or only sessions of peers that have more than one may. */
static void close_some(struct front *front, bool until_enough)
{
    struct going going = {0};
    size_t most = budget_max_of_one(&front->options.budgets->live);
    AUTO(memory_free) struct holder *holders = memory_new(front->session_count * sizeof(*holders));
    size_t count = gather(front, holders, &going);
    qsort(holders, count, sizeof(*holders), by_turn);
    for (size_t i = 0; i < count; i++)
        if (holders[i].session->peer->holding > most)
            close_one(front, &holders[i], &going);
    for (size_t i = 0; i < count && until_enough; i++)
        if (!holders[i].session->is_ending &&
            !is_enough(front, &going, holders[i].session->peer->party.is_known))
            close_one(front, &holders[i], &going);
}

void shed_starved(void *context, struct subscription *subscription)
{
    struct front *front = context;
    struct sync_session *session = subscription->owner;
    /* Who is signed in waits: shed_turn makes room, and knows who has taken it. */
    if (session->is_ending || session->peer->party.is_known)
        return;
    front->options.budgets->live.shed++;
    session_close(session, 1013, "SubscriptionsWorkerFullError");
}

void shed_turn(struct front *front, instant monotonic)
{
    struct budgets *budgets = front->options.budgets;
    if (budgets == NULL)
        return;
    look(front, monotonic);
    bool is_time = instant_since(monotonic, front->made_room_at).us >= MAKE_ROOM_EVERY.us;
    bool makes_room = front->wants_room && is_time;
    /* Until the process is seen to be smaller, an eighth of the sessions goes each time. */
    bool is_over = budget_is_over(&budgets->live) || budget_is_over_by_strangers(&budgets->live) ||
                   (front->shortage == SHORT_FOR_ALL && is_time);
    front->wants_room &= !makes_room;
    if (!is_over && !makes_room)
        return;
    front->made_room_at = monotonic;
    close_some(front, is_over);
}

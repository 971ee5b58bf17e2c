/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who goes when memory runs out. What is cut off is closed without a word: it does not take the
 * words that were said before either.
 */
#include "net/conn.h"

#define LOOKED_AT 32        /* connections, for one stranger to close */
#define WORTH_WHILE KIB(16) /* less frees nothing, as long as somebody has more */

/* Where shedding ends, so that it does not begin again at once. */
static size_t low_of(size_t max)
{
    return max - max / 8;
}

static bool is_known(const struct conn *conn)
{
    return conn->stream.party != NULL && conn->stream.party->is_known;
}

static void cut_off(struct conn *conn)
{
    conn->server->counts.shed++;
    stream_drop(&conn->stream);
    conn_die(conn);
}

/* Strangers first, then who has most waiting. */
static int by_turn(const void *a, const void *b)
{
    const struct conn *left = *(struct conn *const *)a, *right = *(struct conn *const *)b;
    size_t left_held = stream_held(&left->stream), right_held = stream_held(&right->stream);
    if (is_known(left) != is_known(right))
        return is_known(left) ? 1 : -1;
    return left_held < right_held ? 1 : left_held > right_held ? -1 : 0;
}

static size_t gather(struct http_server *server, struct conn **out)
{
    size_t count = 0;
    for (struct conn *conn = server->first; conn != NULL; conn = conn->next)
        if (conn->phase != CONN_DEAD && stream_held(&conn->stream) != 0)
            out[count++] = conn;
    qsort(out, count, sizeof(struct conn *), by_turn);
    return count;
}

static bool is_enough(const struct budget *unsent, bool is_of_known)
{
    size_t strangers = unsent->strangers;
    return unsent->used <= low_of(unsent->max) &&
           (is_of_known || strangers <= low_of(budget_max_of_strangers(unsent)));
}

void server_shed_unsent(struct http_server *server)
{
    struct budgets *budgets = server->options.budgets;
    if (budgets == NULL ||
        (!budget_is_over(&budgets->unsent) && !budget_is_over_by_strangers(&budgets->unsent)))
        return;
    struct budget *unsent = &budgets->unsent;
    AUTO(memory_free) struct conn **slow = memory_new(server->connections * sizeof(*slow));
    size_t count = gather(server, slow);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < count; i++) {
            struct conn *conn = slow[i];
            if (is_enough(unsent, is_known(conn)) || conn->phase == CONN_DEAD ||
                (round == 0 && stream_held(&conn->stream) < WORTH_WHILE))
                continue;
            cut_off(conn);
            unsent->shed++;
        }
}

bool server_shed_stranger(struct http_server *server)
{
    struct conn *worst = NULL;
    size_t most = 0;
    for (int i = 0; i < LOOKED_AT; i++) {
        struct conn *conn = server->hand != NULL ? server->hand : server->first;
        if (conn == NULL)
            break;
        server->hand = conn->next;
        size_t of_peer = server_count_of_peer(server, conn) + 1;
        if (conn->phase == CONN_DEAD || is_known(conn) || of_peer <= most)
            continue;
        worst = conn;
        most = of_peer;
    }
    if (worst == NULL)
        return false;
    cut_off(worst);
    server->options.budgets->connections.shed++;
    return true;
}

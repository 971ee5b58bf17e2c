/* SPDX-License-Identifier: Apache-2.0 */
#include "live/state.h"

#include "base/planted.h"

#include <string.h>

#define RETRY_AFTER MILLISECONDS(100)

static void add_journal(struct buffer *to, str journal)
{
    buffer_str(to, STR(",\"logLines\":[],\"journal\":"));
    if (journal.at == NULL)
        buffer_str(to, STR("null"));
    else
        json_write_text(to, journal);
}

static struct shared *tail_of(const struct call_reply *reply)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(CALL_RESULT_MAX * 2);
    if (reply->error == ERROR_NONE) {
        buffer_str(&text, STR("\"value\":"));
        buffer_str(&text, reply->value);
        add_journal(&text, reply->journal);
    } else {
        buffer_str(&text, STR("\"errorMessage\":"));
        json_write_text(&text, reply->error_text);
        add_journal(&text, (str){0});
        if (reply->error_data.at != NULL) {
            buffer_str(&text, STR(",\"errorData\":"));
            buffer_str(&text, reply->error_data);
        }
    }
    buffer_char(&text, '}');
    return shared_copy(buffer_text(&text));
}

static void keep_journal(struct live_query *query, str journal)
{
    if (journal.at == NULL || query->journal != NULL || PLANTED(journal_dropped))
        return;
    query->journal = memory_new(journal.len + 1);
    memcpy(query->journal, journal.at, journal.len);
    query->journal[journal.len] = 0;
}

static void store_result(struct live *live, struct live_query *query,
                         const struct live_result *result)
{
    bool is_same = query->result.tail != NULL && result->hash.a == query->result.hash.a &&
                   result->hash.b == query->result.hash.b;
    if (is_same && !PLANTED(unchanged_resent)) {
        shared_drop(result->tail);
        return;
    }
    uint64_t version = query->result.version + 1;
    shared_drop(query->result.tail);
    query->result = *result;
    query->result.version = version;
    for (struct subscription *each = query->subscriptions; each != NULL; each = each->next)
        live->options.on_news(live->options.context, each);
}

static void wake_at(struct live *live, instant at)
{
    if (live->next.us == 0 || at.us < live->next.us)
        live->next = at;
}

void query_run(const struct live_query *query, const struct program *program, struct view *view,
               struct arena *arena, instant now, struct evaluation *out)
{
    struct call_request request = {
        .path = query->path,
        .args = query->args,
        .identity = query->identity,
        .journal = query->journal != NULL ? str_of(query->journal) : query->asked_journal,
    };
    struct call_reply reply;
    execute_query(program, &request, FUNCTION_QUERY, view, arena, now, &reply);
    *out = (struct evaluation){
        .error = reply.error, .journal = reply.journal, .valid_until = reply.valid_until};
    if (view->is_too_large)
        return;
    out->result.is_failure = reply.error != ERROR_NONE;
    out->result.tail = tail_of(&reply);
    out->result.hash = hash128_bytes(out->result.tail->at, out->result.tail->len);
}

/* Not an answer: asked again shortly, and told only when it does not go away. */
static bool is_passing(struct live_query *query, const struct evaluation *evaluation)
{
    bool is_transient = evaluation->error == TRANSIENT || evaluation->error == OVERLOAD;
    query->failures = is_transient ? query->failures + 1 : 0;
    return is_transient && query->failures < FAILURES_UNTOLD;
}

void query_settle(struct live *live, struct live_query *query, struct evaluation *evaluation,
                  struct read_set reads, instant now)
{
    live->counts.evaluations++;
    live->counts.arrivals += query->is_large || query->failures != 0;
    watch_set(live->watches, &query->watches, reads, query);
    if (PLANTED(failure_unwatched) && evaluation->error != ERROR_NONE)
        watch_clear(live->watches, &query->watches);
    if (is_passing(query, evaluation)) {
        shared_drop(evaluation->result.tail);
    } else {
        keep_journal(query, evaluation->journal);
        store_result(live, query, &evaluation->result);
    }
    query->valid_until =
        query->failures != 0 ? instant_add(now, RETRY_AFTER) : evaluation->valid_until;
    if (PLANTED(time_ignored))
        query->valid_until = (instant){0};
    if (query->valid_until.us != 0)
        wake_at(live, query->valid_until);
    query_account(live, query);
}

static void evaluate(struct live *live, struct live_query *query, struct view *view, instant now)
{
    struct evaluation evaluation;
    arena_reset(&live->arena);
    view_renew(view, &live->arena);
    view_be_small(view, LIVE_SMALL_READS, LIVE_SMALL_BYTES);
    query_run(query, live->options.program, view, &live->arena, now, &evaluation);
    if (!view->is_too_large) {
        query_settle(live, query, &evaluation, view_read_set(view), now);
        return;
    }
    live->counts.abandoned++;
    query->is_large = true;
    query_mark(live, query);
}

static void mark_expired(struct live *live, instant now)
{
    if (live->next.us == 0 || live->next.us > now.us)
        return;
    live->next = (instant){0};
    for (size_t i = 0; i < live->bucket_count; i++) {
        for (struct live_query *query = live->buckets[i]; query != NULL; query = query->next) {
            if (query->valid_until.us == 0)
                continue;
            if (query->valid_until.us <= now.us)
                query_mark(live, query);
            else
                wake_at(live, query->valid_until);
        }
    }
}

void live_round(struct live *live, struct view *view, instant now)
{
    const struct live_query *starved = NULL; /* the first of them; none but such are behind it */
    mark_expired(live, now);
    while (live->dirty.first != NULL && live->dirty.first != starved) {
        struct live_query *query = live->dirty.first;
        query_unmark(live, query);
        if (query_starve(live, query)) {
            starved = starved == NULL ? query : starved;
            query_mark(live, query);
            continue;
        }
        query->valid_until = (instant){0};
        evaluate(live, query, view, now);
        if (PLANTED(torn_round))
            break;
    }
    arena_reset(&live->arena);
}

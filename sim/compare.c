/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the live results are what the plain village answers, whether what was not run again need
 * not have been, and whether what was run again had to be.
 */
#include "oracle.h"

#include "call/execute.h"

#include <stdio.h>
#include <string.h>

/* live's own */
#define FAILURES_UNTOLD 10
#define RETRY_AFTER MILLISECONDS(100)

/* ---- what there should be ---- */

static const struct mark *mark_at(const struct oracle *oracle, int at)
{
    return at < 0 ? NULL : &oracle->marks[at];
}

static struct asking asking_of(const struct oracle *oracle, const struct question *question,
                               int identity, instant now)
{
    return (struct asking){
        .question = question,
        .who = identity_word(identity),
        .now = now,
        .cursor = mark_at(oracle, question->cursor),
        .end = mark_at(oracle, question->end_cursor),
    };
}

static const struct mark *mark_find(const struct oracle *oracle, const struct mark *mark)
{
    for (size_t i = 0; i < oracle->mark_count; i++)
        if (mark_is_same(&oracle->marks[i], mark))
            return &oracle->marks[i];
    return NULL;
}

int mark_number(const struct oracle *oracle, const struct mark *mark)
{
    const struct mark *found = mark_find(oracle, mark);
    return found == NULL ? -1 : (int)(found - oracle->marks);
}

/* The real one's cursor of a place that was not seen before is taken from what it said behind the
 * part that is known. */
static const struct mark *mark_learn(struct oracle *oracle, const struct mark *place, str name,
                                     str got)
{
    size_t at = oracle->answer.text.len;
    if (oracle->mark_count == MARKS || !str_starts(str_slice(got, at, got.len), name))
        return NULL;
    str rest = str_slice(got, at + name.len, got.len);
    ptrdiff_t end = str_find(rest, '"');
    struct mark *mark = &oracle->marks[oracle->mark_count];
    if (end <= 0 || (size_t)end >= sizeof(mark->text))
        return NULL;
    *mark = *place;
    mark->len = (size_t)end;
    memcpy(mark->text, rest.at, mark->len);
    mark->text[mark->len] = 0;
    oracle->mark_count++;
    return mark;
}

static const struct mark *add_mark(struct oracle *oracle, const struct mark *place,
                                   const char *name, str got)
{
    const struct mark *mark = mark_find(oracle, place);
    if (mark == NULL)
        mark = mark_learn(oracle, place, str_of(name), got);
    if (mark != NULL)
        buffer_format(&oracle->answer.text, "%s%s\"", name, mark->text);
    return mark;
}

/* Completes the plain answer's text with its cursors; NULL: it is no page. */
static const struct mark *complete(struct oracle *oracle, str got)
{
    struct answer *answer = &oracle->answer;
    if (!answer->is_page || answer->error != ERROR_NONE)
        return NULL;
    const struct mark *mark = add_mark(oracle, &answer->mark, ",\"continueCursor\":\"", got);
    if (answer->has_split)
        add_mark(oracle, &answer->split, ",\"splitCursor\":\"", got);
    buffer_char(&answer->text, '}');
    return mark;
}

static void add_error_data(struct buffer *to, enum error_code error, const char *message)
{
    if (error == APPLICATION)
        buffer_str(to, STR("{\"isConvexSystemError\":true,\"paginationError\":\"InvalidCursor\"}"));
    else
        buffer_format(to, "{\"code\":\"%s\",\"message\":\"%s\"}", error_code_name(error), message);
}

/* The tail as it must be, or of a failure its end. */
static void write_tail(struct oracle *oracle, struct buffer *to, str got)
{
    struct answer *answer = &oracle->answer;
    buffer_clear(to);
    if (answer->error != ERROR_NONE) {
        buffer_str(to, STR(",\"logLines\":[],\"journal\":null,\"errorData\":"));
        add_error_data(to, answer->error, answer->message);
        buffer_char(to, '}');
        return;
    }
    const struct mark *mark = complete(oracle, str_slice(got, strlen("\"value\":"), got.len));
    buffer_str(to, STR("\"value\":"));
    buffer_str(to, buffer_text(&answer->text));
    buffer_str(to, STR(",\"logLines\":[],\"journal\":"));
    if (mark == NULL)
        buffer_str(to, STR("null}"));
    else
        buffer_format(to, "\"%s\"}", mark->text);
}

static bool is_as_it_must_be(struct oracle *oracle, const struct live_result *result)
{
    str got = shared_text(result->tail);
    write_tail(oracle, &oracle->wanted, got);
    str text = buffer_text(&oracle->wanted);
    if (result->is_failure != (oracle->answer.error != ERROR_NONE))
        return false;
    return result->is_failure ? str_starts(got, STR("\"errorMessage\":")) && str_ends(got, text)
                              : str_equal(got, text);
}

static void tell_difference(struct oracle *oracle, const struct slot *slot,
                            const struct live_result *result)
{
    str got = shared_text(result->tail);
    oracle_fail(oracle, "slot %zu, %s %s, identity %d:\n  is    %.*s\n  not   %.*s",
                (size_t)(slot - oracle->slots), question_path(slot->question.kind), slot->args,
                slot->identity, STR_ARG(got), STR_ARG(buffer_text(&oracle->wanted)));
}

/* ---- one live query ---- */

struct look {
    struct slot *slot;
    const struct subscription *subscription; /* one of them */
    struct live_result result;
    const struct plain *plain;
    instant now;
    bool was_run, is_of_job, has_commits;
    bool has_failed; /* by the engine, in a round that was given a fault */
};

static bool is_unchanged(struct oracle *oracle, const struct look *look)
{
    bool is_same = look->result.version == look->slot->version &&
                   look->result.hash.a == look->slot->hash.a &&
                   look->result.hash.b == look->slot->hash.b;
    return is_same || oracle_fail(oracle, "slot %zu changed without being run again",
                                  (size_t)(look->slot - oracle->slots));
}

/* Everybody who looks hears of a change once, and of nothing else. */
static void check_news(struct oracle *oracle, const struct look *look)
{
    bool is_news = look->result.version != look->slot->version;
    for (size_t i = 0; i < WATCHERS; i++) {
        struct watcher *watcher = &oracle->watchers[i];
        if (!watcher->is_used || &oracle->slots[watcher->slot] != look->slot)
            continue;
        if (watcher->news != is_news)
            oracle_fail(oracle, "watcher %zu of slot %zu heard %u times of version %llu", i,
                        watcher->slot, watcher->news, (unsigned long long)look->result.version);
        watcher->news = 0;
    }
    bool is_other = look->result.hash.a != look->slot->hash.a ||
                    look->result.hash.b != look->slot->hash.b || look->slot->version == 0;
    if (is_news && !is_other)
        oracle_fail(oracle, "a version that is the same as the one before");
}

/* What was not run again need not have been. */
static void check_not_run(struct oracle *oracle, const struct look *look, bool is_over)
{
    const struct slot *slot = look->slot;
    if (is_over)
        oracle_fail(oracle, "slot %zu was not run again when its time was over",
                    (size_t)(slot - oracle->slots));
    if (oracle->answer.imprint != slot->imprint)
        oracle_fail(oracle, "slot %zu, %s %s was not run again, and what it reads was written",
                    (size_t)(slot - oracle->slots), question_path(slot->question.kind), slot->args);
}

static void count_rerun(struct oracle *oracle, bool is_wasted)
{
    struct oracle_counts *counts = oracle->counts;
    counts->reruns++;
    counts->wasted += is_wasted;
    counts->straight_reruns += !oracle->goes_back;
    counts->straight_wasted += is_wasted && !oracle->goes_back;
}

static void count_run(struct oracle *oracle, const struct look *look)
{
    const struct slot *slot = look->slot;
    bool is_over = slot->valid_until.us != 0 && slot->valid_until.us <= look->now.us;
    bool is_late = slot->retry_at.us <= look->now.us && slot->question.kind != ASK_MY_TASKS;
    if (slot->failures != 0 && !look->was_run && is_late)
        oracle_fail(oracle, "slot %zu failed for a moment, and was not run again",
                    (size_t)(slot - oracle->slots));
    if (!slot->has_result || slot->failures != 0)
        return;
    if (look->has_commits && !look->is_of_job) {
        oracle->counts->pairs++;
        oracle->counts->untold += !look->was_run;
    }
    if (look->was_run)
        count_rerun(oracle, !is_over && oracle->answer.imprint == slot->imprint);
    else
        check_not_run(oracle, look, is_over);
}

static void note_run(struct oracle *oracle, const struct look *look)
{
    struct slot *slot = look->slot;
    const struct answer *answer = &oracle->answer;
    slot->imprint = answer->imprint;
    slot->valid_until = answer->valid_until;
    bool is_busy = slot->was_busy && answer->error == ERROR_NONE && slot->evaluated != 0;
    bool is_transient = is_busy || look->has_failed;
    bool is_another = slot->evaluated != 0 || slot->failures == 0;
    slot->failures = is_transient ? slot->failures + is_another : 0;
    slot->retry_at = instant_add(look->now, RETRY_AFTER);
    if (is_transient && slot->failures >= FAILURES_UNTOLD) {
        oracle->answer.error = TRANSIENT;
        snprintf(oracle->answer.message, sizeof(answer->message), "Not just now.");
    }
    slot->is_pinned = slot->has_pin && mark_number(oracle, &slot->pin) != slot->journal;
    if (slot->failures != 0)
        return;
    slot->has_result = true;
    if (answer->is_page && answer->error == ERROR_NONE && !slot->has_pin) {
        slot->pin = answer->mark;
        slot->has_pin = true;
    }
}

static void ask_plain(struct oracle *oracle, const struct look *look)
{
    const struct slot *slot = look->slot;
    struct asking asking = asking_of(oracle, &slot->question, slot->identity, look->now);
    asking.pin = slot->has_pin ? &slot->pin : mark_at(oracle, slot->journal);
    plain_answer(look->plain, &asking, &oracle->answer);
}

/* oracle->answer is of this look. */
static void compare(struct oracle *oracle, struct look *look)
{
    struct slot *slot = look->slot;
    if (oracle->threads == NULL)
        count_run(oracle, look);
    if (look->was_run)
        note_run(oracle, look);
    bool is_passing = slot->failures != 0 && slot->failures < FAILURES_UNTOLD;
    buffer_clear(&oracle->wanted);
    bool must_stay = is_passing || (slot->failures != 0 && !look->was_run);
    if (must_stay ? !is_unchanged(oracle, look)
                  : look->result.tail == NULL || !is_as_it_must_be(oracle, &look->result))
        tell_difference(oracle, slot, &look->result);
    check_news(oracle, look);
    slot->version = look->result.version;
    slot->hash = look->result.hash;
    slot->evaluated = 0;
}

/* ---- all of them ---- */

static const struct subscription *subscription_of(const struct oracle *oracle, size_t slot)
{
    for (size_t i = 0; i < WATCHERS; i++)
        if (oracle->watchers[i].is_used && oracle->watchers[i].slot == slot)
            return &oracle->watchers[i].subscription;
    return NULL;
}

/* Its turn is with the job that is out, or with the next. */
static bool is_waiting(const struct oracle *oracle, const struct look *look, bool is_tried)
{
    const struct slot *slot = look->slot;
    if (slot->is_in_job || oracle->has_fault)
        return slot->is_in_job; /* with a fault no job was out: all that waited is in it now */
    return oracle->job.job != NULL && slot->question.burden != 0 &&
           !live_is_current(look->subscription) && (is_tried || slot->evaluated == 0);
}

static void check_current(struct oracle *oracle, const struct look *look)
{
    const struct slot *slot = look->slot;
    bool is_passing = slot->failures != 0 && slot->failures < FAILURES_UNTOLD;
    if (live_is_current(look->subscription) == is_passing)
        oracle_fail(oracle, "slot %zu says that it is %scurrent, with %u failures",
                    (size_t)(slot - oracle->slots), is_passing ? "" : "not ", slot->failures);
}

/* Whether it was run in this round; what cannot be seen is told by what came of it. */
static void see_run(const struct oracle *oracle, struct look *look, bool is_unseen)
{
    const struct slot *slot = look->slot;
    bool is_current = live_is_current(look->subscription);
    bool is_mended = slot->failures != 0 && is_current;
    bool is_other = !slot->has_result || is_mended || oracle->answer.imprint != slot->imprint;
    bool may_fail = oracle->has_fault && slot->evaluated != 0;
    if (slot->question.kind == ASK_MY_TASKS)
        may_fail = oracle->has_fault || slot->failures != 0;
    look->has_failed = may_fail && !is_current;
    look->was_run = slot->evaluated != 0 || look->has_failed || (is_unseen && is_other) ||
                    oracle->threads != NULL; /* with threads it may have been */
}

static void compare_slot(struct oracle *oracle, size_t at, bool has_commits)
{
    struct slot *slot = &oracle->slots[at];
    struct look look = {.slot = slot,
                        .subscription = subscription_of(oracle, at),
                        .plain = &oracle->plain,
                        .now = oracle->now,
                        .has_commits = has_commits};
    look.result = live_result(look.subscription);
    ask_plain(oracle, &look);
    /* Refused before it could be counted. */
    bool is_unseen = oracle->answer.error == AUTH && slot->question.kind == ASK_MY_TASKS;
    bool is_tried = slot->question.burden != 0 && !is_unseen &&
                    plain_person_named(&oracle->plain, VILLAGE_LIGHT) != NULL;
    if (is_waiting(oracle, &look, is_tried)) {
        is_unchanged(oracle, &look);
        check_news(oracle, &look);
        slot->evaluated = slot->is_in_job ? slot->evaluated : 0;
        return;
    }
    see_run(oracle, &look, is_unseen);
    if (slot->evaluated > 1)
        oracle_fail(oracle, "slot %zu was run %u times in one round", at, slot->evaluated);
    compare(oracle, &look);
    check_current(oracle, &look);
}

void compare_all(struct oracle *oracle, bool has_commits)
{
    for (size_t i = 0; i < SLOTS && !oracle->has_failed; i++)
        if (oracle->slots[i].is_used && oracle->slots[i].watchers != 0)
            compare_slot(oracle, i, has_commits);
}

void compare_job(struct oracle *oracle)
{
    for (size_t i = 0; i < SLOTS && !oracle->has_failed; i++) {
        struct slot *slot = &oracle->slots[i];
        if (!slot->is_used || !slot->is_in_job || slot->watchers == 0)
            continue;
        struct look look = {.slot = slot,
                            .subscription = subscription_of(oracle, i),
                            .plain = &oracle->job.plain,
                            .now = oracle->job.now,
                            .was_run = true,
                            .is_of_job = true};
        look.result = live_job_result(look.subscription->query);
        ask_plain(oracle, &look);
        compare(oracle, &look);
    }
}

/* ---- asked once ---- */

static bool is_same_reply(struct oracle *oracle, const struct call_reply *reply)
{
    struct answer *answer = &oracle->answer;
    if (reply->error != answer->error)
        return false;
    if (answer->error != ERROR_NONE) {
        AUTO(buffer_done) struct buffer data = {0};
        add_error_data(&data, answer->error, answer->message);
        return str_equal(reply->error_data, buffer_text(&data));
    }
    complete(oracle, reply->value);
    return str_equal(reply->value, buffer_text(&answer->text)) &&
           reply->valid_until.us == answer->valid_until.us;
}

static void ask_once(struct oracle *oracle, const struct question *question, int identity)
{
    AUTO(arena_done) struct arena arena = {0};
    struct call_reply reply;
    char args[ARGS_MAX];
    question_args(oracle, question, 0, args);
    struct call_request request = {.path = str_of(question_path(question->kind)),
                                   .args = str_of(args),
                                   .identity = identity_at(oracle, identity)};
    view_renew(&oracle->kept.view, &arena);
    execute_query(&oracle->program, &request, FUNCTION_QUERY, &oracle->kept.view, &arena,
                  oracle->now, &reply);
    view_renew(&oracle->kept.view, NULL);
    struct asking asking = asking_of(oracle, question, identity, oracle->now);
    plain_answer(&oracle->kept.plain, &asking, &oracle->answer);
    oracle->counts->asked++;
    if (!is_same_reply(oracle, &reply))
        oracle_fail(oracle, "%s %s, identity %d, asked once:\n  is    %.*s %.*s\n  not   %.*s %s",
                    question_path(question->kind), args, identity, STR_ARG(reply.value),
                    STR_ARG(reply.error_text), STR_ARG(buffer_text(&oracle->answer.text)),
                    oracle->answer.message);
}

/* What is no answer at all has no data for a program to read, either. */
static void ask_wrongly(struct oracle *oracle)
{
    AUTO(arena_done) struct arena arena = {0};
    struct call_reply reply;
    static const char *const paths[] = {"people:get", "village:run", "nobody:knows"};
    struct call_request request = {.path = str_of(paths[roll(&oracle->dice, ARRAY_LEN(paths))]),
                                   .args = STR("{\"query\":0}")};
    view_renew(&oracle->kept.view, &arena);
    execute_query(&oracle->program, &request, FUNCTION_QUERY, &oracle->kept.view, &arena,
                  oracle->now, &reply);
    view_renew(&oracle->kept.view, NULL);
    if (reply.error != ARGUMENT || reply.error_data.at != NULL)
        oracle_fail(oracle, "%.*s was asked wrongly, and answered %.*s %.*s", STR_ARG(request.path),
                    STR_ARG(reply.error_text), STR_ARG(reply.error_data));
}

/* Of a list page after page, a few of them. */
void compare_once(struct oracle *oracle)
{
    struct question question;
    const struct answer *answer = &oracle->answer;
    if (roll_one_in(&oracle->dice, 10))
        ask_wrongly(oracle);
    question_make(oracle, &question);
    int identity = (int)roll(&oracle->dice, IDENTITIES + 1) - 1;
    if (question_is_for_all(question.kind))
        identity = -1;
    ask_once(oracle, &question, identity);
    for (int page = 0; page < 4 && !oracle->has_failed; page++) {
        if (!answer->is_page || answer->error != ERROR_NONE || answer->mark.is_end)
            return;
        question.cursor = mark_number(oracle, &answer->mark);
        question.end_cursor = -1;
        if (question.cursor >= 0)
            ask_once(oracle, &question, identity);
    }
}

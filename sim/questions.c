/* SPDX-License-Identifier: Apache-2.0 */
/* Questions made up by dice, and their arguments. */
#include "oracle.h"

#include <stdio.h>
#include <string.h>

#define BURDEN 400
#define LATEST_MARKS 8

static const char *const paths[ASK_KIND_COUNT] = {
    [ASK_PERSON] = "people:get",
    [ASK_PERSON_BY_NAME] = "people:byName",
    [ASK_ID_BY_NAME] = "people:idByName",
    [ASK_ID_BY_NICK] = "people:idByNick",
    [ASK_TOP] = "people:top",
    [ASK_STAFF] = "people:staff",
    [ASK_CHAIN] = "people:chain",
    [ASK_ME] = "me:get",
    [ASK_MY_TASKS] = "me:tasks",
    [ASK_MY_PAGE] = "me:page",
    [ASK_TASKS_OF] = "tasks:of",
    [ASK_RANKS] = "tasks:ranks",
    [ASK_DUE] = "tasks:due",
    [ASK_TITLES] = "tasks:titles",
    [ASK_COUNT] = "tasks:count",
    [ASK_FREE_SLOT] = "tasks:freeSlot",
    [ASK_MUST_HAVE] = "tasks:mustHave",
    [ASK_JOIN] = "tasks:join",
    [ASK_SEARCH] = "tasks:search",
    [ASK_PAGE] = "tasks:page",
    [ASK_HEAVIEST] = "notes:heaviest",
    [ASK_NOTES_OF] = "notes:of",
    [ASK_LATEST] = "notes:latest",
    [ASK_MINUTE] = "clock:minute",
};

const char *question_path(enum question_kind kind)
{
    return paths[kind];
}

bool question_is_for_all(enum question_kind kind)
{
    switch (kind) {
    case ASK_TOP:
    case ASK_TASKS_OF:
    case ASK_DUE:
    case ASK_COUNT:
    case ASK_SEARCH:
    case ASK_PAGE:
    case ASK_HEAVIEST:
    case ASK_LATEST:
    case ASK_MINUTE:
        return true;
    default:
        return false;
    }
}

/* ---- made up ---- */

static int64_t some_person(struct oracle *oracle)
{
    const struct plain *plain = &oracle->plain;
    if (plain->person_count == 0 || roll_one_in(&oracle->dice, 12))
        return 1 + (int64_t)roll(&oracle->dice, 30);
    size_t some = roll(&oracle->dice, plain->person_count);
    return plain->people[roll(&oracle->dice, some + 1)].id; /* the first more often */
}

static int64_t some_task_or_none(struct oracle *oracle)
{
    const struct plain *plain = &oracle->plain;
    if (plain->task_count == 0 || roll_one_in(&oracle->dice, 4))
        return 0;
    return plain->tasks[roll(&oracle->dice, plain->task_count)].id;
}

static struct maybe_int some_limit(struct oracle *oracle)
{
    bool is_set = roll_one_in(&oracle->dice, 2);
    int64_t value = (int64_t)roll(&oracle->dice, 9) - 1;
    return (struct maybe_int){is_set ? value : 0, is_set};
}

/* Where a page that somebody looks at ends, or one of the latest marks; -1: there is none yet. */
static int some_mark(struct oracle *oracle)
{
    const struct slot *slot = &oracle->slots[roll(&oracle->dice, SLOTS)];
    if (slot->is_used && slot->has_pin)
        return mark_number(oracle, &slot->pin);
    size_t latest = MIN_OF(oracle->mark_count, (size_t)LATEST_MARKS);
    if (latest == 0)
        return -1;
    return (int)(oracle->mark_count - 1 - roll(&oracle->dice, latest));
}

/* The list of a mark: what comes behind it, up to another, most times of the same list. */
static void make_page(struct oracle *oracle, struct question *question)
{
    int at = some_mark(oracle);
    if (at < 0 || roll_one_in(&oracle->dice, 3))
        return;
    const struct mark *mark = &oracle->marks[at];
    question->kind = mark->is_mine ? ASK_MY_PAGE : ASK_PAGE;
    question->is_down = mark->is_down;
    question->id = mark->owner;
    question->cursor = roll_one_in(&oracle->dice, 4) ? -1 : at;
    if (roll_one_in(&oracle->dice, 40))
        question->is_down = !question->is_down; /* then it is a cursor of another list */
    for (int tries = 0; tries < 8 && roll_one_in(&oracle->dice, 2); tries++) {
        int end = some_mark(oracle);
        if (end < 0)
            return;
        if (mark_is_of(&oracle->marks[end], mark) || roll_one_in(&oracle->dice, 40))
            question->end_cursor = end;
    }
}

static void make_of_tasks(struct oracle *oracle, struct question *question)
{
    struct dice *dice = &oracle->dice;
    if (question->kind == ASK_DUE || question->kind == ASK_COUNT) {
        question->id = 1 + (int64_t)roll(dice, 3);
    } else if (question->kind == ASK_TITLES || question->kind == ASK_JOIN) {
        question->id = (int64_t)roll(dice, 2);
        question->text = roll_one_in(dice, 2) ? (int)roll(dice, WORD_LONG) : -1;
        question->more = roll_one_in(dice, 2) ? (int)roll(dice, WORD_LONG) : -1;
    } else if (question->kind == ASK_SEARCH) {
        question->more = roll_one_in(dice, 3) ? (int)roll(dice, WORD_LONG) : -1;
        question->from_is_open = roll_one_in(dice, 4);
        question->from.is_set &= roll_one_in(dice, 3);
    } else if (question->kind == ASK_PAGE || question->kind == ASK_MY_PAGE) {
        make_page(oracle, question);
    }
}

void question_make(struct oracle *oracle, struct question *out)
{
    struct dice *dice = &oracle->dice;
    *out = (struct question){
        .kind = roll_one_in(dice, 10) ? ASK_PAGE
                                      : (enum question_kind)(1 + roll(dice, ASK_KIND_COUNT - 1)),
        .burden = roll_one_in(dice, 12) ? BURDEN : 0,
        .id = some_person(oracle),
        .limit = 1 + (int64_t)(roll_one_in(dice, 4) ? roll(dice, 30) : roll(dice, 4)),
        .text = (int)roll(dice, WORD_LONG),
        .more = -1,
        .from = some_limit(oracle),
        .to = some_limit(oracle),
        .is_down = roll_one_in(dice, 2),
        .from_is_open = roll_one_in(dice, 2),
        .to_is_open = roll_one_in(dice, 2),
        .cursor = -1,
        .end_cursor = -1,
    };
    if (out->kind == ASK_NOTES_OF)
        out->id = some_task_or_none(oracle);
    else if (out->kind == ASK_STAFF && roll_one_in(dice, 4))
        out->id = 0;
    else if (out->kind >= ASK_MY_TASKS && out->kind <= ASK_PAGE)
        make_of_tasks(oracle, out);
}

/* ---- as JSON ---- */

static void add_word(struct buffer *to, const char *name, int word)
{
    if (word < 0)
        return;
    buffer_format(to, ",\"%s\":", name);
    if (words[word].json != NULL)
        buffer_str(to, str_of(words[word].json));
    else
        buffer_format(to, "\"%.*s\"", STR_ARG(words[word].text));
}

static void add_limit(struct buffer *to, const char *name, struct maybe_int limit)
{
    if (limit.is_set)
        buffer_format(to, ",\"%s\":%lld", name, (long long)limit.value);
}

static void add_pages(struct buffer *to, const struct oracle *oracle,
                      const struct question *question)
{
    buffer_format(to,
                  ",\"paginationOpts\":{\"numItems\":%lld,\"cursor\":", (long long)question->limit);
    if (question->cursor < 0)
        buffer_str(to, STR("null"));
    else
        buffer_format(to, "\"%s\"", oracle->marks[question->cursor].text);
    if (question->end_cursor >= 0)
        buffer_format(to, ",\"endCursor\":\"%s\"", oracle->marks[question->end_cursor].text);
    buffer_char(to, '}');
}

static const char *truth(bool value)
{
    return value ? "true" : "false";
}

void question_args(const struct oracle *oracle, const struct question *question, size_t query,
                   char out[ARGS_MAX])
{
    AUTO(buffer_done) struct buffer text = {0};
    buffer_format(&text,
                  "{\"query\":%zu,\"burden\":%lld,\"id\":%lld,\"limit\":%lld,\"isDown\":%s,"
                  "\"fromIsOpen\":%s,\"toIsOpen\":%s",
                  query, (long long)question->burden, (long long)question->id,
                  (long long)question->limit, truth(question->is_down),
                  truth(question->from_is_open), truth(question->to_is_open));
    add_word(&text, "text", question->text);
    add_word(&text, "more", question->more);
    add_limit(&text, "from", question->from);
    add_limit(&text, "to", question->to);
    if (question->kind == ASK_PAGE || question->kind == ASK_MY_PAGE)
        add_pages(&text, oracle, question);
    buffer_char(&text, '}');
    assert(text.len < ARGS_MAX);
    memcpy(out, text.at, text.len);
    out[text.len] = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plain_ask.h"

#include <stdio.h>
#include <string.h>

#define NOTES_COUNTED 3

/* ---- sorted tasks ---- */

struct tasks {
    const struct plain_task *all; /* of the village */
    size_t places[PLAIN_TASKS_MAX];
    size_t count;
};

typedef int compare_tasks(const struct plain_task *a, const struct plain_task *b);

static int compare_maybe(struct maybe_int a, struct maybe_int b)
{
    if (!a.is_set || !b.is_set)
        return a.is_set - b.is_set;
    return compare_ints(a.value, b.value);
}

static int by_creation(const struct plain_task *a, const struct plain_task *b)
{
    int side = compare_ints(a->created, b->created);
    return side != 0 ? side : compare_ints(a->id, b->id);
}

static int by_rank(const struct plain_task *a, const struct plain_task *b)
{
    int side = compare_maybe(a->rank, b->rank);
    return side != 0 ? side : by_creation(a, b);
}

static int by_slot(const struct plain_task *a, const struct plain_task *b)
{
    int side = compare_maybe(a->slot, b->slot);
    return side != 0 ? side : by_creation(a, b);
}

static int by_title(const struct plain_task *a, const struct plain_task *b)
{
    int side = word_compare(a->title, b->title);
    return side != 0 ? side : by_creation(a, b);
}

static int by_due(const struct plain_task *a, const struct plain_task *b)
{
    int side = compare_ints(a->due, b->due);
    return side != 0 ? side : by_title(a, b);
}

static struct tasks none_of(const struct ask *ask)
{
    return (struct tasks){.all = ask->plain->tasks};
}

static const struct plain_task *task_at(const struct tasks *tasks, size_t at)
{
    return &tasks->all[tasks->places[at]];
}

static void add_sorted(struct tasks *tasks, const struct plain_task *task, compare_tasks *compare,
                       bool is_down)
{
    size_t at = tasks->count++;
    for (; at > 0; at--) {
        int side = compare(task, task_at(tasks, at - 1));
        if (is_down ? side < 0 : side > 0)
            break;
        tasks->places[at] = tasks->places[at - 1];
    }
    tasks->places[at] = (size_t)(task - tasks->all);
}

static void tasks_of_owner(struct ask *ask, int64_t owner, compare_tasks *compare, bool is_down,
                           struct tasks *out)
{
    for (size_t i = 0; i < ask->plain->task_count; i++)
        if (ask->plain->tasks[i].owner == owner)
            add_sorted(out, &ask->plain->tasks[i], compare, is_down);
}

static void put_task(struct ask *ask, const struct plain_task *task)
{
    put_member(ask, "{\"id\":", task->id);
    put_member(ask, ",\"owner\":", task->owner);
    put_member(ask, ",\"state\":", task->state);
    if (task->rank.is_set)
        put_member(ask, ",\"rank\":", task->rank.value);
    if (task->slot.is_set)
        put_member(ask, ",\"slot\":", task->slot.value);
    put(ask, ",\"title\":");
    put_word(ask, task->title);
    if (task->due != 0)
        put_member(ask, ",\"due\":", task->due);
    put(ask, task->is_urgent ? ",\"urgent\":true}" : ",\"urgent\":false}");
}

/* ---- tasks ---- */

static void put_tasks(struct ask *ask, const struct tasks *tasks)
{
    size_t count = read_until_limit(ask, tasks->count);
    put(ask, "[");
    for (size_t i = 0; i < count; i++) {
        put_comma(ask);
        read_task(ask, task_at(tasks, i));
        put_task(ask, task_at(tasks, i));
    }
    put(ask, "]");
}

static void answer_my_tasks(struct ask *ask)
{
    struct tasks tasks = none_of(ask);
    int64_t owner = read_caller(ask);
    if (owner == 0) {
        answer_fail(ask, AUTH, "Sign in first.");
        return;
    }
    tasks_of_owner(ask, owner, by_creation, ask->question->is_down, &tasks);
    size_t count = read_until_limit(ask, tasks.count);
    put(ask, "[");
    for (size_t i = 0; i < count; i++) {
        put_comma(ask);
        read_task(ask, task_at(&tasks, i)); /* the entry holds the row */
        put_int(ask, task_at(&tasks, i)->id);
    }
    put(ask, "]");
}

static void answer_tasks_of(struct ask *ask)
{
    struct tasks tasks = none_of(ask);
    tasks_of_owner(ask, ask->question->id, by_creation, ask->question->is_down, &tasks);
    put_tasks(ask, &tasks);
}

/* An absent rank is before all numbers: a lower limit leaves it out, an upper one does not. */
static bool is_within(const struct question *question, struct maybe_int rank)
{
    if (question->from.is_set) {
        int side = compare_maybe(rank, question->from);
        if (side < 0 || (side == 0 && question->from_is_open))
            return false;
    }
    if (!question->to.is_set)
        return true;
    int side = compare_maybe(rank, question->to);
    return side < 0 || (side == 0 && !question->to_is_open);
}

static void answer_ranks(struct ask *ask)
{
    const struct question *question = ask->question;
    struct tasks tasks = none_of(ask);
    for (size_t i = 0; i < ask->plain->task_count; i++) {
        const struct plain_task *task = &ask->plain->tasks[i];
        if (task->owner == question->id && is_within(question, task->rank))
            add_sorted(&tasks, task, by_rank, question->is_down);
    }
    size_t count = read_until_limit(ask, tasks.count);
    put(ask, "[");
    for (size_t i = 0; i < count; i++) {
        put_comma(ask);
        mix_maybe(ask, task_at(&tasks, i)->rank);
        mix(ask, task_at(&tasks, i)->id);
        put_int(ask, task_at(&tasks, i)->id);
    }
    put(ask, "]");
}

/* The earliest of that state that is due after now; NULL when there is none. */
static const struct plain_task *next_due(struct ask *ask)
{
    const struct plain_task *first = NULL;
    for (size_t i = 0; i < ask->plain->task_count; i++) {
        const struct plain_task *task = &ask->plain->tasks[i];
        if (task->state == (enum task_state)ask->question->id &&
            task->due * 1000 > ask->asking->now.us && (first == NULL || by_due(task, first) < 0))
            first = task;
    }
    return first;
}

static void answer_due(struct ask *ask)
{
    struct tasks tasks = none_of(ask);
    for (size_t i = 0; i < ask->plain->task_count; i++) {
        const struct plain_task *task = &ask->plain->tasks[i];
        if (task->state == (enum task_state)ask->question->id &&
            task->due * 1000 <= ask->asking->now.us)
            add_sorted(&tasks, task, by_due, false);
    }
    put_tasks(ask, &tasks);
    const struct plain_task *next = next_due(ask);
    if (next == NULL) {
        mix(ask, READ_END);
        return;
    }
    read_task(ask, next);
    ask->out->valid_until = (instant){next->due * 1000};
}

static bool is_title_within(const struct question *question, int title)
{
    if (question->text >= 0) {
        int side = word_compare(title, question->text);
        if (side < 0 || (side == 0 && question->from_is_open))
            return false;
    }
    if (question->more < 0)
        return true;
    int side = word_compare(title, question->more);
    return side < 0 || (side == 0 && !question->to_is_open);
}

static void urgent_tasks(struct ask *ask, bool has_limits, struct tasks *out)
{
    for (size_t i = 0; i < ask->plain->task_count; i++) {
        const struct plain_task *task = &ask->plain->tasks[i];
        if (task->is_urgent == (ask->question->id != 0) &&
            (!has_limits || is_title_within(ask->question, task->title)))
            add_sorted(out, task, by_title, ask->question->is_down);
    }
}

static void answer_titles(struct ask *ask)
{
    struct tasks tasks = none_of(ask);
    urgent_tasks(ask, true, &tasks);
    put_tasks(ask, &tasks);
}

/* Whose entries are read: not in any order that matters to what was read. */
static void answer_count(struct ask *ask)
{
    struct tasks tasks = none_of(ask);
    for (size_t i = 0; i < ask->plain->task_count; i++)
        if (ask->plain->tasks[i].state == (enum task_state)ask->question->id)
            add_sorted(&tasks, &ask->plain->tasks[i], by_due, false);
    for (size_t i = 0; i < tasks.count; i++) {
        mix(ask, task_at(&tasks, i)->id);
        mix(ask, task_at(&tasks, i)->due);
        mix(ask, task_at(&tasks, i)->title);
    }
    put_int(ask, (int64_t)tasks.count);
}

static void answer_free_slot(struct ask *ask)
{
    struct tasks tasks = none_of(ask);
    int64_t free = 0;
    tasks_of_owner(ask, ask->question->id, by_slot, false, &tasks);
    for (size_t i = 0; i < tasks.count; i++) {
        const struct plain_task *task = task_at(&tasks, i);
        if (!task->slot.is_set)
            continue;
        read_task(ask, task);
        if (task->slot.value != free)
            break;
        free++;
        if (i + 1 == tasks.count)
            mix(ask, READ_END);
    }
    put_int(ask, free);
}

static void answer_must_have(struct ask *ask)
{
    struct tasks tasks = none_of(ask);
    char message[32];
    if (ask->question->id == 0 || read_person(ask, ask->question->id) == NULL) {
        answer_fail(ask, NOT_FOUND, "This does not exist, or is not yours to see.");
        return;
    }
    tasks_of_owner(ask, ask->question->id, by_creation, false, &tasks);
    for (size_t i = 0; i < tasks.count; i++)
        read_task(ask, task_at(&tasks, i));
    if ((int64_t)tasks.count < ask->question->limit) {
        snprintf(message, sizeof(message), "only %zu", tasks.count);
        answer_fail(ask, STATE, message);
        return;
    }
    put_int(ask, (int64_t)tasks.count);
}

static void put_joined(struct ask *ask, const struct plain_task *task)
{
    put_member(ask, "{\"id\":", task->id);
    put_member(ask, ",\"notes\":", count_notes(ask, task->id, NOTES_COUNTED));
    read_task(ask, task);
    const struct plain_person *owner = read_person(ask, task->owner);
    if (owner != NULL) {
        put(ask, ",\"owner\":");
        put_word(ask, owner->name);
    }
    const struct plain_person *boss =
        owner == NULL || owner->boss == 0 ? NULL : read_person(ask, owner->boss);
    if (boss != NULL) {
        put(ask, ",\"boss\":");
        put_word(ask, boss->name);
    }
    put(ask, "}");
}

static void answer_join(struct ask *ask)
{
    struct tasks tasks = none_of(ask);
    urgent_tasks(ask, false, &tasks);
    size_t count = read_until_limit(ask, tasks.count);
    put(ask, "[");
    for (size_t i = 0; i < count; i++) {
        put_comma(ask);
        put_joined(ask, task_at(&tasks, i));
    }
    put(ask, "]");
}

/* ---- words ---- */

/* Those of words[], written down by hand. */
static const char *const words_of[WORD_COUNT][2] = {
    [1] = {"a"},      [2] = {"a"},
    [3] = {"a", "b"}, [4] = {"a"},
    [5] = {"ab"},     [6] = {"abc"},
    [7] = {"b"},      [8] = {"b"},
    [9] = {"anna"},   [10] = {"bob"},
    [11] = {"carl"},  [12] = {"dora"},
    [13] = {"emil"},  [14] = {"\xc3\xa9mile"},
    [17] = {"fay"},   [18] = {"gus"},
};

static bool has_word(int title, const char *word, bool is_begun)
{
    for (size_t i = 0; i < 2 && words_of[title][i] != NULL; i++)
        if (strncmp(words_of[title][i], word, strlen(word) + (is_begun ? 0 : 1)) == 0)
            return true;
    return false;
}

/* All that is asked for, the last word perhaps only begun. */
static bool has_words(int title, int text, int more)
{
    const char *asked[4];
    size_t count = 0;
    for (size_t i = 0; i < 2 && words_of[text][i] != NULL; i++)
        asked[count++] = words_of[text][i];
    for (size_t i = 0; more >= 0 && i < 2 && words_of[more][i] != NULL; i++)
        asked[count++] = words_of[more][i];
    for (size_t i = 0; i < count; i++)
        if (!has_word(title, asked[i], i + 1 == count))
            return false;
    return true;
}

static void answer_search(struct ask *ask)
{
    const struct question *question = ask->question;
    int64_t state = question->from.is_set ? question->from.value : 0;
    struct tasks tasks = none_of(ask);
    for (size_t i = 0; i < ask->plain->task_count; i++) {
        const struct plain_task *task = &ask->plain->tasks[i];
        bool is_of_state = state <= 0 || state > TASK_DONE || (int64_t)task->state == state;
        if (task->owner == question->id && is_of_state &&
            (task->is_urgent || !question->from_is_open) &&
            has_words(task->title, question->text, question->more))
            add_sorted(&tasks, task, by_creation, true);
    }
    put_tasks(ask, &tasks);
}

/* ---- pages ---- */

bool mark_is_of(const struct mark *mark, const struct mark *other)
{
    return mark->is_mine == other->is_mine && mark->is_down == other->is_down &&
           mark->owner == other->owner;
}

bool mark_is_same(const struct mark *a, const struct mark *b)
{
    if (!mark_is_of(a, b) || a->is_end != b->is_end)
        return false;
    return a->is_end ||
           (a->id == b->id && a->created == b->created && compare_maybe(a->rank, b->rank) == 0);
}

/* Whether the task comes behind the mark, read in its direction. */
static bool is_behind(const struct plain_task *task, const struct mark *mark)
{
    struct plain_task at = {.id = mark->id, .created = mark->created, .rank = mark->rank};
    int side = mark->is_end ? -1 : by_rank(task, &at);
    return mark->is_down && !mark->is_end ? side < 0 : side > 0;
}

static struct mark mark_of(const struct mark *list, const struct plain_task *task)
{
    struct mark mark = *list;
    mark.rank = task->rank;
    mark.created = task->created;
    mark.id = task->id;
    return mark;
}

static void put_page(struct ask *ask, const struct tasks *tasks, bool is_done)
{
    bool is_first = true;
    put(ask, "{\"page\":[");
    for (size_t i = 0; i < tasks->count; i++) {
        read_task(ask, task_at(tasks, i));
        if (task_at(tasks, i)->state == TASK_DONE)
            continue;
        if (!is_first)
            put(ask, ",");
        is_first = false;
        put_task(ask, task_at(tasks, i));
    }
    put(ask, is_done ? "],\"isDone\":true" : "],\"isDone\":false");
}

/* Behind the cursor, and up to the mark that pins the end. */
static bool is_on_page(const struct plain_task *task, const struct mark *cursor,
                       const struct mark *end)
{
    if (cursor != NULL && !is_behind(task, cursor))
        return false;
    return end == NULL || end->is_end || !is_behind(task, end);
}

/* Without a pinned end it is so many rows. */
static void read_page(struct ask *ask, const struct mark *list, const struct mark *end)
{
    const struct mark *cursor = ask->asking->cursor;
    size_t max = end != NULL ? PLAIN_TASKS_MAX : (size_t)ask->question->limit;
    struct tasks all = none_of(ask), tasks = none_of(ask);
    tasks_of_owner(ask, list->owner, by_rank, list->is_down, &all);
    for (size_t i = 0; i < all.count && tasks.count < max; i++)
        if (is_on_page(task_at(&all, i), cursor, end))
            tasks.places[tasks.count++] = all.places[i];
    bool starts_at_end = cursor != NULL && cursor->is_end;
    bool is_done = starts_at_end || (end != NULL ? end->is_end : tasks.count < max);
    if (is_done && !starts_at_end)
        mix(ask, READ_END);
    ask->out->mark = *list;
    if (is_done)
        ask->out->mark.is_end = true;
    else
        ask->out->mark = end != NULL ? *end : mark_of(list, task_at(&tasks, tasks.count - 1));
    ask->out->has_split = tasks.count >= 2 && tasks.count > (size_t)ask->question->limit;
    if (ask->out->has_split)
        ask->out->split = mark_of(list, task_at(&tasks, (tasks.count - 1) / 2));
    put_page(ask, &tasks, is_done);
}

static void answer_page(struct ask *ask, int64_t owner)
{
    const struct asking *asking = ask->asking;
    struct mark list = {.is_mine = ask->question->kind == ASK_MY_PAGE,
                        .is_down = ask->question->is_down,
                        .owner = owner};
    ask->out->is_page = true;
    if (asking->cursor != NULL && !mark_is_of(asking->cursor, &list)) {
        answer_fail(ask, APPLICATION, "InvalidCursor");
        return;
    }
    if (asking->end != NULL && !mark_is_of(asking->end, &list)) {
        answer_fail(ask, APPLICATION, "InvalidCursor");
        return;
    }
    const struct mark *end = asking->end;
    if (end == NULL && asking->pin != NULL && mark_is_of(asking->pin, &list))
        end = asking->pin;
    read_page(ask, &list, end);
}

static void answer_my_page(struct ask *ask)
{
    int64_t owner = read_caller(ask);
    if (owner == 0)
        answer_fail(ask, AUTH, "Sign in first.");
    else
        answer_page(ask, owner);
}

/* ---- all of them ---- */

void answer_about_tasks(struct ask *ask)
{
    switch (ask->question->kind) {
    case ASK_MY_TASKS:
        answer_my_tasks(ask);
        return;
    case ASK_MY_PAGE:
        answer_my_page(ask);
        return;
    case ASK_TASKS_OF:
        answer_tasks_of(ask);
        return;
    case ASK_RANKS:
        answer_ranks(ask);
        return;
    case ASK_DUE:
        answer_due(ask);
        return;
    case ASK_TITLES:
        answer_titles(ask);
        return;
    case ASK_COUNT:
        answer_count(ask);
        return;
    case ASK_FREE_SLOT:
        answer_free_slot(ask);
        return;
    case ASK_MUST_HAVE:
        answer_must_have(ask);
        return;
    case ASK_JOIN:
        answer_join(ask);
        return;
    case ASK_SEARCH:
        answer_search(ask);
        return;
    default:
        answer_page(ask, ask->question->id);
    }
}

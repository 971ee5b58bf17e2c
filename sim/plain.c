/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <string.h>

int word_compare(int a, int b)
{
    if (a < 0 || b < 0)
        return (a >= 0) - (b >= 0);
    str left = words[a].text, right = words[b].text;
    size_t len = MIN_OF(left.len, right.len);
    int side = len == 0 ? 0 : memcmp(left.at, right.at, len);
    return side != 0 ? side : (left.len > right.len) - (left.len < right.len);
}

const struct plain_person *plain_person(const struct plain *plain, int64_t id)
{
    for (size_t i = 0; i < plain->person_count; i++)
        if (plain->people[i].id == id)
            return &plain->people[i];
    return NULL;
}

const struct plain_person *plain_person_named(const struct plain *plain, int name)
{
    for (size_t i = 0; i < plain->person_count; i++)
        if (plain->people[i].name == name)
            return &plain->people[i];
    return NULL;
}

const struct plain_task *plain_task(const struct plain *plain, int64_t id)
{
    for (size_t i = 0; i < plain->task_count; i++)
        if (plain->tasks[i].id == id)
            return &plain->tasks[i];
    return NULL;
}

static struct plain_note *find_note(struct plain *plain, int64_t id)
{
    for (size_t i = 0; i < plain->note_count; i++)
        if (plain->notes[i].id == id)
            return &plain->notes[i];
    return NULL;
}

/* ---- one run over the errands ---- */

struct walk {
    struct plain *plain;
    struct plain_run *run;
    size_t at;        /* errand */
    size_t number_at; /* of the reply's numbers */
    bool is_trial;    /* only whether it fails: new rows get ids of ours */
};

/* The next number that the real one said. */
static bool next_number(struct walk *walk, int64_t *out)
{
    *out = 0;
    if (walk->number_at >= walk->run->number_count) {
        walk->run->is_wrong |= !walk->is_trial;
        return false;
    }
    *out = walk->run->numbers[walk->number_at++];
    return true;
}

static void expect(struct walk *walk, int64_t number)
{
    int64_t said;
    if (walk->is_trial)
        return;
    if (next_number(walk, &said) && said != number)
        walk->run->is_wrong = true;
}

static void fail(struct walk *walk, enum error_code error)
{
    walk->run->error = error;
}

static bool has_failed(const struct walk *walk)
{
    return walk->run->error != ERROR_NONE;
}

static void new_row(struct walk *walk, int64_t *id, int64_t *created)
{
    struct plain *plain = walk->plain;
    *id = plain->last_id + 1;
    *created = plain->last_tick + 1;
    if (!walk->is_trial) {
        int64_t said_id, said_tick;
        next_number(walk, &said_id);
        next_number(walk, &said_tick);
        walk->run->is_wrong |= said_id < *id || said_tick < *created;
        *id = said_id;
        *created = said_tick;
    }
    plain->last_id = *id;
    plain->last_tick = *created;
}

/* ---- uniqueness ---- */

static bool is_same_number(struct maybe_int a, struct maybe_int b)
{
    return a.is_set && b.is_set && a.value == b.value;
}

static void check_person(struct walk *walk, const struct plain_person *person)
{
    for (size_t i = 0; i < walk->plain->person_count; i++) {
        const struct plain_person *other = &walk->plain->people[i];
        if (other->id == person->id)
            continue;
        if (other->name == person->name || (person->nick >= 0 && other->nick == person->nick))
            fail(walk, STATE);
    }
}

static void check_task(struct walk *walk, const struct plain_task *task)
{
    for (size_t i = 0; i < walk->plain->task_count; i++) {
        const struct plain_task *other = &walk->plain->tasks[i];
        if (other->id != task->id && other->owner == task->owner &&
            is_same_number(other->slot, task->slot))
            fail(walk, STATE);
    }
}

/* ---- errands ---- */

static struct maybe_int number_of(const struct errand *errand)
{
    return (struct maybe_int){errand->has_number ? errand->number : 0, errand->has_number};
}

static struct maybe_int slot_of(const struct errand *errand)
{
    return (struct maybe_int){errand->slot < 0 ? 0 : errand->slot, errand->slot >= 0};
}

static void add_person(struct walk *walk, const struct errand *errand)
{
    struct plain *plain = walk->plain;
    struct plain_person person = {
        .age = errand->number, .boss = errand->ref, .name = errand->text, .nick = errand->more};
    new_row(walk, &person.id, &person.created);
    check_person(walk, &person);
    assert(plain->person_count < PLAIN_PEOPLE_MAX);
    plain->people[plain->person_count++] = person;
}

static void add_task(struct walk *walk, const struct errand *errand)
{
    struct plain *plain = walk->plain;
    struct plain_task task = {.owner = errand->ref,
                              .due = errand->due,
                              .rank = number_of(errand),
                              .slot = slot_of(errand),
                              .state = (enum task_state)errand->which,
                              .title = errand->text,
                              .is_urgent = errand->flag};
    new_row(walk, &task.id, &task.created);
    check_task(walk, &task);
    assert(plain->task_count < PLAIN_TASKS_MAX);
    plain->tasks[plain->task_count++] = task;
}

static void add_note(struct walk *walk, const struct errand *errand)
{
    struct plain *plain = walk->plain;
    struct plain_note note = {.task = errand->ref, .weight = errand->number, .body = errand->text};
    new_row(walk, &note.id, &note.created);
    assert(plain->note_count < PLAIN_NOTES_MAX);
    plain->notes[plain->note_count++] = note;
}

static void set_person(struct walk *walk, const struct errand *errand)
{
    struct plain_person *person =
        (struct plain_person *)(uintptr_t)plain_person(walk->plain, errand->id);
    if (errand->which == 0)
        person->name = errand->text;
    else if (errand->which == 1)
        person->nick = errand->more;
    else if (errand->which == 2)
        person->age = errand->number;
    else
        person->boss = errand->ref;
    check_person(walk, person);
}

static void set_task(struct walk *walk, const struct errand *errand)
{
    struct plain_task *task = (struct plain_task *)(uintptr_t)plain_task(walk->plain, errand->id);
    if (errand->which == 0)
        task->owner = errand->ref;
    else if (errand->which == 1)
        task->state = (enum task_state)(1 + (errand->number + 1) % 3);
    else if (errand->which == 2)
        task->rank = number_of(errand);
    else if (errand->which == 3)
        task->slot = slot_of(errand);
    else if (errand->which == 4)
        task->title = errand->text;
    else if (errand->which == 5)
        task->due = errand->due;
    else
        task->is_urgent = errand->flag;
    check_task(walk, task);
}

static void set_note(struct walk *walk, const struct errand *errand)
{
    struct plain_note *note = find_note(walk->plain, errand->id);
    if (errand->which == 0)
        note->task = errand->ref;
    else if (errand->which == 1)
        note->weight = errand->number;
    else
        note->body = errand->text;
}

static bool is_there(struct plain *plain, enum table table, int64_t id)
{
    if (table == TABLE_PEOPLE)
        return plain_person(plain, id) != NULL;
    return table == TABLE_TASKS ? plain_task(plain, id) != NULL : find_note(plain, id) != NULL;
}

static void set(struct walk *walk, const struct errand *errand)
{
    if (errand->table == TABLE_PEOPLE)
        set_person(walk, errand);
    else if (errand->table == TABLE_TASKS)
        set_task(walk, errand);
    else
        set_note(walk, errand);
}

static void rewrite(struct walk *walk, const struct errand *errand)
{
    if (!is_there(walk->plain, errand->table, errand->id)) {
        fail(walk, NOT_FOUND);
        return;
    }
    if (errand->kind == ERRAND_SET) {
        set(walk, errand);
    } else if (errand->kind == ERRAND_THERE) {
        struct plain before = *walk->plain; /* and back; only the way there may fail */
        set(walk, errand);
        *walk->plain = before;
    }
}

static void remove_task(struct plain *plain, int64_t id)
{
    for (size_t i = 0; i < plain->task_count; i++)
        if (plain->tasks[i].id == id)
            plain->tasks[i] = plain->tasks[--plain->task_count];
}

static void remove_row(struct walk *walk, const struct errand *errand)
{
    struct plain *plain = walk->plain;
    expect(walk, is_there(plain, errand->table, errand->id));
    if (errand->table == TABLE_TASKS)
        remove_task(plain, errand->id);
    for (size_t i = 0; errand->table == TABLE_PEOPLE && i < plain->person_count; i++)
        if (plain->people[i].id == errand->id)
            plain->people[i] = plain->people[--plain->person_count];
    for (size_t i = 0; errand->table == TABLE_NOTES && i < plain->note_count; i++)
        if (plain->notes[i].id == errand->id)
            plain->notes[i] = plain->notes[--plain->note_count];
}

/* Whether a comes before b among tasks of one owner, by rank or by creation alone. */
static bool is_before(const struct plain_task *a, const struct plain_task *b, bool by_rank)
{
    if (by_rank && a->rank.is_set != b->rank.is_set)
        return b->rank.is_set;
    if (by_rank && a->rank.value != b->rank.value)
        return a->rank.value < b->rank.value;
    return a->created < b->created;
}

/* The ids of an owner's first, or last, tasks. */
static size_t ids_of(const struct plain *plain, int64_t owner, bool by_rank, bool is_down,
                     int64_t max, int64_t *ids)
{
    const struct plain_task *sorted[PLAIN_TASKS_MAX] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < plain->task_count; i++) {
        const struct plain_task *task = &plain->tasks[i];
        if (task->owner != owner)
            continue;
        size_t at = count++;
        for (; at > 0 && is_before(task, sorted[at - 1], by_rank) != is_down; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = task;
    }
    count = MIN_OF(count, (size_t)max);
    for (size_t i = 0; i < count; i++)
        ids[i] = sorted[i]->id;
    return count;
}

static void bump(struct walk *walk, const struct errand *errand)
{
    int64_t ids[PLAIN_TASKS_MAX];
    size_t count = ids_of(walk->plain, errand->ref, true, errand->flag, errand->number, ids);
    for (size_t i = 0; i < count; i++) {
        struct plain_task *task = (struct plain_task *)(uintptr_t)plain_task(walk->plain, ids[i]);
        task->rank = (struct maybe_int){task->rank.value + errand->slot, true};
    }
    expect(walk, (int64_t)count);
}

static void clear(struct walk *walk, const struct errand *errand)
{
    int64_t ids[PLAIN_TASKS_MAX];
    size_t count = ids_of(walk->plain, errand->ref, false, true, errand->number, ids);
    for (size_t i = 0; i < count; i++)
        remove_task(walk->plain, ids[i]);
    expect(walk, (int64_t)count);
}

static void hand_over(struct walk *walk, const struct errand *errand)
{
    const struct plain_person *from = plain_person_named(walk->plain, errand->text);
    const struct plain_person *to = plain_person_named(walk->plain, errand->more);
    if (from == NULL || to == NULL) {
        fail(walk, NOT_FOUND);
        return;
    }
    int64_t id = 0;
    if (ids_of(walk->plain, from->id, false, false, 1, &id) == 1) {
        struct plain_task *task = (struct plain_task *)(uintptr_t)plain_task(walk->plain, id);
        task->owner = to->id;
        check_task(walk, task);
    }
    expect(walk, id);
}

static int64_t count_state(const struct plain *plain, int64_t state)
{
    int64_t count = 0;
    for (size_t i = 0; i < plain->task_count; i++)
        count += plain->tasks[i].state == (enum task_state)state;
    return count;
}

/* ---- all of them ---- */

static void walk_until(struct walk *walk, size_t end);

/* Whether the nested errands fail, tried on a copy. */
static bool would_fail(const struct walk *walk, size_t end)
{
    struct plain copy = *walk->plain;
    struct plain_run run = *walk->run;
    struct walk trial = {.plain = &copy, .run = &run, .at = walk->at, .is_trial = true};
    walk_until(&trial, end);
    return has_failed(&trial);
}

static void try_some(struct walk *walk, const struct errand *errand)
{
    size_t end = MIN_OF(walk->at + (size_t)errand->number, walk->run->count);
    bool works = !would_fail(walk, end);
    if (!walk->is_trial) {
        int64_t said;
        next_number(walk, &said);
        bool fails_by_fault = works && said == 0 && walk->run->may_fail_inside;
        if (fails_by_fault)
            works = false;
        walk->run->is_wrong |= said != works;
    }
    if (works)
        walk_until(walk, end);
    walk->at = end;
}

static void add(struct walk *walk, const struct errand *errand)
{
    if (errand->table == TABLE_PEOPLE)
        add_person(walk, errand);
    else if (errand->table == TABLE_TASKS)
        add_task(walk, errand);
    else
        add_note(walk, errand);
}

static void carry_out_one(struct walk *walk, const struct errand *errand)
{
    switch (errand->kind) {
    case ERRAND_ADD:
        add(walk, errand);
        return;
    case ERRAND_REMOVE:
        remove_row(walk, errand);
        return;
    case ERRAND_BUMP:
        bump(walk, errand);
        return;
    case ERRAND_CLEAR:
        clear(walk, errand);
        return;
    case ERRAND_HAND_OVER:
        hand_over(walk, errand);
        return;
    case ERRAND_COUNT:
        expect(walk, count_state(walk->plain, errand->which));
        return;
    case ERRAND_REQUIRE:
        if (count_state(walk->plain, errand->which) > errand->number)
            fail(walk, STATE);
        return;
    case ERRAND_FAIL:
        fail(walk, NOT_FOUND);
        return;
    case ERRAND_TRY:
        try_some(walk, errand);
        return;
    default:
        rewrite(walk, errand);
    }
}

static void walk_until(struct walk *walk, size_t end)
{
    while (walk->at < end && !has_failed(walk)) {
        const struct errand *errand = &walk->run->errands[walk->at++];
        carry_out_one(walk, errand);
    }
}

void plain_carry_out(struct plain *plain, struct plain_run *run)
{
    struct plain before = *plain;
    struct walk walk = {.plain = plain, .run = run, .is_trial = run->numbers == NULL};
    run->error = ERROR_NONE;
    run->is_wrong = false;
    walk_until(&walk, run->count);
    if (walk.is_trial || has_failed(&walk))
        *plain = before;
    else
        run->is_wrong |= walk.number_at != run->number_count;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the plain village. Each reads in the order the real query does, so that the imprint
 * covers what an exact read set would, and not more: entries up to the limit, rows that were asked
 * for, and that there is no more where the end was reached.
 */
#include "plain_ask.h"

#include <stdio.h>
#include <string.h>

#define CHAIN_MAX 4

/* ---- imprints ---- */

void mix(struct ask *ask, int64_t value)
{
    uint64_t h = ask->out->imprint ^ (uint64_t)value;
    h *= 0x9e3779b97f4a7c15;
    ask->out->imprint = h ^ h >> 29;
}

void mix_maybe(struct ask *ask, struct maybe_int value)
{
    mix(ask, value.is_set ? value.value : -777);
}

const struct plain_person *read_person(struct ask *ask, int64_t id)
{
    const struct plain_person *person = plain_person(ask->plain, id);
    mix(ask, id);
    if (person == NULL) {
        mix(ask, READ_ABSENT);
        return NULL;
    }
    mix(ask, READ_ROW);
    mix(ask, person->name);
    mix(ask, person->nick);
    mix(ask, person->age);
    mix(ask, person->boss);
    return person;
}

void read_task(struct ask *ask, const struct plain_task *task)
{
    mix(ask, READ_ROW);
    mix(ask, task->id);
    mix(ask, task->owner);
    mix(ask, task->state);
    mix_maybe(ask, task->rank);
    mix_maybe(ask, task->slot);
    mix(ask, task->title);
    mix(ask, task->due);
    mix(ask, task->is_urgent);
}

/* A unique entry, or that there is none. */
int64_t read_name(struct ask *ask, int name)
{
    const struct plain_person *person = plain_person_named(ask->plain, name);
    mix(ask, person == NULL ? READ_ABSENT : person->id);
    return person == NULL ? 0 : person->id;
}

/* ---- writing JSON ---- */

void put(struct ask *ask, const char *text)
{
    buffer_add(&ask->out->text, text, strlen(text));
}

void put_int(struct ask *ask, int64_t value)
{
    char room[24];
    size_t at = sizeof(room);
    uint64_t left = (uint64_t)(value < 0 ? -value : value);
    do
        room[--at] = (char)('0' + left % 10);
    while ((left /= 10) != 0);
    if (value < 0)
        room[--at] = '-';
    buffer_add(&ask->out->text, room + at, sizeof(room) - at);
}

void put_word(struct ask *ask, int word)
{
    if (words[word].json != NULL) {
        put(ask, words[word].json);
        return;
    }
    put(ask, "\"");
    buffer_str(&ask->out->text, words[word].text);
    put(ask, "\"");
}

void put_member(struct ask *ask, const char *name, int64_t value)
{
    put(ask, name);
    put_int(ask, value);
}

static void put_person(struct ask *ask, const struct plain_person *person)
{
    put_member(ask, "{\"id\":", person->id);
    put(ask, ",\"name\":");
    put_word(ask, person->name);
    if (person->nick >= 0) {
        put(ask, ",\"nick\":");
        put_word(ask, person->nick);
    }
    put_member(ask, ",\"age\":", person->age);
    put_member(ask, ",\"boss\":", person->boss);
    put(ask, "}");
}

void answer_fail(struct ask *ask, enum error_code error, const char *message)
{
    ask->out->error = error;
    snprintf(ask->out->message, sizeof(ask->out->message), "%s", message);
}

void put_comma(struct ask *ask)
{
    if (ask->out->text.len > 1)
        put(ask, ",");
}

int compare_ints(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

size_t read_until_limit(struct ask *ask, size_t count)
{
    size_t limit = (size_t)ask->question->limit;
    if (count < limit)
        mix(ask, READ_END);
    return MIN_OF(count, limit);
}

int64_t read_caller(struct ask *ask)
{
    return ask->asking->who < 0 ? 0 : read_name(ask, ask->asking->who);
}

/* ---- people ---- */

static void answer_person(struct ask *ask, int64_t id)
{
    const struct plain_person *person = id == 0 ? NULL : read_person(ask, id);
    if (person == NULL)
        put(ask, "null");
    else
        put_person(ask, person);
}

static void answer_id_by_nick(struct ask *ask)
{
    int64_t id = 0;
    for (size_t i = 0; i < ask->plain->person_count; i++)
        if (ask->plain->people[i].nick == ask->question->text)
            id = ask->plain->people[i].id;
    mix(ask, id);
    put_int(ask, id);
}

struct persons {
    const struct plain_person *items[PLAIN_PEOPLE_MAX];
    size_t count;
};

static int compare_people(const struct plain_person *a, const struct plain_person *b, bool by_age)
{
    int side = by_age ? compare_ints(a->age, b->age) : 0;
    return side != 0 ? side : compare_ints(a->created, b->created);
}

static void add_person(struct ask *ask, struct persons *persons, const struct plain_person *person,
                       bool by_age)
{
    size_t at = persons->count++;
    for (; at > 0; at--) {
        int side = compare_people(person, persons->items[at - 1], by_age);
        if (ask->question->is_down ? side < 0 : side > 0)
            break;
        persons->items[at] = persons->items[at - 1];
    }
    persons->items[at] = person;
}

static void answer_top(struct ask *ask)
{
    struct persons persons = {.count = 0};
    for (size_t i = 0; i < ask->plain->person_count; i++)
        add_person(ask, &persons, &ask->plain->people[i], true);
    size_t count = read_until_limit(ask, persons.count);
    put(ask, "[");
    for (size_t i = 0; i < count; i++) {
        put_comma(ask);
        put_person(ask, read_person(ask, persons.items[i]->id));
    }
    put(ask, "]");
}

static void answer_staff(struct ask *ask)
{
    struct persons persons = {.count = 0};
    for (size_t i = 0; i < ask->plain->person_count; i++)
        if (ask->plain->people[i].boss == ask->question->id)
            add_person(ask, &persons, &ask->plain->people[i], false);
    size_t count = read_until_limit(ask, persons.count);
    put(ask, "[");
    for (size_t i = 0; i < count; i++) {
        put_comma(ask);
        mix(ask, persons.items[i]->id);
        put_int(ask, persons.items[i]->id);
    }
    put(ask, "]");
}

static void answer_chain(struct ask *ask)
{
    int64_t id = ask->question->id;
    put(ask, "[");
    for (int i = 0; i < CHAIN_MAX && id != 0; i++) {
        const struct plain_person *person = read_person(ask, id);
        if (person == NULL)
            break;
        put_comma(ask);
        put_int(ask, id);
        id = person->boss;
    }
    put(ask, "]");
}

/* ---- notes, and time ---- */

static bool note_is_before(const struct plain_note *a, const struct plain_note *b, bool by_weight,
                           bool is_down)
{
    int side = by_weight ? compare_ints(a->weight, b->weight) : 0;
    if (side == 0)
        side = compare_ints(a->created, b->created);
    return is_down ? side > 0 : side < 0;
}

static size_t sorted_notes(struct ask *ask, bool by_weight, bool is_down,
                           const struct plain_note **out)
{
    size_t count = 0;
    for (size_t i = 0; i < ask->plain->note_count; i++) {
        const struct plain_note *note = &ask->plain->notes[i];
        size_t at = count++;
        for (; at > 0 && note_is_before(note, out[at - 1], by_weight, is_down); at--)
            out[at] = out[at - 1];
        out[at] = note;
    }
    return read_until_limit(ask, count);
}

/* How many notes there are of a task, up to a limit. */
int64_t count_notes(struct ask *ask, int64_t task, int64_t max)
{
    int64_t count = 0;
    for (size_t i = 0; i < ask->plain->note_count; i++)
        count += ask->plain->notes[i].task == task;
    /* Which of more than the limit are the first is in the order of creation, not of the array. */
    int64_t last = 0;
    for (int64_t k = 0; k < MIN_OF(count, max); k++) {
        int64_t next = INT64_MAX;
        for (size_t i = 0; i < ask->plain->note_count; i++) {
            const struct plain_note *note = &ask->plain->notes[i];
            if (note->task == task && note->created > last && note->created < next)
                next = note->created;
        }
        mix(ask, next);
        last = next;
    }
    if (count < max)
        mix(ask, READ_END);
    return MIN_OF(count, max);
}

static void answer_heaviest(struct ask *ask)
{
    const struct plain_note *notes[PLAIN_NOTES_MAX];
    size_t count = sorted_notes(ask, true, ask->question->is_down, notes);
    put(ask, "[");
    for (size_t i = 0; i < count; i++) {
        put_comma(ask);
        mix(ask, notes[i]->weight);
        mix(ask, notes[i]->id);
        put_int(ask, notes[i]->id);
    }
    put(ask, "]");
}

static void answer_latest(struct ask *ask)
{
    const struct plain_note *notes[PLAIN_NOTES_MAX];
    size_t count = sorted_notes(ask, false, true, notes);
    put(ask, "[");
    for (size_t i = 0; i < count; i++) {
        put_comma(ask);
        mix(ask, notes[i]->id);
        mix(ask, notes[i]->task);
        mix(ask, notes[i]->weight);
        mix(ask, notes[i]->body);
        put_int(ask, (int64_t)words[notes[i]->body].text.len);
    }
    put(ask, "]");
}

static void answer_minute(struct ask *ask)
{
    int64_t minute = ask->asking->now.us / 60000000;
    put_int(ask, minute);
    ask->out->valid_until = (instant){(minute + 1) * 60000000};
}

/* ---- all of them ---- */

static void answer_about_people(struct ask *ask)
{
    switch (ask->question->kind) {
    case ASK_PERSON:
        answer_person(ask, ask->question->id);
        return;
    case ASK_PERSON_BY_NAME:
        answer_person(ask, read_name(ask, ask->question->text));
        return;
    case ASK_ID_BY_NAME:
        put_int(ask, read_name(ask, ask->question->text));
        return;
    case ASK_ID_BY_NICK:
        answer_id_by_nick(ask);
        return;
    case ASK_TOP:
        answer_top(ask);
        return;
    case ASK_STAFF:
        answer_staff(ask);
        return;
    case ASK_CHAIN:
        answer_chain(ask);
        return;
    default:
        answer_person(ask, read_caller(ask));
    }
}

static void answer_others(struct ask *ask)
{
    if (ask->question->kind == ASK_HEAVIEST)
        answer_heaviest(ask);
    else if (ask->question->kind == ASK_NOTES_OF)
        put_int(ask, count_notes(ask, ask->question->id, ask->question->limit));
    else if (ask->question->kind == ASK_LATEST)
        answer_latest(ask);
    else
        answer_minute(ask);
}

void plain_answer(const struct plain *plain, const struct asking *asking, struct answer *out)
{
    struct ask ask = {plain, asking, asking->question, out};
    buffer_clear(&out->text);
    out->error = ERROR_NONE;
    out->message[0] = 0;
    out->is_page = out->has_split = false;
    out->valid_until = (instant){0};
    out->imprint = 1;
    if (asking->question->kind <= ASK_ME)
        answer_about_people(&ask);
    else if (asking->question->kind <= ASK_PAGE)
        answer_about_tasks(&ask);
    else
        answer_others(&ask);
    bool is_refused = out->error == AUTH && asking->question->kind == ASK_MY_TASKS;
    if (asking->question->burden != 0 && !is_refused)
        read_name(&ask, VILLAGE_LIGHT);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Mutations made up by dice, sent to the real writer, and carried out once more on the plain side
 * when they come back. */
#include "oracle.h"

#include <stdio.h>
#include <string.h>

#define PEOPLE_SOME 12
#define TASKS_SOME 70
#define NOTES_SOME 30
#define ADDS_UNDER_WAY_MAX 20
#define NUMBERS_MAX 400
#define NOBODY 1000000000 /* no row of any world ever has so high an id */

/* ---- made up ---- */

static int some_name(struct oracle *oracle)
{
    return (int)roll(&oracle->dice, WORD_LONG);
}

static int64_t some_person(struct oracle *oracle)
{
    const struct plain *plain = &oracle->plain;
    if (plain->person_count == 0 || roll_one_in(&oracle->dice, 25))
        return NOBODY + (int64_t)roll(&oracle->dice, 3);
    size_t some = roll(&oracle->dice, plain->person_count);
    return plain->people[roll(&oracle->dice, some + 1)].id; /* the first more often */
}

static int64_t some_task(struct oracle *oracle)
{
    const struct plain *plain = &oracle->plain;
    if (plain->task_count == 0 || roll_one_in(&oracle->dice, 25))
        return NOBODY + (int64_t)roll(&oracle->dice, 3);
    return plain->tasks[roll(&oracle->dice, plain->task_count)].id;
}

static int64_t some_note(struct oracle *oracle)
{
    const struct plain *plain = &oracle->plain;
    if (plain->note_count == 0 || roll_one_in(&oracle->dice, 25))
        return NOBODY + (int64_t)roll(&oracle->dice, 3);
    return plain->notes[roll(&oracle->dice, plain->note_count)].id;
}

static enum table some_table(struct oracle *oracle)
{
    size_t which = roll(&oracle->dice, 10);
    return which < 2 ? TABLE_PEOPLE : which < 8 ? TABLE_TASKS : TABLE_NOTES;
}

static int64_t some_row(struct oracle *oracle, enum table table)
{
    if (table == TABLE_PEOPLE)
        return some_person(oracle);
    return table == TABLE_TASKS ? some_task(oracle) : some_note(oracle);
}

static int64_t some_due(struct oracle *oracle)
{
    if (roll_one_in(&oracle->dice, 3))
        return 0;
    return oracle->now.us / 1000 + (int64_t)roll(&oracle->dice, 40000) - 10000;
}

/* All members are set to something; each kind takes those it needs. */
static struct errand some_errand(struct oracle *oracle, enum errand_kind kind)
{
    struct dice *dice = &oracle->dice;
    enum table table = some_table(oracle);
    struct errand errand = {
        .kind = kind,
        .table = table,
        .id = some_row(oracle, table),
        .number = (int64_t)roll(dice, 9) - 1,
        .has_number = !roll_one_in(dice, 3),
        .due = some_due(oracle),
        .slot = (int64_t)roll(dice, 8) - 2,
        .text = some_name(oracle),
        .more = roll_one_in(dice, 2) ? some_name(oracle) : -1,
        .flag = roll_one_in(dice, 3),
    };
    if (table == TABLE_NOTES) {
        errand.which = (int64_t)roll(dice, 3);
        errand.ref = roll_one_in(dice, 4) ? 0 : some_task(oracle);
        errand.text = roll_one_in(dice, 6) ? WORD_LONG : errand.text;
    } else if (table == TABLE_TASKS) {
        errand.which = (int64_t)roll(dice, 7);
        errand.ref = some_person(oracle);
    } else {
        errand.which = (int64_t)roll(dice, 4);
        errand.ref = roll_one_in(dice, 3) ? 0 : some_person(oracle);
        errand.number += 30;
    }
    return errand;
}

static bool has_room(const struct oracle *oracle, enum table table)
{
    const struct plain *plain = &oracle->plain;
    if (oracle->adds_under_way >= ADDS_UNDER_WAY_MAX)
        return false;
    if (table == TABLE_PEOPLE)
        return plain->person_count < PEOPLE_SOME;
    return table == TABLE_TASKS ? plain->task_count < TASKS_SOME : plain->note_count < NOTES_SOME;
}

static struct errand make_add(struct oracle *oracle)
{
    struct errand errand = some_errand(oracle, ERRAND_ADD);
    if (!has_room(oracle, errand.table)) {
        errand.kind = ERRAND_REMOVE;
        return errand;
    }
    oracle->adds_under_way++;
    if (errand.table == TABLE_TASKS)
        errand.which = 1 + errand.which % 3;
    return errand;
}

/* About an owner's tasks, or a name's. */
static struct errand make_scan(struct oracle *oracle, enum errand_kind kind)
{
    struct errand errand = some_errand(oracle, kind);
    errand.ref = some_person(oracle);
    errand.number = (int64_t)roll(&oracle->dice, 4);
    errand.slot = 1 + (int64_t)roll(&oracle->dice, 3);
    errand.more = some_name(oracle);
    errand.which = 1 + (int64_t)roll(&oracle->dice, 3);
    if (kind == ERRAND_REQUIRE)
        errand.number = 5 + (int64_t)roll(&oracle->dice, 20);
    if (kind == ERRAND_TRY)
        errand.number = 1 + (int64_t)roll(&oracle->dice, 3);
    return errand;
}

static struct errand make_one(struct oracle *oracle)
{
    static const enum errand_kind scans[] = {ERRAND_BUMP,  ERRAND_CLEAR,   ERRAND_HAND_OVER,
                                             ERRAND_COUNT, ERRAND_REQUIRE, ERRAND_FAIL,
                                             ERRAND_TRY,   ERRAND_TRY,     ERRAND_BUMP};
    size_t which = roll(&oracle->dice, 40);
    if (which < 13)
        return make_add(oracle);
    if (which < 24)
        return some_errand(oracle, ERRAND_SET);
    if (which < 27)
        return some_errand(oracle, ERRAND_REMOVE);
    if (which < 29)
        return some_errand(oracle, ERRAND_TOUCH);
    if (which < 30)
        return some_errand(oracle, oracle->goes_back ? ERRAND_RESTORE : ERRAND_TOUCH);
    if (which < 31)
        return some_errand(oracle, oracle->goes_back ? ERRAND_THERE : ERRAND_TOUCH);
    return make_scan(oracle, scans[which - 31]);
}

static size_t some_count(struct oracle *oracle)
{
    size_t which = roll(&oracle->dice, 20);
    return which < 12 ? 1 : which < 19 ? 1 + roll(&oracle->dice, 4) : ERRANDS_MAX;
}

/* ---- as JSON ---- */

static void add_word(struct buffer *to, int word)
{
    if (words[word].json != NULL)
        buffer_str(to, str_of(words[word].json));
    else
        buffer_format(to, "\"%.*s\"", STR_ARG(words[word].text));
}

static void add_errand(struct buffer *to, const struct errand *errand)
{
    buffer_format(to,
                  "{\"kind\":%d,\"table\":%d,\"id\":%lld,\"ref\":%lld,\"which\":%lld,"
                  "\"number\":%lld,\"due\":%lld,\"slot\":%lld,\"hasNumber\":%s,\"flag\":%s,",
                  errand->kind, errand->table, (long long)errand->id, (long long)errand->ref,
                  (long long)errand->which, (long long)errand->number, (long long)errand->due,
                  (long long)errand->slot, errand->has_number ? "true" : "false",
                  errand->flag ? "true" : "false");
    if (errand->more >= 0) {
        buffer_str(to, STR("\"more\":"));
        add_word(to, errand->more);
        buffer_char(to, ',');
    }
    buffer_str(to, STR("\"text\":"));
    add_word(to, errand->text);
    buffer_char(to, '}');
}

static str args_of(struct arena *arena, const struct sent *sent)
{
    AUTO(buffer_done) struct buffer text = {0};
    buffer_str(&text, STR("{\"errands\":["));
    for (size_t i = 0; i < sent->count; i++) {
        if (i != 0)
            buffer_char(&text, ',');
        add_errand(&text, &sent->errands[i]);
    }
    buffer_str(&text, STR("]}"));
    return str_copy(arena, buffer_text(&text));
}

/* ---- coming back ---- */

static struct remembered *remembered_find(struct oracle *oracle, uint32_t number)
{
    for (size_t i = 0; i < REMEMBERED && number != 0; i++)
        if (oracle->remembered[i].sent.number == number)
            return &oracle->remembered[i];
    return NULL;
}

static bool read_numbers(str text, int64_t *out, size_t *count)
{
    *count = 0;
    if (text.len < 2 || text.at[0] != '[' || text.at[text.len - 1] != ']')
        return false;
    str rest = str_slice(text, 1, text.len - 1), head;
    while (str_split(&rest, ',', &head))
        if (*count == NUMBERS_MAX || !str_to_int(head, &out[(*count)++]))
            return false;
    return true;
}

static size_t count_adds(const struct sent *sent)
{
    size_t adds = 0;
    for (size_t i = 0; i < sent->count; i++)
        adds += sent->errands[i].kind == ERRAND_ADD;
    return adds;
}

static void carry_out(struct oracle *oracle, const struct sent *sent,
                      const struct mutation *mutation)
{
    int64_t numbers[NUMBERS_MAX];
    struct plain_run run = {
        .errands = sent->errands, .count = sent->count, .may_fail_inside = sent->may_fail};
    enum error_code error = mutation->reply.error;
    oracle->counts->refused += error != ERROR_NONE;
    if (error != ERROR_NONE && sent->may_fail)
        return; /* by the fault, or by what it made of a nested change */
    if (error == ERROR_NONE) {
        if (!read_numbers(mutation->reply.value, numbers, &run.number_count)) {
            oracle_fail(oracle, "a reply is no list: %.*s", STR_ARG(mutation->reply.value));
            return;
        }
        run.numbers = numbers;
    }
    plain_carry_out(&oracle->plain, &run);
    if (run.error != error || run.is_wrong)
        oracle_fail(oracle, "a mutation ended with \"%s\" %.*s %.*s; it should have with \"%s\"%s",
                    error_code_name(error), STR_ARG(mutation->reply.value),
                    STR_ARG(mutation->reply.error_text), error_code_name(run.error),
                    run.is_wrong ? ", and other numbers" : "");
}

static void check_repeat(struct oracle *oracle, const struct remembered *remembered,
                         const struct sent *sent, const struct mutation *mutation)
{
    oracle->counts->replays++;
    if (mutation->reply.error == TRANSIENT && sent->may_fail)
        return;
    if (mutation->reply.error != ERROR_NONE ||
        !str_equal(mutation->reply.value, remembered->result))
        oracle_fail(oracle, "sent again it answered %.*s %.*s, not %.*s",
                    STR_ARG(mutation->reply.value), STR_ARG(mutation->reply.error_text),
                    STR_ARG(remembered->result));
}

static void on_back(void *owner, struct mutation *mutation)
{
    struct oracle *oracle = owner;
    struct sent *sent = (struct sent *)(uintptr_t)mutation->tag;
    struct remembered *remembered = remembered_find(oracle, sent->number);
    if (sent->place < oracle->last_back || mutation->number != sent->number)
        oracle_fail(oracle, "mutation %llu came back behind a later one, or as another",
                    (unsigned long long)sent->place);
    oracle->last_back = sent->place;
    for (size_t i = 0; i < oracle->under_way_count; i++)
        if (oracle->under_way[i] == sent)
            oracle->under_way[i] = oracle->under_way[--oracle->under_way_count];
    oracle->adds_under_way -= count_adds(sent);
    if (remembered != NULL && remembered->is_done) {
        check_repeat(oracle, remembered, sent, mutation);
    } else {
        carry_out(oracle, sent, mutation);
        if (remembered != NULL && mutation->reply.error == ERROR_NONE) {
            remembered->is_done = true;
            remembered->result = str_copy(&remembered->arena, mutation->reply.value);
        }
    }
    if (remembered != NULL)
        remembered->under_way--;
    mutation_free(mutation); /* sent was in its arena */
}

/* ---- sending ---- */

static void send(struct oracle *oracle, const struct sent *what)
{
    struct mutation *mutation = mutation_new();
    struct sent *sent = arena_copy(&mutation->arena, what, sizeof(*what));
    sent->place = ++oracle->last_sent;
    mutation->request.path = STR("village:run");
    mutation->request.args = args_of(&mutation->arena, sent);
    mutation->has_session = sent->number != 0;
    mutation->number = sent->number;
    mutation->session[0] = (uint8_t)(sent->number % SESSIONS);
    mutation->from = oracle->follower;
    mutation->done = on_back;
    mutation->owner = oracle;
    mutation->tag = (uintptr_t)sent;
    if (oracle->options.is_loud)
        fprintf(stderr, "    sends %.*s\n", STR_ARG(mutation->request.args));
    assert(oracle->under_way_count < UNDER_WAY_MAX);
    oracle->under_way[oracle->under_way_count++] = sent;
    oracle->counts->mutations++;
    if (!writer_put(oracle->writer, mutation))
        abort(); /* far fewer are under way than there is room for */
}

/* Takes the place of one that is not under way; none may be free. */
static bool remember(struct oracle *oracle, const struct sent *sent)
{
    struct remembered *place = &oracle->remembered[roll(&oracle->dice, REMEMBERED)];
    if (place->under_way != 0)
        return false;
    arena_done(&place->arena);
    *place = (struct remembered){.sent = *sent, .under_way = 1};
    return true;
}

void mutation_send(struct oracle *oracle)
{
    struct sent sent = {.count = some_count(oracle)};
    for (size_t i = 0; i < sent.count; i++)
        sent.errands[i] = make_one(oracle);
    if (roll_one_in(&oracle->dice, 2)) {
        sent.number = ++oracle->last_number;
        if (!remember(oracle, &sent))
            sent.number = 0;
    }
    send(oracle, &sent);
}

void mutation_repeat(struct oracle *oracle)
{
    struct remembered *remembered = &oracle->remembered[roll(&oracle->dice, REMEMBERED)];
    if (remembered->sent.number == 0)
        return;
    remembered->under_way++;
    oracle->adds_under_way += count_adds(&remembered->sent);
    send(oracle, &remembered->sent);
}

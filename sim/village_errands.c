/* SPDX-License-Identifier: Apache-2.0 */
#include "village.h"

#define NUMBERS_MAX 400

/* ---- arguments ---- */

struct errand_args {
    int64_t kind, table, id, ref, which, number, due, slot; /* kind: enum errand_kind */
    str text, more;
    bool has_number, flag;
};
#define ROW struct errand_args
static const struct field errand_fields[] = {
    INT(kind), INT(table), INT(id),    INT(ref),         INT(which),       INT(number),
    INT(due),  INT(slot),  TEXT(text), MAYBE_TEXT(more), BOOL(has_number), BOOL(flag),
};
#undef ROW
static const struct shape errand_shape = {
    .name = "errand", .size = sizeof(struct errand_args), FIELDS(errand_fields)};
static const struct field errand_item = ITEM_RECORD(&errand_shape, struct errand_args);

struct run_args {
    struct list errands;
};
#define ROW struct run_args
static const struct field run_fields[] = {LIST(errands, &errand_item)};
#undef ROW

static const struct field number_item = ITEM_INT();

BACKEND_FUNCTION(run, struct list)

const struct function village_errands[] = {
    MUTATION("village:run", run, .caller = ANYONE, .returns = RETURNS_LIST(&number_item)),
};
const size_t village_errand_count = ARRAY_LEN(village_errands);

/* ---- one run ---- */

struct running {
    const struct errand_args *errands;
    size_t count, at;
    int64_t *numbers;
    size_t number_count;
};

static void say(struct running *running, int64_t number)
{
    assert(running->number_count < NUMBERS_MAX);
    running->numbers[running->number_count++] = number;
}

static struct maybe_int number_of(const struct errand_args *errand)
{
    return (struct maybe_int){errand->has_number ? errand->number : 0, errand->has_number};
}

static struct maybe_int slot_of(const struct errand_args *errand)
{
    return (struct maybe_int){errand->slot < 0 ? 0 : errand->slot, errand->slot >= 0};
}

static struct maybe_instant due_of(const struct errand_args *errand)
{
    return (struct maybe_instant){{errand->due * 1000}, errand->due != 0};
}

/* ---- adding ---- */

static void add_person(struct call *call, struct running *running, const struct errand_args *errand)
{
    struct person person = {
        .name = errand->text, .nick = errand->more, .age = errand->number, .boss = {errand->ref}};
    row_new(call, &person_type, &person);
    row_put(call, &person_type, &person);
    say(running, person.id.n);
    say(running, person.created.n);
}

static void add_task(struct call *call, struct running *running, const struct errand_args *errand)
{
    struct task task = {.owner = {errand->ref},
                        .state = (enum task_state)errand->which,
                        .rank = number_of(errand),
                        .slot = slot_of(errand),
                        .title = errand->text,
                        .due = due_of(errand),
                        .is_urgent = errand->flag};
    row_new(call, &task_type, &task);
    row_put(call, &task_type, &task);
    say(running, task.id.n);
    say(running, task.created.n);
}

static void add_note(struct call *call, struct running *running, const struct errand_args *errand)
{
    struct note note = {
        .task = {errand->ref}, .weight = (double)errand->number / 2, .body = errand->text};
    row_new(call, &note_type, &note);
    row_put(call, &note_type, &note);
    say(running, note.id.n);
    say(running, note.created.n);
}

static void add(struct call *call, struct running *running, const struct errand_args *errand)
{
    if (errand->table == TABLE_PEOPLE)
        add_person(call, running, errand);
    else if (errand->table == TABLE_TASKS)
        add_task(call, running, errand);
    else
        add_note(call, running, errand);
}

/* ---- setting ---- */

static void set_in_person(struct person *person, const struct errand_args *errand)
{
    switch (errand->which) {
    case 0:
        person->name = errand->text;
        return;
    case 1:
        person->nick = errand->more;
        return;
    case 2:
        person->age = errand->number;
        return;
    default:
        person->boss = (doc_id){errand->ref};
    }
}

static void set_in_task(struct task *task, const struct errand_args *errand)
{
    switch (errand->which) {
    case 0:
        task->owner = (doc_id){errand->ref};
        return;
    case 1:
        task->state = (enum task_state)(1 + (errand->number + 1) % 3);
        return;
    case 2:
        task->rank = number_of(errand);
        return;
    case 3:
        task->slot = slot_of(errand);
        return;
    case 4:
        task->title = errand->text;
        return;
    case 5:
        task->due = due_of(errand);
        return;
    default:
        task->is_urgent = errand->flag;
    }
}

static void set_in_note(struct note *note, const struct errand_args *errand)
{
    if (errand->which == 0)
        note->task = (doc_id){errand->ref};
    else if (errand->which == 1)
        note->weight = (double)errand->number / 2;
    else
        note->body = errand->text;
}

static const struct doc_type *type_of(const struct errand_args *errand)
{
    if (errand->table == TABLE_PEOPLE)
        return &person_type;
    return errand->table == TABLE_TASKS ? &task_type : &note_type;
}

union any_row {
    struct person person;
    struct task task;
    struct note note;
};

static void set_in(union any_row *row, const struct errand_args *errand)
{
    if (errand->table == TABLE_PEOPLE)
        set_in_person(&row->person, errand);
    else if (errand->table == TABLE_TASKS)
        set_in_task(&row->task, errand);
    else
        set_in_note(&row->note, errand);
}

/* SET, TOUCH, RESTORE and THERE: what is put for a row that must be there. */
static void rewrite(struct call *call, const struct errand_args *errand)
{
    const struct doc_type *type = type_of(errand);
    union any_row row, other;
    row_get(call, type, (doc_id){errand->id}, &row);
    if (call_failed(call))
        return;
    other = row;
    set_in(&other, errand);
    if (errand->kind == ERRAND_RESTORE)
        row_remove(call, type, (doc_id){errand->id});
    if (errand->kind == ERRAND_SET || errand->kind == ERRAND_THERE)
        row_put(call, type, &other);
    if (errand->kind != ERRAND_SET)
        row_put(call, type, &row);
}

static void remove_row(struct call *call, struct running *running, const struct errand_args *errand)
{
    union any_row row;
    bool is_there = row_find(call, type_of(errand), (doc_id){errand->id}, &row);
    row_remove(call, type_of(errand), (doc_id){errand->id});
    say(running, is_there);
}

/* ---- what reads first ---- */

static void bump(struct call *call, struct running *running, const struct errand_args *errand)
{
    struct scan scan;
    struct task task;
    int64_t count = 0;
    view_scan(call->view, &task_type.indexes[TASK_BY_OWNER_RANK],
              (struct bounds){.prefix = KEY(key_id((doc_id){errand->ref}))},
              errand->flag ? ORDER_DOWN : ORDER_UP, &scan);
    while (count < errand->number && scan_next(&scan, &task)) {
        task.rank = (struct maybe_int){task.rank.value + errand->slot, true};
        row_put(call, &task_type, &task);
        count++;
    }
    scan_end(&scan);
    say(running, count);
}

static void clear(struct call *call, struct running *running, const struct errand_args *errand)
{
    struct scan scan;
    doc_id id;
    int64_t count = 0;
    view_scan(call->view, &task_type.indexes[TASK_BY_OWNER],
              (struct bounds){.prefix = KEY(key_id((doc_id){errand->ref}))}, ORDER_DOWN, &scan);
    while (count < errand->number && scan_next_id(&scan, &id)) {
        row_remove(call, &task_type, id);
        count++;
    }
    scan_end(&scan);
    say(running, count);
}

static void hand_over(struct call *call, struct running *running, const struct errand_args *errand)
{
    const struct index *by_name = &person_type.indexes[PERSON_BY_NAME];
    doc_id from = row_first(call, by_name, KEY(key_text(errand->text)));
    doc_id to = row_first(call, by_name, KEY(key_text(errand->more)));
    REQUIRE(call, doc_id_is_set(from) && doc_id_is_set(to), NOT_FOUND, "There is no such person.");
    doc_id id = row_first(call, &task_type.indexes[TASK_BY_OWNER], KEY(key_id(from)));
    struct task task;
    if (row_find(call, &task_type, id, &task)) {
        task.owner = to;
        row_put(call, &task_type, &task);
    }
    say(running, id.n);
}

static int64_t count_state(struct call *call, int64_t state)
{
    struct scan scan;
    doc_id id;
    int64_t count = 0;
    view_scan(call->view, &task_type.indexes[TASK_BY_STATE_DUE],
              (struct bounds){.prefix = KEY(key_text(str_of(task_state_names[state])))}, ORDER_UP,
              &scan);
    while (scan_next_id(&scan, &id))
        count++;
    scan_end(&scan);
    return count;
}

static void require(struct call *call, const struct errand_args *errand)
{
    int64_t count = count_state(call, errand->which);
    REQUIRE(call, count <= errand->number, STATE, "There are %lld.", (long long)count);
}

/* ---- all of them ---- */

static void run_until(struct call *call, struct running *running, size_t end);

static void run_rest(struct call *call, void *with)
{
    struct running *running = with;
    size_t end =
        MIN_OF(running->at + (size_t)running->errands[running->at - 1].number, running->count);
    run_until(call, running, end);
}

static void try_some(struct call *call, struct running *running, const struct errand_args *errand)
{
    size_t said = running->number_count;
    size_t end = MIN_OF(running->at + (size_t)errand->number, running->count);
    str text;
    say(running, 1);
    if (call_try(call, run_rest, running, &text) != ERROR_NONE) {
        running->number_count = said;
        say(running, 0);
    }
    running->at = end;
}

static void run_errand(struct call *call, struct running *running, const struct errand_args *errand)
{
    switch (errand->kind) {
    case ERRAND_ADD:
        add(call, running, errand);
        return;
    case ERRAND_SET:
    case ERRAND_TOUCH:
    case ERRAND_RESTORE:
    case ERRAND_THERE:
        rewrite(call, errand);
        return;
    case ERRAND_REMOVE:
        remove_row(call, running, errand);
        return;
    case ERRAND_BUMP:
        bump(call, running, errand);
        return;
    case ERRAND_CLEAR:
        clear(call, running, errand);
        return;
    case ERRAND_HAND_OVER:
        hand_over(call, running, errand);
        return;
    case ERRAND_COUNT:
        say(running, count_state(call, errand->which));
        return;
    case ERRAND_REQUIRE:
        require(call, errand);
        return;
    case ERRAND_FAIL:
        call_fail(call, NOT_FOUND, "As asked for.");
        return;
    case ERRAND_TRY:
        try_some(call, running, errand);
        return;
    default:
        return;
    }
}

static void run_until(struct call *call, struct running *running, size_t end)
{
    while (running->at < end && !call_failed(call)) {
        const struct errand_args *errand = &running->errands[running->at++];
        run_errand(call, running, errand);
    }
}

static void run(struct call *call, const struct run_args *args, struct list *result)
{
    struct running running = {.errands = args->errands.items,
                              .count = args->errands.count,
                              .numbers = arena_array(call->arena, int64_t, NUMBERS_MAX)};
    run_until(call, &running, running.count);
    *result = (struct list){running.numbers, running.number_count};
}

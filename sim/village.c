/* SPDX-License-Identifier: Apache-2.0 */
#include "village.h"

#include "call/execute.h"

#define LONG_20 "a note of some length "
#define LONG_200 LONG_20 LONG_20 LONG_20 LONG_20 LONG_20 LONG_20 LONG_20 LONG_20 LONG_20 LONG_20
#define LONG_TEXT LONG_200 LONG_200 LONG_200 LONG_200 LONG_200

const struct word words[WORD_COUNT] = {
    {{"", 0}, NULL},
    {{"a", 1}, NULL},
    {{"a\2", 2}, "\"a\\u0002\""},
    {{"a\1b", 3}, "\"a\\u0001b\""},
    {{"a\1", 2}, "\"a\\u0001\""},
    {{"ab", 2}, NULL},
    {{"abc", 3}, NULL},
    {{"B", 1}, NULL},
    {{"b", 1}, NULL},
    {{"anna", 4}, NULL},
    {{"bob", 3}, NULL},
    {{"carl", 4}, NULL},
    {{"dora", 4}, NULL},
    {{"emil", 4}, NULL},
    {{"\xc3\xa9mile", 6}, NULL},
    {{"\xf0\x9f\x98\x80", 4}, NULL},
    {{"\xef\xbf\xbf", 3}, NULL},
    {{"fay", 3}, NULL},
    {{"gus", 3}, NULL},
    {{LONG_TEXT, sizeof(LONG_TEXT) - 1}, NULL},
};

const char *const task_state_names[4] = {
    [TASK_OPEN] = "open",
    [TASK_BUSY] = "busy",
    [TASK_DONE] = "done",
};

#define ROW struct person
static const struct field person_fields[] = {
    ID(id), CREATED(created), TEXT(name), MAYBE_TEXT(nick), INT(age), MAYBE_REF(boss, &person_type),
};
#undef ROW

const struct doc_type person_type = {
    .name = "people",
    .size = sizeof(struct person),
    .number = 3,
    FIELDS(person_fields),
    INDEXES({.name = "by_name", .fields = {"name"}, .is_unique = true},
            {.name = "by_nick", .fields = {"nick"}, .is_unique = true},
            {.name = "by_age", .fields = {"age"}, .holds_body = true},
            {.name = "by_boss", .fields = {"boss"}}),
};

#define ROW struct task
static const struct field task_fields[] = {
    ID(id),
    CREATED(created),
    REF(owner, &person_type),
    CHOICE(state, task_state_names),
    MAYBE_INT(rank),
    MAYBE_INT(slot),
    TEXT(title),
    MAYBE_TIME(due),
    BOOL(is_urgent, .wire = "urgent"),
};
#undef ROW

const struct doc_type task_type = {
    .name = "tasks",
    .size = sizeof(struct task),
    .number = 4,
    FIELDS(task_fields),
    INDEXES({.name = "by_owner", .fields = {"owner"}, .holds_body = true},
            {.name = "by_owner_rank", .fields = {"owner", "rank"}},
            {.name = "by_state_due", .fields = {"state", "due", "title"}},
            {.name = "by_urgent", .fields = {"urgent", "title"}},
            {.name = "by_owner_slot", .fields = {"owner", "slot"}, .is_unique = true}),
    SEARCH(.fields = {"title"}, .filters = {"owner"}, .marks = {"urgent", "state"}),
};

#define ROW struct note
static const struct field note_fields[] = {
    ID(id), CREATED(created), MAYBE_REF(task, &task_type), NUMBER(weight), TEXT(body),
};
#undef ROW

const struct doc_type note_type = {
    .name = "notes",
    .size = sizeof(struct note),
    .number = 5,
    FIELDS(note_fields),
    INDEXES({.name = "by_task", .fields = {"task"}}, {.name = "by_weight", .fields = {"weight"}},
            {.name = "by_creation", .holds_body = true}),
};

static const struct doc_type *const types[] = {&person_type, &task_type, &note_type};
const struct schema village_schema = {types, ARRAY_LEN(types), 0};

static void resolve(struct call *call)
{
    call->caller = row_first(call, &person_type.indexes[PERSON_BY_NAME],
                             KEY(key_text(call->identity->subject)));
}

void village_program(struct program *program, const struct village_config *config)
{
    const struct function *const tables[] = {village_queries, village_errands};
    const size_t counts[] = {village_query_count, village_errand_count};
    program_init(program, tables, counts, ARRAY_LEN(tables));
    program->schema = &village_schema;
    program->config = (void *)(uintptr_t)config;
    program->resolve = resolve;
}

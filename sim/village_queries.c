/* SPDX-License-Identifier: Apache-2.0 */
#include "village.h"

#include "call/page.h"

#include <string.h>

#define ITEMS_MAX 64
#define CHAIN_MAX 4
#define NOTES_COUNTED 3

#define ROW struct ask_args
static const struct field ask_fields[] = {
    INT(query),         INT(burden),      INT(id),
    INT(limit),         MAYBE_TEXT(text), MAYBE_TEXT(more),
    MAYBE_INT(from),    MAYBE_INT(to),    BOOL(is_down),
    BOOL(from_is_open), BOOL(to_is_open), MAYBE_RECORD(pagination_opts, &page_options_shape),
};
#undef ROW
const struct shape ask_shape = {.name = "ask", .size = sizeof(struct ask_args), FIELDS(ask_fields)};

/* ---- what goes out ---- */

struct person_view {
    int64_t id;
    str name, nick;
    int64_t age;
    int64_t boss;
};
#define ROW struct person_view
static const struct field person_view_fields[] = {INT(id), TEXT(name), MAYBE_TEXT(nick), INT(age),
                                                  INT(boss)};
#undef ROW
static const struct shape person_view_shape = {
    .name = "personView", .size = sizeof(struct person_view), FIELDS(person_view_fields)};
static const struct field person_view_item = ITEM_RECORD(&person_view_shape, struct person_view);

struct task_view {
    int64_t id, owner, state;
    struct maybe_int rank, slot;
    str title;
    struct maybe_instant due;
    bool is_urgent;
};
#define ROW struct task_view
static const struct field task_view_fields[] = {
    INT(id),         INT(owner),  INT(state),      MAYBE_INT(rank),
    MAYBE_INT(slot), TEXT(title), MAYBE_TIME(due), BOOL(is_urgent, .wire = "urgent"),
};
#undef ROW
static const struct shape task_view_shape = {
    .name = "taskView", .size = sizeof(struct task_view), FIELDS(task_view_fields)};
static const struct field task_view_item = ITEM_RECORD(&task_view_shape, struct task_view);
PAGE_SHAPE(task_page, &task_view_item)

struct joined {
    int64_t id, notes;
    str owner, boss;
};
#define ROW struct joined
static const struct field joined_fields[] = {INT(id), INT(notes), MAYBE_TEXT(owner),
                                             MAYBE_TEXT(boss)};
#undef ROW
static const struct shape joined_shape = {
    .name = "joined", .size = sizeof(struct joined), FIELDS(joined_fields)};
static const struct field joined_item = ITEM_RECORD(&joined_shape, struct joined);
static const struct field number_item = ITEM_INT();

/* ---- the table ---- */

#define ASK(verb, result_type)                                                                     \
    static void verb(struct call *call, const struct ask_args *args, result_type *result);         \
    static void verb##_door(struct call *call, const void *args, void *result)                     \
    {                                                                                              \
        begin(call, args);                                                                         \
        verb(call, args, result);                                                                  \
        end(call);                                                                                 \
    }
#define ASK_ROW(name_, verb, ...)                                                                  \
    {                                                                                              \
        .name = (name_), .kind = FUNCTION_QUERY, .run = verb##_door,                               \
        .args = {.name = #verb, .size = sizeof(struct ask_args), FIELDS(ask_fields)}, __VA_ARGS__  \
    }

/* Reads what is never there: nothing but work, and more of it than a round does while somebody has
 * that name. */
static void carry(struct call *call, int64_t burden)
{
    struct person person;
    doc_id light = row_first(call, &person_type.indexes[PERSON_BY_NAME],
                             KEY(key_text(words[VILLAGE_LIGHT].text)));
    int64_t reads = doc_id_is_set(light) ? burden : burden / 16;
    for (int64_t i = 0; i < reads; i++)
        row_find(call, &person_type, (doc_id){INT64_MAX}, &person);
}

static void begin(struct call *call, const struct ask_args *args)
{
    const struct village_config *config = call->program->config;
    if (config->on_evaluation != NULL)
        config->on_evaluation(config->context, call, args->query);
    if (args->burden != 0)
        carry(call, args->burden);
}

static void end(struct call *call)
{
    const struct village_config *config = call->program->config;
    if (config->is_busy)
        call_fail(call, TRANSIENT, "Not just now.");
}

#define PERSONS RETURNS_LIST(&person_view_item)
#define NUMBERS RETURNS_LIST(&number_item)
#define TASKS RETURNS_LIST(&task_view_item)
#define TASK_PAGE RETURNS_RECORD(&task_page, struct page)

ASK(person_get, struct person_view *)
ASK(person_by_name, struct person_view *)
ASK(id_by_name, int64_t)
ASK(id_by_nick, int64_t)
ASK(top, struct list)
ASK(staff, struct list)
ASK(chain, struct list)
ASK(me, struct person_view *)
ASK(my_tasks, struct list)
ASK(tasks_of, struct list)
ASK(ranks, struct list)
ASK(due, struct list)
ASK(titles, struct list)
ASK(count_state, int64_t)
ASK(free_slot, int64_t)
ASK(must_have, int64_t)
ASK(join, struct list)
ASK(search, struct list)
ASK(page, struct page)
ASK(my_page, struct page)
ASK(heaviest, struct list)
ASK(notes_of, int64_t)
ASK(latest, struct list)
ASK(minute, int64_t)

const struct function village_queries[] = {
    ASK_ROW("people:get", person_get, .caller = ANYONE,
            .returns = RETURNS_MAYBE(&person_view_shape)),
    ASK_ROW("people:byName", person_by_name, .caller = ANYONE,
            .returns = RETURNS_MAYBE(&person_view_shape)),
    ASK_ROW("people:idByName", id_by_name, .caller = ANYONE, .returns = RETURNS_INT),
    ASK_ROW("people:idByNick", id_by_nick, .caller = ANYONE, .returns = RETURNS_INT),
    ASK_ROW("people:top", top, .caller = ANYONE, .ignores_caller = true, .returns = PERSONS),
    ASK_ROW("people:staff", staff, .caller = ANYONE, .returns = NUMBERS),
    ASK_ROW("people:chain", chain, .caller = ANYONE, .returns = NUMBERS),
    ASK_ROW("me:get", me, .caller = ANYONE, .returns = RETURNS_MAYBE(&person_view_shape)),
    ASK_ROW("me:tasks", my_tasks, .caller = SIGNED_IN, .returns = NUMBERS),
    ASK_ROW("me:page", my_page, .caller = ANYONE, .returns = TASK_PAGE),
    ASK_ROW("tasks:of", tasks_of, .caller = ANYONE, .ignores_caller = true, .returns = TASKS),
    ASK_ROW("tasks:ranks", ranks, .caller = ANYONE, .returns = NUMBERS),
    ASK_ROW("tasks:due", due, .caller = ANYONE, .ignores_caller = true, .returns = TASKS),
    ASK_ROW("tasks:titles", titles, .caller = ANYONE, .returns = TASKS),
    ASK_ROW("tasks:count", count_state, .caller = ANYONE, .ignores_caller = true,
            .returns = RETURNS_INT),
    ASK_ROW("tasks:freeSlot", free_slot, .caller = ANYONE, .returns = RETURNS_INT),
    ASK_ROW("tasks:mustHave", must_have, .caller = ANYONE, .returns = RETURNS_INT),
    ASK_ROW("tasks:join", join, .caller = ANYONE, .returns = RETURNS_LIST(&joined_item)),
    ASK_ROW("tasks:search", search, .caller = ANYONE, .ignores_caller = true, .returns = TASKS),
    ASK_ROW("tasks:page", page, .caller = ANYONE, .ignores_caller = true, .returns = TASK_PAGE),
    ASK_ROW("notes:heaviest", heaviest, .caller = ANYONE, .ignores_caller = true,
            .returns = NUMBERS),
    ASK_ROW("notes:of", notes_of, .caller = ANYONE, .returns = RETURNS_INT),
    ASK_ROW("notes:latest", latest, .caller = ANYONE, .ignores_caller = true, .returns = NUMBERS),
    ASK_ROW("clock:minute", minute, .caller = ANYONE, .ignores_caller = true,
            .returns = RETURNS_INT),
};
const size_t village_query_count = ARRAY_LEN(village_queries);

/* ---- helpers ---- */

struct numbers {
    int64_t items[ITEMS_MAX];
    size_t count;
};

static void numbers_give(struct call *call, const struct numbers *numbers, struct list *result)
{
    *result = (struct list){arena_copy(call->arena, numbers->items, sizeof(numbers->items)),
                            numbers->count};
}

static enum order order_of(const struct ask_args *args)
{
    return args->is_down ? ORDER_DOWN : ORDER_UP;
}

static struct person_view view_of_person(const struct person *person)
{
    return (struct person_view){person->id.n, person->name, person->nick, person->age,
                                person->boss.n};
}

static struct task_view view_of_task(const struct task *task)
{
    return (struct task_view){task->id.n, task->owner.n, task->state, task->rank,
                              task->slot, task->title,   task->due,   task->is_urgent};
}

static void give_person(struct call *call, doc_id id, struct person_view **result)
{
    struct person person;
    if (!row_find(call, &person_type, id, &person))
        return;
    *result = arena_new(call->arena, struct person_view);
    **result = view_of_person(&person);
}

/* Rows of a scan until the limit. */
static void give_tasks(struct call *call, enum task_index index, struct bounds bounds,
                       enum order order, int64_t limit, struct list *result)
{
    struct task_view *views = arena_array(call->arena, struct task_view, ITEMS_MAX);
    struct scan scan;
    struct task task;
    size_t count = 0;
    view_scan(call->view, &task_type.indexes[index], bounds, order, &scan);
    while (count < (size_t)limit && scan_next(&scan, &task))
        views[count++] = view_of_task(&task);
    scan_end(&scan);
    *result = (struct list){views, count};
}

static void give_ids(struct call *call, const struct index *index, struct bounds bounds,
                     enum order order, int64_t limit, struct list *result)
{
    struct numbers numbers = {.count = 0};
    struct scan scan;
    doc_id id;
    view_scan(call->view, index, bounds, order, &scan);
    while (numbers.count < (size_t)limit && scan_next_id(&scan, &id))
        numbers.items[numbers.count++] = id.n;
    scan_end(&scan);
    numbers_give(call, &numbers, result);
}

static int64_t count_up_to(struct call *call, const struct index *index, struct key prefix,
                           int64_t limit)
{
    struct scan scan;
    doc_id id;
    int64_t count = 0;
    view_scan(call->view, index, (struct bounds){.prefix = prefix}, ORDER_UP, &scan);
    while (count < limit && scan_next_id(&scan, &id))
        count++;
    scan_end(&scan);
    return count;
}

static struct key_part maybe_limit(struct maybe_int limit)
{
    return limit.is_set ? key_int(limit.value) : (struct key_part){.kind = KEY_NONE};
}

/* ---- people ---- */

static void person_get(struct call *call, const struct ask_args *args, struct person_view **result)
{
    give_person(call, (doc_id){args->id}, result);
}

static void person_by_name(struct call *call, const struct ask_args *args,
                           struct person_view **result)
{
    doc_id id = row_first(call, &person_type.indexes[PERSON_BY_NAME], KEY(key_text(args->text)));
    give_person(call, id, result);
}

static void id_by_name(struct call *call, const struct ask_args *args, int64_t *result)
{
    *result = row_first(call, &person_type.indexes[PERSON_BY_NAME], KEY(key_text(args->text))).n;
}

static void id_by_nick(struct call *call, const struct ask_args *args, int64_t *result)
{
    *result = row_first(call, &person_type.indexes[PERSON_BY_NICK], KEY(key_text(args->text))).n;
}

/* The oldest, or the youngest. */
static void top(struct call *call, const struct ask_args *args, struct list *result)
{
    struct person_view *views = arena_array(call->arena, struct person_view, ITEMS_MAX);
    struct scan scan;
    struct person person;
    size_t count = 0;
    view_scan(call->view, &person_type.indexes[PERSON_BY_AGE], (struct bounds){0}, order_of(args),
              &scan);
    while (count < (size_t)args->limit && scan_next(&scan, &person))
        views[count++] = view_of_person(&person);
    scan_end(&scan);
    *result = (struct list){views, count};
}

/* Of a boss; 0: of nobody. */
static void staff(struct call *call, const struct ask_args *args, struct list *result)
{
    give_ids(call, &person_type.indexes[PERSON_BY_BOSS],
             (struct bounds){.prefix = KEY(key_id((doc_id){args->id}))}, order_of(args),
             args->limit, result);
}

/* The boss, the boss's boss, and so on. */
static void chain(struct call *call, const struct ask_args *args, struct list *result)
{
    struct numbers numbers = {.count = 0};
    struct person person;
    doc_id id = {args->id};
    while (numbers.count < CHAIN_MAX && row_find(call, &person_type, id, &person)) {
        numbers.items[numbers.count++] = id.n;
        id = person.boss;
    }
    numbers_give(call, &numbers, result);
}

static void me(struct call *call, const struct ask_args *args, struct person_view **result)
{
    give_person(call, call_caller(call), result);
}

static void my_tasks(struct call *call, const struct ask_args *args, struct list *result)
{
    give_ids(call, &task_type.indexes[TASK_BY_OWNER],
             (struct bounds){.prefix = KEY(key_id(call_caller(call)))}, order_of(args), args->limit,
             result);
}

/* ---- tasks ---- */

static void tasks_of(struct call *call, const struct ask_args *args, struct list *result)
{
    give_tasks(call, TASK_BY_OWNER, (struct bounds){.prefix = KEY(key_id((doc_id){args->id}))},
               order_of(args), args->limit, result);
}

static void ranks(struct call *call, const struct ask_args *args, struct list *result)
{
    struct bounds bounds = {.prefix = KEY(key_id((doc_id){args->id})),
                            .from = maybe_limit(args->from),
                            .to = maybe_limit(args->to),
                            .from_is_open = args->from_is_open,
                            .to_is_open = args->to_is_open};
    give_ids(call, &task_type.indexes[TASK_BY_OWNER_RANK], bounds, order_of(args), args->limit,
             result);
}

static struct key_part state_key(int64_t state)
{
    return key_text(str_of(task_state_names[state]));
}

/* Those of a state that are due by now, those without a time before them. */
static void due(struct call *call, const struct ask_args *args, struct list *result)
{
    struct bounds until = {.prefix = KEY(state_key(args->id)), .to = key_time(call->now)};
    struct bounds behind = {.prefix = KEY(state_key(args->id)), .from = key_time(call->now)};
    behind.from_is_open = true;
    give_tasks(call, TASK_BY_STATE_DUE, until, ORDER_UP, args->limit, result);

    struct scan scan;
    struct task next;
    view_scan(call->view, &task_type.indexes[TASK_BY_STATE_DUE], behind, ORDER_UP, &scan);
    if (scan_next(&scan, &next))
        call_valid_until(call, next.due.value);
    scan_end(&scan);
}

static void titles(struct call *call, const struct ask_args *args, struct list *result)
{
    struct bounds bounds = {.prefix = KEY(key_bool(args->id != 0)),
                            .from_is_open = args->from_is_open,
                            .to_is_open = args->to_is_open};
    if (args->text.at != NULL)
        bounds.from = key_text(args->text);
    if (args->more.at != NULL)
        bounds.to = key_text(args->more);
    give_tasks(call, TASK_BY_URGENT, bounds, order_of(args), args->limit, result);
}

static void count_state(struct call *call, const struct ask_args *args, int64_t *result)
{
    *result = count_up_to(call, &task_type.indexes[TASK_BY_STATE_DUE], KEY(state_key(args->id)),
                          INT64_MAX);
}

/* The lowest number that no slot of the owner has; reads no further than there. */
static void free_slot(struct call *call, const struct ask_args *args, int64_t *result)
{
    struct scan scan;
    struct task task;
    struct bounds bounds = {.prefix = KEY(key_id((doc_id){args->id})), .from = key_int(0)};
    view_scan(call->view, &task_type.indexes[TASK_BY_OWNER_SLOT], bounds, ORDER_UP, &scan);
    while (scan_next(&scan, &task) && task.slot.value == *result)
        ++*result;
    scan_end(&scan);
}

static void must_have(struct call *call, const struct ask_args *args, int64_t *result)
{
    struct person person;
    row_get(call, &person_type, (doc_id){args->id}, &person);
    if (call_failed(call))
        return;
    int64_t count = count_up_to(call, &task_type.indexes[TASK_BY_OWNER],
                                KEY(key_id((doc_id){args->id})), INT64_MAX);
    REQUIRE(call, count >= args->limit, STATE, "only %lld", (long long)count);
    *result = count;
}

static struct joined join_one(struct call *call, doc_id id)
{
    struct joined joined = {.id = id.n};
    struct task task;
    struct person person;
    joined.notes =
        count_up_to(call, &note_type.indexes[NOTE_BY_TASK], KEY(key_id(id)), NOTES_COUNTED);
    row_find(call, &task_type, id, &task);
    if (row_find(call, &person_type, task.owner, &person)) {
        joined.owner = person.name;
        if (row_find(call, &person_type, person.boss, &person))
            joined.boss = person.name;
    }
    return joined;
}

/* Urgent or other tasks, with their owners, the owners' bosses, and how many notes there are. */
static void join(struct call *call, const struct ask_args *args, struct list *result)
{
    struct joined *items = arena_array(call->arena, struct joined, ITEMS_MAX);
    struct scan scan;
    doc_id id;
    size_t count = 0;
    view_scan(call->view, &task_type.indexes[TASK_BY_URGENT],
              (struct bounds){.prefix = KEY(key_bool(args->id != 0))}, order_of(args), &scan);
    while (count < (size_t)args->limit && scan_next_id(&scan, &id))
        items[count++] = join_one(call, id);
    scan_end(&scan);
    *result = (struct list){items, count};
}

/* An owner's by the words of their titles; of one state, or the urgent ones. */
static void search(struct call *call, const struct ask_args *args, struct list *result)
{
    int64_t state = args->from.is_set ? args->from.value : 0;
    const struct search_mark marks[] = {
        {"urgent", args->from_is_open ? STR("true") : (str){0}},
        {"state", state > 0 && state <= TASK_DONE ? str_of(task_state_names[state]) : (str){0}},
    };
    str text = str_format(call->arena, "%.*s %.*s", STR_ARG(args->text), STR_ARG(args->more));
    struct search_for what = {
        .type = &task_type,
        .filters = KEY(key_id((doc_id){args->id})),
        .terms = search_terms(call->arena, text, marks, ARRAY_LEN(marks)),
    };
    struct task_view *views = arena_array(call->arena, struct task_view, ITEMS_MAX);
    struct search found;
    struct task task;
    size_t count = 0;
    view_search(call->view, &what, &found);
    while (count < (size_t)args->limit && search_next(&found, &task))
        views[count++] = view_of_task(&task);
    *result = (struct list){views, count};
}

static bool make(struct call *call, const void *row, void *item, void *context)
{
    const struct task *task = row;
    *(struct task_view *)item = view_of_task(task);
    return task->state != TASK_DONE;
}

static void give_page(struct call *call, const struct ask_args *args, doc_id owner,
                      struct page *result)
{
    const struct page_source source = {
        .index = &task_type.indexes[TASK_BY_OWNER_RANK],
        .bounds = {.prefix = KEY(key_id(owner))},
        .order = order_of(args),
        .item_size = sizeof(struct task_view),
        .make = make,
    };
    page_read(call, args->pagination_opts, &source, result);
}

static void page(struct call *call, const struct ask_args *args, struct page *result)
{
    give_page(call, args, (doc_id){args->id}, result);
}

static void my_page(struct call *call, const struct ask_args *args, struct page *result)
{
    doc_id caller = call_caller(call);
    REQUIRE(call, doc_id_is_set(caller), AUTH, "Sign in first.");
    give_page(call, args, caller, result);
}

/* ---- notes, and time ---- */

static void heaviest(struct call *call, const struct ask_args *args, struct list *result)
{
    give_ids(call, &note_type.indexes[NOTE_BY_WEIGHT], (struct bounds){0}, order_of(args),
             args->limit, result);
}

/* How many a task has; 0: how many are of none. */
static void notes_of(struct call *call, const struct ask_args *args, int64_t *result)
{
    *result = count_up_to(call, &note_type.indexes[NOTE_BY_TASK], KEY(key_id((doc_id){args->id})),
                          args->limit);
}

/* Lengths of the latest texts. */
static void latest(struct call *call, const struct ask_args *args, struct list *result)
{
    struct numbers numbers = {.count = 0};
    struct scan scan;
    struct note note;
    view_scan(call->view, &note_type.indexes[NOTE_BY_CREATION], (struct bounds){0}, ORDER_DOWN,
              &scan);
    while (numbers.count < (size_t)args->limit && scan_next(&scan, &note))
        numbers.items[numbers.count++] = (int64_t)note.body.len;
    scan_end(&scan);
    numbers_give(call, &numbers, result);
}

static void minute(struct call *call, const struct ask_args *args, int64_t *result)
{
    *result = call->now.us / MINUTES(1).us;
    call_valid_until(call, (instant){(*result + 1) * MINUTES(1).us});
}

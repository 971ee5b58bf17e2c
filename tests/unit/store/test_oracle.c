/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random puts, removals and scans against a plain array, on both engines: scans give what sorting
 * and filtering the array gives, in changes, nested changes and snapshots; and a commit that does
 * not hit the read set of an earlier scan leaves that scan's answer as it was.
 */
#include "people.h"

#include "base/random.h"

#include <stdio.h>
#include <string.h>

#define TASKS_MAX 40
#define OWNERS 3
#define WATCHED 24
#define ROUNDS 250

static const str texts[] = {
    {"", 0},
    {"a", 1},
    {"a\x01", 2},
    {"a\x01"
     "b",
     3},
    {"a\xc3\xa9", 3},
    {"ab", 2},
    {"b", 1},
    {"B", 1},
    {"\x01", 1},
    {"\xf0\x9f\x98\x80", 4},
    {"aa", 2},
    {"longer than a word", 18},
};

/* What there should be. */
struct model {
    struct task tasks[TASKS_MAX];
    size_t count;
};

struct question {
    enum task_index index;
    enum order order;
    size_t max;
    size_t prefix_count;
    doc_id owner;
    bool is_done;
    bool has_from, has_to, from_is_open, to_is_open;
    int64_t from, to;       /* of size */
    str from_text, to_text; /* of text */
    bool reads_rows;
};

struct watched {
    struct question question;
    struct arena arena;
    struct read_set reads;
    str answer;
    bool is_used;
};

struct world {
    struct place *place;
    struct random random;
    struct model model;
    struct watched watched[WATCHED];
    size_t hits, misses;
};

static uint64_t below(struct world *world, uint64_t bound)
{
    return random_below(&world->random, bound);
}

/* ---- the plain array's answer ---- */

static int compare_numbers(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_sizes(struct maybe_int a, struct maybe_int b)
{
    if (!a.is_set || !b.is_set)
        return (a.is_set ? 1 : 0) - (b.is_set ? 1 : 0);
    return compare_numbers(a.value, b.value);
}

static int compare_field(enum task_index index, size_t field, const struct task *a,
                         const struct task *b)
{
    if (index == TASK_BY_DONE)
        return field == 0 ? (int)a->is_done - (int)b->is_done : str_compare(a->text, b->text);
    return field == 0 ? compare_numbers(a->owner.n, b->owner.n) : compare_sizes(a->size, b->size);
}

static int compare_tasks(enum task_index index, const struct task *a, const struct task *b)
{
    int side = compare_field(index, 0, a, b);
    if (side == 0 && index != TASK_BY_OWNER)
        side = compare_field(index, 1, a, b);
    if (side == 0)
        side = compare_numbers(a->created.n, b->created.n);
    return side != 0 ? side : compare_numbers(a->id.n, b->id.n);
}

static bool is_asked(const struct question *question, const struct task *task)
{
    struct task from = {.size = {question->from, true}, .text = question->from_text};
    struct task to = {.size = {question->to, true}, .text = question->to_text};
    if (question->prefix_count == 0)
        return true;
    if (question->index == TASK_BY_DONE ? task->is_done != question->is_done
                                        : task->owner.n != question->owner.n)
        return false;
    if (question->has_from) {
        int side = compare_field(question->index, 1, task, &from);
        if (side < 0 || (side == 0 && question->from_is_open))
            return false;
    }
    if (question->has_to) {
        int side = compare_field(question->index, 1, task, &to);
        if (side > 0 || (side == 0 && question->to_is_open))
            return false;
    }
    return true;
}

static void write_answer(struct buffer *to, const struct question *question,
                         const struct task *task)
{
    buffer_format(to, "%lld", (long long)task->id.n);
    if (question->reads_rows)
        buffer_format(to, ":%lld:%d:%lld:%zu", (long long)task->owner.n, task->is_done,
                      task->size.is_set ? (long long)task->size.value : -1, task->text.len);
    buffer_char(to, ' ');
}

static str answer_of_model(struct arena *arena, const struct model *model,
                           const struct question *question)
{
    const struct task *found[TASKS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        if (!is_asked(question, &model->tasks[i]))
            continue;
        size_t at = count++;
        for (; at > 0; at--) {
            int side = compare_tasks(question->index, found[at - 1], &model->tasks[i]);
            if (question->order == ORDER_UP ? side < 0 : side > 0)
                break;
            found[at] = found[at - 1];
        }
        found[at] = &model->tasks[i];
    }
    AUTO(buffer_done) struct buffer text = {0};
    for (size_t i = 0; i < count && i < question->max; i++)
        write_answer(&text, question, found[i]);
    return str_copy(arena, buffer_text(&text));
}

/* ---- the store's ---- */

static struct bounds bounds_of(const struct question *question)
{
    struct bounds bounds = {0};
    if (question->prefix_count == 0)
        return bounds;
    bool by_done = question->index == TASK_BY_DONE;
    bounds.prefix = by_done ? KEY(key_bool(question->is_done)) : KEY(key_id(question->owner));
    bounds.from_is_open = question->from_is_open;
    bounds.to_is_open = question->to_is_open;
    if (question->has_from)
        bounds.from = by_done ? key_text(question->from_text) : key_int(question->from);
    if (question->has_to)
        bounds.to = by_done ? key_text(question->to_text) : key_int(question->to);
    return bounds;
}

static str answer_of_view(struct view *view, const struct question *question)
{
    AUTO(buffer_done) struct buffer text = {0};
    struct scan scan;
    struct task task = {0};
    view_scan(view, index_at(task_type, question->index), bounds_of(question), question->order,
              &scan);
    for (size_t i = 0; i < question->max; i++) {
        if (!(question->reads_rows ? scan_next(&scan, &task) : scan_next_id(&scan, &task.id)))
            break;
        write_answer(&text, question, &task);
    }
    scan_end(&scan);
    if (view->is_failed)
        fail_msg("%s", view->fault.text);
    return str_copy(view->arena, buffer_text(&text));
}

static struct question ask(struct world *world)
{
    struct question question = {
        .index = (enum task_index)below(world, 3),
        .order = below(world, 2) == 0 ? ORDER_UP : ORDER_DOWN,
        .max = below(world, 3) == 0 ? TASKS_MAX : below(world, 6),
        .prefix_count = below(world, 5) == 0 ? 0 : 1,
        .owner = {1 + (int64_t)below(world, OWNERS)},
        .is_done = below(world, 2) == 0,
        .reads_rows = below(world, 2) == 0,
    };
    if (question.index != TASK_BY_OWNER) {
        question.has_from = below(world, 2) == 0;
        question.has_to = below(world, 2) == 0;
        question.from_is_open = below(world, 2) == 0;
        question.to_is_open = below(world, 2) == 0;
        question.from = (int64_t)below(world, 8);
        question.to = (int64_t)below(world, 8);
        question.from_text = texts[below(world, ARRAY_LEN(texts))];
        question.to_text = texts[below(world, ARRAY_LEN(texts))];
    }
    return question;
}

static void compare_answers(struct world *world, struct view *view, const struct model *model)
{
    struct question question = ask(world);
    str got = answer_of_view(view, &question);
    str wanted = answer_of_model(view->arena, model, &question);
    if (!str_equal(got, wanted))
        fail_msg("index %d order %d max %zu: got %.*s, wanted %.*s", question.index, question.order,
                 question.max, STR_ARG(got), STR_ARG(wanted));
}

/* ---- doing ---- */

static void fill_in(struct world *world, struct task *task)
{
    task->owner = (doc_id){1 + (int64_t)below(world, OWNERS)};
    task->text = texts[below(world, ARRAY_LEN(texts))];
    task->is_done = below(world, 2) == 0;
    task->size = (struct maybe_int){0};
    if (below(world, 3) != 0)
        task->size = (struct maybe_int){(int64_t)below(world, 8), true};
}

/* One field only, so that most entries stay. */
static void alter(struct world *world, struct task *task)
{
    struct task other;
    fill_in(world, &other);
    switch (below(world, 4)) {
    case 0:
        task->owner = other.owner;
        return;
    case 1:
        task->text = other.text;
        return;
    case 2:
        task->is_done = other.is_done;
        return;
    default:
        task->size = other.size;
    }
}

static void write_once(struct world *world, struct change *change, struct model *model)
{
    uint64_t which = below(world, 10);
    if (model->count == 0 || (which < 4 && model->count < TASKS_MAX)) {
        struct task task = {0};
        fill_in(world, &task);
        change_new(change, &task_type, &task);
        change_put(change, &task_type, &task);
        model->tasks[model->count++] = task;
        return;
    }
    struct task *task = &model->tasks[below(world, model->count)];
    if (which < 7) {
        struct task read;
        if (below(world, 2) == 0)
            assert_true(view_row(&change->view, &task_type, task->id, &read));
        if (below(world, 4) != 0)
            alter(world, task);
        change_put(change, &task_type, task);
        return;
    }
    change_remove(change, &task_type, task->id);
    *task = model->tasks[--model->count];
}

static void change_something(struct world *world, struct change *change, struct model *model,
                             int depth)
{
    for (uint64_t steps = below(world, 5); steps > 0; steps--) {
        if (depth < 2 && below(world, 5) == 0) {
            struct change inner;
            struct model copy = *model;
            change_nest(change, &inner);
            change_something(world, &inner, &copy, depth + 1);
            if (below(world, 3) == 0) {
                change_drop(&inner);
            } else {
                assert_true(change_accept(&inner));
                *model = copy;
            }
        } else {
            write_once(world, change, model);
        }
        compare_answers(world, &change->view, model);
    }
}

static void run_batch(struct world *world)
{
    struct place *place = world->place;
    struct batch *batch = place_begin(place);
    AUTO(arena_done) struct arena arena = {0};
    for (uint64_t count = below(world, 4) == 0 ? 3 : 1; count > 0; count--) {
        struct change change;
        struct model copy = world->model;
        change_begin(batch, &arena, &change);
        change_something(world, &change, &copy, 0);
        if (below(world, 4) == 0) {
            change_drop(&change);
        } else {
            assert_true(change_accept(&change));
            world->model = copy;
        }
    }
    place->write_count = 0;
    place->now.us += 1000;
    place_commit(batch);
}

static struct view look(struct place *place, struct arena *arena)
{
    struct view view;
    struct fault fault = {0};
    if (!view_begin(place->store, arena, &view, &fault))
        fail_msg("%s", fault.text);
    return view;
}

/* Answers that no write hit must be the same today. */
static void check_watched(struct world *world)
{
    for (size_t i = 0; i < WATCHED; i++) {
        struct watched *watched = &world->watched[i];
        if (!watched->is_used)
            continue;
        if (read_set_is_hit(watched->reads, world->place->writes, world->place->write_count)) {
            world->hits++;
            arena_done(&watched->arena);
            watched->is_used = false;
            continue;
        }
        world->misses++;
        AUTO(arena_done) struct arena arena = {0};
        struct view view = look(world->place, &arena);
        str now = answer_of_view(&view, &watched->question);
        if (!str_equal(now, watched->answer))
            fail_msg("not hit, but %.*s became %.*s", STR_ARG(watched->answer), STR_ARG(now));
        view_end(&view);
    }
}

static void watch(struct world *world)
{
    struct watched *watched = &world->watched[below(world, WATCHED)];
    arena_done(&watched->arena);
    *watched = (struct watched){.question = ask(world), .is_used = true};
    struct view view = look(world->place, &watched->arena);
    watched->answer = answer_of_view(&view, &watched->question);
    watched->reads = view_read_set(&view);
    view_end(&view);
}

static void run_seed(struct place *place, uint64_t seed)
{
    struct world *world = memory_zeroed(sizeof(*world));
    world->place = place;
    random_init_seeded(&world->random, seed);
    for (int i = 0; i < ROUNDS; i++) {
        run_batch(world);
        check_watched(world);
        AUTO(arena_done) struct arena arena = {0};
        struct view view = look(place, &arena);
        for (int k = 0; k < 4; k++)
            compare_answers(world, &view, &world->model);
        view_end(&view);
        watch(world);
        watch(world);
        arena_reset(&place->arena);
        place->writes = NULL;
    }
    assert_true(world->hits > 20 && world->misses > 200); /* or it proves little */
    for (size_t i = 0; i < WATCHED; i++)
        arena_done(&world->watched[i].arena);
    free(world);
}

static void the_store_answers_as_a_sorted_array_does_1(void **state)
{
    run_seed(*state, 1);
}

static void the_store_answers_as_a_sorted_array_does_2(void **state)
{
    run_seed(*state, 2);
}

#define CASE(name, engine)                                                                         \
    cmocka_unit_test_prestate_setup_teardown(name, place_setup, place_teardown, engine)
#define BOTH(name) CASE(name, &on_memory), CASE(name, &on_sqlite)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(the_store_answers_as_a_sorted_array_does_1),
        BOTH(the_store_answers_as_a_sorted_array_does_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

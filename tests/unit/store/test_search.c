/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches against a plain filter over the documents, on both engines: newest first, page by page,
 * in changes and snapshots; and what no write hit has the same answer as before.
 */
#include "people.h"

#include "base/random.h"
#include "store/search.h"
#include "store/words.h"

#include <string.h>

#define TASKS_MAX 6000
#define OWNERS 3
#define WATCHED 40
#define FOUND_MAX 60
#define OLD 21000 /* more than are taken up at once */

static const char *const vocabulary[] = {
    "red",    "redder", "reddest", "kite",         "kites",
    "kit",    "a",      "an",      "sea",          "seaside",
    "season", "sun",    "sunset",  "\xc3\xa9tude", "\xe8\xb5\xa4\xe3\x81\x84",
    "blue",   "x1",     "x2",
};
static const char *const asked[] = {
    "red",
    "red ki",
    "kite red",
    "r",
    "s",
    "sea sun",
    "an a",
    "a red",
    "x",
    "x1 x2",
    "",
    "\xc3\xa9",
    "\xe3\x81\x84",
    "unheard of",
    "sun sea",
    "red kite",
    "kit",
    "blue seas",
    "kite seaside red",
    "\xe8\xb5\xa4 red",
};

struct model {
    struct task tasks[TASKS_MAX];
    size_t count;
};

struct question {
    doc_id owner;
    const char *text;
    bool is_done; /* only those */
    doc_id after;
    size_t max, looks;
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
    size_t hits, misses, same, tired;
};

static uint64_t below(struct world *world, uint64_t bound)
{
    return random_below(&world->random, bound);
}

/* ---- the plain answer ---- */

static bool fits(struct arena *arena, const struct question *question, str terms,
                 const struct task *task)
{
    struct words words = {.arena = arena, .max = WORDS_MAX};
    if (task->owner.n != question->owner.n || (question->is_done && !task->is_done) ||
        (question->after.n != 0 && task->id.n >= question->after.n))
        return false;
    words_add(&words, task->text);
    return words_match(words_join(&words), terms);
}

static int by_age(const void *a, const void *b)
{
    const struct task *const *left = a, *const *right = b;
    return (*left)->id.n > (*right)->id.n ? -1 : 1;
}

static str answer_of_model(struct arena *arena, const struct model *model,
                           const struct question *question)
{
    AUTO(buffer_done) struct buffer text = {0};
    AUTO(arena_done) struct arena own = {0};
    str terms = search_terms(&own, str_of(question->text), NULL, 0);
    const struct task **found = arena_array(&own, const struct task *, TASKS_MAX);
    size_t count = 0;
    for (size_t i = 0; i < model->count; i++)
        if (fits(&own, question, terms, &model->tasks[i]))
            found[count++] = &model->tasks[i];
    qsort(found, count, sizeof(*found), by_age);
    for (size_t i = 0; i < count && i < question->max; i++)
        buffer_format(&text, "%lld ", (long long)found[i]->id.n);
    return str_copy(arena, buffer_text(&text));
}

/* ---- the store's ---- */

static bool next(struct search *search, bool reads_rows, doc_id *id)
{
    struct task task;
    if (!reads_rows)
        return search_next_id(search, id);
    bool is_there = search_next(search, &task);
    *id = task.id;
    return is_there;
}

/* One that gives up goes on as another page does. */
static str answer_of_view(struct world *world, struct view *view, const struct question *question)
{
    AUTO(buffer_done) struct buffer text = {0};
    struct search_mark mark = {"isDone", question->is_done ? STR("true") : (str){0}};
    struct search_for what = {
        .type = &task_type,
        .filters = KEY(key_id(question->owner)),
        .terms = search_terms(view->arena, str_of(question->text), &mark, 1),
        .after = question->after,
        .looks_max = question->looks,
    };
    struct search search;
    doc_id id;
    size_t count = 0;
    do {
        view_search(view, &what, &search);
        while (count < question->max && next(&search, question->reads_rows, &id)) {
            buffer_format(&text, "%lld ", (long long)id.n);
            count++;
        }
        what.after = search_position(&search);
        world->tired += search.has_more;
    } while (count < question->max && search.has_more);
    if (view->is_failed)
        fail_msg("%s", view->fault.text);
    return str_copy(view->arena, buffer_text(&text));
}

static struct question ask(struct world *world)
{
    struct question question = {
        .owner = {1 + (int64_t)below(world, OWNERS)},
        .text = asked[below(world, ARRAY_LEN(asked))],
        .is_done = below(world, 3) == 0,
        .max = below(world, 4) == 0 ? FOUND_MAX : 1 + below(world, 6),
        .looks = below(world, 3) == 0 ? 3 + below(world, 30) : 0,
        .reads_rows = below(world, 2) == 0,
    };
    if (below(world, 3) == 0 && world->model.count != 0)
        question.after = world->model.tasks[below(world, world->model.count)].id;
    return question;
}

static void compare(struct world *world, struct view *view, const struct model *model)
{
    struct question question = ask(world);
    str got = answer_of_view(world, view, &question);
    str wanted = answer_of_model(view->arena, model, &question);
    if (!str_equal(got, wanted))
        fail_msg("\"%s\" of %lld after %lld, at most %zu: got %.*s, wanted %.*s", question.text,
                 (long long)question.owner.n, (long long)question.after.n, question.max,
                 STR_ARG(got), STR_ARG(wanted));
}

/* ---- doing ---- */

static str some_text(struct world *world, struct arena *arena)
{
    AUTO(buffer_done) struct buffer text = {0};
    for (uint64_t words = below(world, 6); words > 0; words--)
        buffer_format(&text, "%s%s", text.len == 0 ? "" : ", ",
                      vocabulary[below(world, 1 + below(world, ARRAY_LEN(vocabulary)))]);
    return text.len == 0 ? STR("") : str_copy(arena, buffer_text(&text));
}

static void add(struct world *world, struct change *change, struct model *model)
{
    struct task task = {
        .owner = {1 + (int64_t)(below(world, 8) % OWNERS)},
        .text = some_text(world, &world->place->arena),
        .is_done = below(world, 2) == 0,
    };
    change_new(change, &task_type, &task);
    change_put(change, &task_type, &task);
    model->tasks[model->count++] = task;
}

static void write_once(struct world *world, struct change *change, struct model *model)
{
    uint64_t which = below(world, 10);
    if (model->count == 0 || (which < 3 && model->count < TASKS_MAX)) {
        add(world, change, model);
        return;
    }
    struct task *task = &model->tasks[below(world, model->count)];
    if (which < 8) {
        if (which < 5)
            task->text = some_text(world, &world->place->arena);
        else if (which == 5)
            task->is_done = !task->is_done;
        else if (which == 6)
            task->owner = (doc_id){1 + (int64_t)below(world, OWNERS)};
        else
            task->size = (struct maybe_int){(int64_t)below(world, 9), true}; /* not searched */
        change_put(change, &task_type, task);
        return;
    }
    change_remove(change, &task_type, task->id);
    *task = model->tasks[--model->count];
}

static void run_batch(struct world *world, size_t most)
{
    struct place *place = world->place;
    struct batch *batch = place_begin(place);
    AUTO(arena_done) struct arena arena = {0};
    struct model *copy = memory_new(sizeof(*copy));
    for (uint64_t count = below(world, 4) == 0 ? 3 : 1; count > 0; count--) {
        struct change change;
        *copy = world->model;
        change_begin(batch, &arena, &change);
        for (uint64_t steps = below(world, most); steps > 0; steps--)
            write_once(world, &change, copy);
        compare(world, &change.view, copy);
        if (below(world, 4) == 0) {
            change_drop(&change);
        } else {
            assert_true(change_accept(&change));
            world->model = *copy;
        }
    }
    free(copy);
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

/* Answers that no write hit must be the same today; and most that are hit are not. */
static void check_watched(struct world *world)
{
    for (size_t i = 0; i < WATCHED; i++) {
        struct watched *watched = &world->watched[i];
        if (!watched->is_used)
            continue;
        AUTO(arena_done) struct arena arena = {0};
        struct view view = look(world->place, &arena);
        str now = answer_of_view(world, &view, &watched->question);
        view_end(&view);
        bool is_same = str_equal(now, watched->answer);
        bool is_hit =
            read_set_is_hit(watched->reads, world->place->writes, world->place->write_count);
        if (!is_hit && !is_same)
            fail_msg("\"%s\": not hit, but %.*s became %.*s", watched->question.text,
                     STR_ARG(watched->answer), STR_ARG(now));
        world->hits += is_hit;
        world->misses += !is_hit;
        world->same += is_hit && is_same;
        if (is_hit) {
            arena_done(&watched->arena);
            watched->is_used = false;
        }
    }
}

static void watch(struct world *world)
{
    struct watched *watched = &world->watched[below(world, WATCHED)];
    arena_done(&watched->arena);
    *watched = (struct watched){.question = ask(world), .is_used = true};
    struct view view = look(world->place, &watched->arena);
    watched->answer = answer_of_view(world, &view, &watched->question);
    watched->reads = view_read_set(&view);
    view_end(&view);
}

static void run(struct place *place, uint64_t seed, size_t first, int rounds, size_t tail)
{
    struct world *world = memory_zeroed(sizeof(*world));
    struct fault fault;
    store_close(place->store);
    place->search_tail = tail;
    assert_true(place_open(place, &people_schema, &fault));
    world->place = place;
    random_init_seeded(&world->random, seed);
    struct batch *batch = place_begin(place);
    struct change change;
    change_begin(batch, &place->arena, &change);
    for (size_t i = 0; i < first; i++)
        add(world, &change, &world->model);
    assert_true(change_accept(&change));
    place_commit(batch);
    for (int i = 0; i < rounds; i++) {
        run_batch(world, 6);
        check_watched(world);
        AUTO(arena_done) struct arena arena = {0};
        struct view view = look(place, &arena);
        for (int k = 0; k < 3; k++)
            compare(world, &view, &world->model);
        view_end(&view);
        watch(world);
        watch(world);
    }
    size_t asked_for = (size_t)rounds; /* or it proves little */
    if (world->hits < asked_for / 4 || world->misses < asked_for || world->tired < asked_for)
        fail_msg("%zu hit, %zu not, %zu gave up", world->hits, world->misses, world->tired);
    if (world->same * 2 > world->hits)
        fail_msg("%zu of %zu were hit by what does not concern them", world->same, world->hits);
    for (size_t i = 0; i < WATCHED; i++)
        arena_done(&world->watched[i].arena);
    free(world);
}

static void a_search_answers_as_a_filter_over_all_does(void **state)
{
    run(*state, 1, 60, 250, 4);
}

static void a_search_of_many_answers_so_too(void **state)
{
    run(*state, 2, 4000, 30, 0);
}

/* ---- opening ---- */

static void what_was_there_before_is_found_as_well(void **state)
{
    struct place *place = *state;
    struct doc_type plain = task_type;
    plain.search = NULL;
    const struct doc_type *const types[] = {&person_type, &plain};
    struct schema before = {types, 2, 0};
    struct fault fault = {0};
    store_close(place->store);
    place->store = NULL;
    assert_true(place_open(place, &before, &fault));
    AUTO(arena_done) struct arena arena = {0};
    for (int i = 0; i < OLD; i += OLD / 3) {
        struct batch *batch = place_begin(place);
        struct change change;
        change_begin(batch, &arena, &change);
        for (int k = i; k < i + OLD / 3; k++) {
            str text = k % 100 == 7 ? STR("a red kite") : STR("a sea");
            struct task task = {.owner = {1 + k % 2}, .text = text};
            change_new(&change, &plain, &task);
            change_put(&change, &plain, &task);
        }
        assert_true(change_accept(&change));
        place_commit(batch);
    }

    place_reopen(place);
    place_reopen(place); /* nothing is left to do */
    struct view view = look(place, &arena);
    struct search search;
    struct task task;
    size_t count = 0;
    view_search(&view,
                &(struct search_for){.type = &task_type,
                                     .filters = KEY(key_id((doc_id){2})),
                                     .terms = search_terms(&arena, STR("kite red"), NULL, 0)},
                &search);
    while (search_next(&search, &task)) {
        expect_text(task.text, "a red kite");
        count++;
    }
    assert_false(view.is_failed);
    assert_int_equal(count, OLD / 100);
    view_end(&view);
}

/* Other filters: by whether it is done, not by owner. And back. */
static void a_search_that_is_declared_otherwise_is_made_anew(void **state)
{
    struct place *place = *state;
    struct doc_type other = task_type;
    static const struct search_fields by_done = {.fields = {"text"}, .filters = {"isDone"}};
    other.search = &by_done;
    const struct doc_type *const types[] = {&person_type, &other};
    struct schema schema = {types, 2, 0};
    struct fault fault = {0};
    struct task first = task_add(place, (doc_id){1}, "a red kite", 1);
    struct task second = task_add(place, (doc_id){2}, "a red sea", 1);
    store_close(place->store);
    place->store = NULL;
    assert_true(place_open(place, &schema, &fault));
    AUTO(arena_done) struct arena arena = {0};
    struct search_for what = {.type = &other, .filters = KEY(key_bool(false))};
    struct view view = look(place, &arena);
    struct search search;
    doc_id id;
    what.terms = search_terms(&arena, STR("red"), NULL, 0);
    view_search(&view, &what, &search);
    assert_true(search_next_id(&search, &id) && id.n == second.id.n);
    assert_true(search_next_id(&search, &id) && id.n == first.id.n);
    assert_false(search_next_id(&search, &id));
    view_end(&view);

    place_reopen(place);
    view = look(place, &arena);
    what.type = &task_type;
    what.filters = KEY(key_id((doc_id){2}));
    view_search(&view, &what, &search);
    assert_true(search_next_id(&search, &id) && id.n == second.id.n);
    assert_false(search_next_id(&search, &id));
    view_end(&view);
}

static void what_is_not_searched_hits_no_search(void **state)
{
    struct place *place = *state;
    struct task task = task_add(place, (doc_id){1}, "a red kite", 1);
    AUTO(arena_done) struct arena arena = {0};
    struct view view = look(place, &arena);
    struct search search;
    doc_id id;
    view_search(&view,
                &(struct search_for){.type = &task_type,
                                     .filters = KEY(key_id((doc_id){1})),
                                     .terms = search_terms(&arena, STR("sea"), NULL, 0)},
                &search);
    assert_false(search_next_id(&search, &id));
    struct read_set reads = view_read_set(&view);
    view_end(&view);

    task_add(place, (doc_id){1}, "a blue kite", 1);
    assert_false(read_set_is_hit(reads, place->writes, place->write_count));
    task_add(place, (doc_id){2}, "a sea", 1);
    assert_false(read_set_is_hit(reads, place->writes, place->write_count));
    task.text = STR("a red kite by the Sea");
    struct batch *batch = place_begin(place);
    struct change change;
    change_begin(batch, &place->arena, &change);
    change_put(&change, &task_type, &task);
    assert_true(change_accept(&change));
    place_commit(batch);
    assert_true(read_set_is_hit(reads, place->writes, place->write_count));
}

#define CASE(name, engine)                                                                         \
    cmocka_unit_test_prestate_setup_teardown(name, place_setup, place_teardown, engine)
#define BOTH(name) CASE(name, &on_memory), CASE(name, &on_sqlite)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_search_answers_as_a_filter_over_all_does),
        BOTH(a_search_of_many_answers_so_too),
        CASE(what_was_there_before_is_found_as_well, &on_sqlite),
        CASE(a_search_that_is_declared_otherwise_is_made_anew, &on_sqlite),
        BOTH(what_is_not_searched_hits_no_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

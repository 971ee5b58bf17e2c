/* SPDX-License-Identifier: Apache-2.0 */
/* One writer and two readers at once; run under the thread sanitizer as well. */
#include "people.h"

#include "base/random.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define PEOPLE 8
#define ROUNDS 300

struct scene {
    struct place *place;
    atomic_bool is_over;
    atomic_int looks;
};

/* The sum of all balances in one snapshot, by one index or the other. */
static int64_t sum(struct view *view, enum person_index index)
{
    struct scan scan;
    struct person person;
    int64_t total = 0;
    view_scan(view, index_at(person_type, index), (struct bounds){0},
              index == PERSON_BY_RANK ? ORDER_DOWN : ORDER_UP, &scan);
    while (scan_next(&scan, &person))
        total += person.balance.n;
    scan_end(&scan);
    return total;
}

static void *read_on(void *with)
{
    struct scene *scene = with;
    struct arena arena = {0};
    uint64_t last = 0;
    while (!atomic_load(&scene->is_over)) {
        struct view view;
        struct fault fault;
        uint64_t newest = store_newest(scene->place->store).n;
        if (!view_begin(scene->place->store, &arena, &view, &fault))
            abort();
        uint64_t ts = view_ts(&view).n;
        /* Never back, and nothing that was published is missing. */
        if (ts < last || ts < newest || sum(&view, PERSON_BY_EMAIL) != PEOPLE * 100 ||
            sum(&view, PERSON_BY_RANK) != PEOPLE * 100 || view.is_failed)
            abort();
        last = ts;
        view_end(&view);
        arena_reset(&arena);
        atomic_fetch_add(&scene->looks, 1);
    }
    arena_done(&arena);
    return NULL;
}

static void transfer(struct place *place, struct batch *batch, struct random *random)
{
    struct change change;
    struct person from, to;
    change_begin(batch, &place->arena, &change);
    doc_id a = {1 + (int64_t)random_below(random, PEOPLE)};
    doc_id b = {1 + (a.n + (int64_t)random_below(random, PEOPLE - 1)) % PEOPLE};
    assert_true(view_row(&change.view, &person_type, a, &from));
    assert_true(view_row(&change.view, &person_type, b, &to));
    from.balance.n -= 7;
    to.balance.n += 7;
    change_put(&change, &person_type, &from);
    change_put(&change, &person_type, &to);
    assert_true(change_accept(&change));
}

static void readers_see_whole_commits_while_the_writer_writes(void **state)
{
    struct scene scene = {.place = *state};
    struct random random;
    random_init_seeded(&random, 5);
    for (int i = 0; i < PEOPLE; i++)
        person_add(scene.place, (const char *[]){"a", "b", "c", "d", "e", "f", "g", "h"}[i], 100);
    pthread_t readers[2];
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &scene), 0);
    for (int i = 0; i < ROUNDS || atomic_load(&scene.looks) < ROUNDS / 4; i++) {
        struct batch *batch = place_begin(scene.place);
        for (int k = 0; k < 5; k++)
            transfer(scene.place, batch, &random);
        scene.place->now.us += 1000;
        place_commit(batch);
        store_idle(scene.place->store);
        arena_reset(&scene.place->arena);
    }
    atomic_store(&scene.is_over, true);
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        pthread_join(readers[i], NULL);
}

#define CASE(name, engine)                                                                         \
    cmocka_unit_test_prestate_setup_teardown(name, place_setup, place_teardown, engine)
#define BOTH(name) CASE(name, &on_memory), CASE(name, &on_sqlite)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(readers_see_whole_commits_while_the_writer_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The sweep on a real folder of blobs and a store in memory with the studio's types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "blob/folder.h"
#include "serve/sweep.h"
#include "studio/generations.h"
#include "studio/studio.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct scene {
    char folder[64];
    struct random random;
    struct blobs *blobs;
    struct store *store;
    struct fault fault;
};

static int set_up(void **state)
{
    struct scene *scene = memory_zeroed(sizeof(*scene));
    snprintf(scene->folder, sizeof(scene->folder), "/tmp/test-sweep-XXXXXX");
    const struct store_options options = {
        .engine = STORE_MEMORY, .schema = &studio_schema, .now = clock_now()};
    random_init_seeded(&scene->random, 3);
    *state = scene;
    return mkdtemp(scene->folder) != NULL &&
                   blobs_open(scene->folder, clock_now(), &scene->blobs, &scene->fault) &&
                   store_open(&options, &scene->store, &scene->fault)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    store_close(scene->store);
    blobs_close(scene->blobs);
    folder_remove(AT_FDCWD, scene->folder);
    free(scene);
    return 0;
}

static struct blob_info blob_make(struct scene *scene)
{
    struct blob_writer writer;
    struct blob_info info;
    assert_true(blob_create(scene->blobs, &scene->random, &writer, &scene->fault));
    assert_true(blob_write(&writer, bytes_of(STR("x")), &scene->fault));
    assert_true(blob_finish(&writer, &info, &scene->fault));
    return info;
}

static void row_put_one(struct scene *scene, const struct doc_type *type, void *row)
{
    AUTO(arena_done) struct arena arena = {0};
    struct batch *batch;
    struct change change;
    commit_ts ts;
    assert_true(batch_begin(scene->store, clock_now(), &batch, &scene->fault));
    change_begin(batch, &arena, &change);
    change_new(&change, type, row);
    change_put(&change, type, row);
    assert_true(change_accept(&change));
    assert_true(batch_commit(batch, &ts, &scene->fault));
}

static void file_row(struct scene *scene, const char *id, bool is_doomed)
{
    struct file file = {
        .storage_id = str_of(id),
        .owner_id = {1},
        .content_type = STR("image/png"),
        .sha256 = STR("0000000000000000000000000000000000000000000000000000000000000000"),
        .size_bytes = 1,
        .name = STR("x"),
        .is_doomed = is_doomed,
        .created_at = clock_now(),
    };
    row_put_one(scene, &file_type, &file);
}

static void output_row(struct scene *scene, int64_t generation, const char *id)
{
    struct output output = {
        .generation_id = {generation},
        .state = id == NULL ? OUTPUT_WAITING : OUTPUT_MADE,
        .storage_id = str_of(id),
    };
    row_put_one(scene, &output_type, &output);
}

static bool is_there(struct scene *scene, const char *id)
{
    int64_t size;
    int fd;
    if (!blob_open(scene->blobs, str_of(id), &fd, &size, &scene->fault))
        return false;
    close(fd);
    return true;
}

static size_t pass(struct scene *scene, instant before)
{
    size_t removed = 0;
    assert_true(sweep_pass(scene->store, scene->blobs, before, NULL, &removed, &scene->fault));
    return removed;
}

static instant soon(void)
{
    return instant_add(clock_now(), SECONDS(10));
}

static void what_no_row_names_goes_and_all_else_stays(void **state)
{
    struct scene *scene = *state;
    struct blob_info file = blob_make(scene), doomed = blob_make(scene), made = blob_make(scene),
                     lost = blob_make(scene), lost_too = blob_make(scene);
    file_row(scene, file.id, false);
    file_row(scene, doomed.id, true); /* its own job removes it */
    output_row(scene, 1, made.id);
    output_row(scene, 2, NULL);
    assert_int_equal(pass(scene, soon()), 2);
    assert_true(is_there(scene, file.id));
    assert_true(is_there(scene, doomed.id));
    assert_true(is_there(scene, made.id));
    assert_false(is_there(scene, lost.id));
    assert_false(is_there(scene, lost_too.id));
    assert_int_equal(pass(scene, soon()), 0);
}

static void what_is_young_stays(void **state)
{
    struct scene *scene = *state;
    struct blob_info young = blob_make(scene);
    assert_int_equal(pass(scene, (instant){clock_now().us - 2000000}), 0);
    assert_true(is_there(scene, young.id));
}

static void outputs_on_their_way_are_known_however_many_there_are(void **state)
{
    struct scene *scene = *state;
    struct blob_info made[3];
    const int64_t many = 9000; /* more than one view reads */
    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        made[i] = blob_make(scene);
    blob_make(scene);

    AUTO(arena_done) struct arena arena = {0};
    struct batch *batch;
    struct change change;
    commit_ts ts;
    assert_true(batch_begin(scene->store, clock_now(), &batch, &scene->fault));
    change_begin(batch, &arena, &change);
    for (int64_t i = 0; i < many; i++) {
        struct output output = {.generation_id = {i + 1}, .state = OUTPUT_WAITING};
        if (i % 4000 == 0)
            output.storage_id = str_of(made[i / 4000].id);
        change_new(&change, &output_type, &output);
        change_put(&change, &output_type, &output);
    }
    assert_true(change_accept(&change));
    assert_true(batch_commit(batch, &ts, &scene->fault));

    assert_int_equal(pass(scene, soon()), 1);
    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        assert_true(is_there(scene, made[i].id));
}

static void what_is_pinned_for_a_backup_waits_for_the_next_pass(void **state)
{
    struct scene *scene = *state;
    struct blob_info lost = blob_make(scene);
    assert_true(blobs_pin(scene->blobs, &scene->fault));
    assert_int_equal(pass(scene, soon()), 0);
    assert_true(is_there(scene, lost.id));
    blobs_unpin(scene->blobs);
    assert_int_equal(pass(scene, soon()), 1);
}

static void a_sweep_that_is_stopped_stops_at_once(void **state)
{
    struct scene *scene = *state;
    struct blob_info young = blob_make(scene);
    instant begun = clock_monotonic();
    struct sweep *sweep = sweep_start(scene->store, scene->blobs);
    assert_non_null(sweep);
    sweep_stop(sweep);
    assert_true(instant_since(clock_monotonic(), begun).us < 5000000);
    assert_true(is_there(scene, young.id)); /* younger than the process, less a margin */
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(what_no_row_names_goes_and_all_else_stays),
        CLAIM(what_is_young_stays),
        CLAIM(outputs_on_their_way_are_known_however_many_there_are),
        CLAIM(what_is_pinned_for_a_backup_waits_for_the_next_pass),
        CLAIM(a_sweep_that_is_stopped_stops_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

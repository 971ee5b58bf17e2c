/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "check.h"
#include "house.h"

#include "base/log.h"
#include "studio/renditions.h"
#include "studio/users.h"

#include <string.h>

struct stage {
    struct house *house;
    struct asset asset;
    int blobs; /* made so far */
    int width; /* of the next rendition */
    bool is_kept;
    struct file file;
};

static struct stored_file blob_new(struct call *call, struct stage *stage)
{
    str hash = str_format(call->arena, "%064d", ++stage->blobs);
    return (struct stored_file){
        .storage_id = str_format(call->arena, "%032d", stage->blobs),
        .content_type = STR("image/webp"),
        .size = 1000,
        .sha256 = hash,
    };
}

static void make_asset(struct call *call, void *context)
{
    struct stage *stage = context;
    struct stored_file original = blob_new(call, stage);
    struct asset asset = {
        .user_id =
            user_ensure(call, STR("atelier|a"), STR("a"), STR("a@example.org"), STR("Alice")),
        .type = MEDIA_IMAGE,
        .mime_type = STR("image/webp"),
        .size_bytes = 1000,
        .stored_bytes = 1000,
        .storage_id = original.storage_id,
        .created_at = call->now,
        .updated_at = call->now,
    };
    file_put(call, asset.user_id, &original, STR("a kite.webp"));
    row_new(call, &asset_type, &asset);
    row_put(call, &asset_type, &asset);
    stage->asset = (struct asset){.id = asset.id, .user_id = asset.user_id};
}

static str variant_of(struct call *call, const struct stage *stage)
{
    return stage->width == 0 ? (str){0} : str_format(call->arena, "w%d", stage->width);
}

static void put(struct call *call, void *context)
{
    struct stage *stage = context;
    struct stored_file blob = blob_new(call, stage);
    stage->is_kept = file_put_rendition(call, &stage->asset, RENDITION_RESIZED,
                                        variant_of(call, stage), &blob, &stage->file);
    stage->file.storage_id = stage->file.name = (str){0};
}

static void find(struct call *call, void *context)
{
    struct stage *stage = context;
    struct file file;
    stage->is_kept =
        file_rendition_find(call, &stage->asset, RENDITION_RESIZED, variant_of(call, stage), &file);
    stage->is_kept &= str_equal(file.name, STR("a kite.webp"));
}

static void remove_previews(struct call *call, void *context)
{
    struct stage *stage = context;
    renditions_remove(call, stage->asset.id, RENDITION_PREVIEW);
}

static void remove_asset(struct call *call, void *context)
{
    struct stage *stage = context;
    struct asset asset;
    row_get(call, &asset_type, stage->asset.id, &asset);
    asset_remove(call, &asset);
}

static size_t files_left(struct stage *stage)
{
    house_pass(stage->house, MINUTES(1));
    return rows_count(stage->house, &file_type);
}

static int open_stage(void **state)
{
    struct stage *stage = memory_zeroed(sizeof(*stage));
    log_set_level(LOG_ERROR + 1);
    stage->house = house_new(&(struct house_options){.engine = STORE_MEMORY, .seed = 3});
    house_do(stage->house, make_asset, stage);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    house_free(stage->house);
    free(stage);
    return 0;
}

static void a_rendition_is_found_by_kind_and_variant(void **state)
{
    struct stage *stage = *state;
    for (stage->width = 0; stage->width < 640; stage->width += 320) {
        house_do(stage->house, put, stage);
        assert_true(stage->is_kept);
        house_do(stage->house, find, stage);
        assert_true(stage->is_kept);
    }
    house_do(stage->house, find, stage);
    assert_false(stage->is_kept);
    house_do(stage->house, remove_previews, stage);
    assert_int_equal(files_left(stage), 3);
}

static void the_first_of_two_made_at_once_is_kept(void **state)
{
    struct stage *stage = *state;
    house_do(stage->house, put, stage);
    doc_id first = stage->file.id;
    house_do(stage->house, put, stage);
    assert_true(stage->is_kept && doc_id_equal(first, stage->file.id));
    assert_int_equal(files_left(stage), 2);
}

static void a_work_keeps_its_newest_renditions(void **state)
{
    struct stage *stage = *state;
    for (stage->width = 1; stage->width <= RENDITIONS_MAX + 3; stage->width++)
        house_do(stage->house, put, stage);
    assert_int_equal(files_left(stage), RENDITIONS_MAX + 1);
    stage->width = 3;
    house_do(stage->house, find, stage);
    assert_false(stage->is_kept);
    stage->width = 4;
    house_do(stage->house, find, stage);
    assert_true(stage->is_kept);
}

static void renditions_go_with_their_work(void **state)
{
    struct stage *stage = *state;
    for (stage->width = 0; stage->width < RENDITIONS_MAX; stage->width++)
        house_do(stage->house, put, stage);
    house_do(stage->house, remove_asset, stage);
    house_do(stage->house, find, stage);
    assert_false(stage->is_kept);
    assert_int_equal(files_left(stage), 0);
}

static void what_is_made_of_a_work_that_is_gone_goes_too(void **state)
{
    struct stage *stage = *state;
    house_do(stage->house, remove_asset, stage);
    house_do(stage->house, put, stage);
    assert_false(stage->is_kept);
    assert_int_equal(files_left(stage), 0);
}

#define MANY 200 /* what assets:deleteAssets takes at once */

static void make_many(struct call *call, void *context)
{
    struct stage *stage = context;
    struct asset asset;
    make_asset(call, stage);
    row_get(call, &asset_type, stage->asset.id, &asset);
    for (int i = 0; i < RENDITIONS_MAX; i++) {
        struct stored_file blob = blob_new(call, stage);
        file_put_rendition(call, &asset, RENDITION_RESIZED, str_format(call->arena, "w%d", i),
                           &blob, NULL);
    }
}

static void remove_many(struct call *call, void *context)
{
    struct stage *stage = context;
    struct asset *assets = arena_array(call->arena, struct asset, MANY);
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&asset_type, "by_user"),
              (struct bounds){.prefix = KEY(key_id(stage->asset.user_id))}, ORDER_UP, &scan);
    while (count < MANY && scan_next(&scan, &assets[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        asset_remove(call, &assets[i]);
}

/* house_do ends the process if the change is larger than a change may be. */
static void many_works_with_all_their_renditions_go_in_one_change(void **state)
{
    struct stage *stage = *state;
    for (int i = 1; i < MANY; i++)
        house_do(stage->house, make_many, stage);
    house_do(stage->house, remove_many, stage);
    assert_int_equal(rows_count(stage->house, &asset_type), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_rendition_is_found_by_kind_and_variant),
        TEST(the_first_of_two_made_at_once_is_kept),
        TEST(a_work_keeps_its_newest_renditions),
        TEST(renditions_go_with_their_work),
        TEST(many_works_with_all_their_renditions_go_in_one_change),
        TEST(what_is_made_of_a_work_that_is_gone_goes_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "check.h"
#include "house.h"

#include "base/log.h"
#include "studio/audit.h"
#include "studio/generations.h"
#include "studio/users.h"

#include <string.h>

#define WORKS 30
#define PART 7 /* works counted at once */

struct stage {
    struct house *house;
    doc_id user, works[WORKS + 1];
    size_t count;
    struct storage_meter meter;
    bool is_over, was_wrong;
    struct arena arena;
};

/* Every second is a film, every third marked, every fifth made here. */
static void make_work(struct call *call, void *context)
{
    struct stage *stage = context;
    int64_t nth = (int64_t)stage->count;
    struct asset asset = {
        .user_id = stage->user,
        .generation_id = {nth % 5 == 0 ? 1 : 0},
        .type = nth % 2 == 0 ? MEDIA_IMAGE : MEDIA_VIDEO,
        .mime_type = STR("image/webp"),
        .size_bytes = 100,
        .stored_bytes = 100 + nth,
        .storage_id = str_format(call->arena, "%032lld", (long long)nth),
        .is_favorite = nth % 3 == 0,
        .created_at = call->now,
        .updated_at = call->now,
    };
    row_new(call, &asset_type, &asset);
    row_put(call, &asset_type, &asset);
    storage_take(call, &asset);
    stage->works[stage->count++] = asset.id;
}

static void make_user(struct call *call, void *context)
{
    struct stage *stage = context;
    stage->user = user_ensure(call, STR("atelier|a"), STR("a"), STR("a@example.org"), STR("Alice"));
    for (size_t i = 0; i < WORKS; i++)
        make_work(call, stage);
}

static void look(struct call *call, void *context)
{
    struct stage *stage = context;
    stage->meter = storage_meter_of(call, stage->user);
    stage->meter.count = NULL;
}

static void harm(struct call *call, void *context)
{
    struct stage *stage = context;
    struct storage_meter meter = storage_meter_of(call, stage->user);
    meter.sums = stage->meter.sums;
    meter.reserved_bytes = stage->meter.reserved_bytes;
    meter.has_marks = stage->meter.has_marks;
    row_put(call, &storage_meter_type, &meter);
}

static void count_part(struct call *call, void *context)
{
    struct stage *stage = context;
    bool was_wrong;
    stage->is_over = storage_recount(call, stage->user, PART, &was_wrong);
    stage->was_wrong |= was_wrong;
}

static void remove_two(struct call *call, void *context)
{
    struct stage *stage = context;
    struct asset asset;
    row_get(call, &asset_type, stage->works[3], &asset);
    asset_remove(call, &asset);
    row_get(call, &asset_type, stage->works[WORKS - 2], &asset);
    asset_remove(call, &asset);
}

static void count_all(struct stage *stage)
{
    stage->is_over = stage->was_wrong = false;
    while (!stage->is_over)
        house_do(stage->house, count_part, stage);
}

static struct storage_meter meter_now(struct stage *stage)
{
    house_do(stage->house, look, stage);
    return stage->meter;
}

static int open_stage(void **state)
{
    struct stage *stage = memory_zeroed(sizeof(*stage));
    log_set_level(LOG_ERROR + 1);
    stage->house = house_new(&(struct house_options){.engine = STORE_MEMORY, .seed = 3});
    house_do(stage->house, make_user, stage);
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

static void a_meter_that_is_right_is_left_alone(void **state)
{
    struct stage *stage = *state;
    struct storage_meter was = meter_now(stage);
    assert_int_equal(was.sums.images, 15);
    assert_int_equal(was.sums.favorite_images, 5);
    assert_int_equal(was.sums.favorite_uploaded_images, 4);
    assert_int_equal(was.sums.bytes, 30 * 100 + 29 * 30 / 2);
    count_all(stage);
    struct storage_meter is = meter_now(stage);
    assert_false(stage->was_wrong);
    assert_memory_equal(&was, &is, sizeof(is));
    assert_int_equal(rows_count(stage->house, &audit_type), 0);
}

static void each_number_that_is_wrong_is_set_right(void **state)
{
    struct stage *stage = *state;
    struct storage_meter right = meter_now(stage);
    int64_t *numbers = (int64_t *)&stage->meter.sums;
    for (size_t i = 0; i < sizeof(right.sums) / sizeof(int64_t); i++) {
        stage->meter = right;
        numbers[i] += i % 2 == 0 ? 1 : -1;
        house_do(stage->house, harm, stage);
        count_all(stage);
        struct storage_meter is = meter_now(stage);
        assert_true(stage->was_wrong);
        assert_memory_equal(&right, &is, sizeof(is));
        assert_int_equal(rows_count(stage->house, &audit_type), i + 1);
    }
}

static void room_kept_for_nothing_is_given_back(void **state)
{
    struct stage *stage = *state;
    meter_now(stage);
    stage->meter.reserved_bytes = 5000;
    house_do(stage->house, harm, stage);
    count_all(stage);
    assert_true(stage->was_wrong);
    assert_int_equal(meter_now(stage).reserved_bytes, 0);
}

static void a_meter_from_before_marks_gets_them_without_a_word(void **state)
{
    struct stage *stage = *state;
    struct storage_meter right = meter_now(stage);
    stage->meter.sums = (struct storage_sums){
        .bytes = right.sums.bytes, .images = right.sums.images, .videos = right.sums.videos};
    stage->meter.has_marks = false;
    house_do(stage->house, harm, stage);
    count_all(stage);
    struct storage_meter is = meter_now(stage);
    assert_false(stage->was_wrong);
    assert_memory_equal(&right, &is, sizeof(is));
}

static void works_may_come_and_go_while_they_are_counted(void **state)
{
    struct stage *stage = *state;
    struct storage_meter right = meter_now(stage);
    stage->meter.sums.bytes = 1;
    house_do(stage->house, harm, stage);
    house_do(stage->house, count_part, stage);
    house_do(stage->house, count_part, stage);
    assert_false(stage->is_over);
    house_do(stage->house, remove_two, stage);
    house_do(stage->house, make_work, stage);
    count_all(stage);
    int64_t changed = 100 + WORKS - (100 + 3) - (100 + WORKS - 2);
    assert_int_equal(meter_now(stage).sums.bytes, right.sums.bytes + changed);
    assert_int_equal(stage->meter.sums.videos, 14);
    assert_int_equal(stage->meter.sums.images, 15);
    count_all(stage);
    assert_false(stage->was_wrong);
}

static void every_night_everybody_is_counted(void **state)
{
    struct stage *stage = *state;
    struct storage_meter right = meter_now(stage);
    stage->meter.sums.images = 99;
    house_do(stage->house, harm, stage);
    house_pass(stage->house, DAYS(1));
    struct storage_meter is = meter_now(stage);
    assert_memory_equal(&right, &is, sizeof(is));
}

static void sizes_are_told_in_three_digits(void **state)
{
    struct stage *stage = *state;
    struct arena *arena = &stage->arena;
    assert_string_equal(storage_words(arena, 0).at, "0 bytes");
    assert_string_equal(storage_words(arena, 1023).at, "1023 bytes");
    assert_string_equal(storage_words(arena, 1024).at, "1 kB");
    assert_string_equal(storage_words(arena, 47395635).at, "45.2 MB");
    assert_string_equal(storage_words(arena, INT64_C(524288000)).at, "500 MB");
    assert_string_equal(storage_words(arena, INT64_C(1073700000)).at, "1 GB");
    assert_string_equal(storage_words(arena, INT64_C(1) << 50).at, "1024 TB");
    arena_done(arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_meter_that_is_right_is_left_alone),
        TEST(each_number_that_is_wrong_is_set_right),
        TEST(room_kept_for_nothing_is_given_back),
        TEST(a_meter_from_before_marks_gets_them_without_a_word),
        TEST(works_may_come_and_go_while_they_are_counted),
        TEST(every_night_everybody_is_counted),
        TEST(sizes_are_told_in_three_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

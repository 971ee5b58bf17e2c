/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "media/worker/resample.h"

#define SIDE_MAX 300

static uint8_t from[SIDE_MAX * SIDE_MAX * 3], into[SIDE_MAX * SIDE_MAX * 3];
static int bands, width, rows_read, rows_there;

static bool read_rows(void *context, int y, int count, uint8_t *const *rows)
{
    assert_int_equal(y, rows_read); /* from above, each once */
    size_t stride = (size_t)(width * bands);
    for (int i = 0; i < count; i++)
        memcpy(rows[i], from + (size_t)(y + i) * stride, stride);
    rows_read += count;
    return rows_read <= rows_there;
}

static bool run(int in_width, int in_height, int out_width, int out_height)
{
    struct row_source in = {.read = read_rows, .width = in_width, .height = in_height};
    struct pixels out = {into, out_width, out_height, bands};
    width = in_width;
    rows_read = 0;
    return resample(&in, &out);
}

static void any_size_can_be_made_of_any(void **state)
{
    static const int sides[] = {1, 2, 7, 8, 9, 16, 17, 31, 64, 100, 299, 300};
    memset(from, 77, sizeof(from));
    rows_there = SIDE_MAX;
    for (bands = 1; bands <= 3; bands += 2)
        for (size_t i = 0; i < ARRAY_LEN(sides); i++)
            for (size_t k = 0; k < ARRAY_LEN(sides); k++) {
                size_t last = (size_t)(sides[k] * sides[i] * bands) - 1;
                assert_true(run(sides[i], sides[k], sides[k], sides[i]));
                assert_int_equal(rows_read, sides[k]); /* the whole input was looked at */
                assert_int_equal(into[0], 77);         /* what is even stays as it is */
                assert_int_equal(into[last / 2], 77);
                assert_int_equal(into[last], 77);
            }
}

static void light_rises_as_it_did(void **state)
{
    bands = 3;
    rows_there = SIDE_MAX;
    for (int y = 0; y < 256; y++)
        for (int x = 0; x < 256; x++) {
            uint8_t *at = from + (y * 256 + x) * 3;
            at[0] = (uint8_t)x;
            at[1] = (uint8_t)y;
            at[2] = (uint8_t)(x % 2 == 0 ? 0 : 200); /* too fine to be seen */
        }
    assert_true(run(256, 256, 64, 32));
    for (int y = 2; y < 30; y++)
        for (int x = 3; x < 61; x++) {
            const uint8_t *at = into + (y * 64 + x) * 3;
            assert_in_range(at[0], x * 4, x * 4 + 3);
            assert_in_range(at[1], y * 8 + 2, y * 8 + 5);
            assert_in_range(at[2], 96, 104);
        }
}

static void what_is_damaged_below_is_damaged(void **state)
{
    bands = 3;
    rows_there = 199;
    assert_false(run(300, 200, 30, 20));
    rows_there = 200;
    assert_true(run(300, 200, 30, 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_size_can_be_made_of_any),
        cmocka_unit_test(light_rises_as_it_did),
        cmocka_unit_test(what_is_damaged_below_is_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

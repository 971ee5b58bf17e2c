/* SPDX-License-Identifier: Apache-2.0 */
/* The painter itself, built with this build's sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "media/worker/paint.h"

/* One for each family of composition, with every motif somewhere. */
static const char *const prompts[] = {
    "misty alps at dawn with birds",
    "sailboat and gulls by moonlight",
    "a lighthouse in a stormy bay",
    "big waves in rain",
    "city skyline at night",
    "a pine forest in fog",
    "camellias in a dark garden",
    "still life with fruit",
    "jazz dancers",
    "planets in orbit",
    "a woven blanket",
    "wind over wheat",
    "red dunes under stars",
    "an empty piazza with arches",
    "portrait of a king in a blue hat",
    "koi in a pond",
    "aurora over snowy mountains",
    "xyzzy",
    "",
};

static void paint(const char *prompt, int width, int height, float phase, uint8_t *rgb)
{
    struct paint_order order = {
        .prompt = prompt,
        .seed = 3,
        .width = width,
        .height = height,
        .steps = 50,
        .guidance = 7.5F,
    };
    struct painting *painting = painting_new(&order);
    assert_true(painting_frame(painting, phase, rgb, NULL, NULL));
    painting_free(painting);
}

/* How far the samples spread: an even picture has none. */
static double spread_of(const uint8_t *rgb, size_t count)
{
    double sum = 0.0;
    double squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += rgb[i];
        squares += (double)rgb[i] * rgb[i];
    }
    double mean = sum / (double)count;
    return squares / (double)count - mean * mean;
}

static void every_family_paints_at_every_shape(void **state)
{
    static const int shapes[][2] = {{96, 96}, {160, 67}, {67, 160}};
    static uint8_t rgb[160 * 96 * 3];
    for (size_t i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++)
        for (size_t k = 0; k < 3; k++) {
            size_t len = (size_t)shapes[k][0] * (size_t)shapes[k][1] * 3;
            memset(rgb, 0, sizeof(rgb));
            paint(prompts[i], shapes[k][0], shapes[k][1], 0.0F, rgb);
            if (spread_of(rgb, len) < 60.0)
                fail_msg("\"%s\" is empty", prompts[i]);
        }
}

static void a_picture_is_the_same_every_time(void **state)
{
    static uint8_t one[80 * 80 * 3], other[80 * 80 * 3];
    for (size_t i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
        paint(prompts[i], 80, 80, 0.0F, one);
        paint(prompts[i], 80, 80, 0.0F, other);
        assert_memory_equal(one, other, sizeof(one));
    }
}

static void a_film_moves(void **state)
{
    static uint8_t one[80 * 80 * 3], other[80 * 80 * 3];
    for (size_t i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
        paint(prompts[i], 80, 80, 0.0F, one);
        paint(prompts[i], 80, 80, 0.25F, other);
        assert_memory_not_equal(one, other, sizeof(one));
    }
}

static void a_film_ends_where_it_began(void **state)
{
    static uint8_t one[80 * 80 * 3], other[80 * 80 * 3];
    for (size_t i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
        paint(prompts[i], 80, 80, 0.0F, one);
        paint(prompts[i], 80, 80, 1.0F, other);
        double apart = 0.0;
        for (size_t k = 0; k < sizeof(one); k++)
            apart += (double)abs(one[k] - other[k]) / (double)sizeof(one);
        if (apart > 1.0)
            fail_msg("\"%s\" jumps by %f", prompts[i], apart);
    }
}

/* Changes whenever the painter does: look at docs/sketches and then put the new sum here. That it
 * is one sum for every compiler, flag and machine is what this test is for. */
#define PAINTED_SUM 0x235335d4b45bab7dULL

static void every_compiler_paints_the_same(void **state)
{
    static uint8_t rgb[80 * 60 * 3];
    uint64_t sum = 0xcbf29ce484222325U;
    for (size_t i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
        paint(prompts[i], 80, 60, 0.4F, rgb);
        for (size_t k = 0; k < sizeof(rgb); k++)
            sum = (sum ^ rgb[k]) * 0x100000001b3U;
    }
    if (sum != PAINTED_SUM)
        fail_msg("painted 0x%llxULL", (unsigned long long)sum);
}

static bool stop(void *context, float fraction)
{
    (*(int *)context)++;
    return false;
}

static void progress_can_stop_the_work(void **state)
{
    static uint8_t rgb[80 * 80 * 3];
    struct paint_order order = {
        .prompt = "x", .width = 80, .height = 80, .steps = 10, .guidance = 5.0F};
    int calls = 0;
    struct painting *painting = painting_new(&order);
    assert_false(painting_frame(painting, 0.0F, rgb, stop, &calls));
    assert_int_equal(calls, 1);
    painting_free(painting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_paints_at_every_shape),
        cmocka_unit_test(a_picture_is_the_same_every_time),
        cmocka_unit_test(every_compiler_paints_the_same),
        cmocka_unit_test(a_film_moves),
        cmocka_unit_test(a_film_ends_where_it_began),
        cmocka_unit_test(progress_can_stop_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

static struct desk desk;
static int picture; /* 800 by 500 */

static struct media_request into(uint32_t width, uint32_t height, enum media_fit fit,
                                 enum media_type format)
{
    return (struct media_request){
        .verb = MEDIA_RESIZE,
        .input_fd = picture,
        .width = width,
        .height = height,
        .fit = fit,
        .format = format,
    };
}

static const struct media_output *resized(const struct media_request *request)
{
    struct ending *ending = desk_ask(&desk, request);
    if (ending->kind != MEDIA_EVENT_DONE)
        fail_msg("%s: %s", media_failure_name(ending->failure), ending->text);
    assert_int_equal(ending->facts.type, request->format);
    for (int i = 0; i < MEDIA_OUTPUT_COUNT; i++)
        assert_int_equal(ending->outputs[i].fd >= 0, i == MEDIA_RESIZED);
    return &ending->outputs[MEDIA_RESIZED];
}

static void expect_size(const struct media_request *request, uint32_t width, uint32_t height)
{
    resized(request);
    assert_int_equal(desk.endings[1].facts.width, width);
    assert_int_equal(desk.endings[1].facts.height, height);
}

static void a_picture_is_contained_in_the_box_or_covers_it(void **state)
{
    struct media_request request = into(200, 0, MEDIA_CONTAIN, MEDIA_JPEG);
    expect_size(&request, 200, 125);
    request = into(200, 100, MEDIA_CONTAIN, MEDIA_JPEG);
    expect_size(&request, 160, 100);
    request = into(200, 200, MEDIA_COVER, MEDIA_JPEG);
    expect_size(&request, 200, 200);
}

static void nothing_is_made_larger_than_it_is(void **state)
{
    struct media_request request = into(1600, 0, MEDIA_CONTAIN, MEDIA_WEBP);
    expect_size(&request, 800, 500);
    request = into(1600, 1600, MEDIA_COVER, MEDIA_WEBP);
    expect_size(&request, 800, 500);
}

static void each_format_is_what_it_says(void **state)
{
    static const struct {
        enum media_type format;
        const char *mime, *start;
        size_t at;
    } rows[] = {
        {MEDIA_JPEG, "image/jpeg", "\xff\xd8\xff", 0},
        {MEDIA_WEBP, "image/webp", "WEBP", 8},
        {MEDIA_AVIF, "image/avif", "ftypavif", 4},
        {MEDIA_PNG, "image/png", "\x89PNG", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct media_request request = into(96, 96, MEDIA_COVER, rows[i].format);
        const struct media_output *output = resized(&request);
        assert_string_equal(output->mime, rows[i].mime);
        AUTO(memory_free) uint8_t *data = desk_read(output);
        assert_memory_equal(data + rows[i].at, rows[i].start, strlen(rows[i].start));
    }
}

static void a_lower_quality_is_smaller(void **state)
{
    static const enum media_type formats[] = {MEDIA_JPEG, MEDIA_WEBP, MEDIA_AVIF};
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct media_request request = into(200, 0, MEDIA_CONTAIN, formats[i]);
        request.quality = 90;
        size_t large = resized(&request)->len;
        request.quality = 20;
        assert_true(resized(&request)->len < large);
    }
}

static void an_impossible_wish_is_refused_at_once(void **state)
{
    const struct media_request wrong[] = {
        into(MEDIA_RESIZE_MIN - 1, 0, MEDIA_CONTAIN, MEDIA_JPEG),
        into(MEDIA_RESIZE_MAX + 1, 0, MEDIA_CONTAIN, MEDIA_JPEG),
        into(100, MEDIA_RESIZE_MAX + 1, MEDIA_CONTAIN, MEDIA_JPEG),
        into(100, 0, MEDIA_COVER, MEDIA_JPEG),
        into(100, 100, MEDIA_FIT_NONE, MEDIA_JPEG),
        into(100, 100, MEDIA_CONTAIN, MEDIA_MP4),
        into(100, 100, MEDIA_CONTAIN, MEDIA_TYPE_NONE),
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct fault fault = {0};
        assert_false(media_submit(desk.media, &wrong[i], 1, &fault));
        assert_int_equal(fault.kind, FAULT_INPUT);
    }
    struct media_request request = into(100, 0, MEDIA_CONTAIN, MEDIA_JPEG);
    struct fault fault = {0};
    request.quality = 101;
    assert_false(media_submit(desk.media, &request, 1, &fault));
}

static int open_desk(void **state)
{
    desk_open(&desk, "ATELIER_MEDIA", 1);
    struct media_request order = desk_sketch("koi in a pond", 800, 500);
    struct ending *ending = desk_ask(&desk, &order);
    picture = take_fd(&ending->outputs[MEDIA_ORIGINAL].fd);
    return 0;
}

static int close_desk(void **state)
{
    close(picture);
    desk_close(&desk);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_is_contained_in_the_box_or_covers_it),
        cmocka_unit_test(nothing_is_made_larger_than_it_is),
        cmocka_unit_test(each_format_is_what_it_says),
        cmocka_unit_test(a_lower_quality_is_smaller),
        cmocka_unit_test(an_impossible_wish_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}

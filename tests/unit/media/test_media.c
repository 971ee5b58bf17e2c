/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <zlib.h>

static struct desk desk;

struct file {
    uint8_t data[1 << 16];
    size_t len;
};

static void add(struct file *file, const void *data, size_t len)
{
    assert_true(file->len + len <= sizeof(file->data));
    memcpy(file->data + file->len, data, len);
    file->len += len;
}

static void add_u32(struct file *file, uint32_t value)
{
    uint8_t four[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                      (uint8_t)value};
    add(file, four, 4);
}

static void add_chunk(struct file *file, const char *name, const void *data, size_t len)
{
    add_u32(file, (uint32_t)len);
    size_t from = file->len;
    add(file, name, 4);
    add(file, data, len);
    add_u32(file, (uint32_t)crc32(0, file->data + from, (uInt)(file->len - from)));
}

/* A PNG with a header of this size and as many rows of translucent noise as asked. */
static void make_png(struct file *file, uint32_t width, uint32_t height, uint32_t rows)
{
    static uint8_t raw[1 << 18], packed[1 << 15];
    struct file head = {0};
    file->len = 0;
    add(file, "\x89PNG\r\n\x1a\n", 8);
    add_u32(&head, width);
    add_u32(&head, height);
    add(&head, "\x08\x06\0\0\0", 5);
    add_chunk(file, "IHDR", head.data, head.len);
    size_t row = 1 + 4 * (size_t)width;
    size_t len = rows * row;
    assert_true(len <= sizeof(raw));
    uint32_t chance = 7;
    for (size_t i = 0; i < len; i++) {
        chance = chance * 1664525U + 1013904223U;
        raw[i] = i % row == 0 ? 0 : width > 1000 ? 0x60 : (uint8_t)(chance >> 24);
    }
    uLongf packed_len = sizeof(packed);
    assert_int_equal(compress(packed, &packed_len, raw, len), Z_OK);
    add_chunk(file, "IDAT", packed, packed_len);
    add_chunk(file, "IEND", "", 0);
}

static void expect_failure(const struct ending *ending, enum media_failure failure,
                           const char *part)
{
    assert_int_equal(ending->kind, MEDIA_EVENT_FAILED);
    if (ending->failure != failure || strstr(ending->text, part) == NULL)
        fail_msg("%s: %s", media_failure_name(ending->failure), ending->text);
}

static void expect_done(const struct ending *ending)
{
    if (ending->kind != MEDIA_EVENT_DONE)
        fail_msg("%s: %s", media_failure_name(ending->failure), ending->text);
}

static uint8_t *sketched(const struct media_request *request, size_t *len)
{
    struct ending *ending = desk_ask(&desk, request);
    expect_done(ending);
    *len = ending->outputs[MEDIA_ORIGINAL].len;
    return desk_read(&ending->outputs[MEDIA_ORIGINAL]);
}

static void a_sketch_is_a_png_of_the_size_asked_for(void **state)
{
    struct media_request request = desk_sketch("a red kite over the sea", 320, 200);
    struct ending *ending = desk_ask(&desk, &request);
    expect_done(ending);
    assert_int_equal(ending->facts.type, MEDIA_PNG);
    assert_string_equal(ending->outputs[MEDIA_ORIGINAL].mime, "image/png");
    assert_true(ending->progress_count >= 3);
    AUTO(memory_free) uint8_t *png = desk_read(&ending->outputs[MEDIA_ORIGINAL]);
    ending = desk_look(&desk, MEDIA_PROBE, png, desk.endings[1].outputs[MEDIA_ORIGINAL].len);
    expect_done(ending);
    assert_int_equal(ending->facts.width, 320);
    assert_int_equal(ending->facts.height, 200);
    assert_int_equal(ending->facts.frames, 1);
    assert_int_equal(ending->outputs[MEDIA_THUMBNAIL].fd, -1);
}

static bool gives_the_same(const struct media_request *one, const struct media_request *other)
{
    size_t one_len, other_len;
    AUTO(memory_free) uint8_t *first = sketched(one, &one_len);
    AUTO(memory_free) uint8_t *second = sketched(other, &other_len);
    return one_len == other_len && memcmp(first, second, one_len) == 0;
}

static void the_same_order_gives_the_same_bytes(void **state)
{
    struct media_request one = desk_sketch("misty mountains at dawn", 256, 256);
    struct media_request other = one;
    assert_true(gives_the_same(&one, &other));
}

static void each_setting_changes_the_picture(void **state)
{
    struct media_request one = desk_sketch("misty mountains at dawn", 256, 256);
    struct media_request other = one;
    other.seed++;
    assert_false(gives_the_same(&one, &other));
    other = one;
    other.index++;
    assert_false(gives_the_same(&one, &other));
    other = one;
    other.prompt = STR("misty mountains at dusk");
    assert_false(gives_the_same(&one, &other));
    other = one;
    other.negative = STR("mist");
    assert_false(gives_the_same(&one, &other));
    other = one;
    other.steps = 50;
    assert_false(gives_the_same(&one, &other));
    other = one;
    other.guidance = 15.0F;
    assert_false(gives_the_same(&one, &other));
}

static void any_prompt_can_be_sketched(void **state)
{
    static char longest[3 * MEDIA_PROMPT_MAX];
    memset(longest, 'x', sizeof(longest) - 1);
    const char *const prompts[] = {"", "    ", "\xc3\xa9t\xc3\xa9 \xf0\x9f\x8c\x8a", "?!", longest};
    for (size_t i = 0; i < ARRAY_LEN(prompts); i++) {
        struct media_request request = desk_sketch(prompts[i], 64, 80);
        expect_done(desk_ask(&desk, &request));
    }
}

static void deriving_makes_thumbnail_blur_and_display(void **state)
{
    size_t len;
    struct media_request request = desk_sketch("koi in a pond", 800, 500);
    AUTO(memory_free) uint8_t *png = sketched(&request, &len);
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, png, len);
    expect_done(ending);
    assert_int_equal(ending->facts.width, 800);
    assert_int_equal(ending->outputs[MEDIA_POSTER].fd, -1);
    assert_int_equal(ending->outputs[MEDIA_ORIGINAL].fd, -1);
    assert_string_equal(ending->outputs[MEDIA_THUMBNAIL].mime, "image/jpeg");
    assert_string_equal(ending->outputs[MEDIA_DISPLAY].mime, "image/webp");
    assert_true(str_starts(str_of(ending->blur), STR("data:image/png;base64,")));
    assert_true(strlen(ending->blur) <= MEDIA_BLUR_MAX);

    size_t thumbnail_len = ending->outputs[MEDIA_THUMBNAIL].len;
    size_t display_len = ending->outputs[MEDIA_DISPLAY].len;
    AUTO(memory_free) uint8_t *thumbnail = desk_read(&ending->outputs[MEDIA_THUMBNAIL]);
    AUTO(memory_free) uint8_t *display = desk_read(&ending->outputs[MEDIA_DISPLAY]);
    assert_non_null(memmem(thumbnail, thumbnail_len, "\xff\xc2", 2)); /* progressive */
    ending = desk_look(&desk, MEDIA_PROBE, thumbnail, thumbnail_len);
    assert_int_equal(ending->facts.type, MEDIA_JPEG);
    assert_int_equal(ending->facts.width, 400);
    assert_int_equal(ending->facts.height, 250);
    ending = desk_look(&desk, MEDIA_PROBE, display, display_len);
    assert_int_equal(ending->facts.type, MEDIA_WEBP);
    assert_int_equal(ending->facts.width, 800);
    expect_done(desk_look(&desk, MEDIA_DERIVE, thumbnail, thumbnail_len));
    expect_done(desk_look(&desk, MEDIA_DERIVE, display, display_len));
}

static void transparency_stays_in_the_display(void **state)
{
    static struct file png;
    make_png(&png, 50, 40, 40);
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, png.data, png.len);
    expect_done(ending);
    assert_int_equal(ending->facts.has_alpha, 1);
    size_t len = ending->outputs[MEDIA_DISPLAY].len;
    AUTO(memory_free) uint8_t *webp = desk_read(&ending->outputs[MEDIA_DISPLAY]);
    ending = desk_look(&desk, MEDIA_PROBE, webp, len);
    assert_int_equal(ending->facts.has_alpha, 1);
    assert_int_equal(ending->facts.width, 50);
}

static void a_small_picture_is_not_enlarged(void **state)
{
    static struct file png;
    make_png(&png, 1, 1, 1);
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, png.data, png.len);
    expect_done(ending);
    size_t len = ending->outputs[MEDIA_THUMBNAIL].len;
    AUTO(memory_free) uint8_t *jpeg = desk_read(&ending->outputs[MEDIA_THUMBNAIL]);
    ending = desk_look(&desk, MEDIA_PROBE, jpeg, len);
    assert_int_equal(ending->facts.width, 1);
}

/* A JPEG lying on its side, as cameras write them, with a maker's name in it. */
static size_t make_turned_jpeg(uint8_t *out, size_t room)
{
    static const uint8_t exif[] = {0xff, 0xe1, 0, 46, 'E', 'x', 'i', 'f', 0, 0,    'M', 'M',
                                   0,    42,   0, 0,  0,   8,   0,   2,   1, 0x0f, 0,   2,
                                   0,    0,    0, 4,  'S', 'P', 'Y', 0,   1, 0x12, 0,   3,
                                   0,    0,    0, 1,  0,   6,   0,   0,   0, 0,    0,   0};
    size_t len;
    struct media_request request = desk_sketch("a pear", 120, 80);
    AUTO(memory_free) uint8_t *png = sketched(&request, &len);
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, png, len);
    expect_done(ending);
    len = ending->outputs[MEDIA_THUMBNAIL].len;
    AUTO(memory_free) uint8_t *jpeg = desk_read(&ending->outputs[MEDIA_THUMBNAIL]);
    assert_true(len + sizeof(exif) <= room);
    memcpy(out, jpeg, 2);
    memcpy(out + 2, exif, sizeof(exif));
    memcpy(out + 2 + sizeof(exif), jpeg + 2, len - 2);
    return len + sizeof(exif);
}

static void a_turned_photo_is_shown_upright_and_loses_its_exif(void **state)
{
    static uint8_t jpeg[1 << 16];
    size_t len = make_turned_jpeg(jpeg, sizeof(jpeg));
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, jpeg, len);
    expect_done(ending);
    assert_int_equal(ending->facts.width, 80);
    assert_int_equal(ending->facts.height, 120);
    size_t thumbnail_len = ending->outputs[MEDIA_THUMBNAIL].len;
    size_t display_len = ending->outputs[MEDIA_DISPLAY].len;
    AUTO(memory_free) uint8_t *thumbnail = desk_read(&ending->outputs[MEDIA_THUMBNAIL]);
    AUTO(memory_free) uint8_t *display = desk_read(&ending->outputs[MEDIA_DISPLAY]);
    assert_null(memmem(thumbnail, thumbnail_len, "SPY", 3));
    assert_null(memmem(display, display_len, "SPY", 3));
    ending = desk_look(&desk, MEDIA_PROBE, display, display_len);
    assert_int_equal(ending->facts.width, 80);
    assert_int_equal(ending->facts.height, 120);
}

static void other_kinds_are_refused_by_name(void **state)
{
    static const struct {
        const char *start;
        const char *name;
    } kinds[] = {
        {"BM and more bytes", "a BMP picture"},
        {"%PDF-1.7 and more", "a PDF"},
        {"<svg xmlns='x'/> and more", "an SVG drawing"},
        {"<!DOCTYPE html><p>", "a web page"},
        {" \n<SVG onload='x'>", "an SVG drawing"},
        {"\xef\xbb\xbf<?xml version='1.0'?>", "an XML document"},
        {"<script>alert(1)</script>", "a web page"},
        {"....ftypM4A ....", "an M4A sound"},
        {"\x1a\x45\xdf\xa3 more", "a Matroska film"},
        {"RIFF....AVI LIST", "an AVI film"},
        {"hello, world", "text"},
        {"PK\3\4 and more", "a ZIP archive"},
        {"\x01\x02\x03", "a kind that is unknown here"},
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        expect_failure(desk_look(&desk, MEDIA_DERIVE, kinds[i].start, strlen(kinds[i].start)),
                       MEDIA_REFUSED, kinds[i].name);
}

static void an_empty_file_is_corrupt(void **state)
{
    expect_failure(desk_look(&desk, MEDIA_PROBE, "", 0), MEDIA_CORRUPT, "empty");
}

static void a_picture_that_ends_early_is_corrupt(void **state)
{
    size_t len;
    struct media_request request = desk_sketch("koi in a pond", 300, 300);
    AUTO(memory_free) uint8_t *png = sketched(&request, &len);
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, png, len);
    size_t lens[] = {len, ending->outputs[MEDIA_THUMBNAIL].len, ending->outputs[MEDIA_DISPLAY].len};
    AUTO(memory_free) uint8_t *jpeg = desk_read(&ending->outputs[MEDIA_THUMBNAIL]);
    AUTO(memory_free) uint8_t *webp = desk_read(&ending->outputs[MEDIA_DISPLAY]);
    const uint8_t *files[] = {png, jpeg, webp};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        size_t cuts[] = {16, lens[i] / 4, lens[i] * 3 / 4};
        for (size_t k = 0; k < ARRAY_LEN(cuts); k++)
            expect_failure(desk_look(&desk, MEDIA_DERIVE, files[i], cuts[k]), MEDIA_CORRUPT,
                           "damaged");
    }
}

static void damaged_files_fail_alone(void **state)
{
    size_t len;
    struct media_request request = desk_sketch("a vase", 96, 96);
    AUTO(memory_free) uint8_t *png = sketched(&request, &len);
    uint32_t chance = 1;
    for (int round = 0; round < 24; round++) {
        AUTO(memory_free) uint8_t *bad = memory_new(len);
        memcpy(bad, png, len);
        for (int i = 0; i < 12; i++) {
            chance = chance * 1664525U + 1013904223U;
            bad[8 + (chance >> 8) % (len - 8)] ^= (uint8_t)(chance >> 24);
        }
        struct ending *ending = desk_look(&desk, MEDIA_DERIVE, bad, len);
        if (ending->kind == MEDIA_EVENT_FAILED && ending->failure != MEDIA_CORRUPT &&
            ending->failure != MEDIA_TOO_LARGE)
            fail_msg("%s", ending->text);
    }
}

static void a_bomb_is_refused_before_it_is_decoded(void **state)
{
    static struct file png;
    make_png(&png, 60000, 60000, 1);
    instant start = clock_monotonic();
    expect_failure(desk_look(&desk, MEDIA_DERIVE, png.data, png.len), MEDIA_TOO_LARGE,
                   "60000 by 60000");
    assert_true(instant_since(clock_monotonic(), start).us < 2000000);
}

static void limits_of_the_request_are_kept(void **state)
{
    static struct file png;
    make_png(&png, 50, 40, 40);
    int fd = desk_file(png.data, png.len);
    struct media_request request = {.verb = MEDIA_DERIVE, .input_fd = fd};
    request.limits.pixels_max = 1999;
    expect_failure(desk_ask(&desk, &request), MEDIA_TOO_LARGE, "50 by 40");
    request.limits.pixels_max = 2000;
    expect_done(desk_ask(&desk, &request));
    request.limits.input_max = png.len - 1;
    expect_failure(desk_ask(&desk, &request), MEDIA_TOO_LARGE, "larger");
    close(fd);
}

static void wrong_requests_are_refused_at_once(void **state)
{
    struct media_request good = desk_sketch("x", 256, 256);
    struct media_request bad[12];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        bad[i] = good;
    bad[0].verb = MEDIA_VERB_NONE;
    bad[1].verb = MEDIA_VERB_COUNT;
    bad[2].width = MEDIA_SIDE_MIN - 1;
    bad[3].width = MEDIA_SIDE_MAX + 1;
    bad[4].height = MEDIA_SIDE_MAX + 1;
    bad[5].steps = 9;
    bad[6].steps = 51;
    bad[7].guidance = 0.9F;
    bad[8].guidance = 20.1F;
    bad[9].guidance = -1.0F;
    bad[10].verb = MEDIA_SKETCH_VIDEO;
    bad[10].duration = MILLISECONDS(8001);
    bad[11].verb = MEDIA_DERIVE;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct fault fault = {0};
        assert_false(media_submit(desk.media, &bad[i], 1, &fault));
        assert_int_equal(fault.kind, FAULT_INPUT);
    }
    assert_int_equal(media_load(desk.media), 0);
}

static void a_picture_does_not_wait_for_films(void **state)
{
    static struct desk own;
    struct media_request film = desk_sketch("waves", 0, 0),
                         picture = desk_sketch("a shell", 64, 64);
    film.verb = MEDIA_SKETCH_VIDEO;
    film.duration = SECONDS(4);
    desk_open(&own, "ATELIER_MEDIA", 1);
    for (uint64_t id = 1; id <= 3; id++)
        desk_submit(&own, &film, id);
    desk_submit(&own, &picture, 4);
    desk_wait(&own, 1);
    expect_done(&own.endings[4]);
    for (uint64_t id = 1; id <= 3; id++)
        assert_true(media_cancel(own.media, id));
    desk_wait(&own, 4);
    for (uint64_t id = 1; id <= 3; id++)
        assert_int_equal(own.endings[id].failure, MEDIA_CANCELED);
    desk_submit(&own, &picture, 5); /* the queue is whole after what was taken from its middle */
    desk_wait(&own, 5);
    expect_done(&own.endings[5]);
    desk_close(&own);
}

static void a_waiting_request_can_be_cancelled(void **state)
{
    struct media_request request = desk_sketch("a long work", 1024, 1024);
    desk_clear(&desk);
    for (uint64_t id = 1; id <= 6; id++)
        desk_submit(&desk, &request, id);
    desk_step(&desk, 0);
    assert_true(media_cancel(desk.media, 6));
    assert_true(media_cancel(desk.media, 1));
    assert_false(media_cancel(desk.media, 7));
    desk_wait(&desk, 6);
    expect_failure(&desk.endings[6], MEDIA_CANCELED, "Cancelled");
    expect_failure(&desk.endings[1], MEDIA_CANCELED, "Cancelled");
    for (uint64_t id = 2; id <= 5; id++)
        expect_done(&desk.endings[id]);
    assert_int_equal(media_load(desk.media), 0);
    assert_false(media_cancel(desk.media, 2));
}

static void the_queue_has_an_end(void **state)
{
    struct desk own;
    desk_open(&own, "ATELIER_MEDIA", 1);
    struct media_request request = desk_sketch("x", 64, 64);
    struct fault fault = {0};
    uint64_t id = 0;
    while (id < MEDIA_QUEUE_MAX && media_submit(own.media, &request, id + 1, &fault))
        id++;
    assert_int_equal(id, MEDIA_QUEUE_MAX);
    assert_false(media_submit(own.media, &request, id + 1, &fault));
    assert_int_equal(fault.kind, FAULT_FULL);
    desk_close(&own);
}

static void a_missing_helper_is_said_at_once(void **state)
{
    struct media *media = NULL;
    struct fault fault = {0};
    assert_false(media_open("/nonexistent/atelier-media", NULL, &media, &fault));
    assert_non_null(strstr(fault.text, "/nonexistent/atelier-media"));
    assert_null(media);
}

static void the_shipped_helper_knows_no_self_test(void **state)
{
    struct media_request request = {
        .verb = MEDIA_SELFTEST, .input_fd = -1, .seed = SELFTEST_CRASH, .width = 64, .height = 64};
    expect_failure(desk_ask(&desk, &request), MEDIA_BROKEN, "does not know");
}

static int open_desk(void **state)
{
    desk_open(&desk, "ATELIER_MEDIA", 2);
    return 0;
}

static int close_desk(void **state)
{
    desk_close(&desk);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sketch_is_a_png_of_the_size_asked_for),
        cmocka_unit_test(the_same_order_gives_the_same_bytes),
        cmocka_unit_test(each_setting_changes_the_picture),
        cmocka_unit_test(any_prompt_can_be_sketched),
        cmocka_unit_test(deriving_makes_thumbnail_blur_and_display),
        cmocka_unit_test(transparency_stays_in_the_display),
        cmocka_unit_test(a_small_picture_is_not_enlarged),
        cmocka_unit_test(a_turned_photo_is_shown_upright_and_loses_its_exif),
        cmocka_unit_test(other_kinds_are_refused_by_name),
        cmocka_unit_test(an_empty_file_is_corrupt),
        cmocka_unit_test(a_picture_that_ends_early_is_corrupt),
        cmocka_unit_test(damaged_files_fail_alone),
        cmocka_unit_test(a_bomb_is_refused_before_it_is_decoded),
        cmocka_unit_test(limits_of_the_request_are_kept),
        cmocka_unit_test(wrong_requests_are_refused_at_once),
        cmocka_unit_test(a_picture_does_not_wait_for_films),
        cmocka_unit_test(a_waiting_request_can_be_cancelled),
        cmocka_unit_test(the_queue_has_an_end),
        cmocka_unit_test(a_missing_helper_is_said_at_once),
        cmocka_unit_test(the_shipped_helper_knows_no_self_test),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}

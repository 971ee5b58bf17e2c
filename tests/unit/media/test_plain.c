/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's two programs: what the small one does itself, and what it leaves to the full one. */
#include "desk.h"

#include <libdeflate.h>
#include <signal.h>

#include "base/buffer.h"
#include "media/worker/octets.h"
#include "media/worker/png_read.h"

static struct desk front, full;

/* ---- files ---- */

static void sketch(struct buffer *to, uint32_t width, uint32_t height)
{
    struct media_request request = desk_sketch("a kite over dunes", width, height);
    struct ending *ending = desk_ask(&full, &request);
    struct media_output *made = &ending->outputs[MEDIA_ORIGINAL];
    AUTO(memory_free) uint8_t *data = desk_read(made);
    buffer_add(to, data, made->len);
}

/* The same in another format, as large as it is. */
static void turned_into(const struct buffer *from, enum media_type format, struct buffer *to)
{
    AUTO(fd_close) int fd = desk_file(from->at, from->len);
    struct media_request request = {.verb = MEDIA_RESIZE,
                                    .input_fd = fd,
                                    .width = MEDIA_RESIZE_MAX,
                                    .fit = MEDIA_CONTAIN,
                                    .format = format,
                                    .quality = 90};
    struct ending *ending = desk_ask(&full, &request);
    assert_int_equal(ending->kind, MEDIA_EVENT_DONE);
    AUTO(memory_free) uint8_t *data = desk_read(&ending->outputs[MEDIA_RESIZED]);
    buffer_add(to, data, ending->outputs[MEDIA_RESIZED].len);
}

/* A JPEG that says how it wants to be turned. */
static void with_orientation(const struct buffer *jpeg, int orientation, struct buffer *to)
{
    uint8_t exif[] = {0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, '*', 0, 0, 0, 8,
                      0,    1,    1, 18, 0,   3,   0,   0,   0, 1, 0,   0,   0, 0,   0, 0, 0, 0};
    exif[29] = (uint8_t)orientation;
    buffer_add(to, jpeg->at, 2);
    buffer_add(to, exif, sizeof(exif));
    buffer_add(to, jpeg->at + 2, jpeg->len - 2);
}

/* The same of a PNG: a chunk behind its head. */
static void png_with_orientation(const struct buffer *png, int orientation, struct buffer *to)
{
    uint8_t chunk[] = {0,  0, 0, 26, 'e', 'X', 'I', 'f', 'M', 'M', 0, '*', 0, 0, 0, 8, 0, 1, 1,
                       18, 0, 3, 0,  0,   0,   1,   0,   0,   0,   0, 0,   0, 0, 0, 0, 0, 0, 0};
    const size_t head = 8 + 25, body = sizeof(chunk) - 12;
    chunk[27] = (uint8_t)orientation;
    put_big32(chunk + 8 + body, libdeflate_crc32(0, chunk + 4, 4 + body));
    buffer_add(to, png->at, head);
    buffer_add(to, chunk, sizeof(chunk));
    buffer_add(to, png->at + head, png->len - head);
}

/* ---- the same from both ---- */

static void pixels_of(const struct media_output *output, struct pixels *out)
{
    AUTO(buffer_done) struct buffer file = {0};
    AUTO(buffer_done) struct buffer png = {0};
    AUTO(memory_free) uint8_t *data = desk_read(output);
    buffer_add(&file, data, output->len);
    turned_into(&file, MEDIA_PNG, &png);
    assert_true(png_read((bytes){(const uint8_t *)png.at, png.len}, out));
}

static void expect_near(const struct media_output *one, const struct media_output *other)
{
    struct pixels a, b;
    pixels_of(one, &a);
    pixels_of(other, &b);
    assert_int_equal(a.width, b.width);
    assert_int_equal(a.height, b.height);
    assert_int_equal(a.bands, b.bands);
    size_t len = (size_t)(a.width * a.height * a.bands), apart = 0;
    for (size_t i = 0; i < len; i++)
        apart += (size_t)abs(a.at[i] - b.at[i]);
    if (apart >= 4 * len) /* of 255, on average: libvips drops the last column of eighths */
        fail_msg("%zu apart in %zu samples", apart, len);
    free(a.at);
    free(b.at);
}

static void take(struct desk *desk, const struct buffer *file, uint32_t side, struct ending *out)
{
    AUTO(fd_close) int fd = desk_file(file->at, file->len);
    struct media_request request = {.verb = MEDIA_DERIVE, .input_fd = fd, .width = side};
    struct ending *ending = desk_ask(desk, &request);
    if (ending->kind != MEDIA_EVENT_DONE)
        fail_msg("%s: %s", media_failure_name(ending->failure), ending->text);
    *out = *ending;
    ending->outputs[MEDIA_THUMBNAIL].fd = ending->outputs[MEDIA_DISPLAY].fd = -1;
}

static void expect_same(const struct buffer *file, uint32_t side)
{
    struct ending ours, theirs;
    take(&front, file, side, &ours);
    take(&full, file, side, &theirs);
    assert_memory_equal(&ours.facts, &theirs.facts, sizeof(ours.facts));
    assert_true(strlen(ours.blur) > 30);
    expect_near(&ours.outputs[MEDIA_THUMBNAIL], &theirs.outputs[MEDIA_THUMBNAIL]);
    expect_near(&ours.outputs[MEDIA_DISPLAY], &theirs.outputs[MEDIA_DISPLAY]);
    for (int i = MEDIA_THUMBNAIL; i <= MEDIA_DISPLAY; i++) {
        close(ours.outputs[i].fd);
        close(theirs.outputs[i].fd);
    }
}

static void a_png_looks_the_same_from_both(void **state)
{
    AUTO(buffer_done) struct buffer png = {0};
    sketch(&png, 640, 416);
    expect_same(&png, 0);
    expect_same(&png, 100);
}

static void a_png_that_lies_looks_the_same_from_both(void **state)
{
    AUTO(buffer_done) struct buffer png = {0};
    AUTO(buffer_done) struct buffer turned = {0};
    sketch(&png, 640, 416);
    png_with_orientation(&png, 6, &turned);
    expect_same(&turned, 0);
}

static void a_jpeg_looks_the_same_from_both_however_it_lies(void **state)
{
    AUTO(buffer_done) struct buffer png = {0};
    AUTO(buffer_done) struct buffer jpeg = {0};
    sketch(&png, 1031, 777); /* eighths of it are not whole */
    turned_into(&png, MEDIA_JPEG, &jpeg);
    expect_same(&jpeg, 0);
    for (int orientation = 1; orientation <= 8; orientation++) {
        AUTO(buffer_done) struct buffer turned = {0};
        with_orientation(&jpeg, orientation, &turned);
        expect_same(&turned, 120);
    }
}

static void a_jpeg_that_ends_early_is_refused(void **state)
{
    AUTO(buffer_done) struct buffer png = {0};
    AUTO(buffer_done) struct buffer jpeg = {0};
    sketch(&png, 640, 416);
    turned_into(&png, MEDIA_JPEG, &jpeg);
    struct ending *ending = desk_look(&front, MEDIA_DERIVE, jpeg.at, jpeg.len * 2 / 3);
    assert_int_equal(ending->failure, MEDIA_CORRUPT);
    assert_string_equal(ending->text, "The picture is damaged and could not be read whole.");
}

/* ---- the full one as the other's deputy ---- */

static pid_t deputy(void)
{
    pid_t helpers[4], children[8];
    size_t helper_count = desk_children(getpid(), helpers, 4);
    for (size_t i = 0; i < helper_count; i++) {
        size_t count = desk_children(helpers[i], children, 8);
        for (size_t k = 0; k < count; k++)
            if (desk_is_full_helper(children[k]) && !desk_is_full_helper(helpers[i]))
                return children[k];
    }
    return 0;
}

static void without_its_deputy_the_helper_starts_anew(void **state)
{
    struct media_request request = desk_sketch("a mill", 128, 128);
    assert_int_equal(desk_ask(&front, &request)->kind, MEDIA_EVENT_DONE);
    pid_t first = deputy();
    assert_true(first > 0);
    kill(first, SIGKILL);
    for (int i = 0; i < 200 && desk_ask(&front, &request)->kind != MEDIA_EVENT_DONE; i++)
        usleep(20000);
    assert_int_equal(front.endings[1].kind, MEDIA_EVENT_DONE);
    assert_true(deputy() > 0 && deputy() != first);
}

static int set_up(void **state)
{
    desk_open(&front, "ATELIER_MEDIA", 1);
    desk_open(&full, "ATELIER_MEDIA_FULL", 1);
    return 0;
}

static int tear_down(void **state)
{
    desk_close(&front);
    desk_close(&full);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_png_looks_the_same_from_both),
        cmocka_unit_test(a_png_that_lies_looks_the_same_from_both),
        cmocka_unit_test(a_jpeg_looks_the_same_from_both_however_it_lies),
        cmocka_unit_test(a_jpeg_that_ends_early_is_refused),
        cmocka_unit_test(without_its_deputy_the_helper_starts_anew),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"
#include "samples.h"

static struct desk desk;

static struct ending *look(const void *data, size_t len)
{
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, data, len);
    if (ending->kind != MEDIA_EVENT_DONE)
        fail_msg("%s: %s", media_failure_name(ending->failure), ending->text);
    assert_true(ending->outputs[MEDIA_THUMBNAIL].fd >= 0);
    assert_true(strlen(ending->blur) > 30);
    return ending;
}

static void a_heic_is_shown_as_webp(void **state)
{
    struct ending *ending = look(heic_sample, sizeof(heic_sample));
    assert_int_equal(ending->facts.type, MEDIA_HEIC);
    assert_int_equal(ending->facts.width, 16);
    assert_int_equal(ending->facts.frames, 1);
    assert_string_equal(ending->outputs[MEDIA_DISPLAY].mime, "image/webp");
}

static void an_avif_is_shown_as_webp(void **state)
{
    struct media_request order = desk_sketch("koi in a pond", 200, 120);
    struct ending *ending = desk_ask(&desk, &order);
    AUTO(fd_close) int png = take_fd(&ending->outputs[MEDIA_ORIGINAL].fd);
    struct media_request into = {.verb = MEDIA_RESIZE,
                                 .input_fd = png,
                                 .width = 200,
                                 .fit = MEDIA_CONTAIN,
                                 .format = MEDIA_AVIF};
    ending = desk_ask(&desk, &into);
    assert_int_equal(ending->kind, MEDIA_EVENT_DONE);
    size_t len = ending->outputs[MEDIA_RESIZED].len;
    AUTO(memory_free) uint8_t *avif = desk_read(&ending->outputs[MEDIA_RESIZED]);
    ending = look(avif, len);
    assert_int_equal(ending->facts.type, MEDIA_AVIF);
    assert_int_equal(ending->facts.width, 200);
    assert_int_equal(ending->facts.height, 120);
}

static void a_gif_that_moves_is_shown_by_its_first_frame(void **state)
{
    static uint8_t gif[1 << 16];
    size_t len = sample_gif(gif, 40, 12, 10);
    struct ending *ending = look(gif, len);
    assert_int_equal(ending->facts.type, MEDIA_GIF);
    assert_int_equal(ending->facts.frames, 12);
    assert_int_equal(ending->facts.width, 40);
    assert_int_equal(ending->facts.height, 40);
    assert_string_equal(ending->outputs[MEDIA_DISPLAY].mime, "image/webp");
}

static void a_webm_gets_a_poster_and_its_exact_length(void **state)
{
    struct ending *ending = look(sample_webm, sizeof(sample_webm));
    assert_int_equal(ending->facts.type, MEDIA_WEBM);
    assert_int_equal(ending->facts.width, 32);
    assert_int_equal(ending->facts.duration_ms, 500);
    assert_string_equal(ending->facts.codec, "vp8");
    assert_true(ending->outputs[MEDIA_POSTER].fd >= 0);
}

/* As a browser's recorder writes it: the length is only known when it is over. */
static void a_webm_without_a_length_is_measured(void **state)
{
    uint8_t webm[sizeof(sample_webm)];
    memcpy(webm, sample_webm, sizeof(webm));
    uint8_t *length = memmem(webm, sizeof(webm), "\x44\x89\x88", 3);
    assert_non_null(length);
    length[0] = 0xec; /* an element of padding: its length of one byte, then what is left */
    length[1] = 0x89;
    struct ending *ending = look(webm, sizeof(webm));
    assert_true(ending->facts.duration_ms >= 400 && ending->facts.duration_ms <= 500);
}

static void a_matroska_that_is_no_webm_is_refused_by_name(void **state)
{
    uint8_t other[sizeof(sample_webm)];
    memcpy(other, sample_webm, sizeof(other));
    uint8_t *kind = memmem(other, sizeof(other), "webm", 4);
    assert_non_null(kind);
    memcpy(kind, "matr", 4);
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, other, sizeof(other));
    assert_int_equal(ending->failure, MEDIA_REFUSED);
    assert_non_null(strstr(ending->text, "a Matroska film"));
}

static void a_heif_is_known_by_what_it_is_compatible_with(void **state)
{
    uint8_t other[sizeof(heic_sample)];
    memcpy(other, heic_sample, sizeof(other));
    memcpy(other + 8, "mif1", 4);
    struct ending *ending = desk_look(&desk, MEDIA_PROBE, other, sizeof(other));
    assert_int_equal(ending->facts.type, MEDIA_HEIC);
}

static void a_picture_with_too_many_frames_is_refused(void **state)
{
    static uint8_t gif[2 << 20];
    size_t len = sample_gif(gif, 4, 5000, 1);
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, gif, len);
    assert_int_equal(ending->failure, MEDIA_TOO_LARGE);
    assert_non_null(strstr(ending->text, "more than 4096 frames"));
}

static int open_desk(void **state)
{
    desk_open(&desk, "ATELIER_MEDIA", 1);
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
        cmocka_unit_test(a_heic_is_shown_as_webp),
        cmocka_unit_test(an_avif_is_shown_as_webp),
        cmocka_unit_test(a_gif_that_moves_is_shown_by_its_first_frame),
        cmocka_unit_test(a_webm_gets_a_poster_and_its_exact_length),
        cmocka_unit_test(a_webm_without_a_length_is_measured),
        cmocka_unit_test(a_matroska_that_is_no_webm_is_refused_by_name),
        cmocka_unit_test(a_heif_is_known_by_what_it_is_compatible_with),
        cmocka_unit_test(a_picture_with_too_many_frames_is_refused),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}

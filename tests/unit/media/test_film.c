/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"
#include "samples.h"

#include <fcntl.h>

static struct desk desk;
static uint8_t *film; /* four seconds, made once */
static size_t film_len;

static uint32_t u32_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Where the box of this name begins, at the top level. */
static size_t box_at(const char *name)
{
    for (size_t at = 0; at + 8 <= film_len; at += u32_at(film + at))
        if (memcmp(film + at + 4, name, 4) == 0)
            return at;
    fail_msg("no %s", name);
    return 0;
}

static void a_film_begins_with_its_index(void **state)
{
    assert_true(box_at("moov") < box_at("mdat"));
    assert_int_equal(box_at("ftyp"), 0);
}

static void a_film_has_the_length_asked_for(void **state)
{
    struct ending *ending = desk_look(&desk, MEDIA_PROBE, film, film_len);
    assert_int_equal(ending->kind, MEDIA_EVENT_DONE);
    assert_int_equal(ending->facts.type, MEDIA_MP4);
    assert_int_equal(ending->facts.width, 1280);
    assert_int_equal(ending->facts.height, 720);
    assert_int_equal(ending->facts.frames, 96);
    assert_int_equal(ending->facts.duration_ms, 4000);
    assert_string_equal(ending->facts.codec, "h264");
}

static void a_film_gets_poster_thumbnail_and_blur(void **state)
{
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, film, film_len);
    assert_int_equal(ending->kind, MEDIA_EVENT_DONE);
    assert_int_equal(ending->outputs[MEDIA_DISPLAY].fd, -1);
    assert_true(strlen(ending->blur) > 30);
    size_t poster_len = ending->outputs[MEDIA_POSTER].len;
    size_t thumbnail_len = ending->outputs[MEDIA_THUMBNAIL].len;
    AUTO(memory_free) uint8_t *poster = desk_read(&ending->outputs[MEDIA_POSTER]);
    AUTO(memory_free) uint8_t *thumbnail = desk_read(&ending->outputs[MEDIA_THUMBNAIL]);
    ending = desk_look(&desk, MEDIA_PROBE, poster, poster_len);
    assert_int_equal(ending->facts.width, 1280);
    assert_int_equal(ending->facts.height, 720);
    ending = desk_look(&desk, MEDIA_PROBE, thumbnail, thumbnail_len);
    assert_int_equal(ending->facts.width, 400);
    assert_int_equal(ending->facts.height, 225);
}

static void the_first_picture_of_a_film_can_be_resized(void **state)
{
    int fd = desk_file(film, film_len);
    struct media_request request = {
        .verb = MEDIA_RESIZE,
        .input_fd = fd,
        .width = 320,
        .fit = MEDIA_CONTAIN,
        .format = MEDIA_WEBP,
    };
    struct ending *ending = desk_ask(&desk, &request);
    close(fd);
    assert_int_equal(ending->kind, MEDIA_EVENT_DONE);
    assert_int_equal(ending->facts.type, MEDIA_WEBP);
    assert_int_equal(ending->facts.width, 320);
    assert_int_equal(ending->facts.height, 180);
}

static const struct media_output *moving(const void *data, size_t len)
{
    struct ending *ending = desk_look(&desk, MEDIA_PREVIEW, data, len);
    if (ending->kind != MEDIA_EVENT_DONE)
        fail_msg("%s: %s", media_failure_name(ending->failure), ending->text);
    return ending->outputs;
}

static void expect_film(const struct media_output *output, uint32_t width, uint32_t height,
                        uint32_t duration_ms)
{
    assert_string_equal(output->mime, "video/mp4");
    size_t len = output->len;
    AUTO(memory_free) uint8_t *data = desk_read(output);
    struct ending *ending = desk_look(&desk, MEDIA_PROBE, data, len);
    assert_int_equal(ending->kind, MEDIA_EVENT_DONE);
    assert_int_equal(ending->facts.type, MEDIA_MP4);
    assert_int_equal(ending->facts.width, width);
    assert_int_equal(ending->facts.height, height);
    /* A preview ends with a whole frame. */
    assert_in_range(ending->facts.duration_ms, duration_ms, duration_ms + 40);
}

static void a_preview_is_three_small_seconds(void **state)
{
    const struct media_output *outputs = moving(film, film_len);
    assert_int_equal(outputs[MEDIA_PLAYBACK].fd, -1); /* its index comes first already */
    assert_true(outputs[MEDIA_MOVING].len < film_len / 2);
    expect_film(&outputs[MEDIA_MOVING], 480, 270, 3000);
}

static void a_preview_of_a_short_film_is_as_long_as_the_film(void **state)
{
    expect_film(&moving(sample_webm, sizeof(sample_webm))[MEDIA_MOVING], 32, 32, 500);
}

static void a_picture_that_moves_has_a_preview_too(void **state)
{
    static uint8_t gif[1 << 17];
    size_t len = sample_gif(gif, 40, 12, 10);
    expect_film(&moving(gif, len)[MEDIA_MOVING], 40, 40, 1200);
    len = sample_gif(gif, 40, 60, 10);
    expect_film(&moving(gif, len)[MEDIA_MOVING], 40, 40, 3000);
    len = sample_gif(gif, 40, 1, 10);
    struct ending *ending = desk_look(&desk, MEDIA_PREVIEW, gif, len);
    assert_int_equal(ending->failure, MEDIA_REFUSED);
}

/* The same film with its index at the end; where it was is a hole, so that nothing moves. */
static uint8_t *with_index_last(size_t *len)
{
    size_t at = box_at("moov");
    size_t size = u32_at(film + at);
    uint8_t *data = memory_new(film_len + size);
    memcpy(data, film, film_len);
    memcpy(data + at + 4, "free", 4);
    memcpy(data + film_len, film + at, size);
    *len = film_len + size;
    return data;
}

static void expect_index_first(const struct media_output *output)
{
    AUTO(memory_free) uint8_t *data = desk_read(output);
    uint8_t *index = memmem(data, output->len, "moov", 4);
    uint8_t *pictures = memmem(data, output->len, "mdat", 4);
    assert_true(index != NULL && pictures != NULL && index < pictures);
}

static void a_film_whose_index_is_last_is_copied_for_playback(void **state)
{
    size_t len;
    AUTO(memory_free) uint8_t *data = with_index_last(&len);
    const struct media_output *outputs = moving(data, len);
    expect_index_first(&outputs[MEDIA_PLAYBACK]);
    expect_film(&outputs[MEDIA_PLAYBACK], 1280, 720, 4000);
}

static void a_quicktime_film_is_copied_for_playback(void **state)
{
    AUTO(memory_free) uint8_t *data = memory_new(film_len);
    memcpy(data, film, film_len);
    memcpy(data + 8, "qt  ", 4);
    const struct media_output *outputs = moving(data, film_len);
    assert_int_equal(desk.endings[1].facts.type, MEDIA_MOV);
    expect_index_first(&outputs[MEDIA_PLAYBACK]);
    expect_film(&outputs[MEDIA_PLAYBACK], 1280, 720, 4000);
}

/* Half a gigabyte of film shall not be half a gigabyte of memory. */
static void a_copy_for_playback_is_on_disk_where_there_is_a_folder(void **state)
{
    static struct desk own;
    struct fault fault = {0};
    struct media_options options = {.children = 1, .scratch = "/tmp"};
    size_t len;
    AUTO(memory_free) uint8_t *data = with_index_last(&len);
    assert_true(media_open(getenv("ATELIER_MEDIA"), &options, &own.media, &fault));
    struct ending *ending = desk_look(&own, MEDIA_PREVIEW, data, len);
    assert_int_equal(ending->kind, MEDIA_EVENT_DONE);
    assert_true(fcntl(ending->outputs[MEDIA_MOVING].fd, F_GET_SEALS) > 0);
    assert_int_equal(fcntl(ending->outputs[MEDIA_PLAYBACK].fd, F_GET_SEALS), -1);
    expect_index_first(&ending->outputs[MEDIA_PLAYBACK]);
    desk_close(&own);
}

static void a_film_without_its_index_or_picture_is_corrupt(void **state)
{
    size_t cuts[] = {20, 1000, box_at("mdat") + 8, box_at("mdat") + 400};
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        struct ending *ending = desk_look(&desk, MEDIA_DERIVE, film, cuts[i]);
        assert_int_equal(ending->kind, MEDIA_EVENT_FAILED);
        assert_int_equal(ending->failure, MEDIA_CORRUPT);
    }
}

static void a_damaged_film_fails_alone(void **state)
{
    AUTO(memory_free) uint8_t *bad = memory_new(film_len);
    uint32_t chance = 99;
    for (int round = 0; round < 16; round++) {
        memcpy(bad, film, film_len);
        for (int i = 0; i < 20; i++) {
            chance = chance * 1664525U + 1013904223U;
            size_t among = round % 2 ? 1800 : film_len - 40;
            bad[40 + (chance >> 8) % among] ^= (uint8_t)(chance >> 24);
        }
        enum media_verb verb = round % 3 == 2 ? MEDIA_PREVIEW : MEDIA_DERIVE;
        struct ending *ending = desk_look(&desk, verb, bad, film_len);
        if (ending->kind == MEDIA_EVENT_FAILED && ending->failure != MEDIA_CORRUPT &&
            ending->failure != MEDIA_TOO_LARGE && ending->failure != MEDIA_REFUSED)
            fail_msg("%s", ending->text);
    }
}

/* Phones film on their side and note the turn in the track's matrix. */
static void a_turned_film_is_shown_upright(void **state)
{
    static const uint8_t quarter[36] = {[5] = 1, [12] = 0xff, [13] = 0xff, [32] = 0x40};
    AUTO(memory_free) uint8_t *turned = memory_new(film_len);
    memcpy(turned, film, film_len);
    uint8_t *track = memmem(turned, film_len, "tkhd", 4);
    assert_non_null(track);
    memcpy(track + 44, quarter, sizeof(quarter));
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, turned, film_len);
    assert_int_equal(ending->kind, MEDIA_EVENT_DONE);
    assert_int_equal(ending->facts.width, 720);
    assert_int_equal(ending->facts.height, 1280);
    size_t len = ending->outputs[MEDIA_THUMBNAIL].len;
    AUTO(memory_free) uint8_t *thumbnail = desk_read(&ending->outputs[MEDIA_THUMBNAIL]);
    ending = desk_look(&desk, MEDIA_PROBE, thumbnail, len);
    assert_int_equal(ending->facts.width, 225);
    assert_int_equal(ending->facts.height, 400);
}

static void a_film_with_too_many_frames_is_refused(void **state)
{
    int fd = desk_file(film, film_len);
    struct media_request request = {.verb = MEDIA_DERIVE, .input_fd = fd};
    request.limits.frames_max = 95;
    struct ending *ending = desk_ask(&desk, &request);
    assert_int_equal(ending->failure, MEDIA_TOO_LARGE);
    request.limits.frames_max = 96;
    ending = desk_ask(&desk, &request);
    assert_int_equal(ending->kind, MEDIA_EVENT_DONE);
    close(fd);
}

static void a_film_in_a_coding_that_is_not_listed_is_refused(void **state)
{
    AUTO(memory_free) uint8_t *other = memory_new(film_len);
    memcpy(other, film, film_len);
    for (size_t i = 0; i + 4 < film_len; i++)
        if (memcmp(other + i, "avc1", 4) == 0)
            memcpy(other + i, "jpeg", 4);
    struct ending *ending = desk_look(&desk, MEDIA_DERIVE, other, film_len);
    assert_int_equal(ending->kind, MEDIA_EVENT_FAILED);
    if (ending->failure != MEDIA_REFUSED || strstr(ending->text, "mjpeg") == NULL)
        fail_msg("%s: %s", media_failure_name(ending->failure), ending->text);
}

static int make_film(void **state)
{
    desk_open(&desk, "ATELIER_MEDIA", 2);
    struct ending *ending = desk_ask(&desk, &(struct media_request){
                                                .verb = MEDIA_SKETCH_VIDEO,
                                                .input_fd = -1,
                                                .prompt = STR("planets in orbit"),
                                                .duration = SECONDS(4),
                                                .steps = 10,
                                            });
    if (ending->kind != MEDIA_EVENT_DONE || ending->progress_count < 50)
        return -1;
    film_len = ending->outputs[MEDIA_ORIGINAL].len;
    film = desk_read(&ending->outputs[MEDIA_ORIGINAL]);
    return 0;
}

static int drop_film(void **state)
{
    free(film);
    desk_close(&desk);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_film_begins_with_its_index),
        cmocka_unit_test(a_film_has_the_length_asked_for),
        cmocka_unit_test(a_film_gets_poster_thumbnail_and_blur),
        cmocka_unit_test(a_turned_film_is_shown_upright),
        cmocka_unit_test(the_first_picture_of_a_film_can_be_resized),
        cmocka_unit_test(a_preview_is_three_small_seconds),
        cmocka_unit_test(a_preview_of_a_short_film_is_as_long_as_the_film),
        cmocka_unit_test(a_picture_that_moves_has_a_preview_too),
        cmocka_unit_test(a_film_whose_index_is_last_is_copied_for_playback),
        cmocka_unit_test(a_quicktime_film_is_copied_for_playback),
        cmocka_unit_test(a_copy_for_playback_is_on_disk_where_there_is_a_folder),
        cmocka_unit_test(a_film_without_its_index_or_picture_is_corrupt),
        cmocka_unit_test(a_damaged_film_fails_alone),
        cmocka_unit_test(a_film_in_a_coding_that_is_not_listed_is_refused),
        cmocka_unit_test(a_film_with_too_many_frames_is_refused),
    };
    return cmocka_run_group_tests(tests, make_film, drop_film);
}

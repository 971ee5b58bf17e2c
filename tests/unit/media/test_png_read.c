/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <zlib.h>

#include "base/buffer.h"
#include "base/encode.h"
#include "media/worker/octets.h"
#include "media/worker/png_read.h"

#define WIDE 61
#define HIGH 47
#define RAW_MAX ((size_t)HIGH * (WIDE * 4 + 1))
#define HEAD_AT 16 /* what IHDR says */

static uint8_t pixels[RAW_MAX], raw[RAW_MAX + 5000];

/* How a file is made; zeros are the plain way. */
struct way {
    int kind;          /* as in IHDR: 2 is RGB */
    int filter;        /* -1: each in turn */
    size_t part;       /* bytes of an IDAT; 0: one has all */
    const char *extra; /* a chunk before the pixels */
    long longer;       /* bytes of pixels too many, or too few */
    bool is_split;     /* by another chunk */
    const char *flat;  /* the colour of all of it */
};

static int bands_of(int kind)
{
    static const int bands[] = {1, 0, 3, 0, 2, 0, 4};
    return bands[kind];
}

static void chunk(struct buffer *to, const char *name, const void *data, size_t len)
{
    uint8_t four[4];
    put_big32(four, (uint32_t)len);
    buffer_add(to, four, 4);
    size_t from = to->len;
    buffer_add(to, name, 4);
    buffer_add(to, data, len);
    put_big32(four, (uint32_t)crc32(0, (const Bytef *)to->at + from, (uInt)(to->len - from)));
    buffer_add(to, four, 4);
}

/* As the standard words it, sample by sample. */
static int guess(int filter, int a, int b, int c)
{
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    switch (filter) {
    case 1:
        return a;
    case 2:
        return b;
    case 3:
        return (a + b) / 2;
    case 4:
        return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    default:
        return 0;
    }
}

static size_t filter_all(int bands, int filter)
{
    int stride = WIDE * bands;
    for (int y = 0; y < HIGH; y++) {
        int kind = filter < 0 ? y % 5 : filter;
        uint8_t *to = raw + y * (stride + 1), *row = pixels + y * stride;
        *to++ = (uint8_t)kind;
        for (int x = 0; x < stride; x++) {
            int a = x >= bands ? row[x - bands] : 0, b = y > 0 ? row[x - stride] : 0;
            int c = x >= bands && y > 0 ? row[x - stride - bands] : 0;
            to[x] = (uint8_t)(row[x] - guess(kind, a, b, c));
        }
    }
    return (size_t)HIGH * (size_t)(stride + 1);
}

/* Smooth in places, noise in others, both ends of the range. */
static void paint(int bands)
{
    uint32_t noise = 7;
    for (int i = 0; i < WIDE * HIGH * bands; i++) {
        noise = noise * 1664525U + 1013904223U;
        int smooth = i / bands * 3 + i % bands * 40;
        pixels[i] = (uint8_t)(i / 400 % 2 == 0 ? smooth : (int)(noise >> 24));
    }
}

static void make(struct buffer *to, const struct way *way)
{
    static uint8_t packed[sizeof(raw) + 5000];
    uLongf packed_len = sizeof(packed);
    uint8_t head[13] = {0};
    put_big32(head, WIDE);
    put_big32(head + 4, HIGH);
    head[8] = 8;
    head[9] = (uint8_t)way->kind;
    paint(bands_of(way->kind));
    for (int i = 0; way->flat != NULL && i < WIDE * HIGH * bands_of(way->kind); i++)
        pixels[i] = (uint8_t)way->flat[i % bands_of(way->kind)];
    long len = (long)filter_all(bands_of(way->kind), way->filter) + way->longer;
    assert_true(len <= (long)sizeof(raw));
    assert_int_equal(compress2(packed, &packed_len, raw, (uLong)len, 6), Z_OK);
    buffer_clear(to);
    buffer_add(to, "\x89PNG\r\n\x1a\n", 8);
    chunk(to, "IHDR", head, sizeof(head));
    if (way->extra != NULL)
        chunk(to, way->extra, "\0\1\2\3\4\5", 6);
    size_t part = way->part == 0 ? packed_len : way->part;
    for (size_t at = 0; at < packed_len; at += part) {
        chunk(to, "IDAT", packed + at, MIN_OF(part, packed_len - at));
        if (way->is_split)
            chunk(to, "tEXt", "a\0b", 3);
    }
    chunk(to, "IEND", "", 0);
}

static bytes file_of(const struct buffer *buffer)
{
    return (bytes){(const uint8_t *)buffer->at, buffer->len};
}

/* From a place of its own with nothing behind it, so that a sanitizer sees what is read beyond. */
static bool is_read(bytes file)
{
    AUTO(memory_free) uint8_t *copy = memory_new(MAX_OF(file.len, 1));
    AUTO(memory_free) uint8_t *at = NULL;
    struct pixels out = {0};
    memcpy(copy, file.at, file.len);
    bool is_well = png_read((bytes){copy, file.len}, &out);
    at = out.at;
    return is_well;
}

static void expect(const struct way *way, bool is_read_by_us)
{
    AUTO(buffer_done) struct buffer file = {0};
    make(&file, way);
    if (is_read(file_of(&file)) != is_read_by_us)
        fail_msg("kind %d, filter %d, part %zu, %s", way->kind, way->filter, way->part,
                 way->extra != NULL ? way->extra : "nothing more");
}

static void every_kind_and_filter_gives_its_pixels_back(void **state)
{
    static const int kinds[] = {0, 2, 4, 6};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        for (int filter = -1; filter <= 4; filter++) {
            AUTO(buffer_done) struct buffer file = {0};
            AUTO(memory_free) uint8_t *at = NULL;
            struct pixels out = {0};
            make(&file, &(struct way){.kind = kinds[i], .filter = filter});
            assert_true(png_read(file_of(&file), &out));
            at = out.at;
            assert_int_equal(out.width, WIDE);
            assert_int_equal(out.height, HIGH);
            assert_int_equal(out.bands, bands_of(kinds[i]));
            assert_memory_equal(at, pixels, (size_t)(WIDE * HIGH * out.bands));
        }
}

static void pixels_may_come_in_any_number_of_parts(void **state)
{
    static const size_t parts[] = {1, 2, 7, 100, 4096, 0};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        AUTO(buffer_done) struct buffer file = {0};
        AUTO(memory_free) uint8_t *at = NULL;
        struct pixels out = {0};
        make(&file, &(struct way){.kind = 2, .filter = -1, .part = parts[i], .extra = "tIME"});
        assert_true(png_read(file_of(&file), &out));
        at = out.at;
        assert_memory_equal(at, pixels, (size_t)(WIDE * HIGH * 3));
    }
}

static void what_changes_colours_is_left_to_libvips(void **state)
{
    static const char *const names[] = {"tRNS", "iCCP", "cICP", "JDAT"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        expect(&(struct way){.kind = 2, .extra = names[i]}, false);
    expect(&(struct way){.kind = 2, .extra = "PLTE"}, true);
    expect(&(struct way){.kind = 2, .extra = "gAMA"}, true);
}

/* The head, with one byte of it changed and its sum set right. */
static bool is_read_with(size_t at, uint8_t value)
{
    AUTO(buffer_done) struct buffer file = {0};
    make(&file, &(struct way){.kind = 2});
    uint8_t *head = (uint8_t *)file.at + HEAD_AT;
    head[at] = value;
    put_big32(head + 13, (uint32_t)crc32(0, head - 4, 17));
    return is_read(file_of(&file));
}

static void other_depths_palettes_and_interlacing_are_left_to_libvips(void **state)
{
    static const uint8_t depths[] = {0, 1, 2, 4, 7, 9, 16, 255};
    static const uint8_t kinds[] = {1, 3, 5, 7, 8, 255};
    assert_true(is_read_with(8, 8));
    for (size_t i = 0; i < ARRAY_LEN(depths); i++)
        assert_false(is_read_with(8, depths[i]));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        assert_false(is_read_with(9, kinds[i]));
    for (size_t at = 10; at <= 12; at++)
        assert_false(is_read_with(at, 1));
}

/* What unpacks to more than its head says, and heads that say more than there is. */
static void sizes_that_lie_are_not_believed(void **state)
{
    expect(&(struct way){.kind = 2, .longer = 1}, false);
    expect(&(struct way){.kind = 2, .longer = 5000}, false);
    expect(&(struct way){.kind = 2, .longer = -1}, false);
    expect(&(struct way){.kind = 2, .longer = -5000}, false);
    for (size_t at = 0; at < 8; at++) {
        assert_false(is_read_with(at, 0x7f));
        assert_false(is_read_with(at, 0xff));
    }
    assert_false(is_read_with(3, 0));
    assert_false(is_read_with(7, 0));
}

static void a_filter_that_is_none_is_damage(void **state)
{
    AUTO(buffer_done) struct buffer file = {0};
    make(&file, &(struct way){.kind = 2, .filter = 5});
    assert_false(is_read(file_of(&file)));
}

static void pixels_in_two_places_are_damage(void **state)
{
    expect(&(struct way){.kind = 2, .part = 1000, .is_split = true}, false);
    expect(&(struct way){.kind = 2, .is_split = true}, true);
}

static void a_file_cut_anywhere_is_damage(void **state)
{
    AUTO(buffer_done) struct buffer file = {0};
    make(&file, &(struct way){.kind = 2, .filter = 4, .part = 300});
    for (size_t len = 0; len < file.len; len++)
        assert_false(is_read((bytes){(const uint8_t *)file.at, len}));
    assert_true(is_read(file_of(&file)));
}

/* One bit, anywhere but in the end's and in what needs no understanding. */
static void a_bit_that_fell_over_is_noticed(void **state)
{
    AUTO(buffer_done) struct buffer file = {0};
    make(&file, &(struct way){.kind = 0, .filter = -1, .part = 900});
    for (size_t at = 0; at < file.len - 12; at++) {
        file.at[at] = (char)(file.at[at] ^ 4);
        assert_false(is_read(file_of(&file)));
        file.at[at] = (char)(file.at[at] ^ 4);
    }
    assert_true(is_read(file_of(&file)));
}

/* ---- beside libvips, in the helper ---- */

static struct desk desk;

static void look(const struct buffer *file, struct media_output *thumbnail, char *blur,
                 struct media_output *display)
{
    int fd = desk_file(file->at, file->len);
    struct ending *ending =
        desk_ask(&desk, &(struct media_request){.verb = MEDIA_DERIVE, .input_fd = fd, .width = 20});
    close(fd);
    assert_int_equal(ending->kind, MEDIA_EVENT_DONE);
    *thumbnail = ending->outputs[MEDIA_THUMBNAIL];
    *display = ending->outputs[MEDIA_DISPLAY];
    ending->outputs[MEDIA_THUMBNAIL].fd = ending->outputs[MEDIA_DISPLAY].fd = -1;
    snprintf(blur, MEDIA_BLUR_MAX + 1, "%s", ending->blur);
}

/* Without the head and the Exif that libvips puts around a WebP. */
static bytes coded(const uint8_t *file, size_t len)
{
    const uint8_t *at = memmem(file, len, "VP8 ", 4);
    size_t from = at != NULL ? (size_t)(at - file) : 0;
    size_t left = at != NULL ? 8 + little32(at + 4) : len;
    return (bytes){file + from, MIN_OF(left, len - from)};
}

static void same(struct media_output *a, struct media_output *b)
{
    AUTO(memory_free) uint8_t *one = desk_read(a);
    AUTO(memory_free) uint8_t *other = desk_read(b);
    bytes ours = coded(one, a->len), theirs = coded(other, b->len);
    assert_int_equal(ours.len, theirs.len);
    assert_memory_equal(ours.at, theirs.at, ours.len);
    close(a->fd);
    close(b->fd);
}

/* cICP is nothing to this libvips, and sends the file to it. */
static void what_libvips_reads_instead_looks_the_same_to_the_byte(void **state)
{
    static const int kinds[] = {0, 2, 4, 6};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        AUTO(buffer_done) struct buffer ours = {0};
        AUTO(buffer_done) struct buffer theirs = {0};
        char our_blur[MEDIA_BLUR_MAX + 1], their_blur[MEDIA_BLUR_MAX + 1];
        struct media_output our[2], their[2];
        make(&ours, &(struct way){.kind = kinds[i], .filter = -1, .part = 999});
        make(&theirs, &(struct way){.kind = kinds[i], .part = 999, .extra = "cICP"});
        look(&ours, &our[0], our_blur, &our[1]);
        look(&theirs, &their[0], their_blur, &their[1]);
        same(&our[0], &their[0]);
        same(&our[1], &their[1]);
        assert_string_equal(our_blur, their_blur);
    }
}

static void expect_flat(bytes png, const char *colour)
{
    AUTO(memory_free) uint8_t *at = NULL;
    struct pixels out = {0};
    assert_true(png_read(png, &out));
    at = out.at;
    for (int i = 0; i < out.width * out.height * out.bands; i++) {
        int wanted = (uint8_t)colour[i % out.bands], is = at[i];
        if (abs(wanted - is) > 1)
            fail_msg("%d instead of %d", is, wanted);
    }
}

static void expect_blur(const struct ending *ending, const char *colour)
{
    AUTO(arena_done) struct arena arena = {0};
    str text = str_of(ending->blur), before = STR("data:image/png;base64,");
    bytes png;
    assert_true(str_starts(text, before));
    assert_true(base64_read(&arena, str_slice(text, before.len, text.len), &png));
    expect_flat(png, colour);
}

/* Most files say nothing of their colours, and mean sRGB. */
static void a_picture_without_a_profile_keeps_its_colours(void **state)
{
    static const struct way ways[] = {
        {.kind = 2, .flat = "\xff\0\0"},     {.kind = 2, .flat = "\0\0\xff"},
        {.kind = 2, .flat = "\xff\xff\xff"}, {.kind = 2, .flat = "\xff\0\0", .extra = "cICP"},
        {.kind = 0, .flat = "\x40"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        AUTO(buffer_done) struct buffer file = {0};
        make(&file, &ways[i]);
        expect_blur(desk_look(&desk, MEDIA_DERIVE, file.at, file.len), ways[i].flat);
        int fd = desk_file(file.at, file.len);
        struct ending *ending = desk_ask(&desk, &(struct media_request){.verb = MEDIA_RESIZE,
                                                                        .input_fd = fd,
                                                                        .width = 40,
                                                                        .fit = MEDIA_CONTAIN,
                                                                        .format = MEDIA_PNG});
        close(fd);
        assert_int_equal(ending->kind, MEDIA_EVENT_DONE);
        AUTO(memory_free) uint8_t *png = desk_read(&ending->outputs[MEDIA_RESIZED]);
        expect_flat((bytes){png, ending->outputs[MEDIA_RESIZED].len}, ways[i].flat);
    }
}

static int set_up(void **state)
{
    struct fault fault = {0};
    struct media_options options = {.children = 1};
    return media_open(getenv("ATELIER_MEDIA"), &options, &desk.media, &fault) ? 0 : -1;
}

static int tear_down(void **state)
{
    desk_clear(&desk);
    media_close(desk.media);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_and_filter_gives_its_pixels_back),
        cmocka_unit_test(pixels_may_come_in_any_number_of_parts),
        cmocka_unit_test(what_changes_colours_is_left_to_libvips),
        cmocka_unit_test(other_depths_palettes_and_interlacing_are_left_to_libvips),
        cmocka_unit_test(sizes_that_lie_are_not_believed),
        cmocka_unit_test(a_filter_that_is_none_is_damage),
        cmocka_unit_test(pixels_in_two_places_are_damage),
        cmocka_unit_test(a_file_cut_anywhere_is_damage),
        cmocka_unit_test(a_bit_that_fell_over_is_noticed),
        cmocka_unit_test(what_libvips_reads_instead_looks_the_same_to_the_byte),
        cmocka_unit_test(a_picture_without_a_profile_keeps_its_colours),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

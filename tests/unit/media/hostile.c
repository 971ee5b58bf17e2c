/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile.h"

#include <zlib.h>

#include "media/worker/octets.h"

/* ---- PNG ---- */

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

static void png_head(struct buffer *to, uint32_t width, uint32_t height, uint8_t bits, uint8_t kind)
{
    uint8_t head[13] = {0};
    put_big32(head, width);
    put_big32(head + 4, height);
    head[8] = bits;
    head[9] = kind;
    buffer_add(to, "\x89PNG\r\n\x1a\n", 8);
    chunk(to, "IHDR", head, sizeof(head));
}

/* So many zeros, packed a thousand times smaller, as one chunk behind `prefix`. */
static void zeros(struct buffer *to, const char *name, const void *prefix, size_t prefix_len,
                  uint64_t len)
{
    static uint8_t empty[1 << 20];
    AUTO(buffer_done) struct buffer packed = {0};
    z_stream stream = {0};
    buffer_add(&packed, prefix, prefix_len);
    int state = deflateInit(&stream, 6);
    for (uint64_t left = len; state == Z_OK;) {
        uint64_t some = MIN_OF(left, sizeof(empty));
        left -= some;
        stream.next_in = empty;
        stream.avail_in = (uInt)some;
        do {
            stream.next_out = (Bytef *)buffer_reserve(&packed, 1 << 16);
            stream.avail_out = 1 << 16;
            state = deflate(&stream, left == 0 ? Z_FINISH : Z_NO_FLUSH);
            packed.len += (1 << 16) - stream.avail_out;
        } while (stream.avail_out == 0);
    }
    deflateEnd(&stream);
    chunk(to, name, packed.at, packed.len);
}

static void png_pixels(struct buffer *to, uint32_t width, uint32_t height, uint8_t bits,
                       uint8_t kind, uint32_t pixel)
{
    png_head(to, width, height, bits, kind);
    zeros(to, "IDAT", "", 0, (uint64_t)height * (1 + (uint64_t)width * pixel));
    chunk(to, "IEND", "", 0);
}

static void png_of_most_pixels(struct buffer *to)
{
    png_pixels(to, 8000, 8000, 8, 6, 4);
}

static void png_of_more_pixels(struct buffer *to)
{
    png_pixels(to, 8001, 8000, 8, 0, 1);
}

static void png_of_60000(struct buffer *to)
{
    png_pixels(to, 60000, 60000, 1, 0, 0);
}

static void png_of_2_billion(struct buffer *to)
{
    png_head(to, 0x7fffffff, 0x7fffffff, 16, 6);
    zeros(to, "IDAT", "", 0, 1000);
    chunk(to, "IEND", "", 0);
}

/* A little picture in front of much more data than it has rows. */
static void png_with_data_behind_its_end(struct buffer *to)
{
    png_head(to, 16, 16, 8, 2);
    zeros(to, "IDAT", "", 0, 64 << 20);
    chunk(to, "IEND", "", 0);
}

static void png_with_a_bomb_for_a_profile(struct buffer *to)
{
    png_head(to, 16, 16, 8, 2);
    zeros(to, "iCCP", "p\0\0", 3, 64 << 20);
    zeros(to, "IDAT", "", 0, 16 * 49);
    chunk(to, "IEND", "", 0);
}

static void png_with_bombs_for_texts(struct buffer *to)
{
    png_head(to, 16, 16, 8, 2);
    for (int i = 0; i < 12; i++)
        zeros(to, "zTXt", "parameters\0\0", 12, 8 << 20);
    zeros(to, "IDAT", "", 0, 16 * 49);
    chunk(to, "IEND", "", 0);
}

static void png_with_very_many_texts(struct buffer *to)
{
    png_head(to, 16, 16, 8, 2);
    for (int i = 0; i < 100000; i++)
        chunk(to, "tEXt", "k\0v", 3);
    zeros(to, "IDAT", "", 0, 16 * 49);
    chunk(to, "IEND", "", 0);
}

/* Its graph is as deep as a reader that calls itself can be made to go. */
static void png_with_a_deep_graph(struct buffer *to)
{
    AUTO(buffer_done) struct buffer text = {0};
    buffer_add(&text, "prompt", 7);
    for (int i = 0; i < 200000; i++)
        buffer_str(&text, i % 2 ? STR("[") : STR("{\"a\":"));
    png_head(to, 16, 16, 8, 2);
    chunk(to, "tEXt", text.at, text.len);
    zeros(to, "IDAT", "", 0, 16 * 49);
    chunk(to, "IEND", "", 0);
}

static void png_of_100000_frames(struct buffer *to)
{
    uint8_t control[26] = {0}, data[4 + 16];
    png_head(to, 16, 16, 8, 2);
    put_big32(control, 100000);
    chunk(to, "acTL", control, 8);
    zeros(to, "IDAT", "", 0, 16 * 49);
    memset(data, 0, sizeof(data));
    for (uint32_t i = 0; i < 100000; i++) {
        put_big32(control, 2 * i);
        control[7] = control[11] = 16;
        chunk(to, "fcTL", control, sizeof(control));
        put_big32(data, 2 * i + 1);
        chunk(to, "fdAT", data, sizeof(data));
    }
    chunk(to, "IEND", "", 0);
}

static void png_and_page(struct buffer *to)
{
    png_pixels(to, 16, 16, 8, 2, 3);
    buffer_str(to, STR("<html><script>alert(document.domain)</script></html>"));
}

static void png_and_archive(struct buffer *to)
{
    png_pixels(to, 16, 16, 8, 2, 3);
    buffer_add(to, "PK\3\4\x0a\0\0\0\0\0", 10);
    buffer_add(to, "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
}

static void png_in_name_only(struct buffer *to)
{
    buffer_add(to, "\x89PNG\r\n\x1a\n", 8);
    buffer_str(to, STR("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"));
}

static void png_cut(struct buffer *to)
{
    png_pixels(to, 512, 512, 8, 2, 3);
    to->len = to->len * 2 / 3;
}

/* ---- JPEG ---- */

static void segment(struct buffer *to, uint8_t marker, const void *body, size_t len)
{
    uint8_t head[] = {0xff, marker, (uint8_t)((len + 2) >> 8), (uint8_t)(len + 2)};
    buffer_add(to, head, 4);
    buffer_add(to, body, len);
}

static void jpeg_head(struct buffer *to, uint8_t frame, uint32_t width, uint32_t height)
{
    uint8_t table[65] = {0};
    uint8_t shape[] = {8,
                       (uint8_t)(height >> 8),
                       (uint8_t)height,
                       (uint8_t)(width >> 8),
                       (uint8_t)width,
                       1,
                       1,
                       0x11,
                       0};
    /* One code each: "0" is no difference, and for the rest an end of band for 16,384 blocks. */
    static const uint8_t first[] = {0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t rest[] = {0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0};
    memset(table + 1, 1, 64);
    buffer_add(to, "\xff\xd8", 2);
    segment(to, 0xdb, table, sizeof(table));
    segment(to, frame, shape, sizeof(shape));
    segment(to, 0xc4, first, sizeof(first));
    segment(to, 0xc4, rest, sizeof(rest));
}

static void jpeg_of_60000(struct buffer *to)
{
    jpeg_head(to, 0xc0, 60000, 60000);
    segment(to, 0xda, "\1\1\0\0\x3f\0", 6);
    buffer_add(to, "\0\0\0\xff\xd9", 5);
}

/* Each scan is a few bytes, and a walk over all blocks of the picture. */
static void jpeg_of_very_many_scans(struct buffer *to)
{
    static const uint8_t blocks[64] = {0};
    jpeg_head(to, 0xc2, 4096, 4096);
    segment(to, 0xda, "\1\1\0\0\0\0", 6);
    for (int i = 0; i < 512; i++) /* 262,144 blocks of one bit */
        buffer_add(to, blocks, sizeof(blocks));
    for (int i = 0; i < 5000; i++) {
        segment(to, 0xda, "\1\1\0\1\x3f\0", 6);
        buffer_add(to, blocks, 30); /* sixteen times "0" and 14 bits */
    }
    buffer_add(to, "\xff\xd9", 2);
}

/* As many bytes that look like scans, behind the end of a sound one: nobody walks over these. */
static void jpeg_with_scans_behind_its_end(struct buffer *to)
{
    jpeg_head(to, 0xc0, 16, 16);
    segment(to, 0xda, "\1\1\0\0\x3f\0", 6);
    buffer_add(to, "\0\xff\xd9", 3); /* four blocks of two bits */
    for (int i = 0; i < 5000; i++)
        segment(to, 0xda, "\1\1\0\1\x3f\0", 6);
}

static void jpeg_with_an_exif_that_bites_its_tail(struct buffer *to)
{
    static const uint8_t exif[] = "Exif\0\0II*\0\x08\0\0\0\2\0\x69\x87\4\0\1\0\0\0\x08\0\0\0"
                                  "\x86\x92\7\0\xff\xff\xff\xff\x08\0\0\0\x08\0\0\0";
    jpeg_head(to, 0xc0, 16, 16);
    segment(to, 0xe1, exif, sizeof(exif) - 1);
    segment(to, 0xda, "\1\1\0\0\x3f\0", 6);
    buffer_add(to, "\0\0\0\0\xff\xd9", 6);
}

/* A quarter of three rows is none. */
static void jpeg_as_thin_as_a_hair(struct buffer *to)
{
    static const uint8_t blocks[625] = {0};
    jpeg_head(to, 0xc0, 20000, 3);
    segment(to, 0xda, "\1\1\0\0\x3f\0", 6);
    buffer_add(to, blocks, sizeof(blocks)); /* 2,500 blocks of two bits */
    buffer_add(to, "\xff\xd9", 2);
}

static void jpeg_in_name_only(struct buffer *to)
{
    buffer_add(to, "\xff\xd8\xff\xe0", 4);
    buffer_str(to, STR("<?php system($_GET['c']); ?>"));
}

/* ---- WebP ---- */

static void riff_part(struct buffer *to, const char *name, const void *data, size_t len)
{
    uint8_t four[4];
    put_little32(four, (uint32_t)len);
    buffer_add(to, name, 4);
    buffer_add(to, four, 4);
    buffer_add(to, data, len);
    if (len & 1)
        buffer_char(to, 0);
}

static void riff_begin(struct buffer *to)
{
    buffer_add(to, "RIFF\0\0\0\0WEBP", 12);
}

static void riff_end(struct buffer *to)
{
    put_little32((uint8_t *)to->at + 4, (uint32_t)to->len - 8);
}

static void webp_of_16384(struct buffer *to)
{
    riff_begin(to);
    riff_part(to, "VP8L", "\x2f\xff\xff\xff\x0f\0\0\0\0", 9);
    riff_end(to);
}

static void webp_of_100000_frames(struct buffer *to)
{
    AUTO(buffer_done) struct buffer frame = {0};
    riff_begin(to);
    riff_part(to, "VP8X", "\2\0\0\0\xff\0\0\xff\0\0", 10);
    riff_part(to, "ANIM", "\0\0\0\0\0\0", 6);
    buffer_add(&frame, "\0\0\0\0\0\0\xff\0\0\xff\0\0\1\0\0\0", 16);
    riff_part(&frame, "VP8L", "\x2f\xff\xc0\x3f\0\x88\x88\x08", 8);
    for (int i = 0; i < 100000; i++)
        riff_part(to, "ANMF", frame.at, frame.len);
    riff_end(to);
}

/* ---- GIF ---- */

static void gif(struct buffer *to, uint32_t side, int frames)
{
    uint8_t low = (uint8_t)side, high = (uint8_t)(side >> 8);
    uint8_t screen[] = {low, high, low, high, 0x80, 0, 0, 0, 0, 0, 255, 255, 255};
    uint8_t frame[] = {0x2c, 0, 0, 0, 0, low, high, low, high, 0, 2, 2, 0x44, 1, 0};
    buffer_add(to, "GIF89a", 6);
    buffer_add(to, screen, sizeof(screen));
    for (int i = 0; i < frames; i++)
        buffer_add(to, frame, sizeof(frame));
    buffer_char(to, 0x3b);
}

static void gif_of_100000_frames(struct buffer *to)
{
    gif(to, 16, 100000);
}

static void gif_of_60000(struct buffer *to)
{
    gif(to, 60000, 1);
}

/* Each frame is a few bytes, and fifty million pixels. */
static void gif_of_many_large_frames(struct buffer *to)
{
    gif(to, 7000, 4000);
}

static void gif_and_script(struct buffer *to)
{
    buffer_str(to, STR("GIF89a=0;/*"));
    buffer_add(to, "\0\0\0", 3);
    buffer_str(to, STR("*/alert(1)//"));
}

/* ---- films ---- */

struct box {
    size_t at;
};

static struct box box_begin(struct buffer *to, const char *name)
{
    struct box box = {to->len};
    buffer_add(to, "\0\0\0\0", 4);
    buffer_add(to, name, 4);
    return box;
}

static void box_end(struct buffer *to, struct box box)
{
    put_big32((uint8_t *)to->at + box.at, (uint32_t)(to->len - box.at));
}

static void box_of(struct buffer *to, const char *name, const uint32_t *numbers, size_t count)
{
    struct box box = box_begin(to, name);
    for (size_t i = 0; i < count; i++) {
        uint8_t four[4];
        put_big32(four, numbers[i]);
        buffer_add(to, four, 4);
    }
    box_end(to, box);
}

#define NUMBERS(...)                                                                               \
    (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

static void sample_tables(struct buffer *to, uint32_t side, uint32_t samples, uint32_t size)
{
    struct box table = box_begin(to, "stbl");
    box_of(to, "stsd",
           NUMBERS(0, 1, 88, 0x6d703476 /* mp4v */, 0, 1, 0, 0, 0, 0, side << 16 | side, 0x480000,
                   0x480000, 0, 1 << 16, 0, 0, 0, 0, 0, 0, 0, 0x18, 0xffff0000));
    box_of(to, "stts", NUMBERS(0, 1, samples, 0x7fffffff));
    box_of(to, "stsc", NUMBERS(0, 1, 1, samples, 1));
    box_of(to, "stsz", NUMBERS(0, size, samples));
    box_of(to, "stco", NUMBERS(0, 1, 8));
    box_end(to, table);
}

static void film(struct buffer *to, uint32_t side, uint32_t samples, uint32_t size)
{
    box_of(to, "ftyp", NUMBERS(0x6d703432, 0, 0x6d703432));
    struct box moov = box_begin(to, "moov");
    box_of(to, "mvhd",
           NUMBERS(0, 0, 0, 1, 0x7fffffff, 0x10000, 0x1000000, 0, 0, 0x10000, 0, 0, 0, 0x10000, 0,
                   0, 0, 0x40000000, 0, 0, 0, 0, 0, 0, 2));
    struct box track = box_begin(to, "trak");
    box_of(to, "tkhd",
           NUMBERS(3, 0, 0, 1, 0, 0x7fffffff, 0, 0, 0, 0, 0x10000, 0, 0, 0, 0x10000, 0, 0, 0,
                   0x40000000, side << 16, side << 16));
    struct box media = box_begin(to, "mdia");
    box_of(to, "mdhd", NUMBERS(0, 0, 0, 1, 0x7fffffff, 0));
    box_of(to, "hdlr", NUMBERS(0, 0, 0x76696465 /* vide */, 0, 0, 0, 0));
    struct box inner = box_begin(to, "minf");
    sample_tables(to, side, samples, size);
    box_end(to, inner);
    box_end(to, media);
    box_end(to, track);
    box_end(to, moov);
}

static void film_of_4_billion_frames(struct buffer *to)
{
    film(to, 64, 0xffffffff, 1);
}

static void film_of_millions_of_frames_of_nothing(struct buffer *to)
{
    film(to, 64, 50000000, 0);
}

static void film_of_60000(struct buffer *to)
{
    film(to, 60000, 1, 16);
}

/* Boxes inside one another, deeper than a reader that calls itself comes back from. */
static void film_of_nested_boxes(struct buffer *to)
{
    box_of(to, "ftyp", NUMBERS(0x6d703432, 0, 0x6d703432));
    uint32_t left = 30000 * 8;
    for (; left > 0; left -= 8) {
        uint8_t four[4];
        put_big32(four, left);
        buffer_add(to, four, 4);
        buffer_add(to, left == 30000 * 8 ? "moov" : "trak", 4);
    }
}

/* Fragments without an end and without pictures. */
static void film_of_100000_fragments(struct buffer *to)
{
    film(to, 64, 0, 0);
    for (uint32_t i = 0; i < 100000; i++) {
        struct box fragment = box_begin(to, "moof");
        box_of(to, "mfhd", NUMBERS(0, i));
        box_end(to, fragment);
    }
}

/* A live WebM: cluster after cluster, none of which says how long it is. */
static void webm_without_end(struct buffer *to)
{
    static const uint8_t head[] = "\x1a\x45\xdf\xa3\x8b\x42\x82\x84webm\x42\x87\x81\2"
                                  "\x18\x53\x80\x67\xff"
                                  "\x16\x54\xae\x6b\x9c\xae\x9a\xd7\x81\1\x73\xc5\x81\1\x83\x81\1"
                                  "\x86\x85V_VP8\xe0\x86\xb0\x81\x10\xba\x81\x10";
    buffer_add(to, head, sizeof(head) - 1);
    for (int i = 0; i < 100000; i++)
        buffer_add(to, "\x1f\x43\xb6\x75\xff\xe7\x81\0\xa3\x85\x81\0\0\x80\0", 15);
}

/* ---- disguises ---- */

static void svg_behind_blanks(struct buffer *to)
{
    buffer_str(to,
               STR("\xef\xbb\xbf \n\t<SVG onload='alert(1)' xmlns='http://www.w3.org/2000/svg'/>"));
}

static void page_behind_a_comment(struct buffer *to)
{
    buffer_str(to, STR("<!-- \x89PNG --><html><script>alert(1)</script>"));
}

static void program(struct buffer *to)
{
    buffer_add(to,
               "\x7f"
               "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0",
               20);
}

static void list_of_files_to_read(struct buffer *to)
{
    buffer_str(to, STR("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\nfile:///etc/passwd\n"));
}

static void nothing(struct buffer *to)
{
}

#define BAD MAY(MEDIA_CORRUPT)
#define LARGE MAY(MEDIA_TOO_LARGE)
#define REFUSED MAY(MEDIA_REFUSED)
/* By the limits of its child; on a busy machine it may have had little of the processor. */
#define STOPPED (MAY(MEDIA_CRASHED) | MAY(MEDIA_TIMEOUT) | MAY(MEDIA_STARVED))
#define ROW(make, may)                                                                             \
    {                                                                                              \
#make, make, may                                                                           \
    }

const struct hostile hostile_files[] = {
    ROW(png_and_page, MAY_DONE),
    ROW(png_of_most_pixels, MAY_DONE | STOPPED),
    ROW(png_of_more_pixels, LARGE),
    ROW(png_of_60000, LARGE),
    ROW(png_of_2_billion, LARGE | BAD),
    ROW(png_with_data_behind_its_end, MAY_DONE | BAD | STOPPED),
    ROW(png_with_a_bomb_for_a_profile, MAY_DONE | BAD),
    ROW(png_with_bombs_for_texts, MAY_DONE | BAD | STOPPED),
    ROW(png_with_very_many_texts, MAY_DONE | BAD | STOPPED),
    ROW(png_with_a_deep_graph, MAY_DONE),
    ROW(png_of_100000_frames, MAY_DONE | LARGE | STOPPED),
    ROW(png_and_archive, MAY_DONE),
    ROW(png_in_name_only, BAD),
    ROW(png_cut, BAD),
    ROW(jpeg_of_60000, LARGE),
    ROW(jpeg_of_very_many_scans, LARGE),
    ROW(jpeg_with_scans_behind_its_end, MAY_DONE),
    ROW(jpeg_with_an_exif_that_bites_its_tail, MAY_DONE | BAD),
    ROW(jpeg_as_thin_as_a_hair, MAY_DONE),
    ROW(jpeg_in_name_only, BAD),
    ROW(webp_of_16384, LARGE | BAD),
    ROW(webp_of_100000_frames, LARGE | BAD),
    ROW(gif_of_100000_frames, LARGE | BAD),
    ROW(gif_of_60000, LARGE | BAD),
    ROW(gif_of_many_large_frames, MAY_DONE | BAD | LARGE | STOPPED),
    ROW(gif_and_script, BAD | REFUSED | LARGE),
    ROW(film_of_4_billion_frames, LARGE | BAD | REFUSED),
    ROW(film_of_millions_of_frames_of_nothing, LARGE | BAD | REFUSED),
    ROW(film_of_60000, LARGE | BAD | REFUSED),
    ROW(film_of_nested_boxes, BAD | REFUSED),
    ROW(film_of_100000_fragments, BAD | REFUSED | LARGE | STOPPED),
    ROW(webm_without_end, BAD | REFUSED | LARGE | STOPPED),
    ROW(svg_behind_blanks, REFUSED),
    ROW(page_behind_a_comment, REFUSED),
    ROW(program, REFUSED),
    ROW(list_of_files_to_read, REFUSED),
    ROW(nothing, BAD),
};
const size_t hostile_count = ARRAY_LEN(hostile_files);

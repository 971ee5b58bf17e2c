/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/type.h"

#include <string.h>

static void expect(str first, enum media_type type, const char *name)
{
    struct media_found found = media_type_of(first);
    if (found.type != type || strcmp(found.name, name) != 0)
        fail_msg("%.*s: %s, not %s", STR_ARG(first), found.name, name);
}

static void what_is_accepted_is_known_by_its_first_bytes(void **state)
{
    static const struct {
        str first;
        enum media_type type;
        const char *name;
    } cases[] = {
        {STR("\x89PNG\r\n\x1a\n"), MEDIA_PNG, "a PNG picture"},
        {STR("\xff\xd8\xff\xe0"), MEDIA_JPEG, "a JPEG picture"},
        {STR("GIF89a"), MEDIA_GIF, "a GIF picture"},
        {STR("RIFF\0\0\0\0WEBPVP8 "), MEDIA_WEBP, "a WebP picture"},
        {STR("\0\0\0\x1c\x66typavif\0\0\0\0"), MEDIA_AVIF, "an AVIF picture"},
        {STR("\0\0\0\x18\x66typmif1\0\0\0\0mif1avif"), MEDIA_AVIF, "an AVIF picture"},
        {STR("\0\0\0\x18\x66typmif1\0\0\0\0mif1heic"), MEDIA_HEIC, "a HEIC picture"},
        {STR("\0\0\0\x1c\x66typheic\0\0\0\0"), MEDIA_HEIC, "a HEIC picture"},
        {STR("\0\0\0\x18\x66typisom\0\0\0\0qt  mp42"), MEDIA_MP4, "an MP4 film"},
        {STR("\0\0\0\x14\x66typqt  \0\0\0\0"), MEDIA_MOV, "a MOV film"},
        {STR("\0\0\0\x08wide\0\0\0\0mdat"), MEDIA_MOV, "a MOV film"},
        {STR("\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm"), MEDIA_WEBM, "a WebM film"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect(cases[i].first, cases[i].type, cases[i].name);
}

static void what_is_not_accepted_has_a_name(void **state)
{
    static const struct {
        str first;
        const char *name;
    } cases[] = {
        {STR("RIFF\0\0\0\0AVI LIST"), "an AVI film"},
        {STR("RIFF\0\0\0\0WAVEfmt "), "a WAV sound"},
        {STR("\0\0\0\x18\x66typM4A \0\0\0\0"), "an M4A sound"},
        {STR("\0\0\0\x10\x66typmif1\0\0\0\0avif"), "a HEIF picture"}, /* behind its head */
        {STR("\x1a\x45\xdf\xa3 more"), "a Matroska film"},
        {STR("%PDF-1.7"), "a PDF"},
        {STR("BM and more bytes"), "a BMP picture"},
        {STR("PK\3\4 and more"), "a ZIP archive or a document"},
        {STR("\x7f\x45LF\2"), "a program"},
        {STR("#!/bin/sh"), "a program"},
        {STR("\xef\xbb\xbf<?xml?><SVG>"), "an SVG drawing"},
        {STR(" \n<SVG onload='x'>"), "an SVG drawing"},
        {STR(" <!DOCTYPE html>"), "a web page"},
        {STR("<script>alert(1)</script>"), "a web page"},
        {STR("<?xml version='1.0'?>"), "an XML document"},
        {STR("only words, a < b"), "text"},
        {STR("\xd1\x81\xd0\xbb\xd0\xbe\xd0\xb2\xd0\xbe"), "text"},
        {STR("WEBP"), "text"},
        {STR("\1\2\3"), "a file of a kind that is unknown here"},
        {STR("\xff\xd8"), "a file of a kind that is unknown here"},
        {STR("\0"), "a file of a kind that is unknown here"},
        {STR(""), "a file of a kind that is unknown here"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect(cases[i].first, MEDIA_TYPE_NONE, cases[i].name);
}

/* The server has the first bytes only, the helper has all. */
static void more_than_the_first_bytes_changes_nothing(void **state)
{
    char long_text[2 * MEDIA_TYPE_BYTES];
    memset(long_text, 'a', sizeof(long_text));
    memcpy(long_text + MEDIA_TYPE_BYTES - 1, "\xd0\xbe", 2);
    long_text[MEDIA_TYPE_BYTES + 1] = '\0';
    expect((str){long_text, MEDIA_TYPE_BYTES}, MEDIA_TYPE_NONE, "text");
    expect((str){long_text, sizeof(long_text)}, MEDIA_TYPE_NONE, "text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_accepted_is_known_by_its_first_bytes),
        cmocka_unit_test(what_is_not_accepted_has_a_name),
        cmocka_unit_test(more_than_the_first_bytes_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

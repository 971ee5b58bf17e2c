/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of forms: what is told must not depend on how the bytes were cut, and the parts that
 * it tells must lie in the text in that order. The first byte is the length of the boundary's rest,
 * the second one how long the pieces are; the whole is then read at once, too.
 */
#include "fuzz.h"

#include "base/hash.h"
#include "net/multipart.h"

#include <string.h>

struct told {
    uint64_t hash;
    size_t bytes, parts, ends;
};

static void mix(struct told *told, const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        told->hash = (told->hash ^ (unsigned char)at[i]) * UINT64_C(1099511628211);
}

static bool on_begin(void *context, const struct multipart_part *part)
{
    struct told *told = context;
    assert(utf8_is_valid(part->name));
    told->parts++;
    mix(told, part->name.at, part->name.len);
    mix(told, "|", 1);
    if (part->has_file_name)
        mix(told, part->file_name.at, part->file_name.len);
    return true;
}

static bool on_data(void *context, str data)
{
    struct told *told = context;
    assert(told->parts == told->ends + 1 && data.len > 0);
    told->bytes += data.len;
    mix(told, data.at, data.len);
    return true;
}

static bool on_end(void *context)
{
    struct told *told = context;
    told->ends++;
    mix(told, "#", 1);
    return true;
}

static enum multipart_verdict read_all(str type, str text, size_t step, struct told *told)
{
    static const struct multipart_handlers handlers = {on_begin, on_data, on_end};
    struct multipart *reader = memory_new(sizeof(*reader));
    enum multipart_verdict verdict = MULTIPART_MORE;
    *told = (struct told){.hash = 1};
    bool is_form = multipart_init(reader, type, &handlers, told);
    for (size_t at = 0; is_form && at < text.len && verdict == MULTIPART_MORE; at += step) {
        /* A copy of its own: reading beyond the piece is seen. */
        size_t len = MIN_OF(step, text.len - at);
        char *piece = memory_new(len);
        memcpy(piece, text.at + at, len);
        verdict = multipart_feed(reader, (str){piece, len});
        free(piece);
    }
    free(reader);
    return is_form ? verdict : MULTIPART_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    struct told whole, cut;
    if (size < 3)
        return 0;
    str text = {(const char *)data + 2, size - 2};
    str boundary = str_slice(text, 0, data[0] % 80);
    text = str_slice(text, boundary.len, text.len);
    str type = str_format(&arena, "multipart/form-data; boundary=\"%.*s\"", STR_ARG(boundary));
    enum multipart_verdict first = read_all(type, text, MAX_OF(text.len, (size_t)1), &whole);
    enum multipart_verdict second = read_all(type, text, (size_t)data[1] % 64 + 1, &cut);
    assert(first == second);
    assert(first == MULTIPART_BAD || (whole.hash == cut.hash && whole.bytes == cut.bytes));
    assert(whole.bytes <= text.len && whole.parts <= MULTIPART_PARTS_MAX + 1);
    return 0;
}

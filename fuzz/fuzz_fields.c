/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the reader of fields takes, the writer writes, and reading that gives the same text.
 * Whatever it refuses, it explains. Every kind of field stands in the shape.
 */
#include <assert.h>
#include <string.h>

#include "json/fields.h"

#include "fuzz.h"

enum colour { COLOUR_NONE, COLOUR_RED, COLOUR_BLUE };
static const char *const colour_names[] = {[COLOUR_RED] = "red", [COLOUR_BLUE] = "blue"};

struct inner {
    int64_t n;
    str t;
};
#define ROW struct inner
static const struct field inner_fields[] = {INT(n, .min = -5, .max = 5), MAYBE_TEXT(t, .max = 9)};
#undef ROW
static const struct shape inner_shape = {
    .name = "inner", .size = sizeof(struct inner), FIELDS(inner_fields)};

extern const struct doc_type thing_type;
struct thing {
    doc_id id;
    tick created;
    doc_id r;
    str t;
    int32_t i;
    double n;
    bool b;
    instant at;
    credits c;
    enum colour colour;
    struct inner in;
    struct inner *maybe_in;
    struct list list, things;
    str any;
    struct maybe_int mi;
    struct maybe_number mn;
    struct maybe_bool mb;
    struct maybe_instant mt;
};

static const struct field text_item = ITEM_TEXT(.max = 3);
static const struct field inner_item = ITEM_RECORD(&inner_shape, struct inner);

#define ROW struct thing
static const struct field thing_fields[] = {
    ID(id),
    CREATED(created),
    MAYBE_REF(r, &thing_type),
    MAYBE_TEXT(t, .min = 2, .max = 5),
    INT(i, .is_optional = true),
    NUMBER(n, .is_optional = true),
    BOOL(b, .is_optional = true),
    TIME(at, .is_optional = true),
    CREDITS(c, .is_optional = true),
    MAYBE_CHOICE(colour, colour_names),
    RECORD(in, &inner_shape),
    MAYBE_RECORD(maybe_in, &inner_shape, .is_nullable = true),
    MAYBE_LIST(list, &text_item, .max = 4),
    MAYBE_LIST(things, &inner_item, .is_nullable = true),
    MAYBE_ANY(any),
    MAYBE_INT(mi, .is_nullable = true),
    MAYBE_NUMBER(mn, .least = -1, .most = 1),
    MAYBE_BOOL(mb),
    MAYBE_TIME(mt),
};
#undef ROW
const struct doc_type thing_type = {
    .name = "things", .size = sizeof(struct thing), .number = 3, FIELDS(thing_fields)};

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer once = {0};
    AUTO(buffer_done) struct buffer twice = {0};
    struct json tree;
    struct thing thing = {0}, again = {0};
    struct field_error error = {0};

    doc_id_set_key((const uint8_t *)"0123456789abcdef");
    if (size == 0 || !json_read(&arena, (str){(const char *)data + 1, size - 1}, 0, &tree, NULL))
        return 0;
    if (!shape_read(&arena, &thing_type.shape, &tree, data[0] % 2 != 0, &thing, &error)) {
        assert(error.text[0] != '\0' && utf8_is_valid(str_of(error.text)));
        assert(utf8_is_valid(str_of(error.path)));
        return 0;
    }
    shape_write(&once, &thing_type.shape, &thing);
    bool well = json_read(&arena, buffer_text(&once), 0, &tree, NULL) &&
                shape_read(&arena, &thing_type.shape, &tree, false, &again, &error);
    assert(well);
    shape_write(&twice, &thing_type.shape, &again);
    assert(str_equal(buffer_text(&once), buffer_text(&twice)));
    return 0;
}

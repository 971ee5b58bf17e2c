/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reader takes has a canonical text that reads back as the same value; the lossy text is
 * JSON again. No value that passes the Convex check is refused once it is written.
 */
#include <assert.h>

#include "json/json.h"

#include "fuzz.h"

static void canonical_is_stable(struct arena *arena, const struct json *tree, bool is_convex)
{
    AUTO(buffer_done) struct buffer once = {0};
    AUTO(buffer_done) struct buffer twice = {0};
    struct json again;

    json_write_canonical(&once, tree);
    bool is_read = json_read(arena, buffer_text(&once), 0, &again, NULL);
    assert(is_read);
    json_write_canonical(&twice, &again);
    assert(str_equal(buffer_text(&once), buffer_text(&twice)));
    assert(convex_value_check(&again, NULL) == is_convex);
}

static void clean_is_json(struct arena *arena, const struct json *tree)
{
    AUTO(buffer_done) struct buffer clean = {0};
    struct json again;

    convex_write_clean(&clean, tree);
    bool is_read = json_read(arena, buffer_text(&clean), 0, &again, NULL);
    assert(is_read);
}

/* An envelope takes all that the reader takes, and gives the same. */
static void envelope_is_wider(struct arena *arena, str text, const struct json *tree)
{
    AUTO(buffer_done) struct buffer strict = {0};
    AUTO(buffer_done) struct buffer wide = {0};
    struct json envelope;

    bool is_read = json_read_message(arena, text, &envelope, NULL);
    assert(is_read || tree == NULL);
    if (!is_read)
        return;
    json_write_canonical(&wide, &envelope);
    is_read = json_read_message(arena, buffer_text(&wide), &envelope, NULL);
    assert(is_read);
    if (tree == NULL)
        return;
    json_write_canonical(&strict, tree);
    assert(str_equal(buffer_text(&wide), buffer_text(&strict)));
}

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json tree;
    struct fault fault = {0};
    str text = {(const char *)data, size};

    if (!json_read(&arena, text, 0, &tree, &fault)) {
        assert(fault.kind == FAULT_INPUT && fault.text[0] != '\0');
        envelope_is_wider(&arena, text, NULL);
        return 0;
    }
    envelope_is_wider(&arena, text, &tree);
    canonical_is_stable(&arena, &tree, convex_value_check(&tree, &fault));
    clean_is_json(&arena, &tree);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever is read is a tree that JSON can say; what is refused has a place; merged with itself it
 * is the same again, but for the null that changes nothing.
 */
#include <assert.h>
#include <string.h>

#include "json/yaml.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer text = {0};
    AUTO(buffer_done) struct buffer twice = {0};
    struct json tree, again;
    struct fault fault = {0};

    if (!yaml_read(&arena, (str){(const char *)data, size}, 1, &tree, &fault)) {
        assert(fault.kind == FAULT_INPUT && strncmp(fault.text, "line ", 5) == 0);
        return 0;
    }
    json_write_canonical(&text, &tree);
    bool is_read = json_read(&arena, buffer_text(&text), 0, &again, NULL);
    assert(is_read);
    struct json merged = json_merge(&arena, &tree, &tree);
    json_write_canonical(&twice, &merged);
    assert(str_equal(buffer_text(&text), buffer_text(&twice)));
    return 0;
}

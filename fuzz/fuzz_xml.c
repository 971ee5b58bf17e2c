/* SPDX-License-Identifier: Apache-2.0 */
/* The answers of a bucket: whatever comes, the walk ends, and texts are no longer than they were.
 */
#include <assert.h>

#include "blob/xml.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    str text = {(const char *)data, size};
    struct xml xml = {text};
    struct xml_tag tag;
    size_t left = size + 1;
    while (xml_next(&xml, &tag)) {
        assert(xml.rest.len < left);
        left = xml.rest.len;
        assert(tag.name.len > 0 && tag.name.len < size);
        assert(str_find(tag.text, '<') < 0);
        assert(xml_text(&arena, tag.text).len <= tag.text.len);
    }
    assert(xml_find(&arena, text, "Code").len <= size);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What files say of their making. The first byte chooses the format; what is found is what the
 * server takes, and a stamp can be written into whatever was read: the edits fit the file, and the
 * copy says what was stamped unless the file had said something in our words itself.
 */
#include <assert.h>

#include "media/edits.h"
#include "media/worker/parameters.h"
#include "media/worker/stamp.h"

#include "fuzz.h"

static const struct stamp stamp = {
    .prompt = STR("a <red> kite"),
    .negative_prompt = STR("fog"),
    .model = STR("sketch, fast"),
    .seed = {7, true},
    .width = 640,
    .height = 480,
};

static void check_stamp(struct arena *arena, enum media_type type, bytes file)
{
    AUTO(buffer_done) struct buffer edits = buffer_with_max(EDITS_BYTES_MAX);
    AUTO(buffer_done) struct buffer copy = {0};
    struct edits_part part;
    uint64_t len = 0;
    if (!stamp_edits(arena, type, file, &stamp, &edits))
        return;
    struct edits_walk walk = {.edits = bytes_of(buffer_text(&edits)), .file_len = file.len};
    bool is_well = edits_check(walk.edits, file.len, &len);
    assert(is_well);
    while (edits_next(&walk, &part))
        buffer_add(&copy, part.is_file ? file.at + part.at : part.added.at, (size_t)part.len);
    assert(copy.len == len);
    struct metadata metadata;
    metadata_read(arena, type, bytes_of(buffer_text(&copy)), &metadata);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer told = buffer_with_max(PARAMETERS_JSON_MAX);
    struct metadata metadata;
    struct embedded found, taken;
    if (size < 1)
        return 0;
    enum media_type type = (enum media_type)(MEDIA_PNG + data[0] % 4);
    bytes file = {data + 1, size - 1};
    metadata_read(&arena, type, file, &metadata);
    if (parameters_find(&arena, &metadata, &found)) {
        parameters_write(&told, &found);
        bool is_taken = parameters_take(&arena, buffer_text(&told), &taken, NULL);
        assert(is_taken && taken.tool == found.tool);
    }
    check_stamp(&arena, type, file);
    struct edits_walk walk = {.edits = file, .file_len = 1000};
    struct edits_part part;
    uint64_t len, sum = 0;
    if (edits_check(file, 1000, &len)) {
        while (edits_next(&walk, &part))
            sum += part.len;
        assert(sum == len);
    }
    return 0;
}

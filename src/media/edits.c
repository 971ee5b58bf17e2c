/* SPDX-License-Identifier: Apache-2.0 */
#include "media/edits.h"

struct edit {
    uint64_t at;
    uint32_t removed;
    bytes added;
};

static uint64_t little(const uint8_t *at, int count)
{
    uint64_t value = 0;
    for (int i = count; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

void edits_add(struct buffer *to, uint64_t at, uint32_t removed, bytes added)
{
    uint8_t head[EDIT_HEAD];
    for (int i = 0; i < 8; i++)
        head[i] = (uint8_t)(at >> (8 * i));
    for (int i = 0; i < 4; i++) {
        head[8 + i] = (uint8_t)(removed >> (8 * i));
        head[12 + i] = (uint8_t)((uint32_t)added.len >> (8 * i));
    }
    buffer_add(to, head, sizeof(head));
    buffer_add(to, added.at, added.len);
}

/* The first of them; false if it is cut. */
static bool first_edit(bytes edits, struct edit *out)
{
    if (edits.len < EDIT_HEAD)
        return false;
    out->at = little(edits.at, 8);
    out->removed = (uint32_t)little(edits.at + 8, 4);
    out->added = (bytes){edits.at + EDIT_HEAD, (size_t)little(edits.at + 12, 4)};
    return out->added.len <= edits.len - EDIT_HEAD;
}

static bytes rest_of(bytes edits, const struct edit *edit)
{
    size_t len = EDIT_HEAD + edit->added.len;
    return (bytes){edits.at + len, edits.len - len};
}

bool edits_check(bytes edits, uint64_t file_len, uint64_t *len_out)
{
    uint64_t at = 0, removed = 0;
    struct edit edit;
    *len_out = file_len;
    if (edits.len > EDITS_BYTES_MAX)
        return false;
    for (int i = 0; edits.len > 0; i++) {
        if (i == EDITS_MAX || !first_edit(edits, &edit) || edit.at < at || edit.at > file_len ||
            edit.removed > file_len - edit.at)
            return false;
        at = edit.at + edit.removed;
        removed += edit.removed;
        *len_out += edit.added.len;
        edits = rest_of(edits, &edit);
    }
    *len_out -= removed;
    return removed <= EDITS_REMOVED_MAX;
}

bool edits_next(struct edits_walk *walk, struct edits_part *out)
{
    struct edit edit = {.at = walk->file_len};
    bool has_edit = first_edit(walk->edits, &edit);
    *out = (struct edits_part){0};
    if (has_edit && walk->has_added) {
        out->added = edit.added;
        out->len = edit.added.len;
        walk->at = edit.at + edit.removed;
        walk->edits = rest_of(walk->edits, &edit);
        walk->has_added = false;
        return true;
    }
    out->is_file = true;
    out->at = walk->at;
    out->len = edit.at - walk->at;
    walk->at = edit.at;
    walk->has_added = has_edit;
    return has_edit || out->len > 0;
}

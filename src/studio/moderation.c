/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/moderation.h"

#include "studio/users.h"

static const char *const flag_source_names[FLAG_SOURCES] = {
    [FLAG_BY_USER] = "user",
    [FLAG_BY_PROMPT] = "prompt",
    [FLAG_BY_IMAGE] = "image",
};

static const char *const flag_state_names[FLAG_STATES] = {
    [FLAG_OPEN] = "open",
    [FLAG_UPHELD] = "upheld",
    [FLAG_DISMISSED] = "dismissed",
};

#define ROW struct flag
static const struct field flag_fields[] = {
    ID(id),
    CREATED(created),
    CHOICE(source, flag_source_names),
    CHOICE(state, flag_state_names),
    MAYBE_REF(asset_id, &asset_type),
    MAYBE_REF(generation_id, &generation_type),
    MAYBE_REF(reporter_id, &user_type, .about = "Absent: a check."),
    TEXT(reason, .max = 500),
    MAYBE_REF(resolved_by, &user_type),
    TIME(created_at),
};
#undef ROW

const struct doc_type flag_type = {
    .name = "moderationFlags",
    .about = "What people or checks found wrong with a work or a prompt.",
    .size = sizeof(struct flag),
    FIELDS(flag_fields),
    .number = 41,
    INDEXES({.name = "by_state", .fields = {"state"}},
            {.name = "by_reporter", .fields = {"reporterId", "assetId", "generationId"}}),
};

void flag_put(struct call *call, const struct flag *flag)
{
    struct flag row = {0};
    if (doc_id_is_set(flag->reporter_id)) {
        doc_id id = row_first(
            call, index_of(&flag_type, "by_reporter"),
            KEY(key_id(flag->reporter_id), key_id(flag->asset_id), key_id(flag->generation_id)));
        row_find(call, &flag_type, id, &row);
    }
    doc_id id = row.id;
    tick created = row.created;
    row = *flag;
    row.id = id;
    row.created = created;
    row.state = FLAG_OPEN;
    row.created_at = call->now;
    if (!doc_id_is_set(row.id))
        row_new(call, &flag_type, &row);
    row_put(call, &flag_type, &row);
}

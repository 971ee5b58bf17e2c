/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that is kept of a person, for themselves (MOD-04): part by part and page by page, each row as
 * it is stored, and each file with its address. Passwords and sessions are not among it: they are
 * kept as sums that tell nobody anything.
 */
#include "studio/studio.h"

#include "studio/alerts.h"
#include "studio/generations.h"
#include "studio/ledger.h"
#include "studio/subscriptions.h"
#include "studio/usage.h"
#include "studio/users.h"

#define ROWS_MAX 200 /* a page */

enum export_part {
    EXPORT_NONE,
    EXPORT_PROFILE,
    EXPORT_WORKS,
    EXPORT_FILES,
    EXPORT_GENERATIONS,
    EXPORT_CREDITS,
    EXPORT_SUBSCRIPTIONS,
    EXPORT_INVOICES,
    EXPORT_USAGE,
    EXPORT_PARTS,
};
static const char *const part_names[EXPORT_PARTS] = {
    [EXPORT_PROFILE] = "profile",   [EXPORT_WORKS] = "works",
    [EXPORT_FILES] = "files",       [EXPORT_GENERATIONS] = "generations",
    [EXPORT_CREDITS] = "credits",   [EXPORT_SUBSCRIPTIONS] = "subscriptions",
    [EXPORT_INVOICES] = "invoices", [EXPORT_USAGE] = "usage",
};

/* Where the rows of somebody are; the profile is one row. */
static const struct {
    const struct doc_type *type;
    const char *index;
} sources[EXPORT_PARTS] = {
    [EXPORT_PROFILE] = {&user_type, NULL},
    [EXPORT_WORKS] = {&asset_type, "by_user"},
    [EXPORT_FILES] = {&file_type, "by_owner"},
    [EXPORT_GENERATIONS] = {&generation_type, "by_user"},
    [EXPORT_CREDITS] = {&credit_transaction_type, "by_user"},
    [EXPORT_SUBSCRIPTIONS] = {&subscription_type, "by_user"},
    [EXPORT_INVOICES] = {&invoice_type, "by_user"},
    [EXPORT_USAGE] = {&usage_type, "by_user_day"},
};

struct export_data_args {
    enum export_part part;
    struct page_options pagination_opts;
};
#define ROW struct export_data_args
static const struct field export_data_fields[] = {
    CHOICE(part, part_names),
    RECORD(pagination_opts, &page_options_shape),
};
#undef ROW

struct exported {
    str body;
    str url;
};
#define ROW struct exported
static const struct field exported_fields[] = {
    ANY(body, .about = "The row as it is stored."),
    MAYBE_TEXT(url, .about = "Of a file: where its bytes are."),
};
#undef ROW
static const struct shape exported_shape = {
    .name = "exported", .size = sizeof(struct exported), FIELDS(exported_fields)};
static const struct field exported_item = ITEM_RECORD(&exported_shape, struct exported);
PAGE_SHAPE(exported_page, &exported_item)

BACKEND_FUNCTION(export_data, struct page)

const struct function exporting_functions[] = {
    QUERY("account:exportData", export_data, .caller = SIGNED_IN,
          .returns = RETURNS_RECORD(&exported_page, struct page),
          .about = "All that is kept of the caller, part by part (MOD-04)."),
};
const size_t exporting_function_count = ARRAY_LEN(exporting_functions);

static str written(struct call *call, const struct doc_type *type, const void *row)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(MIB(1));
    shape_write(&text, &type->shape, row);
    return str_copy(call->arena, buffer_text(&text));
}

static bool make(struct call *call, const void *row, void *item, void *context)
{
    const struct doc_type *type = context;
    struct exported *exported = item;
    const struct file *file = type == &file_type ? row : NULL;
    if (file != NULL && file->is_doomed)
        return false;
    *exported = (struct exported){.body = written(call, type, row)};
    if (file != NULL)
        exported->url = file_url(call, file->link_id.len != 0 ? file->link_id : file->storage_id);
    return true;
}

static void export_profile(struct call *call, doc_id id, struct page *result)
{
    struct user user;
    struct exported *profile = arena_new(call->arena, struct exported);
    row_get(call, &user_type, id, &user);
    profile->body = written(call, &user_type, &user);
    *result = (struct page){.page = {profile, 1}, .is_done = true, .continue_cursor = STR("")};
}

static void export_data(struct call *call, const struct export_data_args *args, struct page *result)
{
    doc_id caller = call_caller(call);
    const struct doc_type *type = sources[args->part].type;
    REQUIRE_ARGUMENT(call, args->pagination_opts.num_items <= ROWS_MAX, ".paginationOpts.numItems",
                     "It is more than %d.", ROWS_MAX);
    REQUIRE(call, doc_id_is_set(caller), AUTH, "Sign in first.");
    if (args->part == EXPORT_PROFILE) {
        export_profile(call, caller, result);
        return;
    }
    struct page_source source = {
        .index = index_of(type, sources[args->part].index),
        .bounds = {.prefix = KEY(key_id(caller))},
        .order = ORDER_UP,
        .item_size = sizeof(struct exported),
        .make = make,
        .context = (void *)(uintptr_t)type,
    };
    page_read(call, &args->pagination_opts, &source, result);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `atelier doctor --deep --mend` asks of the program (cli/doctor_deep.c): to forget a file
 * whose bytes are gone or not what they were, and to count a user's works again.
 */
#include "studio/studio.h"

#include "studio/assets.h"
#include "studio/storage.h"
#include "studio/users.h"

#define COUNTED_AT_ONCE 5000

/* ---- arguments and results ---- */

struct forget_args {
    str storage_id;
    doc_id asset_id;
};
#define ROW struct forget_args
static const struct field forget_fields[] = {
    TEXT(storage_id, .min = 32, .max = 36),
    MAYBE_REF(asset_id, &asset_type, .about = "The work that names it, if any does."),
};
#undef ROW

struct forgotten {
    bool is_work, is_file;
};
#define ROW struct forgotten
static const struct field forgotten_fields[] = {
    BOOL(is_work, .about = "It was the original, and the work went with it."),
    BOOL(is_file, .about = "There was such a file."),
};
#undef ROW
static const struct shape forgotten_shape = {
    .name = "forgotten", .size = sizeof(struct forgotten), FIELDS(forgotten_fields)};

struct count_again_args {
    doc_id user_id;
};
#define ROW struct count_again_args
static const struct field count_again_fields[] = {REF(user_id, &user_type)};
#undef ROW

struct counted {
    bool is_over, was_wrong;
};
#define ROW struct counted
static const struct field counted_fields[] = {BOOL(is_over, .about = "False: call it again."),
                                              BOOL(was_wrong)};
#undef ROW
static const struct shape counted_shape = {
    .name = "counted", .size = sizeof(struct counted), FIELDS(counted_fields)};

BACKEND_FUNCTION(forget, struct forgotten)
BACKEND_FUNCTION(count_again, struct counted)

const struct function mending_functions[] = {
    MUTATION("storage:forgetFile", forget, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&forgotten_shape, struct forgotten),
             .about = "Forgets a file whose bytes are lost: a work loses its thumbnail or display, "
                      "or goes when it was the original."),
    MUTATION("storage:countAgain", count_again, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&counted_shape, struct counted),
             .about = "Counts a user's works, a part at a time, and sets the meter right."),
};
const size_t mending_function_count = ARRAY_LEN(mending_functions);

/* ---- functions ---- */

static bool drop(str *named, str id)
{
    bool is_it = str_equal(*named, id);
    if (is_it)
        *named = (str){0};
    return is_it;
}

/* It has that file no more; what counted of it does not any more either. */
static void asset_drop(struct call *call, struct asset *asset, const struct file *file)
{
    struct asset was = *asset;
    str id = file->storage_id;
    bool counted = drop(&asset->thumbnail_storage_id, id) || drop(&asset->display_storage_id, id);
    bool is_named =
        drop(&asset->preview_storage_id, id) || drop(&asset->playback_storage_id, id) || counted;
    if (!is_named)
        return;
    if (counted)
        asset->stored_bytes = MAX_OF(asset->stored_bytes - file->size_bytes, (int64_t)0);
    asset->updated_at = call->now;
    storage_give_back(call, &was);
    row_put(call, &asset_type, asset);
    storage_take(call, asset);
}

static void forget(struct call *call, const struct forget_args *args, struct forgotten *result)
{
    struct file file;
    struct asset asset;
    str id = storage_id_of(call->arena, args->storage_id);
    result->is_file = file_find(call, id, &file);
    bool has_asset = row_find(call, &asset_type, args->asset_id, &asset);
    if (call_failed(call))
        return;
    if (has_asset && str_equal(asset.storage_id, id)) {
        result->is_work = true;
        asset_remove(call, &asset);
        return;
    }
    if (!result->is_file)
        return;
    if (has_asset)
        asset_drop(call, &asset, &file);
    file_doom(call, &file);
}

static void count_again(struct call *call, const struct count_again_args *args,
                        struct counted *result)
{
    result->is_over = storage_recount(call, args->user_id, COUNTED_AT_ONCE, &result->was_wrong);
}

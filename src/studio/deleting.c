/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/studio.h"

#include "studio/assets.h"
#include "studio/certificates.h"
#include "studio/erasing.h"
#include "studio/replies.h"

#define DELETED_MAX 200 /* at once */

/* ---- arguments and results ---- */

static const struct field asset_id_item = ITEM_REF(&asset_type);

struct delete_assets_args {
    struct list asset_ids; /* doc_id */
};
#define ROW struct delete_assets_args
static const struct field delete_assets_fields[] = {
    LIST(asset_ids, &asset_id_item, .min = 1, .max = DELETED_MAX)};
#undef ROW

struct deleted_assets {
    int64_t deleted, freed_bytes;
    struct list skipped; /* doc_id */
};
#define ROW struct deleted_assets
static const struct field deleted_assets_fields[] = {
    INT(deleted),
    INT(freed_bytes, .unit = "bytes"),
    LIST(skipped, &asset_id_item, .about = "What was not there, or not the caller's."),
};
#undef ROW
static const struct shape deleted_assets_shape = {
    .name = "deletedAssets", .size = sizeof(struct deleted_assets), FIELDS(deleted_assets_fields)};

struct deleted_account {
    bool success;
    str certificate, certificate_url;
    instant expires_at;
};
#define ROW struct deleted_account
static const struct field deleted_account_fields[] = {
    BOOL(success),
    TEXT(certificate, .about = "For account:getDeletionCertificate."),
    TEXT(certificate_url, .about = "Tells what was removed, also while that goes on."),
    TIME(expires_at, .about = "Of that address."),
};
#undef ROW
static const struct shape deleted_account_shape = {.name = "deletedAccount",
                                                   .size = sizeof(struct deleted_account),
                                                   FIELDS(deleted_account_fields)};

NO_ARGS(delete_account)

BACKEND_FUNCTION(delete_assets, struct deleted_assets)
BACKEND_FUNCTION(delete_account, struct deleted_account)

const struct function deleting_functions[] = {
    MUTATION("assets:deleteAssets", delete_assets, .caller = SIGNED_IN,
             .returns = RETURNS_RECORD(&deleted_assets_shape, struct deleted_assets),
             .about = "Deletes works and their files for good, at most 200; tells which were not "
                      "the caller's, and leaves those alone."),
    MUTATION("account:deleteAccount", delete_account, .caller = SIGNED_IN,
             .returns = RETURNS_RECORD(&deleted_account_shape, struct deleted_account),
             .about = "Deletes the caller and all that is theirs for good; answers where it is "
                      "certified (MOD-05)."),
};
const size_t deleting_function_count = ARRAY_LEN(deleting_functions);

/* ---- functions ---- */

static bool is_named_before(const doc_id *ids, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (doc_id_equal(ids[i], ids[at]))
            return true;
    return false;
}

static void delete_assets(struct call *call, const struct delete_assets_args *args,
                          struct deleted_assets *result)
{
    const doc_id *ids = args->asset_ids.items;
    doc_id *skipped = arena_array(call->arena, doc_id, args->asset_ids.count + 1);
    doc_id caller = call_caller(call);
    size_t skipped_count = 0;
    for (size_t i = 0; i < args->asset_ids.count; i++) {
        struct asset asset;
        if (is_named_before(ids, i))
            continue;
        if (!row_find(call, &asset_type, ids[i], &asset) || !doc_id_equal(asset.user_id, caller)) {
            skipped[skipped_count++] = ids[i];
            continue;
        }
        asset_remove(call, &asset);
        result->deleted++;
        result->freed_bytes += asset.stored_bytes;
    }
    result->skipped = (struct list){skipped, skipped_count};
}

static void delete_account(struct call *call, const struct delete_account_args *args,
                           struct deleted_account *result)
{
    struct user user;
    row_get(call, &user_type, call_caller(call), &user);
    if (call_failed(call))
        return;
    user_erase(call, &user);
    struct certificate certificate = certificate_of(call, user.id);
    *result = (struct deleted_account){
        .success = true,
        .certificate = certificate.token,
        .certificate_url = certificate_url(call, &certificate),
        .expires_at = certificate.expires_at,
    };
}

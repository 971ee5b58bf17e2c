/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/assets.h"
#include "studio/catalogue.h"
#include "studio/users.h"

#define METADATA_MAX KIB(16)

const char *const asset_interaction_names[ASSET_INTERACTIONS] = {
    [INTERACTION_VIEW] = "view",
    [INTERACTION_DOWNLOAD] = "download",
    [INTERACTION_SHARE] = "share",
};

#define ROW struct asset_counts
static const struct field asset_counts_fields[] = {
    ID(id), CREATED(created), REF(asset_id, &asset_type), INT(views), INT(downloads), INT(shares),
};
#undef ROW

const struct doc_type asset_counts_type = {
    .name = "assetCounts",
    .about = "How often a work was looked at, downloaded and shared.",
    .size = sizeof(struct asset_counts),
    FIELDS(asset_counts_fields),
    .number = 40,
    INDEXES({.name = "by_asset", .fields = {"assetId"}, .is_unique = true}),
};

/* ---- counts ---- */

struct asset_counts asset_counts_of(struct call *call, doc_id asset)
{
    struct asset_counts counts;
    doc_id id = row_first(call, index_of(&asset_counts_type, "by_asset"), KEY(key_id(asset)));
    row_find(call, &asset_counts_type, id, &counts);
    counts.asset_id = asset;
    return counts;
}

void asset_count(struct call *call, doc_id asset, enum asset_interaction interaction)
{
    struct asset_counts counts = asset_counts_of(call, asset);
    counts.views += interaction == INTERACTION_VIEW;
    counts.downloads += interaction == INTERACTION_DOWNLOAD;
    counts.shares += interaction == INTERACTION_SHARE;
    if (!doc_id_is_set(counts.id))
        row_new(call, &asset_counts_type, &counts);
    row_put(call, &asset_counts_type, &counts);
}

void asset_counts_remove(struct call *call, doc_id asset)
{
    struct asset_counts counts = asset_counts_of(call, asset);
    if (doc_id_is_set(counts.id))
        row_remove(call, &asset_counts_type, counts.id);
}

/* ---- what its owner writes on it ---- */

static const struct plan_config *plan_of_caller(struct call *call)
{
    struct user user;
    row_get(call, &user_type, call_caller(call), &user);
    return config_plan(catalogue_of(call), user.plan_key);
}

bool films_are_public(struct call *call)
{
    const struct plan_config *plan = plan_of_caller(call);
    return plan != NULL && plan->films_are_public;
}

void films_check_private(struct call *call, bool is_public)
{
    const struct plan_config *plan = plan_of_caller(call);
    REQUIRE(call, is_public || plan == NULL || !plan->films_are_public, FORBIDDEN,
            "Films of the plan %.*s are public. A larger plan keeps them private.",
            STR_ARG(plan == NULL ? (str){0} : plan->name));
}

void asset_change(struct call *call, struct asset *asset, const struct asset_edit *edit)
{
    REQUIRE_ARGUMENT(call, edit->metadata.at == NULL || str_starts(edit->metadata, STR("{")),
                     ".metadata", "This is no object.");
    REQUIRE_ARGUMENT(call, edit->metadata.len <= METADATA_MAX, ".metadata",
                     "It is larger than %d bytes.", (int)METADATA_MAX);
    bool hides = edit->is_public.is_set && !edit->is_public.value && asset->is_public;
    if (hides && asset->type == MEDIA_VIDEO)
        films_check_private(call, false);
    if (edit->title.at != NULL)
        asset->title = edit->title;
    if (edit->description.at != NULL)
        asset->description = edit->description;
    if (edit->metadata.at != NULL)
        asset->metadata = edit->metadata;
    if (edit->tags.items != NULL)
        asset->tags = edit->tags;
    if (edit->is_public.is_set)
        asset->is_public = edit->is_public.value;
    if (edit->is_favorite.is_set && edit->is_favorite.value != asset->is_favorite) {
        storage_give_back(call, asset);
        asset->is_favorite = edit->is_favorite.value;
        storage_take(call, asset);
    }
    asset->updated_at = call->now;
    row_put(call, &asset_type, asset);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/assets.h"
#include "studio/storage.h"

/* Works that are counted one by one, where the meter does not know the marks yet. */
#define COUNTED_MAX 20000

const char *const asset_sort_names[ASSET_SORTS] = {
    [ASSET_SORT_DATE] = "date",
    [ASSET_SORT_SIZE] = "size",
    [ASSET_SORT_TYPE] = "type",
};
const char *const asset_source_names[ASSET_SOURCES] = {
    [ASSET_SOURCE_GENERATED] = "generated",
    [ASSET_SOURCE_UPLOADED] = "uploaded",
};
const char *const order_names[ORDER_DOWN + 1] = {[ORDER_UP] = "asc", [ORDER_DOWN] = "desc"};

/* An index does as much of the choice as it can; the rest is left out row by row. */
void assets_source(struct call *call, doc_id user, const struct asset_choice *choice,
                   struct page_source *out)
{
    bool has_type = choice->type != MEDIA_NONE;
    str type = has_type ? str_of(media_kind_names[choice->type]) : (str){0};
    const char *index = "by_user";
    struct key prefix = KEY(key_id(user));
    if (choice->sort == ASSET_SORT_SIZE) {
        index = has_type ? "by_user_type_size" : "by_user_size";
    } else if (choice->is_favorite.is_set && (has_type || choice->sort != ASSET_SORT_TYPE)) {
        index = "by_user_favorite";
        prefix = KEY(key_id(user), key_bool(choice->is_favorite.value));
        has_type = false;
    } else if (has_type || choice->sort == ASSET_SORT_TYPE) {
        index = "by_user_type";
    }
    if (has_type)
        prefix = KEY(key_id(user), key_text(type));
    out->index = index_of(&asset_type, index);
    out->bounds = (struct bounds){.prefix = prefix};
    out->order = choice->order == ORDER_UP ? ORDER_UP : ORDER_DOWN;
}

bool asset_is_chosen(const struct asset *asset, const struct asset_choice *choice)
{
    bool is_generated = doc_id_is_set(asset->generation_id);
    return (choice->type == MEDIA_NONE || choice->type == asset->type) &&
           (!choice->is_favorite.is_set || choice->is_favorite.value == asset->is_favorite) &&
           (choice->source == ASSET_SOURCE_NONE ||
            is_generated == (choice->source == ASSET_SOURCE_GENERATED));
}

struct search_for assets_search(struct call *call, str terms, const struct asset_choice *choice)
{
    const struct search_mark marks[] = {
        {"type", str_of(media_kind_names[choice->type])},
        {"isFavorite", choice->is_favorite.value ? STR("true") : (str){0}},
    };
    return (struct search_for){
        .type = &asset_type,
        .filters = KEY(key_id(call_caller(call))),
        .terms = search_terms(call->arena, terms, marks, ARRAY_LEN(marks)),
    };
}

/* All less those of the other kind, and so on. */
static int64_t count_of(const struct asset_choice *choice, int64_t all, int64_t favorite,
                        int64_t uploaded, int64_t both)
{
    bool is_fixed = choice->is_favorite.is_set, is_marked = choice->is_favorite.value;
    int64_t any = !is_fixed ? all : is_marked ? favorite : all - favorite;
    int64_t brought = !is_fixed ? uploaded : is_marked ? both : uploaded - both;
    return choice->source == ASSET_SOURCE_NONE       ? any
           : choice->source == ASSET_SOURCE_UPLOADED ? brought
                                                     : any - brought;
}

/* From before the meter counted marks. */
static int64_t count_rows(struct call *call, doc_id user, const struct asset_choice *choice)
{
    struct page_source source = {0};
    struct asset asset;
    struct scan scan;
    int64_t count = 0;
    assets_source(call, user, choice, &source);
    view_scan(call->view, source.index, source.bounds, source.order, &scan);
    for (int i = 0; i < COUNTED_MAX && scan_next(&scan, &asset); i++)
        count += asset_is_chosen(&asset, choice) && !asset_is_refused(&asset);
    scan_end(&scan);
    return count;
}

int64_t assets_count(struct call *call, doc_id user, const struct asset_choice *choice)
{
    struct storage_meter meter = storage_meter_of(call, user);
    const struct storage_sums *sums = &meter.sums;
    if (call_failed(call))
        return 0;
    if (!meter.has_marks)
        return count_rows(call, user, choice);
    int64_t images = count_of(choice, sums->images, sums->favorite_images, sums->uploaded_images,
                              sums->favorite_uploaded_images);
    int64_t videos = count_of(choice, sums->videos, sums->favorite_videos, sums->uploaded_videos,
                              sums->favorite_uploaded_videos);
    return choice->type == MEDIA_IMAGE   ? images
           : choice->type == MEDIA_VIDEO ? videos
                                         : images + videos;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's shelf: of each work only what its frame needs, so that a grid of very many knows
 * where everything stands without holding the works themselves (docs/decisions/library-grid.md).
 */
#include "studio/assets.h"

#include "studio/studio.h"

#include <math.h>

#define RATIO_STEPS 1000

struct place {
    doc_id id;
    double ratio;
    instant at;
    int64_t bytes;
    enum media_kind type;
};
#define ROW struct place
static const struct field place_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &asset_type, .wire = "_id"),
    NUMBER(ratio, .about = "Width by height, to a thousandth."),
    TIME(at),
    INT(bytes, .unit = "bytes", .about = "Of the original."),
    CHOICE(type, media_kind_names),
};
#undef ROW
static const struct shape place_shape = {
    .name = "place", .size = sizeof(struct place), FIELDS(place_fields)};
static const struct field place_item = ITEM_RECORD(&place_shape, struct place);
PAGE_SHAPE(shelf_page, &place_item)

struct get_shelf_args {
    struct page_options pagination_opts;
    struct asset_choice choice;
    str search_term;
};
#define ROW struct get_shelf_args
static const struct field get_shelf_fields[] = {
    RECORD(pagination_opts, &page_options_shape),
    ASSET_CHOICE_FIELDS,
    MAYBE_TEXT(search_term, .max = 200,
               .about = "Only works that have these words, as assets:search finds them; then the "
                        "newest are first, whatever order is asked for."),
};
#undef ROW

BACKEND_FUNCTION(get_shelf, struct page)

const struct function shelf_functions[] = {
    QUERY("assets:getShelf", get_shelf, .caller = SIGNED_IN,
          .returns = RETURNS_RECORD(&shelf_page, struct page),
          .about = "Of each of the caller's works what its frame in a grid needs; the works "
                   "themselves by assets:getMany."),
};
const size_t shelf_function_count = ARRAY_LEN(shelf_functions);

static bool make_place(struct call *call, const void *row, void *item, void *context)
{
    const struct asset *asset = row;
    const struct asset_choice *choice = context;
    double ratio = asset->height > 0 ? (double)asset->width / (double)asset->height : 1;
    *(struct place *)item = (struct place){
        .id = asset->id,
        .ratio = round(ratio * RATIO_STEPS) / RATIO_STEPS,
        .at = asset->created_at,
        .bytes = asset->size_bytes,
        .type = asset->type,
    };
    return asset_is_chosen(asset, choice);
}

static void get_shelf(struct call *call, const struct get_shelf_args *args, struct page *result)
{
    struct asset_choice choice = args->choice;
    struct page_source source = {
        .item_size = sizeof(struct place), .make = make_place, .context = &choice};
    struct search_for search;
    if (args->search_term.len > 0) {
        search = assets_search(call, args->search_term, &choice);
        source.search = &search;
    } else {
        assets_source(call, call_caller(call), &choice, &source);
    }
    page_read(call, &args->pagination_opts, &source, result);
}

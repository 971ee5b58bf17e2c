/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reactive pagination (convex-protocol.md section 14): a page is pinned by where it ended the first
 * time (its journal), so that pages stay gapless while rows come and go.
 *
 * Owns:     rows and texts are in the call's arena.
 * Threads:  the call's.
 * Time:     none.
 * Fails:    through the call; a foreign or broken cursor with the text InvalidCursor.
 */
#pragma once

#include "call/call.h"
#include "store/search.h"

#define PAGE_ITEMS_MAX 1000

struct page_options {
    int64_t num_items;
    str cursor, end_cursor;
    struct maybe_number id;
    struct maybe_int maximum_rows_read, maximum_bytes_read;
};
extern const struct shape page_options_shape;

struct page {
    struct list page;
    bool is_done;
    str continue_cursor, split_cursor;
};

/* The shape of a page of such items, as a static table:  PAGE_SHAPE(asset_page, &asset_item); */
#define PAGE_SHAPE(name_, item_)                                                                   \
    static const struct field name_##_fields[] = {                                                 \
        {.name = "page",                                                                           \
         .offset = offsetof(struct page, page),                                                    \
         .size = sizeof(struct list),                                                              \
         .kind = FIELD_LIST,                                                                       \
         .item = (item_)},                                                                         \
        {.name = "is_done",                                                                        \
         .offset = offsetof(struct page, is_done),                                                 \
         .size = sizeof(bool),                                                                     \
         .kind = FIELD_BOOL},                                                                      \
        {.name = "continue_cursor",                                                                \
         .offset = offsetof(struct page, continue_cursor),                                         \
         .size = sizeof(str),                                                                      \
         .kind = FIELD_TEXT},                                                                      \
        {.name = "split_cursor",                                                                   \
         .offset = offsetof(struct page, split_cursor),                                            \
         .size = sizeof(str),                                                                      \
         .kind = FIELD_TEXT,                                                                       \
         .is_optional = true},                                                                     \
    };                                                                                             \
    static const struct shape name_ = {                                                            \
        .name = #name_, .size = sizeof(struct page), FIELDS(name_##_fields)};

/*
 * Reads one page of an index, or of a search; this one may give up for now, so that a page has
 * fewer than were asked for and is not the last. make(call, row, item) turns a row of row_size into
 * an item of item_size; it answers false to leave the row out.
 */
struct page_source {
    const struct search_for *search; /* without positions; then the next three are not looked at */
    const struct index *index;
    struct bounds bounds; /* without positions */
    enum order order;
    size_t item_size;
    bool (*make)(struct call *call, const void *row, void *item, void *context);
    void *context;
};
void page_read(struct call *call, const struct page_options *options,
               const struct page_source *source, struct page *out);

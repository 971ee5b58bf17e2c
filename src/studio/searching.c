/* SPDX-License-Identifier: Apache-2.0 */
/* How films are found: lists of one's own, what others made public, and a search with filters. */
#include "studio/videos.h"

#include "store/search.h"
#include "studio/studio.h"

#include <string.h>

#define VIDEOS_MAX 200
#define SEARCHED_MAX 2000  /* of the caller's films, the newest */
#define UNFINISHED_MAX 200 /* of each status */
#define SEARCH_LOOKS 10000
#define FROM_OTHERS_READ_MAX 1000

/* ---- arguments and results ---- */

NO_ARGS(get_videos)

struct by_status_args {
    enum generation_status status;
};
#define ROW struct by_status_args
static const struct field by_status_fields[] = {CHOICE(status, generation_status_names)};
#undef ROW

struct from_others_args {
    struct maybe_int limit;
};
#define ROW struct from_others_args
static const struct field from_others_fields[] = {
    MAYBE_INT(limit, .min = 1, .max = 50, .about = "12 unless said.")};
#undef ROW

struct search_args {
    str search_query;
    enum generation_status status;
    struct maybe_instant date_from, date_to;
    struct maybe_int min_credits, max_credits, min_file_size, max_file_size;
    struct maybe_bool only_favorites;
    str sort_by;
    struct maybe_int limit, offset;
};
#define ROW struct search_args
static const struct field search_fields[] = {
    MAYBE_TEXT(
        search_query, .max = 200,
        .about =
            "Words of the prompt or of the title, the tags and the description; the last may be "
            "only begun."),
    MAYBE_CHOICE(status, generation_status_names),
    MAYBE_TIME(date_from),
    MAYBE_TIME(date_to),
    MAYBE_INT(min_credits, .min = 0, .max = 1000000000),
    MAYBE_INT(max_credits, .min = 0, .max = 1000000000),
    MAYBE_INT(min_file_size, .min = 0, .max = INT64_C(1) << 50, .unit = "bytes"),
    MAYBE_INT(max_file_size, .min = 0, .max = INT64_C(1) << 50, .unit = "bytes"),
    MAYBE_BOOL(only_favorites),
    MAYBE_TEXT(sort_by, .max = 40,
               .about = "newest, oldest, credits, size, views or duration; the newest first "
                        "unless said, or when it is none of these."),
    MAYBE_INT(limit, .min = 1, .max = VIDEOS_MAX, .about = "50 unless said."),
    MAYBE_INT(offset, .min = 0, .max = SEARCHED_MAX),
};
#undef ROW

struct found_videos {
    struct list videos;
    int64_t total;
    bool has_more;
};
#define ROW struct found_videos
static const struct field found_videos_fields[] = {
    LIST(videos, &video_item), INT(total, .about = "Of all that fit."), BOOL(has_more)};
#undef ROW
static const struct shape found_videos_shape = {
    .name = "foundVideos", .size = sizeof(struct found_videos), FIELDS(found_videos_fields)};

BACKEND_FUNCTION(get_videos, struct list)
BACKEND_FUNCTION(by_status, struct list)
BACKEND_FUNCTION(from_others, struct list)
BACKEND_FUNCTION(search, struct found_videos)

const struct function search_functions[] = {
    QUERY("videos:getVideos", get_videos, .caller = SIGNED_IN, .returns = RETURNS_LIST(&video_item),
          .about = "The caller's films, newest first, at most 200."),
    QUERY("videos:getUserVideos", get_videos, .caller = SIGNED_IN,
          .returns = RETURNS_LIST(&video_item), .about = "The same, by its other name."),
    QUERY("videos:getVideosByStatus", by_status, .caller = SIGNED_IN,
          .returns = RETURNS_LIST(&video_item),
          .about = "The caller's films in that state, newest first, at most 200."),
    QUERY("videos:getLatestVideosFromOthers", from_others, .caller = SIGNED_IN,
          .returns = RETURNS_LIST(&video_item),
          .about = "Finished films that others made public, newest first."),
    QUERY("videos:searchVideos", search, .caller = SIGNED_IN,
          .returns = RETURNS_RECORD(&found_videos_shape, struct found_videos),
          .about = "The caller's films that fit every filter; the newest 2000 are looked at."),
};
const size_t search_function_count = ARRAY_LEN(search_functions);

/* ---- lists ---- */

/* Of the caller, newest first; those in that state, or (GENERATION_NONE) all. */
static struct list list_films(struct call *call, enum generation_status status)
{
    struct video *videos = arena_array(call->arena, struct video, VIDEOS_MAX);
    doc_id user = call_caller(call);
    struct bounds bounds = {.prefix =
                                KEY(key_id(user), key_text(str_of(media_kind_names[MEDIA_VIDEO])))};
    const struct index *index = index_of(&generation_type, "by_user_kind");
    struct generation g;
    struct scan scan;
    size_t count = 0;
    if (status != GENERATION_NONE) {
        index = index_of(&generation_type, "by_user_status");
        bounds.prefix = KEY(key_id(user), key_text(str_of(generation_status_names[status])));
    }
    view_scan(call->view, index, bounds, ORDER_DOWN, &scan);
    while (count < VIDEOS_MAX && scan_next(&scan, &g))
        if (g.kind == MEDIA_VIDEO)
            videos[count++] = video_of(call, &g);
    scan_end(&scan);
    return (struct list){videos, count};
}

static void get_videos(struct call *call, const struct get_videos_args *args, struct list *result)
{
    *result = list_films(call, GENERATION_NONE);
}

static void by_status(struct call *call, const struct by_status_args *args, struct list *result)
{
    *result = list_films(call, args->status);
}

static void from_others(struct call *call, const struct from_others_args *args, struct list *result)
{
    size_t limit = args->limit.is_set ? (size_t)args->limit.value : 12;
    struct video *videos = arena_array(call->arena, struct video, limit);
    doc_id caller = call_caller(call);
    struct bounds shown = {
        .prefix = KEY(key_bool(true), key_text(str_of(media_kind_names[MEDIA_VIDEO])))};
    struct asset asset;
    struct generation g;
    struct scan scan;
    size_t count = 0, read = 0;
    view_scan(call->view, index_of(&asset_type, "by_public"), shown, ORDER_DOWN, &scan);
    while (count < limit && read++ < FROM_OTHERS_READ_MAX && scan_next(&scan, &asset))
        if (!doc_id_equal(asset.user_id, caller) &&
            row_find(call, &generation_type, asset.generation_id, &g))
            videos[count++] = video_of(call, &g);
    scan_end(&scan);
    *result = (struct list){videos, count};
}

/* ---- searching ---- */

static bool is_between(int64_t value, struct maybe_int min, struct maybe_int max)
{
    return (!min.is_set || value >= min.value) && (!max.is_set || value <= max.value);
}

/* What the generation's row alone can tell. */
static bool row_fits(const struct generation *g, const struct search_args *args)
{
    return (args->status == GENERATION_NONE || g->status == args->status) &&
           (!args->date_from.is_set || !instant_is_before(g->created_at, args->date_from.value)) &&
           (!args->date_to.is_set || !instant_is_before(args->date_to.value, g->created_at)) &&
           is_between(g->credits_cost.n - g->credits_refunded.n, args->min_credits,
                      args->max_credits);
}

static bool video_fits(const struct video *video, const struct search_args *args)
{
    bool asks_size = args->min_file_size.is_set || args->max_file_size.is_set;
    return (!args->only_favorites.value || video->is_favorite) &&
           (!asks_size ||
            (video->file_size.is_set &&
             is_between(video->file_size.value, args->min_file_size, args->max_file_size)));
}

/* The largest first; equal ones stay in their order. */
static int64_t rank_of(const struct video *video, str by)
{
    if (str_equal(by, STR("oldest")))
        return -video->created_at.us;
    if (str_equal(by, STR("credits")))
        return video->credits_cost.n;
    if (str_equal(by, STR("size")))
        return video->file_size.value;
    if (str_equal(by, STR("views")))
        return video->view_count;
    if (str_equal(by, STR("duration")))
        return video->duration;
    return video->created_at.us;
}

struct ranked {
    int64_t rank;
    size_t place;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank > right->rank ? -1 : 1;
    return left->place < right->place ? -1 : left->place > right->place;
}

/* Films that may fit: their generations, the newest first. */
struct candidates {
    doc_id *items;
    size_t count;
};

static void add_all(struct call *call, struct candidates *to)
{
    struct bounds theirs = {
        .prefix = KEY(key_id(call_caller(call)), key_text(str_of(media_kind_names[MEDIA_VIDEO])))};
    struct scan scan;
    view_scan(call->view, index_of(&generation_type, "by_user_kind"), theirs, ORDER_DOWN, &scan);
    while (to->count < SEARCHED_MAX && scan_next_id(&scan, &to->items[to->count]))
        to->count++;
    scan_end(&scan);
}

/* What is finished is found by the words of its work. */
static void add_finished(struct call *call, str query, struct candidates *to)
{
    const struct search_mark film = {"type", str_of(media_kind_names[MEDIA_VIDEO])};
    const struct search_for what = {.type = &asset_type,
                                    .filters = KEY(key_id(call_caller(call))),
                                    .terms = search_terms(call->arena, query, &film, 1),
                                    .looks_max = SEARCH_LOOKS};
    struct search found;
    struct asset asset;
    view_search(call->view, &what, &found);
    for (size_t i = 0; i < SEARCHED_MAX && search_next(&found, &asset); i++)
        to->items[to->count++] = asset.generation_id;
}

/* Those without a work are few; only their prompt is there. */
static void add_unfinished(struct call *call, str terms, enum generation_status status,
                           struct candidates *to)
{
    struct bounds theirs = {.prefix = KEY(key_id(call_caller(call)),
                                          key_text(str_of(generation_status_names[status])))};
    struct generation g;
    struct scan scan;
    size_t read = 0;
    view_scan(call->view, index_of(&generation_type, "by_user_status"), theirs, ORDER_DOWN, &scan);
    while (read++ < UNFINISHED_MAX && scan_next(&scan, &g))
        if (g.kind == MEDIA_VIDEO && text_matches(call->arena, g.prompt, terms))
            to->items[to->count++] = g.id;
    scan_end(&scan);
}

static int by_age(const void *a, const void *b)
{
    const doc_id *left = a, *right = b;
    return left->n != right->n ? (left->n > right->n ? -1 : 1) : 0;
}

static struct candidates candidates_of(struct call *call, str query)
{
    size_t room = SEARCHED_MAX + GENERATION_STATUSES * UNFINISHED_MAX;
    struct candidates out = {.items = arena_array(call->arena, doc_id, room)};
    str terms = search_terms(call->arena, query, NULL, 0);
    if (terms.len == 0) {
        add_all(call, &out);
        return out;
    }
    add_finished(call, query, &out);
    for (int status = 1; status < GENERATION_STATUSES; status++)
        if (status != GENERATION_COMPLETED)
            add_unfinished(call, terms, (enum generation_status)status, &out);
    qsort(out.items, out.count, sizeof(*out.items), by_age);
    return out;
}

static size_t gather(struct call *call, const struct search_args *args, struct video **out)
{
    struct candidates from = candidates_of(call, args->search_query);
    struct generation g;
    size_t count = 0;
    *out = arena_array(call->arena, struct video, from.count + 1);
    for (size_t i = 0; i < from.count; i++) {
        bool is_twin = i != 0 && doc_id_equal(from.items[i], from.items[i - 1]);
        if (is_twin || !row_find(call, &generation_type, from.items[i], &g) || !row_fits(&g, args))
            continue;
        (*out)[count] = video_of(call, &g);
        count += video_fits(&(*out)[count], args);
    }
    return count;
}

static void search(struct call *call, const struct search_args *args, struct found_videos *result)
{
    struct video *all;
    size_t count = gather(call, args, &all);
    struct ranked *order = arena_array(call->arena, struct ranked, count + 1);
    for (size_t i = 0; i < count; i++)
        order[i] = (struct ranked){rank_of(&all[i], args->sort_by), i};
    qsort(order, count, sizeof(*order), by_rank);

    size_t limit = args->limit.is_set ? (size_t)args->limit.value : 50;
    size_t from = MIN_OF((size_t)args->offset.value, count);
    size_t shown = MIN_OF(limit, count - from);
    struct video *videos = arena_array(call->arena, struct video, shown + 1);
    for (size_t i = 0; i < shown; i++)
        videos[i] = all[order[from + i].place];
    *result = (struct found_videos){
        .videos = {videos, shown}, .total = (int64_t)count, .has_more = from + shown < count};
}

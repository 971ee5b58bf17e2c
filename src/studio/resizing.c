/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/resizing.h"

#include "studio/provenance.h"
#include "studio/renditions.h"
#include "studio/users.h"
#include "studio/work.h"

#define RESIZE_TIME SECONDS(60)
#define LANE "files"
#define ROWS_AT_ONCE (2 * RESIZINGS_MAX)

/* ---- documents ---- */

struct resizing {
    doc_id id;
    tick created;
    doc_id user_id, asset_id;
    str variant;
    int64_t width;
    enum link_fit fit;
    enum link_format format;
    str failure; /* why it could not be made; absent: it is under way */
    instant created_at;
};

#define ROW struct resizing
static const struct field resizing_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    REF(asset_id, &asset_type),
    TEXT(variant, .min = 1, .max = 40),
    INT(width, .unit = "px"),
    CHOICE(fit, link_fit_names),
    CHOICE(format, link_format_names),
    MAYBE_TEXT(failure, .max = 600),
    TIME(created_at),
};
#undef ROW

const struct doc_type resizing_type = {
    .name = "resizings",
    .about = "Smaller pictures that are being made, and those that could not be.",
    .size = sizeof(struct resizing),
    FIELDS(resizing_fields),
    .number = 56,
    INDEXES({.name = "by_asset", .fields = {"assetId", "variant"}, .is_unique = true},
            {.name = "by_user", .fields = {"userId"}}),
};

/* ---- arguments ---- */

static const char *const resize_state_names[RESIZE_STATES] = {
    [RESIZE_READY] = "ready",
    [RESIZE_UNDER_WAY] = "underWay",
    [RESIZE_FAILED] = "failed",
};

struct resize_args {
    doc_id asset_id;
    int64_t width;
    enum link_fit fit;
    enum link_format format;
};
#define ROW struct resize_args
static const struct field resize_fields[] = {
    REF(asset_id, &asset_type),
    INT(width, .min = 0, .max = 2560, .unit = "px",
        .about = "0: the original, with how it was made written in."),
    CHOICE(fit, link_fit_names),
    CHOICE(format, link_format_names),
};
#undef ROW

struct resize_result {
    enum resize_state state;
    str storage_id, failure;
};
#define ROW struct resize_result
static const struct field resize_result_fields[] = {
    CHOICE(state, resize_state_names),
    MAYBE_TEXT(storage_id),
    MAYBE_TEXT(failure),
};
#undef ROW
static const struct shape resize_result_shape = {
    .name = "resized", .size = sizeof(struct resize_result), FIELDS(resize_result_fields)};

BACKEND_FUNCTION(resize, struct resize_result)

const struct function resizing_functions[] = {
    MUTATION("assets:resize", resize, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&resize_result_shape, struct resize_result),
             .about = "Has a smaller picture of a work made, unless it is there or under way."),
};
const size_t resizing_function_count = ARRAY_LEN(resizing_functions);

/* ---- what is asked ---- */

struct resize resize_of(const struct asset *asset, int64_t width, enum link_fit fit,
                        enum link_format format)
{
    struct resize resize = {width, fit, format == FORMAT_AUTO ? FORMAT_JPEG : format};
    if (width == 0)
        return (struct resize){0, FIT_CONTAIN, FORMAT_PNG};
    /* The narrowest step that holds the whole work is as good as a wider one. */
    for (size_t i = 0; i < link_width_count; i++)
        if (link_widths[i] >= asset->width && link_widths[i] < resize.width)
            resize.width = link_widths[i];
    return resize;
}

static enum rendition kind_of(int64_t width)
{
    return width == 0 ? RENDITION_STAMPED : RENDITION_RESIZED;
}

static str variant_of(struct arena *arena, const struct resize *resize)
{
    if (resize->width == 0)
        return STR("stamped");
    return str_format(arena, "%lld-%s-%s", (long long)resize->width, link_fit_names[resize->fit],
                      link_format_names[resize->format]);
}

static bool find_row(struct call *call, doc_id asset, str variant, struct resizing *out)
{
    doc_id id = row_first(call, index_of(&resizing_type, "by_asset"),
                          KEY(key_id(asset), key_text(variant)));
    return row_find(call, &resizing_type, id, out);
}

static bool rests(struct call *call, const struct resizing *row)
{
    return row->failure.len != 0 &&
           instant_is_before(call->now, instant_add(row->created_at, RESIZING_REST));
}

enum resize_state resize_find(struct call *call, const struct asset *asset,
                              const struct resize *resize, struct file *out, str *why)
{
    struct resizing row;
    str variant = variant_of(call->arena, resize);
    if (file_rendition_find(call, asset, kind_of(resize->width), variant, out))
        return RESIZE_READY;
    if (!find_row(call, asset->id, variant, &row))
        return RESIZE_NONE;
    *why = row.failure;
    return row.failure.len == 0 ? RESIZE_UNDER_WAY
           : rests(call, &row)  ? RESIZE_FAILED
                                : RESIZE_NONE;
}

/* Those of a user or of a work, by the index; at most ROWS_AT_ONCE. */
static size_t list(struct call *call, const char *index, doc_id of, struct resizing *out)
{
    struct scan scan;
    size_t count = 0;
    if (call_failed(call))
        return 0;
    view_scan(call->view, index_of(&resizing_type, index),
              (struct bounds){.prefix = KEY(key_id(of))}, ORDER_UP, &scan);
    while (count < ROWS_AT_ONCE && scan_next(&scan, &out[count]))
        count++;
    scan_end(&scan);
    return count;
}

/* Forgets on its way what may be tried again. */
static bool has_room(struct call *call, doc_id user)
{
    struct resizing *rows = arena_array(call->arena, struct resizing, ROWS_AT_ONCE);
    size_t count = list(call, "by_user", user, rows), under_way = 0;
    for (size_t i = 0; i < count; i++) {
        under_way += rows[i].failure.len == 0;
        if (rows[i].failure.len != 0 && !rests(call, &rows[i]))
            row_remove(call, &resizing_type, rows[i].id);
    }
    return under_way < RESIZINGS_MAX && count < ROWS_AT_ONCE;
}

void resizings_forget(struct call *call, doc_id asset)
{
    struct resizing *rows = arena_array(call->arena, struct resizing, ROWS_AT_ONCE);
    size_t count = list(call, "by_asset", asset, rows);
    for (size_t i = 0; i < count; i++)
        row_remove(call, &resizing_type, rows[i].id);
}

static void begin(struct call *call, const struct asset *asset, const struct resize *resize)
{
    struct resizing row;
    str variant = variant_of(call->arena, resize);
    if (find_row(call, asset->id, variant, &row))
        row_remove(call, &resizing_type, row.id);
    REQUIRE(call, has_room(call, asset->user_id), RATE_LIMIT,
            "So many pictures of this person are being made already. Ask again in a moment.");
    row = (struct resizing){
        .user_id = asset->user_id,
        .asset_id = asset->id,
        .variant = variant,
        .width = resize->width,
        .fit = resize->fit,
        .format = resize->format,
        .created_at = call->now,
    };
    row_new(call, &resizing_type, &row);
    row_put(call, &resizing_type, &row);
    job_queue(call, resizing_action.name, STR(LANE), row.id);
}

static void resize(struct call *call, const struct resize_args *args, struct resize_result *result)
{
    struct asset asset;
    struct file file;
    row_get(call, &asset_type, args->asset_id, &asset);
    REQUIRE(call, args->width != 0 || provenance_is_stampable(&asset), STATE,
            "There is nothing that could be written into this file.");
    struct resize wish = resize_of(&asset, args->width, args->fit, args->format);
    result->state = resize_find(call, &asset, &wish, &file, &result->failure);
    if (result->state == RESIZE_READY)
        result->storage_id = file.storage_id;
    if (result->state != RESIZE_NONE)
        return;
    result->state = RESIZE_UNDER_WAY;
    result->failure = (str){0};
    begin(call, &asset, &wish);
}

/* ---- the job ---- */

static bool row_of(struct call *call, const struct job *job, struct resizing *row,
                   struct asset *asset)
{
    return row_find(call, &resizing_type, (doc_id){job->about}, row) &&
           row_find(call, &asset_type, row->asset_id, asset);
}

static void end(struct call *call, const struct job *job)
{
    struct resizing row;
    if (row_find(call, &resizing_type, (doc_id){job->about}, &row))
        row_remove(call, &resizing_type, row.id);
    job_remove(call, job->id);
}

static enum media_type type_of(enum link_format format)
{
    static const enum media_type types[LINK_FORMATS] = {
        [FORMAT_AVIF] = MEDIA_AVIF,
        [FORMAT_WEBP] = MEDIA_WEBP,
        [FORMAT_JPEG] = MEDIA_JPEG,
        [FORMAT_PNG] = MEDIA_PNG,
    };
    return types[format];
}

static const void *ask(struct call *call, struct job *job)
{
    struct resizing row;
    struct asset asset;
    if (!row_of(call, job, &row, &asset)) {
        end(call, job); /* the work is gone */
        return NULL;
    }
    bool is_cover = row.fit == FIT_COVER;
    struct work *work = arena_new(call->arena, struct work);
    if (row.width == 0) {
        provenance_work(&asset, work);
        return work;
    }
    *work = (struct work){
        .kind = WORK_RESIZE,
        .timeout = RESIZE_TIME,
        .blob = asset.storage_id,
        .width = row.width,
        .height = is_cover ? row.width : 0,
        .fit = is_cover ? MEDIA_COVER : MEDIA_CONTAIN,
        .format = type_of(row.format),
    };
    return work;
}

/* The row stays for a while and says why. */
static void fail(struct call *call, const struct job *job, str why)
{
    struct resizing row;
    job_remove(call, job->id);
    if (!row_find(call, &resizing_type, (doc_id){job->about}, &row))
        return;
    row.failure = why.len == 0 ? STR("The picture could not be made.") : utf8_cut(why, 600);
    row.created_at = call->now;
    row_put(call, &resizing_type, &row);
}

static void answer(struct call *call, struct job *job, const void *asked, const void *result)
{
    const struct work_result *came = result;
    struct resizing row;
    struct asset asset;
    if (came->failure == WORK_TRANSIENT && job->failures < JOB_FAILURES_MAX) {
        job->failures++;
        job_put_off(call, job, instant_add(call->now, job_backoff(call, job->failures)));
        return;
    }
    const struct stored_file *made =
        ((const struct work *)asked)->kind == WORK_STAMP ? &came->stamped : &came->resized;
    if (came->failure != WORK_OK || made->storage_id.len == 0) {
        fail(call, job, came->text);
        return;
    }
    /* A work that is gone meanwhile has left no row: its blob is one of nobody's, and swept. */
    if (row_of(call, job, &row, &asset))
        file_put_rendition(call, &asset, kind_of(row.width), row.variant, made, NULL);
    end(call, job);
}

static void give_up(struct call *call, struct job *job, str why)
{
    fail(call, job, STR(""));
}

const struct job_action resizing_action = {
    .name = "assets:resize", .ask = ask, .answer = answer, .give_up = give_up};

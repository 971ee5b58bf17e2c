/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/storage.h"

#include "base/log.h"
#include "base/planted.h"
#include "studio/audit.h"
#include "studio/catalogue.h"
#include "studio/generations.h"
#include "studio/uploads.h"
#include "studio/users.h"

#include <string.h>

#define USERS_AT_ONCE 20
#define WORKS_AT_ONCE 200 /* of each of them */

/* What a picture's derivatives take, and a film's poster and thumbnail. */
#define DERIVED_BYTES INT64_C(262144)

/* ---- document ---- */

#define ROW struct storage_count
static const struct field count_fields[] = {
    INT(upto),
    INT(sums.bytes, .wire = "bytes"),
    INT(sums.images, .wire = "images"),
    INT(sums.videos, .wire = "videos"),
    INT(sums.favorite_images, .wire = "favoriteImages"),
    INT(sums.favorite_videos, .wire = "favoriteVideos"),
    INT(sums.uploaded_images, .wire = "uploadedImages"),
    INT(sums.uploaded_videos, .wire = "uploadedVideos"),
    INT(sums.favorite_uploaded_images, .wire = "favoriteUploadedImages"),
    INT(sums.favorite_uploaded_videos, .wire = "favoriteUploadedVideos"),
    INT(sums.video_bytes, .wire = "videoBytes"),
    INT(sums.uploaded_bytes, .wire = "uploadedBytes"),
};
#undef ROW
static const struct shape count_shape = {
    .name = "storageCount", .size = sizeof(struct storage_count), FIELDS(count_fields)};

#define ROW struct storage_meter
static const struct field meter_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    INT(sums.bytes, .wire = "bytes"),
    INT(sums.images, .wire = "images"),
    INT(sums.videos, .wire = "videos"),
    INT(sums.favorite_images, .wire = "favoriteImages", .is_optional = true),
    INT(sums.favorite_videos, .wire = "favoriteVideos", .is_optional = true),
    INT(sums.uploaded_images, .wire = "uploadedImages", .is_optional = true),
    INT(sums.uploaded_videos, .wire = "uploadedVideos", .is_optional = true),
    INT(sums.favorite_uploaded_images, .wire = "favoriteUploadedImages", .is_optional = true),
    INT(sums.favorite_uploaded_videos, .wire = "favoriteUploadedVideos", .is_optional = true),
    INT(sums.video_bytes, .wire = "videoBytes", .is_optional = true),
    INT(sums.uploaded_bytes, .wire = "uploadedBytes", .is_optional = true),
    INT(reserved_bytes, .is_optional = true),
    INT(reserved_images, .is_optional = true),
    INT(reserved_videos, .is_optional = true),
    BOOL(has_marks, .is_optional = true),
    MAYBE_RECORD(count, &count_shape),
};
#undef ROW

const struct doc_type storage_meter_type = {
    .name = "storageMeters",
    .about = "How much a user has stored.",
    .size = sizeof(struct storage_meter),
    FIELDS(meter_fields),
    .number = 4,
    INDEXES({.name = "by_user", .fields = {"userId"}, .is_unique = true}),
};

/* ---- the meter ---- */

struct storage_meter storage_meter_of(struct call *call, doc_id user)
{
    struct storage_meter meter;
    doc_id id = row_first(call, index_of(&storage_meter_type, "by_user"), KEY(key_id(user)));
    if (!row_find(call, &storage_meter_type, id, &meter))
        meter.has_marks = true;
    meter.user_id = user;
    return meter;
}

static void meter_put(struct call *call, struct storage_meter *meter)
{
    if (!doc_id_is_set(meter->id))
        row_new(call, &storage_meter_type, meter);
    row_put(call, &storage_meter_type, meter);
}

/* Never below nothing: a meter that is wrong is found by the recount, not shown. */
static void add(int64_t *sum, int64_t change)
{
    *sum = MAX_OF(*sum + change, (int64_t)0);
}

static void sums_add(struct storage_sums *sums, const struct asset *asset, int64_t sign)
{
    bool is_video = asset->type == MEDIA_VIDEO, is_marked = asset->is_favorite;
    bool is_uploaded = !doc_id_is_set(asset->generation_id);
    add(&sums->bytes, sign * asset->stored_bytes);
    if (asset_is_refused(asset))
        return;
    add(is_video ? &sums->videos : &sums->images, sign);
    if (is_video)
        add(&sums->video_bytes, sign * asset->stored_bytes);
    if (is_uploaded)
        add(&sums->uploaded_bytes, sign * asset->stored_bytes);
    if (is_marked)
        add(is_video ? &sums->favorite_videos : &sums->favorite_images, sign);
    if (is_uploaded)
        add(is_video ? &sums->uploaded_videos : &sums->uploaded_images, sign);
    if (is_marked && is_uploaded)
        add(is_video ? &sums->favorite_uploaded_videos : &sums->favorite_uploaded_images, sign);
}

static void move(struct call *call, const struct asset *asset, int64_t sign)
{
    struct storage_meter meter = storage_meter_of(call, asset->user_id);
    sums_add(&meter.sums, asset, sign);
    if (meter.count != NULL && asset->created.n <= meter.count->upto)
        sums_add(&meter.count->sums, asset, sign);
    meter_put(call, &meter);
}

void storage_take(struct call *call, const struct asset *asset)
{
    move(call, asset, 1);
}

void storage_give_back(struct call *call, const struct asset *asset)
{
    move(call, asset, -1);
}

/* ---- room ---- */

struct storage_need storage_limit(struct call *call, const struct user *user)
{
    const struct plan_config *plan = config_plan(catalogue_of(call), user->plan_key);
    if (plan == NULL)
        return (struct storage_need){0};
    return (struct storage_need){plan->storage_bytes, plan->images_stored, plan->videos_stored};
}

str storage_words(struct arena *arena, int64_t size)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double amount = (double)size / 1024;
    size_t unit = 0;
    if (size < 1024)
        return str_format(arena, "%lld bytes", (long long)size);
    /* From 1,000 on in the next unit, so that three digits say it. */
    while (unit + 1 < ARRAY_LEN(units) && amount >= 999.95) {
        amount /= 1024;
        unit++;
    }
    str text = str_format(arena, "%.1f", amount);
    if (str_ends(text, STR(".0")))
        text.len -= 2;
    return str_format(arena, "%.*s %s", STR_ARG(text), units[unit]);
}

static void refuse_bytes(struct call *call, const struct storage_meter *meter, int64_t need,
                         int64_t limit)
{
    str used = storage_words(call->arena, meter->sums.bytes);
    str beside = meter->reserved_bytes == 0
                     ? STR("")
                     : str_format(call->arena, ", %.*s are kept for what is on its way",
                                  STR_ARG(storage_words(call->arena, meter->reserved_bytes)));
    str more = str_format(call->arena,
                          "\"used\":%lld,\"kept\":%lld,\"needed\":%lld,\"limit\":%lld,"
                          "\"unit\":\"bytes\"",
                          (long long)meter->sums.bytes, (long long)meter->reserved_bytes,
                          (long long)need, (long long)limit);
    call_fail_more(call, QUOTA, more,
                   "%.*s of %.*s are used%.*s, and this needs %.*s. Nothing is deleted. Make room "
                   "or take a larger plan, then try again.",
                   STR_ARG(used), STR_ARG(storage_words(call->arena, limit)), STR_ARG(beside),
                   STR_ARG(storage_words(call->arena, need)));
}

static void check_count(struct call *call, int64_t used, int64_t kept, int64_t need, int64_t limit,
                        bool is_video)
{
    if (call_failed(call) || need == 0 || limit == 0 || used + kept + need <= limit)
        return;
    const char *name = is_video ? "films" : "pictures";
    str more = str_format(call->arena,
                          "\"used\":%lld,\"kept\":%lld,\"needed\":%lld,\"limit\":%lld,"
                          "\"unit\":\"%s\"",
                          (long long)used, (long long)kept, (long long)need, (long long)limit,
                          is_video ? "videos" : "images");
    call_fail_more(call, QUOTA, more,
                   "Your library holds %lld of %lld %s, and this needs room for %lld. Nothing is "
                   "deleted. Make room or take a larger plan, then try again.",
                   (long long)(used + kept), (long long)limit, name, (long long)need);
}

static void check(struct call *call, const struct storage_meter *meter,
                  const struct storage_need *need)
{
    struct user user;
    row_get(call, &user_type, meter->user_id, &user);
    struct storage_need limit = storage_limit(call, &user);
    bool has_room =
        limit.bytes == 0 || meter->sums.bytes + meter->reserved_bytes + need->bytes <= limit.bytes;
    if (call_failed(call))
        return;
    if (!has_room)
        refuse_bytes(call, meter, need->bytes, limit.bytes);
    check_count(call, meter->sums.images, meter->reserved_images, need->images, limit.images,
                false);
    check_count(call, meter->sums.videos, meter->reserved_videos, need->videos, limit.videos, true);
}

void storage_check(struct call *call, doc_id user, const struct storage_need *need)
{
    struct storage_meter meter = storage_meter_of(call, user);
    check(call, &meter, need);
}

void storage_reserve(struct call *call, doc_id user, const struct storage_need *need)
{
    struct storage_meter meter = storage_meter_of(call, user);
    check(call, &meter, need);
    meter.reserved_bytes += need->bytes;
    meter.reserved_images += need->images;
    meter.reserved_videos += need->videos;
    meter_put(call, &meter);
}

void storage_release(struct call *call, doc_id user, const struct storage_need *need)
{
    struct storage_meter meter = storage_meter_of(call, user);
    if (need->bytes == 0 && need->images == 0 && need->videos == 0)
        return;
    add(&meter.reserved_bytes, -need->bytes);
    add(&meter.reserved_images, -need->images);
    add(&meter.reserved_videos, -need->videos);
    meter_put(call, &meter);
}

/* Two bytes a pixel of a picture; of a film, ten megabits a second of 1280 by 720. */
int64_t storage_expected(const struct model_config *model, int64_t width, int64_t height,
                         int64_t seconds)
{
    if (model->expected_bytes != 0)
        return model->expected_bytes;
    int64_t pixels = width * height;
    int64_t original =
        model->kind == MEDIA_VIDEO ? pixels * MAX_OF(seconds, (int64_t)1) * 4 / 3 : pixels * 2;
    return original + DERIVED_BYTES;
}

/* ---- counting again ---- */

static struct storage_need reserved_of(struct call *call, doc_id user)
{
    struct storage_need sum = upload_reserved(call, user);
    struct generation g;
    for (size_t i = 0; i < GENERATION_STATUSES; i++) {
        enum generation_status status = (enum generation_status)i;
        if (!generation_is_open(&(struct generation){.status = status}))
            continue;
        struct key theirs = KEY(key_id(user), key_text(str_of(generation_status_names[i])));
        struct scan scan;
        view_scan(call->view, index_of(&generation_type, "by_user_status"),
                  (struct bounds){.prefix = theirs}, ORDER_UP, &scan);
        while (scan_next(&scan, &g)) {
            struct storage_need need = generation_reserved(&g, g.reserved_outputs);
            sum.bytes += need.bytes;
            sum.images += need.images;
            sum.videos += need.videos;
        }
        scan_end(&scan);
    }
    return sum;
}

static bool sums_differ(const struct storage_meter *meter, const struct storage_count *count,
                        const struct storage_need *kept)
{
    const struct storage_sums *is = &count->sums, *was = &meter->sums;
    bool marks_differ = memcmp(is, was, sizeof(*is)) != 0 && meter->has_marks;
    return is->bytes != was->bytes || is->images != was->images || is->videos != was->videos ||
           meter->reserved_bytes != kept->bytes || meter->reserved_images != kept->images ||
           meter->reserved_videos != kept->videos || marks_differ;
}

static void tell(struct call *call, const struct storage_meter *meter,
                 const struct storage_count *count, const struct storage_need *kept)
{
    str what = str_format(
        call->arena,
        "the meter said %lld bytes, %lld pictures, %lld films, %lld bytes kept; there are %lld, "
        "%lld, %lld and %lld",
        (long long)meter->sums.bytes, (long long)meter->sums.images, (long long)meter->sums.videos,
        (long long)meter->reserved_bytes, (long long)count->sums.bytes,
        (long long)count->sums.images, (long long)count->sums.videos, (long long)kept->bytes);
    log_event(LOG_WARN, "storage_mended", "user %lld: %.*s", (long long)meter->user_id.n,
              STR_ARG(what));
    audit_put(call, "storage.mended", meter->user_id, (credits){0}, what);
}

static void count_over(struct call *call, struct storage_meter *meter, bool *was_wrong)
{
    struct storage_need kept = reserved_of(call, meter->user_id);
    *was_wrong = sums_differ(meter, meter->count, &kept);
    if (*was_wrong && !call_failed(call))
        tell(call, meter, meter->count, &kept);
    meter->sums = meter->count->sums;
    meter->reserved_bytes = kept.bytes;
    meter->reserved_images = kept.images;
    meter->reserved_videos = kept.videos;
    meter->has_marks = true;
    meter->count = NULL;
}

/* Works are counted in the order in which they came, so those that come and go meanwhile are
 * either counted already or not yet. True: no more. */
static bool count_part(struct call *call, doc_id user, size_t works_max,
                       struct storage_count *count)
{
    struct bounds rest = {.prefix = KEY(key_id(user)),
                          .from = key_number((double)count->upto / 1024.0),
                          .from_is_open = true};
    struct asset asset;
    struct scan scan;
    size_t seen = 0;
    view_scan(call->view, index_of(&asset_type, "by_user"), rest, ORDER_UP, &scan);
    while (seen < works_max && scan_next(&scan, &asset)) {
        sums_add(&count->sums, &asset, 1);
        count->upto = asset.created.n;
        seen++;
    }
    scan_end(&scan);
    return seen < works_max;
}

bool storage_recount(struct call *call, doc_id user, size_t works_max, bool *was_wrong)
{
    struct storage_meter meter = storage_meter_of(call, user);
    struct storage_count count = meter.count == NULL ? (struct storage_count){0} : *meter.count;
    bool is_as_kept = meter.has_marks && meter.count == NULL;
    *was_wrong = false;
    if (call_failed(call))
        return true;
    bool is_over = count_part(call, user, works_max, &count);
    meter.count = &count;
    if (is_over)
        count_over(call, &meter, was_wrong);
    if (!is_over || !is_as_kept || *was_wrong)
        meter_put(call, &meter);
    return is_over;
}

int64_t storage_recount_all(struct call *call, str *cursor, bool *has_more)
{
    struct user *users = arena_array(call->arena, struct user, USERS_AT_ONCE);
    struct bounds rest = {.from = key_text(*cursor), .from_is_open = true};
    struct scan scan;
    size_t count = 0, is_over = true;
    int64_t wrong = 0;
    view_scan(call->view, index_of(&user_type, "by_external_key"), rest, ORDER_UP, &scan);
    while (count < USERS_AT_ONCE && scan_next(&scan, &users[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count && is_over; i++) {
        bool was_wrong = false;
        if (!users[i].deleted_at.is_set)
            is_over = storage_recount(call, users[i].id, WORKS_AT_ONCE, &was_wrong);
        if (is_over) /* else on with this one */
            *cursor = users[i].external_key;
        wrong += was_wrong;
    }
    *has_more = count == USERS_AT_ONCE || !is_over;
    return wrong;
}

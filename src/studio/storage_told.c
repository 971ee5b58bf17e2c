/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user is told of what they have stored (QUOT-04). It is live, as any query.
 */
#include "studio/storage.h"
#include "studio/users.h"

#define ROW struct storage_counts
static const struct field counts_fields[] = {INT(images), INT(videos)};
#undef ROW
const struct shape storage_counts_shape = {
    .name = "counts", .size = sizeof(struct storage_counts), FIELDS(counts_fields)};

struct storage_quota {
    int64_t used, limit, reserved_bytes, percentage;
    bool is_near, is_full;
    str tier;
    struct storage_counts counts, limits;
    int64_t image_bytes, video_bytes, uploaded_bytes;
};
#define ROW struct storage_quota
static const struct field storage_quota_fields[] = {
    INT(used, .unit = "bytes"),
    INT(limit, .unit = "bytes", .about = "0: there is none."),
    INT(reserved_bytes, .unit = "bytes", .about = "Kept for what is being made."),
    INT(percentage, .about = "Of the limit, used and kept; rounded down. 0 without a limit."),
    BOOL(is_near, .about = "Four fifths of the bytes, the pictures or the films are taken."),
    BOOL(is_full, .about = "Nothing more can be made or brought; all else works."),
    TEXT(tier),
    RECORD(counts, &storage_counts_shape),
    RECORD(limits, &storage_counts_shape, .about = "0: there is none."),
    INT(image_bytes, .unit = "bytes"),
    INT(video_bytes, .unit = "bytes"),
    INT(uploaded_bytes, .unit = "bytes", .about = "Of both: what the user brought."),
};
#undef ROW
static const struct shape storage_quota_shape = {
    .name = "storageQuota", .size = sizeof(struct storage_quota), FIELDS(storage_quota_fields)};

NO_ARGS(get_storage)

BACKEND_FUNCTION(get_storage, struct storage_quota)

const struct function storage_functions[] = {
    QUERY("quotas:getStorageQuota", get_storage, .caller = SIGNED_IN,
          .returns = RETURNS_RECORD(&storage_quota_shape, struct storage_quota),
          .about = "What the caller has stored, and what their plan has room for."),
};
const size_t storage_function_count = ARRAY_LEN(storage_functions);

static bool is_over(int64_t taken, int64_t limit, int64_t part, int64_t of)
{
    return limit != 0 && taken * of >= limit * part;
}

static bool is_taken(const struct storage_meter *meter, const struct storage_need *limit,
                     int64_t part, int64_t of)
{
    return is_over(meter->sums.bytes + meter->reserved_bytes, limit->bytes, part, of) ||
           is_over(meter->sums.images + meter->reserved_images, limit->images, part, of) ||
           is_over(meter->sums.videos + meter->reserved_videos, limit->videos, part, of);
}

static void get_storage(struct call *call, const struct get_storage_args *args,
                        struct storage_quota *result)
{
    struct user user;
    row_get(call, &user_type, call_caller(call), &user);
    struct storage_need limit = storage_limit(call, &user);
    struct storage_meter meter = storage_meter_of(call, user.id);
    int64_t taken = meter.sums.bytes + meter.reserved_bytes;
    *result = (struct storage_quota){
        .used = meter.sums.bytes,
        .limit = limit.bytes,
        .reserved_bytes = meter.reserved_bytes,
        .percentage = limit.bytes == 0 ? 0 : taken * 100 / limit.bytes,
        .is_near = is_taken(&meter, &limit, 4, 5),
        .is_full = is_taken(&meter, &limit, 1, 1),
        .tier = user_wire_tier(call, user.plan_key),
        .counts = {meter.sums.images, meter.sums.videos},
        .limits = {limit.images, limit.videos},
        .image_bytes = MAX_OF(meter.sums.bytes - meter.sums.video_bytes, (int64_t)0),
        .video_bytes = meter.sums.video_bytes,
        .uploaded_bytes = meter.sums.uploaded_bytes,
    };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/bucket_inside.h"

#include "base/encode.h"
#include "blob/xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOWEST_PER_SECOND ((int64_t)64 << 10) /* bytes: slower is as good as not at all */
#define DRIP_PER_SECOND ((int64_t)16 << 10)

/* ---- opening ---- */

static bool endpoint_read(struct bucket *bucket, const struct blob_bucket *options,
                          struct fault *fault)
{
    str host = options->endpoint;
    bucket->scheme = STR("https");
    if (host.len == 0)
        host = str_format(&bucket->arena, "s3.%.*s.amazonaws.com", STR_ARG(options->region));
    else if (str_starts(host, STR("http://")))
        bucket->scheme = STR("http");
    else if (!str_starts(host, STR("https://")))
        return fault_set(fault, FAULT_INPUT,
                         "the endpoint of the bucket must begin with https:// or http://");
    if (options->endpoint.len != 0)
        host = str_slice(host, bucket->scheme.len + 3, host.len);
    while (str_ends(host, STR("/")))
        host.len--;
    if (host.len == 0 || str_find(host, '/') >= 0)
        return fault_set(fault, FAULT_INPUT,
                         "the endpoint of the bucket must be a host, without a path");
    bucket->host = options->is_path_style ? str_copy(&bucket->arena, host)
                                          : str_format(&bucket->arena, "%.*s.%.*s",
                                                       STR_ARG(options->name), STR_ARG(host));
    return true;
}

static bool fill(struct bucket *bucket, const struct blob_bucket *options, struct fault *fault)
{
    struct arena *arena = &bucket->arena;
    if (options->name.len == 0 || options->key_id.len == 0 || options->secret.len == 0)
        return fault_set(fault, FAULT_INPUT, "a bucket needs its name, a key and its secret");
    bucket->name = str_copy(arena, options->name);
    bucket->prefix = str_copy(arena, bucket_prefix(arena, options->prefix));
    str region = options->region.len == 0 ? STR("us-east-1") : options->region;
    bucket->sign = (struct sign_key){
        .id = str_copy(arena, options->key_id),
        .secret = str_copy(arena, options->secret),
        .session = str_copy(arena, options->session),
        .region = str_copy(arena, region),
    };
    bucket->is_path_style = options->is_path_style;
    bucket->is_encrypted = !options->is_unencrypted;
    bucket->is_private = options->is_private;
    struct blob_bucket with_region = *options;
    with_region.region = bucket->sign.region;
    return endpoint_read(bucket, &with_region, fault);
}

bool bucket_open(const struct blob_bucket *options, struct bucket **out, struct fault *fault)
{
    struct bucket *bucket = memory_zeroed(sizeof(*bucket));
    pthread_mutex_init(&bucket->lock, NULL);
    bool ok = fill(bucket, options, fault);
    if (ok)
        bucket->outside = outside_new(&(struct outside_options){0}, fault);
    if (bucket->outside == NULL) {
        bucket_close(bucket);
        return false;
    }
    *out = bucket;
    return true;
}

void bucket_close(struct bucket *bucket)
{
    if (bucket == NULL)
        return;
    if (bucket->outside != NULL)
        outside_free(bucket->outside);
    while (bucket->idle != NULL) {
        struct waiter *waiter = bucket->idle;
        bucket->idle = waiter->next;
        queue_free(waiter->queue);
        free(waiter);
    }
    pthread_mutex_destroy(&bucket->lock);
    arena_done(&bucket->arena);
    free(bucket);
}

void bucket_stop(struct bucket *bucket)
{
    atomic_store(&bucket->is_stopped, true);
}

str bucket_origin(const struct bucket *bucket, struct arena *arena)
{
    return str_format(arena, "%.*s://%.*s", STR_ARG(bucket->scheme), STR_ARG(bucket->host));
}

bool bucket_is_private(const struct bucket *bucket)
{
    return bucket->is_private;
}

/* ---- putting ---- */

/* One object on its way. */
struct putting {
    struct bucket *bucket;
    struct arena arena;
    str key, upload_id;
    int fd;
    int64_t size, part;
    struct buffer parts; /* the XML that ends it */
};

static void putting_done(struct putting *putting)
{
    buffer_done(&putting->parts);
    arena_done(&putting->arena);
}

static span time_for(int64_t size)
{
    return SECONDS(60 + size / SLOWEST_PER_SECOND);
}

static void add_header(struct bucket_ask *ask, const char *name, str value)
{
    ask->headers[ask->header_count++] = (struct sign_pair){str_of(name), value};
}

static void add_query(struct bucket_ask *ask, const char *name, str value)
{
    ask->query[ask->query_count++] = (struct sign_pair){str_of(name), value};
}

static bool starts_at(bytes head, size_t at, str with)
{
    return head.len >= at + with.len && memcmp(head.at + at, with.at, with.len) == 0;
}

/* What it is by its first bytes, for those who get it from the bucket themselves. Nothing that a
 * browser would run as a page or a program. */
static str type_of(int fd)
{
    uint8_t at[16];
    ssize_t got = pread(fd, at, sizeof(at), 0);
    bytes head = {at, got < 0 ? 0 : (size_t)got};
    if (starts_at(head, 0, STR("\x89PNG")))
        return STR("image/png");
    if (starts_at(head, 0, STR("\xff\xd8\xff")))
        return STR("image/jpeg");
    if (starts_at(head, 0, STR("GIF8")))
        return STR("image/gif");
    if (starts_at(head, 8, STR("WEBP")))
        return STR("image/webp");
    if (starts_at(head, 4, STR("ftypavif")))
        return STR("image/avif");
    if (starts_at(head, 4, STR("ftypqt")))
        return STR("video/quicktime");
    if (starts_at(head, 4, STR("ftyp")))
        return STR("video/mp4");
    if (starts_at(head, 0, STR("\x1a\x45\xdf\xa3")))
        return STR("video/webm");
    return STR("application/octet-stream");
}

static void describe(struct putting *putting, struct bucket_ask *ask, const uint8_t sum[32])
{
    add_header(ask, "content-type", type_of(putting->fd));
    add_header(ask, "cache-control", STR("max-age=31536000, immutable"));
    add_header(ask, "x-amz-meta-sha256", hex_write(&putting->arena, (bytes){sum, 32}));
    if (putting->bucket->is_encrypted)
        add_header(ask, "x-amz-server-side-encryption", STR("AES256"));
}

static void shared_auto_drop(struct shared **shared)
{
    shared_drop(*shared);
}

/* Part of a file in memory. */
static bool read_part(int fd, int64_t at, int64_t len, struct shared **out, struct fault *fault)
{
    AUTO(shared_auto_drop) struct shared *part = shared_new((size_t)len);
    int64_t done = 0;
    while (done < len) {
        ssize_t got = pread(fd, part->at + done, (size_t)(len - done), at + done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fault_os(fault, "reading a file to send");
        if (got == 0)
            return fault_set(fault, FAULT_INPUT, "the file to send ended early");
        done += got;
    }
    *out = take_pointer(&part);
    return true;
}

static bool put_one(struct putting *putting, const uint8_t sum[32], struct fault *fault)
{
    AUTO(shared_auto_drop) struct shared *body = NULL;
    AUTO(bucket_result_free) struct outside_result *result = NULL;
    struct bucket_ask ask = {.method = STR("PUT"),
                             .key = putting->key,
                             .sha256 = sum,
                             .timeout = time_for(putting->size)};
    describe(putting, &ask, sum);
    if (!read_part(putting->fd, 0, putting->size, &body, fault))
        return false;
    ask.body = body;
    return bucket_ask_well(putting->bucket, &ask, &result, fault);
}

static bool begin_parts(struct putting *putting, const uint8_t sum[32], struct fault *fault)
{
    AUTO(bucket_result_free) struct outside_result *result = NULL;
    struct bucket_ask ask = {.method = STR("POST"), .key = putting->key};
    add_query(&ask, "uploads", STR(""));
    describe(putting, &ask, sum);
    if (!bucket_ask_well(putting->bucket, &ask, &result, fault))
        return false;
    putting->upload_id = xml_find(&putting->arena, shared_text(result->body), "UploadId");
    if (putting->upload_id.len == 0)
        return fault_set(fault, FAULT_SYSTEM, "the bucket began an upload without naming it");
    return true;
}

static bool put_part(struct putting *putting, int64_t number, struct fault *fault)
{
    AUTO(shared_auto_drop) struct shared *body = NULL;
    AUTO(bucket_result_free) struct outside_result *result = NULL;
    int64_t at = (number - 1) * putting->part;
    int64_t len = MIN_OF(putting->part, putting->size - at);
    struct bucket_ask ask = {.method = STR("PUT"), .key = putting->key, .timeout = time_for(len)};
    add_query(&ask, "partNumber", str_format(&putting->arena, "%lld", (long long)number));
    add_query(&ask, "uploadId", putting->upload_id);
    if (!read_part(putting->fd, at, len, &body, fault))
        return false;
    ask.body = body;
    if (!bucket_ask_well(putting->bucket, &ask, &result, fault))
        return false;
    str etag = str_trim(outside_header_value(result, "etag"));
    while (str_starts(etag, STR("\"")))
        etag = str_slice(etag, 1, etag.len);
    while (str_ends(etag, STR("\"")))
        etag.len--;
    buffer_format(&putting->parts,
                  "<Part><PartNumber>%lld</PartNumber><ETag>&quot;%.*s&quot;</ETag></Part>",
                  (long long)number, STR_ARG(etag));
    return true;
}

/* It may answer 200 and then say in the body that it failed. */
static bool end_parts(struct putting *putting, struct fault *fault)
{
    AUTO(shared_auto_drop) struct shared *body = NULL;
    AUTO(bucket_result_free) struct outside_result *result = NULL;
    struct bucket_ask ask = {
        .method = STR("POST"), .key = putting->key, .timeout = time_for(putting->size)};
    add_query(&ask, "uploadId", putting->upload_id);
    add_header(&ask, "content-type", STR("application/xml"));
    str parts = buffer_text(&putting->parts);
    body = shared_copy(str_format(&putting->arena,
                                  "<CompleteMultipartUpload>%.*s</CompleteMultipartUpload>",
                                  STR_ARG(parts)));
    ask.body = body;
    if (!bucket_ask_well(putting->bucket, &ask, &result, fault))
        return false;
    str said = shared_text(result->body);
    if (xml_find(&putting->arena, said, "Code").len != 0)
        return fault_set(fault, FAULT_TRANSIENT, "the bucket could not put the parts together");
    return true;
}

/* Else its parts stay, and cost, unseen. */
static void drop_parts(struct putting *putting)
{
    AUTO(bucket_result_free) struct outside_result *result = NULL;
    struct bucket_ask ask = {.method = STR("DELETE"), .key = putting->key};
    add_query(&ask, "uploadId", putting->upload_id);
    if (putting->upload_id.len != 0 && !bucket_ask(putting->bucket, &ask, &result, NULL))
        return; /* the bucket's own rule for parts left behind */
}

static bool put_parts(struct putting *putting, const uint8_t sum[32], struct fault *fault)
{
    bool ok = begin_parts(putting, sum, fault);
    for (int64_t number = 1; ok && (number - 1) * putting->part < putting->size; number++)
        ok = put_part(putting, number, fault);
    ok = ok && end_parts(putting, fault);
    if (!ok)
        drop_parts(putting);
    return ok;
}

bool bucket_put(struct bucket *bucket, str id, int fd, int64_t size, const uint8_t sum[32],
                struct fault *fault)
{
    AUTO(putting_done)
    struct putting putting = {
        .bucket = bucket,
        .fd = fd,
        .size = size,
        .part = MAX_OF(BUCKET_PART, (size + BUCKET_PARTS_MAX - 1) / BUCKET_PARTS_MAX),
        .parts = buffer_with_max(MIB(2)),
    };
    putting.key = bucket_key(bucket, &putting.arena, id);
    if (size <= BUCKET_ONE_PUT)
        return put_one(&putting, sum, fault);
    return put_parts(&putting, sum, fault);
}

/* ---- getting ---- */

bool bucket_get_any(struct bucket *bucket, str id, const atomic_bool *is_unwanted, int fd,
                    int64_t *size, uint8_t sum[32], bool *is_as_put, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(bucket_result_free) struct outside_result *result = NULL;
    struct bucket_ask ask = {
        .method = STR("GET"),
        .key = bucket_key(bucket, &arena, id),
        .is_unwanted = is_unwanted,
        .into_file = true,
        .file = fd,
        .timeout = time_for(BLOB_SIZE_MAX), /* how large it is, is not known: so the other, too */
        .slowest = DRIP_PER_SECOND,
        .response_max = BLOB_SIZE_MAX,
    };
    if (!bucket_ask_well(bucket, &ask, &result, fault))
        return false;
    if (result->status != 200)
        return fault_set(fault, FAULT_SYSTEM, "the bucket answered %d instead of a file",
                         result->status);
    str said = outside_header_value(result, "x-amz-meta-sha256");
    str is = hex_write(&arena, (bytes){result->file_sha256, sizeof(result->file_sha256)});
    memcpy(sum, result->file_sha256, sizeof(result->file_sha256));
    *size = result->file_len;
    *is_as_put = said.len == 0 || str_equal_nocase(said, is);
    /* What an attempt before this one left, when nothing came now. */
    return ftruncate(fd, result->file_len) == 0 || fault_os(fault, "fetching a file");
}

bool bucket_get(struct bucket *bucket, str id, const atomic_bool *is_unwanted, int fd,
                int64_t *size, uint8_t sum[32], struct fault *fault)
{
    bool is_as_put = false;
    return bucket_get_any(bucket, id, is_unwanted, fd, size, sum, &is_as_put, fault) &&
           (is_as_put || fault_set(fault, FAULT_SYSTEM,
                                   "the bucket's %.*s is not what was put there", STR_ARG(id)));
}

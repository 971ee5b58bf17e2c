/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/blob_settings.h"

const char *const blob_kind_names[BLOB_KINDS] = {
    [BLOB_DISK] = "disk",
    [BLOB_S3] = "s3",
};

static const char *const delivery_names[] = {
    [BLOB_DELIVERY_REDIRECT] = "redirect",
    [BLOB_DELIVERY_SERVER] = "server",
};

static const char *const encryption_names[] = {
    [BLOB_ENCRYPTION_AES256] = "AES256",
    [BLOB_ENCRYPTION_OFF] = "none",
};

#define ROW struct cloud_front_settings
static const struct field cloud_front_fields[] = {
    TEXT(url, .min = 9, .max = 500, .about = "As in https://d111111abcdef8.cloudfront.net"),
    MAYBE_TEXT(key_pair_id, .max = 100,
               .about = "Of the public key that the distribution trusts; unset: addresses are "
                        "public."),
    MAYBE_RECORD(private_key, &config_secret_shape, .about = "RSA in PEM, without a password."),
};
#undef ROW
static const struct shape cloud_front_shape = {.name = "cloudFront",
                                               .about = "The CDN before the bucket.",
                                               .size = sizeof(struct cloud_front_settings),
                                               FIELDS(cloud_front_fields)};

#define ROW struct blob_settings
static const struct field blob_fields[] = {
    CHOICE(kind, blob_kind_names, .about = "Where new files go."),
    MAYBE_TEXT(endpoint, .max = 500,
               .about = "Of what speaks like S3, as https://minio.example:9000; unset: Amazon's."),
    MAYBE_TEXT(region, .max = 60, .about = "Unset: us-east-1."),
    MAYBE_TEXT(bucket, .max = 100,
               .about = "Files in it are found also while new ones go to the disk."),
    MAYBE_TEXT(prefix, .max = 200, .about = "Before the names of all objects, as in studio/"),
    BOOL(path_style, .is_optional = true,
         .about = "The bucket's name is part of the path, not of the host."),
    BOOL(local_backup, .is_optional = true,
         .about = "A copy of every file stays in copies/ of the data folder (STOR-10)."),
    MAYBE_RECORD(key, &config_secret_shape, .about = "The access key's id."),
    MAYBE_RECORD(secret, &config_secret_shape, .about = "The secret access key."),
    MAYBE_RECORD(session_token, &config_secret_shape, .about = "Of temporary keys."),
    MAYBE_CHOICE(encryption, encryption_names,
                 .about = "At rest, by the bucket. Unset: AES256 (STOR-06)."),
    MAYBE_CHOICE(delivery, delivery_names,
                 .about = "redirect: browsers are sent to the bucket; server: they cannot reach "
                          "it. Unset: redirect."),
    MAYBE_RECORD(cloud_front, &cloud_front_shape),
    MAYBE_INT(cache_megabytes, .min = 0, .max = 100000000,
              .about = "Of files in the bucket that are at hand here, too. Unset: 1024."),
};
#undef ROW
const struct shape blob_settings_shape = {.name = "blobs",
                                          .about = "Where bytes live.",
                                          .size = sizeof(struct blob_settings),
                                          FIELDS(blob_fields)};

static str secret_of(const struct secret_config *secret)
{
    return secret == NULL ? (str){0} : secret->value;
}

void blob_settings_secrets(const struct blob_settings *settings,
                           struct secret_config *out[BLOB_SECRETS])
{
    const struct cloud_front_settings *cdn = settings->cloud_front;
    out[0] = settings->key;
    out[1] = settings->secret;
    out[2] = settings->session_token;
    out[3] = cdn == NULL ? NULL : cdn->private_key;
}

static const struct blob_bucket *bucket_of(const struct blob_settings *settings,
                                           struct arena *arena)
{
    struct blob_bucket *bucket = arena_new(arena, struct blob_bucket);
    *bucket = (struct blob_bucket){
        .endpoint = settings->endpoint,
        .region = settings->region,
        .name = settings->bucket,
        .prefix = settings->prefix,
        .key_id = secret_of(settings->key),
        .secret = secret_of(settings->secret),
        .session = secret_of(settings->session_token),
        .is_path_style = settings->path_style,
        .is_unencrypted = settings->encryption == BLOB_ENCRYPTION_OFF,
        .is_private = settings->delivery == BLOB_DELIVERY_SERVER,
    };
    return bucket;
}

static const struct blob_cdn *cdn_of(const struct cloud_front_settings *settings,
                                     struct arena *arena)
{
    struct blob_cdn *cdn = arena_new(arena, struct blob_cdn);
    *cdn = (struct blob_cdn){.url = settings->url,
                             .key_pair_id = settings->key_pair_id,
                             .private_key = secret_of(settings->private_key)};
    return cdn;
}

bool blob_settings_options(const struct blob_settings *settings, struct arena *arena,
                           const char *folder, instant now, struct blobs_options *out,
                           struct fault *fault)
{
    *out = (struct blobs_options){.folder = folder, .now = now};
    if (settings == NULL || (settings->kind == BLOB_DISK && settings->bucket.len == 0))
        return true;
    if (settings->bucket.len == 0)
        return fault_set(fault, FAULT_INPUT, "blobs.kind is s3, but blobs.bucket is not set");
    out->bucket = bucket_of(settings, arena);
    out->cdn = settings->cloud_front == NULL ? NULL : cdn_of(settings->cloud_front, arena);
    out->is_remote = settings->kind == BLOB_S3;
    out->keeps_copies = settings->local_backup;
    if (settings->cache_megabytes.is_set) /* nothing at all is not to be had: the last one stays */
        out->cache_max = MAX_OF(settings->cache_megabytes.value * 1000000, (int64_t)1);
    return true;
}

struct bucket_config blob_settings_home(const struct blob_settings *settings)
{
    if (settings == NULL || settings->kind != BLOB_S3)
        return (struct bucket_config){0};
    return (struct bucket_config){
        .name = settings->bucket,
        .prefix = settings->prefix,
        .cdn_url = settings->cloud_front == NULL ? (str){0} : settings->cloud_front->url,
    };
}

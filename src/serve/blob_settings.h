/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where bytes live, as the section `blobs` of the configuration says it (STOR-05, STOR-06,
 * STOR-10), and what blob/ is opened with.
 *
 * Owns:     constant once loaded; texts are the loader's.
 * Threads:  any.
 * Time:     none.
 * Fails:    by fault.
 */
#pragma once

#include "blob/blob.h"
#include "studio/config.h"
#include "json/fields.h"

enum blob_kind {
    BLOB_KIND_NONE,
    BLOB_DISK, /* a bucket may be named all the same: what is there is still read */
    BLOB_S3,
    BLOB_KINDS,
};
extern const char *const blob_kind_names[BLOB_KINDS];

enum blob_delivery {
    BLOB_DELIVERY_NONE,
    BLOB_DELIVERY_REDIRECT,
    BLOB_DELIVERY_SERVER,
};

enum blob_encryption {
    BLOB_ENCRYPTION_NONE,
    BLOB_ENCRYPTION_AES256,
    BLOB_ENCRYPTION_OFF,
};

struct cloud_front_settings {
    str url, key_pair_id;
    struct secret_config *private_key;
};

struct blob_settings {
    enum blob_kind kind;
    str endpoint, region, bucket, prefix;
    bool path_style, local_backup;
    struct secret_config *key, *secret, *session_token;
    enum blob_encryption encryption;
    enum blob_delivery delivery;
    struct cloud_front_settings *cloud_front;
    struct maybe_int cache_megabytes;
};

extern const struct shape blob_settings_shape;

/* What blobs_open_with is to be given. settings: NULL for the disk alone. */
bool blob_settings_options(const struct blob_settings *settings, struct arena *arena,
                           const char *folder, instant now, struct blobs_options *out,
                           struct fault *fault) MUST_CHECK;

/* For the studio: where new files go. */
struct bucket_config blob_settings_home(const struct blob_settings *settings);

/* Each secret of the section, or NULL. */
#define BLOB_SECRETS 4
void blob_settings_secrets(const struct blob_settings *settings,
                           struct secret_config *out[BLOB_SECRETS]);

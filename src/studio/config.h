/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operator decides about the product: plans, models, providers. The structs are filled
 * from presets and the configuration file by these shapes; prices live nowhere else.
 *
 * Owns:     constant once loaded; its texts are the loader's arena's.
 * Threads:  any, read only.
 * Time:     none.
 * Fails:    never here; a bad file is refused by its shapes and by studio_config_check.
 */
#pragma once

#include "base/fault.h"
#include "provider/payment.h"
#include "provider/provider.h"
#include "json/fields.h"

enum media_kind {
    MEDIA_NONE,
    MEDIA_IMAGE,
    MEDIA_VIDEO,
};
#define MEDIA_KINDS 3
extern const char *const media_kind_names[MEDIA_KINDS];

enum rate_period {
    RATE_NONE,
    RATE_MINUTE,
    RATE_HOUR,
    RATE_DAY,
    RATE_PERIODS,
};
extern const char *const rate_period_names[RATE_PERIODS];

/* What is counted; the first ones are media_kinds. */
enum rate_kind {
    RATE_OF_NOTHING,
    RATE_OF_IMAGES = MEDIA_IMAGE,
    RATE_OF_VIDEOS = MEDIA_VIDEO,
    RATE_OF_UPLOADS,
    RATE_KINDS,
};
extern const char *const rate_kind_names[RATE_KINDS];

/* So many requests of a kind in a period. */
struct rate_config {
    enum rate_kind kind;
    enum rate_period every;
    int64_t count;
};

struct plan_config {
    str key, name;
    credits credits_once;      /* granted when the account is made */
    credits credits_monthly;   /* granted once a billing period */
    int64_t credits_last_days; /* those of a period; 0: for ever */
    int64_t storage_bytes;
    int64_t images_stored,
        videos_stored; /* in the library at once; 0: as many as there is room for */
    int64_t images_per_period, videos_per_period; /* 0: as many as can be paid for */
    int64_t price_cents;                          /* a month */
    int64_t price_cents_yearly;
    str stripe_price_id, stripe_price_id_yearly;
    str polar_product_id, polar_product_id_yearly;
    int64_t trial_days;       /* once a user; 0: none */
    struct list features;     /* str, for its card */
    bool films_are_public;    /* nobody can hide theirs */
    int64_t concurrent_jobs;  /* in line and under way; 0: as many as they like */
    struct list rates;        /* struct rate_config */
    int64_t upload_bytes_max; /* of one file; 0: 25 MiB */
    int64_t video_bytes_max;  /* of one film; 0: as of any file */
    double priority;          /* weight in line: twice as much goes twice as often; 0: 1 */
    struct maybe_bool is_active;
};

struct size_config {
    str name;
    int64_t width, height; /* px */
};

struct range_config {
    double min, max, fallback;
    double step;
};

/* A quality or a resolution: what the provider calls it, and what that changes of the price. */
struct tier_config {
    str name;
    struct maybe_int price;    /* instead of the model's */
    double multiplier;         /* of the price; 0: 1 */
    int64_t micros_per_second; /* a film's price instead: millionths of a US dollar a second */
    int64_t duration_max;      /* s; 0: as long as the model can */
    struct list plans;         /* str, keys of who may have it; none: everybody */
};

enum takes_image {
    TAKES_IMAGE_UNSAID, /* no */
    TAKES_IMAGE_NO,
    TAKES_IMAGE_OPTIONAL,
    TAKES_IMAGE_REQUIRED,
    TAKES_IMAGE_CHOICES,
};
extern const char *const takes_image_names[TAKES_IMAGE_CHOICES];

struct model_config {
    str id, name, description;
    enum media_kind kind;
    str provider;         /* id of a provider */
    str provider_model;   /* what the provider calls it; empty: our id */
    credits price;        /* a picture or a film */
    bool price_by_pixels; /* above 1024 by 1024 as many times that as it has more pixels */
    double typical_seconds;
    bool is_default;
    struct maybe_bool is_active;
    bool is_premium;
    int64_t max_images;
    int64_t prompt_max;                    /* characters */
    struct list sizes;                     /* struct size_config; the first is the default */
    bool any_size;                         /* width and height may be anything from 256 to 2048 */
    struct range_config *steps, *guidance; /* NULL: the model has no such thing */
    str workflow; /* path of a file with the operator's own workflow; ComfyUI only */
    bool takes_negative_prompt, takes_seed;
    enum takes_image takes_image;
    bool takes_camera_fixed, takes_strength;
    struct list qualities, resolutions; /* struct tier_config; the first is the default */
    int64_t images_per_request;         /* 0: as many as are asked for, if the provider can */
    struct list durations;              /* int64_t, seconds; the first is the default */
    int64_t timeout_seconds;            /* of one request; 0: the provider's */
    struct list fallbacks;              /* str, ids of models that may stand in, in this order */
    /* What the provider takes, in millionths of a US dollar, where it does not say itself. */
    int64_t cost_micros;                /* a picture or a film */
    int64_t cost_micros_per_second;     /* of the film */
    int64_t cost_micros_per_run_second; /* of its computing */
    int64_t expected_bytes;             /* that one work of it takes; 0: by its size and length */
};

enum provider_kind {
    PROVIDER_NONE,
    PROVIDER_SKETCH, /* the built-in sketcher */
    PROVIDER_OPENAI, /* from here on the translators of provider/, in the order of their table */
    PROVIDER_REPLICATE,
    PROVIDER_FAL,
    PROVIDER_OPENROUTER,
    PROVIDER_AUTOMATIC1111,
    PROVIDER_COMFYUI,
    PROVIDER_KINDS,
};

/* A secret is never written in the file itself. */
struct secret_config {
    str env, file;
    bool is_optional;
    str value; /* read by the loader; not a field */
};

struct provider_config {
    str id;
    enum provider_kind kind;
    str base_url;
    struct secret_config *key, *webhook_secret;
    str webhook_keys;         /* JWKS address, instead of a secret; empty: the service's own */
    int64_t concurrency;      /* jobs at once */
    int64_t timeout_seconds;  /* of one request; 0: a minute */
    int64_t patience_seconds; /* of one attempt, from asking to its outputs; 0: ten minutes */
    int64_t poll_seconds;     /* between two looks at a job; 0: as we think fit */
    bool allow_private_addresses;
};

/* Credits that can be bought. */
struct package_config {
    str id, name;
    credits credits;
    int64_t price_cents;
    str stripe_price_id; /* empty: name and price are told instead */
    struct maybe_bool is_active;
    str polar_product_id;
};

/* Who takes the money. */
struct processor_config {
    struct secret_config *key, *webhook_secret;
    str base_url; /* empty: its own */
    bool allow_private_addresses;
};

struct payments_config {
    /* Either, or both, may be NULL. */
    struct processor_config *stripe, *polar;
    str currency;            /* empty: usd */
    bool packages_need_plan; /* credits are sold to subscribers only */
};

/* A service that judges what is asked for, by OpenAI's interface. */
struct moderation_endpoint_config {
    str base_url, model;
    struct secret_config *key;
    int64_t timeout_seconds; /* 0: ten */
    bool fail_open;          /* what cannot be judged is made all the same */
    bool allow_private_addresses;
};

/* Words that no prompt may hold; whole words, whatever their case (MOD-01). */
struct moderation_config {
    struct list banned_words;                    /* str */
    struct moderation_endpoint_config *endpoint; /* NULL: nobody else is asked */
};

/* A file that a model names, as it was when the configuration was read. */
struct workflow_config {
    str path, text;
};

/* Where new files go; empty: the disk. */
struct bucket_config {
    str name, prefix, cdn_url;
};

struct studio_config {
    struct list plans;     /* struct plan_config; the first is what a new account gets */
    struct list models;    /* struct model_config */
    struct list providers; /* struct provider_config */
    struct list workflows; /* struct workflow_config; read by the loader, not a field */
    struct moderation_config moderation;
    struct list credit_packages; /* struct package_config */
    struct payments_config payments;
    struct bucket_config bucket; /* by the loader, not a field */
};

extern const struct shape config_plan_shape, config_model_shape, config_package_shape;
extern const struct shape config_secret_shape, config_size_shape, config_range_shape,
    config_moderation_shape, config_payments_shape;

/* Items of the configuration file's lists. */
extern const struct field config_plan_item, config_model_item, config_provider_item,
    config_package_item;

/* Unless said otherwise, it is offered. */
static inline bool config_is_active(struct maybe_bool is_active)
{
    return is_active.value || !is_active.is_set;
}

const struct plan_config *config_plan(const struct studio_config *config, str key);
const struct model_config *config_model(const struct studio_config *config, str id);
/* Its text; empty: the model names none. */
str config_workflow(const struct studio_config *config, const struct model_config *model);
/* Of one request to the provider, for the model if there is one. */
span config_timeout(const struct provider_config *provider, const struct model_config *model);
/* Who speaks to it; NULL for the sketcher. */
const struct provider *config_translator(const struct provider_config *provider);
/* Where the keys are that its postings are signed with, if they are fetched; else empty. */
str config_posting_keys(const struct provider_config *provider);
const struct provider_config *config_provider(const struct studio_config *config, str id);
/* NULL when nothing is paid through that one. */
const struct processor_config *config_processor(const struct studio_config *config,
                                                const struct payment_service *service);

/* What shapes cannot say: names exist, ids are unique, sizes are in range. */
bool studio_config_check(const struct studio_config *config, struct fault *fault) MUST_CHECK;

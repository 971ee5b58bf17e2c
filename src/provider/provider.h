/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translators to outside services (PROV-01). Each is one struct provider of pure functions: a wish
 * becomes a request, an answer becomes pictures, a job to come back to, or the reason why not. No
 * socket, no clock, no store.
 *
 * A service that answers at once has submit and submitted. One that takes its time answers with a
 * job: it is asked about that again by poll and polled until it is done, and can be told to stop by
 * cancel. A job is text of the translator's own making, kept in between; each answer may replace
 * it.
 *
 * Owns:     results are in the arena given, and may borrow from the answer's body, which is valid
 *           UTF-8.
 * Threads:  any.
 * Time:     none.
 * Fails:    into the answer.
 */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/str.h"

#define PROVIDER_HEADERS_MAX 8
#define PROVIDER_OUTPUTS_MAX 8
#define PROVIDER_JOB_MAX 1000 /* bytes */

/* Where the service is, and who we are there. */
struct provider_site {
    str base_url;       /* as configured, without '/' at its end; empty: the service's own */
    str key;            /* secret; empty: none */
    str webhook_secret; /* secret; empty: webhooks are not verified, and only make us look sooner */
    str webhook_url;    /* ours, for this provider; empty: we cannot be reached */
};

struct provider_wish {
    str model; /* as the provider calls it */
    bool is_video;
    str prompt, negative_prompt;
    int64_t count;         /* of pictures; 1 for a film */
    int64_t width, height; /* px */
    int64_t duration;      /* s; films */
    str resolution, aspect_ratio,
        quality;                  /* the model's own words: "1080p", "16:9", "hd"; or empty */
    bool camera_fixed;            /* films */
    struct maybe_int steps, seed; /* unset: the model has none */
    struct maybe_number guidance, strength;
    bytes image;    /* to start from; .at NULL: none */
    str image_type; /* "image/png" … */
    str idempotency_key;
    str workflow; /* of the operator's own making, for who takes one; or empty */
};

struct provider_header {
    str name, value;
};

struct provider_request {
    str method, url, body;
    struct provider_header headers[PROVIDER_HEADERS_MAX];
    size_t header_count;
};

enum provider_failure {
    PROVIDER_OK,
    PROVIDER_BUSY,     /* may work later; of a job: how it stands cannot be told just now */
    PROVIDER_FAILED,   /* its job failed there; another one may not */
    PROVIDER_REFUSED,  /* the request as it is will never work */
    PROVIDER_POLICY,   /* refused for what the prompt says, or for what came of it */
    PROVIDER_BROKEN,   /* an answer that cannot be read */
    PROVIDER_CANCELED, /* we asked for it */
};

struct provider_output {
    bytes content; /* either the bytes */
    str url;       /* or where they are; a path: at the service's own address */
};

struct provider_answer {
    enum provider_failure failure;
    str text;  /* a sentence for the user */
    str cause; /* for the operator: the service's own words, at most 400 bytes */

    bool is_pending; /* not done: job says what to poll */
    bool is_soon;    /* pending, and the next poll will have it: need not wait */
    str job;
    struct maybe_number progress; /* 0 to 1, as the service says */
    struct maybe_int position;    /* in the service's own line, from 1 */

    struct provider_output outputs[PROVIDER_OUTPUTS_MAX];
    size_t output_count;
    struct maybe_int cost_micros; /* of a US dollar, when the service says so */
    struct maybe_number seconds;  /* of its computing, when it says so */
};

/* What was posted to our webhook address. Header names compare without case. */
struct provider_hook {
    const struct provider_header *headers;
    size_t header_count;
    str body;
    instant now;
};

struct provider {
    const char *name;     /* as a configuration's providers[].kind */
    const char *base_url; /* its own; NULL: must be configured */
    span outputs_last;    /* how long the addresses of outputs work; 0: it does not say */
    bool one_by_one;      /* it makes one picture a request, however many are asked for */

    /* What must be there before a wish with a picture is submitted; sent first, and what is
     * answered but a success is answered to the wish. NULL: the picture rides in the wish. */
    void (*upload)(struct arena *arena, const struct provider_site *site,
                   const struct provider_wish *wish, struct provider_request *out);
    void (*submit)(struct arena *arena, const struct provider_site *site,
                   const struct provider_wish *wish, struct provider_request *out);
    void (*submitted)(struct arena *arena, int status, str body, struct provider_answer *out);

    /* NULL for services that answer at once. */
    void (*poll)(struct arena *arena, const struct provider_site *site, str job,
                 struct provider_request *out);
    void (*polled)(struct arena *arena, int status, str body, struct provider_answer *out);

    /* NULL: it cannot be stopped. The answer's body is not looked at. */
    void (*cancel)(struct arena *arena, const struct provider_site *site, str job,
                   struct provider_request *out);

    /* The job that the posting is about, as submitted() named it or its first word; false: it is
     * not the service's. Nothing else in it is believed: the job is polled. NULL: it posts
     * nothing. */
    bool (*hooked)(struct arena *arena, const struct provider_site *site,
                   const struct provider_hook *hook, str *job);
};

extern const struct provider openai_provider, replicate_provider, fal_provider, openrouter_provider,
    automatic1111_provider, comfyui_provider;

/* Judges the wish's prompt, and makes nothing: see moderation.c. */
extern const struct provider moderation_provider;

/* Of the keys that sign FAL's postings, a JWKS document. */
#define FAL_KEYS_URL "https://rest.fal.ai/.well-known/jwks.json"

/* ---- shared by the translators ---- */

/* Sets method, url (base, then path) and Content-Type, and adds the header Authorization of that
 * scheme ("Bearer", "Key" …) when there is a key. */
void provider_start(struct arena *arena, const struct provider_site *site,
                    const struct provider *provider, const char *method, str path,
                    const char *scheme, struct provider_request *out);
/* The path behind a base that operators write with "/v1" at its end or without. */
str provider_v1(struct arena *arena, const struct provider_site *site, str path);
void provider_header_add(struct provider_request *request, str name, str value);
/* Of a request that was started and has a body. */
void provider_content_type(struct provider_request *request, str value);

/* By what status codes mean everywhere: 401 and 403 our key, 402 our account there, 408, 409, 425,
 * 429 and 5xx busy, the rest refused. */
void provider_fail_by_status(struct arena *arena, int status, str cause,
                             struct provider_answer *out);
void provider_fail(struct provider_answer *out, enum provider_failure failure, const char *text);

/* Adds what an address or a data URL ("data:image/png;base64,…") stands for; false: it is neither,
 * or there are too many already. */
bool provider_output_add(struct arena *arena, str url, struct provider_answer *out);

/* "data:image/png;base64,…" of the wish's picture. */
str provider_data_url(struct arena *arena, const struct provider_wish *wish);

/* A form with the wish's picture in it: texts, then the picture, then "--boundary--\r\n". The
 * boundary is a hash that nobody can write into either of them. */
str provider_form_boundary(struct arena *arena, const struct provider_wish *wish);
void provider_form_text(struct buffer *to, str boundary, const char *name, str value);
void provider_form_picture(struct buffer *to, str boundary, const struct provider_wish *wish,
                           str name);                        /* of the file, without its ending */
str provider_image_ending(const struct provider_wish *wish); /* "png" … */
void provider_form_type(struct arena *arena, struct provider_request *request, str boundary);

/* Whether a service's own words tell of its content rules. */
bool provider_is_policy(str words);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the product asks of the outside, and what comes back: wishes to providers, work for the
 * media helper, blobs to remove. Jobs carry these; serve/world.c does them.
 *
 * Owns:     work is in the arena of the call that asked; a result is the world's until released.
 * Threads:  made by the writer, done by the runner's thread.
 * Time:     timeouts are spans from the start of the work.
 * Fails:    into the result, as a sentence for the user and whether trying again may help.
 */
#pragma once

#include "base/fault.h"
#include "media/parameters.h"
#include "media/protocol.h"
#include "provider/provider.h"
#include "studio/assets.h"
#include "json/fields.h"

enum work_kind {
    WORK_NONE,
    WORK_SUBMIT,  /* a wish, to a provider */
    WORK_POLL,    /* how its job stands */
    WORK_CANCEL,  /* its job, which nobody wants any more */
    WORK_FETCH,   /* GET url into a blob */
    WORK_SKETCH,  /* the built-in sketcher paints into a blob */
    WORK_DERIVE,  /* thumbnail, display rendition and facts of a blob */
    WORK_PREVIEW, /* a short loop of what moves, and a copy that plays at once */
    WORK_RESIZE,  /* another rendition of a blob */
    WORK_STAMP,   /* a copy of a blob that says how it was made */
    WORK_REMOVE_BLOB,
    WORK_CHECK, /* words, judged by a service */
    WORK_KINDS,
};

/* Something a provider made: its bytes, or where they are. */
struct work_output {
    struct stored_file file; /* storage_id empty: not stored by us */
    str url;
};

struct work_result;

struct work {
    enum work_kind kind;
    span timeout;
    /* SUBMIT, POLL, CANCEL, FETCH and CHECK */
    const struct provider *provider;
    struct provider_site site;
    struct provider_wish wish; /* its image comes from the blob */
    str job;                   /* the provider's; POLL and CANCEL */
    str url;
    instant expires_at; /* of that address; 0: not known */
    size_t response_max;
    bool allow_private;
    /* SKETCH */
    enum media_kind media;
    str prompt, negative;
    int64_t seed, number, width, height, steps, duration;
    double guidance;
    /* STAMP, with prompt, negative, seed, width and height */
    str model;
    bool has_seed;
    /* RESIZE: into a box of this width and, unless 0, height; see media/media.h */
    enum media_fit fit;
    enum media_type format; /* JPEG, WEBP, AVIF or PNG */
    int64_t quality;        /* 1..100; 0 takes the format's own */
    /* SUBMIT (what to start from), DERIVE, PREVIEW, RESIZE, STAMP, REMOVE_BLOB */
    str blob;
};

enum work_failure {
    WORK_OK,
    WORK_TRANSIENT, /* trying again may help */
    WORK_LOST,      /* the provider's job failed: another one may help */
    WORK_REFUSED,   /* it will never do this */
    WORK_POLICY,    /* it will not, for what the prompt says */
    WORK_BROKEN,    /* what came is no picture or film */
    WORK_CRASHED,   /* whoever looked at it died or came to no end: once more, then never again */
};

struct work_result {
    struct arena arena;
    enum work_failure failure;
    str text;  /* a sentence for the user */
    str cause; /* for the operator; may be empty */
    span retry_after;
    /* SUBMIT and POLL */
    bool is_pending, is_soon;
    str job;
    struct maybe_number progress, seconds;
    struct maybe_int cost_micros;
    struct work_output outputs[8];
    size_t output_count;
    /* RESIZE; its size is width and height */
    struct stored_file resized;
    /* PREVIEW; what was not made is empty */
    struct stored_file moving, playback;
    /* STAMP; storage_id empty: the file says it all already */
    struct stored_file stamped;
    /* DERIVE */
    struct stored_file thumbnail, display;
    str blur, mime_type;
    int64_t width, height;
    struct maybe_number duration;
    int64_t frames;                  /* more than one: it moves; 0: not known */
    str codec;                       /* of a film: "h264" */
    const struct embedded *embedded; /* how it was made, as the file says; NULL: it does not */
    bool has_credentials;            /* content credentials (C2PA) are in the file */
};

/* Counts the failure. What passes may be tried so many times; a file of which the helper died,
 * twice in all, whatever passed between. */
bool work_may_be_tried_again(const struct work_result *result, struct job *job, int64_t most);

struct work_result *work_result_new(void);
void work_result_free(struct work_result *result);

/* What a provider answered, as the result of the work; its texts are copied. Bytes that came with
 * it are stored by the sink. */
struct work_sink {
    void *context;
    bool (*store)(void *context, bytes content, struct stored_file *out, struct fault *fault);
};
void work_take_answer(struct work_result *result, const struct provider_answer *answer,
                      const struct work_sink *sink);
void work_fail(struct work_result *result, enum work_failure failure, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the product asks of the outside, and what comes back: HTTP requests, work for the media
 * helper, blobs to remove. Jobs carry these; serve/world.c does them.
 *
 * Owns:     work is in the arena of the call that asked; a result is the world's until released.
 * Threads:  made by the writer, done by the runner's thread.
 * Time:     timeouts are spans from the start of the work.
 * Fails:    into the result, as a sentence for the user and whether trying again may help.
 */
#pragma once

#include "base/fault.h"
#include "studio/assets.h"
#include "json/fields.h"

enum work_kind {
    WORK_NONE,
    WORK_HTTP,   /* a request; digest turns the answer into outputs */
    WORK_FETCH,  /* GET url into a blob */
    WORK_SKETCH, /* the built-in sketcher paints into a blob */
    WORK_DERIVE, /* thumbnail, display rendition and facts of a blob */
    WORK_REMOVE_BLOB,
};

struct work_header {
    str name, value;
};

/* Something a provider made: its bytes, or where they are. */
struct work_output {
    struct stored_file file; /* storage_id empty: not stored by us */
    str url;
};

struct work_result;

/* Where bytes that a provider sent inside an answer are put. */
struct work_sink {
    void *context;
    bool (*store)(void *context, bytes content, struct stored_file *out, struct fault *fault);
};

struct work {
    enum work_kind kind;
    span timeout;
    /* HTTP and FETCH */
    str method, url, body;
    const struct work_header *headers;
    size_t header_count;
    size_t response_max;
    bool allow_private;
    /* Pure: reads an answer of any status. */
    void (*digest)(struct arena *arena, int status, str body, const struct work_sink *sink,
                   struct work_result *out);
    /* SKETCH */
    enum media_kind media;
    str prompt, negative;
    int64_t seed, number, width, height, steps, duration;
    double guidance;
    /* DERIVE, REMOVE_BLOB */
    str blob;
};

enum work_failure {
    WORK_OK,
    WORK_TRANSIENT, /* trying again may help */
    WORK_REFUSED,   /* it will never do this */
    WORK_BROKEN,    /* what came is no picture or film */
};

struct work_result {
    struct arena arena;
    enum work_failure failure;
    str text; /* a sentence for the user */
    span retry_after;
    struct work_output outputs[8];
    size_t output_count;
    /* DERIVE */
    struct stored_file thumbnail, display;
    str blur, mime_type;
    int64_t width, height;
    struct maybe_number duration;
};

struct work_result *work_result_new(void);
void work_result_free(struct work_result *result);
void work_fail(struct work_result *result, enum work_failure failure, const char *format, ...)
    PRINTF_LIKE(3, 4);

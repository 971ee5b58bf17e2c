/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generations: one request to a model, and what came of it (GEN-01 … GEN-11). Asking holds the
 * price and queues the work; ending settles it: what was made is charged, the rest goes back.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/assets.h"
#include "studio/storage.h"

enum generation_status {
    GENERATION_NONE,
    GENERATION_PENDING,
    GENERATION_PROCESSING,
    GENERATION_UPLOADING,
    GENERATION_COMPLETED,
    GENERATION_FAILED,
    GENERATION_CANCELED,
    GENERATION_STATUSES,
};
extern const char *const generation_status_names[GENERATION_STATUSES];

struct generation {
    doc_id id;
    tick created;
    doc_id user_id;
    enum media_kind kind;
    enum generation_status status;
    str prompt, negative_prompt, enhanced_prompt, model, provider;
    str quality, resolution; /* of the model's; or empty */
    doc_id image_id;         /* to start from; or unset */
    bool camera_fixed;
    struct maybe_number strength;
    int64_t width, height;
    struct maybe_int steps;
    struct maybe_number guidance;
    int64_t seed;
    bool seed_is_given;
    int64_t num_images;
    int64_t duration;      /* s; films */
    struct list asset_ids; /* doc_id, in the order of the pictures */
    credits price;         /* of one picture, when it was asked for */
    credits credits_cost;  /* held */
    credits credits_refunded;
    doc_id hold_id, job_id;
    /* Room in the library: for each work, and for how many it is kept still. */
    int64_t bytes_expected, reserved_outputs;
    int64_t stand_in; /* which of the model's fallbacks makes it; 0: the model itself */
    str error;        /* for the user */
    bool is_policy;   /* refused for its content, here or by a provider */
    bool is_public;
    instant created_at, updated_at;
    struct maybe_instant started_at, completed_at;
};

/* One picture or film of a generation on its way. */
enum output_state {
    OUTPUT_NONE,
    OUTPUT_WAITING, /* not asked for yet, or asked and not there */
    OUTPUT_LOCATED, /* the provider named an address */
    OUTPUT_MADE,    /* its original is stored */
    OUTPUT_READY,   /* it is a work in the library */
    OUTPUT_FAILED,
    OUTPUT_STATES,
};

struct output {
    doc_id id;
    tick created;
    doc_id generation_id;
    int64_t number; /* from 0 */
    enum output_state state;
    str url; /* LOCATED */
    struct maybe_instant located_at;
    str storage_id, sha256, mime_type; /* MADE */
    int64_t size_bytes;
    doc_id asset_id; /* READY */
    str error;
};

extern const struct doc_type generation_type, output_type, progress_type;
extern const struct function generation_functions[];
extern const size_t generation_function_count;

/* What is asked for; checked against the model before anything is held. */
struct generation_wish {
    enum media_kind kind;
    str prompt, negative_prompt, enhanced_prompt, model, quality, resolution;
    struct maybe_int width, height, steps, seed, num_images, duration;
    struct maybe_number guidance, strength;
    doc_id image_id; /* unset: none */
    bool camera_fixed;
    bool is_public;
};

/* Checks, holds and queues; fails the call when it may not be. */
void generation_create(struct call *call, const struct generation_wish *wish,
                       struct generation *out);

/* Puts it into its provider's line; answers its job. */
doc_id generation_line_up(struct call *call, const struct generation *g);

/* Ends it: charges what is ready, gives the rest back, removes its job and its outputs. */
void generation_end(struct call *call, struct generation *generation, enum generation_status status,
                    str error);

/* The room that so many of its works take; and giving back what is kept for them. */
struct storage_need generation_reserved(const struct generation *generation, int64_t outputs);
void generation_release(struct call *call, struct generation *generation, int64_t outputs);

/* Removes one that has ended, and its attempts; its works stay. */
void generation_remove(struct call *call, const struct generation *generation);

/* The caller's newest as they stand on the wire, and what describes one. */
struct list generations_recent(struct call *call, size_t limit);
extern const struct field generation_wire_item;

/* Anybody's, as it stands on the wire; of generation_wire_shape. */
void *generation_wire(struct call *call, const struct generation *g);
extern const struct shape generation_wire_shape;

/* Something happened to what its provider has for it: looks at once, if it waits for that. */
void generation_look(struct call *call, const struct generation *g);

/* It has not ended. */
bool generation_is_open(const struct generation *generation);

/* The outputs in order, at most 8; most: how many there can be. */
#define OUTPUTS_MAX 8
size_t generation_outputs(struct call *call, doc_id generation, int64_t most,
                          struct output outputs[OUTPUTS_MAX]);

/* How far it is, 0 to 1; kept apart from the row. */
void generation_progress_put(struct call *call, doc_id generation, double progress);
double generation_progress(struct call *call, doc_id generation);

/* One of the caller's, of this kind or (MEDIA_NONE) any; false: not there or not theirs. */
bool generation_find(struct call *call, doc_id id, enum media_kind kind, struct generation *out);

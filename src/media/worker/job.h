/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request inside its child: what came in, where results go, and how it is going.
 *
 * Owns:     the mappings of input and outputs, until the child ends.
 * Threads:  the child's first.
 * Time:     none; the helper watches the clock.
 * Fails:    job_fail keeps the first failure and its sentence, and returns false.
 */
#pragma once

#include "base/base.h"
#include "media/protocol.h"

struct job {
    struct wire_request request;
    int report;
    const uint8_t *input;
    size_t input_len;
    uint8_t *outputs[MEDIA_OUTPUT_COUNT];
    struct wire_reply reply;
    float reported;
    int orientation; /* of the input, by Exif; 0 until job_tell_embedded has looked */
    bool has_deputy; /* who takes what this helper could not do */
};

/* Maps what was passed. input is -1 if there is none; outputs as in the request. */
bool job_map(struct job *job, int input, const int *outputs);

bool job_fail(struct job *job, enum media_failure failure, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Tells the server, at most once a hundredth. */
void job_progress(struct job *job, float fraction);

/* Copies an output to its mapping. */
bool job_put(struct job *job, enum media_output_name name, const void *data, size_t len);

/* Does the request and ends. */
_Noreturn void job_run(struct job *job);

/* Sends the one reply and ends the child, from wherever it is. */
_Noreturn void job_end(struct job *job);

/* The verbs. Each fills job->reply. A program has those of its table; NULL: it has not. */
typedef bool job_verb(struct job *job);
extern job_verb *const job_verbs[MEDIA_VERB_COUNT];
bool job_can(uint32_t verb);

job_verb job_probe, job_derive, job_resize, job_preview, job_stamp, job_sketch_image,
    job_sketch_video;

/* Finds the type by content, or fails with a sentence that names what it is. */
bool job_sniff(struct job *job, enum media_type *out);

/* Parts of the above (image.c, film_read.c). */
bool image_probe(struct job *job, enum media_type type);
bool image_derive(struct job *job, enum media_type type);
bool image_resize(struct job *job);
/* What the file says of its making, as an output; credentials as a fact (embedded.c). */
void job_tell_embedded(struct job *job, enum media_type type);

bool film_probe(struct job *job);
bool film_derive(struct job *job);
bool film_resize(struct job *job);
bool film_loop(struct job *job);
bool image_loop(struct job *job, enum media_type type);

#ifdef MEDIA_WITH_SELFTEST
job_verb job_selftest;
#endif

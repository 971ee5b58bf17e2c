/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request on the asking side: checked, written for the wire, with the descriptors that its
 * results will be in.
 *
 * Owns:     its descriptors and its wire form, until ask_free.
 * Threads:  the one of its media.
 * Time:     none.
 * Fails:    ask_new if the request is wrong (FAULT_INPUT); ask_send if the system refuses.
 */
#pragma once

#include "media/media.h"

struct ask {
    uint64_t id;
    bool is_canceled;
    struct wire_request *wire; /* NULL once sent */
    enum media_verb verb;
    enum media_type format; /* RESIZE */
    uint32_t outputs;       /* bit n for enum media_output_name n */
    uint64_t pixels_max;
    int input;
    int output_fds[MEDIA_OUTPUT_COUNT];
    uint64_t output_room[MEDIA_OUTPUT_COUNT];
    float fraction; /* reported so far */
    span time_max;  /* by the clock; the helper ends it then */
    instant late;   /* once sent: an answer must have come */
    struct ask *next;
};

bool ask_new(const struct media_request *request, uint64_t id, struct ask **out,
             struct fault *fault) MUST_CHECK;
void ask_free(struct ask *ask);

/* Makes its outputs (a large one in the folder scratch, unless NULL), sends it with its descriptors
 * and lets go of what only the helper needs. False with errno; then it may be tried again. */
bool ask_send(struct ask *ask, int socket, const char *scratch) MUST_CHECK;

/* Whether a reply from the helper can be true for this request; *why names what is wrong. */
bool reply_is_sound(const struct ask *ask, const struct wire_reply *reply, const char **why);

/* Fills the DONE event; its outputs take over the descriptors. */
void ask_done(struct ask *ask, const struct wire_reply *reply, struct media_event *event);

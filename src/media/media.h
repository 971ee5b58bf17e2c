/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures and films, made and looked into by the helper program `atelier-media`.
 *
 * Untrusted bytes are decoded only there, in a sandboxed child per request. Nothing here blocks. A
 * request ends in exactly one DONE or FAILED event, unless media_close comes first: media_submit,
 * poll media_fd (at latest until media_due), media_step.
 *
 * Owns:     the helper process and the descriptors of outputs that a DONE event does not take.
 * Threads:  one; any thread may open it.
 * Time:     given to media_step; the limits of a request are kept by the helper. One that lets a
 *           request's time pass without an answer is taken to be dead.
 * Fails:    a dead helper fails what is in flight with MEDIA_UNAVAILABLE and is started again
 *           after 50 ms, doubling up to 5 s.
 */
#pragma once

#include "base/fault.h"
#include "base/str.h"
#include "media/protocol.h"
#include "media/type.h"

#define MEDIA_QUEUE_MAX 1024
#define MEDIA_SIDE_MIN 64
#define MEDIA_SIDE_MAX 2048
#define MEDIA_RESIZE_MIN 16 /* a side of the box */
#define MEDIA_RESIZE_MAX 4096
#define MEDIA_PIXELS_MAX 64000000U
#define MEDIA_FRAMES_MAX 216000U /* an hour at 60 a second */
#define MEDIA_INPUT_MAX MIB(512)

struct media;

struct media_options {
    int children; /* at once, and one more that makes no film; 0 means one a core */
    /* Where copies of whole films are made; copied. NULL: in memory, as all else is. */
    const char *scratch;
};

/* A zero takes the default: those above; time by the clock 60 s, for making a film or its
 * preview 180 s. Processor
 * time is 20 s and 60 s whatever is asked. */
struct media_limits {
    uint64_t pixels_max, frames_max, input_max;
    span time_max;
};

struct media_request {
    enum media_verb verb;
    int input_fd; /* of what is looked into: a file or memfd, read from its start; else -1 */
    str prompt, negative; /* of SKETCH_; STAMP: to be written into the file, cut as they are */
    str model;            /* STAMP */
    bool has_seed;        /* STAMP: the seed is to be written */
    uint64_t seed;
    uint32_t index; /* which of several pictures with one seed */
    /* SKETCH_IMAGE; a film is 1280 by 720. DERIVE: the longest side of the display is `width`; 0:
     * 2560. RESIZE: the box; height 0 is any. */
    uint32_t width, height;
    enum media_fit fit;     /* RESIZE: COVER wants a height */
    enum media_type format; /* RESIZE: JPEG, WEBP, AVIF or PNG */
    uint32_t quality;       /* RESIZE: 1..100, of no meaning for PNG; 0 takes the format's own */
    span duration;          /* SKETCH_VIDEO: 4 to 8 s */
    uint32_t steps;         /* 10..50; 0 means 28 */
    float guidance;         /* 1..20; 0 means 7.5 */
    struct media_limits limits;
};

/* Read from byte 0 to len, by mmap, pread or sendfile. fd -1: not made. */
struct media_output {
    int fd;
    size_t len;
    const char *mime;
};

enum media_event_kind {
    MEDIA_EVENT_NONE,
    MEDIA_EVENT_PROGRESS,
    MEDIA_EVENT_DONE,
    MEDIA_EVENT_FAILED,
};

struct media_event {
    enum media_event_kind kind;
    uint64_t id;
    float fraction; /* PROGRESS: 0..1, growing */
    /* DONE */
    struct media_facts facts;
    const char *mime;                                /* of the input or the original */
    struct media_output outputs[MEDIA_OUTPUT_COUNT]; /* closed after the call, unless take_fd'd */
    str blur;                                        /* data URL; valid during the call */
    /* FAILED */
    enum media_failure failure;
    const char *text; /* a sentence for the user; valid during the call */
};

/* May call media_submit and media_cancel, not media_close. */
typedef void media_on_event(void *context, struct media_event *event);

bool media_open(const char *helper_path, const struct media_options *options, struct media **out,
                struct fault *fault) MUST_CHECK;
void media_close(struct media *media); /* kills the helper; in flight: no events */

/* The same descriptor for life; readable when media_step has something to do. */
int media_fd(const struct media *media);

/* When media_step wants to be called though nothing is readable; zero: no need. */
instant media_due(const struct media *media);

/* Copies the request and duplicates its input. FAULT_INPUT: the request is wrong; FAULT_FULL: the
 * queue is full. The id is the caller's and must not be in flight already. */
bool media_submit(struct media *media, const struct media_request *request, uint64_t id,
                  struct fault *fault) MUST_CHECK;

/* The request fails soon with MEDIA_CANCELED, or ends as it would have. False: no such id. */
bool media_cancel(struct media *media, uint64_t id);

void media_step(struct media *media, instant now, media_on_event *on_event, void *context);

/* How many requests are waiting or under way. */
size_t media_load(const struct media *media);

/* The name for logs: "refused". */
const char *media_failure_name(enum media_failure failure);

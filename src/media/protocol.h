/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server and its helper `atelier-media` say to each other, over a SOCK_SEQPACKET pair:
 * one packet is one struct, of fixed size, without pointers.
 *
 *   server -> helper   wire_request  with descriptors: [input,] then one memfd for each output
 *   helper -> server   wire_reply    progress, then exactly one of done or failed
 *
 * Both come from the same build, so there is no version but WIRE_MAGIC. The server trusts neither
 * lengths nor facts (media/validate.c).
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WIRE_MAGIC 0x4d445433U /* "MDT3"; change it with the structs */

#define MEDIA_PROMPT_MAX 8000 /* bytes; longer prompts are cut for the sketcher */
#define MEDIA_BLUR_MAX 500    /* bytes of data URL */
#define MEDIA_TEXT_MAX 240
#define MEDIA_MODEL_MAX 200
/* What is accepted, as users are told. */
#define MEDIA_ACCEPTED                                                                             \
    "Send a PNG, JPEG, WebP, AVIF, GIF or HEIC picture, or an MP4, WebM or MOV film."

#define MEDIA_CODEC_MAX 24

enum media_verb {
    MEDIA_VERB_NONE,
    MEDIA_PROBE,        /* input -> facts */
    MEDIA_DERIVE,       /* input -> facts, thumbnail, display or poster, blur */
    MEDIA_RESIZE,       /* input -> resized: a picture, or the first one of a film */
    MEDIA_STAMP,        /* input, prompt, model, seed -> edits */
    MEDIA_PREVIEW,      /* input that moves -> preview, and playback where it helps */
    MEDIA_SKETCH_IMAGE, /* prompt -> original (PNG) */
    MEDIA_SKETCH_VIDEO, /* prompt -> original (MP4, H.264) */
    MEDIA_SELFTEST,     /* only in the test build of the helper: misbehaves as asked by seed */
    MEDIA_VERB_COUNT,
};

/* What takes long: it has more time, and leaves a place to all else. */
static inline bool media_verb_is_long(uint32_t verb)
{
    return verb == MEDIA_SKETCH_VIDEO || verb == MEDIA_PREVIEW;
}

enum media_type {
    MEDIA_TYPE_NONE,
    MEDIA_PNG,
    MEDIA_JPEG,
    MEDIA_WEBP,
    MEDIA_MP4,
    MEDIA_AVIF,
    MEDIA_HEIC,
    MEDIA_GIF,
    MEDIA_WEBM,
    MEDIA_MOV,
    MEDIA_TYPE_COUNT,
};

static inline bool media_type_is_film(enum media_type type)
{
    return type == MEDIA_MP4 || type == MEDIA_WEBM || type == MEDIA_MOV;
}

enum media_output_name {
    MEDIA_ORIGINAL,  /* sketches */
    MEDIA_THUMBNAIL, /* progressive JPEG in a box of 400 by 400 */
    MEDIA_DISPLAY,   /* WebP of full size; images only */
    MEDIA_POSTER,    /* JPEG of the first frame; films only */
    MEDIA_RESIZED,   /* as asked */
    MEDIA_EMBEDDED,  /* JSON: how it was made, as it says itself (media/parameters.h) */
    MEDIA_EDITS,     /* what makes the stamped copy of it (media/edits.h); none: it is stamped */
    MEDIA_MOVING,    /* preview: at most 3 s of MP4 without sound, to be shown again and again */
    MEDIA_PLAYBACK,  /* the film as it is, in an MP4 whose index comes first; if that was not so */
    MEDIA_OUTPUT_COUNT,
};

/* Into a box. Nothing is made larger than it is. */
enum media_fit {
    MEDIA_FIT_NONE,
    MEDIA_CONTAIN, /* all of it is inside the box */
    MEDIA_COVER,   /* it fills the box; what is beyond is cut off evenly */
    MEDIA_FIT_COUNT,
};

/* Why a request failed. Only MEDIA_UNAVAILABLE and MEDIA_STARVED may be tried again unchanged. */
enum media_failure {
    MEDIA_FAILURE_NONE,
    MEDIA_REFUSED,     /* of a kind that is not accepted */
    MEDIA_CORRUPT,     /* of an accepted kind, but broken */
    MEDIA_TOO_LARGE,   /* beyond a limit of pixels, frames or bytes */
    MEDIA_TIMEOUT,     /* took longer than it may, and had the processor for it */
    MEDIA_CRASHED,     /* the child that worked on it died */
    MEDIA_CANCELED,    /* by media_cancel */
    MEDIA_UNAVAILABLE, /* the helper is gone or starting */
    MEDIA_BROKEN,      /* the helper said or did something it must not */
    MEDIA_STARVED,     /* of the processor, or of memory, by others: not its fault */
    MEDIA_FAILURE_COUNT,
};

/* What MEDIA_SELFTEST does, in `seed`. */
enum media_selftest {
    SELFTEST_NONE,
    SELFTEST_CRASH,
    SELFTEST_HANG,
    SELFTEST_OPEN,   /* answers done if the file was not opened */
    SELFTEST_SOCKET, /* from here on the system must kill */
    SELFTEST_FORK,
    SELFTEST_EXEC,
    SELFTEST_PTRACE,
    SELFTEST_WRITE,       /* write() into the output's descriptor */
    SELFTEST_MEMORY,      /* more than the address space limit; answers done if refused */
    SELFTEST_LIE,         /* an answer with an impossible length */
    SELFTEST_STOP_HELPER, /* the helper itself exits */
    SELFTEST_CODE,        /* memory that runs; answers done if refused */
    SELFTEST_OUTLIVE,     /* asks to live on without the helper: the system must kill */
    SELFTEST_NOISE,       /* impossible and endless progress, then done */
    SELFTEST_EXCUSE,      /* fails with what only the helper may say */
    SELFTEST_STALL,       /* never ends, and uses nothing, as if others had the processor */
};

/* Of the input or the sketch; for RESIZE, of what was made. */
struct media_facts {
    uint32_t type;          /* enum media_type */
    uint32_t width, height; /* as shown: turned upright */
    uint32_t has_alpha;
    uint32_t frames; /* 1 for a still, more for a moving picture; 0: the film does not say */
    uint32_t duration_ms;
    uint32_t has_c2pa;           /* it carries content credentials, of whatever worth */
    char codec[MEDIA_CODEC_MAX]; /* of a film, as "h264" */
};

struct wire_request {
    uint32_t magic, verb;
    uint64_t id;
    uint32_t has_input, outputs; /* outputs: bit n for enum media_output_name n */
    uint64_t output_room[MEDIA_OUTPUT_COUNT];
    uint64_t seed;
    uint32_t index, width, height, duration_ms, steps;
    uint32_t fit, format, quality; /* RESIZE: enum media_fit, enum media_type, 1..100 */
    float guidance;
    uint64_t pixels_max, frames_max, input_max;
    uint32_t time_max_ms;
    uint32_t has_seed; /* STAMP */
    char model[MEDIA_MODEL_MAX + 1];
    char prompt[MEDIA_PROMPT_MAX + 1];
    char negative[MEDIA_PROMPT_MAX + 1];
};

enum wire_kind {
    WIRE_NONE,
    WIRE_REQUEST,
    WIRE_CANCEL, /* server -> helper: a wire_note */
    WIRE_PROGRESS,
    WIRE_DONE,
    WIRE_FAILED,
    WIRE_PASSED, /* child -> helper: this is for the full helper */
};

/* Server -> helper: stop this request. No reply follows but the request's own. */
struct wire_note {
    uint32_t magic, kind;
    uint64_t id;
};

struct wire_reply {
    uint32_t magic, kind;
    uint64_t id;
    float fraction;
    uint32_t failure; /* enum media_failure */
    struct media_facts facts;
    uint64_t output_len[MEDIA_OUTPUT_COUNT]; /* 0: not made */
    char blur[MEDIA_BLUR_MAX + 4];
    char text[MEDIA_TEXT_MAX];
};

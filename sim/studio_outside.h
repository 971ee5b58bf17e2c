/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outside of the simulated studio, in the place of the talks' one (it keeps what pretend.h
 * promises to the house): providers with jobs of their own, which live on when the house is killed,
 * and with every fault that was ever seen of one. Answers go through the real translators.
 *
 * Owns:     orders (what providers were asked for) and blobs.
 * Threads:  one.
 * Time:     given.
 * Fails:    by its own dice; how often, the weather says.
 */
#pragma once

#include "pretend.h"

#define ORDER_OUTPUTS_MAX 8

enum mishap {
    MISHAP_NONE,
    MISHAP_SLOW,         /* minutes */
    MISHAP_BUSY,         /* 503, nothing was taken */
    MISHAP_TIMED_OUT,    /* no answer, nothing was taken */
    MISHAP_ANSWER_LOST,  /* no answer, and it makes it all the same */
    MISHAP_REFUSED,      /* 400 */
    MISHAP_POLICY,       /* 400 for what the prompt says */
    MISHAP_TRUNCATED,    /* half an answer */
    MISHAP_FEWER,        /* pictures than asked for */
    MISHAP_MORE,         /* too many */
    MISHAP_LIES,         /* a film for a picture, a picture for a film */
    MISHAP_JOB_FAILED,   /* its job, for no reason */
    MISHAP_JOB_BILLED,   /* it failed, and costs */
    MISHAP_JOB_LOST,     /* it has never heard of it */
    MISHAP_JOB_ENDLESS,  /* its job never ends */
    MISHAP_ADDRESS_GONE, /* 404 for good */
    MISHAP_ADDRESS_BUSY, /* 503 for good */
    MISHAP_BROKEN,       /* what came is no picture */
    MISHAP_RENAMED,      /* its job has another name from now on */
    MISHAPS,
};
extern const char *const mishap_names[MISHAPS];

/* What a provider was asked for, and what it made of that. */
struct commission {
    int64_t number, generation, attempt;
    instant ready_at;
    int64_t asked, sends; /* outputs */
    bool is_film, lies, has_job, is_canceled, fails, is_billed, is_lost, never_ends;
    bool is_told; /* its outputs were told to us, well */
    int64_t polls, cancels, seed;
    const struct provider *provider;
    bool has_seed, is_stuck[ORDER_OUTPUTS_MAX];
    /* What went wrong with each output since, so that it may be missing. */
    bool is_spoiled[ORDER_OUTPUTS_MAX];
    int64_t troubles[ORDER_OUTPUTS_MAX];
};

/* 0: nothing goes wrong; else one piece of work in so many. */
void outside_begin(struct pretend *outside, uint64_t seed);
void outside_weather(struct pretend *outside, uint64_t one_in);

/* All jobs of one kind of provider fail from now on: 0 and 1; more: of none. */
void outside_sicken(struct pretend *outside, uint64_t which);

size_t outside_orders(const struct pretend *outside);
const struct commission *outside_order(const struct pretend *outside, size_t at);
size_t outside_mishaps(const struct pretend *outside, enum mishap mishap);
size_t outside_blob_count(const struct pretend *outside);
bool outside_blob_is_there(const struct pretend *outside, size_t at, char id[33]);
void outside_blob_remove(struct pretend *outside, size_t at);

bool outside_blob_is_film(const struct pretend *outside, str id);
size_t outside_under_way(const struct pretend *outside); /* but for what was called off */

/* A sentence when something was asked that must never be; NULL. */
const char *outside_wrong(const struct pretend *outside);

/* How a provider with jobs names this one. */
void order_name(const struct commission *order, char name[40]);

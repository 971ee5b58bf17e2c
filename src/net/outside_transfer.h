/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to the outside while it is under way: the curl handle, what has come so far, and how
 * curl's answer becomes a struct outside_result. Only net/outside.c uses it.
 *
 * Owns:     all its members; transfer_free drops what was not handed over.
 * Threads:  made by the sender, then the outside thread's alone, but for the members said below.
 * Time:     clock_monotonic for took, clock_now for a Retry-After that names a date.
 * Fails:    by the result's error.
 */
#pragma once

#include "base/buffer.h"
#include "net/outside.h"

#include <curl/curl.h>

struct transfer {
    struct transfer *before, *after; /* of all under way; under outside's lock */
    bool is_cancelled;               /* under outside's lock */
    bool is_started, is_done;        /* is_done: the result waits for room in its queue */

    uint64_t id;
    struct arena arena; /* of the request's texts */
    const char *method, *url;
    struct curl_slist *headers;
    bool is_malformed, has_type;
    struct shared *body;
    span timeout, patience;
    int64_t slowest;
    size_t response_max;
    bool into_file, allow_private;
    int64_t file_have;  /* from before; 0: nothing, or it comes anew */
    int64_t file_whole; /* as the other side says it will be; 0: it does not say */
    long redirects_max;
    struct queue *deliver_to;

    CURL *easy;
    instant started;
    struct outside_result *result;
    struct buffer received;
    void *hashing; /* the file's SHA-256 so far */
    size_t header_bytes;
    bool was_refused, is_too_big, is_disk_error;
    bool is_file_begun, is_odd_part; /* odd: not the part that was asked for */
};

struct transfer *transfer_new(const struct outside_request *request);
void transfer_free(struct transfer *transfer);

/* Frees one that was not accepted: body and file stay the caller's. */
void transfer_give_back(struct transfer *transfer);

/* Makes the curl handle; false: the result says why. */
bool transfer_start(struct transfer *transfer, const struct outside_options *options);

/* Fills the result; the handle must be out of the multi. */
void transfer_finish(struct transfer *transfer, CURLcode code);
void transfer_fail(struct transfer *transfer, enum outside_error error);

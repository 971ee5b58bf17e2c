/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request of tus at work: the inside of upload_tus.c (bytes and rows) and upload_tus_request.c
 * (which request it is, and who may).
 *
 * Owns:     descriptor, hash and blob of an intake, until its drop.
 * Threads:  members are a keeper's while it has the intake, else the loop's.
 * Time:     the front's.
 * Fails:    into the intake's failure.
 */
#pragma once

#include "serve/tus.h"
#include "serve/upload_kinds.h"

struct tus {
    struct upload upload;       /* its row; texts are the intake's */
    str asset_id, content_type; /* once it is whole */
    bool is_patch;
    int status;          /* of the answer when all goes well */
    int64_t offset;      /* where the client says that it goes on */
    int64_t start, size; /* of the partial, before and now */
    int fd;
    struct tus_checksum checksum;
    void *hash; /* of this request's bytes; NULL: no checksum is to be met (any more) */
    struct media_found found;
    struct upload_file file; /* once it is a blob */
    bool is_over;            /* the partial is not needed any more */
    bool is_refused;         /* it never will be kept: partial and row go */
};

extern const struct intake_kind tus_kind;

struct tus *tus_new(struct intake *intake);
void tus_hash_begin(struct tus *tus);

void tus_options(struct front *front, struct exchange *exchange);
void tus_answer_state(struct intake *intake, int status);
void tus_answer_ended(struct intake *intake);

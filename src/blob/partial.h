/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partials: files that arrive bit by bit over hours, in uploads/ of the data folder, each named by
 * its token. How much of one is here is its size: what a file system tells of a size after a crash
 * is there, since sizes grow behind the bytes. A whole one becomes a blob and is removed.
 *
 * Owns:     nothing but the folder; descriptors given are the caller's.
 * Threads:  any; of one partial, one at a time.
 * Time:     none.
 * Fails:    by fault: FAULT_FULL when the disk is full, FAULT_INPUT for a token that is not 32
 *           lower-case hex digits, FAULT_ABSENT for one that is not there.
 */
#pragma once

#include "base/fault.h"
#include "base/str.h"

struct partials;

/* folder is the data folder; uploads/ in it is made when it is missing. */
bool partials_open(const char *folder, struct partials **out, struct fault *fault) MUST_CHECK;
void partials_close(struct partials *partials); /* NULL is accepted */

/* For reading and writing; makes an empty one if make is set and there is none. */
bool partial_open(struct partials *partials, str token, bool make, int *fd, int64_t *size,
                  struct fault *fault) MUST_CHECK;

/* Writes at its end, which is at *size and moves. */
bool partial_append(int fd, int64_t *size, bytes part, struct fault *fault) MUST_CHECK;

/* Absent is as good as removed. */
bool partial_remove(struct partials *partials, str token, struct fault *fault) MUST_CHECK;

/* Each once, in no order; visit answers false to stop, and may remove what it is shown. */
bool partials_list(struct partials *partials, bool (*visit)(void *context, str token),
                   void *context, struct fault *fault) MUST_CHECK;

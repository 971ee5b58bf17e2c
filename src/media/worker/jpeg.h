/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JPEG by libjpeg itself. Read with the file in one piece: libvips hands it over in pieces of 4
 * KiB, at the end of which libjpeg takes its slow way, and that was half of a photo's time.
 *
 * Owns:     the reader, until the child ends.
 * Threads:  any.
 * Time:     none.
 * Fails:    by ending the child with what job_fail says (job_end): libjpeg cannot go on then.
 */
#pragma once

#include "media/worker/job.h"
#include "media/worker/resample.h"

struct jpeg;

/* Of the job's input, if it is a JPEG: each scan is as much work as a picture, and takes few bytes.
 * False is a failure of the job. */
bool jpeg_has_few_scans(struct job *job);

/* Reads the head of the job's input. NULL: of a kind that libvips has to read, which is all but
 * grey and YCbCr or RGB of eight bits without a profile. */
struct jpeg *jpeg_open(struct job *job);

void jpeg_size(const struct jpeg *jpeg, int *width, int *height);
int jpeg_bands(const struct jpeg *jpeg); /* 1 or 3 */

/* From now on it is read `part` times smaller: 1, 2, 4 or 8. A file that ends early ends the child.
 */
struct row_source jpeg_rows(struct jpeg *jpeg, int part);

/* A progressive JPEG with tables of its own into an output; of one or three bands. */
bool jpeg_write(struct job *job, const struct pixels *pixels, enum media_output_name name,
                int quality);

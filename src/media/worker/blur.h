/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in a picture's place until it is there: ten by ten pixels as a data URL.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    then the reply has no blur; libpng's own failures end the child (job_end).
 */
#pragma once

#include "media/worker/job.h"
#include "media/worker/resample.h"

#define BLUR_SIDE 10

/* Of BLUR_SIDE by BLUR_SIDE, one or three bands, into the reply. Its lowest bits may be changed. */
void blur_write(struct job *job, const struct pixels *tiny);

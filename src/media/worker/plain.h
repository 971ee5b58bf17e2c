/* SPDX-License-Identifier: Apache-2.0 */
/* Plain pictures, without libvips (plain.c). */
#pragma once

#include "media/worker/job.h"

job_verb plain_derive;

/* Once, in the helper: libraries look at the processor at their first use. */
void plain_warm_up(void);

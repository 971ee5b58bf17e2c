/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partials whose upload is over, has expired or was lost in a crash are removed: at the start and
 * every five minutes.
 *
 * Owns:     nothing; the keeping is the caller's to put, and frees itself when dropped.
 * Threads:  made on the loop, run on a keeper.
 * Time:     the front's, when it is made.
 * Fails:    into the log; the next one tries again.
 */
#pragma once

#include "serve/upload.h"

#define UPLOAD_SWEEP_PAUSE MINUTES(5)

struct keeping *upload_sweep_new(struct front *front);

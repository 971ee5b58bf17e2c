/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making: the steps of a generation after it was asked for. A provider is asked and, if it takes
 * its time, polled; each picture is painted or fetched, then looked into and turned into a work;
 * when none is left the generation ends (GEN-03 … GEN-09).
 *
 *   output:  waiting -> (located ->) made -> ready      or failed
 *
 * Owns:     rows in the calls' changes.
 * Threads:  the writer's.
 * Time:     call->now.
 * Fails:    a transient failure is tried again, at most 3 times; then that picture is given up.
 */
#pragma once

#include "job/job.h"

extern const struct job_action making_action;

/* Tells a provider that its job for an attempt is no longer wanted. */
extern const struct job_action stopping_action;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pretended provider of pictures (images/generations as OpenAI has it): a process that answers
 * each request after the same time with one small picture.
 *
 * Owns:     the process; pretend_stop ends it.
 * Threads:  one.
 * Time:     the system's.
 * Fails:    by fault at its start; later it ends, and requests to it fail.
 */
#pragma once

#include "bench.h"

#include <sys/types.h>

struct pretend {
    pid_t pid;
    uint16_t port;
};

bool pretend_start(span latency, struct pretend *out, struct fault *fault) MUST_CHECK;
void pretend_stop(struct pretend *pretend); /* does no harm twice */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference of functions and settings as Markdown, written from the same tables that the
 * program runs by.
 *
 * Owns:     nothing.
 * Threads:  the main thread.
 * Time:     none.
 * Fails:    never; the buffer says when it is over its limit.
 */
#pragma once

#include "call/execute.h"

void reference_write(struct buffer *to, const struct program *program,
                     const struct shape *settings);

/* What a function answers, as a TypeScript type. */
void result_type_write(struct buffer *to, const struct function *function);

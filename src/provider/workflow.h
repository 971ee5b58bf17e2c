/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ComfyUI workflow of the operator's own, in the API's format (nodes by name, each with
 * "class_type" and "inputs"), with places for what is asked for:
 *
 *   a text that is only one place: {seed} {steps} {guidance} {width} {height} {count} {strength}
 *                                  {duration} become numbers
 *   anywhere in a text:            {prompt} {negativePrompt} {model} {image}
 *
 * Owns:     what it fills is in the arena, and borrows from the workflow and the wish.
 * Threads:  any.
 * Time:     none.
 * Fails:    by answering false: it is no workflow.
 */
#pragma once

#include "provider/provider.h"
#include "json/json.h"

#define WORKFLOW_MAX KIB(256)

/* What is wrong with it, for the operator. */
bool workflow_check(str text, struct fault *fault) MUST_CHECK;
bool workflow_takes_image(str text);

/* image: what the picture to start from is called there; empty: there is none. */
bool workflow_fill(struct arena *arena, str text, const struct provider_wish *wish, str image,
                   struct json *out) MUST_CHECK;

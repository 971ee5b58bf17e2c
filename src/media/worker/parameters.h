/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the texts in a file to how it was made. Four ways of writing it are known, tried in this
 * order:
 *
 *   XMP with a name space of ours           Atelier
 *   "invokeai_metadata", "sd-metadata"      InvokeAI, JSON
 *   "prompt", Make "prompt:…"               ComfyUI, JSON: a graph of nodes, searched from the
 *                                           sampler for its texts and numbers
 *   "parameters", UserComment, comments     Automatic1111 and kin: prompt, "Negative prompt: …",
 *                                           "Steps: 20, Sampler: Euler a, Seed: 1, …"
 *   XMP of the IPTC                         whether a model made it, with which words
 *
 * Owns:     the texts are the arena's, or the metadata's.
 * Threads:  any.
 * Time:     none.
 * Fails:    never: false if there is nothing.
 */
#pragma once

#include "media/parameters.h"
#include "media/worker/metadata.h"

bool parameters_find(struct arena *arena, const struct metadata *metadata, struct embedded *out);

/* As the server takes it (parameters_take). */
void parameters_write(struct buffer *to, const struct embedded *parameters);

/* ---- for the single ways of writing ---- */

bool parameters_plain(struct arena *arena, str text, bool is_certain, struct embedded *out);
bool parameters_comfyui(struct arena *arena, str text, struct embedded *out);

/* The text of an element or attribute, unescaped; empty when there is none. */
str xmp_value(struct arena *arena, str xmp, const char *name);

void parameters_set_seed(struct embedded *to, const struct json *value);
void parameters_set_size(struct maybe_int *to, const struct json *value);
void parameters_set_steps(struct embedded *to, const struct json *value);
void parameters_set_guidance(struct embedded *to, const struct json *value);

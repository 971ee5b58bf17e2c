/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML read into the same tree as JSON, so that a configuration file is checked by the same
 * descriptors as function arguments. Each value has its line and column (of the key, where it has
 * one), counted from 1, and the source number given.
 *
 * What is not quoted is null, true, false or a number where JSON would read it as such (and ~ or
 * nothing, which are null), else text; "yes" and "on" are text. Anchors, aliases, tags, a second
 * document and keys that are there twice are refused.
 *
 * Owns:     the tree and its texts are the arena's; nothing is borrowed.
 * Threads:  any.
 * Time:     none.
 * Fails:    with a fault that begins "line 3, column 5: ".
 */
#pragma once

#include "json/json.h"

#define YAML_BYTES_MAX MIB(1)

/* A text without any document in it is null. */
bool yaml_read(struct arena *arena, str text, uint32_t source, struct json *out,
               struct fault *fault) MUST_CHECK;

/* One value as it would be read after "key: " without quotes; for variables and options. The text
 * is borrowed. */
struct json yaml_scalar(struct arena *arena, str text, uint32_t source);

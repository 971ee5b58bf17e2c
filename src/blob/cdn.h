/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CloudFront before the bucket: its addresses, public ones, or signed with a key pair and a canned
 * policy (one address, until one moment).
 *
 * Owns:     its copy of what it was opened with; addresses are in the arena.
 * Threads:  any. A signature takes about a millisecond of an RSA key of 2048 bits.
 * Time:     given.
 * Fails:    cdn_open by fault when the private key cannot be read.
 */
#pragma once

#include "blob/blob.h"

struct cdn;

bool cdn_open(const struct blob_cdn *options, struct cdn **out, struct fault *fault) MUST_CHECK;
void cdn_close(struct cdn *cdn);
bool cdn_is_signed(const struct cdn *cdn);

/* path: from its first slash; query: encoded, may be empty. Unsigned without a key pair. */
str cdn_url(const struct cdn *cdn, struct arena *arena, str path, str query, instant expires_at);

/* Without the path that its url may have. */
str cdn_origin(const struct cdn *cdn, struct arena *arena);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed texts: small bytes given to a client and taken back unchanged (cursors, journals).
 * Encrypted and authenticated under a key and a context; equal inputs give equal texts.
 *
 * Owns:     results are in the arena given.
 * Threads:  any.
 * Time:     none.
 * Fails:    seal_open answers false for anything not sealed under this key and context.
 */
#pragma once

#include "base/str.h"

#define SEAL_KEY_SIZE 32

str seal_make(struct arena *arena, const uint8_t key[SEAL_KEY_SIZE], bytes context, bytes plain);
bool seal_open(struct arena *arena, const uint8_t key[SEAL_KEY_SIZE], bytes context, str sealed,
               bytes *plain) MUST_CHECK;

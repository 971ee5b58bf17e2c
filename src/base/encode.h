/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text and back: hex, percent escapes, base64 (standard, with padding), base64url (no
 * padding).
 * Readers are strict: wrong length, stray characters and loose last bits are refused.
 *
 * Owns:     results are in the arena given.
 * Threads:  any.
 * Time:     none; not constant time.
 * Fails:    readers answer false.
 */
#pragma once

#include "base/buffer.h"

str hex_write(struct arena *arena, bytes from);
bool hex_read(struct arena *arena, str from, bytes *out) MUST_CHECK;

/* The value of one hex digit; -1: it is none. */
int hex_value(char digit);

/* "%2F" and the like read away; false when one is malformed. */
bool percent_read(struct arena *arena, str from, bool plus_is_space, str *out) MUST_CHECK;

/* As a value in an address or a form: all but letters, digits and "-._~" is escaped. */
void percent_append(struct buffer *to, str text);

str base64_write(struct arena *arena, bytes from);
void base64_append(struct buffer *to, bytes from);
bool base64_read(struct arena *arena, str from, bytes *out) MUST_CHECK;

str base64url_write(struct arena *arena, bytes from);
bool base64url_read(struct arena *arena, str from, bytes *out) MUST_CHECK;

/* An unsigned 64-bit number as the sync protocol writes it: base64 of 8 bytes little endian. */
str u64_base64_write(struct arena *arena, uint64_t value);
bool u64_base64_read(str from, uint64_t *out) MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of tus 1.0, read: lengths, metadata, checksums. All of them are foreign bytes.
 *
 * Owns:     nothing; texts are the arena's.
 * Threads:  any.
 * Time:     none.
 * Fails:    false for what the protocol does not allow.
 */
#pragma once

#include "base/str.h"

/* A number of bytes: digits alone, at most 2^53. */
bool tus_read_number(str text, int64_t *out) MUST_CHECK;

/* Upload-Metadata: "name base64,name base64,name"; *value is the decoded one of that key, valid
 * UTF-8 without control characters, empty when it is not there. False: it is malformed. */
bool tus_read_metadata(struct arena *arena, str header, str key, str *value) MUST_CHECK;

enum tus_hash {
    TUS_HASH_NONE,
    TUS_HASH_SHA1,
    TUS_HASH_SHA256,
};

struct tus_checksum {
    enum tus_hash hash; /* NONE: not announced */
    uint8_t digest[32];
    size_t len;
};

/* Upload-Checksum: "sha256 base64". False: malformed, or another algorithm. */
bool tus_read_checksum(struct arena *arena, str header, struct tus_checksum *out) MUST_CHECK;

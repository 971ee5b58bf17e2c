/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that strangers send to break what reads them, built here so that none is kept anywhere:
 * pictures that unpack to very much, sides that no memory holds, more frames than anybody looks
 * at, films without an end, two kinds in one, pages and programs in disguise.
 *
 * Owns:     nothing; each is added to the caller's buffer.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "base/buffer.h"
#include "media/protocol.h"

/* How it may end, bit by bit. */
#define MAY_DONE 1U
#define MAY(failure) (2U << (failure))

struct hostile {
    const char *name;
    void (*make)(struct buffer *to);
    unsigned may; /* as looked into */
};

extern const struct hostile hostile_files[];
extern const size_t hostile_count;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: memory of one call, one message or one job run, which dies at once with it.
 * In sanitizer builds each allocation is its own malloc, so that overruns are caught.
 *
 * Owns:     every block it gave; arena_done frees them all, or keeps up to 1 MiB of ordinary ones
 *           for the thread's next arenas. A thread takes those with it when it ends.
 * Threads:  one at a time; it may be handed over.
 * Time:     none.
 * Fails:    small allocations stop the program when memory is gone. What a user's input can make
 *           large is checked against a limit first.
 */
#pragma once

#include "base/base.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t left;   /* bytes free in the newest block */
    size_t used;   /* bytes given in all */
    bool is_small; /* holds little, and there are very many like it: smaller blocks */
};

/* A zeroed struct arena is ready. */
void arena_done(struct arena *arena);

/* Frees everything but keeps one ordinary block for the next use. */
void arena_reset(struct arena *arena);

/* Zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_copy(struct arena *arena, const void *from, size_t size);

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))

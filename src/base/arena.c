/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <string.h>

#define BLOCK_SIZE KIB(8)
#define SMALL_BLOCK_SIZE 1024
#define ALIGNMENT 16
#define SPARE_MAX 128 /* 1 MiB for each thread */

#if defined(__SANITIZE_ADDRESS__)
#define EACH_ALONE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_ALONE 1
#endif
#endif
#ifndef EACH_ALONE
#define EACH_ALONE 0
#endif

struct arena_block {
    struct arena_block *below;
    size_t size; /* of data */
    _Alignas(ALIGNMENT) unsigned char data[];
};

/* Ordinary blocks that the thread's arenas gave back: they come and go with every message, and the
 * system's allocator tidies its whole heap now and then when blocks of this size are freed. */
static _Thread_local struct {
    struct arena_block *first;
    size_t count;
} spare;

static struct arena_block *block_make(size_t size)
{
    struct arena_block *block = spare.first;
    if (size == BLOCK_SIZE && block != NULL) {
        spare.first = block->below;
        spare.count--;
        return block;
    }
    block = memory_new(sizeof(*block) + size);
    block->size = size;
    return block;
}

static void block_free(struct arena_block *block)
{
    if (EACH_ALONE || block->size != BLOCK_SIZE || spare.count == SPARE_MAX) {
        free(block);
        return;
    }
    block->below = spare.first;
    spare.first = block;
    spare.count++;
}

static struct arena_block *block_new(struct arena *arena, size_t size)
{
    struct arena_block *block = block_make(size);
    block->below = arena->blocks;
    arena->blocks = block;
    return block;
}

void arena_done(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks; block != NULL;) {
        struct arena_block *below = block->below;
        block_free(block);
        block = below;
    }
    *arena = (struct arena){.is_small = arena->is_small};
}

void arena_reset(struct arena *arena)
{
    struct arena_block *kept = arena->blocks;
    if (kept == NULL || kept->below != NULL || kept->size != BLOCK_SIZE) {
        arena_done(arena);
        return;
    }
    arena->left = kept->size;
    arena->used = 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    arena->used += rounded;
#if EACH_ALONE
    return memset(block_new(arena, size)->data, 0, size);
#else
    size_t block_size = arena->is_small ? SMALL_BLOCK_SIZE : BLOCK_SIZE;
    if (rounded > block_size / 4 && rounded > arena->left) {
        /* A large piece gets a block of its own below the current one, which stays in use. */
        struct arena_block *top = arena->blocks;
        struct arena_block *block = block_new(arena, rounded);
        if (top != NULL) {
            arena->blocks = top;
            block->below = top->below;
            top->below = block;
        }
        return memset(block->data, 0, size);
    }
    if (rounded > arena->left || arena->blocks == NULL) { /* also for nothing, a place */
        block_new(arena, block_size);
        arena->left = block_size;
    }
    unsigned char *at = arena->blocks->data + (arena->blocks->size - arena->left);
    arena->left -= rounded;
    return memset(at, 0, size);
#endif
}

void *arena_copy(struct arena *arena, const void *from, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (size != 0)
        memcpy(copy, from, size);
    return copy;
}

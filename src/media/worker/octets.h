/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers in the byte orders of file formats. The caller has made sure that they are there.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "base/str.h"

#include <string.h>

static inline uint32_t big16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t big32(const uint8_t *at)
{
    return big16(at) << 16 | big16(at + 2);
}

static inline uint64_t big64(const uint8_t *at)
{
    return (uint64_t)big32(at) << 32 | big32(at + 4);
}

static inline uint32_t little16(const uint8_t *at)
{
    return (uint32_t)at[1] << 8 | at[0];
}

static inline uint32_t little32(const uint8_t *at)
{
    return little16(at + 2) << 16 | little16(at);
}

static inline void put_big32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline void put_little32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static inline bytes bytes_part(bytes whole, size_t from, size_t len)
{
    return (bytes){whole.at + from, len};
}

static inline bool bytes_start(bytes whole, const char *prefix, size_t len)
{
    return whole.len >= len && memcmp(whole.at, prefix, len) == 0;
}

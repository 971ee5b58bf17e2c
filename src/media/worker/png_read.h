/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads plain PNGs: eight bits a sample, grey or RGB, with or without alpha, rows in order. Ours,
 * because the system's zlib was a third of the time of a picture's renditions; libdeflate unpacks
 * the same bytes in half the time, but only all at once.
 *
 * Palettes, sixteen bits, a transparent colour, profiles, interlacing, what is very large, and
 * whatever is damaged are not read here: libvips reads them, or says what is wrong.
 *
 * Owns:     nothing; the pixels become the caller's, to be freed.
 * Threads:  any.
 * Time:     none.
 * Fails:    false: not of this kind, or not sound, or too large for one piece of memory.
 */
#pragma once

#include "base/str.h"
#include "media/worker/resample.h"

#define PNG_RAW_MAX MIB(64) /* unpacked; as much may be packed */

/* The whole picture, rows packed. Nothing is allocated before the head was found to be small
 * enough. Sums of chunks that matter are checked, and that of the pixels. */
bool png_read(bytes file, struct pixels *out) MUST_CHECK;

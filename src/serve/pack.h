/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes packed once, by gzip, for clients that take them so.
 *
 * Owns:     the result is the caller's reference.
 * Threads:  any.
 * Time:     none.
 * Fails:    NULL when packing saves nothing worth the trouble.
 */
#pragma once

#include "base/shared.h"

struct shared *pack_gzip(str from);

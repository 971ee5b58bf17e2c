/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to file descriptors.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     as long as the disk takes.
 * Fails:    false, and errno says why.
 */
#pragma once

#include "base/buffer.h"

/* All of it, however many writes that takes. */
bool file_write_all(int fd, bytes data) MUST_CHECK;

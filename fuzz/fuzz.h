/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fuzz target is: one function that gives the bytes to one parser.
 *
 * fuzz_<parser>.c defines fuzz_one and is listed in fuzz/meson.build. `make test` gives it every
 * file of corpus/<parser>/ (replay.c); `make fuzz` lets libFuzzer invent more.
 *
 * Owns:     nothing; the bytes are gone when it returns.
 * Threads:  one.
 * Time:     a target gives its parser a set time, never the clock's.
 * Fails:    by stopping the program: an assert or a sanitizer's report is a finding.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The name is libFuzzer's. Always answers 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#define fuzz_one LLVMFuzzerTestOneInput

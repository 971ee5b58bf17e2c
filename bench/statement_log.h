/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a log of SQLite's calls is made of: records one after another, as the machine keeps them,
 * each at a multiple of eight bytes.
 *
 * Owns:     nothing.
 * Threads:  none.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

enum statement_kind {
    STATEMENT_NONE,
    STATEMENT_SQL, /* once for each statement, before the others; value is its connection */
    STATEMENT_INT,
    STATEMENT_NULL,
    STATEMENT_BLOB,
    STATEMENT_TEXT,
    STATEMENT_STEP,
    STATEMENT_RESET,
};

struct statement_record {
    uint64_t statement; /* a name for it */
    int64_t value;
    int32_t kind, at;
    int32_t len; /* of the bytes behind it */
    int32_t none;
};

/* What that many bytes take of the log. */
static inline size_t statement_padded(size_t len)
{
    return (len + 7) / 8 * 8;
}

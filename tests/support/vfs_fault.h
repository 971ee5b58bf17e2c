/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk in memory for SQLite, on which everything that can go wrong does so on demand: call k
 * fails, the disk is full, a sync fails, the power goes. What was written and not synced may then
 * be lost, whole or in sectors of 512 bytes, as a seed decides.
 *
 * Owns:     its files; disk_remove frees them.
 * Threads:  one. There is one disk.
 * Time:     none.
 * Fails:    as planned.
 */
#pragma once

#include "base/base.h"

enum disk_call {
    DISK_NONE,
    DISK_READ = 1,
    DISK_WRITE = 2,
    DISK_SYNC = 4,
    DISK_TRUNCATE = 8,
    DISK_DELETE = 16,
    DISK_CHANGES = DISK_WRITE | DISK_SYNC | DISK_TRUNCATE | DISK_DELETE,
};

struct disk_plan {
    unsigned calls; /* the kinds that are counted */
    int at;         /* the first that fails, from 1; 0: none does */
    int count;      /* how many fail; 0: only that one */
    int result;     /* SQLITE_FULL, SQLITE_IOERR_FSYNC, … */
    bool cuts_power;
};

/* Becomes the default of all databases opened from now on, empty. */
void disk_insert(void);
void disk_remove(void);

void disk_set_plan(struct disk_plan plan); /* counting begins again */
int disk_calls(void);                      /* counted since then */
bool disk_has_power(void);
void disk_cut_power(void); /* now */

/* After a power cut, and after all databases were closed. */
void disk_power_on(uint64_t seed);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store of things, queries about them, and a live to ask them of, on one thread: commits and
 * rounds happen when a test says so. Queries: t:count {owner}, t:for_all (the same whoever asks),
 * t:page (100 more on its first run), t:clock (the minute), t:busy (of owner 9: three are refused),
 * t:large_once {owner} (reads all, or one).
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "live/live.h"

/* t:busy fails in passing; t:large_once reads one thing. Both false when a stage is opened. */
extern bool stage_is_busy, stage_is_quick;

struct stage {
    struct program program;
    struct store *store;
    struct live *live;
    struct arena written; /* of the last write set */
    struct write_set writes;
    instant now;
    size_t news, starved;
    struct budget budget;
};

int stage_open(void **state);
int stage_close(void **state); /* all memory must have been given back */

#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, stage_open, stage_close)

/* One round on the newest commit. */
void stage_round(struct stage *stage);

/* Commits one more thing, or each of many. */
void stage_add(struct stage *stage, int64_t owner);
void stage_add_many(struct stage *stage, int64_t owner, size_t count);

/* As a stranger. */
void stage_subscribe(struct stage *stage, struct subscription *to, const char *path,
                     const char *args);

uint64_t stage_evaluations(const struct stage *stage);

/* Its newest result begins with this text. */
void expect_tail(const struct subscription *subscription, const char *start);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets: how much memory each purpose may take, of a limit that is divided at start. Memory is
 * accounted where it is taken and given back where it is freed; who finds no room sheds. Strangers
 * (whoever has not proved who they are) have at most half of each budget together, and one party
 * (an address, or a person) at most a quarter, so that nobody can take what is everyone's.
 *
 * Owns:     nothing; a budget is numbers.
 * Threads:  a budget's and a share's numbers are atomic; a claim belongs to one thread at a time.
 * Time:     none.
 * Fails:    claim_set answers false when there is no room.
 */
#pragma once

#include "base/str.h"

#include <stdatomic.h>

struct budget {
    const char *name;
    size_t max; /* 0: no limit */
    atomic_size_t used, strangers;
    atomic_ullong shed; /* how often something was refused or closed for it */
};

/* What one party has of one budget. */
struct share {
    atomic_size_t used;
};

/* Somebody's shares: of an address, or of a person who has proved to be that. */
struct party {
    struct share live, unsent, calls;
    bool is_known;
};

/* What one thing has of a budget, in whose name. Zeroed: nothing, a stranger's, of no party. */
struct claim {
    size_t amount;
    struct share *share; /* or NULL */
    bool is_known;       /* not a stranger's */
};

/* False: there is no room for the growth, and the claim is as it was. Shrinking always works, and
 * so does everything with a budget that is NULL. */
bool claim_set(struct budget *budget, struct claim *claim, size_t amount) MUST_CHECK;

/* The same for what exists already: it counts, whether there is room or not. */
void claim_force(struct budget *budget, struct claim *claim, size_t amount);

/* From now on in this name; share may be NULL. */
void claim_name(struct budget *budget, struct claim *claim, struct share *share, bool is_known);

/* More is taken than there is: of all, or by strangers. */
bool budget_is_over(const struct budget *budget);
bool budget_is_over_by_strangers(const struct budget *budget);

static inline size_t budget_max_of_strangers(const struct budget *budget)
{
    return budget->max / 2;
}

static inline size_t budget_max_of_one(const struct budget *budget)
{
    return budget->max / 4;
}

/* ---- of the whole process ---- */

struct budgets {
    size_t limit;         /* of memory, in all */
    size_t page_cache;    /* of the store's connections together */
    size_t call;          /* of one call's own memory */
    struct budget live;   /* live queries: results, read sets, subscriptions */
    struct budget unsent; /* what peers have not taken yet */
    struct budget calls;  /* requests in flight: bodies, messages, arguments on their way */
    struct budget connections;
};

/* Below it the published limits of one call would not fit. */
#define MEMORY_LIMIT_MIN MIB(256)

/* page_cache min(64 MiB, an eighth), call an eighth, live a quarter, unsent an eighth, calls a
 * quarter, connections an eighth; what is left is the program's own. */
void budgets_divide(struct budgets *budgets, size_t limit);

/* "512MiB", "2G", "1073741824": K, M and G are powers of 1024. False: it is nothing of the kind. */
bool memory_size_read(str text, size_t *out) MUST_CHECK;

/* What of this process is in memory just now. */
size_t memory_resident(void);

/* Half of the memory that the machine has, or this process's control groups if they allow less. */
size_t memory_limit_default(void);

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/budget.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- claims ---- */

static void add(struct budget *budget, const struct claim *claim, size_t amount)
{
    atomic_fetch_add_explicit(&budget->used, amount, memory_order_relaxed);
    if (!claim->is_known)
        atomic_fetch_add_explicit(&budget->strangers, amount, memory_order_relaxed);
    if (claim->share != NULL)
        atomic_fetch_add_explicit(&claim->share->used, amount, memory_order_relaxed);
}

static void subtract(struct budget *budget, const struct claim *claim, size_t amount)
{
    atomic_fetch_sub_explicit(&budget->used, amount, memory_order_relaxed);
    if (!claim->is_known)
        atomic_fetch_sub_explicit(&budget->strangers, amount, memory_order_relaxed);
    if (claim->share != NULL)
        atomic_fetch_sub_explicit(&claim->share->used, amount, memory_order_relaxed);
}

static size_t used_of(const atomic_size_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

void claim_force(struct budget *budget, struct claim *claim, size_t amount)
{
    if (budget == NULL)
        return;
    if (amount > claim->amount)
        add(budget, claim, amount - claim->amount);
    else
        subtract(budget, claim, claim->amount - amount);
    claim->amount = amount;
}

/* Added first and looked at then, so that two threads cannot both take the last room. */
bool claim_set(struct budget *budget, struct claim *claim, size_t amount)
{
    size_t before = claim->amount;
    claim_force(budget, claim, amount);
    if (budget == NULL || budget->max == 0 || amount <= before)
        return true;
    bool is_share_over =
        claim->share != NULL && used_of(&claim->share->used) > budget_max_of_one(budget);
    bool is_over = used_of(&budget->used) > budget->max ||
                   (!claim->is_known && budget_is_over_by_strangers(budget)) || is_share_over;
    if (!is_over)
        return true;
    claim_force(budget, claim, before);
    atomic_fetch_add_explicit(&budget->shed, 1, memory_order_relaxed);
    return false;
}

void claim_name(struct budget *budget, struct claim *claim, struct share *share, bool is_known)
{
    size_t amount = claim->amount;
    claim_force(budget, claim, 0);
    claim->share = share;
    claim->is_known = is_known;
    claim_force(budget, claim, amount);
}

bool budget_is_over(const struct budget *budget)
{
    return budget != NULL && budget->max != 0 && used_of(&budget->used) > budget->max;
}

bool budget_is_over_by_strangers(const struct budget *budget)
{
    return budget != NULL && budget->max != 0 &&
           used_of(&budget->strangers) > budget_max_of_strangers(budget);
}

/* ---- dividing ---- */

void budgets_divide(struct budgets *budgets, size_t limit)
{
    *budgets = (struct budgets){
        .limit = limit,
        .page_cache = MIN_OF(MIB(64), limit / 8),
        .call = limit / 8,
        .live = {.name = "live", .max = limit / 4},
        .unsent = {.name = "unsent", .max = limit / 8},
        .calls = {.name = "calls", .max = limit / 4},
        .connections = {.name = "connections", .max = limit / 8},
    };
}

bool memory_size_read(str text, size_t *out)
{
    static const char *const endings[] = {"KiB", "MiB", "GiB", "KB", "MB", "GB", "K", "M", "G"};
    int64_t number = 0;
    unsigned shift = 0;
    for (size_t i = 0; i < ARRAY_LEN(endings) && shift == 0; i++)
        if (str_ends(text, str_of(endings[i]))) {
            text.len -= strlen(endings[i]);
            shift = (unsigned)(i % 3 + 1) * 10;
        }
    if (!str_to_int(str_trim(text), &number) || number <= 0 || number > INT64_MAX >> shift)
        return false;
    *out = (size_t)number << shift;
    return true;
}

/* ---- what there is ---- */

/* SIZE_MAX: no such file, or it says "max". */
static size_t read_number(const char *path)
{
    unsigned long long number = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return SIZE_MAX;
    bool is_read = fscanf(file, "%llu", &number) == 1;
    fclose(file);
    return is_read && number < SIZE_MAX ? (size_t)number : SIZE_MAX;
}

/* The least that is allowed from this group up to the root. In a container its own group is
 * mounted as the root, and the path that the kernel names is not there. */
static size_t limit_of_groups(const char *root, char *path, const char *name)
{
    char file[640];
    size_t least = SIZE_MAX;
    for (;;) {
        snprintf(file, sizeof(file), "%s%s/%s", root, path, name);
        least = MIN_OF(least, read_number(file));
        char *slash = strrchr(path, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

/* Lines like "0::/path" (version 2) and "4:memory:/path" (version 1). */
static size_t group_limit(void)
{
    char line[512];
    size_t least = SIZE_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        char *path = strchr(line, '/');
        line[strcspn(line, "\n")] = '\0';
        if (path != NULL && strncmp(line, "0::", 3) == 0)
            least = MIN_OF(least, limit_of_groups("/sys/fs/cgroup", path, "memory.max"));
        else if (path != NULL && strstr(line, ":memory:") != NULL)
            least = MIN_OF(least,
                           limit_of_groups("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes"));
    }
    if (file != NULL)
        fclose(file);
    return least;
}

size_t memory_limit_default(void)
{
    size_t pages = (size_t)sysconf(_SC_PHYS_PAGES), page = (size_t)sysconf(_SC_PAGESIZE);
    size_t memory = MIN_OF(pages * page, group_limit());
    return MAX_OF(memory / 2, MEMORY_LIMIT_MIN);
}

size_t memory_resident(void)
{
    unsigned long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu %lu", &pages, &resident) != 2)
        resident = 0;
    fclose(file);
    return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

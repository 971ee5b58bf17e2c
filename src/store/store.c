/* SPDX-License-Identifier: Apache-2.0 */
#include "store/postings.h"

static bool open_engine(const struct store_options *options, struct engine **out,
                        struct fault *fault)
{
    if (options->page_cache != 0)
        engine_sqlite_cache(options->page_cache);
    if (options->engine == STORE_SQLITE)
        return engine_sqlite_open(options->path, out, fault);
    assert(options->engine == STORE_MEMORY || options->engine == STORE_GIVEN);
    *out = options->engine == STORE_GIVEN ? options->given : engine_memory_new();
    return true;
}

bool store_open(const struct store_options *options, struct store **out, struct fault *fault)
{
    struct store *store = memory_zeroed(sizeof(*store));
    store->outcomes = outcomes_new();
    store->now = store->pruned = options->now;
    store->before_commit = options->before_commit;
    store->context = options->context;
    store->call_memory = options->call_memory;
    store->search_tail = options->search_tail != 0 ? options->search_tail : SEARCH_TAIL;
    if (!schema_init(options->schema, &store->plan, fault) ||
        !open_engine(options, &store->engine, fault) ||
        !store_upgrade(store, options->schema, fault) || !outcomes_load(store, fault)) {
        store_close(store);
        return false;
    }
    store->committed = store->counters;
    atomic_init(&store->newest, store->counters.ts);
    *out = store;
    return true;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    assert(store->open == NULL);
    if (store->engine != NULL)
        store->engine->methods->close(store->engine);
    outcomes_free(store->outcomes);
    plan_done(&store->plan);
    free(store);
}

commit_ts store_newest(const struct store *store)
{
    return (commit_ts){atomic_load_explicit(&store->newest, memory_order_acquire)};
}

int64_t store_fail_at(struct store *store, int64_t at)
{
    int64_t asked = store->asked;
    store->asked = 0;
    store->fail_at = at;
    return asked;
}

bool store_backup(struct store *store, const char *to, struct fault *fault)
{
    return store->engine->methods->backup(store->engine, to, fault);
}

void store_idle(struct store *store)
{
    assert(store->open == NULL);
    outcomes_prune(store);
    store->engine->methods->idle(store->engine);
}

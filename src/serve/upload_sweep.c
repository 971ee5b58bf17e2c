/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/upload_sweep.h"

#include "base/log.h"
#include "blob/partial.h"

struct sweeping {
    struct keeping keeping; /* first */
    struct store *store;
    struct partials *partials;
    const struct program *program;
    instant now;
};

/* The row comes first and goes last: a partial without an open one is nobody's. */
static bool is_open(const struct sweeping *sweeping, str token, bool *is_known)
{
    AUTO(arena_done) struct arena arena = {0};
    static const struct function nobody = {.name = "uploads"};
    struct upload upload;
    struct view view;
    struct fault fault;
    *is_known = view_begin(sweeping->store, &arena, &view, &fault);
    if (!*is_known)
        return false;
    struct call call = {.arena = &arena,
                        .view = &view,
                        .program = sweeping->program,
                        .function = &nobody,
                        .now = sweeping->now};
    bool is_there = upload_find(&call, token, &upload) && upload.state == UPLOAD_OPEN;
    *is_known = !call_failed(&call);
    view_end(&view);
    return is_there;
}

static bool visit(void *context, str token)
{
    const struct sweeping *sweeping = context;
    struct fault fault;
    bool is_known;
    if (!is_open(sweeping, token, &is_known) && is_known &&
        !partial_remove(sweeping->partials, token, &fault))
        log_event(LOG_WARN, "sweep_failed", "%s", fault.text);
    return is_known;
}

static void run(struct keeping *keeping, struct random *random)
{
    struct sweeping *sweeping = (struct sweeping *)keeping;
    struct fault fault;
    /* Without uploads, as in a test of the front alone, there is nothing to look through. */
    if (sweeping->partials != NULL && !partials_list(sweeping->partials, visit, sweeping, &fault))
        log_event(LOG_WARN, "sweep_failed", "%s", fault.text);
}

static void drop(struct keeping *keeping)
{
    free(keeping);
}

struct keeping *upload_sweep_new(struct front *front)
{
    struct sweeping *sweeping = memory_zeroed(sizeof(*sweeping));
    *sweeping = (struct sweeping){
        .keeping = {.run = run, .drop = drop},
        .store = front->options.store,
        .partials = front->options.partials,
        .program = front->options.program,
        .now = front_now(),
    };
    return &sweeping->keeping;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/reload.h"

#include "base/log.h"
#include "base/queue.h"

#include <stdatomic.h>

struct reload {
    struct reload_options options;
    struct queue *wake;
    _Atomic(struct lane_set *) lanes; /* not taken yet */
};

static void on_told(void *owner, struct mutation *mutation)
{
    if (mutation->reply.error != ERROR_NONE)
        log_event(LOG_ERROR, "config_untold", "who watches the catalogue was not told: %.*s",
                  STR_ARG(mutation->reply.error_text));
    mutation_free(mutation);
}

/* Live queries that read the catalogue are asked again. */
static void tell_watchers(struct reload *reload)
{
    struct mutation *mutation = mutation_new();
    mutation->request = (struct call_request){
        .path = STR("catalogue:reload"), .args = STR("{}"), .is_internal = true};
    mutation->done = on_told;
    mutation->owner = reload;
    if (front_mutate(reload->options.front, mutation))
        return;
    log_event(LOG_ERROR, "config_untold", "the server is busy: read it again with another SIGHUP");
    mutation_free(mutation);
}

static void offer_lanes(struct reload *reload, const struct studio_config *studio)
{
    struct lane_set *set = memory_zeroed(sizeof(*set));
    set->count = studio_lanes(studio, set->lanes);
    for (size_t i = 0; i < set->count; i++)
        set->lanes[i].lane = str_copy(&set->arena, set->lanes[i].lane);
    lane_set_free(atomic_exchange(&reload->lanes, set));
    reload->options.lanes_changed(reload->options.lanes_context);
}

static void read_settings(struct reload *reload)
{
    struct arena arena = {0};
    struct settings *settings = arena_new(&arena, struct settings);
    struct fault fault;
    if (!reload->options.read(reload->options.context, &arena, settings, &fault)) {
        log_event(LOG_ERROR, "config_not_reloaded", "the old configuration stays: %s", fault.text);
        arena_done(&arena);
        return;
    }
    struct studio_config *studio = &settings->studio;
    studio->bucket = catalogue_file(reload->options.catalogue)->bucket; /* as blobs were opened */
    offer_lanes(reload, studio);
    catalogue_replace(reload->options.catalogue, &arena, studio);
    tell_watchers(reload);
    log_event(LOG_INFO, "config_reloaded",
              "%zu plans, %zu models, %zu providers; server, auth and blobs hold until the next "
              "start",
              studio->plans.count, studio->models.count, studio->providers.count);
}

static void on_wake(void *context, uint32_t events)
{
    struct reload *reload = context;
    void *none;
    queue_take(reload->wake, &none, 0); /* clears the signal */
    if (reload->options.secure != NULL)
        secure_reload(reload->options.secure);
    if (reload->options.read != NULL)
        read_settings(reload);
}

bool reload_open(const struct reload_options *options, struct reload **out, struct fault *fault)
{
    struct reload *reload = *out = memory_zeroed(sizeof(*reload));
    reload->options = *options;
    reload->wake = queue_new(1, fault);
    return reload->wake != NULL &&
           loop_watch(options->loop, queue_fd(reload->wake), EPOLLIN, on_wake, reload, fault);
}

void reload_ask(struct reload *reload)
{
    queue_wake(reload->wake);
}

struct lane_set *reload_lanes(struct reload *reload)
{
    return atomic_exchange(&reload->lanes, NULL);
}

void lane_set_free(struct lane_set *set)
{
    if (set == NULL)
        return;
    arena_done(&set->arena);
    free(set);
}

void reload_close(struct reload *reload)
{
    if (reload == NULL)
        return;
    if (reload->wake != NULL)
        loop_unwatch(reload->options.loop, queue_fd(reload->wake));
    queue_free(reload->wake);
    lane_set_free(reload_lanes(reload));
    free(reload);
}

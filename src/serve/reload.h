/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read again while the server runs: the certificate, and of the configuration what the
 * studio is (plans, packages, models, providers, moderation, payments). What `server` and `auth`
 * say holds from start to end. Whatever is wrong with the new files is logged, and all the old ones
 * stay.
 *
 *   signal -> reload_ask -> loop: read and check -> catalogue, certificate
 *                                                -> reload_lanes, taken by the runner's thread
 *
 * Owns:     what it reads, until the catalogue takes it.
 * Threads:  the loop's; reload_ask any, also a signal handler; reload_lanes the runner's.
 * Time:     none.
 * Fails:    reload_open by fault.
 */
#pragma once

#include "serve/front.h"
#include "serve/secure.h"
#include "studio/studio.h"

struct reload;

struct reload_options {
    struct loop *loop;
    struct front *front;
    struct secure *secure;       /* NULL: no certificate */
    struct catalogue *catalogue; /* gets the new configuration */
    /* Reads the configuration into the arena; NULL: it is never read again. */
    bool (*read)(void *context, struct arena *arena, struct settings *out, struct fault *fault);
    void *context;
    void (*lanes_changed)(void *context); /* the runner may call reload_lanes */
    void *lanes_context;
};

bool reload_open(const struct reload_options *options, struct reload **out, struct fault *fault)
    MUST_CHECK;
void reload_ask(struct reload *reload);
void reload_close(struct reload *reload); /* NULL is accepted */

/* Lanes as the providers now are; the caller frees them. */
struct lane_set {
    struct arena arena;
    struct lane_limit lanes[STUDIO_LANES_MAX];
    size_t count;
};
struct lane_set *reload_lanes(struct reload *reload); /* NULL: nothing new */
void lane_set_free(struct lane_set *set);

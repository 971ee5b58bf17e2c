/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole server: opens everything in order, runs its threads, stops them. Nothing depends on
 * the order of stopping but speed: kill -9 is an ordinary stop.
 *
 *   loop     sockets, live queries          writer   mutations, commits
 *   runner   jobs, helper, network answers  hasher, outside: one thread each of their own
 *
 * Owns:     everything in struct server.
 * Threads:  server_open, server_run and server_close on the main thread; server_stop any.
 * Time:     the system's.
 * Fails:    server_open by fault; nothing is left open then.
 */
#pragma once

#include "job/runner.h"
#include "serve/front.h"
#include "serve/settings.h"
#include "studio/studio.h"

struct server;

struct server_options {
    const char *data_dir;
    const struct settings *settings;
    const char *helper; /* path of atelier-media */
    const char *web;    /* folder of the pages; NULL: none */
    const char *version;
    /* Reads the configuration again; NULL: it is read once. */
    bool (*read_settings)(void *context, struct arena *arena, struct settings *out,
                          struct fault *fault);
    void *read_context;
    /* More functions, document types and jobs, for the fixture server. */
    const struct function_table *extra;
    size_t extra_count;
    const struct doc_type *const *extra_types;
    size_t extra_type_count;
    const struct job_action *const *extra_actions;
    size_t extra_action_count;
    /* What the jobs have to do with, made of the real one; NULL: that itself. */
    struct world (*stand_in)(const struct world *real, struct runner *const *runner);
};

bool server_open(const struct server_options *options, struct server **out, struct fault *fault)
    MUST_CHECK;
uint16_t server_port(const struct server *server);
const char *server_address(const struct server *server); /* "http://localhost:7070" */

/* Serves until server_stop, then drains for at most 8 s. */
void server_run(struct server *server);
void server_stop(struct server *server); /* also from a signal handler */

bool server_is_secure(const struct server *server); /* speaks TLS */

/* Soon, certificate and configuration are read again (serve/reload.h); also from a signal handler.
 */
void server_reload(struct server *server);
void server_close(struct server *server);

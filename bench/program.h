/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs under measurement: started, asked what they used, stopped. Their disk syncs are counted
 * by a small library loaded before the others (sync_count.c), so that durability is seen rather
 * than believed.
 *
 * Owns:     the process; program_stop ends it.
 * Threads:  one.
 * Time:     the system's.
 * Fails:    by fault; nothing is left running.
 */
#pragma once

#include "bench.h"

#include <sys/types.h>

struct program {
    pid_t pid;
    uint16_t port;
    span ready; /* from the start to the ready line */
    _Atomic uint64_t *syncs;
    int syncs_fd;
};

/* `build/NAME serve` on a data folder, on a free port of 127.0.0.1. */
bool program_serve(const struct bench *bench, const char *name, const char *data,
                   struct program *out, struct fault *fault) MUST_CHECK;

/* build/atelier-fixture with these settings (YAML), whose sketcher and media helper answer at once,
 * with files of no bytes. log: where it writes down what it asks of SQLite, once
 * program_begin_log was called; or NULL. */
bool program_serve_studio(const struct bench *bench, const char *data, const char *settings,
                          const char *log, struct program *out, struct fault *fault) MUST_CHECK;

void program_begin_log(const struct program *program);

/* nginx with one worker that answers everything with this body. */
bool program_nginx(const struct bench *bench, str body, struct program *out, struct fault *fault)
    MUST_CHECK;

/* nginx with one worker that keeps each body in a file of its own, and what it has kept so far. */
bool program_nginx_keeping(const struct bench *bench, struct program *out, struct fault *fault)
    MUST_CHECK;

/* nginx with one worker that sends the files of a folder by sendfile. */
bool program_nginx_sending(const struct bench *bench, const char *folder, struct program *out,
                           struct fault *fault) MUST_CHECK;

void program_stop(struct program *program); /* by SIGTERM; does no harm twice */

span program_cpu(const struct program *program); /* used so far, by all its threads */
int64_t program_rss(const struct program *program);
uint64_t program_syncs(const struct program *program); /* fdatasync and fsync, so far */

/* A number of GET /metrics; NAN when it is not there. */
double program_metric(const struct program *program, const char *name);

/* One request on a connection of its own. body NULL: GET. Answers the response's body; a status
 * other than 200 is a fault. */
bool program_ask(const struct program *program, const char *path, const char *body,
                 struct arena *arena, str *out, struct fault *fault) MUST_CHECK;

/* Accounts 0 to count - 1 of the fixture, each with this balance. */
bool program_seed(const struct program *program, int count, double balance, struct fault *fault)
    MUST_CHECK;

int program_connect(uint16_t port, struct fault *fault); /* -1: failed */
/* The n-th of very many: from another address each 4,000: the kernel searches long where most ports
 * are taken.
 */
int program_connect_nth(uint16_t port, size_t n, struct fault *fault);

/* Descriptors a process may have: raised for this one and for what it starts as far as one may. */
size_t program_files_max(void);

/* The data folder's path, emptied first. */
bool folder_make(const struct bench *bench, const char *name, char out[500], struct fault *fault)
    MUST_CHECK;
void folder_remove(const char *path);

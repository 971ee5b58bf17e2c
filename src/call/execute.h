/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a function by name on JSON arguments: finds it, checks the caller, reads the arguments by
 * descriptor, runs it, encodes the result. HTTP, sync sessions, jobs and tests all enter here.
 *
 * Owns:     the reply's texts are in the arena given.
 * Threads:  the caller's.
 * Time:     given.
 * Fails:    into the reply; nothing is thrown past it.
 */
#pragma once

#include "call/call.h"

/* Sorts the function table; names must be unique (asserted). Once, before threads start. */
void program_init(struct program *program, const struct function *const *tables,
                  const size_t *counts, size_t table_count);
void program_done(struct program *program);

/* "a/b.js:f" and "a/b" become "a/b:f" and "a/b:default"; one that is so already is lent back. */
str function_path(struct arena *arena, str path);
const struct function *function_find(const struct program *program, str path); /* or NULL */

struct call_request {
    str path;
    str args; /* JSON: one object, or an array of one */
    const struct identity *identity;
    bool is_internal; /* may call INTERNAL functions */
    str journal;
    bool is_action;                   /* half of one, run as a mutation */
    const struct call_answer *answer; /* its second half; NULL: its first */
};

struct call_reply {
    enum error_code error;
    str value;      /* JSON; only on success */
    str error_text; /* as it goes over the wire */
    str error_data; /* JSON, or .at NULL: an ordinary error */
    str journal;    /* .at NULL: none */
    instant valid_until;
    bool wakes_jobs;
    const struct call_wish *wish; /* an action goes on when this is answered; NULL: it is over */
};

/* kind is what the caller asks for; another kind of function is an ordinary failure. */
void execute_query(const struct program *program, const struct call_request *request,
                   enum function_kind kind, struct view *view, struct arena *arena, instant now,
                   struct call_reply *reply);

/* The change is left to be accepted by the caller if the reply has no error. */
void execute_mutation(const struct program *program, const struct call_request *request,
                      struct change *change, struct arena *arena, instant now,
                      struct random *random, struct call_reply *reply);

/* The reply of a failure that happened outside any function. */
void reply_fail(struct arena *arena, struct call_reply *reply, enum error_code error, str text);

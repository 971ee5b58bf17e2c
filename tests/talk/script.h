/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One conversation being played: who is there, what has been answered, and where in the file we
 * are. verbs.c knows what lines can say, expects.c what can be expected.
 *
 * Owns:     its house, its names and its people.
 * Threads:  one.
 * Time:     the house's.
 * Fails:    talk_fail keeps the first failure, with file and line.
 */
#pragma once

#include "check.h"
#include "loose.h"

#define PEOPLE_MAX 12
#define WATCHES_MAX 12
#define TOGETHER_MAX 64

struct person {
    char name[40];
    struct identity *identity;
    uint32_t number; /* of the last request of the session */
    uint8_t session[16];
};

struct talk_watch {
    char name[40];
    struct watch_seen seen;
};

struct pending_call {
    struct mutation *mutation;
    str name;
};

struct talk {
    const char *path;
    size_t line;
    struct arena arena;
    struct names names;
    struct house *house;

    struct person people[PEOPLE_MAX];
    size_t person_count;
    struct person *who; /* NULL: nobody */
    bool is_program;    /* the program itself, on behalf of who */

    /* The last call. */
    struct call_request request;
    str result_name;
    enum error_code error;
    str error_text;
    str error_data;
    bool error_is_due; /* it failed and nothing has expected that yet */

    struct talk_watch watches[WATCHES_MAX];
    size_t watch_count;
    uint64_t evaluations; /* when last looked at */

    struct pending_call together[TOGETHER_MAX];
    size_t together_count, together_indent;
    bool is_together;

    bool has_failed, crashes;
    char failure[700];
};

bool talk_fail(struct talk *talk, const char *format, ...) PRINTF_LIKE(2, 3);

/* Plays a text; false when it failed. */
bool talk_play(struct talk *talk, str text);
void talk_done(struct talk *talk);

/* ---- paying ---- */

/* Runs the request that is in talk->request, an action, and keeps its reply. */
bool talk_act(struct talk *talk, str name);
bool talk_keep_reply(struct talk *talk, const struct call_reply *reply, str name);

bool talk_file(struct talk *talk, str *rest);

/* bytes of a picture -> name; bytes of a film -> name; bytes of a marked picture -> name, which
 * says how it was made */
bool talk_bytes(struct talk *talk, str *rest);

/* stripe sends {event} [-> name]; stripe answers STATUS; stripe is not set up; polar alike */
bool talk_stripe(struct talk *talk, str *rest);
bool talk_polar(struct talk *talk, str *rest);

/* ---- words of a line ---- */

bool take(str *rest, const char *words); /* all of them, or nothing */
str take_name(str *rest);
bool take_number(struct talk *talk, str *rest, int64_t *out);
bool take_text(struct talk *talk, str *rest, str *out);
bool take_value(struct talk *talk, str *rest, struct json *out);
bool line_is_over(struct talk *talk, str *rest);

/* ---- verbs.c ---- */

bool verb_run(struct talk *talk, str line);
bool together_end(struct talk *talk);
/* A query or mutation as who is speaking; the answer is kept in the talk. */
bool talk_call(struct talk *talk, str path, struct json args, str name);

/* ---- expects.c ---- */

bool expect_run(struct talk *talk, str *rest);

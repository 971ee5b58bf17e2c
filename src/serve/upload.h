/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads, as the front has them: bodies that go to the disk as they come. The loop only copies
 * bytes into pieces; keepers read, hash, write and sync them, one piece of an upload at a time, so
 * that an upload never takes more memory than two pieces and a client sends as fast as the disk
 * takes. Rows are made when the bytes are durable; what failed on the way is removed again.
 *
 *   on_stream -> who may -> pieces to a keeper … -> the last one -> a mutation -> the answer
 *
 * Owns:     every upload on its way, until it is answered and its rest is removed.
 * Threads:  the loop's; what kinds do in write is a keeper's.
 * Time:     the front's.
 * Fails:    with an answer: {"error", "code", "message"}; error and message are the same sentence.
 */
#pragma once

#include "serve/front.h"
#include "serve/keepers.h"
#include "serve/upload_file.h"
#include "studio/uploads.h"

/* A piece is larger where there is much to come: each costs two hops between threads. */
#define UPLOAD_PIECE KIB(256)
#define UPLOAD_LARGE_PIECE MIB(1)
#define UPLOAD_LARGE ((int64_t)MIB(8))
#define UPLOADS_OF_SERVER_MAX 256
#define UPLOADS_OF_ONE_MAX 10

struct uploads;
struct intake;

/* What is done with the bytes. */
struct intake_kind {
    /* On a keeper: takes a piece. False: failure says why. */
    bool (*write)(struct intake *intake, struct random *random, str piece);
    /* On a keeper, behind the last piece. */
    bool (*end)(struct intake *intake, struct random *random);
    /* On the loop, when the end went well: what comes next, and in the end intake_answer. */
    void (*then)(struct intake *intake);
    /* On a keeper: removes what nobody wants any more, or closes it; if there is any such thing. */
    void (*drop)(struct intake *intake);
    bool (*has_rest)(const struct intake *intake);
    /* On the loop, at the very end. */
    void (*done)(struct intake *intake);
    bool keeps_parts; /* what came before a cut is written all the same */
};

struct intake {
    struct keeping keeping; /* first */
    struct intake *next, *previous;
    struct front *front;
    struct exchange *exchange; /* NULL once answered */
    const struct intake_kind *kind;
    void *state; /* the kind's, in the arena */
    struct arena arena;
    struct identity *identity; /* NULL: whoever has the address */
    struct hash128 who;        /* of the limit of one */
    str key;                   /* of what only one may work on at a time; empty: nothing */
    struct upload_limits limits;
    int64_t announced; /* bytes of the body; -1: not said */
    struct upload_failure failure;
    struct buffer pieces[2];
    size_t piece; /* bytes, before one is given */
    unsigned filling, given;
    bool is_busy;   /* with a keeper */
    bool is_paused; /* the body waits for the disk */
    bool has_ended, is_cut, is_last, is_dropping;
    bool is_out;    /* with the writer, which has it until mutated */
    bool is_unsure; /* the server stops, and nobody here learns whether the row was made */
    void (*mutated)(void *intake, struct mutation *mutation);
};

struct uploads *uploads_new(struct front *front, struct fault *fault) MUST_CHECK;
void uploads_free(struct uploads *uploads); /* after http_close; NULL is accepted */

/* For http_options.on_stream; app is the front. */
bool uploads_on_stream(void *app, struct exchange *exchange, const struct http_request *request);

/* ---- for the kinds ---- */

/* The caller's; NULL: refused and answered, since too many are on their way. */
struct intake *intake_new(struct front *front, struct exchange *exchange,
                          const struct intake_kind *kind, struct hash128 who);

/* By what those of one person are counted. Before their row was read it is another, their
 * identity's: intake_admit changes it, and refuses if that is one too many. */
struct hash128 intake_who(doc_id user);
bool intake_admit(struct intake *intake, doc_id user) MUST_CHECK;

/* The body may come, at most max bytes of it. */
void intake_begin(struct intake *intake, int64_t max);

/* No body comes: its end is taken at once. */
void intake_begin_empty(struct intake *intake);

/* Whoever works on what this key names; NULL: nobody. */
struct intake *intake_find(struct front *front, str key);

/* Ends it before its end, for another one took its place. */
void intake_stop(struct intake *intake);

/* Each answers, unless the exchange is gone, and ends the intake. */
void intake_answer(struct intake *intake, int status, const struct http_header *headers,
                   size_t count, str body);
void intake_refuse(struct intake *intake); /* as its failure says */
void intake_refuse_reply(struct intake *intake, const struct call_reply *reply);

/* Runs one of the program's own mutations; done gets it back, to be freed there. */
void intake_mutate(struct intake *intake, const char *path, str args,
                   void (*done)(void *intake, struct mutation *mutation));

/* ---- answers ---- */

/* {"error", "code", "message"}, with CORS. retry_after in seconds, 0: not said. */
void upload_answer_failure(struct exchange *exchange, const struct upload_failure *failure,
                           int64_t retry_after);
void upload_refuse(struct exchange *exchange, int status, const char *code, const char *text);

/* What a failed call says, as an answer. */
int64_t upload_failure_of(const struct call_reply *reply, struct upload_failure *out);

/* Of the Authorization header. False: there is none that is good, and it is answered. */
bool upload_identity(struct front *front, struct exchange *exchange,
                     const struct http_request *request, struct identity **out);

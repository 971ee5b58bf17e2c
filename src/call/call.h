/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backend functions: what one is, and one running call of it. The first failure of a call sticks:
 * from then on reads answer nothing, writes do nothing, and nothing is committed. So the rules of
 * the product are written one after another, as in the specification.
 *
 * Owns:     everything a call allocates is in its arena and dies with it.
 * Threads:  a call runs on one; the tables are constant.
 * Time:     call->now, call->random: given, never taken.
 * Fails:    through the call (house style section 7).
 */
#pragma once

#include "base/buffer.h"
#include "base/random.h"
#include "call/identity.h"
#include "store/store.h"
#include "json/fields.h"

struct call;

enum function_kind {
    FUNCTION_NONE,
    FUNCTION_QUERY,
    FUNCTION_MUTATION,
    FUNCTION_ACTION,
};

/* Who may call. INTERNAL functions look like missing ones from outside. */
enum visibility {
    VISIBILITY_NONE,
    ANYONE,
    SIGNED_IN,
    ADMIN,
    INTERNAL,
};

/* Why a call failed. From ARGUMENT to AUTH it is the caller's to mend. */
enum error_code {
    ERROR_NONE,
    ARGUMENT,
    NO_CREDITS,
    QUOTA,
    STATE,
    RATE_LIMIT,
    NOT_FOUND,
    FORBIDDEN,
    APPLICATION, /* error_data is the function's own */
    AUTH,
    OVERLOAD,
    TRANSIENT,
    INTERNAL_ERROR,
    ERROR_CODE_COUNT,
};

/* "NO_CREDITS" and the like; stable on the wire. */
const char *error_code_name(enum error_code code);

#define CALL_HEADERS_MAX 8

struct call_header {
    str name, value;
};

/* What an action wants of the outside (DESIGN section 8). */
struct call_wish {
    str method, url, body;
    struct call_header headers[CALL_HEADERS_MAX];
    size_t header_count;
    bool allow_private; /* the operator named this address */
};

/* What came of it. */
struct call_answer {
    int status; /* of HTTP; 0: no answer came */
    str body;   /* valid UTF-8 */
};

struct function {
    const char *name; /* "generations:createGenerationJob" */
    const char *about;
    enum function_kind kind;
    enum visibility caller;
    bool ignores_caller; /* a query whose answer is one for all: evaluated once for everybody */
    struct shape args;
    struct field returns;          /* FIELD_NONE: null */
    const struct field *one_of[2]; /* what a RETURNS_ANY really is, for its type; or NULL */
    /* Of an action with an answer: its first half, a mutation that either answers or calls
     * call_wish. Of one without: a query. */
    void (*run)(struct call *call, const void *args, void *result);
    /* The second half, a mutation too; also when no answer came. It may wish again. */
    void (*answer)(struct call *call, const void *args, const struct call_answer *answer,
                   void *result);
};

/* Declares verb() and its untyped door. verb_args and verb_fields must be above it. */
#define BACKEND_FUNCTION(verb, result_type)                                                        \
    static void verb(struct call *call, const struct verb##_args *args, result_type *result);      \
    static void verb##_door(struct call *call, const void *args, void *result)                     \
    {                                                                                              \
        verb(call, args, result);                                                                  \
    }

/* Declares verb_answered() and its door, for the row's .answer. */
#define BACKEND_ANSWER(verb, result_type)                                                          \
    static void verb##_answered(struct call *call, const struct verb##_args *args,                 \
                                const struct call_answer *answer, result_type *result);            \
    static void verb##_answered_door(struct call *call, const void *args,                          \
                                     const struct call_answer *answer, void *result)               \
    {                                                                                              \
        verb##_answered(call, args, answer, result);                                               \
    }

/* For functions without arguments. */
#define NO_ARGS(verb)                                                                              \
    struct verb##_args {                                                                           \
        char none;                                                                                 \
    };                                                                                             \
    static const struct field verb##_fields[] = {};

#define FUNCTION_ROW(kind_, name_, verb, ...)                                                      \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .run = verb##_door,                                      \
        .args = {.name = #verb, .size = sizeof(struct verb##_args), FIELDS(verb##_fields)},        \
        __VA_ARGS__                                                                                \
    }
#define QUERY(name_, verb, ...) FUNCTION_ROW(FUNCTION_QUERY, name_, verb, __VA_ARGS__)
#define MUTATION(name_, verb, ...) FUNCTION_ROW(FUNCTION_MUTATION, name_, verb, __VA_ARGS__)
#define ACTION(name_, verb, ...) FUNCTION_ROW(FUNCTION_ACTION, name_, verb, __VA_ARGS__)

/* Descriptions of results. The C type of the result stands behind. */
#define RETURNS_RECORD(shape_, ctype)                                                              \
    {                                                                                              \
        .kind = FIELD_RECORD, .shape = (shape_), .size = sizeof(ctype)                             \
    }
#define RETURNS_MAYBE(shape_) /* struct x * */                                                     \
    {                                                                                              \
        .kind = FIELD_RECORD, .shape = (shape_), .size = sizeof(void *), .is_optional = true,      \
        .is_nullable = true                                                                        \
    }
#define RETURNS_LIST(item_)                                                                        \
    {                                                                                              \
        .kind = FIELD_LIST, .item = (item_), .size = sizeof(struct list)                           \
    }
#define RETURNS_ID(type_)                                                                          \
    {                                                                                              \
        .kind = FIELD_REF, .ref = (type_), .size = sizeof(doc_id)                                  \
    }
#define RETURNS_INT                                                                                \
    {                                                                                              \
        .kind = FIELD_INT, .size = sizeof(int64_t)                                                 \
    }
#define RETURNS_MAYBE_INT                                                                          \
    {                                                                                              \
        .kind = FIELD_INT, .size = sizeof(struct maybe_int), .is_optional = true,                  \
        .is_nullable = true                                                                        \
    }
#define RETURNS_BOOL                                                                               \
    {                                                                                              \
        .kind = FIELD_BOOL, .size = sizeof(bool)                                                   \
    }
#define RETURNS_TEXT                                                                               \
    {                                                                                              \
        .kind = FIELD_TEXT, .size = sizeof(str)                                                    \
    }
#define RETURNS_ANY                                                                                \
    {                                                                                              \
        .kind = FIELD_ANY, .size = sizeof(str)                                                     \
    }
#define RETURNS_NULL                                                                               \
    {                                                                                              \
        .kind = FIELD_NONE                                                                         \
    }

#define CALL_RESULT_MAX MIB(16)
#define CALL_ARGS_MAX MIB(16)

/* What calls of one running program share. Constant once threads run. */
struct program {
    const struct schema *schema;
    const struct function **functions; /* by name, sorted by program_init */
    size_t function_count;
    void *config; /* the studio's; domain code casts it in one place; guards itself */
    /* From a verified identity to the caller's user row; fills call->caller and is_admin. */
    void (*resolve)(struct call *call);
    uint8_t seal_key[32];
    const char *public_url;
    bool redacts_errors;
};

struct call {
    struct arena *arena;
    struct view *view;
    struct change *change; /* NULL in a query */
    const struct program *program;
    const struct function *function;
    instant now;
    struct random *random; /* NULL in a query */

    const struct identity *identity; /* NULL: anonymous */
    doc_id caller;                   /* resolved user; 0: nobody */
    bool is_admin;                   /* the caller may call ADMIN functions */
    bool is_internal;                /* called by the program itself */
    bool is_resolved;
    const void *config; /* the studio's settings as this call sees them; NULL: not asked for yet */

    str journal;                  /* of a paginated query: in, and out */
    bool has_paged;               /* one pagination a call */
    instant valid_until;          /* 0: until its read set is hit */
    bool wakes_jobs;              /* a mutation queued work that is due now */
    const struct call_wish *wish; /* of an action's half; then its result is not looked at */

    enum error_code error;
    str error_text; /* a sentence for the user */
    str error_data; /* JSON object, or empty: made from code and text */
};

/* Fails the call unless it failed before. */
void call_fail(struct call *call, enum error_code error, const char *format, ...) PRINTF_LIKE(3, 4);

/* An APPLICATION error whose data is exactly this JSON text. */
void call_fail_data(struct call *call, str data, const char *format, ...) PRINTF_LIKE(3, 4);

/* A more telling NO_CREDITS, QUOTA …: more is JSON members, as in `"short":4`, put beside code. */
void call_fail_more(struct call *call, enum error_code error, str more, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* An argument that only the function itself can judge: path as in ".width". */
void call_fail_argument(struct call *call, const char *path, const char *format, ...)
    PRINTF_LIKE(3, 4);

bool call_failed(struct call *call); /* also takes over the view's failure */

/* Go on only if the call is well and the condition holds; else fail the call and return. */
#define REQUIRE(call, condition, error, ...)                                                       \
    do {                                                                                           \
        if (call_failed(call))                                                                     \
            return;                                                                                \
        if (!(condition)) {                                                                        \
            call_fail((call), (error), __VA_ARGS__);                                               \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* The same for an argument, named by its path. */
#define REQUIRE_ARGUMENT(call, condition, path, ...)                                               \
    do {                                                                                           \
        if (call_failed(call))                                                                     \
            return;                                                                                \
        if (!(condition)) {                                                                        \
            call_fail_argument((call), (path), __VA_ARGS__);                                       \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* An action's half ends with a request to the outside, which is sent once the half is committed.
 * The wish lives in the call's arena. */
void call_wish(struct call *call, const struct call_wish *wish);

/* The caller's user id, 0 for nobody. Functions that may be called by anyone ask here. */
doc_id call_caller(struct call *call);

/* The answer is good only until then. */
void call_valid_until(struct call *call, instant at);

/* Runs fn(call, args) in a nested change; its failure stays inside and is answered. */
enum error_code call_try(struct call *call, void (*fn)(struct call *, void *), void *args,
                         str *error_text);

/* ---- rows ---- */

/* The row, zeroed when absent or the call failed. Absence is no failure here. */
bool row_find(struct call *call, const struct doc_type *type, doc_id id, void *row);

/* Like row_find, but an absent row fails the call with NOT_FOUND. */
void row_get(struct call *call, const struct doc_type *type, doc_id id, void *row);

/* Gives the row its id and creation time. */
void row_new(struct call *call, const struct doc_type *type, void *row);
void row_put(struct call *call, const struct doc_type *type, const void *row);
void row_remove(struct call *call, const struct doc_type *type, doc_id id);
doc_id row_first(struct call *call, const struct index *index, struct key key);

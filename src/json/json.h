/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON read into a tree in an arena, and written into a buffer. Strict: UTF-8 and surrogates
 * checked, duplicate keys and U+0000 refused, depth and number of values limited, nothing after
 * the value, no number beyond the doubles. Integers that fit int64 are kept apart from doubles
 * (-0 is a double). Strings point into the input where it has no escape.
 *
 * Owns:     the tree is the arena's; it may borrow from the text, which must live as long.
 * Threads:  any.
 * Time:     none.
 * Fails:    with a fault naming the byte offset and what is wrong.
 */
#pragma once

#include "base/buffer.h"
#include "base/fault.h"

#define JSON_DEPTH_MAX 64             /* nesting of arrays and objects, as Convex */
#define JSON_DEPTH_LIMIT 1024         /* what a caller may ask for */
#define JSON_VALUES_MAX (1024 * 1024) /* in one text: a value of two bytes takes 64 in the tree */

enum json_kind {
    JSON_NONE, /* absent */
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,    /* a number written without fraction and exponent that fits int64 */
    JSON_NUMBER, /* any other number; finite */
    JSON_TEXT,
    JSON_LIST,
    JSON_OBJECT,
};

struct json {
    enum json_kind kind;
    uint32_t source; /* the layer of the configuration it is from; 0 otherwise */
    str key;         /* inside an object */
    str text;        /* JSON_TEXT, unescaped */
    union {
        bool truth;
        int64_t integer;
        double number;
        struct {
            struct json *items; /* list and object: in the order of the text */
            size_t count;
        };
    };
    uint32_t line, column; /* only from YAML; 0 otherwise */
};

/* depth_max 0 means JSON_DEPTH_MAX. */
bool json_read(struct arena *arena, str text, int depth_max, struct json *out, struct fault *fault)
    MUST_CHECK;

/* An envelope whose parts are judged later, by whom they are for: as deep as can be read, and texts
 * may hold U+0000, which nothing else here expects. */
bool json_read_message(struct arena *arena, str text, struct json *out, struct fault *fault)
    MUST_CHECK;

/* The member, or a static JSON_NONE value; never NULL. */
const struct json *json_get(const struct json *object, const char *key);

/* Conveniences for foreign answers: empty or the fallback when absent or of another kind. */
str json_text(const struct json *value);
int64_t json_int(const struct json *value, int64_t fallback);
double json_number(const struct json *value, double fallback);
bool json_bool(const struct json *value, bool fallback);

/*
 * Two layers of configuration as one: objects are joined member by member, anything else above
 * replaces what is below (a list as a whole). Absent above changes nothing, and neither does null
 * above an object: a section with nothing in it. Each value keeps its line and source.
 */
struct json json_merge(struct arena *arena, const struct json *below, const struct json *above);

/* The value inside objects: "server.listen" gives {server: {listen: value}}. */
struct json json_wrap(struct arena *arena, str path, const struct json *value);

/* Canonical text: keys sorted by bytes, shortest numbers, no spaces. Integers print as such. */
void json_write_canonical(struct buffer *to, const struct json *value);

void json_write_text(struct buffer *to, str text); /* quoted; text is valid UTF-8 */
void json_write_int(struct buffer *to, int64_t value);
void json_write_number(struct buffer *to, double value); /* finite; shortest that reads back */

/* The Convex rules for values (convex-protocol.md section 9): keys, the sole-key forms $integer,
 * $float and $bytes, at most 8192 items and 1024 fields, nesting 64. path_out gets ".a[3].b". */
bool convex_value_check(const struct json *value, struct fault *fault) MUST_CHECK;

/* A double as Convex writes it: NaN, the infinities and -0 become {"$float": …}. */
void convex_write_number(struct buffer *to, double value);

/* The lossy format "json" of the HTTP API: int64 to decimal text, bytes to base64 text, … */
void convex_write_clean(struct buffer *to, const struct json *value);

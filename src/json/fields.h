/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptor language: every record that crosses a boundary is a C struct with one static
 * table of fields beside it. From the table come JSON in and out, validation with exact paths,
 * storage, TypeScript types and the configuration reference.
 *
 * A field's wire name is its member in camelCase (owner_id is ownerId) unless .wire says otherwise.
 * Absent members: a maybe_… that is not set, a str whose .at is NULL, an id 0, a choice 0, a NULL
 * record pointer, a list without items pointer.
 *
 * Owns:     what is read is in the arena given (and may borrow from the JSON text).
 * Threads:  any; descriptors are constant.
 * Time:     none.
 * Fails:    field_error with the path of the wrong value, and the texts Convex uses.
 */
#pragma once

#include "json/json.h"

enum field_kind {
    FIELD_NONE,
    FIELD_ID,      /* doc_id: the document's own, "_id" on the wire */
    FIELD_CREATED, /* tick: "_creationTime" on the wire, milliseconds with a fraction */
    FIELD_REF,     /* doc_id of another type; an id of the wrong table is an error */
    FIELD_TEXT,    /* str; min and max count code points (max 0: 1 MiB of bytes) */
    FIELD_INT,     /* int32_t or int64_t, a whole JSON number within +-2^53 */
    FIELD_NUMBER,  /* double, finite unless the Convex $float form is given */
    FIELD_BOOL,
    FIELD_TIME,    /* instant; milliseconds outside, a fraction is kept down to microseconds */
    FIELD_CREDITS, /* credits; a whole number */
    FIELD_CHOICE,  /* an enum, stored and sent by name; value 0 is "none" */
    FIELD_RECORD,  /* a nested struct; optional ones are pointers */
    FIELD_LIST,    /* struct list of what .item describes */
    FIELD_ANY,     /* str: canonical JSON text of any Convex value */
};

/* Moments of creation: 1/1024 of a millisecond since the epoch, unique in a store. */
typedef struct {
    int64_t n;
} tick;

static inline double tick_to_ms(tick at)
{
    return (double)at.n / 1024.0;
}

struct list {
    void *items; /* of the item's C type, one after another */
    size_t count;
};

struct doc_type;
struct shape;

struct field {
    const char *name; /* C member; NULL for items and results */
    const char *wire; /* NULL: derived from name */
    size_t offset, size;
    enum field_kind kind;
    bool is_optional;   /* may be absent */
    bool is_nullable;   /* null is taken for absent, and absent is written as null */
    int64_t min, max;   /* text length, whole numbers, list length; both 0: no limit of its own */
    double least, most; /* FIELD_NUMBER; both 0: none */
    const char *const *choices; /* by enum value; [0] is NULL */
    size_t choice_count;
    const struct doc_type *ref;
    const struct shape *shape; /* FIELD_RECORD */
    const struct field *item;  /* FIELD_LIST */
    const char *unit;          /* for documentation: "px", "s", … */
    const char *about;
};

#define SHAPE_MEMBERS                                                                              \
    const char *name;                                                                              \
    const char *about;                                                                             \
    size_t size;                                                                                   \
    const struct field *fields;                                                                    \
    size_t field_count;

/* A struct and its fields. */
struct shape {
    SHAPE_MEMBERS
};

#define INDEX_FIELDS_MAX 4

/* An index orders documents by fields, then creation tick, then id. */
struct index {
    const char *name;
    const char *fields[INDEX_FIELDS_MAX]; /* wire names; may be empty: by creation */
    bool is_unique;                       /* a second document with the same key fails the change */
    bool holds_body; /* for lists read by owner and time: the body is kept in the entry */
    const struct doc_type *type; /* filled by schema_init */
    uint16_t space;              /* filled by schema_init */
};

#define SEARCH_FIELDS_MAX 6
#define SEARCH_FILTERS_MAX 3

/* How documents of a type are searched by words. All are wire names. The filters are said in every
 * question; marks may be: values of choices and texts (also in lists), or that a bool is true. */
struct search_fields {
    const char *fields[SEARCH_FIELDS_MAX];   /* texts and lists of texts, the first ones first */
    const char *filters[SEARCH_FILTERS_MAX]; /* as an index's fields */
    const char *marks[SEARCH_FIELDS_MAX];
};

/* A document type: a shape that is stored. */
struct doc_type {
    union {
        struct shape shape;
        struct {
            SHAPE_MEMBERS
        };
    };
    uint8_t number;        /* of the table, 1..250, in every id: never changed, never reused */
    struct index *indexes; /* mutable only for schema_init */
    size_t index_count;
    const struct search_fields *search; /* NULL: not searched by words */
};

#define FIELDS(table) .fields = (table), .field_count = ARRAY_LEN(table)
#define INDEXES(...)                                                                               \
    .indexes = (struct index[]){__VA_ARGS__},                                                      \
    .index_count = sizeof((struct index[]){__VA_ARGS__}) / sizeof(struct index)
#define SEARCH(...)                                                                                \
    .search = &(const struct search_fields)                                                        \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* Rows. ROW is defined to the struct's type around a table; _Generic refuses a wrong kind. */
#define SIZE_IF(member, type) _Generic(((ROW *)0)->member, type : sizeof(type))
#define FIELD(member, ctype, ...)                                                                  \
    {                                                                                              \
        .name = #member, .offset = offsetof(ROW, member), .size = SIZE_IF(member, ctype),          \
        __VA_ARGS__                                                                                \
    }
#define ID(member) FIELD(member, doc_id, .kind = FIELD_ID, .wire = "_id")
#define CREATED(member) FIELD(member, tick, .kind = FIELD_CREATED, .wire = "_creationTime")
#define REF(member, type_, ...)                                                                    \
    FIELD(member, doc_id, .kind = FIELD_REF, .ref = (type_), ##__VA_ARGS__)
#define TEXT(member, ...) FIELD(member, str, .kind = FIELD_TEXT, ##__VA_ARGS__)
#define INT(member, ...)                                                                           \
    {                                                                                              \
        .name = #member, .offset = offsetof(ROW, member),                                          \
        .size = _Generic(((ROW *)0)->member, int32_t : 4, int64_t : 8), .kind = FIELD_INT,         \
        ##__VA_ARGS__                                                                              \
    }
#define NUMBER(member, ...) FIELD(member, double, .kind = FIELD_NUMBER, ##__VA_ARGS__)
#define BOOL(member, ...) FIELD(member, bool, .kind = FIELD_BOOL, ##__VA_ARGS__)
#define TIME(member, ...) FIELD(member, instant, .kind = FIELD_TIME, ##__VA_ARGS__)
#define CREDITS(member, ...) FIELD(member, credits, .kind = FIELD_CREDITS, ##__VA_ARGS__)
#define ANY(member, ...) FIELD(member, str, .kind = FIELD_ANY, ##__VA_ARGS__)
/* Enums are ints to the compiler: the size is checked, the names are the table's. */
#define CHOICE(member, names, ...)                                                                 \
    {                                                                                              \
        .name = #member, .offset = offsetof(ROW, member), .kind = FIELD_CHOICE,                    \
        .size = sizeof(((ROW *)0)->member), .choices = (names), .choice_count = ARRAY_LEN(names),  \
        ##__VA_ARGS__                                                                              \
    }
#define RECORD(member, shape_, ...)                                                                \
    {                                                                                              \
        .name = #member, .offset = offsetof(ROW, member), .kind = FIELD_RECORD,                    \
        .size = sizeof(((ROW *)0)->member), .shape = (shape_), ##__VA_ARGS__                       \
    }
#define LIST(member, item_, ...)                                                                   \
    FIELD(member, struct list, .kind = FIELD_LIST, .item = (item_), ##__VA_ARGS__)

#define MAYBE_REF(member, type_, ...) REF(member, type_, .is_optional = true, ##__VA_ARGS__)
#define MAYBE_TEXT(member, ...) TEXT(member, .is_optional = true, ##__VA_ARGS__)
#define MAYBE_INT(member, ...)                                                                     \
    FIELD(member, struct maybe_int, .kind = FIELD_INT, .is_optional = true, ##__VA_ARGS__)
#define MAYBE_NUMBER(member, ...)                                                                  \
    FIELD(member, struct maybe_number, .kind = FIELD_NUMBER, .is_optional = true, ##__VA_ARGS__)
#define MAYBE_BOOL(member, ...)                                                                    \
    FIELD(member, struct maybe_bool, .kind = FIELD_BOOL, .is_optional = true, ##__VA_ARGS__)
#define MAYBE_TIME(member, ...)                                                                    \
    FIELD(member, struct maybe_instant, .kind = FIELD_TIME, .is_optional = true, ##__VA_ARGS__)
#define MAYBE_ANY(member, ...) ANY(member, .is_optional = true, ##__VA_ARGS__)
#define MAYBE_CHOICE(member, names, ...) CHOICE(member, names, .is_optional = true, ##__VA_ARGS__)
#define MAYBE_LIST(member, item_, ...) LIST(member, item_, .is_optional = true, ##__VA_ARGS__)
/* The member is a pointer to the struct; NULL is absent. */
#define MAYBE_RECORD(member, shape_, ...) RECORD(member, shape_, .is_optional = true, ##__VA_ARGS__)

/* Items of lists: static const struct field row_item = ITEM_RECORD(&row_shape); */
#define ITEM_TEXT(...)                                                                             \
    {                                                                                              \
        .kind = FIELD_TEXT, .size = sizeof(str), ##__VA_ARGS__                                     \
    }
#define ITEM_INT(...)                                                                              \
    {                                                                                              \
        .kind = FIELD_INT, .size = sizeof(int64_t), ##__VA_ARGS__                                  \
    }
#define ITEM_NUMBER(...)                                                                           \
    {                                                                                              \
        .kind = FIELD_NUMBER, .size = sizeof(double), ##__VA_ARGS__                                \
    }
#define ITEM_REF(type_)                                                                            \
    {                                                                                              \
        .kind = FIELD_REF, .size = sizeof(doc_id), .ref = (type_)                                  \
    }
#define ITEM_ANY()                                                                                 \
    {                                                                                              \
        .kind = FIELD_ANY, .size = sizeof(str)                                                     \
    }
#define ITEM_RECORD(shape_, ctype)                                                                 \
    {                                                                                              \
        .kind = FIELD_RECORD, .size = sizeof(ctype), .shape = (shape_)                             \
    }

#define FIELD_PATH_MAX 160
#define FIELD_ERROR_TEXT_MAX 640

struct field_error {
    char path[FIELD_PATH_MAX];       /* ".settings.items[2]", "" for the whole */
    char text[FIELD_ERROR_TEXT_MAX]; /* as convex-protocol.md section 10: "Object is missing …" */
    uint32_t source, line, column;   /* of the wrong value or key; from YAML only */
    char nearest[64];                /* an extra field's likeliest meant name, or "" */
};

/* Reads an object into a zeroed struct. Extra members are errors unless take_extra. */
bool shape_read(struct arena *arena, const struct shape *shape, const struct json *from,
                bool take_extra, void *out, struct field_error *error) MUST_CHECK;

/* Writes the struct as an object, members in table order. */
void shape_write(struct buffer *to, const struct shape *shape, const void *from);

/* One value described by a field without a name (a result, an item), at from/to itself. */
bool field_read(struct arena *arena, const struct field *field, const struct json *from, void *out,
                struct field_error *error) MUST_CHECK;
void field_write(struct buffer *to, const struct field *field, const void *from);
bool field_is_absent(const struct field *field, const void *from);

/* The wire name, made once at schema_init or on the fly into the given room. */
str field_wire_name(const struct field *field, char room[64]);
const struct field *shape_field(const struct shape *shape, str wire_name); /* or NULL */

/*
 * Ids on the wire: table number, the number through a keyed permutation, a check byte; lower-case
 * Crockford base32, 16 characters. The key is set once before any thread starts.
 */
#define DOC_ID_TEXT 16
void doc_id_set_key(const uint8_t key[16]);
void doc_id_write(const struct doc_type *type, doc_id id, char out[DOC_ID_TEXT]);
bool doc_id_read(const struct doc_type *type, str text, doc_id *out) MUST_CHECK;

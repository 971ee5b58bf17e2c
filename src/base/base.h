/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every file may use without asking: fixed-width types, cleanup attributes, small value
 * types. A span cannot be added to money, nor an id to time: each is a struct of its own.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none is taken here; see base/clock.h.
 * Fails:    never.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(which, first) __attribute__((format(printf, which, first)))
#define NO_RETURN __attribute__((noreturn))

/* Releases the variable by fn(&variable) when its scope ends, whichever way. */
#define AUTO(fn) __attribute__((cleanup(fn)))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)

/* A point in time: microseconds since the epoch. Zero is "not set". */
typedef struct {
    int64_t us;
} instant;

/* A length of time in microseconds. */
typedef struct {
    int64_t us;
} span;

#define MICROSECONDS(n) ((span){(int64_t)(n)})
#define MILLISECONDS(n) ((span){(int64_t)(n)*1000})
#define SECONDS(n) ((span){(int64_t)(n)*1000000})
#define MINUTES(n) SECONDS((int64_t)(n)*60)
#define HOURS(n) MINUTES((int64_t)(n)*60)
#define DAYS(n) HOURS((int64_t)(n)*24)

static inline instant instant_add(instant at, span by)
{
    return (instant){at.us + by.us};
}

static inline span instant_since(instant later, instant earlier)
{
    return (span){later.us - earlier.us};
}

static inline bool instant_is_before(instant a, instant b)
{
    return a.us < b.us;
}

/* Whole credits; the only unit a user's balance is kept in. */
typedef struct {
    int64_t n;
} credits;

/* A document's number inside its table; zero is "none". */
typedef struct {
    int64_t n;
} doc_id;

static inline bool doc_id_is_set(doc_id id)
{
    return id.n != 0;
}

static inline bool doc_id_equal(doc_id a, doc_id b)
{
    return a.n == b.n;
}

/* Members that may be absent. Absent is absent outside, not null. */
struct maybe_int {
    int64_t value;
    bool is_set;
};
struct maybe_number {
    double value;
    bool is_set;
};
struct maybe_bool {
    bool value;
    bool is_set;
};
struct maybe_instant {
    instant value;
    bool is_set;
};

/* For AUTO(): closes an open descriptor. A second time does nothing, for by then the number may be
 * another file's. */
static inline void fd_close(int *fd)
{
    int open = *fd;
    *fd = -1;
    if (open >= 0)
        close(open);
}

static inline int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* For AUTO(): frees what malloc gave. */
static inline void memory_free(void *pointer)
{
    free(*(void **)pointer);
}

#define take_pointer(pointer)                                                                      \
    ({                                                                                             \
        __auto_type taken_ = *(pointer);                                                           \
        *(pointer) = NULL;                                                                         \
        taken_;                                                                                    \
    })

/* malloc, calloc and realloc that stop the program when memory is gone: for small things only. */
void *memory_new(size_t size);
void *memory_zeroed(size_t size);
void *memory_resize(void *old, size_t size);

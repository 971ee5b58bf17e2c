/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads multipart/form-data as it comes, in pieces of any length, without keeping any of it: who
 * reads is told of each part, its bytes and its end.
 *
 * Owns:     nothing; the reader is the caller's and what is told is lent for the call.
 * Threads:  one at a time.
 * Time:     none.
 * Fails:    MULTIPART_BAD for what is no such form, or breaks a limit; MULTIPART_STOPPED when who
 *           reads answered false. Then it must not be fed again.
 */
#pragma once

#include "base/str.h"

#define MULTIPART_BOUNDARY_MAX 70 /* RFC 2046 */
#define MULTIPART_HEAD_MAX KIB(8) /* the header lines of one part */
#define MULTIPART_PARTS_MAX 32

struct multipart_part {
    str name;      /* of the field */
    str file_name; /* as sent; it is no file when has_file_name is not set */
    bool has_file_name;
};

struct multipart_handlers {
    bool (*begin)(void *context, const struct multipart_part *part);
    bool (*data)(void *context, str data);
    bool (*end)(void *context);
};

enum multipart_verdict {
    MULTIPART_NONE,
    MULTIPART_MORE,  /* all that was given is read */
    MULTIPART_READY, /* the last part has ended; what comes behind it is of no interest */
    MULTIPART_BAD,
    MULTIPART_STOPPED,
};

enum multipart_state {
    MULTIPART_BEFORE, /* the first delimiter */
    MULTIPART_DATA,
    MULTIPART_BEHIND, /* a delimiter: line end, or "--" */
    MULTIPART_HEAD,
    MULTIPART_OVER,
};

/* Its members are the module's. */
struct multipart {
    const struct multipart_handlers *handlers;
    void *context;
    enum multipart_state state;
    char delimiter[4 + MULTIPART_BOUNDARY_MAX]; /* "\r\n--boundary" */
    size_t delimiter_len, matched;
    size_t parts, head_len;
    char behind; /* first byte behind a delimiter, 0: none yet */
    char head[MULTIPART_HEAD_MAX];
};

/* False: the Content-Type is not multipart/form-data with a boundary. */
bool multipart_init(struct multipart *reader, str content_type,
                    const struct multipart_handlers *handlers, void *context) MUST_CHECK;

enum multipart_verdict multipart_feed(struct multipart *reader, str in);

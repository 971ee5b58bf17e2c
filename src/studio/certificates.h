/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of deletion (MOD-05): what an account had and when each of its files was removed, by
 * id, size and sha-256, never a prompt or a name. One is opened when somebody is erased, written
 * while the erasing goes on and closed when nothing is left. It has an address of its own, since
 * its owner cannot sign in any more, and is kept for CERTIFICATE_KEPT.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/assets.h"

#define CERTIFICATE_KEPT DAYS(90)

struct certificate {
    doc_id id;
    tick created;
    str token; /* 32 hex digits: the capability in its address */
    doc_id user_id;
    instant requested_at, expires_at;
    struct maybe_instant finished_at;
    int64_t works, generations, records; /* removed so far; records: all other rows */
    int64_t files, size_bytes;
};

/* Also for who had nothing. Once a user. */
void certificate_open(struct call *call, doc_id user);

/* Zeroed when there is none, or none any more. */
struct certificate certificate_of(struct call *call, doc_id user);

/* "<public url>/api/certificates/<token>" */
str certificate_url(struct call *call, const struct certificate *certificate);

enum certified {
    CERTIFIED_WORKS,
    CERTIFIED_GENERATIONS,
    CERTIFIED_RECORDS,
};
void certificate_count(struct call *call, doc_id user, enum certified what, size_t count);

/* The row of a file goes. Of who is not being erased this notes nothing. is_left: its bytes could
 * not be removed yet; the sweep does it. */
void certificate_file(struct call *call, const struct file *file, bool is_left);

void certificate_close(struct call *call, doc_id user);

/* What its address answers: of certificate_wire_shape, with files behind the given one. */
struct certificate_wire;
extern const struct shape certificate_wire_shape;
struct certificate_wire *certificate_find(struct call *call, str token, str after);

/* For its cron: those whose time is over. */
int64_t certificates_clean(struct call *call, str *cursor, bool *has_more);

extern const struct doc_type certificate_type, certificate_line_type;
extern const struct function certificate_functions[];
extern const size_t certificate_function_count;

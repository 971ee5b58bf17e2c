/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People: the user row, made once at the first sight of a verified token or at sign-up (USER-01 …
 * USER-09, AUTH-03, AUTH-04). E-mail, password and session are in accounts.c, what a user has
 * stored in storage.c.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "call/call.h"
#include "studio/config.h"
#include "studio/storage.h"

enum user_role {
    ROLE_NONE,
    ROLE_USER,
    ROLE_ADMIN,
    USER_ROLES,
};
extern const char *const user_role_names[USER_ROLES];

struct user {
    doc_id id;
    tick created;
    str external_key; /* unique; see below */
    str clerk_id;     /* the token's subject */
    str email, name, profile_image;
    enum user_role role;
    str plan_key;
    bool email_notifications;
    instant created_at, updated_at, last_active_at;
    str first_name, last_name, username, default_model; /* absent: not said */
    struct maybe_instant told_at;                       /* by the newest that Clerk told of it */
    struct maybe_instant deleted_at;
};

/*
 * External keys: "atelier|<subject>" is ours, "<issuer>|<subject>" somebody else's. Whom only
 * Clerk's webhook has told of is "clerk|<subject>" until the first token of that subject. Who was
 * deleted keeps a row without a name, "deleted|<key>", so that no late event or token makes them
 * anew.
 */

extern const struct doc_type user_type, credential_type, session_type;
extern const struct function user_functions[], account_functions[], member_functions[],
    profile_functions[];
extern const size_t user_function_count, account_function_count, member_function_count,
    profile_function_count;
extern const struct function clerk_functions[];
extern const size_t clerk_function_count;

/* program->resolve: finds the caller's row. */
void user_resolve(struct call *call);

/* For functions that tell administrators more; those for them alone say .caller = ADMIN. */
bool user_is_admin(struct call *call);

/* Their e-mail address; empty when there is nobody (any more). */
str user_email(struct call *call, doc_id user);

/* Gives what the plan gives in a month, once; false: given already, or it gives nothing. */
bool user_grant_month(struct call *call, const struct user *user);

/* What frontends call a plan: free, pro or enterprise. */
str user_wire_plan(struct call *call, str plan_key);
str user_wire_tier(struct call *call, str plan_key); /* free, paid or pro */

/* The row of a verified identity, made now if it is the first time. Safe under races. Of who was
 * deleted it is the row that is left, which nobody is signed in as. */
doc_id user_ensure(struct call *call, str external_key, str subject, str email, str name);

/* A new row with the first plan and its credits; what is set already stays. */
void user_put_new(struct call *call, struct user *user);

/* What a sign-in service tells of somebody; absent names stay. Makes them if need be; what is older
 * than what was told before changes nothing. */
struct user_told {
    str clerk_id, issuer;
    str email, first_name, last_name, username, profile_image;
    struct maybe_instant at;
};
void user_tell(struct call *call, const struct user_told *told);
/* For good, also of whom nobody knows yet. */
void user_tell_gone(struct call *call, str clerk_id);

/* By the id that their tokens name, whichever issuer's; the newest. False: there is nobody. */
bool user_by_clerk_id(struct call *call, str clerk_id, struct user *out);

/* By our own id or, of Iskra and VideoAI, the token's. */
bool user_by_any_id(struct call *call, str id, struct user *out);

/* A user as their owner and administrators see them: all that the three frontends read. */
struct user_wire;
extern const struct shape user_wire_shape;
struct user_wire *user_wire_of(struct call *call, const struct user *user);

/* Ends all sessions and forgets the password. */
void account_remove(struct call *call, doc_id user);
str user_external_key(struct arena *arena, const struct identity *identity);

/* A tenth or less is left, of what the plan gives in a month or of what came in last, whichever is
 * more (CRED-06). */
struct balance;
bool credits_are_low(credits have, const struct balance *balance, const struct plan_config *plan);

/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/studio.h"

#include "auth/session.h"
#include "studio/users.h"

#include <ctype.h>
#include <string.h>

#define SESSION_TIME DAYS(30)
#define SESSIONS_MAX 50 /* of one account; a new one ends the oldest */

/* ---- documents ---- */

struct credential {
    doc_id id;
    tick created;
    doc_id user_id;
    str email; /* lower case: what is typed at sign-in */
    str password_hash;
};

#define ROW struct credential
static const struct field credential_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    TEXT(email, .min = 3, .max = 320),
    TEXT(password_hash, .min = 1, .max = 200),
};
#undef ROW

const struct doc_type credential_type = {
    .name = "credentials",
    .about = "E-mail and password of an account of our own.",
    .size = sizeof(struct credential),
    FIELDS(credential_fields),
    .number = 2,
    INDEXES({.name = "by_email", .fields = {"email"}, .is_unique = true},
            {.name = "by_user", .fields = {"userId"}}),
};

struct session {
    doc_id id;
    tick created;
    doc_id user_id;
    str token_hash;
    instant created_at, expires_at;
};

#define ROW struct session
static const struct field session_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    TEXT(token_hash, .min = SESSION_HASH_LEN, .max = SESSION_HASH_LEN),
    TIME(created_at),
    TIME(expires_at),
};
#undef ROW

const struct doc_type session_type = {
    .name = "sessions",
    .about = "A browser that is signed in; the cookie's hash.",
    .size = sizeof(struct session),
    FIELDS(session_fields),
    .number = 3,
    INDEXES({.name = "by_token", .fields = {"tokenHash"}, .is_unique = true},
            {.name = "by_user", .fields = {"userId"}}),
};

/* ---- arguments and results ---- */

struct sign_up_args {
    str email, name, password_hash, session_hash;
    enum user_role role;
};
#define ROW struct sign_up_args
static const struct field sign_up_fields[] = {
    TEXT(email, .min = 3, .max = 320),
    TEXT(name, .max = 200),
    TEXT(password_hash, .min = 1, .max = 200),
    MAYBE_TEXT(session_hash, .min = SESSION_HASH_LEN, .max = SESSION_HASH_LEN),
    MAYBE_CHOICE(role, user_role_names),
};
#undef ROW

struct find_credential_args {
    str email;
};
#define ROW struct find_credential_args
static const struct field find_credential_fields[] = {TEXT(email, .max = 320)};
#undef ROW

struct account {
    doc_id user_id;
    str subject, email, name, password_hash;
};
#define ROW struct account
static const struct field account_fields[] = {REF(user_id, &user_type), TEXT(subject), TEXT(email),
                                              TEXT(name), MAYBE_TEXT(password_hash)};
#undef ROW
static const struct shape account_shape = {
    .name = "account", .size = sizeof(struct account), FIELDS(account_fields)};

struct open_session_args {
    doc_id user_id;
    str session_hash, password_hash;
};
#define ROW struct open_session_args
static const struct field open_session_fields[] = {
    REF(user_id, &user_type),
    TEXT(session_hash, .min = SESSION_HASH_LEN, .max = SESSION_HASH_LEN),
    MAYBE_TEXT(password_hash, .min = 1, .max = 200, .about = "Replaces the stored one."),
};
#undef ROW

struct session_args {
    str session_hash;
};
#define find_session_args session_args
#define close_session_args session_args
#define ROW struct session_args
static const struct field find_session_fields[] = {TEXT(session_hash, .max = SESSION_HASH_LEN)};
#define close_session_fields find_session_fields
#undef ROW

BACKEND_FUNCTION(sign_up, struct account)
BACKEND_FUNCTION(find_credential, struct account *)
BACKEND_FUNCTION(open_session, struct account)
BACKEND_FUNCTION(find_session, struct account *)
BACKEND_FUNCTION(close_session, char)

const struct function account_functions[] = {
    MUTATION("accounts:signUp", sign_up, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&account_shape, struct account),
             .about = "Makes an account of our own; its password is hashed already."),
    QUERY("accounts:find", find_credential, .caller = INTERNAL,
          .returns = RETURNS_MAYBE(&account_shape)),
    MUTATION("accounts:openSession", open_session, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&account_shape, struct account)),
    QUERY("accounts:findSession", find_session, .caller = INTERNAL,
          .returns = RETURNS_MAYBE(&account_shape)),
    MUTATION("accounts:closeSession", close_session, .caller = INTERNAL, .returns = RETURNS_NULL),
};
const size_t account_function_count = ARRAY_LEN(account_functions);

/* ---- functions ---- */

static struct account account_of(struct call *call, doc_id user_id)
{
    struct user user;
    row_get(call, &user_type, user_id, &user);
    return (struct account){
        .user_id = user_id, .subject = user.clerk_id, .email = user.email, .name = user.name};
}

static str lower(struct arena *arena, str text)
{
    char *copy = str_zero_ended(arena, text);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)tolower((unsigned char)copy[i]);
    return (str){copy, text.len};
}

static doc_id credential_find(struct call *call, str email, struct credential *out)
{
    doc_id id = row_first(call, index_of(&credential_type, "by_email"),
                          KEY(key_text(lower(call->arena, email))));
    row_find(call, &credential_type, id, out);
    return id;
}

/* Those that are over go, and the oldest where there are too many. */
static void sessions_trim(struct call *call, doc_id user)
{
    doc_id old[SESSIONS_MAX * 2];
    struct bounds theirs = {.prefix = KEY(key_id(user))};
    struct session session;
    struct scan scan;
    size_t seen = 0, count = 0;
    if (call_failed(call))
        return;
    view_scan(call->view, index_of(&session_type, "by_user"), theirs, ORDER_DOWN, &scan);
    while (seen < ARRAY_LEN(old) && scan_next(&scan, &session)) {
        bool is_over = !instant_is_before(call->now, session.expires_at);
        if (is_over || seen + 1 >= SESSIONS_MAX)
            old[count++] = session.id;
        seen++;
    }
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        row_remove(call, &session_type, old[i]);
}

void account_remove(struct call *call, doc_id user)
{
    doc_id ids[SESSIONS_MAX * 2];
    struct bounds theirs = {.prefix = KEY(key_id(user))};
    struct session session;
    struct scan scan;
    size_t count = 0;
    doc_id credential = row_first(call, index_of(&credential_type, "by_user"), KEY(key_id(user)));
    if (call_failed(call))
        return;
    view_scan(call->view, index_of(&session_type, "by_user"), theirs, ORDER_DOWN, &scan);
    while (count < ARRAY_LEN(ids) && scan_next(&scan, &session))
        ids[count++] = session.id;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        row_remove(call, &session_type, ids[i]);
    if (doc_id_is_set(credential))
        row_remove(call, &credential_type, credential);
}

static void session_put(struct call *call, doc_id user, str token_hash)
{
    sessions_trim(call, user);
    struct session session = {
        .user_id = user,
        .token_hash = token_hash,
        .created_at = call->now,
        .expires_at = instant_add(call->now, SESSION_TIME),
    };
    row_new(call, &session_type, &session);
    row_put(call, &session_type, &session);
}

static void sign_up(struct call *call, const struct sign_up_args *args, struct account *result)
{
    struct credential credential;
    credential_find(call, args->email, &credential);
    REQUIRE(call, !doc_id_is_set(credential.id), STATE,
            "There is an account with this address already. Sign in instead.");

    char token[33];
    random_token(call->random, token);
    str subject = str_format(call->arena, "user_%s", token);
    doc_id user = user_ensure(call, str_format(call->arena, "atelier|%.*s", STR_ARG(subject)),
                              subject, args->email, args->name);
    credential = (struct credential){.user_id = user,
                                     .email = lower(call->arena, args->email),
                                     .password_hash = args->password_hash};
    row_new(call, &credential_type, &credential);
    row_put(call, &credential_type, &credential);
    if (args->session_hash.at != NULL)
        session_put(call, user, args->session_hash);
    if (args->role == ROLE_ADMIN) {
        struct user row;
        row_get(call, &user_type, user, &row);
        row.role = ROLE_ADMIN;
        row_put(call, &user_type, &row);
    }
    *result = account_of(call, user);
}

static void find_credential(struct call *call, const struct find_credential_args *args,
                            struct account **result)
{
    struct credential credential;
    if (!doc_id_is_set(credential_find(call, args->email, &credential)))
        return;
    *result = arena_new(call->arena, struct account);
    **result = account_of(call, credential.user_id);
    (*result)->password_hash = credential.password_hash;
}

static void open_session(struct call *call, const struct open_session_args *args,
                         struct account *result)
{
    if (args->password_hash.at != NULL) {
        struct credential credential;
        doc_id id =
            row_first(call, index_of(&credential_type, "by_user"), KEY(key_id(args->user_id)));
        row_get(call, &credential_type, id, &credential);
        credential.password_hash = args->password_hash;
        row_put(call, &credential_type, &credential);
    }
    session_put(call, args->user_id, args->session_hash);
    *result = account_of(call, args->user_id);
}

static doc_id session_find(struct call *call, str hash, struct session *out)
{
    doc_id id = row_first(call, index_of(&session_type, "by_token"), KEY(key_text(hash)));
    row_find(call, &session_type, id, out);
    return id;
}

static void find_session(struct call *call, const struct session_args *args,
                         struct account **result)
{
    struct session session;
    if (!doc_id_is_set(session_find(call, args->session_hash, &session)) ||
        !instant_is_before(call->now, session.expires_at))
        return;
    *result = arena_new(call->arena, struct account);
    **result = account_of(call, session.user_id);
}

static void close_session(struct call *call, const struct session_args *args, char *result)
{
    struct session session;
    doc_id id = session_find(call, args->session_hash, &session);
    if (doc_id_is_set(id))
        row_remove(call, &session_type, id);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/accounts.h"

#include "auth/session.h"
#include "serve/route.h"
#include "json/json.h"

#include <ctype.h>
#include <string.h>

#define TOKEN_TIME MINUTES(15)
#define COOKIE "atelier_session"
#define COOKIE_DAYS 30

/* One request on its way; lives in the exchange's arena. */
struct entering {
    struct front *front;
    struct exchange *exchange;
    bool is_sign_up;
    str email, name, password;
    str user_id, subject, stored_hash; /* of the account found */
    str session_token, session_hash;
};

/* ---- small things ---- */

static void refuse(struct exchange *exchange, int status, const char *code, const char *text,
                   const char *field)
{
    answer_error(exchange, status, code, str_of(text), field);
}

static void answer_busy(struct exchange *exchange)
{
    refuse(exchange, 503, "OVERLOAD", "The server is busy. Try again in a moment.", NULL);
}

/* A page of another site must not sign anybody in or out, nor read their token. */
static bool comes_from_here(const struct http_request *request)
{
    str origin = http_header(request, "Origin");
    str site = http_header(request, "Sec-Fetch-Site");
    if (site.len != 0 && !str_equal(site, STR("same-origin")) && !str_equal(site, STR("none")))
        return false;
    if (origin.len == 0)
        return true;
    ptrdiff_t colon = str_find(origin, ':');
    str host = colon < 0 ? origin : str_slice(origin, (size_t)colon + 3, origin.len);
    return str_equal_nocase(host, request->host);
}

static str cookie_of(const struct http_request *request)
{
    str cookies = http_header(request, "Cookie");
    str pair;
    while (str_split(&cookies, ';', &pair)) {
        str name;
        pair = str_trim(pair);
        if (str_split(&pair, '=', &name) && str_equal(name, STR(COOKIE)))
            return pair;
    }
    return (str){0};
}

static struct http_header set_cookie(struct front *front, struct exchange *exchange, str token)
{
    int seconds = token.len == 0 ? 0 : COOKIE_DAYS * 24 * 3600;
    return (struct http_header){
        STR("Set-Cookie"),
        str_format(exchange_arena(exchange),
                   COOKIE "=%.*s; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%s", STR_ARG(token),
                   seconds, front->options.cookie_is_secure ? "; Secure" : "")};
}

/* ---- the answer ---- */

static str current_user(struct front *front, const struct identity *identity, struct arena *arena)
{
    struct call_reply reply;
    struct call_request request = {
        .path = STR("users:getCurrentUser"), .args = STR("{}"), .identity = identity};
    front_query(front, &request, FUNCTION_QUERY, arena, &reply);
    return reply.error == ERROR_NONE ? reply.value : STR("null");
}

struct person {
    str subject, email, name;
};

/* {token, expiresAt, user}; with the cookie when a session was just opened. */
static void answer_token(struct front *front, struct exchange *exchange,
                         const struct person *person, str session_token)
{
    struct arena *arena = exchange_arena(exchange);
    instant now = front_now();
    struct token_claims claims = {
        .issuer = str_of(front->options.program->public_url),
        .subject = person->subject,
        .email = person->email,
        .name = person->name,
        .issued_at = now,
        .expires_at = instant_add(now, TOKEN_TIME),
    };
    str token = token_sign(front->options.signer, arena, &claims);
    struct identity *identity = identity_make(claims.issuer, person->subject, person->email,
                                              person->name, claims.expires_at);
    AUTO(buffer_done) struct buffer body = buffer_with_max(KIB(64));
    buffer_str(&body, STR("{\"token\":"));
    json_write_text(&body, token);
    buffer_format(&body, ",\"expiresAt\":%lld,\"user\":", (long long)claims.expires_at.us / 1000);
    buffer_str(&body, current_user(front, identity, arena));
    buffer_char(&body, '}');
    identity_drop(identity);

    struct http_header headers[3] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("Cache-Control"), STR("no-store")},
    };
    size_t count = 2;
    if (session_token.len != 0)
        headers[count++] = set_cookie(front, exchange, session_token);
    http_answer(exchange, 200, headers, count, buffer_text(&body));
}

static struct person person_of(const struct json *account)
{
    return (struct person){json_text(json_get(account, "subject")),
                           json_text(json_get(account, "email")),
                           json_text(json_get(account, "name"))};
}

/* ---- reading the request ---- */

static bool has_email_form(str email)
{
    ptrdiff_t at = str_find(email, '@');
    if (at <= 0 || email.len > 320 || (size_t)at + 1 >= email.len)
        return false;
    for (size_t i = 0; i < email.len; i++)
        if ((unsigned char)email.at[i] <= ' ' || email.at[i] == 0x7f)
            return false;
    return str_find(str_slice(email, (size_t)at + 1, email.len), '@') < 0;
}

static bool read_json(struct exchange *exchange, const struct http_request *request,
                      struct json *body)
{
    struct fault fault;
    str type = http_header(request, "Content-Type");
    if (!comes_from_here(request)) {
        refuse(exchange, 403, "FORBIDDEN", "This may only be asked from the studio's own pages.",
               NULL);
        return false;
    }
    if (!str_starts(type, STR("application/json"))) {
        refuse(exchange, 415, "ARGUMENT", "Send application/json.", NULL);
        return false;
    }
    if (request->body.len > KIB(16) ||
        !json_read(exchange_arena(exchange), request->body, 8, body, &fault) ||
        body->kind != JSON_OBJECT) {
        refuse(exchange, 400, "ARGUMENT", "The body must be a JSON object of at most 16 KiB.",
               NULL);
        return false;
    }
    return true;
}

/* Nothing but texts under the names that are read. */
static bool check_members(struct exchange *exchange, const struct json *body)
{
    static const char *const names[] = {"email", "password", "name"};
    for (size_t i = 0; i < body->count; i++) {
        const struct json *member = &body->items[i];
        const char *name = NULL;
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            if (str_equal(member->key, str_of(names[k])))
                name = names[k];
        if (name != NULL && member->kind == JSON_TEXT)
            continue;
        if (name != NULL)
            refuse(exchange, 400, "ARGUMENT", "This must be a text.", name);
        else
            refuse(exchange, 400, "ARGUMENT", "Send only email, password and name.", NULL);
        return false;
    }
    return true;
}

static struct entering *read_entering(struct front *front, struct exchange *exchange,
                                      const struct http_request *request, bool is_sign_up)
{
    struct arena *arena = exchange_arena(exchange);
    struct entering *entering = arena_new(arena, struct entering);
    struct json body;
    struct fault fault;
    if (!read_json(exchange, request, &body) || !check_members(exchange, &body))
        return NULL;
    *entering = (struct entering){
        .front = front,
        .exchange = exchange,
        .is_sign_up = is_sign_up,
        .email = str_trim(json_text(json_get(&body, "email"))),
        .name = str_trim(json_text(json_get(&body, "name"))),
        .password = json_text(json_get(&body, "password")),
    };
    if (!has_email_form(entering->email))
        refuse(exchange, 400, "ARGUMENT", "Give an e-mail address, like name@example.org.",
               "email");
    else if (entering->name.len > 200)
        refuse(exchange, 400, "ARGUMENT", "A name has at most 200 bytes.", "name");
    else if (is_sign_up && !password_is_fit(entering->password, &fault))
        refuse(exchange, 400, "ARGUMENT", fault.text, "password");
    else if (entering->password.len == 0 || entering->password.len > PASSWORD_MAX)
        refuse(exchange, 400, "ARGUMENT", "Give the password.", "password");
    else
        return entering;
    return NULL;
}

/* Accounts do not know capitals, so neither may their limit. */
static str account_key(struct entering *entering)
{
    char *key = str_zero_ended(exchange_arena(entering->exchange), entering->email);
    for (size_t i = 0; i < entering->email.len; i++)
        key[i] = (char)tolower((unsigned char)key[i]);
    return (str){key, entering->email.len};
}

static bool may_try(struct entering *entering, const struct http_request *request)
{
    struct front *front = entering->front;
    struct arena *arena = exchange_arena(entering->exchange);
    instant now = front_now();
    span wait = {0};
    bool is_allowed =
        attempts_take(front->by_address, attempts_address(arena, request->peer), now, &wait) &&
        attempts_take(front->by_account, account_key(entering), now, &wait);
    if (!is_allowed)
        answer_too_many(entering->exchange, wait);
    return is_allowed;
}

static void make_session(struct entering *entering)
{
    struct arena *arena = exchange_arena(entering->exchange);
    entering->session_token = session_token_make(arena, &entering->front->random);
    entering->session_hash = session_token_hash(arena, entering->session_token);
}

/* ---- writing the account ---- */

static void on_entered(void *owner, struct mutation *mutation)
{
    struct entering *entering = owner;
    struct json account;
    struct call_reply *reply = &mutation->reply;

    if (reply->error == STATE)
        refuse(entering->exchange, 409, "STATE",
               "There is an account with this address already. Sign in instead.", "email");
    else if (reply->error != ERROR_NONE ||
             !json_read(&mutation->arena, reply->value, 0, &account, NULL))
        answer_busy(entering->exchange);
    else {
        struct person person = person_of(&account);
        attempts_forget(entering->front->by_account, account_key(entering));
        answer_token(entering->front, entering->exchange, &person, entering->session_token);
    }
    mutation_free(mutation);
}

static void add_member(struct buffer *to, const char *name, str value)
{
    buffer_format(to, "%s\"%s\":", to->len <= 1 ? "" : ",", name);
    json_write_text(to, value);
}

static void send_entering(struct entering *entering, const char *path, const struct buffer *args)
{
    struct mutation *mutation = mutation_new();
    mutation->request = (struct call_request){
        .path = str_of(path),
        .args = str_copy(&mutation->arena, buffer_text(args)),
        .is_internal = true,
    };
    mutation->done = on_entered;
    mutation->owner = entering;
    if (!front_mutate(entering->front, mutation)) {
        mutation_free(mutation);
        answer_busy(entering->exchange);
    }
}

static void create_account(struct entering *entering, str hash)
{
    AUTO(buffer_done) struct buffer args = buffer_with_max(KIB(8));
    buffer_char(&args, '{');
    add_member(&args, "email", entering->email);
    add_member(&args, "name", entering->name);
    add_member(&args, "passwordHash", hash);
    add_member(&args, "sessionHash", entering->session_hash);
    buffer_char(&args, '}');
    send_entering(entering, "accounts:signUp", &args);
}

static void open_session(struct entering *entering, str new_hash)
{
    AUTO(buffer_done) struct buffer args = buffer_with_max(KIB(8));
    buffer_char(&args, '{');
    add_member(&args, "userId", entering->user_id);
    add_member(&args, "sessionHash", entering->session_hash);
    if (new_hash.len != 0)
        add_member(&args, "passwordHash", new_hash);
    buffer_char(&args, '}');
    send_entering(entering, "accounts:openSession", &args);
}

static void on_hash(struct entering *entering, const struct hash_result *result)
{
    make_session(entering);
    switch (result->outcome) {
    case HASH_MADE:
        create_account(entering, str_of(result->hash));
        break;
    case HASH_MATCHES:
        open_session(entering, str_of(result->hash));
        break;
    case HASH_DIFFERS:
        refuse(entering->exchange, 401, "AUTH", "The address or the password is wrong.", NULL);
        break;
    default:
        answer_busy(entering->exchange);
    }
}

void accounts_on_hashed(void *context, uint32_t events)
{
    struct front *front = context;
    void *item;
    while (queue_take(front->hashed, &item, 1) == 1) {
        struct hash_result *result = item;
        on_hash(result->context, result);
        hash_result_free(result);
    }
}

/* ---- handlers ---- */

FUNCTIONS_HANDLER(accounts_sign_up)
{
    struct entering *entering = read_entering(front, exchange, request, true);
    if (entering == NULL || !may_try(entering, request))
        return;
    if (!hasher_make(front->options.hasher, entering->password, front->hashed, entering))
        answer_busy(exchange);
}

static void find_account(struct entering *entering)
{
    struct arena *arena = exchange_arena(entering->exchange);
    struct call_reply reply;
    struct json account;
    AUTO(buffer_done) struct buffer args = buffer_with_max(KIB(8));
    buffer_char(&args, '{');
    add_member(&args, "email", entering->email);
    buffer_char(&args, '}');
    struct call_request request = {
        .path = STR("accounts:find"), .args = buffer_text(&args), .is_internal = true};
    front_query(entering->front, &request, FUNCTION_QUERY, arena, &reply);
    if (reply.error != ERROR_NONE || !json_read(arena, reply.value, 0, &account, NULL))
        return;
    entering->user_id = json_text(json_get(&account, "userId"));
    entering->stored_hash = json_text(json_get(&account, "passwordHash"));
}

FUNCTIONS_HANDLER(accounts_sign_in)
{
    struct entering *entering = read_entering(front, exchange, request, false);
    if (entering == NULL || !may_try(entering, request))
        return;
    find_account(entering);
    /* Without an account the same work is done, so that the time tells nothing. */
    if (!hasher_check(front->options.hasher, entering->password, entering->stored_hash,
                      front->hashed, entering))
        answer_busy(exchange);
}

static str session_args(struct arena *arena, const struct http_request *request)
{
    str hash = session_token_hash(arena, cookie_of(request));
    if (hash.len == 0)
        return (str){0};
    return str_format(arena, "{\"sessionHash\":\"%.*s\"}", STR_ARG(hash));
}

FUNCTIONS_HANDLER(accounts_token)
{
    struct arena *arena = exchange_arena(exchange);
    struct call_reply reply;
    struct json account;
    if (!comes_from_here(request)) {
        refuse(exchange, 403, "FORBIDDEN", "This may only be asked from the studio's own pages.",
               NULL);
        return;
    }
    str args = session_args(arena, request);
    struct call_request call = {
        .path = STR("accounts:findSession"), .args = args, .is_internal = true};
    if (args.len == 0) {
        refuse(exchange, 401, "AUTH", "Nobody is signed in here.", NULL);
        return;
    }
    front_query(front, &call, FUNCTION_QUERY, arena, &reply);
    if (reply.error != ERROR_NONE || !json_read(arena, reply.value, 0, &account, NULL)) {
        answer_busy(exchange);
    } else if (account.kind != JSON_OBJECT) {
        refuse(exchange, 401, "AUTH", "Nobody is signed in here.", NULL);
    } else {
        struct person person = person_of(&account);
        answer_token(front, exchange, &person, (str){0});
    }
}

static void on_signed_out(void *owner, struct mutation *mutation)
{
    struct entering *entering = owner;
    struct http_header headers[] = {
        {STR("Content-Type"), STR("application/json")},
        set_cookie(entering->front, entering->exchange, (str){0}),
    };
    if (mutation->reply.error == ERROR_NONE)
        http_answer(entering->exchange, 200, headers, ARRAY_LEN(headers), STR("{}"));
    else
        answer_busy(entering->exchange);
    mutation_free(mutation);
}

FUNCTIONS_HANDLER(accounts_sign_out)
{
    struct entering *entering = arena_new(exchange_arena(exchange), struct entering);
    *entering = (struct entering){.front = front, .exchange = exchange};
    if (!comes_from_here(request)) {
        refuse(exchange, 403, "FORBIDDEN", "This may only be asked from the studio's own pages.",
               NULL);
        return;
    }
    str args = session_args(exchange_arena(exchange), request);
    if (args.len == 0) {
        answer_json(exchange, 200, STR("{}"));
        return;
    }
    struct mutation *mutation = mutation_new();
    mutation->request = (struct call_request){.path = STR("accounts:closeSession"),
                                              .args = str_copy(&mutation->arena, args),
                                              .is_internal = true};
    mutation->done = on_signed_out;
    mutation->owner = entering;
    if (!front_mutate(front, mutation)) {
        mutation_free(mutation);
        answer_busy(exchange);
    }
}

FUNCTIONS_HANDLER(accounts_openid)
{
    str public_url = str_of(front->options.program->public_url);
    answer_json(exchange, 200, openid_configuration(exchange_arena(exchange), public_url));
}

FUNCTIONS_HANDLER(accounts_jwks)
{
    answer_json(exchange, 200, signer_jwks(front->options.signer));
}

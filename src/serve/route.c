/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/route.h"

#include "base/planted.h"
#include "serve/accounts.h"
#include "serve/archives.h"
#include "serve/certificates.h"
#include "serve/files.h"
#include "serve/functions.h"
#include "serve/operations.h"
#include "serve/pages.h"
#include "serve/shed.h"
#include "serve/sync.h"
#include "serve/upload_kinds.h"
#include "serve/webhooks.h"

#include <sodium.h>

/* After which an overloaded server may be asked again. */
#define BUSY_SECONDS 2

/* ---- answers ---- */

size_t cors_headers(struct exchange *exchange, struct http_header headers[CORS_HEADERS_MAX])
{
    const struct http_request *request = exchange_request(exchange);
    str origin = http_header(request, "Origin");
    str wanted = http_header(request, "Access-Control-Request-Headers");
    size_t count = 0;
    if (origin.len == 0 || PLANTED(cors_missing))
        return 0;
    headers[count++] = (struct http_header){STR("Access-Control-Allow-Origin"), origin};
    headers[count++] = (struct http_header){STR("Vary"), STR("Origin")};
    /* Cookies are only taken at /api/auth, which checks where the request comes from. */
    headers[count++] = (struct http_header){STR("Access-Control-Allow-Credentials"), STR("true")};
    if (request->method != HTTP_OPTIONS)
        return count;
    headers[count++] = (struct http_header){STR("Access-Control-Allow-Methods"),
                                            STR("GET, POST, OPTIONS, PATCH, DELETE, PUT")};
    headers[count++] = (struct http_header){STR("Access-Control-Max-Age"), STR("86400")};
    if (wanted.len != 0)
        headers[count++] = (struct http_header){STR("Access-Control-Allow-Headers"), wanted};
    return count;
}

/* retry_after in seconds; 0: not said. */
static void answer_typed(struct exchange *exchange, int status, str type, str body,
                         int64_t retry_after)
{
    struct http_header headers[CORS_HEADERS_MAX + 3];
    size_t count = cors_headers(exchange, headers);
    headers[count++] = (struct http_header){STR("Content-Type"), type};
    headers[count++] = (struct http_header){STR("Cache-Control"), STR("no-store")};
    if (retry_after > 0)
        headers[count++] =
            (struct http_header){STR("Retry-After"), str_format(exchange_arena(exchange), "%lld",
                                                                (long long)retry_after)};
    http_answer(exchange, status, headers, count, body);
}

void answer_json(struct exchange *exchange, int status, str body)
{
    answer_typed(exchange, status, STR("application/json"), body, status == 503 ? BUSY_SECONDS : 0);
}

void answer_text(struct exchange *exchange, int status, str body)
{
    answer_typed(exchange, status, STR("text/plain; charset=utf-8"), body,
                 status == 503 ? BUSY_SECONDS : 0);
}

void answer_too_many(struct exchange *exchange, span wait)
{
    const int64_t seconds = wait.us / 1000000 + 1;
    str body = str_format(exchange_arena(exchange),
                          "{\"code\":\"RATE_LIMIT\",\"message\":\"Too many tries. You can try "
                          "again in %lld s.\"}",
                          (long long)seconds);
    answer_typed(exchange, 429, STR("application/json"), body, seconds);
}

void answer_error(struct exchange *exchange, int status, const char *code, str message,
                  const char *field)
{
    AUTO(buffer_done) struct buffer body = buffer_with_max(KIB(16));
    buffer_format(&body, "{\"code\":\"%s\",\"message\":", code);
    json_write_text(&body, message);
    if (field != NULL)
        buffer_format(&body, ",\"field\":\"%s\"", field);
    buffer_char(&body, '}');
    answer_json(exchange, status, buffer_text(&body));
}

void answer_overload(struct exchange *exchange)
{
    answer_error(exchange, 503, "TooManyConcurrentRequests",
                 STR("The server is busy. Try again in a moment."), NULL);
}

/* ---- who asks ---- */

static bool is_admin_key(const struct front *front, str given)
{
    str key = front->options.admin_key;
    return key.len != 0 && given.len == key.len && sodium_memcmp(given.at, key.at, key.len) == 0;
}

static bool check_token(struct front *front, struct exchange *exchange, str token,
                        struct identity **out)
{
    struct auth_failure failure;
    *out = verifier_check(front->options.verifier, token, front_now(), &failure);
    if (*out != NULL || PLANTED(bearer_ignored))
        return true;
    int status = failure.kind == AUTH_KEYS_NOT_YET ? 503 : 401;
    answer_error(exchange, status, failure.code, str_of(failure.text), NULL);
    return false;
}

bool request_identity(struct front *front, struct exchange *exchange,
                      const struct http_request *request, struct identity **out, bool *is_admin)
{
    str header = str_trim(http_header(request, "Authorization"));
    str scheme;
    *out = NULL;
    *is_admin = false;
    if (header.len == 0)
        return true;
    str_split(&header, ' ', &scheme);
    header = str_trim(header);
    if (str_equal_nocase(scheme, STR("Bearer")))
        return check_token(front, exchange, header, out);
    if (str_equal_nocase(scheme, STR("Convex")) && is_admin_key(front, header)) {
        *is_admin = true;
        return true;
    }
    answer_error(exchange, 401, "InvalidAuthHeader",
                 STR("The Authorization header is neither a bearer token nor a valid key."), NULL);
    return false;
}

bool route_is_known(void *app, const struct http_request *request)
{
    struct front *front = app;
    struct auth_failure failure;
    str header = str_trim(http_header(request, "Authorization"));
    str scheme;
    str_split(&header, ' ', &scheme);
    header = str_trim(header);
    if (str_equal_nocase(scheme, STR("Convex")))
        return is_admin_key(front, header);
    if (!str_equal_nocase(scheme, STR("Bearer")))
        return false;
    struct identity *identity =
        verifier_check(front->options.verifier, header, front_now(), &failure);
    identity_drop(identity);
    return identity != NULL;
}

/* ---- routes ---- */

struct route {
    const char *path; /* one that ends with '/' takes everything below it */
    int methods;      /* bits of 1 << enum http_method */
    void (*handle)(struct front *front, struct exchange *exchange,
                   const struct http_request *request);
};

#define GETS (1 << HTTP_GET | 1 << HTTP_HEAD)
#define POSTS (1 << HTTP_POST)

static const struct route routes[] = {
    {"/api/query", GETS | POSTS, functions_query},
    {"/api/mutation", POSTS, functions_mutation},
    {"/api/action", POSTS, functions_action},
    {"/api/query_ts", POSTS, functions_query_ts},
    {"/api/query_at_ts", POSTS, functions_query_at_ts},
    {"/api/query_batch", POSTS, functions_query_batch},
    {"/api/function", POSTS, functions_any},
    {"/api/run/", POSTS, functions_run},
    {"/api/auth/sign-up", POSTS, accounts_sign_up},
    {"/api/auth/sign-in", POSTS, accounts_sign_in},
    {"/api/auth/sign-out", POSTS, accounts_sign_out},
    {"/api/auth/token", POSTS, accounts_token},
    {"/.well-known/openid-configuration", GETS, accounts_openid},
    {"/.well-known/jwks.json", GETS, accounts_jwks},
    {"/upload", POSTS, upload_empty},
    {"/api/convex/upload", POSTS, upload_empty},
    {"/api/storage/upload", POSTS, upload_empty},
    {"/api/uploads", POSTS, upload_tus},
    {"/api/uploads/", POSTS | 1 << HTTP_HEAD | 1 << HTTP_PATCH | 1 << HTTP_DELETE, upload_tus},
    {"/api/storage/", GETS, files_get},
    {"/api/files/", GETS, files_get_signed},
    {"/api/download", POSTS, archives_post},
    {"/api/download/", GETS, archives_get},
    {"/api/certificates/", GETS, certificates_get},
    {"/api/webhooks/provider/", POSTS, webhooks_provider},
    {"/api/webhooks/replicate", POSTS, webhooks_replicate},
    {"/clerk-webhook", POSTS, webhooks_clerk},
    {"/api/clerk-webhook", POSTS, webhooks_clerk},
    {"/api/webhooks/clerk", POSTS, webhooks_clerk},
    {"/api/webhooks/stripe", POSTS, webhooks_stripe},
    {"/api/webhooks/polar", POSTS, webhooks_polar},
    {"/api/debug_event", POSTS, operations_debug_event},
    {"/api/version", GETS, operations_version},
    {"/version", GETS, operations_version},
    {"/instance_name", GETS, operations_name},
    {"/instance_version", GETS, operations_version},
    {"/healthz", GETS, operations_health},
    {"/readyz", GETS, operations_ready},
    {"/metrics", GETS, operations_metrics},
};

static bool fits(const struct route *route, str path)
{
    str at = str_of(route->path);
    return str_ends(at, STR("/")) ? str_starts(path, at) : str_equal(path, at);
}

/* "/api/sync" and "/api/<any version>/sync". */
static bool is_sync(str path)
{
    if (str_equal(path, STR("/api/sync")))
        return true;
    if (!str_starts(path, STR("/api/")) || !str_ends(path, STR("/sync")))
        return false;
    return path.len > 10 && str_find(str_slice(path, 5, path.len - 5), '/') < 0;
}

/*
 * The "site" of a Convex deployment, where HTTP actions live, is this same origin: every address
 * that is neither the API's nor a page's, and all of them again below /http/. Its functions set
 * their own CORS headers, so none are added. There are no such functions yet.
 */
static void site_request(struct exchange *exchange)
{
    const struct http_header headers[] = {{STR("Content-Type"), STR("text/plain; charset=utf-8")}};
    http_answer(exchange, 404, headers, ARRAY_LEN(headers), STR("No matching routes found"));
}

static bool is_api(str path)
{
    return str_starts(path, STR("/api/")) || str_starts(path, STR("/.well-known/"));
}

static bool is_site(const struct http_request *request, str path)
{
    bool is_reading = request->method == HTTP_GET || request->method == HTTP_HEAD;
    return str_starts(path, STR("/http/")) || (!is_reading && !is_api(path));
}

static void dispatch(struct front *front, struct exchange *exchange,
                     const struct http_request *request, str path)
{
    /* The operator's addresses and the pages cost nothing to speak of. */
    bool is_call = str_starts(path, STR("/api/"));
    if (is_call && shed_is_short(front, front->shortage == SHORT_FOR_STRANGERS &&
                                            route_is_known(front, request))) {
        answer_overload(exchange);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!fits(&routes[i], path))
            continue;
        if (routes[i].methods >> request->method & 1)
            routes[i].handle(front, exchange, request);
        else
            answer_error(exchange, 405, "MethodNotAllowed",
                         STR("This address does not take this method."), NULL);
        return;
    }
    if (str_starts(path, STR("/api/")))
        answer_error(exchange, 404, "NotFound", STR("There is nothing at this address."), NULL);
    else if (is_site(request, path))
        site_request(exchange);
    else
        pages_get(front, exchange, request);
}

void route_request(void *app, struct exchange *exchange, const struct http_request *request)
{
    struct front *front = app;
    str path = request->path;
    /* A client whose address ends with a slash asks for "//api/…". */
    while (str_starts(path, STR("//")))
        path = str_slice(path, 1, path.len);

    if (is_sync(path) && (request->method == HTTP_GET || http_wants_upgrade(request))) {
        sync_accept(front, exchange);
    } else if (request->method == HTTP_OPTIONS && str_starts(path, STR("/api/uploads"))) {
        upload_tus(front, exchange, request);
    } else if (request->method == HTTP_OPTIONS &&
               (is_api(path) || str_equal(path, STR("/upload")))) {
        struct http_header headers[CORS_HEADERS_MAX];
        http_answer(exchange, 204, headers, cors_headers(exchange, headers), (str){0});
    } else {
        struct http_request plain = *request; /* the handlers read the path, too */
        plain.path = path;
        dispatch(front, exchange, &plain, path);
    }
}

/* ---- refusals ---- */

static const struct refusal {
    int status;
    const char *code, *message;
} refusals[] = {
    {408, "RequestTimeout", "The request did not come within its time."},
    {413, "BodyTooLarge", "The body is larger than 16 MiB, which is the most there can be."},
    {503, "TooManyConcurrentRequests", "The server is busy. Try again in a moment."},
};

void route_refuse(void *app, struct exchange *exchange, int status)
{
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        if (refusals[i].status == status) {
            answer_error(exchange, status, refusals[i].code, str_of(refusals[i].message), NULL);
            return;
        }
    answer_error(exchange, status, "BadRequest", str_of(http_status_text(status)), NULL);
}

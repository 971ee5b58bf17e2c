/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwt.h"

#include "base/encode.h"
#include "base/planted.h"

#include <stdarg.h>
#include <stdio.h>

#define YEAR_9999_SECONDS 253402300799.0

bool auth_fail(struct auth_failure *failure, enum auth_failure_kind kind, const char *code,
               const char *format, ...)
{
    failure->kind = kind;
    failure->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(failure->text, sizeof(failure->text), format, args);
    va_end(args);
    return false;
}

#define BAD(...)                                                                                   \
    auth_fail(failure, AUTH_BAD, "InvalidAuthHeader", "Could not parse the token: " __VA_ARGS__)

str issuer_plain(struct arena *arena, str issuer)
{
    while (str_ends(issuer, STR("/")))
        issuer.len--;
    if (str_contains(issuer, STR("://")))
        return str_copy(arena, issuer);
    return str_format(arena, "https://%.*s", STR_ARG(issuer));
}

static bool read_part(struct arena *arena, str part, struct json *out)
{
    bytes raw;
    return part.len != 0 && base64url_read(arena, part, &raw) &&
           json_read(arena, str_from(raw), 0, out, NULL) && out->kind == JSON_OBJECT;
}

static bool take_apart(struct jwt *jwt, str text, struct auth_failure *failure)
{
    if (text.len > TOKEN_TEXT_MAX)
        return BAD("it is longer than 16 KiB.");
    str payload, head, rest = text;
    if (!str_split(&rest, '.', &head) || !str_split(&rest, '.', &payload) ||
        str_find(rest, '.') >= 0 || rest.len == 0)
        return BAD("it does not have three parts.");

    jwt->signed_part = str_slice(text, 0, head.len + 1 + payload.len);
    if (!read_part(&jwt->arena, head, &jwt->head))
        return BAD("its header is not base64url of a JSON object.");
    if (!read_part(&jwt->arena, payload, &jwt->payload))
        return BAD("its payload is not base64url of a JSON object.");
    if (!base64url_read(&jwt->arena, rest, &jwt->signature))
        return BAD("its signature is not base64url.");
    return true;
}

static bool read_head(struct jwt *jwt, struct auth_failure *failure)
{
    str name = json_text(json_get(&jwt->head, "alg"));
    str shown = utf8_cut(name, 20);
    jwt->algorithm = algorithm_of(name);
    if (jwt->algorithm == ALGORITHM_NONE)
        return BAD("algorithm \"%.*s\" is not accepted; sign with RS256, ES256 or EdDSA.",
                   STR_ARG(shown));
    if (json_get(&jwt->head, "crit")->kind != JSON_NONE)
        return BAD("it demands extensions (\"crit\") that are not known here.");
    return true;
}

/* Seconds, perhaps with a fraction; absurd ones are cut so that they cannot overflow. */
static bool read_time(const struct jwt *jwt, const char *name, instant *out)
{
    const struct json *value = json_get(&jwt->payload, name);
    if (value->kind != JSON_INT && value->kind != JSON_NUMBER)
        return false;
    double seconds = value->kind == JSON_INT ? (double)value->integer : value->number;
    seconds = MAX_OF(MIN_OF(seconds, YEAR_9999_SECONDS), 0.0);
    *out = (instant){(int64_t)(seconds * 1e6)};
    return true;
}

/* An optional time: absent, or a number. */
static bool read_maybe_time(const struct jwt *jwt, const char *name, instant *out)
{
    return json_get(&jwt->payload, name)->kind == JSON_NONE || read_time(jwt, name, out);
}

bool jwt_read(struct jwt *jwt, str token, struct auth_failure *failure)
{
    if (!take_apart(jwt, token, failure) || !read_head(jwt, failure))
        return false;
    jwt->issuer = json_text(json_get(&jwt->payload, "iss"));
    jwt->subject = json_text(json_get(&jwt->payload, "sub"));
    if (jwt->issuer.len == 0)
        return BAD("it has no issuer (\"iss\").");
    if (jwt->subject.len == 0)
        return BAD("it has no subject (\"sub\").");
    if (!read_time(jwt, "exp", &jwt->expires_at))
        return BAD("it has no expiry (\"exp\").");
    if (!read_maybe_time(jwt, "nbf", &jwt->not_before))
        return BAD("its start (\"nbf\") is not a number.");
    if (!read_maybe_time(jwt, "iat", &jwt->issued_at))
        return BAD("its time of issue (\"iat\") is not a number.");
    return true;
}

bool jwt_is_for(const struct jwt *jwt, str application_id)
{
    const struct json *audience = json_get(&jwt->payload, "aud");
    if (audience->kind == JSON_TEXT)
        return str_equal(audience->text, application_id);
    if (audience->kind != JSON_LIST)
        return false;
    for (size_t i = 0; i < audience->count; i++)
        if (audience->items[i].kind == JSON_TEXT &&
            str_equal(audience->items[i].text, application_id))
            return true;
    return false;
}

bool jwt_fits(const struct jwt *jwt, const struct issuer *row, struct auth_failure *failure)
{
    enum token_algorithm used = jwt->algorithm;
    bool is_taken = row->kind == ISSUER_CUSTOM ? used == row->algorithm
                                               : used == ALGORITHM_RS256 || used == ALGORITHM_EDDSA;
    if (!is_taken)
        return BAD("its issuer may not sign with %s.", algorithm_name(used).at);
    const struct json *audience = json_get(&jwt->payload, "aud");
    if (row->kind == ISSUER_OIDC && audience->kind == JSON_LIST && audience->count != 1)
        return BAD("it has several audiences; an OIDC token may have one.");
    return true;
}

bool token_has_not_expired(instant expires_at, instant now, struct auth_failure *failure)
{
    if (instant_is_before(now, instant_add(expires_at, TOKEN_LEEWAY)) || PLANTED(expired_accepted))
        return true;
    return auth_fail(failure, AUTH_EXPIRED, "InvalidAuthHeader",
                     "The token has expired. Sign in again or ask for a new token.");
}

bool jwt_is_in_time(const struct jwt *jwt, instant now, struct auth_failure *failure)
{
    if (instant_is_before(instant_add(now, TOKEN_LEEWAY), jwt->not_before))
        return auth_fail(failure, AUTH_BAD, "InvalidAuthHeader",
                         "The token is not valid yet. Check the clocks of issuer and server.");
    return token_has_not_expired(jwt->expires_at, now, failure);
}

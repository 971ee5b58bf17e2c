/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/claims.h"

#include <string.h>

/* Each text with its length in front, so that no two identities write the same bytes. */
static struct hash128 identity_hash(struct arena *arena, str issuer, str subject, str claims)
{
    str all = str_format(arena, "%zu:%zu:%.*s%.*s%.*s", issuer.len, subject.len, STR_ARG(issuer),
                         STR_ARG(subject), STR_ARG(claims));
    return hash128_bytes(all.at, all.len);
}

static str place(char **at, str text)
{
    str placed = {*at, text.len};
    if (text.len != 0)
        memcpy(*at, text.at, text.len);
    *at += text.len;
    return placed;
}

/* One allocation of exactly what it needs: a server keeps one for each signed-in socket. */
static struct identity *pack(const struct identity *from)
{
    size_t text = from->issuer.len + from->subject.len + from->token_identifier.len +
                  from->claims.len + from->email.len + from->name.len + from->picture.len;
    struct identity *identity = memory_new(sizeof(*identity) + text);
    memcpy(identity, from, sizeof(*identity));
    char *at = (char *)(identity + 1);
    identity->issuer = place(&at, from->issuer);
    identity->subject = place(&at, from->subject);
    identity->token_identifier = place(&at, from->token_identifier);
    identity->claims = place(&at, from->claims);
    identity->email = place(&at, from->email);
    identity->name = place(&at, from->name);
    identity->picture = place(&at, from->picture);
    atomic_init(&identity->count, 1);
    return identity;
}

struct identity *identity_new(const struct claims *claims)
{
    struct arena arena = {0};
    const struct json *payload = claims->payload;
    struct identity made = {
        .issuer = claims->issuer,
        .subject = claims->subject,
        .email = claims->email,
        .name = claims->name,
        .issuer_row = claims->issuer_row,
        .is_ours = claims->is_ours,
        .issued_at = claims->issued_at,
        .expires_at = claims->expires_at,
    };
    if (payload != NULL) {
        made.email = json_text(json_get(payload, "email"));
        made.name = json_text(json_get(payload, "name"));
        made.picture = json_text(json_get(payload, "picture"));
        made.email_is_verified = json_bool(json_get(payload, "email_verified"), false);
    }
    made.token_identifier =
        str_format(&arena, "%.*s|%.*s", STR_ARG(claims->issuer), STR_ARG(claims->subject));
    made.claims = claims_write(&arena, claims, made.token_identifier);
    made.hash = identity_hash(&arena, made.issuer, made.subject, made.claims);
    struct identity *identity = pack(&made);
    arena_done(&arena);
    return identity;
}

struct identity *identity_make(str issuer, str subject, str email, str name, instant expires_at)
{
    return identity_new(&(struct claims){
        .kind = ISSUER_OIDC,
        .issuer = issuer,
        .subject = subject,
        .email = email,
        .name = name,
        .is_ours = true,
        .expires_at = expires_at,
    });
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/claims.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* OIDC's standard claims that Convex renames; the rest keep their names. */
static const struct {
    const char *token, *shown;
} renamed[] = {
    {"given_name", "givenName"},
    {"family_name", "familyName"},
    {"preferred_username", "preferredUsername"},
    {"profile", "profileUrl"},
    {"picture", "pictureUrl"},
    {"website", "websiteUrl"},
    {"email_verified", "emailVerified"},
    {"birthdate", "birthday"},
    {"zoneinfo", "timezone"},
    {"locale", "language"},
    {"phone_number", "phoneNumber"},
    {"phone_number_verified", "phoneNumberVerified"},
};

/* The token's own bookkeeping. */
static const char *const left_out[] = {"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "fva"};

struct members {
    struct json *list;
    size_t count, room;
};

/* At least as many as add() will be called for, flattened or not. */
static size_t leaves(const struct json *object)
{
    size_t count = object->count;
    for (size_t i = 0; i < object->count; i++)
        if (object->items[i].kind == JSON_OBJECT)
            count += leaves(&object->items[i]);
    return count;
}

static bool is_left_out(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
        if (str_equal(name, str_of(left_out[i])))
            return true;
    return false;
}

/* The first of a name stays: no claim can take the place of issuer or subject. */
static void add(struct members *members, str key, struct json value)
{
    if (members->count == members->room || key.len == 0 || key.at[0] == '$')
        return;
    for (size_t i = 0; i < members->count; i++)
        if (str_equal(members->list[i].key, key))
            return;
    value.key = key;
    if (value.kind == JSON_LIST || value.kind == JSON_OBJECT) {
        if (!convex_value_check(&value, NULL))
            return;
    }
    members->list[members->count++] = value;
}

static void add_text(struct members *members, const char *key, str text)
{
    add(members, str_of(key), (struct json){.kind = JSON_TEXT, .text = text});
}

/* Seconds since the epoch become RFC 3339; a text is passed on. */
static struct json updated_at(struct arena *arena, const struct json *value)
{
    double seconds = value->kind == JSON_INT ? (double)value->integer : json_number(value, -1);
    if (value->kind == JSON_TEXT || !(seconds >= 0 && seconds < 253402300800.0))
        return *value;
    time_t whole = (time_t)seconds;
    struct tm parts;
    gmtime_r(&whole, &parts);
    char *text = arena_alloc(arena, 32);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%S+00:00", &parts);
    return (struct json){.kind = JSON_TEXT, .text = str_of(text)};
}

static str shown_name(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(renamed); i++)
        if (str_equal(name, str_of(renamed[i].token)))
            return str_of(renamed[i].shown);
    return name;
}

static void add_oidc(struct arena *arena, struct members *members, const struct json *payload)
{
    for (size_t i = 0; i < payload->count; i++) {
        const struct json *claim = &payload->items[i];
        if (is_left_out(claim->key))
            continue;
        if (str_equal(claim->key, STR("updated_at")))
            add(members, STR("updatedAt"), updated_at(arena, claim));
        else if (str_equal(claim->key, STR("address")) && claim->kind == JSON_OBJECT)
            add_text(members, "address", json_text(json_get(claim, "formatted")));
        else
            add(members, shown_name(claim->key), *claim);
    }
}

/* The JSON reader's limit on depth bounds the recursion. */
static void add_flat(struct arena *arena, struct members *members, const struct json *object,
                     str prefix)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct json *claim = &object->items[i];
        if (prefix.len == 0 && is_left_out(claim->key))
            continue;
        str key = prefix.len == 0
                      ? claim->key
                      : str_format(arena, "%.*s.%.*s", STR_ARG(prefix), STR_ARG(claim->key));
        if (claim->kind == JSON_OBJECT && claim->key.len != 0)
            add_flat(arena, members, claim, key);
        else
            add(members, key, *claim);
    }
}

str claims_write(struct arena *arena, const struct claims *claims, str token_identifier)
{
    size_t wanted = 5 + (claims->payload == NULL ? 0 : leaves(claims->payload));
    struct members own = {.room = MIN_OF(wanted, (size_t)CLAIMS_MAX)};
    struct members *members = &own;
    members->list = arena_array(arena, struct json, members->room);
    add_text(members, "issuer", claims->issuer);
    add_text(members, "subject", claims->subject);
    add_text(members, "tokenIdentifier", token_identifier);
    if (claims->payload == NULL) {
        if (claims->email.len != 0)
            add_text(members, "email", claims->email);
        if (claims->name.len != 0)
            add_text(members, "name", claims->name);
    } else if (claims->kind == ISSUER_CUSTOM) {
        add_flat(arena, members, claims->payload, STR(""));
    } else {
        add_oidc(arena, members, claims->payload);
    }

    struct json object = {.kind = JSON_OBJECT, .items = members->list, .count = members->count};
    struct buffer text = {0};
    json_write_canonical(&text, &object);
    str copy = str_copy(arena, buffer_text(&text));
    buffer_done(&text);
    return copy;
}

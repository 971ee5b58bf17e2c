/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/verify.h"

#include "auth/claims.h"
#include "auth/jwt.h"

#include <pthread.h>
#include <string.h>

#define REMEMBERED_SETS 256
#define REMEMBERED_WAYS 4
#define REMEMBERED_CLAIMS_MAX KIB(4) /* larger ones are checked each time: 4 MiB in all */

/* A row and its keys; generation grows whenever the keys change. */
struct source {
    struct issuer row;
    str plain; /* the issuer with its scheme, without trailing slashes */
    struct key_set *keys;
    uint64_t generation;
};

/* A token that was verified, by the SHA-256 of its text. */
struct remembered {
    uint8_t hash[32];
    struct identity *identity; /* NULL: free */
};

struct verifier {
    pthread_mutex_t lock; /* of keys, generations, remembered */
    struct arena arena;
    size_t count;
    struct source sources[ISSUERS_MAX];
    struct issuer rows[ISSUERS_MAX];
    verifier_wants_keys *ask;
    void *context;
    unsigned turn; /* which place gives way next */
    struct remembered remembered[REMEMBERED_SETS][REMEMBERED_WAYS];
};

static bool row_is_sound(const struct issuer *row, struct fault *fault)
{
    if (row->issuer.len == 0)
        return fault_set(fault, FAULT_INPUT, "an issuer needs its address");
    if (row->kind == ISSUER_OIDC && row->application_id.len == 0)
        return fault_set(fault, FAULT_INPUT, "issuer %.*s: an OIDC issuer needs an application id",
                         STR_ARG(row->issuer));
    if (row->kind == ISSUER_CUSTOM && row->algorithm != ALGORITHM_RS256 &&
        row->algorithm != ALGORITHM_ES256)
        return fault_set(fault, FAULT_INPUT,
                         "issuer %.*s: the algorithm of a custom issuer is RS256 or ES256",
                         STR_ARG(row->issuer));
    if ((row->kind == ISSUER_CUSTOM || row->kind == ISSUER_POSTS) && row->jwks.len == 0)
        return fault_set(fault, FAULT_INPUT, "issuer %.*s: a custom issuer needs a JWKS URL",
                         STR_ARG(row->issuer));
    return true;
}

struct verifier *verifier_new(const struct issuer *issuers, size_t count, struct fault *fault)
{
    if (count > ISSUERS_MAX) {
        fault_set(fault, FAULT_INPUT, "there are more than %d issuers", ISSUERS_MAX);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (!row_is_sound(&issuers[i], fault))
            return NULL;

    struct verifier *verifier = memory_zeroed(sizeof(*verifier));
    pthread_mutex_init(&verifier->lock, NULL);
    verifier->count = count;
    for (size_t i = 0; i < count; i++) {
        struct issuer *row = &verifier->rows[i];
        *row = issuers[i];
        row->issuer = str_copy(&verifier->arena, row->issuer);
        row->application_id = str_copy(&verifier->arena, row->application_id);
        row->jwks = str_copy(&verifier->arena, row->jwks);
        verifier->sources[i].row = *row;
        verifier->sources[i].plain = issuer_plain(&verifier->arena, row->issuer);
    }
    return verifier;
}

static void forget_row(struct verifier *verifier, size_t row)
{
    for (size_t i = 0; i < REMEMBERED_SETS; i++)
        for (size_t j = 0; j < REMEMBERED_WAYS; j++) {
            struct remembered *place = &verifier->remembered[i][j];
            if (place->identity != NULL && place->identity->issuer_row == row) {
                identity_drop(place->identity);
                *place = (struct remembered){0};
            }
        }
}

void verifier_free(struct verifier *verifier)
{
    if (verifier == NULL)
        return;
    for (size_t i = 0; i < verifier->count; i++) {
        forget_row(verifier, i);
        key_set_drop(verifier->sources[i].keys);
    }
    arena_done(&verifier->arena);
    pthread_mutex_destroy(&verifier->lock);
    free(verifier);
}

void verifier_on_missing_keys(struct verifier *verifier, verifier_wants_keys *ask, void *context)
{
    verifier->ask = ask;
    verifier->context = context;
}

void verifier_set_keys(struct verifier *verifier, size_t issuer_row, struct key_set *keys)
{
    assert(issuer_row < verifier->count);
    struct source *source = &verifier->sources[issuer_row];
    pthread_mutex_lock(&verifier->lock);
    struct key_set *before = source->keys;
    source->keys = keys;
    source->generation++;
    forget_row(verifier, issuer_row);
    pthread_mutex_unlock(&verifier->lock);
    key_set_drop(before);
}

const struct issuer *verifier_issuers(const struct verifier *verifier, size_t *count)
{
    *count = verifier->count;
    return verifier->rows;
}

static struct remembered *places(struct verifier *verifier, const uint8_t hash[32])
{
    return verifier->remembered[hash[0] % REMEMBERED_SETS];
}

static struct identity *recall(struct verifier *verifier, const uint8_t hash[32])
{
    struct identity *identity = NULL;
    pthread_mutex_lock(&verifier->lock);
    struct remembered *place = places(verifier, hash);
    for (size_t i = 0; i < REMEMBERED_WAYS && identity == NULL; i++)
        if (place[i].identity != NULL && memcmp(place[i].hash, hash, 32) == 0)
            identity = identity_keep(place[i].identity);
    pthread_mutex_unlock(&verifier->lock);
    return identity;
}

/* Unless the keys changed while the signature was checked. */
static void remember(struct verifier *verifier, const uint8_t hash[32], struct identity *identity,
                     uint64_t generation)
{
    pthread_mutex_lock(&verifier->lock);
    if (verifier->sources[identity->issuer_row].generation == generation &&
        identity->claims.len <= REMEMBERED_CLAIMS_MAX) {
        struct remembered *place = &places(verifier, hash)[verifier->turn++ % REMEMBERED_WAYS];
        identity_drop(place->identity);
        memcpy(place->hash, hash, 32);
        place->identity = identity_keep(identity);
    }
    pthread_mutex_unlock(&verifier->lock);
}

/* The part of a row's keys that a check needs, taken under the lock. */
static struct key_set *keys_of(struct verifier *verifier, size_t row, uint64_t *generation)
{
    pthread_mutex_lock(&verifier->lock);
    struct key_set *keys = key_set_keep(verifier->sources[row].keys);
    *generation = verifier->sources[row].generation;
    pthread_mutex_unlock(&verifier->lock);
    return keys;
}

/* The first row whose issuer it names and whose application it is for. */
static bool choose_row(struct verifier *verifier, struct jwt *jwt, size_t *row,
                       struct auth_failure *failure)
{
    str plain = issuer_plain(&jwt->arena, jwt->issuer);
    for (size_t i = 0; i < verifier->count; i++) {
        const struct source *source = &verifier->sources[i];
        if (source->row.kind != ISSUER_POSTS && str_equal(source->plain, plain) &&
            (source->row.application_id.len == 0 || jwt_is_for(jwt, source->row.application_id))) {
            *row = i;
            return true;
        }
    }
    str shown = utf8_cut(jwt->issuer, 100);
    return auth_fail(failure, AUTH_NO_PROVIDER, "NoAuthProvider",
                     "No auth provider found matching the given token: none of the %zu configured "
                     "has issuer \"%.*s\" and an application id in its audience.",
                     verifier->count, STR_ARG(shown));
}

/* Are the keys on their way, or not to be had just now? */
static bool is_transient(struct verifier *verifier, const struct key_set *keys, size_t row)
{
    if (verifier->sources[row].row.is_ours)
        return false;
    bool coming = verifier->ask != NULL && verifier->ask(verifier->context, row);
    return keys == NULL || coming;
}

static bool signature_is_right(struct verifier *verifier, const struct jwt *jwt, size_t row,
                               const struct key_set *keys, struct auth_failure *failure)
{
    str kid = json_text(json_get(&jwt->head, "kid"));
    const struct public_key *key = keys == NULL ? NULL : key_set_find(keys, kid, jwt->algorithm);
    if (key == NULL && is_transient(verifier, keys, row))
        return auth_fail(failure, AUTH_KEYS_NOT_YET, "AuthProviderUnavailable",
                         "The keys of the token's issuer are not here yet. Try again in a moment.");
    if (key == NULL)
        return auth_fail(failure, AUTH_BAD, "InvalidAuthHeader",
                         "Could not verify the token: its issuer has no such %s key.",
                         algorithm_name(jwt->algorithm).at);
    if (!key_verifies(key, bytes_of(jwt->signed_part), jwt->signature))
        return auth_fail(failure, AUTH_BAD, "InvalidAuthHeader",
                         "Could not verify the token: its signature is wrong.");
    return true;
}

static struct identity *verify(struct verifier *verifier, struct jwt *jwt, str token, instant now,
                               uint64_t *generation, struct auth_failure *failure)
{
    size_t row = 0;
    if (!jwt_read(jwt, token, failure) || !choose_row(verifier, jwt, &row, failure) ||
        !jwt_fits(jwt, &verifier->rows[row], failure))
        return NULL;

    struct key_set *keys = keys_of(verifier, row, generation);
    bool right = signature_is_right(verifier, jwt, row, keys, failure);
    key_set_drop(keys);
    if (!right || !jwt_is_in_time(jwt, now, failure))
        return NULL;

    return identity_new(&(struct claims){
        .kind = verifier->rows[row].kind,
        .payload = &jwt->payload,
        .issuer = jwt->issuer,
        .subject = jwt->subject,
        .issued_at = jwt->issued_at,
        .expires_at = jwt->expires_at,
        .issuer_row = row,
        .is_ours = verifier->rows[row].is_ours,
    });
}

struct identity *verifier_check(struct verifier *verifier, str token, instant now,
                                struct auth_failure *failure)
{
    *failure = (struct auth_failure){0};
    uint8_t hash[32];
    hash256_bytes(bytes_of(str_slice(token, 0, TOKEN_TEXT_MAX + 1)), hash);
    struct identity *known = recall(verifier, hash);
    if (known != NULL) {
        if (token_has_not_expired(known->expires_at, now, failure))
            return known;
        identity_drop(known);
        return NULL;
    }

    struct jwt jwt = {0};
    uint64_t generation;
    struct identity *identity = verify(verifier, &jwt, token, now, &generation, failure);
    arena_done(&jwt.arena);
    if (identity != NULL)
        remember(verifier, hash, identity, generation);
    return identity;
}

/* ---- keys of postings ---- */

static bool find_posts(const struct verifier *verifier, str issuer, size_t *row)
{
    for (*row = 0; *row < verifier->count; ++*row)
        if (verifier->rows[*row].kind == ISSUER_POSTS &&
            str_equal(verifier->rows[*row].issuer, issuer))
            return true;
    return false;
}

str verifier_posting_keys(struct verifier *verifier, struct arena *arena, str issuer)
{
    size_t row;
    uint64_t generation;
    if (!find_posts(verifier, issuer, &row))
        return (str){0};
    struct key_set *keys = keys_of(verifier, row, &generation);
    str text = key_set_write_ed25519(arena, keys);
    key_set_drop(keys);
    return text;
}

bool verifier_wants_posting_keys(struct verifier *verifier, str issuer)
{
    size_t row;
    return find_posts(verifier, issuer, &row) && verifier->ask != NULL &&
           verifier->ask(verifier->context, row);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens, JWKS documents and data: URLs. The bytes are tried as each of them; and cut at the first
 * line end they become header and payload of a token with a right signature, so that what comes
 * after the signature is reached too. No token verifies that this file did not sign.
 */
#include <assert.h>

#include "auth/jwks_cache.h"
#include "auth/verify.h"
#include "base/encode.h"
#include "json/json.h"

#include <openssl/evp.h>
#include <string.h>

#include "fuzz.h"

#define NOW ((instant){1800000000000000LL})

static const struct issuer rows[] = {
    {.kind = ISSUER_OIDC, .issuer = STR("https://a.example"), .application_id = STR("convex")},
    {.kind = ISSUER_CUSTOM,
     .issuer = STR("b.example"),
     .algorithm = ALGORITHM_ES256,
     .jwks = STR("https://b.example/keys")},
};

static EVP_PKEY *pair;
static struct verifier *verifier;

static void start(void)
{
    static const uint8_t seed[32] = {1, 2, 3};
    struct arena arena = {0};
    uint8_t raw[32];
    size_t len = sizeof(raw);
    pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
    EVP_PKEY_get_raw_public_key(pair, raw, &len);
    str x = base64url_write(&arena, (bytes){raw, len});
    str jwks = str_format(&arena,
                          "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\","
                          "\"x\":\"%.*s\"}]}",
                          STR_ARG(x));
    verifier = verifier_new(rows, ARRAY_LEN(rows), NULL);
    verifier_set_keys(verifier, 0, key_set_read(jwks, NULL));
    verifier_set_keys(verifier, 1, key_set_read(jwks, NULL));
    arena_done(&arena);
}

static struct identity *check(str token)
{
    struct auth_failure failure;
    struct identity *identity = verifier_check(verifier, token, NOW, &failure);
    assert((identity == NULL) == (failure.kind != AUTH_FAILURE_NONE));
    return identity;
}

/* Whatever the issuer wrote, the caller sees a JSON object whose first names are ours. */
static void look_at(struct arena *arena, const struct identity *identity)
{
    struct json claims;
    bool read = json_read(arena, identity->claims, 0, &claims, NULL);
    assert(read && claims.kind == JSON_OBJECT);
    assert(str_equal(json_text(json_get(&claims, "issuer")), identity->issuer));
    assert(str_equal(json_text(json_get(&claims, "subject")), identity->subject));
    assert(identity->subject.len > 0 && identity->expires_at.us > NOW.us - TOKEN_LEEWAY.us);
    str both =
        str_format(arena, "%.*s|%.*s", STR_ARG(identity->issuer), STR_ARG(identity->subject));
    assert(str_equal(json_text(json_get(&claims, "tokenIdentifier")), both));
}

static void try_signed(struct arena *arena, str text)
{
    str payload = text, head;
    if (!str_split(&payload, '\n', &head))
        return;
    str left = base64url_write(arena, bytes_of(head));
    str right = base64url_write(arena, bytes_of(payload));
    str message = str_format(arena, "%.*s.%.*s", STR_ARG(left), STR_ARG(right));
    uint8_t signature[64];
    size_t len = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, NULL, NULL, NULL, pair);
    EVP_DigestSign(context, signature, &len, (const uint8_t *)message.at, message.len);
    EVP_MD_CTX_free(context);

    str end = base64url_write(arena, (bytes){signature, len});
    str token = str_format(arena, "%.*s.%.*s", STR_ARG(message), STR_ARG(end));
    struct identity *first = check(token);
    struct identity *again = check(token); /* remembered */
    assert((first == NULL) == (again == NULL));
    if (first != NULL)
        look_at(arena, first);
    identity_drop(first);
    identity_drop(again);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    str text = {(const char *)data, size};
    if (verifier == NULL)
        start();

    struct identity *forged = check(text);
    assert(forged == NULL);
    key_set_drop(key_set_read(text, NULL));
    str document;
    if (data_url_read(&arena, text, &document))
        key_set_drop(key_set_read(document, NULL));
    try_signed(&arena, text);
    return 0;
}

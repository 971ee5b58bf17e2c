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

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <string.h>

#include "fuzz.h"

#define NOW ((instant){1800000000000000LL})
#define LATER ((instant){1900000000000000LL})

static const struct issuer rows[] = {
    {.kind = ISSUER_OIDC, .issuer = STR("https://a.example"), .application_id = STR("convex")},
    {.kind = ISSUER_CUSTOM,
     .issuer = STR("b.example"),
     .algorithm = ALGORITHM_ES256,
     .jwks = STR("https://b.example/keys")},
    {.kind = ISSUER_OIDC, .issuer = STR("https://c.example"), .application_id = STR("convex")},
};

static EVP_PKEY *pair, *curve; /* Ed25519 and P-256 */
static struct verifier *verifier;

static str coordinate(struct arena *arena, const char *name)
{
    uint8_t raw[32];
    BIGNUM *number = NULL;
    EVP_PKEY_get_bn_param(curve, name, &number);
    BN_bn2binpad(number, raw, sizeof(raw));
    BN_free(number);
    return base64url_write(arena, (bytes){raw, sizeof(raw)});
}

static str jwks_of(struct arena *arena)
{
    uint8_t raw[32];
    size_t len = sizeof(raw);
    EVP_PKEY_get_raw_public_key(pair, raw, &len);
    str key = base64url_write(arena, (bytes){raw, len});
    str x = coordinate(arena, OSSL_PKEY_PARAM_EC_PUB_X);
    str y = coordinate(arena, OSSL_PKEY_PARAM_EC_PUB_Y);
    return str_format(arena,
                      "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\","
                      "\"x\":\"%.*s\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","
                      "\"x\":\"%.*s\",\"y\":\"%.*s\"}]}",
                      STR_ARG(key), STR_ARG(x), STR_ARG(y));
}

static bool fetch(void *context, size_t row)
{
    return row == 2;
}

static void start(void)
{
    static const uint8_t seed[32] = {1, 2, 3};
    struct arena arena = {0};
    pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
    curve = EVP_EC_gen("P-256");
    str jwks = jwks_of(&arena);
    verifier = verifier_new(rows, ARRAY_LEN(rows), NULL);
    verifier_set_keys(verifier, 0, key_set_read(jwks, NULL));
    verifier_set_keys(verifier, 1, key_set_read(jwks, NULL));
    verifier_on_missing_keys(verifier, fetch, NULL);
    arena_done(&arena);
}

static struct identity *check(str token, instant now)
{
    struct auth_failure failure;
    struct identity *identity = verifier_check(verifier, token, now, &failure);
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

/* As JWT has it: two numbers beside each other, not a DER sequence of them. */
static size_t plain_signature(const uint8_t *der, size_t len, uint8_t out[64])
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32);
    ECDSA_SIG_free(signature);
    return 64;
}

static size_t sign(str head, str message, uint8_t out[64])
{
    bool is_curve = str_contains(head, STR("ES256"));
    uint8_t made[128];
    size_t len = sizeof(made);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, NULL, is_curve ? EVP_sha256() : NULL, NULL,
                       is_curve ? curve : pair);
    EVP_DigestSign(context, made, &len, (const uint8_t *)message.at, message.len);
    EVP_MD_CTX_free(context);
    if (is_curve)
        return plain_signature(made, len, out);
    memcpy(out, made, 64);
    return 64;
}

static str token_of(struct arena *arena, str message, const uint8_t *signature, size_t len)
{
    str end = base64url_write(arena, (bytes){signature, len});
    return str_format(arena, "%.*s.%.*s", STR_ARG(message), STR_ARG(end));
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
    size_t len = sign(head, message, signature);
    str token = token_of(arena, message, signature, len);
    struct identity *first = check(token, NOW);
    struct identity *again = check(token, NOW); /* remembered */
    assert((first == NULL) == (again == NULL));
    if (first != NULL)
        look_at(arena, first);
    if (first != NULL && first->expires_at.us < LATER.us - TOKEN_LEEWAY.us)
        assert(check(token, LATER) == NULL); /* remembered, and over */
    identity_drop(first);
    identity_drop(again);
    signature[text.len % len] ^= 1;
    assert(check(token_of(arena, message, signature, len), NOW) == NULL);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    str text = {(const char *)data, size};
    if (verifier == NULL)
        start();

    struct identity *forged = check(text, NOW);
    assert(forged == NULL);
    key_set_drop(key_set_read(text, NULL));
    str document;
    if (data_url_read(&arena, text, &document))
        key_set_drop(key_set_read(document, NULL));
    try_signed(&arena, text);
    return 0;
}

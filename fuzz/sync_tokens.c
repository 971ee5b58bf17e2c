/* SPDX-License-Identifier: Apache-2.0 */
#include "sync_tokens.h"

#include "base/encode.h"

#include <openssl/evp.h>

static const struct issuer issuers[] = {
    {.kind = ISSUER_OIDC, .issuer = STR("https://a.example"), .application_id = STR("convex")},
};

struct signing {
    struct arena *arena;
    instant now;
    EVP_PKEY *pair;
};

static str sign(const struct signing *signing, const char *subject, span expires,
                const char *audience)
{
    uint8_t signature[64];
    size_t len = sizeof(signature);
    str head = STR("{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"k\"}");
    str claims = str_format(signing->arena,
                            "{\"iss\":\"https://a.example\",\"sub\":\"%s\",\"aud\":\"%s\","
                            "\"iat\":1799999000,\"exp\":%lld}",
                            subject, audience, (long long)(signing->now.us + expires.us) / 1000000);
    str left = base64url_write(signing->arena, bytes_of(head));
    str right = base64url_write(signing->arena, bytes_of(claims));
    str message = str_format(signing->arena, "%.*s.%.*s", STR_ARG(left), STR_ARG(right));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, NULL, NULL, NULL, signing->pair);
    EVP_DigestSign(context, signature, &len, (const uint8_t *)message.at, message.len);
    EVP_MD_CTX_free(context);
    str end = base64url_write(signing->arena, (bytes){signature, len});
    return str_format(signing->arena, "%.*s.%.*s", STR_ARG(message), STR_ARG(end));
}

struct verifier *sync_tokens_make(struct arena *always, instant now, str tokens[SYNC_TOKENS])
{
    static const uint8_t seed[32] = {1, 2, 3};
    uint8_t raw[32];
    size_t len = sizeof(raw);
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
    EVP_PKEY_get_raw_public_key(pair, raw, &len);
    struct signing signing = {always, now, pair};
    str x = base64url_write(always, (bytes){raw, len});
    str jwks = str_format(always,
                          "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\","
                          "\"x\":\"%.*s\"}]}",
                          STR_ARG(x));
    struct verifier *verifier = verifier_new(issuers, ARRAY_LEN(issuers), NULL);
    verifier_set_keys(verifier, 0, key_set_read(jwks, NULL));
    tokens[0] = sign(&signing, "alice", HOURS(2), "convex");
    tokens[1] = sign(&signing, "alice", SECONDS(90), "convex");
    tokens[2] = sign(&signing, "bob", HOURS(2), "convex");
    tokens[3] = sign(&signing, "alice", HOURS(-1), "convex");
    tokens[4] = sign(&signing, "alice", HOURS(2), "others");
    tokens[5] = STR("nobody's");
    EVP_PKEY_free(pair);
    return verifier;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt_maker.h"

#include "base/encode.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

struct made_key made_key_new(enum token_algorithm algorithm, const char *kid)
{
    EVP_PKEY *pair = NULL;
    if (algorithm == ALGORITHM_RS256)
        pair = EVP_RSA_gen(2048);
    else if (algorithm == ALGORITHM_ES256)
        pair = EVP_EC_gen("P-256");
    else
        pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert(pair != NULL);
    return (struct made_key){algorithm, kid, pair};
}

void made_key_free(struct made_key *key)
{
    EVP_PKEY_free(key->pair);
    key->pair = NULL;
}

static str number_of(struct arena *arena, EVP_PKEY *pair, const char *name, size_t width)
{
    BIGNUM *number = NULL;
    int got = EVP_PKEY_get_bn_param(pair, name, &number);
    assert(got == 1);
    size_t len = width == 0 ? (size_t)BN_num_bytes(number) : width;
    uint8_t *raw = arena_alloc(arena, len);
    BN_bn2binpad(number, raw, (int)len);
    BN_free(number);
    return base64url_write(arena, (bytes){raw, len});
}

static str jwk_of(struct arena *arena, const struct made_key *key)
{
    if (key->algorithm == ALGORITHM_RS256) {
        str n = number_of(arena, key->pair, OSSL_PKEY_PARAM_RSA_N, 0);
        str e = number_of(arena, key->pair, OSSL_PKEY_PARAM_RSA_E, 0);
        return str_format(arena,
                          "{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"%s\","
                          "\"n\":\"%.*s\",\"e\":\"%.*s\"}",
                          key->kid, STR_ARG(n), STR_ARG(e));
    }
    if (key->algorithm == ALGORITHM_ES256) {
        str x = number_of(arena, key->pair, OSSL_PKEY_PARAM_EC_PUB_X, 32);
        str y = number_of(arena, key->pair, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
        return str_format(arena,
                          "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"%s\",\"x\":\"%.*s\","
                          "\"y\":\"%.*s\"}",
                          key->kid, STR_ARG(x), STR_ARG(y));
    }
    uint8_t raw[32];
    size_t len = sizeof(raw);
    EVP_PKEY_get_raw_public_key(key->pair, raw, &len);
    str x = base64url_write(arena, (bytes){raw, len});
    return str_format(arena, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\",\"x\":\"%.*s\"}",
                      key->kid, STR_ARG(x));
}

str made_jwks(struct arena *arena, const struct made_key *keys, size_t count)
{
    str list = STR("");
    for (size_t i = 0; i < count; i++) {
        str jwk = jwk_of(arena, &keys[i]);
        list = str_format(arena, "%.*s%s%.*s", STR_ARG(list), i == 0 ? "" : ",", STR_ARG(jwk));
    }
    return str_format(arena, "{\"keys\":[%.*s]}", STR_ARG(list));
}

static str message_of(struct arena *arena, str head, str payload)
{
    str left = base64url_write(arena, bytes_of(head));
    str right = base64url_write(arena, bytes_of(payload));
    return str_format(arena, "%.*s.%.*s", STR_ARG(left), STR_ARG(right));
}

static str with_signature(struct arena *arena, str message, bytes signature)
{
    str text = base64url_write(arena, signature);
    return str_format(arena, "%.*s.%.*s", STR_ARG(message), STR_ARG(text));
}

/* DER to r||s. */
static bytes es256_raw(struct arena *arena, const uint8_t *der, size_t len)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    uint8_t *raw = arena_alloc(arena, 64);
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32);
    ECDSA_SIG_free(pair);
    return (bytes){raw, 64};
}

str made_token_of(struct arena *arena, const struct made_key *key, str head, str payload)
{
    str message = message_of(arena, head, payload);
    uint8_t signature[512];
    size_t len = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *digest = key->algorithm == ALGORITHM_EDDSA ? NULL : EVP_sha256();
    int begun = EVP_DigestSignInit(context, NULL, digest, NULL, key->pair);
    int made = EVP_DigestSign(context, signature, &len, (const uint8_t *)message.at, message.len);
    assert(begun == 1 && made == 1);
    EVP_MD_CTX_free(context);
    bytes whole = key->algorithm == ALGORITHM_ES256 ? es256_raw(arena, signature, len)
                                                    : (bytes){signature, len};
    return with_signature(arena, message, whole);
}

str made_token(struct arena *arena, const struct made_key *key, str payload)
{
    str name = algorithm_name(key->algorithm);
    str head = str_format(arena, "{\"alg\":\"%.*s\",\"kid\":\"%s\",\"typ\":\"JWT\"}", STR_ARG(name),
                          key->kid);
    return made_token_of(arena, key, head, payload);
}

str made_unsigned(struct arena *arena, str payload)
{
    str message = message_of(arena, STR("{\"alg\":\"none\"}"), payload);
    return str_format(arena, "%.*s.AA", STR_ARG(message));
}

str made_hs256(struct arena *arena, str kid, str secret, str payload)
{
    str head = str_format(arena, "{\"alg\":\"HS256\",\"kid\":\"%.*s\"}", STR_ARG(kid));
    str message = message_of(arena, head, payload);
    uint8_t mac[32];
    unsigned len = sizeof(mac);
    HMAC(EVP_sha256(), secret.at, (int)secret.len, (const uint8_t *)message.at, message.len, mac,
         &len);
    return with_signature(arena, message, (bytes){mac, len});
}

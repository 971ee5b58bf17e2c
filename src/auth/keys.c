/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/keys.h"

#include "base/encode.h"
#include "json/json.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define EXPONENT_BYTES_MAX 4
#define COORDINATE 32 /* bytes of a P-256 coordinate */

struct key_set {
    atomic_uint count;
    struct arena arena;
    size_t key_count;
    struct public_key keys[KEY_SET_MAX];
};

enum token_algorithm algorithm_of(str name)
{
    if (str_equal(name, STR("RS256")))
        return ALGORITHM_RS256;
    if (str_equal(name, STR("ES256")))
        return ALGORITHM_ES256;
    if (str_equal(name, STR("EdDSA")) || str_equal(name, STR("Ed25519")))
        return ALGORITHM_EDDSA;
    return ALGORITHM_NONE;
}

str algorithm_name(enum token_algorithm algorithm)
{
    static const char *const names[] = {
        [ALGORITHM_NONE] = "none",
        [ALGORITHM_RS256] = "RS256",
        [ALGORITHM_ES256] = "ES256",
        [ALGORITHM_EDDSA] = "EdDSA",
    };
    return str_of(names[algorithm]);
}

static void bld_free(OSSL_PARAM_BLD **bld)
{
    OSSL_PARAM_BLD_free(*bld);
}

static void params_free(OSSL_PARAM **params)
{
    OSSL_PARAM_free(*params);
}

static void context_free(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static void bignum_free(BIGNUM **number)
{
    BN_free(*number);
}

static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *bld)
{
    AUTO(params_free) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    AUTO(context_free) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;
    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return NULL;
    return key;
}

static bool read_member(struct arena *arena, const struct json *jwk, const char *name, bytes *out)
{
    str text = json_text(json_get(jwk, name));
    return text.len != 0 && base64url_read(arena, text, out);
}

/* Exponents are small and odd; a huge one would make each check slow. */
static EVP_PKEY *read_rsa(struct arena *arena, const struct json *jwk)
{
    bytes n, e;
    if (!read_member(arena, jwk, "n", &n) || !read_member(arena, jwk, "e", &e) ||
        n.len > KEY_RSA_MAX / 8 || e.len > EXPONENT_BYTES_MAX)
        return NULL;

    AUTO(bignum_free) BIGNUM *modulus = BN_bin2bn(n.at, (int)n.len, NULL);
    AUTO(bignum_free) BIGNUM *exponent = BN_bin2bn(e.at, (int)e.len, NULL);
    AUTO(bld_free) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (modulus == NULL || exponent == NULL || bld == NULL || BN_num_bits(modulus) < KEY_RSA_MIN ||
        !BN_is_odd(modulus) || !BN_is_odd(exponent) || BN_is_one(exponent))
        return NULL;
    if (OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, exponent) != 1)
        return NULL;
    return key_from("RSA", bld);
}

static EVP_PKEY *read_p256(struct arena *arena, const struct json *jwk)
{
    bytes x, y;
    if (!str_equal(json_text(json_get(jwk, "crv")), STR("P-256")) ||
        !read_member(arena, jwk, "x", &x) || !read_member(arena, jwk, "y", &y) ||
        x.len != COORDINATE || y.len != COORDINATE)
        return NULL;

    uint8_t point[1 + 2 * COORDINATE] = {0x04};
    memcpy(point + 1, x.at, COORDINATE);
    memcpy(point + 1 + COORDINATE, y.at, COORDINATE);
    AUTO(bld_free) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (bld == NULL ||
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) != 1)
        return NULL;
    return key_from("EC", bld);
}

static EVP_PKEY *read_ed25519(struct arena *arena, const struct json *jwk)
{
    bytes x;
    if (!str_equal(json_text(json_get(jwk, "crv")), STR("Ed25519")) ||
        !read_member(arena, jwk, "x", &x) || x.len != 32)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.at, x.len);
}

/* A key for another purpose or algorithm is not ours to use. */
static bool is_for_signatures(const struct json *jwk, enum token_algorithm algorithm)
{
    str use = json_text(json_get(jwk, "use"));
    str named = json_text(json_get(jwk, "alg"));
    return (use.len == 0 || str_equal(use, STR("sig"))) &&
           (named.len == 0 || algorithm_of(named) == algorithm);
}

static bool read_key(struct arena *arena, const struct json *jwk, struct public_key *out)
{
    str type = json_text(json_get(jwk, "kty"));
    EVP_PKEY *key = NULL;
    if (str_equal(type, STR("RSA"))) {
        out->algorithm = ALGORITHM_RS256;
        key = is_for_signatures(jwk, out->algorithm) ? read_rsa(arena, jwk) : NULL;
    } else if (str_equal(type, STR("EC"))) {
        out->algorithm = ALGORITHM_ES256;
        key = is_for_signatures(jwk, out->algorithm) ? read_p256(arena, jwk) : NULL;
    } else if (str_equal(type, STR("OKP"))) {
        out->algorithm = ALGORITHM_EDDSA;
        key = is_for_signatures(jwk, out->algorithm) ? read_ed25519(arena, jwk) : NULL;
    }
    out->kid = str_copy(arena, json_text(json_get(jwk, "kid")));
    out->public_key = key;
    return key != NULL;
}

struct key_set *key_set_read(str jwks, struct fault *fault)
{
    AUTO(arena_done) struct arena scratch = {0};
    struct json document;
    if (jwks.len > KEY_SET_TEXT_MAX) {
        fault_set(fault, FAULT_INPUT, "the JWKS document is larger than 256 KiB");
        return NULL;
    }
    if (!json_read(&scratch, jwks, 0, &document, fault))
        return NULL;
    const struct json *list = json_get(&document, "keys");
    if (list->kind != JSON_LIST) {
        fault_set(fault, FAULT_INPUT, "the JWKS document has no list \"keys\"");
        return NULL;
    }

    struct key_set *set = memory_zeroed(sizeof(*set));
    atomic_init(&set->count, 1);
    for (size_t i = 0; i < list->count && set->key_count < KEY_SET_MAX; i++)
        if (list->items[i].kind == JSON_OBJECT &&
            read_key(&set->arena, &list->items[i], &set->keys[set->key_count]))
            set->key_count++;
    if (set->key_count == 0) {
        key_set_drop(set);
        fault_set(fault, FAULT_INPUT, "the JWKS document has no key for RS256, ES256 or EdDSA");
        return NULL;
    }
    return set;
}

struct key_set *key_set_keep(struct key_set *set)
{
    if (set != NULL)
        atomic_fetch_add_explicit(&set->count, 1, memory_order_relaxed);
    return set;
}

void key_set_drop(struct key_set *set)
{
    if (set == NULL || atomic_fetch_sub_explicit(&set->count, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < set->key_count; i++)
        EVP_PKEY_free(set->keys[i].public_key);
    arena_done(&set->arena);
    free(set);
}

const struct public_key *key_set_find(const struct key_set *set, str kid,
                                      enum token_algorithm algorithm)
{
    const struct public_key *found = NULL;
    for (size_t i = 0; i < set->key_count; i++) {
        const struct public_key *key = &set->keys[i];
        if (key->algorithm != algorithm)
            continue;
        if (kid.len != 0 && str_equal(key->kid, kid))
            return key;
        if (kid.len == 0 && found != NULL)
            return NULL;
        if (kid.len == 0)
            found = key;
    }
    return found;
}

/* r||s becomes the DER that OpenSSL takes; at most 72 bytes. */
static bool es256_to_der(bytes raw, uint8_t out[80], size_t *len)
{
    if (raw.len != 2 * COORDINATE)
        return false;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw.at, COORDINATE, NULL);
    BIGNUM *s = BN_bin2bn(raw.at + COORDINATE, COORDINATE, NULL);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(pair);
        return false;
    }
    int made = i2d_ECDSA_SIG(pair, &out);
    ECDSA_SIG_free(pair);
    *len = (size_t)MAX_OF(made, 0);
    return made > 0;
}

/* Looked up once: each EVP_sha256() would search the providers again. */
static EVP_MD *sha256_digest;

static void fetch_sha256(void)
{
    sha256_digest = EVP_MD_fetch(NULL, "SHA256", NULL);
}

bool key_verifies(const struct public_key *key, bytes message, bytes signature)
{
    uint8_t der[80];
    if (key->algorithm == ALGORITHM_ES256) {
        size_t len;
        if (!es256_to_der(signature, der, &len))
            return false;
        signature = (bytes){der, len};
    }

    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch_sha256);
    const EVP_MD *digest = key->algorithm == ALGORITHM_EDDSA ? NULL : sha256_digest;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool right =
        context != NULL &&
        EVP_DigestVerifyInit(context, NULL, digest, NULL, key->public_key) == 1 &&
        EVP_DigestVerify(context, signature.at, signature.len, message.at, message.len) == 1;
    EVP_MD_CTX_free(context);
    if (!right)
        ERR_clear_error(); /* else this thread's next TLS call would be blamed for it */
    return right;
}

str key_set_write_ed25519(struct arena *arena, const struct key_set *set)
{
    AUTO(buffer_done) struct buffer all = buffer_with_max(KIB(16));
    for (size_t i = 0; set != NULL && i < set->key_count; i++) {
        uint8_t raw[32];
        size_t len = sizeof(raw);
        if (set->keys[i].algorithm != ALGORITHM_EDDSA ||
            EVP_PKEY_get_raw_public_key(set->keys[i].public_key, raw, &len) != 1)
            continue;
        if (all.len != 0)
            buffer_char(&all, ' ');
        buffer_str(&all, base64url_write(arena, (bytes){raw, len}));
    }
    return str_copy(arena, buffer_text(&all));
}

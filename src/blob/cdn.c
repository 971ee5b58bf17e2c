/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/cdn.h"

#include "base/encode.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

#define SIGNATURE_MAX 1024

struct cdn {
    struct arena arena;
    str url, key_pair_id;
    EVP_PKEY *key; /* NULL: addresses are public */
};

static bool key_read(struct cdn *cdn, str pem, struct fault *fault)
{
    BIO *from = BIO_new_mem_buf(pem.at, (int)pem.len);
    cdn->key = from == NULL ? NULL : PEM_read_bio_PrivateKey(from, NULL, NULL, NULL);
    BIO_free(from);
    if (cdn->key != NULL && EVP_PKEY_base_id(cdn->key) == EVP_PKEY_RSA)
        return true;
    return fault_set(fault, FAULT_INPUT,
                     "the private key of the CDN must be an RSA key in PEM, without a password");
}

bool cdn_open(const struct blob_cdn *options, struct cdn **out, struct fault *fault)
{
    struct cdn *cdn = memory_zeroed(sizeof(*cdn));
    str url = options->url;
    while (str_ends(url, STR("/")))
        url.len--;
    cdn->url = str_copy(&cdn->arena, url);
    cdn->key_pair_id = str_copy(&cdn->arena, options->key_pair_id);
    if (options->key_pair_id.len != 0 && !key_read(cdn, options->private_key, fault)) {
        cdn_close(cdn);
        return false;
    }
    *out = cdn;
    return true;
}

void cdn_close(struct cdn *cdn)
{
    if (cdn == NULL)
        return;
    EVP_PKEY_free(cdn->key);
    arena_done(&cdn->arena);
    free(cdn);
}

bool cdn_is_signed(const struct cdn *cdn)
{
    return cdn->key != NULL;
}

str cdn_origin(const struct cdn *cdn, struct arena *arena)
{
    size_t end = 0;
    for (int slashes = 0; end < cdn->url.len; end++)
        if (cdn->url.at[end] == '/' && ++slashes == 3)
            break;
    return str_copy(arena, str_slice(cdn->url, 0, end));
}

/* Base64 whose "+", "=" and "/" are "-", "_" and "~": Amazon's own, not base64url. */
static str signature(const struct cdn *cdn, struct arena *arena, str policy)
{
    uint8_t sum[SIGNATURE_MAX];
    size_t len = sizeof(sum);
    EVP_MD_CTX *signing = EVP_MD_CTX_new();
    if (signing == NULL || EVP_DigestSignInit(signing, NULL, EVP_sha1(), NULL, cdn->key) != 1 ||
        EVP_DigestSign(signing, sum, &len, (const unsigned char *)policy.at, policy.len) != 1)
        abort(); /* out of memory, or an OpenSSL without SHA-1 */
    EVP_MD_CTX_free(signing);

    str text = base64_write(arena, (bytes){sum, len});
    char *out = arena_copy(arena, text.at, text.len);
    for (size_t i = 0; i < text.len; i++)
        out[i] = out[i] == '+' ? '-' : out[i] == '=' ? '_' : out[i] == '/' ? '~' : out[i];
    return (str){out, text.len};
}

str cdn_url(const struct cdn *cdn, struct arena *arena, str path, str query, instant expires_at)
{
    str mark = query.len == 0 ? STR("") : STR("?");
    str url = str_format(arena, "%.*s%.*s%.*s%.*s", STR_ARG(cdn->url), STR_ARG(path), STR_ARG(mark),
                         STR_ARG(query));
    if (cdn->key == NULL)
        return url;
    long long until = (long long)(expires_at.us / 1000000);
    str policy = str_format(arena,
                            "{\"Statement\":[{\"Resource\":\"%.*s\",\"Condition\":{"
                            "\"DateLessThan\":{\"AWS:EpochTime\":%lld}}}]}",
                            STR_ARG(url), until);
    return str_format(arena, "%.*s%cExpires=%lld&Key-Pair-Id=%.*s&Signature=%.*s", STR_ARG(url),
                      query.len == 0 ? '?' : '&', until, STR_ARG(cdn->key_pair_id),
                      STR_ARG(signature(cdn, arena, policy)));
}

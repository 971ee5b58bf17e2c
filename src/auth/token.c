/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/token.h"

#include "base/encode.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/random.h"
#include "json/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

#define SIGNER_KEYS_MAX 16
#define KEY_FILE_MAX KIB(4)
#define KEY_NUMBER_MAX 999999

struct own_key {
    int64_t number; /* of its file; the highest signs */
    EVP_PKEY *pair;
    str kid, x; /* in the signer's arena */
};

struct signer {
    struct arena arena;
    size_t count;
    struct own_key keys[SIGNER_KEYS_MAX]; /* by falling number */
    str jwks;
    struct key_set *set;
};

/* token.key is 1, token-2.key is 2; anything else is 0. */
static int64_t key_number(str name)
{
    if (str_equal(name, STR("token.key")))
        return 1;
    if (!str_starts(name, STR("token-")) || !str_ends(name, STR(".key")))
        return 0;
    int64_t number;
    str digits = str_slice(name, 6, name.len - 4);
    if (!str_to_int(digits, &number) || number < 2 || number > KEY_NUMBER_MAX)
        return 0;
    return number;
}

static char *key_path(struct arena *arena, const char *dir, int64_t number)
{
    str path = number == 1 ? str_format(arena, "%s/token.key", dir)
                           : str_format(arena, "%s/token-%lld.key", dir, (long long)number);
    return str_zero_ended(arena, path);
}

static void bio_free(BIO **bio)
{
    BIO_free(*bio);
}

static void pair_free(EVP_PKEY **pair)
{
    EVP_PKEY_free(*pair);
}

/* An encrypted file must fail, not ask on the terminal. */
static int no_passphrase(char *to, int size, int writing, void *context)
{
    return 0;
}

static bool read_whole(const char *path, char *to, size_t room, size_t *len, struct fault *fault)
{
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) != 0)
        return fault_os(fault, path);
    if ((facts.st_mode & 077) != 0)
        return fault_set(fault, FAULT_INPUT, "%s is open to others: chmod 600 it", path);
    ssize_t got = read(fd, to, room);
    if (got < 0)
        return fault_os(fault, path);
    *len = (size_t)got;
    return true;
}

static bool pair_read(const char *path, EVP_PKEY **out, struct fault *fault)
{
    char text[KEY_FILE_MAX];
    size_t len = 0;
    if (!read_whole(path, text, sizeof(text), &len, fault))
        return false;
    AUTO(bio_free) BIO *bio = BIO_new_mem_buf(text, (int)len);
    EVP_PKEY *pair = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    OPENSSL_cleanse(text, sizeof(text));
    if (pair == NULL || EVP_PKEY_get_id(pair) != EVP_PKEY_ED25519) {
        ERR_clear_error();
        EVP_PKEY_free(pair);
        return fault_set(fault, FAULT_INPUT, "%s holds no Ed25519 key in PEM form", path);
    }
    *out = pair;
    return true;
}

static EVP_PKEY *pair_make(struct random *random)
{
    uint8_t seed[32];
    random_fill(random, seed, sizeof(seed));
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
    OPENSSL_cleanse(seed, sizeof(seed));
    return pair;
}

/* Written beside and linked into place: whoever is first wins, and nobody reads half a key. */
static bool key_file_make(const char *dir, int64_t number, struct fault *fault)
{
    struct random random;
    char name[33];
    random_init(&random);
    random_token(&random, name);

    struct arena arena = {0};
    const char *path = key_path(&arena, dir, number);
    const char *beside = str_zero_ended(&arena, str_format(&arena, "%s/.%s", dir, name));
    AUTO(pair_free) EVP_PKEY *pair = pair_make(&random);
    AUTO(bio_free) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool made = pair != NULL && bio != NULL &&
                PEM_write_bio_PrivateKey(bio, pair, NULL, NULL, 0, NULL, NULL) == 1;
    size_t len = made ? (size_t)BIO_get_mem_data(bio, &text) : 0;

    AUTO(fd_close) int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (!made)
        fault_set(fault, FAULT_SYSTEM, "OpenSSL cannot make an Ed25519 key");
    else if (fd < 0 || !file_write_all(fd, (bytes){(const uint8_t *)text, len}) || fsync(fd) != 0)
        made = fault_os(fault, beside);
    else if (link(beside, path) != 0 && errno != EEXIST)
        made = fault_os(fault, path);
    unlink(beside);
    arena_done(&arena);
    return made;
}

static bool dir_sync(const char *dir, struct fault *fault)
{
    AUTO(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return fault_os(fault, dir);
    return true;
}

static int by_falling_number(const void *a, const void *b)
{
    int64_t left = ((const struct own_key *)a)->number;
    int64_t right = ((const struct own_key *)b)->number;
    return (left < right) - (left > right);
}

static bool numbers_list(struct signer *signer, const char *dir, struct fault *fault)
{
    DIR *listing = opendir(dir);
    if (listing == NULL)
        return fault_os(fault, dir);
    signer->count = 0;
    bool fits = true;
    for (;;) {
        const struct dirent *entry = readdir(listing); /* NOLINT(concurrency-mt-unsafe): ours */
        if (entry == NULL)
            break;
        int64_t number = key_number(str_of(entry->d_name));
        fits = fits && (number == 0 || signer->count < SIGNER_KEYS_MAX);
        if (fits && number != 0)
            signer->keys[signer->count++].number = number;
    }
    closedir(listing);
    if (!fits)
        return fault_set(fault, FAULT_INPUT, "%s holds more than %d token keys: remove old ones",
                         dir, SIGNER_KEYS_MAX);
    qsort(signer->keys, signer->count, sizeof(signer->keys[0]), by_falling_number);
    return true;
}

/* RFC 7638: SHA-256 of the members that make the key, in their fixed order. */
static bool describe(struct arena *arena, struct own_key *key)
{
    uint8_t raw[32], hash[32];
    size_t len = sizeof(raw);
    if (EVP_PKEY_get_raw_public_key(key->pair, raw, &len) != 1 || len != sizeof(raw))
        return false;
    key->x = base64url_write(arena, (bytes){raw, len});
    str members =
        str_format(arena, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%.*s\"}", STR_ARG(key->x));
    sha256(bytes_of(members), hash);
    key->kid = base64url_write(arena, (bytes){hash, sizeof(hash)});
    return true;
}

static bool keys_read(struct signer *signer, const char *dir, struct fault *fault)
{
    struct buffer text = {0};
    buffer_str(&text, STR("{\"keys\":["));
    for (size_t i = 0; i < signer->count; i++) {
        struct own_key *key = &signer->keys[i];
        const char *path = key_path(&signer->arena, dir, key->number);
        if (!pair_read(path, &key->pair, fault) || !describe(&signer->arena, key)) {
            buffer_done(&text);
            return false;
        }
        buffer_format(&text,
                      "%s{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%.*s\",\"kid\":\"%.*s\","
                      "\"alg\":\"EdDSA\",\"use\":\"sig\"}",
                      i == 0 ? "" : ",", STR_ARG(key->x), STR_ARG(key->kid));
    }
    buffer_str(&text, STR("]}"));
    signer->jwks = str_copy(&signer->arena, buffer_text(&text));
    buffer_done(&text);
    signer->set = key_set_read(signer->jwks, fault);
    return signer->set != NULL;
}

static bool keys_open(struct signer *signer, const char *dir, struct fault *fault)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return fault_os(fault, dir);
    if (!numbers_list(signer, dir, fault))
        return false;
    if (signer->count == 0 && (!key_file_make(dir, 1, fault) || !dir_sync(dir, fault) ||
                               !numbers_list(signer, dir, fault)))
        return false;
    return keys_read(signer, dir, fault);
}

struct signer *signer_open(const char *keys_dir, struct fault *fault)
{
    struct signer *signer = memory_zeroed(sizeof(*signer));
    if (keys_open(signer, keys_dir, fault))
        return signer;
    signer_close(signer);
    return NULL;
}

void signer_close(struct signer *signer)
{
    if (signer == NULL)
        return;
    for (size_t i = 0; i < signer->count; i++)
        EVP_PKEY_free(signer->keys[i].pair);
    key_set_drop(signer->set);
    arena_done(&signer->arena);
    free(signer);
}

bool token_key_rotate(const char *keys_dir, struct fault *fault)
{
    struct signer *signer = signer_open(keys_dir, fault);
    if (signer == NULL)
        return false;
    int64_t next = signer->keys[0].number + 1;
    bool has_room = signer->count < SIGNER_KEYS_MAX;
    signer_close(signer);
    if (!has_room)
        return fault_set(fault, FAULT_FULL, "%s holds %d token keys: remove old ones first",
                         keys_dir, SIGNER_KEYS_MAX);
    return key_file_make(keys_dir, next, fault) && dir_sync(keys_dir, fault);
}

static void add_claim(struct buffer *to, const char *name, str value)
{
    buffer_format(to, "\"%s\":", name);
    json_write_text(to, value);
    buffer_char(to, ',');
}

static str sign(const struct own_key *key, struct arena *arena, str message)
{
    uint8_t signature[64];
    size_t len = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_signed =
        context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pair) == 1 &&
        EVP_DigestSign(context, signature, &len, (const uint8_t *)message.at, message.len) == 1;
    EVP_MD_CTX_free(context);
    if (!is_signed)
        abort(); /* our own key and fixed sizes: only memory can be missing */
    return base64url_write(arena, (bytes){signature, len});
}

str token_sign(const struct signer *signer, struct arena *arena, const struct token_claims *claims)
{
    const struct own_key *key = &signer->keys[0];
    struct buffer payload = {0};
    buffer_char(&payload, '{');
    add_claim(&payload, "iss", claims->issuer);
    add_claim(&payload, "sub", claims->subject);
    add_claim(&payload, "aud", STR(TOKEN_AUDIENCE));
    if (claims->email.len != 0)
        add_claim(&payload, "email", claims->email);
    if (claims->name.len != 0)
        add_claim(&payload, "name", claims->name);
    buffer_format(&payload, "\"iat\":%lld,\"exp\":%lld}",
                  (long long)(claims->issued_at.us / 1000000),
                  (long long)(claims->expires_at.us / 1000000));

    str head = str_format(arena, "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"%.*s\"}",
                          STR_ARG(key->kid));
    str head_text = base64url_write(arena, bytes_of(head));
    str payload_text = base64url_write(arena, bytes_of(buffer_text(&payload)));
    buffer_done(&payload);
    str message = str_format(arena, "%.*s.%.*s", STR_ARG(head_text), STR_ARG(payload_text));
    str signature = sign(key, arena, message);
    return str_format(arena, "%.*s.%.*s", STR_ARG(message), STR_ARG(signature));
}

str signer_jwks(const struct signer *signer)
{
    return signer->jwks;
}

struct key_set *signer_key_set(const struct signer *signer)
{
    return key_set_keep(signer->set);
}

str openid_configuration(struct arena *arena, str public_url)
{
    while (str_ends(public_url, STR("/")))
        public_url.len--;
    struct buffer text = {0};
    buffer_str(&text, STR("{\"issuer\":"));
    json_write_text(&text, public_url);
    buffer_str(&text, STR(",\"jwks_uri\":"));
    json_write_text(&text, str_format(arena, "%.*s/.well-known/jwks.json", STR_ARG(public_url)));
    buffer_str(&text, STR(",\"response_types_supported\":[\"id_token\"],"
                          "\"subject_types_supported\":[\"public\"],"
                          "\"id_token_signing_alg_values_supported\":[\"EdDSA\"]}"));
    str document = str_copy(arena, buffer_text(&text));
    buffer_done(&text);
    return document;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/token.h"
#include "auth/verify.h"
#include "base/encode.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NOW 1800000000000000LL

static struct arena arena;
static char dir[64], keys[80], first_key[96], second_key[96];

static const struct issuer ours = {.kind = ISSUER_OIDC,
                                   .issuer = STR("http://localhost:7070"),
                                   .application_id = STR(TOKEN_AUDIENCE),
                                   .is_ours = true};

static const struct token_claims claims = {
    .issuer = STR("http://localhost:7070"),
    .subject = STR("user_\"1\""),
    .email = STR("ada@example.org"),
    .name = STR("Ada \xe2\x9c\xa8"),
    .issued_at = {NOW},
    .expires_at = {NOW + 3600000000LL},
};

static int set_up(void **state)
{
    arena = (struct arena){0};
    snprintf(dir, sizeof(dir), "/tmp/atelier-token-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    snprintf(first_key, sizeof(first_key), "%s/token.key", keys);
    snprintf(second_key, sizeof(second_key), "%s/token-2.key", keys);
    return 0;
}

static int tear_down(void **state)
{
    unlink(first_key);
    unlink(second_key);
    rmdir(keys);
    assert_int_equal(rmdir(dir), 0); /* nothing else was left behind */
    arena_done(&arena);
    return 0;
}

static struct signer *opened(void)
{
    struct fault fault = {0};
    struct signer *signer = signer_open(keys, &fault);
    if (signer == NULL)
        print_error("%s\n", fault.text);
    assert_non_null(signer);
    return signer;
}

static struct identity *verified(const struct signer *signer, str token)
{
    struct fault fault = {0};
    struct auth_failure failure;
    struct verifier *verifier = verifier_new(&ours, 1, &fault);
    verifier_set_keys(verifier, 0, signer_key_set(signer));
    struct identity *identity = verifier_check(verifier, token, (instant){NOW}, &failure);
    verifier_free(verifier);
    return identity;
}

static void our_token_is_verified_like_any_other(void **state)
{
    struct signer *signer = opened();
    struct identity *identity = verified(signer, token_sign(signer, &arena, &claims));
    assert_non_null(identity);
    assert_true(identity->is_ours);
    assert_true(str_equal(identity->subject, claims.subject));
    assert_true(str_equal(identity->email, claims.email));
    assert_true(str_equal(identity->name, claims.name));
    assert_int_equal(identity->issued_at.us, claims.issued_at.us);
    assert_int_equal(identity->expires_at.us, claims.expires_at.us);
    identity_drop(identity);
    signer_close(signer);
}

static void another_servers_token_is_refused(void **state)
{
    struct signer *signer = opened();
    str token = token_sign(signer, &arena, &claims);
    signer_close(signer);
    unlink(first_key);
    signer = opened();
    assert_null(verified(signer, token));
    signer_close(signer);
}

static void the_key_is_made_once_and_only_for_us(void **state)
{
    struct stat facts;
    struct signer *signer = opened();
    str jwks = str_copy(&arena, signer_jwks(signer));
    signer_close(signer);
    assert_int_equal(stat(first_key, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(stat(keys, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0700);
    signer = opened();
    assert_true(str_equal(signer_jwks(signer), jwks));
    signer_close(signer);
}

static void starts_at_the_same_moment_agree_on_a_key(void **state)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    for (int i = 0; i < 8; i++) {
        if (fork() != 0)
            continue;
        struct signer *signer = signer_open(keys, NULL);
        char text[400] = {0};
        if (signer != NULL)
            snprintf(text, sizeof(text), "%.*s", STR_ARG(signer_jwks(signer)));
        ssize_t written = write(pipes[1], text, sizeof(text));
        _exit(written == sizeof(text) ? 0 : 1);
    }
    char first[400], next[400];
    assert_int_equal(read(pipes[0], first, sizeof(first)), sizeof(first));
    assert_true(strlen(first) > 100);
    for (int i = 1; i < 8; i++) {
        assert_int_equal(read(pipes[0], next, sizeof(next)), sizeof(next));
        assert_string_equal(first, next);
    }
    while (wait(NULL) > 0)
        ;
    close(pipes[0]);
    close(pipes[1]);
}

static void a_key_open_to_others_is_refused(void **state)
{
    struct fault fault = {0};
    signer_close(opened());
    chmod(first_key, 0640);
    assert_null(signer_open(keys, &fault));
    assert_non_null(strstr(fault.text, "chmod 600"));
}

static void a_damaged_key_is_refused_not_replaced(void **state)
{
    static const char *const broken[] = {
        "", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"};
    signer_close(opened());
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct fault fault = {0};
        int fd = open(first_key, O_WRONLY | O_TRUNC);
        assert_int_equal(write(fd, broken[i], strlen(broken[i])), strlen(broken[i]));
        close(fd);
        assert_null(signer_open(keys, &fault));
        assert_non_null(strstr(fault.text, "token.key"));
    }
}

static void the_newest_key_signs_and_all_are_accepted(void **state)
{
    struct fault fault = {0};
    struct signer *signer = opened();
    str old = token_sign(signer, &arena, &claims);
    signer_close(signer);
    assert_true(token_key_rotate(keys, &fault));
    signer = opened();
    str new = token_sign(signer, &arena, &claims);
    assert_false(str_equal(old, new));
    struct identity *by_old = verified(signer, old);
    struct identity *by_new = verified(signer, new);
    assert_non_null(by_old);
    assert_non_null(by_new);
    identity_drop(by_old);
    identity_drop(by_new);
    signer_close(signer);

    unlink(first_key);
    signer = opened();
    assert_null(verified(signer, old));
    by_new = verified(signer, new);
    assert_non_null(by_new);
    identity_drop(by_new);
    signer_close(signer);
}

static void the_kid_is_the_thumbprint_of_rfc_7638(void **state)
{
    struct signer *signer = opened();
    struct json document;
    assert_true(json_read(&arena, signer_jwks(signer), 0, &document, NULL));
    const struct json *key = &json_get(&document, "keys")->items[0];
    str x = json_text(json_get(key, "x"));
    uint8_t hash[32];
    sha256(bytes_of(str_format(&arena, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%.*s\"}",
                               STR_ARG(x))),
           hash);
    assert_true(str_equal(json_text(json_get(key, "kid")),
                          base64url_write(&arena, (bytes){hash, sizeof(hash)})));
    assert_int_equal(json_get(key, "d")->kind, JSON_NONE);
    signer_close(signer);
}

static void the_discovery_document_names_our_keys(void **state)
{
    struct json document;
    str text = openid_configuration(&arena, STR("https://a.example/"));
    assert_true(json_read(&arena, text, 0, &document, NULL));
    assert_true(str_equal(json_text(json_get(&document, "issuer")), STR("https://a.example")));
    assert_true(str_equal(json_text(json_get(&document, "jwks_uri")),
                          STR("https://a.example/.well-known/jwks.json")));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(our_token_is_verified_like_any_other),
        CASE(another_servers_token_is_refused),
        CASE(the_key_is_made_once_and_only_for_us),
        CASE(starts_at_the_same_moment_agree_on_a_key),
        CASE(a_key_open_to_others_is_refused),
        CASE(a_damaged_key_is_refused_not_replaced),
        CASE(the_newest_key_signs_and_all_are_accepted),
        CASE(the_kid_is_the_thumbprint_of_rfc_7638),
        CASE(the_discovery_document_names_our_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

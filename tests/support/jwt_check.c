/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwt-check: for the comparison with another JWT implementation (tests/integration/jwt.test.ts).
 *
 * jwt-check sign KEYS_DIR            prints our JWKS document, a token and the discovery document.
 * jwt-check verify oidc|RS256|ES256  the first line of stdin is a JWKS document, each further one
 *                                    a token in base64; answers the claims, or "!" and why not.
 */
#include <stdio.h>
#include <string.h>

#include "auth/token.h"
#include "auth/verify.h"
#include "base/clock.h"
#include "base/encode.h"

#define ISSUER STR("https://issuer.example")

static int sign(const char *dir)
{
    AUTO(arena_done) struct arena arena = {0};
    struct fault fault = {0};
    struct signer *signer = signer_open(dir, &fault);
    if (signer == NULL) {
        fprintf(stderr, "%s\n", fault.text);
        return 1;
    }
    instant now = clock_now();
    struct token_claims claims = {.issuer = ISSUER,
                                  .subject = STR("user_1"),
                                  .email = STR("ada@example.org"),
                                  .name = STR("Ada \"\xe2\x9c\xa8\""),
                                  .issued_at = now,
                                  .expires_at = instant_add(now, MINUTES(5))};
    str jwks = signer_jwks(signer);
    str token = token_sign(signer, &arena, &claims);
    str discovery = openid_configuration(&arena, ISSUER);
    printf("%.*s\n%.*s\n%.*s\n", STR_ARG(jwks), STR_ARG(token), STR_ARG(discovery));
    signer_close(signer);
    return 0;
}

static void answer(struct verifier *verifier, str line)
{
    AUTO(arena_done) struct arena arena = {0};
    struct auth_failure failure;
    bytes token;
    if (!base64_read(&arena, line, &token)) {
        puts("?");
        return;
    }
    struct identity *identity = verifier_check(verifier, str_from(token), clock_now(), &failure);
    if (identity != NULL)
        printf("%.*s\n", STR_ARG(identity->claims));
    else
        printf("!%s\n", failure.text);
    identity_drop(identity);
}

static bool next_line(char **line, size_t *room, str *out)
{
    ssize_t len = getline(line, room, stdin);
    if (len < 0)
        return false;
    *out = str_trim((str){*line, (size_t)len});
    return true;
}

static int verify(const char *how)
{
    bool is_oidc = strcmp(how, "oidc") == 0;
    struct issuer row = {.kind = is_oidc ? ISSUER_OIDC : ISSUER_CUSTOM,
                         .algorithm = algorithm_of(str_of(how)),
                         .issuer = ISSUER,
                         .application_id = STR("convex"),
                         .jwks = STR("https://issuer.example/keys")};
    AUTO(memory_free) char *line = NULL;
    size_t room = 0;
    str text;
    struct fault fault = {0};
    struct verifier *verifier = verifier_new(&row, 1, &fault);
    if (verifier != NULL && next_line(&line, &room, &text))
        verifier_set_keys(verifier, 0, key_set_read(text, &fault));
    if (fault.kind != FAULT_NONE)
        fprintf(stderr, "%s\n", fault.text);
    while (verifier != NULL && next_line(&line, &room, &text))
        answer(verifier, text);
    verifier_free(verifier);
    return fault.kind == FAULT_NONE ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "sign") == 0)
        return sign(argv[2]);
    if (argc == 3 && strcmp(argv[1], "verify") == 0)
        return verify(argv[2]);
    fputs("usage: jwt-check sign KEYS_DIR | jwt-check verify oidc|RS256|ES256\n", stderr);
    return 2;
}

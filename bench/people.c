/* SPDX-License-Identifier: Apache-2.0 */
#include "people.h"

#include <stdio.h>
#include <string.h>

bool people_open(const struct program *server, const char *data, struct people *out,
                 struct fault *fault)
{
    char keys[520];
    str text;
    *out = (struct people){0};
    snprintf(keys, sizeof(keys), "%s/keys", data);
    out->signer = signer_open(keys, fault);
    if (out->signer == NULL ||
        !program_ask(server, "/.well-known/openid-configuration", NULL, &out->arena, &text, fault))
        return false;
    const char *issuer = strstr(text.at, "\"issuer\":\"");
    if (issuer == NULL)
        return fault_set(fault, FAULT_SYSTEM, "the server does not say who it is");
    issuer += strlen("\"issuer\":\"");
    out->issuer = (str){issuer, strcspn(issuer, "\"")};
    return true;
}

str people_token(const struct people *people, struct arena *arena, size_t i)
{
    const struct token_claims claims = {
        .issuer = people->issuer,
        .subject = str_format(arena, "bench-%zu", i),
        .email = str_format(arena, "bench-%zu@example.com", i),
        .name = STR("A person who is here to be counted, and whose name is long enough"),
        .issued_at = clock_now(),
        .expires_at = instant_add(clock_now(), MINUTES(50)),
    };
    return token_sign(people->signer, arena, &claims);
}

void people_close(struct people *people)
{
    signer_close(people->signer);
    arena_done(&people->arena);
    *people = (struct people){0};
}

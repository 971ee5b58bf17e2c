/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translators to outside services: a wish becomes a request, an answer becomes pictures or the
 * reason why not. Pure: no socket, no clock, no store.
 *
 * Owns:     results are in the arena given, and may borrow from the answer's body.
 * Threads:  any.
 * Time:     none.
 * Fails:    into the answer.
 */
#pragma once

#include "base/str.h"

struct provider_wish {
    str model; /* as the provider calls it */
    str prompt;
    int64_t count, width, height;
};

struct provider_header {
    str name, value;
};

struct provider_request {
    str method, url, body;
    struct provider_header headers[4];
    size_t header_count;
};

enum provider_failure {
    PROVIDER_OK,
    PROVIDER_BUSY,    /* may work later */
    PROVIDER_REFUSED, /* the request as it is will never work */
    PROVIDER_POLICY,  /* refused for what the prompt says */
    PROVIDER_BROKEN,  /* an answer that cannot be read */
};

#define PROVIDER_OUTPUTS_MAX 8

struct provider_output {
    bytes content; /* either the bytes */
    str url;       /* or where they are */
};

struct provider_answer {
    enum provider_failure failure;
    str text; /* a sentence for the user */
    struct provider_output outputs[PROVIDER_OUTPUTS_MAX];
    size_t output_count;
};

/* OpenAI's images API, which local engines speak too. base_url with or without /v1. */
void openai_write(struct arena *arena, str base_url, str key, const struct provider_wish *wish,
                  struct provider_request *out);
void openai_read(struct arena *arena, int status, str body, struct provider_answer *out);

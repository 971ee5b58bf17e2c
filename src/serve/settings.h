/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's own settings: the sections `server`, `auth` and `compat` of the configuration, and
 * `blobs` by serve/blob_settings.h. The studio's sections are in studio/config.h; cli/settings.c
 * puts files and layers together.
 *
 * Owns:     constant once loaded; texts are the loader's.
 * Threads:  any.
 * Time:     none.
 * Fails:    never here.
 */
#pragma once

#include "auth/verify.h"
#include "serve/blob_settings.h"

struct server_settings {
    str listen, public_url, log_level, web, helper, tls_cert, tls_key, memory_limit;
    bool redact_errors, compression;
    struct list trusted_proxies; /* str */
};

struct issuer_settings {
    str issuer, application_id, jwks;
    enum issuer_kind kind;
    enum token_algorithm algorithm;
    bool allow_private_addresses;
};

/* Clerk's own address for us, beside its tokens. */
struct clerk_settings {
    struct secret_config *webhook_secret;
    str issuer; /* empty: whose token comes first */
};

struct auth_settings {
    struct list issuers;          /* struct issuer_settings */
    struct clerk_settings *clerk; /* NULL: it tells nothing */
};

/* Who may call a function of the program's own without a token: an older server of a studio. */
struct trusted_caller {
    str function;
    struct list addresses; /* str */
};

struct compat_settings {
    struct list trusted_callers; /* struct trusted_caller */
};

struct settings {
    struct server_settings server;
    struct auth_settings auth;
    struct studio_config studio;
    struct compat_settings compat;
    struct blob_settings *blobs; /* NULL: the disk alone */
};

extern const struct shape settings_shape;

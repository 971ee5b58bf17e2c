/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/settings.h"

static const char *const issuer_kind_names[] = {
    [ISSUER_OIDC] = "oidc",
    [ISSUER_CUSTOM] = "customJwt",
};

static const char *const algorithm_names[] = {
    [ALGORITHM_RS256] = "RS256",
    [ALGORITHM_ES256] = "ES256",
    [ALGORITHM_EDDSA] = "EdDSA",
};

static const struct field proxy_item = ITEM_TEXT(.min = 1, .max = 64);

#define ROW struct server_settings
static const struct field server_fields[] = {
    TEXT(listen, .min = 3, .max = 200, .about = "Address and port; port 0 takes a free one."),
    MAYBE_TEXT(public_url, .max = 500,
               .about = "How browsers reach the server; also the issuer of our tokens."),
    TEXT(log_level, .max = 10, .about = "debug, info, warn or error."),
    MAYBE_TEXT(web, .max = 4000, .about = "Folder of the built pages."),
    MAYBE_TEXT(helper, .max = 4000, .about = "Path of the program atelier-media."),
    MAYBE_TEXT(tls_cert, .max = 4000,
               .about = "PEM file of the certificate and its chain; then the server speaks https."),
    MAYBE_TEXT(tls_key, .max = 4000, .about = "PEM file of its private key, without a password."),
    BOOL(redact_errors, .about = "Say nothing of internal errors but their number."),
    BOOL(compression,
         .about = "Pack WebSocket messages for clients that offer permessage-deflate."),
    MAYBE_TEXT(memory_limit, .max = 30,
               .about = "Memory that the server may take, as 512MiB or 2GiB; at least 256MiB. "
                        "Unset: half of what there is."),
    MAYBE_LIST(trusted_proxies, &proxy_item, .max = 64,
               .about = "Addresses and ranges (10.0.0.0/8) of reverse proxies: whom their "
                        "X-Forwarded-For names is the peer that limits count."),
};
#undef ROW
static const struct shape server_shape = {
    .name = "server", .size = sizeof(struct server_settings), FIELDS(server_fields)};

#define ROW struct issuer_settings
static const struct field issuer_fields[] = {
    TEXT(issuer, .min = 1, .max = 500, .about = "As in the token's iss."),
    MAYBE_TEXT(application_id, .wire = "applicationID", .max = 200, .about = "As in aud."),
    MAYBE_TEXT(jwks, .max = 100000, .about = "URL of the keys; not needed for oidc."),
    CHOICE(kind, issuer_kind_names),
    MAYBE_CHOICE(algorithm, algorithm_names),
    BOOL(allow_private_addresses, .is_optional = true),
};
#undef ROW
static const struct shape issuer_shape = {.name = "issuer",
                                          .about = "Whose tokens are accepted beside ours.",
                                          .size = sizeof(struct issuer_settings),
                                          FIELDS(issuer_fields)};
static const struct field issuer_item = ITEM_RECORD(&issuer_shape, struct issuer_settings);

#define ROW struct clerk_settings
static const struct field clerk_fields[] = {
    MAYBE_RECORD(webhook_secret, &config_secret_shape,
                 .about = "Of its endpoint /api/webhooks/clerk, which tells of people."),
    MAYBE_TEXT(issuer, .min = 1, .max = 500,
               .about = "As in its tokens' iss; needed where other issuers are trusted, too."),
};
#undef ROW
static const struct shape clerk_shape = {
    .name = "clerk", .size = sizeof(struct clerk_settings), FIELDS(clerk_fields)};

#define ROW struct auth_settings
static const struct field auth_fields[] = {
    MAYBE_LIST(issuers, &issuer_item, .max = 15),
    MAYBE_RECORD(clerk, &clerk_shape),
};
#undef ROW
static const struct shape auth_shape = {
    .name = "auth", .size = sizeof(struct auth_settings), FIELDS(auth_fields)};

static const struct field address_item = ITEM_TEXT(.min = 1, .max = 60);
#define ROW struct trusted_caller
static const struct field trusted_caller_fields[] = {
    TEXT(function, .min = 3, .max = 200, .about = "As in users:createUser."),
    LIST(addresses, &address_item, .min = 1, .max = 64,
         .about = "Addresses and ranges (10.0.0.0/8) from which it may be called."),
};
#undef ROW
static const struct shape trusted_caller_shape = {
    .name = "trustedCaller",
    .about = "A function of the program's own that some may call without a token.",
    .size = sizeof(struct trusted_caller),
    FIELDS(trusted_caller_fields)};
static const struct field trusted_caller_item =
    ITEM_RECORD(&trusted_caller_shape, struct trusted_caller);

#define ROW struct compat_settings
static const struct field compat_fields[] = {
    MAYBE_LIST(trusted_callers, &trusted_caller_item, .max = 64,
               .about = "For servers of the original studios, which send no token. Each such call "
                        "is logged. Better: our own webhook addresses."),
};
#undef ROW
static const struct shape compat_shape = {.name = "compat",
                                          .about = "What older clients need.",
                                          .size = sizeof(struct compat_settings),
                                          FIELDS(compat_fields)};

#define ROW struct settings
static const struct field settings_fields[] = {
    RECORD(server, &server_shape),
    RECORD(auth, &auth_shape),
    {.name = "plans",
     .offset = offsetof(struct settings, studio.plans),
     .size = sizeof(struct list),
     .kind = FIELD_LIST,
     .item = &config_plan_item,
     .min = 1,
     .max = 20},
    {.name = "models",
     .offset = offsetof(struct settings, studio.models),
     .size = sizeof(struct list),
     .kind = FIELD_LIST,
     .item = &config_model_item,
     .min = 1,
     .max = 500},
    {.name = "providers",
     .offset = offsetof(struct settings, studio.providers),
     .size = sizeof(struct list),
     .kind = FIELD_LIST,
     .item = &config_provider_item,
     .min = 1,
     .max = 50},
    {.name = "moderation",
     .offset = offsetof(struct settings, studio.moderation),
     .size = sizeof(struct moderation_config),
     .kind = FIELD_RECORD,
     .shape = &config_moderation_shape},
    {.name = "creditPackages",
     .offset = offsetof(struct settings, studio.credit_packages),
     .size = sizeof(struct list),
     .kind = FIELD_LIST,
     .item = &config_package_item,
     .max = 20},
    {.name = "payments",
     .offset = offsetof(struct settings, studio.payments),
     .size = sizeof(struct payments_config),
     .kind = FIELD_RECORD,
     .shape = &config_payments_shape},
    RECORD(compat, &compat_shape),
    MAYBE_RECORD(blobs, &blob_settings_shape),
};
#undef ROW
const struct shape settings_shape = {
    .name = "configuration", .size = sizeof(struct settings), FIELDS(settings_fields)};

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/settings.h"

#include "cli/presets.h"
#include "provider/workflow.h"
#include "json/yaml.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

extern char **environ;

static const char defaults[] = "server:\n"
                               "  listen: localhost:7070\n"
                               "  logLevel: info\n"
                               "  redactErrors: true\n"
                               "  compression: true\n"
                               "auth:\n"
                               "  issuers: []\n"
                               "creditPackages: []\n"
                               "payments: {}\n"
                               "compat: {}\n"
                               "moderation: {}\n";

enum layer {
    LAYER_NONE,
    LAYER_DEFAULTS,
    LAYER_PRESET,
    LAYER_FILE,
    LAYER_ENVIRONMENT,
    LAYER_OPTIONS,
};

struct loading {
    struct arena *arena;
    const struct settings_options *options;
    struct json all;
    struct fault *fault;
};

static bool read_whole(struct arena *arena, const char *path, str *out, struct fault *fault)
{
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) != 0)
        return fault_os(fault, path);
    if ((size_t)facts.st_size > YAML_BYTES_MAX)
        return fault_set(fault, FAULT_FULL, "%s is larger than 1 MiB", path);
    char *text = arena_alloc(arena, (size_t)facts.st_size + 1);
    ssize_t got = read(fd, text, (size_t)facts.st_size);
    if (got < 0)
        return fault_os(fault, path);
    *out = (str){text, (size_t)got};
    return true;
}

static bool add_yaml(struct loading *loading, const char *name, str text, enum layer layer)
{
    struct json tree;
    struct fault fault;
    if (!yaml_read(loading->arena, text, layer, &tree, &fault))
        return fault_set(loading->fault, FAULT_INPUT, "%s: %s", name, fault.text);
    if (tree.kind != JSON_OBJECT && tree.kind != JSON_NULL)
        return fault_set(loading->fault, FAULT_INPUT, "%s: it must hold sections, like \"server:\"",
                         name);
    if (tree.kind == JSON_OBJECT)
        loading->all = json_merge(loading->arena, &loading->all, &tree);
    return true;
}

static bool add_defaults(struct loading *loading)
{
    const char *telling = loading->options->tells_errors ? "server:\n  redactErrors: false\n" : "";
    return add_yaml(loading, "defaults", str_of(defaults), LAYER_DEFAULTS) &&
           add_yaml(loading, "defaults", str_of(telling), LAYER_DEFAULTS);
}

static bool add_preset(struct loading *loading)
{
    AUTO(buffer_done) struct buffer names = buffer_with_max(KIB(4));
    const char *name = loading->options->preset;
    if (name == NULL || name[0] == 0)
        name = getenv("ATELIER_PRESET");
    if (name == NULL || name[0] == 0)
        name = "studio";
    for (size_t i = 0; i < ARRAY_LEN(presets); i++)
        if (strcmp(presets[i].name, name) == 0)
            return add_yaml(loading, presets[i].name,
                            (str){(const char *)presets[i].text, presets[i].len}, LAYER_PRESET);
    for (size_t i = 0; i < ARRAY_LEN(presets); i++)
        buffer_format(&names, "%s%s", i == 0 ? "" : ", ", presets[i].name);
    return fault_set(loading->fault, FAULT_INPUT, "there is no preset \"%s\"; there are: %.*s",
                     name, STR_ARG(buffer_text(&names)));
}

static bool add_file(struct loading *loading)
{
    str text = {0};
    if (loading->options->config == NULL)
        return true;
    return read_whole(loading->arena, loading->options->config, &text, loading->fault) &&
           add_yaml(loading, loading->options->config, text, LAYER_FILE);
}

/* "PUBLIC_URL" is publicUrl. */
static str camel(struct arena *arena, str name)
{
    char *out = arena_alloc(arena, name.len + 1);
    size_t len = 0;
    bool is_next_upper = false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '_') {
            is_next_upper = true;
            continue;
        }
        int c = tolower((unsigned char)name.at[i]);
        out[len++] = (char)(is_next_upper ? toupper(c) : c);
        is_next_upper = false;
    }
    return (str){out, len};
}

/* ATELIER_SERVER_PUBLIC_URL is server.publicUrl; lists are not set this way. */
static void add_variable(struct loading *loading, str variable)
{
    str prefix = STR("ATELIER_SERVER_");
    str name;
    if (!str_starts(variable, prefix))
        return;
    variable = str_slice(variable, prefix.len, variable.len);
    str_split(&variable, '=', &name);
    struct json value = yaml_scalar(loading->arena, variable, LAYER_ENVIRONMENT);
    str path = str_format(loading->arena, "server.%.*s", STR_ARG(camel(loading->arena, name)));
    struct json layer = json_wrap(loading->arena, path, &value);
    loading->all = json_merge(loading->arena, &loading->all, &layer);
}

/* The contract's own name for Clerk's issuer (AUTH-06). */
static bool add_clerk(struct loading *loading)
{
    const char *domain = getenv("CLERK_JWT_ISSUER_DOMAIN");
    if (domain == NULL || domain[0] == 0)
        return true;
    AUTO(buffer_done) struct buffer text = buffer_with_max(KIB(4));
    buffer_str(&text, STR("auth: {issuers: [{kind: oidc, applicationID: convex, issuer: "));
    json_write_text(&text, str_of(domain));
    buffer_str(&text, STR("}]}\n"));
    return add_yaml(loading, "CLERK_JWT_ISSUER_DOMAIN",
                    str_copy(loading->arena, buffer_text(&text)), LAYER_ENVIRONMENT);
}

static bool add_environment(struct loading *loading)
{
    for (char **at = environ; *at != NULL; at++)
        add_variable(loading, str_of(*at));
    return add_clerk(loading);
}

static void add_option(struct loading *loading, str path, const char *text)
{
    if (text == NULL)
        return;
    struct json value = {.kind = JSON_TEXT, .text = str_of(text), .source = LAYER_OPTIONS};
    struct json layer = json_wrap(loading->arena, path, &value);
    loading->all = json_merge(loading->arena, &loading->all, &layer);
}

static void add_options(struct loading *loading)
{
    add_option(loading, STR("server.listen"), loading->options->listen);
    add_option(loading, STR("server.tlsCert"), loading->options->tls_cert);
    add_option(loading, STR("server.tlsKey"), loading->options->tls_key);
    add_option(loading, STR("server.memoryLimit"), loading->options->memory_limit);
}

/* A size may be written as a number, of bytes. */
static void read_size(struct loading *loading)
{
    const struct json *size = json_get(json_get(&loading->all, "server"), "memoryLimit");
    if (size->kind != JSON_INT && size->kind != JSON_NUMBER)
        return;
    struct json text = *size;
    text.kind = JSON_TEXT;
    text.text = str_format(loading->arena, "%lld", (long long)json_int(size, 0));
    struct json layer = json_wrap(loading->arena, STR("server.memoryLimit"), &text);
    loading->all = json_merge(loading->arena, &loading->all, &layer);
}

/* ---- checking ---- */

static const char *source_name(const struct loading *loading, const struct field_error *error)
{
    switch (error->source) {
    case LAYER_FILE:
        return loading->options->config;
    case LAYER_ENVIRONMENT:
        return "the environment";
    case LAYER_OPTIONS:
        return "the options";
    case LAYER_PRESET:
        return "the preset";
    default:
        return "the configuration";
    }
}

/* The checker speaks to programmers of frontends; an operator reads one plain line. */
static str plain_text(struct arena *arena, const struct field_error *error)
{
    str text = str_of(error->text);
    str extra = STR("Object contains extra field `");
    if (str_starts(text, extra)) {
        str path = str_of(error->path);
        return str_format(arena, "there is no setting \"%.*s\".",
                          STR_ARG(str_slice(path, 1, path.len)));
    }
    char *line = str_zero_ended(arena, text);
    /* Not the value itself: it may be a key, written where only its place belongs. */
    char *value = strstr(line, "\nValue: ");
    char *after = value == NULL ? NULL : strchr(value + 1, '\n');
    if (value != NULL)
        memmove(value, after == NULL ? "" : after, after == NULL ? 1 : strlen(after) + 1);
    for (char *at = strchr(line, '\n'); at != NULL; at = strchr(at, '\n'))
        *at = ' ';
    return str_of(line);
}

static bool refuse(const struct loading *loading, const struct field_error *error)
{
    char place[32] = "", nearest[96] = "";
    str text = plain_text(loading->arena, error);
    if (error->line != 0)
        snprintf(place, sizeof(place), " line %u", error->line);
    if (error->nearest[0] != 0)
        snprintf(nearest, sizeof(nearest), " Did you mean \"%s\"?", error->nearest);
    return fault_set(loading->fault, FAULT_INPUT, "%s%s: %.*s%s", source_name(loading, error),
                     place, STR_ARG(utf8_cut(text, 200)), nearest);
}

static bool read_secret(struct arena *arena, struct secret_config *secret, struct fault *fault)
{
    if (secret->env.len != 0) {
        const char *value = getenv(str_zero_ended(arena, secret->env));
        if (value == NULL && secret->is_optional)
            return true;
        if (value == NULL)
            return fault_set(fault, FAULT_INPUT,
                             "the environment variable %.*s, which should hold a key, is not set",
                             STR_ARG(secret->env));
        secret->value = str_copy(arena, str_of(value));
    } else if (secret->file.len != 0) {
        if (!read_whole(arena, str_zero_ended(arena, secret->file), &secret->value, fault))
            return false;
        secret->value = str_trim(secret->value);
    }
    return true;
}

static bool read_two(struct arena *arena, struct secret_config *key,
                     struct secret_config *webhook_secret, struct fault *fault)
{
    return (key == NULL || read_secret(arena, key, fault)) &&
           (webhook_secret == NULL || read_secret(arena, webhook_secret, fault));
}

static bool read_blob_secrets(struct arena *arena, const struct blob_settings *blobs,
                              struct fault *fault)
{
    struct secret_config *secrets[BLOB_SECRETS];
    if (blobs == NULL)
        return true;
    blob_settings_secrets(blobs, secrets);
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        if (secrets[i] != NULL && !read_secret(arena, secrets[i], fault))
            return false;
    return true;
}

static bool read_secrets(struct arena *arena, struct settings *settings, struct fault *fault)
{
    struct provider_config *providers = settings->studio.providers.items;
    struct payments_config *payments = &settings->studio.payments;
    struct processor_config *processors[] = {payments->stripe, payments->polar};
    for (size_t i = 0; i < settings->studio.providers.count; i++)
        if (!read_two(arena, providers[i].key, providers[i].webhook_secret, fault))
            return false;
    for (size_t i = 0; i < ARRAY_LEN(processors); i++)
        if (processors[i] != NULL &&
            !read_two(arena, processors[i]->key, processors[i]->webhook_secret, fault))
            return false;
    const struct clerk_settings *clerk = settings->auth.clerk;
    if (clerk != NULL && !read_two(arena, NULL, clerk->webhook_secret, fault))
        return false;
    struct moderation_endpoint_config *judge = settings->studio.moderation.endpoint;
    if (judge != NULL && judge->key != NULL && !read_secret(arena, judge->key, fault))
        return false;
    return true;
}

/* The files that models name, each once. */
static bool read_workflows(struct arena *arena, struct studio_config *studio, struct fault *fault)
{
    const struct model_config *models = studio->models.items;
    struct workflow_config *all =
        arena_array(arena, struct workflow_config, studio->models.count + 1);
    studio->workflows = (struct list){all, 0};
    for (size_t i = 0; i < studio->models.count; i++) {
        if (models[i].workflow.len == 0 || config_workflow(studio, &models[i]).len != 0)
            continue;
        struct workflow_config file = {.path = models[i].workflow};
        struct fault inner;
        if (!read_whole(arena, str_zero_ended(arena, file.path), &file.text, fault))
            return false;
        if (!workflow_check(file.text, &inner))
            return fault_set(fault, FAULT_INPUT, "%.*s: %s", STR_ARG(file.path), inner.text);
        all[studio->workflows.count++] = file;
    }
    return true;
}

bool settings_load(struct arena *arena, const struct settings_options *options,
                   struct settings *out, struct fault *fault)
{
    struct loading loading = {
        .arena = arena, .options = options, .all.kind = JSON_OBJECT, .fault = fault};
    struct field_error error;

    if (!add_defaults(&loading) || !add_preset(&loading) || !add_file(&loading) ||
        !add_environment(&loading))
        return false;
    add_options(&loading);
    read_size(&loading);
    *out = (struct settings){0};
    if (!shape_read(arena, &settings_shape, &loading.all, false, out, &error))
        return refuse(&loading, &error);
    out->studio.bucket = blob_settings_home(out->blobs);
    return read_secrets(arena, out, fault) && read_blob_secrets(arena, out->blobs, fault) &&
           read_workflows(arena, &out->studio, fault) && studio_config_check(&out->studio, fault);
}

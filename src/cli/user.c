/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/password.h"
#include "auth/token.h"
#include "base/clock.h"
#include "base/random.h"
#include "cli/cli.h"
#include "cli/local.h"
#include "cli/options.h"
#include "serve/data.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_TIME HOURS(1)

static const char help[] = "Usage: atelier user COMMAND [OPTIONS]\n"
                           "\n"
                           "  add EMAIL     make an account\n"
                           "  token EMAIL   print a token for it, good for an hour\n"
                           "  list          all accounts\n"
                           "\n"
                           "All take --data DIR and work while a server runs on it.\n";

static int complain(const struct fault *fault)
{
    fprintf(stderr, "atelier: %s\n", fault->text);
    return CLI_FAILED;
}

static void add_member(struct buffer *to, const char *name, str value)
{
    buffer_format(to, "%s\"%s\":", to->len <= 1 ? "" : ",", name);
    json_write_text(to, value);
}

/* ---- add ---- */

static bool create(struct arena *arena, const char *data, const char *email, const char *password,
                   const char *role, struct fault *fault)
{
    char hash[PASSWORD_HASH_MAX];
    str value;
    if (!password_is_fit(str_of(password), fault) || !password_hash(str_of(password), hash, fault))
        return false;
    AUTO(buffer_done) struct buffer args = buffer_with_max(KIB(4));
    buffer_char(&args, '{');
    add_member(&args, "email", str_of(email));
    add_member(&args, "name", STR(""));
    add_member(&args, "passwordHash", str_of(hash));
    if (role != NULL)
        add_member(&args, "role", str_of(role));
    buffer_char(&args, '}');
    return local_call(arena, data, FUNCTION_MUTATION, "accounts:signUp", buffer_text(&args), &value,
                      fault);
}

static int add(int argc, char **argv)
{
    const char *data = CLI_DATA_DEFAULT, *email = NULL, *password = NULL, *role = NULL;
    const struct option options[] = {
        {"data", "DIR", "the data folder (./data)", &data, NULL},
        {"password", "P", "8 to 256 bytes; without it one is made and printed", &password, NULL},
        {"role", "ROLE", "user or admin (user)", &role, NULL},
    };
    const struct operand operands[] = {{"EMAIL", &email, false}};
    const struct command command = {
        .name = "user add",
        .about = "Makes an account with e-mail and password.",
        .example = "atelier user add mira@example.org --role admin",
        .options = options,
        .option_count = ARRAY_LEN(options),
        .operands = operands,
        .operand_count = ARRAY_LEN(operands),
    };
    struct arena arena = {0};
    struct fault fault;
    struct random random;
    char made[33] = {0};
    int code;
    if (!command_read(&command, argc, argv, &code))
        return code;
    if (strchr(email, '@') == NULL) {
        fprintf(stderr, "atelier: \"%s\" is not an e-mail address\n", email);
        return CLI_USAGE;
    }
    if (role != NULL && strcmp(role, "user") != 0 && strcmp(role, "admin") != 0) {
        fprintf(stderr, "atelier: a role is user or admin, not \"%s\"\n", role);
        return CLI_USAGE;
    }
    if (password == NULL) {
        random_init(&random);
        random_token(&random, made);
        password = made;
    }
    code = create(&arena, data, email, password, role, &fault) ? CLI_OK : complain(&fault);
    if (code == CLI_OK)
        fprintf(stderr, "Added %s.\n", email);
    if (code == CLI_OK && made[0] != 0)
        printf("%s\n", made);
    arena_done(&arena);
    return code;
}

/* ---- token ---- */

static bool make_token(struct arena *arena, const char *data, const char *email, str *token,
                       struct fault *fault)
{
    char keys[PATH_MAX];
    str value;
    struct json account;
    AUTO(buffer_done) struct buffer args = buffer_with_max(KIB(4));
    buffer_char(&args, '{');
    add_member(&args, "email", str_of(email));
    buffer_char(&args, '}');
    if (!local_call(arena, data, FUNCTION_QUERY, "accounts:find", buffer_text(&args), &value,
                    fault) ||
        !json_read(arena, value, 0, &account, fault))
        return false;
    if (account.kind != JSON_OBJECT)
        return fault_set(fault, FAULT_ABSENT, "there is no account with the address %s", email);

    snprintf(keys, sizeof(keys), "%s/keys", data);
    struct signer *signer = signer_open(keys, fault);
    if (signer == NULL)
        return false;
    struct data_holder holder = data_holder(data, arena);
    struct token_claims claims = {
        .issuer = holder.public_url.len != 0 ? holder.public_url : STR("http://localhost:7070"),
        .subject = json_text(json_get(&account, "subject")),
        .email = json_text(json_get(&account, "email")),
        .name = json_text(json_get(&account, "name")),
        .issued_at = clock_now(),
        .expires_at = instant_add(clock_now(), TOKEN_TIME),
    };
    *token = token_sign(signer, arena, &claims);
    signer_close(signer);
    return true;
}

static int token(int argc, char **argv)
{
    const char *data = CLI_DATA_DEFAULT, *email = NULL;
    const struct option options[] = {{"data", "DIR", "the data folder (./data)", &data, NULL}};
    const struct operand operands[] = {{"EMAIL", &email, false}};
    const struct command command = {
        .name = "user token",
        .about = "Prints a token (a JWT) of the account on stdout, good for an hour.",
        .options = options,
        .option_count = ARRAY_LEN(options),
        .operands = operands,
        .operand_count = ARRAY_LEN(operands),
    };
    struct arena arena = {0};
    struct fault fault;
    str made = {0};
    int code;
    if (!command_read(&command, argc, argv, &code))
        return code;
    if (make_token(&arena, data, email, &made, &fault))
        printf("%.*s\n", STR_ARG(made));
    else
        code = complain(&fault);
    arena_done(&arena);
    return code;
}

/* ---- list ---- */

static int list(int argc, char **argv)
{
    const char *data = CLI_DATA_DEFAULT;
    const struct option options[] = {{"data", "DIR", "the data folder (./data)", &data, NULL}};
    const struct command command = {
        .name = "user list",
        .about = "All accounts, one a line: address, id, name.",
        .options = options,
        .option_count = ARRAY_LEN(options),
    };
    struct arena arena = {0};
    struct fault fault;
    struct json users = {0};
    str value;
    int code;
    if (!command_read(&command, argc, argv, &code))
        return code;
    if (!local_call(&arena, data, FUNCTION_QUERY, "users:list", STR("{}"), &value, &fault) ||
        !json_read(&arena, value, 0, &users, &fault))
        code = complain(&fault);
    for (size_t i = 0; code == CLI_OK && i < users.count; i++)
        printf("%.*s\t%.*s\t%.*s\n", STR_ARG(json_text(json_get(&users.items[i], "email"))),
               STR_ARG(json_text(json_get(&users.items[i], "userId"))),
               STR_ARG(json_text(json_get(&users.items[i], "name"))));
    arena_done(&arena);
    return code;
}

int cli_user(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "add") == 0)
        return add(argc - 1, argv + 1);
    if (strcmp(word, "token") == 0)
        return token(argc - 1, argv + 1);
    if (strcmp(word, "list") == 0)
        return list(argc - 1, argv + 1);
    bool asked = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
    fputs(help, asked ? stdout : stderr);
    return asked ? CLI_OK : CLI_USAGE;
}

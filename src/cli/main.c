/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/version.h"

#include <stdio.h>
#include <string.h>

static const char help[] = "Atelier: a generative-media studio's back office in one program.\n"
                           "\n"
                           "Usage: atelier COMMAND [OPTIONS]\n"
                           "\n"
                           "  serve          run the server\n"
                           "  user           add people, list them, make a token\n"
                           "  backup FILE    write everything into one file, also while serving\n"
                           "  restore FILE   bring a backup back into an empty folder\n"
                           "  ledger verify  derive every balance from the journal once more\n"
                           "  blobs move     files from the disk to a bucket of S3, or back\n"
                           "  doctor         say what is wrong and how to mend it\n"
                           "  codegen        write the TypeScript types of all functions\n"
                           "\n"
                           "  --help, --version\n"
                           "\n"
                           "Each command explains itself: atelier serve --help\n";

static const char *const commands[] = {"serve",  "user",  "backup",  "restore", "ledger",
                                       "doctor", "blobs", "codegen", "--help",  "--version"};

/* Those that the fixture adds nothing to. */
static const struct {
    const char *word;
    int (*run)(int argc, char **argv);
} plain_commands[] = {
    {"user", cli_user},     {"backup", cli_backup}, {"restore", cli_restore},
    {"ledger", cli_ledger}, {"doctor", cli_doctor}, {"blobs", cli_blobs},
};

static int unknown(const char *word)
{
    const char *nearest = nearest_word(word, commands, ARRAY_LEN(commands));
    fprintf(stderr, "atelier: there is no command \"%s\".", word);
    if (nearest != NULL)
        fprintf(stderr, " Did you mean \"%s\"?", nearest);
    fprintf(stderr, " See: atelier --help\n");
    return CLI_USAGE;
}

static bool is_word(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

int cli_main(int argc, char **argv, const struct extras *extras)
{
    if (argc < 2) {
        fputs(help, stderr);
        return CLI_USAGE;
    }
    const char *word = argv[1];
    argc--;
    argv++;
    if (is_word(word, "--help", "-h") || strcmp(word, "help") == 0)
        return fputs(help, stdout) >= 0 ? CLI_OK : CLI_FAILED;
    if (is_word(word, "--version", "-V"))
        return printf("atelier %s\n", ATELIER_VERSION) > 0 ? CLI_OK : CLI_FAILED;
    if (strcmp(word, "serve") == 0)
        return cli_serve(argc, argv, extras);
    for (size_t i = 0; i < ARRAY_LEN(plain_commands); i++)
        if (strcmp(word, plain_commands[i].word) == 0)
            return plain_commands[i].run(argc, argv);
    if (strcmp(word, "codegen") == 0)
        return cli_codegen(argc, argv, extras);
    return unknown(word);
}

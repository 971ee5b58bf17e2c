/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atelier ledger verify: every balance, hold and lot derived from the journal once more. It works
 * on a copy of the database of one moment, so a server may go on serving.
 */
#include "cli/cli.h"

#include "cli/moment.h"
#include "cli/options.h"
#include "studio/ledger_verify.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 100

static const char help[] = "Usage: atelier ledger COMMAND [OPTIONS]\n"
                           "\n"
                           "  verify   derive every balance from the journal and say where it "
                           "differs\n"
                           "\n"
                           "It takes --data DIR and works while a server runs on it.\n";

static void show(void *context, str what)
{
    int *shown = context;
    if (++*shown <= SHOWN_MAX)
        printf("differs  %.*s\n", STR_ARG(what));
}

static void sum_up(const struct ledger_sums *sums)
{
    if (sums->differences > SHOWN_MAX)
        printf("and %lld more\n", (long long)sums->differences - SHOWN_MAX);
    printf("%s  %lld movements of %lld people, %lld lots, %lld holds; %lld credits granted, %lld "
           "earned; providers %.2f USD\n",
           sums->differences == 0 ? "ok" : "wrong", (long long)sums->movements,
           (long long)sums->people, (long long)sums->lots, (long long)sums->holds,
           (long long)sums->granted, (long long)sums->revenue, (double)sums->outlay / 1e6);
    if (sums->differences != 0)
        printf("%lld differences. Nothing was changed. Keep a backup of this moment, and correct "
               "balances with credits:adjust.\n",
               (long long)sums->differences);
}

static bool verify_data(const char *data, struct ledger_sums *sums, struct fault *fault)
{
    struct moment moment = {0};
    int shown = 0;
    if (!moment_open(data, "ledger", &moment, fault))
        return false;
    bool is_read = ledger_verify(moment.store, show, &shown, sums, fault);
    moment_close(&moment);
    return is_read;
}

static int verify(int argc, char **argv)
{
    const char *data = CLI_DATA_DEFAULT;
    const struct option options[] = {{"data", "DIR", "the data folder (./data)", &data, NULL}};
    const struct command command = {
        .name = "ledger verify",
        .about = "Derives every balance, hold and lot from the journal and says where it differs. "
                 "Answers 1 if anything does.",
        .options = options,
        .option_count = ARRAY_LEN(options),
    };
    struct ledger_sums sums = {0};
    struct fault fault;
    int code;
    if (!command_read(&command, argc, argv, &code))
        return code;
    if (!verify_data(data, &sums, &fault)) {
        fprintf(stderr, "atelier: %s\n", fault.text);
        return CLI_FAILED;
    }
    sum_up(&sums);
    return sums.differences == 0 ? CLI_OK : CLI_FAILED;
}

int cli_ledger(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "verify") == 0)
        return verify(argc - 1, argv + 1);
    bool asked = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
    fputs(help, asked ? stdout : stderr);
    return asked ? CLI_OK : CLI_USAGE;
}

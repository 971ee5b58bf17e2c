/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 40 /* longer words are like no other */

/* ---- the nearest word ---- */

/* How many letters to change, add, drop or swap with their neighbour. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > WORD_MAX || b_len > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            now[j] = MIN_OF(MIN_OF(now[j - 1], last[j]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = MIN_OF(now[j], before[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

const char *nearest_word(const char *word, const char *const *list, size_t count)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, list[i]);
        if (d <= least && (best == NULL || d < least)) {
            best = list[i];
            least = d;
        }
    }
    return best;
}

/* ---- help ---- */

static void print_row(const char *name, const char *value, const char *about)
{
    char left[64];
    snprintf(left, sizeof(left), "--%s%s%s", name, value == NULL ? "" : " ",
             value == NULL ? "" : value);
    printf("  %-22s %s\n", left, about);
}

static void print_help(const struct command *command)
{
    printf("%s\n\nUsage: atelier %s", command->about, command->name);
    for (size_t i = 0; i < command->operand_count; i++)
        printf(command->operands[i].is_optional ? " [%s]" : " %s", command->operands[i].name);
    printf(" [options]\n\nOptions:\n");
    for (size_t i = 0; i < command->option_count; i++)
        print_row(command->options[i].name, command->options[i].value, command->options[i].about);
    print_row("help", NULL, "Show this and stop");
    if (command->example != NULL)
        printf("\nExample:\n%s\n", command->example);
}

/* ---- reading ---- */

struct reading {
    const struct command *command;
    int argc;
    char **argv;
    int at;
    size_t operands;
};

static bool complain(const struct command *command, const char *what, const char *about,
                     const char *word)
{
    fprintf(stderr, "atelier %s: %s %s%s\n", command->name, what, about, word);
    fprintf(stderr, "Try: atelier %s --help\n", command->name);
    return false;
}

static bool option_unknown(const struct command *command, const char *name)
{
    const char *names[32];
    size_t count = MIN_OF(command->option_count, ARRAY_LEN(names) - 1);
    for (size_t i = 0; i < count; i++)
        names[i] = command->options[i].name;
    names[count] = "help";

    const char *near = nearest_word(name, names, count + 1);
    fprintf(stderr, "atelier %s: there is no option --%s", command->name, name);
    if (near != NULL)
        fprintf(stderr, "; did you mean --%s?", near);
    fprintf(stderr, "\nTry: atelier %s --help\n", command->name);
    return false;
}

/* name has no dashes any more and may go on with "=value". */
static bool option_read(struct reading *reading, char *name)
{
    const struct command *command = reading->command;
    char *value = strchr(name, '=');
    if (value != NULL)
        *value++ = 0;
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *option = &command->options[i];
        if (strcmp(option->name, name) != 0)
            continue;
        if (option->flag != NULL) {
            *option->flag = true;
            return value == NULL || complain(command, "takes no value:", "--", name);
        }
        if (value == NULL && reading->at < reading->argc)
            value = reading->argv[reading->at++];
        if (value == NULL || value[0] == 0)
            return complain(command, "a value is missing after", "--", name);
        *option->text = value;
        return true;
    }
    return option_unknown(command, name);
}

static bool operand_read(struct reading *reading, const char *word)
{
    const struct command *command = reading->command;
    if (reading->operands == command->operand_count)
        return complain(command, "one word too many:", "", word);
    if (word[0] == 0)
        return complain(command, "empty:", "", command->operands[reading->operands].name);
    *command->operands[reading->operands++].text = word;
    return true;
}

static bool all_read(const struct reading *reading)
{
    const struct command *command = reading->command;
    if (reading->operands < command->operand_count &&
        !command->operands[reading->operands].is_optional)
        return complain(command, "missing:", "", command->operands[reading->operands].name);
    return true;
}

bool command_read(const struct command *command, int argc, char **argv, int *exit_code)
{
    struct reading reading = {.command = command, .argc = argc, .argv = argv, .at = 1};
    bool options_ended = false;
    *exit_code = CLI_USAGE;
    while (reading.at < argc) {
        char *word = argv[reading.at++];
        bool ok;
        if (!options_ended && strcmp(word, "--") == 0) {
            options_ended = true;
            continue;
        }
        if (!options_ended && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            print_help(command);
            *exit_code = CLI_OK;
            return false;
        }
        if (!options_ended && strncmp(word, "--", 2) == 0)
            ok = option_read(&reading, word + 2);
        else if (!options_ended && word[0] == '-' && word[1] != 0)
            ok = complain(command, "there is no option", "", word);
        else
            ok = operand_read(&reading, word);
        if (!ok)
            return false;
    }
    if (!all_read(&reading))
        return false;
    *exit_code = CLI_OK;
    return true;
}

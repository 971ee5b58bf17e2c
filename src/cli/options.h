/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command line read by a table, and the help written from the same table. Options are
 * "--name value", "--name=value" or a bare "--name"; "--" ends them; -h and --help are always
 * there. Not getopt_long: it takes any unambiguous beginning of a name, so that a new option can
 * break an old script, and its complaints cannot name the nearest option.
 *
 * Owns:     nothing; values point into argv.
 * Threads:  one at a time.
 * Time:     none.
 * Fails:    what is wrong and how to see the help goes to stderr.
 */
#pragma once

#include "base/base.h"

/* One of text and flag is set. */
struct option {
    const char *name;  /* without the dashes */
    const char *value; /* "DIR" in the help; of a text only */
    const char *about;
    const char **text;
    bool *flag;
};

/* A word without dashes, in order. */
struct operand {
    const char *name; /* "FILE" in the help */
    const char **text;
    bool is_optional;
};

struct command {
    const char *name;    /* "backup", or "user add" */
    const char *about;   /* a sentence or two; lines are broken by the writer of the table */
    const char *example; /* may be NULL */
    const struct option *options;
    size_t option_count;
    const struct operand *operands;
    size_t operand_count;
};

/*
 * True: go on; *exit_code is CLI_OK. False: end with *exit_code; help was asked for and printed
 * (CLI_OK), or the line is wrong (CLI_USAGE). argv[0] is skipped. Values that were not given stay
 * as they are.
 */
bool command_read(const struct command *command, int argc, char **argv, int *exit_code) MUST_CHECK;

/* The entry of a list that is most like a word that is none of them, or NULL. */
const char *nearest_word(const char *word, const char *const *list, size_t count);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands. main.c looks at the first word and hands the rest on; argv[0] is then the
 * command's own name, as in "backup".
 *
 * Owns:     nothing.
 * Threads:  the main thread.
 * Time:     the system's, by base/clock.h.
 * Fails:    each answers the exit code: CLI_OK, CLI_FAILED or CLI_USAGE, and has said on stderr
 * why.
 */
#pragma once

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2, /* the command line itself was wrong; nothing was done */
};

/* Where data is when nobody says otherwise. */
#define CLI_DATA_DEFAULT "./data"

struct extras; /* cli/serve.h: what the fixture adds to the product */

/* The program: looks at the first word and runs that command. extras may be NULL. */
int cli_main(int argc, char **argv, const struct extras *extras);

int cli_serve(int argc, char **argv, const struct extras *extras);
int cli_user(int argc, char **argv);
int cli_codegen(int argc, char **argv, const struct extras *extras);
int cli_backup(int argc, char **argv);
int cli_restore(int argc, char **argv);
int cli_ledger(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_blobs(int argc, char **argv);

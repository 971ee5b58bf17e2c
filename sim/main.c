/* SPDX-License-Identifier: Apache-2.0 */
/* The simulation as a program: many seeds of the oracle, or one of them again. */
#include "runs.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SHORTEN_TIME MINUTES(2)

static const struct option long_options[] = {
    {"seed", required_argument, NULL, 's'},
    {"seeds", required_argument, NULL, 'n'},
    {"steps", required_argument, NULL, 't'},
    {"jobs", required_argument, NULL, 'j'},
    {"engine", required_argument, NULL, 'e'},
    {"plant", required_argument, NULL, 'p'},
    {"loud", no_argument, NULL, 'l'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "atelier-sim [--seed N] [--seeds N] [--steps N] [--jobs N] [--engine memory|sqlite]\n"
    "            [--plant NAME] [--loud]\n"
    "Runs so many seeds from the first, each so many steps, in so many processes. A failing one\n"
    "is made shorter. With a plant (a fault put there), failing is what it should do.\n";

static enum plant plant_of(const char *name)
{
    for (size_t i = 0; i < PLANT_COUNT; i++)
        if (strcmp(name, plant_names[i]) == 0)
            return (enum plant)i;
    fprintf(stderr, "there is no plant of that name; there are:");
    for (size_t i = 1; i < PLANT_COUNT; i++)
        fprintf(stderr, " %s", plant_names[i]);
    fputc('\n', stderr);
    exit(2);
}

static uint64_t number_of(const char *text)
{
    int64_t value;
    if (str_to_int(str_of(text), &value) && value >= 0)
        return (uint64_t)value;
    fprintf(stderr, "%s is not a number\n", text);
    exit(2);
}

static bool read_options(int count, char **texts, struct many *many)
{
    bool is_loud = false;
    int letter;
    while ((letter = getopt_long(count, texts, "", long_options, NULL)) != -1) {
        switch (letter) {
        case 's':
            many->first = number_of(optarg);
            break;
        case 'n':
            many->seeds = number_of(optarg);
            break;
        case 't':
            many->steps = number_of(optarg);
            break;
        case 'j':
            many->jobs = MAX_OF(MIN_OF((size_t)number_of(optarg), RUNS_JOBS_MAX), 1);
            break;
        case 'e':
            many->engine = strcmp(optarg, "sqlite") == 0 ? STORE_SQLITE : STORE_MEMORY;
            break;
        case 'p':
            many->plant = plant_of(optarg);
            break;
        case 'l':
            is_loud = true;
            break;
        default:
            fputs(usage, letter == 'h' ? stdout : stderr);
            exit(letter == 'h' ? 0 : 2);
        }
    }
    return is_loud;
}

static struct oracle_options options_of(const struct many *many, uint64_t seed)
{
    return (struct oracle_options){
        .engine = many->engine != STORE_NONE ? many->engine : seed_engine(seed),
        .seed = seed,
        .steps = many->steps,
        .plant = many->plant,
    };
}

int main(int count, char **texts)
{
    struct many many = {.first = 1, .seeds = 1, .steps = 20000, .jobs = 1};
    struct oracle_counts counts = {0};
    uint64_t failed = 0;
    if (read_options(count, texts, &many)) {
        struct oracle_options options = options_of(&many, many.first);
        options.is_loud = true;
        return seed_run(&options, &counts) ? 0 : 1;
    }
    bool worked = many_run(&many, &counts, &failed);
    counts_print(&counts);
    if (!worked) {
        struct oracle_options options = options_of(&many, failed);
        seed_shorten(&options, SHORTEN_TIME);
        fprintf(stderr, "again: atelier-sim --seed %" PRIu64 " --steps %" PRIu64 " --loud\n",
                failed, many.steps);
    } else if (!counts_are_good(&counts)) {
        fprintf(stderr, "all answers are right, but queries are run too often\n");
        worked = false;
    }
    return worked == (many.plant == PLANT_NONE) ? 0 : 1;
}

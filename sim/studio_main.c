/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator of generations as a program: so many steps of lives from a seed. */
#include "studio_life.h"

#include "base/clock.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#define DEEDS 400 /* of one life */

static const struct option long_options[] = {
    {"seed", required_argument, NULL, 's'},
    {"steps", required_argument, NULL, 't'},
    {"config", required_argument, NULL, 'c'},
    {"loud", no_argument, NULL, 'l'},
    {"seconds", required_argument, NULL, 'e'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "atelier-sim-studio [--seed N] [--steps N | --seconds N] [--config FILE] [--loud]\n"
    "Lives of a studio, from a seed on, until there were so many steps, or so many seconds have\n"
    "passed. It ends at the first life in which something was wrong.\n";

static uint64_t number_of(const char *text)
{
    int64_t value;
    if (str_to_int(str_of(text), &value) && value >= 0)
        return (uint64_t)value;
    fprintf(stderr, "%s is not a number\n", text);
    exit(2);
}

static void print_counts(const struct life_counts *c, span took)
{
    double seconds = (double)MAX_OF(took.us, INT64_C(1)) / 1e6;
    printf("lives %" PRIu64 " (%" PRIu64 " on SQLite, %" PRIu64 " power cuts), steps %" PRIu64
           ", calls %" PRIu64 " (%" PRIu64 " refused)\n",
           c->lives, c->lives_on_disk, c->power_cuts, c->steps, c->calls, c->refused);
    printf("jobs: %" PRIu64 " completed, %" PRIu64 " failed, %" PRIu64 " canceled; orders at "
           "providers %" PRIu64 "\n",
           c->made, c->failed, c->canceled, c->commissions);
    printf("faults: crashes %" PRIu64 ", store %" PRIu64 ", clock forward %" PRIu64
           ", clock back %" PRIu64 ", postings %" PRIu64 ", payments %" PRIu64 " (%" PRIu64
           " again)\n",
           c->crashes, c->store_faults, c->jumps_forward, c->jumps_back, c->postings, c->grants,
           c->grants_again);
    printf("payments: events %" PRIu64 " (%" PRIu64 " again), refunds %" PRIu64
           ", adjustments %" PRIu64 "\n",
           c->events, c->events_again, c->refunds, c->adjustments);
    printf("providers:");
    for (size_t i = 1; i < MISHAPS; i++)
        printf("%s %s %" PRIu64, i == 1 ? "" : ",", mishap_names[i], c->mishaps[i]);
    printf("\nchecks: %" PRIu64 " after steps, %" PRIu64 " of everything\n", c->checks,
           c->whole_checks);
    printf("%.0f jobs/s, %.0f steps/s, %.1f simulated days/s\n", (double)c->jobs / seconds,
           (double)c->steps / seconds, (double)c->virtual_us / 86400e6 / seconds);
}

static bool goes_on(const struct life_counts *counts, uint64_t steps, uint64_t seconds,
                    instant start)
{
    if (seconds == 0)
        return counts->steps < steps;
    return instant_since(clock_monotonic(), start).us < SECONDS((int64_t)seconds).us;
}

int main(int count, char **texts)
{
    struct life_options options = {.seed = 1, .deeds = DEEDS, .config = "sim/studio.yaml"};
    struct life_counts counts = {0};
    uint64_t steps = 20000, hash = 0, seconds = 0;
    instant start = clock_monotonic();
    bool is_well = true;
    int letter;
    while ((letter = getopt_long(count, texts, "", long_options, NULL)) != -1) {
        switch (letter) {
        case 's':
            options.seed = number_of(optarg);
            break;
        case 't':
            steps = number_of(optarg);
            break;
        case 'e':
            seconds = number_of(optarg);
            break;
        case 'c':
            options.config = optarg;
            break;
        case 'l':
            options.is_loud = true;
            break;
        default:
            fputs(usage, letter == 'h' ? stdout : stderr);
            return letter == 'h' ? 0 : 2;
        }
    }
    printf("from seed %" PRIu64 "\n", options.seed);
    for (; is_well && goes_on(&counts, steps, seconds, start); options.seed++)
        is_well = life_run(&options, &counts, &hash);
    print_counts(&counts, instant_since(clock_monotonic(), start));
    printf("trace hash %016" PRIx64 "\n", hash);
    printf("jobs run %" PRIu64 ", violations found %" PRIu64 "\n", counts.jobs, counts.violations);
    return is_well ? 0 : 1;
}

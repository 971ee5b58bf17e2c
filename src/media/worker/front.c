/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atelier-media: the server's helper for pictures and films.
 *
 * Started by the server with its end of a socket pair as descriptor 3; it is of no use by hand. It
 * never opens what it is sent itself: it forks a sandboxed child for each request (helper.h). Its
 * own children do only plain pictures, and come from a small program: forking and ending one of
 * those that have libvips and FFmpeg, 170 libraries, took a fifth of a picture's time. All else
 * goes on to atelier-media-full, which it starts, and without which it ends.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "media/process.h"
#include "media/worker/helper.h"
#include "media/worker/plain.h"

job_verb *const job_verbs[MEDIA_VERB_COUNT] = {
    [MEDIA_DERIVE] = plain_derive,
#ifdef MEDIA_WITH_SELFTEST
    [MEDIA_SELFTEST] = job_selftest,
#endif
};

/* This program's own path with that at its end. */
static bool start_full(int children, int *deputy)
{
    static const char end[] = "-full";
    char path[PATH_MAX];
    struct helper_process full;
    struct fault fault;
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - sizeof(end));
    if (len <= 0)
        return false;
    memcpy(path + len, end, sizeof(end));
    if (!helper_process_start(path, children, &full, &fault)) {
        fprintf(stderr, "atelier-media: %s\n", fault.text);
        return false;
    }
    *deputy = full.socket;
    return true;
}

static bool warm_up(const char *name, int children, int *deputy)
{
    plain_warm_up();
    return start_full(children, deputy);
}

int main(int count, char **args)
{
    return helper_main(count, args, warm_up);
}

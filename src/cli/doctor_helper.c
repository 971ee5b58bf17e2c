/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor.h"

#include "base/clock.h"
#include "media/media.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define PATIENCE SECONDS(15)
#define TEXT_MAX 240

struct trial {
    bool is_over, is_painted;
    char text[TEXT_MAX];
};

static void on_event(void *context, struct media_event *event)
{
    struct trial *trial = context;
    if (event->kind == MEDIA_EVENT_PROGRESS)
        return;
    trial->is_over = true;
    trial->is_painted = event->kind == MEDIA_EVENT_DONE;
    if (event->text != NULL)
        strncat(trial->text, event->text, sizeof(trial->text) - 1);
}

static void trial_run(struct media *media, struct trial *trial)
{
    instant end = instant_add(clock_monotonic(), PATIENCE);
    while (!trial->is_over && instant_is_before(clock_monotonic(), end)) {
        struct pollfd ready = {.fd = media_fd(media), .events = POLLIN};
        poll(&ready, 1, 50);
        media_step(media, clock_monotonic(), on_event, trial);
    }
}

static void trial_report(struct report *report, const char *path, const struct trial *trial)
{
    if (trial->is_painted) {
        report_ok(report, "helper", "%s paints", path);
        return;
    }
    report_problem(report, "helper", "%s did not paint a picture: %s", path,
                   trial->is_over ? trial->text : "it did not answer in time");
    report_mend("install Atelier's packages again; on a computer with little memory, free some");
}

void doctor_check_helper(struct report *report, const char *path)
{
    const struct media_request request = {
        .verb = MEDIA_SKETCH_IMAGE,
        .input_fd = -1,
        .prompt = STR("a small boat"),
        .width = 256,
        .height = 256,
    };
    struct trial trial = {0};
    struct fault fault = {0};
    struct media *media;
    if (access(path, X_OK) != 0) {
        report_problem(report, "helper", "%s: %s", path, strerrordesc_np(errno));
        report_mend("atelier-media and atelier-media-full belong beside atelier; or: make build");
        return;
    }
    if (!media_open(path, NULL, &media, &fault)) {
        report_problem(report, "helper", "%s", fault.text);
        report_mend("install Atelier's packages again, or: make build");
        return;
    }
    if (media_submit(media, &request, 1, &fault))
        trial_run(media, &trial);
    trial_report(report, path, &trial);
    media_close(media);
}

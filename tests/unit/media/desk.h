/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests: a media with a helper, files in memory, and requests that are waited for.
 *
 * Owns:     what it hands out is closed by ending_done.
 * Threads:  one.
 * Time:     the monotonic clock; a request that has not ended after a minute fails the test.
 * Fails:    by cmocka.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "media/media.h"

#define DESK_PATIENCE SECONDS(60)

/* How a request ended. */
struct ending {
    uint64_t id;
    enum media_event_kind kind;
    enum media_failure failure;
    char text[MEDIA_TEXT_MAX];
    struct media_facts facts;
    struct media_output outputs[MEDIA_OUTPUT_COUNT];
    char blur[MEDIA_BLUR_MAX + 1];
    int progress_count;
    float fraction;
    span took; /* of desk_ask */
};

struct desk {
    struct media *media;
    struct ending endings[64];
    int count; /* ended */
};

static inline void desk_on_event(void *context, struct media_event *event)
{
    struct desk *desk = context;
    struct ending *ending = &desk->endings[event->id % 64];
    ending->id = event->id;
    if (event->kind == MEDIA_EVENT_PROGRESS) {
        assert_true(event->fraction > ending->fraction && event->fraction <= 1.0F);
        ending->fraction = event->fraction;
        ending->progress_count++;
        return;
    }
    assert_int_equal(ending->kind, MEDIA_EVENT_NONE);
    ending->kind = event->kind;
    ending->failure = event->failure;
    ending->facts = event->facts;
    if (event->text != NULL)
        snprintf(ending->text, sizeof(ending->text), "%s", event->text);
    snprintf(ending->blur, sizeof(ending->blur), "%.*s", STR_ARG(event->blur));
    for (int i = 0; i < MEDIA_OUTPUT_COUNT; i++) {
        ending->outputs[i] = event->outputs[i];
        take_fd(&event->outputs[i].fd);
    }
    desk->count++;
}

static inline void desk_step(struct desk *desk, int wait_ms)
{
    struct pollfd polled = {.fd = media_fd(desk->media), .events = POLLIN};
    poll(&polled, 1, wait_ms);
    media_step(desk->media, clock_monotonic(), desk_on_event, desk);
}

/* Until this many have ended since desk_clear. */
static inline void desk_wait(struct desk *desk, int count)
{
    instant end = instant_add(clock_monotonic(), DESK_PATIENCE);
    while (desk->count < count) {
        assert_true(instant_is_before(clock_monotonic(), end));
        desk_step(desk, 20);
    }
}

static inline void desk_clear(struct desk *desk)
{
    for (int i = 0; i < 64; i++)
        for (int k = 0; k < MEDIA_OUTPUT_COUNT; k++)
            if (desk->endings[i].kind != MEDIA_EVENT_NONE)
                fd_close(&desk->endings[i].outputs[k].fd);
    memset(desk->endings, 0, sizeof(desk->endings));
    desk->count = 0;
}

static inline void desk_submit(struct desk *desk, const struct media_request *request, uint64_t id)
{
    struct fault fault = {0};
    if (!media_submit(desk->media, request, id, &fault))
        fail_msg("%s", fault.text);
}

/* One request, waited for; forgets what came before. */
static inline struct ending *desk_ask(struct desk *desk, const struct media_request *request)
{
    instant start = clock_monotonic();
    desk_clear(desk);
    desk_submit(desk, request, 1);
    desk_wait(desk, 1);
    desk->endings[1].took = instant_since(clock_monotonic(), start);
    return &desk->endings[1];
}

static inline int desk_file(const void *data, size_t len)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    return fd;
}

static inline struct ending *desk_look(struct desk *desk, enum media_verb verb, const void *data,
                                       size_t len)
{
    int fd = desk_file(data, len);
    struct ending *ending = desk_ask(desk, &(struct media_request){.verb = verb, .input_fd = fd});
    close(fd);
    return ending;
}

/* What an output holds; freed by the caller. */
static inline uint8_t *desk_read(const struct media_output *output)
{
    assert_true(output->fd >= 0);
    uint8_t *data = memory_new(output->len);
    assert_int_equal(pread(output->fd, data, output->len, 0), (ssize_t)output->len);
    return data;
}

static inline struct media_request desk_sketch(const char *prompt, uint32_t width, uint32_t height)
{
    return (struct media_request){
        .verb = MEDIA_SKETCH_IMAGE,
        .input_fd = -1,
        .prompt = str_of(prompt),
        .width = width,
        .height = height,
        .seed = 7,
    };
}

static inline void desk_open(struct desk *desk, const char *variable, int children)
{
    struct fault fault = {0};
    struct media_options options = {.children = children};
    memset(desk, 0, sizeof(*desk));
    if (!media_open(getenv(variable), &options, &desk->media, &fault))
        fail_msg("%s", fault.text);
}

static inline void desk_close(struct desk *desk)
{
    desk_clear(desk);
    media_close(desk->media);
}

/* Of a process: the first thread's, and so ours and the helper's. */
static inline size_t desk_children(pid_t pid, pid_t *out, size_t max)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    FILE *from = fopen(path, "re");
    assert_non_null(from);
    while (count < max && fscanf(from, "%d", &out[count]) == 1)
        count++;
    fclose(from);
    return count;
}

/* atelier-media-full, which atelier-media starts, or a child of that. */
static inline bool desk_is_full_helper(pid_t pid)
{
    char path[64], program[400];
    snprintf(path, sizeof(path), "/proc/%d/exe", pid);
    ssize_t len = readlink(path, program, sizeof(program) - 1);
    program[MAX_OF(len, 0)] = 0;
    return len > 5 && strcmp(program + len - 5, "-full") == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "media/media.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/log.h"
#include "media/process.h"
#include "media/request.h"

#define CHILDREN_MAX 63
#define PLACES_MAX (CHILDREN_MAX + 1)
#define REPLIES_A_STEP 256
#define BACKOFF_MIN MILLISECONDS(50)
#define BACKOFF_MAX SECONDS(5)
/* Beyond a request's own time; a helper that has not ended it by then has come to a standstill. */
#define PATIENCE SECONDS(20)

struct media {
    char *path, *scratch;
    int children; /* that films may have; what is soon done has one place more */
    int epoll;
    int bell; /* rung by submit and cancel, so that the next step comes */
    struct helper_process process;
    bool wants_room;    /* waiting for space in the socket */
    instant restart_at; /* while there is no helper */
    span backoff;
    struct ask *first, *last; /* waiting, in order */
    struct ask *flying[PLACES_MAX];
    int flying_count;
    size_t waiting;
    media_on_event *on_event; /* of the step that is running */
    void *context;
};

static void watch(struct media *media, int what, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(media->epoll, what, fd, &event);
}

static bool start(struct media *media, struct fault *fault)
{
    if (!helper_process_start(media->path, media->children + 1, &media->process, fault))
        return false;
    watch(media, EPOLL_CTL_ADD, media->process.socket, EPOLLIN);
    media->wants_room = false;
    return true;
}

static int core_count(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return MIN_OF(MAX_OF(count, 1), CHILDREN_MAX);
}

static void release(struct media **media)
{
    media_close(*media);
}

bool media_open(const char *helper_path, const struct media_options *options, struct media **out,
                struct fault *fault)
{
    AUTO(release) struct media *media = memory_zeroed(sizeof(*media));
    int children = options != NULL ? options->children : 0;
    media->children = children > 0 ? MIN_OF(children, CHILDREN_MAX) : core_count();
    media->backoff = BACKOFF_MIN;
    if (options != NULL && options->scratch != NULL)
        media->scratch = strdup(options->scratch);
    media->process.socket = -1;
    media->bell = -1;
    media->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (media->epoll < 0)
        return fault_os(fault, "epoll");
    media->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (media->bell < 0)
        return fault_os(fault, "eventfd");
    watch(media, EPOLL_CTL_ADD, media->bell, EPOLLIN);
    if (!helper_path_find(helper_path, &media->path, fault) || !start(media, fault))
        return false;
    *out = take_pointer(&media);
    return true;
}

void media_close(struct media *media)
{
    if (media == NULL)
        return;
    helper_process_stop(&media->process);
    for (int i = 0; i < media->flying_count; i++)
        ask_free(media->flying[i]);
    while (media->first != NULL) {
        struct ask *next = media->first->next;
        ask_free(media->first);
        media->first = next;
    }
    fd_close(&media->bell);
    fd_close(&media->epoll);
    free(media->path);
    free(media->scratch);
    free(media);
}

int media_fd(const struct media *media)
{
    return media->epoll;
}

instant media_due(const struct media *media)
{
    if (media->process.pid == 0)
        return media->restart_at;
    instant due = {0};
    for (int i = 0; i < media->flying_count; i++)
        if (due.us == 0 || instant_is_before(media->flying[i]->late, due))
            due = media->flying[i]->late;
    return due;
}

size_t media_load(const struct media *media)
{
    return media->waiting + (size_t)media->flying_count;
}

static void ring(struct media *media)
{
    uint64_t one = 1;
    (void)!write(media->bell, &one, sizeof(one));
}

bool media_submit(struct media *media, const struct media_request *request, uint64_t id,
                  struct fault *fault)
{
    if (media_load(media) >= MEDIA_QUEUE_MAX)
        return fault_set(fault, FAULT_FULL, "the media helper has too much to do");
    struct ask *ask = NULL;
    if (!ask_new(request, id, &ask, fault))
        return false;
    if (media->last != NULL)
        media->last->next = ask;
    else
        media->first = ask;
    media->last = ask;
    media->waiting++;
    ring(media);
    return true;
}

bool media_cancel(struct media *media, uint64_t id)
{
    for (struct ask *ask = media->first; ask != NULL; ask = ask->next)
        if (ask->id == id) {
            ask->is_canceled = true;
            ring(media);
            return true;
        }
    for (int i = 0; i < media->flying_count; i++)
        if (media->flying[i]->id == id) {
            struct wire_note note = {.magic = WIRE_MAGIC, .kind = WIRE_CANCEL, .id = id};
            /* Without room the request simply goes on; it ends by itself. */
            (void)!send(media->process.socket, &note, sizeof(note), MSG_NOSIGNAL | MSG_DONTWAIT);
            return true;
        }
    return false;
}

/* Tells the end of a request, or its progress, and closes what was not taken. */
static void tell(struct media *media, struct media_event *event)
{
    media->on_event(media->context, event);
    for (int i = 0; i < MEDIA_OUTPUT_COUNT; i++)
        fd_close(&event->outputs[i].fd);
}

static struct media_event event_for(const struct ask *ask, enum media_event_kind kind)
{
    struct media_event event = {.kind = kind, .id = ask->id};
    for (int i = 0; i < MEDIA_OUTPUT_COUNT; i++)
        event.outputs[i].fd = -1;
    return event;
}

static void fail(struct media *media, struct ask *ask, enum media_failure failure, const char *text)
{
    struct media_event event = event_for(ask, MEDIA_EVENT_FAILED);
    event.failure = failure;
    event.text = text;
    tell(media, &event);
    ask_free(ask);
}

static struct ask *land(struct media *media, int place)
{
    struct ask *ask = media->flying[place];
    media->flying[place] = media->flying[--media->flying_count];
    return ask;
}

/* The helper is gone, or not to be trusted any more. */
static void lose(struct media *media, instant now)
{
    log_event(LOG_WARN, "media_helper_lost", "in flight %d, again in %lld ms", media->flying_count,
              (long long)(media->backoff.us / 1000));
    helper_process_stop(&media->process);
    media->restart_at = instant_add(now, media->backoff);
    media->backoff.us = MIN_OF(media->backoff.us * 2, BACKOFF_MAX.us);
    struct ask *lost[PLACES_MAX];
    int count = media->flying_count;
    memcpy(lost, media->flying, sizeof(lost));
    media->flying_count = 0;
    for (int i = 0; i < count; i++)
        fail(media, lost[i], MEDIA_UNAVAILABLE,
             "The media helper stopped and is being started again.");
}

static void take_reply(struct media *media, const struct wire_reply *reply)
{
    int place = 0;
    while (place < media->flying_count && media->flying[place]->id != reply->id)
        place++;
    if (place == media->flying_count)
        return; /* late, for a request that has ended */
    struct ask *ask = media->flying[place];
    const char *why;
    if (!reply_is_sound(ask, reply, &why)) {
        log_event(LOG_WARN, "media_reply_refused", "%s", why);
        fail(media, land(media, place), MEDIA_BROKEN,
             "The media helper gave an answer that cannot be right.");
    } else if (reply->kind == WIRE_PROGRESS) {
        struct media_event event = event_for(ask, MEDIA_EVENT_PROGRESS);
        if (reply->fraction <= ask->fraction)
            return;
        event.fraction = ask->fraction = reply->fraction;
        tell(media, &event);
    } else if (reply->kind == WIRE_FAILED) {
        fail(media, land(media, place), (enum media_failure)reply->failure, reply->text);
    } else {
        struct media_event event = event_for(ask, MEDIA_EVENT_DONE);
        land(media, place);
        ask_done(ask, reply, &event);
        tell(media, &event);
        ask_free(ask);
    }
}

static void receive(struct media *media, instant now)
{
    for (int i = 0; i < REPLIES_A_STEP && media->process.pid != 0; i++) {
        struct wire_reply reply;
        ssize_t got = recv(media->process.socket, &reply, sizeof(reply), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got != (ssize_t)sizeof(reply) || reply.magic != WIRE_MAGIC) {
            lose(media, now);
            return;
        }
        media->backoff = BACKOFF_MIN;
        take_reply(media, &reply);
    }
}

static struct ask *pop(struct media *media)
{
    struct ask *ask = media->first;
    media->first = ask->next;
    if (media->first == NULL)
        media->last = NULL;
    ask->next = NULL;
    media->waiting--;
    return ask;
}

/* Ends those cancelled while they waited, wherever they stand. */
static void drop_canceled(struct media *media)
{
    struct ask *kept = NULL, *kept_last = NULL, *dropped = NULL;
    while (media->first != NULL) {
        struct ask *ask = pop(media);
        if (ask->is_canceled) {
            ask->next = dropped;
            dropped = ask;
        } else {
            if (kept_last != NULL)
                kept_last->next = ask;
            else
                kept = ask;
            kept_last = ask;
            media->waiting++; /* pop counted it out */
        }
    }
    media->first = kept;
    media->last = kept_last;
    while (dropped != NULL) {
        struct ask *next = dropped->next;
        fail(media, dropped, MEDIA_CANCELED, "Cancelled.");
        dropped = next;
    }
}

/* The one before the first that has a place, and that one; a thumbnail does not wait for films, nor
 * they for those that came after them. NULL: none has. */
static struct ask *next_of(struct media *media, struct ask **before)
{
    int long_count = 0;
    for (int i = 0; i < media->flying_count; i++)
        long_count += media_verb_is_long(media->flying[i]->verb);
    *before = NULL;
    if (media->flying_count > media->children)
        return NULL;
    struct ask *ask = media->first;
    while (ask != NULL && media_verb_is_long(ask->verb) && long_count >= media->children) {
        *before = ask;
        ask = ask->next;
    }
    return ask;
}

static void take_out(struct media *media, struct ask *before, struct ask *ask)
{
    if (before == NULL)
        media->first = ask->next;
    else
        before->next = ask->next;
    if (media->last == ask)
        media->last = before;
    ask->next = NULL;
    media->waiting--;
}

/* Hands over as many as the helper works on at once. */
static void pump(struct media *media, instant now)
{
    bool is_full = false;
    struct ask *ask, *before;
    while (media->process.pid != 0 && !is_full && (ask = next_of(media, &before)) != NULL) {
        if (ask_send(ask, media->process.socket, media->scratch)) {
            take_out(media, before, ask);
            ask->late = instant_add(now, (span){ask->time_max.us + PATIENCE.us});
            media->flying[media->flying_count++] = ask;
        } else if (errno == EAGAIN || errno == EPIPE || errno == ECONNRESET) {
            is_full = true; /* or gone, which receive will see */
        } else {
            log_event(LOG_WARN, "media_send_failed", "%s", strerrordesc_np(errno));
            take_out(media, before, ask);
            fail(media, ask, MEDIA_UNAVAILABLE, "The media helper could not be reached.");
        }
    }
    if (media->process.pid != 0 && is_full != media->wants_room) {
        media->wants_room = is_full;
        watch(media, EPOLL_CTL_MOD, media->process.socket, is_full ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
}

/* Without a program to start, waiting would have no end. */
static void fail_waiting(struct media *media)
{
    for (size_t left = media->waiting; left > 0 && media->first != NULL; left--)
        fail(media, pop(media), MEDIA_UNAVAILABLE, "The media helper could not be started.");
}

static void restart(struct media *media, instant now)
{
    struct fault fault = {0};
    if (start(media, &fault))
        return;
    log_event(LOG_ERROR, "media_helper_start_failed", "%s", fault.text);
    media->restart_at = instant_add(now, media->backoff);
    media->backoff.us = MIN_OF(media->backoff.us * 2, BACKOFF_MAX.us);
    fail_waiting(media);
}

/* What it has answered was received just before. */
static void drop_standstill(struct media *media, instant now)
{
    instant due = media_due(media);
    if (media->process.pid != 0 && due.us != 0 && instant_is_before(due, now))
        lose(media, now);
}

void media_step(struct media *media, instant now, media_on_event *on_event, void *context)
{
    media->on_event = on_event;
    media->context = context;
    uint64_t rings;
    (void)!read(media->bell, &rings, sizeof(rings));
    if (media->process.pid == 0 && !instant_is_before(now, media->restart_at))
        restart(media, now);
    receive(media, now);
    drop_canceled(media);
    drop_standstill(media, now);
    pump(media, now);
}

static const char *const failure_names[MEDIA_FAILURE_COUNT] = {
    [MEDIA_FAILURE_NONE] = "none", [MEDIA_REFUSED] = "refused",
    [MEDIA_CORRUPT] = "corrupt",   [MEDIA_TOO_LARGE] = "too_large",
    [MEDIA_TIMEOUT] = "timeout",   [MEDIA_CRASHED] = "crashed",
    [MEDIA_CANCELED] = "canceled", [MEDIA_UNAVAILABLE] = "unavailable",
    [MEDIA_BROKEN] = "broken",     [MEDIA_STARVED] = "starved",
};

const char *media_failure_name(enum media_failure failure)
{
    return failure < MEDIA_FAILURE_COUNT ? failure_names[failure] : "none";
}

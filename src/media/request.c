/* SPDX-License-Identifier: Apache-2.0 */
#include "media/request.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "media/edits.h"
#include "media/parameters.h"

#define DESCRIPTORS_MAX (1 + MEDIA_OUTPUT_COUNT)
#define FILM_WIDTH 1280U
#define FILM_HEIGHT 720U
#define STEPS_DEFAULT 28U
#define GUIDANCE_DEFAULT 7.5F
#define TIME_MAX_MS 600000
#define TIME_MS 60000 /* by the clock; the helper also limits processor time */
#define TIME_FILM_MS 180000

/* Memfds are sparse: unused room costs nothing. */
#define FILM_ROOM MIB(128)
#define THUMBNAIL_ROOM MIB(4)
#define DISPLAY_ROOM MIB(192)
#define POSTER_ROOM MIB(16)
#define MOVING_ROOM MIB(16)
#define PLAYBACK_ROOM MIB(32) /* beyond an eighth more than the film */
#define RESIZED_ROOM MIB(72)
#define EMBEDDED_ROOM PARAMETERS_JSON_MAX
#define EDITS_ROOM EDITS_BYTES_MAX

#define BIT(name) (1U << (name))

static const uint32_t outputs_of[MEDIA_VERB_COUNT] = {
    [MEDIA_PROBE] = BIT(MEDIA_EMBEDDED),
    [MEDIA_DERIVE] =
        BIT(MEDIA_THUMBNAIL) | BIT(MEDIA_DISPLAY) | BIT(MEDIA_POSTER) | BIT(MEDIA_EMBEDDED),
    [MEDIA_STAMP] = BIT(MEDIA_EDITS),
    [MEDIA_RESIZE] = BIT(MEDIA_RESIZED),
    [MEDIA_PREVIEW] = BIT(MEDIA_MOVING) | BIT(MEDIA_PLAYBACK),
    [MEDIA_SKETCH_IMAGE] = BIT(MEDIA_ORIGINAL),
    [MEDIA_SKETCH_VIDEO] = BIT(MEDIA_ORIGINAL),
    [MEDIA_SELFTEST] = BIT(MEDIA_ORIGINAL),
};

static bool reads_input(enum media_verb verb)
{
    return verb == MEDIA_PROBE || verb == MEDIA_DERIVE || verb == MEDIA_RESIZE ||
           verb == MEDIA_STAMP || verb == MEDIA_PREVIEW;
}

/* 0: nothing is resized to this format. */
static uint32_t quality_of(enum media_type format)
{
    switch (format) {
    case MEDIA_JPEG:
    case MEDIA_WEBP:
        return 80;
    case MEDIA_AVIF:
        return 55; /* looks as the others do at 80 */
    case MEDIA_PNG:
        return 100;
    default:
        return 0;
    }
}

static bool check_sketch(const struct media_request *request, struct fault *fault)
{
    uint32_t steps = request->steps;
    float guidance = request->guidance;
    if (steps != 0 && (steps < 10 || steps > 50))
        return fault_set(fault, FAULT_INPUT, "steps must be 10 to 50");
    if (guidance != 0.0F && !(guidance >= 1.0F && guidance <= 20.0F))
        return fault_set(fault, FAULT_INPUT, "guidance must be 1 to 20");
    if (request->verb == MEDIA_SKETCH_VIDEO) {
        if (request->duration.us < 4000000 || request->duration.us > 8000000)
            return fault_set(fault, FAULT_INPUT, "duration must be 4 to 8 seconds");
        return true;
    }
    if (request->width < MEDIA_SIDE_MIN || request->width > MEDIA_SIDE_MAX)
        return fault_set(fault, FAULT_INPUT, "width must be %d to %d", MEDIA_SIDE_MIN,
                         MEDIA_SIDE_MAX);
    if (request->height < MEDIA_SIDE_MIN || request->height > MEDIA_SIDE_MAX)
        return fault_set(fault, FAULT_INPUT, "height must be %d to %d", MEDIA_SIDE_MIN,
                         MEDIA_SIDE_MAX);
    return true;
}

static bool is_resized_side(uint32_t side)
{
    return side >= MEDIA_RESIZE_MIN && side <= MEDIA_RESIZE_MAX;
}

static bool check_resize(const struct media_request *request, struct fault *fault)
{
    if (!is_resized_side(request->width))
        return fault_set(fault, FAULT_INPUT, "width must be %d to %d", MEDIA_RESIZE_MIN,
                         MEDIA_RESIZE_MAX);
    if (!is_resized_side(request->height) && request->height != 0)
        return fault_set(fault, FAULT_INPUT, "height must be %d to %d", MEDIA_RESIZE_MIN,
                         MEDIA_RESIZE_MAX);
    if (request->fit != MEDIA_CONTAIN && !(request->fit == MEDIA_COVER && request->height != 0))
        return fault_set(fault, FAULT_INPUT, "fit must be contain, or cover with a height");
    if (quality_of(request->format) == 0)
        return fault_set(fault, FAULT_INPUT, "format must be jpeg, webp, avif or png");
    if (request->quality > 100)
        return fault_set(fault, FAULT_INPUT, "quality must be 1 to 100");
    return true;
}

static bool check(const struct media_request *request, struct fault *fault)
{
    if (request->verb <= MEDIA_VERB_NONE || request->verb >= MEDIA_VERB_COUNT)
        return fault_set(fault, FAULT_INPUT, "no such media verb");
    if (reads_input(request->verb)) {
        struct stat about;
        if (request->input_fd < 0 || fstat(request->input_fd, &about) != 0)
            return fault_set(fault, FAULT_INPUT, "no file was given");
        if (!S_ISREG(about.st_mode))
            return fault_set(fault, FAULT_INPUT, "the input must be a file");
    }
    if (request->verb == MEDIA_SKETCH_IMAGE || request->verb == MEDIA_SKETCH_VIDEO)
        return check_sketch(request, fault);
    return request->verb == MEDIA_RESIZE ? check_resize(request, fault) : true;
}

/* Cut between characters, without the zero bytes that would end it early. */
static void copy_text(char *to, size_t max, str prompt)
{
    prompt = utf8_cut(prompt, max);
    for (size_t i = 0; i < prompt.len; i++)
        to[i] = prompt.at[i] == '\0' ? ' ' : prompt.at[i];
}

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static uint64_t length_of(const struct media_request *request)
{
    struct stat about;
    return request->verb == MEDIA_PREVIEW && fstat(request->input_fd, &about) == 0
               ? (uint64_t)about.st_size
               : 0;
}

static void write_wire(const struct media_request *request, struct wire_request *wire)
{
    bool is_film = request->verb == MEDIA_SKETCH_VIDEO;
    int64_t time_ms = request->limits.time_max.us / 1000;
    if (time_ms <= 0)
        time_ms = media_verb_is_long(request->verb) ? TIME_FILM_MS : TIME_MS;
    wire->magic = WIRE_MAGIC;
    wire->verb = (uint32_t)request->verb;
    wire->has_input = reads_input(request->verb);
    wire->outputs = outputs_of[request->verb];
    wire->seed = request->seed;
    wire->index = request->index;
    wire->width = is_film ? FILM_WIDTH : request->width;
    wire->height = is_film ? FILM_HEIGHT : request->height;
    wire->duration_ms = (uint32_t)(request->duration.us / 1000);
    wire->steps = request->steps != 0 ? request->steps : STEPS_DEFAULT;
    wire->guidance = request->guidance != 0.0F ? request->guidance : GUIDANCE_DEFAULT;
    wire->fit = (uint32_t)request->fit;
    wire->format = (uint32_t)request->format;
    wire->quality = request->quality != 0 ? request->quality : quality_of(request->format);
    wire->pixels_max = or_default(request->limits.pixels_max, MEDIA_PIXELS_MAX);
    wire->frames_max = or_default(request->limits.frames_max, MEDIA_FRAMES_MAX);
    wire->input_max = or_default(request->limits.input_max, MEDIA_INPUT_MAX);
    wire->time_max_ms = (uint32_t)MIN_OF(time_ms, TIME_MAX_MS);
    wire->has_seed = request->has_seed;
    copy_text(wire->prompt, MEDIA_PROMPT_MAX, request->prompt);
    copy_text(wire->negative, MEDIA_PROMPT_MAX, request->negative);
    copy_text(wire->model, MEDIA_MODEL_MAX, request->model);
    wire->output_room[MEDIA_ORIGINAL] =
        is_film ? FILM_ROOM : KIB(256) + (uint64_t)request->width * request->height * 4;
    wire->output_room[MEDIA_THUMBNAIL] = THUMBNAIL_ROOM;
    wire->output_room[MEDIA_DISPLAY] = DISPLAY_ROOM;
    wire->output_room[MEDIA_POSTER] = POSTER_ROOM;
    wire->output_room[MEDIA_MOVING] = MOVING_ROOM;
    wire->output_room[MEDIA_PLAYBACK] = PLAYBACK_ROOM + length_of(request) / 8 * 9;
    wire->output_room[MEDIA_RESIZED] = RESIZED_ROOM;
    wire->output_room[MEDIA_EMBEDDED] = EMBEDDED_ROOM;
    wire->output_room[MEDIA_EDITS] = EDITS_ROOM;
}

/* Of fixed size, sealed so that nobody can shrink it under our mapping. */
static bool make_memfd(uint64_t room, int *out)
{
    AUTO(fd_close) int fd = memfd_create("atelier-media", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)room) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return false;
    *out = take_fd(&fd);
    return true;
}

/* Without a name, and gone when it is closed. Room that is not written takes none. */
static bool make_file(const char *folder, uint64_t room, int *out)
{
    AUTO(fd_close) int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)room) != 0)
        return false;
    *out = take_fd(&fd);
    return true;
}

static bool make_output(struct ask *ask, int i, const char *scratch)
{
    bool is_large = i == MEDIA_PLAYBACK && scratch != NULL;
    return (is_large && make_file(scratch, ask->output_room[i], &ask->output_fds[i])) ||
           make_memfd(ask->output_room[i], &ask->output_fds[i]);
}

/* Made only when it is sent, so that a long queue does not use up the descriptors. */
static bool make_outputs(struct ask *ask, const char *scratch)
{
    for (int i = 0; i < MEDIA_OUTPUT_COUNT; i++)
        if ((ask->outputs & BIT(i)) && ask->output_fds[i] < 0 && !make_output(ask, i, scratch))
            return false;
    return true;
}

static void release(struct ask **ask)
{
    ask_free(*ask);
}

bool ask_new(const struct media_request *request, uint64_t id, struct ask **out,
             struct fault *fault)
{
    if (!check(request, fault))
        return false;
    AUTO(release) struct ask *ask = memory_zeroed(sizeof(*ask));
    ask->id = id;
    ask->input = -1;
    for (int i = 0; i < MEDIA_OUTPUT_COUNT; i++)
        ask->output_fds[i] = -1;
    ask->wire = memory_zeroed(sizeof(*ask->wire));
    ask->wire->id = id;
    write_wire(request, ask->wire);
    ask->verb = request->verb;
    ask->format = request->format;
    ask->outputs = ask->wire->outputs;
    ask->pixels_max = ask->wire->pixels_max;
    ask->time_max = MILLISECONDS(ask->wire->time_max_ms);
    for (int i = 0; i < MEDIA_OUTPUT_COUNT; i++)
        ask->output_room[i] = ask->wire->output_room[i];
    if (ask->wire->has_input) {
        ask->input = fcntl(request->input_fd, F_DUPFD_CLOEXEC, 0);
        if (ask->input < 0)
            return fault_os(fault, "the input");
    }
    *out = take_pointer(&ask);
    return true;
}

void ask_free(struct ask *ask)
{
    if (ask == NULL)
        return;
    fd_close(&ask->input);
    for (int i = 0; i < MEDIA_OUTPUT_COUNT; i++)
        fd_close(&ask->output_fds[i]);
    free(ask->wire);
    free(ask);
}

bool ask_send(struct ask *ask, int socket, const char *scratch)
{
    if (!make_outputs(ask, scratch))
        return false;
    int fds[DESCRIPTORS_MAX];
    size_t count = 0;
    if (ask->input >= 0)
        fds[count++] = ask->input;
    for (int i = 0; i < MEDIA_OUTPUT_COUNT; i++)
        if (ask->output_fds[i] >= 0)
            fds[count++] = ask->output_fds[i];
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
    } control = {0};
    struct iovec part = {.iov_base = ask->wire, .iov_len = sizeof(*ask->wire)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(head), fds, sizeof(int) * count);
    }
    if (sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return false;
    free(ask->wire);
    ask->wire = NULL;
    fd_close(&ask->input);
    ask->input = -1;
    return true;
}

/* NULL: of the type that the facts say. */
static const char *const output_mimes[MEDIA_OUTPUT_COUNT] = {
    [MEDIA_THUMBNAIL] = "image/jpeg",
    [MEDIA_DISPLAY] = "image/webp",
    [MEDIA_POSTER] = "image/jpeg",
    [MEDIA_EMBEDDED] = "application/json",
    [MEDIA_EDITS] = "application/octet-stream",
    [MEDIA_MOVING] = "video/mp4",
    [MEDIA_PLAYBACK] = "video/mp4",
};

void ask_done(struct ask *ask, const struct wire_reply *reply, struct media_event *event)
{
    event->kind = MEDIA_EVENT_DONE;
    event->facts = reply->facts;
    event->mime = media_type_mime((enum media_type)reply->facts.type);
    event->blur = str_of(reply->blur);
    for (int i = 0; i < MEDIA_OUTPUT_COUNT; i++) {
        if (ask->output_fds[i] < 0 || reply->output_len[i] == 0)
            continue;
        event->outputs[i] = (struct media_output){
            .fd = take_fd(&ask->output_fds[i]),
            .len = (size_t)reply->output_len[i],
            .mime = output_mimes[i] == NULL ? event->mime : output_mimes[i],
        };
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * renditions_png, renditions_jpeg: what an upload is looked into for, in the sandbox: its facts,
 * the progressive JPEG in a box of 400, the blur, and the WebP of the same size; beside sharp,
 * which makes the same in its own process without one.
 */
#include "bench.h"

#include "program.h"

#include "media/media.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define BOX 400
#define AT_ONCE_MAX 16
#define SLICES 4 /* of a run, by turns */
#define ANSWER_MAX 200

struct measuring {
    const struct bench *bench;
    struct media *media;
    pid_t sharp;
    FILE *to_sharp;
    int from_sharp;
    char sharp_name[ANSWER_MAX];
    char folder[500], file[600];
    int input;
    size_t at_once, wanted, begun, done;
    uint64_t next_id;
    struct media_request request;
    const char *failure;
    struct media_output original;
};

/* ---- ours ---- */

static void on_event(void *context, struct media_event *event)
{
    struct measuring *m = context;
    if (event->kind == MEDIA_EVENT_FAILED)
        m->failure = media_failure_name(event->failure);
    if (event->kind != MEDIA_EVENT_DONE)
        return;
    m->done++;
    if (event->outputs[MEDIA_ORIGINAL].fd >= 0) {
        m->original = event->outputs[MEDIA_ORIGINAL];
        take_fd(&event->outputs[MEDIA_ORIGINAL].fd);
    }
}

/* The request so many times, at_once under way. */
static bool ask_all(struct measuring *m, const struct media_request *request, size_t count,
                    struct fault *fault)
{
    m->begun = m->done = 0;
    m->failure = NULL;
    while (m->done < count) {
        while (m->begun < count && m->begun - m->done < m->at_once) {
            if (!media_submit(m->media, request, ++m->next_id, fault))
                return false;
            m->begun++;
        }
        struct pollfd polled = {.fd = media_fd(m->media), .events = POLLIN};
        poll(&polled, 1, 1000);
        media_step(m->media, clock_monotonic(), on_event, m);
        if (m->failure != NULL)
            return fault_set(fault, FAULT_SYSTEM, "a rendition failed: %s", m->failure);
    }
    return true;
}

/* ---- theirs ---- */

static void become_sharp(const char *folder, int in, int out)
{
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    if (chdir(folder) == 0)
        execlp("node", "node", "renditions.mjs", NULL);
    _exit(127);
}

static bool start_sharp(struct measuring *m, struct fault *fault)
{
    char folder[500];
    int to[2], from[2];
    snprintf(folder, sizeof(folder), "%.400s/../bench/sharp", m->bench->build);
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
        return fault_os(fault, "pipe");
    signal(SIGPIPE, SIG_IGN);
    m->sharp = fork();
    if (m->sharp == 0)
        become_sharp(folder, to[0], from[1]);
    close(to[0]);
    close(from[1]);
    m->from_sharp = from[0];
    m->to_sharp = fdopen(to[1], "we");
    return (m->sharp > 0 && m->to_sharp != NULL) || fault_os(fault, "node");
}

/* One line there, one back, of which the rest names it. */
static bool tell_sharp(struct measuring *m, str line, struct fault *fault)
{
    char text[ANSWER_MAX];
    size_t len = 0;
    bool is_told = fprintf(m->to_sharp, "%.*s\n", STR_ARG(line)) > 0 && fflush(m->to_sharp) == 0;
    while (is_told && len < sizeof(text) - 1 && (len == 0 || text[len - 1] != '\n')) {
        ssize_t got = read(m->from_sharp, text + len, sizeof(text) - 1 - len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    text[len > 0 ? len - 1 : 0] = 0;
    if (strncmp(text, "ok ", 3) != 0)
        return fault_set(fault, FAULT_SYSTEM,
                         "sharp does not answer; tools/npm-install bench/sharp installs it");
    snprintf(m->sharp_name, sizeof(m->sharp_name), "%s", text + 3);
    return true;
}

static bool run_sharp(struct measuring *m, size_t count, struct fault *fault)
{
    char line[700];
    snprintf(line, sizeof(line), "run %s %zu %zu", m->file, count, m->at_once);
    return tell_sharp(m, str_of(line), fault);
}

/* ---- both ---- */

static bool write_file(const char *path, const struct media_output *output, struct fault *fault)
{
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    void *at = mmap(NULL, output->len, PROT_READ, MAP_SHARED, output->fd, 0);
    if (fd < 0 || at == MAP_FAILED)
        return fault_os(fault, path);
    bool is_whole = write(fd, at, output->len) == (ssize_t)output->len;
    munmap(at, output->len);
    return is_whole || fault_os(fault, path);
}

/* A picture of the sketcher as PNG; or a photo of 12 million pixels made of it. */
static bool make_file(struct measuring *m, bool is_photo, struct fault *fault)
{
    char line[1400], sketch[600];
    struct media_request request = {
        .verb = MEDIA_SKETCH_IMAGE,
        .input_fd = -1,
        .prompt = STR("a harbour town at dusk, boats and lanterns"),
        .seed = 7,
        .width = is_photo ? 2048 : 1024,
        .height = is_photo ? 1536 : 1024,
    };
    snprintf(sketch, sizeof(sketch), "%s/sketch.png", m->folder);
    snprintf(m->file, sizeof(m->file), "%s", sketch);
    if (!ask_all(m, &request, 1, fault) || !write_file(sketch, &m->original, fault))
        return false;
    if (is_photo) {
        snprintf(m->file, sizeof(m->file), "%s/photo.jpg", m->folder);
        snprintf(line, sizeof(line), "photo %s %s", sketch, m->file);
        if (!tell_sharp(m, str_of(line), fault))
            return false;
    }
    m->input = open(m->file, O_RDONLY | O_CLOEXEC);
    m->request = (struct media_request){.verb = MEDIA_DERIVE, .input_fd = m->input, .width = BOX};
    return m->input >= 0 || fault_os(fault, m->file);
}

static bool open_all(struct measuring *m, bool is_photo, struct fault *fault)
{
    char helper[500];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    m->at_once = (size_t)MIN_OF(MAX_OF(cores, 1), AT_ONCE_MAX);
    struct media_options options = {.children = (int)m->at_once};
    snprintf(helper, sizeof(helper), "%.400s/atelier-media", m->bench->build);
    return folder_make(m->bench, "renditions", m->folder, fault) &&
           media_open(helper, &options, &m->media, fault) && start_sharp(m, fault) &&
           make_file(m, is_photo, fault);
}

static void close_all(struct measuring *m)
{
    media_close(m->media);
    if (m->to_sharp != NULL)
        fclose(m->to_sharp); /* at which it ends */
    if (m->sharp > 0) {
        kill(m->sharp, SIGTERM);
        waitpid(m->sharp, NULL, 0);
    }
    fd_close(&m->from_sharp);
    fd_close(&m->input);
    fd_close(&m->original.fd);
    folder_remove(m->folder);
}

static bool time_both(struct measuring *m, size_t count, double *ours, double *theirs,
                      struct fault *fault)
{
    instant start = clock_monotonic();
    if (!ask_all(m, &m->request, count, fault))
        return false;
    instant middle = clock_monotonic();
    *ours += (double)instant_since(middle, start).us / 1e6;
    if (!run_sharp(m, count, fault))
        return false;
    *theirs += (double)instant_since(clock_monotonic(), middle).us / 1e6;
    return true;
}

static bool run(struct measuring *m, struct row *row, struct fault *fault)
{
    double ours = 0, theirs = 0;
    size_t warm = 4 * m->at_once;
    if (!time_both(m, warm, &ours, &theirs, fault)) /* sharp's compiler gets to work */
        return false;
    double each = MAX_OF(ours, theirs) / (double)warm;
    size_t count = (size_t)((double)m->bench->time.us / 1e6 / SLICES / each) + m->at_once;
    for (size_t i = 0; i < m->bench->runs; i++) {
        ours = theirs = 0;
        for (int slice = 0; slice < SLICES; slice++)
            if (!time_both(m, count, &ours, &theirs, fault))
                return false;
        double all = (double)count * SLICES;
        samples_add(&row->samples, all / ours, all / theirs, theirs / ours);
    }
    return true;
}

static bool measure(const struct bench *bench, struct row *row, bool is_photo, struct fault *fault)
{
    struct measuring m = {
        .bench = bench, .from_sharp = -1, .input = -1, .original = {.fd = -1}, .sharp = 0};
    *row = (struct row){.name = is_photo ? "renditions_jpeg" : "renditions_png",
                        .unit = "pictures/s",
                        .decimals = 1,
                        .has_baseline = true};
    bool is_well = open_all(&m, is_photo, fault) && run(&m, row, fault);
    snprintf(
        row->method, sizeof(row->method),
        "%s: facts, progressive JPEG in a box of %d (quality 80, optimised), blur of 10 by 10 as a "
        "PNG data URL, WebP of the same size (quality 82, effort 2), by build/atelier-media with a "
        "sandboxed child for each picture, %zu at once, over its socket pair, file in the page "
        "cache. Baseline: %s, the same renditions at the same qualities and efforts from the same "
        "bytes held in memory, as many at once, no sandbox; by turns, %d times a run.",
        is_photo ? "A JPEG of 4000 by 3000" : "A PNG of 1024 by 1024", BOX, m.at_once, m.sharp_name,
        SLICES);
    close_all(&m);
    return is_well;
}

bool bench_renditions_png(const struct bench *bench, struct row *row, struct fault *fault)
{
    return measure(bench, row, false, fault);
}

bool bench_renditions_jpeg(const struct bench *bench, struct row *row, struct fault *fault)
{
    return measure(bench, row, true, fault);
}

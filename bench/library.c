/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library_first_screen: from going to the library of 10,000 works, with an empty cache, until all
 * thumbnails on the screen are decoded, in Chromium on the same machine; beside the same pictures
 * on a page that holds nothing else and knows their addresses.
 */
#include "bench.h"

#include "program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define ANSWER_MAX 200
#define WARM 2

/* tests/browser/first-screen.mjs: one line there, one back. */
struct visitor {
    pid_t pid;
    FILE *to;
    int from;
};

static void become(const char *folder, int in, int out)
{
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    if (chdir(folder) == 0)
        execlp("node", "node", "first-screen.mjs", NULL);
    _exit(127);
}

static bool visitor_start(const struct bench *bench, struct visitor *out, struct fault *fault)
{
    char folder[500], program[500];
    int to[2], from[2];
    snprintf(folder, sizeof(folder), "%.400s/../tests/browser", bench->build);
    snprintf(program, sizeof(program), "%.400s/atelier-fixture", bench->build);
    setenv("ATELIER_FIXTURE", program, 1);
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
        return fault_os(fault, "pipe");
    signal(SIGPIPE, SIG_IGN);
    out->pid = fork();
    if (out->pid == 0)
        become(folder, to[0], from[1]);
    close(to[0]);
    close(from[1]);
    out->from = from[0];
    out->to = fdopen(to[1], "we");
    return (out->pid > 0 && out->to != NULL) || fault_os(fault, "node");
}

/* It stops its server and its browser when nothing more can come. */
static void visitor_stop(struct visitor *visitor)
{
    if (visitor->to != NULL)
        fclose(visitor->to);
    if (visitor->pid > 0)
        waitpid(visitor->pid, NULL, 0);
    fd_close(&visitor->from);
}

static bool visitor_ask(struct visitor *visitor, const char *line, char answer[ANSWER_MAX],
                        struct fault *fault)
{
    size_t len = 0;
    bool is_told = fprintf(visitor->to, "%s\n", line) > 0 && fflush(visitor->to) == 0;
    while (is_told && len < ANSWER_MAX - 1 && (len == 0 || answer[len - 1] != '\n')) {
        ssize_t got = read(visitor->from, answer + len, ANSWER_MAX - 1 - len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    if (len > 0)
        answer[len - 1] = 0;
    if (len < 4 || strncmp(answer, "ok ", 3) != 0)
        return fault_set(fault, FAULT_SYSTEM,
                         "the browser: %s; tools/npm-install tests/browser installs what it needs",
                         len == 0 ? "no answer" : answer);
    memmove(answer, answer + 3, strlen(answer + 3) + 1);
    return true;
}

static bool visit(struct visitor *visitor, double *ours, double *bare, int *pictures,
                  struct fault *fault)
{
    char answer[ANSWER_MAX];
    if (!visitor_ask(visitor, "run", answer, fault))
        return false;
    return sscanf(answer, "%lf %lf %d", ours, bare, pictures) == 3 ||
           fault_set(fault, FAULT_SYSTEM, "the browser: %s", answer);
}

static bool run(const struct bench *bench, struct visitor *visitor, struct row *row, int *pictures,
                struct fault *fault)
{
    double ours, bare;
    for (int i = 0; i < WARM; i++)
        if (!visit(visitor, &ours, &bare, pictures, fault))
            return false;
    for (size_t i = 0; i < bench->runs; i++) {
        if (!visit(visitor, &ours, &bare, pictures, fault))
            return false;
        samples_add(&row->samples, ours, bare, ours / bare);
    }
    return true;
}

bool bench_library(const struct bench *bench, struct row *row, struct fault *fault)
{
    char data[500] = "", line[600], name[ANSWER_MAX] = "";
    struct visitor visitor = {.from = -1};
    int pictures = 0;
    *row = (struct row){.name = "library_first_screen",
                        .unit = "ms",
                        .is_lower_better = true,
                        .has_baseline = true};
    bool is_well =
        folder_make(bench, "library", data, fault) && visitor_start(bench, &visitor, fault);
    if (is_well) {
        snprintf(line, sizeof(line), "open %s", data);
        is_well =
            visitor_ask(&visitor, line, name, fault) && run(bench, &visitor, row, &pictures, fault);
    }
    visitor_stop(&visitor);
    snprintf(
        row->method, sizeof(row->method),
        "%s without a window, 1440 by 1000, on the machine of build/atelier-fixture, signed in, "
        "10,000 works of which the newest 80 have files of their own: from the beginning of the "
        "navigation to /library, nothing in the browser's cache, until all %d thumbnails on the "
        "screen are decoded. Baseline: the same pictures on a page that holds nothing else, from "
        "when they are put there; by turns. After %d visits that are not counted.",
        name, pictures, WARM);
    folder_remove(data);
    return is_well;
}

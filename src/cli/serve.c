/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/serve.h"

#include "base/log.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/settings.h"
#include "cli/version.h"

#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct server *running; /* for the signal handler */

static void on_signal(int number)
{
    server_stop(running);
}

static void on_hangup(int number)
{
    server_reload(running);
}

static void catch_signals(bool can_reload)
{
    struct sigaction hangup = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
    struct sigaction stop = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    if (can_reload) /* else it means, as ever, that the terminal is gone */
        sigaction(SIGHUP, &hangup, NULL);
}

/* A path beside this program: "atelier-media", "../web/dist". */
static const char *beside(struct arena *arena, const char *name)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (len <= 0)
        return name;
    str program = {path, (size_t)len};
    ptrdiff_t slash = str_find_last(program, '/');
    return str_format(arena, "%.*s/%s", (int)slash, path, name).at;
}

static const char *pages_folder(struct arena *arena, const struct settings *settings)
{
    if (settings->server.web.len != 0)
        return str_zero_ended(arena, settings->server.web);
    const char *installed = beside(arena, "web");
    return access(installed, R_OK) == 0 ? installed : beside(arena, "../web/dist");
}

static void set_log_level(str name)
{
    static const char *const names[] = {"", "debug", "info", "warn", "error"};
    for (size_t i = LOG_DEBUG; i < ARRAY_LEN(names); i++)
        if (str_equal(name, str_of(names[i])))
            log_set_level((enum log_level)i);
}

/* A core dump would hold keys, tokens and passwords. One byte means none, and none to a program
 * that collects them, which zero would not. Who looks for a bug may raise it: prlimit. */
static void leave_no_core(void)
{
    struct rlimit core;
    if (getrlimit(RLIMIT_CORE, &core) == 0) {
        core.rlim_cur = MIN_OF(core.rlim_max, (rlim_t)1);
        setrlimit(RLIMIT_CORE, &core);
    }
}

/* What one burst took is given back when it is over: large blocks are the system's own, whatever
 * was large before, and the heap's end is cut off. */
static void give_memory_back(void)
{
    mallopt(M_MMAP_THRESHOLD, (int)MIB(1));
    mallopt(M_TRIM_THRESHOLD, (int)MIB(4));
}

static bool read_settings(void *context, struct arena *arena, struct settings *out,
                          struct fault *fault)
{
    return settings_load(arena, context, out, fault);
}

static int serve(struct arena *arena, struct settings *settings, struct settings_options *wanted,
                 const char *data, const struct extras *extras)
{
    struct fault fault;
    struct server_options options = {
        .data_dir = data,
        .settings = settings,
        .helper = settings->server.helper.len != 0 ? str_zero_ended(arena, settings->server.helper)
                                                   : beside(arena, "atelier-media"),
        .web = pages_folder(arena, settings),
        .version = ATELIER_VERSION,
        .read_settings = read_settings,
        .read_context = wanted,
    };
    if (extras != NULL) {
        options.extra = extras->tables;
        options.extra_count = extras->table_count;
        options.extra_types = extras->types;
        options.extra_type_count = extras->type_count;
        options.extra_actions = extras->actions;
        options.extra_action_count = extras->action_count;
        options.stand_in = extras->stand_in;
    }
    if (!server_open(&options, &running, &fault)) {
        fprintf(stderr, "atelier: %s\n", fault.text);
        return CLI_FAILED;
    }
    catch_signals(wanted->config != NULL || server_is_secure(running));
    fprintf(stderr, "ready %s\n", server_address(running));
    server_run(running);
    /* From here on the server goes: a second SIGTERM changes nothing, a second ^C ends it at once.
     */
    signal(SIGTERM, SIG_IGN);
    if (wanted->config != NULL || server_is_secure(running))
        signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_DFL);
    server_close(running);
    return CLI_OK;
}

int cli_serve(int argc, char **argv, const struct extras *extras)
{
    const char *data = CLI_DATA_DEFAULT;
    struct settings_options wanted = {.tells_errors = extras != NULL && extras->tells_errors};
    const struct option options[] = {
        {"data", "DIR", "where everything is kept (./data)", &data, NULL},
        {"listen", "HOST:PORT", "where to listen (localhost:7070); port 0 takes a free one",
         &wanted.listen, NULL},
        {"config", "FILE", "a YAML file of settings", &wanted.config, NULL},
        {"tls-cert", "FILE", "speak https with this certificate (PEM)", &wanted.tls_cert, NULL},
        {"tls-key", "FILE", "the certificate's private key (PEM)", &wanted.tls_key, NULL},
        {"memory-limit", "SIZE", "as 512MiB or 2GiB (half of what there is)", &wanted.memory_limit,
         NULL},
        {"preset", "NAME", "which studio to be (studio); or ATELIER_PRESET", &wanted.preset, NULL},
    };
    const struct command command = {
        .name = "serve",
        .about =
            "Runs the server until SIGTERM or SIGINT. Its log is JSON lines on stderr; the line\n"
            "\"ready http://HOST:PORT\" (https:// with a certificate) says where it listens.\n"
            "With a configuration file or a certificate, SIGHUP reads them again.",
        .example = "atelier serve --data /srv/atelier --listen 0.0.0.0:7070",
        .options = options,
        .option_count = ARRAY_LEN(options),
    };
    struct arena arena = {0};
    struct settings settings;
    struct fault fault;
    int code;
    if (!command_read(&command, argc, argv, &code))
        return code;
    if (!settings_load(&arena, &wanted, &settings, &fault)) {
        fprintf(stderr, "atelier: %s\n", fault.text);
        arena_done(&arena);
        return CLI_USAGE;
    }
    set_log_level(settings.server.log_level);
    leave_no_core();
    give_memory_back();
    code = serve(&arena, &settings, &wanted, data, extras);
    arena_done(&arena);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atelier-media: the server's helper for pictures and films.
 *
 * Started by the server with its end of a socket pair as descriptor 3; it is of no use by hand. It
 * is the only program that links libvips and FFmpeg, and it never opens what it is sent itself: it
 * forks a sandboxed child for each request (helper.h).
 */
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <vips/vips.h>
/* after it: it has no includes of its own */
#include <vips/vector.h>

#include "base/str.h"
#include "media/worker/film.h"
#include "media/worker/helper.h"
#include "media/worker/picture.h"
#include "media/worker/sandbox.h"

#define SERVER_FD 3

static void ignore_log(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer data)
{
}

static GLogWriterOutput ignore_lines(GLogLevelFlags level, const GLogField *fields, gsize count,
                                     gpointer data)
{
    return G_LOG_WRITER_HANDLED;
}

/* Rows that go from one of libvips' threads to another at once: it hands over single ones, and half
 * of all switches between threads were that. */
static void hand_over_many_rows(void)
{
    char name[] = "atelier-media", thin[] = "--vips-thinstrip-height=64";
    char fat[] = "--vips-fatstrip-height=64";
    char *args[] = {name, thin, fat, NULL}, **rest = args;
    int count = 3;
    GOptionContext *context = g_option_context_new(NULL);
    GOptionGroup *group = g_option_group_new("vips", "", "", NULL, NULL);
    vips_add_option_entries(group);
    g_option_context_set_main_group(context, group);
    (void)g_option_context_parse(context, &count, &rest, NULL);
    g_option_context_free(context);
}

/* Everything that opens files or reads the environment happens here, once. */
static bool warm_up(const char *name)
{
    g_log_set_default_handler(ignore_log, NULL);
    g_log_set_writer_func(ignore_lines, NULL, NULL);
    /* It would load whatever modules there are: ImageMagick, Poppler and a hundred libraries, which
     * every fork pays for. Of them only the one for HEIC and AVIF is wanted. */
    setenv("VIPSHOME", "/nonexistent", 1);
    if (VIPS_INIT(name) != 0)
        return false;
    hand_over_many_rows();
    heif_find();
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_vector_set_enabled(FALSE);
    vips_block_untrusted_set(TRUE);
    vips_operation_block_set("VipsForeignLoad", TRUE);
    vips_operation_block_set("VipsForeignLoadJpeg", FALSE);
    vips_operation_block_set("VipsForeignLoadPng", FALSE);
    vips_operation_block_set("VipsForeignLoadWebp", FALSE);
    vips_operation_block_set("VipsForeignLoadHeif", FALSE);
    vips_operation_block_set("VipsForeignLoadNsgif", FALSE);
    heif_warm_up();
    film_prepare();
    return sandbox_prepare();
}

static int children_of(int count, char **args)
{
    long children = 1;
    if (count == 3 && strcmp(args[1], "--children") == 0)
        children = strtol(args[2], NULL, 10);
    return (int)MIN_OF(MAX_OF(children, 1), HELPER_CHILDREN_MAX);
}

int main(int count, char **args)
{
    int kind = 0;
    socklen_t len = sizeof(kind);
    if (getsockopt(SERVER_FD, SOL_SOCKET, SO_TYPE, &kind, &len) != 0 || kind != SOCK_SEQPACKET) {
        fprintf(stderr, "atelier-media is started by the server (atelier serve), not by hand.\n");
        return 2;
    }
    /* The server's end closing is the signal to stop; a Ctrl-C is for the server. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    fcntl(SERVER_FD, F_SETFD, FD_CLOEXEC);
    close_range(SERVER_FD + 1, ~0U, 0);
    if (!warm_up(args[0])) {
        fprintf(stderr, "atelier-media: libvips or the sandbox could not be set up.\n");
        return 1;
    }
    helper_run(SERVER_FD, children_of(count, args));
    return 0;
}

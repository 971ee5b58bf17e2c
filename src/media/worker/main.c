/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atelier-media-full: does everything that can be done with pictures and films.
 *
 * Started by atelier-media, whose deputy it is (front.c), with its end of a socket pair as
 * descriptor 3. It is the only program that links libvips and FFmpeg.
 */
#include <glib.h>

#include <vips/vips.h>
/* after it: it has no includes of its own */
#include <vips/vector.h>

#include "base/str.h"
#include "media/worker/film.h"
#include "media/worker/helper.h"
#include "media/worker/picture.h"

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
static bool warm_up(const char *name, int children, int *deputy)
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
    return true;
}

int main(int count, char **args)
{
    return helper_main(count, args, warm_up);
}

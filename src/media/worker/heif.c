/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HEIC and AVIF come from libheif, whose codecs may be plugins in files of their own. They are
 * loaded here, before the sandbox closes, by opening a picture that is known to be good; not every
 * system has one for HEIC.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "media/worker/heic_sample.h"
#include "media/worker/picture.h"

static bool has_hevc;

/* Beside libvips, where that was built in modules; else it is in libvips itself. */
void heif_find(void)
{
    char path[PATH_MAX];
    Dl_info where;
    if (dladdr((void *)(uintptr_t)vips_init, &where) == 0 || where.dli_fname == NULL)
        return;
    const char *slash = strrchr(where.dli_fname, '/');
    int folder = slash == NULL ? 0 : (int)(slash - where.dli_fname);
    snprintf(path, sizeof(path), "%.*s/vips-modules-%d.%d/vips-heif.so", folder, where.dli_fname,
             vips_version(0), vips_version(1));
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (module == NULL)
        return;
    const char *(*init)(void *) = NULL;
    void *symbol = dlsym(module, "g_module_check_init");
    memcpy(&init, &symbol, sizeof(init));
    if (init != NULL)
        (void)init(NULL); /* makes its types known */
}

/* The pixels are decoded in a process of its own: libvips' threads do not come along when the
 * helper forks its children, who would wait for them. */
static bool can_read(VipsImage *image)
{
    double average;
    int status = 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(vips_avg(image, &average, NULL) == 0 ? 0 : 1);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void heif_warm_up(void)
{
    AUTO(picture_done)
    VipsImage *image = vips_image_new_from_buffer(heic_sample, sizeof(heic_sample), "", NULL);
    has_hevc = image != NULL && can_read(image);
    vips_error_clear();
}

bool heif_has_hevc(void)
{
    return has_hevc;
}

bool heif_is_there(void)
{
    return vips_type_find("VipsOperation", "heifload_buffer") != 0;
}

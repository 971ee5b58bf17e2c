/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/jpeg.h"

#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
/* after it: it has no includes of its own */
#include <jerror.h>

#include "media/worker/octets.h"

#define ICC_MARKER (JPEG_APP0 + 2)
#define ICC_NAME "ICC_PROFILE" /* with its zero */
#define SCANS_MAX 100          /* cameras and tools write at most a dozen */

struct jpeg {
    struct jpeg_decompress_struct in;
    struct jpeg_error_mgr errors;
};

static _Noreturn void end(j_common_ptr common)
{
    struct job *job = common->client_data;
    job_fail(job, MEDIA_CORRUPT, "The picture is damaged and could not be read whole.");
    job_end(job);
}

/* Of all that it warns of only this makes half a picture. */
static void on_message(j_common_ptr common, int level)
{
    if (level < 0 && common->err->msg_code == JWRN_JPEG_EOF)
        end(common);
}

static void set_errors(struct jpeg_error_mgr *errors)
{
    jpeg_std_error(errors);
    errors->error_exit = end;
    errors->emit_message = on_message;
}

/* Where the next marker's code stands, behind any filling; the length: there is none. */
static size_t next_marker(const struct job *job, size_t at)
{
    while (at < job->input_len) {
        const uint8_t *mark = memchr(job->input + at, 0xff, job->input_len - at);
        at = mark == NULL ? job->input_len : (size_t)(mark - job->input) + 1;
        if (at < job->input_len && job->input[at] != 0 && job->input[at] != 0xff)
            return at;
    }
    return job->input_len;
}

/* A scan may be a few bytes, but is a walk over all of the picture. What libjpeg takes for no
 * marker with a length is none here, so that no scan hides in one. */
bool jpeg_has_few_scans(struct job *job)
{
    int scans = 0;
    for (size_t at = next_marker(job, 2); at < job->input_len; at = next_marker(job, at)) {
        uint8_t code = job->input[at++];
        if (code == 0xd9) /* the end; other pictures may stand behind it */
            break;
        scans += code == 0xda;
        if (scans > SCANS_MAX)
            return job_fail(job, MEDIA_TOO_LARGE, "The picture comes in more than %d scans.",
                            SCANS_MAX);
        bool has_length = code >= 0xc0 && !(code >= 0xd0 && code <= 0xd8);
        if (has_length && job->input_len - at >= 2)
            at += big16(job->input + at);
    }
    return true;
}

static bool has_profile(const struct jpeg_decompress_struct *in)
{
    for (jpeg_saved_marker_ptr at = in->marker_list; at != NULL; at = at->next)
        if (at->marker == ICC_MARKER && at->data_length >= sizeof(ICC_NAME) &&
            memcmp(at->data, ICC_NAME, sizeof(ICC_NAME)) == 0)
            return true;
    return false;
}

static bool is_plain(const struct jpeg_decompress_struct *in)
{
    bool is_grey = in->num_components == 1 && in->jpeg_color_space == JCS_GRAYSCALE;
    bool is_colour = in->num_components == 3 &&
                     (in->jpeg_color_space == JCS_YCbCr || in->jpeg_color_space == JCS_RGB);
    return in->data_precision == 8 && (is_grey || is_colour) && !has_profile(in);
}

struct jpeg *jpeg_open(struct job *job)
{
    struct jpeg *jpeg = memory_zeroed(sizeof(*jpeg));
    jpeg->in.err = &jpeg->errors;
    jpeg->in.client_data = job;
    set_errors(&jpeg->errors);
    jpeg_create_decompress(&jpeg->in);
    jpeg_mem_src(&jpeg->in, job->input, job->input_len);
    jpeg_save_markers(&jpeg->in, ICC_MARKER, sizeof(ICC_NAME));
    if (jpeg_read_header(&jpeg->in, TRUE) != JPEG_HEADER_OK || !is_plain(&jpeg->in)) {
        jpeg_destroy_decompress(&jpeg->in);
        free(jpeg);
        return NULL;
    }
    return jpeg;
}

void jpeg_size(const struct jpeg *jpeg, int *width, int *height)
{
    *width = (int)jpeg->in.image_width;
    *height = (int)jpeg->in.image_height;
}

int jpeg_bands(const struct jpeg *jpeg)
{
    return jpeg->in.num_components;
}

static bool read_rows(void *context, int y, int count, uint8_t *const *rows)
{
    struct jpeg_decompress_struct *in = &((struct jpeg *)context)->in;
    for (int i = 0; i < count;) {
        JSAMPROW row = rows[i];
        i += (int)jpeg_read_scanlines(in, &row, 1);
    }
    return true;
}

struct row_source jpeg_rows(struct jpeg *jpeg, int part)
{
    struct jpeg_decompress_struct *in = &jpeg->in;
    in->out_color_space = in->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    in->scale_num = 1;
    in->scale_denom = (unsigned)part;
    jpeg_start_decompress(in);
    return (struct row_source){jpeg, read_rows, (int)in->output_width, (int)in->output_height};
}

static void set_up(struct jpeg_compress_struct *out, const struct pixels *pixels, int quality)
{
    out->image_width = (JDIMENSION)pixels->width;
    out->image_height = (JDIMENSION)pixels->height;
    out->input_components = pixels->bands;
    out->in_color_space = pixels->bands == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(out);
    jpeg_set_quality(out, quality, TRUE);
    jpeg_simple_progression(out);
    out->optimize_coding = TRUE;
}

bool jpeg_write(struct job *job, const struct pixels *pixels, enum media_output_name name,
                int quality)
{
    struct jpeg_error_mgr errors;
    struct jpeg_compress_struct out = {.err = &errors, .client_data = job};
    unsigned char *data = NULL;
    unsigned long len = 0;
    set_errors(&errors);
    jpeg_create_compress(&out);
    jpeg_mem_dest(&out, &data, &len);
    set_up(&out, pixels, quality);
    jpeg_start_compress(&out, TRUE);
    for (int y = 0; y < pixels->height; y++) {
        JSAMPROW row = pixels->at + (size_t)y * (size_t)pixels->width * (size_t)pixels->bands;
        (void)jpeg_write_scanlines(&out, &row, 1);
    }
    jpeg_finish_compress(&out);
    jpeg_destroy_compress(&out);
    bool ok = job_put(job, name, data, len);
    free(data);
    return ok;
}

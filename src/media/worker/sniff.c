/* SPDX-License-Identifier: Apache-2.0 */
#include "media/type.h"
#include "media/worker/picture.h"

/* Not every system has a decoder of it. */
static bool is_readable(enum media_type type)
{
    return type == MEDIA_HEIC   ? heif_has_hevc()
           : type == MEDIA_AVIF ? heif_is_there()
                                : type != MEDIA_TYPE_NONE;
}

bool job_sniff(struct job *job, enum media_type *out)
{
    if (job->input == NULL)
        return job_fail(job, MEDIA_BROKEN, "There is no file to look at.");
    struct media_found found = media_type_of((str){(const char *)job->input, job->input_len});
    if (!is_readable(found.type))
        return job_fail(job, MEDIA_REFUSED, "This is %s, which is not accepted. " MEDIA_ACCEPTED,
                        found.name);
    job->reply.facts.type = (uint32_t)found.type;
    *out = found.type;
    return true;
}

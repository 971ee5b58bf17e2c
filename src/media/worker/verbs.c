/* SPDX-License-Identifier: Apache-2.0 */
/* What the full helper does: everything. */
#include "media/worker/film_inside.h"

job_verb *const job_verbs[MEDIA_VERB_COUNT] = {
    [MEDIA_PROBE] = job_probe,
    [MEDIA_DERIVE] = job_derive,
    [MEDIA_RESIZE] = job_resize,
    [MEDIA_STAMP] = job_stamp,
    [MEDIA_PREVIEW] = job_preview,
    [MEDIA_SKETCH_IMAGE] = job_sketch_image,
    [MEDIA_SKETCH_VIDEO] = job_sketch_video,
#ifdef MEDIA_WITH_SELFTEST
    [MEDIA_SELFTEST] = job_selftest,
#endif
};

bool job_probe(struct job *job)
{
    enum media_type type;
    if (!job_sniff(job, &type))
        return false;
    job_tell_embedded(job, type);
    return media_type_is_film(type) ? film_probe(job) : image_probe(job, type);
}

bool job_derive(struct job *job)
{
    enum media_type type;
    if (!job_sniff(job, &type))
        return false;
    job_tell_embedded(job, type);
    return media_type_is_film(type) ? film_derive(job) : image_derive(job, type);
}

bool job_resize(struct job *job)
{
    enum media_type type;
    if (!job_sniff(job, &type))
        return false;
    return media_type_is_film(type) ? film_resize(job) : image_resize(job);
}

bool job_preview(struct job *job)
{
    enum media_type type;
    if (!job_sniff(job, &type))
        return false;
    if (!media_type_is_film(type))
        return image_loop(job, type);
    if (!film_loop(job))
        return false;
    film_put_playback(job, type);
    return true;
}

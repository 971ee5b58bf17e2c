/* SPDX-License-Identifier: Apache-2.0 */
/* How a file was made, as it says itself: told with its facts. No pixel is decoded for it. */
#include "media/worker/job.h"
#include "media/worker/parameters.h"

/* Nothing that is wrong here makes a good picture bad: then it says nothing of itself. */
void job_tell_embedded(struct job *job, enum media_type type)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer told = buffer_with_max(PARAMETERS_JSON_MAX);
    struct metadata metadata;
    struct embedded found;
    metadata_read(&arena, type, (bytes){job->input, job->input_len}, &metadata);
    job->reply.facts.has_c2pa = metadata.has_c2pa ? 1 : 0;
    job->orientation = metadata.orientation;
    if (!parameters_find(&arena, &metadata, &found))
        return;
    parameters_write(&told, &found);
    if (!told.is_over)
        job_put(job, MEDIA_EMBEDDED, told.at, told.len);
}

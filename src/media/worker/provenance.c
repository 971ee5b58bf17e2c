/* SPDX-License-Identifier: Apache-2.0 */
/* How a file was made: told with its facts, and written into a copy. No pixel is decoded for it. */
#include "media/worker/job.h"
#include "media/worker/parameters.h"
#include "media/worker/stamp.h"

static bytes input_of(const struct job *job)
{
    return (bytes){job->input, job->input_len};
}

/* Nothing that is wrong here makes a good picture bad: then it says nothing of itself. */
void job_tell_embedded(struct job *job, enum media_type type)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer told = buffer_with_max(PARAMETERS_JSON_MAX);
    struct metadata metadata;
    struct embedded found;
    metadata_read(&arena, type, input_of(job), &metadata);
    job->reply.facts.has_c2pa = metadata.has_c2pa ? 1 : 0;
    if (!parameters_find(&arena, &metadata, &found))
        return;
    parameters_write(&told, &found);
    if (!told.is_over)
        job_put(job, MEDIA_EMBEDDED, told.at, told.len);
}

bool job_stamp(struct job *job)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer edits = buffer_with_max(EDITS_BYTES_MAX);
    const struct wire_request *request = &job->request;
    enum media_type type;
    if (!job_sniff(job, &type))
        return false;
    struct stamp stamp = {
        .prompt = str_of(request->prompt),
        .negative_prompt = str_of(request->negative),
        .model = str_of(request->model),
        .seed = {(int64_t)request->seed, request->has_seed != 0},
        .width = request->width,
        .height = request->height,
    };
    if (!stamp_edits(&arena, type, input_of(job), &stamp, &edits))
        return job_fail(job, MEDIA_REFUSED,
                        "How it was made cannot be written into a file of this kind.");
    return edits.len == 0 || job_put(job, MEDIA_EDITS, edits.at, edits.len);
}

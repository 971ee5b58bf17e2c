/* SPDX-License-Identifier: Apache-2.0 */
/* How a picture was made, written into a copy of it. No pixel is decoded for it. */
#include "media/worker/job.h"
#include "media/worker/stamp.h"

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
    if (!stamp_edits(&arena, type, (bytes){job->input, job->input_len}, &stamp, &edits))
        return job_fail(job, MEDIA_REFUSED,
                        "How it was made cannot be written into a file of this kind.");
    return edits.len == 0 || job_put(job, MEDIA_EDITS, edits.at, edits.len);
}

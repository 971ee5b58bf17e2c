/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/previews.h"

#include "studio/renditions.h"
#include "studio/work.h"

#define PREVIEW_TIME MINUTES(3)
#define TRIES_MAX 8 /* while the helper or the storage is down; more than an hour */
#define TRY_LATER MINUTES(10)

void preview_queue(struct call *call, const struct asset *asset, int64_t frames)
{
    if (asset->type == MEDIA_VIDEO || frames > 1)
        job_queue(call, preview_action.name, STR(PREVIEWS_LANE), asset->id);
}

static const void *preview_ask(struct call *call, struct job *job)
{
    struct asset asset;
    if (!row_find(call, &asset_type, (doc_id){job->about}, &asset) || asset.storage_id.len == 0) {
        job_remove(call, job->id);
        return NULL;
    }
    struct work *work = arena_new(call->arena, struct work);
    *work = (struct work){.kind = WORK_PREVIEW, .blob = asset.storage_id, .timeout = PREVIEW_TIME};
    return work;
}

/* Its storage id, or that of one that was made before. */
static str keep(struct call *call, const struct asset *asset, enum rendition kind,
                const struct stored_file *made)
{
    struct file kept = {0};
    if (made->storage_id.len != 0)
        file_put_rendition(call, asset, kind, (str){0}, made, &kept);
    return kept.storage_id;
}

static void preview_answer(struct call *call, struct job *job, const void *asked,
                           const void *result)
{
    const struct work_result *came = result;
    struct asset asset;
    bool is_there = row_find(call, &asset_type, (doc_id){job->about}, &asset);
    if (work_may_be_tried_again(came, job, TRIES_MAX)) {
        span wait = job_backoff(call, job->failures);
        job_put_off(call, job, instant_add(call->now, job->failures > 3 ? TRY_LATER : wait));
        return;
    }
    if (is_there && came->failure == WORK_OK) { /* else it is an orphan, for the sweep */
        asset.preview_storage_id = keep(call, &asset, RENDITION_PREVIEW, &came->moving);
        asset.playback_storage_id = keep(call, &asset, RENDITION_FASTSTART, &came->playback);
        row_put(call, &asset_type, &asset);
    }
    job_remove(call, job->id);
}

/* The work is whole without. */
static void preview_give_up(struct call *call, struct job *job, str why)
{
    job_remove(call, job->id);
}

const struct job_action preview_action = {
    .name = "assets:preview",
    .ask = preview_ask,
    .answer = preview_answer,
    .give_up = preview_give_up,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How generations end: what is ready is charged, the rest goes back, and nothing stays on its way.
 */
#include "base/planted.h"
#include "studio/attempts.h"
#include "studio/generations.h"
#include "studio/ledger.h"
#include "studio/quotas.h"
#include "studio/usage.h"

size_t generation_outputs(struct call *call, doc_id generation, int64_t most,
                          struct output outputs[OUTPUTS_MAX])
{
    struct scan scan;
    size_t count = 0, room = (size_t)MIN_OF(most, (int64_t)OUTPUTS_MAX);
    if (call_failed(call))
        return 0;
    view_scan(call->view, index_of(&output_type, "by_generation"),
              (struct bounds){.prefix = KEY(key_id(generation))}, ORDER_UP, &scan);
    while (count < room && scan_next(&scan, &outputs[count]))
        count++;
    scan_end(&scan);
    return count;
}

struct storage_need generation_reserved(const struct generation *g, int64_t outputs)
{
    bool is_video = g->kind == MEDIA_VIDEO;
    return (struct storage_need){g->bytes_expected * outputs, is_video ? 0 : outputs,
                                 is_video ? outputs : 0};
}

/* Those that were asked for before there were reservations have none. */
void generation_release(struct call *call, struct generation *g, int64_t outputs)
{
    int64_t kept = MIN_OF(outputs, g->reserved_outputs);
    struct storage_need need = generation_reserved(g, kept);
    g->reserved_outputs -= kept;
    if (kept > 0 && !PLANTED(sim_room_kept))
        storage_release(call, g->user_id, &need);
}

/* Its original is stored, and no work came of it. */
static void forget_bytes(struct call *call, const struct generation *g, const struct output *output)
{
    struct stored_file left = {output->storage_id, output->mime_type, output->size_bytes,
                               output->sha256};
    if (output->storage_id.len == 0 || output->state == OUTPUT_READY)
        return;
    if (left.content_type.len == 0)
        left.content_type = STR("application/octet-stream");
    file_put_doomed(call, g->user_id, &left);
}

void generation_end(struct call *call, struct generation *g, enum generation_status status,
                    str error)
{
    struct output outputs[OUTPUTS_MAX];
    size_t count = generation_outputs(call, g->id, g->num_images, outputs);
    int64_t ready = 0;
    for (size_t i = 0; i < count; i++) {
        ready += outputs[i].state == OUTPUT_READY ||
                 (outputs[i].state == OUTPUT_MADE && PLANTED(sim_stored_is_charged));
        forget_bytes(call, g, &outputs[i]);
        if (!PLANTED(sim_outputs_left))
            row_remove(call, &output_type, outputs[i].id);
    }
    str why = status == GENERATION_CANCELED ? STR("Cancelled: credits back")
              : ready == 0                  ? STR("Not made: credits back")
                                            : STR("Partly made: credits back");
    credits cost = {g->price.n * ready};
    if (PLANTED(sim_cancel_is_free) && status == GENERATION_CANCELED)
        cost.n = 0;
    g->credits_refunded = ledger_settle(call, g->hold_id, cost, why);
    quota_return(call, g->user_id, g->kind, g->num_images - ready, g->created_at);
    generation_release(call, g, g->reserved_outputs);
    g->status = status;
    g->error = error;
    g->updated_at = call->now;
    g->completed_at = (struct maybe_instant){call->now, true};
    job_remove(call, g->job_id);
    struct attempt attempt;
    if (attempt_open(call, g->id, &attempt))
        attempt_stop(call, &attempt, why);
    doc_id progress =
        row_first(call, index_of(&progress_type, "by_generation"), KEY(key_id(g->id)));
    if (doc_id_is_set(progress))
        row_remove(call, &progress_type, progress);
    g->job_id = (doc_id){0};
    row_put(call, &generation_type, g);
    usage_count(call, g);
}

void generation_look(struct call *call, const struct generation *g)
{
    struct job job;
    if (row_find(call, &job_type, g->job_id, &job) && job.state == JOB_DUE && job.holds_slot &&
        instant_is_before(call->now, job.run_at))
        job_put_off_holding(call, &job, call->now);
}

void generation_remove(struct call *call, const struct generation *g)
{
    attempts_remove(call, g->id);
    row_remove(call, &generation_type, g->id);
}

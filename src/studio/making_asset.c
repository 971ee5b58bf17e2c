/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/making_inside.h"

#include "base/planted.h"
#include "studio/previews.h"
#include "studio/users.h"

static str download_name(struct call *call, const struct generation *g, const struct output *output,
                         str mime)
{
    const char *ending = str_equal(mime, STR("video/mp4"))    ? "mp4"
                         : str_equal(mime, STR("image/jpeg")) ? "jpg"
                         : str_equal(mime, STR("image/webp")) ? "webp"
                                                              : "png";
    return str_format(call->arena, "%.*s %lld.%s", STR_ARG(utf8_cut(g->prompt, 80)),
                      (long long)(output->number + 1), ending);
}

static void put_asset(struct call *call, struct generation *g, struct output *output,
                      const struct work_result *came)
{
    const struct model_config *model = making_model(call, g);
    struct asset asset = {
        .user_id = g->user_id,
        .generation_id = g->id,
        .type = g->kind,
        .prompt = g->prompt,
        .negative_prompt = g->negative_prompt,
        .model = model == NULL ? g->model : model->id,
        .provider = g->provider,
        .seed = {g->seed, true},
        .width = came->width,
        .height = came->height,
        .duration = came->duration,
        .mime_type = came->mime_type,
        .size_bytes = output->size_bytes,
        .stored_bytes = output->size_bytes + came->thumbnail.size + came->display.size,
        .storage_id = output->storage_id,
        .thumbnail_storage_id = came->thumbnail.storage_id,
        .display_storage_id = came->display.storage_id,
        .blur_data_url = came->blur,
        .is_public = g->is_public,
        .has_credentials = {came->has_credentials, came->has_credentials},
        .created_at = call->now,
        .updated_at = call->now,
    };
    struct stored_file original = {output->storage_id, came->mime_type, output->size_bytes,
                                   output->sha256};
    str name = download_name(call, g, output, came->mime_type);
    file_put(call, g->user_id, &original, name);
    file_put(call, g->user_id, &came->thumbnail, name);
    if (came->display.storage_id.len != 0)
        file_put(call, g->user_id, &came->display, name);
    row_new(call, &asset_type, &asset);
    row_put(call, &asset_type, &asset);
    storage_take(call, &asset);
    generation_release(call, g, 1);
    preview_queue(call, &asset, came->frames);
    output->asset_id = asset.id;
}

/* Keeps the pictures in their order, whichever was ready first. */
static void list_assets(struct call *call, struct generation *g, const struct outputs *outputs)
{
    doc_id *ids = arena_array(call->arena, doc_id, outputs->count);
    size_t found = 0;
    for (size_t i = 0; i < outputs->count; i++)
        if (outputs->items[i].state == OUTPUT_READY)
            ids[found++] = outputs->items[i].asset_id;
    g->asset_ids = (struct list){ids, found};
    g->updated_at = call->now;
    row_put(call, &generation_type, g);
}

static bool is_expected_kind(const struct generation *g, const struct work_result *came)
{
    return str_starts(came->mime_type, g->kind == MEDIA_VIDEO ? STR("video/") : STR("image/"));
}

void making_take_asset(struct call *call, struct generation *g, struct outputs *outputs,
                       struct output *output, const struct work_result *came)
{
    if (!is_expected_kind(g, came) && !PLANTED(sim_any_kind_taken)) {
        output_give_up(call, output, STR("The model sent something else than was asked for."));
        return;
    }
    put_asset(call, g, output, came);
    output->state = OUTPUT_READY;
    row_put(call, &output_type, output);
    list_assets(call, g, outputs);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/provenance.h"

#define STAMP_TIME SECONDS(60)

void provenance_take(struct call *call, struct asset *asset, const struct work_result *found)
{
    if (found->has_credentials)
        asset->has_credentials = (struct maybe_bool){true, true};
    if (found->embedded == NULL)
        return;
    struct embedded *kept = arena_copy(call->arena, found->embedded, sizeof(*kept));
    kept->prompt = utf8_cut(kept->prompt, EMBEDDED_PROMPT_MAX);
    kept->negative_prompt = utf8_cut(kept->negative_prompt, EMBEDDED_NEGATIVE_MAX);
    kept->raw = (str){0}; /* it is in the file, byte for byte */
    asset->embedded = kept;
}

static bool takes_a_stamp(str mime_type)
{
    static const char *const kinds[] = {"image/png", "image/jpeg", "image/webp", "video/mp4",
                                        "video/quicktime"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_equal(mime_type, str_of(kinds[i])))
            return true;
    return false;
}

bool provenance_is_stampable(const struct asset *asset)
{
    return doc_id_is_set(asset->generation_id) && takes_a_stamp(asset->mime_type);
}

void provenance_work(const struct asset *asset, struct work *out)
{
    *out = (struct work){
        .kind = WORK_STAMP,
        .timeout = STAMP_TIME,
        .blob = asset->storage_id,
        .prompt = asset->prompt,
        .negative = asset->negative_prompt,
        .model = asset->model,
        .has_seed = asset->seed.is_set && asset->seed.value >= 0,
        .seed = asset->seed.value,
        .width = asset->width,
        .height = asset->height,
    };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/renditions.h"

#include "studio/links.h"
#include "studio/resizing.h"

/* As the index has them: by kind and variant. Doomed ones are not among them. */
static size_t list(struct call *call, struct key prefix, struct file *out, size_t room)
{
    struct scan scan;
    size_t count = 0;
    if (call_failed(call))
        return 0;
    view_scan(call->view, index_of(&file_type, "by_asset"), (struct bounds){.prefix = prefix},
              ORDER_UP, &scan);
    while (count < room && scan_next(&scan, &out[count]))
        count += !out[count].is_doomed;
    scan_end(&scan);
    return count;
}

size_t renditions_list(struct call *call, doc_id asset, struct file *out, size_t room)
{
    return list(call, KEY(key_id(asset)), out, room);
}

/* It leaves the work, so that the look for renditions finds none that cannot be served. */
static void doom(struct call *call, struct file *file)
{
    file->asset_id = (doc_id){0};
    file_doom(call, file);
}

bool file_rendition_find(struct call *call, const struct asset *asset, enum rendition kind,
                         str variant, struct file *out)
{
    struct key key =
        KEY(key_id(asset->id), key_text(str_of(rendition_names[kind])), key_text(variant));
    *out = (struct file){0};
    if (variant.len == 0)
        key = KEY(key_id(asset->id), key_text(str_of(rendition_names[kind])), key_null());
    return list(call, key, out, 1) == 1;
}

/* The row of the work names it. */
static bool is_named_by_row(const struct file *file)
{
    return file->rendition == RENDITION_PREVIEW || file->rendition == RENDITION_FASTSTART;
}

/* Makes room for one more: the oldest goes. */
static void make_room(struct call *call, const struct asset *asset)
{
    struct file *files = arena_array(call->arena, struct file, RENDITIONS_MAX);
    size_t count = list(call, KEY(key_id(asset->id)), files, RENDITIONS_MAX), oldest = 0;
    for (size_t i = 1; i < count; i++)
        if (!is_named_by_row(&files[i]) &&
            (is_named_by_row(&files[oldest]) || files[i].created.n < files[oldest].created.n))
            oldest = i;
    if (count == RENDITIONS_MAX)
        doom(call, &files[oldest]);
}

bool file_put_rendition(struct call *call, const struct asset *asset, enum rendition kind,
                        str variant, const struct stored_file *stored, struct file *out)
{
    struct asset now;
    struct file kept, original;
    struct file file = {
        .storage_id = stored->storage_id,
        .owner_id = asset->user_id,
        .content_type = stored->content_type,
        .sha256 = stored->sha256,
        .size_bytes = stored->size,
        .name = STR(""),
        .created_at = call->now,
        .asset_id = asset->id,
        .rendition = kind,
        .variant = variant.len == 0 ? (str){0} : variant,
    };
    bool is_there = row_find(call, &asset_type, asset->id, &now);
    bool is_first = is_there && !file_rendition_find(call, asset, kind, variant, &kept);
    if (is_there && file_find(call, now.storage_id, &original))
        file.name = original.name;
    file.link_id = asset_link_id(call, &now, file.storage_id);
    if (is_first)
        make_room(call, asset);
    row_new(call, &file_type, &file);
    if (is_first)
        row_put(call, &file_type, &file);
    else
        doom(call, &file);
    if (out != NULL)
        *out = !is_there ? (struct file){0} : is_first ? file : kept;
    return is_there;
}

void renditions_remove(struct call *call, doc_id asset, enum rendition kind)
{
    struct file *files = arena_array(call->arena, struct file, RENDITIONS_MAX);
    struct key prefix = kind == RENDITION_NONE
                            ? KEY(key_id(asset))
                            : KEY(key_id(asset), key_text(str_of(rendition_names[kind])));
    size_t count = list(call, prefix, files, RENDITIONS_MAX);
    if (kind == RENDITION_NONE)
        resizings_forget(call, asset);
    for (size_t i = 0; i < count; i++)
        doom(call, &files[i]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renditions: files that are made of a work to deliver it, the first time somebody asks, and kept.
 * Each is a row of files that names its work, its kind and, within the kind, its variant
 * ("w640-webp"); for one kind and variant there is one. They are a cache: they do not count against
 * anybody's storage, a work keeps the newest RENDITIONS_MAX of them, and they go with it.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/assets.h"

#define RENDITIONS_MAX 32

/*
 * Keeps a blob as a rendition. Two may have been made at once, or the work deleted meanwhile: then
 * the blob is doomed, and *out (may be NULL) is what is kept instead. False: the work is gone.
 */
bool file_put_rendition(struct call *call, const struct asset *asset, enum rendition kind,
                        str variant, const struct stored_file *stored, struct file *out);

/* False: nobody made it yet. */
bool file_rendition_find(struct call *call, const struct asset *asset, enum rendition kind,
                         str variant, struct file *out);

/* Those of a work that are kept, at most room of them; how many. */
size_t renditions_list(struct call *call, doc_id asset, struct file *out, size_t room);

/* Dooms those of a kind; RENDITION_NONE: all of the work. */
void renditions_remove(struct call *call, doc_id asset, enum rendition kind);

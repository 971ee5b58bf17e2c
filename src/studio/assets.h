/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Works: the pictures and films a user owns, and the files behind them (STOR-07, STOR-08, STOR-16,
 * LIB-02). A file's storage id is the capability in its address, and the name of its blob.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "call/page.h"
#include "job/job.h"
#include "media/parameters.h"
#include "studio/config.h"

/* One file of a work. */
struct stored_file {
    str storage_id; /* 32 hex digits: the blob's name */
    str content_type;
    int64_t size;
    str sha256; /* hex */
};

#define FILE_VARIANT_MAX 80

/* What a file is that was made of a work to deliver it (renditions.h). */
enum rendition {
    RENDITION_NONE,    /* the work itself: original, thumbnail or display */
    RENDITION_RESIZED, /* another size or format; made when first asked for */
    RENDITION_STAMPED, /* the original with its provenance written in */
    RENDITION_PREVIEW, /* a film's short silent loop */
    RENDITION_FASTSTART,
    RENDITIONS,
};
extern const char *const rendition_names[RENDITIONS];

struct file {
    doc_id id;
    tick created;
    str storage_id;
    doc_id owner_id;
    str content_type, sha256;
    int64_t size_bytes;
    str name;       /* offered at download */
    str link_id;    /* its capability once it was turned (links.h); else the storage id is it */
    bool is_doomed; /* deleted: no longer served, its bytes go as soon as the job comes to it */
    instant created_at;
    doc_id asset_id; /* of renditions; the asset's row names its other files */
    enum rendition rendition;
    str variant; /* which of its kind; may be empty */
};

struct asset {
    doc_id id;
    tick created;
    doc_id user_id, generation_id;
    enum media_kind type;
    str prompt, negative_prompt, model, provider;
    struct maybe_int seed;
    int64_t width, height;
    struct maybe_number duration; /* s */
    str mime_type;
    int64_t size_bytes;   /* of the original */
    int64_t stored_bytes; /* of all its files: what counts against the quota */
    str storage_id, thumbnail_storage_id, display_storage_id;
    str preview_storage_id, playback_storage_id; /* renditions: see previews.h */
    str blur_data_url;
    str title, description;
    struct list tags; /* str */
    str metadata;     /* JSON object: what an editor wants to find again */
    bool is_favorite, is_public;
    struct maybe_int link_turn; /* how often its addresses were turned */
    int64_t views;
    instant created_at, updated_at;
    struct maybe_bool is_processing; /* uploaded, and not looked into yet */
    str error;                       /* uploaded, and not what it was said to be: why; no files */
    struct embedded *embedded; /* uploaded: how it was made, as the file says (provenance.h) */
    struct maybe_bool has_credentials; /* content credentials (C2PA) are in the file */
};

/* Its row stays to say why, until its owner deletes it, and counts as nothing. */
static inline bool asset_is_refused(const struct asset *asset)
{
    return asset->error.len != 0;
}

extern const struct doc_type asset_type, file_type;
extern const struct job_action files_remove_action;
extern const struct function asset_functions[];
extern const size_t asset_function_count;

/* "<public url>/api/storage/<uuid>"; empty for an empty storage id. */
str file_url(struct call *call, str storage_id);

/* The storage id in a path segment "8-4-4-4-12" or 32 hex digits; empty when it is none. */
str storage_id_of(struct arena *arena, str segment);

void file_put(struct call *call, doc_id owner, const struct stored_file *file, str name);

/* The file row of a storage id; for serving. False: there is none, or it is deleted. */
bool file_find(struct call *call, str storage_id, struct file *out);

/* A blob that is stored and will never be anybody's work: it goes as deleted files do. */
void file_put_doomed(struct call *call, doc_id owner, const struct stored_file *file);

/* No longer served from here on; a job removes the bytes, then the row. */
void file_doom(struct call *call, struct file *file);

/* Removes the row, dooms its files and renditions and lowers the meter. */
void asset_remove(struct call *call, const struct asset *asset);

/* A work that is the caller's, or NOT_FOUND. */
void asset_get(struct call *call, doc_id id, struct asset *out);

/* ---- asset_choice.c: which works of somebody's, and in what order ---- */

enum asset_sort {
    ASSET_SORT_NONE, /* by date */
    ASSET_SORT_DATE,
    ASSET_SORT_SIZE,
    ASSET_SORT_TYPE,
    ASSET_SORTS,
};
enum asset_source {
    ASSET_SOURCE_NONE, /* any */
    ASSET_SOURCE_GENERATED,
    ASSET_SOURCE_UPLOADED,
    ASSET_SOURCES,
};
extern const char *const asset_sort_names[ASSET_SORTS], *const asset_source_names[ASSET_SOURCES];
extern const char *const order_names[ORDER_DOWN + 1]; /* asc, desc */

/* What is not said does not matter; the order is then newest, or largest, first. */
struct asset_choice {
    enum media_kind type;
    struct maybe_bool is_favorite;
    enum asset_source source;
    enum asset_sort sort;
    enum order order;
};

/* Rows of the arguments of a function whose struct has a member "choice". */
#define ASSET_CHOICE_FIELDS                                                                        \
    MAYBE_CHOICE(choice.type, media_kind_names, .wire = "type"),                                   \
        MAYBE_BOOL(choice.is_favorite, .wire = "isFavorite"),                                      \
        MAYBE_CHOICE(choice.source, asset_source_names, .wire = "source"),                         \
        MAYBE_CHOICE(choice.sort, asset_sort_names, .wire = "sort",                                \
                     .about = "By date when not said."),                                           \
        MAYBE_CHOICE(choice.order, order_names, .wire = "order",                                   \
                     .about = "desc when not said: newest or largest first.")

/* Sets index, bounds and order; items are the reader's, whose make asks asset_is_chosen. */
void assets_source(struct call *call, doc_id user, const struct asset_choice *choice,
                   struct page_source *out);
bool asset_is_chosen(const struct asset *asset, const struct asset_choice *choice);

/* The caller's works with these words, newest first; make asks asset_is_chosen here, too. */
struct search_for assets_search(struct call *call, str terms, const struct asset_choice *choice);

/* How many the caller's choice has; the meter knows. */
int64_t assets_count(struct call *call, doc_id user, const struct asset_choice *choice);

/* ---- asset_details.c: what its owner writes on it, and how often others looked ---- */

#define ASSET_TAGS_MAX 30

/* What is absent stays as it is. */
struct asset_edit {
    str title, description, metadata;
    struct list tags; /* str */
    struct maybe_bool is_public, is_favorite;
};

/* Changes and puts the row; a film that may not be private fails the call. */
void asset_change(struct call *call, struct asset *asset, const struct asset_edit *edit);

/* The caller's plan lets nobody hide films: fails the call when a film is to be private. */
void films_check_private(struct call *call, bool is_public);
bool films_are_public(struct call *call);

enum asset_interaction {
    INTERACTION_NONE,
    INTERACTION_VIEW,
    INTERACTION_DOWNLOAD,
    INTERACTION_SHARE,
    ASSET_INTERACTIONS,
};
extern const char *const asset_interaction_names[ASSET_INTERACTIONS];

/* Apart from the row because they change often and interest few (DESIGN section 5). */
struct asset_counts {
    doc_id id;
    tick created;
    doc_id asset_id;
    int64_t views, downloads, shares;
};
extern const struct doc_type asset_counts_type;

struct asset_counts asset_counts_of(struct call *call, doc_id asset);
void asset_count(struct call *call, doc_id asset, enum asset_interaction interaction);
void asset_counts_remove(struct call *call, doc_id asset);

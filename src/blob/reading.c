/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/log.h"
#include "blob/blobs.h"
#include "blob/home.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool blob_name(str id, char name[BLOB_ID_LEN + 1], struct fault *fault)
{
    if (!blob_id_is_valid(id))
        return fault_set(fault, FAULT_INPUT, "not the id of a file: 32 hex digits are");
    memcpy(name, id.at, BLOB_ID_LEN);
    name[BLOB_ID_LEN] = 0;
    return true;
}

/* ---- opening ---- */

/* Answers whether the blob was removed up to now. */
static bool fetch_end(struct blob_fetch *fetch)
{
    struct blobs *blobs = fetch->blobs;
    pthread_mutex_lock(&blobs->pin_mutex);
    struct blob_fetch **at = &blobs->fetches;
    while (*at != NULL && *at != fetch)
        at = &(*at)->next;
    if (*at != NULL)
        *at = fetch->next;
    bool is_removed = fetch->is_removed;
    pthread_mutex_unlock(&blobs->pin_mutex);
    return is_removed;
}

void blob_fetch_done(struct blob_fetch *fetch)
{
    fetch_end(fetch);
    if (fetch->fd >= 0)
        unlinkat(fetch->blobs->temp, fetch->name, 0);
    fd_close(&fetch->fd);
}

bool blob_fetch_begin(struct blob_fetch *fetch, const char *id, struct fault *fault)
{
    struct blobs *blobs = fetch->blobs;
    snprintf(fetch->id, sizeof(fetch->id), "%s", id);
    snprintf(fetch->name, sizeof(fetch->name), BLOB_FETCH_PREFIX "%s-%ld-%lu", id, (long)getpid(),
             atomic_fetch_add(&blobs->last_fetch, 1));
    fetch->fd = openat(blobs->temp, fetch->name,
                       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fetch->fd < 0)
        return fault_os(fault, "tmp/");
    pthread_mutex_lock(&blobs->pin_mutex);
    fetch->next = blobs->fetches;
    blobs->fetches = fetch;
    pthread_mutex_unlock(&blobs->pin_mutex);
    return true;
}

/*
 * Kept first and asked then: a removal marks the fetches and removes what is kept after the object
 * is gone. Either it comes before our question and we hear of it, or after it and finds the file.
 */
bool blob_fetch_keep(struct blob_fetch *fetch, int64_t size, struct fault *fault)
{
    struct blobs *blobs = fetch->blobs;
    if (!keep_take(&blobs->keep, fetch->id, blobs->temp, fetch->name, size, fault))
        return false;
    fd_close(&fetch->fd); /* it has another name now */
    return !fetch_end(fetch) || keep_remove(&blobs->keep, fetch->id, fault);
}

static bool fetch_open(struct blobs *blobs, const char *id, const atomic_bool *is_unwanted, int *fd,
                       int64_t *size, struct fault *fault)
{
    AUTO(blob_fetch_done) struct blob_fetch fetch = {.blobs = blobs, .fd = -1};
    uint8_t sum[32];
    struct fault why;
    if (!blob_fetch_begin(&fetch, id, fault) ||
        !bucket_get(blobs->bucket, str_of(id), is_unwanted, fetch.fd, size, sum, fault))
        return false;
    AUTO(fd_close) int file = openat(blobs->temp, fetch.name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 || fsync(file) != 0) /* half of it must not have its name behind a power cut */
        return fault_os(fault, "fetching a file");
    if (!blob_fetch_keep(&fetch, *size, &why))
        log_event(LOG_WARN, "cache_failed", "%s", why.text);
    *fd = take_fd(&file);
    return true;
}

static bool fetch_as_is(struct blobs *blobs, const char *id, int *fd, int64_t *size,
                        struct fault *fault)
{
    AUTO(blob_fetch_done) struct blob_fetch fetch = {.blobs = blobs, .fd = -1};
    uint8_t sum[32];
    bool is_as_put;
    if (!blob_fetch_begin(&fetch, id, fault) ||
        !bucket_get_any(blobs->bucket, str_of(id), NULL, fetch.fd, size, sum, &is_as_put, fault))
        return false;
    *fd = openat(blobs->temp, fetch.name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return *fd >= 0 || fault_os(fault, "fetching a file");
}

bool blob_open_here(struct blobs *blobs, str id, int *fd, int64_t *size, struct fault *fault)
{
    char name[BLOB_ID_LEN + 1];
    struct fault why;
    if (!blob_name(id, name, fault))
        return false;
    if (home_file_open(blobs->root, name, fd, size, &why) ||
        (why.kind == FAULT_ABSENT && keep_find(&blobs->keep, name, fd, size, &why)))
        return true;
    return why.kind == FAULT_ABSENT ? fault_set(fault, FAULT_ABSENT, "there is no file %s", name)
                                    : fault_set(fault, why.kind, "%s", why.text);
}

bool blob_open(struct blobs *blobs, str id, int *fd, int64_t *size, struct fault *fault)
{
    return blob_open_unless(blobs, id, NULL, fd, size, fault);
}

bool blob_open_unless(struct blobs *blobs, str id, const atomic_bool *is_unwanted, int *fd,
                      int64_t *size, struct fault *fault)
{
    char name[BLOB_ID_LEN + 1];
    struct fault why;
    if (!blob_name(id, name, fault))
        return false;
    if (blob_open_here(blobs, id, fd, size, &why))
        return true;
    if (why.kind != FAULT_ABSENT || blobs->bucket == NULL)
        return fault_set(fault, why.kind, "%s", why.text);
    if (fetch_open(blobs, name, is_unwanted, fd, size, &why))
        return true;
    /* While they move, it may have come here after we looked, and gone there before. */
    return why.kind == FAULT_ABSENT ? blob_open_here(blobs, id, fd, size, fault)
                                    : fault_set(fault, why.kind, "%s", why.text);
}

bool blob_open_as_is(struct blobs *blobs, str id, int *fd, int64_t *size, struct fault *fault)
{
    char name[BLOB_ID_LEN + 1];
    struct fault why;
    if (blobs->bucket == NULL)
        return blob_open_here(blobs, id, fd, size, fault);
    if (!blob_name(id, name, fault))
        return false;
    if (home_file_open(blobs->root, name, fd, size, &why))
        return true;
    if (why.kind == FAULT_ABSENT && fetch_as_is(blobs, name, fd, size, &why))
        return true;
    return why.kind == FAULT_ABSENT ? home_file_open(blobs->root, name, fd, size, fault)
                                    : fault_set(fault, why.kind, "%s", why.text);
}

bool blobs_lack_bucket(const struct blobs *blobs)
{
    return blobs->bucket == NULL && (blobs->keep.root >= 0 || blobs->idle.root >= 0);
}

/* ---- addresses ---- */

/* Rounded up to quarters of its life, so that equal questions have equal answers for a while, and
 * browsers need not fetch the same again. */
struct lifetime {
    instant from, to;
};

static struct lifetime lifetime_of(const struct blob_link *link)
{
    int64_t life = link->lifetime.us == 0 ? BLOB_LINK_LIFE.us : link->lifetime.us;
    int64_t quarter = MAX_OF(life / 4 / 1000000, (int64_t)1) * 1000000;
    int64_t to = (link->now.us + life + quarter - 1) / quarter * quarter;
    return (struct lifetime){{to - life / quarter * quarter - quarter}, {to}};
}

static size_t link_query(const struct blob_link *link, struct sign_pair out[2])
{
    size_t count = 0;
    if (link->disposition.len != 0)
        out[count++] = (struct sign_pair){STR("response-content-disposition"), link->disposition};
    if (link->content_type.len != 0)
        out[count++] = (struct sign_pair){STR("response-content-type"), link->content_type};
    return count;
}

static void link_make(struct blobs *blobs, struct arena *arena, str id,
                      const struct blob_link *link, struct blob_place *out)
{
    struct sign_pair query[2];
    size_t count = link_query(link, query);
    struct lifetime life = lifetime_of(link);
    out->expires_at = life.to;
    if (blobs->cdn == NULL) {
        out->url = bucket_link(blobs->bucket, arena, STR("GET"), id, query, count, life.from,
                               instant_since(life.to, life.from));
        return;
    }
    out->url = cdn_url(blobs->cdn, arena, bucket_path(arena, bucket_key(blobs->bucket, arena, id)),
                       sign_query_text(arena, query, count), life.to);
    if (!cdn_is_signed(blobs->cdn))
        out->expires_at = (instant){0};
}

bool blob_find(struct blobs *blobs, struct arena *arena, str id, const struct blob_link *link,
               struct blob_place *out, struct fault *fault)
{
    char name[BLOB_ID_LEN + 1];
    struct fault why;
    *out = (struct blob_place){.fd = -1};
    if (!blob_name(id, name, fault))
        return false;
    if (home_file_open(blobs->root, name, &out->fd, &out->size, &why))
        return true;
    /* What goes by the CDN does not go through us, even if it is at hand. */
    if (why.kind == FAULT_ABSENT && blobs->cdn == NULL &&
        keep_find(&blobs->keep, name, &out->fd, &out->size, &why))
        return true;
    if (why.kind != FAULT_ABSENT)
        return fault_set(fault, why.kind, "%s", why.text);
    if (blobs->bucket == NULL)
        return fault_set(fault, FAULT_ABSENT, "there is no file %s", name);
    if (blobs->cdn != NULL || !bucket_is_private(blobs->bucket))
        link_make(blobs, arena, id, link, out);
    else
        out->is_away = true;
    return true;
}

str blobs_origin(struct blobs *blobs, struct arena *arena)
{
    if (blobs->cdn != NULL)
        return cdn_origin(blobs->cdn, arena);
    if (blobs->bucket == NULL || bucket_is_private(blobs->bucket))
        return (str){0};
    return bucket_origin(blobs->bucket, arena);
}

/* ---- listing ---- */

struct listing {
    struct blobs *blobs;
    bool (*visit)(void *context, const struct blob_entry *entry);
    void *context;
    bool is_stopped;
};

static bool is_in(int root, const char *id)
{
    AUTO(fd_close) int fd = -1;
    int64_t size;
    return home_file_open(root, id, &fd, &size, NULL);
}

static bool show(struct listing *listing, const struct blob_entry *entry)
{
    listing->is_stopped = !listing->visit(listing->context, entry);
    return !listing->is_stopped;
}

static bool visit_file(void *context, const struct blob_entry *entry)
{
    return show(context, entry);
}

static bool visit_copy(void *context, const struct blob_entry *entry)
{
    struct listing *listing = context;
    return is_in(listing->blobs->root, entry->id) || show(listing, entry);
}

static bool visit_object(void *context, const struct blob_entry *entry)
{
    struct listing *listing = context;
    struct keep *keep = &listing->blobs->keep;
    return is_in(listing->blobs->root, entry->id) ||
           (keep->is_durable && keep_has(keep, entry->id)) || show(listing, entry);
}

bool blob_list(struct blobs *blobs, bool (*visit)(void *context, const struct blob_entry *entry),
               void *context, struct fault *fault)
{
    struct listing listing = {.blobs = blobs, .visit = visit, .context = context};
    if (!home_list(blobs->root, visit_file, &listing, fault))
        return false;
    /* What is merely at hand in a cache is in the bucket, too. */
    if (!listing.is_stopped && blobs->keep.is_durable && blobs->keep.root >= 0 &&
        !home_list(blobs->keep.root, visit_copy, &listing, fault))
        return false;
    return listing.is_stopped || blobs->bucket == NULL ||
           bucket_list(blobs->bucket, visit_object, &listing, fault);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor_deep.h"

#include "base/clock.h"
#include "base/encode.h"
#include "blob/blob.h"
#include "cli/moment.h"
#include "cli/settings.h"
#include "serve/blob_settings.h"
#include "studio/certificates.h"
#include "studio/generations.h"
#include "studio/studio.h"
#include "studio/uploads.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 4096   /* rows a view; it may read STORE_READS_MAX */
#define SHOWN_MAX 20 /* of each kind */
#define LISTS_MAX ((size_t)4 << 30)
#define YOUNG HOURS(1) /* of blobs: their rows may be on the way */
#define IDLE DAYS(2)   /* of rows: an upload waits a day for its work */

/* A file that a work names. */
struct named {
    char id[BLOB_ID_LEN];
    bool is_original;
    doc_id asset;
};

/* What one work adds to its owner's meter. */
struct share {
    doc_id user;
    int64_t bytes;
    bool is_image, is_video; /* neither: a refused upload */
};

struct deep {
    struct report *report;
    struct damages *damages;
    struct store *store;
    struct blobs *blobs;
    struct view view; /* of the chunk that is read */
    instant started;
    struct buffer named;  /* struct named, sorted by id */
    struct buffer shares; /* struct share, sorted by user */
    struct buffer kept;   /* ids of outputs and uploads on their way, sorted */
    struct buffer filed;  /* ids of all rows of files, sorted */
    int64_t files, blobs_seen, meters;
    char why[200];
    struct fault fault; /* set: it cannot go on */
};

/* ---- damages ---- */

static void damage_add(struct deep *deep, const struct damage *damage, const char *what,
                       const char *mend)
{
    struct damages *damages = deep->damages;
    const char *topic = damage->kind == DAMAGE_METER ? "meters" : "files";
    buffer_add(&damages->list, damage, sizeof(*damage));
    if (++damages->counts[damage->kind] > SHOWN_MAX) {
        deep->report->problems++;
        return;
    }
    report_problem(deep->report, topic, "%s", what);
    if (damage->kind == DAMAGE_MISSING || damage->kind == DAMAGE_WRONG)
        report_mend("tar -xf BACKUP -C %s blobs/%.2s/%.2s/%s", deep->report->data, damage->blob,
                    damage->blob + 2, damage->blob);
    if (damage->kind == DAMAGE_UNREAD) {
        report_mend("%s", mend);
        return;
    }
    bool may_restore = damage->kind == DAMAGE_MISSING || damage->kind == DAMAGE_WRONG;
    const char *config = deep->report->config;
    report_mend("%satelier doctor --deep --mend --data %s%s%s   (%s)", may_restore ? "or: " : "",
                deep->report->data, config == NULL ? "" : " --config ",
                config == NULL ? "" : config, mend);
}

static const char *mend_of(const struct deep *deep, const struct damage *damage)
{
    switch (damage->kind) {
    case DAMAGE_UNUSED:
        return "removes it";
    case DAMAGE_AWAY:
        return "sends what is at hand here to the bucket again";
    case DAMAGE_UNREAD:
        return blobs_lack_bucket(deep->blobs)
                   ? "give --config, which names the bucket; if there is none any more, remove "
                     "cache/ and copies/ first"
                   : "look at the disk, or at what the bucket lets the key do";
    default:
        return !damage->is_original             ? "forgets it; the work stays"
               : damage->kind == DAMAGE_MISSING ? "removes the work"
                                                : "removes the work; keeps the bytes in lost/";
    }
}

static void sum_take(const struct file *file, struct damage *damage)
{
    AUTO(arena_done) struct arena arena = {.is_small = true};
    bytes sum;
    if (hex_read(&arena, file->sha256, &sum) && sum.len == sizeof(damage->sha256))
        memcpy(damage->sha256, sum.at, sum.len);
}

static void files_differ(struct deep *deep, const struct file *file, enum damage_kind kind,
                         const struct named *named, const char *why)
{
    char what[256];
    struct damage damage = {.kind = kind};
    const char *part = named == NULL        ? "a rendition"
                       : named->is_original ? "the original"
                                            : "a view";
    snprintf(damage.blob, sizeof(damage.blob), "%.*s", STR_ARG(file->storage_id));
    damage.is_original = named != NULL && named->is_original;
    damage.asset = named != NULL ? named->asset : file->asset_id;
    damage.user = file->owner_id;
    sum_take(file, &damage);
    snprintf(what, sizeof(what), "%s %s%s: %s of a work", damage.blob, why,
             kind == DAMAGE_AWAY ? " in the bucket" : "", part);
    if (kind == DAMAGE_UNUSED)
        snprintf(what, sizeof(what), "%s is kept for no work", damage.blob);
    damage_add(deep, &damage, what, mend_of(deep, &damage));
}

/* ---- reading all rows of a type ---- */

static bool chunk_read(struct deep *deep, const struct index *index,
                       void (*visit)(struct deep *deep, const void *row), bytes *after,
                       struct arena *kept, bool *has_more)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view *view = &deep->view;
    struct scan scan;
    size_t count = 0;
    if (!view_begin(deep->store, &arena, view, &deep->fault))
        return false;
    void *row = arena_alloc(&arena, index->type->size);
    view_scan(view, index, (struct bounds){.after = *after}, ORDER_UP, &scan);
    while (count < CHUNK && deep->fault.kind == FAULT_NONE && scan_next(&scan, row)) {
        visit(deep, row);
        count++;
    }
    *has_more = count == CHUNK;
    if (*has_more) {
        bytes at = scan_position(&scan);
        *after = (bytes){arena_copy(kept, at.at, at.len), at.len};
    }
    bool ok = !view->is_failed && deep->fault.kind == FAULT_NONE;
    if (view->is_failed)
        fault_set(&deep->fault, view->fault.kind, "%s", view->fault.text);
    view_end(view);
    return ok;
}

static bool rows_each(struct deep *deep, const struct doc_type *type, const char *index,
                      void (*visit)(struct deep *deep, const void *row))
{
    AUTO(arena_done) struct arena kept = {0};
    bytes after = {0};
    bool has_more = true;
    while (has_more)
        if (!chunk_read(deep, index_of(type, index), visit, &after, &kept, &has_more))
            return false;
    return true;
}

/* ---- what is named, and what is on its way ---- */

static int id_compare(const void *a, const void *b)
{
    return memcmp(a, b, BLOB_ID_LEN);
}

static int share_compare(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    return (x->user.n > y->user.n) - (x->user.n < y->user.n);
}

static void id_add(struct buffer *list, str id)
{
    if (id.len == BLOB_ID_LEN)
        buffer_add(list, id.at, BLOB_ID_LEN);
}

static bool id_is_in(const struct buffer *list, const char *id)
{
    return list->len > 0 &&
           bsearch(id, list->at, list->len / BLOB_ID_LEN, BLOB_ID_LEN, id_compare) != NULL;
}

static void name_add(struct deep *deep, const struct asset *asset, str id, bool is_original)
{
    struct named named = {.is_original = is_original, .asset = asset->id};
    if (id.len != BLOB_ID_LEN)
        return;
    memcpy(named.id, id.at, BLOB_ID_LEN);
    buffer_add(&deep->named, &named, sizeof(named));
}

static void visit_asset(struct deep *deep, const void *row)
{
    const struct asset *asset = row;
    struct share share = {asset->user_id, asset->stored_bytes, asset->type == MEDIA_IMAGE,
                          asset->type == MEDIA_VIDEO};
    if (asset_is_refused(asset))
        share.is_image = share.is_video = false;
    name_add(deep, asset, asset->storage_id, true);
    name_add(deep, asset, asset->thumbnail_storage_id, false);
    name_add(deep, asset, asset->display_storage_id, false);
    buffer_add(&deep->shares, &share, sizeof(share));
}

static void visit_output(struct deep *deep, const void *row)
{
    id_add(&deep->kept, ((const struct output *)row)->storage_id);
}

static void visit_upload(struct deep *deep, const void *row)
{
    id_add(&deep->kept, ((const struct upload *)row)->storage_id);
}

static void sort(struct buffer *list, size_t size, int (*compare)(const void *, const void *))
{
    if (list->len > 0)
        qsort(list->at, list->len / size, size, compare);
}

/* ---- rows against bytes ---- */

static bool bytes_hash(int fd, char out[65])
{
    uint8_t part[65536], sum[32];
    ssize_t got;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool ok = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    while (ok && (got = read(fd, part, sizeof(part))) != 0)
        ok = got > 0 && EVP_DigestUpdate(hash, part, (size_t)got) == 1;
    ok = ok && EVP_DigestFinal_ex(hash, sum, NULL) == 1;
    EVP_MD_CTX_free(hash);
    for (size_t i = 0; ok && i < sizeof(sum); i++)
        snprintf(out + 2 * i, 3, "%02x", sum[i]);
    return ok;
}

/* NULL: they are as the row says. */
static const char *bytes_against(int fd, int64_t size, const struct file *file)
{
    char sum[65];
    if (size != file->size_bytes)
        return "has another length";
    if (!bytes_hash(fd, sum))
        return "cannot be read to its end";
    return str_equal(str_of(sum), file->sha256) ? NULL : "holds other bytes";
}

/* Of what is lost or changed in the bucket. */
static bool is_at_hand(struct deep *deep, const struct file *file)
{
    AUTO(fd_close) int fd = -1;
    int64_t size;
    return blob_open_here(deep->blobs, file->storage_id, &fd, &size, NULL) &&
           bytes_against(fd, size, file) == NULL;
}

/* Only what is known not to be there is missing: what is missing is forgotten when it is mended. */
static const char *bytes_absent(struct deep *deep, const struct fault *fault,
                                enum damage_kind *kind)
{
    if (fault->kind == FAULT_TRANSIENT) /* nor do the others: it ends here */
        deep->fault = *fault;
    bool is_missing = fault->kind == FAULT_ABSENT && !blobs_lack_bucket(deep->blobs);
    *kind = is_missing ? DAMAGE_MISSING : DAMAGE_UNREAD;
    if (is_missing)
        return "is missing";
    snprintf(deep->why, sizeof(deep->why), "cannot be read (%.150s)", fault->text);
    return deep->why;
}

static const char *bytes_differ(struct deep *deep, const struct file *file, enum damage_kind *kind)
{
    AUTO(fd_close) int fd = -1;
    int64_t size;
    struct fault fault;
    *kind = DAMAGE_WRONG;
    const char *why = blob_open_as_is(deep->blobs, file->storage_id, &fd, &size, &fault)
                          ? bytes_against(fd, size, file)
                          : bytes_absent(deep, &fault, kind);
    if (why != NULL && *kind != DAMAGE_UNREAD && is_at_hand(deep, file))
        *kind = DAMAGE_AWAY;
    return why;
}

static bool is_idle(struct deep *deep, const struct file *file)
{
    return instant_since(deep->started, file->created_at).us > IDLE.us;
}

static void visit_file(struct deep *deep, const void *row)
{
    const struct file *file = row;
    const struct named *named = NULL;
    struct asset asset;
    enum damage_kind kind;
    id_add(&deep->filed, file->storage_id);
    if (file->is_doomed || file->storage_id.len != BLOB_ID_LEN)
        return;
    deep->files++;
    if (deep->named.len > 0)
        named = bsearch(file->storage_id.at, deep->named.at, deep->named.len / sizeof(*named),
                        sizeof(*named), id_compare);
    bool is_rendition =
        doc_id_is_set(file->asset_id) && view_row(&deep->view, &asset_type, file->asset_id, &asset);
    const char *why = bytes_differ(deep, file, &kind);
    if (deep->fault.kind != FAULT_NONE)
        return;
    if (why != NULL)
        files_differ(deep, file, kind, named, why);
    else if (named == NULL && !is_rendition && is_idle(deep, file) &&
             !id_is_in(&deep->kept, file->storage_id.at))
        files_differ(deep, file, DAMAGE_UNUSED, NULL, "");
}

/* ---- bytes against rows ---- */

static bool visit_blob(void *context, const struct blob_entry *entry)
{
    struct deep *deep = context;
    char what[128];
    struct damage damage = {.kind = DAMAGE_UNNAMED};
    deep->blobs_seen++;
    bool is_young = instant_since(deep->started, entry->modified).us < YOUNG.us;
    if (is_young || id_is_in(&deep->filed, entry->id) || id_is_in(&deep->kept, entry->id))
        return true;
    snprintf(damage.blob, sizeof(damage.blob), "%s", entry->id);
    snprintf(what, sizeof(what), "%s belongs to nothing (%.1f MB)", entry->id,
             (double)entry->size / 1e6);
    damage_add(deep, &damage, what, "removes it; so does a running server, every hour");
    return true;
}

/* ---- meters ---- */

static struct storage_sums sums_of(struct deep *deep, doc_id user)
{
    const struct share *shares = (const struct share *)(const void *)deep->shares.at;
    size_t count = deep->shares.len / sizeof(*shares), from = 0, to = count;
    struct storage_sums sums = {0};
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (shares[middle].user.n < user.n)
            from = middle + 1;
        else
            to = middle;
    }
    for (; from < count && shares[from].user.n == user.n; from++) {
        sums.bytes += shares[from].bytes;
        sums.videos += shares[from].is_video;
        sums.images += shares[from].is_image;
    }
    return sums;
}

static void meter_check(struct deep *deep, doc_id user, const struct storage_sums *says)
{
    struct storage_sums is = sums_of(deep, user);
    struct damage damage = {.kind = DAMAGE_METER, .user = user};
    char what[256], id[DOC_ID_TEXT + 1] = "";
    deep->meters++;
    if (says->bytes == is.bytes && says->images == is.images && says->videos == is.videos)
        return;
    doc_id_write(&user_type, user, id);
    snprintf(
        what, sizeof(what),
        "user %s: %lld bytes, %lld pictures, %lld films are stored; the meter says %lld, %lld, "
        "%lld",
        id, (long long)is.bytes, (long long)is.images, (long long)is.videos, (long long)says->bytes,
        (long long)says->images, (long long)says->videos);
    damage_add(deep, &damage, what, "counts again; so does a running server, every night");
}

/* Of who has works but no meter, too. */
static void visit_user(struct deep *deep, const void *row)
{
    const struct user *user = row;
    struct storage_meter meter = {0};
    doc_id id =
        view_find(&deep->view, index_of(&storage_meter_type, "by_user"), KEY(key_id(user->id)));
    if (doc_id_is_set(id) && !view_row(&deep->view, &storage_meter_type, id, &meter))
        return;
    meter_check(deep, user->id, &meter.sums);
}

/* ---- all of it ---- */

static bool read_rows(struct deep *deep)
{
    if (!rows_each(deep, &asset_type, "by_user", visit_asset) ||
        !rows_each(deep, &output_type, "by_generation", visit_output) ||
        !rows_each(deep, &upload_type, "by_token", visit_upload))
        return false;
    sort(&deep->named, sizeof(struct named), id_compare);
    sort(&deep->shares, sizeof(struct share), share_compare);
    sort(&deep->kept, BLOB_ID_LEN, id_compare);
    if (!rows_each(deep, &file_type, "by_owner", visit_file))
        return false;
    sort(&deep->filed, BLOB_ID_LEN, id_compare);
    if (deep->named.is_over || deep->shares.is_over || deep->filed.is_over)
        return fault_set(&deep->fault, FAULT_FULL, "there are more files than can be compared");
    return blob_list(deep->blobs, visit_blob, deep, &deep->fault) &&
           rows_each(deep, &user_type, "by_external_key", visit_user);
}

/* From before the copy to the end, nothing that the copy names goes. */
static bool check_pinned(struct deep *deep)
{
    struct moment moment = {0};
    if (!blobs_pin(deep->blobs, &deep->fault))
        return false;
    bool is_read = moment_open(deep->report->data, "doctor", &moment, &deep->fault);
    if (is_read) {
        deep->store = moment.store;
        is_read = read_rows(deep);
        moment_close(&moment);
    }
    blobs_unpin(deep->blobs);
    return is_read;
}

static void sum_up(struct deep *deep)
{
    struct damages *damages = deep->damages;
    int files = 0;
    for (size_t i = DAMAGE_MISSING; i < DAMAGE_METER; i++) {
        files += damages->counts[i];
        if (damages->counts[i] > SHOWN_MAX)
            report_mend("and %d more like this", damages->counts[i] - SHOWN_MAX);
    }
    if (files == 0)
        report_ok(deep->report, "files", "%lld rows and %lld files, each has the other and its sum",
                  (long long)deep->files, (long long)deep->blobs_seen);
    if (damages->counts[DAMAGE_METER] == 0)
        report_ok(deep->report, "meters", "%lld, each says what is stored",
                  (long long)deep->meters);
}

bool deep_blobs_open(const struct report *report, instant now, struct blobs **out,
                     struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    struct settings_options wanted = {.config = report->config};
    struct settings settings;
    struct blobs_options options;
    return settings_load(&arena, &wanted, &settings, fault) &&
           blob_settings_options(settings.blobs, &arena, report->data, now, &options, fault) &&
           blobs_open_with(&options, out, fault);
}

bool deep_check(struct report *report, struct damages *out)
{
    struct deep deep = {.report = report,
                        .damages = out,
                        .started = clock_now(),
                        .named = buffer_with_max(LISTS_MAX),
                        .shares = buffer_with_max(LISTS_MAX),
                        .kept = buffer_with_max(LISTS_MAX),
                        .filed = buffer_with_max(LISTS_MAX)};
    *out = (struct damages){.list = buffer_with_max(LISTS_MAX)};
    /* As of long ago, so that nothing is swept: looking changes nothing. */
    bool ok = deep_blobs_open(report, (instant){1}, &deep.blobs, &deep.fault);
    if (ok) {
        ok = check_pinned(&deep);
        blobs_close(deep.blobs);
    }
    out->files = deep.files;
    if (ok) {
        sum_up(&deep);
    } else {
        report_problem(report, "files", "they cannot be compared: %s", deep.fault.text);
        report_mend("look at what is said above, and at the disk");
    }
    buffer_done(&deep.named);
    buffer_done(&deep.shares);
    buffer_done(&deep.kept);
    buffer_done(&deep.filed);
    return ok;
}

void deep_done(struct damages *damages)
{
    buffer_done(&damages->list);
}

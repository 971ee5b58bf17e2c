/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor --deep --mend. Rows are mended by functions of the program (studio/mending.c), by the
 * server if one runs; bytes that belong to nothing are removed right here. What is not what it was
 * is put into lost/ before, so that nobody loses more than was lost.
 */
#include "cli/doctor_deep.h"

#include "base/clock.h"
#include "blob/blob.h"
#include "blob/folder.h"
#include "blob/move.h"
#include "cli/local.h"
#include "studio/assets.h"
#include "studio/users.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define LOST "lost"
#define PARTS_MAX 100000 /* of one user's count */
#define MISSING_MANY 10  /* more, and more than half: that is no damage but another place */

struct mend {
    struct report *report;
    struct blobs *blobs;
    struct fault fault;
};

static str id_text(struct arena *arena, const struct doc_type *type, doc_id id)
{
    char *text = arena_alloc(arena, DOC_ID_TEXT);
    doc_id_write(type, id, text);
    return (str){text, DOC_ID_TEXT};
}

/* ---- bytes ---- */

/* A copy, since the blob may be in a bucket. */
static bool save(struct mend *mend, const char *blob)
{
    AUTO(fd_close) int folder = -1, from = -1, to = -1;
    int64_t size;
    if (!blob_open_as_is(mend->blobs, str_of(blob), &from, &size, &mend->fault) ||
        !folder_open(mend->report->folder, LOST, true, &folder, &mend->fault))
        return false;
    to = openat(folder, blob, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return fault_os(&mend->fault, LOST);
    for (ssize_t got = 1; got > 0;)
        if ((got = sendfile(to, from, NULL, (size_t)1 << 24)) < 0)
            return fault_os(&mend->fault, LOST);
    return fsync(to) == 0 ? folder_sync(folder, LOST, &mend->fault) : fault_os(&mend->fault, LOST);
}

static bool bytes_remove(struct mend *mend, const char *blob)
{
    bool is_gone = false;
    if (!blob_remove(mend->blobs, str_of(blob), &is_gone, &mend->fault))
        return false;
    return is_gone || fault_set(&mend->fault, FAULT_TRANSIENT,
                                "a backup is being made; try again when it is finished");
}

/* ---- rows ---- */

static bool row_forget(struct mend *mend, const struct damage *damage)
{
    AUTO(arena_done) struct arena arena = {0};
    str value, asset = STR("");
    if (doc_id_is_set(damage->asset))
        asset = str_format(&arena, ",\"assetId\":\"%.*s\"",
                           STR_ARG(id_text(&arena, &asset_type, damage->asset)));
    str args = str_format(&arena, "{\"storageId\":\"%s\"%.*s}", damage->blob, STR_ARG(asset));
    return local_call(&arena, mend->report->data, FUNCTION_MUTATION, "storage:forgetFile", args,
                      &value, &mend->fault);
}

static bool meter_count(struct mend *mend, const struct damage *damage)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json answer;
    str value;
    str args = str_format(&arena, "{\"userId\":\"%.*s\"}",
                          STR_ARG(id_text(&arena, &user_type, damage->user)));
    for (int i = 0; i < PARTS_MAX; i++) {
        if (!local_call(&arena, mend->report->data, FUNCTION_MUTATION, "storage:countAgain", args,
                        &value, &mend->fault) ||
            !json_read(&arena, value, 0, &answer, &mend->fault))
            return false;
        if (json_bool(json_get(&answer, "isOver"), false))
            return true;
    }
    return fault_set(&mend->fault, FAULT_SYSTEM, "the count does not end");
}

static bool mend_one(struct mend *mend, const struct damage *damage)
{
    switch (damage->kind) {
    case DAMAGE_UNNAMED:
        return bytes_remove(mend, damage->blob);
    case DAMAGE_AWAY:
        return blob_send_again(mend->blobs, str_of(damage->blob), damage->sha256, &mend->fault);
    case DAMAGE_UNREAD:
        return fault_set(&mend->fault, FAULT_SYSTEM, "it cannot be read");
    case DAMAGE_METER:
        return meter_count(mend, damage);
    case DAMAGE_WRONG:
        return save(mend, damage->blob) && row_forget(mend, damage);
    default:
        return row_forget(mend, damage);
    }
}

int deep_mend(struct report *report, const struct damages *damages)
{
    static const char *const dones[DAMAGES] = {[DAMAGE_MISSING] = "forgotten",
                                               [DAMAGE_WRONG] = "put into lost/ and forgotten",
                                               [DAMAGE_UNUSED] = "removed",
                                               [DAMAGE_UNNAMED] = "removed",
                                               [DAMAGE_AWAY] = "sent to the bucket again",
                                               [DAMAGE_METER] = "counted again"};
    struct mend mend = {.report = report};
    const struct damage *list = (const struct damage *)(const void *)damages->list.at;
    size_t count = damages->list.len / sizeof(*list);
    int mended = 0, by_kind[DAMAGES] = {0};
    if (count == 0)
        return 0;
    if (damages->counts[DAMAGE_MISSING] > MISSING_MANY &&
        damages->counts[DAMAGE_MISSING] > damages->files / 2) {
        report_mend("More than half of all files are missing: is this the right folder, and does "
                    "--config name the bucket? Nothing is mended.");
        return 0;
    }
    if (!deep_blobs_open(report, clock_now(), &mend.blobs, &mend.fault)) {
        report_problem(report, "mended", "%s", mend.fault.text);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (mend_one(&mend, &list[i])) {
            by_kind[list[i].kind]++;
            mended++;
        } else {
            report_mend("not mended: %s%s%s", list[i].blob, list[i].blob[0] == 0 ? "" : ": ",
                        mend.fault.text);
        }
    }
    for (size_t i = 0; i < DAMAGES; i++)
        if (by_kind[i] > 0)
            report_ok(report, "mended", "%d %s", by_kind[i], dones[i]);
    blobs_close(mend.blobs);
    return mended;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atelier blobs move: files from the disk to the bucket that the configuration names, or back. Each
 * is compared with its row, copied, read back, and only then removed where it was; so it may be
 * broken off at any moment and goes on when it is called again.
 */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/thread.h"
#include "blob/move.h"
#include "cli/moment.h"
#include "cli/options.h"
#include "cli/settings.h"
#include "serve/data.h"
#include "studio/assets.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOVERS 8 /* they wait for the network: more than there are cores */
#define CHUNK 4096
#define SHOWN_MAX 100
#define TOLD_EVERY 1000
#define LISTS_MAX ((size_t)4 << 30)

static const char help[] =
    "Usage: atelier blobs COMMAND [OPTIONS]\n"
    "\n"
    "  move   move all files from the disk to the bucket of the configuration, or back\n";

/* What a row says of a blob. */
struct known {
    char id[BLOB_ID_LEN];
    uint8_t sha256[32];
};

struct mover {
    const char *data;
    enum blob_side from, to;
    struct blobs *blobs;
    struct buffer ids;   /* BLOB_ID_LEN each: what is to be moved */
    struct buffer known; /* struct known, in the order of their ids */
    atomic_size_t next, moved, held, left;
    atomic_llong bytes;
};

/* ---- what rows say ---- */

static bool row_take(struct mover *mover, const struct file *file)
{
    AUTO(arena_done) struct arena arena = {.is_small = true};
    struct known known;
    bytes sum;
    if (file->storage_id.len != BLOB_ID_LEN || !hex_read(&arena, file->sha256, &sum) ||
        sum.len != sizeof(known.sha256))
        return true;
    memcpy(known.id, file->storage_id.at, sizeof(known.id));
    memcpy(known.sha256, sum.at, sizeof(known.sha256));
    buffer_add(&mover->known, &known, sizeof(known));
    return !mover->known.is_over;
}

/* The index is in the order of the ids. */
static bool rows_read(struct mover *mover, struct store *store, bytes *after, struct arena *kept,
                      bool *has_more, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct scan scan;
    struct file file;
    size_t count = 0;
    if (!view_begin(store, &arena, &view, fault))
        return false;
    view_scan(&view, index_of(&file_type, "by_storage"), (struct bounds){.after = *after}, ORDER_UP,
              &scan);
    while (count < CHUNK && scan_next(&scan, &file) && row_take(mover, &file))
        count++;
    *has_more = count == CHUNK;
    if (*has_more) {
        bytes at = scan_position(&scan);
        *after = (bytes){arena_copy(kept, at.at, at.len), at.len};
    }
    bool ok = !view.is_failed || fault_set(fault, view.fault.kind, "%s", view.fault.text);
    view_end(&view);
    return ok &&
           (!mover->known.is_over || fault_set(fault, FAULT_FULL, "there are too many files"));
}

static bool known_read(struct mover *mover, struct fault *fault)
{
    AUTO(arena_done) struct arena kept = {0};
    struct moment moment = {0};
    bytes after = {0};
    bool has_more = true, ok = true;
    if (!moment_open(mover->data, "move", &moment, fault))
        return false;
    while (ok && has_more)
        ok = rows_read(mover, moment.store, &after, &kept, &has_more, fault);
    moment_close(&moment);
    return ok;
}

static int known_compare(const void *id, const void *known)
{
    return memcmp(id, ((const struct known *)known)->id, BLOB_ID_LEN);
}

static const uint8_t *sum_of(const struct mover *mover, const char *id)
{
    if (mover->known.len == 0)
        return NULL;
    const struct known *known =
        bsearch(id, mover->known.at, mover->known.len / sizeof(struct known), sizeof(struct known),
                known_compare);
    return known == NULL ? NULL : known->sha256;
}

/* ---- moving ---- */

static bool id_take(void *context, const struct blob_entry *entry)
{
    struct mover *mover = context;
    buffer_add(&mover->ids, entry->id, BLOB_ID_LEN);
    atomic_fetch_add(&mover->bytes, entry->size);
    return !mover->ids.is_over;
}

static void move_one(struct mover *mover, const char *id)
{
    enum blob_moved how = BLOB_MOVED;
    struct fault fault;
    if (!blob_move(mover->blobs, (str){id, BLOB_ID_LEN}, mover->to, sum_of(mover, id), &how,
                   &fault)) {
        if (atomic_fetch_add(&mover->left, 1) < SHOWN_MAX)
            fprintf(stderr, "left  %.*s  %s\n", BLOB_ID_LEN, id, fault.text);
        return;
    }
    if (how == BLOB_MOVED_HELD)
        atomic_fetch_add(&mover->held, 1);
    else if (how == BLOB_MOVED && (atomic_fetch_add(&mover->moved, 1) + 1) % TOLD_EVERY == 0)
        fprintf(stderr, "%zu of %zu\n", atomic_load(&mover->moved), mover->ids.len / BLOB_ID_LEN);
}

static void *move_many(void *context)
{
    struct mover *mover = context;
    size_t count = mover->ids.len / BLOB_ID_LEN;
    for (size_t i; (i = atomic_fetch_add(&mover->next, 1)) < count;)
        move_one(mover, mover->ids.at + i * BLOB_ID_LEN);
    return NULL;
}

static bool move_all(struct mover *mover, struct fault *fault)
{
    pthread_t threads[MOVERS];
    size_t started = 0;
    if (!blob_list_side(mover->blobs, mover->from, id_take, mover, fault))
        return false;
    if (mover->ids.is_over)
        return fault_set(fault, FAULT_FULL, "there are too many files");
    while (started < MOVERS && thread_start(&threads[started], "mover", move_many, mover, fault))
        started++;
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return started > 0;
}

static int sum_up(const struct mover *mover)
{
    const char *to = blob_kind_names[mover->to == BLOB_SIDE_BUCKET ? BLOB_S3 : BLOB_DISK];
    size_t moved = mover->moved, held = mover->held, left = mover->left;
    printf("moved  %zu files to %s, of %zu found (%.1f MB)\n", moved, to,
           mover->ids.len / BLOB_ID_LEN, (double)mover->bytes / 1e6);
    if (held != 0)
        printf("held   %zu are in both places, because a backup is being written; call this "
               "again after it\n",
               held);
    if (left != 0)
        printf("left   %zu stayed where they were; call this again when the cause is mended\n",
               left);
    return held == 0 && left == 0 ? CLI_OK : CLI_FAILED;
}

/* ---- the command ---- */

static bool side_read(const char *word, enum blob_side *out)
{
    *out = strcmp(word, blob_kind_names[BLOB_DISK]) == 0 ? BLOB_SIDE_DISK
           : strcmp(word, blob_kind_names[BLOB_S3]) == 0 ? BLOB_SIDE_BUCKET
                                                         : BLOB_SIDE_NONE;
    return *out != BLOB_SIDE_NONE;
}

/* No server starts on the folder meanwhile; one that runs must know the bucket. */
static bool folder_hold(const char *data, bool while_serving, int *lock, struct fault *fault)
{
    struct fault why;
    if (access(data, R_OK) != 0)
        return fault_os(fault, data);
    if (while_serving || data_lock(data, lock, &why))
        return true;
    return fault_set(fault, why.kind,
                     "%s. Stop it first; or add --while-serving, if its configuration names the "
                     "bucket already",
                     why.text);
}

static bool blobs_begin(struct mover *mover, const struct settings *settings, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    struct blobs_options options;
    if (!blob_settings_options(settings->blobs, &arena, mover->data, clock_now(), &options, fault))
        return false;
    if (options.bucket == NULL)
        return fault_set(fault, FAULT_INPUT,
                         "the configuration names no bucket: --config FILE, with a section blobs");
    return blobs_open_with(&options, &mover->blobs, fault) && blob_moves_begin(mover->blobs, fault);
}

static int run(struct mover *mover, const struct settings *settings, bool while_serving)
{
    AUTO(fd_close) int lock = -1;
    struct fault fault;
    bool ok = folder_hold(mover->data, while_serving, &lock, &fault) &&
              blobs_begin(mover, settings, &fault) && known_read(mover, &fault) &&
              move_all(mover, &fault);
    blobs_close(mover->blobs);
    if (ok)
        return sum_up(mover);
    fprintf(stderr, "atelier: %s\n", fault.text);
    return CLI_FAILED;
}

static int move(int argc, char **argv)
{
    const char *from = "", *to = "";
    bool while_serving = false;
    struct settings_options wanted = {0};
    struct mover mover = {.data = CLI_DATA_DEFAULT,
                          .ids = buffer_with_max(LISTS_MAX),
                          .known = buffer_with_max(LISTS_MAX)};
    const struct option options[] = {
        {"from", "disk|s3", "where the files are", &from, NULL},
        {"to", "s3|disk", "where they shall be", &to, NULL},
        {"data", "DIR", "the data folder (./data)", &mover.data, NULL},
        {"config", "FILE", "the settings that name the bucket", &wanted.config, NULL},
        {"preset", "NAME", "as the server's", &wanted.preset, NULL},
        {"while-serving", NULL, "though a server runs that knows the bucket", NULL, &while_serving},
    };
    const struct command command = {
        .name = "blobs move",
        .about = "Moves every file, compares it before and after by its SHA-256, and removes it\n"
                 "where it was only then. Broken off, it goes on where it was. Answers 1 if any\n"
                 "stayed.",
        .example = "atelier blobs move --from disk --to s3 --config atelier.yaml",
        .options = options,
        .option_count = ARRAY_LEN(options),
    };
    AUTO(arena_done) struct arena arena = {0};
    struct settings settings;
    struct fault fault;
    int code;
    if (!command_read(&command, argc, argv, &code))
        return code;
    if (!side_read(from, &mover.from) || !side_read(to, &mover.to) || mover.from == mover.to) {
        fprintf(stderr, "atelier: say --from disk --to s3, or --from s3 --to disk\n");
        return CLI_USAGE;
    }
    if (!settings_load(&arena, &wanted, &settings, &fault)) {
        fprintf(stderr, "atelier: %s\n", fault.text);
        return CLI_USAGE;
    }
    code = run(&mover, &settings, while_serving);
    buffer_done(&mover.ids);
    buffer_done(&mover.known);
    return code;
}

int cli_blobs(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "move") == 0)
        return move(argc - 1, argv + 1);
    bool asked = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
    fputs(help, asked ? stdout : stderr);
    return asked ? CLI_OK : CLI_USAGE;
}

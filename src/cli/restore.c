/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atelier restore: a backup into an empty folder. Everything is unpacked into DIR/restore.tmp and
 * checked there, every file against its sum and the database by itself; only then do the parts get
 * their places. A backup that is cut short or changed leaves the folder as it was.
 */
#include "cli/cli.h"

#include "base/file.h"
#include "base/str.h"
#include "blob/folder.h"
#include "cli/archive.h"
#include "cli/options.h"
#include "cli/tar.h"
#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define STAGE "restore.tmp"
#define CHUNK KIB(256)

struct restore {
    const char *data, *file;
    char stage_path[PATH_MAX];
    bool made_data, made_stage;
    int folder, stage, in;
    struct tar_reader tar;
    struct sums sums;
    size_t files;
    int64_t size;
    bool has_database;
};

/* ---- the folder ---- */

static bool name_is_tolerated(const char *name)
{
    return strcmp(name, "lost+found") == 0 || strcmp(name, STAGE) == 0;
}

static bool name_check(void *context, int folder, const char *name)
{
    bool *is_empty = context;
    *is_empty = name_is_tolerated(name);
    return *is_empty;
}

static bool folder_begin(struct restore *restore, struct fault *fault)
{
    bool is_empty = true;
    restore->made_data = mkdir(restore->data, 0700) == 0;
    if (!folder_open(AT_FDCWD, restore->data, false, &restore->folder, fault))
        return false;
    if (flock(restore->folder, LOCK_EX | LOCK_NB) != 0)
        return fault_set(fault, FAULT_TRANSIENT, "another restore is filling %s", restore->data);
    if (!folder_visit(restore->folder, name_check, &is_empty, fault) && is_empty)
        return false;
    if (!is_empty)
        return fault_set(fault, FAULT_INPUT,
                         "%s is not empty: give a folder that is empty or not there yet",
                         restore->data);

    if ((size_t)snprintf(restore->stage_path, sizeof(restore->stage_path), "%s/" STAGE,
                         restore->data) >= sizeof(restore->stage_path))
        return fault_set(fault, FAULT_INPUT, "too long a name: %s", restore->data);
    folder_remove(restore->folder, STAGE); /* of a restore that was killed */
    restore->made_stage = true;
    return folder_open(restore->folder, STAGE, true, &restore->stage, fault);
}

/* ---- unpacking ---- */

static void parents_make(int stage, const char *name)
{
    char path[TAR_NAME_MAX + 1];
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(path, sizeof(path), "%.*s", (int)(slash - name), name);
        mkdirat(stage, path, 0700); /* if it cannot be made, opening the file says so */
    }
}

static void hash_free(EVP_MD_CTX **hash)
{
    EVP_MD_CTX_free(*hash);
}

static bool body_unpack(struct restore *restore, int fd, uint8_t sha256[32], struct fault *fault)
{
    AUTO(memory_free) uint8_t *chunk = memory_new(CHUNK);
    AUTO(hash_free) EVP_MD_CTX *hash = EVP_MD_CTX_new();
    size_t got;
    if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
        abort(); /* out of memory, or an OpenSSL without SHA-256 */
    do {
        if (!tar_read(&restore->tar, chunk, CHUNK, &got, fault))
            return false;
        if (!file_write_all(fd, (bytes){chunk, got}))
            return fault_os(fault, "writing a restored file");
        EVP_DigestUpdate(hash, chunk, got);
    } while (got > 0);
    EVP_DigestFinal_ex(hash, sha256, NULL);
    return true;
}

static bool file_unpack(struct restore *restore, const struct tar_entry *entry, struct fault *fault)
{
    uint8_t sha256[32];
    if (!archive_name_is_ours(entry->name))
        return fault_set(fault, FAULT_INPUT, "a file that no backup of Atelier holds: %s",
                         entry->name);
    parents_make(restore->stage, entry->name);
    AUTO(fd_close)
    int fd = openat(restore->stage, entry->name,
                    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST)
        return fault_set(fault, FAULT_INPUT, "twice in the archive: %s", entry->name);
    if (fd < 0)
        return fault_os(fault, entry->name);
    if (!body_unpack(restore, fd, sha256, fault))
        return false;

    restore->files++;
    restore->size += entry->size;
    restore->has_database |= strcmp(entry->name, ARCHIVE_DATABASE) == 0;
    return sums_add(&restore->sums, entry->name, sha256, fault);
}

/* The archive's own list must be the one that was made while unpacking, byte for byte. */
static bool sums_compare(struct restore *restore, int64_t said_size, struct fault *fault)
{
    AUTO(memory_free) char *said = memory_new(CHUNK);
    AUTO(memory_free) char *found = memory_new(CHUNK);
    int64_t size, at = 0;
    int fd;
    if (!sums_text(&restore->sums, &fd, &size, fault))
        return false;
    bool same = size == said_size;
    while (same && at < size) {
        size_t got;
        if (!tar_read(&restore->tar, said, CHUNK, &got, fault))
            return false;
        same = pread(fd, found, got, at) == (ssize_t)got && memcmp(said, found, got) == 0;
        at += (int64_t)got;
    }
    return same ||
           fault_set(fault, FAULT_INPUT, "the backup is damaged: a file is not what its sum says");
}

static bool unpack(struct restore *restore, struct fault *fault)
{
    struct tar_entry entry;
    bool is_end = false, has_sums = false;
    if (!sums_open(restore->stage, &restore->sums, fault))
        return false;
    while (tar_next(&restore->tar, &entry, &is_end, fault)) {
        bool ok;
        if (is_end)
            return (has_sums && restore->has_database) ||
                   fault_set(fault, FAULT_INPUT, "the backup is not complete");
        if (has_sums)
            return fault_set(fault, FAULT_INPUT, "a file follows the list of sums: %s", entry.name);
        has_sums = strcmp(entry.name, ARCHIVE_SUMS) == 0;
        ok = has_sums ? sums_compare(restore, entry.size, fault)
                      : file_unpack(restore, &entry, fault);
        if (!ok)
            return false;
    }
    return false;
}

/* ---- taking over ---- */

static bool database_is_sound(const struct restore *restore, struct fault *fault)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/" ARCHIVE_DATABASE, restore->stage_path);
    return database_check(path, fault);
}

/* VERSION last: a folder without it is one that a crash left half moved. */
static bool parts_move(struct restore *restore, struct fault *fault)
{
    static const char *const parts[] = {ARCHIVE_BLOBS, ARCHIVE_KEYS, ARCHIVE_DATABASE,
                                        ARCHIVE_VERSION};
    if (syncfs(restore->stage) != 0)
        return fault_os(fault, restore->data);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (renameat(restore->stage, parts[i], restore->folder, parts[i]) != 0 && errno != ENOENT)
            return fault_os(fault, parts[i]);
    if (fchmod(restore->folder, 0700) != 0)
        return fault_os(fault, restore->data);
    return folder_sync(restore->folder, restore->data, fault);
}

static bool archive_open(struct restore *restore, struct fault *fault)
{
    bool is_stdin = strcmp(restore->file, "-") == 0;
    restore->in = is_stdin ? dup(STDIN_FILENO) : open(restore->file, O_RDONLY | O_CLOEXEC);
    restore->tar.fd = restore->in;
    return restore->in >= 0 || fault_os(fault, is_stdin ? "standard input" : restore->file);
}

static bool restore_make(struct restore *restore, struct fault *fault)
{
    return archive_open(restore, fault) && folder_begin(restore, fault) && unpack(restore, fault) &&
           database_is_sound(restore, fault) && parts_move(restore, fault);
}

static void restore_done(struct restore *restore, bool ok)
{
    sums_close(&restore->sums);
    fd_close(&restore->in);
    fd_close(&restore->stage);
    if (restore->made_stage)
        folder_remove(restore->folder, STAGE);
    if (!ok && restore->made_data)
        rmdir(restore->data);
    fd_close(&restore->folder);
}

int cli_restore(int argc, char **argv)
{
    struct restore restore = {.folder = -1, .stage = -1, .in = -1};
    const struct option options[] = {
        {.name = "data",
         .value = "DIR",
         .about = "The folder to fill: empty, or not there yet (needed)",
         .text = &restore.data},
    };
    const struct operand operands[] = {{.name = "FILE", .text = &restore.file}};
    const struct command command = {
        .name = "restore",
        .about = "Unpack a backup into an empty folder, after checking all of it. FILE \"-\" is\n"
                 "standard input. A backup that is damaged or cut short changes nothing.",
        .example = "  atelier restore /var/backups/atelier.tar --data /var/lib/atelier",
        .options = options,
        .option_count = ARRAY_LEN(options),
        .operands = operands,
        .operand_count = ARRAY_LEN(operands),
    };
    int exit_code;
    if (!command_read(&command, argc, argv, &exit_code))
        return exit_code;
    if (restore.data == NULL) {
        fprintf(stderr, "atelier restore: say which folder to fill: --data DIR\n"
                        "Try: atelier restore --help\n");
        return CLI_USAGE;
    }

    struct fault fault = {0};
    bool ok = restore_make(&restore, &fault);
    restore_done(&restore, ok);
    if (!ok) {
        fprintf(stderr, "atelier restore: %s\nNothing was restored.\n", fault.text);
        return CLI_FAILED;
    }
    fprintf(stderr, "Restored %zu files, %.1f MB, to %s.\nStart it: atelier serve --data %s\n",
            restore.files, (double)restore.size / 1e6, restore.data, restore.data);
    return CLI_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atelier backup: one tar of a data folder, while it may be served. Blobs are pinned first, then
 * the database is copied, then the blobs: so every blob that the copy names is there, and what was
 * added meanwhile is an orphan, which the server collects after a restore.
 */
#include "cli/cli.h"

#include "base/clock.h"
#include "blob/blob.h"
#include "blob/folder.h"
#include "cli/archive.h"
#include "cli/options.h"
#include "cli/tar.h"
#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define KEYS_DEPTH_MAX 3

struct backup {
    const char *data, *file;
    char unfinished[PATH_MAX]; /* FILE.tmp; empty when the archive goes to standard output */
    int folder, out;
    struct blobs *blobs;
    struct tar_writer tar;
    struct sums sums;
    size_t files;
    int64_t size;
};

static bool open_put(struct backup *backup, int fd, const char *name, struct fault *fault)
{
    struct stat facts;
    uint8_t sha256[32];
    struct tar_entry entry = {0};
    if (fstat(fd, &facts) != 0)
        return fault_os(fault, name);
    if (!S_ISREG(facts.st_mode) || !archive_name_is_ours(name) || strlen(name) > TAR_NAME_MAX)
        return fault_set(fault, FAULT_INPUT, "%s is no file that a backup can hold", name);

    memcpy(entry.name, name, strlen(name));
    entry.size = facts.st_size;
    entry.modified = facts.st_mtim.tv_sec;
    backup->files++;
    backup->size += entry.size;
    return tar_put(&backup->tar, &entry, fd, sha256, fault) &&
           sums_add(&backup->sums, name, sha256, fault);
}

/* Not waiting for who might write, if it is a pipe: that is refused. */
static bool file_put(struct backup *backup, int at, const char *from, const char *name,
                     struct fault *fault)
{
    AUTO(fd_close) int fd = openat(at, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fd < 0 ? fault_os(fault, name) : open_put(backup, fd, name, fault);
}

/* ---- the parts ---- */

static bool version_put(struct backup *backup, struct fault *fault)
{
    if (faccessat(backup->folder, ARCHIVE_VERSION, F_OK, 0) != 0)
        return fault_set(fault, FAULT_INPUT, "%s has no VERSION: it is not a data folder",
                         backup->data);
    return file_put(backup, backup->folder, ARCHIVE_VERSION, ARCHIVE_VERSION, fault);
}

static bool database_put(struct backup *backup, struct fault *fault)
{
    char from[PATH_MAX], copy[PATH_MAX];
    AUTO(fd_close) int temp = -1;
    if (!folder_open(backup->folder, "tmp", true, &temp, fault))
        return false;
    snprintf(from, sizeof(from), "%s/" ARCHIVE_DATABASE, backup->data);
    snprintf(copy, sizeof(copy), "%s/tmp/backup-%ld", backup->data, (long)getpid());
    unlink(copy); /* of a process with this number that was killed */
    bool ok = database_copy(from, copy, fault) &&
              file_put(backup, AT_FDCWD, copy, ARCHIVE_DATABASE, fault);
    unlink(copy);
    return ok;
}

struct keys {
    struct backup *backup;
    struct fault *fault;
    const char *prefix;
    int depth;
    bool is_failed;
};

/* A key, or a folder of keys; what begins with a dot is being written by somebody. */
static bool key_put(void *context, int folder, const char *name)
{
    struct keys *keys = context;
    char path[TAR_NAME_MAX + 1];
    struct stat facts;
    if (name[0] == '.')
        return true;
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", keys->prefix, name) >= sizeof(path)) {
        keys->is_failed = true;
        return fault_set(keys->fault, FAULT_INPUT, "too long a name: %s/%s", keys->prefix, name);
    }
    if (fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return true; /* replaced meanwhile */
    if (!S_ISDIR(facts.st_mode)) {
        keys->is_failed = !file_put(keys->backup, folder, name, path, keys->fault);
        return !keys->is_failed;
    }

    AUTO(fd_close) int inner = -1;
    struct keys inside = *keys;
    inside.prefix = path;
    inside.depth++;
    keys->is_failed = inside.depth > KEYS_DEPTH_MAX ||
                      !folder_open(folder, name, false, &inner, keys->fault) ||
                      !folder_visit(inner, key_put, &inside, keys->fault) || inside.is_failed;
    return !keys->is_failed;
}

static bool keys_put(struct backup *backup, struct fault *fault)
{
    struct keys keys = {.backup = backup, .fault = fault, .prefix = ARCHIVE_KEYS};
    AUTO(fd_close) int folder = -1;
    return folder_open(backup->folder, ARCHIVE_KEYS, false, &folder, fault) &&
           folder_visit(folder, key_put, &keys, fault);
}

struct blobs_copy {
    struct backup *backup;
    struct fault *fault;
    bool is_failed;
};

static bool blob_put(void *context, const struct blob_entry *entry)
{
    struct blobs_copy *copy = context;
    char name[TAR_NAME_MAX + 1];
    AUTO(fd_close) int fd = -1;
    int64_t size;
    snprintf(name, sizeof(name), ARCHIVE_BLOBS "/%.2s/%.2s/%s", entry->id, entry->id + 2,
             entry->id);
    copy->is_failed = !blob_open(copy->backup->blobs, str_of(entry->id), &fd, &size, copy->fault) ||
                      !open_put(copy->backup, fd, name, copy->fault);
    return !copy->is_failed;
}

static bool blobs_put(struct backup *backup, struct fault *fault)
{
    struct blobs_copy copy = {.backup = backup, .fault = fault};
    return blob_list(backup->blobs, blob_put, &copy, fault) && !copy.is_failed;
}

static bool sums_put(struct backup *backup, struct fault *fault)
{
    struct tar_entry entry = {.name = ARCHIVE_SUMS, .modified = clock_now().us / 1000000};
    uint8_t sha256[32];
    int fd;
    return sums_text(&backup->sums, &fd, &entry.size, fault) &&
           tar_put(&backup->tar, &entry, fd, sha256, fault) && tar_finish(&backup->tar, fault);
}

/* ---- the archive ---- */

/* In a folder that others may write to, somebody could have put it there to read the keys in it. */
static bool is_only_ours(int fd)
{
    struct stat facts;
    return fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_uid == geteuid() &&
           facts.st_nlink == 1;
}

static bool archive_open(struct backup *backup, struct fault *fault)
{
    if (strcmp(backup->file, "-") == 0) {
        if (isatty(STDOUT_FILENO))
            return fault_set(fault, FAULT_INPUT,
                             "an archive cannot be shown on a terminal: redirect it to a file");
        backup->out = dup(STDOUT_FILENO);
        return backup->out >= 0 || fault_os(fault, "standard output");
    }
    if ((size_t)snprintf(backup->unfinished, sizeof(backup->unfinished), "%s.tmp", backup->file) >=
        sizeof(backup->unfinished))
        return fault_set(fault, FAULT_INPUT, "too long a name: %s", backup->file);
    backup->out =
        open(backup->unfinished, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (backup->out >= 0 && flock(backup->out, LOCK_EX | LOCK_NB) != 0) {
        backup->unfinished[0] = 0; /* it is not ours */
        return fault_set(fault, FAULT_TRANSIENT, "another backup is writing %s", backup->file);
    }
    if (backup->out >= 0 && !is_only_ours(backup->out)) {
        backup->unfinished[0] = 0;
        return fault_set(fault, FAULT_INPUT, "%s.tmp is there and belongs to somebody else",
                         backup->file);
    }
    /* Emptied only under the lock, and private also when an earlier one was not. */
    if (backup->out < 0 || ftruncate(backup->out, 0) != 0 || fchmod(backup->out, 0600) != 0)
        return fault_os(fault, backup->unfinished);
    return true;
}

static bool parent_sync(const char *path, struct fault *fault)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        snprintf(parent, sizeof(parent), ".");
    else
        slash[slash == parent] = 0;
    AUTO(fd_close) int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? folder_sync(fd, parent, fault) : fault_os(fault, parent);
}

static bool archive_publish(struct backup *backup, struct fault *fault)
{
    if (backup->unfinished[0] == 0)
        return true;
    if (fsync(backup->out) != 0 || rename(backup->unfinished, backup->file) != 0)
        return fault_os(fault, backup->file);
    backup->unfinished[0] = 0;
    return parent_sync(backup->file, fault);
}

static bool parts_put(struct backup *backup, struct fault *fault)
{
    AUTO(fd_close) int temp = -1;
    backup->tar.fd = backup->out;
    return folder_open(backup->folder, "tmp", true, &temp, fault) &&
           sums_open(temp, &backup->sums, fault) && version_put(backup, fault) &&
           database_put(backup, fault) && keys_put(backup, fault) && blobs_put(backup, fault) &&
           sums_put(backup, fault) && archive_publish(backup, fault);
}

static bool data_open(struct backup *backup, struct fault *fault)
{
    struct stat facts;
    if (!folder_open(AT_FDCWD, backup->data, false, &backup->folder, fault))
        return false;
    if (fstatat(backup->folder, ARCHIVE_DATABASE, &facts, 0) != 0)
        return fault_set(fault, FAULT_INPUT,
                         "%s has no " ARCHIVE_DATABASE ": it is not a data folder", backup->data);
    return blobs_open(backup->data, clock_now(), &backup->blobs, fault);
}

static bool backup_make(struct backup *backup, struct fault *fault)
{
    if (!data_open(backup, fault) || !archive_open(backup, fault) ||
        !blobs_pin(backup->blobs, fault))
        return false;
    bool ok = parts_put(backup, fault);
    blobs_unpin(backup->blobs);
    return ok;
}

static void backup_done(struct backup *backup)
{
    if (backup->unfinished[0] != 0)
        unlink(backup->unfinished);
    sums_close(&backup->sums);
    blobs_close(backup->blobs);
    fd_close(&backup->out);
    fd_close(&backup->folder);
}

int cli_backup(int argc, char **argv)
{
    struct backup backup = {.data = CLI_DATA_DEFAULT, .folder = -1, .out = -1};
    const struct option options[] = {
        {.name = "data",
         .value = "DIR",
         .about = "The data folder (default " CLI_DATA_DEFAULT ")",
         .text = &backup.data},
    };
    const struct operand operands[] = {{.name = "FILE", .text = &backup.file}};
    const struct command command = {
        .name = "backup",
        .about =
            "Write the whole data folder to one tar file: database, keys and pictures, as they\n"
            "were at one moment. It may run while Atelier serves. FILE \"-\" is standard "
            "output.\nThe file holds the keys that sign tokens: keep it as safe as the "
            "folder.",
        .example = "  atelier backup /var/backups/atelier.tar --data /var/lib/atelier",
        .options = options,
        .option_count = ARRAY_LEN(options),
        .operands = operands,
        .operand_count = ARRAY_LEN(operands),
    };
    int exit_code;
    if (!command_read(&command, argc, argv, &exit_code))
        return exit_code;

    struct fault fault = {0};
    bool ok = backup_make(&backup, &fault);
    backup_done(&backup);
    if (!ok) {
        fprintf(stderr, "atelier backup: %s\nNothing was written.\n", fault.text);
        return CLI_FAILED;
    }
    fprintf(stderr, "Backed up %zu files, %.1f MB.\n", backup.files, (double)backup.size / 1e6);
    return CLI_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atelier doctor: what is wrong with a data folder and this installation, and how to mend it. It
 * changes nothing unless --mend is said, and may run while Atelier serves.
 */
#include "cli/doctor.h"

#include "base/clock.h"
#include "blob/blob.h"
#include "blob/folder.h"
#include "cli/archive.h"
#include "cli/cli.h"
#include "cli/doctor_deep.h"
#include "cli/options.h"
#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* Below this new pictures soon fail. */
#define SPACE_LOW ((uint64_t)512 << 20)
#define TEXT_MAX 200 /* of what is shown of VERSION and lock */
#define LINE_MAX_LEN (PATH_MAX + 256)

/* ---- the report ---- */

static void line_print(const char *verdict, const char *topic, const char *text)
{
    printf("%-8s %-9s %s\n", verdict, topic, text);
}

void report_ok(struct report *report, const char *topic, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    line_print("ok", topic, text);
}

void report_problem(struct report *report, const char *topic, const char *format, ...)
{
    char text[LINE_MAX_LEN];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    report->problems++;
    line_print("problem", topic, text);
}

void report_mend(const char *format, ...)
{
    char text[LINE_MAX_LEN];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    line_print("", "", text);
}

/* ---- folder and modes ---- */

/* Nobody but its owner may do anything with it, and the owner is who asks, or root asks. */
static void private_check(struct report *report, const char *topic, const char *name, mode_t mode)
{
    struct stat facts;
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s%s%s", report->data, name[0] == 0 ? "" : "/", name);
    if (fstatat(report->folder, name[0] == 0 ? "." : name, &facts, 0) != 0) {
        report_problem(report, topic, "%s: %s", path, strerrordesc_np(errno));
        report_mend("restore a backup, or start Atelier once: atelier serve --data %s",
                    report->data);
        return;
    }
    if ((facts.st_mode & 077) != 0) {
        report_problem(report, topic, "%s can be used by others (%04o)", path,
                       (unsigned)facts.st_mode & 07777);
        report_mend("chmod %o %s", (unsigned)mode, path);
    } else if (geteuid() != 0 && facts.st_uid != geteuid()) {
        report_problem(report, topic, "%s belongs to user %u, this is user %u", path,
                       (unsigned)facts.st_uid, (unsigned)geteuid());
        report_mend("run this as the user that runs Atelier, or: chown -R %u %s",
                    (unsigned)geteuid(), report->data);
    } else {
        report_ok(report, topic, "%s is private", path);
    }
}

static bool folder_check(struct report *report)
{
    struct fault fault = {0};
    if (!folder_open(AT_FDCWD, report->data, false, &report->folder, &fault)) {
        report_problem(report, "folder", "%s", fault.text);
        report_mend("name the data folder with --data DIR; it is made by: atelier serve --data %s",
                    report->data);
        return false;
    }
    private_check(report, "folder", "", 0700);
    return true;
}

/* ---- small files ---- */

/* The beginning of a small file, white space at its end cut off. */
static bool text_read(struct report *report, const char *name, char text[TEXT_MAX])
{
    AUTO(fd_close) int fd = openat(report->folder, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_MAX - 1);
    if (n < 0)
        return false;
    while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
        n--;
    text[n] = 0;
    for (ssize_t i = 0; i < n; i++)
        if (text[i] < ' ')
            text[i] = ' ';
    return true;
}

static void version_check(struct report *report)
{
    char text[TEXT_MAX];
    if (text_read(report, ARCHIVE_VERSION, text) && text[0] != 0) {
        report_ok(report, "version", "the folder says: %s", text);
        return;
    }
    report_problem(report, "version", "%s/VERSION is missing or empty", report->data);
    report_mend("this is no data folder, or a restore was cut short: restore a backup again");
}

static void lock_check(struct report *report)
{
    char text[TEXT_MAX] = "";
    AUTO(fd_close) int fd = openat(report->folder, "lock", O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        report_ok(report, "server", "none has run on this folder yet");
        return;
    }
    if (fd < 0) {
        report_problem(report, "server", "%s/lock: %s", report->data, strerrordesc_np(errno));
        report_mend("run this as the user that runs Atelier");
        return;
    }
    if (flock(fd, LOCK_SH | LOCK_NB) == 0)
        report_ok(report, "server", "none runs on this folder");
    else
        report_ok(report, "server", "one is running: %s",
                  text_read(report, "lock", text) ? text : "it does not say where");
}

/* ---- database, keys, blobs, disk ---- */

static bool database_report(struct report *report)
{
    char path[PATH_MAX];
    struct stat facts;
    struct fault fault = {0};
    snprintf(path, sizeof(path), "%s/" ARCHIVE_DATABASE, report->data);
    private_check(report, "database", ARCHIVE_DATABASE, 0600);
    if (stat(path, &facts) != 0)
        return false;
    if (database_check(path, &fault)) {
        report_ok(report, "database", "%.1f MB, every page is sound", (double)facts.st_size / 1e6);
        return true;
    }
    report_problem(report, "database", "%s", fault.text);
    if (fault.kind == FAULT_INPUT)
        report_mend("stop Atelier, keep %s aside, and restore the newest backup into a new folder",
                    report->data);
    else
        report_mend("try again; if it stays, look at the disk and at who may read the file");
    return false;
}

struct key_count {
    struct report *report;
    int keys;
};

static bool key_check(void *context, int folder, const char *name)
{
    struct key_count *count = context;
    struct report *report = count->report;
    struct stat facts;
    AUTO(fd_close) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (name[0] == '.')
        return true;
    if (fd < 0 || fstat(fd, &facts) != 0) {
        report_problem(report, "keys", "keys/%s cannot be read: %s", name, strerrordesc_np(errno));
        report_mend("run this as the user that runs Atelier");
        return true;
    }
    if (!S_ISREG(facts.st_mode))
        return true;
    count->keys++;
    if ((facts.st_mode & 077) != 0) {
        report_problem(report, "keys", "keys/%s can be used by others (%04o)", name,
                       (unsigned)facts.st_mode & 07777);
        report_mend("chmod 600 %s/keys/%s", report->data, name);
    }
    if (facts.st_size == 0) {
        report_problem(report, "keys", "keys/%s is empty", name);
        report_mend("restore it from a backup; without it nobody's session is valid any more");
    }
    return true;
}

static void keys_check(struct report *report)
{
    struct key_count count = {.report = report};
    struct fault fault = {0};
    AUTO(fd_close) int folder = -1;
    int before = report->problems;
    private_check(report, "keys", ARCHIVE_KEYS, 0700);
    if (!folder_open(report->folder, ARCHIVE_KEYS, false, &folder, &fault))
        return;
    if (!folder_visit(folder, key_check, &count, &fault) || count.keys == 0) {
        report_problem(report, "keys", "%s/keys holds no key", report->data);
        report_mend("restore it from a backup, or start Atelier, which makes new ones");
    } else if (report->problems == before) {
        report_ok(report, "keys", "%d, readable by nobody else", count.keys);
    }
}

struct blob_sum {
    size_t count;
    int64_t size;
};

static bool blob_add(void *context, const struct blob_entry *entry)
{
    struct blob_sum *sum = context;
    sum->count++;
    sum->size += entry->size;
    return true;
}

static void blobs_check(struct report *report)
{
    struct blob_sum sum = {0};
    struct fault fault = {0};
    struct blobs *blobs;
    if (faccessat(report->folder, ARCHIVE_BLOBS, F_OK, 0) != 0) {
        report_ok(report, "files", "none yet");
        return;
    }
    private_check(report, "files", ARCHIVE_BLOBS, 0700);
    /* Opened as of long ago, so that nothing is swept: the doctor changes nothing. */
    if (blobs_open(report->data, (instant){1}, &blobs, &fault)) {
        bool ok = blob_list(blobs, blob_add, &sum, &fault);
        blobs_close(blobs);
        if (ok) {
            report_ok(report, "files", "%zu, %.1f MB", sum.count, (double)sum.size / 1e6);
            return;
        }
    }
    report_problem(report, "files", "%s/blobs: %s", report->data, fault.text);
    report_mend("look at the disk and at who may use the folder");
}

static void space_check(struct report *report)
{
    struct statvfs facts;
    if (fstatvfs(report->folder, &facts) != 0) {
        report_problem(report, "disk", "%s: %s", report->data, strerrordesc_np(errno));
        report_mend("look at the disk");
        return;
    }
    uint64_t left = (uint64_t)facts.f_bavail * facts.f_frsize;
    if ((facts.f_flag & ST_RDONLY) != 0) {
        report_problem(report, "disk", "it is mounted for reading only");
        report_mend("mount it for writing, or move the folder");
    } else if (left < SPACE_LOW || (facts.f_files > 0 && facts.f_favail < 1000)) {
        report_problem(report, "disk", "%.0f MB and %llu files are left", (double)left / 1e6,
                       (unsigned long long)facts.f_favail);
        report_mend("free some room, or move the folder to a larger disk");
    } else {
        report_ok(report, "disk", "%.1f GB are left", (double)left / 1e9);
    }
}

/* ---- the command ---- */

static void helper_path(char path[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 32);
    path[MAX_OF(n, 0)] = 0;
    char *slash = strrchr(path, '/');
    snprintf(slash == NULL ? path : slash + 1, 32, "atelier-media");
}

/* What --deep and --mend ask for; answers how many problems are mended. */
static int deep_checks(struct report *report, bool mends)
{
    struct damages damages;
    int mended = 0;
    bool is_read = deep_check(report, &damages);
    if (is_read && mends)
        mended = deep_mend(report, &damages);
    deep_done(&damages);
    return mended;
}

static int folder_checks(struct report *report, bool is_deep, bool mends)
{
    int mended = 0;
    if (!folder_check(report))
        return 0;
    version_check(report);
    lock_check(report);
    bool is_sound = database_report(report);
    keys_check(report);
    blobs_check(report);
    space_check(report);
    if (is_sound && is_deep)
        mended = deep_checks(report, mends);
    fd_close(&report->folder);
    return mended;
}

int cli_doctor(int argc, char **argv)
{
    struct report report = {.data = CLI_DATA_DEFAULT, .folder = -1};
    bool is_deep = false, mends = false;
    const struct option options[] = {
        {.name = "data",
         .value = "DIR",
         .about = "The data folder (default " CLI_DATA_DEFAULT ")",
         .text = &report.data},
        {.name = "config",
         .value = "FILE",
         .about = "The settings that the server has, if they name a bucket; for --deep",
         .text = &report.config},
        {.name = "deep",
         .about = "Read every file and row: which lacks the other, what is not what it was, which\n"
                  "meter is wrong",
         .flag = &is_deep},
        {.name = "mend",
         .about = "With --deep: mend what it finds. Works whose original is lost are removed",
         .flag = &mends},
    };
    const struct command command = {
        .name = "doctor",
        .about = "Say what is wrong with the data folder and this installation, and how to mend\n"
                 "it. Nothing is changed but by --mend; it may run while Atelier serves. Exit "
                 "code 0: all is\nwell.",
        .example = "  atelier doctor --data /var/lib/atelier\n"
                   "  atelier doctor --deep --mend --data /var/lib/atelier",
        .options = options,
        .option_count = ARRAY_LEN(options),
    };
    int exit_code;
    char helper[PATH_MAX];
    if (!command_read(&command, argc, argv, &exit_code))
        return exit_code;

    int mended = folder_checks(&report, is_deep || mends, mends);
    helper_path(helper);
    doctor_check_helper(&report, helper);
    if (report.problems == 0)
        printf("All is well.\n");
    else
        printf("%d %s%s.\n", report.problems, report.problems == 1 ? "problem" : "problems",
               mended == 0                 ? ""
               : mended == report.problems ? ", mended"
                                           : ", some mended");
    return report.problems == mended ? CLI_OK : CLI_FAILED;
}

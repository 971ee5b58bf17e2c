/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/archive.h"

#include "blob/blob.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

bool archive_part_is_plain(const char *part, size_t length)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-";
    if (length == 0 || part[0] == '.')
        return false;
    for (size_t i = 0; i < length; i++)
        if (part[i] == 0 || strchr(allowed, part[i]) == NULL)
            return false;
    return true;
}

/* "ab/cd/<id>" with ab and cd the id's own beginning. */
static bool blob_name_is_ours(const char *name)
{
    return strlen(name) == 6 + BLOB_ID_LEN && name[2] == '/' && name[5] == '/' &&
           blob_id_is_valid((str){name + 6, BLOB_ID_LEN}) && memcmp(name, name + 6, 2) == 0 &&
           memcmp(name + 3, name + 8, 2) == 0;
}

bool archive_name_is_ours(const char *name)
{
    if (strcmp(name, ARCHIVE_VERSION) == 0 || strcmp(name, ARCHIVE_DATABASE) == 0)
        return true;
    if (strncmp(name, ARCHIVE_BLOBS "/", strlen(ARCHIVE_BLOBS "/")) == 0)
        return blob_name_is_ours(name + strlen(ARCHIVE_BLOBS "/"));
    if (strncmp(name, ARCHIVE_KEYS "/", strlen(ARCHIVE_KEYS "/")) != 0)
        return false;

    str rest = str_of(name + strlen(ARCHIVE_KEYS "/")), part;
    if (rest.len == 0 || str_ends(rest, STR("/")))
        return false;
    while (str_split(&rest, '/', &part))
        if (!archive_part_is_plain(part.at, part.len))
            return false;
    return true;
}

bool sums_open(int folder, struct sums *out, struct fault *fault)
{
    char name[32];
    snprintf(name, sizeof(name), "sums-%ld", (long)getpid());
    unlinkat(folder, name, 0); /* of a process with this number that was killed */
    AUTO(fd_close)
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || unlinkat(folder, name, 0) != 0)
        return fault_os(fault, "the list of sums");
    out->file = fdopen(fd, "w+");
    if (out->file == NULL)
        return fault_os(fault, "the list of sums");
    (void)take_fd(&fd);
    return true;
}

bool sums_add(struct sums *sums, const char *name, const uint8_t sha256[32], struct fault *fault)
{
    for (size_t i = 0; i < 32; i++)
        fprintf(sums->file, "%02x", sha256[i]);
    if (fprintf(sums->file, "  %s\n", name) < 0)
        return fault_os(fault, "the list of sums");
    return true;
}

bool sums_text(struct sums *sums, int *fd, int64_t *size, struct fault *fault)
{
    struct stat facts;
    if (ferror(sums->file)) /* earlier: a full disk that has room again by now */
        return fault_set(fault, FAULT_FULL, "the list of sums could not be written");
    if (fflush(sums->file) != 0 || fstat(fileno(sums->file), &facts) != 0)
        return fault_os(fault, "the list of sums");
    *fd = fileno(sums->file);
    *size = facts.st_size;
    return true;
}

void sums_close(struct sums *sums)
{
    if (sums->file != NULL)
        fclose(sums->file);
    sums->file = NULL;
}

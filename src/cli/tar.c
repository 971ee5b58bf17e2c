/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tar.h"

#include "base/file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define CHUNK KIB(256)
#define SIZE_OCTAL_MAX ((int64_t)077777777777)
#define SIZE_MAX_ANY ((int64_t)1 << 50)
#define PAX_MAX TAR_BLOCK

struct head {
    char name[100], mode[8], uid[8], gid[8], size[12], modified[12], checksum[8], type[1];
    char link[100], magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155];
    char rest[12];
};
static_assert(sizeof(struct head) == TAR_BLOCK, "a head is a block");

/* The sum of all bytes, its own field taken as spaces. */
static unsigned head_sum(const struct head *head)
{
    const uint8_t *at = (const uint8_t *)head;
    const size_t own = offsetof(struct head, checksum);
    unsigned sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i >= own && i < own + sizeof(head->checksum) ? ' ' : at[i];
    return sum;
}

/* ---- writing ---- */

static bool write_all(int fd, const void *from, size_t size, struct fault *fault)
{
    return file_write_all(fd, (bytes){from, size}) || fault_os(fault, "writing the archive");
}

static bool padding_write(int fd, int64_t size, struct fault *fault)
{
    static const char zeros[TAR_BLOCK];
    return write_all(fd, zeros, (size_t)(-size & (TAR_BLOCK - 1)), fault);
}

static bool head_write(int fd, const char *name, char type, int64_t size, int64_t modified,
                       struct fault *fault)
{
    struct head head = {.magic = "ustar", .version = {'0', '0'}, .type = {type}};
    if (strlen(name) > TAR_NAME_MAX)
        return fault_set(fault, FAULT_BUG, "too long a name for the archive: %s", name);
    memcpy(head.name, name, strlen(name));
    memcpy(head.mode, "0000600", 7);
    memcpy(head.uid, "0000000", 7);
    memcpy(head.gid, "0000000", 7);
    snprintf(head.size, sizeof(head.size), "%011llo",
             (unsigned long long)MIN_OF(size, SIZE_OCTAL_MAX));
    snprintf(head.modified, sizeof(head.modified), "%011llo",
             (unsigned long long)MIN_OF(MAX_OF(modified, 0), SIZE_OCTAL_MAX));
    snprintf(head.checksum, sizeof(head.checksum), "%06o", head_sum(&head) & 0777777);
    head.checksum[7] = ' ';
    return write_all(fd, &head, sizeof(head), fault);
}

/* "LENGTH size=N\n", where LENGTH counts itself; before a file too large for an octal size. */
static bool pax_write(int fd, int64_t size, struct fault *fault)
{
    char record[TAR_BLOCK] = {0};
    int length = 0, guess;
    do {
        guess = length;
        length = snprintf(record, sizeof(record), "%d size=%lld\n", guess, (long long)size);
    } while (length != guess);
    return head_write(fd, "size", 'x', length, 0, fault) &&
           write_all(fd, record, sizeof(record), fault);
}

static bool body_write(int fd, int file, int64_t size, EVP_MD_CTX *hash, struct fault *fault)
{
    AUTO(memory_free) uint8_t *chunk = memory_new(CHUNK);
    int64_t at = 0;
    while (at < size) {
        ssize_t n = pread(file, chunk, (size_t)MIN_OF((int64_t)CHUNK, size - at), at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fault_os(fault, "reading a file to archive");
        if (n == 0)
            return fault_set(fault, FAULT_INPUT, "a file became shorter while it was copied");
        EVP_DigestUpdate(hash, chunk, (size_t)n);
        if (!write_all(fd, chunk, (size_t)n, fault))
            return false;
        at += n;
    }
    return padding_write(fd, size, fault);
}

static void hash_free(EVP_MD_CTX **hash)
{
    EVP_MD_CTX_free(*hash);
}

bool tar_put(struct tar_writer *writer, const struct tar_entry *entry, int file, uint8_t sha256[32],
             struct fault *fault)
{
    AUTO(hash_free) EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
        abort(); /* out of memory, or an OpenSSL without SHA-256 */
    if (entry->size > SIZE_OCTAL_MAX && !pax_write(writer->fd, entry->size, fault))
        return false;
    if (!head_write(writer->fd, entry->name, '0', entry->size, entry->modified, fault) ||
        !body_write(writer->fd, file, entry->size, hash, fault))
        return false;
    EVP_DigestFinal_ex(hash, sha256, NULL);
    return true;
}

bool tar_finish(struct tar_writer *writer, struct fault *fault)
{
    static const char zeros[2 * TAR_BLOCK];
    return write_all(writer->fd, zeros, sizeof(zeros), fault);
}

/* ---- reading ---- */

static bool refuse(struct fault *fault, const char *why)
{
    return fault_set(fault, FAULT_INPUT, "not an archive that Atelier wrote, or damaged: %s", why);
}

static bool read_all(int fd, void *to, size_t size, struct fault *fault)
{
    char *at = to;
    while (size > 0) {
        ssize_t n = read(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fault_os(fault, "reading the archive");
        if (n == 0)
            return refuse(fault, "it ends too early");
        at += n;
        size -= (size_t)n;
    }
    return true;
}

/* Octal digits up to a zero or a space, at least one. */
static bool octal_read(const char *at, size_t size, int64_t *out)
{
    int64_t value = 0;
    size_t i = 0;
    for (; i < size && at[i] >= '0' && at[i] <= '7'; i++)
        value = value * 8 + (at[i] - '0');
    if (i == 0 || (i < size && at[i] != 0 && at[i] != ' '))
        return false;
    *out = value;
    return true;
}

static bool head_is_sound(const struct head *head, struct fault *fault)
{
    int64_t sum;
    if (memcmp(head->magic, "ustar", 6) != 0 || memcmp(head->version, "00", 2) != 0)
        return refuse(fault, "a head is not ustar");
    if (!octal_read(head->checksum, sizeof(head->checksum), &sum) || sum != head_sum(head))
        return refuse(fault, "a head has the wrong sum");
    /* Ours are plain; others would be shown on a terminal, which obeys some. */
    for (const char *at = head->name; at < head->name + TAR_NAME_MAX && *at != 0; at++)
        if (*at < ' ' || *at > '~')
            return refuse(fault, "a name is not plain text");
    if (head->prefix[0] != 0 || head->name[TAR_NAME_MAX] != 0 || head->name[0] == 0)
        return refuse(fault, "a name is empty or too long");
    return true;
}

static bool head_is_zero(const struct head *head)
{
    static const struct head zero;
    return memcmp(head, &zero, sizeof(zero)) == 0;
}

static bool skip_rest(struct tar_reader *reader, struct fault *fault)
{
    AUTO(memory_free) char *chunk = memory_new(CHUNK);
    int64_t left = reader->left + (int64_t)reader->padding;
    while (left > 0) {
        size_t n = (size_t)MIN_OF((int64_t)CHUNK, left);
        if (!read_all(reader->fd, chunk, n, fault))
            return false;
        left -= (int64_t)n;
    }
    reader->left = 0;
    reader->padding = 0;
    return true;
}

static bool pax_read(struct tar_reader *reader, int64_t length, int64_t *size, struct fault *fault)
{
    char record[PAX_MAX + 1] = {0};
    int64_t said;
    if (length <= 0 || length > PAX_MAX)
        return refuse(fault, "an extended head is too long");
    if (!read_all(reader->fd, record, PAX_MAX, fault))
        return false;

    str rest = {record, (size_t)length}, number;
    if (!str_split(&rest, ' ', &number) || !str_to_int(number, &said) || said != length ||
        !str_starts(rest, STR("size=")) || !str_ends(rest, STR("\n")) ||
        !str_to_int(str_slice(rest, 5, rest.len - 1), size) || *size < 0)
        return refuse(fault, "an extended head says something else than a size");
    return true;
}

/* A file's head is given out and its body lies next. */
static bool entry_begin(struct tar_reader *reader, const struct head *head, int64_t pax_size,
                        struct tar_entry *out, struct fault *fault)
{
    int64_t size, modified;
    if (head->type[0] != '0')
        return refuse(fault, "something in it is not a plain file");
    if (!octal_read(head->size, sizeof(head->size), &size) ||
        !octal_read(head->modified, sizeof(head->modified), &modified))
        return refuse(fault, "a size or time is not a number");
    if (pax_size >= 0)
        size = pax_size;
    if (size > SIZE_MAX_ANY)
        return refuse(fault, "a size is beyond reason");

    memcpy(out->name, head->name, sizeof(out->name));
    out->size = size;
    out->modified = modified;
    reader->left = size;
    reader->padding = (size_t)(-size & (TAR_BLOCK - 1));
    return true;
}

bool tar_next(struct tar_reader *reader, struct tar_entry *out, bool *is_end, struct fault *fault)
{
    struct head head;
    int64_t length, pax_size = -1;
    *is_end = false;
    if (!skip_rest(reader, fault) || !read_all(reader->fd, &head, sizeof(head), fault))
        return false;
    if (head_is_zero(&head)) {
        if (!read_all(reader->fd, &head, sizeof(head), fault))
            return false;
        *is_end = true;
        return head_is_zero(&head) || refuse(fault, "something follows its end");
    }
    if (!head_is_sound(&head, fault))
        return false;
    if (head.type[0] == 'x') {
        if (!octal_read(head.size, sizeof(head.size), &length))
            return refuse(fault, "a size is not a number");
        if (!pax_read(reader, length, &pax_size, fault) ||
            !read_all(reader->fd, &head, sizeof(head), fault) || !head_is_sound(&head, fault))
            return false;
    }
    return entry_begin(reader, &head, pax_size, out, fault);
}

bool tar_read(struct tar_reader *reader, void *to, size_t size, size_t *got, struct fault *fault)
{
    size_t n = (size_t)MIN_OF((int64_t)size, reader->left);
    *got = n;
    if (!read_all(reader->fd, to, n, fault))
        return false;
    reader->left -= (int64_t)n;
    return true;
}

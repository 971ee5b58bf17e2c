/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/jwks_cache.h"

#include "auth/jwt.h"
#include "base/encode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

bool data_url_read(struct arena *arena, str url, str *out)
{
    str rest = url, head;
    if (!str_starts(url, STR("data:")) || !str_split(&rest, ',', &head) || head.len == url.len)
        return false;
    if (!percent_read(arena, rest, false, out))
        return false;
    bytes raw;
    if (!str_ends(head, STR(";base64")))
        return true;
    if (!base64_read(arena, *out, &raw))
        return false;
    *out = str_from(raw);
    return true;
}

bool jwks_cache_open(const char *dir, struct fault *fault)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return fault_os(fault, dir);
    return true;
}

/* Another URL for the same issuer is another file: old keys do not follow a changed row. */
static char *cache_path(struct arena *arena, const char *dir, const struct issuer *row)
{
    uint8_t hash[32];
    str plain = issuer_plain(arena, row->issuer);
    sha256(bytes_of(str_format(arena, "%.*s\n%.*s", STR_ARG(plain), STR_ARG(row->jwks))), hash);
    str name = hex_write(arena, (bytes){hash, 16});
    return str_zero_ended(arena, str_format(arena, "%s/%.*s.json", dir, STR_ARG(name)));
}

bool jwks_cache_read(struct arena *arena, const char *dir, const struct issuer *row, str *out,
                     struct fault *fault)
{
    const char *path = cache_path(arena, dir, row);
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) != 0)
        return fault_os(fault, path);
    if (facts.st_size < 0 || facts.st_size > (off_t)KEY_SET_TEXT_MAX)
        return fault_set(fault, FAULT_INPUT, "%s is larger than a JWKS document may be", path);
    char *text = arena_alloc(arena, (size_t)facts.st_size + 1);
    ssize_t got = read(fd, text, (size_t)facts.st_size);
    if (got < 0)
        return fault_os(fault, path);
    *out = (str){text, (size_t)got};
    return true;
}

static bool write_beside(const char *beside, str text, struct fault *fault)
{
    AUTO(fd_close) int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fault_os(fault, beside);
    ssize_t written = write(fd, text.at, text.len);
    if (written < 0)
        return fault_os(fault, beside);
    if ((size_t)written != text.len)
        return fault_set(fault, FAULT_FULL, "%s: the disk is full", beside);
    return true;
}

bool jwks_cache_write(const char *dir, const struct issuer *row, str jwks, struct fault *fault)
{
    struct arena arena = {0};
    const char *path = cache_path(&arena, dir, row);
    const char *beside = str_zero_ended(&arena, str_format(&arena, "%s.new", path));
    bool written = write_beside(beside, jwks, fault);
    if (written && rename(beside, path) != 0)
        written = fault_os(fault, path);
    arena_done(&arena);
    return written;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The archive reader of `atelier restore`: whatever it is given, it ends, and inside its limits. */
#include <assert.h>

#include "cli/tar.h"

#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>

static void walk(int archive)
{
    struct tar_reader reader = {.fd = archive};
    struct tar_entry entry;
    struct fault fault;
    bool is_end = false;
    while (tar_next(&reader, &entry, &is_end, &fault) && !is_end) {
        uint8_t some[700];
        size_t got = 0;
        assert(entry.size >= 0 && entry.name[0] != 0 && strlen(entry.name) <= TAR_NAME_MAX);
        /* Part of it, so that skipping the rest is tried too. */
        if (!tar_read(&reader, some, sizeof(some), &got, &fault))
            break;
        assert((int64_t)got <= entry.size);
    }
}

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(fd_close) int archive = memfd_create("fuzz", MFD_CLOEXEC);
    if (archive < 0 || write(archive, data, size) != (ssize_t)size)
        return 0;
    lseek(archive, 0, SEEK_SET);
    walk(archive);
    return 0;
}

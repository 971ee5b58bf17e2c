/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/moment.h"

#include "base/clock.h"
#include "serve/data.h"
#include "store/database.h"
#include "studio/studio.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void forget(const char *copy)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char path[PATH_MAX];
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if ((size_t)snprintf(path, sizeof(path), "%s%s", copy, ends[i]) < sizeof(path))
            unlink(path);
}

static bool copy_open(const char *from, struct moment *out, struct fault *fault)
{
    struct store_options options = {
        .engine = STORE_SQLITE, .path = out->copy, .schema = &studio_schema, .now = clock_now()};
    return database_copy(from, out->copy, fault) && store_open(&options, &out->store, fault);
}

bool moment_open(const char *data, const char *name, struct moment *out, struct fault *fault)
{
    char from[PATH_MAX], folder[PATH_MAX];
    uint8_t ids[16];
    snprintf(from, sizeof(from), "%s/atelier.db", data);
    snprintf(folder, sizeof(folder), "%s/tmp", data);
    if ((size_t)snprintf(out->copy, sizeof(out->copy), "%s/tmp/%s-%ld", data, name,
                         (long)getpid()) >= sizeof(out->copy))
        return fault_set(fault, FAULT_INPUT, "the path of the data folder is too long");
    if (access(from, R_OK) != 0)
        return fault_os(fault, from);
    if (!data_key(data, "ids.key", ids, sizeof(ids), fault))
        return false;
    doc_id_set_key(ids);
    mkdir(folder, 0700); /* there, mostly; if it cannot be made, the copy says so */
    forget(out->copy);   /* of a process with this number that was killed */
    if (copy_open(from, out, fault))
        return true;
    forget(out->copy);
    return false;
}

void moment_close(struct moment *moment)
{
    store_close(moment->store);
    forget(moment->copy);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded before the C library: counts fdatasync and fsync in a page shared with the bench, whose
 * descriptor is named by ATELIER_SYNC_COUNT. The calls themselves go through unchanged.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic uint64_t *count;

__attribute__((constructor)) static void find_page(void)
{
    const char *name = getenv("ATELIER_SYNC_COUNT");
    if (name == NULL)
        return;
    int fd = (int)strtol(name, NULL, 10);
    void *page = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED)
        count = page;
}

static void add_one(void)
{
    if (count != NULL)
        atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

int fdatasync(int fd)
{
    add_one();
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    add_one();
    return (int)syscall(SYS_fsync, fd);
}

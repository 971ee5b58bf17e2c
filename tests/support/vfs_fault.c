/* SPDX-License-Identifier: Apache-2.0 */
#include "vfs_fault.h"

#include "base/random.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define SECTOR 512
#define REGION_SIZE KIB(32)
#define REGIONS_MAX 64
#define NAME_MAX_LEN 128

/* Something done to a file since it was last synced. data NULL: cut to length `at`. */
struct change {
    struct change *next;
    int64_t at;
    size_t len;
    uint8_t *data;
};

struct content {
    uint8_t *at;
    int64_t size, room;
};

struct file {
    struct file *next;
    char name[NAME_MAX_LEN];
    bool is_there;
    struct content now, synced;
    struct change *changes, **changes_end;
    /* locks: of the file by level, of shared memory by slot */
    int shared, reserved, exclusive;
    void *regions[REGIONS_MAX];
    int slot_shared[SQLITE_SHM_NLOCK];
    bool slot_exclusive[SQLITE_SHM_NLOCK];
};

struct handle {
    sqlite3_file base;
    struct file *file;
    int level;
    unsigned slots_shared, slots_exclusive;
    bool is_temporary;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *system;
    struct file *files;
    struct disk_plan plan;
    int calls;
    bool is_off;
} disk;

/* ---- plan ---- */

/* SQLITE_OK, or what the call must answer. */
static int count_call(enum disk_call call)
{
    if (disk.is_off)
        return SQLITE_IOERR;
    if ((disk.plan.calls & call) == 0)
        return SQLITE_OK;
    int number = ++disk.calls;
    int last = disk.plan.at + MAX_OF(disk.plan.count, 1) - 1;
    if (disk.plan.at == 0 || number < disk.plan.at || number > last)
        return SQLITE_OK;
    disk.is_off = disk.plan.cuts_power;
    return disk.is_off ? SQLITE_IOERR : disk.plan.result;
}

void disk_set_plan(struct disk_plan plan)
{
    disk.plan = plan;
    disk.calls = 0;
}

int disk_calls(void)
{
    return disk.calls;
}

bool disk_has_power(void)
{
    return !disk.is_off;
}

void disk_cut_power(void)
{
    disk.is_off = true;
}

/* ---- contents ---- */

static void content_write(struct content *content, int64_t at, const uint8_t *data, size_t len)
{
    int64_t end = at + (int64_t)len;
    if (end > content->room) {
        int64_t room = MAX_OF(end, content->room * 2);
        content->at = memory_resize(content->at, (size_t)room);
        content->room = room;
    }
    if (at > content->size)
        memset(content->at + content->size, 0, (size_t)(at - content->size));
    memcpy(content->at + at, data, len);
    content->size = MAX_OF(content->size, end);
}

static void content_cut(struct content *content, int64_t size)
{
    content->size = MIN_OF(content->size, size);
}

static void content_copy(struct content *to, const struct content *from)
{
    to->size = 0;
    if (from->size != 0)
        content_write(to, 0, from->at, (size_t)from->size);
}

static void changes_drop(struct file *file)
{
    while (file->changes != NULL) {
        struct change *next = file->changes->next;
        free(file->changes->data);
        free(file->changes);
        file->changes = next;
    }
    file->changes_end = &file->changes;
}

static void note(struct file *file, int64_t at, const void *data, size_t len)
{
    struct change *change = memory_zeroed(sizeof(*change));
    change->at = at;
    change->len = len;
    if (data != NULL) {
        change->data = memory_new(len);
        memcpy(change->data, data, len);
    }
    *file->changes_end = change;
    file->changes_end = &change->next;
}

static void shared_memory_free(struct file *file)
{
    for (size_t i = 0; i < REGIONS_MAX; i++)
        free(file->regions[i]);
    memset(file->regions, 0, sizeof(file->regions));
    memset(file->slot_shared, 0, sizeof(file->slot_shared));
    memset(file->slot_exclusive, 0, sizeof(file->slot_exclusive));
}

/* Each sector of each change since the last sync reached the disk, or did not. */
static void survive(struct file *file, struct random *random)
{
    for (struct change *change = file->changes; change != NULL; change = change->next) {
        if (change->data == NULL) {
            if (random_below(random, 2) == 0)
                content_cut(&file->synced, change->at);
            continue;
        }
        uint64_t mood = random_below(random, 3); /* all, none, some */
        for (size_t from = 0; from < change->len;) {
            size_t in_sector = (size_t)((change->at + (int64_t)from) % SECTOR);
            size_t len = MIN_OF(change->len - from, SECTOR - in_sector);
            if (mood == 0 || (mood == 2 && random_below(random, 2) == 0))
                content_write(&file->synced, change->at + (int64_t)from, change->data + from, len);
            from += len;
        }
    }
    changes_drop(file);
}

void disk_power_on(uint64_t seed)
{
    struct random random;
    random_init_seeded(&random, seed);
    for (struct file *file = disk.files; file != NULL; file = file->next) {
        if (disk.is_off)
            survive(file, &random);
        if (disk.is_off)
            content_copy(&file->now, &file->synced);
        shared_memory_free(file);
        file->shared = file->reserved = file->exclusive = 0;
    }
    disk.is_off = false;
    disk.plan = (struct disk_plan){0};
}

/* ---- a file ---- */

static struct file *file_of(sqlite3_file *handle)
{
    return ((struct handle *)handle)->file;
}

static int file_read(sqlite3_file *handle, void *to, int len, sqlite3_int64 at)
{
    struct content *content = &file_of(handle)->now;
    int result = count_call(DISK_READ);
    if (result != SQLITE_OK)
        return result;
    int64_t got = MAX_OF(MIN_OF((int64_t)len, content->size - at), (int64_t)0);
    if (got > 0)
        memcpy(to, content->at + at, (size_t)got);
    if (got == len)
        return SQLITE_OK;
    memset((uint8_t *)to + got, 0, (size_t)(len - got));
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *handle, const void *from, int len, sqlite3_int64 at)
{
    struct file *file = file_of(handle);
    int result = count_call(DISK_WRITE);
    if (!disk.is_off && result != SQLITE_OK)
        return result;
    if (disk.is_off && result != SQLITE_OK && disk.calls != disk.plan.at)
        return result;
    note(file, at, from, (size_t)len); /* of the write that the power cut may be half there */
    if (result == SQLITE_OK)
        content_write(&file->now, at, from, (size_t)len);
    return result;
}

static int file_truncate(sqlite3_file *handle, sqlite3_int64 size)
{
    struct file *file = file_of(handle);
    int result = count_call(DISK_TRUNCATE);
    if (result != SQLITE_OK)
        return result;
    note(file, size, NULL, 0);
    content_cut(&file->now, size);
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *handle, int flags)
{
    struct file *file = file_of(handle);
    int result = count_call(DISK_SYNC);
    if (result != SQLITE_OK)
        return result;
    content_copy(&file->synced, &file->now);
    changes_drop(file);
    return SQLITE_OK;
}

static int file_size(sqlite3_file *handle, sqlite3_int64 *size)
{
    *size = file_of(handle)->now.size;
    return disk.is_off ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

/* ---- locks: handles of one process, each as if it were another process ---- */

static int file_lock(sqlite3_file *base, int level)
{
    struct handle *handle = (struct handle *)base;
    struct file *file = handle->file;
    int mine = handle->level;
    if (level <= mine)
        return SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED) {
        if (file->exclusive != 0)
            return SQLITE_BUSY;
        file->shared++;
    } else if (level == SQLITE_LOCK_RESERVED) {
        if (file->reserved != 0)
            return SQLITE_BUSY;
        file->reserved++;
    } else {
        if (file->shared > 1 || file->exclusive != 0 ||
            (file->reserved != 0 && mine < SQLITE_LOCK_RESERVED))
            return SQLITE_BUSY;
        if (mine < SQLITE_LOCK_RESERVED)
            file->reserved++;
        file->exclusive++;
        level = SQLITE_LOCK_EXCLUSIVE;
    }
    handle->level = level;
    return SQLITE_OK;
}

static int file_unlock(sqlite3_file *base, int level)
{
    struct handle *handle = (struct handle *)base;
    struct file *file = handle->file;
    if (handle->level <= level)
        return SQLITE_OK;
    file->exclusive -= handle->level >= SQLITE_LOCK_EXCLUSIVE;
    file->reserved -= handle->level >= SQLITE_LOCK_RESERVED;
    if (level == SQLITE_LOCK_NONE)
        file->shared--;
    handle->level = level;
    return SQLITE_OK;
}

static int file_is_reserved(sqlite3_file *handle, int *is_reserved)
{
    *is_reserved = file_of(handle)->reserved != 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *handle, int what, void *with)
{
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *handle)
{
    return SECTOR;
}

static int file_traits(sqlite3_file *handle)
{
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- shared memory ---- */

static int memory_map(sqlite3_file *handle, int which, int size, int may_extend,
                      void volatile **out)
{
    struct file *file = file_of(handle);
    *out = NULL;
    if (disk.is_off || which >= REGIONS_MAX)
        return SQLITE_IOERR_SHMMAP;
    assert((size_t)size == REGION_SIZE);
    if (file->regions[which] == NULL && may_extend)
        file->regions[which] = memory_zeroed(REGION_SIZE);
    *out = file->regions[which];
    return SQLITE_OK;
}

static int slots_unlock(struct handle *handle, unsigned slots)
{
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
        unsigned slot = 1u << i;
        if ((slots & slot & handle->slots_shared) != 0)
            handle->file->slot_shared[i]--;
        if ((slots & slot & handle->slots_exclusive) != 0)
            handle->file->slot_exclusive[i] = false;
    }
    handle->slots_shared &= ~slots;
    handle->slots_exclusive &= ~slots;
    return SQLITE_OK;
}

static bool slot_is_free(const struct handle *handle, int i, bool for_all)
{
    const struct file *file = handle->file;
    int own = (handle->slots_shared >> i & 1u) != 0 ? 1 : 0;
    return !file->slot_exclusive[i] && (!for_all || file->slot_shared[i] - own == 0);
}

static int memory_lock(sqlite3_file *base, int first, int count, int flags)
{
    struct handle *handle = (struct handle *)base;
    bool for_all = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    unsigned slots = ((1u << count) - 1) << first;
    if ((flags & SQLITE_SHM_UNLOCK) != 0)
        return slots_unlock(handle, slots);
    for (int i = first; i < first + count; i++)
        if ((handle->slots_exclusive >> i & 1u) == 0 && !slot_is_free(handle, i, for_all))
            return SQLITE_BUSY;
    for (int i = first; i < first + count; i++) {
        unsigned slot = 1u << i;
        if (for_all) {
            handle->file->slot_exclusive[i] = true;
            handle->slots_exclusive |= slot;
        } else if ((handle->slots_shared & slot) == 0) {
            handle->file->slot_shared[i]++;
            handle->slots_shared |= slot;
        }
    }
    return SQLITE_OK;
}

static void memory_barrier(sqlite3_file *handle)
{
}

static int memory_unmap(sqlite3_file *base, int is_deleted)
{
    struct handle *handle = (struct handle *)base;
    slots_unlock(handle, ~0u);
    if (is_deleted)
        shared_memory_free(handle->file);
    return SQLITE_OK;
}

/* ---- the disk ---- */

static int file_close(sqlite3_file *base)
{
    struct handle *handle = (struct handle *)base;
    file_unlock(base, SQLITE_LOCK_NONE);
    if (handle->is_temporary) {
        changes_drop(handle->file);
        free(handle->file->now.at);
        free(handle->file->synced.at);
        free(handle->file);
    }
    return SQLITE_OK;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = memory_map,
    .xShmLock = memory_lock,
    .xShmBarrier = memory_barrier,
    .xShmUnmap = memory_unmap,
};

static struct file *file_find(const char *name)
{
    for (struct file *file = disk.files; file != NULL; file = file->next)
        if (strcmp(file->name, name) == 0)
            return file;
    return NULL;
}

static struct file *file_new(const char *name)
{
    struct file *file = memory_zeroed(sizeof(*file));
    snprintf(file->name, sizeof(file->name), "%s", name == NULL ? "" : name);
    file->changes_end = &file->changes;
    return file;
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                     int *out_flags)
{
    struct handle *handle = (struct handle *)base;
    *handle = (struct handle){0};
    if (disk.is_off)
        return SQLITE_CANTOPEN;
    struct file *file = name == NULL ? file_new(NULL) : file_find(name);
    if ((file == NULL || !file->is_there) && name != NULL && (flags & SQLITE_OPEN_CREATE) == 0)
        return SQLITE_CANTOPEN;
    if (file == NULL) {
        file = file_new(name);
        file->next = disk.files;
        disk.files = file;
    }
    file->is_there = true;
    handle->file = file;
    handle->is_temporary = name == NULL;
    handle->base.pMethods = &file_methods;
    if (out_flags != NULL)
        *out_flags = flags;
    return SQLITE_OK;
}

/* Deleting lasts at once; SQLite must not rely on either. */
static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    struct file *file = file_find(name);
    int result = count_call(DISK_DELETE);
    if (result != SQLITE_OK)
        return result;
    if (file == NULL || !file->is_there)
        return SQLITE_IOERR_DELETE_NOENT;
    file->is_there = false;
    file->now.size = file->synced.size = 0;
    changes_drop(file);
    return SQLITE_OK;
}

static int disk_access(sqlite3_vfs *vfs, const char *name, int flags, int *is_there)
{
    const struct file *file = file_find(name);
    *is_there = file != NULL && file->is_there;
    return disk.is_off ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int disk_full_name(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
    snprintf(out, (size_t)room, "%s", name);
    return SQLITE_OK;
}

static int disk_random(sqlite3_vfs *vfs, int len, char *out)
{
    memset(out, 7, (size_t)len); /* the same in each run */
    return len;
}

static int disk_sleep(sqlite3_vfs *vfs, int us)
{
    return us;
}

static int disk_time(sqlite3_vfs *vfs, double *out)
{
    *out = 2460000.5;
    return SQLITE_OK;
}

static int disk_last_error(sqlite3_vfs *vfs, int len, char *out)
{
    return 0;
}

void disk_insert(void)
{
    sqlite3_initialize();
    disk.system = sqlite3_vfs_find(NULL);
    disk.vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(struct handle),
        .mxPathname = NAME_MAX_LEN,
        .zName = "disk",
        .xOpen = disk_open,
        .xDelete = disk_delete,
        .xAccess = disk_access,
        .xFullPathname = disk_full_name,
        .xRandomness = disk_random,
        .xSleep = disk_sleep,
        .xCurrentTime = disk_time,
        .xGetLastError = disk_last_error,
    };
    sqlite3_vfs_register(&disk.vfs, 1);
}

void disk_remove(void)
{
    sqlite3_vfs_unregister(&disk.vfs);
    sqlite3_vfs_register(disk.system, 1);
    while (disk.files != NULL) {
        struct file *next = disk.files->next;
        changes_drop(disk.files);
        shared_memory_free(disk.files);
        free(disk.files->now.at);
        free(disk.files->synced.at);
        free(disk.files);
        disk.files = next;
    }
    disk.is_off = false;
    disk.plan = (struct disk_plan){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/catalogue_inside.h"

#include "base/clock.h"
#include "base/kept.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

/* A configuration file as it was read. */
struct file {
    struct arena arena; /* empty: the texts are somebody else's */
    const struct studio_config *config;
    int64_t number;
};

/* A file with the rows of one edition over it. */
struct joined {
    struct arena arena;
    struct studio_config config;
};

struct catalogue {
    struct kept *files;  /* by number; the newest is the one */
    struct kept *joined; /* by file and edition */
};

/* ---- documents ---- */

const char *const override_part_names[CATALOGUE_PARTS] = {
    [PART_PLANS] = "plans", [PART_MODELS] = "models", [PART_PACKAGES] = "creditPackages"};

#define ROW struct override
static const struct field override_fields[] = {
    ID(id),
    CREATED(created),
    CHOICE(part, override_part_names),
    TEXT(key, .min = 1, .max = 80),
    ANY(body, .about = "What is not as in the file, in the file's own words."),
    TIME(updated_at),
};
#undef ROW
const struct doc_type override_type = {
    .name = "overrides",
    .about = "What administrators changed of the catalogue; wins over the configuration file.",
    .size = sizeof(struct override),
    FIELDS(override_fields),
    .number = 48,
    INDEXES({.name = "by_key", .fields = {"part", "key"}, .is_unique = true}),
};

struct edition {
    doc_id id;
    tick created;
    int64_t edition;
};
#define ROW struct edition
static const struct field edition_fields[] = {ID(id), CREATED(created), INT(edition)};
#undef ROW
const struct doc_type edition_type = {
    .name = "catalogue",
    .about = "One row: another number with each change of the catalogue.",
    .size = sizeof(struct edition),
    FIELDS(edition_fields),
    .number = 49,
    INDEXES({.name = "by_edition", .fields = {"edition"}}),
};

static struct edition edition_of(struct call *call)
{
    struct edition row = {0};
    row_find(call, &edition_type, row_first(call, index_of(&edition_type, "by_edition"), KEY_ALL),
             &row);
    return row;
}

/* Not counted: a number that was rolled back may never come again with other rows. Creation times
 * are unique, but not those that were rolled back; randomness may start again where it is seeded.
 */
void catalogue_changed(struct call *call)
{
    struct edition old = edition_of(call), row = {0};
    if (doc_id_is_set(old.id))
        row_remove(call, &edition_type, old.id);
    row_new(call, &edition_type, &row);
    row.edition = row.created.n ^ (int64_t)random_below(call->random, UINT64_C(1) << 52);
    row_put(call, &edition_type, &row);
    call->config = NULL;
}

/* ---- joining ---- */

const struct catalogue_part catalogue_parts[CATALOGUE_PARTS] = {
    [PART_PLANS] = {"plan", "key", offsetof(struct studio_config, plans), &config_plan_item},
    [PART_MODELS] = {"model", "id", offsetof(struct studio_config, models), &config_model_item},
    [PART_PACKAGES] = {"package", "id", offsetof(struct studio_config, credit_packages),
                       &config_package_item},
};

struct list *catalogue_list(const struct studio_config *config, enum part part)
{
    return (struct list *)((char *)(uintptr_t)config + catalogue_parts[part].list);
}

void *catalogue_item(const struct studio_config *config, enum part part, str key)
{
    const struct list *list = catalogue_list(config, part);
    size_t size = catalogue_parts[part].item->size;
    for (size_t i = 0; i < list->count; i++) {
        char *item = (char *)list->items + i * size;
        if (str_equal(*(const str *)item, key)) /* the first member of each */
            return item;
    }
    return NULL;
}

/* The list, with room for one more, so that lists lent by the file stay as they are. */
static void list_widen(struct arena *arena, struct list *list, size_t size)
{
    char *items = arena_alloc(arena, (list->count + 1) * size);
    if (list->count != 0)
        memcpy(items, list->items, list->count * size);
    list->items = items;
}

bool catalogue_join(struct arena *arena, struct studio_config *config, enum part part, str key,
                    str body, struct field_error *error)
{
    const struct field *item = catalogue_parts[part].item;
    struct list *list = catalogue_list(config, part);
    struct json above, below = {.kind = JSON_OBJECT};
    struct fault fault;
    AUTO(buffer_done) struct buffer text = buffer_with_max(CALL_RESULT_MAX);
    list_widen(arena, list, item->size);
    char *at = catalogue_item(config, part, key);
    if (at != NULL)
        field_write(&text, item, at);
    if (!json_read(arena, str_copy(arena, body), 0, &above, &fault) ||
        (at != NULL && !json_read(arena, str_copy(arena, buffer_text(&text)), 0, &below, &fault))) {
        snprintf(error->text, sizeof(error->text), "%s", fault.text);
        return false;
    }
    struct json whole = json_merge(arena, &below, &above);
    if (at == NULL)
        at = (char *)list->items + list->count++ * item->size;
    memset(at, 0, item->size);
    return field_read(arena, item, &whole, at, error);
}

static bool join_row(struct arena *arena, struct studio_config *config, const struct override *row,
                     struct fault *fault)
{
    struct field_error error;
    return catalogue_join(arena, config, row->part, row->key, row->body, &error) ||
           fault_set(fault, FAULT_INPUT, "%s \"%.*s\": %s", catalogue_parts[row->part].name,
                     STR_ARG(row->key), error.text);
}

/* All rows are to fit the file together: one may name another that comes later. */
static bool join_all(struct call *call, struct arena *arena, struct studio_config *config,
                     struct fault *fault)
{
    struct override row;
    struct scan scan;
    bool fits = true;
    view_scan(call->view, index_of(&override_type, "by_key"), (struct bounds){0}, ORDER_UP, &scan);
    while (fits && scan_next(&scan, &row))
        fits = join_row(arena, config, &row, fault);
    scan_end(&scan);
    return fits && studio_config_check(config, fault);
}

/* The file was changed under them: those that fit no longer are left out. */
static void join_what_fits(struct call *call, struct arena *arena, struct studio_config *config)
{
    struct override row;
    struct scan scan;
    struct fault fault;
    view_scan(call->view, index_of(&override_type, "by_key"), (struct bounds){0}, ORDER_UP, &scan);
    while (scan_next(&scan, &row)) {
        struct studio_config before = *config;
        if (join_row(arena, config, &row, &fault) && studio_config_check(config, &fault))
            continue;
        log_event(LOG_WARN, "override_left_out", "%s", fault.text);
        *config = before;
    }
    scan_end(&scan);
}

bool catalogue_build(struct call *call, struct arena *arena, const struct studio_config *file,
                     struct studio_config *out, struct fault *fault)
{
    *out = *file;
    if (join_all(call, arena, out, fault))
        return true;
    *out = *file;
    join_what_fits(call, arena, out);
    return false;
}

/* ---- keeping ---- */

static void drop_joined(void *value)
{
    struct joined *joined = value;
    arena_done(&joined->arena);
    free(joined);
}

/* Two threads may join the same: either will do. What could not be read whole is not kept: the call
 * has failed. */
static const struct studio_config *join_new(struct catalogue *catalogue, struct call *call,
                                            const struct file *file, int64_t edition)
{
    struct joined *joined = memory_zeroed(sizeof(*joined));
    struct fault fault;
    (void)catalogue_build(call, &joined->arena, file->config, &joined->config, &fault);
    if (call_failed(call)) {
        drop_joined(joined);
        return file->config;
    }
    kept_put(catalogue->joined, file->number, edition, joined);
    return &joined->config;
}

const struct studio_config *catalogue_of(struct call *call)
{
    if (call->config != NULL)
        return call->config;
    struct catalogue *catalogue = call->program->config;
    const struct file *file = kept_newest(catalogue->files);
    struct edition row = edition_of(call);
    if (row.edition == 0)
        return call->config = file->config;
    const struct joined *known = kept_find(catalogue->joined, file->number, row.edition);
    call->config = known != NULL ? &known->config : join_new(catalogue, call, file, row.edition);
    return call->config;
}

/* ---- files ---- */

static void drop_file(void *value)
{
    struct file *file = value;
    arena_done(&file->arena);
    free(file);
}

static void put_file(struct catalogue *catalogue, const struct arena *arena,
                     const struct studio_config *config, int64_t number)
{
    struct file *file = memory_zeroed(sizeof(*file));
    *file = (struct file){*arena, config, number};
    kept_put(catalogue->files, number, 0, file);
}

struct catalogue *catalogue_new(const struct studio_config *file)
{
    struct catalogue *catalogue = memory_zeroed(sizeof(*catalogue));
    catalogue->files = kept_new(CATALOGUE_KEPT, clock_monotonic, drop_file);
    catalogue->joined = kept_new(CATALOGUE_KEPT, clock_monotonic, drop_joined);
    put_file(catalogue, &(struct arena){0}, file, 1);
    return catalogue;
}

const struct studio_config *catalogue_file(struct catalogue *catalogue)
{
    const struct file *file = kept_newest(catalogue->files);
    return file->config;
}

void catalogue_replace(struct catalogue *catalogue, struct arena *arena,
                       const struct studio_config *config)
{
    const struct file *old = kept_newest(catalogue->files);
    put_file(catalogue, arena, config, old->number + 1);
    *arena = (struct arena){0};
}

void catalogue_free(struct catalogue *catalogue)
{
    if (catalogue == NULL)
        return;
    kept_free(catalogue->joined);
    kept_free(catalogue->files);
    free(catalogue);
}

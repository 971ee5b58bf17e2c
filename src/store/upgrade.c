/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening: what the file has against what the program wants. The meta space remembers
 *
 *     format               "1"; a higher one is refused
 *     schema               the program's version; a lower program is refused
 *     type <number>        the type's name; a number never changes hands
 *     index <type>.<name>  what its entries are made of, once it is complete
 *     search <type>        what its words are of, once they are complete
 *
 * An index without that last entry is dropped and filled anew, so a crash at any point is repaired
 * by the next opening. Entries of the meta space are written last.
 */
#include "store/postings.h"
#include "store/words.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FORMAT 1
#define FILL_STEP 1000 /* rows an index takes up in one commit */

static const struct space own_spaces[] = {
    {SPACE_META, SPACE_ENTRIES, "meta"},
    {SPACE_OUTCOMES, SPACE_ROWS, "outcomes"},
    {SPACE_OUTCOME_INDEX, SPACE_ENTRIES, "outcomes_index"},
};

struct upgrade {
    struct store *store;
    const struct schema *schema;
    struct arena arena;
    struct tree found; /* the meta space as it was */
    struct tree meta;  /* changes to it */
};

static str found_meta(const struct upgrade *upgrade, str key)
{
    const struct tree_item *item = tree_get(&upgrade->found, SPACE_META, bytes_of(key));
    return item == NULL ? (str){0} : tree_item_body(item);
}

static void put_meta(struct upgrade *upgrade, str key, str value)
{
    if (!str_equal(found_meta(upgrade, key), value))
        tree_replace(&upgrade->meta, SPACE_META, bytes_of(key), value);
}

/* Everything in the meta space. */
static bool collect_meta(struct upgrade *upgrade, struct snapshot *snapshot, struct fault *fault)
{
    const struct engine_methods *engine = upgrade->store->engine->methods;
    static const uint8_t last[] = {0xff};
    struct cursor *cursor;
    struct entry entry;
    if (!engine->scan(snapshot, SPACE_META, (bytes){last, 0}, (bytes){last, 1}, ORDER_UP, &cursor,
                      fault))
        return false;
    bool is_well;
    while ((is_well = engine->next(cursor, &entry, fault)) && entry.key.at != NULL)
        tree_put(&upgrade->found, SPACE_META, entry.key, entry.body);
    engine->close_scan(cursor);
    return is_well;
}

static bool read_meta(struct upgrade *upgrade, struct fault *fault)
{
    struct store *store = upgrade->store;
    struct snapshot *snapshot;
    if (!store->engine->methods->begin_read(store->engine, &snapshot, fault))
        return false;
    bool is_well = collect_meta(upgrade, snapshot, fault) &&
                   counters_read(snapshot, store->engine, &upgrade->arena, &store->counters, fault);
    store->engine->methods->end(snapshot);
    return is_well;
}

static bool check_number(struct upgrade *upgrade, const char *key, int64_t ours,
                         struct fault *fault)
{
    int64_t theirs;
    str value = found_meta(upgrade, str_of(key));
    if (value.at != NULL && (!str_to_int(value, &theirs) || theirs > ours))
        return fault_set(fault, FAULT_INPUT,
                         "This store was written by a newer program (%s %.*s, this one has "
                         "%" PRId64 "). Use that program, or restore an older backup.",
                         key, STR_ARG(value), ours);
    put_meta(upgrade, str_of(key), str_format(&upgrade->arena, "%" PRId64, ours));
    return true;
}

static bool check_types(struct upgrade *upgrade, struct fault *fault)
{
    for (size_t i = 0; i < upgrade->schema->count; i++) {
        const struct doc_type *type = upgrade->schema->types[i];
        str key = str_format(&upgrade->arena, "type %d", type->number);
        str value = found_meta(upgrade, key);
        if (value.at != NULL && !str_equal(value, str_of(type->name)))
            return fault_set(fault, FAULT_INPUT,
                             "In this store, number %d is the type %.*s, not %s. Use the program "
                             "that wrote it.",
                             type->number, STR_ARG(value), type->name);
        put_meta(upgrade, key, str_of(type->name));
    }
    return true;
}

/* ---- spaces ---- */

static size_t space_count(const struct schema *schema)
{
    size_t count = 0;
    for (size_t i = 0; i < schema->count; i++)
        count += 1 + schema->types[i]->index_count + (schema->types[i]->search != NULL ? 2 : 0);
    return count;
}

static bool names_differ(const struct space *spaces, size_t count, struct fault *fault)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(spaces[i].name, spaces[k].name) == 0)
                return fault_set(fault, FAULT_BUG, "two types or indexes share the name %s",
                                 spaces[i].name);
    return true;
}

static bool make_spaces(struct upgrade *upgrade, struct fault *fault)
{
    size_t count = 0;
    struct space *spaces =
        arena_array(&upgrade->arena, struct space, space_count(upgrade->schema) + 1);
    for (size_t i = 0; i < upgrade->schema->count; i++) {
        const struct doc_type *type = upgrade->schema->types[i];
        spaces[count].number = space_of_rows(type);
        spaces[count].kind = SPACE_ROWS;
        space_name_of_rows(type, spaces[count++].name);
        for (size_t k = 0; k < type->index_count; k++) {
            spaces[count].number = type->indexes[k].space;
            spaces[count].kind = SPACE_ENTRIES;
            space_name_of_index(&type->indexes[k], spaces[count++].name);
        }
        if (type->search == NULL)
            continue;
        spaces[count] = (struct space){.number = space_of_words(type), .kind = SPACE_ENTRIES};
        space_name_of_words(type, spaces[count++].name);
        spaces[count] = (struct space){.number = space_of_postings(type), .kind = SPACE_ENTRIES};
        space_name_of_postings(type, spaces[count++].name);
    }
    return names_differ(spaces, count, fault) && upgrade->store->engine->methods->make_spaces(
                                                     upgrade->store->engine, spaces, count, fault);
}

/* ---- indexes ---- */

static str index_meta_key(struct upgrade *upgrade, const struct index *index)
{
    return str_format(&upgrade->arena, "index %s.%s", index->type->name, index->name);
}

static str index_meta_value(struct upgrade *upgrade, const struct index *index)
{
    AUTO(buffer_done) struct buffer text = {0};
    for (size_t i = 0; i < INDEX_FIELDS_MAX && index->fields[i] != NULL; i++)
        buffer_format(&text, "%s%s", i == 0 ? "" : ",", index->fields[i]);
    buffer_format(&text, "%s%s", index->is_unique ? " unique" : "",
                  index->holds_body ? " body" : "");
    if (text.len == 0)
        buffer_char(&text, '-');
    return str_copy(&upgrade->arena, buffer_text(&text));
}

static bool index_is_complete(struct upgrade *upgrade, const struct index *index)
{
    return str_equal(found_meta(upgrade, index_meta_key(upgrade, index)),
                     index_meta_value(upgrade, index));
}

static const struct index *wanted_index(struct upgrade *upgrade, str meta_key)
{
    for (size_t i = 0; i < upgrade->schema->count; i++) {
        const struct doc_type *type = upgrade->schema->types[i];
        for (size_t k = 0; k < type->index_count; k++)
            if (str_equal(index_meta_key(upgrade, &type->indexes[k]), meta_key))
                return &type->indexes[k];
    }
    return NULL;
}

static bool commit(struct upgrade *upgrade, struct tree *writes, struct fault *fault)
{
    const struct engine_methods *engine = upgrade->store->engine->methods;
    struct snapshot *snapshot;
    if (!engine->begin_write(upgrade->store->engine, &snapshot, fault))
        return false;
    size_t count;
    AUTO(memory_free) const struct tree_item **list = tree_list(writes, &count);
    bool is_well = engine->apply(snapshot, list, count, fault);
    tree_done(writes);
    return is_well;
}

static bool drop_index(struct upgrade *upgrade, str meta_key, struct fault *fault)
{
    str type, name = meta_key;
    char space[SPACE_NAME_MAX];
    struct tree writes = {0};
    (void)str_split(&name, ' ', &type);
    (void)str_split(&name, '.', &type);
    snprintf(space, sizeof(space), "idx_%.*s_%.*s", STR_ARG(type), STR_ARG(name));
    tree_hide(&writes, SPACE_META, bytes_of(meta_key));
    return commit(upgrade, &writes, fault) &&
           upgrade->store->engine->methods->drop_space(upgrade->store->engine, space, fault);
}

/* Those that no type has any more, and those that are made of something else now. */
static bool drop_stale_indexes(struct upgrade *upgrade, struct fault *fault)
{
    size_t count;
    AUTO(memory_free) const struct tree_item **list = tree_list(&upgrade->found, &count);
    for (size_t i = 0; i < count; i++) {
        str key = str_from(tree_item_key(list[i]));
        if (!str_starts(key, STR("index ")))
            continue;
        const struct index *index = wanted_index(upgrade, key);
        if ((index == NULL || !index_is_complete(upgrade, index)) &&
            !drop_index(upgrade, key, fault))
            return false;
    }
    return true;
}

static bool drop_half_made_indexes(struct upgrade *upgrade, struct fault *fault)
{
    for (size_t i = 0; i < upgrade->schema->count; i++) {
        const struct doc_type *type = upgrade->schema->types[i];
        for (size_t k = 0; k < type->index_count; k++) {
            const struct index *index = &type->indexes[k];
            if (found_meta(upgrade, index_meta_key(upgrade, index)).at == NULL &&
                !drop_index(upgrade, index_meta_key(upgrade, index), fault))
                return false;
        }
    }
    return true;
}

static bool put_entry(struct view *view, const struct index_plan *plan, doc_id id, str body,
                      struct tree *writes)
{
    const struct doc_type *type = plan->type->type;
    void *row = arena_alloc(view->arena, type->size);
    if (!view_parse(view, type, id, body, row))
        return false;
    struct entry_key key;
    index_key_of_row(plan, row, &key);
    tree_put(writes, plan->index->space, packed_bytes(&key.key),
             index_entry_body(plan->index, body));
    return true;
}

/* Entries for the next rows behind *last; is_done when there are no more. */
static bool fill_some(struct upgrade *upgrade, const struct index_plan *plan, doc_id *last,
                      bool *is_done, struct fault *fault)
{
    struct store *store = upgrade->store;
    const struct engine_methods *engine = store->engine->methods;
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct tree writes = {0};
    struct cursor *cursor;
    uint8_t from[8], to[8];
    u64_write(from, (uint64_t)last->n + 1);
    u64_write(to, INT64_MAX);
    if (!view_begin(store, &arena, &view, fault))
        return false;
    bool is_well = engine->scan(view.snapshot, space_of_rows(plan->type->type), (bytes){from, 8},
                                (bytes){to, 8}, ORDER_UP, &cursor, fault);
    if (!is_well) {
        view_end(&view);
        return false;
    }
    for (int i = 0; i < FILL_STEP && is_well; i++) {
        struct entry entry;
        is_well = engine->next(cursor, &entry, fault);
        *is_done = is_well && entry.key.at == NULL;
        if (!is_well || *is_done)
            break;
        *last = (doc_id){(int64_t)u64_read(entry.key.at)};
        is_well = put_entry(&view, plan, *last, entry.body, &writes) ||
                  fault_set(fault, view.fault.kind, "%s", view.fault.text);
    }
    engine->close_scan(cursor);
    view_end(&view);
    if (is_well && writes.root != NULL)
        return commit(upgrade, &writes, fault);
    tree_done(&writes);
    return is_well;
}

/* A unique index over documents that are not: say which rather than hide them. */
static bool check_unique(struct upgrade *upgrade, const struct index_plan *plan,
                         struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct scan scan;
    doc_id id;
    struct packed_key before = {0};
    bool is_well = true;
    if (!plan->index->is_unique)
        return true;
    if (!view_begin(upgrade->store, &arena, &view, fault))
        return false;
    view.records_reads = false;
    view_scan(&view, plan->index, (struct bounds){0}, ORDER_UP, &scan);
    while (is_well && scan_next_id(&scan, &id)) {
        view.reads = view.read_bytes = 0;
        size_t len = scan.last.len - 16;
        bool is_twin = len == before.len && memcmp(before.at, scan.last.at, len) == 0;
        if (is_twin && !index_key_is_partial(plan, scan.last))
            is_well = fault_set(fault, FAULT_INPUT,
                                "The unique index %s of %s cannot be made: documents %" PRId64
                                " and another share its fields.",
                                plan->index->name, plan->type->type->name, id.n);
        memcpy(before.at, scan.last.at, len);
        before.len = len;
    }
    if (is_well && view.is_failed)
        is_well = fault_set(fault, view.fault.kind, "%s", view.fault.text);
    view_end(&view);
    return is_well;
}

static bool fill_index(struct upgrade *upgrade, const struct index_plan *plan, struct fault *fault)
{
    doc_id last = {0};
    bool is_done = false;
    while (!is_done)
        if (!fill_some(upgrade, plan, &last, &is_done, fault))
            return false;
    if (last.n != 0)
        log_event(LOG_INFO, "index_filled", "%s of %s", plan->index->name, plan->type->type->name);
    if (!check_unique(upgrade, plan, fault))
        return false;
    put_meta(upgrade, index_meta_key(upgrade, plan->index), index_meta_value(upgrade, plan->index));
    return true;
}

static bool fill_indexes(struct upgrade *upgrade, struct fault *fault)
{
    for (size_t i = 0; i < upgrade->schema->count; i++) {
        const struct doc_type *type = upgrade->schema->types[i];
        for (size_t k = 0; k < type->index_count; k++)
            if (!index_is_complete(upgrade, &type->indexes[k]) &&
                !fill_index(upgrade, plan_index(&upgrade->store->plan, &type->indexes[k]), fault))
                return false;
    }
    return true;
}

/* ---- searches ---- */

static str search_meta_key(struct upgrade *upgrade, const char *type)
{
    return str_format(&upgrade->arena, "search %s", type);
}

static void add_names(struct buffer *to, const char *const *names, size_t max)
{
    for (size_t i = 0; i < max && names[i] != NULL; i++)
        buffer_format(to, "%s%s", i == 0 ? " " : ",", names[i]);
    buffer_char(to, ';');
}

static str search_meta_value(struct upgrade *upgrade, const struct search_fields *search)
{
    AUTO(buffer_done) struct buffer text = {0};
    buffer_format(&text, "words %d;", WORDS_VERSION);
    add_names(&text, search->fields, SEARCH_FIELDS_MAX);
    add_names(&text, search->filters, SEARCH_FILTERS_MAX);
    add_names(&text, search->marks, SEARCH_FIELDS_MAX);
    return str_copy(&upgrade->arena, buffer_text(&text));
}

static bool search_is_complete(struct upgrade *upgrade, const struct doc_type *type)
{
    return str_equal(found_meta(upgrade, search_meta_key(upgrade, type->name)),
                     search_meta_value(upgrade, type->search));
}

static bool drop_search(struct upgrade *upgrade, str name, struct fault *fault)
{
    const struct engine_methods *engine = upgrade->store->engine->methods;
    struct doc_type gone = {.name = str_zero_ended(&upgrade->arena, name)};
    char words[SPACE_NAME_MAX], postings[SPACE_NAME_MAX];
    struct tree writes = {0};
    space_name_of_words(&gone, words);
    space_name_of_postings(&gone, postings);
    tree_hide(&writes, SPACE_META, bytes_of(search_meta_key(upgrade, gone.name)));
    return commit(upgrade, &writes, fault) &&
           engine->drop_space(upgrade->store->engine, words, fault) &&
           engine->drop_space(upgrade->store->engine, postings, fault);
}

/* As with indexes: of types that are not searched so any more, and what is not complete. */
static bool drop_searches(struct upgrade *upgrade, struct fault *fault)
{
    size_t count;
    AUTO(memory_free) const struct tree_item **list = tree_list(&upgrade->found, &count);
    for (size_t i = 0; i < count; i++) {
        str word, name = str_from(tree_item_key(list[i]));
        bool is_wanted = false;
        if (!str_split(&name, ' ', &word) || !str_equal(word, STR("search")))
            continue;
        for (size_t k = 0; k < upgrade->schema->count; k++)
            is_wanted |= upgrade->schema->types[k]->search != NULL &&
                         str_equal(str_of(upgrade->schema->types[k]->name), name);
        if (!is_wanted && !drop_search(upgrade, name, fault))
            return false;
    }
    for (size_t i = 0; i < upgrade->schema->count; i++) {
        const struct doc_type *type = upgrade->schema->types[i];
        if (type->search != NULL && !search_is_complete(upgrade, type) &&
            !drop_search(upgrade, str_of(type->name), fault))
            return false;
    }
    return true;
}

static bool fill_search(struct upgrade *upgrade, const struct type_plan *type, doc_id *last,
                        struct fault *fault)
{
    bool is_done = false;
    while (!is_done) {
        struct tree writes = {0};
        if (!search_fill(upgrade->store, type, last, &is_done, &writes, fault)) {
            tree_done(&writes);
            return false;
        }
        if (writes.root != NULL && !commit(upgrade, &writes, fault))
            return false;
    }
    return true;
}

static bool fill_searches(struct upgrade *upgrade, struct fault *fault)
{
    for (size_t i = 0; i < upgrade->schema->count; i++) {
        const struct doc_type *type = upgrade->schema->types[i];
        doc_id last = {0};
        if (type->search == NULL || search_is_complete(upgrade, type))
            continue;
        if (!fill_search(upgrade, plan_type(&upgrade->store->plan, type), &last, fault))
            return false;
        if (last.n != 0)
            log_event(LOG_INFO, "search_filled", "%s", type->name);
        put_meta(upgrade, search_meta_key(upgrade, type->name),
                 search_meta_value(upgrade, type->search));
    }
    return true;
}

/* ---- the whole ---- */

/* Not for those that are named as a table of ours. */
static bool make_views(struct upgrade *upgrade, struct fault *fault)
{
    struct engine *engine = upgrade->store->engine;
    for (size_t i = 0; i < upgrade->schema->count; i++) {
        const struct doc_type *type = upgrade->schema->types[i];
        bool is_taken = false;
        for (size_t k = 0; k < ARRAY_LEN(own_spaces); k++)
            is_taken |= strcasecmp(type->name, own_spaces[k].name) == 0;
        if (is_taken)
            continue;
        char rows[SPACE_NAME_MAX];
        space_name_of_rows(type, rows);
        str *members = arena_array(&upgrade->arena, str, type->field_count);
        for (size_t k = 0; k < type->field_count; k++) {
            char room[64];
            members[k] = str_copy(&upgrade->arena, field_wire_name(&type->fields[k], room));
        }
        struct space_view view = {type->name, rows, members, type->field_count};
        if (!engine->methods->make_view(engine, &view, fault))
            return false;
    }
    return true;
}

static bool run(struct upgrade *upgrade, struct fault *fault)
{
    struct engine *engine = upgrade->store->engine;
    if (!engine->methods->make_spaces(engine, own_spaces, ARRAY_LEN(own_spaces), fault) ||
        !read_meta(upgrade, fault) || !check_number(upgrade, "format", FORMAT, fault) ||
        !check_number(upgrade, "schema", upgrade->schema->version, fault) ||
        !check_types(upgrade, fault) || !drop_stale_indexes(upgrade, fault) ||
        !drop_half_made_indexes(upgrade, fault) || !drop_searches(upgrade, fault) ||
        !make_spaces(upgrade, fault) || !make_views(upgrade, fault) ||
        !fill_indexes(upgrade, fault) || !fill_searches(upgrade, fault))
        return false;
    return upgrade->meta.root == NULL || commit(upgrade, &upgrade->meta, fault);
}

bool store_upgrade(struct store *store, const struct schema *schema, struct fault *fault)
{
    struct upgrade upgrade = {.store = store, .schema = schema};
    bool is_well = run(&upgrade, fault);
    tree_done(&upgrade.found);
    tree_done(&upgrade.meta);
    arena_done(&upgrade.arena);
    return is_well;
}

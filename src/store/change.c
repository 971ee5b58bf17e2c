/* SPDX-License-Identifier: Apache-2.0 */
#include "store/postings.h"

#include <stdio.h>
#include <string.h>

static void begin(struct batch *batch, struct arena *arena, struct change *out)
{
    *out = (struct change){.batch = batch, .writes = &batch->writes};
    out->view = (struct view){.store = batch->store,
                              .arena = arena,
                              .snapshot = batch->snapshot,
                              .change = out,
                              .ts = {batch->store->counters.ts},
                              .records_reads = true};
    out->outer = batch->change;
    batch->change = out;
}

void change_begin(struct batch *batch, struct arena *arena, struct change *out)
{
    assert(batch->change == NULL); /* one at a time */
    begin(batch, arena, out);
    tree_take_notes(&batch->writes, arena);
}

void change_nest(struct change *outer, struct change *out)
{
    assert(outer->batch->change == outer);
    begin(outer->batch, outer->view.arena, out);
    out->outer_notes = out->writes->notes;
    out->view.records_reads = outer->view.records_reads;
    out->view.reads = outer->view.reads;
    out->view.read_bytes = outer->view.read_bytes;
    out->write_count = outer->write_count;
    out->write_bytes = outer->write_bytes;
}

/* What was read counts for the outer change even when the writes are dropped. */
static void end(struct change *change)
{
    struct change *outer = change->outer;
    view_close_scans(&change->view);
    change->view.snapshot = NULL;
    assert(change->batch->change == change);
    change->batch->change = outer;
    if (outer == NULL)
        return;
    outer->view.reads = change->view.reads;
    outer->view.read_bytes = change->view.read_bytes;
    for (size_t i = 0; i < change->view.range_count; i++) {
        const struct read_range *range = &change->view.ranges[i];
        view_record(&outer->view, range->space, range->from, range->to);
    }
    for (size_t i = 0; i < change->view.search_count; i++)
        view_record_search(&outer->view, &change->view.searches[i]);
}

bool change_accept(struct change *change)
{
    if (change->view.is_failed) {
        change_drop(change);
        return false;
    }
    if (change->outer == NULL) {
        tree_settle(change->writes);
    } else {
        rows_seen_merge(change, change->outer);
        change->outer->write_count = change->write_count;
        change->outer->write_bytes = change->write_bytes;
    }
    end(change);
    return true;
}

void change_drop(struct change *change)
{
    tree_take_back(change->writes, change->outer_notes);
    if (change->outer == NULL)
        tree_settle(change->writes);
    end(change);
}

doc_id change_new(struct change *change, const struct doc_type *type, void *row)
{
    struct counters *counters = &change->batch->store->counters;
    int64_t now = change->batch->now.us / 1000 * 1024 + change->batch->now.us % 1000 * 1024 / 1000;
    counters->last_tick = MAX_OF(counters->last_tick + 1, now);
    (void)view_ask(&change->view); /* also a failed change gets an id: rows read it at once */
    doc_id id = {++counters->last_id};
    row_set_new(plan_type(&change->view.store->plan, type), id, (tick){counters->last_tick}, row);
    return id;
}

/* ---- put and remove ---- */

struct writer {
    struct change *change;
    const struct type_plan *type;
    doc_id id;
    const void *old_row, *new_row; /* NULL: there is none */
    str old_body, new_body;
};

/* The row as it is now; rows that only this batch can have made are not asked of the engine. */
static bool find_old(struct writer *writer)
{
    struct change *change = writer->change;
    const struct doc_type *type = writer->type->type;
    struct row_seen *seen = rows_seen_find(change, type, writer->id);
    if (seen == NULL && writer->id.n >= change->batch->first_new_id) {
        uint8_t key[8];
        u64_write(key, (uint64_t)writer->id.n);
        if (tree_get(change->writes, space_of_rows(type), (bytes){key, sizeof(key)}) == NULL)
            return true;
    }
    if (!view_body_of(&change->view, type, writer->id, &writer->old_body))
        return false;
    if (writer->old_body.at == NULL)
        return true;
    seen = rows_seen_find(change, type, writer->id);
    if (seen != NULL && seen->row != NULL) {
        writer->old_row = seen->row;
        return true;
    }
    void *row = arena_alloc(change->view.arena, type->size);
    writer->old_row = row;
    return view_parse(&change->view, type, writer->id, writer->old_body, row);
}

static void fail_unique(struct writer *writer, const struct index *index)
{
    char fields[160] = "";
    size_t len = 0;
    for (size_t i = 0; i < INDEX_FIELDS_MAX && index->fields[i] != NULL; i++) {
        int added = snprintf(fields + len, sizeof(fields) - len, "%s%s", i == 0 ? "" : " and ",
                             index->fields[i]);
        len = MIN_OF(len + (size_t)added, sizeof(fields) - 1);
    }
    view_fail(&writer->change->view, FAULT_INPUT, "a %s with this %s exists already",
              writer->type->type->name, fields);
}

/* Whether another document has the same fields; that there is none is a read, too. */
static bool is_taken(struct writer *writer, const struct index_plan *plan,
                     const struct entry_key *key)
{
    struct view *view = &writer->change->view;
    struct packed_key end = {.len = key->fields_len};
    memcpy(end.at, key->key.at, key->fields_len);
    packed_skip(&end);

    struct scan scan;
    view_scan_between(view, plan->index, (bytes){key->key.at, key->fields_len}, packed_bytes(&end),
                      &scan);
    doc_id id;
    bool is_found = false;
    while (!is_found && scan_next_id(&scan, &id))
        is_found = id.n != writer->id.n;
    scan_end(&scan);
    return is_found;
}

static void write_entry(struct writer *writer, const struct index_plan *plan)
{
    struct change *change = writer->change;
    uint16_t space = plan->index->space;
    struct entry_key old, new;
    old.key.len = new.key.len = 0;
    if (writer->old_row != NULL)
        index_key_of_row(plan, writer->old_row, &old);
    if (writer->new_row != NULL)
        index_key_of_row(plan, writer->new_row, &new);
    str body = index_entry_body(plan->index, writer->new_body);
    bool is_same = old.key.len != 0 && new.key.len != 0 &&
                   bytes_compare(packed_bytes(&old.key), packed_bytes(&new.key)) == 0;
    if (is_same) {
        if (body.at != NULL || index_entry_body(plan->index, writer->old_body).at != NULL)
            tree_replace(change->writes, space, packed_bytes(&new.key), body);
        return;
    }
    if (old.key.len != 0)
        tree_hide(change->writes, space, packed_bytes(&old.key));
    if (new.key.len == 0)
        return;
    if (plan->index->is_unique && !new.is_partial && is_taken(writer, plan, &new)) {
        fail_unique(writer, plan->index);
        return;
    }
    tree_put(change->writes, space, packed_bytes(&new.key), body);
}

static bool count_write(struct change *change, size_t len)
{
    change->write_count++;
    change->write_bytes += len;
    if (change->write_count > STORE_WRITES_MAX)
        return view_fail(&change->view, FAULT_FULL,
                         "This writes more than %d documents. Write fewer at once.",
                         STORE_WRITES_MAX);
    if (change->write_bytes > STORE_WRITE_BYTES_MAX)
        return view_fail(&change->view, FAULT_FULL,
                         "This writes more than %zu MiB. Write less at once.",
                         STORE_WRITE_BYTES_MAX >> 20);
    return true;
}

static void write_all(struct writer *writer)
{
    struct change *change = writer->change;
    const struct doc_type *type = writer->type->type;
    uint8_t key[8];
    u64_write(key, (uint64_t)writer->id.n);
    for (size_t i = 0; i < type->index_count && !change->view.is_failed; i++)
        write_entry(writer, &writer->type->indexes[i]);
    if (writer->type->search != NULL && !change->view.is_failed)
        search_write(change, writer->type, writer->id, writer->old_row, writer->new_row);
    if (change->view.is_failed)
        return;
    struct row_seen *seen = rows_seen_put(change, type, writer->id);
    if (writer->new_row == NULL) {
        tree_hide(change->writes, space_of_rows(type), (bytes){key, sizeof(key)});
        return;
    }
    if (writer->old_row != NULL)
        tree_replace(change->writes, space_of_rows(type), (bytes){key, sizeof(key)},
                     writer->new_body);
    else
        tree_put(change->writes, space_of_rows(type), (bytes){key, sizeof(key)}, writer->new_body);
    seen->body = str_copy(change->view.arena, writer->new_body);
}

void change_put(struct change *change, const struct doc_type *type, const void *row)
{
    struct view *view = &change->view;
    struct buffer *body = &change->batch->scratch;
    struct writer writer = {.change = change, .type = plan_type(&view->store->plan, type)};
    if (!view_ask(view))
        return;
    writer.new_row = row;
    writer.id = row_id(writer.type, row);
    if (!doc_id_is_set(writer.id)) {
        view_fail(view, FAULT_BUG, "A document of %s without an id was put.", type->name);
        return;
    }
    buffer_clear(body);
    shape_write(body, &type->shape, row);
    writer.new_body = buffer_text(body);
    if (body->is_over || body->len > STORE_DOCUMENT_MAX) {
        view_fail(view, FAULT_FULL, "A document of %s is larger than %zu MiB.", type->name,
                  STORE_DOCUMENT_MAX >> 20);
        return;
    }
    if (!find_old(&writer) ||
        (writer.old_body.at != NULL && str_equal(writer.old_body, writer.new_body)))
        return;
    if (count_write(change, writer.new_body.len))
        write_all(&writer);
}

void change_remove(struct change *change, const struct doc_type *type, doc_id id)
{
    struct view *view = &change->view;
    struct writer writer = {
        .change = change, .type = plan_type(&view->store->plan, type), .id = id};
    if (!view_ask(view) || !find_old(&writer) || writer.old_body.at == NULL)
        return;
    if (count_write(change, 0))
        write_all(&writer);
}

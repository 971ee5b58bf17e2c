/* SPDX-License-Identifier: Apache-2.0 */
#include "people.h"

#include "store/words.h"

#include <stdio.h>
#include <string.h>

static const char *const rank_names[] = {[RANK_GUEST] = "guest", [RANK_MEMBER] = "member"};

#define ROW struct person
static const struct field person_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(email),
    CREDITS(balance),
    CHOICE(rank, rank_names),
    MAYBE_TIME(seen_at),
    MAYBE_TEXT(nickname),
};
#undef ROW

const struct doc_type person_type = {
    .name = "people",
    .size = sizeof(struct person),
    .number = 1,
    FIELDS(person_fields),
    INDEXES({.name = "by_email", .fields = {"email"}, .is_unique = true},
            {.name = "by_nickname", .fields = {"nickname"}, .is_unique = true},
            {.name = "by_rank", .fields = {"rank", "balance"}}, {.name = "by_creation"}),
};

#define ROW struct task
static const struct field task_fields[] = {
    ID(id), CREATED(created), REF(owner, &person_type), TEXT(text), MAYBE_INT(size), BOOL(is_done),
};
#undef ROW

const struct doc_type task_type = {
    .name = "tasks",
    .size = sizeof(struct task),
    .number = 7,
    FIELDS(task_fields),
    INDEXES({.name = "by_owner", .fields = {"owner"}, .holds_body = true},
            {.name = "by_owner_size", .fields = {"owner", "size"}},
            {.name = "by_done", .fields = {"isDone", "text"}}),
    SEARCH(.fields = {"text"}, .filters = {"owner"}, .marks = {"isDone"}),
};

static const struct doc_type *const types[] = {&person_type, &task_type};
const struct schema people_schema = {types, ARRAY_LEN(types), 0};

enum store_engine on_memory = STORE_MEMORY, on_sqlite = STORE_SQLITE;

static void remember_writes(void *context, const struct write_set *writes)
{
    struct place *place = context;
    place->announced = writes->ts;
    place->write_count = writes->count;
    place->writes = arena_copy(&place->arena, writes->keys, writes->count * sizeof(*writes->keys));
    for (size_t i = 0; i < writes->count; i++) {
        str words = writes->keys[i].words;
        place->writes[i].key.at =
            arena_copy(&place->arena, writes->keys[i].key.at, writes->keys[i].key.len);
        if (words.at != NULL)
            place->writes[i].words = str_copy(&place->arena, words);
    }
}

bool place_open(struct place *place, const struct schema *schema, struct fault *fault)
{
    struct store_options options = {
        .engine = place->engine,
        .path = place->path,
        .schema = schema,
        .now = place->now,
        .search_tail = place->search_tail,
        .before_commit = remember_writes,
        .context = place,
    };
    return store_open(&options, &place->store, fault);
}

int place_setup(void **state)
{
    struct place *place = memory_zeroed(sizeof(*place));
    place->engine = *(enum store_engine *)*state;
    place->now = (instant){1700000000000000};
    snprintf(place->folder, sizeof(place->folder), "/tmp/atelier-store-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof(place->path), "%s/test.db", place->folder);
    struct fault fault = {0};
    if (!place_open(place, &people_schema, &fault))
        fail_msg("%s", fault.text);
    *state = place;
    return 0;
}

int place_teardown(void **state)
{
    struct place *place = *state;
    store_close(place->store);
    arena_done(&place->arena);
    char path[128];
    static const char *const names[] = {"test.db", "test.db-wal", "test.db-shm", "copy.db"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", place->folder, names[i]);
        unlink(path);
    }
    rmdir(place->folder);
    free(place);
    return 0;
}

void place_reopen(struct place *place)
{
    struct fault fault = {0};
    store_close(place->store);
    place->store = NULL;
    if (!place_open(place, &people_schema, &fault))
        fail_msg("%s", fault.text);
}

struct view place_look(struct place *place)
{
    struct view view;
    struct fault fault = {0};
    if (!view_begin(place->store, &place->arena, &view, &fault))
        fail_msg("%s", fault.text);
    return view;
}

/* The ids a scan gives, as text: "3 1 2". */
str view_ids(struct view *view, const struct index *index, struct bounds bounds, enum order order)
{
    AUTO(buffer_done) struct buffer text = {0};
    struct scan scan;
    doc_id id;
    view_scan(view, index, bounds, order, &scan);
    while (scan_next_id(&scan, &id))
        buffer_format(&text, "%s%lld", text.len == 0 ? "" : " ", (long long)id.n);
    scan_end(&scan);
    return str_copy(view->arena, buffer_text(&text));
}

void expect_text(str got, const char *wanted)
{
    if (!str_equal(got, str_of(wanted)))
        fail_msg("got \"%.*s\", wanted \"%s\"", STR_ARG(got), wanted);
}

struct batch *place_begin(struct place *place)
{
    struct batch *batch;
    struct fault fault = {0};
    if (!batch_begin(place->store, place->now, &batch, &fault))
        fail_msg("%s", fault.text);
    return batch;
}

commit_ts place_commit(struct batch *batch)
{
    commit_ts ts;
    struct fault fault = {0};
    if (!batch_commit(batch, &ts, &fault))
        fail_msg("%s", fault.text);
    return ts;
}

struct person person_add(struct place *place, const char *email, int64_t balance)
{
    struct person person = {.email = str_of(email), .balance = {balance}, .rank = RANK_GUEST};
    struct batch *batch = place_begin(place);
    struct change change;
    change_begin(batch, &place->arena, &change);
    change_new(&change, &person_type, &person);
    change_put(&change, &person_type, &person);
    assert_true(change_accept(&change));
    place_commit(batch);
    return person;
}

struct task task_add(struct place *place, doc_id owner, const char *text, int64_t size)
{
    struct task task = {.owner = owner, .text = str_of(text), .size = {size, size >= 0}};
    struct batch *batch = place_begin(place);
    struct change change;
    change_begin(batch, &place->arena, &change);
    change_new(&change, &task_type, &task);
    change_put(&change, &task_type, &task);
    assert_true(change_accept(&change));
    place_commit(batch);
    return task;
}

void person_put(struct place *place, const struct person *person)
{
    struct batch *batch = place_begin(place);
    struct change change;
    change_begin(batch, &place->arena, &change);
    change_put(&change, &person_type, person);
    assert_true(change_accept(&change));
    place_commit(batch);
}

static bool has(const struct place *place, uint16_t space, doc_id id)
{
    uint8_t tail[8];
    for (int i = 0; i < 8; i++)
        tail[i] = (uint8_t)((uint64_t)id.n >> (56 - 8 * i));
    for (size_t i = 0; i < place->write_count; i++) {
        const struct write_key *write = &place->writes[i];
        if (write->space == space && write->key.len >= 8 &&
            memcmp(write->key.at + write->key.len - 8, tail, 8) == 0)
            return true;
    }
    return false;
}

bool write_set_has(const struct place *place, const struct index *index, doc_id id)
{
    return has(place, index->space, id);
}

bool write_set_has_row(const struct place *place, const struct doc_type *type, doc_id id)
{
    return has(place, (uint16_t)(type->number << 8), id);
}

bool read_set_is_hit(struct read_set reads, const struct write_key *writes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < reads.count; k++)
            if (reads.ranges[k].space == writes[i].space &&
                bytes_compare(writes[i].key, reads.ranges[k].from) >= 0 &&
                bytes_compare(writes[i].key, reads.ranges[k].to) < 0)
                return true;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < reads.search_count; k++)
            if (reads.searches[k].space == writes[i].space &&
                bytes_compare(writes[i].key, reads.searches[k].from) >= 0 &&
                bytes_compare(writes[i].key, reads.searches[k].to) < 0 &&
                words_match(writes[i].words, reads.searches[k].terms))
                return true;
    return false;
}

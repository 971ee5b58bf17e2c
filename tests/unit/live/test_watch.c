/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/random.h"
#include "live/watch.h"

#include <string.h>

#define QUERIES 150
#define RANGES 4
#define KEY_LEN 40

/* A range as the linear scan knows it. */
struct range {
    uint16_t space;
    uint8_t from[KEY_LEN], to[KEY_LEN];
    size_t from_len, to_len;
};

struct query {
    struct watches watches;
    struct range ranges[RANGES];
    size_t count;
    bool is_hit;
};

struct stage {
    struct watch_table *table;
    struct random random;
    struct query queries[QUERIES];
};

static int open_stage(void **state)
{
    struct stage *stage = memory_zeroed(sizeof(*stage));
    stage->table = watch_table_new();
    random_init_seeded(&stage->random, 21);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 0; i < QUERIES; i++)
        watch_clear(stage->table, &stage->queries[i].watches);
    assert_int_equal(watch_count(stage->table), 0);
    watch_table_free(stage->table);
    free(stage);
    return 0;
}

/* Few different bytes, the lowest and the highest among them: so that keys meet. */
static size_t random_key(struct random *random, uint8_t key[KEY_LEN])
{
    static const uint8_t letters[] = {0, 1, 0xfe, 0xff};
    static const uint8_t alike[] = {0, 6, 14, 16, 30, 33}; /* bytes at the beginning */
    bool is_id = random_below(random, 2) == 0;
    size_t same = is_id ? 6 : alike[random_below(random, ARRAY_LEN(alike))];
    size_t len = is_id ? 8 : same + (size_t)random_below(random, 5);
    for (size_t i = 0; i < len; i++)
        key[i] = i < same ? (is_id ? 0 : 'h') : letters[random_below(random, ARRAY_LEN(letters))];
    return len;
}

static uint16_t random_space(struct random *random)
{
    static const uint16_t spaces[] = {256, 257, 512, 1};
    return spaces[random_below(random, ARRAY_LEN(spaces))];
}

static bytes key_at(const uint8_t *at, size_t len)
{
    return (bytes){at, len};
}

/* Either what a row read is, [key, key + 1 byte), or anything between two keys. */
static struct range random_range(struct random *random)
{
    struct range range = {.space = random_space(random)};
    range.from_len = random_key(random, range.from);
    if (range.from_len < KEY_LEN && random_below(random, 2) == 0) {
        memcpy(range.to, range.from, range.from_len);
        range.to_len = range.from_len + 1;
        return range;
    }
    range.to_len = random_key(random, range.to);
    if (bytes_compare(key_at(range.from, range.from_len), key_at(range.to, range.to_len)) > 0) {
        struct range turned = {.space = range.space};
        memcpy(turned.from, range.to, range.to_len);
        memcpy(turned.to, range.from, range.from_len);
        turned.from_len = range.to_len;
        turned.to_len = range.from_len;
        return turned;
    }
    return range;
}

static void set_query(struct stage *stage, struct query *query)
{
    struct read_range reads[RANGES];
    query->count = (size_t)random_below(&stage->random, RANGES + 1);
    for (size_t i = 0; i < query->count; i++) {
        query->ranges[i] = random_range(&stage->random);
        const struct range *range = &query->ranges[i];
        reads[i] = (struct read_range){.space = range->space,
                                       .from = key_at(range->from, range->from_len),
                                       .to = key_at(range->to, range->to_len)};
    }
    watch_set(stage->table, &query->watches,
              (struct read_set){.ranges = reads, .count = query->count}, query);
    memset(reads, 0xaa, sizeof(reads)); /* the table has copies */
}

static bool is_in(const struct query *query, const struct write_key *key)
{
    for (size_t i = 0; i < query->count; i++) {
        const struct range *range = &query->ranges[i];
        if (range->space == key->space &&
            bytes_compare(key_at(range->from, range->from_len), key->key) <= 0 &&
            bytes_compare(key->key, key_at(range->to, range->to_len)) < 0)
            return true;
    }
    return false;
}

static void on_hit(void *context, void *query)
{
    ((struct query *)query)->is_hit = true;
    ++*(size_t *)context;
}

static size_t check_key(struct stage *stage)
{
    uint8_t bytes_of_key[KEY_LEN];
    size_t hits = 0;
    struct write_key key = {.space = random_space(&stage->random)};
    key.key = key_at(bytes_of_key, random_key(&stage->random, bytes_of_key));
    for (size_t i = 0; i < QUERIES; i++)
        stage->queries[i].is_hit = false;
    watch_find(stage->table, &key, on_hit, &hits);
    for (size_t i = 0; i < QUERIES; i++)
        assert_int_equal(stage->queries[i].is_hit, is_in(&stage->queries[i], &key));
    return hits;
}

static void the_table_finds_what_a_linear_scan_finds(void **state)
{
    struct stage *stage = *state;
    size_t hits = 0;
    for (size_t i = 0; i < QUERIES; i++)
        set_query(stage, &stage->queries[i]);
    for (int round = 0; round < 3000; round++) {
        struct query *query = &stage->queries[random_below(&stage->random, QUERIES)];
        if (random_below(&stage->random, 8) == 0) {
            watch_clear(stage->table, &query->watches);
            query->count = 0;
        } else {
            set_query(stage, query);
        }
        hits += check_key(stage);
    }
    assert_true(hits > 1000);
}

static void a_row_is_hit_by_its_key_alone(void **state)
{
    struct stage *stage = *state;
    static const uint8_t row[9] = {0, 0, 0, 0, 0, 0, 0, 5, 0};
    static const uint8_t next[8] = {0, 0, 0, 0, 0, 0, 0, 6};
    struct read_range range = {.space = 256, .from = {row, 8}, .to = {row, 9}};
    struct query *query = &stage->queries[0];
    size_t hits = 0;
    watch_set(stage->table, &query->watches, (struct read_set){.ranges = &range, .count = 1},
              query);
    watch_find(stage->table, &(struct write_key){.space = 256, .key = {row, 8}}, on_hit, &hits);
    assert_int_equal(hits, 1);
    watch_find(stage->table, &(struct write_key){.space = 256, .key = {next, 8}}, on_hit, &hits);
    watch_find(stage->table, &(struct write_key){.space = 257, .key = {row, 8}}, on_hit, &hits);
    watch_find(stage->table, &(struct write_key){.space = 256, .key = {row, 7}}, on_hit, &hits);
    assert_int_equal(hits, 1);
}

/* More than the table begins with, so that it grows while ranges are in it. */
static void a_table_that_grows_forgets_nothing(void **state)
{
    enum { MANY = 5000 };
    struct stage *stage = *state;
    struct query *many = memory_zeroed(MANY * sizeof(*many));
    for (uint32_t i = 0; i < MANY; i++) {
        uint8_t key[9] = {0, 0, 0, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i, 0};
        struct read_range range = {.space = 256, .from = {key, 8}, .to = {key, 9}};
        watch_set(stage->table, &many[i].watches, (struct read_set){.ranges = &range, .count = 1},
                  &many[i]);
    }
    assert_int_equal(watch_count(stage->table), MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        uint8_t key[8] = {0, 0, 0, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i};
        size_t hits = 0;
        watch_find(stage->table, &(struct write_key){.space = 256, .key = {key, 8}}, on_hit, &hits);
        assert_int_equal(hits, 1);
        assert_true(many[i].is_hit);
    }
    for (uint32_t i = 0; i < MANY; i++)
        watch_clear(stage->table, &many[i].watches);
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_table_finds_what_a_linear_scan_finds, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(a_row_is_hit_by_its_key_alone, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(a_table_that_grows_forgets_nothing, open_stage,
                                        close_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "json/fields.h"
#include "json/yaml.h"

/* The canonical text of what was read, or "!" and the fault's. */
static str read_as(struct arena *arena, str text)
{
    struct json tree;
    struct fault fault = {0};
    str exact = str_copy(arena, text);
    if (!yaml_read(arena, exact, 1, &tree, &fault))
        return str_format(arena, "!%s", fault.text);
    AUTO(buffer_done) struct buffer out = {0};
    json_write_canonical(&out, &tree);
    return str_copy(arena, buffer_text(&out));
}

static void expect(const char *text, const char *wanted)
{
    AUTO(arena_done) struct arena arena = {0};
    str got = read_as(&arena, str_of(text));
    if (!str_equal(got, str_of(wanted)))
        fail_msg("%s gave %.*s and not %s", text, STR_ARG(got), wanted);
}

static void blocks_and_flows_are_read(void **state)
{
    expect("server:\n  listen: 127.0.0.1:7070\n  workers: 2\nplans:\n- name: free\n- name: pro\n",
           "{\"plans\":[{\"name\":\"free\"},{\"name\":\"pro\"}],"
           "\"server\":{\"listen\":\"127.0.0.1:7070\",\"workers\":2}}");
    expect("{a: [1, two, {b: c}], d: }", "{\"a\":[1,\"two\",{\"b\":\"c\"}],\"d\":null}");
    expect("text: |\n  one\n  two\n", "{\"text\":\"one\\ntwo\\n\"}");
    expect("# nothing\n", "null");
    expect("", "null");
    expect("---\na: 1\n...\n", "{\"a\":1}");
}

static void plain_scalars_are_typed_as_in_json(void **state)
{
    expect("[true, false, null, ~, 12, -3, 1.5, 1e3]", "[true,false,null,null,12,-3,1.5,1000]");
    expect("[yes, on, True, NULL, 0x10, 007, +1, .5, 1_000, 1.2.3, .inf]",
           "[\"yes\",\"on\",\"True\",\"NULL\",\"0x10\",\"007\",\"+1\",\".5\",\"1_000\",\"1.2.3\","
           "\".inf\"]");
    expect("a: 9223372036854775807", "{\"a\":9223372036854775807}");
    expect("a: 1e999", "{\"a\":\"1e999\"}");
}

static void quoted_scalars_are_text(void **state)
{
    expect("['true', \"12\", '', \"null\"]", "[\"true\",\"12\",\"\",\"null\"]");
    expect("a: |\n  12\n", "{\"a\":\"12\\n\"}");
    expect("\"a b\": x\n12: y\n", "{\"12\":\"y\",\"a b\":\"x\"}");
}

static void anchors_aliases_and_tags_are_refused(void **state)
{
    expect("a: &x 1\nb: 2\n", "!line 1, column 4: anchors, aliases and tags are not allowed");
    expect("a: 1\nb: *x\n", "!line 2, column 4: anchors, aliases and tags are not allowed");
    expect("a: !!str 1\n", "!line 1, column 4: anchors, aliases and tags are not allowed");
    expect("a: &x [1]\n", "!line 1, column 4: anchors, aliases and tags are not allowed");
    expect("a: !x {b: 1}\n", "!line 1, column 4: anchors, aliases and tags are not allowed");
    expect("&x a: 1\n", "!line 1, column 1: anchors and tags are not allowed");
}

static void double_keys_are_refused_where_the_second_stands(void **state)
{
    expect("a: 1\nb: 2\na: 3\n", "!line 3, column 1: the key a is there twice");
    expect("x:\n  a: 1\n  'a': 3\n", "!line 3, column 3: the key a is there twice");
}

static void what_is_no_configuration_is_refused(void **state)
{
    expect("a: 1\n---\nb: 2\n", "!line 2, column 1: a second document begins");
    expect("? [1]\n: 2\n", "!line 1, column 3: a key must be a plain text");
    expect("a: \"x\\0y\"\n", "!line 1, column 4: the character U+0000 is not allowed");
    expect("\"a\\0\": 1\n", "!line 1, column 1: the character U+0000 is not allowed");
    expect("a: [1, 2\n", "!line 2, column 1: did not find expected ',' or ']'");
    expect("a: b: c\n", "!line 1, column 5: mapping values are not allowed in this context");
    expect("\ta: 1\n", "!line 1, column 1: found character that cannot start any token");
    expect("a: \xFF\n", "!line 1, column 1: invalid leading UTF-8 octet");
}

static void nesting_and_size_are_limited(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    for (int depth = 64; depth <= 65; depth++) {
        AUTO(buffer_done) struct buffer text = {0};
        for (int i = 0; i < depth; i++)
            buffer_char(&text, '[');
        for (int i = 0; i < depth; i++)
            buffer_char(&text, ']');
        assert_int_equal(read_as(&arena, buffer_text(&text)).at[0] == '!', depth > 64);
    }
    AUTO(buffer_done) struct buffer text = {0};
    buffer_str(&text, STR("a: "));
    while (text.len < MIB(1))
        buffer_char(&text, 'x');
    assert_int_equal(read_as(&arena, buffer_text(&text)).at[0], '{');
    buffer_char(&text, 'x');
    assert_true(str_equal(read_as(&arena, buffer_text(&text)),
                          STR("!line 1, column 1: it is longer than 1 MiB")));
}

static void values_know_their_place(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json tree;
    assert_true(
        yaml_read(&arena, STR("server:\n  listen: x\nlist:\n  - 1\n  - {a: 2}\n"), 7, &tree, NULL));
    const struct json *listen = json_get(json_get(&tree, "server"), "listen");
    assert_int_equal(listen->line, 2);
    assert_int_equal(listen->column, 3);
    assert_int_equal(listen->source, 7);
    const struct json *list = json_get(&tree, "list");
    assert_int_equal(list->line, 3);
    assert_int_equal(list->items[0].line, 4);
    assert_int_equal(list->items[0].column, 5);
    assert_int_equal(json_get(&list->items[1], "a")->line, 5);
    assert_int_equal(json_get(&list->items[1], "a")->column, 6);
}

static struct json tree_of(struct arena *arena, const char *text, uint32_t source)
{
    struct json tree;
    struct fault fault = {0};
    if (!yaml_read(arena, str_of(text), source, &tree, &fault))
        fail_msg("%s: %s", text, fault.text);
    return tree;
}

static void expect_merged(const char *below, const char *above, const char *wanted)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer out = {0};
    struct json a = tree_of(&arena, below, 1), b = tree_of(&arena, above, 2);
    struct json merged = json_merge(&arena, &a, &b);
    json_write_canonical(&out, &merged);
    if (!str_equal(buffer_text(&out), str_of(wanted)))
        fail_msg("%.*s is not %s", STR_ARG(buffer_text(&out)), wanted);
}

static void layers_are_joined_member_by_member(void **state)
{
    expect_merged("{a: 1, b: {c: 2, d: 3}}", "{b: {d: 4, e: 5}, f: 6}",
                  "{\"a\":1,\"b\":{\"c\":2,\"d\":4,\"e\":5},\"f\":6}");
    expect_merged("{a: [1, 2, 3]}", "{a: [4]}", "{\"a\":[4]}");
    expect_merged("{a: {b: 1}}", "{a: text}", "{\"a\":\"text\"}");
    expect_merged("{a: 1}", "{a: {b: 1}}", "{\"a\":{\"b\":1}}");
}

static void an_empty_section_or_file_changes_nothing(void **state)
{
    expect_merged("{a: {b: 1}, c: 2}", "a:\nc:\n", "{\"a\":{\"b\":1},\"c\":null}");
    expect_merged("{a: 1}", "# all commented out\n", "{\"a\":1}");
    expect_merged("", "{a: 1}", "{\"a\":1}");
}

static void merged_values_still_know_where_they_are_from(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json a = tree_of(&arena, "x: 1\ny: 2\n", 1), b = tree_of(&arena, "\n\ny: 3\n", 2);
    struct json merged = json_merge(&arena, &a, &b);
    assert_int_equal(json_get(&merged, "x")->source, 1);
    assert_int_equal(json_get(&merged, "x")->line, 1);
    assert_int_equal(json_get(&merged, "y")->source, 2);
    assert_int_equal(json_get(&merged, "y")->line, 3);
}

static void variables_become_layers(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer out = {0};
    struct json base = tree_of(&arena, "server: {listen: a, port: 1}", 1);
    struct json value = yaml_scalar(&arena, STR("8080"), 3);
    struct json layer = json_wrap(&arena, STR("server.port"), &value);
    struct json merged = json_merge(&arena, &base, &layer);
    json_write_canonical(&out, &merged);
    assert_true(str_equal(buffer_text(&out), STR("{\"server\":{\"listen\":\"a\",\"port\":8080}}")));
    assert_int_equal(json_get(json_get(&merged, "server"), "port")->source, 3);
    assert_int_equal(yaml_scalar(&arena, STR("8080x"), 3).kind, JSON_TEXT);
    assert_int_equal(yaml_scalar(&arena, STR(""), 3).kind, JSON_NULL);
    struct json whole = json_wrap(&arena, STR(""), &value);
    assert_int_equal(whole.kind, JSON_INT);
}

struct server {
    str listen;
    int32_t workers;
};
#define ROW struct server
static const struct field server_fields[] = {TEXT(listen), INT(workers, .min = 1, .max = 8)};
#undef ROW
static const struct shape server_shape = {
    .name = "server", .size = sizeof(struct server), FIELDS(server_fields)};

static void wrong_settings_are_found_in_their_file_and_line(void **state)
{
    static const struct {
        const char *text, *path, *nearest;
        uint32_t line, column;
    } examples[] = {
        {"listen: x\nworkres: 2\n", ".workres", "workers", 2, 1},
        {"listen: x\n\nworkers: 9\n", ".workers", "", 3, 1},
        {"workers: 2\n", ".listen", "", 1, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        AUTO(arena_done) struct arena arena = {0};
        struct json tree = tree_of(&arena, examples[i].text, 5);
        struct server server = {0};
        struct field_error error;
        assert_false(shape_read(&arena, &server_shape, &tree, false, &server, &error));
        assert_string_equal(error.path, examples[i].path);
        assert_string_equal(error.nearest, examples[i].nearest);
        assert_int_equal(error.source, 5);
        assert_int_equal(error.line, examples[i].line);
        assert_int_equal(error.column, examples[i].column);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_and_flows_are_read),
        cmocka_unit_test(plain_scalars_are_typed_as_in_json),
        cmocka_unit_test(quoted_scalars_are_text),
        cmocka_unit_test(anchors_aliases_and_tags_are_refused),
        cmocka_unit_test(double_keys_are_refused_where_the_second_stands),
        cmocka_unit_test(what_is_no_configuration_is_refused),
        cmocka_unit_test(nesting_and_size_are_limited),
        cmocka_unit_test(values_know_their_place),
        cmocka_unit_test(layers_are_joined_member_by_member),
        cmocka_unit_test(an_empty_section_or_file_changes_nothing),
        cmocka_unit_test(merged_values_still_know_where_they_are_from),
        cmocka_unit_test(variables_become_layers),
        cmocka_unit_test(wrong_settings_are_found_in_their_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

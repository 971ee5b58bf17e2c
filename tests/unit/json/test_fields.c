/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "json/fields.h"

enum status { STATUS_NONE, STATUS_PENDING, STATUS_DONE };
static const char *const status_names[] = {[STATUS_PENDING] = "pending", [STATUS_DONE] = "done"};

struct size {
    int64_t width;
    str note;
};
#define ROW struct size
static const struct field size_fields[] = {INT(width, .min = 1, .max = 8), MAYBE_TEXT(note)};
#undef ROW
static const struct shape size_shape = {
    .name = "size", .size = sizeof(struct size), FIELDS(size_fields)};

static const struct doc_type user_type = {.name = "users", .number = 2};

struct job {
    doc_id id;
    tick created;
    doc_id owner_id;
    str prompt;
    int32_t count;
    double strength;
    bool is_public;
    instant made_at;
    credits cost;
    enum status status;
    struct size size;
    struct size *crop;
    struct list tags, sizes;
    str extra;
    struct maybe_int seed;
    struct maybe_number guidance;
    struct maybe_bool is_new;
    struct maybe_instant seen_at;
    str note;
};
static const struct field tag_item = ITEM_TEXT(.max = 3);
static const struct field size_item = ITEM_RECORD(&size_shape, struct size);
#define ROW struct job
static const struct field job_fields[] = {
    ID(id),
    CREATED(created),
    REF(owner_id, &user_type),
    TEXT(prompt, .min = 1, .max = 2000),
    INT(count),
    NUMBER(strength, .least = 0, .most = 1),
    BOOL(is_public),
    TIME(made_at),
    CREDITS(cost),
    CHOICE(status, status_names),
    RECORD(size, &size_shape),
    LIST(tags, &tag_item, .min = 1, .max = 3),
    MAYBE_RECORD(crop, &size_shape),
    MAYBE_LIST(sizes, &size_item),
    MAYBE_ANY(extra),
    MAYBE_INT(seed, .min = 0, .max = 9),
    MAYBE_NUMBER(guidance),
    MAYBE_BOOL(is_new),
    MAYBE_TIME(seen_at),
    MAYBE_TEXT(note, .is_nullable = true),
};
#undef ROW
static const struct doc_type job_type = {
    .name = "jobs", .size = sizeof(struct job), .number = 3, FIELDS(job_fields)};

static char job_id[DOC_ID_TEXT + 1], user_id[DOC_ID_TEXT + 1];

static int make_ids(void **state)
{
    doc_id_set_key((const uint8_t *)"0123456789abcdef");
    doc_id_write(&job_type, (doc_id){12}, job_id);
    doc_id_write(&user_type, (doc_id){34}, user_id);
    return 0;
}

/* A whole job, with one member put, changed or (value NULL) left out. */
static str job_text(struct arena *arena, const char *name, const char *value)
{
    const char *members[][2] = {
        {"_id", str_format(arena, "\"%s\"", job_id).at},
        {"_creationTime", "1732137612345.5"},
        {"ownerId", str_format(arena, "\"%s\"", user_id).at},
        {"prompt", "\"a red kite\""},
        {"count", "2"},
        {"strength", "0.5"},
        {"isPublic", "true"},
        {"madeAt", "1732137612345.678"},
        {"cost", "4"},
        {"status", "\"done\""},
        {"size", "{\"width\":3}"},
        {"tags", "[\"a\",\"bcd\"]"},
    };
    struct buffer text = {0};
    bool is_put = name == NULL;
    buffer_char(&text, '{');
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const char *shown = members[i][1];
        if (name != NULL && strcmp(members[i][0], name) == 0) {
            is_put = true;
            shown = value;
        }
        if (shown != NULL)
            buffer_format(&text, "%s\"%s\":%s", text.len == 1 ? "" : ",", members[i][0], shown);
    }
    if (!is_put && value != NULL)
        buffer_format(&text, ",\"%s\":%s", name, value);
    buffer_char(&text, '}');
    str copy = str_copy(arena, buffer_text(&text));
    buffer_done(&text);
    return copy;
}

static bool job_read(struct arena *arena, str text, struct job *job, struct field_error *error)
{
    struct json tree;
    struct fault fault = {0};
    if (!json_read(arena, text, 0, &tree, &fault))
        fail_msg("%.*s: %s", STR_ARG(text), fault.text);
    *job = (struct job){0};
    *error = (struct field_error){0};
    return shape_read(arena, &job_type.shape, &tree, false, job, error);
}

static void expect_refused(const char *name, const char *value, const char *path, const char *why)
{
    AUTO(arena_done) struct arena arena = {0};
    struct job job;
    struct field_error error;
    if (job_read(&arena, job_text(&arena, name, value), &job, &error))
        fail_msg("%s: %s was taken", name, value);
    assert_string_equal(error.path, path);
    if (strncmp(error.text, why, strlen(why)) != 0)
        fail_msg("got: %s\nwanted: %s", error.text, why);
}

static void expect_taken(const char *name, const char *value)
{
    AUTO(arena_done) struct arena arena = {0};
    struct job job;
    struct field_error error;
    if (!job_read(&arena, job_text(&arena, name, value), &job, &error))
        fail_msg("%s: %s: %s", name, value, error.text);
}

static void expect_same_again(const char *name, const char *value)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer out = {0};
    struct job job;
    struct field_error error;
    str text = job_text(&arena, name, value);
    if (!job_read(&arena, text, &job, &error))
        fail_msg("%s: %s", name, error.text);
    shape_write(&out, &job_type.shape, &job);
    /* Nothing but the nullable note may have come to it. */
    str wanted = strcmp(name, "note") == 0
                     ? text
                     : str_format(&arena, "%.*s,\"note\":null}", (int)text.len - 1, text.at);
    if (!str_equal(buffer_text(&out), wanted))
        fail_msg("%.*s became %.*s", STR_ARG(wanted), STR_ARG(buffer_text(&out)));
}

static void what_is_read_is_written_the_same(void **state)
{
    expect_same_again("prompt", "\"another\"");
    expect_same_again("crop", "{\"width\":8,\"note\":\"\"}");
    expect_same_again("sizes", "[{\"width\":1},{\"width\":2,\"note\":\"x\"}]");
    expect_same_again("sizes", "[]");
    expect_same_again("extra", "{\"a\":[1,null],\"b\":{\"$float\":\"AAAAAAAA+H8=\"}}");
    expect_same_again("seed", "0");
    expect_same_again("guidance", "7.5");
    expect_same_again("isNew", "false");
    expect_same_again("seenAt", "0");
    expect_same_again("seenAt", "-0.001");
    expect_same_again("madeAt", "-1732137612345.05");
    expect_same_again("_creationTime", "1732137612345.1318");
    expect_same_again("note", "\"seen\"");
    expect_same_again("note", "null");
}

static void values_land_in_their_members(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct job job;
    struct field_error error;
    assert_true(job_read(&arena, job_text(&arena, "crop", "{\"width\":5}"), &job, &error));
    assert_int_equal(job.id.n, 12);
    assert_int_equal(job.owner_id.n, 34);
    assert_true(tick_to_ms(job.created) == 1732137612345.5);
    assert_true(str_equal(job.prompt, STR("a red kite")));
    assert_int_equal(job.count, 2);
    assert_true(job.strength == 0.5);
    assert_true(job.is_public);
    assert_int_equal(job.made_at.us, 1732137612345678);
    assert_int_equal(job.cost.n, 4);
    assert_int_equal(job.status, STATUS_DONE);
    assert_int_equal(job.size.width, 3);
    assert_int_equal(job.crop->width, 5);
    assert_int_equal(job.tags.count, 2);
    assert_true(str_equal(((str *)job.tags.items)[1], STR("bcd")));
    assert_null(job.sizes.items);
    assert_false(job.seed.is_set || job.guidance.is_set || job.is_new.is_set || job.seen_at.is_set);
}

static void a_missing_field_is_named(void **state)
{
    expect_refused("prompt", NULL, ".prompt",
                   "Object is missing the required field `prompt`. Consider wrapping the field "
                   "validator in `v.optional(...)` if this is expected.\nObject: {");
    expect_refused("size", "{}", ".size.width",
                   "Object is missing the required field `width`. Consider wrapping the field "
                   "validator in `v.optional(...)` if this is expected.\nPath: .size\nObject: {}\n"
                   "Validator: v.object({width: v.float64(), note: v.optional(v.string())})");
}

static void an_extra_field_is_named_with_what_may_have_been_meant(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct job job;
    struct field_error error;
    expect_refused("promt", "1", ".promt",
                   "Object contains extra field `promt` that is not in the validator.\nObject: {");
    expect_refused("size", "{\"width\":1,\"heigth\":2}", ".size.heigth",
                   "Object contains extra field `heigth` that is not in the validator.\nPath: "
                   ".size\nObject: {\"heigth\":2,\"width\":1}\nValidator: v.object({width");

    static const char *const meant[][2] = {{"promt", "prompt"},
                                           {"owner_id", "ownerId"},
                                           {"ispublic", "isPublic"},
                                           {"strenght", "strength"},
                                           {"completely_other", ""}};
    for (size_t i = 0; i < ARRAY_LEN(meant); i++) {
        assert_false(job_read(&arena, job_text(&arena, meant[i][0], "1"), &job, &error));
        assert_string_equal(error.nearest, meant[i][1]);
    }
}

static void extra_fields_are_taken_only_where_said(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json tree;
    struct size size = {0};
    struct field_error error;
    assert_true(json_read(&arena, STR("{\"width\":2,\"other\":{}}"), 0, &tree, NULL));
    assert_false(shape_read(&arena, &size_shape, &tree, false, &size, &error));
    assert_true(shape_read(&arena, &size_shape, &tree, true, &size, &error));
    assert_int_equal(size.width, 2);
}

static void a_wrong_kind_is_shown_with_its_value_and_the_validator(void **state)
{
    expect_refused("prompt", "7", ".prompt",
                   "Value does not match validator.\nPath: .prompt\nValue: 7\n"
                   "Validator: v.string()");
    expect_refused("count", "\"2\"", ".count",
                   "Value does not match validator.\nPath: .count\nValue: \"2\"\n"
                   "Validator: v.float64()");
    expect_refused("isPublic", "null", ".isPublic",
                   "Value does not match validator.\nPath: .isPublic\nValue: null\n"
                   "Validator: v.boolean()");
    expect_refused("status", "\"gone\"", ".status",
                   "Value does not match validator.\nPath: .status\nValue: \"gone\"\n"
                   "Validator: v.union(v.literal(\"pending\"), v.literal(\"done\"))");
    expect_refused("tags", "{}", ".tags",
                   "Value does not match validator.\nPath: .tags\nValue: {}\n"
                   "Validator: v.array(v.string())");
    expect_refused("tags", "[\"a\",2]", ".tags[1]",
                   "Value does not match validator.\nPath: .tags[1]\nValue: 2\n"
                   "Validator: v.string()");
    expect_refused("sizes", "[{\"width\":1},{\"width\":true}]", ".sizes[1].width",
                   "Value does not match validator.\nPath: .sizes[1].width\nValue: true\n");
    expect_refused("note", "1", ".note",
                   "Value does not match validator.\nPath: .note\nValue: 1\n"
                   "Validator: v.union(v.string(), v.null())");
}

static void null_is_refused_unless_the_field_says_otherwise(void **state)
{
    expect_refused("seed", "null", ".seed", "Value does not match validator.\nPath: .seed\n");
    expect_refused("crop", "null", ".crop", "Value does not match validator.\nPath: .crop\n");
    expect_taken("note", "null");
}

static void an_id_of_another_table_or_garbage_is_refused(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    str foreign = str_format(&arena, "\"%s\"", job_id);
    str why = str_format(&arena,
                         "Value does not match validator.\nPath: .ownerId\nValue: %.*s\n"
                         "Validator: v.id(\"users\")",
                         STR_ARG(foreign));
    expect_refused("ownerId", foreign.at, ".ownerId", why.at);
    expect_refused("_id", "\"x\"", "._id",
                   "Value does not match validator.\nPath: ._id\nValue: \"x\"\n"
                   "Validator: v.id(\"jobs\")");
}

static void text_limits_count_characters_and_say_so(void **state)
{
    for (int count = 2000; count <= 2001; count++) {
        AUTO(buffer_done) struct buffer text = {0};
        buffer_char(&text, '"');
        for (int i = 0; i < count; i++)
            buffer_str(&text, STR("é"));
        buffer_add(&text, "\"", 2);
        if (count == 2000)
            expect_taken("prompt", text.at);
        else
            expect_refused("prompt", text.at, ".prompt",
                           "Value does not match validator.\nPath: .prompt\nText of 2,001 "
                           "characters is longer than 2,000.");
    }
    expect_refused("prompt", "\"\"", ".prompt",
                   "Value does not match validator.\nPath: .prompt\nText of 0 characters is "
                   "shorter than 1.");
}

static void text_without_a_limit_of_its_own_ends_at_a_mebibyte(void **state)
{
    AUTO(buffer_done) struct buffer text = {0};
    buffer_char(&text, '"');
    for (size_t i = 0; i < MIB(1); i++)
        buffer_char(&text, 'x');
    buffer_add(&text, "\"", 2);
    expect_taken("note", text.at);
    text.len -= 2;
    buffer_add(&text, "x\"", 3);
    expect_refused("note", text.at, ".note",
                   "Value does not match validator.\nPath: .note\nText of 1,048,577 bytes is "
                   "longer than 1,048,576.");
}

static void numbers_are_held_to_their_limits(void **state)
{
    expect_taken("seed", "9");
    expect_refused("seed", "10", ".seed",
                   "Value does not match validator.\nPath: .seed\nNumber 10 is greater than 9.");
    expect_refused("seed", "-1", ".seed",
                   "Value does not match validator.\nPath: .seed\nNumber -1 is less than 0.");
    expect_taken("strength", "1");
    expect_refused("strength", "1.01", ".strength",
                   "Value does not match validator.\nPath: .strength\nNumber 1.01 is greater "
                   "than 1.");
    expect_refused("strength", "-1e-9", ".strength",
                   "Value does not match validator.\nPath: .strength\nNumber -1e-09 is less "
                   "than 0.");
    expect_refused("strength", "{\"$float\":\"AAAAAAAA+H8=\"}", ".strength", "Value does not");
    expect_taken("guidance", "{\"$float\":\"AAAAAAAA+H8=\"}");
}

static void whole_numbers_may_be_written_as_any_number(void **state)
{
    expect_taken("count", "3.0");
    expect_taken("count", "3e0");
    expect_taken("count", "{\"$float\":\"AAAAAAAAAIA=\"}"); /* -0, as a client sends it */
    expect_refused("count", "3.5", ".count", "Value does not match validator.\nPath: .count\n");
    expect_refused("count", "{\"$integer\":\"AQAAAAAAAAA=\"}", ".count", "Value does not match");
    expect_taken("count", "2147483647");
    expect_refused("count", "2147483648", ".count",
                   "Value does not match validator.\nPath: .count\nNumber 2,147,483,648 is greater "
                   "than 2,147,483,647.");
    expect_refused("count", "-2147483649", ".count",
                   "Value does not match validator.\nPath: .count\nNumber -2,147,483,649 is less "
                   "than -2,147,483,648.");
    expect_taken("cost", "9007199254740992");
    expect_refused("cost", "9007199254740993", ".cost", "Value does not match validator.");
    expect_refused("cost", "1e300", ".cost", "Value does not match validator.");
}

static void times_are_within_what_a_date_can_be(void **state)
{
    expect_taken("madeAt", "8.64e15");
    expect_refused("madeAt", "8640000000000001", ".madeAt", "Value does not match validator.");
    expect_refused("madeAt", "{\"$float\":\"AAAAAAAA+H8=\"}", ".madeAt", "Value does not");
    expect_refused("_creationTime", "0", "._creationTime", "Value does not match validator.");
}

static void lists_are_held_to_their_limits(void **state)
{
    expect_refused("tags", "[]", ".tags",
                   "Value does not match validator.\nPath: .tags\nList of 0 items is shorter "
                   "than 1.");
    expect_refused("tags", "[\"\",\"\",\"\",\"\"]", ".tags",
                   "Value does not match validator.\nPath: .tags\nList of 4 items is longer than "
                   "3.");
    expect_refused("tags", "[\"a\",\"abcd\"]", ".tags[1]",
                   "Value does not match validator.\nPath: .tags[1]\nText of 4 characters is "
                   "longer than 3.");
}

static void any_value_is_kept_as_canonical_text(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct job job;
    struct field_error error;
    str text = job_text(&arena, "extra", "{ \"b\" : 1.0, \"a\":[ 1e2 ] }");
    assert_true(job_read(&arena, text, &job, &error));
    assert_true(str_equal(job.extra, STR("{\"a\":[100],\"b\":1}")));
    expect_refused("extra", "{\"a\":{\"$x\":1}}", ".extra",
                   "Value does not match validator.\nPath: .extra\n.a: a key cannot begin with $.");
}

static void an_overlong_error_is_cut_between_characters(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer text = {0};
    struct job job;
    struct field_error error;
    buffer_char(&text, '[');
    for (int i = 0; i < 3000; i++)
        buffer_format(&text, "%s\"é%d\"", i == 0 ? "" : ",", i);
    buffer_add(&text, "]", 2);
    assert_false(job_read(&arena, job_text(&arena, "prompt", text.at), &job, &error));
    assert_true(utf8_is_valid(str_of(error.text)));
    assert_non_null(strstr(error.text, "…\nValidator: v.string()"));
}

static void one_value_is_read_and_written_by_a_field_alone(void **state)
{
    static const struct field item = ITEM_INT(.min = 1, .max = 3);
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer out = {0};
    struct json tree = {.kind = JSON_INT, .integer = 3};
    struct field_error error;
    int64_t value = 0;
    assert_true(field_read(&arena, &item, &tree, &value, &error));
    field_write(&out, &item, &value);
    assert_true(str_equal(buffer_text(&out), STR("3")));
    tree.integer = 4;
    assert_false(field_read(&arena, &item, &tree, &value, &error));
    assert_string_equal(error.path, "");
    assert_string_equal(error.text, "Value does not match validator.\nNumber 4 is greater than 3.");
}

static void wire_names_are_the_members_in_camel_case(void **state)
{
    char room[64];
    assert_true(str_equal(field_wire_name(&job_fields[2], room), STR("ownerId")));
    assert_true(str_equal(field_wire_name(&job_fields[0], room), STR("_id")));
    assert_ptr_equal(shape_field(&job_type.shape, STR("ownerId")), &job_fields[2]);
    assert_ptr_equal(shape_field(&job_type.shape, STR("_creationTime")), &job_fields[1]);
    assert_null(shape_field(&job_type.shape, STR("owner_id")));
    assert_null(shape_field(&job_type.shape, STR("ownerI")));
    assert_null(shape_field(&job_type.shape, STR("ownerIds")));
}

static void a_zeroed_document_is_written_without_what_it_lacks(void **state)
{
    AUTO(buffer_done) struct buffer out = {0};
    struct job job = {0};
    shape_write(&out, &job_type.shape, &job);
    assert_true(str_equal(
        buffer_text(&out),
        STR("{\"ownerId\":null,\"prompt\":\"\",\"count\":0,\"strength\":0,\"isPublic\":false,"
            "\"madeAt\":0,\"cost\":0,\"status\":null,\"size\":{\"width\":0},\"tags\":[],"
            "\"note\":null}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written_the_same),
        cmocka_unit_test(values_land_in_their_members),
        cmocka_unit_test(a_missing_field_is_named),
        cmocka_unit_test(an_extra_field_is_named_with_what_may_have_been_meant),
        cmocka_unit_test(extra_fields_are_taken_only_where_said),
        cmocka_unit_test(a_wrong_kind_is_shown_with_its_value_and_the_validator),
        cmocka_unit_test(null_is_refused_unless_the_field_says_otherwise),
        cmocka_unit_test(an_id_of_another_table_or_garbage_is_refused),
        cmocka_unit_test(text_limits_count_characters_and_say_so),
        cmocka_unit_test(text_without_a_limit_of_its_own_ends_at_a_mebibyte),
        cmocka_unit_test(numbers_are_held_to_their_limits),
        cmocka_unit_test(whole_numbers_may_be_written_as_any_number),
        cmocka_unit_test(times_are_within_what_a_date_can_be),
        cmocka_unit_test(lists_are_held_to_their_limits),
        cmocka_unit_test(any_value_is_kept_as_canonical_text),
        cmocka_unit_test(an_overlong_error_is_cut_between_characters),
        cmocka_unit_test(one_value_is_read_and_written_by_a_field_alone),
        cmocka_unit_test(wire_names_are_the_members_in_camel_case),
        cmocka_unit_test(a_zeroed_document_is_written_without_what_it_lacks),
    };
    return cmocka_run_group_tests(tests, make_ids, NULL);
}

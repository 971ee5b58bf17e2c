/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "json/typescript.h"

enum status { STATUS_NONE, STATUS_PENDING, STATUS_DONE };
static const char *const status_names[] = {[STATUS_PENDING] = "pending", [STATUS_DONE] = "done"};

struct size {
    int64_t width;
    struct maybe_int height;
};
#define ROW struct size
static const struct field size_fields[] = {INT(width), MAYBE_INT(height)};
#undef ROW
static const struct shape size_shape = {
    .name = "size", .size = sizeof(struct size), FIELDS(size_fields)};

static const struct doc_type user_type = {.name = "users", .number = 2};

struct job {
    doc_id id;
    tick created;
    doc_id owner_id;
    bool is_public;
    instant made_at;
    credits cost;
    enum status status;
    struct size size;
    struct list tags, owners;
    str extra;
    str note, title;
};
static const struct field tag_item = ITEM_TEXT();
static const struct field owner_item = ITEM_REF(&user_type);
#define ROW struct job
static const struct field job_fields[] = {
    ID(id),
    CREATED(created),
    REF(owner_id, &user_type),
    BOOL(is_public),
    TIME(made_at),
    CREDITS(cost),
    CHOICE(status, status_names),
    RECORD(size, &size_shape),
    LIST(tags, &tag_item),
    MAYBE_LIST(owners, &owner_item),
    MAYBE_ANY(extra),
    MAYBE_TEXT(note, .is_nullable = true),
    MAYBE_TEXT(title, .wire = "the-title"),
};
#undef ROW
static const struct doc_type job_type = {
    .name = "jobs", .size = sizeof(struct job), .number = 3, FIELDS(job_fields)};

static void expect(struct buffer *got, const char *wanted)
{
    buffer_char(got, '\0');
    assert_string_equal(got->at, wanted);
    buffer_done(got);
}

static void documents_have_their_system_fields_first(void **state)
{
    struct buffer out = {0};
    typescript_of_doc(&out, &job_type);
    expect(&out, "{ _id: Id<\"jobs\">; _creationTime: number; ownerId: Id<\"users\">; "
                 "isPublic: boolean; madeAt: number; cost: number; "
                 "status: \"pending\" | \"done\"; size: { width: number; height?: number }; "
                 "tags: Array<string>; owners?: Array<Id<\"users\">>; extra?: any; "
                 "note: string | null; \"the-title\"?: string }");
}

static void arguments_may_leave_out_what_is_optional(void **state)
{
    struct buffer out = {0};
    struct shape tail = {.name = "tail", .fields = &job_fields[11], .field_count = 2};
    typescript_of_shape(&out, &tail, true);
    expect(&out, "{ note?: string | null; \"the-title\"?: string }");
    typescript_of_shape(&out, &tail, false);
    expect(&out, "{ note: string | null; \"the-title\"?: string }");
}

static void one_value_is_written_alone(void **state)
{
    struct buffer out = {0};
    typescript_of_field(&out, &owner_item, true);
    expect(&out, "Id<\"users\">");
    typescript_of_field(&out, &job_fields[6], true);
    expect(&out, "\"pending\" | \"done\"");
    static const struct shape empty = {.name = "empty"};
    typescript_of_shape(&out, &empty, true);
    expect(&out, "{}");
    static const struct field choices = {.kind = FIELD_LIST, .item = &job_fields[6]};
    typescript_of_field(&out, &choices, false);
    expect(&out, "Array<\"pending\" | \"done\">");
}

static void names_are_quoted_only_where_they_must_be(void **state)
{
    struct buffer out = {0};
    typescript_of_name(&out, STR("default"));
    typescript_of_name(&out, STR("two-words"));
    typescript_of_name(&out, STR("2d"));
    expect(&out, "default\"two-words\"\"2d\"");
}

static void paths_reach_into_records(void **state)
{
    struct buffer out = {0};
    typescript_of_paths(&out, &job_type);
    expect(&out, "\"_id\" | \"_creationTime\" | \"ownerId\" | \"isPublic\" | \"madeAt\" | "
                 "\"cost\" | \"status\" | \"size\" | \"size.width\" | \"size.height\" | \"tags\" | "
                 "\"owners\" | \"extra\" | \"note\" | \"the-title\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_have_their_system_fields_first),
        cmocka_unit_test(arguments_may_leave_out_what_is_optional),
        cmocka_unit_test(one_value_is_written_alone),
        cmocka_unit_test(names_are_quoted_only_where_they_must_be),
        cmocka_unit_test(paths_reach_into_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

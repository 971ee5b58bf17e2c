/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "house.h"

#include "studio/users.h"

#include <stdio.h>
#include <string.h>

/* ---- the tables themselves ---- */

static void check_shape(const char *table, const struct shape *shape, size_t depth);

static size_t align_of(const struct field *field)
{
    if (field->size <= sizeof(struct maybe_bool))
        return 1;
    return field->size == sizeof(int32_t) ? sizeof(int32_t) : sizeof(int64_t);
}

static int by_offset(const void *a, const void *b)
{
    const struct field *const *left = a;
    const struct field *const *right = b;
    return (*left)->offset < (*right)->offset ? -1 : (*left)->offset > (*right)->offset;
}

static size_t aligned(size_t at, size_t align)
{
    return (at + align - 1) / align * align;
}

/* Between two members lies nothing but padding: else a member was forgotten in the table. */
static void check_gaps(const char *table, const struct shape *shape)
{
    const struct field *sorted[128];
    assert_true(shape->field_count <= ARRAY_LEN(sorted));
    for (size_t i = 0; i < shape->field_count; i++)
        sorted[i] = &shape->fields[i];
    qsort(sorted, shape->field_count, sizeof(sorted[0]), by_offset);
    size_t end = 0, widest = 1;
    for (size_t i = 0; i < shape->field_count; i++) {
        if (sorted[i]->offset != aligned(end, align_of(sorted[i])))
            fail_msg("%s: something lies before %s that no row describes", table, sorted[i]->name);
        end = sorted[i]->offset + sorted[i]->size;
        widest = MAX_OF(widest, align_of(sorted[i]));
    }
    if (shape->field_count != 0 && aligned(end, widest) != shape->size)
        fail_msg("%s: something lies behind the last member that no row describes", table);
}

static void check_choices(const char *table, const struct field *field)
{
    assert_true(field->choice_count >= 2);
    if (field->choices[0] != NULL)
        fail_msg("%s: the first choice of %s must be none", table, field->name);
    for (size_t i = 1; i < field->choice_count; i++) {
        if (field->choices[i] == NULL)
            fail_msg("%s: %s has a hole at %zu", table, field->name, i);
        for (size_t k = 1; k < i; k++)
            assert_string_not_equal(field->choices[i], field->choices[k]);
    }
}

static void check_field(const char *table, const struct field *field, size_t depth)
{
    assert_int_not_equal(field->kind, FIELD_NONE);
    if (field->max != 0)
        assert_true(field->min <= field->max);
    assert_true(field->least <= field->most);
    if (field->kind == FIELD_CHOICE)
        check_choices(table, field);
    if (field->kind == FIELD_REF)
        assert_non_null(field->ref);
    if (field->kind == FIELD_RECORD)
        check_shape(table, field->shape, depth + 1);
    if (field->kind == FIELD_LIST)
        check_field(table, field->item, depth + 1);
}

static void check_shape(const char *table, const struct shape *shape, size_t depth)
{
    char a[64], b[64];
    assert_non_null(shape);
    assert_true(depth < 8);
    for (size_t i = 0; i < shape->field_count; i++) {
        str name = field_wire_name(&shape->fields[i], a);
        for (size_t k = 0; k < i; k++)
            if (str_equal(name, field_wire_name(&shape->fields[k], b)))
                fail_msg("%s names %.*s twice", table, STR_ARG(name));
        check_field(table, &shape->fields[i], depth);
    }
    check_gaps(table, shape);
}

static void every_document_table_is_sound(void **state)
{
    for (size_t i = 0; i < studio_schema.count; i++) {
        const struct doc_type *type = studio_schema.types[i];
        check_shape(type->name, &type->shape, 0);
        assert_in_range(type->number, 1, 250);
        assert_non_null(type->about);
        assert_true(type->index_count > 0); /* so that its rows can be walked */
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(type->number, studio_schema.types[k]->number);
            assert_string_not_equal(type->name, studio_schema.types[k]->name);
        }
    }
}

static void every_index_names_real_fields(void **state)
{
    for (size_t i = 0; i < studio_schema.count; i++) {
        const struct doc_type *type = studio_schema.types[i];
        for (size_t k = 0; k < type->index_count; k++) {
            const struct index *index = &type->indexes[k];
            for (size_t f = 0; f < INDEX_FIELDS_MAX && index->fields[f] != NULL; f++)
                if (shape_field(&type->shape, str_of(index->fields[f])) == NULL)
                    fail_msg("%s.%s names %s", type->name, index->name, index->fields[f]);
            for (size_t other = 0; other < k; other++)
                assert_string_not_equal(index->name, type->indexes[other].name);
        }
    }
}

/* An override is laid over what the file says, written out: what it leaves unsaid is a 0 there. */
static void check_unsaid(const struct shape *shape)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        const struct shape *inner = field->kind == FIELD_LIST ? field->item->shape : field->shape;
        bool is_plain = field->kind == FIELD_INT && field->size != sizeof(struct maybe_int);
        if (field->is_optional && is_plain && field->min > 0)
            fail_msg("%s.%s cannot be 0 and cannot be left unsaid", shape->name, field->name);
        if (inner != NULL)
            check_unsaid(inner);
    }
}

static void what_the_file_leaves_unsaid_can_be_laid_under_an_override(void **state)
{
    check_unsaid(&config_plan_shape);
    check_unsaid(&config_model_shape);
    check_unsaid(&config_package_shape);
}

/* ---- the functions ---- */

struct stage {
    struct house *house;
    struct arena arena;
    struct identity *user, *admin;
};

static struct identity *identity_new(const char *subject)
{
    struct identity *identity = memory_zeroed(sizeof(*identity));
    atomic_init(&identity->count, 1);
    identity->issuer = STR("http://localhost:7070");
    identity->subject = str_of(subject);
    identity->token_identifier = str_of(subject);
    identity->claims = STR("{}");
    identity->is_ours = true;
    identity->hash = hash128_bytes(subject, strlen(subject));
    return identity;
}

static void make_users(struct call *call, void *context)
{
    struct stage *stage = context;
    struct identity *both[] = {stage->user, stage->admin};
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        str key = user_external_key(call->arena, both[i]);
        doc_id id = user_ensure(call, key, both[i]->subject, STR(""), STR(""));
        struct user row;
        row_get(call, &user_type, id, &row);
        row.role = both[i] == stage->admin ? ROLE_ADMIN : ROLE_USER;
        row_put(call, &user_type, &row);
    }
}

static int open_stage(void **state)
{
    struct stage *stage = memory_zeroed(sizeof(*stage));
    stage->house = house_new(&(struct house_options){.engine = STORE_MEMORY, .seed = 3});
    stage->user = identity_new("user");
    stage->admin = identity_new("admin");
    house_do(stage->house, make_users, stage);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    house_free(stage->house);
    identity_drop(stage->user);
    identity_drop(stage->admin);
    arena_done(&stage->arena);
    free(stage);
    return 0;
}

/* Runs as the kind that is asked for; only code and text of the reply are kept. */
static enum error_code run(struct stage *stage, const struct call_request *request,
                           enum function_kind as, str *text)
{
    struct call_reply reply;
    arena_reset(&stage->arena);
    if (as != FUNCTION_QUERY) {
        struct mutation *mutation = as == FUNCTION_ACTION ? house_act(stage->house, request)
                                                          : house_mutate(stage->house, request);
        *text = str_copy(&stage->arena, mutation->reply.error_text);
        enum error_code error = mutation->reply.error;
        mutation_free(mutation);
        return error;
    }
    house_query(stage->house, request, &stage->arena, &reply);
    *text = reply.error_text;
    return reply.error;
}

static struct call_request request_for(struct stage *stage, const struct function *function,
                                       str args)
{
    return (struct call_request){
        .path = str_of(function->name),
        .args = args,
        .identity = function->caller == ADMIN ? stage->admin : stage->user,
        .is_internal = function->caller == INTERNAL,
    };
}

static void expect_refusal(struct stage *stage, const struct call_request *request,
                           enum function_kind as, enum error_code wanted, const char *part)
{
    str text;
    enum error_code got = run(stage, request, as, &text);
    if (got != wanted || !str_contains(text, str_of(part)))
        fail_msg("%.*s %.300s: %s, %.*s; wanted %s with \"%s\"", STR_ARG(request->path),
                 request->args.at, error_code_name(got), STR_ARG(text), error_code_name(wanted),
                 part);
}

static void every_function_table_is_sound(void **state)
{
    struct stage *stage = *state;
    const struct program *program = &stage->house->program;
    for (size_t i = 0; i < program->function_count; i++) {
        const struct function *function = program->functions[i];
        check_shape(function->name, &function->args, 0);
        if (function->returns.kind != FIELD_NONE)
            check_field(function->name, &function->returns, 0);
        assert_int_not_equal(function->caller, VISIBILITY_NONE);
        if (function->caller != INTERNAL && function->about == NULL)
            fail_msg("%s says nothing about itself", function->name);
        if (function->ignores_caller)
            assert_int_equal(function->kind, FUNCTION_QUERY);
    }
}

static void every_wrong_caller_is_refused(void **state)
{
    struct stage *stage = *state;
    const struct program *program = &stage->house->program;
    for (size_t i = 0; i < program->function_count; i++) {
        const struct function *function = program->functions[i];
        struct call_request nobody = {.path = str_of(function->name), .args = STR("{}")};
        struct call_request user = nobody;
        user.identity = stage->user;
        if (function->caller == SIGNED_IN || function->caller == ADMIN)
            expect_refusal(stage, &nobody, function->kind, AUTH, "Sign in first.");
        if (function->caller == ADMIN)
            expect_refusal(stage, &user, function->kind, FORBIDDEN, "administrator");
        struct call_request admin = nobody;
        admin.identity = stage->admin;
        if (function->caller == INTERNAL)
            expect_refusal(stage, &admin, function->kind, ARGUMENT,
                           "Could not find public function for");
    }
}

static void every_function_called_as_another_kind_is_refused(void **state)
{
    struct stage *stage = *state;
    const struct program *program = &stage->house->program;
    for (size_t i = 0; i < program->function_count; i++) {
        const struct function *function = program->functions[i];
        struct call_request request = request_for(stage, function, STR("{}"));
        enum function_kind other =
            function->kind == FUNCTION_QUERY ? FUNCTION_MUTATION : FUNCTION_QUERY;
        expect_refusal(stage, &request, other, ARGUMENT, "Trying to execute");
    }
}

/* ---- one beyond each limit ---- */

/*
 * Writes arguments that are good but for one place: the target-th of all the ways in which they
 * can be wrong. Nothing is written wrong when there are fewer ways than that.
 */
struct writing {
    struct buffer text;
    size_t at, target;
    char path[200], part[300];
    bool is_wrong;
};

/* The way is for who reads the calls. */
static bool is_here(struct writing *writing, const char *way)
{
    bool is_it = writing->at++ == writing->target;
    if (is_it) {
        writing->is_wrong = true;
        snprintf(writing->part, sizeof(writing->part), "Path: %s", writing->path);
    }
    return is_it;
}

static void letters(struct writing *writing, int64_t count)
{
    buffer_char(&writing->text, '"');
    for (int64_t i = 0; i < count; i++)
        buffer_char(&writing->text, 'x');
    buffer_char(&writing->text, '"');
}

static void write_good(struct writing *writing, const struct field *field);

static void write_id(struct writing *writing, const struct doc_type *type, bool is_whole)
{
    char id[DOC_ID_TEXT];
    doc_id_write(type, (doc_id){1}, id);
    buffer_format(&writing->text, "\"%.*s\"", is_whole ? DOC_ID_TEXT : DOC_ID_TEXT - 1, id);
}

static const struct doc_type *other_type(const struct doc_type *type)
{
    return studio_schema.types[0] == type ? studio_schema.types[1] : studio_schema.types[0];
}

static void write_members(struct writing *writing, const struct shape *shape)
{
    size_t path_len = strlen(writing->path);
    char room[64];
    bool is_first = true;
    buffer_char(&writing->text, '{');
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        str name = field_wire_name(field, room);
        if (!field->is_optional && is_here(writing, "misses a member")) {
            snprintf(writing->part, sizeof(writing->part), "`%.*s`", STR_ARG(name));
            continue;
        }
        buffer_format(&writing->text, "%s\"%.*s\":", is_first ? "" : ",", STR_ARG(name));
        is_first = false;
        snprintf(writing->path + path_len, sizeof(writing->path) - path_len, ".%.*s",
                 STR_ARG(name));
        write_good(writing, field);
        writing->path[path_len] = 0;
    }
    if (is_here(writing, "has one more")) {
        buffer_format(&writing->text, "%s\"oneMore\":1", is_first ? "" : ",");
        snprintf(writing->part, sizeof(writing->part), "`oneMore`");
    }
    buffer_char(&writing->text, '}');
}

static void write_text(struct writing *writing, const struct field *field)
{
    int64_t max = field->max == 0 ? (int64_t)MIB(1) : field->max;
    if (is_here(writing, "too long"))
        letters(writing, max + 1);
    else if (field->min > 0 && is_here(writing, "too short"))
        letters(writing, field->min - 1);
    else
        letters(writing, MAX_OF(field->min, (int64_t)1));
}

static void write_whole(struct writing *writing, const struct field *field)
{
    bool has_max = field->max != 0 || field->min < 0, has_min = field->min != 0 || field->max != 0;
    if (is_here(writing, "a fraction"))
        buffer_str(&writing->text, STR("1.5"));
    else if (is_here(writing, "too large"))
        buffer_format(&writing->text, "%lld",
                      (long long)(has_max ? field->max + 1 : (INT64_C(1) << 53) + 1));
    else if (is_here(writing, "too small"))
        buffer_format(&writing->text, "%lld",
                      (long long)(has_min ? field->min - 1 : -(INT64_C(1) << 53) - 1));
    else
        buffer_format(&writing->text, "%lld", (long long)MAX_OF(field->min, (int64_t)1));
}

static void write_number(struct writing *writing, const struct field *field)
{
    bool is_limited = field->least < field->most;
    if (is_limited && is_here(writing, "too large"))
        buffer_format(&writing->text, "%.17g", field->most + 0.001);
    else if (is_limited && is_here(writing, "too small"))
        buffer_format(&writing->text, "%.17g", field->least - 0.001);
    else
        buffer_format(&writing->text, "%.17g", is_limited ? field->least : 1.0);
}

static void write_ref(struct writing *writing, const struct field *field)
{
    if (is_here(writing, "of another table"))
        write_id(writing, other_type(field->ref), true);
    else
        write_id(writing, field->ref, !is_here(writing, "cut"));
}

static void write_list(struct writing *writing, const struct field *field)
{
    int64_t count = MAX_OF(field->min, (int64_t)1);
    if (field->max != 0 && is_here(writing, "too many"))
        count = field->max + 1;
    size_t path_len = strlen(writing->path);
    buffer_char(&writing->text, '[');
    for (int64_t i = 0; i < count; i++) {
        buffer_str(&writing->text, i == 0 ? STR("") : STR(","));
        snprintf(writing->path + path_len, sizeof(writing->path) - path_len, "[%lld]",
                 (long long)i);
        write_good(writing, field->item);
    }
    writing->path[path_len] = 0;
    buffer_char(&writing->text, ']');
}

static void write_right_kind(struct writing *writing, const struct field *field)
{
    switch (field->kind) {
    case FIELD_TEXT:
        write_text(writing, field);
        break;
    case FIELD_INT:
    case FIELD_CREDITS:
        write_whole(writing, field);
        break;
    case FIELD_NUMBER:
        write_number(writing, field);
        break;
    case FIELD_REF:
        write_ref(writing, field);
        break;
    case FIELD_CHOICE:
        if (is_here(writing, "no choice"))
            buffer_str(&writing->text, STR("\"none of these\""));
        else
            buffer_format(&writing->text, "\"%s\"", field->choices[1]);
        break;
    case FIELD_RECORD:
        write_members(writing, field->shape);
        break;
    case FIELD_LIST:
        write_list(writing, field);
        break;
    case FIELD_BOOL:
        buffer_str(&writing->text, STR("true"));
        break;
    default:
        buffer_str(&writing->text, STR("1"));
    }
}

static void write_good(struct writing *writing, const struct field *field)
{
    bool is_text =
        field->kind == FIELD_TEXT || field->kind == FIELD_REF || field->kind == FIELD_CHOICE;
    if (field->kind == FIELD_ANY)
        buffer_char(&writing->text, '1');
    else if (is_here(writing, "of another type"))
        buffer_str(&writing->text, is_text ? STR("17") : STR("\"17\""));
    else if (!field->is_nullable && is_here(writing, "null"))
        buffer_str(&writing->text, STR("null"));
    else
        write_right_kind(writing, field);
}

static void every_argument_one_beyond_its_limit_is_refused(void **state)
{
    struct stage *stage = *state;
    const struct program *program = &stage->house->program;
    size_t ways = 0;
    for (size_t i = 0; i < program->function_count; i++) {
        const struct function *function = program->functions[i];
        for (size_t target = 0;; target++) {
            struct writing writing = {.target = target};
            write_members(&writing, &function->args);
            if (!writing.is_wrong) {
                buffer_done(&writing.text);
                break;
            }
            struct call_request request = request_for(stage, function, buffer_text(&writing.text));
            expect_refusal(stage, &request, function->kind, ARGUMENT, "ArgumentValidationError");
            expect_refusal(stage, &request, function->kind, ARGUMENT, writing.part);
            buffer_done(&writing.text);
            ways++;
        }
    }
    assert_true(ways > 100);
}

static void arguments_that_are_no_object_are_refused(void **state)
{
    static const char *const bad[] = {"",        "{",  "null",       "1",      "[1]",
                                      "[{},{}]", "[]", "{\"a\":1}x", "{\"a\"}"};
    struct stage *stage = *state;
    const struct program *program = &stage->house->program;
    for (size_t i = 0; i < program->function_count; i++)
        for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
            struct call_request request = request_for(stage, program->functions[i], str_of(bad[k]));
            expect_refusal(stage, &request, program->functions[i]->kind, ARGUMENT,
                           "ArgumentValidationError");
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_file_leaves_unsaid_can_be_laid_under_an_override),
        cmocka_unit_test(every_document_table_is_sound),
        cmocka_unit_test(every_index_names_real_fields),
        cmocka_unit_test_setup_teardown(every_function_table_is_sound, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(every_wrong_caller_is_refused, open_stage, close_stage),
        cmocka_unit_test_setup_teardown(every_function_called_as_another_kind_is_refused,
                                        open_stage, close_stage),
        cmocka_unit_test_setup_teardown(every_argument_one_beyond_its_limit_is_refused, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(arguments_that_are_no_object_are_refused, open_stage,
                                        close_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "call/execute.h"

#include "base/planted.h"

#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
    [FUNCTION_NONE] = "Function",
    [FUNCTION_QUERY] = "Query",
    [FUNCTION_MUTATION] = "Mutation",
    [FUNCTION_ACTION] = "Action",
};

static int by_name(const void *a, const void *b)
{
    const struct function *const *left = a;
    const struct function *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

void program_init(struct program *program, const struct function *const *tables,
                  const size_t *counts, size_t table_count)
{
    size_t total = 0;
    for (size_t t = 0; t < table_count; t++)
        total += counts[t];

    const struct function **sorted = memory_new(total * sizeof(*sorted));
    size_t at = 0;
    for (size_t t = 0; t < table_count; t++)
        for (size_t i = 0; i < counts[t]; i++)
            sorted[at++] = &tables[t][i];
    qsort(sorted, total, sizeof(*sorted), by_name);
    for (size_t i = 1; i < total; i++)
        assert(strcmp(sorted[i - 1]->name, sorted[i]->name) != 0);
    program->functions = sorted;
    program->function_count = total;
}

void program_done(struct program *program)
{
    free(program->functions);
    program->functions = NULL;
    program->function_count = 0;
}

str function_path(struct arena *arena, str path)
{
    ptrdiff_t colon = str_find_last(path, ':');
    str module = colon < 0 ? path : str_slice(path, 0, (size_t)colon);
    str name = colon < 0 ? STR("default") : str_slice(path, (size_t)colon + 1, path.len);
    bool has_ending = str_ends(module, STR(".js"));
    if (colon >= 0 && !has_ending)
        return path;
    if (has_ending)
        module.len -= 3;
    return str_format(arena, "%.*s:%.*s", STR_ARG(module), STR_ARG(name));
}

const struct function *function_find(const struct program *program, str path)
{
    size_t low = 0, high = program->function_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_compare(path, str_of(program->functions[middle]->name));
        if (order == 0)
            return program->functions[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* ---- replies ---- */

/* The same failure of the same call has the same id, so that a re-run query compares equal. */
static uint64_t request_id(const struct call_request *request)
{
    struct hash128 path = hash128_bytes(request->path.at, request->path.len);
    struct hash128 args = hash128_bytes(request->args.at, request->args.len);
    return path.a ^ args.b;
}

static str code_and_message(struct arena *arena, enum error_code error, str text)
{
    AUTO(buffer_done) struct buffer data = buffer_with_max(KIB(16));
    buffer_format(&data, "{\"code\":\"%s\",\"message\":", error_code_name(error));
    json_write_text(&data, text);
    buffer_char(&data, '}');
    return str_copy(arena, buffer_text(&data));
}

void reply_fail(struct arena *arena, struct call_reply *reply, enum error_code error, str text)
{
    *reply = (struct call_reply){.error = error, .error_text = str_copy(arena, text)};
    if (error != ARGUMENT && error != INTERNAL_ERROR)
        reply->error_data = code_and_message(arena, error, text);
}

static void write_failure(struct call *call, const struct call_request *request,
                          struct call_reply *reply)
{
    unsigned long long id = request_id(request);
    *reply = (struct call_reply){.error = call->error, .valid_until = call->valid_until};

    if (call->error == INTERNAL_ERROR && call->program->redacts_errors) {
        reply->error_text = str_format(call->arena, "[Request ID: %016llx] Server Error", id);
        return;
    }
    bool is_plain = call->error == INTERNAL_ERROR || call->error == ARGUMENT;
    if (PLANTED(error_data_always))
        reply->error_data = STR("null");
    if (!is_plain && !PLANTED(error_data_lost))
        reply->error_data = call->error_data.at != NULL
                                ? call->error_data
                                : code_and_message(call->arena, call->error, call->error_text);
    const char *prefix = is_plain ? "Uncaught Error: " : "Uncaught ConvexError: ";
    if (call->error == ARGUMENT)
        prefix = "";
    reply->error_text = str_format(call->arena, "[Request ID: %016llx] Server Error\n%s%.*s", id,
                                   prefix, STR_ARG(call->error_text));
}

static void write_result(struct call *call, const void *result, struct call_reply *reply)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(CALL_RESULT_MAX);
    if (call->function->returns.kind == FIELD_NONE)
        buffer_str(&text, STR("null"));
    else
        field_write(&text, &call->function->returns, result);
    if (text.is_over) {
        call_fail(call, ARGUMENT, "%s: the result is larger than 16 MiB; ask for less at once.",
                  call->function->name);
        return;
    }
    *reply = (struct call_reply){
        .value = str_copy(call->arena, buffer_text(&text)),
        .journal = call->has_paged ? call->journal : (str){0},
        .valid_until = call->valid_until,
        .wakes_jobs = call->wakes_jobs,
    };
}

/* ---- running ---- */

static void check_kind(struct call *call, const struct call_request *request,
                       enum function_kind kind)
{
    const struct function *fn = call->function;
    bool is_hidden = fn == NULL || (fn->caller == INTERNAL && !request->is_internal);
    if (is_hidden) {
        str path = request->path;
        if (str_ends(path, STR(":default")))
            path.len -= strlen(":default");
        call_fail(call, ARGUMENT,
                  "Could not find public function for '%.*s'. Did you forget "
                  "to run `npx convex dev`?",
                  STR_ARG(utf8_cut(path, 200)));
    } else if (fn->kind != kind) {
        call_fail(call, ARGUMENT, "Trying to execute %s as %s, but it is defined as %s.", fn->name,
                  kind_names[kind], kind_names[fn->kind]);
    }
}

static void check_caller(struct call *call)
{
    enum visibility who = call->function->caller;
    if (call->is_internal || who == ANYONE || call_failed(call))
        return;
    doc_id caller = call_caller(call);
    if (call_failed(call))
        return;
    if (!doc_id_is_set(caller))
        call_fail(call, AUTH, "Sign in first.");
    else if (who == ADMIN && !call->is_admin)
        call_fail(call, FORBIDDEN, "Only an administrator may do this.");
}

static const void *read_args(struct call *call, const struct call_request *request)
{
    struct json tree;
    struct fault fault;
    if (request->args.len > CALL_ARGS_MAX) {
        call_fail(call, ARGUMENT, "ArgumentValidationError: The arguments are larger than 16 MiB.");
        return NULL;
    }
    if (!json_read(call->arena, request->args, JSON_DEPTH_LIMIT, &tree, &fault)) {
        call_fail(call, ARGUMENT, "ArgumentValidationError: The arguments are not JSON: %s",
                  fault.text);
        return NULL;
    }
    const struct json *object = &tree;
    if (tree.kind == JSON_LIST && tree.count == 1)
        object = &tree.items[0];

    void *args = arena_alloc(call->arena, call->function->args.size);
    struct field_error error;
    if (!shape_read(call->arena, &call->function->args, object, false, args, &error)) {
        call_fail(call, ARGUMENT, "ArgumentValidationError: %s", error.text);
        return NULL;
    }
    return args;
}

#define RESULT_SIZE_MAX 4096

static void run(struct call *call, const struct call_request *request, enum function_kind kind,
                struct call_reply *reply)
{
    _Alignas(16) char result[RESULT_SIZE_MAX];
    const void *args = NULL;

    check_kind(call, request, kind);
    if (!call_failed(call))
        check_caller(call);
    if (!call_failed(call))
        args = read_args(call, request);
    if (!call_failed(call)) {
        assert(call->function->returns.size <= sizeof(result));
        memset(result, 0, MAX_OF(call->function->returns.size, (size_t)64));
        if (request->answer != NULL)
            call->function->answer(call, args, request->answer, result);
        else
            call->function->run(call, args, result);
    }
    if (!call_failed(call) && call->wish != NULL)
        *reply = (struct call_reply){.wish = call->wish, .wakes_jobs = call->wakes_jobs};
    else if (!call_failed(call))
        write_result(call, result, reply);
    if (call->error != ERROR_NONE)
        write_failure(call, request, reply);
}

void execute_query(const struct program *program, const struct call_request *request,
                   enum function_kind kind, struct view *view, struct arena *arena, instant now,
                   struct call_reply *reply)
{
    struct call call = {
        .arena = arena,
        .view = view,
        .program = program,
        .function = function_find(program, function_path(arena, request->path)),
        .now = now,
        .identity = request->identity,
        .is_internal = request->is_internal,
        .journal = request->journal,
    };
    run(&call, request, kind, reply);
}

void execute_mutation(const struct program *program, const struct call_request *request,
                      struct change *change, struct arena *arena, instant now,
                      struct random *random, struct call_reply *reply)
{
    struct call call = {
        .arena = arena,
        .view = &change->view,
        .change = change,
        .program = program,
        .function = function_find(program, function_path(arena, request->path)),
        .now = now,
        .random = random,
        .identity = request->identity,
        .is_internal = request->is_internal,
    };
    run(&call, request, request->is_action ? FUNCTION_ACTION : FUNCTION_MUTATION, reply);
}

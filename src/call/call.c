/* SPDX-License-Identifier: Apache-2.0 */
#include "call/call.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[ERROR_CODE_COUNT] = {
    [ERROR_NONE] = "",
    [ARGUMENT] = "ARGUMENT",
    [NO_CREDITS] = "NO_CREDITS",
    [QUOTA] = "QUOTA",
    [STATE] = "STATE",
    [RATE_LIMIT] = "RATE_LIMIT",
    [NOT_FOUND] = "NOT_FOUND",
    [FORBIDDEN] = "FORBIDDEN",
    [APPLICATION] = "APPLICATION",
    [AUTH] = "AUTH",
    [OVERLOAD] = "OVERLOAD",
    [TRANSIENT] = "TRANSIENT",
    [INTERNAL_ERROR] = "INTERNAL",
};

const char *error_code_name(enum error_code code)
{
    return code_names[code];
}

#define ERROR_TEXT_MAX 1024

PRINTF_LIKE(2, 0)
static str format_text(struct arena *arena, const char *format, va_list args)
{
    char text[ERROR_TEXT_MAX];
    vsnprintf(text, sizeof(text), format, args);
    return str_copy(arena, str_of(text));
}

/* Only for who has asked call_failed: the first failure sticks, and the store's may be first. */
static void fail_with(struct call *call, enum error_code error, str text, str data)
{
    call->error = error;
    call->error_text = text;
    call->error_data = data;
}

void call_fail(struct call *call, enum error_code error, const char *format, ...)
{
    if (call_failed(call))
        return;
    va_list args;
    va_start(args, format);
    fail_with(call, error, format_text(call->arena, format, args), (str){0});
    va_end(args);
}

void call_fail_data(struct call *call, str data, const char *format, ...)
{
    if (call_failed(call))
        return;
    va_list args;
    va_start(args, format);
    fail_with(call, APPLICATION, format_text(call->arena, format, args),
              str_copy(call->arena, data));
    va_end(args);
}

void call_fail_more(struct call *call, enum error_code error, str more, const char *format, ...)
{
    if (call_failed(call))
        return;
    va_list args;
    va_start(args, format);
    str text = format_text(call->arena, format, args);
    va_end(args);

    AUTO(buffer_done) struct buffer data = buffer_with_max(KIB(16));
    buffer_format(&data, "{\"code\":\"%s\",\"message\":", error_code_name(error));
    json_write_text(&data, text);
    buffer_char(&data, ',');
    buffer_str(&data, more);
    buffer_char(&data, '}');
    fail_with(call, error, text, str_copy(call->arena, buffer_text(&data)));
}

void call_fail_argument(struct call *call, const char *path, const char *format, ...)
{
    if (call_failed(call))
        return;
    va_list args;
    va_start(args, format);
    str text = format_text(call->arena, format, args);
    va_end(args);
    fail_with(call, ARGUMENT,
              str_format(call->arena,
                         "ArgumentValidationError: Value does not match validator.\nPath: %s\n%.*s",
                         path, STR_ARG(text)),
              (str){0});
}

static enum error_code code_of(enum fault_kind kind)
{
    switch (kind) {
    case FAULT_INPUT:
        return STATE;
    case FAULT_FULL:
        return STATE;
    case FAULT_TRANSIENT:
    case FAULT_SYSTEM:
        return TRANSIENT;
    case FAULT_ABSENT:
        return NOT_FOUND;
    default:
        return INTERNAL_ERROR;
    }
}

/* What is wrong with the disk is for the log; the limits are for the caller. */
static void take_over(struct call *call, const struct fault *fault)
{
    enum error_code error = code_of(fault->kind);
    if (error == TRANSIENT || error == INTERNAL_ERROR) {
        log_event(LOG_ERROR, "store_unread", "%s", fault->text);
        fail_with(call, error, STR("The store could not be read just now. Try again in a moment."),
                  (str){0});
    } else {
        fail_with(call, error, str_copy(call->arena, str_of(fault->text)), (str){0});
    }
}

bool call_failed(struct call *call)
{
    if (call->error == ERROR_NONE && call->view->is_failed)
        take_over(call, &call->view->fault);
    return call->error != ERROR_NONE;
}

void call_wish(struct call *call, const struct call_wish *wish)
{
    call->wish = wish;
}

doc_id call_caller(struct call *call)
{
    assert(call->function == NULL || !call->function->ignores_caller);
    if (!call->is_resolved && call->identity != NULL && call->program->resolve != NULL) {
        call->is_resolved = true;
        call->program->resolve(call);
    }
    return call->caller;
}

void call_valid_until(struct call *call, instant at)
{
    if (call->valid_until.us == 0 || at.us < call->valid_until.us)
        call->valid_until = at;
}

enum error_code call_try(struct call *call, void (*fn)(struct call *, void *), void *args,
                         str *error_text)
{
    if (call_failed(call))
        return call->error;

    struct change inner;
    change_nest(call->change, &inner);
    struct call nested = *call;
    nested.change = &inner;
    nested.view = &inner.view;
    fn(&nested, args);

    if (call_failed(&nested)) {
        change_drop(&inner);
        *error_text = nested.error_text;
        return nested.error;
    }
    if (!change_accept(&inner)) {
        *error_text = STR("The change could not be made.");
        return TRANSIENT;
    }
    call->wakes_jobs |= nested.wakes_jobs;
    return ERROR_NONE;
}

bool row_find(struct call *call, const struct doc_type *type, doc_id id, void *row)
{
    memset(row, 0, type->size);
    if (call_failed(call) || !doc_id_is_set(id))
        return false;
    return view_row(call->view, type, id, row);
}

void row_get(struct call *call, const struct doc_type *type, doc_id id, void *row)
{
    if (!row_find(call, type, id, row) && !call_failed(call))
        call_fail(call, NOT_FOUND, "This does not exist, or is not yours to see.");
}

void row_new(struct call *call, const struct doc_type *type, void *row)
{
    if (!call_failed(call))
        change_new(call->change, type, row);
}

void row_put(struct call *call, const struct doc_type *type, const void *row)
{
    if (!call_failed(call))
        change_put(call->change, type, row);
}

void row_remove(struct call *call, const struct doc_type *type, doc_id id)
{
    if (!call_failed(call))
        change_remove(call->change, type, id);
}

doc_id row_first(struct call *call, const struct index *index, struct key key)
{
    if (call_failed(call))
        return (doc_id){0};
    return view_find(call->view, index, key);
}

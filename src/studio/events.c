/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/events.h"

#define KEEP DAYS(30)
#define AT_ONCE 500

#define ROW struct webhook_event
static const struct field webhook_event_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(source, .min = 1, .max = 20),
    TEXT(event_id, .min = 1, .max = 255),
    TEXT(event_type, .max = 100),
    TIME(processed_at),
};
#undef ROW

const struct doc_type webhook_event_type = {
    .name = "webhookEvents",
    .about = "Events of others that were taken, so that each is taken once.",
    .size = sizeof(struct webhook_event),
    FIELDS(webhook_event_fields),
    .number = 33,
    INDEXES({.name = "by_source_event", .fields = {"source", "eventId"}, .is_unique = true},
            {.name = "by_processed", .fields = {"processedAt"}}),
};

/* ---- arguments ---- */

struct event_args {
    str event_id, event_type, source;
};
#define is_processed_args event_args
#define mark_args event_args
#define ROW struct event_args
static const struct field is_processed_fields[] = {
    TEXT(event_id, .min = 1, .max = 255),
    MAYBE_TEXT(event_type, .max = 100),
    MAYBE_TEXT(source, .min = 1, .max = 20, .about = "polar when not given."),
};
#define mark_fields is_processed_fields
#undef ROW

BACKEND_FUNCTION(is_processed, bool)
BACKEND_FUNCTION(mark, bool)

#define RETURNS_BOOL                                                                               \
    {                                                                                              \
        .kind = FIELD_BOOL, .size = sizeof(bool)                                                   \
    }

const struct function event_functions[] = {
    QUERY("webhooks:isEventProcessed", is_processed, .caller = INTERNAL, .returns = RETURNS_BOOL),
    MUTATION("webhooks:markEventProcessed", mark, .caller = INTERNAL, .returns = RETURNS_BOOL,
             .about = "True: it was not before."),
};
const size_t event_function_count = ARRAY_LEN(event_functions);

/* ---- functions ---- */

static doc_id event_find(struct call *call, str source, str id)
{
    return row_first(call, index_of(&webhook_event_type, "by_source_event"),
                     KEY(key_text(source), key_text(id)));
}

bool webhook_event_take(struct call *call, str source, str id, str type)
{
    doc_id known = event_find(call, source, id);
    if (call_failed(call) || doc_id_is_set(known))
        return false;
    struct webhook_event row = {
        .source = source, .event_id = id, .event_type = type, .processed_at = call->now};
    row_new(call, &webhook_event_type, &row);
    row_put(call, &webhook_event_type, &row);
    return true;
}

static str source_of(const struct event_args *args)
{
    return args->source.len == 0 ? STR("polar") : args->source;
}

static void is_processed(struct call *call, const struct event_args *args, bool *result)
{
    *result = doc_id_is_set(event_find(call, source_of(args), args->event_id));
}

static void mark(struct call *call, const struct event_args *args, bool *result)
{
    str type = args->event_type.at == NULL ? STR("") : args->event_type;
    *result = webhook_event_take(call, source_of(args), args->event_id, type);
}

int64_t webhook_events_clean(struct call *call, str *cursor, bool *has_more)
{
    doc_id ids[AT_ONCE];
    struct bounds old = {.to = key_time((instant){call->now.us - KEEP.us})};
    struct webhook_event row;
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&webhook_event_type, "by_processed"), old, ORDER_UP, &scan);
    while (count < AT_ONCE && scan_next(&scan, &row))
        ids[count++] = row.id;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        row_remove(call, &webhook_event_type, ids[i]);
    *has_more = count == AT_ONCE;
    return (int64_t)count;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a generation cost, and why: quote, hold, attempts, and how it was settled. */
#include "studio/studio.h"

#include "studio/attempts.h"
#include "studio/ledger.h"
#include "studio/users.h"

#define LINES_MAX 100 /* of one generation: attempts and movements are far fewer */

/* ---- what is told ---- */

struct receipt_attempt {
    int64_t number;
    str provider, model;
    enum attempt_state state;
    str error;
    instant started_at;
    struct maybe_instant ended_at;
    struct maybe_int cost_micros;
    struct maybe_bool cost_is_told;
    str provider_job, cause;
};
#define ROW struct receipt_attempt
static const struct field receipt_attempt_fields[] = {
    INT(number, .about = "From 1."),
    TEXT(provider),
    TEXT(model),
    CHOICE(state, attempt_state_names),
    MAYBE_TEXT(error),
    TIME(started_at),
    MAYBE_TIME(ended_at),
    MAYBE_INT(cost_micros, .unit = "millionths of a US dollar", .about = "For administrators."),
    MAYBE_BOOL(cost_is_told,
               .about = "By the provider, not by its price list; for administrators."),
    MAYBE_TEXT(provider_job, .about = "For administrators."),
    MAYBE_TEXT(cause, .about = "For administrators."),
};
#undef ROW
static const struct shape receipt_attempt_shape = {.name = "receiptAttempt",
                                                   .size = sizeof(struct receipt_attempt),
                                                   FIELDS(receipt_attempt_fields)};
static const struct field receipt_attempt_item =
    ITEM_RECORD(&receipt_attempt_shape, struct receipt_attempt);

struct receipt_line {
    enum transaction_type type;
    credits amount, balance_after;
    str description;
    instant at;
};
#define ROW struct receipt_line
static const struct field receipt_line_fields[] = {
    CHOICE(type, transaction_type_names),
    CREDITS(amount, .about = "Positive came back, negative was taken."),
    CREDITS(balance_after),
    TEXT(description),
    TIME(at),
};
#undef ROW
static const struct shape receipt_line_shape = {
    .name = "receiptLine", .size = sizeof(struct receipt_line), FIELDS(receipt_line_fields)};
static const struct field receipt_line_item = ITEM_RECORD(&receipt_line_shape, struct receipt_line);

/* Of the hold: nothing is charged while it is held. */
static const char *const credit_state_names[] = {[1] = "held", [2] = "settled", [3] = "released"};

struct receipt {
    doc_id generation_id;
    enum generation_status status;
    str model;
    credits price, quote, held, charged, returned;
    enum {
        CREDIT_NONE,
        CREDIT_HELD,
        CREDIT_SETTLED,
        CREDIT_RELEASED,
    } credit_state;
    int64_t asked_for, made;
    struct list attempts, movements;
    struct maybe_int cost_micros;
    str error;
    instant created_at;
    struct maybe_instant started_at, completed_at;
};
#define ROW struct receipt
static const struct field receipt_fields[] = {
    REF(generation_id, &generation_type),
    CHOICE(status, generation_status_names),
    TEXT(model),
    CREDITS(price, .about = "Of one picture or film, when it was asked for."),
    CREDITS(quote, .about = "What it was said to cost at most."),
    CREDITS(held, .about = "Set aside now."),
    CREDITS(charged, .about = "What it did cost."),
    CREDITS(returned),
    CHOICE(credit_state, credit_state_names),
    INT(asked_for),
    INT(made),
    LIST(attempts, &receipt_attempt_item),
    LIST(movements, &receipt_line_item),
    MAYBE_INT(cost_micros, .unit = "millionths of a US dollar",
              .about = "What it cost us; for administrators."),
    MAYBE_TEXT(error),
    TIME(created_at),
    MAYBE_TIME(started_at),
    MAYBE_TIME(completed_at),
};
#undef ROW
static const struct shape receipt_shape = {
    .name = "receipt", .size = sizeof(struct receipt), FIELDS(receipt_fields)};

struct explain_args {
    doc_id generation_id;
};
#define ROW struct explain_args
static const struct field explain_fields[] = {
    REF(generation_id, &generation_type, .about = "Also the id of a video.")};
#undef ROW

BACKEND_FUNCTION(explain, struct receipt *)

const struct function receipt_functions[] = {
    QUERY("credits:explainCharge", explain, .caller = SIGNED_IN,
          .returns = RETURNS_MAYBE(&receipt_shape),
          .about = "What a generation of the caller (for administrators: anyone's) cost, and why."),
};
const size_t receipt_function_count = ARRAY_LEN(receipt_functions);

/* ---- functions ---- */

static struct list attempts_of(struct call *call, doc_id generation, bool is_admin,
                               struct maybe_int *cost)
{
    struct receipt_attempt *list = arena_array(call->arena, struct receipt_attempt, LINES_MAX);
    struct scan scan;
    struct attempt attempt;
    size_t count = 0;
    view_scan(call->view, index_of(&attempt_type, "by_generation"),
              (struct bounds){.prefix = KEY(key_id(generation))}, ORDER_UP, &scan);
    while (count < LINES_MAX && scan_next(&scan, &attempt)) {
        struct receipt_attempt *line = &list[count++];
        *line = (struct receipt_attempt){.number = attempt.number,
                                         .provider = attempt.provider,
                                         .model = attempt.model,
                                         .state = attempt.state,
                                         .error = attempt.error,
                                         .started_at = attempt.started_at,
                                         .ended_at = attempt.ended_at};
        if (!is_admin)
            continue;
        line->cost_micros = attempt.cost_micros;
        line->cost_is_told = (struct maybe_bool){attempt.cost_is_told, true};
        line->provider_job = attempt.provider_job;
        line->cause = attempt.cause;
        cost->value += attempt.cost_micros.value;
        cost->is_set = true;
    }
    scan_end(&scan);
    return (struct list){list, count};
}

static struct list movements_of(struct call *call, doc_id generation)
{
    struct receipt_line *list = arena_array(call->arena, struct receipt_line, LINES_MAX);
    struct scan scan;
    struct credit_transaction row;
    size_t count = 0;
    view_scan(call->view, index_of(&credit_transaction_type, "by_generation"),
              (struct bounds){.prefix = KEY(key_id(generation))}, ORDER_UP, &scan);
    while (count < LINES_MAX && scan_next(&scan, &row))
        list[count++] = (struct receipt_line){row.type, row.amount, row.balance_after,
                                              row.description, row.created_at};
    scan_end(&scan);
    return (struct list){list, count};
}

static void explain(struct call *call, const struct explain_args *args, struct receipt **result)
{
    struct generation g;
    bool is_admin = user_is_admin(call);
    bool is_there = row_find(call, &generation_type, args->generation_id, &g) &&
                    (is_admin || doc_id_equal(g.user_id, call_caller(call)));
    if (!is_there)
        return;
    bool is_open = generation_is_open(&g);
    credits charged = {is_open ? 0 : g.credits_cost.n - g.credits_refunded.n};
    struct receipt *receipt = arena_new(call->arena, struct receipt);
    *receipt = (struct receipt){
        .generation_id = g.id,
        .status = g.status,
        .model = g.model,
        .price = g.price,
        .quote = g.credits_cost,
        .held = {is_open ? g.credits_cost.n : 0},
        .charged = charged,
        .returned = g.credits_refunded,
        .credit_state = is_open         ? CREDIT_HELD
                        : charged.n > 0 ? CREDIT_SETTLED
                                        : CREDIT_RELEASED,
        .asked_for = g.num_images,
        .made = (int64_t)g.asset_ids.count,
        .movements = movements_of(call, g.id),
        .error = g.error,
        .created_at = g.created_at,
        .started_at = g.started_at,
        .completed_at = g.completed_at,
    };
    receipt->attempts = attempts_of(call, g.id, is_admin, &receipt->cost_micros);
    *result = receipt;
}

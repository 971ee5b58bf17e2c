/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/studio.h"

#include "call/page.h"
#include "studio/generations.h"
#include "studio/ledger.h"
#include "studio/users.h"

/* seed-contracts.md: all rows, or a page when asked for one (CRED-07). */
#define HISTORY_MAX 1000

struct wire_transaction {
    doc_id id;
    tick created;
    enum transaction_type type;
    credits amount, balance_before, balance_after;
    str description;
    doc_id generation_id;
    instant created_at;
};

#define ROW struct wire_transaction
static const struct field wire_transaction_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &credit_transaction_type, .wire = "_id"),
    CREATED(created),
    CHOICE(type, transaction_type_names),
    CREDITS(amount),
    CREDITS(balance_before),
    CREDITS(balance_after),
    TEXT(description),
    MAYBE_REF(generation_id, &generation_type),
    TIME(created_at),
};
#undef ROW
static const struct shape wire_transaction_shape = {.name = "creditTransaction",
                                                    .size = sizeof(struct wire_transaction),
                                                    FIELDS(wire_transaction_fields)};
const struct field credit_history_item =
    ITEM_RECORD(&wire_transaction_shape, struct wire_transaction);
PAGE_SHAPE(transaction_page, &credit_history_item)

static const struct field history_whole = RETURNS_LIST(&credit_history_item);
static const struct field history_paged = RETURNS_RECORD(&transaction_page, struct page);

NO_ARGS(get_credits)

struct get_history_args {
    struct page_options *pagination_opts;
    enum transaction_type type;
    doc_id user_id;
};
#define ROW struct get_history_args
static const struct field get_history_fields[] = {
    MAYBE_RECORD(pagination_opts, &page_options_shape),
    MAYBE_CHOICE(type, transaction_type_names, .about = "Only these."),
    MAYBE_REF(user_id, &user_type, .about = "Somebody else's, for administrators."),
};
#undef ROW

struct get_balance_args {
    doc_id user_id;
};
#define ROW struct get_balance_args
static const struct field get_balance_fields[] = {
    MAYBE_REF(user_id, &user_type, .about = "Somebody else's, for administrators.")};
#undef ROW

BACKEND_FUNCTION(get_credits, struct maybe_int)
BACKEND_FUNCTION(get_balance, int64_t)
BACKEND_FUNCTION(get_history, str)

const struct function credit_functions[] = {
    QUERY("credits:getCredits", get_credits, .caller = ANYONE, .returns = RETURNS_MAYBE_INT,
          .about = "The caller's balance; null for nobody."),
    QUERY("credits:getCreditBalance", get_balance, .caller = SIGNED_IN, .returns = RETURNS_INT,
          .about = "The caller's balance; for administrators, anyone's."),
    QUERY("credits:getCreditHistory", get_history, .caller = SIGNED_IN, .returns = RETURNS_ANY,
          .one_of = {&history_whole, &history_paged},
          .about = "The caller's ledger, newest first: all rows, or a page when asked for one."),
};
const size_t credit_function_count = ARRAY_LEN(credit_functions);

static void get_credits(struct call *call, const struct get_credits_args *args,
                        struct maybe_int *result)
{
    doc_id user = call_caller(call);
    if (!doc_id_is_set(user))
        return;
    struct balance balance = ledger_balance(call, user);
    *result = (struct maybe_int){ledger_available(call, &balance).n, true};
}

static void get_balance(struct call *call, const struct get_balance_args *args, int64_t *result)
{
    doc_id caller = call_caller(call);
    doc_id user = doc_id_is_set(args->user_id) ? args->user_id : caller;
    bool may = doc_id_equal(user, caller) || user_is_admin(call);
    REQUIRE(call, may, FORBIDDEN, "This is somebody else's balance.");
    struct balance balance = ledger_balance(call, user);
    *result = ledger_available(call, &balance).n;
}

static bool make_wire(struct call *call, const void *row, void *item, void *context)
{
    const struct credit_transaction *from = row;
    *(struct wire_transaction *)item = (struct wire_transaction){
        .id = from->id,
        .created = from->created,
        .type = from->type,
        .amount = from->amount,
        .balance_before = from->balance_before,
        .balance_after = from->balance_after,
        .description = from->description,
        .generation_id = from->generation_id,
        .created_at = from->created_at,
    };
    return true;
}

static struct list read_all(struct call *call, const struct page_source *source)
{
    struct wire_transaction *rows = arena_array(call->arena, struct wire_transaction, HISTORY_MAX);
    struct credit_transaction row;
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, source->index, source->bounds, source->order, &scan);
    while (count < HISTORY_MAX && scan_next(&scan, &row))
        make_wire(call, &row, &rows[count++], NULL);
    scan_end(&scan);
    return (struct list){rows, count};
}

struct list credit_history_of(struct call *call, doc_id user)
{
    struct page_source source = {.index = index_of(&credit_transaction_type, "by_user"),
                                 .bounds = {.prefix = KEY(key_id(user))},
                                 .order = ORDER_DOWN};
    return read_all(call, &source);
}

static void get_history(struct call *call, const struct get_history_args *args, str *result)
{
    doc_id caller = call_caller(call);
    doc_id user = doc_id_is_set(args->user_id) ? args->user_id : caller;
    bool may = doc_id_equal(user, caller) || user_is_admin(call);
    REQUIRE(call, may, FORBIDDEN, "This is somebody else's history.");
    struct page_source source = {
        .index = index_of(&credit_transaction_type, "by_user"),
        .bounds = {.prefix = KEY(key_id(user))},
        .order = ORDER_DOWN,
        .item_size = sizeof(struct wire_transaction),
        .make = make_wire,
    };
    if (args->type != TRANSACTION_NONE) {
        str type = str_of(transaction_type_names[args->type]);
        source.index = index_of(&credit_transaction_type, "by_user_type");
        source.bounds.prefix = KEY(key_id(user), key_text(type));
    }
    AUTO(buffer_done) struct buffer text = buffer_with_max(CALL_RESULT_MAX);
    if (args->pagination_opts != NULL) {
        struct page page;
        page_read(call, args->pagination_opts, &source, &page);
        field_write(&text, &history_paged, &page);
    } else {
        struct list rows = read_all(call, &source);
        field_write(&text, &history_whole, &rows);
    }
    *result = str_copy(call->arena, buffer_text(&text));
}

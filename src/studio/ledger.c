/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/ledger.h"

#include <string.h>

const char *const transaction_type_names[TRANSACTION_TYPES] = {
    [TRANSACTION_PURCHASE] = "PURCHASE",
    [TRANSACTION_USAGE] = "USAGE",
    [TRANSACTION_BONUS] = "BONUS",
    [TRANSACTION_REFUND] = "REFUND",
    [TRANSACTION_SUBSCRIPTION_GRANT] = "SUBSCRIPTION_GRANT",
    [TRANSACTION_ADJUSTMENT] = "ADJUSTMENT",
    [TRANSACTION_EXPIRY] = "EXPIRY",
};

extern const struct doc_type user_type, generation_type;

/* ---- documents ---- */

struct entry {
    str account; /* "user:<id>", "held:<id>", "revenue", "granted" … */
    credits amount;
};

#define ROW struct entry
static const struct field entry_fields[] = {TEXT(account, .min = 1, .max = 80), CREDITS(amount)};
#undef ROW
static const struct shape entry_shape = {
    .name = "entry", .size = sizeof(struct entry), FIELDS(entry_fields)};
static const struct field entry_item = ITEM_RECORD(&entry_shape, struct entry);

struct movement {
    doc_id id;
    tick created;
    str idempotency_key, reason;
    struct list entries;
};

#define ROW struct movement
static const struct field movement_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(idempotency_key, .min = 1, .max = 200),
    TEXT(reason, .min = 1, .max = 200),
    LIST(entries, &entry_item, .min = 2, .max = 8),
};
#undef ROW

const struct doc_type movement_type = {
    .name = "movements",
    .about = "The journal: each movement's entries sum to zero.",
    .size = sizeof(struct movement),
    FIELDS(movement_fields),
    .number = 6,
    INDEXES({.name = "by_idempotency", .fields = {"idempotencyKey"}, .is_unique = true}),
};

#define ROW struct credit_transaction
static const struct field credit_transaction_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    CHOICE(type, transaction_type_names),
    CREDITS(amount, .about = "Positive adds, negative subtracts."),
    CREDITS(balance_before),
    CREDITS(balance_after),
    TEXT(description, .max = 300),
    MAYBE_REF(generation_id, &generation_type),
    TIME(created_at),
};
#undef ROW

const struct doc_type credit_transaction_type = {
    .name = "creditTransactions",
    .about = "What a user sees of the ledger.",
    .size = sizeof(struct credit_transaction),
    FIELDS(credit_transaction_fields),
    .number = 7,
    INDEXES({.name = "by_user", .fields = {"userId"}},
            {.name = "by_generation", .fields = {"generationId"}}),
};

#define ROW struct balance
static const struct field balance_fields[] = {
    ID(id),           CREATED(created), REF(user_id, &user_type),
    CREDITS(credits), CREDITS(held),    CREDITS(total_used),
};
#undef ROW

const struct doc_type balance_type = {
    .name = "balances",
    .about = "A user's credits, kept beside the journal.",
    .size = sizeof(struct balance),
    FIELDS(balance_fields),
    .number = 8,
    INDEXES({.name = "by_user", .fields = {"userId"}, .is_unique = true}),
};

struct lot {
    doc_id id;
    tick created;
    doc_id user_id;
    credits amount, left;
    struct maybe_instant expires_at;
    bool is_open; /* something is left */
};

#define ROW struct lot
static const struct field lot_fields[] = {
    ID(id),          CREATED(created), REF(user_id, &user_type),
    CREDITS(amount), CREDITS(left),    MAYBE_TIME(expires_at),
    BOOL(is_open),
};
#undef ROW

const struct doc_type lot_type = {
    .name = "lots",
    .about = "Credits granted together, and what is left of them.",
    .size = sizeof(struct lot),
    FIELDS(lot_fields),
    .number = 9,
    INDEXES({.name = "by_user_open", .fields = {"userId", "isOpen", "expiresAt"}}),
};

struct part {
    doc_id lot_id;
    credits amount;
};

#define ROW struct part
static const struct field part_fields[] = {REF(lot_id, &lot_type), CREDITS(amount)};
#undef ROW
static const struct shape part_shape = {
    .name = "part", .size = sizeof(struct part), FIELDS(part_fields)};
static const struct field part_item = ITEM_RECORD(&part_shape, struct part);

struct hold {
    doc_id id;
    tick created;
    doc_id user_id, generation_id;
    credits amount;
    struct list parts;
    bool is_open;
};

#define ROW struct hold
static const struct field hold_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    REF(generation_id, &generation_type),
    CREDITS(amount),
    LIST(parts, &part_item, .max = 1000),
    BOOL(is_open),
};
#undef ROW

const struct doc_type hold_type = {
    .name = "holds",
    .about = "Credits set aside for work under way, and the lots they came from.",
    .size = sizeof(struct hold),
    FIELDS(hold_fields),
    .number = 10,
    INDEXES({.name = "by_generation", .fields = {"generationId"}},
            {.name = "by_open", .fields = {"isOpen"}}),
};

/* ---- balances ---- */

struct balance ledger_balance(struct call *call, doc_id user)
{
    struct balance balance;
    doc_id id = row_first(call, index_of(&balance_type, "by_user"), KEY(key_id(user)));
    row_find(call, &balance_type, id, &balance);
    balance.user_id = user;
    return balance;
}

static void balance_put(struct call *call, struct balance *balance)
{
    if (!doc_id_is_set(balance->id))
        row_new(call, &balance_type, balance);
    row_put(call, &balance_type, balance);
}

/* ---- movements ---- */

static str account_of(struct call *call, const char *kind, doc_id user)
{
    return str_format(call->arena, "%s:%lld", kind, (long long)user.n);
}

static bool movement_is_known(struct call *call, str key)
{
    return doc_id_is_set(
        row_first(call, index_of(&movement_type, "by_idempotency"), KEY(key_text(key))));
}

static void movement_put(struct call *call, str key, str reason, struct entry *entries,
                         size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        if (__builtin_add_overflow(sum, entries[i].amount.n, &sum))
            call_fail(call, INTERNAL_ERROR, "A movement overflows.");
    REQUIRE(call, sum == 0, INTERNAL_ERROR, "A movement does not sum to zero.");

    struct movement movement = {
        .idempotency_key = key, .reason = reason, .entries = {entries, count}};
    row_new(call, &movement_type, &movement);
    row_put(call, &movement_type, &movement);
}

/* Changes the balance and tells the user of it. */
static void change_balance(struct call *call, struct balance *balance, credits amount,
                           enum transaction_type type, str description, doc_id generation)
{
    struct credit_transaction row = {
        .user_id = balance->user_id,
        .type = type,
        .amount = amount,
        .balance_before = balance->credits,
        .description = description,
        .generation_id = generation,
        .created_at = call->now,
    };
    if (__builtin_add_overflow(balance->credits.n, amount.n, &balance->credits.n))
        call_fail(call, INTERNAL_ERROR, "A balance overflows.");
    row.balance_after = balance->credits;
    row_new(call, &credit_transaction_type, &row);
    row_put(call, &credit_transaction_type, &row);
}

void ledger_grant(struct call *call, doc_id user, credits amount, enum transaction_type type,
                  str key, str description, instant expires_at)
{
    REQUIRE(call, amount.n > 0, ARGUMENT, "A grant gives at least one credit.");
    if (movement_is_known(call, key) || call_failed(call))
        return;

    struct entry entries[] = {{account_of(call, "user", user), amount},
                              {STR("granted"), {-amount.n}}};
    movement_put(call, key, description, entries, ARRAY_LEN(entries));

    struct lot lot = {.user_id = user, .amount = amount, .left = amount, .is_open = true};
    lot.expires_at = (struct maybe_instant){expires_at, expires_at.us != 0};
    row_new(call, &lot_type, &lot);
    row_put(call, &lot_type, &lot);

    struct balance balance = ledger_balance(call, user);
    change_balance(call, &balance, amount, type, description, (doc_id){0});
    balance_put(call, &balance);
}

/* ---- expiry ---- */

#define PARTS_MAX 1000

/* What has expired leaves the balance now: when it would be spent, or has just come back. */
static void expire(struct call *call, struct balance *balance, str key)
{
    struct lot *lots = arena_array(call->arena, struct lot, PARTS_MAX);
    struct bounds over = {.prefix = KEY(key_id(balance->user_id), key_bool(true)),
                          .from = key_int(0),
                          .to = key_time(call->now)};
    struct scan scan;
    size_t count = 0;
    credits gone = {0};

    if (call_failed(call))
        return;
    view_scan(call->view, index_of(&lot_type, "by_user_open"), over, ORDER_UP, &scan);
    while (count < PARTS_MAX && scan_next(&scan, &lots[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++) {
        gone.n += lots[i].left.n;
        lots[i].left = (credits){0};
        lots[i].is_open = false;
        row_put(call, &lot_type, &lots[i]);
    }
    if (gone.n == 0)
        return;
    str why = STR("Expired credits");
    struct entry entries[] = {{account_of(call, "user", balance->user_id), {-gone.n}},
                              {STR("expired"), gone}};
    movement_put(call, key, why, entries, ARRAY_LEN(entries));
    change_balance(call, balance, (credits){-gone.n}, TRANSACTION_EXPIRY, why, (doc_id){0});
}

/* ---- holds ---- */

/* Reads the lots first and changes them afterwards: a scan must not run over its own writes. */
static void take_from(struct call *call, struct bounds bounds, credits *wanted, struct list *parts)
{
    struct lot *lots = arena_array(call->arena, struct lot, PARTS_MAX);
    struct part *taken = parts->items;
    struct scan scan;
    size_t count = 0;
    credits found = {0};

    if (call_failed(call))
        return;
    view_scan(call->view, index_of(&lot_type, "by_user_open"), bounds, ORDER_UP, &scan);
    while (found.n < wanted->n && parts->count + count < PARTS_MAX &&
           scan_next(&scan, &lots[count]))
        found.n += lots[count++].left.n;
    scan_end(&scan);

    for (size_t i = 0; i < count; i++) {
        credits part = {MIN_OF(wanted->n, lots[i].left.n)};
        wanted->n -= part.n;
        lots[i].left.n -= part.n;
        lots[i].is_open = lots[i].left.n > 0;
        taken[parts->count++] = (struct part){lots[i].id, part};
        row_put(call, &lot_type, &lots[i]);
    }
}

/* Soonest to expire first; what never expires last. */
static struct list take_lots(struct call *call, doc_id user, credits amount)
{
    struct list parts = {arena_array(call->arena, struct part, PARTS_MAX), 0};
    struct bounds expiring = {.prefix = KEY(key_id(user), key_bool(true)),
                              .from = key_time(call->now),
                              .from_is_open = true};
    struct bounds lasting = {
        .prefix = KEY(key_id(user), key_bool(true), (struct key_part){.kind = KEY_NULL})};

    take_from(call, expiring, &amount, &parts);
    take_from(call, lasting, &amount, &parts);
    if (amount.n > 0)
        call_fail(call, INTERNAL_ERROR, "The lots hold less than the balance says.");
    return parts;
}

static str short_by(struct call *call, credits have, credits need)
{
    return str_format(call->arena, "\"have\":%lld,\"need\":%lld,\"short\":%lld", (long long)have.n,
                      (long long)need.n, (long long)(need.n - have.n));
}

doc_id ledger_hold(struct call *call, doc_id user, credits amount, doc_id generation,
                   str description)
{
    struct balance balance = ledger_balance(call, user);
    struct hold hold = {
        .user_id = user, .generation_id = generation, .amount = amount, .is_open = true};
    row_new(call, &hold_type, &hold);
    expire(call, &balance, str_format(call->arena, "expire:hold:%lld", (long long)hold.id.n));
    if (!call_failed(call) && balance.credits.n < amount.n)
        call_fail_more(call, NO_CREDITS, short_by(call, balance.credits, amount),
                       "%lld credits short: this costs %lld and you have %lld.",
                       (long long)(amount.n - balance.credits.n), (long long)amount.n,
                       (long long)balance.credits.n);
    if (call_failed(call))
        return (doc_id){0};

    hold.parts = take_lots(call, user, amount);
    row_put(call, &hold_type, &hold);

    struct entry entries[] = {{account_of(call, "user", user), {-amount.n}},
                              {account_of(call, "held", user), amount}};
    movement_put(call, str_format(call->arena, "hold:%lld", (long long)hold.id.n), description,
                 entries, ARRAY_LEN(entries));
    if (amount.n > 0)
        change_balance(call, &balance, (credits){-amount.n}, TRANSACTION_USAGE, description,
                       generation);
    balance.held.n += amount.n;
    balance_put(call, &balance);
    return hold.id;
}

/* What goes back returns to the lots it came from, the last taken first. */
static void return_to_lots(struct call *call, const struct hold *hold, credits back)
{
    const struct part *parts = hold->parts.items;
    for (size_t i = hold->parts.count; i > 0 && back.n > 0; i--) {
        struct lot lot;
        credits part = {MIN_OF(back.n, parts[i - 1].amount.n)};
        row_get(call, &lot_type, parts[i - 1].lot_id, &lot);
        lot.left.n += part.n;
        lot.is_open = lot.left.n > 0;
        row_put(call, &lot_type, &lot);
        back.n -= part.n;
    }
}

credits ledger_settle(struct call *call, doc_id hold_id, credits cost, str description)
{
    struct hold hold;
    row_get(call, &hold_type, hold_id, &hold);
    if (!call_failed(call) && (!hold.is_open || cost.n < 0 || cost.n > hold.amount.n))
        call_fail(call, INTERNAL_ERROR, "This hold cannot be settled so.");
    if (call_failed(call))
        return (credits){0};

    credits back = {hold.amount.n - cost.n};
    struct entry entries[] = {{account_of(call, "held", hold.user_id), {-hold.amount.n}},
                              {STR("revenue"), cost},
                              {account_of(call, "user", hold.user_id), back}};
    movement_put(call, str_format(call->arena, "settle:%lld", (long long)hold.id.n), description,
                 entries, ARRAY_LEN(entries));
    return_to_lots(call, &hold, back);

    struct balance balance = ledger_balance(call, hold.user_id);
    if (back.n > 0)
        change_balance(call, &balance, back, TRANSACTION_REFUND, description, hold.generation_id);
    expire(call, &balance, str_format(call->arena, "expire:settle:%lld", (long long)hold.id.n));
    balance.held.n -= hold.amount.n;
    balance.total_used.n += cost.n;
    balance_put(call, &balance);
    hold.is_open = false;
    row_put(call, &hold_type, &hold);
    return back;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/ledger_inside.h"

#include "base/planted.h"
#include "studio/alerts.h"

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

/* What is not named is credits: so all was, before there were others. */
static const char *const unit_names[UNITS] = {[UNIT_USD_MICROS] = "usdMicros"};

#define ROW struct entry
static const struct field entry_fields[] = {TEXT(account, .min = 1, .max = 80), CREDITS(amount),
                                            MAYBE_CHOICE(unit, unit_names)};
#undef ROW
static const struct shape entry_shape = {
    .name = "entry", .size = sizeof(struct entry), FIELDS(entry_fields)};
static const struct field entry_item = ITEM_RECORD(&entry_shape, struct entry);

#define ROW struct part
static const struct field part_fields[] = {REF(lot_id, &lot_type), CREDITS(amount)};
#undef ROW
static const struct shape part_shape = {
    .name = "part", .size = sizeof(struct part), FIELDS(part_fields)};
static const struct field part_item = ITEM_RECORD(&part_shape, struct part);

#define ROW struct movement
static const struct field movement_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(idempotency_key, .min = 1, .max = 200),
    TEXT(reason, .min = 1, .max = 200),
    LIST(entries, &entry_item, .min = 2, .max = 8),
    MAYBE_LIST(lots, &part_item, .max = PARTS_MAX),
};
#undef ROW

const struct doc_type movement_type = {
    .name = "movements",
    .about = "The journal: each movement's entries sum to zero per unit.",
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
            {.name = "by_user_type", .fields = {"userId", "type"}},
            {.name = "by_generation", .fields = {"generationId"}}),
};

#define ROW struct balance
static const struct field balance_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    CREDITS(credits),
    CREDITS(held),
    CREDITS(total_used),
    CREDITS(debt, .is_optional = true),
    CREDITS(last_grant, .is_optional = true),
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
    INDEXES({.name = "by_user_open", .fields = {"userId", "isOpen", "expiresAt"}},
            {.name = "by_open_expiry", .fields = {"isOpen", "expiresAt"}}),
};

#define ROW struct hold
static const struct field hold_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    REF(generation_id, &generation_type),
    CREDITS(amount),
    LIST(parts, &part_item, .max = PARTS_MAX),
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

void balance_put(struct call *call, struct balance *balance)
{
    if (!doc_id_is_set(balance->id))
        row_new(call, &balance_type, balance);
    row_put(call, &balance_type, balance);
}

/* ---- movements ---- */

str account_of(struct call *call, const char *kind, doc_id user)
{
    return str_format(call->arena, "%s:%lld", kind, (long long)user.n);
}

bool movement_is_known(struct call *call, str key)
{
    return doc_id_is_set(
        row_first(call, index_of(&movement_type, "by_idempotency"), KEY(key_text(key))));
}

static bool sums_to_zero(const struct entry *entries, size_t count)
{
    int64_t sums[UNITS] = {0};
    for (size_t i = 0; i < count; i++)
        if (__builtin_add_overflow(sums[entries[i].unit], entries[i].amount.n,
                                   &sums[entries[i].unit]))
            return false;
    for (size_t unit = 0; unit < UNITS; unit++)
        if (sums[unit] != 0)
            return false;
    return true;
}

void movement_put(struct call *call, str key, str reason, const struct entry *entries, size_t count,
                  struct list parts, int sign)
{
    struct part *lots = arena_array(call->arena, struct part, parts.count + 1);
    const struct part *from = parts.items;
    REQUIRE(call, sums_to_zero(entries, count), INTERNAL_ERROR, "A movement does not sum to zero.");

    for (size_t i = 0; i < parts.count; i++)
        lots[i] = (struct part){from[i].lot_id, {from[i].amount.n * sign}};
    struct movement movement = {
        .idempotency_key = key,
        .reason = utf8_cut(reason, 200),
        .entries = {memcpy(arena_array(call->arena, struct entry, count), entries,
                           count * sizeof(*entries)),
                    count},
        .lots = {lots, parts.count},
    };
    row_new(call, &movement_type, &movement);
    row_put(call, &movement_type, &movement);
}

/* Changes the balance and tells the user of it. */
void change_balance(struct call *call, struct balance *balance, credits amount,
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
    alert_watch(call, balance->user_id, type, amount);
}

struct list lot_add(struct call *call, doc_id user, credits amount, instant expires_at)
{
    struct lot lot = {.user_id = user, .amount = amount, .left = amount, .is_open = true};
    struct part *part = arena_new(call->arena, struct part);
    lot.expires_at = (struct maybe_instant){expires_at, expires_at.us != 0};
    row_new(call, &lot_type, &lot);
    row_put(call, &lot_type, &lot);
    *part = (struct part){lot.id, amount};
    return (struct list){part, 1};
}

bool ledger_grant(struct call *call, doc_id user, credits amount, enum transaction_type type,
                  str key, str description, instant expires_at)
{
    if (amount.n <= 0)
        call_fail(call, ARGUMENT, "A grant gives at least one credit.");
    if (call_failed(call) || movement_is_known(call, key) || call_failed(call))
        return false;

    struct list parts = lot_add(call, user, amount, expires_at);
    struct entry entries[] = {{account_of(call, "user", user), amount, UNIT_CREDITS},
                              {STR("granted"), {-amount.n}, UNIT_CREDITS}};
    movement_put(call, key, description, entries, ARRAY_LEN(entries), parts, 1);

    struct balance balance = ledger_balance(call, user);
    balance.last_grant = amount;
    change_balance(call, &balance, amount, type, description, (doc_id){0});
    balance_put(call, &balance);
    return true;
}

/* ---- expiry ---- */

static struct bounds open_lots(doc_id user)
{
    return (struct bounds){.prefix = KEY(key_id(user), key_bool(true))};
}

credits ledger_available(struct call *call, const struct balance *balance)
{
    struct bounds expiring = open_lots(balance->user_id);
    struct scan scan;
    struct lot lot;
    credits left = balance->credits;
    expiring.from = key_int(0); /* what never expires sorts before numbers */
    if (call_failed(call) || left.n == 0)
        return left;
    view_scan(call->view, index_of(&lot_type, "by_user_open"), expiring, ORDER_UP, &scan);
    while (scan_next(&scan, &lot)) {
        if (lot.expires_at.value.us > call->now.us) {
            call_valid_until(call, lot.expires_at.value);
            break;
        }
        if (!PLANTED(sim_expired_still_shown))
            left.n -= lot.left.n;
    }
    scan_end(&scan);
    return left;
}

/* Those within the bounds until there is enough, whole before one is changed: a scan must not run
 * over its own writes. */
static struct list read_lots(struct call *call, struct bounds bounds, size_t most, credits enough)
{
    struct lot *lots = NULL, lot;
    size_t count = 0, room = 0;
    struct scan scan;
    credits found = {0};
    if (call_failed(call))
        return (struct list){0};
    view_scan(call->view, index_of(&lot_type, "by_user_open"), bounds, ORDER_UP, &scan);
    while (count < most && found.n < enough.n && scan_next(&scan, &lot)) {
        if (count == room) {
            struct lot *more = arena_array(call->arena, struct lot, room = room * 2 + 4);
            if (count > 0)
                memcpy(more, lots, count * sizeof(*lots));
            lots = more;
        }
        lots[count++] = lot;
        found.n += lot.left.n;
    }
    scan_end(&scan);
    return (struct list){lots, count};
}

void expire(struct call *call, struct balance *balance, str key)
{
    struct bounds over = open_lots(balance->user_id);
    credits gone = {0};

    over.from = key_int(0);
    over.to = key_time(call->now);
    struct list found = read_lots(call, over, PARTS_MAX, (credits){INT64_MAX});
    struct lot *lots = found.items;
    size_t count = found.count;
    if (count == 0)
        return;
    struct part *parts = arena_array(call->arena, struct part, count);
    for (size_t i = 0; i < count; i++) {
        gone.n += lots[i].left.n;
        parts[i] = (struct part){lots[i].id, lots[i].left};
        lots[i].left = (credits){0};
        lots[i].is_open = false;
        row_put(call, &lot_type, &lots[i]);
    }
    if (gone.n == 0)
        return;
    str why = STR("Expired credits");
    struct entry entries[] = {{account_of(call, "user", balance->user_id), {-gone.n}, UNIT_CREDITS},
                              {STR("expired"), gone, UNIT_CREDITS}};
    movement_put(call, key, why, entries, ARRAY_LEN(entries), (struct list){parts, count}, -1);
    change_balance(call, balance, (credits){-gone.n}, TRANSACTION_EXPIRY, why, (doc_id){0});
}

/* ---- holds ---- */

static void take_from(struct call *call, struct bounds bounds, credits *wanted, struct list *parts)
{
    struct list found = read_lots(call, bounds, PARTS_MAX - parts->count, *wanted);
    struct lot *lots = found.items;
    size_t count = found.count;
    if (count == 0)
        return;
    struct part *taken = arena_array(call->arena, struct part, parts->count + count);
    if (parts->count > 0)
        memcpy(taken, parts->items, parts->count * sizeof(*taken));
    parts->items = taken;
    for (size_t i = 0; i < count; i++) {
        credits part = {MIN_OF(wanted->n, lots[i].left.n)};
        wanted->n -= part.n;
        lots[i].left.n -= part.n;
        lots[i].is_open = lots[i].left.n > 0;
        taken[parts->count++] = (struct part){lots[i].id, part};
        row_put(call, &lot_type, &lots[i]);
    }
}

struct list take_lots(struct call *call, doc_id user, credits amount)
{
    struct list parts = {0};
    struct bounds expiring = {.prefix = KEY(key_id(user), key_bool(true)),
                              .from = key_time(call->now),
                              .from_is_open = true};
    struct bounds lasting = {
        .prefix = KEY(key_id(user), key_bool(true), (struct key_part){.kind = KEY_NULL})};

    if (PLANTED(sim_lasting_first))
        take_from(call, lasting, &amount, &parts);
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
    if (!PLANTED(sim_expiry_not_at_hold))
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

    struct entry entries[] = {{account_of(call, "user", user), {-amount.n}, UNIT_CREDITS},
                              {account_of(call, "held", user), amount, UNIT_CREDITS}};
    movement_put(call, str_format(call->arena, "hold:%lld", (long long)hold.id.n), description,
                 entries, ARRAY_LEN(entries), hold.parts, -1);
    if (amount.n > 0)
        change_balance(call, &balance, (credits){-amount.n}, TRANSACTION_USAGE, description,
                       generation);
    if (!PLANTED(sim_hold_uncounted))
        balance.held.n += amount.n;
    balance_put(call, &balance);
    return hold.id;
}

void lot_return(struct call *call, doc_id id, credits amount)
{
    struct lot lot;
    row_get(call, &lot_type, id, &lot);
    lot.left.n += amount.n;
    if (!PLANTED(sim_lot_stays_shut))
        lot.is_open = lot.left.n > 0;
    row_put(call, &lot_type, &lot);
}

/* What goes back returns to the lots it came from, the last taken first. */
static struct list return_to_lots(struct call *call, const struct hold *hold, credits back)
{
    const struct part *parts = hold->parts.items;
    struct part *returned = arena_array(call->arena, struct part, hold->parts.count + 1);
    size_t count = 0;
    for (size_t i = hold->parts.count; i > 0 && back.n > 0; i--) {
        size_t at = PLANTED(sim_returned_to_first_lot) ? hold->parts.count - i : i - 1;
        credits part = {MIN_OF(back.n, parts[at].amount.n)};
        lot_return(call, parts[at].lot_id, part);
        returned[count++] = (struct part){parts[at].lot_id, part};
        back.n -= part.n;
    }
    return (struct list){returned, count};
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
    struct entry entries[] = {
        {account_of(call, "held", hold.user_id), {-hold.amount.n}, UNIT_CREDITS},
        {STR("revenue"), cost, UNIT_CREDITS},
        {account_of(call, "user", hold.user_id), back, UNIT_CREDITS}};
    movement_put(call, str_format(call->arena, "settle:%lld", (long long)hold.id.n), description,
                 entries, ARRAY_LEN(entries), return_to_lots(call, &hold, back), 1);

    struct balance balance = ledger_balance(call, hold.user_id);
    if (back.n > 0)
        change_balance(call, &balance, back, TRANSACTION_REFUND, description, hold.generation_id);
    expire(call, &balance, str_format(call->arena, "expire:settle:%lld", (long long)hold.id.n));
    balance.held.n -= hold.amount.n;
    balance.total_used.n += cost.n;
    balance_put(call, &balance);
    if (!PLANTED(sim_hold_kept_open))
        hold.is_open = false;
    row_put(call, &hold_type, &hold);
    return back;
}

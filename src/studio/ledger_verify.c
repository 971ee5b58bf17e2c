/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/ledger_verify.h"

#include "studio/ledger_inside.h"
#include "studio/users.h"

#include <string.h>

#define ROWS_AT_ONCE 500

/* ---- numbers by id ---- */

/* Of a person: what the journal says, then what rows say. */
enum {
    JOURNAL_HAS,
    JOURNAL_HELD,
    JOURNAL_OWES,
    JOURNAL_USED,
    IS_OLDER, /* some movements do not name their lots */
    LOTS_LEFT,
    HISTORY_AT,
    IS_SEEN, /* also of a lot and a hold: the row is there */
    NUMBERS,
};
#define LOT_LEFT 0    /* of a lot */
#define HOLD_AMOUNT 0 /* of a hold */
#define HOLD_SETTLED 1

struct line {
    int64_t id; /* 0: free */
    int64_t numbers[NUMBERS];
};

struct table {
    struct line *lines;
    size_t count, room; /* room: a power of two */
};

static struct line *slot_of(const struct table *table, int64_t id)
{
    size_t at = (size_t)((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (table->room - 1);
    while (table->lines[at].id != 0 && table->lines[at].id != id)
        at = (at + 1) & (table->room - 1);
    return &table->lines[at];
}

static void grow(struct table *table)
{
    struct table larger = {.count = table->count, .room = MAX_OF(table->room * 2, (size_t)64)};
    larger.lines = memory_zeroed(larger.room * sizeof(struct line));
    for (size_t i = 0; i < table->room; i++)
        if (table->lines[i].id != 0)
            *slot_of(&larger, table->lines[i].id) = table->lines[i];
    free(table->lines);
    *table = larger;
}

/* Of this id; a new one is all zeros. */
static int64_t *numbers_of(struct table *table, int64_t id)
{
    if (table->count * 2 >= table->room)
        grow(table);
    struct line *line = slot_of(table, id);
    table->count += line->id == 0;
    line->id = id;
    return line->numbers;
}

/* ---- reading ---- */

struct verify {
    struct view view;
    struct arena arena; /* of the rows being looked at */
    struct table people, lots, holds;
    struct ledger_sums *sums;
    void (*differs)(void *context, str what);
    void *context;
};

static void differ(struct verify *verify, str what)
{
    verify->sums->differences++;
    verify->differs(verify->context, what);
}

static void compare(struct verify *verify, const char *what, const struct doc_type *type,
                    int64_t id, int64_t got, int64_t wanted)
{
    char text[DOC_ID_TEXT];
    if (got == wanted)
        return;
    doc_id_write(type, (doc_id){id}, text);
    differ(verify, str_format(&verify->arena, "%s %.*s: %lld, but the journal says %lld", what,
                              DOC_ID_TEXT, text, (long long)got, (long long)wanted));
}

/* All rows of a type, by its first index, a few at a time: a view has its limits. */
static bool each(struct verify *verify, const struct doc_type *type, void *row,
                 void (*see)(struct verify *verify, const void *row), struct fault *fault)
{
    AUTO(buffer_done) struct buffer place = buffer_with_max(STORE_KEY_MAX * 2);
    for (bool has_more = true; has_more;) {
        struct scan scan;
        struct bounds rest = {0};
        arena_reset(&verify->arena);
        view_renew(&verify->view, &verify->arena);
        verify->view.records_reads = false;
        if (place.len != 0)
            rest.after = bytes_of(str_copy(&verify->arena, buffer_text(&place)));
        view_scan(&verify->view, &type->indexes[0], rest, ORDER_UP, &scan);
        for (int i = 0; i < ROWS_AT_ONCE && (has_more = scan_next(&scan, row)); i++)
            see(verify, row);
        if (has_more) {
            bytes position = scan_position(&scan);
            buffer_clear(&place);
            buffer_str(&place, (str){(const char *)position.at, position.len});
        }
        scan_end(&scan);
        if (verify->view.is_failed) {
            *fault = verify->view.fault;
            return false;
        }
    }
    return true;
}

/* ---- the journal ---- */

static bool number_behind(str text, const char *prefix, int64_t *out)
{
    str rest;
    if (!str_starts(text, str_of(prefix)))
        return false;
    rest = str_slice(text, strlen(prefix), text.len);
    return str_to_int(rest, out) && *out > 0;
}

/* Whose movement it is, and how it changes what they have; 0: nobody's. */
static int64_t see_entries(struct verify *verify, const struct movement *movement, int64_t *change)
{
    const struct entry *entries = movement->entries.items;
    int64_t sums[UNITS] = {0}, owner = 0, revenue = 0, id;
    for (size_t i = 0; i < movement->entries.count; i++) {
        str account = entries[i].account;
        int64_t amount = entries[i].amount.n;
        sums[entries[i].unit] += amount;
        if (number_behind(account, "user:", &id)) {
            owner = id;
            *change += amount;
            numbers_of(&verify->people, id)[JOURNAL_HAS] += amount;
        } else if (number_behind(account, "held:", &id)) {
            owner = id;
            numbers_of(&verify->people, id)[JOURNAL_HELD] += amount;
        } else if (number_behind(account, "debt:", &id)) {
            numbers_of(&verify->people, id)[JOURNAL_OWES] -= amount;
        }
        revenue += str_equal(account, STR("revenue")) ? amount : 0;
        verify->sums->granted -= str_equal(account, STR("granted")) ? amount : 0;
        verify->sums->outlay += str_equal(account, STR("outlay")) ? amount : 0;
    }
    verify->sums->revenue += revenue;
    if (owner != 0)
        numbers_of(&verify->people, owner)[JOURNAL_USED] += revenue;
    for (size_t unit = 0; unit < UNITS; unit++)
        if (sums[unit] != 0)
            differ(verify, str_format(&verify->arena, "the movement %.*s sums to %lld, not to 0",
                                      STR_ARG(movement->idempotency_key), (long long)sums[unit]));
    return owner;
}

static void see_hold_entries(struct verify *verify, const struct movement *movement)
{
    const struct entry *entries = movement->entries.items;
    int64_t hold, id;
    if (number_behind(movement->idempotency_key, "settle:", &hold))
        numbers_of(&verify->holds, hold)[HOLD_SETTLED]++;
    if (!number_behind(movement->idempotency_key, "hold:", &hold))
        return;
    for (size_t i = 0; i < movement->entries.count; i++)
        if (number_behind(entries[i].account, "held:", &id))
            numbers_of(&verify->holds, hold)[HOLD_AMOUNT] += entries[i].amount.n;
}

static void see_movement(struct verify *verify, const void *row)
{
    const struct movement *movement = row;
    const struct part *lots = movement->lots.items;
    int64_t change = 0, in_lots = 0;
    int64_t owner = see_entries(verify, movement, &change);
    verify->sums->movements++;
    see_hold_entries(verify, movement);
    if (lots == NULL && owner != 0)
        numbers_of(&verify->people, owner)[IS_OLDER] = true;
    for (size_t i = 0; lots != NULL && i < movement->lots.count; i++) {
        in_lots += lots[i].amount.n;
        numbers_of(&verify->lots, lots[i].lot_id.n)[LOT_LEFT] += lots[i].amount.n;
    }
    if (lots != NULL && in_lots != change)
        differ(verify, str_format(&verify->arena,
                                  "the movement %.*s changes a balance by %lld and its lots by "
                                  "%lld",
                                  STR_ARG(movement->idempotency_key), (long long)change,
                                  (long long)in_lots));
}

/* ---- the rows beside it ---- */

static void see_lot(struct verify *verify, const void *row)
{
    const struct lot *lot = row;
    int64_t *person = numbers_of(&verify->people, lot->user_id.n);
    bool is_older = person[IS_OLDER];
    person[LOTS_LEFT] += lot->left.n;
    int64_t *journal = numbers_of(&verify->lots, lot->id.n);
    journal[IS_SEEN] = true;
    if (!is_older)
        compare(verify, "what is left of the lot", &lot_type, lot->id.n, lot->left.n,
                journal[LOT_LEFT]);
    if (lot->is_open != (lot->left.n > 0))
        compare(verify, "whether anything is left of the lot", &lot_type, lot->id.n, lot->is_open,
                lot->left.n > 0);
    if (lot->left.n < 0 || lot->left.n > lot->amount.n)
        compare(verify, "more is left than there was of the lot", &lot_type, lot->id.n, lot->left.n,
                lot->amount.n);
    verify->sums->lots++;
}

static void see_hold(struct verify *verify, const void *row)
{
    const struct hold *hold = row;
    int64_t *journal = numbers_of(&verify->holds, hold->id.n);
    journal[IS_SEEN] = true;
    compare(verify, "what is held by", &hold_type, hold->id.n, hold->amount.n,
            journal[HOLD_AMOUNT]);
    compare(verify, "how often was settled the hold", &hold_type, hold->id.n, !hold->is_open,
            journal[HOLD_SETTLED]);
    verify->sums->holds++;
}

static void see_balance(struct verify *verify, const void *row)
{
    const struct balance *balance = row;
    int64_t user = balance->user_id.n, *journal = numbers_of(&verify->people, user);
    journal[IS_SEEN] = true;
    compare(verify, "the balance of the user", &user_type, user, balance->credits.n,
            journal[JOURNAL_HAS]);
    compare(verify, "what is held of the user", &user_type, user, balance->held.n,
            journal[JOURNAL_HELD]);
    compare(verify, "what is owed by the user", &user_type, user, balance->debt.n,
            journal[JOURNAL_OWES]);
    compare(verify, "what was used by the user", &user_type, user, balance->total_used.n,
            journal[JOURNAL_USED]);
}

/* Each row begins where the one before it ended: they come by user and in order. */
static void see_history(struct verify *verify, const void *row)
{
    const struct credit_transaction *one = row;
    int64_t user = one->user_id.n, *person = numbers_of(&verify->people, user);
    compare(verify, "a row of the history begins, of the user", &user_type, user,
            one->balance_before.n, person[HISTORY_AT]);
    compare(verify, "a row of the history ends, of the user", &user_type, user,
            one->balance_after.n, one->balance_before.n + one->amount.n);
    person[HISTORY_AT] = one->balance_after.n;
}

static void see_people(struct verify *verify)
{
    for (size_t i = 0; i < verify->people.room; i++) {
        const struct line *line = &verify->people.lines[i];
        const int64_t *person = line->numbers;
        if (line->id == 0)
            continue;
        verify->sums->people++;
        compare(verify, "the lots of the user, in sum", &user_type, line->id, person[LOTS_LEFT],
                person[JOURNAL_HAS]);
        compare(verify, "the history's last balance of the user", &user_type, line->id,
                person[HISTORY_AT], person[JOURNAL_HAS]);
        if (!person[IS_SEEN])
            compare(verify, "rows with the balance of the user", &user_type, line->id, 0, 1);
    }
}

/* What the journal knows and nobody has seen. */
static void see_missing(struct verify *verify, const struct table *table, const char *what,
                        const struct doc_type *type)
{
    for (size_t i = 0; i < table->room; i++)
        if (table->lines[i].id != 0 && !table->lines[i].numbers[IS_SEEN])
            compare(verify, what, type, table->lines[i].id, 0, 1);
}

static bool see_all(struct verify *verify, struct fault *fault)
{
    struct movement movement;
    struct lot lot;
    struct hold hold;
    struct balance balance;
    struct credit_transaction transaction;
    if (!each(verify, &movement_type, &movement, see_movement, fault) ||
        !each(verify, &lot_type, &lot, see_lot, fault) ||
        !each(verify, &hold_type, &hold, see_hold, fault) ||
        !each(verify, &balance_type, &balance, see_balance, fault) ||
        !each(verify, &credit_transaction_type, &transaction, see_history, fault))
        return false;
    see_people(verify);
    see_missing(verify, &verify->lots, "rows with the lot", &lot_type);
    see_missing(verify, &verify->holds, "rows with the hold", &hold_type);
    return true;
}

bool ledger_verify(struct store *store, void (*differs)(void *context, str what), void *context,
                   struct ledger_sums *out, struct fault *fault)
{
    struct verify verify = {.sums = out, .differs = differs, .context = context};
    *out = (struct ledger_sums){0};
    if (!view_begin(store, &verify.arena, &verify.view, fault))
        return false;
    bool is_read = see_all(&verify, fault);
    view_end(&verify.view);
    arena_done(&verify.arena);
    free(verify.people.lines);
    free(verify.lots.lines);
    free(verify.holds.lines);
    return is_read;
}

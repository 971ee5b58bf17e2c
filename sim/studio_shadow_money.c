/* SPDX-License-Identifier: Apache-2.0 */
/* The journal, and what balances, lots and holds say of it. */
#include "studio_shadow.h"

#include "base/hash.h"
#include "studio/ledger_inside.h"
#include "studio/users.h"

#include <stdio.h>

_Static_assert(UNITS == SHADOW_UNITS, "an account has a sum of each unit");

static uint64_t hash_of(str text)
{
    return hash128_bytes(text.at, text.len).a;
}

static int64_t account_sum(const struct shadow *s, const char *kind, int64_t user)
{
    char name[60];
    int len = snprintf(name, sizeof(name), "%s:%lld", kind, (long long)user);
    const struct kept_account *kept = keep_find(&s->accounts, hash_of((str){name, (size_t)len}));
    return kept == NULL ? 0 : kept->sums[UNIT_CREDITS];
}

void shadow_touch_user(struct shadow *s, int64_t user)
{
    if (user != 0)
        keep_get(&s->users, (uint64_t)user);
}

/* ---- movements ---- */

/* "user:7", "held:7", "debt:7" */
static int64_t user_of(str account)
{
    int64_t user = 0;
    ptrdiff_t colon = str_find(account, ':');
    bool is_of_user = str_starts(account, STR("user:")) || str_starts(account, STR("held:")) ||
                      str_starts(account, STR("debt:"));
    if (!is_of_user || !str_to_int(str_slice(account, (size_t)colon + 1, account.len), &user))
        return 0;
    return user;
}

static void book(struct shadow *s, struct kept_movement *kept, const struct movement *row)
{
    const struct entry *entries = row->entries.items;
    int64_t sums[UNITS] = {0}, user = 0, adjusted = 0;
    for (size_t i = 0; i < row->entries.count; i++) {
        struct kept_account *account = keep_get(&s->accounts, hash_of(entries[i].account));
        account->sums[entries[i].unit] += entries[i].amount.n;
        sums[entries[i].unit] += entries[i].amount.n;
        if (str_equal(entries[i].account, STR("revenue")))
            kept->revenue += entries[i].amount.n;
        shadow_touch_user(s, user_of(entries[i].account));
        user = MAX_OF(user, user_of(entries[i].account));
        adjusted -= str_equal(entries[i].account, STR("adjusted")) ? entries[i].amount.n : 0;
    }
    if (adjusted != 0)
        ((struct kept_person *)keep_get(&s->people, (uint64_t)user))->adjusted += adjusted;
    for (size_t i = 0; i < UNITS; i++)
        if (sums[i] != 0)
            life_wrong(s->life, "movement %.*s does not sum to zero",
                       STR_ARG(row->idempotency_key));
    if (row->entries.count < 2)
        life_wrong(s->life, "movement %.*s has one side only", STR_ARG(row->idempotency_key));
}

int64_t shadow_adjusted(const struct shadow *s, const char *user)
{
    doc_id id;
    const struct kept_person *kept =
        doc_id_read(&user_type, str_of(user), &id) ? keep_find(&s->people, (uint64_t)id.n) : NULL;
    return kept == NULL ? 0 : kept->adjusted;
}

int64_t shadow_available(const struct shadow *s, const char *user)
{
    doc_id id;
    int64_t sum = 0;
    if (!doc_id_read(&user_type, str_of(user), &id))
        return -1;
    for (size_t i = 0; i < s->lots.count; i++) {
        const struct kept_lot *lot = keep_at(&s->lots, i);
        bool is_over = lot->expires_at.us != 0 && lot->expires_at.us <= s->life->house->now.us;
        sum += lot->user == id.n && !is_over ? lot->left : 0;
    }
    return sum;
}

static uint64_t hash_of_row(const struct movement *row)
{
    const struct entry *entries = row->entries.items;
    uint64_t hash = hash_of(row->idempotency_key);
    for (size_t i = 0; i < row->entries.count; i++)
        hash = hash * 31 + hash_of(entries[i].account) + (uint64_t)entries[i].amount.n;
    return hash;
}

static size_t take_parts(const struct list *from, struct kept_part parts[SHADOW_PARTS])
{
    const struct part *all = from->items;
    for (size_t i = 0; i < from->count && i < SHADOW_PARTS; i++)
        parts[i] = (struct kept_part){all[i].lot_id.n, all[i].amount.n};
    return from->count;
}

void shadow_take_movement(struct shadow *s, doc_id id)
{
    struct movement row;
    bool is_new = keep_find(&s->movements, (uint64_t)id.n) == NULL;
    if (!view_row(&s->view, &movement_type, id, &row)) {
        life_wrong(s->life, "a movement is gone");
        return;
    }
    struct kept_movement *kept = keep_get(&s->movements, (uint64_t)id.n);
    uint64_t hash = hash_of_row(&row);
    if (!is_new && kept->hash != hash)
        life_wrong(s->life, "movement %.*s was changed", STR_ARG(row.idempotency_key));
    if (!is_new)
        return;
    kept->hash = hash;
    struct kept_key *key = keep_get(&s->keys, hash_of(row.idempotency_key));
    if (key->movement != 0)
        life_wrong(s->life, "movement %.*s is there twice", STR_ARG(row.idempotency_key));
    key->movement = (uint64_t)id.n;
    kept->part_count = take_parts(&row.lots, kept->parts);
    book(s, kept, &row);
}

const struct kept_movement *shadow_movement(const struct shadow *s, const char *kind, int64_t id)
{
    char name[60];
    int len = snprintf(name, sizeof(name), "%s:%lld", kind, (long long)id);
    const struct kept_key *key = keep_find(&s->keys, hash_of((str){name, (size_t)len}));
    return key == NULL ? NULL : keep_find(&s->movements, key->movement);
}

const struct kept_movement *shadow_closing(const struct shadow *s, int64_t hold)
{
    return shadow_movement(s, "settle", hold);
}

/* ---- lots, holds, balances ---- */

void shadow_take_lot(struct shadow *s, doc_id id)
{
    struct lot row;
    struct kept_lot *kept = keep_get(&s->lots, (uint64_t)id.n);
    kept->left = 0;
    if (!view_row(&s->view, &lot_type, id, &row))
        return;
    kept->user = row.user_id.n;
    kept->left = row.left.n;
    kept->expires_at = row.expires_at.is_set ? row.expires_at.value : (instant){0};
    shadow_touch_user(s, row.user_id.n);
    if (row.left.n < 0 || row.left.n > row.amount.n || row.is_open != (row.left.n > 0))
        life_wrong(s->life, "of a lot of %lld, %lld are left", (long long)row.amount.n,
                   (long long)row.left.n);
}

static bool is_sooner(instant a, instant b)
{
    return a.us != 0 && (b.us == 0 || a.us < b.us);
}

/* Soonest to expire first: nothing older is left beside what was taken. */
static void check_spent(struct shadow *s, const struct hold *hold)
{
    const struct part *taken = hold->parts.items;
    int64_t sum = 0;
    for (size_t i = 0; i < hold->parts.count; i++) {
        const struct kept_lot *from = keep_find(&s->lots, (uint64_t)taken[i].lot_id.n);
        sum += taken[i].amount.n;
        for (size_t k = 0; k < s->lots.count && from != NULL; k++) {
            const struct kept_lot *other = keep_at(&s->lots, k);
            if (other->user == hold->user_id.n && MIN_OF(other->left, other->was_left) > 0 &&
                is_sooner(other->expires_at, from->expires_at))
                life_wrong(s->life, "a hold takes what expires later first");
        }
    }
    if (sum != hold->amount.n)
        life_wrong(s->life, "a hold of %lld took %lld from lots", (long long)hold->amount.n,
                   (long long)sum);
}

static void check_expired(struct shadow *s, int64_t user)
{
    for (size_t i = 0; i < s->lots.count; i++) {
        const struct kept_lot *lot = keep_at(&s->lots, i);
        if (lot->user == user && lot->left > 0 && lot->expires_at.us != 0 &&
            lot->expires_at.us <= s->life->house->now.us)
            life_wrong(s->life, "credits that have expired are still there after a hold");
    }
}

void shadow_take_hold(struct shadow *s, doc_id id)
{
    struct hold row;
    bool is_new = keep_find(&s->holds, (uint64_t)id.n) == NULL;
    if (!view_row(&s->view, &hold_type, id, &row)) {
        life_wrong(s->life, "a hold is gone");
        return;
    }
    struct kept_hold *kept = keep_get(&s->holds, (uint64_t)id.n);
    if (!is_new && (kept->amount != row.amount.n || (row.is_open && !kept->is_open)))
        life_wrong(s->life, "a hold of %lld is one of %lld now", (long long)kept->amount,
                   (long long)row.amount.n);
    kept->user = row.user_id.n;
    kept->amount = row.amount.n;
    kept->is_open = row.is_open;
    kept->part_count = take_parts(&row.parts, kept->parts);
    shadow_touch_user(s, row.user_id.n);
    if (is_new && row.is_open) {
        check_spent(s, &row);
        check_expired(s, row.user_id.n);
    }
}

/* What is charged is of the lots taken first; each of the others has its part back. */
static void check_returned(struct shadow *s, const struct kept_hold *hold,
                           const struct kept_movement *closing)
{
    int64_t paid = closing->revenue;
    if (hold->part_count > SHADOW_PARTS || closing->part_count > SHADOW_PARTS)
        return;
    for (size_t i = 0; i < hold->part_count; i++) {
        int64_t back = 0, of_this = MIN_OF(paid, hold->parts[i].amount);
        paid -= of_this;
        for (size_t k = 0; k < closing->part_count; k++)
            back += closing->parts[k].lot == hold->parts[i].lot ? closing->parts[k].amount : 0;
        if (back != hold->parts[i].amount - of_this)
            life_wrong(s->life, "a lot lent %lld to hold %lld and has %lld back",
                       (long long)hold->parts[i].amount, (long long)hold->id, (long long)back);
    }
}

void shadow_check_hold(struct shadow *s, doc_id id)
{
    const struct kept_hold *hold = keep_find(&s->holds, (uint64_t)id.n);
    if (hold == NULL)
        return;
    const struct kept_movement *closing = shadow_closing(s, id.n);
    if ((closing == NULL) != hold->is_open)
        life_wrong(s->life, "hold %lld is %s and has %s closing movement", (long long)id.n,
                   hold->is_open ? "open" : "closed", closing == NULL ? "no" : "a");
    if (closing != NULL && (closing->revenue < 0 || closing->revenue > hold->amount))
        life_wrong(s->life, "hold %lld of %lld is settled for %lld", (long long)id.n,
                   (long long)hold->amount, (long long)closing->revenue);
    if (closing != NULL)
        check_returned(s, hold, closing);
}

void shadow_take_balance(struct shadow *s, doc_id id)
{
    struct balance row;
    if (view_row(&s->view, &balance_type, id, &row))
        shadow_touch_user(s, row.user_id.n);
    else
        life_wrong(s->life, "a balance is gone");
}

static void check_user(struct shadow *s, int64_t user)
{
    struct balance row = {0};
    doc_id id =
        view_find(&s->view, index_of(&balance_type, "by_user"), KEY(key_id((doc_id){user})));
    int64_t held = 0, lots = 0;
    view_row(&s->view, &balance_type, id, &row);
    for (size_t i = 0; i < s->holds.count; i++) {
        const struct kept_hold *hold = keep_at(&s->holds, i);
        held += hold->user == user && hold->is_open ? hold->amount : 0;
    }
    for (size_t i = 0; i < s->lots.count; i++) {
        const struct kept_lot *lot = keep_at(&s->lots, i);
        lots += lot->user == user ? lot->left : 0;
    }
    const struct {
        const char *what;
        int64_t is, should;
    } claims[] = {{"credits", row.credits.n, account_sum(s, "user", user)},
                  {"held", row.held.n, account_sum(s, "held", user)},
                  {"debt", row.debt.n, -account_sum(s, "debt", user)},
                  {"open holds", held, row.held.n},
                  {"lots", lots, row.credits.n}};
    for (size_t i = 0; i < ARRAY_LEN(claims); i++)
        if (claims[i].is != claims[i].should || claims[i].is < 0)
            life_wrong(s->life, "user %lld: %s are %lld, not %lld", (long long)user, claims[i].what,
                       (long long)claims[i].is, (long long)claims[i].should);
}

void shadow_check_users(struct shadow *s)
{
    const struct kept_account *outlay = keep_find(&s->accounts, hash_of(STR("outlay")));
    int64_t paid = outlay == NULL ? 0 : outlay->sums[UNIT_USD_MICROS];
    for (size_t i = 0; i < s->users.count; i++)
        check_user(s, *(const int64_t *)keep_at(&s->users, i));
    if (paid != s->attempts_cost)
        life_wrong(s->life, "attempts cost %lld, and %lld are booked", (long long)s->attempts_cost,
                   (long long)paid);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "studio/assets.h"
#include "studio/crons.h"
#include "studio/ledger.h"
#include "studio/users.h"

#include <stdio.h>
#include <string.h>

/* ---- rows ---- */

struct json rows_of(struct house *house, struct arena *arena, const struct doc_type *type)
{
    struct view view;
    struct fault fault = {0};
    struct scan scan;
    str body;
    struct json rows = {.kind = JSON_LIST};
    size_t room = 64;

    if (!view_begin(house->store, arena, &view, &fault))
        abort();
    rows.items = arena_array(arena, struct json, room);
    view_scan(&view, &type->indexes[0], (struct bounds){0}, ORDER_UP, &scan);
    while (scan_next_body(&scan, &body)) {
        if (rows.count == room) {
            struct json *larger = arena_array(arena, struct json, room * 2);
            memcpy(larger, rows.items, room * sizeof(struct json));
            rows.items = larger;
            room *= 2;
        }
        if (!json_read(arena, body, 0, &rows.items[rows.count++], &fault))
            abort();
    }
    scan_end(&scan);
    view_end(&view);
    return rows;
}

size_t rows_count(struct house *house, const struct doc_type *type)
{
    AUTO(arena_done) struct arena arena = {0};
    return rows_of(house, &arena, type).count;
}

/* ---- the ledger ---- */

struct books {
    struct house *house;
    struct arena *arena;
    struct json movements, balances, lots, holds, history;
    str wrong;
};

static void wrong(struct books *books, const char *what, int64_t got, int64_t wanted)
{
    if (books->wrong.at == NULL)
        books->wrong =
            str_format(books->arena, "%s: %lld, not %lld", what, (long long)got, (long long)wanted);
}

static int64_t member(const struct json *row, const char *name)
{
    return json_int(json_get(row, name), 0);
}

static bool is_of(const struct json *row, const char *name, str id)
{
    return str_equal(json_text(json_get(row, name)), id);
}

static int64_t sum_of_account(const struct books *books, str account)
{
    int64_t sum = 0;
    for (size_t i = 0; i < books->movements.count; i++) {
        const struct json *entries = json_get(&books->movements.items[i], "entries");
        for (size_t k = 0; k < entries->count; k++)
            if (is_of(&entries->items[k], "account", account))
                sum += member(&entries->items[k], "amount");
    }
    return sum;
}

static void check_movements(struct books *books)
{
    for (size_t i = 0; i < books->movements.count; i++) {
        const struct json *entries = json_get(&books->movements.items[i], "entries");
        int64_t sum = 0, dollars = 0;
        for (size_t k = 0; k < entries->count; k++)
            *(json_get(&entries->items[k], "unit")->kind == JSON_TEXT ? &dollars : &sum) +=
                member(&entries->items[k], "amount");
        if (sum != 0 || dollars != 0)
            wrong(books, "the sum of a movement", sum != 0 ? sum : dollars, 0);
    }
}

static int64_t sum_for(const struct json *rows, str user, const char *name, bool only_open)
{
    int64_t sum = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct json *row = &rows->items[i];
        bool counts = !only_open || json_bool(json_get(row, "isOpen"), false);
        sum += is_of(row, "userId", user) && counts ? member(row, name) : 0;
    }
    return sum;
}

/* Each row of the history begins where the one before it ended. */
static void check_history(struct books *books, str user)
{
    int64_t at = 0;
    for (size_t i = 0; i < books->history.count; i++) {
        const struct json *row = &books->history.items[i];
        if (!is_of(row, "userId", user))
            continue;
        if (member(row, "balanceBefore") != at)
            wrong(books, "a balance before", member(row, "balanceBefore"), at);
        at += member(row, "amount");
        if (member(row, "balanceAfter") != at)
            wrong(books, "a balance after", member(row, "balanceAfter"), at);
    }
}

static void check_user(struct books *books, const struct json *balance)
{
    str user = json_text(json_get(balance, "userId"));
    doc_id id;
    if (!doc_id_read(&user_type, user, &id)) {
        wrong(books, "a balance of nobody", 0, 1);
        return;
    }
    int64_t have = member(balance, "credits"), held = member(balance, "held");
    str account = str_format(books->arena, "user:%lld", (long long)id.n);
    str held_account = str_format(books->arena, "held:%lld", (long long)id.n);
    int64_t of_user = sum_of_account(books, account);
    int64_t of_held = sum_of_account(books, held_account);
    int64_t owed = sum_of_account(books, str_format(books->arena, "debt:%lld", (long long)id.n));
    int64_t open = sum_for(&books->holds, user, "amount", true);
    int64_t left = sum_for(&books->lots, user, "left", false);

    if (have != of_user)
        wrong(books, "the balance and its account", have, of_user);
    if (held != of_held)
        wrong(books, "what is held and its account", held, of_held);
    if (held != open)
        wrong(books, "what is held and the open holds", held, open);
    if (have != left)
        wrong(books, "the balance and what is left of the lots", have, left);
    if (-member(balance, "debt") != owed)
        wrong(books, "a debt and its account", -member(balance, "debt"), owed);
    if (have < 0 || held < 0)
        wrong(books, "a balance below zero", MIN_OF(have, held), 0);
    check_history(books, user);
}

str check_ledger(struct house *house, struct arena *arena)
{
    struct books books = {.house = house, .arena = arena};
    books.movements = rows_of(house, arena, &movement_type);
    books.balances = rows_of(house, arena, &balance_type);
    books.lots = rows_of(house, arena, &lot_type);
    books.holds = rows_of(house, arena, &hold_type);
    books.history = rows_of(house, arena, &credit_transaction_type);
    check_movements(&books);
    for (size_t i = 0; i < books.balances.count; i++)
        check_user(&books, &books.balances.items[i]);
    return books.wrong;
}

str check_files(struct house *house, struct arena *arena)
{
    struct json files = rows_of(house, arena, &file_type);
    for (size_t i = 0; i < files.count; i++) {
        str id = json_text(json_get(&files.items[i], "storageId"));
        bool is_doomed = json_bool(json_get(&files.items[i], "isDoomed"), false);
        if (!is_doomed && !pretend_has_blob(house->outside, id))
            return str_format(arena, "the file %.*s has lost its bytes", STR_ARG(id));
    }
    return (str){0};
}

size_t house_jobs_left(struct house *house)
{
    return rows_count(house, &job_type) - rows_count(house, &cron_run_type);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Who looks at what: subscriptions come and go, and sessions change who they are. */
#include "oracle.h"

#include <stdio.h>
#include <string.h>

/* Two of them have one name: other claims make another identity. Some are nobody's. */
static const int names[IDENTITIES] = {9, 9, 10, 11, VILLAGE_LIGHT, 1};

int identity_word(int identity)
{
    return identity < 0 ? -1 : names[identity];
}

static int some_identity(struct oracle *oracle)
{
    return (int)roll(&oracle->dice, IDENTITIES + 1) - 1;
}

static bool is_same_limit(struct maybe_int a, struct maybe_int b)
{
    return a.is_set == b.is_set && a.value == b.value;
}

static bool is_same_question(const struct question *a, const struct question *b)
{
    return a->kind == b->kind && a->burden == b->burden && a->id == b->id && a->limit == b->limit &&
           a->text == b->text && a->more == b->more && is_same_limit(a->from, b->from) &&
           is_same_limit(a->to, b->to) && a->is_down == b->is_down &&
           a->from_is_open == b->from_is_open && a->to_is_open == b->to_is_open &&
           a->cursor == b->cursor && a->end_cursor == b->end_cursor;
}

const struct identity *identity_at(const struct oracle *oracle, int identity)
{
    return identity < 0 ? NULL : oracle->identities[identity];
}

str mark_text(const struct oracle *oracle, int mark)
{
    return mark < 0 ? (str){0} : (str){oracle->marks[mark].text, oracle->marks[mark].len};
}

static bool is_page(const struct question *question)
{
    return question->kind == ASK_PAGE || question->kind == ASK_MY_PAGE;
}

/* When a page is marked, and so somebody's own, cannot always be seen from here. */
static bool is_shared(const struct oracle *oracle, const struct question *question)
{
    return !is_page(question) || (question->burden == 0 && oracle->threads == NULL);
}

/* The number of the question if it is asked already, or else a new one. */
static size_t number_of(struct oracle *oracle, const struct question *question)
{
    for (size_t i = 0; i < SLOTS && is_shared(oracle, question); i++)
        if (oracle->slots[i].is_used && is_same_question(&oracle->slots[i].question, question))
            return oracle->slots[i].number;
    return ++oracle->last_question;
}

/* The slot of a live query; a new one if there is room, else NULL. */
static struct slot *slot_of(struct oracle *oracle, const struct question *question, size_t number,
                            int identity, int journal)
{
    struct slot *unused = NULL;
    if (question_is_for_all(question->kind))
        identity = -1;
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &oracle->slots[i];
        if (!slot->is_used)
            unused = unused == NULL ? slot : unused;
        else if (slot->number == number && slot->identity == identity && slot->journal == journal &&
                 !slot->is_pinned)
            return slot;
    }
    if (unused == NULL)
        return NULL;
    *unused = (struct slot){.is_used = true,
                            .question = *question,
                            .number = number,
                            .identity = identity,
                            .journal = journal};
    question_args(oracle, question, number, unused->args);
    return unused;
}

void slot_release(struct slot *slot)
{
    if (slot->watchers == 0 && !slot->is_in_job)
        slot->is_used = false;
}

/* Those of one slot share a query, and no others do. */
static void check_query(struct oracle *oracle, const struct slot *slot,
                        const struct live_query *query)
{
    for (size_t i = 0; i < SLOTS; i++) {
        const struct slot *other = &oracle->slots[i];
        if (other->is_used && other->query != NULL && (other == slot) != (other->query == query))
            oracle_fail(oracle, "slot %zu and slot %zu %s", i, (size_t)(slot - oracle->slots),
                        other == slot ? "do not share" : "share a query");
    }
}

/* The watcher is subscribed already. */
static void attach(struct oracle *oracle, struct watcher *watcher, struct slot *slot)
{
    check_query(oracle, slot, watcher->subscription.query);
    if (watcher->subscription.seen != 0)
        oracle_fail(oracle, "a new subscription has seen what it was never told");
    slot->query = watcher->subscription.query;
    watcher->slot = (size_t)(slot - oracle->slots);
    slot->watchers++;
    if (oracle->options.is_loud)
        fprintf(stderr, "    watcher %zu looks at slot %zu: %s %s, identity %d, journal %d\n",
                (size_t)(watcher - oracle->watchers), watcher->slot,
                question_path(slot->question.kind), slot->args, slot->identity, slot->journal);
}

static void subscribe(struct oracle *oracle, struct watcher *watcher, struct slot *slot,
                      size_t session)
{
    int identity = oracle->sessions[session];
    if (oracle->options.plant == PLANT_OTHER_CALLER && roll_one_in(&oracle->dice, 30))
        identity = 3;
    *watcher = (struct watcher){.is_used = true, .session = session, .subscription.owner = watcher};
    live_subscribe(oracle->live, &watcher->subscription, str_of(question_path(slot->question.kind)),
                   str_of(slot->args), identity_at(oracle, identity),
                   mark_text(oracle, slot->journal));
    attach(oracle, watcher, slot);
}

static struct watcher *unused_watcher(struct oracle *oracle)
{
    for (size_t i = 0; i < WATCHERS; i++)
        if (!oracle->watchers[i].is_used)
            return &oracle->watchers[i];
    return NULL;
}

/* A question that is asked already, most likely of a large query in a job. */
static const struct slot *some_slot(struct oracle *oracle)
{
    for (int tries = 0; tries < 4; tries++) {
        const struct slot *slot = &oracle->slots[roll(&oracle->dice, SLOTS)];
        if (slot->is_used && (slot->is_in_job || tries > 1))
            return slot;
    }
    return NULL;
}

void watcher_add(struct oracle *oracle)
{
    struct question question;
    size_t session = roll(&oracle->dice, SESSIONS);
    int journal = -1;
    const struct slot *asked = roll_one_in(&oracle->dice, 3) ? some_slot(oracle) : NULL;
    if (asked != NULL) {
        question = asked->question;
        if (asked->journal < 0 || roll_one_in(&oracle->dice, 2))
            journal = asked->journal;
    } else {
        question_make(oracle, &question);
    }
    if (is_page(&question) && oracle->mark_count != 0 && roll_one_in(&oracle->dice, 4))
        journal = (int)roll(&oracle->dice, oracle->mark_count);
    struct watcher *watcher = unused_watcher(oracle);
    if (watcher == NULL)
        return;
    struct slot *slot = slot_of(oracle, &question, number_of(oracle, &question),
                                oracle->sessions[session], journal);
    if (slot != NULL)
        subscribe(oracle, watcher, slot, session);
}

static void detach(struct oracle *oracle, struct watcher *watcher)
{
    struct slot *slot = &oracle->slots[watcher->slot];
    slot->watchers--;
    slot_release(slot);
    if (oracle->options.is_loud)
        fprintf(stderr, "    watcher %zu leaves slot %zu\n", (size_t)(watcher - oracle->watchers),
                watcher->slot);
}

void watcher_drop(struct oracle *oracle, struct watcher *watcher)
{
    live_unsubscribe(oracle->live, &watcher->subscription);
    watcher->is_used = false;
    detach(oracle, watcher);
}

/* A page keeps the end that it has. */
static void ask_as_other(struct oracle *oracle, struct watcher *watcher)
{
    struct slot old = oracle->slots[watcher->slot];
    int identity = oracle->sessions[watcher->session];
    int journal = old.has_pin ? mark_number(oracle, &old.pin) : old.journal;
    if (question_is_for_all(old.question.kind))
        return;
    struct slot *slot = is_shared(oracle, &old.question)
                            ? slot_of(oracle, &old.question, old.number, identity, journal)
                            : NULL;
    if (slot == NULL) {
        watcher_drop(oracle, watcher);
        return;
    }
    live_resubscribe(oracle->live, &watcher->subscription, identity_at(oracle, identity));
    watcher->news = 0;
    detach(oracle, watcher);
    attach(oracle, watcher, slot);
}

void session_change(struct oracle *oracle)
{
    size_t session = roll(&oracle->dice, SESSIONS);
    int before = oracle->sessions[session];
    oracle->sessions[session] = some_identity(oracle);
    for (size_t i = 0; i < WATCHERS && oracle->sessions[session] != before; i++)
        if (oracle->watchers[i].is_used && oracle->watchers[i].session == session)
            ask_as_other(oracle, &oracle->watchers[i]);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "job/line.h"

#include "base/planted.h"

#define PUBLISHED_MAX 1000
#define SECONDS_WEIGHT 0.1 /* of the newest job in the average */

#define ROW struct lane_row
static const struct field lane_fields[] = {
    ID(id),    CREATED(created), TEXT(lane, .min = 1, .max = 40),
    INT(held), NUMBER(turn),     NUMBER(seconds, .unit = "s"),
};
#undef ROW

const struct doc_type lane_type = {
    .name = "lanes",
    .about = "A lane of jobs: how many of its slots are taken, and its own time.",
    .size = sizeof(struct lane_row),
    FIELDS(lane_fields),
    .number = 22,
    INDEXES({.name = "by_lane", .fields = {"lane"}, .is_unique = true}),
};

#define ROW struct line_share
static const struct field share_fields[] = {
    ID(id),         CREATED(created), INT(owner), TEXT(lane, .min = 1, .max = 40),
    INT(under_way), NUMBER(turn),
};
#undef ROW

const struct doc_type share_type = {
    .name = "shares",
    .about = "What an owner has under way in a lane, and its last turn there.",
    .size = sizeof(struct line_share),
    FIELDS(share_fields),
    .number = 23,
    INDEXES({.name = "by_owner", .fields = {"owner", "lane"}, .is_unique = true}),
};

/* How the line of a lane stands, as published last. */
struct line {
    doc_id id;
    tick created;
    str lane;
    struct list turns; /* double, ascending */
};

#define ROW struct line
static const struct field turn_item = ITEM_NUMBER();
static const struct field line_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(lane, .min = 1, .max = 40),
    LIST(turns, &turn_item, .max = PUBLISHED_MAX),
};
#undef ROW

const struct doc_type line_type = {
    .name = "lines",
    .about = "The turns of who waits in a lane, as published once a second.",
    .size = sizeof(struct line),
    FIELDS(line_fields),
    .number = 24,
    INDEXES({.name = "by_lane", .fields = {"lane"}, .is_unique = true}),
};

/* ---- rows ---- */

struct lane_row lane_row_of(struct call *call, str name)
{
    struct lane_row lane;
    doc_id id = row_first(call, index_of(&lane_type, "by_lane"), KEY(key_text(name)));
    row_find(call, &lane_type, id, &lane);
    lane.lane = name;
    return lane;
}

void lane_row_put(struct call *call, struct lane_row *lane)
{
    if (!doc_id_is_set(lane->id))
        row_new(call, &lane_type, lane);
    row_put(call, &lane_type, lane);
}

static struct line_share share_of(struct call *call, int64_t owner, str lane)
{
    struct line_share share;
    doc_id id =
        row_first(call, index_of(&share_type, "by_owner"), KEY(key_int(owner), key_text(lane)));
    row_find(call, &share_type, id, &share);
    share.owner = owner;
    share.lane = lane;
    return share;
}

static void share_put(struct call *call, struct line_share *share)
{
    if (!doc_id_is_set(share->id))
        row_new(call, &share_type, share);
    row_put(call, &share_type, share);
}

static int64_t under_way(struct call *call, int64_t owner)
{
    struct scan scan;
    struct line_share share;
    int64_t count = 0;
    if (call_failed(call))
        return 0;
    view_scan(call->view, index_of(&share_type, "by_owner"),
              (struct bounds){.prefix = KEY(key_int(owner))}, ORDER_UP, &scan);
    while (scan_next(&scan, &share))
        count += share.under_way;
    scan_end(&scan);
    return count;
}

/* ---- in and out ---- */

static void enter(struct call *call, struct job *job)
{
    struct lane_row lane = lane_row_of(call, job->lane);
    struct line_share share = share_of(call, job->owner, job->lane);
    share.turn = MAX_OF(share.turn, lane.turn) + job->cost;
    share.under_way++;
    share_put(call, &share);
    job->turn = share.turn;
    job->state = JOB_WAITING;
    row_put(call, &job_type, job);
    call->wakes_jobs = true;
}

doc_id line_queue(struct call *call, const char *action, str lane, doc_id about,
                  const struct line_ticket *ticket)
{
    struct job job = {
        .action = str_of(action),
        .lane = lane,
        .about = about.n,
        .state = JOB_PARKED,
        .run_at = call->now,
        .owner = ticket->owner,
        .cost = MAX_OF(ticket->cost, 1.0) / ticket->weight,
    };
    row_new(call, &job_type, &job);
    if (ticket->at_once == 0 || under_way(call, ticket->owner) < ticket->at_once) {
        enter(call, &job);
    } else {
        job.turn = (double)job.created.n; /* parked ones in the order they came */
        row_put(call, &job_type, &job);
    }
    return job.id;
}

static bool first_waiting(struct call *call, str lane, struct key_part from, struct job *out)
{
    struct scan scan;
    struct bounds waiting = {.prefix = KEY(key_text(STR("waiting")), key_text(lane)), .from = from};
    if (call_failed(call))
        return false;
    view_scan(call->view, index_of(&job_type, "by_turn"), waiting,
              PLANTED(sim_line_backwards) ? ORDER_DOWN : ORDER_UP, &scan);
    bool is_there = scan_next(&scan, out);
    scan_end(&scan);
    return is_there;
}

bool line_begin(struct call *call, str name, size_t at_once, struct job *out)
{
    struct lane_row lane = lane_row_of(call, name);
    if (call_failed(call) || lane.held >= (int64_t)at_once)
        return false;
    /* None waits before the lane's time; to look there would be to step over all that were begun
     * since the last commit. It is done when there seems to be nobody. */
    if (!first_waiting(call, name, key_number(lane.turn), out) &&
        !first_waiting(call, name, (struct key_part){0}, out))
        return false;
    if (!PLANTED(sim_slot_uncounted))
        lane.held++;
    if (!PLANTED(sim_lane_time_stands))
        lane.turn = MAX_OF(lane.turn, out->turn);
    lane_row_put(call, &lane);
    out->holds_slot = true;
    out->begun_at = call->now;
    return true;
}

static void unpark(struct call *call, int64_t owner)
{
    struct scan scan;
    struct job job;
    struct bounds parked = {.prefix = KEY(key_int(owner), key_text(STR("parked")))};
    view_scan(call->view, index_of(&job_type, "by_owner"), parked,
              PLANTED(sim_newest_unparked) ? ORDER_DOWN : ORDER_UP, &scan);
    bool is_there = scan_next(&scan, &job);
    scan_end(&scan);
    if (is_there)
        enter(call, &job);
}

void line_leave(struct call *call, const struct job *job)
{
    if (job->owner == 0 || job->state == JOB_PARKED || call_failed(call))
        return;
    struct line_share share = share_of(call, job->owner, job->lane);
    if (!PLANTED(sim_share_kept))
        share.under_way--;
    if (share.under_way <= 0 && share.turn <= lane_row_of(call, job->lane).turn)
        row_remove(call, &share_type, share.id);
    else
        share_put(call, &share);
    if (!PLANTED(sim_unpark_forgotten))
        unpark(call, job->owner);
}

/* ---- how it stands ---- */

void line_note_seconds(struct lane_row *lane, span held)
{
    double seconds = (double)held.us / 1e6;
    lane->seconds = lane->seconds == 0
                        ? seconds
                        : lane->seconds * (1 - SECONDS_WEIGHT) + seconds * SECONDS_WEIGHT;
}

double line_seconds(struct call *call, str lane)
{
    return lane_row_of(call, lane).seconds;
}

static bool is_same(const struct list *a, const struct list *b)
{
    const double *left = a->items, *right = b->items;
    bool is_same = a->count == b->count;
    for (size_t i = 0; i < a->count && is_same; i++)
        is_same = left[i] == right[i];
    return is_same;
}

void line_publish(struct call *call, str lane)
{
    double *turns = arena_array(call->arena, double, PUBLISHED_MAX);
    struct list now = {turns, 0};
    struct scan scan;
    struct job job;
    struct line line;
    struct bounds waiting = {.prefix = KEY(key_text(STR("waiting")), key_text(lane))};
    view_scan(call->view, index_of(&job_type, "by_turn"), waiting, ORDER_UP, &scan);
    while (now.count < PUBLISHED_MAX && scan_next(&scan, &job))
        turns[now.count++] = job.turn;
    scan_end(&scan);

    doc_id id = row_first(call, index_of(&line_type, "by_lane"), KEY(key_text(lane)));
    row_find(call, &line_type, id, &line);
    if (is_same(&line.turns, &now))
        return;
    line.lane = lane;
    line.turns = now;
    if (!doc_id_is_set(line.id))
        row_new(call, &line_type, &line);
    row_put(call, &line_type, &line);
}

int64_t line_position(struct call *call, const struct job *job)
{
    struct line line;
    if (job->state != JOB_WAITING)
        return 0;
    doc_id id = row_first(call, index_of(&line_type, "by_lane"), KEY(key_text(job->lane)));
    row_find(call, &line_type, id, &line);
    const double *turns = line.turns.items;
    for (size_t i = 0; i < line.turns.count; i++)
        if (turns[i] == job->turn)
            return (int64_t)i + 1;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The studio's shadow: what the simulator saw of each row that a commit touched, kept outside the
 * store. After each step the rows that were written since are read and held against what they were
 * and against each other: jobs, lanes and shares (studio_shadow_jobs.c), money and generations
 * (studio_shadow_money.c). After a power cut all rows are: what was committed must be there.
 *
 * Owns:     what it keeps.
 * Threads:  one.
 * Time:     the house's.
 * Fails:    by life_wrong.
 */
#pragma once

#include "studio_keep.h"
#include "studio_life.h"

#include "job/line.h"

#define SHADOW_PARTS 12
#define SHADOW_LANES 16
#define SHADOW_UNITS 2 /* of an account: credits, and micros of a dollar */

struct kept_job {
    uint64_t id;
    bool is_there, holds_slot, is_making;
    size_t lane; /* of the shadow's */
    enum job_state state;
    int64_t owner, about;
    double turn, cost;
    instant run_at;
};

struct kept_lane {
    char name[40];
    int64_t held;
    double turn;
};

struct kept_share {
    uint64_t id;
    bool is_there;
    size_t lane;
    int64_t owner, under_way;
};

struct kept_movement {
    uint64_t id, hash;
    int64_t revenue;
    struct kept_part {
        int64_t lot, amount;
    } parts[SHADOW_PARTS]; /* what lots were given; beyond that many it is not looked at */
    size_t part_count;
};

struct kept_key { /* of a movement, by its hash */
    uint64_t hash, movement;
};

struct kept_account {
    uint64_t hash;
    int64_t sums[SHADOW_UNITS];
};

struct kept_hold {
    uint64_t id;
    int64_t user, amount;
    bool is_open;
    struct kept_part parts[SHADOW_PARTS];
    size_t part_count;
};

struct kept_person {
    uint64_t user;
    int64_t adjusted;
};

struct kept_lot {
    uint64_t id;
    int64_t user, left, was_left;
    instant expires_at; /* 0: never */
};

struct kept_generation {
    uint64_t id;
    bool has_ended, is_gone;
    int64_t user, hold, job, cost, price, status;
    int64_t attempts, open_attempts, failed; /* failed: in a row, with one model */
    uint64_t provider, open_provider, model; /* hashes of the names */
};

struct kept_attempt {
    uint64_t id;
    int64_t generation, state, cost_micros;
    size_t lane; /* its provider's */
    bool is_gone;
};

struct kept_provider {
    uint64_t hash;
    int64_t failed; /* attempts since the last that was done */
};

struct kept_work { /* by the hash of its bytes' name */
    uint64_t hash, asset;
};

enum shadow_table {
    SHADOW_NONE,
    SHADOW_JOB,
    SHADOW_LANE,
    SHADOW_SHARE,
    SHADOW_MOVEMENT,
    SHADOW_LOT,
    SHADOW_HOLD,
    SHADOW_GENERATION,
    SHADOW_ATTEMPT,
    SHADOW_ASSET,
    SHADOW_BALANCE,
    SHADOW_BREAKER,
    SHADOW_TABLES,
};

struct touched {
    enum shadow_table table;
    doc_id id;
};

struct shadow {
    struct life *life;
    struct follower *follower;
    struct touched *touched;
    size_t touched_count, touched_room;
    struct view view;
    struct arena arena;

    struct keep jobs, before; /* before: the jobs as they were */
    struct kept_lane lanes[SHADOW_LANES], lanes_before[SHADOW_LANES];
    struct keep shares, movements, keys, accounts, holds, lots, generations, attempts, works;
    struct keep people, providers;
    int64_t attempts_cost;  /* micros of a dollar, of all that ended */
    int64_t ended, charged; /* generations, and credits when they ended */
    struct keep users;      /* touched in this commit */
};

/* After each start of the house. */
void shadow_follow(struct shadow *shadow);

/* Takes what was committed; also right before a crash. True: there was something. */
bool shadow_update(struct shadow *shadow);

/* Only notes what was committed; where nothing can be read any more. */
void shadow_note(struct shadow *shadow);

/* After a power cut: everything is looked at. */
void shadow_recover(struct shadow *shadow);

void shadow_init(struct shadow *shadow, struct life *life);
void shadow_done(struct shadow *shadow);

/* ---- for the parts ---- */

void shadow_take_job(struct shadow *shadow, doc_id id);
void shadow_take_lane(struct shadow *shadow, doc_id id);
void shadow_take_share(struct shadow *shadow, doc_id id);
void shadow_check_jobs(struct shadow *shadow);

void shadow_take_movement(struct shadow *shadow, doc_id id);
void shadow_take_lot(struct shadow *shadow, doc_id id);
void shadow_take_hold(struct shadow *shadow, doc_id id);
void shadow_take_balance(struct shadow *shadow, doc_id id);
void shadow_check_hold(struct shadow *shadow, doc_id id);
void shadow_check_users(struct shadow *shadow);

void shadow_take_generation(struct shadow *shadow, doc_id id);
void shadow_take_attempt(struct shadow *shadow, doc_id id);
void shadow_check_attempt(struct shadow *shadow, doc_id id);
void shadow_take_asset(struct shadow *shadow, doc_id id);
void shadow_check_generation(struct shadow *shadow, doc_id id);

/* Something is due, and nobody comes for it: for when nobody has anything to do now. */
void shadow_check_quiet(struct shadow *shadow);
void shadow_take_breaker(struct shadow *shadow, doc_id id);

/* The place of a lane or of nothing, by its name. */
size_t shadow_lane(struct shadow *shadow, str name);
int64_t shadow_lane_limit(const struct shadow *shadow, size_t lane); /* < 0: it is not served */

/* Credits that were added to a user's and taken from them, by hand or with the money. */
int64_t shadow_adjusted(const struct shadow *shadow, const char *user);

/* What a user can spend now. */
int64_t shadow_available(const struct shadow *shadow, const char *user);

/* The movement of a key; NULL: there is none. */
const struct kept_movement *shadow_movement(const struct shadow *shadow, const char *kind,
                                            int64_t id);

/* The one movement that closed a hold; NULL: it is not closed. */
const struct kept_movement *shadow_closing(const struct shadow *shadow, int64_t hold);
void shadow_touch_user(struct shadow *shadow, int64_t user);

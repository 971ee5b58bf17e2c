/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line of a lane: whose job is begun next. Start-time fair queueing: each job gets a turn, the
 * later of the lane's own time and its owner's last turn, plus what it costs by its owner's weight;
 * the lowest turn is begun first, and becomes the lane's time. So in every stretch of time owners
 * with work get the lane by their weights, however much one of them asks for, and a job's place
 * never depends on how many wait. It is the fairness of a deficit round robin, kept in an index.
 *
 * The line is published once a second as one row a lane; positions are read from that.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "job/job.h"

struct line_ticket {
    int64_t owner;
    double cost;   /* at least 1 */
    double weight; /* of the owner; 1 is ordinary, more goes sooner */
    int64_t
        at_once; /* jobs of the owner in line and under way; the rest is parked. 0: any number */
};

/* Like job_queue, in line. */
doc_id line_queue(struct call *call, const char *action, str lane, doc_id about,
                  const struct line_ticket *ticket);

/* The next one takes a slot of the lane, if one waits and fewer than at_once are taken. Its row is
 * put by who goes on with it. */
bool line_begin(struct call *call, str lane, size_t at_once, struct job *out);

/* Its owner's job is over: the next one parked goes into the line. For job.c. */
void line_leave(struct call *call, const struct job *job);

/* Writes how the line stands, if that changed. */
void line_publish(struct call *call, str lane);

/* As published last: from 1; 0: not known, or not in line. */
int64_t line_position(struct call *call, const struct job *job);

/* How long a job of this lane has held its slot lately, in seconds; 0: not known. */
double line_seconds(struct call *call, str lane);

/* A lane: how many slots are taken, and its own time. */
struct lane_row {
    doc_id id;
    tick created;
    str lane;
    int64_t held;
    double turn;    /* of the job begun last */
    double seconds; /* a job holds its slot, lately */
};
struct lane_row lane_row_of(struct call *call, str lane);
void lane_row_put(struct call *call, struct lane_row *lane);

/* A job held its slot so long. */
void line_note_seconds(struct lane_row *lane, span held);

/* What an owner has in a lane. Gone when nothing is under way and the lane's time has passed it. */
struct line_share {
    doc_id id;
    tick created;
    int64_t owner;
    str lane;
    int64_t under_way; /* in line or begun */
    double turn;       /* of its newest job */
};

extern const struct doc_type lane_type, share_type, line_type;

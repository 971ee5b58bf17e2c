// SPDX-License-Identifier: Apache-2.0
// Do the server's timestamps say the truth? A mutation is told the timestamp of its commit, a
// transition that of its snapshot. What is shown at T is what was committed up to T: no more and no
// less. Within one commit several mutations share a timestamp.
import { nameOf } from './values.mjs';

const NEVER = -1n;
const FOREVER = 1n << 63n;
const sightName = (sight) => `the transition ${sight.seq} of ${sight.session.slice(0, 4)}`;

// For each list and each length: the newest timestamp known within, the oldest known beyond.
function limitsOf(list, report) {
    const count = list.calls.length;
    const within = [NEVER];
    const beyond = new Array(count + 1).fill(FOREVER);
    for (let i = 0; i < count; i++) {
        const { ts } = list.calls[i];
        if (ts !== null && ts < within[i])
            report('ts-order', `${list.key}: ${nameOf(list.calls[i])} stands behind a later commit`);
        within.push(ts !== null && ts > within[i] ? ts : within[i]);
    }
    for (let i = count - 1; i >= 0; i--) {
        const { ts } = list.calls[i];
        beyond[i] = ts !== null && ts < beyond[i + 1] ? ts : beyond[i + 1];
    }
    return { within, beyond };
}

class Clock {
    constructor(values, report) {
        this.values = values;
        this.report = report;
        this.limits = new Map();
        for (const [key, list] of values.lists)
            this.limits.set(key, limitsOf(list, report));
        this.seen = new Map(); // key to [ts, length, who] of all exact readings
    }

    // All that was read is of exactly that snapshot.
    checkExact(reads, ts, who) {
        for (const read of reads) {
            const length = this.values.lengthOf(read, who);
            const limits = this.limits.get(read.key);
            if (length < 0 || limits === undefined)
                continue;
            if (limits.within[length] > ts)
                this.report('ts-future', `${who} at ${ts} shows more of ${read.key} than was committed then`);
            if (limits.beyond[length] <= ts)
                this.report('ts-stale', `${who} at ${ts} shows ${read.key} without a commit of ${limits.beyond[length]}`);
            if (!this.seen.has(read.key))
                this.seen.set(read.key, []);
            this.seen.get(read.key).push({ ts, length, who });
        }
    }

    // A mutation reads everything committed before it, and of its own batch what ran before it.
    checkMutation(call) {
        for (const { key, length } of this.values.readsOf(call)) {
            const limits = this.limits.get(key);
            if (limits === undefined)
                continue;
            if (limits.within[length] > call.ts)
                this.report('ts-future', `${nameOf(call)} of ${call.ts} read ${key} as it was later`);
            if (limits.beyond[length] < call.ts)
                this.report('ts-stale', `${nameOf(call)} of ${call.ts} read ${key} without an earlier commit`);
        }
    }

    // Two who look at the same moment see the same; a later moment has no less. This holds also
    // for appends over HTTP, which are not told their timestamps.
    checkAgreement() {
        for (const [key, all] of this.seen) {
            all.sort((a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : a.length - b.length));
            for (let i = 1; i < all.length; i++)
                if (all[i].ts === all[i - 1].ts && all[i].length !== all[i - 1].length)
                    this.report('ts-differs', `${key} at ${all[i].ts}: ${all[i - 1].who} and ${all[i].who} differ`);
                else if (all[i].length < all[i - 1].length)
                    this.report('ts-stale', `${key}: ${all[i].who} shows less than ${all[i - 1].who} did earlier`);
        }
    }
}

// What is asked for after somebody was told a timestamp is committed later than that.
function checkTimes(history, report) {
    const events = [];
    for (const call of history.calls) {
        if (call.ts === null)
            continue;
        if (!call.isPast)
            events.push({ at: call.sent, begins: true, call });
        if (call.answered !== null)
            events.push({ at: call.answered, begins: false, ts: call.ts });
    }
    for (const sight of history.sights)
        events.push({ at: sight.answered, begins: false, ts: sight.ts });
    events.sort((a, b) => a.at - b.at || b.begins - a.begins);
    let newest = NEVER;
    for (const { begins, call, ts } of events) {
        if (!begins)
            newest = ts > newest ? ts : newest;
        else if (call.session === null ? call.ts < newest : call.ts <= newest)
            report('ts-order', `${nameOf(call)} has the timestamp ${call.ts}, but ${newest} was told before it was asked for`);
    }
}

// A session's own effects are shown only after their answer (those first sent by this connection:
// an earlier one's may have been committed when the connection broke).
function checkAnswerFirst(history, values, report) {
    const shown = new Map();
    for (const sight of history.sights) {
        for (const read of sight.lists) {
            const length = values.lengthOf(read, sightName(sight));
            const name = `${sight.session} ${read.key}`;
            const calls = values.lists.get(read.key)?.calls ?? [];
            for (let i = shown.get(name) ?? 0; i < length; i++)
                if (calls[i].session === sight.session && calls[i].connection === sight.connection
                    && (calls[i].answeredSeq === undefined || calls[i].answeredSeq > sight.seq))
                    report('early', `${sightName(sight)} shows ${nameOf(calls[i])}, which was not answered yet`);
            shown.set(name, Math.max(shown.get(name) ?? 0, length));
        }
    }
}

export function checkClock(history, values, report) {
    const clock = new Clock(values, report);
    for (const sight of history.sights)
        clock.checkExact(sight.lists, sight.ts, sightName(sight));
    for (const call of history.calls) {
        if (call.outcome !== 'ok' || call.ts === null)
            continue;
        if (call.kind === 'read')
            clock.checkExact(call.lists, call.ts, nameOf(call));
        else if (call.kind === 'transact')
            clock.checkMutation(call);
    }
    clock.checkAgreement();
    checkTimes(history, report);
    checkAnswerFirst(history, values, report);
}

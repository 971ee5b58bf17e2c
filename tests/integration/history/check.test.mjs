// SPDX-License-Identifier: Apache-2.0
// The checker against histories that are known: sound ones pass, and each way of breaking one is
// found and called by its name. A checker that says yes to everything fails here.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { check } from './check.mjs';

// ---- making a history by hand ----

const A = 'aaaa-session';
const B = 'bbbb-session';
const list = (key, ...values) => ({ key, values, isLast: false });
const last = (key, ...values) => ({ key, values, isLast: true });
const append = (key, value) => ({ kind: 'append', key, value });
const read = (key) => ({ kind: 'read', key, value: 0 });

// Without a time of its own a call overlaps every other one.
class Story {
    constructor() {
        this.history = { calls: [], sights: [], problems: [], initial: new Map(), final: { lists: new Map(), accounts: new Map() } };
        this.numbers = new Map();
        this.seq = 0;
    }

    call(session, kind, more) {
        const number = this.numbers.get(session) ?? 0;
        this.numbers.set(session, number + 1);
        const call = { id: this.history.calls.length, kind, session, number: session === null ? 0 : number, connection: 1,
            steps: [], sent: 0, answered: 1000, answeredSeq: ++this.seq, outcome: 'ok', reads: [], ts: null, ...more };
        this.history.calls.push(call);
        return call;
    }

    // steps: append(…), or [read(key), what it read]
    transact(session, steps, more = {}) {
        return this.call(session, 'transact', {
            steps: steps.map((step) => (Array.isArray(step) ? step[0] : step)),
            reads: steps.filter(Array.isArray).map(([, values]) => values),
            ...more,
        });
    }

    look(lists, more = {}) {
        return this.call(null, 'read', { lists, ...more });
    }

    sight(session, ts, lists, more = {}) {
        const sight = { session, connection: 1, seq: ++this.seq, answered: 1000, ts: BigInt(ts), lists, accounts: null, after: [], ...more };
        this.history.sights.push(sight);
        return sight;
    }

    end(...lists) {
        for (const { key, values } of lists)
            this.history.final.lists.set(key, values);
        return this.kinds();
    }

    bank(initial, final) {
        this.history.initial = new Map(Object.entries(initial).map(([id, balance]) => [Number(id), balance]));
        this.history.final.accounts = new Map(Object.entries(final).map(([id, balance]) => [Number(id), balance]));
    }

    kinds() {
        return [...new Set(check(this.history).problems.map(({ kind }) => kind))].sort();
    }
}

// tell(story) says what happened and answers the kinds of problems found.
const story = (name, expected, tell) => test(name, () => assert.deepEqual(tell(new Story()), expected));

// ---- sound ones ----

story('what one after another can explain passes', [], (it) => {
    it.transact(A, [append('x', 1), [read('x'), [1]]], { ts: 10n });
    it.transact(B, [[read('x'), [1]], append('y', 2)], { ts: 20n });
    it.sight(A, 15, [list('x', 1), list('y')]);
    it.sight(B, 20, [list('x', 1), last('y', 2)]);
    it.look([list('x', 1), list('y', 2)], { ts: 20n });
    return it.end(list('x', 1), list('y', 2));
});

story('calls that overlap may happen in either order', [], (it) => {
    it.transact(A, [[read('x'), []], append('y', 1)], { sent: 10, answered: 20 });
    it.transact(B, [append('x', 2), [read('y'), [1]]], { sent: 5, answered: 15 });
    return it.end(list('x', 2), list('y', 1));
});

story('a call that was never answered may be there or not', [], (it) => {
    it.transact(A, [append('x', 1), append('y', 2)], { outcome: 'unknown', answered: null });
    it.transact(B, [append('x', 3), append('y', 4)], { outcome: 'unknown', answered: null });
    return it.end(list('x', 1), list('y', 2));
});

story('a refused call that left nothing passes', [], (it) => {
    it.transact(A, [append('x', 1)], { outcome: 'refused' });
    return it.end(list('x'));
});

story('a live query may be late', [], (it) => {
    it.transact(A, [append('x', 1)], { ts: 10n, sent: 0, answered: 1 });
    it.sight(B, 9, [list('x')], { answered: 500 });
    it.sight(B, 10, [list('x', 1)], { answered: 600 });
    return it.end(list('x', 1));
});

story('a read at an older timestamp may miss what was answered since', [], (it) => {
    it.transact(A, [append('x', 1)], { ts: 10n, sent: 0, answered: 1 });
    it.look([list('x')], { ts: 5n, sent: 2, answered: 3, isPast: true });
    return it.end(list('x', 1));
});

story('mutations of one commit share its timestamp', [], (it) => {
    it.transact(A, [append('x', 1)], { ts: 10n });
    it.transact(B, [[read('x'), [1]], append('x', 2)], { ts: 10n });
    it.transact(A, [append('x', 3)], { ts: 10n });
    return it.end(list('x', 1, 2, 3));
});

// ---- values ----

story('an answered append that is gone is lost', ['lost'], (it) => {
    it.transact(A, [append('x', 1)]);
    return it.end(list('x'));
});

story('an append that was seen and is gone is lost, answered or not', ['lost'], (it) => {
    it.transact(A, [append('x', 1)], { outcome: 'unknown', answered: null });
    it.look([list('x', 1)]);
    return it.end(list('x'));
});

story('an append that is there twice is duplicated', ['duplicated'], (it) => {
    it.transact(A, [append('x', 1)]);
    it.transact(A, [append('x', 2)]);
    return it.end(list('x', 1, 2, 1));
});

story('an append that somebody saw twice is duplicated', ['duplicated'], (it) => {
    it.transact(A, [append('x', 1)]);
    it.look([list('x', 1, 1)]);
    return it.end(list('x', 1));
});

story('an append of a refused mutation may not be seen', ['refused-seen'], (it) => {
    it.transact(A, [append('x', 1)], { outcome: 'refused' });
    it.look([list('x', 1)]);
    return it.end(list('x'));
});

story('an append of a refused mutation may not stay', ['refused-seen'], (it) => {
    it.transact(A, [append('x', 1)], { outcome: 'refused' });
    return it.end(list('x', 1));
});

story('a value that nobody appended is noticed', ['unknown-value'], (it) => {
    it.transact(A, [append('x', 1)]);
    return it.end(list('x', 1, 7));
});

story('half of an unanswered mutation is torn', ['torn'], (it) => {
    it.transact(A, [append('x', 1), append('y', 2)], { outcome: 'unknown', answered: null });
    return it.end(list('x', 1), list('y'));
});

story('two appends of one mutation stand side by side', ['G0', 'torn'], (it) => {
    it.transact(A, [append('x', 1), append('x', 2)]);
    it.transact(B, [append('x', 3)]);
    return it.end(list('x', 1, 3, 2));
});

story('two readers may not see different orders', ['forked'], (it) => {
    it.transact(A, [append('x', 1)]);
    it.transact(B, [append('x', 2)]);
    it.look([list('x', 2, 1)]);
    return it.end(list('x', 1, 2));
});

story('a mutation sees what it has written itself', ['internal'], (it) => {
    it.transact(A, [append('x', 1), [read('x'), []]]);
    return it.end(list('x', 1));
});

story('a mutation reads the same twice', ['internal'], (it) => {
    it.transact(B, [append('x', 1)]);
    it.transact(A, [[read('x'), []], [read('x'), [1]]]);
    return it.end(list('x', 1)).filter((kind) => kind === 'internal');
});

// ---- cycles ----

story('G0: two mutations may not have written in both orders', ['G0'], (it) => {
    it.transact(A, [append('x', 1), append('y', 2)]);
    it.transact(B, [append('x', 3), append('y', 4)]);
    return it.end(list('x', 1, 3), list('y', 4, 2));
});

story('G1c: two mutations may not have read each other', ['G1c'], (it) => {
    it.transact(A, [append('x', 1), [read('y'), [2]]]);
    it.transact(B, [append('y', 2), [read('x'), [1]]]);
    return it.end(list('x', 1), list('y', 2));
});

story('G-single: a reader may not see half of a mutation', ['G-single'], (it) => {
    it.transact(A, [append('x', 1), append('y', 2)]);
    it.look([list('x', 1), list('y')]);
    return it.end(list('x', 1), list('y', 2));
});

story('G-single: a reader may not see the inside of a mutation', ['G-single'], (it) => {
    it.transact(A, [append('x', 1), append('x', 2)]);
    it.look([list('x', 1)]);
    return it.end(list('x', 1, 2));
});

story('G-single: an update may not be lost between two who read the same', ['G-single'], (it) => {
    it.transact(A, [[read('x'), []], append('x', 1)]);
    it.transact(B, [[read('x'), []], append('x', 2)]);
    return it.end(list('x', 1, 2));
});

story('G2: two mutations may not both have missed the other', ['G2'], (it) => {
    it.transact(A, [[read('x'), []], append('y', 1)]);
    it.transact(B, [[read('y'), []], append('x', 2)]);
    return it.end(list('x', 2), list('y', 1));
});

story('G2: two readers may not see two mutations in opposite orders', ['G2'], (it) => {
    it.transact(A, [append('x', 1)]);
    it.transact(B, [append('y', 2)]);
    it.look([list('x', 1), list('y')]);
    it.look([last('x'), last('y', 2)]);
    return it.end(list('x', 1), list('y', 2));
});

story('a transition may not be torn', ['G-single'], (it) => {
    it.transact(A, [append('x', 1), append('y', 2)]);
    it.sight(B, 5, [list('x'), last('y', 2)]);
    return it.end(list('x', 1), list('y', 2));
});

story('what was answered before is seen by who asks afterwards', ['G-single-realtime'], (it) => {
    it.transact(A, [append('x', 1)], { sent: 0, answered: 10 });
    it.look([list('x')], { sent: 11, answered: 20 });
    return it.end(list('x', 1));
});

story('what one has seen, a later asker sees as well', ['G-single-realtime'], (it) => {
    it.transact(A, [append('x', 1)], { sent: 0, answered: 100 });
    it.look([list('x', 1)], { sent: 5, answered: 10 });
    it.look([list('x')], { sent: 11, answered: 20 });
    return it.end(list('x', 1));
});

story('mutations of one session keep their order', ['G0-session'], (it) => {
    it.transact(A, [append('x', 1)]);
    it.transact(A, [append('x', 2)]);
    return it.end(list('x', 2, 1));
});

story('the transition behind an answer shows what was answered', ['G-single-session'], (it) => {
    const call = it.transact(A, [append('x', 1)]);
    it.sight(A, 5, [list('x')], { after: [call] });
    return it.end(list('x', 1));
});

story('what a session sees does not go back', ['G-single-session'], (it) => {
    it.transact(B, [append('x', 1)]);
    it.sight(A, 5, [list('x', 1)]);
    it.sight(A, 6, [list('y'), list('x')]);
    return it.end(list('x', 1)).filter((kind) => kind.startsWith('G'));
});

// ---- timestamps ----

story('a transition has everything committed up to its timestamp', ['ts-stale'], (it) => {
    it.transact(A, [append('x', 1)], { ts: 10n });
    it.sight(B, 10, [list('x')]);
    return it.end(list('x', 1));
});

story('a transition has nothing committed after its timestamp', ['ts-future'], (it) => {
    it.transact(A, [append('x', 1)], { ts: 10n });
    it.sight(B, 9, [last('x', 1)]);
    return it.end(list('x', 1));
});

story('a missed invalidation is found though the rest of the transition is right', ['G-single', 'ts-stale'], (it) => {
    it.transact(A, [append('x', 1), append('y', 2)], { ts: 10n });
    it.sight(B, 5, [list('x'), list('y')]);
    it.sight(B, 10, [list('x', 1), list('y')]);
    return it.end(list('x', 1), list('y', 2));
});

story('two clients see the same at the same timestamp, whoever wrote it', ['ts-differs'], (it) => {
    it.transact(null, [append('x', 1)]);
    it.sight(A, 10, [list('x')]);
    it.sight(B, 10, [list('x', 1)]);
    return it.end(list('x', 1));
});

story('a later timestamp shows no less, whoever wrote it', ['ts-stale'], (it) => {
    it.transact(null, [append('x', 1)]);
    it.sight(A, 10, [list('x', 1)]);
    it.sight(B, 11, [list('x')]);
    return it.end(list('x', 1));
});

story('a list grows in the order of its commits', ['ts-order'], (it) => {
    it.transact(A, [append('x', 1)], { ts: 20n });
    it.transact(B, [append('x', 2)], { ts: 10n });
    return it.end(list('x', 1, 2));
});

story('what is asked for later is committed later', ['ts-order'], (it) => {
    it.transact(A, [append('x', 1)], { ts: 20n, sent: 0, answered: 1 });
    it.transact(B, [append('y', 2)], { ts: 20n, sent: 2, answered: 3 });
    return it.end(list('x', 1), list('y', 2));
});

story('query_ts is not behind what was told before', ['ts-order'], (it) => {
    it.sight(A, 20, [list('x')], { answered: 1 });
    it.call(null, 'clock', { ts: 19n, sent: 2, answered: 3 });
    return it.end();
});

story('a mutation reads what was committed before it', ['ts-stale'], (it) => {
    it.transact(A, [append('x', 1)], { ts: 10n });
    it.transact(B, [[read('x'), []]], { ts: 11n });
    return it.end(list('x', 1));
});

story('a mutation does not read what is committed after it', ['ts-future'], (it) => {
    it.transact(A, [append('x', 1)], { ts: 10n });
    it.transact(B, [[read('x'), [1]]], { ts: 9n });
    return it.end(list('x', 1));
});

story('an effect is not shown before its answer', ['early'], (it) => {
    it.transact(A, [append('x', 1)], { ts: 10n, answeredSeq: 99 });
    it.sight(A, 10, [list('x', 1)]);
    return it.end(list('x', 1));
});

story('after a break an effect may be shown before its answer', [], (it) => {
    it.transact(A, [append('x', 1)], { ts: 10n, answeredSeq: 99 });
    it.sight(A, 10, [list('x', 1)], { connection: 2 });
    return it.end(list('x', 1));
});

// ---- the bank ----

const transfer = (it, ts, from, to, amount, more = {}) => it.call(A, 'transfer', { ts, transfer: { from, to, amount }, ...more });
const accounts = (...balances) => ({ accounts: new Map(balances.map((balance, id) => [id, balance])) });

story('transfers that all looks agree with pass', [], (it) => {
    it.bank({ 0: 10, 1: 10 }, { 0: 4, 1: 16 });
    transfer(it, 10n, 0, 1, 5);
    transfer(it, 20n, 0, 1, 1);
    it.sight(B, 9, [], accounts(10, 10));
    it.sight(B, 10, [], accounts(5, 15));
    it.sight(B, 25, [], accounts(4, 16));
    return it.kinds();
});

story('money made or lost in a look is found', ['bank-sum'], (it) => {
    it.bank({ 0: 10, 1: 10 }, { 0: 5, 1: 15 });
    transfer(it, 10n, 0, 1, 5);
    it.sight(B, 10, [], accounts(5, 10));
    return it.kinds();
});

story('a look with a transfer too few is found though the sum is right', ['bank'], (it) => {
    it.bank({ 0: 10, 1: 10 }, { 0: 5, 1: 15 });
    transfer(it, 10n, 0, 1, 5);
    it.sight(B, 10, [], accounts(10, 10));
    return it.kinds();
});

story('a transfer done twice is found', ['bank'], (it) => {
    it.bank({ 0: 10, 1: 10 }, { 0: 0, 1: 20 });
    transfer(it, 10n, 0, 1, 5);
    return it.kinds();
});

story('a transfer that was answered and is lost is found', ['bank'], (it) => {
    it.bank({ 0: 10, 1: 10 }, { 0: 10, 1: 10 });
    transfer(it, 10n, 0, 1, 5);
    return it.kinds();
});

story('a transfer without an answer is told', ['unsettled'], (it) => {
    it.bank({ 0: 10, 1: 10 }, { 0: 10, 1: 10 });
    transfer(it, null, 0, 1, 5, { outcome: 'unknown', answered: null });
    return it.kinds();
});

// ---- a long sound history, broken at random places ----

function seeded(seed) {
    let state = seed >>> 0;
    return (n) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor(state / 2 ** 32 * n);
    };
}

// One after another in truth; asked for a little before, answered a little after.
function longStory(seed) {
    const below = seeded(seed);
    const it = new Story();
    const truth = new Map(Array.from({ length: 5 }, (_, i) => [`k${i}`, []]));
    const keys = [...truth.keys()];
    let value = 0;
    for (let time = 10; time < 4000; time += 10) {
        const ts = BigInt(Math.floor(time / 20));
        const times = { sent: time - below(30), answered: time + 1 + below(30) };
        const kind = below(4);
        if (kind === 0) {
            it.sight([A, B][below(2)], ts - 1n, [], { answered: time + 5 });
            continue;
        }
        if (kind === 1) {
            it.look(keys.map((key) => list(key, ...truth.get(key))), times);
            continue;
        }
        const steps = Array.from({ length: 1 + below(3) }, () => {
            const key = keys[below(5)];
            if (below(2) === 0)
                return [read(key), [...truth.get(key)]];
            truth.get(key).push(++value);
            return append(key, value);
        });
        it.transact(null, steps, { ...times, ts: null });
    }
    for (const [key, values] of truth)
        it.history.final.lists.set(key, values);
    return { it, below };
}

test('a long sound history passes', () => {
    for (let seed = 1; seed <= 20; seed++)
        assert.deepEqual(longStory(seed).it.kinds(), [], `seed ${seed}`);
});

test('a read that missed one value, or came too early, is found wherever it is', () => {
    for (let seed = 1; seed <= 40; seed++) {
        const { it, below } = longStory(seed);
        const looks = it.history.calls.filter(({ kind, lists }) => kind === 'read' && lists.every(({ values }) => values.length > 5));
        const broken = looks[below(looks.length)].lists[below(5)];
        const whole = it.history.final.lists.get(broken.key);
        broken.values = seed % 2 === 0 ? broken.values.slice(0, -5) : whole.slice(0, broken.values.length + 8);
        if (broken.values.length === whole.length)
            continue; // near the end all of it may be right
        assert.notDeepEqual(it.kinds(), [], `seed ${seed}`);
    }
});

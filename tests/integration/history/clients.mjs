// SPDX-License-Identifier: Apache-2.0
// Clients that do random things to the fixture's lists and accounts over the public protocol, come
// back after every break as the official client does, and write down everything: see check.mjs.
import { randomUUID } from 'node:crypto';

import WebSocket from 'ws';

import { sleep } from '../helpers.mjs';
import { RawSession, ZERO, add, mutation, remove, tsRead } from '../raw.mjs';

const LIST_LENGTH = 50; // then another key takes its place
const IN_FLIGHT = 8;
const QUERIES = 4;
const WIDE = 24;
const JUMP = 500_000_000n; // ns between transitions: several were taken together

export const below = (n) => Math.floor(Math.random() * n);
const chance = (p) => Math.random() < p;
const pick = (list) => list[below(list.length)];
const now = () => performance.now();

// What the clients of one round share.
export class World {
    constructor(round, width = 6) {
        this.round = round;
        this.calls = [];
        this.sights = [];
        this.problems = [];
        this.url = null; // null while the server is down
        this.isOver = false;
        this.keyCount = 0;
        this.appended = new Map();
        this.keys = Array.from({ length: width }, () => this.newKey());
        this.figures = { resent: 0, recovered: 0, connections: 0, abandoned: 0, jumps: 0, timestampsRefused: 0 };
    }

    newKey() {
        const key = `${this.keyCount % 2 === 0 ? 'd' : 'r'}-${this.round}-${this.keyCount++}`;
        this.appended.set(key, 0);
        return key;
    }

    // Few of the keys at work; or so many, also old ones, that a thread of its own reads them.
    pickKeys(share = 0.15) {
        if (!chance(share))
            return [...new Set(Array.from({ length: 1 + below(4) }, () => pick(this.keys)))];
        const keys = [...this.appended.keys()];
        return keys.slice(Math.max(0, keys.length - WIDE));
    }

    append() {
        const i = below(this.keys.length);
        const key = this.keys[i];
        this.appended.set(key, this.appended.get(key) + 1);
        if (this.appended.get(key) >= LIST_LENGTH)
            this.keys[i] = this.newKey();
        return { kind: 'append', key, value: ++World.values };
    }

    steps() {
        const steps = [];
        for (let left = 1 + below(4); left > 0; left--) {
            if (chance(0.4)) {
                steps.push({ kind: 'read', key: pick(this.keys), value: 0 });
                continue;
            }
            const append = this.append();
            steps.push(append);
            if (chance(0.1))
                steps.push({ ...append, value: ++World.values });
        }
        return steps;
    }

    call(kind, more) {
        const call = { id: this.calls.length, kind, session: null, number: 0, connection: 0, steps: [],
            sent: now(), answered: null, outcome: 'unknown', reads: null, ts: null, ...more };
        this.calls.push(call);
        return call;
    }

    problem(kind, text) {
        if (this.problems.length < 100)
            this.problems.push({ kind, text });
    }
}
World.values = 0;

// ---- over the socket ----

class Session extends RawSession {
    constructor(client) {
        super('http://nowhere', { sessionId: randomUUID() });
        this.client = client;
        this.seq = 0;
        this.number = 0; // of the next request
        this.calls = new Map(); // by number, all
        this.open_ = new Map(); // those that the official client would send again
        this.answered = null; // the newest answered call
        this.nextQuery = 0;
        this.queries = new Map(); // query id to { name, keys, since: the query set that has it }
        this.gone = new Map(); // query id to the first query set without it
    }

    take(message) {
        this.seq++;
        super.take(message);
        this.all.length = 0;
        this.transitions.length = 0;
        if (message.type === 'FatalError' || message.type === 'AuthError')
            this.client.world.problem('protocol', `${message.type}: ${message.error}`);
    }

    takeResponse(message) {
        super.takeResponse(message);
        const call = this.calls.get(message.requestId);
        const answer = JSON.stringify([message.success, message.result, message.ts]);
        if (call.answer !== undefined && call.answer !== answer)
            this.client.world.problem('answer-differs', `request ${message.requestId} of ${this.sessionId}: ${call.answer}, then ${answer}`);
        if (call.answer === undefined)
            this.settle(call, message);
        call.answer = answer;
        if (!message.success)
            this.open_.delete(message.requestId);
    }

    settle(call, message) {
        call.answered = now();
        call.answeredSeq = this.seq;
        call.outcome = message.success ? 'ok' : 'refused';
        if (message.success !== !call.fails)
            this.client.world.problem('answer', `request ${call.number} of ${call.session} was to be ${call.fails ? 'refused' : 'done'}: ${message.result}`);
        if (!message.success)
            return;
        call.ts = tsRead(message.ts);
        const reads = call.steps.filter(({ kind }) => kind === 'read').length;
        if (call.kind === 'transact' && message.result?.length !== reads)
            this.client.world.problem('answer', `request ${call.number} of ${call.session} has not the ${reads} results that it asked for`);
        else
            call.reads = message.result ?? [];
        this.answered = call;
        if (call.resent !== undefined && call.ts < call.resent)
            this.client.world.figures.recovered++;
    }

    takeTransition(message) {
        for (const { queryId, type } of message.modifications)
            if (this.gone.get(queryId) <= message.startVersion.querySet)
                this.client.world.problem('query-set', `${type} of query ${queryId} after it was taken out`);
        super.takeTransition(message);
        if (message.startVersion.ts !== ZERO && tsRead(message.endVersion.ts) - tsRead(message.startVersion.ts) > JUMP)
            this.client.world.figures.jumps++;
        for (const [id, { since }] of this.queries)
            if (since <= message.endVersion.querySet && !this.results.has(id))
                this.client.world.problem('query-set', `query ${id} has no result, but its query set has`);
        for (const [id, since] of this.gone)
            if (since <= message.endVersion.querySet && this.results.delete(id))
                this.client.world.problem('query-set', `query ${id} is not told to be removed, but its query set has gone`);
        const ts = tsRead(message.endVersion.ts);
        const sight = { session: this.sessionId, connection: this.connections, seq: this.seq, answered: now(), ts,
            lists: [], accounts: null, after: [] };
        for (const [id, result] of this.results) {
            const query = this.queries.get(id);
            if (query === undefined)
                continue; // dropped; the server has not heard yet
            if (result.type !== 'QueryUpdated')
                this.client.world.problem('query-failed', `${query.name}: ${result.errorMessage}`);
            else if (query.name === 'accounts:list_accounts')
                sight.accounts = new Map(result.value.map((account) => [account.id, account.balance]));
            else
                query.keys.forEach((key, i) => sight.lists.push({ key, values: result.value[i], isLast: query.name === 'lists:last' }));
        }
        if (this.answered !== null && this.answered.ts <= ts)
            sight.after.push(this.answered);
        this.client.world.sights.push(sight);
        for (const number of this.open_.keys())
            if (this.responses.has(number) && !this.waiting.has(number))
                this.open_.delete(number);
    }

    // Nothing that still comes from the old socket is heard.
    detach() {
        const old = this.socket;
        if (old === undefined)
            return;
        for (const event of ['message', 'close', 'error', 'open'])
            old.removeAllListeners(event);
        old.on('error', () => {});
        this.ended = { code: 1006 };
        // Sometimes the server does not learn at once that nobody is there any more.
        if (chance(0.7))
            old.terminate();
        else
            setTimeout(() => old.terminate(), below(300));
    }

    async come(url) {
        this.detach();
        this.url = url.replace(/^http/, 'ws') + '/api/1.48.0/sync';
        const adds = [...this.queries].map(([id, { name, keys }]) => add(id, name, keys === null ? {} : { keys }));
        await this.connect({ type: 'ModifyQuerySet', baseVersion: 0, newVersion: 1, modifications: adds });
        this.querySetVersion = 1;
        this.gone.clear();
        for (const query of this.queries.values())
            query.since = 1;
        this.client.world.figures.connections++;
        for (const [number, call] of this.open_) {
            call.resent = BigInt(Date.now()) * 1_000_000n;
            this.client.world.figures.resent++;
            this.sendCall(number, call);
        }
    }

    sendCall(number, call) {
        const { transfer } = call;
        this.send(transfer === undefined
            ? mutation(number, 'lists:transact', { steps: call.steps, fails: call.fails })
            : mutation(number, 'transfer:transfer', { from_id: transfer.from, to_id: transfer.to, amount: transfer.amount }));
    }

    ask(kind, more) {
        const number = this.number++;
        const call = this.client.world.call(kind, { session: this.sessionId, number, connection: this.connections, ...more });
        this.calls.set(number, call);
        this.open_.set(number, call);
        this.sendCall(number, call);
    }

    // Some queries go, others come.
    change(wanted, count) {
        const changes = [];
        for (const id of this.queries.keys())
            if (this.queries.size > 1 && chance(0.4)) {
                changes.push(remove(id));
                this.queries.delete(id);
                this.gone.set(id, this.querySetVersion + 1);
            }
        while (this.queries.size < count) {
            const query = { ...wanted(), since: this.querySetVersion + 1 };
            this.queries.set(this.nextQuery, query);
            changes.push(add(this.nextQuery++, query.name, query.keys === null ? {} : { keys: query.keys }));
        }
        this.send({ type: 'ModifyQuerySet', baseVersion: this.querySetVersion, newVersion: ++this.querySetVersion, modifications: changes });
    }
}

const BANK = { name: 'accounts:list_accounts', keys: null };

export class SocketClient {
    // isSlow: asks for much and does not read for seconds, so that transitions are taken together.
    constructor(world, { isBank = false, isSlow = false } = {}) {
        this.world = world;
        this.isBank = isBank;
        this.isSlow = isSlow;
        this.queryCount = isSlow ? 2 : QUERIES;
        this.old = []; // sessions that were left
        this.begin();
    }

    begin() {
        this.session = new Session(this);
        for (let i = 0; i < this.queryCount; i++)
            this.session.queries.set(this.session.nextQuery++, this.wish());
    }

    wish() {
        if (this.isBank && chance(0.5))
            return BANK;
        if (this.isSlow)
            return { name: 'lists:heavy', keys: this.world.pickKeys(0.5) };
        return { name: chance(0.7) ? 'lists:read' : 'lists:last', keys: this.world.pickKeys() };
    }

    // Connected, as soon as there is a server again.
    async present() {
        while (this.session.ended !== null) {
            try {
                if (this.world.url !== null)
                    await this.session.come(this.world.url);
                else
                    await sleep(20);
            } catch {
                this.session.ended = { code: 1006 };
                await sleep(20 + below(40));
            }
        }
    }

    note() {
        if (this.session.problem === null)
            return;
        this.world.problem('protocol', `${this.session.sessionId}: ${this.session.problem.message}`);
        this.session.problem = null;
    }

    async run() {
        this.session.ended = { code: 0 };
        this.session.problem = null;
        while (!this.world.isOver) {
            await this.present();
            this.act();
            this.note();
            await sleep(below(20));
            if (this.isSlow && chance(0.02))
                await this.doze();
        }
    }

    act() {
        const { session } = this;
        if (chance(0.01) || session.ended !== null) {
            session.ended ??= { code: 0 }; // breaks off and comes again
        } else if (chance(0.004) && !this.isBank) {
            this.leave();
        } else if (chance(0.06)) {
            session.change(() => this.wish(), this.queryCount);
        } else if (session.open_.size < IN_FLIGHT) {
            for (let left = 1 + below(3); left > 0; left--)
                this.ask();
        }
    }

    async doze() {
        const { socket } = this.session;
        if (socket?.readyState !== WebSocket.OPEN)
            return;
        socket.pause();
        await sleep(700 + below(1000));
        socket.resume();
    }

    ask() {
        if (!this.isBank || chance(0.2)) {
            this.session.ask('transact', { steps: this.world.steps(), fails: chance(0.07) });
            return;
        }
        const [from, to] = [below(this.world.accounts), below(this.world.accounts)];
        this.session.ask('transfer', { fails: false, transfer: { from, to: from === to ? (to + 1) % this.world.accounts : to, amount: 1 + below(9) } });
    }

    // For good: what was not answered never will be.
    leave() {
        this.session.detach();
        this.world.figures.abandoned += this.session.open_.size;
        this.old.push(this.session);
        this.begin();
        this.session.ended = { code: 0 };
        this.session.problem = null;
    }

    // Until everything asked for is answered and shown.
    async finish(ms = 20_000) {
        const end = Date.now() + ms;
        while (this.session.open_.size > 0 && Date.now() < end) {
            await this.present();
            await sleep(5);
        }
        this.note();
        for (const number of this.session.open_.keys())
            this.world.problem('unsettled', `request ${number} of ${this.session.sessionId} got ${this.session.responses.has(number) ? 'an answer, but no transition past it' : 'no answer'}`);
        this.session.detach();
        this.session.open_.clear();
    }

    // Asks once more for what was done long ago: the answers may not differ. takeResponse compares.
    async replay(count) {
        const done = [...this.session.calls.values()].filter(({ outcome }) => outcome === 'ok');
        for (let i = 0; i < count && done.length > 0; i++) {
            const call = pick(done);
            this.session.open_.set(call.number, call);
        }
        this.session.ended = { code: 0 };
        await this.present();
        await this.finish();
    }
}

// ---- over HTTP ----

export class HttpClient {
    constructor(world) {
        this.world = world;
    }

    async run() {
        while (!this.world.isOver) {
            if (this.world.url !== null)
                await pick([this.mutate, this.mutate, this.query, this.queries, this.atTime]).call(this).catch(() => {});
            await sleep(below(40));
        }
    }

    async post(path, body) {
        const response = await fetch(this.world.url + path, {
            method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
        return { status: response.status, body: await response.json() };
    }

    // Never sent again: HTTP has no request numbers. Broken off, it may have happened or not.
    async mutate() {
        const call = this.world.call('transact', { steps: this.world.steps(), fails: chance(0.07) });
        const { status, body } = await this.post('/api/mutation', { path: 'lists:transact', args: { steps: call.steps, fails: call.fails }, format: 'convex_encoded_json' });
        if (status !== 200)
            return;
        call.answered = now();
        call.outcome = body.status === 'success' ? 'ok' : 'refused';
        call.reads = body.value ?? null;
        if ((call.outcome === 'refused') !== call.fails)
            this.world.problem('answer', `a mutation over HTTP was to be ${call.fails ? 'refused' : 'done'}: ${JSON.stringify(body)}`);
    }

    // What was read is one snapshot. sent: when the asking began.
    seen(sent, lists, more = {}) {
        this.world.call('read', { sent, answered: now(), outcome: 'ok', lists, ...more });
    }

    listsOf(query, body) {
        return query.args.keys.map((key, i) => ({ key, values: body.value[i], isLast: query.path === 'lists:last' }));
    }

    oneQuery() {
        return { path: chance(0.7) ? 'lists:read' : 'lists:last', args: { keys: this.world.pickKeys() }, format: 'convex_encoded_json' };
    }

    async query() {
        const sent = now();
        const query = this.oneQuery();
        const { status, body } = await this.post('/api/query', query);
        if (status === 200)
            this.seen(sent, this.listsOf(query, body));
    }

    async queries() {
        const sent = now();
        const queries = [this.oneQuery(), this.oneQuery(), this.oneQuery()];
        const { status, body } = await this.post('/api/query_batch', { queries });
        if (status === 200)
            this.seen(sent, queries.flatMap((query, i) => this.listsOf(query, body.results[i])));
    }

    async atTime() {
        const clock = this.world.call('clock', { outcome: 'unknown' });
        const { body: { ts } } = await this.post('/api/query_ts', {});
        Object.assign(clock, { answered: now(), outcome: 'ok', ts: tsRead(ts) });
        for (let i = 0; i < 3; i++) {
            const sent = now();
            const query = this.oneQuery();
            const { status, body } = await this.post('/api/query_at_ts', { ...query, ts });
            if (status === 200)
                this.seen(sent, this.listsOf(query, body), { ts: tsRead(ts), isPast: true });
            else if (body.code === 'TimestampOutOfRange')
                this.world.figures.timestampsRefused++;
            else
                this.world.problem('answer', `query_at_ts: ${status} ${JSON.stringify(body)}`);
        }
    }
}

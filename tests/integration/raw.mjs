// SPDX-License-Identifier: Apache-2.0
// The sync protocol spoken by hand, for what the official client hides. Whatever the server says
// is held against the rules of convex-protocol.md on arrival: versions that chain, timestamps that
// never go back, answers before the transition that covers them, logLines everywhere.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import WebSocket from 'ws';

import { until } from './helpers.mjs';

export const ZERO = 'AAAAAAAAAAA=';

// u64 of the wire as a bigint.
export function tsRead(text) {
    assert.match(text, /^[A-Za-z0-9+/]{11}=$/, `a timestamp: ${text}`);
    const value = Buffer.from(text, 'base64').readBigUInt64LE();
    assert.ok(value < 1n << 63n, 'a timestamp is below 2^63');
    return value;
}

// Every $-object inside must be a legal one, and no number may be out of the ordinary.
export function checkValue(value) {
    if (Array.isArray(value))
        return value.forEach(checkValue);
    if (typeof value !== 'object' || value === null)
        return;
    const keys = Object.keys(value);
    for (const key of keys) {
        if (key.startsWith('$')) {
            assert.equal(keys.length, 1, `${key} stands alone`);
            assert.ok(['$integer', '$float', '$bytes'].includes(key), `${key} is legal`);
            if (key === '$float') {
                const number = Buffer.from(value[key], 'base64').readDoubleLE();
                assert.ok(!Number.isFinite(number) || Object.is(number, -0), '$float is for what JSON cannot say');
            }
        }
        checkValue(value[key]);
    }
}

function checkLogLines(message) {
    assert.ok(Array.isArray(message.logLines), `logLines of ${message.type}`);
    for (const line of message.logLines)
        assert.match(line, /^\[(DEBUG|INFO|LOG|WARN|ERROR)\] /);
}

export class RawSession {
    // connect(): opens and says Connect. Members grow as messages come.
    constructor(url, { path = '/api/1.48.0/sync', sessionId = randomUUID() } = {}) {
        this.url = url.replace(/^http/, 'ws') + path;
        this.sessionId = sessionId;
        this.connections = 0;
        this.lastTs = 0n;
        this.all = []; // each message with the time it came
    }

    async open() {
        this.version = { querySet: 0, identity: 0, ts: ZERO };
        this.results = new Map(); // queryId to the newest modification
        this.transitions = [];
        this.responses = new Map(); // requestId to the response
        this.others = []; // AuthError, FatalError
        this.waiting = new Map(); // requestId to the ts a transition must still reach
        this.problem = null; // the first rule that was broken
        this.chunks = null;
        this.ended = null;
        this.socket = new WebSocket(this.url);
        this.socket.on('message', (data, isBinary) => {
            try {
                assert.equal(isBinary, false, 'text messages only');
                this.take(JSON.parse(data.toString('utf8')));
            } catch (error) {
                this.problem ??= error;
            }
        });
        this.socket.on('close', (code, reason) => {
            this.ended = { code, reason: reason.toString() };
        });
        await new Promise((resolve, reject) => {
            this.socket.once('open', resolve);
            this.socket.once('error', reject);
        });
        this.socket.on('error', () => {});
        return this;
    }

    // open() and Connect, then what is given.
    async connect(...messages) {
        await this.open();
        this.send({
            type: 'Connect',
            sessionId: this.sessionId,
            connectionCount: this.connections++,
            lastCloseReason: this.connections === 1 ? 'InitialConnect' : 'closed with code 1006',
            ...(this.lastTs > 0n ? { maxObservedTimestamp: this.tsWrite(this.lastTs) } : {}),
            clientTs: Date.now(),
        }, ...messages);
        return this;
    }

    tsWrite(value) {
        const bytes = Buffer.alloc(8);
        bytes.writeBigUInt64LE(value);
        return bytes.toString('base64');
    }

    send(...messages) {
        for (const message of messages)
            this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    }

    // ---- what comes ----

    take(message) {
        this.all.push({ at: Date.now(), message });
        if (this.chunks !== null)
            assert.ok(['TransitionChunk', 'Ping'].includes(message.type), 'only Ping between chunks');
        switch (message.type) {
        case 'Transition':
            return this.takeTransition(message);
        case 'TransitionChunk':
            return this.takeChunk(message);
        case 'MutationResponse':
        case 'ActionResponse':
            return this.takeResponse(message);
        case 'AuthError':
        case 'FatalError':
            this.others.push(message);
            return undefined;
        case 'Ping':
            return undefined;
        default:
            return assert.fail(`an unknown message: ${message.type}`);
        }
    }

    takeChunk(message) {
        this.chunks ??= { parts: [], id: message.transitionId, total: message.totalParts };
        assert.equal(message.partNumber, this.chunks.parts.length);
        assert.equal(message.transitionId, this.chunks.id);
        assert.equal(message.totalParts, this.chunks.total);
        this.chunks.parts.push(message.chunk);
        if (this.chunks.parts.length === this.chunks.total) {
            const whole = JSON.parse(this.chunks.parts.join(''));
            this.chunks = null;
            assert.equal(whole.type, 'Transition');
            this.takeTransition(whole);
        }
    }

    takeTransition(message) {
        const { startVersion: start, endVersion: end } = message;
        assert.deepEqual(start, this.version, 'a transition starts where the last one ended');
        assert.ok(end.querySet >= start.querySet && end.identity >= start.identity, 'no version goes back');
        assert.ok(tsRead(end.ts) >= tsRead(start.ts), 'no timestamp goes back');
        assert.ok(tsRead(end.ts) >= this.lastTs, 'nor across connections');
        assert.ok(Array.isArray(message.modifications));
        for (const change of message.modifications) {
            assert.ok(['QueryUpdated', 'QueryFailed', 'QueryRemoved'].includes(change.type));
            if (change.type === 'QueryRemoved') {
                this.results.delete(change.queryId);
                continue;
            }
            checkLogLines(change);
            assert.ok(change.journal === null || typeof change.journal === 'string');
            if (change.type === 'QueryUpdated')
                checkValue(change.value);
            else
                assert.equal(typeof change.errorMessage, 'string');
            this.results.set(change.queryId, change);
        }
        this.version = end;
        this.lastTs = tsRead(end.ts);
        for (const [id, ts] of this.waiting)
            if (this.lastTs >= ts)
                this.waiting.delete(id);
        this.transitions.push(message);
    }

    takeResponse(message) {
        checkLogLines(message);
        assert.equal(typeof message.success, 'boolean');
        if (message.type === 'MutationResponse' && message.success) {
            const ts = tsRead(message.ts);
            checkValue(message.result);
            this.waiting.set(message.requestId, ts);
        } else if (!message.success) {
            assert.equal(typeof message.result, 'string', 'why it failed');
            assert.ok(message.ts === undefined || message.ts === null);
        }
        this.responses.set(message.requestId, message);
    }

    // ---- waiting ----

    async until(ask, what, ms = 5000) {
        const answer = await until(() => (this.problem ? { problem: this.problem } : ask()), what, ms, 5);
        if (this.problem)
            throw this.problem;
        return answer;
    }

    reached(querySet, identity = 0) {
        return this.until(() => this.version.querySet >= querySet && this.version.identity >= identity,
            `query set ${querySet}, identity ${identity}`);
    }

    result(queryId, test = () => true, ms = 5000) {
        return this.until(() => {
            const found = this.results.get(queryId);
            return found !== undefined && test(found) && found;
        }, `a result of query ${queryId}`, ms);
    }

    response(requestId, ms = 5000) {
        return this.until(() => this.responses.get(requestId), `the answer to request ${requestId}`, ms);
    }

    // The response, and the transition that lets the official client resolve its promise.
    async settled(requestId, ms = 5000) {
        const response = await this.response(requestId, ms);
        await this.until(() => !this.waiting.has(requestId), `a transition past request ${requestId}`, ms);
        return response;
    }

    closed(ms = 5000) {
        return until(() => this.ended, 'the socket to be closed', ms, 5);
    }

    end() {
        this.socket.terminate();
        if (this.problem)
            throw this.problem;
    }
}

// ---- messages ----

export const authenticate = (token, baseVersion = 0) => (
    { type: 'Authenticate', tokenType: 'User', value: token, baseVersion });
export const anonymous = (baseVersion) => ({ type: 'Authenticate', tokenType: 'None', baseVersion });
export const querySet = (baseVersion, ...modifications) => (
    { type: 'ModifyQuerySet', baseVersion, newVersion: baseVersion + 1, modifications });
export const add = (queryId, udfPath, args = {}, more = {}) => (
    { type: 'Add', queryId, udfPath, args: [args], ...more });
export const remove = (queryId) => ({ type: 'Remove', queryId });
export const mutation = (requestId, udfPath, args = {}) => ({ type: 'Mutation', requestId, udfPath, args: [args] });
export const action = (requestId, udfPath, args = {}) => ({ type: 'Action', requestId, udfPath, args: [args] });

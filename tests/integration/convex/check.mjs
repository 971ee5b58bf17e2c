// SPDX-License-Identifier: Apache-2.0
// What the server says on one connection, held against the rules of the protocol while it passes
// the proxy, beside what the client said. Numbers in comments are those of convex-protocol.md
// section 16. A scenario whose links broke a rule has failed, whatever it looked at itself.
import assert from 'node:assert/strict';

import { ZERO, checkValue, tsRead } from '../raw.mjs';

const SKEW_MS = 30_000; // client and server share a clock here; a busy machine reads late

function checkLogLines(message) {
    assert.ok(Array.isArray(message.logLines), `10: logLines of ${message.type}`);
    for (const line of message.logLines)
        assert.match(line, /^\[(DEBUG|INFO|LOG|WARN|ERROR)\] /);
}

export class LinkCheck {
    // sessions: what is known of a session across its links, by its id; shared by them.
    constructor(sessions) {
        this.sessions = sessions;
        this.session = { ts: 0n, answers: new Map(), wrote: new Map() };
        this.problem = null;
        this.version = { querySet: 0, identity: 0, ts: ZERO };
        this.sets = [0]; // query set versions that the client said
        this.identities = 0; // how often it authenticated
        this.added = new Map(); // queryId to the version that added it
        this.removed = new Map();
        this.shown = new Set(); // queryIds with a result
        this.asked = []; // requestIds of mutations, in order
        this.actions = new Map(); // requestId to how often it was sent
        this.unsettled = new Map(); // requestId to its ts
        this.chunks = null;
        this.isEnding = false;
    }

    said(message) {
        try {
            this.takeOfClient(message);
        } catch (error) {
            this.problem ??= error;
        }
    }

    came(message) {
        try {
            this.takeOfServer(message);
        } catch (error) {
            error.message += `\nin ${JSON.stringify(message).slice(0, 600)}`;
            this.problem ??= error;
        }
    }

    // ---- the client ----

    takeOfClient(message) {
        switch (message.type) {
        case 'Connect':
            this.connect = message;
            if (!this.sessions.has(message.sessionId))
                this.sessions.set(message.sessionId, this.session);
            this.session = this.sessions.get(message.sessionId);
            return;
        case 'Authenticate':
            this.identities++;
            return;
        case 'ModifyQuerySet':
            this.sets.push(message.newVersion);
            for (const change of message.modifications)
                (change.type === 'Add' ? this.added : this.removed).set(change.queryId, message.newVersion);
            return;
        case 'Mutation':
            this.asked.push(message.requestId);
            return;
        case 'Action':
            this.actions.set(message.requestId, (this.actions.get(message.requestId) ?? 0) + 1);
            return;
        default:
        }
    }

    // ---- the server ----

    takeOfServer(message) {
        assert.equal(this.isEnding && !message.type.startsWith('#'), false, 'nothing comes after an error that ends the socket');
        if (this.chunks !== null)
            assert.ok(['TransitionChunk', 'Ping', '#ping', '#close'].includes(message.type), '16: only Ping between chunks');
        const take = {
            'Transition': () => this.takeTransition(message),
            'TransitionChunk': () => this.takeChunk(message),
            'MutationResponse': () => this.takeMutation(message),
            'ActionResponse': () => this.takeAction(message),
            'AuthError': () => this.takeAuthError(message),
            'FatalError': () => this.takeFatal(message),
            'Ping': () => {},
            '#ping': () => {},
            '#pong': () => {},
            '#close': () => assert.ok(Buffer.byteLength(message.reason) <= 123),
        }[message.type];
        assert.ok(take, `1: no message of this kind exists: ${message.type}`);
        take();
    }

    takeChunk(message) {
        this.chunks ??= { parts: [], id: message.transitionId, total: message.totalParts };
        assert.equal(message.partNumber, this.chunks.parts.length, '16: chunks in order');
        assert.equal(message.transitionId, this.chunks.id);
        assert.equal(message.totalParts, this.chunks.total);
        assert.ok(Buffer.byteLength(message.chunk) <= 5_000_000);
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
        assert.deepEqual(start, this.version, '3: a transition starts where the last one ended');
        assert.ok(end.querySet >= start.querySet && end.identity >= start.identity, '3: no version goes back');
        assert.ok(this.sets.includes(end.querySet), 'a query set that the client said');
        assert.ok(end.identity <= this.identities, 'an identity that the client said');
        assert.ok(tsRead(end.ts) >= tsRead(start.ts), '17: no timestamp goes back');
        assert.ok(tsRead(end.ts) >= this.session.ts, '17: nor across connections of a session');
        this.session.ts = tsRead(end.ts);
        assert.ok(Array.isArray(message.modifications));
        this.checkClock(message);
        const named = new Set();
        for (const change of message.modifications) {
            assert.equal(named.has(change.queryId), false, 'a query is named once in a transition');
            named.add(change.queryId);
            this.takeModification(change, end.querySet);
        }
        for (const [id, version] of this.added)
            if (version <= end.querySet && !(this.removed.get(id) <= end.querySet))
                assert.ok(this.shown.has(id), `5: query ${id} of set ${version} has no result at set ${end.querySet}`);
        for (const [id, version] of this.removed)
            assert.equal(version <= end.querySet && this.shown.has(id), false, `query ${id} was removed in set ${version}, and is not said to be`);
        this.version = end;
        for (const [id, ts] of this.unsettled)
            if (this.session.ts >= ts)
                this.unsettled.delete(id);
    }

    takeModification(change, querySet) {
        const { queryId: id } = change;
        assert.ok(this.added.has(id), `query ${id} was never added here`);
        assert.ok(this.added.get(id) <= querySet, 'no result before its query set is reached');
        if (change.type === 'QueryRemoved') {
            assert.ok(this.removed.get(id) <= querySet, 'only what the client removed');
            this.shown.delete(id);
            return;
        }
        assert.ok(['QueryUpdated', 'QueryFailed'].includes(change.type), change.type);
        assert.equal(this.removed.get(id) <= querySet, false, 'no result of a removed query');
        checkLogLines(change);
        assert.ok(change.journal === null || typeof change.journal === 'string', 'a journal is null or a string');
        if (change.type === 'QueryUpdated') {
            assert.ok('value' in change);
            checkValue(change.value);
        } else {
            assert.equal(typeof change.errorMessage, 'string');
            checkValue(change.errorData ?? null);
        }
        this.shown.add(id);
    }

    checkClock({ clientClockSkew: skew, serverTs }) {
        if (this.connect?.clientTs === undefined)
            assert.equal(skew, undefined, 'no skew is known of a client that did not tell its clock');
        if (skew !== undefined)
            assert.ok(Number.isInteger(skew) && Math.abs(skew) < SKEW_MS, `clientClockSkew ${skew}`);
        if (serverTs !== undefined)
            assert.ok(Math.abs(serverTs / 1e6 - Date.now()) < SKEW_MS, `serverTs ${serverTs} in nanoseconds`);
    }

    takeMutation(message) {
        const { requestId: id } = message;
        assert.equal(typeof message.success, 'boolean');
        checkLogLines(message);
        assert.equal(this.asked.shift(), id, 'mutations of a socket are answered in their order');
        if (!message.success) {
            assert.equal(typeof message.result, 'string', 'why it failed');
            assert.ok(message.ts === undefined || message.ts === null);
            return;
        }
        checkValue(message.result);
        const ts = tsRead(message.ts);
        const answer = JSON.stringify([message.result, message.ts]);
        assert.equal(this.session.answers.get(id) ?? answer, answer, '8: a replay has its first answer');
        this.session.answers.set(id, answer);
        this.unsettled.set(id, ts);
    }

    takeAction(message) {
        const left = this.actions.get(message.requestId) ?? 0;
        assert.ok(left > 0, 'an action is answered once for each time it was sent');
        this.actions.set(message.requestId, left - 1);
        checkLogLines(message);
        assert.equal(typeof message.success, 'boolean');
        if (message.success)
            checkValue(message.result);
        else
            assert.equal(typeof message.result, 'string');
    }

    takeAuthError(message) {
        assert.equal(typeof message.error, 'string');
        assert.equal(message.baseVersion, this.version.identity, '14: the identity of the last transition');
        assert.equal(typeof message.authUpdateAttempted, 'boolean');
        this.isEnding = true;
    }

    takeFatal(message) {
        assert.equal(typeof message.error, 'string');
        this.isEnding = true;
    }
}

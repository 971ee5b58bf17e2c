// SPDX-License-Identifier: Apache-2.0
// Version chains and reconnects: whatever happens to a connection, the client's versions fit, and it
// ends with what is true. check.mjs holds every transition against the chain rule besides.
import assert from 'node:assert/strict';

import { ZERO, tsRead } from '../../raw.mjs';
import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'versions';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, ...more }, run);

const ofLink = (t, link, type) => t.proxy.log.filter((entry) => entry.link === link && entry.from === 'server'
    && entry.message.type === type).map(({ message }) => message);
const reconnected = (t, count = 2) => t.until(() => t.proxy.links.length >= count
    && ofLink(t, count - 1, 'Transition').length > 0, `connection ${count}`);

scenario('an empty query set is answered',
    'Every query set has its transition, though it is empty and nothing changed.',
    async (t) => {
        t.client();
        await t.until(() => t.proxy.messages('server', 'Transition').length === 1, 'a transition');
        const [{ startVersion, endVersion, modifications }] = t.proxy.messages('server', 'Transition');
        assert.deepEqual(startVersion, { querySet: 0, identity: 0, ts: ZERO });
        assert.equal(endVersion.querySet, 1);
        assert.deepEqual(modifications, []);
    }, { on: EVERY });

scenario('each reconnect starts from zero and answers the whole set',
    'A connection knows nothing of the one before: its first transition starts at zero and holds every query.',
    async (t) => {
        const client = t.client();
        const watched = [t.watch(client, 'items:list'), t.watch(client, 'items:count'), t.watch(client, 'echo:query', { value: 1n })];
        await watched[2].shows((value) => value === 1n);
        for (let i = 0; i < 4; i++) {
            t.proxy.last.cut();
            await reconnected(t, i + 2);
            const [first] = ofLink(t, i + 1, 'Transition');
            assert.deepEqual(first.startVersion, { querySet: 0, identity: 0, ts: ZERO });
            assert.deepEqual(first.modifications.map(({ queryId }) => queryId).sort(), [0, 1, 2]);
        }
        await client.mutation('items:add', { text: t.text });
        assert.equal(watched[0].last().length, 1);
        assert.equal(watched[1].last().count, 1);
    }, { on: EVERY });

scenario('the client tells the newest timestamp it saw, and is not behind it afterwards',
    'After a reconnect the first transition is at or past maxObservedTimestamp.',
    async (t) => {
        const client = t.client();
        await reconnected(t, 1);
        for (let i = 0; i < 5; i++) {
            const links = t.proxy.links.length;
            t.proxy.on('server', ({ type, requestId }) => type === 'MutationResponse' && requestId === i, 'pass-cut'); // in no transition
            await client.mutation('items:add', { text: t.text });
            await reconnected(t, links + 1);
            const connect = t.proxy.messages('client', 'Connect').at(-1);
            const answer = t.proxy.messages('server', 'MutationResponse').find(({ requestId }) => requestId === i);
            assert.ok(tsRead(connect.maxObservedTimestamp) >= tsRead(answer.ts));
            assert.ok(tsRead(ofLink(t, links, 'Transition')[0].endVersion.ts) >= tsRead(connect.maxObservedTimestamp));
        }
    }, { on: EVERY });

scenario('what changed while away is shown in one step',
    'A reconnecting client sees the newest state, not the states in between.',
    async (t) => {
        const client = t.client();
        const list = t.watch(client, 'items:list');
        await list.shows((items) => items.length === 0);
        t.proxy.isRefusing = true;
        t.proxy.last.cut();
        const http = t.http();
        for (let i = 0; i < 5; i++)
            await http.mutation('items:add', { text: `${t.text} ${i}` });
        t.proxy.isRefusing = false;
        await list.shows((items) => items.length === 5);
        assert.deepEqual(list.seen.map((items) => items.length), [0, 5]);
    }, { on: EVERY });

scenario('a query dropped while away is not answered, one added is',
    'The replayed query set is what counts: queries are not remembered across connections.',
    async (t) => {
        const client = t.client();
        const [gone, kept] = [t.watch(client, 'items:list'), t.watch(client, 'items:count')];
        await kept.shows((value) => value.count === 0);
        t.proxy.isRefusing = true;
        t.proxy.last.cut();
        await t.until(() => client.manager.backoffs.length > 1, 'the client to notice');
        gone.stop();
        const added = t.watch(client, 'echo:query', { value: 'new' });
        t.proxy.isRefusing = false;
        await added.shows((value) => value === 'new');
        await t.http().mutation('items:add', { text: t.text });
        await kept.shows((value) => value.count === 1);
        assert.equal(gone.seen.length, 1);
    }, { on: EVERY });

scenario('a transition lost in the cut is made up for',
    'A change whose transition never arrived is in the first transition after the reconnect.',
    async (t) => {
        const client = t.client();
        const list = t.watch(client, 'items:list');
        await list.shows((items) => items.length === 0);
        for (let i = 1; i <= 3; i++) {
            t.proxy.on('server', ({ type, modifications }) => type === 'Transition' && modifications.length > 0, i % 2 ? 'cut' : 'half-cut');
            await t.http().mutation('items:add', { text: t.text });
            await list.shows((items) => items.length === i);
        }
        assert.equal(t.proxy.links.length, 4);
    }, { on: EVERY });

scenario('cut on the very first transition, ten times',
    'A connection that breaks before its first result leaves nothing behind that the next one stumbles on.',
    async (t) => {
        t.proxy.on('server', 'Transition', 'cut', { times: 10 });
        const client = t.client();
        assert.deepEqual(await client.query('items:count', {}), { count: 0 });
        assert.equal(t.proxy.links.length, 11);
    }, { on: EVERY });

scenario('cut on Connect and on the query set',
    'A connection that breaks before its query set is whole leaves the next one unharmed.',
    async (t) => {
        for (const [type, does] of [['Connect', 'cut'], ['Connect', 'pass-orphan'], ['ModifyQuerySet', 'half-cut'], ['ModifyQuerySet', 'pass-orphan']])
            t.proxy.on('client', type, does);
        const client = t.client();
        assert.deepEqual(await client.query('items:count', {}), { count: 0 });
        await client.mutation('items:add', { text: t.text });
        assert.equal(await t.count(), 1);
    }, { on: EVERY });

scenario('delays in both directions change nothing but the time',
    'Correctness does not depend on how soon a message arrives.',
    async (t) => {
        t.proxy.delays = { client: 15, server: 25 };
        const client = t.client();
        const count = t.watch(client, 'items:count');
        await Promise.all([1, 2, 3, 4].map(async (i) => {
            await client.mutation('items:add', { text: `${t.text} ${i}` });
            assert.ok(count.last().count >= i);
        }));
    }, { on: EVERY });

scenario('answers held back while the client goes on asking',
    'What the client says while the server\'s messages are under way is taken in order, and the chain holds.',
    async (t) => {
        const client = t.client();
        const count = t.watch(client, 'items:count');
        await count.shows((value) => value.count === 0);
        const hold = t.proxy.on('server', 'MutationResponse', 'hold');
        const done = [client.mutation('items:add', { text: t.text })];
        await hold.hit;
        const queries = [];
        for (let i = 0; i < 10; i++) {
            queries.push(t.watch(client, 'echo:query', { value: i }));
            done.push(client.mutation('items:add', { text: t.text }));
        }
        queries.slice(0, 5).forEach((query) => query.stop());
        hold.release();
        await Promise.all(done);
        await Promise.all(queries.slice(5).map((query, i) => query.shows((value) => value === i + 5)));
        await count.shows((value) => value.count === 11);
    }, { on: EVERY });

scenario('two sockets of one session side by side',
    'Two connections of a session, the old one half-open, have each their own chain.',
    async (t) => {
        const client = t.client();
        const list = t.watch(client, 'items:list');
        await list.shows((items) => items.length === 0);
        t.proxy.last.orphan();
        await reconnected(t, 2);
        await t.http().mutation('items:add', { text: t.text });
        await list.shows((items) => items.length === 1);
        await t.until(() => ofLink(t, 0, 'Transition').length >= 2, 'the half-open one is told, too');
        await client.mutation('items:add', { text: t.text });
        assert.equal(list.last().length, 2);
    }, { on: EVERY });

scenario('a close reason of any kind is accepted',
    'lastCloseReason and connectionCount are diagnostics: whatever they say, the connection is served.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:noop', {});
        for (const reason of ['x'.repeat(20_000), '\u0001é漢😀', '', null]) {
            client.manager.lastCloseReason = reason;
            const links = t.proxy.links.length;
            t.proxy.last.cut();
            await reconnected(t, links + 1);
            await client.mutation('items:add', { text: t.text });
        }
        assert.equal(await t.count(), 4);
    });

scenario('a client that does not tell its clock is not told its skew; one that does is told the truth',
    'clientClockSkew is what the client\'s clock and the server\'s differ by, or absent.',
    async (t) => {
        t.client();
        await t.until(() => t.proxy.messages('server', 'Transition').length > 0, 'a transition');
        const [connect] = t.proxy.messages('client', 'Connect');
        assert.equal(connect.clientTs === undefined, t.version === '1.24');
        for (const ahead of [-100_000, 3_600_000]) {
            const raw = t.raw();
            await raw.open();
            raw.send({ type: 'Connect', sessionId: raw.sessionId, connectionCount: 0, lastCloseReason: null, clientTs: Date.now() + ahead },
                { type: 'ModifyQuerySet', baseVersion: 0, newVersion: 1, modifications: [] });
            await raw.reached(1);
            const [{ clientClockSkew }] = raw.transitions;
            assert.ok(Math.abs(clientClockSkew - ahead) < 5000, `${clientClockSkew} for ${ahead}`);
        }
    }, { on: EVERY });

scenario('retries are over when everything outstanding is answered',
    'After a reconnect every replayed query and request is answered, so the client\'s backoff starts anew.',
    async (t) => {
        const client = t.client();
        const list = t.watch(client, 'items:list');
        t.watch(client, 'fail:query');
        await list.shows((items) => items.length === 0);
        t.proxy.isRefusing = true;
        t.proxy.last.cut();
        const done = client.mutation('items:add', { text: t.text });
        await t.until(() => client.manager.backoffs.length >= 4, 'some retries');
        t.proxy.isRefusing = false;
        await done;
        await t.until(() => client.manager.retries === 0, 'the retries to be forgotten');
    }, { on: EVERY });

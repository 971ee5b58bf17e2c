// SPDX-License-Identifier: Apache-2.0
// A mutation that the client asked for once takes effect once, whenever its connection breaks.
import assert from 'node:assert/strict';

import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'exactly once';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, on: EVERY, ...more }, run);

const MOMENTS = {
    'before it is sent': ['client', 'Mutation', 'cut'],
    'in the middle of its frame': ['client', 'Mutation', 'half-cut'],
    'after it is sent, before it is answered': ['client', 'Mutation', 'pass-cut'],
    'on its answer': ['server', 'MutationResponse', 'cut'],
    'in the middle of its answer': ['server', 'MutationResponse', 'half-cut'],
    'after its answer, before the transition': ['server', 'MutationResponse', 'pass-cut'],
};

for (const [moment, [from, type, does]] of Object.entries(MOMENTS)) {
    scenario(`a mutation whose connection is cut ${moment} runs once`,
        'A mutation replayed after a cut has run exactly once and resolves with its first result.',
        async (t) => {
            const client = t.client();
            const rule = t.proxy.on(from, type, does);
            const id = await client.mutation('items:add', { text: t.text });
            await rule.hit;
            assert.equal(t.proxy.links.length, 2, 'it reconnected once');
            const items = await t.http().query('items:list', {});
            assert.deepEqual(items.map((item) => [item._id, item.text]), [[id, t.text]]);
        });

    scenario(`a mutation whose connection is cut ${moment} is seen by its caller's query, once`,
        'After a reconnect the replayed mutation resolves only when its effect is shown, and it is never shown twice.',
        async (t) => {
            const client = t.client();
            const list = t.watch(client, 'items:list');
            await list.shows((items) => items.length === 0);
            t.proxy.on(from, type, does);
            await client.mutation('items:add', { text: t.text });
            assert.deepEqual(list.last().map(({ text }) => text), [t.text]);
            assert.ok(list.seen.every((items) => items.length <= 1), 'never two');
        });
}

// ---- several in flight ----

for (const at of [1, 4, 8]) {
    scenario(`eight in flight, cut on answer ${at}: each runs once, in order`,
        'Mutations in flight at a cut are replayed in order, and those that had run do not run again.',
        async (t) => {
            const client = t.client();
            let answers = 0;
            const rule = t.proxy.on('server', (message) => message.type === 'MutationResponse' && ++answers === at, 'cut');
            const texts = Array.from({ length: 8 }, (_, i) => `${t.text} ${i}`);
            const ids = await Promise.all(texts.map((text) => client.mutation('items:add', { text })));
            await rule.hit;
            const items = await t.http().query('items:list', {});
            assert.deepEqual(items.map(({ _id, text }) => [_id, text]), texts.map((text, i) => [ids[i], text]));
        });

    scenario(`eight in flight, cut on sending ${at}: each runs once, in order`,
        'Of mutations sent behind one another the server runs those that arrived, and the rest after the reconnect, in order.',
        async (t) => {
            const client = t.client();
            let sent = 0;
            t.proxy.on('client', (message) => message.type === 'Mutation' && ++sent === at, 'half-cut');
            const texts = Array.from({ length: 8 }, (_, i) => `${t.text} ${i}`);
            await Promise.all(texts.map((text) => client.mutation('items:add', { text })));
            assert.deepEqual(await t.texts(), texts);
        });
}

scenario('thirty mutations while every fifth message of the server is a cut',
    'However often a connection breaks, no mutation is lost, doubled or put before another.',
    async (t) => {
        const client = t.client();
        let messages = 0;
        t.proxy.on('server', () => ++messages % 5 === 0, 'cut', { times: 12 });
        const texts = Array.from({ length: 30 }, (_, i) => `${t.text} ${i}`);
        await Promise.all(texts.map((text) => client.mutation('items:add', { text })));
        assert.deepEqual(await t.texts(), texts);
        assert.ok(t.proxy.links.length > 3, `${t.proxy.links.length} connections`);
    });

scenario('transfers under cuts neither make nor lose money',
    'A mutation that is not idempotent takes effect exactly once though its answer is lost.',
    async (t) => {
        const client = t.client();
        await client.mutation('seed:seed_range', { start: t.account, count: 2, initial: 100 });
        for (const does of ['cut', 'pass-cut', 'half-cut', 'cut', 'orphan']) {
            t.proxy.on('server', 'MutationResponse', does);
            await client.mutation('transfer:transfer', { amount: 7, from_id: t.account, to_id: t.account + 1 });
        }
        const http = t.http();
        const balances = await Promise.all([0, 1].map((i) => http.query('accounts:get_account', { id: t.account + i })));
        assert.deepEqual(balances.map(({ balance }) => balance), [65, 135]);
    });

scenario('a removal whose answer was lost succeeds when it is replayed',
    'A replay is answered with what the first run answered, not with what a second run would say.',
    async (t) => {
        const id = await t.http().mutation('items:add', { text: t.text });
        const client = t.client();
        t.proxy.on('server', 'MutationResponse', 'cut');
        assert.equal(await client.mutation('items:remove', { id }), null);
        assert.equal(await t.count(), 0);
        await t.refused(t.http().mutation('items:remove', { id })); // one that is not a replay fails
    });

scenario('a replay is answered with the timestamp of its first run, though others have committed since',
    'The recorded outcome keeps the original commit timestamp, so the promise waits for no later one.',
    async (t) => {
        const client = t.client();
        const lost = t.proxy.on('server', 'MutationResponse', 'cut');
        const hold = t.proxy.on('client', (message) => message.type === 'Mutation' && lost.hits.length > 0, 'hold');
        const done = client.mutation('items:add', { text: t.text });
        await hold.hit;
        await t.http().mutation('items:add', { text: 'another' });
        hold.release();
        await done;
        const [first, second] = t.proxy.messages('server', 'MutationResponse');
        assert.equal(second.ts, first.ts);
        assert.deepEqual(second.result, first.result);
    });

scenario('a result of a megabyte is the same in the replay',
    'Outcomes are recorded whole, whatever their size.',
    async (t) => {
        const client = t.client();
        const value = `${t.text}é漢😀`.repeat(40_000);
        t.proxy.on('server', 'MutationResponse', 'cut');
        assert.equal(await client.mutation('echo:mutation', { value }), value);
    });

for (const count of [900, 2500])
    scenario(`${count} mutations in one burst`,
        'However many are in flight, all of them run once, in order; too many are sent away for a while, never for good.',
        async (t) => {
            t.dirty();
            const client = t.client();
            await client.mutation('items:noop', {});
            const hold = t.proxy.on('client', 'Mutation', 'hold');
            const texts = Array.from({ length: count }, (_, i) => `${i}`);
            const done = Promise.all(texts.map((text) => client.mutation('items:add', { text })));
            await t.until(() => t.proxy.last.pipes.client.queue.length === count - 1, 'all of them to wait');
            hold.release();
            assert.equal(new Set(await done).size, count);
            assert.deepEqual(await t.texts(), texts);
            for (const { code, reason } of t.proxy.messages('server', '#close'))
                assert.deepEqual([code, reason], [1013, 'TooManyConcurrentRequests']);
        }, { on: ['1.24', '1.44'] });

// ---- two copies at once ----

scenario('the same mutation twice on one socket runs once',
    'A second copy of (session, request) on the same connection does not run.',
    async (t) => {
        const client = t.client();
        t.proxy.on('client', 'Mutation', 'double');
        await client.mutation('items:add', { text: t.text });
        await t.until(() => t.proxy.messages('server', 'MutationResponse').length === 2, 'both answers');
        assert.equal(await t.count(), 1);
    });

scenario('a batch that is doubled on one socket runs once each',
    'Copies that share a batch of the writer with their originals are found, too.',
    async (t) => {
        const client = t.client();
        t.proxy.on('client', 'Mutation', 'double', { times: 10 });
        const texts = Array.from({ length: 10 }, (_, i) => `${t.text} ${i}`);
        await Promise.all(texts.map((text) => client.mutation('items:add', { text })));
        assert.deepEqual(await t.texts(), texts);
    });

scenario('a copy on a second socket of the session at the same moment runs once',
    'Concurrent copies on two connections commit once and have one answer.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:noop', {});
        const twin = t.raw(client);
        await twin.connect();
        const held = t.proxy.on('client', 'Mutation', 'hold');
        const done = client.mutation('items:add', { text: t.text });
        const { message } = await held.hit;
        held.release();
        twin.send(message);
        const [id, copy] = await Promise.all([done, twin.settled(message.requestId)]);
        assert.equal(copy.success, true);
        assert.equal(copy.result, id);
        assert.equal(await t.count(), 1);
    });

scenario('a replay that comes while the first run is under way joins it',
    'A slow mutation replayed before its commit neither runs a second time nor fails.',
    async (t) => {
        const client = t.client();
        t.dirty();
        t.proxy.on('client', 'Mutation', 'pass-orphan');
        const made = await client.mutation('seed:seed_range', { start: t.account, count: 8000, initial: 1 });
        assert.equal(made, 8000, 'a second run would have made none');
        assert.equal(t.proxy.links.length, 2);
    });

scenario('three copies of a slow mutation on three sockets run once',
    'Copies that arrive while the first is queued or running all have its one answer.',
    async (t) => {
        t.dirty();
        const client = t.client();
        await client.mutation('items:noop', {});
        const twins = [t.raw(client), t.raw(client)];
        await Promise.all(twins.map((twin) => twin.connect()));
        const seen = t.proxy.on('client', 'Mutation');
        const done = client.mutation('seed:seed_range', { start: t.account, count: 6000, initial: 1 });
        const { message } = await seen.hit;
        twins.forEach((twin) => twin.send(message));
        const copies = await Promise.all(twins.map((twin) => twin.settled(message.requestId)));
        assert.equal(await done, 6000);
        assert.deepEqual(copies.map(({ result }) => result), [6000, 6000]);
        assert.equal(copies[0].ts, copies[1].ts);
    });

scenario('an old socket that delivers its copy late, after the replay, changes nothing',
    'A copy of a mutation that arrives after its replay has been answered does not run.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:noop', {});
        const late = t.proxy.on('client', 'Mutation', 'hold');
        const done = client.mutation('items:add', { text: t.text });
        const { link } = await late.hit;
        // The client loses its socket; what it had written is still under way to the server.
        link.isOver = true;
        link.isOrphan = true;
        link.sockets.client.destroy();
        await done;
        late.release();
        await t.until(async () => await t.metric('atelier_call_replayed_total') >= 1, 'the late copy to be taken');
        assert.equal(await t.count(), 1);
    });

scenario('a half-open old socket does not hold up the new one',
    'The server serves a session on its new connection though the old one never said that it is gone.',
    async (t) => {
        const client = t.client();
        for (let i = 0; i < 4; i++) {
            t.proxy.on('server', 'MutationResponse', 'orphan');
            await client.mutation('items:add', { text: `${t.text} ${i}` });
        }
        assert.equal(t.proxy.links.length, 5);
        assert.deepEqual(await t.texts(), [0, 1, 2, 3].map((i) => `${t.text} ${i}`));
    });

scenario('two clients use the same request numbers for different mutations',
    'Outcomes belong to a session: the same request number of another session is another mutation.',
    async (t) => {
        const [one, two] = [t.client(), t.client()];
        await Promise.all([one.mutation('items:add', { text: `${t.text} one` }), two.mutation('items:add', { text: `${t.text} two` })]);
        assert.deepEqual((await t.texts()).sort(), [`${t.text} one`, `${t.text} two`]);
        assert.deepEqual(t.proxy.messages('client', 'Mutation').map(({ requestId }) => requestId), [0, 0]);
    });

scenario('two of the same call are two mutations',
    'Only the request number makes a replay: equal arguments of another request run again.',
    async (t) => {
        const client = t.client();
        t.proxy.on('server', 'MutationResponse', 'cut');
        const ids = await Promise.all([0, 1, 2].map(() => client.mutation('items:add', { text: t.text })));
        assert.equal(new Set(ids).size, 3);
        assert.equal(await t.count(), 3);
    });

scenario('a mutation that failed leaves nothing, and its replay fails again',
    'A failure is not an outcome: nothing of it is kept, and the replay runs and says the same.',
    async (t) => {
        const client = t.client();
        t.proxy.on('server', 'MutationResponse', 'cut');
        const error = await t.refused(client.mutation('fail:mutation', {}));
        assert.deepEqual(error.data, { code: 'E2' });
        assert.deepEqual(await t.texts(), []);
    });

scenario('a failure between two that succeed, all replayed',
    'The replay of a row of mutations keeps each outcome with its own request.',
    async (t) => {
        const client = t.client();
        let answers = 0;
        t.proxy.on('server', (message) => message.type === 'MutationResponse' && ++answers === 3, 'cut');
        const [one, error, two] = await Promise.all([
            client.mutation('items:add', { text: `${t.text} 1` }),
            t.refused(client.mutation('fail:mutation', {})),
            client.mutation('items:add', { text: `${t.text} 2` }),
        ]);
        assert.deepEqual(error.data, { code: 'E2' });
        assert.deepEqual((await t.http().query('items:list', {})).map(({ _id }) => _id), [one, two]);
    });

scenario('a mutation asked for while there is no connection is sent once',
    'What was never written to a socket runs when the client is connected again, once.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:noop', {});
        t.proxy.isRefusing = true;
        t.proxy.last.cut();
        const done = Promise.all(['a', 'b'].map((name) => client.mutation('items:add', { text: `${t.text} ${name}` })));
        await t.until(() => client.manager.backoffs.length >= 2, 'the client to notice');
        t.proxy.isRefusing = false;
        await done;
        assert.deepEqual(await t.texts(), [`${t.text} a`, `${t.text} b`]);
    });

scenario('mutations over HTTP are not remembered',
    'Only a socket\'s mutations have a session: the same HTTP call twice runs twice.',
    async (t) => {
        const http = t.http();
        await http.mutation('items:add', { text: t.text });
        await http.mutation('items:add', { text: t.text });
        assert.equal(await t.count(), 2);
    }, { on: ['1.44'] });

// ---- at any byte ----

for (const [side, step] of [['client', 9], ['server', 37]])
    scenario(`cut at any byte that the ${side} sends`,
        'Wherever the stream of bytes breaks, packed frames included, mutations run once and in order.',
        async (t) => {
            t.proxy.opaque = true;
            const client = t.client();
            const list = t.watch(client, 'items:list');
            await list.shows((items) => items.length === 0);
            const texts = [];
            for (let i = 0; i < 20; i++) {
                t.proxy.budget[side] = 1 + i * step;
                texts.push(`${t.text} ${i}`, `${t.text} ${i} again`);
                await Promise.all(texts.slice(-2).map((text) => client.mutation('items:add', { text })));
                assert.deepEqual(list.last().map(({ text }) => text), texts);
            }
            assert.deepEqual(await t.texts(), texts);
            assert.ok(t.proxy.links.length > 10, `${t.proxy.links.length} connections`);
        });

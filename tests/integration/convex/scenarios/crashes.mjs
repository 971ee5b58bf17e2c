// SPDX-License-Identifier: Apache-2.0
// kill -9, and an ordinary stop, at chosen moments: what was answered is there, what was not is
// there once or not at all, and clients go on as if nothing had been.
import assert from 'node:assert/strict';

import { tsRead } from '../../raw.mjs';
import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'crashes';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, on: EVERY, ...more }, run);

// Answers nothing to anybody until the server is back.
async function crashAt(t, rule) {
    await rule.hit;
    t.proxy.isRefusing = true;
    await t.crash();
    t.proxy.isRefusing = false;
}

scenario('killed after the answer, before the transition: the replay has its first answer',
    'Outcomes are found again after a restart, in the store, with the timestamp of the first run.',
    async (t) => {
        const client = t.client();
        const rule = t.proxy.on('server', 'MutationResponse', 'pass-cut');
        const done = client.mutation('items:add', { text: t.text });
        await crashAt(t, rule);
        const id = await done;
        await t.until(() => t.proxy.messages('server', 'MutationResponse').length === 2, 'the answer to the replay');
        const [first, second] = t.proxy.messages('server', 'MutationResponse');
        assert.equal(second.ts, first.ts);
        assert.equal(second.result, id);
        assert.equal(await t.count(), 1);
    });

scenario('killed before the answer: the mutation runs once over both lives',
    'A mutation cut off by a crash is in the store whole or not at all, and its replay completes it.',
    async (t) => {
        const client = t.client();
        const rule = t.proxy.on('client', 'Mutation', 'pass-orphan');
        const done = client.mutation('items:add', { text: t.text });
        await crashAt(t, rule);
        await done;
        assert.equal(await t.count(), 1);
    });

scenario('killed with twenty in flight: each runs once, in order',
    'A batch that the crash interrupts is neither half there nor doubled by the replays.',
    async (t) => {
        const client = t.client();
        const texts = Array.from({ length: 20 }, (_, i) => `${t.text} ${i}`);
        let answers = 0;
        const rule = t.proxy.on('server', (message) => message.type === 'MutationResponse' && ++answers === 3, 'orphan');
        const done = Promise.all(texts.map((text) => client.mutation('items:add', { text })));
        await crashAt(t, rule);
        await done;
        assert.deepEqual(await t.texts(), texts);
    });

scenario('killed twice in the life of one mutation',
    'A second replay, by a third process, still finds the first outcome.',
    async (t) => {
        const client = t.client();
        const first = t.proxy.on('server', 'MutationResponse', 'cut');
        const second = t.proxy.on('server', 'MutationResponse', 'cut');
        const done = client.mutation('items:add', { text: t.text });
        await crashAt(t, first);
        await crashAt(t, second);
        await done;
        assert.equal(await t.count(), 1);
        assert.equal(new Set(t.proxy.messages('server', 'MutationResponse').map(({ ts }) => ts)).size, 1);
    }, { on: ['1.44'] });

scenario('what was acknowledged before a crash is there after it',
    'Nobody is answered before the data is durable.',
    async (t) => {
        const client = t.client();
        const ids = [];
        for (let i = 0; i < 10; i++)
            ids.push(await client.mutation('items:add', { text: `${t.text} ${i}` }));
        await t.crash();
        assert.deepEqual((await t.http().query('items:list', {})).map(({ _id }) => _id), ids);
    }, { on: ['1.44'] });

scenario('timestamps grow over a crash',
    'Commit timestamps never go back, or a reconnecting client would be ahead of the server.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:add', { text: t.text });
        await t.crash();
        await client.mutation('items:add', { text: t.text });
        const [before, after] = t.proxy.messages('server', 'MutationResponse').map(({ ts }) => tsRead(ts));
        assert.ok(after > before);
        const connect = t.proxy.messages('client', 'Connect').at(-1);
        const [transition] = t.proxy.log.filter(({ link, from, message }) => link === t.proxy.last.number
            && from === 'server' && message.type === 'Transition').map(({ message }) => message);
        assert.ok(tsRead(transition.endVersion.ts) >= tsRead(connect.maxObservedTimestamp), 'the client was never ahead');
    });

scenario('a subscription goes on after a crash, with what was written meanwhile',
    'After a restart every query of the replayed set has a result, and it is of the newest state.',
    async (t) => {
        const client = t.client();
        const list = t.watch(client, 'items:list');
        const count = t.watch(client, 'items:count');
        await list.shows((items) => items.length === 0);
        t.proxy.isRefusing = true;
        await t.crash();
        await t.http().mutation('items:add', { text: t.text });
        t.proxy.isRefusing = false;
        await list.shows((items) => items.length === 1);
        await count.shows((value) => value.count === 1);
        await client.mutation('items:add', { text: `${t.text} 2` });
        assert.equal(list.last().length, 2);
    });

scenario('an ordinary stop makes clients come back, and loses nothing',
    'A server that stops finishes what it took or leaves it to the replay; the close is transient.',
    async (t) => {
        const client = t.client();
        const list = t.watch(client, 'items:list');
        await list.shows((items) => items.length === 0);
        const texts = Array.from({ length: 12 }, (_, i) => `${t.text} ${i}`);
        const done = Promise.all(texts.map((text) => client.mutation('items:add', { text })));
        await t.restart();
        await done;
        assert.deepEqual(await t.texts(), texts);
        assert.deepEqual(list.last().map(({ text }) => text), texts);
        const closes = t.proxy.messages('server', '#close');
        assert.deepEqual(closes.slice(0, 1).map(({ code, reason }) => [code, reason]), [[1013, 'InternalServerError']]);
    });

scenario('a failure before the crash stays a failure after it',
    'A mutation that failed leaves no outcome and no rows for the next life to find.',
    async (t) => {
        const client = t.client();
        const rule = t.proxy.on('server', 'MutationResponse', 'cut');
        const done = t.refused(client.mutation('fail:mutation', {}));
        await crashAt(t, rule);
        assert.deepEqual((await done).data, { code: 'E2' });
        assert.deepEqual(await t.texts(), []);
    }, { on: ['1.44'] });

scenario('money is the same after crashes in the middle of transfers',
    'No crash makes a transfer half, lost after its answer, or doubled by its replay.',
    async (t) => {
        const client = t.client();
        await client.mutation('seed:seed_range', { start: t.account, count: 4, initial: 100 });
        const done = Promise.all(Array.from({ length: 40 }, (_, i) => client.mutation('transfer:transfer',
            { amount: 1, from_id: t.account + i % 3, to_id: t.account + 3 })));
        const rule = t.proxy.on('server', 'MutationResponse', 'orphan');
        await crashAt(t, rule);
        await done;
        const http = t.http();
        const balances = await Promise.all([0, 1, 2, 3].map((i) => http.query('accounts:get_account', { id: t.account + i })));
        assert.deepEqual(balances.map(({ balance }) => balance), [86, 87, 87, 140]);
    }, { on: ['1.44'] });

scenario('the identity is told again after a crash',
    'A restarted server knows nobody until the client says who it is, before the replayed mutations.',
    async (t) => {
        const client = t.client({ auth: t.token() });
        const me = t.watch(client, 'users:me');
        await me.shows((value) => value.subject === t.subject);
        const rule = t.proxy.on('client', 'Mutation', 'pass-orphan');
        const done = client.mutation('users:whoami', {});
        await crashAt(t, rule);
        assert.deepEqual(await done, { subject: t.subject });
        assert.equal(me.last().subject, t.subject);
    });

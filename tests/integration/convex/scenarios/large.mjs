// SPDX-License-Identifier: Apache-2.0
// Large transitions, slow readers and what happens to both when the connection breaks.
import assert from 'node:assert/strict';

import { CHUNKED, EVERY, scenario as declare } from '../harness.mjs';

const group = 'large';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, ...more }, run);

const SIZE = 6_000_000;

scenario('a large result comes in chunks to clients that know them, in one piece to others',
    'A transition above 5 MB is cut into contiguous pieces for clients from 1.28 on, and never for older ones.',
    async (t) => {
        const client = t.client();
        const text = t.watch(client, 'fixture:text', { size: SIZE });
        assert.equal((await text.shows((value) => value.length > 0, 'the text')).length, SIZE);
        const chunks = t.proxy.messages('server', 'TransitionChunk');
        assert.equal(chunks.length > 0, CHUNKED.includes(t.version), `${chunks.length} chunks`);
        await client.mutation('items:add', { text: t.text });
    }, { on: EVERY });

scenario('cut between two chunks',
    'A transition of which some chunks arrived is told from its start on the next connection.',
    async (t) => {
        const rule = t.proxy.on('server', 'TransitionChunk', 'pass-cut');
        const client = t.client();
        const text = t.watch(client, 'fixture:text', { size: SIZE });
        assert.equal((await text.shows((value) => value.length > 0, 'the text')).length, SIZE);
        await rule.hit;
        assert.equal(t.proxy.links.length, 2);
        assert.equal(text.seen.length, 1);
    }, { on: CHUNKED });

scenario('cut in the middle of a large frame',
    'A frame that did not arrive whole counts for nothing.',
    async (t) => {
        t.proxy.on('server', ({ type }) => type === 'TransitionChunk' || type === 'Transition', 'half-cut');
        const client = t.client();
        assert.equal((await client.query('fixture:text', { size: SIZE })).length, SIZE);
        assert.equal(t.proxy.links.length, 2);
    }, { on: EVERY });

scenario('a mutation while a large transition is on its way',
    'An answer waits behind the chunks of a transition: nothing but Ping comes between them.',
    async (t) => {
        const client = t.client();
        const list = t.watch(client, 'items:list');
        await list.shows((items) => items.length === 0);
        const hold = t.proxy.on('server', ({ type, modifications }) => type === 'TransitionChunk' || (type === 'Transition' && modifications.some(({ queryId }) => queryId === 1)), 'hold');
        const text = t.watch(client, 'fixture:text', { size: SIZE });
        await hold.hit;
        const done = client.mutation('items:add', { text: t.text });
        hold.release();
        await done;
        assert.equal(list.last().length, 1);
        assert.equal(text.last().length, SIZE);
    }, { on: EVERY });

scenario('a slow reader is shown the newest state, not every one',
    'While a socket is full its transitions are put together: one that reads again jumps to the newest.',
    async (t) => {
        t.dirty();
        const [slow, writer] = [t.client(), t.client({ url: t.direct })];
        const text = 'x'.repeat(600_000);
        await writer.mutation('items:add', { text });
        const list = t.watch(slow, 'items:list');
        await list.shows((items) => items.length === 1);
        t.proxy.links[0].stall();
        for (let i = 0; i < 40; i++)
            await writer.mutation('items:add', { text: `${i}` });
        const told = await t.metric('atelier_serve_transitions_total');
        t.proxy.links[0].resume();
        await list.shows((items) => items.length === 41);
        assert.ok(list.seen.length < 35, `${list.seen.length} states of 41 were shown`);
        assert.ok(told > 0);
    });

scenario('a slow reader holds up nobody else',
    'A socket that takes nothing costs other clients neither time nor results.',
    async (t) => {
        t.dirty();
        const [slow, quick] = [t.client(), t.client({ url: t.direct })];
        await quick.mutation('items:add', { text: 'x'.repeat(600_000) });
        const list = t.watch(slow, 'items:list');
        await list.shows((items) => items.length === 1);
        t.proxy.links[0].stall();
        const count = t.watch(quick, 'items:count');
        for (let i = 2; i <= 30; i++) {
            await quick.mutation('items:add', { text: `${i}` });
            assert.equal(count.last().count, i);
        }
        t.proxy.links[0].cut();
    });

scenario('a slow reader\'s own mutations are answered in their order when it reads again',
    'What was put together for a slow socket still follows the rule: answer first, then the transition that shows it.',
    async (t) => {
        t.dirty();
        const client = t.client();
        await client.mutation('items:add', { text: 'x'.repeat(600_000) });
        const list = t.watch(client, 'items:list');
        await list.shows((items) => items.length === 1);
        t.proxy.last.stall();
        const done = Promise.all(Array.from({ length: 20 }, async (_, i) => {
            await client.mutation('items:add', { text: `${i}` });
            assert.ok(list.last().length >= i + 2, `${list.last().length} at ${i}`);
        }));
        await t.until(async () => (await t.http().query('items:count', {})).count === 21, 'all of them to run');
        t.proxy.last.resume();
        await done;
        assert.equal(list.last().length, 21);
    });

scenario('twenty large results in one client',
    'Many results of a megabyte each arrive whole in one set of transitions, and again after a reconnect.',
    async (t) => {
        const client = t.client();
        const texts = Array.from({ length: 20 }, (_, i) => t.watch(client, 'fixture:text', { size: 500_000 + i }));
        await Promise.all(texts.map((text, i) => text.shows((value) => value.length === 500_000 + i)));
        const links = t.proxy.links.length;
        t.proxy.last.cut();
        await t.until(() => t.proxy.links.length > links && t.proxy.last.check.shown.size === 20, 'all of them again', 15_000);
        assert.equal(await client.mutation('items:noop', {}), null);
    });

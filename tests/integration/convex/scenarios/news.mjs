// SPDX-License-Identifier: Apache-2.0
// A transition says what is new, and nothing else.
import assert from 'node:assert/strict';

import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'news';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, ...more }, run);

const changes = (t) => t.proxy.messages('server', 'Transition').flatMap(({ modifications }) => modifications);

scenario('a query that is run again with the same result is not told again',
    'Only results that changed are sent, however often they were computed.',
    async (t) => {
        const client = t.client();
        const list = t.watch(client, 'items:list');
        const far = t.watch(client, 'items:get', { index: 30 }); // reads all there are, and is null
        await list.shows((items) => items.length === 0);
        await t.until(() => far.seen.length === 1, 'the first answer');
        const before = changes(t).length;
        for (let i = 0; i < 3; i++)
            await client.mutation('items:add', { text: t.text });
        assert.equal(list.last().length, 3);
        const told = changes(t).slice(before).map(({ queryId }) => queryId);
        assert.equal(new Set(told).size, 1, 'the list alone');
        assert.equal(far.seen.length, 1);
    }, { on: EVERY });

scenario('a query that is no longer wanted is said to be removed, once',
    'QueryRemoved answers the query set that removed it.',
    async (t) => {
        const client = t.client();
        const kept = t.watch(client, 'items:count');
        const gone = t.watch(client, 'items:list');
        await gone.shows((items) => items.length === 0);
        gone.stop();
        await client.mutation('items:add', { text: t.text });
        assert.equal(kept.last().count, 1);
        const removed = changes(t).filter(({ type }) => type === 'QueryRemoved');
        assert.deepEqual(removed.map(({ queryId }) => queryId), [1]);
    }, { on: EVERY });

scenario('a slow reader that missed the last commit is told of it when it reads again',
    'What was put together while a socket was full is sent when it is empty, without another commit.',
    async (t) => {
        t.dirty();
        const [slow, writer] = [t.client(), t.client({ url: t.direct })];
        await writer.mutation('items:add', { text: 'x'.repeat(900_000) });
        const [list, all] = [t.watch(slow, 'items:list'), t.watch(writer, 'items:list')];
        await list.shows((items) => items.length === 1);
        t.proxy.last.stall();
        for (let i = 2; i <= 30; i++)
            await writer.mutation('items:add', { text: `${i}` });
        await all.shows((items) => items.length === 30); // nothing is left to be evaluated
        await writer.mutation('items:noop', {});
        t.proxy.last.resume();
        await list.shows((items) => items.length === 30);
        assert.ok(list.seen.length < 29, 'it was slow enough to miss some');
    });

scenario('the last of many commits is seen by queries that were being evaluated aside',
    'A commit after the snapshot of a long evaluation, and before its end, makes it run again.',
    async (t) => {
        t.dirty();
        const [client, writer] = [t.client(), t.client({ url: t.direct })];
        const add = () => writer.mutation('items:add', { text: t.text });
        await Promise.all(Array.from({ length: 600 }, add));
        const far = Array.from({ length: 120 }, (_, i) => t.watch(client, 'items:get', { index: 600 + i }));
        await t.until(() => far.every(({ seen }) => seen.length > 0), 'the first answers');
        for (let added = 6; added <= 30; added += 6) {
            for (let i = 0; i < 6; i++)
                await add();
            await far[added - 1].shows((item) => item !== null, `item ${600 + added - 1}`);
        }
        for (const [i, watched] of far.entries())
            assert.equal(watched.last() !== null, i < 30, `item ${600 + i}`);
    });

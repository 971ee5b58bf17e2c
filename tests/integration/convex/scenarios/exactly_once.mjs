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

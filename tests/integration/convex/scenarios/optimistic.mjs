// SPDX-License-Identifier: Apache-2.0
// Optimistic updates live in the client, but only the server's order of answers and transitions
// lets them end where they should.
import assert from 'node:assert/strict';

import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'optimistic';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, on: EVERY, ...more }, run);

const shown = (t, client) => {
    const list = t.watch(client, 'items:list');
    return Object.assign(list, { texts: () => list.seen.map((items) => items.map(({ text }) => text)) });
};
const add = (t, client, text) => client.base.mutation('items:add', { text }, {
    optimisticUpdate(store, args) {
        const items = store.getQuery('items:list', {});
        // After a reconnect the truth may hold it before the replay is answered.
        if (items !== undefined && !items.some(({ text: known }) => known === args.text))
            store.setQuery('items:list', {}, [...items, { _id: 'not yet', _creationTime: 0, text: args.text }]);
    },
});

scenario('an optimistic item is replaced by the true one, without a moment between',
    'The transition that ends an optimistic update shows its effect: the item never disappears or doubles.',
    async (t) => {
        const client = t.client();
        const list = shown(t, client);
        await list.shows((items) => items.length === 0);
        const id = await add(t, client, t.text);
        assert.deepEqual(list.texts(), [[], [t.text], [t.text]]);
        assert.equal(list.last()[0]._id, id);
    });

scenario('six optimistic items resolve one after another',
    'Each promise ends its own update and no other: the list never shrinks and never changes its order.',
    async (t) => {
        const client = t.client();
        const list = shown(t, client);
        await list.shows((items) => items.length === 0);
        const texts = Array.from({ length: 6 }, (_, i) => `${t.text} ${i}`);
        await Promise.all(texts.map((text) => add(t, client, text)));
        assert.deepEqual(list.texts().at(-1), texts);
        let longest = 0;
        for (const seen of list.texts()) {
            assert.deepEqual(seen, texts.slice(0, seen.length));
            assert.ok(seen.length >= longest, 'it never shrinks');
            longest = seen.length;
        }
    });

scenario('an optimistic item of a mutation that fails is taken back',
    'A failure ends the optimistic update at once, and the truth is shown.',
    async (t) => {
        const client = t.client();
        const list = shown(t, client);
        await list.shows((items) => items.length === 0);
        const failing = client.base.mutation('fail:mutation', {}, {
            optimisticUpdate: (store) => store.setQuery('items:list', {}, [{ _id: 'x', _creationTime: 0, text: 'hope' }]),
        });
        assert.deepEqual((await t.refused(failing)).data, { code: 'E2' });
        assert.deepEqual(list.texts(), [[], ['hope'], []]);
    });

scenario('one that fails between two that succeed',
    'A failed update is taken out of the middle; those around it stay.',
    async (t) => {
        const client = t.client();
        const list = shown(t, client);
        await list.shows((items) => items.length === 0);
        const failing = () => client.base.mutation('fail:mutation', {}, {
            optimisticUpdate: (store) => store.setQuery('items:list', {}, [...store.getQuery('items:list', {}), { _id: 'x', _creationTime: 0, text: 'hope' }]),
        });
        const [, error] = await Promise.all([add(t, client, `${t.text} 1`), t.refused(failing()), add(t, client, `${t.text} 2`)]);
        assert.deepEqual(error.data, { code: 'E2' });
        assert.deepEqual(list.texts().at(-1), [`${t.text} 1`, `${t.text} 2`]);
        for (const seen of list.texts().slice(3))
            assert.ok(seen.includes(`${t.text} 1`) && seen.includes(`${t.text} 2`), seen.join());
    });

for (const [moment, rule] of Object.entries({
    'before it is answered': ['client', 'Mutation', 'pass-orphan'],
    'on its answer': ['server', 'MutationResponse', 'cut'],
    'before the transition': ['server', 'MutationResponse', 'pass-cut'],
}))
    scenario(`an optimistic item stays through a cut ${moment}`,
        'While a mutation is replayed its optimistic update holds, and ends only with the truth that contains it.',
        async (t) => {
            const client = t.client();
            const list = shown(t, client);
            await list.shows((items) => items.length === 0);
            t.proxy.on(...rule);
            const id = await add(t, client, t.text);
            assert.equal(list.last()[0]._id, id);
            for (const seen of list.texts().slice(1))
                assert.deepEqual(seen, [t.text]);
        });

scenario('the write of another client comes in below an optimistic item',
    'A transition without the pending mutation keeps it on top of the new truth.',
    async (t) => {
        const client = t.client();
        const list = shown(t, client);
        await list.shows((items) => items.length === 0);
        const hold = t.proxy.on('client', 'Mutation', 'hold');
        const done = add(t, client, t.text);
        await hold.hit;
        await t.http().mutation('items:add', { text: 'another' });
        await list.shows((items) => items.length === 2);
        assert.deepEqual(list.texts().at(-1), ['another', t.text]);
        hold.release();
        await done;
        assert.deepEqual(list.texts().at(-1), ['another', t.text]);
        assert.notEqual(list.last()[1]._id, 'not yet');
    });

scenario('a transfer shown at once in both accounts, then as it is',
    'Two queries of one optimistic update become true in the same transition.',
    async (t) => {
        const client = t.client();
        await client.mutation('seed:seed_range', { start: t.account, count: 2, initial: 10 });
        const args = [0, 1].map((i) => ({ id: t.account + i }));
        const sums = [];
        client.base.addOnTransitionHandler(() => {
            const [from, to] = args.map((each) => client.base.localQueryResult('accounts:get_account', each));
            if (from && to)
                sums.push(from.balance + to.balance);
        });
        const watched = args.map((each) => t.watch(client, 'accounts:get_account', each));
        await watched[1].shows((value) => value.balance === 10);
        for (let i = 1; i <= 4; i++) {
            await client.base.mutation('transfer:transfer', { amount: 1, from_id: t.account, to_id: t.account + 1 }, {
                optimisticUpdate(store) {
                    for (const [n, sign] of [[0, -1], [1, 1]]) {
                        const account = store.getQuery('accounts:get_account', args[n]);
                        store.setQuery('accounts:get_account', args[n], { ...account, balance: account.balance + sign });
                    }
                },
            });
            assert.equal(watched[0].last().balance, 10 - i);
        }
        assert.deepEqual([...new Set(sums)], [20]);
    });

// SPDX-License-Identifier: Apache-2.0
// Queries that read much are evaluated aside, while commits go on. Nothing of what holds for small
// ones may suffer from that.
import assert from 'node:assert/strict';

import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'large queries';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, ...more }, run);

const MANY = 600; // more than a round of the loop evaluates itself

async function fill(t) {
    t.dirty();
    const writer = t.client({ url: t.direct });
    await Promise.all(Array.from({ length: MANY }, (_, i) => writer.mutation('items:add', { text: `${t.text} ${i}` })));
    return writer;
}

scenario('own writes are in a large list when their promises resolve',
    'A mutation resolves only when large queries show it, too, however long they take.',
    async (t) => {
        await fill(t);
        const client = t.client();
        const [list, count] = [t.watch(client, 'items:list'), t.watch(client, 'items:count')];
        await list.shows((items) => items.length === MANY);
        await count.shows((value) => value.count === MANY);
        await Promise.all(Array.from({ length: 12 }, async (_, i) => {
            await client.mutation('items:add', { text: `${t.text} more ${i}` });
            assert.ok(list.last().length > MANY + i, 'the list');
            assert.ok(count.last().count > MANY + i, 'the count');
        }));
    }, { on: EVERY });

scenario('no commit is missed while a large query is evaluated',
    'What is written between the snapshot of an evaluation and its end makes it run again.',
    async (t) => {
        const writer = await fill(t);
        const clients = [t.client(), t.client()];
        const lists = clients.map((client) => t.watch(client, 'items:list'));
        for (let burst = 1; burst <= 6; burst++) {
            await Promise.all(Array.from({ length: 5 }, () => writer.mutation('items:add', { text: t.text })));
            if (burst % 2 === 0)
                await Promise.all(lists.map((list) => list.shows((items) => items.length === MANY + 5 * burst)));
        }
        const truth = await t.http().query('items:list', {});
        for (const list of lists)
            assert.deepEqual(list.last(), truth);
    });

scenario('large and small queries are of one moment',
    'A session with both moves to a timestamp at which all of its results are valid.',
    async (t) => {
        const writer = await fill(t);
        const client = t.client();
        const opts = { paginationOpts: { numItems: 3, cursor: null, id: 1 } };
        const pairs = [];
        client.base.addOnTransitionHandler(() => {
            const [items, page] = [client.base.localQueryResult('items:list', {}), client.base.localQueryResult('items:page', opts)];
            if (items !== undefined && page !== undefined)
                pairs.push([items, page.page]);
        });
        const [list] = [t.watch(client, 'items:list'), t.watch(client, 'items:page', opts)];
        await list.shows((items) => items.length === MANY);
        await Promise.all(Array.from({ length: 25 }, (_, i) => writer.mutation('items:add', { text: `${t.text} more ${i}` })));
        await list.shows((items) => items.length === MANY + 25);
        for (const [items, newest] of pairs)
            assert.equal(newest[0]._id, items[items.length - 1]._id, `of ${items.length}`);
    });

scenario('small queries of others do not wait for large ones',
    'A client with small queries is told of its commits while large ones are evaluated elsewhere.',
    async (t) => {
        await fill(t);
        const heavy = Array.from({ length: 6 }, () => t.client());
        heavy.forEach((client, i) => t.watch(client, 'items:page', { paginationOpts: { numItems: 1000, cursor: null, id: i } }));
        const light = t.client();
        await light.mutation('seed:seed_range', { start: t.account, count: 2, initial: 100 });
        const account = t.watch(light, 'accounts:get_account', { id: t.account });
        await account.shows((value) => value?.balance === 100);
        for (let i = 1; i <= 20; i++) {
            await light.mutation('transfer:transfer', { amount: 1, from_id: t.account, to_id: t.account + 1 });
            assert.equal(account.last().balance, 100 - i);
        }
    });

scenario('a large query over a reconnect and a crash',
    'The first result after a reconnect is whole and newest for large queries, too.',
    async (t) => {
        const writer = await fill(t);
        await writer.close();
        const client = t.client();
        const list = t.watch(client, 'items:list');
        await list.shows((items) => items.length === MANY);
        t.proxy.on('client', 'Mutation', 'pass-orphan');
        await client.mutation('items:add', { text: t.text });
        assert.equal(list.last().length, MANY + 1);
        t.proxy.isRefusing = true;
        await t.crash();
        await t.http().mutation('items:add', { text: t.text });
        t.proxy.isRefusing = false;
        await list.shows((items) => items.length === MANY + 2);
    }, { on: EVERY });

scenario('large queries that are dropped while they are evaluated',
    'A query removed before its result is there leaves its successors unharmed.',
    async (t) => {
        await fill(t);
        const client = t.client();
        await client.mutation('items:noop', {});
        for (let i = 0; i < 15; i++)
            t.watch(client, 'items:page', { paginationOpts: { numItems: 900, cursor: null, id: i } }).stop();
        const page = t.watch(client, 'items:page', { paginationOpts: { numItems: 900, cursor: null, id: 99 } });
        await page.shows((value) => value.page.length === MANY);
        await client.mutation('items:add', { text: t.text });
        assert.equal(page.last().page.length, MANY + 1);
    });

scenario('signing in while a large query is evaluated',
    'The transition that confirms an identity waits for the results of that identity, large ones included.',
    async (t) => {
        await fill(t);
        const client = t.client({ auth: () => t.token() });
        const [list, me] = [t.watch(client, 'items:list'), t.watch(client, 'users:me')];
        await list.shows((items) => items.length === MANY);
        await me.shows((value) => value.subject === t.subject);
        assert.deepEqual(me.seen, [{ subject: t.subject }]);
        client.setAuth(async () => t.token(`${t.subject}-2`));
        await me.shows((value) => value.subject === `${t.subject}-2`);
        assert.equal(list.seen.length, 1);
    });

// SPDX-License-Identifier: Apache-2.0
// Query sets: adding, removing and adding again in every mixture, and sharing what is the same.
import assert from 'node:assert/strict';

import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'query sets';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, ...more }, run);

// What the client does while it has no token yet goes out as one ModifyQuerySet.
async function atOnce(t, client, change) {
    let give;
    client.setAuth(() => new Promise((resolve) => {
        give = resolve;
    }));
    await t.until(() => give, 'the token to be asked for');
    const result = change();
    give(t.token());
    return result;
}

const sets = (t) => t.proxy.messages('client', 'ModifyQuerySet');

scenario('removed and added again in one query set',
    'An id that is removed and its successor for the same question are two queries: one removed, one answered.',
    async (t) => {
        const client = t.client();
        const first = t.watch(client, 'items:list');
        await first.shows((items) => items.length === 0);
        const second = await atOnce(t, client, () => {
            first.stop();
            return t.watch(client, 'items:list');
        });
        await second.shows((items) => items.length === 0);
        const both = sets(t).find(({ modifications }) => modifications.length === 2);
        assert.deepEqual(both.modifications.map(({ type, queryId }) => [type, queryId]), [['Remove', 0], ['Add', 1]]);
        await client.mutation('items:add', { text: t.text });
        assert.equal(second.last().length, 1);
        assert.equal(first.seen.length, 1);
    }, { on: EVERY });

scenario('added and removed in one query set',
    'A query that is gone before it was answered costs the transition nothing but a removal.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:noop', {});
        const kept = await atOnce(t, client, () => {
            for (let i = 0; i < 5; i++)
                t.watch(client, 'echo:query', { value: i }).stop();
            return t.watch(client, 'echo:query', { value: 'kept' });
        });
        await kept.shows((value) => value === 'kept');
        await client.mutation('items:add', { text: t.text });
        assert.equal(await t.count(), 1);
    }, { on: EVERY });

scenario('the same question twice in one client is one query, until the last asks no more',
    'A query answered once serves all listeners, and lives until it is removed.',
    async (t) => {
        const client = t.client();
        const [one, two] = [t.watch(client, 'items:count'), t.watch(client, 'items:count')];
        await two.shows((value) => value.count === 0);
        assert.equal(sets(t).flatMap(({ modifications }) => modifications).length, 1);
        one.stop();
        await client.mutation('items:add', { text: t.text });
        assert.equal(two.last().count, 1);
        two.stop();
        await client.mutation('items:add', { text: t.text });
        assert.equal(two.last().count, 1);
    }, { on: EVERY });

scenario('the same question of twenty clients is evaluated once a commit',
    'Identical queries of all sessions share one evaluation and one result.',
    async (t) => {
        const lists = Array.from({ length: 20 }, () => t.watch(t.client(), 'items:list'));
        await Promise.all(lists.map((list) => list.shows((items) => items.length === 0)));
        const before = await t.metric('atelier_live_evaluations_total');
        await t.http().mutation('items:add', { text: t.text });
        await Promise.all(lists.map((list) => list.shows((items) => items.length === 1)));
        assert.equal(await t.metric('atelier_live_evaluations_total') - before, 1);
    });

scenario('arguments in another order are the same question',
    'Queries are told apart by their canonical arguments, not by how they are written.',
    async (t) => {
        const raws = [t.raw(), t.raw()];
        const texts = ['{"b":1,"a":[{"y":1.0,"x":2}]}', '{"a":[{"x":2,"y":1}],"b":1.0}'];
        const before = await t.metric('atelier_live_evaluations_total');
        for (const [i, raw] of raws.entries()) {
            await raw.connect(`{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[{"type":"Add","queryId":0,"udfPath":"echo:query","args":[{"value":${texts[i]}}]}]}`);
            await raw.result(0);
        }
        assert.deepEqual(raws[0].results.get(0).value, raws[1].results.get(0).value);
        assert.equal(await t.metric('atelier_live_evaluations_total') - before, 1);
    });

scenario('a function by another way of writing its name',
    'Names are canonical: items.js:count is items:count, for queries and mutations alike.',
    async (t) => {
        const client = t.client();
        const [one, two] = [t.watch(client, 'items:count'), t.watch(client, 'items.js:count')];
        await one.shows((value) => value.count === 0);
        await two.shows((value) => value.count === 0);
        await client.mutation('items.js:add', { text: t.text });
        assert.deepEqual([one.last(), two.last()], [{ count: 1 }, { count: 1 }]);
    }, { on: EVERY });

scenario('five hundred queries of one client',
    'Each query of a large set has its own first result, in few transitions, and each goes on living.',
    async (t) => {
        const client = t.client();
        await t.http().mutation('seed:seed_range', { start: t.account, count: 500, initial: 5 });
        const all = Array.from({ length: 500 }, (_, i) => t.watch(client, 'accounts:get_account', { id: t.account + i }));
        await Promise.all(all.map((one) => one.shows((value) => value?.balance === 5)));
        await client.mutation('transfer:transfer', { amount: 2, from_id: t.account + 7, to_id: t.account + 499 });
        assert.equal(all[7].last().balance, 3);
        assert.equal(all[499].last().balance, 7);
        assert.equal(all.reduce((sum, one) => sum + one.seen.length, 0), 502, 'nothing else was told');
        t.proxy.last.cut();
        await t.until(() => t.proxy.links.length === 2, 'the reconnect');
        await client.mutation('transfer:transfer', { amount: 1, from_id: t.account + 7, to_id: t.account + 8 });
        assert.equal(all[8].last().balance, 6);
    }, { on: EVERY });

scenario('a hundred changes of the set in a row',
    'Query sets that follow one another without waiting end in the newest, whatever was put together.',
    async (t) => {
        const client = t.client();
        let current = null;
        for (let i = 0; i < 100; i++) {
            current?.stop();
            current = t.watch(client, 'echo:query', { value: i });
        }
        const count = t.watch(client, 'items:count');
        await current.shows((value) => value === 99);
        await client.mutation('items:add', { text: t.text });
        assert.equal(count.last().count, 1);
        assert.equal(sets(t).at(-1).newVersion, t.proxy.messages('server', 'Transition').at(-1).endVersion.querySet);
    }, { on: EVERY });

scenario('queries added while commits pour in',
    'A query added between two commits has a first result and every later change.',
    async (t) => {
        const [client, writer] = [t.client(), t.client()];
        const writes = Promise.all(Array.from({ length: 60 }, (_, i) => writer.mutation('items:add', { text: `${t.text} ${i}` })));
        const watched = [];
        for (let i = 0; i < 20; i++) {
            const page = t.watch(client, 'items:page', { paginationOpts: { numItems: 500, cursor: null, id: i } });
            await page.shows(() => true);
            watched.push(page);
        }
        await writes;
        await Promise.all(watched.map((page) => page.shows((value) => value.page.length === 60)));
        t.dirty();
    });

scenario('a removed query is told no more',
    'After its removal nothing of a query is sent, however its data changes.',
    async (t) => {
        const client = t.client();
        const [list, count] = [t.watch(client, 'items:list'), t.watch(client, 'items:count')];
        await list.shows((items) => items.length === 0);
        list.stop();
        for (let i = 0; i < 3; i++)
            await client.mutation('items:add', { text: t.text });
        assert.equal(count.last().count, 3);
        const ids = t.proxy.messages('server', 'Transition').slice(1).flatMap(({ modifications }) => modifications)
            .filter(({ type }) => type === 'QueryUpdated').map(({ queryId }) => queryId);
        assert.deepEqual([...new Set(ids.slice(-3))], [1]);
    }, { on: EVERY });

scenario('subscriptions end with their clients',
    'A client that is gone, politely or not, leaves no live query behind.',
    async (t) => {
        const before = await t.metric('atelier_live_subscriptions');
        const clients = [t.client(), t.client(), t.client()];
        await Promise.all(clients.map((client) => t.watch(client, 'items:list').shows(() => true)));
        assert.equal(await t.metric('atelier_live_subscriptions') - before, 3);
        await clients[0].close();
        t.proxy.links[1].cut();
        await clients[2].close();
        t.proxy.isRefusing = true;
        await t.until(async () => await t.metric('atelier_live_subscriptions') === before, 'all of them to end');
    });

// ---- what is asked again ----

scenario('a commit runs only those queries that read what it wrote',
    'Untouched queries are neither evaluated nor told, and the touched one is.',
    async (t) => {
        const client = t.client();
        await client.mutation('seed:seed_range', { start: t.account, count: 40, initial: 5 });
        const all = Array.from({ length: 40 }, (_, i) => t.watch(client, 'accounts:get_account', { id: t.account + i }));
        await Promise.all(all.map((one) => one.shows((value) => value?.balance === 5)));
        const before = await t.metric('atelier_live_evaluations_total');
        await client.mutation('transfer:transfer', { amount: 1, from_id: t.account + 3, to_id: t.account + 4 });
        assert.equal(await t.metric('atelier_live_evaluations_total') - before, 2);
        assert.deepEqual(all.map((one) => one.last().balance).slice(0, 6), [5, 5, 5, 4, 6, 5]);
    });

scenario('what was not there appears',
    'A query that found nothing has read the place where it looked: a document there wakes it.',
    async (t) => {
        const client = t.client();
        const [account, item] = [t.watch(client, 'accounts:get_account', { id: t.account }), t.watch(client, 'items:get', { index: 2 })];
        await account.shows((value) => value === null);
        await item.shows((value) => value === null);
        await t.http().mutation('seed:seed_range', { start: t.account, count: 1, initial: 3 });
        await account.shows((value) => value?.balance === 3);
        for (let i = 0; i < 3; i++)
            await t.http().mutation('items:add', { text: `${t.text} ${i}` });
        await item.shows((value) => value?.text === `${t.text} 2`);
    }, { on: EVERY });

scenario('beyond what a query read, nothing wakes it',
    'Only the part of a range that was read counts: an item behind it changes nothing.',
    async (t) => {
        const client = t.client();
        const http = t.http();
        for (let i = 0; i < 3; i++)
            await http.mutation('items:add', { text: `${t.text} ${i}` });
        const second = t.watch(client, 'items:get', { index: 1 });
        await second.shows((value) => value.text === `${t.text} 1`);
        const before = await t.metric('atelier_live_evaluations_total');
        await client.mutation('items:add', { text: 'behind' });
        assert.equal(await t.metric('atelier_live_evaluations_total'), before);
        const [first] = await http.query('items:list', {});
        await client.mutation('items:remove', { id: first._id });
        assert.equal(second.last().text, `${t.text} 2`);
    });

scenario('a commit that leaves a result as it was tells nobody',
    'A query that was run again with the same result is left out of the transition.',
    async (t) => {
        const client = t.client();
        const even = t.watch(client, 'items:get', { index: 0 });
        await client.mutation('items:add', { text: t.text });
        await even.shows((value) => value?.text === t.text);
        const told = even.seen.length;
        await client.mutation('seed:seed_range', { start: t.account, count: 2, initial: 1 });
        const account = t.watch(client, 'accounts:get_account', { id: t.account });
        await account.shows((value) => value?.balance === 1);
        await client.mutation('transfer:transfer', { amount: 1, from_id: t.account, to_id: t.account + 1 });
        await client.mutation('transfer:transfer', { amount: 1, from_id: t.account + 1, to_id: t.account });
        assert.deepEqual(account.seen.map(({ balance }) => balance), [1, 0, 1]);
        assert.equal(even.seen.length, told);
    });

scenario('a result that changes by the clock is told without any commit',
    'A query valid until some moment is run again then, and only then.',
    async (t) => {
        const client = t.client();
        const ticking = t.watch(client, 'fixture:ticking');
        await t.until(() => ticking.seen.length >= 3, 'three ticks');
        for (let i = 1; i < ticking.seen.length; i++)
            assert.ok(ticking.seen[i] > ticking.seen[i - 1]);
    });

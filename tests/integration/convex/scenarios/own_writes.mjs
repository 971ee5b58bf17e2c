// SPDX-License-Identifier: Apache-2.0
// Read your own writes: when a mutation's promise resolves, every query of that client shows it;
// and whatever a client is shown together is of one moment.
import assert from 'node:assert/strict';

import { tsRead } from '../../raw.mjs';
import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'own writes';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, ...more }, run);

scenario('a query shows the mutation when its promise resolves',
    'The transition that resolves a mutation carries its effect on every subscribed query.',
    async (t) => {
        const client = t.client();
        const [list, count] = [t.watch(client, 'items:list'), t.watch(client, 'items:count')];
        await count.shows((value) => value.count === 0);
        for (let i = 1; i <= 15; i++) {
            await client.mutation('items:add', { text: `${t.text} ${i}` });
            assert.equal(list.last().length, i);
            assert.equal(count.last().count, i);
        }
    }, { on: EVERY });

scenario('mutations behind one another: each sees itself and those before it',
    'With many in flight, a promise resolves no sooner than its own effect is shown.',
    async (t) => {
        const client = t.client();
        const count = t.watch(client, 'items:count');
        await count.shows((value) => value.count === 0);
        await Promise.all(Array.from({ length: 25 }, async (_, i) => {
            await client.mutation('items:add', { text: `${t.text} ${i}` });
            assert.ok(count.last().count > i, `${count.last().count} shown at promise ${i}`);
        }));
    }, { on: EVERY });

scenario('a mutation resolves where nobody subscribes to anything',
    'Every mutation is followed by a transition past its timestamp, with an empty query set too.',
    async (t) => {
        const client = t.client();
        for (let i = 0; i < 5; i++)
            assert.equal(typeof await client.mutation('items:add', { text: t.text }), 'string');
        for (const { modifications } of t.proxy.messages('server', 'Transition'))
            assert.deepEqual(modifications, []);
    }, { on: EVERY });

scenario('a mutation that writes nothing resolves',
    'A mutation without effect has a timestamp and is followed by a transition like any other.',
    async (t) => {
        const client = t.client();
        const list = t.watch(client, 'items:list');
        for (let i = 0; i < 5; i++)
            assert.equal(await client.mutation('items:noop', {}), null);
        await list.shows((items) => items.length === 0);
        assert.equal(await client.mutation('transfer:transfer', { amount: 1, from_id: t.account, to_id: t.account }), null);
        assert.equal(list.seen.length, 1, 'and nothing is told twice');
    }, { on: EVERY });

scenario('the answer comes before the transition that shows it',
    'A transition at or past a commit never overtakes the answer of the mutation that made it.',
    async (t) => {
        const client = t.client();
        const list = t.watch(client, 'items:list');
        await list.shows((items) => items.length === 0);
        await Promise.all(Array.from({ length: 20 }, (_, i) => client.mutation('items:add', { text: `${t.text} ${i}` })));
        const log = t.proxy.log.filter(({ from }) => from === 'server').map(({ message }) => message);
        for (const [at, message] of log.entries()) {
            if (message.type !== 'MutationResponse')
                continue;
            const early = log.slice(0, at).filter(({ type, endVersion }) => type === 'Transition' && tsRead(endVersion.ts) >= tsRead(message.ts));
            assert.deepEqual(early, [], `request ${message.requestId} was shown before it was answered`);
        }
    }, { on: EVERY });

scenario('own writes are seen while others write without pause',
    'Commits of others neither hide nor delay a client\'s own write beyond its promise.',
    async (t) => {
        const [mine, other] = [t.client(), t.client()];
        const list = t.watch(mine, 'items:list');
        let isOver = false;
        const noise = (async () => {
            for (let i = 0; !isOver; i++)
                await other.mutation('items:add', { text: `noise ${i}` });
        })();
        for (let i = 0; i < 12; i++) {
            await mine.mutation('items:add', { text: `${t.text} ${i}` });
            assert.equal(list.last().filter(({ text }) => text.startsWith(t.text)).length, i + 1);
        }
        isOver = true;
        await noise;
        t.dirty();
    });

scenario('a query subscribed right after a mutation shows it',
    'A new query is evaluated at or after the newest timestamp that its client has been told.',
    async (t) => {
        const client = t.client();
        for (let i = 0; i < 10; i++) {
            await client.mutation('seed:seed_range', { start: t.account + i, count: 1, initial: i });
            assert.deepEqual(await client.query('accounts:get_account', { id: t.account + i }), { id: t.account + i, balance: i });
        }
    }, { on: EVERY });

scenario('a query subscribed behind a mutation that is not answered yet shows it',
    'A query set that follows a mutation on the socket is answered at or past that mutation\'s commit, once both are told.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:noop', {});
        const done = client.mutation('items:add', { text: t.text });
        const list = t.watch(client, 'items:list');
        await done;
        await list.shows((items) => items.length === 1);
    });

scenario('HTTP sees what the socket was told, and the other way round',
    'There is one history: what any client was answered, every later question sees.',
    async (t) => {
        const [client, http] = [t.client(), t.http()];
        const list = t.watch(client, 'items:list');
        await list.shows((items) => items.length === 0);
        for (let i = 0; i < 6; i++) {
            await client.mutation('items:add', { text: `${t.text} socket ${i}` });
            assert.equal((await http.query('items:count', {})).count, 2 * i + 1);
            await http.mutation('items:add', { text: `${t.text} http ${i}` });
            await list.shows((items) => items.length === 2 * i + 2);
        }
    });

scenario('a mutation that fails is never seen, by nobody, not for a moment',
    'Nothing of a failed mutation reaches any query.',
    async (t) => {
        const [client, other] = [t.client(), t.client()];
        const lists = [t.watch(client, 'items:list'), t.watch(other, 'items:list')];
        await Promise.all(lists.map((list) => list.shows((items) => items.length === 0)));
        await Promise.all(Array.from({ length: 6 }, (_, i) => (i % 2 === 0
            ? t.refused(client.mutation('fail:mutation', {}))
            : client.mutation('items:add', { text: t.text }))));
        await Promise.all(lists.map((list) => list.shows((items) => items.length === 3)));
        for (const items of lists.flatMap(({ seen }) => seen))
            assert.ok(items.every(({ text }) => text === t.text));
    }, { on: EVERY });

// ---- one moment ----

// Both results of each moment at which the client was told something.
function moments(client, queries) {
    const seen = [];
    client.base.addOnTransitionHandler(() => {
        const values = queries.map(([name, args]) => client.base.localQueryResult(name, args));
        if (values.every((value) => value !== undefined))
            seen.push(values);
    });
    return seen;
}

scenario('a list and its count agree in every transition',
    'All results that a client holds after a transition are of one snapshot.',
    async (t) => {
        const client = t.client();
        const pairs = moments(client, [['items:list', {}], ['items:count', {}]]);
        const count = t.watch(client, 'items:count');
        t.watch(client, 'items:list');
        const others = [t.http(), t.http(), t.client()];
        await Promise.all(others.map(async (other, n) => {
            for (let i = 0; i < 8; i++)
                await other.mutation('items:add', { text: `${t.text} ${n} ${i}` });
        }));
        await count.shows((value) => value.count === 24);
        for (const [items, { count: number }] of pairs)
            assert.equal(items.length, number);
        assert.ok(pairs.length >= 2);
    }, { on: EVERY });

scenario('the sum of two accounts is the same in every transition',
    'A transfer is shown in both accounts at once, never in one alone.',
    async (t) => {
        const [client, other] = [t.client(), t.client()];
        await other.mutation('seed:seed_range', { start: t.account, count: 2, initial: 50 });
        const pairs = moments(client, [0, 1].map((i) => ['accounts:get_account', { id: t.account + i }]));
        const watched = [0, 1].map((i) => t.watch(client, 'accounts:get_account', { id: t.account + i }));
        await watched[1].shows((value) => value.balance === 50);
        await Promise.all(Array.from({ length: 30 }, () => other.mutation('transfer:transfer',
            { amount: 1, from_id: t.account, to_id: t.account + 1 })));
        await watched[1].shows((value) => value.balance === 80);
        for (const [from, to] of pairs)
            assert.equal(from.balance + to.balance, 100);
    });

scenario('a new query joins the moment of the old ones',
    'A result that is added to a query set is of the same snapshot as those already held.',
    async (t) => {
        const [client, other] = [t.client(), t.client()];
        const count = t.watch(client, 'items:count');
        await count.shows((value) => value.count === 0);
        let isOver = false;
        const noise = (async () => {
            for (let i = 0; !isOver && i < 200; i++)
                await other.mutation('items:add', { text: `${t.text} ${i}` });
        })();
        for (let i = 0; i < 8; i++) {
            const pairs = moments(client, [['items:page', { paginationOpts: { numItems: 1000, cursor: null, id: i } }], ['items:count', {}]]);
            const list = t.watch(client, 'items:page', { paginationOpts: { numItems: 1000, cursor: null, id: i } });
            await list.shows(() => true);
            for (const [{ page }, { count: number }] of pairs)
                assert.equal(page.length, number);
        }
        isOver = true;
        await noise;
        t.dirty();
    });

scenario('what a client is shown never goes back',
    'Results follow the order of commits: a later transition is never older.',
    async (t) => {
        const watchers = [t.client(), t.client()].map((client) => t.watch(client, 'items:count'));
        const writers = [t.client(), t.client()];
        await Promise.all(writers.map(async (writer) => {
            for (let i = 0; i < 12; i++)
                await writer.mutation('items:add', { text: t.text });
        }));
        for (const { seen, shows } of watchers) {
            await shows((value) => value.count === 24);
            for (let i = 1; i < seen.length; i++)
                assert.ok(seen[i].count > seen[i - 1].count, `${seen[i - 1].count} then ${seen[i].count}`);
        }
    });

scenario('every client ends with the newest state',
    'The last commit reaches every subscriber, whatever was put together on the way.',
    async (t) => {
        const lists = Array.from({ length: 6 }, () => t.watch(t.client(), 'items:list'));
        const writer = t.client();
        for (let i = 0; i < 10; i++)
            await writer.mutation('items:add', { text: `${t.text} ${i}` });
        const truth = await t.http().query('items:list', {});
        await Promise.all(lists.map((list) => list.shows((items) => items.length === 10)));
        for (const list of lists)
            assert.deepEqual(list.last(), truth);
    });

scenario('answers keep the order of the questions, the slow ones too',
    'One socket runs its mutations one at a time, in the order they came.',
    async (t) => {
        const client = t.client();
        t.dirty();
        const order = [];
        await Promise.all([
            client.mutation('seed:seed_range', { start: t.account, count: 4000, initial: 1 }).then(() => order.push('slow')),
            client.mutation('items:noop', {}).then(() => order.push('quick')),
            t.refused(client.mutation('items:add', { text: 5 })).then(() => order.push('wrong')),
            client.mutation('items:add', { text: t.text }).then(() => order.push('last')),
        ]);
        const answered = t.proxy.messages('server', 'MutationResponse').map(({ requestId }) => requestId);
        assert.deepEqual(answered, [0, 1, 2, 3]);
        assert.ok(order.indexOf('slow') < order.indexOf('last'));
    }, { on: EVERY });

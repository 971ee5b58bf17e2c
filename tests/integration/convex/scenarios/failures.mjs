// SPDX-License-Identifier: Apache-2.0
// Failures of functions are answers like any other: they reach whom they concern and nobody else.
import assert from 'node:assert/strict';

import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'failures';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, ...more }, run);

scenario('a query fails, recovers, and fails again as its data changes',
    'A failing query stays subscribed and is run again when what it read changes.',
    async (t) => {
        const client = t.client();
        const even = t.watch(client, 'fixture:even');
        await even.shows((value) => value === 0n || value === 0);
        for (let i = 1; i <= 4; i++) {
            await client.mutation('items:add', { text: t.text });
            if (i % 2 === 1)
                await even.failed(() => even.failures.length === (i + 1) / 2);
            else
                await even.shows((value) => Number(value) === i);
        }
        assert.ok(even.failures.every((error) => error instanceof t.convex.values.ConvexError && error.data.code === 'ODD'));
        assert.equal(even.seen.length, 3);
    }, { on: EVERY });

scenario('a query that fails is failed again after a reconnect, and recovers there',
    'A failure is the first result of a query on a new connection, like a value.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:add', { text: t.text });
        const even = t.watch(client, 'fixture:even');
        await even.failed();
        t.proxy.last.cut();
        await t.until(() => t.proxy.links.length === 2, 'the reconnect');
        await client.mutation('items:add', { text: t.text });
        await even.shows((value) => Number(value) === 2);
    }, { on: EVERY });

scenario('one failing query leaves the others of its set alone',
    'Failures are per query: the transition and the socket go on.',
    async (t) => {
        const client = t.client();
        const bad = [t.watch(client, 'fail:query'), t.watch(client, 'nowhere:nothing'), t.watch(client, 'items:add', { text: 'x' }),
            t.watch(client, 'items:get', { index: 'x' }), t.watch(client, 'fixture:break')];
        const good = [t.watch(client, 'items:count'), t.watch(client, 'echo:query', { value: 'ok' })];
        await Promise.all(bad.map((one) => one.failed()));
        await good[1].shows((value) => value === 'ok');
        await client.mutation('items:add', { text: t.text });
        assert.equal(good[0].last().count, 1);
        assert.equal(t.proxy.links.length, 1);
    }, { on: EVERY });

scenario('a failed query whose data did not change is not told again',
    'An unchanged failure is left out of transitions like an unchanged value.',
    async (t) => {
        const client = t.client();
        const bad = t.watch(client, 'fail:query');
        await bad.failed();
        for (let i = 0; i < 3; i++)
            await client.mutation('items:add', { text: t.text });
        assert.equal(bad.failures.length, 1);
        const told = t.proxy.messages('server', 'Transition').flatMap(({ modifications }) => modifications);
        assert.equal(told.filter(({ type }) => type === 'QueryFailed').length, 1);
    });

scenario('application errors are ConvexErrors with exactly their data',
    'errorData is what the function threw, by query, mutation and HTTP alike.',
    async (t) => {
        const { ConvexError } = t.convex.values;
        const client = t.client();
        const http = t.http();
        const errors = [
            [await t.refused(client.query('fail:query', {})), 'E1'],
            [await t.refused(client.mutation('fail:mutation', {})), 'E2'],
            [await t.refused(http.query('fail:query', {})), 'E1'],
            [await t.refused(http.mutation('fail:mutation', {})), 'E2'],
        ];
        for (const [error, code] of errors) {
            assert.ok(error instanceof ConvexError, String(error));
            assert.deepEqual(error.data, { code });
        }
    }, { on: EVERY });

scenario('data of every kind travels with an error',
    'errorData is encoded as a value: null, numbers, big integers, bytes and nesting arrive as they are.',
    async (t) => {
        const client = t.client();
        for (const value of [null, 0, -0, NaN, 7n, 'text é漢😀', [], { a: { b: [1n, new Uint8Array([1, 2]).buffer] } }]) {
            const error = await t.refused(client.mutation('fixture:refuse', { value }));
            assert.ok(error instanceof t.convex.values.ConvexError);
            assert.deepEqual(error.data, value);
        }
    }, { on: EVERY });

scenario('faults of the server are plain errors, without data',
    'errorData is absent, not null, when the application did not say it, or the client makes a ConvexError.',
    async (t) => {
        const client = t.client();
        const errors = [await t.refused(client.action('fail:action', {})), await t.refused(client.query('fixture:break', {})),
            await t.refused(client.mutation('nowhere:nothing', {})), await t.refused(client.mutation('items:add', {}))];
        for (const error of errors) {
            assert.equal(error instanceof t.convex.values.ConvexError, false, String(error));
            assert.equal('data' in error, false);
        }
        assert.match(errors[0].message, /boom/);
        for (const message of t.proxy.messages('server', 'MutationResponse'))
            assert.equal('errorData' in message, false);
    }, { on: EVERY });

scenario('wrong names, kinds and arguments are ordinary failures that say what was wrong',
    'A call that cannot be run is answered, and the socket goes on.',
    async (t) => {
        const client = t.client();
        const cases = [
            [() => client.mutation('nowhere:nothing', {}), /Could not find public function for 'nowhere:nothing'/],
            [() => client.mutation('items:list', {}), /Trying to execute items:list as Mutation, but it is defined as Query/],
            [() => client.action('items:add', { text: 'x' }), /as Action, but it is defined as Mutation/],
            [() => client.query('tools:run', {}), /as Query, but it is defined as Action/],
            [() => client.mutation('items:add', {}), /ArgumentValidationError[^]*missing the required field `text`/],
            [() => client.mutation('items:add', { text: 'x', more: 1 }), /ArgumentValidationError[^]*extra field `more`/],
            [() => client.mutation('items:add', { text: 7 }), /ArgumentValidationError[^]*\.text/],
            [() => client.mutation('items:remove', { id: 'nonsense' }), /ArgumentValidationError/],
            [() => client.mutation('fixture:secret', {}), /Could not find public function for 'fixture:secret'/],
        ];
        for (const [call, says] of cases)
            assert.match((await t.refused(call())).message, says);
        assert.equal(t.proxy.links.length, 1);
        assert.equal(await client.mutation('items:noop', {}), null);
    }, { on: EVERY });

scenario('a failure is told to every subscriber of the query, and its recovery too',
    'A shared evaluation that fails reaches all who share it.',
    async (t) => {
        const clients = [t.client(), t.client(), t.client()];
        const all = clients.map((client) => t.watch(client, 'fixture:even'));
        await Promise.all(all.map((even) => even.shows((value) => Number(value) === 0)));
        await clients[0].mutation('items:add', { text: t.text });
        await Promise.all(all.map((even) => even.failed()));
        await clients[1].mutation('items:add', { text: t.text });
        await Promise.all(all.map((even) => even.shows((value) => Number(value) === 2)));
    });

scenario('a result that grew too large fails alone and recovers when it shrinks',
    'A query over its result limit fails, others go on, and it is answered again when there is less.',
    async (t) => {
        t.dirty();
        const client = t.client();
        const count = t.watch(client, 'items:count');
        await count.shows((value) => value.count === 0);
        const ids = [];
        const text = 'x'.repeat(1_000_000);
        for (let i = 0; i < 17; i++)
            ids.push(await client.mutation('items:add', { text }));
        const list = t.watch(client, 'items:list');
        await list.failed();
        assert.equal(count.last().count, 17);
        await Promise.all(ids.slice(1).map((id) => client.mutation('items:remove', { id })));
        await list.shows((items) => items.length === 1);
    });

// SPDX-License-Identifier: Apache-2.0
// The fixture's pinned functions (issue 3, "The fixture server"), by the official clients: outside
// suites drive the server by these names, so their answers may not drift.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { addUser, atelier, httpClient, socketClient, startServer, until, watch } from './helpers.mjs';

let server;
let user;
before(async () => {
    server = await startServer({ program: 'atelier-fixture' });
    user = await addUser(server);
});
after(async () => {
    await server?.stop();
});

// Runs a claim once over HTTP and once over the socket.
function both(name, run) {
    test(`${name}, over HTTP`, () => run(httpClient(server.url)));
    test(`${name}, over the socket`, async () => {
        const client = socketClient(server.url);
        await run(client).finally(() => client.close());
    });
}

const refusal = (promise) => promise.then(() => assert.fail('it was not refused'), (error) => error);

both('items are added, listed oldest first, counted, found by position and removed', async (client) => {
    for (const { _id } of await client.query('items:list', {}))
        await client.mutation('items:remove', { id: _id });
    const ids = [];
    for (const text of ['one', 'two', 'three'])
        ids.push(await client.mutation('items:add', { text }));
    const list = await client.query('items:list', {});
    assert.deepEqual(list.map(({ _id, text }) => [_id, text]), [[ids[0], 'one'], [ids[1], 'two'], [ids[2], 'three']]);
    assert.ok(list[0]._creationTime < list[1]._creationTime && list[1]._creationTime < list[2]._creationTime);
    assert.deepEqual(await client.query('items:count', {}), { count: 3 });
    assert.deepEqual(await client.query('items:get', { index: 1 }), list[1]);
    assert.equal(await client.query('items:get', { index: 3 }), null);
    assert.equal(await client.mutation('items:remove', { id: ids[1] }), null);
    assert.deepEqual((await client.query('items:list', {})).map(({ text }) => text), ['one', 'three']);
    assert.equal(await client.mutation('items:noop', {}), null);
});

test('items:page is newest first, and its pages join without a gap', async () => {
    const client = httpClient(server.url);
    for (let i = 0; i < 7; i++)
        await client.mutation('items:add', { text: `paged ${i}` });
    const whole = (await client.query('items:list', {})).reverse();
    const pages = [];
    for (let cursor = null; ;) {
        const page = await client.query('items:page', { paginationOpts: { numItems: 3, cursor } });
        assert.equal(typeof page.continueCursor, 'string');
        pages.push(...page.page);
        if (page.isDone)
            break;
        cursor = page.continueCursor;
    }
    assert.deepEqual(pages, whole);
});

const values = [null, true, -0, NaN, -Infinity, 1e300, 5n, -(2n ** 63n), 2n ** 63n - 1n, 'é漢😀', [],
    new Uint8Array([0, 255, 7]).buffer, { a: [1, { b: 2n, c: [new ArrayBuffer(0)] }] }, 'x'.repeat(500_000)];
both('echo gives every value back unchanged', async (client) => {
    for (const value of values) {
        assert.deepEqual(await client.query('echo:query', { value }), value);
        assert.deepEqual(await client.mutation('echo:mutation', { value }), value);
    }
});

both('failures carry exactly their data', async (client) => {
    const before = (await client.query('items:count', {})).count;
    assert.deepEqual((await refusal(client.query('fail:query', {}))).data, { code: 'E1' });
    assert.deepEqual((await refusal(client.mutation('fail:mutation', {}))).data, { code: 'E2' });
    assert.equal((await client.query('items:count', {})).count, before, 'nothing of it is left');
});

both('a fault of our own is told here, and has no data', async (client) => {
    const error = await refusal(client.action('fail:action', {}));
    assert.match(error.message, /boom/);
    assert.equal('data' in error, false);
    assert.equal(await client.action('tools:run', {}), 'ok');
});

test('faults of our own are redacted when the settings say so', async () => {
    const quiet = await startServer({ program: 'atelier-fixture', config: 'server: {redactErrors: true}' });
    const error = await refusal(httpClient(quiet.url).action('fail:action', {}));
    assert.doesNotMatch(error.message, /boom/);
    assert.match(error.message, /Request ID/);
    await quiet.stop();
});

test('users:me and users:whoami know the caller', async () => {
    assert.deepEqual(await httpClient(server.url).query('users:me', {}), { subject: null });
    assert.deepEqual(await httpClient(server.url).mutation('users:whoami', {}), { subject: null });
    const { sub } = JSON.parse(Buffer.from(user.token.split('.')[1], 'base64url').toString());
    const client = socketClient(server.url, user.token);
    assert.deepEqual(await client.query('users:me', {}), { subject: sub });
    assert.deepEqual(await client.mutation('users:whoami', {}), { subject: sub });
    await client.close();
});

both('transfers move money, and only when there is enough', async (client) => {
    while (await client.mutation('seed:clear_accounts', {}) > 0)
        ;
    assert.equal(await client.mutation('seed:seed_range', { start: 0, count: 5000, initial: 100 }), 5000);
    const balance = async (id) => (await client.query('accounts:get_account', { id }))?.balance;
    const transfer = (amount, from_id, to_id) => client.mutation('transfer:transfer', { amount, from_id, to_id });
    assert.deepEqual(await client.query('accounts:get_account', { id: 4999 }), { id: 4999, balance: 100 });
    assert.equal(await client.query('accounts:get_account', { id: 5000 }), null);
    assert.equal(await transfer(30, 1, 2), null);
    assert.deepEqual([await balance(1), await balance(2)], [70, 130]);
    for (const [amount, from, to] of [[71, 1, 2], [0, 1, 2], [-5, 1, 2], [5, 1, 1], [5, 1, 9999], [5, 9999, 1], [NaN, 1, 2]])
        assert.equal(await transfer(amount, from, to), null);
    assert.deepEqual([await balance(1), await balance(2)], [70, 130]);
    assert.equal(await client.mutation('seed:clear_accounts', {}), 4000);
    assert.equal(await client.mutation('seed:clear_accounts', {}), 1000);
    assert.equal(await client.mutation('seed:clear_accounts', {}), 0);
});

test('a watched account shows each transfer', async () => {
    const client = socketClient(server.url);
    await client.mutation('seed:seed_range', { start: 0, count: 2, initial: 10 });
    const watched = watch(client, 'accounts:get_account', { id: 0 });
    await until(() => watched.last()?.balance === 10, 'the first result');
    for (let i = 1; i <= 5; i++) {
        await client.mutation('transfer:transfer', { amount: 1, from_id: 0, to_id: 1 });
        assert.equal(watched.last().balance, 10 - i, 'own writes are seen when the promise resolves');
    }
    await client.close();
});

test('its types are written with the product\'s', async () => {
    const { code } = await atelier(['codegen', '--out', `${server.data}/types`], { program: 'atelier-fixture' });
    assert.equal(code, 0);
});

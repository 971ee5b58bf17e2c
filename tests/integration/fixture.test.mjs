// SPDX-License-Identifier: Apache-2.0
// The wire with functions that the product does not have (tests/fixture): actions, every kind of
// value, large results, results that change by time, and functions with faults of their own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { addUser, httpClient, reactClient, sleep, socketClient, startServer, until, watch } from './helpers.mjs';
import { RawSession, action, add, authenticate, mutation, querySet, remove } from './raw.mjs';

let server;
let user;
before(async () => {
    server = await startServer({ program: 'atelier-fixture', config: 'server: {redactErrors: true}' });
    user = await addUser(server);
});
after(async () => {
    await server?.stop();
});

const session = (...messages) => new RawSession(server.url).connect(...messages);

const values = {
    'null': null,
    'true': true,
    'zero': 0,
    'minus zero': -0,
    'a fraction': 0.1,
    'the largest number': Number.MAX_VALUE,
    'the smallest number': Number.MIN_VALUE,
    'two to the 53rd': 2 ** 53,
    'not a number': NaN,
    'infinity': Infinity,
    'minus infinity': -Infinity,
    'the largest int64': 9223372036854775807n,
    'the smallest int64': -9223372036854775808n,
    'text of all planes': 'a\u0001é漢😀\u2028"\\',
    'an empty text': '',
    'bytes': new Uint8Array([0, 1, 254, 255]).buffer,
    'no bytes': new ArrayBuffer(0),
    'a list of lists': [[], [[1, 'a', null]], {}],
    'a record': { b: 1, a: { c: [1n, NaN] }, '': 0, 'x y': 2, _z: 3 },
};
for (const [name, value] of Object.entries(values))
    test(`${name} comes back the same by query, mutation and action, over HTTP and the socket`, async () => {
        const [http, socket] = [httpClient(server.url), socketClient(server.url)];
        assert.deepEqual(await http.query('fixture:echo', { value }), value);
        assert.deepEqual(await http.mutation('fixture:keep', { value }), value);
        assert.deepEqual(await http.action('fixture:answer', { value }), value);
        assert.deepEqual(await socket.query('fixture:echo', { value }), value);
        assert.deepEqual(await socket.mutation('fixture:keep', { value }), value);
        assert.deepEqual(await socket.action('fixture:answer', { value }), value);
        await socket.close();
    });

test('9: actions are answered on their own, again when they are sent again, and block nothing', async () => {
    const raw = await session(action(0, 'fixture:answer', { value: 1 }), action(0, 'fixture:answer', { value: 2 }),
        mutation(1, 'fixture:nothing'), action(2, 'fixtures/deep/folder', { value: 'deep' }));
    await raw.settled(1);
    await until(() => raw.all.filter(({ message }) => message.type === 'ActionResponse' && message.requestId === 0).length === 2, 'both answers');
    const answers = raw.all.map(({ message }) => message).filter(({ type, requestId }) => type === 'ActionResponse' && requestId === 0);
    assert.deepEqual(answers.map(({ result }) => result).sort(), [1, 2]);
    assert.equal((await raw.response(2)).result, 'deep');
    assert.equal('ts' in answers[0] && answers[0].ts !== null, false);
    raw.end();
});

test('7: a mutation that writes nothing resolves too', async () => {
    const client = reactClient(server.url);
    assert.equal(await client.mutation('fixture:nothing', {}), null);
    await client.close();
});

test('11: errorData is what the function said, whatever it is, and absent otherwise', async () => {
    for (const value of [null, 0, 'text', { code: 'X', list: [1n] }, []]) {
        const error = await httpClient(server.url).mutation('fixture:refuse', { value }).catch((caught) => caught);
        assert.equal(error.name, 'ConvexError', JSON.stringify(String(value)));
        assert.deepEqual(error.data, value);
    }
    const raw = await session(mutation(0, 'fixture:refuse', { value: null }), querySet(0, add(0, 'fixture:break')));
    assert.equal((await raw.settled(0)).errorData, null);
    const fault = await raw.result(0);
    assert.equal(fault.type, 'QueryFailed');
    assert.equal('errorData' in fault, false);
    raw.end();
});

test('faults of our own are not told to strangers', async () => {
    const error = await httpClient(server.url).query('fixture:break', {}).catch((caught) => caught);
    assert.match(error.message, /Request ID: [0-9a-f]{16}/);
    assert.doesNotMatch(error.message, /machine room/);
});

test('a mutation that fails after it wrote leaves nothing', async () => {
    const client = httpClient(server.url, user.token);
    const before = await client.query('credits:getCredits', {});
    const error = await client.mutation('fixture:breakHalf', {}).catch((caught) => caught);
    assert.equal(error.data.code, 'STATE');
    assert.equal(await client.query('credits:getCredits', {}), before);
    assert.equal((await client.query('credits:getCreditHistory', {})).length, 1);
});

test('16: results of several megabytes arrive whole, and small ones between them', async () => {
    const raw = await session(querySet(0,
        add(0, 'fixture:text', { size: 6_000_000 }), add(1, 'fixture:text', { size: 5_500_000 }), add(2, 'fixture:echo', { value: 'small' })));
    assert.equal((await raw.result(0, undefined, 20_000)).value.length, 6_000_000);
    assert.equal((await raw.result(1)).value.length, 5_500_000);
    assert.equal((await raw.result(2)).value, 'small');
    raw.send(mutation(0, 'fixture:nothing'));
    await raw.settled(0);
    raw.end();

    const client = socketClient(server.url);
    assert.equal((await client.query('fixture:text', { size: 12_000_000 })).length, 12_000_000);
    await client.close();
});

test('5.6: a result that is good until some moment is asked again then, without any write', async () => {
    const client = socketClient(server.url);
    const ticking = watch(client, 'fixture:ticking');
    await until(() => ticking.seen.length >= 5, 'five ticks', 5000);
    for (let i = 1; i < ticking.seen.length; i++)
        assert.ok(ticking.seen[i] > ticking.seen[i - 1]);
    await client.close();
});

test('a query that asks who is calling is asked again when that changes', async () => {
    const raw = await session(querySet(0, add(0, 'fixture:identity'), add(1, 'fixture:echo', { value: 1 })));
    assert.equal((await raw.result(0)).value, null);
    raw.send(authenticate(user.token));
    const { value } = await raw.result(0, (found) => found.value !== null);
    assert.equal(value.tokenIdentifier, `${value.issuer}|${value.subject}`);
    const changed = raw.transitions.filter((transition) => transition.endVersion.identity === 1 && transition.startVersion.identity === 0);
    assert.equal(changed.length, 1);
    assert.ok(changed[0].modifications.some(({ queryId }) => queryId === 0));
    assert.equal(raw.results.get(1).value, 1);
    raw.end();
});

test('each argument is refused one beyond its limit, with its path', async () => {
    const client = httpClient(server.url);
    const good = { text: 'abcde', count: 3, words: ['12345678', ''] };
    assert.equal(await client.query('fixture:strict', good), 'abcde');
    assert.equal(await client.query('fixture:strict', { text: '😀é' }), '😀é');
    const refusals = [
        [{ ...good, text: 'a' }, /\.text/],
        [{ ...good, text: 'abcdef' }, /\.text/],
        [{ ...good, count: 0 }, /\.count/],
        [{ ...good, count: 4 }, /\.count/],
        [{ ...good, count: 2.5 }, /\.count/],
        [{ ...good, count: 2n }, /\.count/],
        [{ ...good, count: null }, /\.count/],
        [{ ...good, words: ['a', 'b', 'c'] }, /\.words/],
        [{ ...good, words: ['123456789'] }, /\.words\[0\]/],
        [{ ...good, words: [1] }, /\.words\[0\]/],
        [{ ...good, words: 'a' }, /\.words/],
        [{ count: 1 }, /missing the required field `text`/],
        [{ ...good, more: 1 }, /extra field `more`/],
    ];
    for (const [args, says] of refusals)
        await assert.rejects(client.query('fixture:strict', args), says);
});

test('internal functions look like missing ones, and operators\' functions are refused', async () => {
    const client = httpClient(server.url, user.token);
    await assert.rejects(client.mutation('fixture:secret', {}), /Could not find public function for 'fixture:secret'/);
    await assert.rejects(client.mutation('fixture:operate', {}), Error);
    const operator = await addUser(server, undefined, { role: 'admin' });
    assert.equal(await httpClient(server.url, operator.token).mutation('fixture:operate', {}), null);
});

test('nesting, list and record limits are ours to keep, and each says so', async () => {
    let deep = 1;
    for (let i = 0; i < 80; i++)
        deep = [deep];
    const wide = Array.from({ length: 8193 }, () => 0);
    const long = Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`k${i}`, 0]));
    for (const value of [deep, wide, long])
        await assert.rejects(httpClient(server.url).query('fixture:echo', { value }), Error);
    assert.equal((await httpClient(server.url).query('fixture:echo', { value: wide.slice(1) })).length, 8192);
});

test('many subscriptions to one question share its answer, and all of them end', async () => {
    const sessions = await Promise.all(Array.from({ length: 30 }, () => session(querySet(0, add(0, 'fixture:ticking')))));
    for (const raw of sessions)
        await raw.result(0);
    const values = new Set(sessions.map((raw) => raw.results.get(0).value));
    assert.ok(values.size <= 3);
    for (const raw of sessions)
        raw.send(querySet(1, remove(0)));
    for (const raw of sessions)
        await raw.reached(2);
    const counts = sessions.map((raw) => raw.transitions.length);
    await sleep(600);
    assert.deepEqual(sessions.map((raw) => raw.transitions.length), counts, 'silent afterwards');
    sessions.forEach((raw) => raw.end());
});

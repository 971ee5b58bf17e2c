// SPDX-License-Identifier: Apache-2.0
// Values keep their kind, their bits and their order both ways, by every kind of call.
import assert from 'node:assert/strict';

import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'values';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, ...more }, run);

const bytes = (...numbers) => new Uint8Array(numbers).buffer;
const kinds = {
    'big integers': [0n, 1n, -1n, 9223372036854775807n, -9223372036854775808n, 9007199254740993n],
    'numbers that JSON cannot say': [NaN, Infinity, -Infinity, -0],
    'ordinary numbers': [0, 1, -1, 0.1, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 53, -(2 ** 53) + 1, 1 / 3, 123456789.123456789],
    'bytes': [bytes(), bytes(0), bytes(255, 0, 1), new Uint8Array(1000).map((_, i) => i).buffer],
    'texts': ['', 'plain', '\u0001\u001f\u007f', '"\\/\b\f\n\r\t', 'é漢😀🏳️‍🌈', '\u2028\u2029', '\uFEFF\uFFFD', 'e\u0301 is not é', '\u{10FFFF}', '$integer', '<script>'],
    'nothing and truth': [null, true, false],
    'lists': [[], [[]], [[], [[1, [2n]], {}]], [null, [null]]],
    'records': [{}, { a: {} }, { '': 1 }, { ' ': { '~': [1] } }, { _id: 'mine', _creationTime: 7 }, { b: 2, a: 1, A: 0, a1: 3, 'a-b': 4 }, { constructor: 1, toString: 'x' }],
};

for (const [name, values] of Object.entries(kinds))
    scenario(`${name} come back as they were, by every kind of call`,
        'A value is the same after a query, a mutation, an action and a subscription, over the socket and HTTP.',
        async (t) => {
            const [client, http] = [t.client(), t.http()];
            for (const value of values) {
                const label = `${typeof value} ${Object.prototype.toString.call(value)}`;
                assert.deepEqual(await client.query('echo:query', { value }), value, label);
                assert.deepEqual(await http.query('echo:query', { value }), value, label);
                assert.deepEqual(await http.mutation('echo:mutation', { value }), value, label);
            }
            const whole = { values };
            assert.deepEqual(await client.mutation('echo:mutation', { value: whole }), whole);
            assert.deepEqual(await client.action('fixture:answer', { value: whole }), whole);
            assert.deepEqual(await client.query('echo:query', { value: whole }), whole);
        }, { on: EVERY });

scenario('minus zero, one and one-point-zero are what they are',
    'Numbers are told apart and put together by their bits: 0 and -0 are two questions, 1 and 1.0 one.',
    async (t) => {
        const client = t.client();
        const [zero, minus] = [t.watch(client, 'echo:query', { value: 0 }), t.watch(client, 'echo:query', { value: -0 })];
        await zero.shows((value) => Object.is(value, 0));
        await minus.shows((value) => Object.is(value, -0));
        assert.equal(await client.query('echo:query', { value: 1.0 }), 1);
        assert.equal(await client.query('echo:query', { value: 1n }), 1n);
    }, { on: EVERY });

scenario('texts are stored and listed as they were',
    'What a mutation stores a query gives back byte for byte, before and after a restart.',
    async (t) => {
        const client = t.client();
        const texts = kinds.texts.concat('😀'.repeat(1000));
        for (const text of texts)
            await client.mutation('items:add', { text });
        assert.deepEqual((await client.query('items:list', {})).map(({ text }) => text), texts);
        await t.crash();
        assert.deepEqual((await t.http().query('items:list', {})).map(({ text }) => text), texts);
    });

scenario('half a character is never stored, and harms nobody else',
    'Texts are valid Unicode: a message with a lone surrogate is no JSON for a server, and has no effect.',
    async (t) => {
        const [bad, good] = [t.client(), t.client()];
        const list = t.watch(good, 'items:list');
        await list.shows((items) => items.length === 0);
        let answer = null;
        bad.mutation('items:add', { text: 'a\ud800b' }).then((id) => {
            answer = id;
        }, (error) => {
            answer = error;
        });
        await t.until(() => answer !== null || t.thrown.length > 0, 'a refusal');
        assert.equal(typeof answer === 'string', false, 'it was taken');
        await good.mutation('items:add', { text: 'whole' });
        assert.deepEqual(list.last().map(({ text }) => text), ['whole']);
    }, { throws: true });

scenario('sixty levels deep and eight thousand wide',
    'Nesting of 64 and lists of 8192 pass both ways; one beyond is a failure of its call.',
    async (t) => {
        const client = t.client();
        let deep = 1;
        for (let i = 0; i < 60; i++)
            deep = i % 2 ? [deep] : { a: deep };
        assert.deepEqual(await client.mutation('echo:mutation', { value: deep }), deep);
        const wide = Array.from({ length: 8192 }, (_, i) => i);
        assert.deepEqual(await client.mutation('echo:mutation', { value: wide }), wide);
        await t.refused(client.mutation('echo:mutation', { value: [...wide, 1] }));
        for (let i = 0; i < 10; i++)
            deep = [deep];
        await t.refused(client.mutation('echo:mutation', { value: deep }));
        assert.equal(t.proxy.links.length, 1, 'the same connection all the time');
    });

scenario('keys with a dollar are refused, others of print are not',
    'A key that begins with a dollar is nobody\'s value; every other printable key is.',
    async (t) => {
        const client = t.client();
        const keys = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).filter((key) => key !== '$');
        const value = Object.fromEntries(keys.map((key, i) => [key, i]));
        assert.deepEqual(await client.mutation('echo:mutation', { value }), value);
        assert.deepEqual(await client.mutation('echo:mutation', { value: { a$: 1, 'b$c': 2 } }), { a$: 1, 'b$c': 2 });
        const raw = t.raw();
        await raw.connect();
        for (const [i, bad] of [{ $set: 1 }, { $integer: 'AAAA' }, { $integer: 7 }, { $float: 'AAAAAAAA8D8=' }, { $bytes: '?' }, { $integer: 'AQAAAAAAAAA=', more: 1 }, { $undefined: null }].entries()) {
            raw.send({ type: 'Mutation', requestId: i, udfPath: 'echo:mutation', args: [{ value: bad }] });
            assert.equal((await raw.response(i)).success, false, JSON.stringify(bad));
        }
    });

scenario('an argument of half a megabyte and a result of five',
    'Large arguments and results pass whole, by one connection, beside small ones.',
    async (t) => {
        const client = t.client();
        const value = { text: 'é漢😀"\\'.repeat(40_000), list: Array.from({ length: 8000 }, (_, i) => ({ i, n: BigInt(i) })), bytes: new Uint8Array(100_000).fill(7).buffer };
        const [large, small] = await Promise.all([client.mutation('echo:mutation', { value }), client.query('echo:query', { value: 1 })]);
        assert.deepEqual(large, value);
        assert.equal(small, 1);
        assert.equal((await client.query('fixture:text', { size: 5_000_000 })).length, 5_000_000);
    }, { on: EVERY });

scenario('ids and creation times are as documents have them',
    '_id is a text that finds its document, _creationTime a number that grows with each.',
    async (t) => {
        const client = t.client();
        const before = Date.now();
        const ids = await Promise.all(Array.from({ length: 10 }, (_, i) => client.mutation('items:add', { text: `${i}` })));
        const items = await client.query('items:list', {});
        assert.deepEqual(items.map(({ _id }) => _id), ids);
        for (const [i, item] of items.entries()) {
            assert.deepEqual(Object.keys(item).sort(), ['_creationTime', '_id', 'text']);
            assert.ok(item._creationTime > before - 5000 && item._creationTime < Date.now() + 5000);
            assert.ok(i === 0 || item._creationTime > items[i - 1]._creationTime);
        }
        assert.equal(await client.mutation('items:remove', { id: ids[4] }), null);
        await t.refused(client.mutation('items:remove', { id: ids[4] }));
        await t.refused(client.mutation('items:remove', { id: ids[4].replace(/.$/, (last) => (last === '0' ? '1' : '0')) }));
    }, { on: EVERY });

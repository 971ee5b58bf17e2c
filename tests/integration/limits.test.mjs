// SPDX-License-Identifier: Apache-2.0
// Each published limit: what is exactly at it passes, what is one beyond is refused by a sentence
// that names it, nothing of the refused call is kept, and the same connection goes on. Over HTTP
// and over the socket.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startServer } from './helpers.mjs';
import { RawSession, action, add, mutation, querySet, remove } from './raw.mjs';

const MIB = 1 << 20;
const SLOW_MS = 60_000;

// ---- the two ways of calling, each with a server of its own; both answer { value } or { error } ----

const overHttp = {
    name: 'HTTP',
    async call(kind, path, args) {
        const response = await fetch(`${this.server.url}/api/${kind}`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ path, format: 'convex_encoded_json', args: [args] }),
        });
        const text = await response.text();
        if (response.status !== 200)
            return { status: response.status, error: text };
        const body = JSON.parse(text);
        return body.status === 'success' ? { value: body.value } : { error: body.errorMessage };
    },
};

// One socket for the whole run: it must be of use after each refusal.
const overSocket = {
    name: 'the socket',
    number: 0,
    set: 0,
    async call(kind, path, args) {
        this.raw ??= await new RawSession(this.server.url).connect(querySet(this.set++));
        const { raw } = this;
        const id = this.number++;
        if (kind !== 'query') {
            raw.send(kind === 'mutation' ? mutation(id, path, args) : action(id, path, args));
            const said = await raw.settled(id, SLOW_MS);
            return said.success ? { value: said.result } : { error: said.result };
        }
        raw.send(querySet(this.set++, add(id, path, args)));
        const said = await raw.result(id, () => true, SLOW_MS);
        raw.send(querySet(this.set++, remove(id)));
        await raw.reached(this.set);
        return said.type === 'QueryUpdated' ? { value: said.value } : { error: said.errorMessage };
    },
};
const ways = [overHttp, overSocket];
before(() => Promise.all(ways.map(async (way) => {
    way.server = await startServer({ program: 'atelier-fixture', config: 'server: {compression: false}\n' });
})));
after(async () => {
    overSocket.raw?.end();
    await Promise.all(ways.map((way) => way.server?.stop()));
});

// ---- values ----

const nested = (depth) => {
    let value = 1;
    for (let i = 0; i < depth; i++)
        value = [value];
    return value;
};
const list = (length) => Array.from({ length }, () => 0);
const record = (length) => Object.fromEntries(Array.from({ length }, (_, i) => [`k${i}`, 0]));
const named = (name) => ({ [name]: 1 });
// Arguments that are that many bytes of JSON: {"value":"xxx…"}.
const argumentsOf = (bytes) => ({ value: 'x'.repeat(bytes - JSON.stringify({ value: '' }).length) });

// what: [kind, path, arguments at the limit, arguments beyond it, what the refusal says]
const limits = {
    'a document of 1 MiB': ['mutation', 'limits:document', { bytes: MIB }, { bytes: MIB + 1 }, /larger than 1 MiB/],
    'arguments of 16 MiB to a query': ['query', 'echo:query', argumentsOf(16 * MIB), argumentsOf(16 * MIB + 1), /larger than 16 MiB/],
    'arguments of 16 MiB to a mutation': ['mutation', 'echo:mutation', argumentsOf(16 * MIB), argumentsOf(16 * MIB + 1), /larger than 16 MiB/],
    'arguments of 16 MiB to an action': ['action', 'fixture:answer', argumentsOf(16 * MIB), argumentsOf(16 * MIB + 1), /larger than 16 MiB/],
    'a result of 16 MiB of a query': ['query', 'limits:result', { bytes: 16 * MIB }, { bytes: 16 * MIB + 1 }, /result is larger than 16 MiB/],
    'a result of 16 MiB of a mutation': ['mutation', 'limits:resultOfMutation', { bytes: 16 * MIB }, { bytes: 16 * MIB + 1 }, /result is larger than 16 MiB/],
    'a result of 16 MiB of an action': ['action', 'limits:resultOfAction', { bytes: 16 * MIB }, { bytes: 16 * MIB + 1 }, /result is larger than 16 MiB/],
    '16,000 documents written': ['mutation', 'limits:write', { count: 16_000 }, { count: 16_001 }, /more than 16000 documents/],
    '64 deep': ['query', 'echo:query', { value: nested(64) }, { value: nested(65) }, /nested more than 64 deep/],
    '64 deep, to a mutation': ['mutation', 'echo:mutation', { value: nested(64) }, { value: nested(65) }, /nested more than 64 deep/],
    'a list of 8,192': ['query', 'echo:query', { value: list(8192) }, { value: list(8193) }, /more than 8,192 items/],
    'an object of 1,024 fields': ['query', 'echo:query', { value: record(1024) }, { value: record(1025) }, /more than 1,024 fields/],
    'a field name of 1,024 letters': ['query', 'echo:query', { value: named('k'.repeat(1024)) }, { value: named('k'.repeat(1025)) }, /longer than 1,024 characters/],
    'field names of printable ASCII': ['query', 'echo:query', { value: named(' ~') }, { value: named('é') }, /not printable ASCII/],
    'field names without $': ['query', 'echo:query', { value: named('a$') }, { value: named('$a') }, /cannot begin with \$/],
};

for (const way of ways)
    for (const [what, [kind, path, good, bad, says]] of Object.entries(limits))
        test(`${what}, over ${way.name}`, async () => {
            const passed = await way.call(kind, path, good);
            assert.equal(passed.error, undefined, passed.error?.slice(0, 300));
            assert.notEqual(passed.value, undefined);

            const before = await way.call('query', 'items:count', {});
            const refused = await way.call(kind, path, bad);
            assert.match(refused.error ?? 'it was let through', says);
            assert.equal(refused.status, undefined, 'an ordinary failure');
            assert.deepEqual(await way.call('query', 'items:count', {}), before, 'nothing of it is kept');
            assert.deepEqual(await way.call('query', 'echo:query', { value: 'still here' }), { value: 'still here' });
        });

for (const way of ways)
    test(`32,000 documents read, over ${way.name}`, async () => {
        // 16,000 and one document are there by now; the others, and one beyond:
        for (const count of [15_999, 1])
            assert.equal((await way.call('mutation', 'limits:write', { count })).value, count);
        for (const [kind, path] of [['query', 'limits:read'], ['mutation', 'limits:readInMutation']]) {
            assert.deepEqual(await way.call(kind, path, { count: 32_000 }), { value: 32_000 });
            assert.match((await way.call(kind, path, { count: 32_001 })).error, /reads more than 32000 documents/);
            assert.deepEqual(await way.call(kind, path, { count: 1 }), { value: 1 });
        }
    });

test('arguments nested a thousand deep fail their call, and the session goes on', async () => {
    for (const depth of [100, 900]) {
        assert.match((await overSocket.call('mutation', 'echo:mutation', { value: nested(depth) })).error, /nested more than 64 deep/);
        assert.match((await overHttp.call('mutation', 'echo:mutation', { value: nested(depth) })).error, /nested more than 64 deep/);
    }
    assert.deepEqual(await overSocket.call('query', 'echo:query', { value: 2 }), { value: 2 });
});

test('a message beyond 20 MiB closes its socket with 1009; the next connection of the session goes on', async () => {
    const raw = await new RawSession(overSocket.server.url).connect(querySet(0), mutation(0, 'echo:mutation', { value: 1 }));
    await raw.settled(0);
    raw.send(mutation(1, 'echo:mutation', argumentsOf(20 * MIB)));
    assert.equal((await raw.closed(SLOW_MS)).code, 1009);
    await raw.connect(querySet(0), mutation(2, 'echo:mutation', { value: 2 }));
    assert.equal((await raw.settled(2)).result, 2);
    raw.end();
});

test('a body beyond its limit is 413 in JSON, readable by other origins, and the server goes on', async () => {
    const response = await fetch(`${overHttp.server.url}/api/mutation`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: 'https://studio.example' },
        body: JSON.stringify({ path: 'echo:mutation', args: argumentsOf(17 * MIB) }),
    });
    assert.equal(response.status, 413);
    assert.equal(response.headers.get('access-control-allow-origin'), 'https://studio.example');
    const said = await response.json();
    assert.equal(said.code, 'BodyTooLarge');
    assert.match(said.message, /16 MiB/);
    assert.deepEqual(await overHttp.call('query', 'echo:query', { value: 3 }), { value: 3 });
});

// SPDX-License-Identifier: Apache-2.0
// The function API over HTTP in its details: every address, both forms of arguments, all formats,
// what other origins may read, what refusals look like, and the "site" on the same origin.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startServer } from '../helpers.mjs';

let server;
before(async () => {
    server = await startServer({ program: 'atelier-fixture' });
});
after(() => server?.stop());

const ORIGIN = 'https://studio.example';

async function ask(path, body, { method = 'POST', headers = {} } = {}) {
    const response = await fetch(server.url + path, {
        method,
        headers: { origin: ORIGIN, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    let json;
    try {
        json = JSON.parse(text);
    } catch {
        // some answers are text
    }
    return { status: response.status, text, json, headers: response.headers };
}
const query = (value, format) => ask('/api/query', { path: 'echo:query', args: [{ value }], ...(format ? { format } : {}) });

// ---- formats ----

const base64 = (bytes) => Buffer.from(bytes).toString('base64');
const i64 = (n) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(n);
    return { $integer: base64(bytes) };
};
const f64 = (n) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(n);
    return { $float: base64(bytes) };
};

// as sent, and as the lossy format says it
const values = [
    [i64(-5n), '-5'], [i64(1n << 62n), '4611686018427387904'], [{ $bytes: base64([1, 2, 255]) }, base64([1, 2, 255])],
    [f64(NaN), 'NaN'], [f64(Infinity), 'Infinity'], [f64(-Infinity), '-Infinity'],
    [1.5, 1.5], ['é', 'é'], [null, null], [[i64(1n), { a: f64(NaN) }], ['1', { a: 'NaN' }]],
];

test('encoded formats give values back as they came, under each of their names', async () => {
    for (const format of ['convex_encoded_json', 'convex_json'])
        for (const [value] of values)
            assert.deepEqual((await query(value, format)).json.value, value);
});

test('the lossy format has plain JSON for everything, and is the default', async () => {
    for (const format of ['json', 'convex_clean_json', undefined])
        for (const [value, plain] of values)
            assert.deepEqual((await query(value, format)).json.value, plain);
});

test('an unknown format is refused as BadFormat', async () => {
    const said = await query(1, 'xml');
    assert.equal(said.status, 400);
    assert.equal(said.json.code, 'BadFormat');
});

// ---- addresses ----

test('each kind of function has its address, and arguments come in both forms', async () => {
    for (const [address, path] of [['query', 'echo:query'], ['mutation', 'echo:mutation'], ['action', 'fixture:answer']])
        for (const args of [{ value: 7 }, [{ value: 7 }]]) {
            const said = await ask(`/api/${address}`, { path, args });
            assert.equal(said.status, 200, said.text);
            assert.equal(said.json.status, 'success');
            assert.equal(said.json.value, 7);
        }
});

test('a query may be a GET, its arguments in the address', async () => {
    const address = (args, more = '') => `/api/query?path=echo:query&args=${args}${more}`;
    for (const args of [{ value: 'a b&c' }, [{ value: 'a b&c' }]]) {
        const said = await ask(address(encodeURIComponent(JSON.stringify(args))), undefined, { method: 'GET' });
        assert.equal(said.json.value, 'a b&c', said.text);
        assert.equal(said.headers.get('access-control-allow-origin'), ORIGIN);
    }
    const encoded = await ask(address(encodeURIComponent(JSON.stringify({ value: i64(3n) })), '&format=convex_encoded_json'), undefined, { method: 'GET' });
    assert.deepEqual(encoded.json.value, i64(3n));
    for (const bad of ['{', '%7B%22value%22:%22%FF%22%7D']) {
        const said = await ask(address(bad), undefined, { method: 'GET' });
        assert.equal(said.status, 400, said.text);
        assert.equal(said.json.code, 'BadJsonArgs');
    }
    assert.equal((await ask('/api/mutation?path=echo:mutation&args=%7B%7D', undefined, { method: 'GET' })).status, 405);
});

test('run takes the function from the address', async () => {
    assert.equal((await ask('/api/run/echo/query', { args: { value: 1 } })).json.value, 1);
    assert.equal((await ask('/api/run/echo/mutation', { args: [{ value: 2 }] })).json.value, 2);
    assert.equal((await ask('/api/run/fixtures/deep/folder/default', { args: { value: 3 } })).json.value, 3);
    assert.deepEqual((await ask('/api/run/echo/query', { args: { value: i64(4n) }, format: 'convex_encoded_json' })).json.value, i64(4n));
    const missing = await ask('/api/run/echo/nothing', { args: {} });
    assert.equal(missing.status, 200);
    assert.match(missing.json.errorMessage, /Could not find public function for 'echo:nothing'/);
    const short = await ask('/api/run/echo', { args: {} });
    assert.equal(short.status, 400);
    assert.equal(short.json.code, 'BadConvexFunctionIdentifier');
});

test('a batch of queries is of one moment; each may fail alone', async () => {
    const said = await ask('/api/query_batch', { queries: [
        { path: 'echo:query', args: { value: 1 } }, { path: 'fail:query', args: {} }, { path: 'echo:query', args: [{ value: i64(2n) }], format: 'convex_encoded_json' },
    ] });
    assert.deepEqual(said.json.results.map((result) => result.status), ['success', 'error', 'success']);
    assert.deepEqual(said.json.results[1].errorData, { code: 'E1' });
    assert.deepEqual(said.json.results[2].value, i64(2n));
    const many = Array.from({ length: 101 }, () => ({ path: 'echo:query', args: { value: 1 } }));
    assert.equal((await ask('/api/query_batch', { queries: many.slice(1) })).json.results.length, 100);
    assert.equal((await ask('/api/query_batch', { queries: many })).status, 400);
});

test('a read at a timestamp is of that moment, or is refused and says what to do', async () => {
    const at = async (ts) => ask('/api/query_at_ts', { path: 'items:count', args: {}, ts });
    await ask('/api/mutation', { path: 'items:add', args: { text: 'first' } });
    const { ts } = (await ask('/api/query_ts', {})).json;
    const { value } = (await at(ts)).json;
    assert.deepEqual((await at(ts)).json.value, value);
    await ask('/api/mutation', { path: 'items:add', args: { text: 'second' } });
    const late = await at(ts);
    assert.ok(late.status === 200 ? late.json.value.count === value.count : late.status === 400 && late.json.code === 'TimestampOutOfRange', late.text);
    const bad = await at('yesterday');
    assert.equal(bad.status, 400);
    assert.equal(bad.json.code, 'BadTimestamp');
});

// ---- refusals ----

const refusals = {
    'no JSON': ['/api/query', '{', {}, 400, 'BadJsonBody'],
    'a list': ['/api/mutation', '[]', {}, 400, 'BadJsonBody'],
    'no path': ['/api/query', { args: {} }, {}, 400, 'BadConvexFunctionIdentifier'],
    'a bad token': ['/api/query', { path: 'echo:query', args: { value: 1 } }, { authorization: 'Bearer x' }, 401, undefined],
    'an unknown scheme': ['/api/query', { path: 'echo:query', args: { value: 1 } }, { authorization: 'Basic eDp5' }, 401, 'InvalidAuthHeader'],
    'any function without the admin key': ['/api/function', { path: 'echo:query', args: { value: 1 } }, {}, 403, 'Forbidden'],
    'an address that is not there': ['/api/nothing', {}, {}, 404, 'NotFound'],
};

for (const [what, [path, body, headers, status, code]] of Object.entries(refusals))
    test(`${what} is ${status} in JSON that other origins may read`, async () => {
        const said = await ask(path, body, { headers });
        assert.equal(said.status, status, said.text);
        assert.equal(typeof said.json.message, 'string');
        assert.equal(typeof said.json.code, 'string');
        if (code !== undefined)
            assert.equal(said.json.code, code);
        assert.equal(said.headers.get('access-control-allow-origin'), ORIGIN);
        assert.equal(said.headers.get('access-control-allow-credentials'), 'true');
        assert.match(said.headers.get('vary'), /origin/i);
    });

test('every address of the API answers a preflight', async () => {
    const wanted = 'content-type,convex-client,authorization';
    for (const path of ['/api/query', '/api/mutation', '/api/run/echo/query', '/api/storage/x', '/api/nothing']) {
        const said = await ask(path, undefined, {
            method: 'OPTIONS', headers: { 'access-control-request-method': 'POST', 'access-control-request-headers': wanted },
        });
        assert.equal(said.status, 204);
        assert.equal(said.headers.get('access-control-allow-origin'), ORIGIN);
        assert.equal(said.headers.get('access-control-allow-headers'), wanted);
        assert.equal(said.headers.get('access-control-max-age'), '86400');
        for (const method of ['GET', 'POST', 'OPTIONS', 'PATCH', 'DELETE', 'PUT'])
            assert.match(said.headers.get('access-control-allow-methods'), new RegExp(method));
    }
});

// ---- the site ----

test('where no HTTP action is, the site says so as Convex does, without CORS of its own', async () => {
    for (const [method, path] of [['POST', '/hook'], ['PUT', '/a/b'], ['PATCH', '/a'], ['DELETE', '/a'], ['OPTIONS', '/hook'],
        ['GET', '/http/hook'], ['POST', '/http/hook'], ['OPTIONS', '/http/hook'], ['HEAD', '/http/hook']]) {
        const said = await ask(path, ['POST', 'PUT', 'PATCH'].includes(method) ? '{}' : undefined, { method });
        assert.equal(said.status, 404, `${method} ${path}`);
        if (method !== 'HEAD')
            assert.equal(said.text, 'No matching routes found');
        assert.equal(said.headers.get('access-control-allow-origin'), null);
    }
    // A bad token does not matter there: it may be the application's own.
    assert.equal((await ask('/hook', '{}', { headers: { authorization: 'Bearer x' } })).text, 'No matching routes found');
});

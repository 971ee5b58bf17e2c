// SPDX-License-Identifier: Apache-2.0
// The HTTP client beside the socket: one history, consistent reads, failures as they should be.
import assert from 'node:assert/strict';

import { tsRead } from '../../raw.mjs';
import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'http';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, on: EVERY, ...more }, run);

const post = async (t, where, body, headers = {}) => {
    const response = await fetch(t.direct + where, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
};

scenario('the timestamp that HTTP gives is not behind what a socket was told',
    'query_ts is at or past every commit that anybody was answered.',
    async (t) => {
        const client = t.client();
        for (let i = 0; i < 8; i++) {
            await client.mutation('items:add', { text: t.text });
            const { body } = await post(t, '/api/query_ts', '');
            const told = t.proxy.messages('server', 'MutationResponse').at(-1).ts;
            assert.ok(tsRead(body.ts) >= tsRead(told));
        }
    });

scenario('two reads at one timestamp are of one moment',
    'query_at_ts answers from the snapshot of its timestamp, or says that it cannot; never from another.',
    async (t) => {
        const http = t.http();
        await http.mutation('items:add', { text: t.text });
        const { body: { ts } } = await post(t, '/api/query_ts', '');
        const at = (path) => post(t, '/api/query_at_ts', { path, args: {}, format: 'convex_encoded_json', ts });
        const [list, count] = await Promise.all([at('items:list'), at('items:count')]);
        assert.equal(list.body.value.length, 1);
        assert.equal(count.body.value.count, 1);
        await http.mutation('items:add', { text: t.text });
        const later = await at('items:count');
        assert.ok(later.status !== 200 || later.body.value.count === 1, 'the old moment or a refusal');
    });

scenario('the consistent queries of the client agree',
    'consistentQuery gives results of one timestamp for the life of the client object.',
    async (t) => {
        await t.http().mutation('items:add', { text: t.text });
        const http = t.http();
        const [items, { count }] = [await http.consistentQuery('items:list', {}), await http.consistentQuery('items:count', {})];
        assert.equal(items.length, count);
    });

scenario('several queries in one request are of one moment',
    'query_batch answers each in its place, from one snapshot, and one failure leaves the others.',
    async (t) => {
        const writer = t.client();
        let isOver = false;
        const noise = (async () => {
            while (!isOver)
                await writer.mutation('items:add', { text: t.text });
        })();
        for (let i = 0; i < 15; i++) {
            const { body } = await post(t, '/api/query_batch', { queries: ['items:list', 'nowhere:nothing', 'items:count']
                .map((path) => ({ path, args: {}, format: 'convex_encoded_json' })) });
            assert.equal(body.results.length, 3);
            assert.equal(body.results[1].status, 'error');
            assert.equal(body.results[0].value.length, body.results[2].value.count);
        }
        isOver = true;
        await noise;
        t.dirty();
    }, { on: ['1.44'] });

scenario('a mutation over HTTP is shown on sockets, and counted once',
    'HTTP mutations are commits like any other: every subscriber is told.',
    async (t) => {
        const lists = [t.watch(t.client(), 'items:list'), t.watch(t.client(), 'items:list')];
        await Promise.all(lists.map((list) => list.shows((items) => items.length === 0)));
        const http = t.http();
        await Promise.all([1, 2, 3].map((i) => http.mutation('items:add', { text: `${t.text} ${i}` })));
        await Promise.all(lists.map((list) => list.shows((items) => items.length === 3)));
    });

scenario('functions that fail answer 200 with their error, requests that are wrong do not',
    'A failure of a function is a result; a failure of the request has a status and a readable body.',
    async (t) => {
        const call = (body, where = '/api/query') => post(t, where, body);
        const failed = await call({ path: 'fail:query', args: {}, format: 'convex_encoded_json' });
        assert.equal(failed.status, 200);
        assert.deepEqual([failed.body.status, failed.body.errorData], ['error', { code: 'E1' }]);
        const missing = await call({ path: 'nowhere:nothing', args: {}, format: 'convex_encoded_json' });
        assert.equal(missing.status, 200);
        assert.equal('errorData' in missing.body, false);
        for (const wrong of ['{', '[]', '{"path":1}', '{"path":"items:list","args":{},"format":"yaml"}']) {
            const answer = await call(wrong);
            assert.ok(answer.status >= 400 && answer.status < 500, `${wrong}: ${answer.status}`);
            assert.equal(typeof answer.body.message, 'string');
        }
    }, { on: ['1.44'] });

scenario('arguments as an object or as a list of one, and formats by name',
    'args may be {…} or [{…}]; the encoded format keeps big integers, the plain one writes them as text.',
    async (t) => {
        const value = { $integer: 'AQAAAAAAAAA=' };
        for (const args of [{ value }, [{ value }]]) {
            const encoded = await post(t, '/api/query', { path: 'echo:query', args, format: 'convex_encoded_json' });
            assert.deepEqual(encoded.body.value, value);
            const plain = await post(t, '/api/query', { path: 'echo:query', args, format: 'json' });
            assert.equal(plain.body.value, '1');
        }
    }, { on: ['1.44'] });

scenario('answers to other origins say so, also the failures',
    'Every answer of the API, good or bad, has the CORS headers of its origin, and preflights are answered.',
    async (t) => {
        const origin = 'https://app.example.com';
        const good = await post(t, '/api/query', { path: 'items:count', args: {} }, { origin });
        const bad = await post(t, '/api/query', '{', { origin });
        const refused = await post(t, '/api/query', { path: 'items:count', args: {} }, { origin, authorization: 'Bearer nonsense' });
        for (const answer of [good, bad, refused])
            assert.equal(answer.headers.get('access-control-allow-origin'), origin, `${answer.status}`);
        assert.equal(refused.status, 401);
        const preflight = await fetch(`${t.direct}/api/mutation`, { method: 'OPTIONS', headers: {
            origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type,convex-client,authorization' } });
        assert.ok(preflight.ok);
        assert.match(preflight.headers.get('access-control-allow-headers'), /convex-client/i);
    }, { on: ['1.44'] });

scenario('the client of every version queries, mutates and acts',
    'ConvexHttpClient of each version is served by the same routes.',
    async (t) => {
        const http = t.http(t.token());
        const id = await http.mutation('items:add', { text: t.text });
        assert.deepEqual((await http.query('items:get', { index: 0 }))._id, id);
        assert.equal(await http.action('tools:run', {}), 'ok');
        assert.deepEqual(await http.mutation('users:whoami', {}), { subject: t.subject });
        assert.equal(await http.mutation('items:remove', { id }), null);
    });

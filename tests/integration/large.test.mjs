// SPDX-License-Identifier: Apache-2.0
// Queries too large for the event loop: readers evaluate them, and nobody may be able to tell but
// by how soon everybody else is answered.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { addUser, httpClient, startServer, until } from './helpers.mjs';
import { RawSession } from './raw.mjs';

const ITEMS = 1500;
let server;
let http;

before(async () => {
    server = await startServer({ program: 'atelier-fixture' });
    http = httpClient(server.url);
    const adds = [];
    for (let i = 0; i < ITEMS; i++)
        adds.push(http.mutation('items:add', { text: `item ${i}` }));
    await Promise.all(adds);
});

after(() => server?.stop());

const add = (queryId, udfPath, args = {}) => ({ type: 'Add', queryId, udfPath, args: [args] });
const asks = (baseVersion, newVersion, ...modifications) => ({ type: 'ModifyQuerySet', baseVersion, newVersion, modifications });
const PAGE = { paginationOpts: { numItems: 5, cursor: null } };

function metric(text, name) {
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
}

async function readMetric(name) {
    return metric(await (await fetch(`${server.url}/metrics`)).text(), name);
}

// Writes without a pause until told to stop; answers how many.
function writer() {
    let isOver = false;
    const ended = (async () => {
        let count = 0;
        for (; !isOver; count++)
            await http.mutation('items:add', { text: `written ${count}` });
        return count;
    })();
    return { stop: () => { isOver = true; return ended; } };
}

test('each transition is one moment, of large and small queries alike, however fast others write', async () => {
    const session = await new RawSession(server.url).connect(asks(0, 1, add(0, 'items:list'), add(1, 'items:count'), add(2, 'items:page', PAGE)));
    await until(() => session.results.size === 3, 'the first results');
    let checked = 0;
    session.takeTransition = (message) => {
        RawSession.prototype.takeTransition.call(session, message);
        assert.ifError(problemOf(session));
        checked++;
    };
    const writing = writer();
    await until(() => session.problem !== null || checked > 30, 'thirty transitions', 20_000);
    const written = await writing.stop();
    assert.equal(session.problem, null);
    assert.ok(written > 30);
    await until(() => session.results.get(1).value.count === session.results.get(0).value.length
        && session.results.get(0).value.at(-1).text === `written ${written - 1}`, 'the last write');
    session.socket.close();
});

// The newest results must agree after each transition.
function problemOf(session) {
    const [list, count, page] = [0, 1, 2].map((id) => session.results.get(id)?.value);
    if (list.length !== count.count)
        return new Error(`${list.length} items and a count of ${count.count}`);
    const newest = list.slice(-page.page.length).reverse() // it grows: its journal says where it ends
        .map((item) => item.text);
    const shown = page.page.map((item) => item.text);
    return JSON.stringify(newest) === JSON.stringify(shown) ? null : new Error(`${shown} beside ${newest}`);
}

test('a large query that is removed while a reader has it is forgotten; one added then is answered', async () => {
    const session = await new RawSession(server.url).connect(asks(0, 1, add(0, 'items:list')));
    session.send(asks(1, 2, { type: 'Remove', queryId: 0 }, add(1, 'items:list')), asks(2, 3, add(2, 'items:page', PAGE)));
    await until(() => session.version.querySet === 3 && session.results.has(1) && session.results.has(2), 'both');
    assert.equal(session.results.has(0) && session.results.get(0).type !== 'QueryRemoved', false);
    assert.equal(session.problem, null);
    session.socket.close();
});

test('a socket that goes while a reader works for it leaves nothing behind', async () => {
    const queries = await readMetric('atelier_live_queries');
    for (let i = 0; i < 20; i++) {
        const session = await new RawSession(server.url).connect(asks(0, 1, add(0, 'items:list'), add(1, 'items:get', { index: 1000 + i })));
        session.socket.terminate();
    }
    await until(async () => await readMetric('atelier_live_queries') <= queries, 'none left');
});

test('mutations are answered while readers are busy with large queries by HTTP', async () => {
    let isOver = false;
    const busy = [0, 1, 2, 3].map(async () => {
        while (!isOver)
            await http.query('items:list', {});
    });
    const from = await readMetric('atelier_call_large_queries_total');
    const ids = [];
    for (let i = 0; i < 50; i++)
        ids.push(await http.mutation('items:add', { text: `beside ${i}` }));
    isOver = true;
    await Promise.all(busy);
    assert.equal(new Set(ids).size, 50);
    assert.ok(await readMetric('atelier_call_large_queries_total') > from, 'they went to a reader');
});

test('nobody is refused a reader because their own queries wait for it', async () => {
    const end = Date.now() + 4000;
    const statuses = new Set();
    await Promise.all([0, 1, 2, 3].map(async () => {
        while (Date.now() < end) {
            const response = await fetch(`${server.url}/api/query`, { method: 'POST', body: JSON.stringify({ path: 'items:list', args: {} }) });
            statuses.add(response.status);
            await response.arrayBuffer();
        }
    }));
    assert.deepEqual([...statuses], [200]);
});

test('several queries at one moment, some of them large, agree', async () => {
    const writing = writer();
    for (let i = 0; i < 10; i++) {
        const response = await fetch(`${server.url}/api/query_batch`, {
            method: 'POST',
            body: JSON.stringify({ queries: [{ path: 'items:list', args: {} }, { path: 'items:count', args: {} }, { path: 'items:page', args: PAGE }] }),
        });
        const { results } = await response.json();
        assert.equal(results[0].value.length, results[1].value.count);
        assert.equal(results[0].value.at(-1).text, results[2].value.page[0].text);
    }
    await writing.stop();
});

test('a large query at a timestamp is of that timestamp or refused', async () => {
    const { ts } = await (await fetch(`${server.url}/api/query_ts`, { method: 'POST' })).json();
    const at = (path) => fetch(`${server.url}/api/query_at_ts`, { method: 'POST', body: JSON.stringify({ path, args: {}, ts }) });
    const [first, second] = await Promise.all([at('items:list'), at('items:count')]);
    assert.equal(first.status, 200);
    assert.equal((await first.json()).value.length, (await second.json()).value.count);
    await http.mutation('items:add', { text: 'later' });
    assert.equal((await at('items:list')).status, 400);
});

test('who asks for very many at once by batches has a part of the readers, and the next one is answered', async () => {
    const user = await addUser(server);
    const someone = httpClient(server.url, user.token);
    const body = JSON.stringify({ queries: Array.from({ length: 30 }, () => ({ path: 'items:count', args: {} })) });
    const batches = Array.from({ length: 150 }, async () => {
        const response = await fetch(`${server.url}/api/query_batch`, { method: 'POST', body });
        await response.text();
        return response.status;
    });
    const { count } = await someone.query('items:count', {});
    assert.ok(count >= ITEMS);
    const statuses = await Promise.all(batches);
    assert.ok(statuses.includes(200) && statuses.includes(503), String(statuses));
    assert.ok(await readMetric('atelier_serve_reads_refused_total') > 0);
});

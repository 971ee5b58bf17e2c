// SPDX-License-Identifier: Apache-2.0
// Large transitions (convex-protocol.md section 7): in chunks for clients that put them together,
// in one message for older ones.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import WebSocket from 'ws';

import { httpClient, socketClient, startServer, until } from './helpers.mjs';

const ITEMS = 14;
const SIZE = 600_000;
// Characters of two, three and four bytes: a chunk must not cut one apart.
const text = (i) => `${i}:${'é漢😀"\\'.repeat(SIZE / 11)}`;

let server;

before(async () => {
    server = await startServer({ program: 'atelier-fixture' });
    const client = httpClient(server.url);
    for (let i = 0; i < ITEMS; i++)
        await client.mutation('items:add', { text: text(i) });
});

after(() => server?.stop());

// All messages until a whole transition with one result has come.
function firstResult(version) {
    return new Promise((resolve, reject) => {
        const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/${version}/sync`, { maxPayload: 1 << 28 });
        const messages = [];
        socket.on('error', reject);
        socket.on('open', () => {
            socket.send(JSON.stringify({ type: 'Connect', sessionId: '0b6bd3b0-0000-4000-8000-000000000000', connectionCount: 0, lastCloseReason: 'InitialConnect' }));
            socket.send(JSON.stringify({ type: 'ModifyQuerySet', baseVersion: 0, newVersion: 1, modifications: [{ type: 'Add', queryId: 0, udfPath: 'items:list', args: [{}] }] }));
        });
        socket.on('message', (data) => {
            const message = JSON.parse(data);
            messages.push(message);
            const isLast = message.type === 'Transition' || message.partNumber === message.totalParts - 1;
            if (isLast) {
                socket.close();
                resolve(messages);
            }
        });
    });
}

const textsOf = (transition) => transition.modifications[0].value.map((item) => item.text);
const expected = Array.from({ length: ITEMS }, (_, i) => text(i));

test('a transition above 5 MB comes in chunks that give it whole', async () => {
    const chunks = await firstResult('1.48.0');
    assert.ok(chunks.length >= 2);
    chunks.forEach((chunk, i) => {
        assert.equal(chunk.type, 'TransitionChunk');
        assert.equal(chunk.partNumber, i);
        assert.equal(chunk.totalParts, chunks.length);
        assert.equal(chunk.transitionId, chunks[0].transitionId);
        assert.ok(Buffer.byteLength(chunk.chunk) <= 5_000_000);
    });
    assert.deepEqual(textsOf(JSON.parse(chunks.map((chunk) => chunk.chunk).join(''))), expected);
});

test('a client from before 1.28 gets it in one message', async () => {
    const [transition, ...rest] = await firstResult('1.24.0');
    assert.equal(transition.type, 'Transition');
    assert.equal(rest.length, 0);
    assert.deepEqual(textsOf(transition), expected);
});

test('the official client follows it, and what changes after it', async () => {
    const client = socketClient(server.url);
    let seen = [];
    client.onUpdate('items:list', {}, (items) => { seen = items; });
    await until(() => seen.length === ITEMS, 'the large result');
    await client.mutation('items:add', { text: 'one more' });
    await until(() => seen.length === ITEMS + 1, 'the next one');
    assert.equal(seen.at(-1).text, 'one more');
    await client.close();
});

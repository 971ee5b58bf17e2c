// SPDX-License-Identifier: Apache-2.0
// Live queries over packed WebSockets: the same answers in fewer bytes, also when many share one
// result; and none of it when the setting says so.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';

import { ConvexClient } from 'convex/browser';
import WebSocket from 'ws';

import { startServer, until } from './helpers.mjs';

const sockets = [];
class CountedSocket extends WebSocket {
    constructor(url, protocols) {
        super(url, protocols);
        sockets.push(this);
    }
}
class PlainSocket extends WebSocket {
    constructor(url, protocols) {
        super(url, protocols, { perMessageDeflate: false });
    }
}

function follow(server, webSocketConstructor) {
    const client = new ConvexClient(server.url, { webSocketConstructor });
    const seen = { client, items: null };
    client.onUpdate('items:list', {}, (items) => { seen.items = items; });
    return seen;
}

test('many clients of one large result get it packed, and get it right', async () => {
    const server = await startServer({ program: 'atelier-fixture' });
    const all = [follow(server, PlainSocket),
        ...Array.from({ length: 5 }, () => follow(server, CountedSocket))];
    for (let i = 0; i < 60; i++)
        await all[0].client.mutation('items:add', { text: `item ${i} ${'of a long list '.repeat(40)}` });
    await until(() => all.every(({ items }) => items?.length === 60), 'the whole list');
    for (const { items } of all.slice(1))
        assert.deepEqual(items, all[0].items);

    await until(() => sockets.every((socket) => socket.extensions === 'permessage-deflate'), 'packing');
    const before = sockets.map((socket) => socket._socket.bytesRead);
    await all[0].client.mutation('items:add', { text: 'the last' });
    await until(() => all.every(({ items }) => items?.length === 61), 'the last item');
    const whole = JSON.stringify(all[0].items).length;
    assert.ok(whole > 30_000);
    for (const [i, socket] of sockets.entries())
        assert.ok(socket._socket.bytesRead - before[i] < whole / 4, `${whole} bytes came in fewer`);
    await Promise.all(all.map(({ client }) => client.close()));
    await server.stop();
});

test('without the setting nothing is packed', async () => {
    const server = await startServer({ program: 'atelier-fixture', config: 'server:\n  compression: false\n' });
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/1.48.0/sync`);
    await once(socket, 'open');
    assert.equal(socket.extensions, '');
    socket.terminate();
    await server.stop();
});

// SPDX-License-Identifier: Apache-2.0
// The `ws` client, which is what the official client uses in node, on our WebSockets (http-echo
// sends each message back; its limit is 1 MiB).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { startOurs } from './servers.mjs';

let server;

before(async () => {
    server = await startOurs();
});

after(() => server?.stop());

async function connect(options) {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws`, options);
    await once(socket, 'open');
    return socket;
}

async function echo(socket, text) {
    socket.send(text);
    const [data, isBinary] = await once(socket, 'message');
    assert.equal(isBinary, false);
    return data.toString();
}

async function end(socket) {
    const ended = once(socket, 'close');
    socket.close(1000);
    const [code] = await ended;
    assert.equal(code, 1000);
}

test('no subprotocol is selected; packing is, when it is offered', async () => {
    const socket = await connect({ perMessageDeflate: true });
    assert.equal(socket.protocol, '');
    assert.equal(socket.extensions, 'permessage-deflate');
    await end(socket);
    const plain = await connect({ perMessageDeflate: false });
    assert.equal(plain.extensions, '');
    await end(plain);
    const narrow = await connect({ perMessageDeflate: { serverMaxWindowBits: 10 } });
    assert.equal(narrow.extensions, ''); // we cannot keep that, and go on without
    assert.equal(await echo(narrow, 'x'.repeat(5000)), 'x'.repeat(5000));
    await end(narrow);
});

test('what is packed by the one is unpacked by the other, at every size', async () => {
    const socket = await connect({ perMessageDeflate: { threshold: 0 } });
    for (const length of [0, 1, 100, 1023, 1024, 1025, 16384, 65536, 300000, (1 << 20) - 9]) {
        const text = Array.from({ length }, (_, i) => 'abcdefgh'[(i * i + length) % 7]).join('');
        assert.equal(await echo(socket, text), text);
    }
    const before = socket._socket.bytesRead;
    await echo(socket, 'x'.repeat(1 << 20));
    assert.ok(socket._socket.bytesRead - before < 20000, 'a mebibyte of one letter is short');
    await end(socket);
});

test('a packed message that would be over the limit is closed with 1009', async () => {
    const socket = await connect({ perMessageDeflate: { threshold: 0 } });
    socket.on('error', () => {});
    const closed = once(socket, 'close');
    socket.send('x'.repeat(16 << 20));
    const [code] = await closed;
    assert.equal(code, 1009);
});

test('messages of every length of frame come back as they were', async () => {
    const socket = await connect();
    for (const length of [0, 1, 2, 3, 124, 125, 126, 127, 1000, 65534, 65535, 65536, 65537, 300000, 1 << 20]) {
        const text = 'aé漢😀'.repeat(length / 10 + 1);
        const cut = Buffer.from(text).subarray(0, length).toString().replace(/\ufffd+$/, '');
        assert.equal(await echo(socket, cut), cut);
    }
    await end(socket);
});

test('fragments with pings between make one message', async () => {
    const socket = await connect();
    let pongs = 0;
    socket.on('pong', (data) => {
        assert.equal(data.toString(), 'between');
        pongs++;
    });
    const message = once(socket, 'message');
    for (let i = 0; i < 50; i++) {
        socket.send(`part ${i} é `, { fin: false });
        socket.ping('between');
    }
    socket.send('the end', { fin: true });
    const [data] = await message;
    assert.equal(data.toString(), Array.from({ length: 50 }, (_, i) => `part ${i} é `).join('') + 'the end');
    await end(socket);
    assert.equal(pongs, 50);
});

test('many messages sent at once come back in order', async () => {
    const socket = await connect();
    const wanted = Array.from({ length: 3000 }, (_, i) => `${i}:${'x'.repeat(i % 300)}`);
    const got = [];
    const done = new Promise((resolve) => {
        socket.on('message', (data) => {
            got.push(data.toString());
            if (got.length === wanted.length) resolve();
        });
    });
    for (const text of wanted) socket.send(text);
    await done;
    assert.deepEqual(got, wanted);
    await end(socket);
});

test('many sockets at once each hear their own', async () => {
    const sockets = await Promise.all(Array.from({ length: 200 }, () => connect()));
    const answers = await Promise.all(sockets.map((socket, i) => echo(socket, `socket ${i}`)));
    answers.forEach((answer, i) => assert.equal(answer, `socket ${i}`));
    await Promise.all(sockets.map(end));
});

test('a client that stops reading gets everything once it goes on', async () => {
    const socket = await connect();
    const text = 'y'.repeat(500000);
    socket.pause();
    for (let i = 0; i < 12; i++) socket.send(text);
    await new Promise((resolve) => setTimeout(resolve, 300));
    let got = 0;
    const done = new Promise((resolve) => {
        socket.on('message', (data) => {
            assert.equal(data.length, text.length);
            if (++got === 12) resolve();
        });
    });
    socket.resume();
    await done;
    await end(socket);
});

const endings = {
    'we close, with a code and a reason': [(socket) => socket.send('close'), 4000, 'asked to'],
    'a binary message is 1003': [(socket) => socket.send(Buffer.from([1, 2])), 1003, ''],
    'a message beyond the limit is 1009': [(socket) => socket.send('z'.repeat((1 << 20) + 1)), 1009, ''],
    'the client closes, and hears its code back': [(socket) => socket.close(3456, 'mine'), 3456, ''],
    'the client closes without a code': [(socket) => socket.close(), 1005, ''],
};

for (const [name, [act, code, reason]] of Object.entries(endings))
    test(name, async () => {
        const socket = await connect();
        socket.on('error', () => {});
        const ended = once(socket, 'close');
        act(socket);
        const [gotCode, gotReason] = await ended;
        assert.equal(gotCode, code);
        assert.equal(gotReason.toString(), reason);
    });

test('text that is not UTF-8 is 1007', async () => {
    const socket = await connect();
    const ended = once(socket, 'close');
    socket.send(Buffer.from([0x61, 0xff]), { binary: false });
    assert.equal((await ended)[0], 1007);
});

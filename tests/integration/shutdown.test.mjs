// SPDX-License-Identifier: Apache-2.0
// A server that is stopped while files arrive of clients that are gone already: the row of a file
// may be made when nobody is left to hear of it. No such row is without its bytes.
//
// SHUTDOWN_STOPS says how often.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, test } from 'node:test';

import { makePng } from './fake-images.mjs';
import { addUser, atelier, sleep, startServer } from './helpers.mjs';

const STOPS = Number(process.env.SHUTDOWN_STOPS ?? 6);
const AT_ONCE = 10;
const png = makePng(30, 20, 5);
const config = `
plans:
  - {key: free, name: Free, creditsOnce: 10, storageBytes: 200000000, uploadBytesMax: 1048576, videoBytesMax: 4194304, rates: [{kind: upload, every: minute, count: 10000}]}
`;
let server;
after(() => server?.kill());

function request(token) {
    const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n';
    const body = Buffer.concat([Buffer.from(head), png, Buffer.from('\r\n--b--\r\n')]);
    return Buffer.concat([Buffer.from(`POST /upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${body.length}\r\n\r\n`), body]);
}

const send = (port, bytes) => new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes, () => resolve(socket)));
    socket.on('error', () => resolve(socket));
});

test('what was kept while the server stopped has its bytes', async () => {
    server = await startServer({ config });
    const { token } = await addUser(server);
    const listen = server.url.slice('http://'.length);
    const bytes = request(token);
    for (let stop = 0; stop < STOPS; stop++) {
        const sockets = [];
        for (let i = 0; i < AT_ONCE; i++) {
            sockets.push(await send(new URL(server.url).port, bytes));
            await sleep(stop % 3);
        }
        const ended = server.stop();
        sockets.forEach((socket) => socket.resetAndDestroy());
        assert.equal((await ended).code, 0);
        const { stdout } = await atelier(['doctor', '--deep', '--data', server.data]);
        assert.doesNotMatch(stdout, /is missing/, stdout);
        server = await startServer({ config, data: server.data, listen });
    }
});

// SPDX-License-Identifier: Apache-2.0
// Uploads over the wire: the form of the site route, the address of the Convex flow, what comes of
// them in the library, and what is refused and how.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { makePng } from './fake-images.mjs';
import { addUser, httpClient, startServer, until } from './helpers.mjs';

const config = `
plans:
  - {key: free, name: Free, creditsOnce: 10, storageBytes: 20000000, uploadBytesMax: 1048576, videoBytesMax: 4194304, rates: [{kind: upload, every: minute, count: 1000}]}
`;
const png = makePng(300, 200, 5);
let server;
let alice;
let bob;

before(async () => {
    server = await startServer({ config });
    alice = await addUser(server);
    bob = await addUser(server);
});
after(() => server.stop());

const bearer = (person) => ({ authorization: `Bearer ${person.token}` });

async function send(person, fields, { at = '/upload', headers = {} } = {}) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields))
        if (value instanceof Uint8Array)
            form.append(name, new Blob([value], { type: 'image/jpeg' }), `${name} ä.exe`);
        else
            form.append(name, value);
    const response = await fetch(server.url + at,
        { method: 'POST', body: form, headers: { ...(person ? bearer(person) : {}), ...headers } });
    return { status: response.status, headers: response.headers, body: await response.json() };
}

// Empty when it was removed a moment ago.
function contentOf(file) {
    try {
        return readFileSync(file);
    } catch {
        return Buffer.alloc(0);
    }
}

// How often these very bytes are stored.
function stored(bytes) {
    const root = path.join(server.data, 'blobs');
    return readdirSync(root, { recursive: true }).filter((name) => /[0-9a-f]{32}$/.test(name))
        .filter((name) => bytes.equals(contentOf(path.join(root, name)))).length;
}
const leftInTmp = () => readdirSync(path.join(server.data, 'tmp')).filter((name) => name.startsWith('blob-'));

async function uploadUrl(person) {
    return httpClient(server.url, person.token).mutation('assets:generateUploadUrl', {});
}

describe('a form', () => {
    test('stores a file under an address that serves it byte for byte', async () => {
        const { status, body } = await send(alice, { file: png });
        assert.equal(status, 200);
        assert.match(body.storageId, /^[0-9a-f]{32}$/);
        assert.equal(body.thumbnailStorageId, undefined);
        assert.equal(body.assetId, undefined);
        const file = await fetch(body.url);
        assert.equal(file.headers.get('content-type'), 'image/png', 'what it is, not what the form says');
        assert.deepEqual(Buffer.from(await file.arrayBuffer()), png);
    });

    test('makes a work at once when asked, and its thumbnail comes', async () => {
        const { status, body } = await send(alice, { file: png }, { at: '/api/convex/upload?asset=1' });
        assert.equal(status, 200);
        const client = httpClient(server.url, alice.token);
        const done = await until(async () => {
            const asset = await client.query('assets:getAsset', { assetId: body.assetId });
            return asset.isProcessing ? null : asset;
        }, 'the work is looked into');
        assert.equal(done.error, undefined);
        assert.equal(done.width, 300);
        assert.equal(done.height, 200);
        assert.equal(done.mimeType, 'image/png');
        assert.equal(done.sizeBytes, png.length);
        assert.match(done.blurDataUrl, /^data:image\/png;base64,/);
        const thumbnail = await fetch(done.thumbnailUrl);
        assert.equal(thumbnail.headers.get('content-type'), 'image/jpeg');
        assert.equal(done.url, body.url);
    });

    test('takes a thumbnail beside the file, and both become one work', async () => {
        const { body } = await send(alice, { thumbnail: makePng(20, 20, 1), file: makePng(301, 200, 6) });
        assert.match(body.thumbnailStorageId, /^[0-9a-f]{32}$/);
        const client = httpClient(server.url, alice.token);
        const assetId = await client.mutation('assets:uploadAsset', {
            storageId: body.storageId, thumbnailStorageId: body.thumbnailStorageId, type: 'image',
            mimeType: 'image/png', sizeBytes: makePng(301, 200, 6).length,
        });
        assert.equal((await client.query('assets:getAsset', { assetId })).type, 'image');
    });

    test('is taken from another origin', async () => {
        const preflight = await fetch(`${server.url}/upload`, {
            method: 'OPTIONS',
            headers: { origin: 'https://frontend.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
        });
        assert.equal(preflight.status, 204);
        assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://frontend.example');
        const { status, headers } = await send(alice, { file: png }, { headers: { origin: 'https://frontend.example' } });
        assert.equal(status, 200);
        assert.equal(headers.get('access-control-allow-origin'), 'https://frontend.example');
    });
});

describe('an address of the Convex flow', () => {
    test('takes one file, which becomes a work', async () => {
        const client = httpClient(server.url, alice.token);
        const url = await uploadUrl(alice);
        const digest = createHash('sha256').update(png).digest('base64');
        const response = await fetch(url, { method: 'POST', body: png, headers: { 'content-type': 'text/plain', digest: `sha-256=${digest}` } });
        assert.equal(response.status, 200);
        const { storageId } = await response.json();
        const args = { storageId, type: 'image', mimeType: 'image/png', sizeBytes: png.length, cameraAngle: 'low' };
        const assetId = await client.mutation('assets:uploadAsset', args);
        assert.equal(await client.mutation('assets:uploadAsset', args), assetId, 'asked again, it is the same work');
        const again = await fetch(url, { method: 'POST', body: png });
        assert.equal(again.status, 404);
    });

    test('refuses a file that was damaged on its way, and keeps nothing of it', async () => {
        const picture = makePng(310, 200, 7);
        const digest = createHash('sha256').update('another').digest('base64');
        const url = await uploadUrl(alice);
        const response = await fetch(url, { method: 'POST', body: picture, headers: { digest: `sha-256=${digest}` } });
        assert.equal(response.status, 400);
        assert.equal((await response.json()).code, 'BAD_DIGEST');
        await until(() => stored(picture) === 0, 'nothing is kept');
        assert.equal((await fetch(url, { method: 'POST', body: picture })).status, 200, 'it may be sent again');
    });

    test('gives a work only to whose file it is, and only as what it is', async () => {
        const url = await uploadUrl(alice);
        const { storageId } = await (await fetch(url, { method: 'POST', body: png })).json();
        const args = { storageId, type: 'image', mimeType: 'image/png', sizeBytes: png.length };
        const as = (person, changes) => httpClient(server.url, person.token).mutation('assets:uploadAsset', { ...args, ...changes });
        await assert.rejects(as(bob, {}), /not yours/);
        await assert.rejects(as(alice, { sizeBytes: 7 }), /bytes/);
        await assert.rejects(as(alice, { type: 'video' }), /image\/png/);
        await assert.rejects(as(alice, { mimeType: 'image/webp' }), /image\/png/);
        await as(alice, {});
    });
});

describe('what is refused', () => {
    const refused = async (answer, status, code) => {
        const { status: got, body } = await answer;
        assert.equal(got, status, JSON.stringify(body));
        assert.equal(body.code, code);
        assert.equal(typeof body.error, 'string');
        assert.equal(body.error, body.message);
    };

    test('who is not signed in', async () => {
        await refused(send(null, { file: png }), 401, 'AUTH');
        await refused(send(null, { file: png }, { headers: { authorization: 'Bearer nonsense' } }), 401, 'InvalidAuthHeader');
    });

    test('a form without a file, and what is no form', async () => {
        await refused(send(alice, { other: 'x' }), 400, 'BAD_FORM');
        const response = await fetch(`${server.url}/upload`, { method: 'POST', body: 'x', headers: { ...bearer(alice), 'content-type': 'multipart/form-data; boundary=a' } });
        assert.equal(response.status, 400);
        const none = await fetch(`${server.url}/upload`, { method: 'POST', headers: bearer(alice) });
        assert.equal(none.status, 400);
    });

    test('what is neither picture nor film, by its bytes', async () => {
        for (const bytes of ['%PDF-1.7\n', '<svg xmlns="http://www.w3.org/2000/svg"></svg>', '<html><script>alert(1)</script></html>', 'plain words', '\x7fELF\x02'])
            await refused(send(alice, { file: Buffer.from(bytes, 'latin1') }), 400, 'UNSUPPORTED_TYPE');
        await refused(send(alice, { file: Buffer.alloc(0) }), 400, 'EMPTY');
        await until(() => leftInTmp().length === 0, 'nothing is kept');
    });

    test('what is larger than the plan takes, while it comes', async () => {
        const head = png.subarray(0, 64);
        await refused(send(alice, { file: Buffer.concat([head, randomBytes(1100000)]) }), 413, 'TOO_LARGE');
        await refused(send(alice, { file: randomBytes(8000000) }), 413, 'TOO_LARGE');
        await until(() => leftInTmp().length === 0, 'nothing is kept');
    });

    test('what the storage has no room for', async () => {
        const carol = await addUser(server);
        const film = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypisom'), randomBytes(4000000)]);
        for (let i = 0; i < 4; i++)
            assert.equal((await send(carol, { file: film })).status, 200);
        const answer = await send(carol, { file: film });
        assert.equal(answer.status, 413);
        assert.equal(answer.body.code, 'QUOTA');
        assert.match(answer.body.error, /of 19\.1 MB are used, .*and this needs 3\.8 MB/);
    });

    test('a file that only seemed to be a picture ends its work with a reason', async () => {
        const client = httpClient(server.url, bob.token);
        const { body } = await send(bob, { file: Buffer.concat([png.subarray(0, 100), randomBytes(5000)]), asset: '1' });
        const done = await until(async () => {
            const asset = await client.query('assets:getAsset', { assetId: body.assetId });
            return asset.isProcessing ? null : asset;
        }, 'the work is looked into');
        assert.ok(done.error.length > 5, done.error);
        await until(async () => (await fetch(body.url)).status === 404, 'its bytes are gone');
        const { used } = await client.query('quotas:getStorageQuota', {});
        assert.equal(used, 0);
    });
});

test('an upload that is cut off leaves nothing behind', async () => {
    const { hostname, port } = new URL(server.url);
    const socket = net.connect(Number(port), hostname);
    socket.write(`POST /upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${alice.token}\r\n`
        + 'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 900000\r\n\r\n'
        + '--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n');
    socket.write(Buffer.concat([png, randomBytes(500000)]));
    await until(() => leftInTmp().length === 1, 'it is on its way');
    socket.destroy();
    await until(() => leftInTmp().length === 0, 'nothing is left');
});

test('no one has more than ten on their way, by whichever way they came', async () => {
    const { hostname, port } = new URL(server.url);
    const dora = await addUser(server);
    const sockets = [];
    const hold = () => {
        const socket = net.connect(Number(port), hostname);
        sockets.push(socket);
        socket.on('error', () => {});
        socket.once('data', hold); // refused, for one of those below was faster
        socket.write(`POST /upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${dora.token}\r\n`
            + 'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n--x\r\n');
    };
    for (let i = 0; i < 10; i++)
        hold();
    await until(async () => (await send(dora, { file: png })).status === 429, 'the eleventh is refused');
    const address = await fetch(await uploadUrl(dora), { method: 'POST', body: png });
    assert.equal(address.status, 429, 'also at an address that takes one file');
    assert.equal((await send(bob, { file: makePng(30, 30, 9) })).status, 200, 'others are not');
    sockets.forEach((socket) => socket.removeAllListeners('data').destroy());
    await until(async () => (await send(dora, { file: png })).status === 200, 'there is room again');
});

// SPDX-License-Identifier: Apache-2.0
// Uploads that can be resumed: by the official tus-js-client, and by hand where it would not go.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import * as tus from 'tus-js-client';

import { makePng } from './fake-images.mjs';
import { addUser, httpClient, startServer, tempFolder, until } from './helpers.mjs';

const config = `
plans:
  - {key: free, name: Free, creditsOnce: 10, storageBytes: 60000000, uploadBytesMax: 1048576, videoBytesMax: 20971520, rates: [{kind: upload, every: minute, count: 1000}]}
`;
const png = makePng(300, 200, 5);
// Taken for a film; the helper will refuse it, but that is later.
const film = (size) => Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypisom'), randomBytes(size - 12)]);
const data = tempFolder('data');
let server;
let alice;

before(async () => {
    server = await startServer({ config, data });
    alice = await addUser(server);
});
after(() => server.stop());

const partials = () => readdirSync(path.join(data, 'uploads'));
const sizeOf = (url) => {
    const file = path.join(data, 'uploads', url.pathname.split('/').pop());
    return existsSync(file) ? statSync(file).size : 0;
};
const bearer = () => ({ authorization: `Bearer ${alice.token}` });
const V = { 'tus-resumable': '1.0.0' };
const b64 = (text) => Buffer.from(text).toString('base64');

// Answers {url, headers of the last response}; or the error of the client.
function upload(bytes, options = {}) {
    return new Promise((resolve, reject) => {
        let last;
        const one = new tus.Upload(bytes, {
            endpoint: `${server.url}/api/uploads`,
            headers: bearer(),
            metadata: { filename: 'see ä.png', filetype: 'image/png' },
            retryDelays: [0, 100, 300, 1000],
            onAfterResponse: (request, response) => {
                last = response;
            },
            onError: reject,
            onSuccess: () => resolve({ url: one.url, last }),
            ...options,
        });
        one.start();
    });
}

async function create(length, { metadata = '', headers = {}, body } = {}) {
    return fetch(`${server.url}/api/uploads`, {
        method: 'POST', body,
        headers: { ...V, ...bearer(), 'upload-length': String(length), ...(metadata ? { 'upload-metadata': metadata } : {}), ...headers },
    });
}
const at = (response) => new URL(response.headers.get('location'), server.url);
const patch = (url, offset, body, headers = {}) => fetch(url, {
    method: 'PATCH', body,
    headers: { ...V, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream', ...headers },
});
const head = (url) => fetch(url, { method: 'HEAD', headers: V });

describe('the official client', () => {
    test('uploads in pieces, and the last answer names the file', async () => {
        const { last } = await upload(png, { chunkSize: 1000 });
        const storageId = last.getHeader('Atelier-Storage-Id');
        assert.match(storageId, /^[0-9a-f]{32}$/);
        assert.equal(last.getHeader('Atelier-Content-Type'), 'image/png');
        const client = httpClient(server.url, alice.token);
        const assetId = await client.mutation('assets:uploadAsset', { storageId, type: 'image', mimeType: 'image/png', sizeBytes: png.length });
        const asset = await client.query('assets:getAsset', { assetId });
        assert.deepEqual(Buffer.from(await (await fetch(asset.url)).arrayBuffer()), png);
        await until(() => partials().length === 0, 'the partial is gone');
    });

    test('brings all bytes with the creation, and a work is made at once', async () => {
        const { last } = await upload(png, { uploadDataDuringCreation: true, metadata: { filename: 'a.png', asset: '1' } });
        const assetId = last.getHeader('Atelier-Asset-Id');
        assert.ok(last.getHeader('Atelier-Storage-Id'));
        const client = httpClient(server.url, alice.token);
        const done = await until(async () => {
            const asset = await client.query('assets:getAsset', { assetId });
            return asset.isProcessing ? null : asset;
        }, 'it is looked into');
        assert.equal(done.width, 300);
    });

    test('goes on where it stopped, also after the server was killed', async () => {
        const bytes = film(6000000);
        const address = await new Promise((resolve, reject) => {
            const one = new tus.Upload(bytes, {
                endpoint: `${server.url}/api/uploads`, headers: bearer(), chunkSize: 1000000,
                onError: reject,
                onChunkComplete: async (size, accepted) => {
                    if (accepted !== 3000000)
                        return;
                    await one.abort();
                    resolve(one.url);
                },
            });
            one.start();
        });
        const port = new URL(server.url).port;
        await server.kill();
        server = await startServer({ config, data, listen: `127.0.0.1:${port}` });
        let sent = 0;
        const { last } = await upload(bytes, {
            uploadUrl: address,
            onProgress: (bytesSent) => {
                if (sent === 0)
                    sent = bytesSent;
            },
        });
        assert.ok(sent >= 3000000, `it went on at ${sent}`);
        const file = await fetch(`${server.url}/api/storage/${last.getHeader('Atelier-Storage-Id')}`);
        assert.deepEqual(createHash('sha256').update(Buffer.from(await file.arrayBuffer())).digest('hex'), createHash('sha256').update(bytes).digest('hex'));
    });

    test('ends an upload that it does not want', async () => {
        const response = await create(1000);
        const url = at(response);
        await patch(url, 0, png.subarray(0, 500));
        await tus.Upload.terminate(url.href, { headers: bearer(), retryDelays: null });
        assert.equal((await head(url)).status, 404);
        await until(() => partials().length === 0, 'its bytes are gone');
    });

    test('is told at once of what can never be kept, and does not try again', async () => {
        let requests = 0;
        const error = await upload(Buffer.from(`%PDF-1.7 ${'x'.repeat(5000)}`), { onBeforeRequest: () => { requests++; } }).then(() => null, (thrown) => thrown);
        assert.equal(error.originalResponse.getStatus(), 400);
        assert.equal(JSON.parse(error.originalResponse.getBody()).code, 'UNSUPPORTED_TYPE');
        assert.equal(requests, 2);
        await until(() => partials().length === 0, 'its bytes are gone');
        const client = httpClient(server.url, alice.token);
        await until(async () => (await client.query('quotas:getStorageQuota', {})).reservedBytes === 6000000, 'only the stored file that waits has its room');
    });
});

describe('by hand', () => {
    test('what the server can is told, also to pages of others', async () => {
        const response = await fetch(`${server.url}/api/uploads`, {
            method: 'OPTIONS', headers: { origin: 'https://a.example', 'access-control-request-method': 'PATCH', 'access-control-request-headers': 'tus-resumable,upload-offset' },
        });
        assert.equal(response.status, 204);
        assert.equal(response.headers.get('tus-version'), '1.0.0');
        assert.equal(response.headers.get('tus-extension'), 'creation,creation-with-upload,termination,checksum,expiration');
        assert.equal(response.headers.get('tus-checksum-algorithm'), 'sha1,sha256');
        assert.equal(response.headers.get('access-control-allow-headers'), 'tus-resumable,upload-offset');
        const created = await create(10, { headers: { origin: 'https://a.example' } });
        assert.match(created.headers.get('access-control-expose-headers'), /Location.*Atelier-Storage-Id/);
    });

    test('an upload says where it stands and until when', async () => {
        const created = await create(png.length);
        assert.equal(created.status, 201);
        const url = at(created);
        const expires = Date.parse(created.headers.get('upload-expires'));
        assert.ok(Math.abs(expires - Date.now() - 86400000) < 60000);
        assert.equal((await patch(url, 0, png.subarray(0, 700))).headers.get('upload-offset'), '700');
        const state = await head(url);
        assert.equal(state.status, 200);
        assert.equal(state.headers.get('upload-offset'), '700');
        assert.equal(state.headers.get('upload-length'), String(png.length));
        assert.equal(state.headers.get('cache-control'), 'no-store');
        assert.equal((await patch(url, 600, png.subarray(600))).status, 409, 'at another place');
        const done = await patch(url, 700, png.subarray(700));
        assert.equal(done.status, 204);
        const storageId = done.headers.get('atelier-storage-id');
        const again = await head(url);
        assert.equal(again.headers.get('upload-offset'), String(png.length));
        assert.equal(again.headers.get('atelier-storage-id'), storageId, 'a lost answer can be asked for');
        assert.equal(again.headers.get('atelier-content-type'), 'image/png');
    });

    test('a part with a wrong checksum counts as not sent', async () => {
        const url = at(await create(png.length));
        const sum = (name, bytes) => ({ 'upload-checksum': `${name} ${createHash(name).update(bytes).digest('base64')}` });
        const part = png.subarray(0, 600);
        assert.equal((await patch(url, 0, part, sum('sha1', 'other'))).status, 460);
        assert.equal((await head(url)).headers.get('upload-offset'), '0');
        assert.equal((await patch(url, 0, part, sum('sha1', part))).status, 204);
        const rest = png.subarray(600);
        assert.equal((await patch(url, 600, rest, sum('sha256', part))).status, 460);
        assert.equal((await patch(url, 600, rest, sum('sha256', rest))).status, 204);
        assert.equal((await patch(url, 0, part, { 'upload-checksum': 'md5 AAAA' })).status, 400);
    });

    test('what came before a connection broke is kept', async () => {
        const bytes = film(3000000);
        const url = at(await create(bytes.length));
        const socket = net.connect(Number(url.port), url.hostname);
        socket.write(`PATCH ${url.pathname} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n`
            + `Content-Type: application/offset+octet-stream\r\nContent-Length: ${bytes.length}\r\n\r\n`);
        socket.write(bytes.subarray(0, 1000000));
        await until(() => sizeOf(url) > 700000, 'most of it came');
        socket.destroy();
        const offset = await until(async () => {
            const state = await head(url);
            return state.status === 200 ? Number(state.headers.get('upload-offset')) : 0;
        }, 'what came is told');
        assert.ok(offset > 700000 && offset <= 1000000, `${offset} bytes`);
        assert.equal((await patch(url, offset, bytes.subarray(offset))).status, 204);
    });

    test('a new request takes the place of one that hangs', async () => {
        const bytes = film(2000000);
        const url = at(await create(bytes.length));
        const socket = net.connect(Number(url.port), url.hostname);
        socket.on('error', () => {});
        socket.write(`PATCH ${url.pathname} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n`
            + `Content-Type: application/offset+octet-stream\r\nContent-Length: ${bytes.length}\r\n\r\n`);
        socket.write(bytes.subarray(0, 300000));
        await until(() => sizeOf(url) > 0, 'it is on its way');
        assert.equal((await head(url)).status, 423, 'for a moment');
        const state = await until(async () => {
            const response = await head(url);
            return response.status === 200 ? response : null;
        }, 'then it is told');
        assert.equal(state.headers.get('upload-offset'), '300000');
        socket.destroy();
    });

    test('many end it at once, and the server lives on', async () => {
        const urls = [];
        const ended = new Set();
        for (let round = 0; round < 15; round++) {
            const url = at(await create(1000));
            urls.push(url);
            await patch(url, 0, png.subarray(0, 500));
            const ends = Array.from({ length: 6 }, () => fetch(url, { method: 'DELETE', headers: V, keepalive: false }));
            for (const { status } of await Promise.all([...ends, head(url)]))
                ended.add(status);
        }
        assert.ok([...ended].every((status) => [200, 204, 404, 423].includes(status)), `${[...ended]}`);
        await until(() => urls.every((url) => sizeOf(url) === 0), 'their bytes are gone');
        for (const url of urls)
            assert.equal((await head(url)).status, 404);
    });

    test('what is refused at the creation', async () => {
        const refused = async (response, status, code) => {
            const body = await response.json();
            assert.equal(response.status, status, JSON.stringify(body));
            assert.equal(body.code, code);
            assert.equal(body.error, body.message);
        };
        await refused(await create(21000000), 413, 'TOO_LARGE');
        await refused(await create(0), 400, 'EMPTY');
        await refused(await create('-1'), 400, 'BAD_LENGTH');
        await refused(await create('abc'), 400, 'BAD_LENGTH');
        await refused(await create(10, { headers: { authorization: '' } }), 401, 'AUTH');
        await refused(await create(10, { headers: { 'tus-resumable': '0.2.2' } }), 412, 'BAD_VERSION');
        await refused(await create(10, { metadata: 'filename !!!' }), 400, 'BAD_METADATA');
        await refused(await create(10, { metadata: `filename ${b64('a\u0000b')}` }), 400, 'BAD_METADATA');
        const broke = await addUser(server);
        const mine = alice;
        alice = broke;
        for (let i = 0; i < 3; i++)
            assert.equal((await create(20000000)).status, 201);
        await refused(await create(20000000), 413, 'QUOTA');
        alice = mine;
        const large = film(2000000);
        large.write('\x89PNG\r\n\x1a\n', 0, 'latin1');
        const url = at(await create(large.length));
        await refused(await patch(url, 0, large), 413, 'TOO_LARGE');
        await until(async () => (await head(url)).status === 404, 'and the upload is over');
        await refused(await patch(new URL('/api/uploads/00000000000000000000000000000000', server.url), 0, 'x'), 404, 'NOT_FOUND');
        await refused(await patch(at(await create(10)), 0, 'a longer text'), 413, 'TOO_LARGE');
    });
});

test('a whole file without a row gets it when somebody asks, and one without an upload goes', async () => {
    const url = at(await create(png.length, { metadata: `filename ${b64('late.png')}` }));
    await patch(url, 0, png.subarray(0, 100));
    const port = new URL(server.url).port;
    await server.kill();
    const token = url.pathname.split('/').pop();
    appendFileSync(path.join(data, 'uploads', token), png.subarray(100));
    writeFileSync(path.join(data, 'uploads', 'ffffffffffffffffffffffffffffffff'), 'x');
    server = await startServer({ config, data, listen: `127.0.0.1:${port}` });
    await until(() => !partials().includes('ffffffffffffffffffffffffffffffff'), 'nobody\'s bytes go at the start');
    const state = await head(url);
    assert.equal(state.headers.get('upload-offset'), String(png.length));
    assert.match(state.headers.get('atelier-storage-id'), /^[0-9a-f]{32}$/);
});

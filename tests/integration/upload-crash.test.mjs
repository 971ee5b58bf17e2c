// SPDX-License-Identifier: Apache-2.0
// kill -9 in the middle of uploads of each kind, again and again: what was answered is there, what
// is there is whole, and when the dust has settled no bytes are left that no row names.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import * as tus from 'tus-js-client';

import { makePng } from './fake-images.mjs';
import { addUser, atelier, httpClient, sleep, startServer, tempFolder, until } from './helpers.mjs';

const config = `
plans:
  - {key: free, name: Free, creditsOnce: 10, storageBytes: 2000000000, videoBytesMax: 20971520, rates: [{kind: upload, every: minute, count: 100000}]}
`;
const data = tempFolder('data');
const ROUNDS = 8;
let server;
let alice;

before(async () => {
    server = await startServer({ config, data });
    alice = await addUser(server);
});
after(() => server.stop());

const sum = (bytes) => createHash('sha256').update(bytes).digest('hex');
const bearer = () => ({ authorization: `Bearer ${alice.token}` });
let seed = 0;

// A picture of its own, with noise behind its end, so that it takes a while.
const picture = () => Buffer.concat([makePng(40, 30, ++seed), randomBytes(400000)]);

async function byForm(answered) {
    const bytes = picture();
    const form = new FormData();
    form.append('file', new Blob([bytes]), 'a.png');
    const response = await fetch(`${server.url}/upload?asset=1`, { method: 'POST', body: form, headers: bearer() });
    if (response.status === 200)
        answered.push({ storageId: (await response.json()).storageId, sum: sum(bytes) });
}

async function byAddress(answered) {
    const url = await httpClient(server.url, alice.token).mutation('assets:generateUploadUrl', {});
    const bytes = picture();
    const response = await fetch(url, { method: 'POST', body: bytes });
    if (response.status === 200)
        answered.push({ storageId: (await response.json()).storageId, sum: sum(bytes) });
}

function byTus(answered) {
    const bytes = picture();
    return new Promise((resolve) => {
        let last;
        new tus.Upload(bytes, {
            endpoint: `${server.url}/api/uploads`, headers: bearer(), chunkSize: 100000, retryDelays: null,
            metadata: { filename: 'a.png', asset: '1' },
            onAfterResponse: (request, response) => {
                last = response;
            },
            onError: resolve,
            onSuccess: () => {
                answered.push({ storageId: last.getHeader('Atelier-Storage-Id'), sum: sum(bytes) });
                resolve();
            },
        }).start();
    });
}

async function keepSending(way, answered, isOver) {
    while (!isOver())
        await way(answered).catch(() => {});
}

test('what was answered outlives kill -9, whole, and nothing is left over', { timeout: 120_000 }, async () => {
    const answered = [];
    const port = new URL(server.url).port;
    for (let round = 0; round < ROUNDS; round++) {
        let isOver = false;
        const senders = [byForm, byForm, byAddress, byTus].map((way) => keepSending(way, answered, () => isOver));
        await sleep(150 + Math.random() * 500);
        isOver = true;
        await server.kill();
        await Promise.all(senders);
        server = await startServer({ config, data, listen: `127.0.0.1:${port}` });
        for (const one of answered.splice(0)) {
            const file = await fetch(`${server.url}/api/storage/${one.storageId}`);
            assert.equal(file.status, 200, one.storageId);
            assert.equal(sum(Buffer.from(await file.arrayBuffer())), one.sum);
        }
    }
    const client = httpClient(server.url, alice.token);
    await until(async () => {
        const { page } = await client.query('assets:getAssets', { paginationOpts: { numItems: 100, cursor: null } });
        return page.every((asset) => !asset.isProcessing);
    }, 'all works are looked into', 60_000);
    await server.stop();
    for (const name of readdirSync(path.join(data, 'blobs'), { recursive: true }))
        if (/[0-9a-f]{32}$/.test(name))
            utimesSync(path.join(data, 'blobs', name), 1, 1); // old enough to be nobody's
    server = await startServer({ config, data, listen: `127.0.0.1:${port}` });
    await until(async () => {
        const { stdout } = await atelier(['doctor', '--deep', '--data', data]);
        return /ok +files /.test(stdout) && /ok +meters /.test(stdout);
    }, 'each row has its bytes, each bytes their row', 30_000, 500);
});

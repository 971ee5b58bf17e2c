// SPDX-License-Identifier: Apache-2.0
// The whole server with its files in a bucket (s3rver): what is uploaded and made is there and not
// here, browsers are sent to it, and what is deleted is gone from it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import S3rver from 's3rver';

import { makePng } from './fake-images.mjs';
import { addUser, httpClient, startServer, tempFolder, until } from './helpers.mjs';

const png = makePng(300, 200, 7);
const env = { TEST_S3_KEY: 'S3RVER', TEST_S3_SECRET: 'S3RVER' };
const store = new S3rver({
    address: '127.0.0.1', port: 0, silent: true, directory: tempFolder('s3rver'),
    configureBuckets: ['redirected', 'served', 'copied', 'left'].map((name) => ({ name, configs: [] })),
});
let endpoint;
let official;

const config = (bucket, more = '') => `
blobs:
  kind: s3
  endpoint: ${endpoint}
  bucket: ${bucket}
  prefix: studio
  pathStyle: true
  key: {env: TEST_S3_KEY}
  secret: {env: TEST_S3_SECRET}
${more}`;

async function objects(bucket) {
    const { Contents = [] } = await official.send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.map(({ Key }) => Key);
}

const files = (server, folder) => readdirSync(path.join(server.data, folder), { recursive: true })
    .filter((name) => /[0-9a-f]{32}$/.test(name));

// A person, and a work of theirs made of a file that they sent.
async function upload(server) {
    const person = await addUser(server);
    const form = new FormData();
    form.append('file', new Blob([png]), 'kite.png');
    const response = await fetch(`${server.url}/upload?asset=1`,
        { method: 'POST', body: form, headers: { authorization: `Bearer ${person.token}` } });
    assert.equal(response.status, 200);
    const body = await response.json();
    const client = httpClient(server.url, person.token);
    const asset = () => client.query('assets:getAsset', { assetId: body.assetId });
    await until(async () => (await asset()).thumbnailUrl !== '', 'its thumbnail');
    return { client, asset, assetId: body.assetId, url: body.url, id: body.storageId };
}

before(async () => {
    endpoint = `http://127.0.0.1:${(await store.run()).port}`;
    official = new S3Client({
        region: 'us-east-1', endpoint, forcePathStyle: true,
        credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    });
});
after(() => store.close());

describe('files in a bucket', () => {
    let server;
    let work;
    before(async () => {
        server = await startServer({ config: config('redirected', '  cacheMegabytes: 0'), env });
        work = await upload(server);
    });
    after(() => server.stop());

    test('are there, and nowhere here', async () => {
        const { id } = work;
        assert.ok((await objects('redirected')).includes(`studio/${id.slice(0, 2)}/${id.slice(2, 4)}/${id}`));
        assert.deepEqual(files(server, 'blobs'), []);
    });

    test('are redirected to by an address that expires, and come byte for byte', async () => {
        const first = await fetch(work.url, { redirect: 'manual' });
        assert.equal(first.status, 302);
        const location = new URL(first.headers.get('location'));
        assert.equal(location.origin, endpoint);
        assert.equal(location.searchParams.get('response-content-type'), 'image/png');
        assert.match(first.headers.get('cache-control'), /^private, max-age=3\d\d\d$/);
        const file = await fetch(work.url);
        assert.equal(file.headers.get('content-type'), 'image/png');
        assert.deepEqual(Buffer.from(await file.arrayBuffer()), png);
        const part = await fetch(work.url, { headers: { range: 'bytes=1-3' } });
        assert.equal(await part.text(), 'PNG');
    });

    test('are saved under their names, and described without being fetched', async () => {
        const saved = await fetch(`${work.url}?download`, { redirect: 'manual' });
        const said = new URL(saved.headers.get('location')).searchParams.get('response-content-disposition');
        assert.match(said, /^attachment; filename="kite\.png"/);
        const head = await fetch(work.url, { method: 'HEAD', redirect: 'manual' });
        assert.equal(head.status, 200);
        assert.equal(Number(head.headers.get('content-length')), png.length);
    });

    test('of what was made here come from it, too', async () => {
        const asset = await work.asset();
        const thumbnail = await fetch(asset.thumbnailUrl);
        assert.equal(thumbnail.headers.get('content-type'), 'image/jpeg');
        assert.ok((await thumbnail.arrayBuffer()).byteLength > 100);
        assert.notEqual(new URL(thumbnail.url).origin, server.url);
    });

    test('are gone from it when the work is deleted', async () => {
        await work.client.mutation('assets:deleteAsset', { assetId: work.assetId });
        await until(async () => (await objects('redirected')).length === 0, 'every object is gone');
        assert.equal((await fetch(work.url)).status, 404);
    });
});

describe('a bucket that browsers cannot reach', () => {
    test('is served by us, also what is not at hand', async () => {
        const server = await startServer({ config: config('served', '  delivery: server\n  cacheMegabytes: 0'), env });
        const work = await upload(server);
        for (let i = 0; i < 2; i++) {
            const file = await fetch(work.url, { redirect: 'manual' });
            assert.equal(file.status, 200);
            assert.deepEqual(Buffer.from(await file.arrayBuffer()), png);
        }
        await server.stop();
    });
});

describe('a local backup', () => {
    test('is a copy of every file, that serves while the bucket is away and goes with the work', async () => {
        const server = await startServer({ config: config('copied', '  localBackup: true'), env });
        const work = await upload(server);
        const copies = files(server, 'copies');
        assert.equal(copies.length, (await objects('copied')).length);
        assert.ok(copies.some((name) => png.equals(readFileSync(path.join(server.data, 'copies', name)))));
        const file = await fetch(work.url, { redirect: 'manual' });
        assert.equal(file.status, 200);
        await work.client.mutation('assets:deleteAsset', { assetId: work.assetId });
        await until(async () => files(server, 'copies').length === 0, 'the copies are gone');
        await until(async () => (await objects('copied')).length === 0, 'the objects are gone');
        await server.stop();
    });
});

test('a bucket without a name, and a key that is none, are told at the start', async () => {
    const bad = config('x').replace(/bucket:.*/, '');
    await assert.rejects(startServer({ config: bad, env }), /blobs\.kind is s3, but blobs\.bucket is not set/);
    const cdn = config('x', '  cloudFront: {url: "https://d1.cloudfront.net", keyPairId: K1, privateKey: {env: TEST_S3_KEY}}');
    await assert.rejects(startServer({ config: cdn, env }), /the private key of the CDN must be an RSA key/);
});

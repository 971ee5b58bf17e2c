// SPDX-License-Identifier: Apache-2.0
// How a picture was made: written into a copy that is downloaded, read from a file that is uploaded;
// and what strangers send to break what looks into it, with the whole server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';

import { addUser, httpClient, startServer, until } from './helpers.mjs';

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const config = `
plans:
  - {key: free, name: Free, creditsOnce: 50, storageBytes: 900000000, uploadBytesMax: 26214400, rates: [{kind: upload, every: minute, count: 1000}, {kind: upload, every: hour, count: 1000}]}
`;
let server;
let alice;
let client;

before(async () => {
    server = await startServer({ config });
    alice = await addUser(server);
    client = httpClient(server.url, alice.token);
});
after(() => server.stop());

const here = (url) => server.url + new URL(url).pathname + new URL(url).search;
const fetched = async (url) => Buffer.from(await (await fetch(here(url))).arrayBuffer());

function chunksOf(png) {
    const chunks = [];
    for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
        chunks.push({ name: png.toString('latin1', at + 4, at + 8), whole: png.subarray(at, at + 12 + png.readUInt32BE(at)) });
    return chunks;
}

const sum = crc32 ?? ((bytes) => { // Node 18 has none
    let value = ~0;
    for (const byte of bytes) {
        value ^= byte;
        for (let bit = 0; bit < 8; bit++)
            value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
    }
    return ~value >>> 0;
});

function chunk(name, body) {
    const named = Buffer.concat([Buffer.from(name, 'latin1'), body]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(body.length, 0);
    ends.writeUInt32BE(sum(named), 4);
    return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)]);
}

function header(width, height) {
    const body = Buffer.alloc(13);
    body.writeUInt32BE(width, 0);
    body.writeUInt32BE(height, 4);
    body[8] = 8;
    body[9] = 2;
    return Buffer.concat([signature, chunk('IHDR', body)]);
}

const png = (width, height, ...more) => Buffer.concat([header(width, height), ...more,
    chunk('IDAT', deflateSync(Buffer.alloc(height * (1 + 3 * width)))), chunk('IEND', Buffer.alloc(0))]);

async function upload(bytes, name = 'picture.png') {
    const form = new FormData();
    form.append('file', new Blob([bytes], { type: 'image/png' }), name);
    const answer = await fetch(`${server.url}/upload?asset=1`,
        { method: 'POST', body: form, headers: { authorization: `Bearer ${alice.token}` } });
    const { assetId } = await answer.json();
    return assetId === undefined ? null : until(async () => {
        const asset = await client.query('assets:getAsset', { assetId });
        return asset.isProcessing ? null : asset;
    }, 'the work is looked into', 60_000);
}

async function paint(model, prompt) {
    const { jobId } = await client.mutation('generations:createGenerationJob',
        { prompt, negativePrompt: 'fog & rain', model, width: 256, height: 320, seed: 7 });
    const job = await until(async () => {
        const now = await client.query('generations:getGenerationJob', { jobId });
        assert.notEqual(now.status, 'failed', now.error);
        return now.status === 'completed' ? now : null;
    }, 'a picture', 60_000, 100);
    return job.imageIds[0];
}

test('a copy says how it was made, to us and to others; every chunk of the original is in it', async () => {
    const assetId = await paint('sketch', 'a <red> kite "à vélo"');
    const link = await client.query('assets:getSignedUrl', { assetId, metadata: true, download: true });
    const [answer, again] = await Promise.all([fetch(here(link.url)), fetch(here(link.url))]);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'image/png');
    assert.match(answer.headers.get('content-disposition'), /^attachment/);
    const copy = Buffer.from(await answer.arrayBuffer());
    assert.ok(copy.equals(Buffer.from(await again.arrayBuffer())), 'made once');
    const original = await fetched((await client.query('assets:getAsset', { assetId })).url);
    const parts = chunksOf(copy);
    const added = parts.filter((one) => !chunksOf(original).some((other) => other.whole.equals(one.whole)));
    assert.deepEqual(added.map((one) => one.name), ['iTXt', 'iTXt']);
    assert.ok(Buffer.concat([signature, ...parts.filter((one) => !added.includes(one)).map((one) => one.whole)]).equals(original));
    for (const { whole } of added)
        assert.equal(whole.readUInt32BE(whole.length - 4), sum(whole.subarray(4, -4)));
    const words = added[0].whole.toString('utf8');
    assert.match(words, /parameters\0\0\0\0\0a <red> kite "à vélo"\nNegative prompt: fog & rain\nSeed: \d+, Size: 256x320, Model: sketch/);
    const xmp = added[1].whole.toString('utf8');
    assert.match(xmp, /digitalsourcetype\/trainedAlgorithmicMedia/);
    assert.match(xmp, /<Iptc4xmpExt:AIPromptInformation>a &lt;red&gt; kite "à vélo"</);
    assert.ok(!original.includes('trainedAlgorithmicMedia'));

    const back = await upload(copy);
    const { seed } = await client.query('assets:getAsset', { assetId });
    assert.deepEqual(back.embedded, {
        tool: 'atelier', prompt: 'a <red> kite "à vélo"', negativePrompt: 'fog & rain', model: 'sketch',
        seed, width: 256, height: 320, isGenerated: true,
    });
    const asked = await client.query('assets:getSignedUrl', { assetId: back._id, metadata: true });
    assert.ok((await fetched(asked.url)).equals(copy), 'nothing is claimed of an upload');
});

test('what other programs wrote is read, and the upload stays byte for byte', async () => {
    const words = 'a fox\nNegative prompt: snow\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 99, Size: 512x512, Model: dream';
    const bytes = png(40, 30, chunk('tEXt', Buffer.from(`parameters\0${words}`)), chunk('caBX', Buffer.from('jumb')));
    const asset = await upload(bytes);
    assert.equal(asset.hasCredentials, true);
    assert.deepEqual(asset.embedded, {
        tool: 'automatic1111', prompt: 'a fox', negativePrompt: 'snow', sampler: 'Euler a', model: 'dream',
        seed: 99, steps: 20, guidance: 7, width: 512, height: 512,
    });
    assert.ok((await fetched(asset.url)).equals(bytes));
    assert.equal((await upload(png(8, 8))).embedded, undefined);
});

test('hostile files are refused with a reason, and the server is as small as before', async () => {
    const resident = async () => Number(/^atelier_base_resident_bytes (\d+)$/m
        .exec(await (await fetch(`${server.url}/metrics`)).text())[1]);
    const huge = Buffer.concat([header(60000, 60000), chunk('IDAT', deflateSync(Buffer.alloc(1000))), chunk('IEND', Buffer.alloc(0))]);
    const bomb = png(16, 16, chunk('zTXt', Buffer.concat([Buffer.from('parameters\0\0'), deflateSync(Buffer.alloc(64 << 20))])));
    const files = [
        [huge, /60000 by 60000/],
        [png(64, 64).subarray(0, 60), /damaged/],
        [Buffer.concat([signature, Buffer.from('<svg onload="alert(1)"/>')]), /damaged/],
        [Buffer.concat([png(8, 8), Buffer.from('<html><script>alert(1)</script>')]), undefined],
        [bomb, undefined],
    ];
    await upload(png(2000, 2000));
    const before = await resident();
    for (let round = 0; round < 3; round++)
        for (const [bytes, reason] of files) {
            const asset = await upload(bytes);
            if (reason === undefined)
                assert.equal(asset.error, undefined);
            else
                assert.match(asset.error, reason);
        }
    const after = await resident();
    assert.ok(after < before + (24 << 20), `${before} became ${after}`);
    const disguised = await upload(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'kite.png');
    assert.equal(disguised, null, 'refused while it is read');
});

// SPDX-License-Identifier: Apache-2.0
// Files as browsers, curl and unzip fetch them: by capabilities that can be turned, by signed
// addresses that nobody can change, in parts, and many as one archive.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test, { before, after } from 'node:test';
import { promisify } from 'node:util';

import { makePng } from './fake-images.mjs';
import { addUser, httpClient, startServer, tempFolder, until } from './helpers.mjs';

const run = promisify(execFile);

const prompts = ['a red kite', 'красный змей', '赤い凧 🪁', 'a red kite', '../../etc/passwd "x"'];
let server;
let alice;
let bob;
let ids;
let assets;

async function paint(client, prompt) {
    const { jobId } = await client.mutation('generations:createGenerationJob', { prompt, model: 'sketch', width: 256, height: 256 });
    const done = await until(async () => {
        const job = await client.query('generations:getGenerationJob', { jobId });
        assert.notEqual(job.status, 'failed', job.error);
        return job.status === 'completed' && job;
    }, 'a picture', 60_000, 100);
    return done.imageIds[0];
}

before(async () => {
    server = await startServer();
    const one = await addUser(server);
    alice = httpClient(server.url, one.token);
    alice.token = one.token;
    bob = httpClient(server.url, (await addUser(server)).token);
    ids = [];
    for (const prompt of prompts)
        ids.push(await paint(alice, prompt));
    assets = await Promise.all(ids.map((assetId) => alice.query('assets:getAsset', { assetId })));
    for (const asset of assets)
        for (const name of ['url', 'thumbnailUrl', 'displayUrl'])
            asset[name] = server.url + new URL(asset[name]).pathname;
});
after(() => server.stop());

const here = (url) => server.url + new URL(url).pathname + new URL(url).search;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const bytesOf = async (response) => Buffer.from(await response.arrayBuffer());

test('a file has its type, a tag, and nothing that a browser would run', async () => {
    const answer = await fetch(assets[0].url, { headers: { origin: 'https://pages.example' } });
    const bytes = await bytesOf(answer);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'image/png');
    assert.equal(answer.headers.get('etag'), `"${sha256(bytes)}"`);
    assert.equal(answer.headers.get('accept-ranges'), 'bytes');
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(answer.headers.get('content-security-policy'), "default-src 'none'; sandbox");
    assert.match(answer.headers.get('cache-control'), /^private, max-age=31536000, immutable$/);
    assert.equal(answer.headers.get('content-disposition'), null);
    assert.match(answer.headers.get('access-control-expose-headers'), /ETag/);
});

test('HEAD tells what GET would, and ignores ranges', async () => {
    const whole = await fetch(assets[0].url);
    const size = (await bytesOf(whole)).length;
    const head = await fetch(assets[0].url, { method: 'HEAD', headers: { range: 'bytes=0-9' } });
    assert.equal(head.status, 200);
    assert.equal(Number(head.headers.get('content-length')), size);
    assert.equal(head.headers.get('etag'), whole.headers.get('etag'));
    assert.equal((await bytesOf(head)).length, 0);
});

test('one range is served, several are the whole, and one that is not there is refused', async () => {
    const bytes = await bytesOf(await fetch(assets[0].url));
    const ask = async (range, more = {}) => {
        const answer = await fetch(assets[0].url, { headers: { range, ...more } });
        return { status: answer.status, range: answer.headers.get('content-range'), bytes: await bytesOf(answer) };
    };
    const size = bytes.length;
    const etag = `"${sha256(bytes)}"`;
    for (const [range, from, to] of [['bytes=0-0', 0, 0], ['bytes=100-199', 100, 199], [`bytes=${size - 5}-`, size - 5, size - 1], ['bytes=-7', size - 7, size - 1]]) {
        const part = await ask(range);
        assert.equal(part.status, 206, range);
        assert.equal(part.range, `bytes ${from}-${to}/${size}`);
        assert.ok(part.bytes.equals(bytes.subarray(from, to + 1)));
    }
    assert.ok((await ask('bytes=0-1,5-6')).bytes.equals(bytes));
    assert.equal((await ask('bytes=0-1,5-6')).status, 200);
    const beyond = await ask(`bytes=${size}-`);
    assert.deepEqual([beyond.status, beyond.range, beyond.bytes.length], [416, `bytes */${size}`, 0]);
    assert.equal((await ask('bytes=1-2', { 'if-range': etag })).status, 206);
    assert.equal((await ask('bytes=1-2', { 'if-range': '"other"' })).status, 200);
    assert.equal((await ask('bytes=1-2', { 'if-range': 'Sat, 21 Nov 2026 00:00:00 GMT' })).status, 200);
    const known = await fetch(assets[0].url, { headers: { 'if-none-match': `"x", W/${etag}`, range: 'bytes=1-2' } });
    assert.deepEqual([known.status, (await bytesOf(known)).length], [304, 0]);
    assert.equal(known.headers.get('etag'), etag);
});

test('curl goes on where it was cut off, and saves under the true name in any script', async () => {
    const folder = tempFolder('curl');
    const bytes = await bytesOf(await fetch(assets[1].url));
    await run('curl', ['-sS', '-r', '0-999', '-o', 'part', assets[1].url], { cwd: folder });
    assert.equal(statSync(path.join(folder, 'part')).size, 1000);
    await run('curl', ['-sS', '-C', '-', '-o', 'part', assets[1].url], { cwd: folder });
    assert.ok(readFileSync(path.join(folder, 'part')).equals(bytes));
    for (const [i, name] of [[0, 'a red kite 1.png'], [1, 'красный змей 1.png'], [2, '赤い凧 🪁 1.png'], [4, '_.._etc_passwd _x_ 1.png']]) {
        const saved = await fetch(`${assets[i].url}?download=1`);
        const header = saved.headers.get('content-disposition');
        assert.equal(decodeURIComponent(/filename\*=UTF-8''(\S+)$/.exec(header)[1]), name);
        // eslint-disable-next-line no-control-regex
        assert.match(header, /^attachment; filename="[\x20-\x7e]+"; filename\*=/);
        await bytesOf(saved);
    }
    // The thumbnail is a JPEG, so it is saved as one.
    const small = await fetch(`${assets[0].thumbnailUrl}?download=1`);
    assert.match(small.headers.get('content-disposition'), /filename="a red kite 1\.jpg"/);
});

test('a signed address leads to the work until it ends, and cannot be changed', async () => {
    const { url, expiresAt } = await alice.query('assets:getSignedUrl', { assetId: ids[0], expiresIn: 600 });
    const answer = await fetch(here(url));
    assert.equal(answer.status, 200);
    const age = Number(/max-age=(\d+)/.exec(answer.headers.get('cache-control'))[1]);
    assert.ok(age <= (expiresAt - Date.now()) / 1000 + 2 && age >= 590, `${age}`);
    assert.equal(sha256(await bytesOf(answer)), answer.headers.get('etag').slice(1, -1));
    assert.ok(!url.includes(assets[0].url.split('/').pop()), 'it does not tell the capability');
    const changed = (edit) => {
        const address = new URL(here(url));
        edit(address.searchParams, address);
        return fetch(address).then(async (response) => [response.status, await response.json()]);
    };
    const refused = [404, { code: 'NotFound', message: 'This file does not exist.' }];
    assert.deepEqual(await changed((query) => query.set('exp', Number(query.get('exp')) + 1)), refused);
    assert.deepEqual(await changed((query) => query.set('download', '1')), refused);
    assert.deepEqual(await changed((query) => {
        query.set('w', '640');
        query.set('fit', 'cover');
        query.set('format', 'webp');
    }), refused);
    assert.deepEqual(await changed((query) => query.set('sig', `A${query.get('sig').slice(1)}A`)), refused);
    assert.deepEqual(await changed((query) => query.delete('sig')), refused);
    assert.deepEqual(await changed((query, address) => {
        address.pathname = `/api/files/${ids[1]}`;
    }), refused);
    assert.deepEqual(await changed((query, address) => {
        address.pathname = '/api/files/nobody';
    }), refused);
    const saved = await alice.query('assets:getSignedUrl', { assetId: ids[1], download: true });
    assert.match((await fetch(here(saved.url))).headers.get('content-disposition'), /^attachment/);
    await assert.rejects(bob.query('assets:getSignedUrl', { assetId: ids[0] }), /not yours/);
});

test('an address that was turned leads nowhere at once, in parts and by its tag too', async () => {
    const id = await paint(alice, 'to be turned');
    const old = await alice.query('assets:getAsset', { assetId: id });
    const signed = await alice.query('assets:getSignedUrl', { assetId: id });
    const first = await fetch(here(old.url));
    const etag = first.headers.get('etag');
    const bytes = await bytesOf(first);
    await alice.mutation('assets:rotateLinks', { assetIds: [id] });
    for (const headers of [{}, { range: 'bytes=0-9' }, { 'if-none-match': etag }])
        for (const url of [old.url, old.thumbnailUrl, signed.url])
            assert.equal((await fetch(here(url), { headers })).status, 404);
    assert.equal((await fetch(here(old.url), { method: 'HEAD' })).status, 404);
    const now = await alice.query('assets:getAsset', { assetId: id });
    assert.ok((await bytesOf(await fetch(here(now.url)))).equals(bytes));
    assert.equal((await fetch(here(now.displayUrl))).status, 200);
    const again = await alice.query('assets:getSignedUrl', { assetId: id });
    assert.equal((await fetch(here(again.url))).status, 200);
    await alice.mutation('assets:deleteAsset', { assetId: id });
    assert.equal((await fetch(here(now.url))).status, 404);
    assert.equal((await fetch(here(again.url))).status, 404);
});

// Width and height of a JPEG, a WebP or a PNG, as far as it takes.
function sizeOf(bytes) {
    if (bytes.readUInt32BE(0) === 0x89504e47)
        return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
    if (bytes.toString('latin1', 8, 12) === 'WEBP') {
        const at = bytes.toString('latin1', 12, 16);
        return at === 'VP8X' ? [1 + bytes.readUIntLE(24, 3), 1 + bytes.readUIntLE(27, 3)]
            : [bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff];
    }
    for (let at = 2; at < bytes.length; at += 2 + bytes.readUInt16BE(at + 2))
        if ((bytes[at + 1] & 0xf0) === 0xc0 && ![0xc4, 0xc8, 0xcc].includes(bytes[at + 1]))
            return [bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5)];
    return [];
}

test('a smaller picture is made once, in the format that the client takes, for all who wait', async () => {
    const { jobId } = await alice.mutation('generations:createGenerationJob', { prompt: 'wide', model: 'sketch', width: 768, height: 512 });
    const { imageIds: [id] } = await until(async () => {
        const job = await alice.query('generations:getGenerationJob', { jobId });
        return job.status === 'completed' && job;
    }, 'a picture', 60_000, 100);
    const signed = (more) => alice.query('assets:getSignedUrl', { assetId: id, width: 320, ...more }).then(({ url }) => here(url));
    const url = await signed();
    const mutations = async () => Number(/^atelier_call_mutations_total (\d+)$/m.exec(await (await fetch(`${server.url}/metrics`)).text())[1]);
    const before = await mutations();
    const answers = await Promise.all(Array.from({ length: 60 }, () => fetch(url, { headers: { accept: 'image/webp,*/*' } })));
    const all = await Promise.all(answers.map(bytesOf));
    const asked = await mutations() - before;
    assert.ok(asked < 40, `the writer is asked for all who wait, not for each: ${asked}`);
    for (const [i, answer] of answers.entries()) {
        assert.equal(answer.status, 200, all[i].toString('latin1', 0, 200));
        assert.equal(answer.headers.get('content-type'), 'image/webp');
        assert.equal(answer.headers.get('vary'), 'Accept');
        assert.match(answer.headers.get('cache-control'), /^private, max-age=\d+, immutable$/);
        assert.ok(all[i].equals(all[0]));
    }
    assert.deepEqual(sizeOf(all[0]), [320, 213]);
    const part = await fetch(url, { headers: { accept: 'image/webp', range: 'bytes=0-9' } });
    assert.equal(part.status, 206);
    const same = await fetch(url, { headers: { accept: 'image/webp', 'if-none-match': answers[0].headers.get('etag') } });
    assert.equal(same.status, 304);

    const plain = await fetch(url, { headers: { accept: '*/*' } });
    assert.equal(plain.headers.get('content-type'), 'image/jpeg');
    assert.deepEqual(sizeOf(await bytesOf(plain)), [320, 213]);
    const modern = await fetch(url, { headers: { accept: 'image/avif,image/webp,*/*' } });
    assert.equal(modern.headers.get('content-type'), 'image/avif');
    assert.equal((await bytesOf(modern)).toString('latin1', 4, 12), 'ftypavif');
    const square = await fetch(await signed({ fit: 'cover', format: 'png', download: true }), { headers: { accept: 'image/webp' } });
    assert.equal(square.headers.get('content-type'), 'image/png');
    assert.match(square.headers.get('content-disposition'), /filename="wide 1\.png"/);
    assert.equal(square.headers.get('vary'), null);
    assert.deepEqual(sizeOf(await bytesOf(square)), [320, 320]);
    // Never larger than the work, so these are one file.
    const [large, larger] = await Promise.all([960, 2560].map(async (width) => fetch(await signed({ width, format: 'jpeg' }))));
    assert.deepEqual(sizeOf(await bytesOf(large)), [768, 512]);
    assert.equal(large.headers.get('etag'), larger.headers.get('etag'));
    await bytesOf(larger);
    const head = await fetch(await signed({ width: 160, format: 'webp' }), { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'image/webp']);

    await alice.mutation('assets:rotateLinks', { assetIds: [id] });
    assert.equal((await fetch(url)).status, 404);
    const turned = await fetch(await signed({ format: 'webp' }));
    assert.ok((await bytesOf(turned)).equals(all[0]), 'it is not made again');
});

test('a picture that is higher than a format takes is made smaller all the same', async () => {
    const form = new FormData();
    form.append('file', new Blob([makePng(2, 20_000)]), 'ribbon.png');
    const sent = await fetch(`${server.url}/upload?asset=1`, { method: 'POST', body: form, headers: { authorization: `Bearer ${alice.token}` } });
    const { assetId } = await sent.json();
    await until(async () => !(await alice.query('assets:getAsset', { assetId })).isProcessing, 'it is looked into');
    for (const format of ['jpeg', 'webp', 'avif', 'png']) {
        const { url } = await alice.query('assets:getSignedUrl', { assetId, width: 160, format });
        const answer = await fetch(here(url));
        assert.equal(answer.status, 200, `${format}: ${(await bytesOf(answer)).toString('latin1', 0, 200)}`);
    }
});

test('a picture that cannot be read says so', async () => {
    const id = await paint(alice, 'to be damaged');
    const asset = await alice.query('assets:getAsset', { assetId: id });
    const blob = new URL(asset.url).pathname.split('/').pop().replaceAll('-', '');
    writeFileSync(path.join(server.data, 'blobs', blob.slice(0, 2), blob.slice(2, 4), blob), 'no picture');
    const { url } = await alice.query('assets:getSignedUrl', { assetId: id, width: 320 });
    const answer = await fetch(here(url));
    assert.equal(answer.status, 422);
    assert.equal((await answer.json()).code, 'NotResizable');
});

const utf8 = { env: { ...process.env, LC_ALL: 'C.UTF-8' } };
async function checkArchive(file, folder) {
    await run('unzip', ['-t', file]);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    await run('unzip', ['-q', file, '-d', folder], utf8);
    const { stdout } = await run('unzip', ['-Z', '-l', file], utf8);
    const lines = stdout.split('\n').filter((line) => line.startsWith('-rw-r--r--'));
    // Permissions, version, system, size, type, packed size, method, date, time, name.
    return lines.map((line) => {
        const [, , , size, , packed, method, date] = line.split(/\s+/, 8);
        return { name: line.slice(line.indexOf(date) + date.length).replace(/^ \S+ /, ''), size: Number(size), packed: Number(packed), method };
    });
}

test('many works are one archive, with unique names in any script and an exact length', async () => {
    const folder = tempFolder('zip');
    const file = path.join(folder, 'works.zip');
    const { url, count, sizeBytes } = await alice.mutation('assets:createDownload', { assetIds: ids });
    assert.equal(count, 5);
    const head = await fetch(here(url), { method: 'HEAD' });
    await run('curl', ['-sSOJ', here(url)], { cwd: folder });
    assert.equal(statSync(file).size, Number(head.headers.get('content-length')));
    assert.equal(head.headers.get('content-type'), 'application/zip');
    const names = ['a red kite 1.png', 'красный змей 1.png', '赤い凧 🪁 1.png', 'a red kite 1 (2).png', '_.._etc_passwd _x_ 1.png'];
    const listed = await checkArchive(file, path.join(folder, 'out'));
    assert.deepEqual(listed.map(({ name }) => name), names);
    assert.equal(listed.reduce((sum, { size }) => sum + size, 0), sizeBytes);
    assert.ok(listed.every(({ method, size, packed }) => method === 'stor' && size === packed));
    assert.deepEqual(readdirSync(path.join(folder, 'out')).sort(), [...names].sort());
    for (const [i, name] of names.entries())
        assert.ok(readFileSync(path.join(folder, 'out', name)).equals(await bytesOf(await fetch(assets[i].url))));
});

test('POST of ids gives the same archive to their owner alone', async () => {
    const post = (token, body) => fetch(`${server.url}/api/download`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
        body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const { url } = await alice.mutation('assets:createDownload', { assetIds: ids });
    const posted = await post(alice.token, { assetIds: ids });
    assert.equal(posted.status, 200);
    assert.ok((await bytesOf(posted)).equals(await bytesOf(await fetch(here(url)))));
    assert.equal((await post(undefined, { assetIds: ids })).status, 401);
    assert.equal((await post('nonsense', { assetIds: ids })).status, 401);
    assert.equal((await post(alice.token, { assetIds: [] })).status, 400);
    assert.equal((await post(alice.token, { assetIds: ['x'] })).status, 400);
    assert.equal((await post(alice.token, '[')).status, 400);
    const stranger = await addUser(server);
    const refused = await post(stranger.token, { assetIds: ids });
    assert.equal(refused.status, 404);
    assert.equal((await refused.json()).code, 'NOT_FOUND');
    await assert.rejects(bob.mutation('assets:createDownload', { assetIds: ids }), /not yours/);
    assert.equal((await fetch(`${server.url}/api/download/${'0'.repeat(32)}`)).status, 404);
    assert.equal((await fetch(`${server.url}/api/download/x`)).status, 404);
});

test('a work that was deleted is not in the archive, and one whose bytes are lost cuts it', async () => {
    const id = await paint(alice, 'to be deleted');
    const { url } = await alice.mutation('assets:createDownload', { assetIds: [id, ids[0]] });
    await alice.mutation('assets:deleteAsset', { assetId: id });
    const folder = tempFolder('zip');
    const file = path.join(folder, 'works.zip');
    await run('curl', ['-sSOJ', here(url)], { cwd: folder });
    assert.deepEqual((await checkArchive(file, path.join(folder, 'out'))).map(({ name }) => name), ['a red kite 1.png']);

    const lost = await paint(alice, 'to be lost');
    const asset = await alice.query('assets:getAsset', { assetId: lost });
    const blob = new URL(asset.url).pathname.split('/').pop().replaceAll('-', '');
    const damaged = await alice.mutation('assets:createDownload', { assetIds: [ids[0], lost, ids[1]] });
    rmSync(path.join(server.data, 'blobs', blob.slice(0, 2), blob.slice(2, 4), blob));
    await assert.rejects(fetch(here(damaged.url)).then(bytesOf));
    await until(() => server.lines.some((line) => line.includes('download_cut')), 'the log');
});

test('clients that go away in the middle leave nothing behind', async () => {
    const { url } = await alice.mutation('assets:createDownload', { assetIds: ids });
    const { hostname, port } = new URL(server.url);
    for (let i = 0; i < 40; i++)
        await new Promise((resolve) => {
            const socket = net.connect(port, hostname, () => socket.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nHost: x\r\n\r\n`));
            socket.on('data', () => socket.destroy());
            if (i % 2)
                setTimeout(() => socket.destroy(), i);
            socket.on('close', resolve);
            socket.on('error', () => {});
        });
    // Else the ninth of an address would be refused.
    await until(async () => {
        const answer = await fetch(here(url));
        await bytesOf(answer);
        return answer.status === 200;
    }, 'room');
    const openBlobs = () => readdirSync(`/proc/${server.pid}/fd`).filter((fd) => {
        try {
            return /[0-9a-f]{32}$/.test(readlinkSync(`/proc/${server.pid}/fd/${fd}`));
        } catch {
            return false;
        }
    });
    await until(() => openBlobs().length === 0, 'no open blob');
});

test('no address has more than eight archives on their way, however many are listed at once', async () => {
    // So many that listing them takes a reader, and the limit is passed by all before one begins.
    const assetIds = Array.from({ length: 400 }, (_, i) => ids[i % ids.length]);
    const { url } = await alice.mutation('assets:createDownload', { assetIds });
    const { hostname, port } = new URL(server.url);
    const sockets = [];
    const statuses = await Promise.all(Array.from({ length: 24 }, () => new Promise((resolve, reject) => {
        const socket = net.connect(port, hostname, () => socket.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nHost: x\r\n\r\n`));
        sockets.push(socket);
        socket.on('error', reject);
        socket.once('data', (part) => {
            socket.pause();
            resolve(part.toString('latin1', 9, 12));
        });
    })));
    sockets.forEach((socket) => socket.destroy());
    const begun = statuses.filter((status) => status === '200').length;
    assert.ok(begun > 0 && begun <= 8, statuses.join(' '));
});

test('over TLS an archive and parts of files come whole too', async () => {
    const folder = tempFolder('tls');
    await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', 'key.pem', '-out', 'cert.pem'], { cwd: folder });
    const data = tempFolder('data');
    const plain = await startServer({ data });
    const carol = await addUser(plain);
    const client = httpClient(plain.url, carol.token);
    const works = [await paint(client, 'one'), await paint(client, 'two')];
    const { url } = await client.mutation('assets:createDownload', { assetIds: works });
    const asset = await client.query('assets:getAsset', { assetId: works[0] });
    const wanted = await bytesOf(await fetch(plain.url + new URL(url).pathname));
    const bytes = await bytesOf(await fetch(plain.url + new URL(asset.url).pathname));
    await plain.stop();
    const secure = await startServer({ data, args: ['--tls-cert', path.join(folder, 'cert.pem'), '--tls-key', path.join(folder, 'key.pem')] });
    await run('curl', ['-sSk', '-o', 'works.zip', secure.url + new URL(url).pathname], { cwd: folder });
    assert.ok(readFileSync(path.join(folder, 'works.zip')).equals(wanted));
    await run('curl', ['-sSk', '-r', '5-99', '-o', 'part', secure.url + new URL(asset.url).pathname], { cwd: folder });
    assert.ok(readFileSync(path.join(folder, 'part')).equals(bytes.subarray(5, 100)));
    await secure.stop();
});

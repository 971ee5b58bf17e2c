// SPDX-License-Identifier: Apache-2.0
// The whole server with its files in a bucket (s3rver): what is uploaded and made is there and not
// here, browsers are sent to it, and what is deleted is gone from it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import S3rver from 's3rver';

import { makePng } from './fake-images.mjs';
import { addUser, atelier, build, httpClient, startServer, tempFolder, until, userToken } from './helpers.mjs';

const png = makePng(300, 200, 7);
const env = { TEST_S3_KEY: 'S3RVER', TEST_S3_SECRET: 'S3RVER' };
const objectsFolder = tempFolder('s3rver');
const store = new S3rver({
    address: '127.0.0.1', port: 0, silent: true, directory: objectsFolder,
    configureBuckets: ['redirected', 'served', 'copied', 'left', 'looked', 'kept'].map((name) => ({ name, configs: [] })),
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
    return { client, asset, email: person.email, assetId: body.assetId, url: body.url, id: body.storageId };
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
        const asset = await work.asset();
        assert.equal(asset.bucket, 'redirected');
        assert.equal(asset.objectKey, `studio/${id.slice(0, 2)}/${id.slice(2, 4)}/${id}`);
        assert.equal(asset.cdnUrl, undefined);
    });

    test('are redirected to by an address that expires, and come byte for byte', async () => {
        const first = await fetch(work.url, { redirect: 'manual' });
        assert.equal(first.status, 302);
        const location = new URL(first.headers.get('location'));
        assert.equal(location.origin, endpoint);
        assert.equal(location.searchParams.get('response-content-type'), 'image/png');
        const kept = Number(/^private, max-age=(\d+)$/.exec(first.headers.get('cache-control'))[1]);
        assert.ok(kept >= 3230 && kept <= 4050, `${kept} s: nine tenths of an hour, to one and a quarter`);
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

    test('are not named to who may see one for a while: the name is an address that is good for ever', async () => {
        const { url } = await work.client.query('assets:getSignedUrl', { assetId: work.assetId });
        const file = await fetch(url, { redirect: 'manual' });
        assert.equal(file.headers.get('location'), null);
        assert.equal(file.status, 200);
        assert.deepEqual(Buffer.from(await file.arrayBuffer()), png);
        const part = await fetch(url, { headers: { range: 'bytes=1-3' } });
        assert.equal(await part.text(), 'PNG');
    });

    test('may be shown by our pages, which let nothing else in', async () => {
        const web = tempFolder('web');
        writeFileSync(path.join(web, 'app.html'), '<!doctype html>');
        const shown = await startServer({ config: `${config('redirected')}server: {web: ${web}}\n`, env });
        const policy = (await fetch(`${shown.url}/library`)).headers.get('content-security-policy');
        assert.ok(policy.includes(`img-src 'self' data: blob: ${endpoint};`), policy);
        assert.ok(policy.includes(`media-src 'self' blob: ${endpoint};`), policy);
        assert.ok(policy.includes("script-src 'self';"), policy);
        await shown.stop();
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

describe('moving', () => {
    const there = (server) => objects('left').then((keys) => [keys.length, files(server, 'blobs').length]);
    const serve = (kind, data) => startServer({ config: config('left').replace('kind: s3', `kind: ${kind}`), env, data });
    let data;
    let file;
    let people;
    const move = (from, to, more = []) => atelier(
        ['blobs', 'move', '--from', from, '--to', to, '--data', data, '--config', file, ...more], { env });
    const bytesAreThere = async (server) => {
        for (const { url } of people)
            assert.deepEqual(Buffer.from(await (await fetch(url.replace(/^https?:..[^/]*/, server.url))).arrayBuffer()), png);
    };

    before(async () => {
        file = path.join(tempFolder('config'), 'atelier.yaml');
        writeFileSync(file, config('left'));
        data = tempFolder('data');
        const server = await serve('disk', data);
        people = [await upload(server), await upload(server)];
        await server.stop();
    });

    test('to the bucket takes every file, and a server that knows it finds them all', async () => {
        const count = files({ data }, 'blobs').length;
        const moved = await move('disk', 's3');
        assert.equal(moved.code, 0, moved.stderr);
        assert.match(moved.stdout, new RegExp(`^moved  ${count} files to s3, of ${count} found`));
        assert.deepEqual(await there({ data }), [count, 0]);
        const server = await serve('s3', data);
        await bytesAreThere(server);
        await server.stop();
    });

    test('a second time moves nothing', async () => {
        assert.match((await move('disk', 's3')).stdout, /^moved  0 files to s3, of 0 found/);
    });

    test('is refused while a server runs, unless it knows the bucket; then it serves all the while', async () => {
        const server = await serve('disk', data);
        const refused = await move('s3', 'disk');
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /Stop it first; or add --while-serving/);
        await bytesAreThere(server);
        const moved = await move('s3', 'disk', ['--while-serving']);
        assert.equal(moved.code, 0, moved.stderr);
        assert.equal((await objects('left')).length, 0);
        await bytesAreThere(server);
        await server.stop();
    });

    test('leaves what is damaged, says so, and goes on when it is mended', async () => {
        const [name] = files({ data }, 'blobs').filter((at) => png.equals(readFileSync(path.join(data, 'blobs', at))));
        const count = files({ data }, 'blobs').length;
        writeFileSync(path.join(data, 'blobs', name), 'not it');
        const moved = await move('disk', 's3');
        assert.equal(moved.code, 1);
        assert.match(moved.stderr, new RegExp(`left  ${path.basename(name)}  it is damaged: its SHA-256 is not what its row says`));
        assert.match(moved.stdout, /\nleft   1 stayed where they were/);
        assert.deepEqual(await there({ data }), [count - 1, 1]);
        writeFileSync(path.join(data, 'blobs', name), png);
        assert.equal((await move('disk', 's3')).code, 0);
        assert.deepEqual(await there({ data }), [count, 0]);
    });

    // Between the mover and the bucket: kills it at its nth request, before the bucket has it or after.
    async function killedAt(nth, isAfter, from, to) {
        let child, seen = 0;
        const proxy = http.createServer((request, response) => {
            const isIt = ++seen === nth;
            if (isIt && !isAfter)
                child.kill('SIGKILL');
            if (isIt && !isAfter)
                return;
            const onwards = http.request(endpoint + request.url, { method: request.method, headers: request.headers, agent: false }, (answer) => {
                if (isIt)
                    child.kill('SIGKILL');
                response.writeHead(answer.statusCode, answer.headers);
                answer.pipe(response);
            });
            onwards.on('error', () => response.destroy());
            response.on('close', () => onwards.destroy());
            request.pipe(onwards);
        });
        await new Promise((resolve) => {
            proxy.listen(0, '127.0.0.1', resolve);
        });
        const through = path.join(tempFolder('config'), 'atelier.yaml');
        writeFileSync(through, config('left').replace(endpoint, `http://127.0.0.1:${proxy.address().port}`));
        const words = ['blobs', 'move', '--from', from, '--to', to, '--data', data, '--config', through];
        child = spawn(path.join(build, 'atelier'), words, { env: { ...process.env, ...env }, stdio: 'ignore' });
        const [code] = await once(child, 'exit');
        proxy.closeAllConnections();
        proxy.close();
        return code === null;
    }

    test('goes on after it was killed at any moment, either way, and loses nothing', { timeout: 180_000 }, async () => {
        const sum = (bytes) => createHash('sha256').update(bytes).digest('hex');
        const id = (key) => path.basename(key);
        const whole = new Map();
        for (const key of await objects('left')) {
            const { Body } = await official.send(new GetObjectCommand({ Bucket: 'left', Key: key }));
            whole.set(id(key), sum(await Body.transformToByteArray()));
        }
        // In parts; no row names it, but it is there as long as nobody serves.
        const large = 'cd'.repeat(16);
        const bytes = Buffer.alloc((17 << 20) + 1, 'a red kite ');
        mkdirSync(path.join(data, 'blobs/cd/cd'), { recursive: true });
        writeFileSync(path.join(data, 'blobs/cd/cd', large), bytes);
        whole.set(large, sum(bytes));
        const expectWhole = async () => {
            const left = new Map(whole);
            for (const name of files({ data }, 'blobs')) {
                assert.equal(sum(readFileSync(path.join(data, 'blobs', name))), whole.get(id(name)));
                left.delete(id(name));
            }
            for (const key of await objects('left')) {
                const { Body } = await official.send(new GetObjectCommand({ Bucket: 'left', Key: key }));
                if (sum(await Body.transformToByteArray()) === whole.get(id(key))) // s3rver shows halves
                    left.delete(id(key));
            }
            assert.deepEqual([...left.keys()], []);
        };
        for (const [from, to, ends] of [['disk', 's3', [whole.size, 0]], ['s3', 'disk', [0, whole.size]]]) {
            assert.equal((await move(to, from)).code, 0);
            let killed = 0;
            for (let nth = 1; nth <= 12; nth++) {
                killed += await killedAt(nth, nth % 2 === 0, from, to);
                await expectWhole();
            }
            assert.ok(killed >= 3, `killed ${killed} times`);
            assert.equal((await move(from, to)).code, 0);
            assert.deepEqual(await there({ data }), ends);
            await expectWhole();
        }
        const server = await serve('disk', data);
        await bytesAreThere(server);
        await server.stop();
    });

    test('is done by one at a time', async () => {
        const blobs = path.join(data, 'blobs');
        const holder = spawn('flock', ['--no-fork', blobs, 'sleep', '60'], { stdio: 'ignore' });
        await until(() => new Promise((resolve) => {
            spawn('flock', ['-n', blobs, 'true']).on('exit', (code) => resolve(code !== 0));
        }), 'the lock');
        const second = await move('disk', 's3', ['--while-serving']);
        holder.kill();
        assert.equal(second.code, 1);
        assert.match(second.stderr, /another atelier blobs move is at work/);
    });

    test('says what is missing on its line', async () => {
        assert.equal((await move('disk', 'disk')).code, 2);
        const none = await atelier(['blobs', 'move', '--from', 'disk', '--to', 's3', '--data', data]);
        assert.match(none.stderr, /the configuration names no bucket/);
        assert.match((await atelier(['blobs'])).stderr, /move all files from the disk/);
    });
});

describe('the doctor', () => {
    const ORPHAN = 'ab12000000000000000000000000beef';
    const OLD = new Date(Date.now() - 3 * 3600_000);
    const place = (bucket, id) => ({ Bucket: bucket, Key: `studio/${id.slice(0, 2)}/${id.slice(2, 4)}/${id}` });
    const idOf = (url) => new URL(url).pathname.split('/').pop().replaceAll('-', '');
    const bytesOf = async (bucket, id) => {
        const { Body } = await official.send(new GetObjectCommand(place(bucket, id)));
        return Buffer.from(await Body.transformToByteArray());
    };
    // As another program would: with what was told of the first bytes, or without.
    const change = async (bucket, id, to, tells) => {
        const { Metadata } = await official.send(new GetObjectCommand(place(bucket, id)));
        await official.send(new PutObjectCommand({ ...place(bucket, id), Body: to, ...tells && { Metadata } }));
    };
    const configOf = (...words) => {
        const file = path.join(tempFolder('config'), 'atelier.yaml');
        writeFileSync(file, config(...words));
        return file;
    };
    const doctor = (data, file, ...words) =>
        atelier(['doctor', '--deep', '--data', data, ...file === undefined ? [] : ['--config', file], ...words], { env });
    const plant = async (server, count) => {
        const works = [];
        for (let i = 0; i < count; i++)
            works.push(await upload(server));
        const seen = await Promise.all(works.map(async (work) => ({ ...work, ...await work.asset() })));
        return { works: seen, file: configOf(server.bucket, server.more), data: server.data };
    };
    const serve = async (bucket, more, data) =>
        Object.assign(await startServer({ config: config(bucket, more), env, data }), { bucket, more });

    test('finds rows without objects, objects without rows and changed ones, and mends what it says', async () => {
        let server = await serve('looked', '  cacheMegabytes: 100');
        const { works: [lost, short, faceless, whole], file, data } = await plant(server, 4);
        await server.stop();
        const sound = await doctor(data, file);
        assert.equal(sound.code, 0, sound.stdout);
        assert.match(sound.stdout, /ok +files +(\d+) rows and \1 files, each has the other and its sum/);

        // What is at hand of them would do; but here it is gone as well.
        for (const name of files({ data }, 'cache'))
            rmSync(path.join(data, 'cache', name));
        await official.send(new DeleteObjectCommand(place('looked', lost.id)));
        await change('looked', short.id, 'not it', false);
        const face = idOf(faceless.thumbnailUrl);
        const bytes = await bytesOf('looked', face);
        bytes[50] ^= 1;
        await change('looked', face, bytes, true);
        await official.send(new PutObjectCommand({ ...place('looked', ORPHAN), Body: 'nobody knows me' }));
        for (const name of readdirSync(objectsFolder, { recursive: true }).filter((at) => at.includes(ORPHAN)))
            utimesSync(path.join(objectsFolder, name), OLD, OLD);

        const found = await doctor(data, file);
        assert.equal(found.code, 1);
        assert.match(found.stdout, new RegExp(`${lost.id} is missing: the original of a work`));
        assert.match(found.stdout, new RegExp(`${short.id} has another length: the original of a work`));
        assert.match(found.stdout, new RegExp(`${face} holds other bytes: a view of a work`));
        assert.match(found.stdout, new RegExp(`${ORPHAN} belongs to nothing`));
        assert.match(found.stdout, new RegExp(`atelier doctor --deep --mend --data ${data} --config ${file}`));
        assert.match(found.stdout, /4 problems\./);

        const mended = await doctor(data, file, '--mend');
        assert.equal(mended.code, 0, mended.stdout + mended.stderr);
        assert.match(mended.stdout, /4 problems, mended\./);
        assert.ok(!(await objects('looked')).some((key) => key.includes(ORPHAN)));
        assert.equal(readFileSync(path.join(data, 'lost', short.id), 'utf8'), 'not it');
        assert.ok(readFileSync(path.join(data, 'lost', face)).equals(bytes));

        server = await serve('looked', '', data);
        const seen = async ({ email, assetId }) =>
            httpClient(server.url, await userToken(server, email)).query('assets:getAsset', { assetId });
        for (const work of [lost, short])
            assert.equal(await seen(work), null);
        assert.equal((await seen(faceless)).thumbnailUrl, '');
        assert.ok((await seen(whole)).thumbnailUrl);
        await until(async () => (await doctor(data, file)).code === 0, 'the objects of what is forgotten to go', 20_000, 500);
        await server.stop();
    });

    test('sends what is at hand when the bucket lost it, and forgets nothing that it cannot look at', async () => {
        const server = await serve('kept', '  localBackup: true');
        const { works: [lost, changed], file, data } = await plant(server, 2);
        await server.stop();
        await official.send(new DeleteObjectCommand(place('kept', lost.id)));
        await change('kept', changed.id, 'not it', false);
        const found = await doctor(data, file);
        assert.match(found.stdout, new RegExp(`${lost.id} is missing in the bucket: the original`));
        assert.match(found.stdout, new RegExp(`${changed.id} has another length in the bucket: the original`));
        assert.match(found.stdout, /sends what is at hand here to the bucket again/);

        const blind = await doctor(data, configOf('nowhere', '  localBackup: true'), '--mend');
        assert.equal(blind.code, 1);
        assert.doesNotMatch(blind.stdout, /forgotten/);

        const mended = await doctor(data, file, '--mend');
        assert.match(mended.stdout, /2 sent to the bucket again/);
        assert.equal(mended.code, 0, mended.stdout + mended.stderr);
        for (const { id } of [lost, changed])
            assert.deepEqual(await bytesOf('kept', id), png);
        assert.equal((await doctor(data, file)).code, 0);
    });

    test('forgets nothing while the bucket does not answer, or no configuration names it', async () => {
        const server = await serve('kept', '');
        const { file, data } = await plant(server, 1);
        await server.stop();
        for (const name of files({ data }, 'cache'))
            rmSync(path.join(data, 'cache', name));
        const away = path.join(tempFolder('config'), 'atelier.yaml');
        writeFileSync(away, config('kept').replace(endpoint, 'http://127.0.0.1:9'));
        const silent = await doctor(data, away, '--mend');
        assert.equal(silent.code, 1);
        assert.match(silent.stdout, /they cannot be compared: bucket kept: The other side did not take the connection/);
        const nameless = await doctor(data, undefined, '--mend');
        assert.equal(nameless.code, 1);
        assert.match(nameless.stdout, /give --config, which names the bucket/);
        assert.match(nameless.stdout, /not mended: \w+: it cannot be read/);
        assert.ok((await doctor(data, file)).stdout.includes('each has the other and its sum'));
    });
});

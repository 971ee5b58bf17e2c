// SPDX-License-Identifier: Apache-2.0
// Blobs in a bucket. The suite of blobs runs on s3rver; as that takes any signed address, each
// signature is compared with Amazon's own packages; and buckets of our own making misbehave.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';

import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl as cloudFrontUrl } from '@aws-sdk/cloudfront-signer';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256 } from '@aws-crypto/sha256-js';
import S3rver from 's3rver';

import { build, sleep, tempFolder } from './helpers.mjs';

const check = spawn(path.join(build, 'tests/support/aws-check'), { stdio: ['pipe', 'pipe', 'inherit'] });
const answers = createInterface({ input: check.stdout });
const waiting = [];
answers.on('line', (line) => waiting.shift()(line));
after(() => check.stdin.end());

// One question to our side; they are answered in order.
function ask(question) {
    return new Promise((resolve) => {
        waiting.push(resolve);
        check.stdin.write(`${JSON.stringify(question)}\n`);
    });
}

const keys = { id: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const now = 1_790_000_000;
const awkward = ['a', 'studio/ab/cd/abcd', 'with space/+plus', 'ümlaut/画/🪁', "quote'(1)!*~-_.", '100%/&=?#'];

function client(options = {}) {
    return new S3Client({
        region: 'eu-central-1',
        credentials: { accessKeyId: keys.id, secretAccessKey: keys.secret, sessionToken: options.session },
        forcePathStyle: options.isPathStyle ?? false,
        endpoint: options.endpoint,
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
    });
}

// ---- signatures ----

const places = [
    { name: 'virtual host', host: 'pictures.s3.eu-central-1.amazonaws.com', before: '/' },
    { name: 'path', host: 'minio.example:9000', before: '/pictures/', isPathStyle: true,
        endpoint: 'https://minio.example:9000' },
    { name: 'session', host: 'pictures.s3.eu-central-1.amazonaws.com', before: '/', session: 'FwoG/+=' },
];

for (const place of places) {
    for (const method of ['GET', 'PUT']) {
        test(`a presigned ${method} is the official package's: ${place.name}`, async () => {
            for (const key of awkward) {
                const input = { Bucket: 'pictures', Key: key };
                if (method === 'GET')
                    Object.assign(input, {
                        ResponseContentDisposition: 'attachment; filename="a b.png"; filename*=UTF-8\'\'%C3%BC',
                        ResponseContentType: 'image/png',
                    });
                const command = method === 'GET' ? new GetObjectCommand(input) : new PutObjectCommand(input);
                const theirs = new URL(await getSignedUrl(client(place), command,
                    { expiresIn: 3600, signingDate: new Date(now * 1000) }));
                const query = [...theirs.searchParams].filter(([name]) =>
                    !name.startsWith('X-Amz-') || name === 'X-Amz-Content-Sha256');
                const ours = new URL(await ask({
                    op: 'presign', method, host: place.host, path: place.before + key, query, ...keys,
                    session: place.session ?? '', region: 'eu-central-1', payload: 'UNSIGNED-PAYLOAD',
                    now, expires: 3600,
                }), `https://${place.host}`);
                assert.equal(ours.host, theirs.host);
                assert.equal(decodeURIComponent(ours.pathname), decodeURIComponent(theirs.pathname));
                const sorted = (url) => [...url.searchParams].sort();
                assert.deepEqual(sorted(ours), sorted(theirs), key);
            }
        });
    }
}

for (const session of [undefined, 'FwoG/+=']) test(`a request signed by its headers is the official package's${session ? ', with temporary keys' : ''}`, async () => {
    const signer = new SignatureV4({
        service: 's3', region: 'eu-central-1', sha256: Sha256, uriEscapePath: false,
        credentials: { accessKeyId: keys.id, secretAccessKey: keys.secret, sessionToken: session },
    });
    const payload = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    const cases = [
        { method: 'GET', query: [['list-type', '2'], ['prefix', 'studio one/']], headers: [] },
        { method: 'POST', query: [['uploads', '']], headers: [['x-amz-server-side-encryption', 'AES256']] },
        { method: 'PUT', query: [['partNumber', '10'], ['uploadId', 'a+b/c=']], headers: [['content-type', 'image/png']] },
        { method: 'DELETE', query: [['versionId', 'null']], headers: [] },
        { method: 'PUT', query: [], headers: [['x-amz-meta-sha256', payload], ['x-amz-meta-b', 'max-age=1, immutable']] },
    ];
    for (const { method, query, headers } of cases) {
        for (const key of awkward) {
            const route = `/${key.split('/').map((part) => encodeURIComponent(part)
                .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)).join('/')}`;
            const signed = await signer.sign({
                method, protocol: 'https:', hostname: 'pictures.example', path: route,
                query: Object.fromEntries(query),
                headers: { host: 'pictures.example', 'x-amz-content-sha256': payload, ...Object.fromEntries(headers) },
            }, { signingDate: new Date(now * 1000), unsignableHeaders: new Set() });
            const ours = await ask({
                op: 'headers', method, host: 'pictures.example', path: `/${key}`, query, headers, ...keys, session: session ?? '',
                region: 'eu-central-1', payload, now,
            });
            const theirs = /Signature=(\w+)/.exec(signed.headers.authorization)[1];
            const names = /SignedHeaders=([^,]+)/.exec(signed.headers.authorization)[1];
            if (ours.includes(`SignedHeaders=${names},`))
                assert.equal(/Signature=(\w+)/.exec(ours)[1], theirs, `${method} ${key}`);
            else
                assert.fail(`other headers are signed: ${names} and ${ours}`);
        }
    }
});

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs1', format: 'pem' });

test('a signed address of CloudFront is the official package\'s', async () => {
    for (const query of ['', 'response-content-type=image%2Fpng']) {
        for (const route of ['/studio/ab/cd/abcd', '/with%20space/a%2Bb']) {
            const url = `https://d111.cloudfront.net${route}${query === '' ? '' : `?${query}`}`;
            const theirs = cloudFrontUrl({
                url, keyPairId: 'K2JCJMDEHXQW5F', privateKey: pem,
                dateLessThan: new Date((now + 3600) * 1000).toISOString(),
            });
            const ours = await ask({
                op: 'cdn', url: 'https://d111.cloudfront.net/', path: route, query,
                keyPairId: 'K2JCJMDEHXQW5F', privateKey: pem, expires: now + 3600,
            });
            assert.equal(ours, theirs);
        }
    }
});

test('without a key pair its addresses are public, and what is no key is refused', async () => {
    const plain = { op: 'cdn', url: 'https://d111.cloudfront.net', path: '/a', query: '', expires: now };
    assert.equal(await ask(plain), 'https://d111.cloudfront.net/a');
    const refused = await ask({ ...plain, keyPairId: 'K1', privateKey: 'no key' });
    assert.match(refused, /^!the private key of the CDN must be an RSA key/);
});

// ---- addresses for browsers ----

const away = {
    endpoint: 'https://s3.example', bucket: 'pictures', region: 'eu-central-1', prefix: 'studio',
    isPathStyle: false, ...keys, blob: '0123456789abcdef0123456789abcdef',
};

test('an address is good for an hour at least, and the same for a quarter of one', async () => {
    const folder = tempFolder('s3');
    const at = (when) => ask({ op: 'find', folder, ...away, now: when, contentType: 'image/png' });
    const [expires, url] = (await at(1_800_000_000)).split(' ');
    assert.equal(await at(1_800_000_000 - 899), `${expires} ${url}`);
    assert.notEqual(await at(1_800_000_001), `${expires} ${url}`);
    assert.equal(Number(expires), 1_800_003_600);
    const parts = new URL(url);
    assert.equal(parts.host, 'pictures.s3.example');
    assert.equal(parts.pathname, '/studio/01/23/0123456789abcdef0123456789abcdef');
    const stamp = parts.searchParams.get('X-Amz-Date');
    const from = Date.parse(stamp.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z')) / 1000;
    assert.equal(from + Number(parts.searchParams.get('X-Amz-Expires')), Number(expires));
    assert.ok(from <= 1_800_000_000 - 899);
    const theirs = new URL(await getSignedUrl(client({ endpoint: 'https://s3.example' }), new GetObjectCommand({
        Bucket: 'pictures', Key: parts.pathname.slice(1), ResponseContentType: 'image/png',
    }), { expiresIn: Number(parts.searchParams.get('X-Amz-Expires')), signingDate: new Date(from * 1000) }));
    assert.equal(theirs.searchParams.get('X-Amz-Date'), stamp);
});

test('with a CDN the address is its own, and a private bucket has none', async () => {
    const folder = tempFolder('s3');
    const cdn = { cdn: 'https://d111.cloudfront.net', keyPairId: 'K2JCJMDEHXQW5F', privateKey: pem };
    const [expires, url] = (await ask({ op: 'find', folder, ...away, ...cdn, now: 1_800_000_000 })).split(' ');
    assert.equal(url, cloudFrontUrl({
        url: 'https://d111.cloudfront.net/studio/01/23/0123456789abcdef0123456789abcdef',
        keyPairId: cdn.keyPairId, privateKey: pem, dateLessThan: new Date(expires * 1000).toISOString(),
    }));
    assert.equal(await ask({ op: 'find', folder, ...away, isPrivate: true, now }), 'away');
});

// ---- the suite of blobs, on a bucket ----

const store = new S3rver({
    address: '127.0.0.1', port: 0, silent: true, directory: tempFolder('s3rver'),
    configureBuckets: [{ name: 'pictures', configs: [] }],
});
const { port } = await store.run();
after(() => store.close());
const real = {
    endpoint: `http://127.0.0.1:${port}`, bucket: 'pictures', prefix: 'studio', id: 'S3RVER', secret: 'S3RVER',
};

function suite(env) {
    return new Promise((resolve) => {
        execFile(path.join(build, 'tests/unit/blob/test_blob_kinds'), [], {
            timeout: 120_000,
            env: {
                ...process.env, CMOCKA_MESSAGE_OUTPUT: 'STDOUT', BLOB_TEST_ENDPOINT: real.endpoint,
                BLOB_TEST_BUCKET: 'pictures', BLOB_TEST_KEY: 'S3RVER', BLOB_TEST_SECRET: 'S3RVER', ...env,
            },
        }, (error, stdout, stderr) => resolve({ ok: error === null, text: `${stdout}${stderr}` }));
    });
}

for (const [name, env] of [['in a bucket', {}], ['in a bucket with copies here', { BLOB_TEST_COPIES: '1' }]]) {
    test(`blobs keep their promises ${name}`, async () => {
        const { ok, text } = await suite(env);
        assert.ok(ok, text);
        assert.match(text, /PASSED\s+\] 10 test/);
    });
}

test('the official client reads what we put, and what was damaged there is refused', async () => {
    const folder = tempFolder('s3');
    const theirs = new S3Client({
        region: 'us-east-1', endpoint: real.endpoint, forcePathStyle: true,
        credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
        requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED',
    });
    const blob = await ask({ op: 'put', folder, ...real, text: 'a red kite' });
    const where = { Bucket: 'pictures', Key: `studio/${blob.slice(0, 2)}/${blob.slice(2, 4)}/${blob}` };
    const found = await theirs.send(new GetObjectCommand(where));
    assert.equal(await found.Body.transformToString(), 'a red kite');
    assert.equal(await ask({ op: 'get', folder, ...real, blob }), 'a red kite');
    await theirs.send(new PutObjectCommand({ ...where, Body: 'a red kit3', Metadata: found.Metadata }));
    assert.match(await ask({ op: 'get', folder, ...real, blob }), /^!2 the bucket's \w+ is not what was put there/);
});

// ---- buckets that misbehave ----

async function bucketOf(handle) {
    const seen = [];
    const server = http.createServer((request, response) => {
        const chunks = [];
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', () => {
            seen.push(`${request.method} ${request.url}`);
            handle(request, response, Buffer.concat(chunks), seen.length);
        });
    });
    await new Promise((resolve) => {
        server.listen(0, '127.0.0.1', resolve);
    });
    after(() => server.close());
    return {
        seen, folder: tempFolder('s3'), endpoint: `http://127.0.0.1:${server.address().port}`,
        bucket: 'b', ...keys,
    };
}

// A bucket that checks each request as Amazon does: the signature over what really came, by the
// official package, and the body against its signed hash.
async function strictBucket(answer) {
    const signer = new SignatureV4({
        service: 's3', region: 'eu-central-1', sha256: Sha256, uriEscapePath: false,
        credentials: { accessKeyId: keys.id, secretAccessKey: keys.secret },
    });
    return bucketOf(async (request, response, body) => {
        const url = new URL(request.url, 'http://x');
        const [, names, signature] = /SignedHeaders=([^,]+), Signature=(\w+)$/.exec(request.headers.authorization);
        const stamp = request.headers['x-amz-date'].replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z');
        const signed = await signer.sign({
            method: request.method, protocol: 'http:', hostname: 'x', path: url.pathname,
            query: Object.fromEntries(url.searchParams),
            headers: Object.fromEntries(names.split(';').map((name) => [name, request.headers[name]])),
        }, { signingDate: new Date(stamp), unsignableHeaders: new Set(), signableHeaders: new Set(names.split(';')) });
        const right = signed.headers.authorization.endsWith(signature)
            && Math.abs(Date.now() - Date.parse(stamp)) < 60_000
            && request.headers['x-amz-content-sha256'] === createHash('sha256').update(body).digest('hex');
        if (!right)
            response.writeHead(403).end('<Error><Code>SignatureDoesNotMatch</Code><Message>It &lt;is&gt; wrong.</Message></Error>');
        else
            answer(request, response, body, url);
    });
}

test('what comes over the wire bears a right signature, and a wrong key is told in the bucket\'s words', async () => {
    const objects = new Map();
    const { seen, ...bucket } = await strictBucket((request, response, body, url) => {
        if (request.method === 'PUT') {
            assert.equal(request.headers['content-type'], 'application/octet-stream');
            assert.equal(request.headers['x-amz-server-side-encryption'], 'AES256');
            objects.set(url.pathname, body);
            response.end();
        } else if (url.searchParams.has('versions'))
            response.writeHead(405).end();
        else if (request.method === 'DELETE')
            response.writeHead(objects.delete(url.pathname) ? 204 : 500).end();
        else if (url.searchParams.has('list-type'))
            response.end('<ListBucketResult></ListBucketResult>');
        else
            response.end(objects.get(url.pathname));
    });
    const ours = { ...bucket, region: 'eu-central-1', prefix: "a b/+ü'(1)*~" };
    const blob = await ask({ op: 'put', ...ours, text: 'a red kite' });
    assert.match(blob, /^[0-9a-f]{32}$/);
    assert.equal(await ask({ op: 'get', ...ours, blob }), 'a red kite');
    assert.equal(await ask({ op: 'list', ...ours }), '0');
    assert.equal(await ask({ op: 'remove', ...ours, blob }), 'ok');
    assert.equal(objects.size, 0);
    assert.match(await ask({ op: 'put', ...ours, secret: 'wrong', text: 'x' }),
        /^!2 the bucket answered 403 SignatureDoesNotMatch It <is> wrong\.$/);
});

const blobsIn = (folder, inner) => readdirSync(path.join(folder, inner), { recursive: true })
    .filter((name) => /[0-9a-f]{32}$/.test(name));

test('what is removed while it is fetched does not stay at hand', async () => {
    for (const fetchedLast of [true, false]) {
        let fetched, removed;
        const fetching = new Promise((resolve) => {
            fetched = resolve;
        });
        const removing = new Promise((resolve) => {
            removed = resolve;
        });
        const { seen, ...bucket } = await bucketOf(async (request, response) => {
            if (request.method === 'DELETE') {
                response.writeHead(204).end();
                removed();
            } else if (request.url.includes('versions')) {
                await fetching; // so the object is still there when it is fetched
                response.writeHead(405).end();
            } else {
                fetched();
                if (fetchedLast)
                    await removing.then(() => sleep(200));
                response.end('a red kite');
            }
        });
        assert.equal(await ask({ op: 'removeWhileOpened', ...bucket, cacheMax: 1 << 20, blob: away.blob }), 'ok');
        assert.equal(seen.length, 3);
        assert.deepEqual(blobsIn(bucket.folder, 'cache'), []);
    }
});

test('what another configuration kept at hand goes with it, too', async () => {
    const { seen, ...bucket } = await bucketOf((request, response) => {
        response.writeHead(request.method === 'GET' && request.url.includes('versions') ? 405 : 200)
            .end(request.method === 'GET' ? 'a red kite' : '');
    });
    for (const keepsCopies of [true, false]) {
        await ask({ op: 'get', ...bucket, blob: away.blob, keepsCopies, cacheMax: 1 << 20 });
        const kept = keepsCopies ? 'copies' : 'cache';
        assert.equal(blobsIn(bucket.folder, kept).length, 1);
        const other = { ...bucket, keepsCopies: !keepsCopies, cacheMax: 1 << 20 };
        assert.equal(await ask({ op: 'remove', ...other, blob: away.blob }), 'ok');
        assert.deepEqual(blobsIn(bucket.folder, kept), []);
    }
});

test('what is wanted no more while it is fetched is fetched no further', async () => {
    let isCut = false;
    const { seen, ...bucket } = await bucketOf((request, response) => {
        response.writeHead(200, { 'content-length': 1 << 30 });
        const drip = setInterval(() => response.write('a red kite'), 20);
        response.on('close', () => {
            clearInterval(drip);
            isCut = true;
        });
    });
    const began = Date.now();
    assert.match(await ask({ op: 'getUnwanted', ...bucket, blob: away.blob }), /^!3 .*The request was cancelled/);
    assert.ok(Date.now() - began < 5000);
    assert.equal(seen.length, 1);
    assert.deepEqual(readdirSync(path.join(bucket.folder, 'tmp')), []);
    await sleep(100);
    assert.ok(isCut);
});

test('what is deleted while it moves is gone on both sides', async () => {
    const here = (folder) => path.join(folder, 'blobs', '01', '23', away.blob);
    let object;
    let isDeletedMeanwhile;
    const { seen, ...bucket } = await bucketOf((request, response, body) => {
        if (request.method === 'PUT') {
            object = body;
            if (isDeletedMeanwhile)
                rmSync(here(bucket.folder));
            response.end();
        } else if (request.method === 'DELETE') {
            object = undefined;
            response.writeHead(204).end();
        } else if (request.url.includes('versions'))
            response.writeHead(405).end();
        else if (request.url.includes('list-type'))
            response.end(object === undefined ? '<ListBucketResult></ListBucketResult>'
                : `<ListBucketResult><Contents><Key>01/23/${away.blob}</Key></Contents></ListBucketResult>`);
        else {
            response.end(object);
            if (isDeletedMeanwhile)
                object = undefined;
        }
    });
    const move = (to) => ask({ op: 'move', ...bucket, cacheMax: 1 << 20, blob: away.blob, to });
    for (isDeletedMeanwhile of [false, true]) {
        mkdirSync(path.dirname(here(bucket.folder)), { recursive: true });
        writeFileSync(here(bucket.folder), 'a red kite');
        assert.equal(await move('s3'), isDeletedMeanwhile ? 'gone' : 'moved');
        assert.equal(object?.toString(), isDeletedMeanwhile ? undefined : 'a red kite');
        assert.deepEqual(blobsIn(bucket.folder, 'blobs'), []);
        object = Buffer.from('a red kite');
        assert.equal(await move('disk'), isDeletedMeanwhile ? 'gone' : 'moved');
        assert.equal(blobsIn(bucket.folder, 'blobs').length, isDeletedMeanwhile ? 0 : 1);
        assert.deepEqual(blobsIn(bucket.folder, 'cache'), []);
        assert.equal(object, undefined);
    }
});

test('every version and every mark of deletion goes, page after page', async () => {
    const blob = away.blob;
    const key = `01/23/${blob}`;
    const left = ['v3', 'v2', 'v1', 'mark'];
    const odd = [];
    const { seen, ...bucket } = await bucketOf((request, response) => {
        const url = new URL(request.url, 'http://x');
        if (request.method === 'DELETE') {
            const version = url.searchParams.get('versionId');
            if (!left.includes(version))
                odd.push(request.url);
            left.splice(left.indexOf(version), 1);
            response.writeHead(204).end();
            return;
        }
        const page = left.slice(0, 2).map((version) => (version === 'mark'
            ? `<DeleteMarker><Key>${key}</Key><VersionId>mark</VersionId></DeleteMarker>`
            : `<Version><Key>${key}</Key><VersionId>${version}</VersionId><Size>1</Size></Version>`));
        response.end(`<?xml version="1.0"?><ListVersionsResult><IsTruncated>${left.length > 2}</IsTruncated>`
            + `<Version><Key>${key}x</Key><VersionId>not ours</VersionId></Version>${page.join('')}`
            + '</ListVersionsResult>');
    });
    assert.equal(await ask({ op: 'remove', ...bucket, blob }), 'ok');
    assert.deepEqual(left, []);
    assert.deepEqual(odd, []);
});

test('a bucket that may not list versions is a failure, not a deletion', async () => {
    const { seen, ...bucket } = await bucketOf((request, response) => {
        response.writeHead(request.method === 'GET' ? 403 : 204)
            .end('<Error><Code>AccessDenied</Code><Message>no</Message></Error>');
    });
    assert.match(await ask({ op: 'remove', ...bucket, blob: away.blob }), /^!2 .*403 AccessDenied no/);
    assert.equal(seen.length, 1);
});

test('only the bucket itself says that something is not there', async () => {
    const answers = [
        [404, '<Error><Code>NoSuchKey</Code></Error>', /there is no file/],
        [404, '<html>Not Found</html>', /^!2 the bucket answered 404/],
        [404, '', /^!2 the bucket answered 404/],
        [404, '<Error><Code>NoSuchBucket</Code></Error>', /^!2 the bucket answered 404 NoSuchBucket/],
        [302, '', /^!2 the bucket answered 302/],
        [204, '', /^!2 the bucket answered 204 instead of a file/],
    ];
    let now;
    const { seen, ...bucket } = await bucketOf((request, response) => {
        const location = { location: 'http://127.0.0.1:9/secret' };
        response.writeHead(now[0], now[0] === 302 ? location : {}).end(now[1]);
    });
    const said = [];
    for (now of answers)
        said.push(await ask({ op: 'get', ...bucket, blob: away.blob }));
    for (const [i, [, , pattern]] of answers.entries())
        assert.match(said[i], pattern);
    assert.equal(seen.length, answers.length);
    now = answers[1];
    assert.match(await ask({ op: 'remove', ...bucket, blob: away.blob }), /^!2 the bucket answered 404/);
});

test('a body that is cut, or shorter the second time, is never given out as the file', async () => {
    let handle;
    const { seen, ...bucket } = await bucketOf((request, response, body, n) => handle(response, n));
    handle = (response) => {
        response.writeHead(200, { 'content-length': 100 }).write('a red');
        setTimeout(() => response.destroy(), 50);
    };
    assert.match(await ask({ op: 'get', ...bucket, blob: away.blob }), /^!3 .*cut off/);
    const before = seen.length;
    handle = (response, n) => {
        if (n > before + 1)
            response.end();
        else {
            response.writeHead(200, { 'content-length': 100 }).write('a red');
            setTimeout(() => response.destroy(), 50);
        }
    };
    assert.equal(await ask({ op: 'get', ...bucket, cacheMax: 1 << 20, blob: away.blob }), '');
    const [kept] = blobsIn(bucket.folder, 'cache');
    assert.equal(readFileSync(path.join(bucket.folder, 'cache', kept)).length, 0);
});

test('a list that is cut, goes nowhere or never ends is a failure, not a short list', async () => {
    const item = `<Contents><Key>01/23/${away.blob}</Key></Contents>`;
    const bodies = {
        cut: `<ListBucketResult>${item}`,
        none: '<html></html>',
        stuck: `<ListBucketResult>${item}<IsTruncated>true</IsTruncated></ListBucketResult>`,
        circle: `<ListBucketResult>${item}<IsTruncated>true</IsTruncated>`
            + '<NextContinuationToken>t</NextContinuationToken></ListBucketResult>',
        bomb: `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><ListBucketResult>${'<a>&b;'.repeat(1000)}`,
    };
    let now;
    const { seen, ...bucket } = await bucketOf((request, response) => response.end(bodies[now]));
    for (now of Object.keys(bodies))
        assert.match(await ask({ op: 'list', ...bucket }), /^![23] the list (of|that) the bucket/, now);
    now = 'versions';
    for (bodies[now] of [
        `<ListVersionsResult><IsTruncated>true</IsTruncated></ListVersionsResult>`,
        '<ListVersionsResult>',
    ])
        assert.match(await ask({ op: 'remove', ...bucket, blob: away.blob }), /^![23] the list (of|that) the bucket/);
});

test('what fails for a moment is tried again, what is refused is not', async () => {
    const busy = await bucketOf((request, response, body, n) => response.writeHead(n < 3 ? 503 : 200).end());
    assert.match(await ask({ op: 'put', ...busy, text: 'x' }), /^[0-9a-f]{32}$/);
    assert.equal(busy.seen.length, 3);
    const deaf = await bucketOf((request, response) => response.writeHead(400).end());
    assert.match(await ask({ op: 'put', ...deaf, text: 'x' }), /^!2 the bucket answered 400/);
    assert.equal(deaf.seen.length, 1);
});

test('an upload in parts that fails is taken back', async () => {
    const { seen, ...bucket } = await bucketOf((request, response, body) => {
        const url = new URL(request.url, 'http://x');
        if (url.searchParams.has('uploads'))
            response.end('<InitiateMultipartUploadResult><UploadId>u&amp;1</UploadId></InitiateMultipartUploadResult>');
        else if (request.method === 'PUT' && url.searchParams.get('partNumber') === '3')
            response.writeHead(403).end();
        else
            response.writeHead(request.method === 'DELETE' ? 204 : 200, { etag: `"${body.length}"` }).end();
    });
    const answer = await ask({ op: 'put', ...bucket, text: 'x'.repeat(17 << 20) });
    assert.match(answer, /^!2 the bucket answered 403/);
    assert.match(seen.at(-1), /^DELETE .*uploadId=u%261$/);
    assert.equal(seen.length, 5);
});

test('parts that could not be put together are no upload', async () => {
    let ended = '';
    const { seen, ...bucket } = await bucketOf((request, response, body) => {
        const url = new URL(request.url, 'http://x');
        if (url.searchParams.has('uploads')) {
            assert.equal(request.headers['x-amz-server-side-encryption'], 'AES256');
            response.end('<R><UploadId>u1</UploadId></R>');
        } else if (request.method === 'POST') {
            ended = body.toString();
            response.end('<Error><Code>InternalError</Code></Error>');
        } else
            response.writeHead(200, { etag: `"${body.length}"` }).end();
    });
    assert.match(await ask({ op: 'put', ...bucket, text: 'x'.repeat((16 << 20) + 1) }), /^!3 .*together/);
    assert.equal(ended, '<CompleteMultipartUpload>'
        + '<Part><PartNumber>1</PartNumber><ETag>&quot;8388608&quot;</ETag></Part>'
        + '<Part><PartNumber>2</PartNumber><ETag>&quot;8388608&quot;</ETag></Part>'
        + '<Part><PartNumber>3</PartNumber><ETag>&quot;1&quot;</ETag></Part></CompleteMultipartUpload>');
});

test('a long list is read page by page, and only what is ours of it', async () => {
    const id = (n) => n.toString(16).padStart(32, '0');
    const { seen, ...bucket } = await bucketOf((request, response) => {
        const token = new URL(request.url, 'http://x').searchParams.get('continuation-token');
        const from = token === null ? 0 : Number(token.slice(2));
        const items = Array.from({ length: 1000 }, (_, i) => `<Contents><Key>00/00/${id(from + i)}</Key><Size>1</Size>`
            + '<LastModified>2026-11-21T00:00:00.000Z</LastModified></Contents>');
        const more = from < 2000 ? `<IsTruncated>true</IsTruncated><NextContinuationToken>t/${from + 1000}</NextContinuationToken>` : '';
        response.end(`<ListBucketResult>${more}<Contents><Key>readme.txt</Key></Contents>`
            + `<Contents><Key>00/01/${id(1)}</Key></Contents>${items.join('')}</ListBucketResult>`);
    });
    assert.equal(await ask({ op: 'list', ...bucket }), '3000');
    assert.equal(seen.length, 3);
});

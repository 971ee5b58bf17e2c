// SPDX-License-Identifier: Apache-2.0
// The OpenAI-compatible provider against a pretend service that does everything wrong that such a
// service can. After each: the job's state, the sentence the user reads, what was asked of the
// service, the credits, and a history in which the work was charged once and no more. The words of
// a prompt choose the fault; each claim has a person of its own, and all of them run at once.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';

import { makePng } from './fake-images.mjs';
import { addUser, atelier, httpClient, sleep, startServer, until } from './helpers.mjs';

const KEY = 'sk-pretend-51c4e0b7a9d2';
const PRICE = 2;
const START = 100;
const ENDED = ['completed', 'failed', 'canceled'];
const png = makePng(256, 256, 3);
const b64 = png.toString('base64');

const json = (response, status, value, headers = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(value));
};
const pictures = (response, items) => json(response, 200, { created: 1, data: items });
const mistake = (response, status, code, headers) => json(response, status, { error: { code, type: code, message: `internal words about ${code}` } }, headers);
const many = (n, item) => Array.from({ length: n }, (_, i) => item(i));

// By the first word of the prompt: (response, wish, how often it was asked before).
const replies = {
    bytes: (response, { n }) => pictures(response, many(n, () => ({ b64_json: b64 }))),
    link: (response, { n }) => pictures(response, many(n, (i) => ({ url: `${base}/files/${i}.png` }))),
    fewer: (response, { n }) => pictures(response, many(n - 1, () => ({ b64_json: b64 }))),
    more: (response, { n }) => pictures(response, many(n + 2, () => ({ b64_json: b64 }))),
    none: (response) => pictures(response, []),
    busy: (response, { n }, before) => before === 0
        ? mistake(response, 429, 'rate_limit_exceeded', { 'retry-after': '3' })
        : replies.bytes(response, { n }),
    down: (response) => mistake(response, 500, 'server_error'),
    silent: () => {},
    cut: (response) => {
        const body = JSON.stringify({ data: [{ b64_json: b64 }] });
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
        response.write(body.slice(0, body.length / 2), () => response.destroy());
    },
    garbled: (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end('{"data": [{"b64_json": "');
    },
    html: (response) => {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end('<html>Welcome to the wrong port</html>');
    },
    text: (response) => pictures(response, [{ b64_json: Buffer.from('not a picture at all').toString('base64') }]),
    half: (response) => pictures(response, [{ b64_json: png.subarray(0, png.length / 2).toString('base64') }]),
    mixed: (response) => pictures(response, [{ b64_json: b64 }, { b64_json: Buffer.from('nothing').toString('base64') }]),
    huge: async (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"data":[{"b64_json":"');
        const piece = 'A'.repeat(1 << 20);
        const gone = once(response, 'close');
        for (let i = 0; i < 200 && !response.destroyed; i++)
            if (!response.write(piece))
                await Promise.race([once(response, 'drain'), gone]);
        response.end('"}]}');
    },
    policy: (response) => mistake(response, 400, 'content_policy_violation'),
    wrong: (response) => mistake(response, 400, 'invalid_size'),
    key: (response) => mistake(response, 401, 'invalid_api_key'),
    redirect: (response) => {
        response.writeHead(302, { location: `${base}/elsewhere` });
        response.end();
    },
    elsewhere: (response) => pictures(response, [{ url: `http://localhost:${new URL(base).port}/secret` }]),
    disguised: (response) => pictures(response, [{ url: `http://127.0.0.1:80@localhost:${new URL(base).port}/secret` }]),
    metadata: (response) => pictures(response, [{ url: 'http://169.254.169.254/latest/meta-data/' }]),
    file: (response) => pictures(response, [{ url: 'file:///etc/passwd' }]),
    onward: (response) => pictures(response, [{ url: `${base}/onward` }]),
    missing: (response) => pictures(response, [{ url: `${base}/gone` }]),
    flood: (response) => pictures(response, [{ url: `${base}/flood` }]),
};

const asked = new Map(); // prompt to the requests for it
const visited = []; // paths that were fetched
let base;
let fake;
let server;

async function generate(request, response) {
    let text = '';
    for await (const part of request)
        text += part;
    const wish = JSON.parse(text);
    const before = asked.get(wish.prompt) ?? [];
    asked.set(wish.prompt, [...before, { at: Date.now(), path: request.url, key: request.headers.authorization, ...wish }]);
    await replies[wish.prompt.split(' ')[0]](response, wish, before.length);
}

async function fetched(request, response) {
    visited.push(request.url);
    if (request.url.startsWith('/files/')) {
        response.writeHead(200, { 'content-type': 'image/png', 'content-length': png.length });
        response.end(png);
    } else if (request.url === '/onward') {
        response.writeHead(302, { location: `http://localhost:${new URL(base).port}/secret` });
        response.end();
    } else if (request.url === '/flood') {
        response.writeHead(200, { 'content-type': 'image/png', 'content-length': 1 << 30 });
        response.write(Buffer.alloc(1 << 20), () => sleep(5000).then(() => response.destroy()));
    } else {
        response.writeHead(request.url === '/secret' ? 200 : 404);
        response.end(png);
    }
}

before(async () => {
    fake = http.createServer((request, response) => {
        response.on('error', () => {});
        const handle = request.method === 'POST' ? generate : fetched;
        handle(request, response).catch(() => response.destroy());
    });
    await new Promise((resolve) => fake.listen(0, '0.0.0.0', resolve));
    base = `http://127.0.0.1:${fake.address().port}`;
    server = await startServer({
        env: { PRETEND_KEY: KEY, ATELIER_SERVER_LOG_LEVEL: 'debug' },
        config: `
providers:
  - {id: pretend, kind: openai, baseUrl: "${base}", concurrency: 64, timeoutSeconds: 2, allowPrivateAddresses: true, key: {env: PRETEND_KEY}}
  - {id: strict, kind: openai, baseUrl: "${base}/v1", concurrency: 4, timeoutSeconds: 2, key: {env: PRETEND_KEY}}
models:
${['pretend', 'strict'].map((id) => `
  - id: ${id}
    name: ${id}
    description: A pretend service.
    kind: image
    provider: ${id}
    providerModel: ${id}-large
    price: ${PRICE}
    typicalSeconds: 2
    maxImages: 4
    promptMax: 2000
    isDefault: ${id === 'pretend'}
    sizes: [{name: Square, width: 256, height: 256}]`).join('')}
` });
});
after(async () => {
    await server?.stop();
    fake?.closeAllConnections();
    fake?.close();
});

// ---- asking ----

let people = 0;
async function make(fault, { numImages = 1, model = 'pretend', ms = 240_000 } = {}) {
    const number = ++people;
    const prompt = `${fault} number ${number}`;
    const person = await addUser(server, `provider-${number}@example.com`);
    const client = httpClient(server.url, person.token);
    const { jobId, creditsRemaining } = await client.mutation('generations:createGenerationJob', { model, prompt, width: 256, height: 256, numImages });
    assert.equal(creditsRemaining, START - PRICE * numImages, 'held when it is asked for');
    const job = await until(async () => {
        const found = await client.query('generations:getGenerationJob', { jobId });
        return ENDED.includes(found.status) && found;
    }, `${prompt} ends`, ms, 100);
    return { client, job, person, numImages, requests: asked.get(prompt) ?? [] };
}

// The history holds exactly this: the price once, what came back once, and nothing else.
async function charged({ client, job, numImages }, made) {
    const history = (await client.query('credits:getCreditHistory', {})).filter(({ generationId }) => generationId === job._id);
    const used = history.filter(({ type }) => type === 'USAGE').map(({ amount }) => amount);
    const back = history.filter(({ type }) => type === 'REFUND').map(({ amount }) => amount);
    const missing = numImages - made;
    assert.deepEqual(used, [-PRICE * numImages], 'charged once');
    assert.deepEqual(back, missing === 0 ? [] : [PRICE * missing], 'what was not made came back once');
    assert.equal(history.length, used.length + back.length);
    assert.equal(await client.query('credits:getCredits', {}), START - PRICE * made);
    assert.equal((await client.query('users:getCurrentUser', {})).creditsHeld, 0, 'nothing stays held');
    assert.equal(job.imageIds.length, made);
    const assets = (await client.query('assets:getAssets', { paginationOpts: { numItems: 20, cursor: null } })).page;
    assert.deepEqual(assets.map(({ _id }) => _id).sort(), [...job.imageIds].sort(), 'the library holds what was made');
    return assets;
}

async function failed(came, says, requests) {
    assert.equal(came.job.status, 'failed');
    assert.match(came.job.error, says);
    assert.match(came.job.error, /^[A-Z].*\.$/, 'a sentence');
    assert.doesNotMatch(came.job.error, /internal words|sk-pretend|127\.0\.0\.1/, 'the service is not quoted');
    assert.equal(came.requests.length, requests, 'so often the service was asked');
    await charged(came, 0);
}

async function original(asset) {
    const response = await fetch(new URL(new URL(asset.url, server.url).pathname, server.url));
    return Buffer.from(await response.arrayBuffer());
}

const TRIES = 4; // one and three more

describe('the pretend service', { concurrency: true }, () => {
    test('pictures sent as bytes are kept as they are', async () => {
        const came = await make('bytes', { numImages: 3 });
        assert.equal(came.job.status, 'completed');
        assert.equal(came.job.error, undefined);
        const [request, ...more] = came.requests;
        assert.deepEqual(more, [], 'asked once for all of them');
        assert.equal(request.path, '/v1/images/generations');
        assert.equal(request.key, `Bearer ${KEY}`);
        assert.deepEqual([request.model, request.n, request.size, request.response_format], ['pretend-large', 3, '256x256', 'b64_json']);
        for (const asset of await charged(came, 3)) {
            assert.deepEqual([asset.width, asset.height, asset.mimeType, asset.sizeBytes], [256, 256, 'image/png', png.length]);
            assert.deepEqual(await original(asset), png, 'byte for byte');
        }
    });

    test('pictures sent as addresses are fetched', async () => {
        const came = await make('link', { numImages: 2 });
        assert.equal(came.job.status, 'completed');
        assert.equal(came.requests.length, 1);
        for (const asset of await charged(came, 2))
            assert.deepEqual(await original(asset), png);
        assert.deepEqual(visited.filter((path) => path.startsWith('/files/')).sort(), ['/files/0.png', '/files/1.png'], 'each once');
    });

    test('of fewer than asked for only those are paid', async () => {
        const came = await make('fewer', { numImages: 3 });
        assert.equal(came.job.status, 'completed');
        assert.match(came.job.error, /fewer/);
        assert.equal(came.requests.length, 1, 'it is not asked again');
        await charged(came, 2);
    });

    test('of more than asked for only as many are taken', async () => {
        const came = await make('more');
        assert.equal(came.job.status, 'completed');
        await charged(came, 1);
    });

    test('of several pictures the damaged one is given back', async () => {
        const came = await make('mixed', { numImages: 2 });
        assert.equal(came.job.status, 'completed');
        assert.match(came.job.error, /picture|image/);
        await charged(came, 1);
    });

    test('a busy service is asked again when it said it would be free', async () => {
        const came = await make('busy', { numImages: 2 });
        assert.equal(came.job.status, 'completed');
        assert.equal(came.requests.length, 2);
        const waited = came.requests[1].at - came.requests[0].at;
        assert.ok(waited >= 2900, `waited ${waited} ms of the 3 s it asked for`);
        await charged(came, 2);
    });

    test('a service that is down is asked four times, each later, then the credits come back', async () => {
        const came = await make('down', { numImages: 4 });
        await failed(came, /not answering/, TRIES);
        const gaps = came.requests.slice(1).map(({ at }, i) => at - came.requests[i].at);
        assert.ok(gaps[2] > gaps[0], `backs off: ${gaps}`);
    });

    test('a service that never answers is left after its time', async () => {
        await failed(await make('silent'), /did not answer in time/, TRIES);
    });

    test('an answer that is cut off is asked for again', async () => {
        await failed(await make('cut'), /cut off/, TRIES);
    });

    for (const [fault, says] of [['garbled', /without pictures/], ['html', /without pictures/], ['none', /without pictures/]])
        test(`an answer that is no answer (${fault}) ends the job`, async () => {
            const came = await make(fault);
            await failed(came, says, came.requests.length);
            assert.ok(came.requests.length <= TRIES);
        });

    for (const fault of ['text', 'half'])
        test(`bytes that are no picture (${fault}) end the job`, async () => {
            const came = await make(fault);
            await failed(came, /picture|image|file/i, 1);
        });

    test('an answer beyond all measure is refused while it comes', async () => {
        const rss = async () => Number(/^atelier_base_resident_bytes (\d+)$/m.exec(await (await fetch(`${server.url}/metrics`)).text())[1]);
        await failed(await make('huge'), /larger than allowed/, 1);
        assert.ok(await rss() < 256 << 20, 'and its memory given back');
    });

    test('a prompt against the rules is not asked again, and the user is told what to do', async () => {
        await failed(await make('policy'), /refuses this prompt. Change the words/, 1);
    });

    test('a request that can never work is not asked again', async () => {
        await failed(await make('wrong'), /refused this request/, 1);
    });

    test('a refused key is the operator\'s to mend', async () => {
        await failed(await make('key'), /key/, 1);
    });

    test('a redirected request is not followed: it would carry the key elsewhere', async () => {
        await failed(await make('redirect'), /refused/, 1);
        assert.equal(visited.includes('/elsewhere'), false);
    });

    for (const fault of ['elsewhere', 'disguised', 'metadata'])
        test(`a result inside the network, but not on the service's host (${fault}), is not fetched`, async () => {
            const came = await make(fault);
            await failed(came, /inside a private network/, 1);
        });

    test('a result that redirects inside the network is not followed', async () => {
        await failed(await make('onward'), /could not be fetched/, 1);
        assert.ok(visited.includes('/onward'));
    });

    test('a result that is not on the web is not read', async () => {
        await failed(await make('file'), /cannot be read/, 1);
    });

    test('a result that is gone ends the job', async () => {
        await failed(await make('missing'), /could not be fetched/, 1);
    });

    test('a result beyond all measure is refused', async () => {
        await failed(await make('flood'), /larger than allowed/, 1);
    });

    test('without the operator\'s word a service inside the network is not called at all', async () => {
        await failed(await make('bytes', { model: 'strict' }), /inside a private network/, 0);
    });
});

test('nothing inside was visited, and the key is in no log, no backup and no answer', async () => {
    assert.equal(visited.includes('/secret'), false);
    assert.doesNotMatch(server.lines.join('\n'), new RegExp(KEY));
    const { stdout, stderr } = await atelier(['doctor', '--data', server.data]);
    assert.doesNotMatch(stdout + stderr, new RegExp(KEY));
    const models = await httpClient(server.url).query('models:getActiveModels', {});
    assert.doesNotMatch(JSON.stringify(models), new RegExp(KEY));
});

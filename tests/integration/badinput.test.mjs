// SPDX-License-Identifier: Apache-2.0
// What people, programs and attackers send that is wrong. Each gets an error that names the field,
// the limit or what to do; nothing is written by halves, and the server goes on.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { SignJWT, generateKeyPair } from 'jose';

import { fakeConfig, fakeEnv, startFakeImages } from './fake-images.mjs';
import { addUser, freshEmail, httpClient, postJson, signUp, startServer, until } from './helpers.mjs';
import { RawSession, authenticate, mutation, querySet } from './raw.mjs';

const CREATE = 'generations:createGenerationJob';
const PICTURE = { model: 'sketch', prompt: 'a red kite', width: 256, height: 256, steps: 10 };

let fake;
let server;
let alice;
let bob;

before(async () => {
    fake = await startFakeImages();
    server = await startServer({ config: fakeConfig(fake), env: fakeEnv });
    [alice, bob] = [await addUser(server), await addUser(server)];
});
after(async () => {
    // After all of it the server still stops as it should.
    const end = await server?.stop();
    await fake?.stop();
    assert.deepEqual(end, { code: 0, signal: null }, server?.lines.slice(-10).join('\n'));
});

const call = async (kind, path, args, user = alice) => {
    const response = await fetch(`${server.url}/api/${kind}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(user ? { authorization: `Bearer ${user.token}` } : {}) },
        body: JSON.stringify({ path, args, format: 'convex_encoded_json' }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return { http: response.status, ...(isJson ? JSON.parse(text) : { message: text }) };
};
// What must not change when something is refused.
const stateOf = async (user) => {
    const client = httpClient(server.url, user.token);
    return JSON.stringify([await client.query('credits:getCredits', {}),
        (await client.query('generations:listGenerationJobs', {})).length]);
};

// ---- arguments ----

const long = (n) => 'x'.repeat(n);
const wrongArguments = {
    'a number for a text': [{ ...PICTURE, prompt: 7 }, /\.prompt/],
    'null for a text': [{ ...PICTURE, prompt: null }, /\.prompt/],
    'a text for a number': [{ ...PICTURE, width: '256' }, /\.width/],
    'a fraction for a whole number': [{ ...PICTURE, numImages: 1.5 }, /\.numImages/],
    'an array for a record': [[PICTURE, PICTURE], /./],
    'a missing field': [{ model: 'sketch' }, /missing the required field `prompt`/],
    'an extra field': [{ ...PICTURE, colour: 'red' }, /extra field `colour`/],
    'a field that the caller may never set': [{ ...PICTURE, credits: 0 }, /extra field `credits`/],
    'an empty prompt': [{ ...PICTURE, prompt: '' }, /\.prompt/],
    'a prompt of white space': [{ ...PICTURE, prompt: ' \n ' }, /\.prompt[^]*empty/],
    'a prompt one letter too long': [{ ...PICTURE, prompt: long(2001) }, /\.prompt[^]*2001[^]*2000/],
    'a prompt far too long': [{ ...PICTURE, prompt: long(1_000_000) }, /\.prompt/],
    'a leaving-out that is too long': [{ ...PICTURE, negativePrompt: long(2001) }, /\.negativePrompt/],
    'an unknown model': [{ ...PICTURE, model: 'dall-e-9' }, /\.model[^]*dall-e-9/],
    'a film model for a picture': [{ ...PICTURE, model: 'sketch-motion' }, /\.model/],
    'one pixel too narrow': [{ ...PICTURE, width: 255 }, /\.width[^]*256/],
    'one pixel too high': [{ ...PICTURE, height: 2049 }, /\.height[^]*2048/],
    'a negative size': [{ ...PICTURE, width: -256 }, /\.width/],
    'an unbelievable size': [{ ...PICTURE, width: 1e300 }, /\.width/],
    'not a number': [{ ...PICTURE, width: { $float: 'AAAAAAAA+H8=' } }, /\.width/],
    'infinity': [{ ...PICTURE, guidance: { $float: 'AAAAAAAA8H8=' } }, /\.guidance/],
    'one step too few': [{ ...PICTURE, steps: 9 }, /\.steps[^]*10/],
    'one step too many': [{ ...PICTURE, steps: 51 }, /\.steps[^]*50/],
    'no pictures': [{ ...PICTURE, numImages: 0 }, /\.numImages/],
    'one picture too many': [{ ...PICTURE, numImages: 5 }, /\.numImages[^]*4/],
    'a negative seed': [{ ...PICTURE, seed: -1 }, /\.seed/],
    'a lone surrogate': [{ ...PICTURE, prompt: 'a\ud800b' }, /./],
    'an unknown kind of value': [{ ...PICTURE, prompt: { $set: [] } }, /./],
    'a key with a dollar': [{ ...PICTURE, $prompt: 'x' }, /./],
};
for (const [name, [args, says]] of Object.entries(wrongArguments))
    test(`${name} is refused by name, and nothing is written`, async () => {
        const before = await stateOf(alice);
        const answer = await call('mutation', CREATE, args);
        assert.ok(answer.http === 400 || answer.status === 'error', JSON.stringify(answer));
        assert.match(answer.errorMessage ?? answer.message, says);
        assert.equal(answer.errorData, undefined);
        assert.equal(await stateOf(alice), before);
    });

test('films: durations and settings that the model has not are refused by name', async () => {
    const film = { prompt: 'a slow sea', model: 'sketch-motion', duration: '4' };
    const own = await startServer();
    const user = await addUser(own);
    const create = (args) => httpClient(own.url, user.token).mutation('videos:createVideo', args);
    await assert.rejects(create({ ...film, duration: '3' }), /\.duration[^]*4 to 8/);
    await assert.rejects(create({ ...film, duration: 'long' }), /\.duration/);
    await assert.rejects(create({ ...film, duration: 4 }), /\.duration/);
    await assert.rejects(create({ ...film, prompt: 'ab' }), /\.prompt/);
    await assert.rejects(create({ ...film, prompt: long(501) }), /\.prompt/);
    await assert.rejects(create({ ...film, model: 'sketch' }), /\.model/);
    await assert.rejects(create({ ...film, generationSettings: { aspectRatio: '1:7' } }), /\.generationSettings\.aspectRatio/);
    await assert.rejects(create({ ...film, generationSettings: { shutter: 1 } }), /shutter/);
    assert.equal(await httpClient(own.url, user.token).query('credits:getCredits', {}), 100);
    await own.stop();
});

test('too few credits: says how many are missing, and what was asked for is not begun', async () => {
    const user = await addUser(server);
    const client = httpClient(server.url, user.token);
    for (let i = 0; i < 12; i++)
        await client.mutation(CREATE, { ...PICTURE, model: 'fake', steps: undefined, prompt: 'slow', numImages: 4 });
    assert.equal(await client.query('credits:getCredits', {}), 4);
    const answer = await call('mutation', CREATE, { model: 'fake', prompt: 'slow', numImages: 3 }, user);
    assert.equal(answer.status, 'error');
    assert.equal(answer.errorData.code, 'NO_CREDITS');
    assert.match(answer.errorData.message, /credit/);
    assert.equal(await client.query('credits:getCredits', {}), 4);
    assert.equal((await client.query('generations:listGenerationJobs', {})).length, 12);
});

// ---- what is not yours ----

test('what belongs to somebody else looks like what does not exist', async () => {
    const [mine, theirs] = [httpClient(server.url, alice.token), httpClient(server.url, bob.token)];
    const { jobId } = await mine.mutation(CREATE, PICTURE);
    await until(async () => (await mine.query('generations:getGenerationJob', { jobId })).status === 'completed', 'the picture', 30_000);
    const [assetId] = (await mine.query('generations:getGenerationJob', { jobId })).imageIds;

    assert.equal(await theirs.query('generations:getGenerationJob', { jobId }), null);
    const cancel = await call('mutation', 'generations:cancelGenerationJob', { jobId }, bob);
    const gone = await call('mutation', 'assets:deleteAsset', { assetId }, bob);
    assert.equal(cancel.errorData.code, 'NOT_FOUND');
    assert.equal(gone.errorData.code, 'NOT_FOUND');
    assert.equal((await theirs.query('generations:listGenerationJobs', {})).length, 0);
    assert.ok(await mine.query('assets:getAsset', { assetId }));
});

test('ids of another table, of another studio and of nothing are refused as arguments', async () => {
    const { value: me } = await call('query', 'users:getCurrentUser', {});
    for (const jobId of [me._id, 'not an id', '', 'zzzzzzzzzzzzzzzz', '0000000000000000', long(5000)]) {
        const answer = await call('query', 'generations:getGenerationJob', { jobId });
        assert.equal(answer.status, 'error', jobId.slice(0, 20));
        assert.match(answer.errorMessage, /ArgumentValidationError[^]*\.jobId/);
    }
});

test('what needs an account says so to those without', async () => {
    for (const [kind, path, args] of [
        ['mutation', CREATE, PICTURE],
        ['query', 'generations:listGenerationJobs', {}],
        ['query', 'assets:getAssets', { paginationOpts: { numItems: 1, cursor: null } }],
        ['query', 'users:list', {}],
    ]) {
        const answer = await call(kind, path, args, null);
        assert.equal(answer.status, 'error', path);
        assert.ok(answer.errorMessage.length > 0);
    }
    // Operators' functions are nobody else's.
    assert.equal((await call('query', 'users:list', {})).status, 'error');
});

// ---- tokens ----

const payloadOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
const headOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function forgedTokens() {
    const { privateKey } = await generateKeyPair('EdDSA');
    const { privateKey: rsa } = await generateKeyPair('RS256');
    const claims = payloadOf(alice.token);
    const head = headOf(alice.token);
    const sign = (changes, headChanges = {}, key = privateKey) => new SignJWT({ ...claims, ...changes })
        .setProtectedHeader({ ...head, ...headChanges }).sign(key);
    const [first, second, third] = alice.token.split('.');
    return {
        'signed by another key': await sign({}),
        'signed by another key, without its id': await sign({}, { kid: undefined }),
        'of another algorithm': await sign({}, { alg: 'RS256' }, rsa),
        'expired': await sign({ exp: claims.iat - 60 }),
        'unsigned': `${encode({ alg: 'none', typ: 'JWT' })}.${second}.`,
        'unsigned, with our id': `${encode({ ...head, alg: 'none' })}.${second}.${third}`,
        'with changed claims': `${first}.${encode({ ...claims, sub: payloadOf(bob.token).sub })}.${third}`,
        'with a changed signature': `${first}.${second}.${third.slice(0, 10)}${third[10] === 'A' ? 'B' : 'A'}${third.slice(11)}`,
        'cut short': `${first}.${second}`,
        'with something behind': `${alice.token}.x`,
        'with padding': `${alice.token}=`,
        'of another issuer': await sign({ iss: 'https://elsewhere.example' }),
        'huge': `${first}.${Buffer.alloc(40_000, 65).toString('base64url')}.${third}`,
        'no token at all': 'nonsense',
    };
}

test('forged, expired and damaged tokens are 401 with a reason, and an AuthError on the socket', async () => {
    for (const [name, token] of Object.entries(await forgedTokens())) {
        const answer = await call('query', 'users:getCurrentUser', {}, { token });
        if (name === 'huge') // beyond what a head may have
            assert.equal(answer.http, 431);
        else
            assert.deepEqual([answer.http, typeof answer.code, typeof answer.message], [401, 'string', 'string'], name);
        const raw = await new RawSession(server.url).connect(authenticate(token), querySet(0));
        await raw.closed();
        assert.deepEqual(raw.others.map(({ type }) => type), ['AuthError'], name);
    }
});

// ---- accounts ----

test('sign-up and sign-in name the field that is wrong', async () => {
    const email = freshEmail();
    const password = 'a long enough password';
    const refusals = [
        ['/api/auth/sign-up', { email: 'nobody', password }, 'email'],
        ['/api/auth/sign-up', { email: '', password }, 'email'],
        ['/api/auth/sign-up', { email: `${long(400)}@example.com`, password }, 'email'],
        ['/api/auth/sign-up', { email, password: 'short' }, 'password'],
        ['/api/auth/sign-up', { email, password: long(10_000) }, 'password'],
        ['/api/auth/sign-up', { email }, 'password'],
        ['/api/auth/sign-up', { email, password, name: 7 }, 'name'],
        ['/api/auth/sign-up', { email, password, role: 'admin' }, undefined],
    ];
    for (const [where, body, field] of refusals) {
        const answer = await postJson(server.url, where, body);
        assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} for ${JSON.stringify(body).slice(0, 80)}`);
        assert.equal(typeof answer.body.code, 'string');
        assert.ok(answer.body.message.length > 0);
        if (field !== undefined)
            assert.equal(answer.body.field, field);
    }
    await signUp(server.url, { email, password });
    const twice = await postJson(server.url, '/api/auth/sign-up', { email: email.toUpperCase(), password });
    assert.ok(twice.status >= 400 && twice.status < 500);
    const wrong = await postJson(server.url, '/api/auth/sign-in', { email, password: 'another password' });
    const unknown = await postJson(server.url, '/api/auth/sign-in', { email: freshEmail(), password });
    assert.equal(wrong.status, unknown.status);
    assert.equal(wrong.body.message, unknown.body.message, 'who has an account stays secret');
    const right = await postJson(server.url, '/api/auth/sign-in', { email, password });
    assert.equal(right.status, 200);
});

test('account pages take JSON from our own pages only', async () => {
    const body = { email: freshEmail(), password: 'a long enough password' };
    const foreign = await postJson(server.url, '/api/auth/sign-up', body, { origin: 'https://evil.example' });
    assert.equal(foreign.status, 403);
    const form = await fetch(`${server.url}/api/auth/sign-up`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain', origin: server.url },
        body: JSON.stringify(body),
    });
    assert.ok(form.status >= 400 && form.status < 500);
    const get = await fetch(`${server.url}/api/auth/sign-in`);
    assert.equal(get.status, 405);
});

test('guessing a password is slowed down, and says until when', async () => {
    const { email } = await addUser(server);
    let last;
    for (let i = 0; i < 40; i++) {
        last = await postJson(server.url, '/api/auth/sign-in', { email, password: `wrong password ${i}` });
        if (last.status === 429)
            break;
        assert.equal(last.status, 401);
    }
    assert.equal(last.status, 429);
    assert.ok(Number(last.headers.get('retry-after')) > 0);
});

// ---- bytes ----

// Sends raw bytes, answers the whole reply.
const rawRequest = (bytes, { end = false } = {}) => new Promise((resolve) => {
    const { hostname, port } = new URL(server.url);
    const socket = net.connect(Number(port), hostname, () => {
        socket.write(bytes);
        if (end)
            socket.end();
    });
    let text = '';
    socket.setTimeout(4000, () => socket.destroy());
    socket.on('data', (data) => {
        text += data.toString('latin1');
        if (/\r\n\r\n/.test(text))
            socket.end();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
});
const statusOf = (reply) => Number(/^HTTP\/1\.1 (\d{3})/.exec(reply)?.[1] ?? 0);

test('malformed requests are refused with the status that says why', async () => {
    const head = 'POST /api/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    const cases = [
        ['nonsense\r\n\r\n', 400],
        ['GET / HTTP/1.1\r\n\r\n', 400],
        ['GET / HTTP/3.0\r\nHost: x\r\n\r\n', 505],
        [`GET / HTTP/1.1\r\nHost: x\r\nX: ${long(70_000)}\r\n\r\n`, 431],
        [`${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`, 400],
        [`${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400],
        [`${head}Content-Length: -1\r\n\r\n`, 400],
        [`${head}Content-Length: 99999999999999\r\n\r\n`, 413],
        [`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
        ['GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', [400, 404]],
        ['GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', [400, 404]],
        ['GET /api/storage/..%2f..%2fkeys HTTP/1.1\r\nHost: x\r\n\r\n', [400, 404]],
        ['BREW / HTTP/1.1\r\nHost: x\r\n\r\n', [400, 405, 501]],
    ];
    for (const [bytes, status] of cases) {
        const reply = await rawRequest(bytes);
        assert.ok([status].flat().includes(statusOf(reply)), `${JSON.stringify(bytes.slice(0, 60))}: ${reply.slice(0, 60)}`);
    }
});

test('bodies that are no JSON, no UTF-8 or too deep are 400 and say where', async () => {
    const good = '{"path":"credits:getCredits","args":{}}';
    const bodies = [
        '', '{', 'null', '"text"', `${good}x`, `${good}${good}`,
        '{"path":"credits:getCredits","args":{},"path":"x"}',
        '{"path":"credits:getCredits","args":{"a":01}}',
        '{"path":"credits:getCredits","args":{"a":NaN}}',
        '{"path":"credits:getCredits","args":{"a":"\\ud800"}}',
        `{"path":"credits:getCredits","args":${'['.repeat(100_000)}`,
        Buffer.concat([Buffer.from('{"path":"credits:getCredits","args":{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}')]),
        Buffer.concat([Buffer.from('{"path":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('","args":{}}')]),
    ];
    for (const body of bodies) {
        const response = await fetch(`${server.url}/api/query`, {
            method: 'POST', headers: { 'content-type': 'application/json' }, body,
        });
        const text = await response.text();
        assert.equal(response.status, 400, `${String(body).slice(0, 60)}: ${text.slice(0, 100)}`);
        const said = JSON.parse(text);
        assert.equal(typeof said.code, 'string');
        assert.ok(said.message.length > 0);
    }
});

test('a body above the limit is 413, said before it is read', async () => {
    const { hostname, port } = new URL(server.url);
    const status = await new Promise((resolve, reject) => {
        const request = http.request({
            hostname, port, path: '/api/mutation', method: 'POST',
            headers: { 'content-type': 'application/json', 'content-length': 64 << 20, expect: '100-continue' },
        });
        request.on('response', (response) => {
            response.resume();
            resolve(response.statusCode);
            request.destroy();
        });
        request.on('continue', () => reject(new Error('it asked for the body')));
        request.on('error', () => {});
        request.flushHeaders();
    });
    assert.equal(status, 413);
});

// ---- frames ----

// A WebSocket by hand: what comes back after these bytes, and the close code if there was one.
const frames = (bytes) => new Promise((resolve, reject) => {
    const request = http.get(`${server.url}/api/1.48.0/sync`, {
        headers: {
            connection: 'Upgrade', upgrade: 'websocket',
            'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        },
    });
    request.on('upgrade', (response, socket, first) => {
        let got = first;
        socket.on('data', (data) => {
            got = Buffer.concat([got, data]);
        });
        socket.on('error', () => {});
        socket.setTimeout(4000, () => socket.destroy());
        socket.on('close', () => {
            let code = 0;
            for (let at = 0; at + 2 <= got.length;) {
                const length = got[at + 1] & 127;
                const start = at + (length === 126 ? 4 : 2);
                if ((got[at] & 15) === 8 && length >= 2)
                    code = got.readUInt16BE(start);
                at = start + (length === 126 ? got.readUInt16BE(at + 2) : length);
            }
            resolve(code);
        });
        socket.write(bytes);
    });
    request.on('error', reject);
});

// A masked frame; the mask is zeros, which is as good as any.
const frame = (first, payload = Buffer.alloc(0), masked = true) => {
    const size = payload.length < 126 ? Buffer.from([payload.length | (masked ? 128 : 0)])
        : Buffer.from([126 | (masked ? 128 : 0), payload.length >> 8, payload.length & 255]);
    return Buffer.concat([Buffer.from([first]), size, masked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
};

test('malformed frames close that socket with the code that says why', async () => {
    const text = Buffer.from('{"type":"Event","eventType":"x","event":null}');
    const cases = {
        'an unmasked frame': [frame(0x81, text, false), 1002],
        'a reserved bit': [frame(0xc1, text), 1002],
        'an unknown opcode': [frame(0x83, text), 1002],
        'a going on of nothing': [frame(0x80, text), 1002],
        'a control frame in pieces': [frame(0x09, text), 1002],
        'a ping that is too long': [frame(0x89, Buffer.alloc(126)), 1002],
        'a close of one byte': [frame(0x88, Buffer.from([3])), 1002],
        'bytes instead of text': [frame(0x82, text), 1003],
        'text that is no UTF-8': [frame(0x81, Buffer.from([0x22, 0xff, 0x22])), 1007],
        'a message beyond the limit': [Buffer.concat([Buffer.from([0x81, 0xff]), Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]), Buffer.alloc(4)]), 1009],
    };
    for (const [name, [bytes, code]] of Object.entries(cases))
        assert.equal(await frames(bytes), code, name);
});

test('a thousand broken sockets leave the others as they were', async () => {
    const bystander = await new RawSession(server.url).connect(authenticate(bob.token), querySet(0));
    await bystander.reached(1, 1);
    for (let round = 0; round < 10; round++)
        await Promise.all(Array.from({ length: 20 }, (_, i) => rawRequest(
            `GET /api/1.48.0/sync HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: ${i % 2 ? 13 : 99}\r\nSec-WebSocket-Key: ${'A'.repeat(i)}\r\n\r\n`)));
    bystander.send(mutation(0, CREATE, PICTURE));
    assert.equal((await bystander.settled(0)).success, true);
    bystander.end();
});

// ---- what comes from outside ----

async function outcomeOf(prompt, { ms = 30_000, ...more } = {}) {
    const user = await addUser(server);
    const client = httpClient(server.url, user.token);
    const { jobId } = await client.mutation(CREATE, { model: 'fake', prompt, ...more });
    const job = await until(async () => {
        const now = await client.query('generations:getGenerationJob', { jobId });
        return ['completed', 'failed', 'canceled'].includes(now.status) && now;
    }, `the end of "${prompt}"`, ms);
    return { job, credits: await client.query('credits:getCredits', {}), held: (await client.query('users:getCurrentUser', {})).creditsHeld };
}

test('a damaged picture fails its job, says so and gives the credits back', async () => {
    const { job, credits, held } = await outcomeOf('broken');
    assert.equal(job.status, 'failed');
    assert.ok(job.error.length > 0);
    assert.deepEqual([credits, held, job.imageIds], [100, 0, []]);
});

test('a refusal of the service is passed on in words and gives the credits back', async () => {
    const { job, credits, held } = await outcomeOf('refuse');
    assert.equal(job.status, 'failed');
    assert.ok(job.error.length > 0);
    assert.deepEqual([credits, held], [100, 0]);
});

test('a service that stumbles once is asked again', async () => {
    for (const prompt of ['flaky', 'busy', 'link']) {
        const { job, credits } = await outcomeOf(prompt);
        assert.equal(job.status, 'completed', `${prompt}: ${job.error}`);
        assert.equal(credits, 98);
    }
});

test('our key goes to the service and nowhere else', async () => {
    await outcomeOf('a kite');
    assert.equal(fake.asked.at(-1).authorization, `Bearer ${fakeEnv.FAKE_IMAGES_KEY}`);
    assert.equal(server.lines.some((line) => line.includes(fakeEnv.FAKE_IMAGES_KEY)), false);
    assert.equal(server.lines.some((line) => line.includes(alice.token)), false);
    assert.equal(server.lines.some((line) => line.includes(alice.password)), false);
});

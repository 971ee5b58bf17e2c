// SPDX-License-Identifier: Apache-2.0
// Where providers post: the address of all that is Replicate's (IN-03), signed by svix, and FAL's
// postings, whose keys are fetched; signed here by node:crypto over the message that FAL documents.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { Webhook } from 'svix';

import { startServer, until } from '../helpers.mjs';

const A = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const B = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const pairs = ['k1', 'k2'].map((kid) => ({ kid, ...crypto.generateKeyPairSync('ed25519') }));
let listed = [pairs[0]];
let asked = 0;
let jwks;
let server;

before(async () => {
    jwks = http.createServer((request, response) => {
        asked++;
        const keys = listed.map(({ kid, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid }));
        response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }));
    });
    await new Promise((resolve) => { jwks.listen(0, '127.0.0.1', resolve); });
    const limits = 'concurrency: 4, timeoutSeconds: 5';
    server = await startServer({
        config: `
providers:
  - {id: first, kind: replicate, ${limits}, webhookSecret: {env: SECRET_A}}
  - {id: second, kind: replicate, ${limits}, webhookSecret: {env: SECRET_B}}
  - {id: fal, kind: fal, ${limits}, allowPrivateAddresses: true, webhookKeys: "http://127.0.0.1:${jwks.address().port}/jwks.json"}
  - {id: sketch, kind: sketch, ${limits}}
`,
        env: { SECRET_A: A, SECRET_B: B },
    });
});
after(async () => {
    await server?.stop();
    await new Promise((resolve) => { jwks.closeAllConnections(); jwks.close(resolve); });
});

const post = async (path, body, headers) =>
    (await fetch(`${server.url}/api/webhooks/${path}`, { method: 'POST', body, headers })).status;

const prediction = JSON.stringify({ id: 'nobody', status: 'succeeded' });
const svix = (body, secret) => {
    const at = new Date();
    return { 'webhook-id': 'msg_1', 'webhook-timestamp': String(Math.floor(at / 1000)), 'webhook-signature': new Webhook(secret).sign('msg_1', at, body) };
};

test('one address serves every provider that is Replicate\'s', async () => {
    assert.equal(await post('replicate', prediction, svix(prediction, A)), 200);
    assert.equal(await post('replicate', prediction, svix(prediction, B)), 200);
    assert.equal(await post('replicate', prediction, svix(`${prediction} `, B)), 400);
    assert.equal(await post('replicate', prediction, svix(prediction, 'whsec_AAAA')), 400);
    assert.equal(await post('replicate', prediction, {}), 400);
});

const told = JSON.stringify({ request_id: '0191aa2c-0000-4000-8000-000000000000', status: 'OK', payload: {} });
const fal = (body, pair, stamp = Math.floor(Date.now() / 1000)) => {
    const sum = crypto.createHash('sha256').update(body).digest('hex');
    const message = ['req_1', 'user_1', stamp, sum].join('\n');
    return {
        'x-fal-webhook-request-id': 'req_1', 'x-fal-webhook-user-id': 'user_1', 'x-fal-webhook-timestamp': String(stamp),
        'x-fal-webhook-signature': crypto.sign(null, Buffer.from(message), pair.privateKey).toString('hex'),
    };
};

test('FAL\'s keys are fetched when something is posted, and again when they have changed', async () => {
    assert.equal(asked, 0, 'nobody asks for keys that nothing was signed with');
    assert.equal(await post('provider/fal', told, fal(told, pairs[0])), 503, 'not here yet: post again');
    await until(async () => await post('provider/fal', told, fal(told, pairs[0])) === 200, 'the keys are here');
    assert.equal(asked, 1);
    assert.equal(await post('provider/fal', told.replace('OK', 'KO'), fal(told, pairs[0])), 400);
    assert.equal(await post('provider/fal', told, {}), 400);
    assert.equal(await post('provider/fal', told, fal(told, pairs[0], 1)), 400);
    assert.equal(await post('provider/fal', told, fal(told, pairs[1])), 400, 'a key that is not theirs');
    assert.equal(asked, 1, 'and they are not asked for again within the minute');
});

test('they outlive a restart, and one that is new is found', async () => {
    const { data } = server;
    await server.stop();
    listed = pairs;
    server = await startServer({
        data,
        config: `
providers:
  - {id: fal, kind: fal, concurrency: 4, timeoutSeconds: 5, allowPrivateAddresses: true, webhookKeys: "http://127.0.0.1:${jwks.address().port}/jwks.json"}
  - {id: sketch, kind: sketch, concurrency: 4, timeoutSeconds: 5}
`,
    });
    const before = asked;
    assert.equal(await post('provider/fal', told, fal(told, pairs[0])), 200);
    assert.equal(asked, before);
    await until(async () => await post('provider/fal', told, fal(told, pairs[1])) === 200, 'the new key is here');
});

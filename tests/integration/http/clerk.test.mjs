// SPDX-License-Identifier: Apache-2.0
// Clerk's webhooks (IN-01), signed by the official svix package, and people whose tokens come from
// an issuer of their own, as Clerk's do.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { Webhook } from 'svix';

import { httpClient, startServer, until } from '../helpers.mjs';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';

let keys;
let clerk;
let issuer;
let server;

before(async () => {
    keys = await generateKeyPair('RS256', { extractable: true });
    const jwk = { ...await exportJWK(keys.publicKey), kid: 'k1', alg: 'RS256', use: 'sig' };
    clerk = http.createServer((request, response) => response.setHeader('content-type', 'application/json')
        .end(JSON.stringify(request.url === '/keys' ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/keys` })));
    await new Promise((resolve) => { clerk.listen(0, '127.0.0.1', resolve); });
    issuer = `http://127.0.0.1:${clerk.address().port}`;
    server = await startServer({
        config: `
auth:
  issuers: [{kind: oidc, applicationID: convex, issuer: "${issuer}", allowPrivateAddresses: true}]
  clerk: {webhookSecret: {env: CLERK_WEBHOOK_SECRET}}
`,
        env: { CLERK_WEBHOOK_SECRET: SECRET },
    });
});
after(async () => {
    await server?.stop();
    await new Promise((resolve) => { clerk.closeAllConnections(); clerk.close(resolve); });
});

const token = (subject) => new SignJWT({}).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).setIssuer(issuer)
    .setAudience('convex').setSubject(subject).setIssuedAt().setExpirationTime('5 min').sign(keys.privateKey);

const START = Date.now() - 60_000;
let number = 0;
const user = (id, at, more = {}) => ({
    id, object: 'user', first_name: 'Ada', last_name: 'Lovelace', username: null, image_url: 'https://img.clerk.com/ada',
    primary_email_address_id: 'idn_2', created_at: START, updated_at: START + at,
    email_addresses: [{ id: 'idn_1', email_address: 'old@example.com' }, { id: 'idn_2', email_address: `${id}@example.com` }], ...more,
});
const event = (type, data) => ({ type, object: 'event', data, timestamp: Date.now(), instance_id: 'ins_1' });

// Signed as Svix does it; what differs is in the second part.
async function post(what, { path = '/api/webhooks/clerk', secret = SECRET, id = `msg_${++number}`, at = new Date(), signature, send } = {}) {
    const body = JSON.stringify(what);
    const response = await fetch(server.url + path, {
        method: 'POST',
        headers: {
            'svix-id': id,
            'svix-timestamp': String(Math.floor(at.getTime() / 1000)),
            'svix-signature': signature ?? new Webhook(secret).sign(id, at, body),
        },
        body: send ?? body,
    });
    return { status: response.status, body: await response.json() };
}

async function seen(id) {
    const client = httpClient(server.url, await token(id));
    return until(async () => {
        try {
            return await client.mutation('users:getOrCreateUser', {}) ?? true;
        } catch (error) {
            return /AuthProviderUnavailable/.test(String(error)) ? false : Promise.reject(error);
        }
    }, 'a token of the issuer is taken');
}

test('whom it tells of is there before they come, at each of the addresses', async () => {
    for (const [i, path] of ['/clerk-webhook', '/api/clerk-webhook', '/api/webhooks/clerk'].entries()) {
        const id = `user_path${i}`;
        assert.deepEqual(await post(event('user.created', user(id, 0)), { path }), { status: 200, body: { isNew: true } });
        const me = await seen(id);
        assert.equal(me.name, 'Ada Lovelace');
        assert.equal(me.email, `${id}@example.com`);
        assert.equal(me.clerkId, id);
        assert.equal(me.imageUrl, 'https://img.clerk.com/ada');
    }
});

test('what svix would refuse is refused', async () => {
    const what = event('user.created', user('user_forged', 0));
    const body = JSON.stringify(what);
    const now = new Date();
    const early = new Date(Date.now() - 301_000);
    const late = new Date(Date.now() + 301_000);
    const other = new Webhook(OTHER).sign('msg_f', now, body);
    for (const [name, how] of Object.entries({
        'another secret': { secret: OTHER }, 'too old': { at: early }, 'from the future': { at: late },
        'another body': { send: `${body} ` }, 'no signature': { signature: '' }, 'another version': { signature: 'v2,AAAA' },
        'another posting': { id: 'msg_f', signature: new Webhook(SECRET).sign('msg_g', now, body), at: now },
    }))
        assert.equal((await post(what, how)).status, 400, name);
    const right = new Webhook(SECRET).sign('msg_f', now, body);
    assert.equal((await post(what, { id: 'msg_f', at: now, signature: `${other} v1a,x ${right}` })).status, 200, 'one of several');
    assert.equal((await fetch(`${server.url}/api/webhooks/clerk`, { method: 'POST', body })).status, 400);
    assert.equal((await fetch(`${server.url}/api/webhooks/clerk`)).status, 405);
});

test('in any order, repeated and late, they end the same', async () => {
    const orders = [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2], [2, 1, 0, 3], [0, 3, 1, 2]];
    for (const [round, order] of orders.entries()) {
        const id = `user_order${round}`;
        const events = [
            event('user.created', user(id, 0)),
            event('user.updated', user(id, 10, { first_name: 'Augusta' })),
            event('user.updated', user(id, 20, { first_name: 'Augusta Ada', last_name: 'King' })),
            event('user.updated', user(id, 30, { first_name: 'Ada', last_name: 'King', username: 'ada' })),
        ].map((what, i) => ({ what, id: `msg_${id}_${i}` }));
        for (const i of [...order, ...order.slice(0, 2)])
            assert.equal((await post(events[i].what, { id: events[i].id })).status, 200);
        const me = await seen(id);
        assert.equal(me.name, 'Ada King', String(order));
        assert.equal(me.username, 'ada');
    }
});

test('who is deleted stays deleted, also when nobody had told of them', async () => {
    await post(event('user.created', user('user_gone', 0)));
    await seen('user_gone');
    const gone = event('user.deleted', { id: 'user_gone', object: 'user', deleted: true });
    assert.deepEqual(await post(gone, { id: 'msg_gone' }), { status: 200, body: { isNew: true } });
    assert.deepEqual(await post(gone, { id: 'msg_gone' }), { status: 200, body: { isNew: false } });
    await post(event('user.updated', user('user_gone', 90)));
    await assert.rejects(seen('user_gone'), /deleted/);

    await post(event('user.deleted', { id: 'user_unseen', object: 'user', deleted: true }));
    await post(event('user.created', user('user_unseen', 0)));
    await assert.rejects(seen('user_unseen'), /deleted/);
});

test('what it tells besides is taken and changes nothing', async () => {
    assert.equal((await post(event('session.created', { id: 'sess_1', object: 'session' }))).status, 200);
    assert.equal((await post(event('user.created', { object: 'user' }))).status, 400);
});

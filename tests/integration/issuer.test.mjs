// SPDX-License-Identifier: Apache-2.0
// Tokens of an outside issuer (AUTH-06, AUTH-11): an OpenID provider on loopback, as Clerk is one.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { SignJWT, exportJWK, generateKeyPair } from 'jose';

import { httpClient, sleep, socketClient, startServer, tempFolder, until } from './helpers.mjs';

let keys;
let provider;
let issuer;
let server;
const data = tempFolder('issuer');

// Discovery and keys; counts what was asked.
function startProvider(port = 0) {
    const asked = { discovery: 0, keys: 0 };
    const listener = http.createServer(async (request, response) => {
        const answer = (value) => response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
        if (request.url === '/.well-known/openid-configuration') {
            asked.discovery++;
            answer({ issuer, jwks_uri: `${issuer}/keys` });
        } else if (request.url === '/keys') {
            asked.keys++;
            answer({ keys: await Promise.all(keys.map(async (key) => ({ ...await exportJWK(key.publicKey), kid: key.kid, alg: 'RS256', use: 'sig' }))) });
        } else {
            response.statusCode = 404;
            response.end();
        }
    });
    return new Promise((resolve) => listener.listen(port, '127.0.0.1', () => resolve({
        asked,
        port: listener.address().port,
        stop: () => new Promise((done) => {
            listener.closeAllConnections();
            listener.close(done);
        }),
    })));
}

const makeKey = async (kid) => ({ kid, ...await generateKeyPair('RS256', { modulusLength: 2048 }) });

function token(subject, { key = keys[0], audience = 'convex', from = issuer, lasts = 300, claims = {} } = {}) {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ name: 'Mira', email: 'mira@example.org', ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: key.kid, typ: 'JWT' })
        .setIssuer(from).setSubject(subject).setAudience(audience)
        .setIssuedAt(now).setExpirationTime(now + lasts).sign(key.privateKey);
}

const config = () => `auth:
  issuers:
    - {kind: oidc, issuer: "${issuer}", applicationID: convex, allowPrivateAddresses: true}
`;

// The first token finds the keys not fetched yet and is asked to come again.
const whoAmI = async (bearer) => until(async () => {
    try {
        return { user: await httpClient(server.url, await bearer).query('users:getCurrentUser', {}) };
    } catch (error) {
        if (!/AuthProviderUnavailable/.test(error.message))
            throw error;
        await sleep(50);
        return null;
    }
}, 'the keys of the issuer');

before(async () => {
    keys = [await makeKey('one')];
    provider = await startProvider();
    issuer = `http://127.0.0.1:${provider.port}`;
    server = await startServer({ data, config: config() });
});

after(async () => {
    await server?.stop();
    await provider?.stop();
});

test('the first sight of a verified token makes the person, with first credits', async () => {
    const { user } = await whoAmI(token('user_outside_1'));
    assert.equal(user.clerkId, 'user_outside_1');
    assert.equal(user.email, 'mira@example.org');
    assert.equal(user.credits, 100);
});

test('a storm of sockets makes the person once', async () => {
    const bearer = await token('user_storm');
    const clients = Array.from({ length: 20 }, () => socketClient(server.url, bearer));
    const ids = await Promise.all(clients.map((client) => new Promise((resolve) => {
        client.onUpdate('users:getCurrentUser', {}, (user) => user && resolve(user._id));
    })));
    assert.equal(new Set(ids).size, 1);
    const history = await httpClient(server.url, bearer).query('credits:getCreditHistory', {});
    assert.deepEqual(history.map((row) => [row.type, row.amount]), [['BONUS', 100]]);
    await Promise.all(clients.map((client) => client.close()));
});

test('what is not for us, forged or expired is refused, and not taken for a guest', async () => {
    const stranger = await makeKey('one');
    const refused = {
        'another audience': await token('x', { audience: 'somebody-else' }),
        'another issuer': await token('x', { from: 'https://elsewhere.example' }),
        'a forged signature': await token('x', { key: stranger }),
        'an expired one': await token('x', { lasts: -60 }),
    };
    for (const [what, bearer] of Object.entries(refused)) {
        const answer = await fetch(`${server.url}/api/query`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
            body: JSON.stringify({ path: 'users:getCurrentUser', args: {} }),
        });
        assert.equal(answer.status, 401, what);
        assert.match((await answer.json()).message, /\w/, what);
    }
});

test('tokens with unknown keys do not make us storm the issuer', async () => {
    const before = provider.asked.keys;
    for (let i = 0; i < 20; i++) {
        const bearer = await token('x', { key: await makeKey(`unknown-${i}`) });
        await assert.rejects(httpClient(server.url, bearer).query('users:getCurrentUser', {}));
    }
    assert.ok(provider.asked.keys - before <= 1, `asked ${provider.asked.keys - before} times`);
});

test('while the issuer is down its people stay signed in, also over a restart', async () => {
    const { port } = provider;
    await provider.stop();
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    server = await startServer({ data, config: config() });
    const { user } = await whoAmI(token('user_outside_1'));
    assert.equal(user.credits, 100);
    provider = await startProvider(port);
});

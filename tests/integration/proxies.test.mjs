// SPDX-License-Identifier: Apache-2.0
// Behind a reverse proxy that the configuration names, limits count whom X-Forwarded-For names.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { writeFileSync } from 'node:fs';

import { atelier, startServer, tempFolder } from './helpers.mjs';

const SIGN_UPS_OF_ADDRESS = 20;

let people = 0;
async function signUp(server, forwarded) {
    const answer = await fetch(`${server.url}/api/auth/sign-up`, { method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': forwarded },
        body: JSON.stringify({ email: `p${people++}@example.org`, password: 'a long pass phrase', name: 'P' }) });
    await answer.text();
    return answer.status;
}

test('limits are kept for each address that a trusted proxy names', async () => {
    const server = await startServer({ config: 'server:\n  trustedProxies: [10.0.0.0/8, 127.0.0.1]\n' });
    for (let i = 0; i < SIGN_UPS_OF_ADDRESS; i++)
        assert.equal(await signUp(server, `192.0.2.${i}, 203.0.113.9, 10.0.0.7`), 200);
    assert.equal(await signUp(server, '192.0.2.77, 203.0.113.9'), 429);
    assert.equal(await signUp(server, '192.0.2.77, 203.0.113.8'), 200);
    await server.stop();
});

test('a stranger cannot choose an address by a header', async () => {
    const server = await startServer({ config: 'server:\n  trustedProxies: [10.0.0.0/8]\n' });
    for (let i = 0; i < SIGN_UPS_OF_ADDRESS; i++)
        assert.equal(await signUp(server, `203.0.113.${i}`), 200);
    assert.equal(await signUp(server, '203.0.113.200'), 429);
    await server.stop();
});

test('what is no address is refused at start', async () => {
    const folder = tempFolder('proxies');
    const config = path.join(folder, 'atelier.yaml');
    writeFileSync(config, 'server:\n  trustedProxies: [proxy.example.org]\n');
    const end = await atelier(['serve', '--data', path.join(folder, 'data'), '--config', config]);
    assert.notEqual(end.code, 0);
    assert.match(end.stderr, /server\.trustedProxies: "proxy\.example\.org" is not an address/);
});

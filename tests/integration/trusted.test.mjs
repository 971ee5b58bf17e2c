// SPDX-License-Identifier: Apache-2.0
// compat.trustedCallers: servers of the original studios call functions of the program's own without
// a token, with the official client; nobody else does, and every such call is logged.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { writeFileSync } from 'node:fs';

import { atelier, httpClient, signUp, socketClient, startServer, tempFolder } from './helpers.mjs';

const MISSING = /Could not find public function/;
const from = (...addresses) => `compat:\n  trustedCallers:\n`
    + ['users:createUser', 'subscriptions:handleUpgrade', 'subscriptions:getUserByPolarCustomerId']
        .map((name) => `    - {function: "${name}", addresses: [${addresses.join(', ')}]}\n`).join('');
const told = { clerkId: 'user_told', email: 'told@example.org' };
const upgrade = { userId: 'user_told', polarCustomerId: 'pc_1', polarSubscriptionId: 'ps_1',
    billingCycleStart: Date.now() - 1000, billingCycleEnd: Date.now() + 1e9 };

test('a listed address calls the listed functions, and each call is logged', async () => {
    const server = await startServer({ config: from('127.0.0.0/8', '"::1"') });
    const client = httpClient(server.url);
    const id = await client.mutation('users:createUser', told);
    assert.equal(typeof id, 'string');
    assert.deepEqual(await client.action('subscriptions:handleUpgrade', upgrade), { success: true });
    const user = await client.query('subscriptions:getUserByPolarCustomerId', { polarCustomerId: 'pc_1' });
    assert.equal(user._id, id);
    await assert.rejects(client.mutation('users:deleteUser', { clerkId: 'user_told' }), MISSING);
    await assert.rejects(client.mutation('userProfiles:addCredits', { clerkId: 'user_told', amount: 5 }), MISSING);
    const socket = socketClient(server.url);
    assert.equal(await socket.mutation('users:createUser', told), id);
    assert.deepEqual(await socket.action('subscriptions:handleUpgrade', upgrade), { success: true });
    await assert.rejects(socket.mutation('users:deleteUser', { clerkId: 'user_told' }), MISSING);
    await socket.close();
    const log = server.lines.join('\n');
    assert.match(log, /trusted_call.*users:createUser from (127\.0\.0\.1|::1)/);
    assert.doesNotMatch(log, /told@example\.org/);
    await server.stop();
});

test('other addresses and, by default, everybody see nothing there', async () => {
    for (const config of [from('203.0.113.0/24'), undefined]) {
        const server = await startServer({ config });
        const client = httpClient(server.url);
        const { token } = await signUp(server.url);
        await assert.rejects(client.mutation('users:createUser', told), MISSING);
        await assert.rejects(client.action('subscriptions:handleUpgrade', upgrade), MISSING);
        await assert.rejects(httpClient(server.url, token).mutation('users:createUser', told), MISSING);
        const socket = socketClient(server.url);
        await assert.rejects(socket.mutation('users:createUser', told), MISSING);
        await socket.close();
        await server.stop();
    }
});

test('an address cannot be made up by a header', async () => {
    const server = await startServer({ config: from('203.0.113.0/24') });
    const answer = await fetch(`${server.url}/api/mutation`, { method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': '203.0.113.9' },
        body: JSON.stringify({ path: 'users:createUser', args: told, format: 'json' }) });
    assert.match((await answer.json()).errorMessage, MISSING);
    await server.stop();
});

test('what is no function of the program is refused at start', async () => {
    for (const [name, words] of [['users:nothing', /is no function of the program/],
        ['users:getCurrentUser', /is no function of the program/]]) {
        const folder = tempFolder('trusted');
        const config = path.join(folder, 'atelier.yaml');
        writeFileSync(config, `compat:\n  trustedCallers: [{function: "${name}", addresses: [10.0.0.1]}]\n`);
        const end = await atelier(['serve', '--data', path.join(folder, 'data'), '--config', config]);
        assert.notEqual(end.code, 0);
        assert.match(end.stderr, words);
    }
});

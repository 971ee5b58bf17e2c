// SPDX-License-Identifier: Apache-2.0
// Actions: answered on their own, blocking nothing, and never run again by a reconnect.
import assert from 'node:assert/strict';

import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'actions';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, on: EVERY, ...more }, run);

scenario('an action is answered with its result',
    'An action is answered directly, without a timestamp and without waiting for a transition.',
    async (t) => {
        const client = t.client();
        assert.equal(await client.action('tools:run', {}), 'ok');
        assert.deepEqual(await client.action('fixture:answer', { value: { a: [1n, NaN] } }), { a: [1n, NaN] });
        const [answer] = t.proxy.messages('server', 'ActionResponse');
        assert.equal(answer.ts ?? null, null);
    });

scenario('an action by the path of its folder, with the default name',
    'A path without a colon means the function default, with or without .js.',
    async (t) => {
        const client = t.client();
        for (const path of ['fixtures/deep/folder', 'fixtures/deep/folder:default', 'fixtures/deep/folder.js:default', 'fixtures/deep/folder.js'])
            assert.equal(await client.action(path, { value: path }), path);
    });

scenario('actions and mutations in any mixture',
    'Request numbers are shared by both kinds: gaps in those of mutations mean nothing.',
    async (t) => {
        const client = t.client();
        const done = Array.from({ length: 30 }, (_, i) => (i % 3 === 0
            ? client.action('fixture:answer', { value: i })
            : client.mutation('echo:mutation', { value: i })));
        assert.deepEqual(await Promise.all(done), Array.from({ length: 30 }, (_, i) => i));
    });

scenario('an action does not wait for a slow mutation before it',
    'Actions run beside the mutations of their socket, not behind them.',
    async (t) => {
        t.dirty();
        const client = t.client();
        await client.mutation('items:noop', {});
        const order = [];
        await Promise.all([
            client.mutation('seed:seed_range', { start: t.account, count: 8000, initial: 1 }).then(() => order.push('mutation')),
            client.action('tools:run', {}).then(() => order.push('action')),
        ]);
        assert.deepEqual(order, ['action', 'mutation']);
    });

scenario('an action whose connection breaks fails at the client and is not sent again',
    'Actions are not replayed: the client gives them up, and the server sees each once.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:noop', {});
        t.proxy.on('server', 'ActionResponse', 'cut');
        const error = await t.refused(client.action('tools:run', {}));
        assert.match(error.message, /Connection lost while action was in flight/);
        assert.equal(await client.action('tools:run', {}), 'ok');
        assert.equal(t.proxy.messages('client', 'Action').length, 2);
    });

scenario('an action asked for while there is no connection runs when there is one',
    'An action that was never written to a socket is sent on the next.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:noop', {});
        t.proxy.isRefusing = true;
        t.proxy.last.cut();
        await t.until(() => client.manager.backoffs.length > 0, 'the client to notice');
        const done = client.action('fixture:answer', { value: 'late' });
        t.proxy.isRefusing = false;
        assert.equal(await done, 'late');
        assert.equal(t.proxy.messages('client', 'Action').length, 1);
    });

scenario('the same action twice on one socket is answered twice',
    'Actions are never de-duplicated: each copy runs and is answered.',
    async (t) => {
        const client = t.client();
        t.proxy.on('client', 'Action', 'double');
        assert.equal(await client.action('tools:run', {}), 'ok');
        await t.until(() => t.proxy.messages('server', 'ActionResponse').length === 2, 'the second answer');
    });

scenario('an action that fails fails alone',
    'A failing action rejects its promise and disturbs neither queries nor mutations.',
    async (t) => {
        const client = t.client();
        const list = t.watch(client, 'items:list');
        const [error] = await Promise.all([
            t.refused(client.action('fail:action', {})),
            client.mutation('items:add', { text: t.text }),
            t.refused(client.action('nowhere:nothing', {})),
        ]);
        assert.match(error.message, /boom/);
        assert.equal(list.last().length, 1);
        assert.equal(t.proxy.links.length, 1);
    });

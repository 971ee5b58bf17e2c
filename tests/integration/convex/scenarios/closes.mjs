// SPDX-License-Identifier: Apache-2.0
// How connections end: silence, closes that pass and closes that are for good, and what the
// official client does about each.
import assert from 'node:assert/strict';

import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'closes';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, ...more }, run);

// The client gives up on a silent server after this long instead of a minute.
function impatient(client, ms = 250) {
    client.manager.serverInactivityThreshold = ms;
    client.manager.resetServerInactivityTimeout();
}

scenario('a silent connection is pinged before fifteen seconds are over',
    'An idle client hears a Ping at least every 15 s, so that it never takes the server for dead.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:noop', {});
        const begun = Date.now();
        await t.until(() => t.proxy.messages('server', 'Ping').length > 0, 'a Ping', 16_000);
        assert.ok(Date.now() - begun <= 15_500);
        assert.equal(await client.mutation('items:noop', {}), null);
        assert.equal(t.proxy.links.length, 1);
    });

scenario('a connection that swallows everything is given up by the client, and nothing is lost',
    'A client behind a black hole connects anew; mutations that went into the hole run once.',
    async (t) => {
        const client = t.client();
        const list = t.watch(client, 'items:list');
        await list.shows((items) => items.length === 0);
        t.proxy.last.mute();
        impatient(client);
        await client.mutation('items:add', { text: t.text });
        assert.equal(list.last().length, 1);
        assert.equal(await t.count(), 1);
        assert.equal(t.proxy.messages('client', 'Connect').at(-1).lastCloseReason, 'InactiveServer');
    }, { on: EVERY });

scenario('a black hole that takes the mutation through, but not its answer',
    'What ran before the connection fell silent does not run again when the client comes back.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:noop', {});
        t.proxy.on('server', ({ type, requestId }) => type === 'MutationResponse' && requestId === 1, 'mute');
        impatient(client);
        await client.mutation('items:add', { text: t.text });
        assert.equal(await t.count(), 1);
    }, { on: EVERY });

scenario('a server whose answers are late is not left',
    'A client that hears anything in time stays: answers that are slow lose no connection.',
    async (t) => {
        t.proxy.delays = { client: 0, server: 120 };
        const client = t.client();
        impatient(client, 900);
        for (let i = 0; i < 3; i++)
            await client.mutation('items:add', { text: t.text });
        assert.equal(t.proxy.links.length, 1);
    });

scenario('a handshake that nobody answers',
    'A connection that is taken and not answered is given up, and the next one is used.',
    async (t) => {
        t.proxy.isSilent = true;
        const client = t.client();
        impatient(client, 400);
        await t.until(() => t.proxy.links.length >= 2, 'a second attempt');
        t.proxy.isSilent = false;
        await client.mutation('items:add', { text: t.text });
        assert.equal(await t.count(), 1);
    }, { on: EVERY });

// ---- for good ----

for (const [what, type] of [['query set', 'ModifyQuerySet'], ['Connect', 'Connect']])
    scenario(`a ${what} that comes twice is a fatal error, and the client stays away`,
        'A violation of the protocol is answered with FatalError, after which the client never comes back.',
        async (t) => {
            t.proxy.on('client', type, 'double');
            const client = t.client();
            t.watch(client, 'items:list');
            await t.until(() => t.proxy.messages('server', 'FatalError').length > 0, 'the fatal error');
            await t.until(() => t.thrown.length > 0, 'the client to throw');
            assert.match(String(t.thrown[0]), /FATAL/);
            await t.until(() => client.manager.socket.state === 'terminated', 'the client to end');
            assert.equal(t.proxy.links.length, 1);
        }, { on: EVERY, throws: true });

scenario('an Authenticate that comes twice is a fatal error',
    'baseVersion must be the identity version received last.',
    async (t) => {
        t.proxy.on('client', 'Authenticate', 'double');
        t.client({ auth: t.token() });
        await t.until(() => t.proxy.messages('server', 'FatalError').length > 0, 'the fatal error');
    }, { throws: true });

scenario('a query set that was lost on the way is a fatal error at the next one',
    'A gap in the query set versions is noticed, not papered over.',
    async (t) => {
        const client = t.client();
        await t.watch(client, 'items:count').shows(() => true);
        t.proxy.on('client', 'ModifyQuerySet', 'drop');
        t.watch(client, 'items:list');
        await t.until(() => t.proxy.messages('client', 'ModifyQuerySet').length >= 2, 'the lost one');
        t.watch(client, 'echo:query', { value: 1 });
        await t.until(() => t.proxy.messages('server', 'FatalError').length > 0, 'the fatal error');
    }, { throws: true });

scenario('one client\'s fatal error is nobody else\'s',
    'A client that breaks the protocol loses its own connection only.',
    async (t) => {
        const good = t.client();
        const list = t.watch(good, 'items:list');
        await list.shows((items) => items.length === 0);
        t.proxy.on('client', 'ModifyQuerySet', 'double');
        t.client();
        await t.until(() => t.proxy.messages('server', 'FatalError').length > 0, 'the fatal error');
        await good.mutation('items:add', { text: t.text });
        assert.equal(list.last().length, 1);
    }, { throws: true });

scenario('mistakes of an application are never fatal',
    'FatalError is for violations of the protocol only, never for functions that fail.',
    async (t) => {
        const client = t.client();
        await Promise.all([
            t.refused(client.mutation('nowhere:nothing', { a: 1 })),
            t.refused(client.action('', {})),
            t.refused(client.mutation('items:add', { text: null })),
            t.refused(client.query('items:get', { index: -1 })),
            t.refused(client.mutation('a/b/c:d', {})),
        ]);
        assert.deepEqual(t.proxy.messages('server', 'FatalError'), []);
        assert.equal(t.proxy.links.length, 1);
    }, { on: EVERY });

// ---- that pass ----

scenario('a server that stops says so in a way that clients understand',
    'An ordinary stop closes with a transient reason: the client waits a second at first, and comes back.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:add', { text: t.text });
        await t.restart();
        await client.mutation('items:add', { text: t.text });
        assert.equal(await t.count(), 2);
        const [{ reason, ms }] = client.manager.backoffs;
        assert.equal(reason, 'InternalServerError');
        assert.ok(ms >= 500 && ms <= 1500);
    }, { on: EVERY });

scenario('too many queries close the socket for a while, not for good',
    'A client over its budget is sent away with a transient reason and no fatal error.',
    async (t) => {
        const raw = t.raw();
        const changes = Array.from({ length: 8100 }, (_, i) => ({ type: 'Add', queryId: i, udfPath: 'echo:query', args: [{ value: i }] }));
        await raw.connect({ type: 'ModifyQuerySet', baseVersion: 0, newVersion: 1, modifications: changes });
        const { code, reason } = await raw.closed(10_000);
        assert.equal(code, 1013);
        assert.match(reason, /^(SubscriptionsWorkerFullError|TooManyConcurrentRequests)/);
        assert.deepEqual(raw.others, []);
        assert.equal(await t.client().mutation('items:noop', {}), null);
    });

scenario('telemetry is neither answered nor minded',
    'Event messages change nothing, whatever they hold.',
    async (t) => {
        const client = t.client({ reportDebugInfoToConvex: true });
        await client.query('items:count', {});
        for (const event of [null, 1, [{ a: 1 }], { deep: [[[{}]]] }, 'x'.repeat(10_000)])
            client.manager.sendMessage({ type: 'Event', eventType: 'Whatever', event });
        await client.mutation('items:add', { text: t.text });
        assert.ok(t.proxy.messages('client', 'Event').length >= 5);
        assert.equal(t.proxy.links.length, 1);
    }, { on: EVERY });

scenario('a client that closes is forgotten at once',
    'An ordinary close by the client is answered with a close and frees its session.',
    async (t) => {
        const client = t.client();
        await t.watch(client, 'items:list').shows(() => true);
        const before = await t.metric('atelier_net_sockets');
        await client.close();
        await t.until(async () => await t.metric('atelier_net_sockets') === before - 1, 'the socket to be gone');
    }, { on: EVERY });

scenario('a close in the middle of everything',
    'A client that leaves while mutations and queries are under way harms neither the server nor their order.',
    async (t) => {
        const client = t.client();
        await client.mutation('items:noop', {});
        for (let i = 0; i < 30; i++)
            client.mutation('items:add', { text: `${t.text} ${i}` }).catch(() => {});
        t.watch(client, 'items:list');
        await client.close();
        const other = t.client();
        await other.mutation('items:add', { text: 'after' });
        const texts = await t.texts();
        const own = texts.filter((text) => text.startsWith(t.text));
        assert.deepEqual(own, Array.from({ length: own.length }, (_, i) => `${t.text} ${i}`), 'a beginning of the row');
        assert.ok(texts.includes('after'));
    });

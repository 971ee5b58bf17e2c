// SPDX-License-Identifier: Apache-2.0
// The conformance suite: named scenarios, each with the invariant that it can break, run with the
// official clients of several versions against a real server through proxy.mjs.
//
//   scenario('name', { group: 'exactly once', breaks: 'the invariant, one sentence' }, async (t) => {
//       const client = t.client();
//       const cut = t.proxy.on('server', 'MutationResponse', 'cut');
//       await client.mutation('items:add', { text: t.text });
//   });
//
// A lane is a server that runs one scenario at a time, with its data for itself; several lanes run
// at once. Beside what a scenario asserts, it fails when a message broke the protocol (check.mjs),
// when the client threw on a message, when the server ended, and after LIMIT_MS.
//
// Environment: ATELIER_FIXTURE (the program, build/atelier-fixture), SCENARIOS (a regular expression
// for "group: name"), VERSIONS (one for version names, such as 1.24), LANES, LIMIT_MS.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, it } from 'node:test';

import WebSocket from 'ws';

import { startServer, until } from '../helpers.mjs';
import { RawSession } from '../raw.mjs';
import { Proxy } from './proxy.mjs';
import { config, token } from './tokens.mjs';

const LIMIT_MS = Number(process.env.LIMIT_MS ?? 20_000);
const LANES = Number(process.env.LANES ?? 4);
const BACKOFF_MS = 15; // the client's own delays are noted, not waited for
const ITEMS_KEPT = 40; // a lane with more items than this gets a new folder instead of being tidied
const PROGRAM = process.env.ATELIER_FIXTURE ?? 'atelier-fixture';

// ---- client versions ----

const packages = { '1.24': 'convex-1-24', '1.31': 'convex-1-31', '1.44': 'convex' };

async function load(version) {
    const name = packages[version];
    const [browser, react, values, server] = await Promise.all(
        ['browser', 'react', 'values', 'server'].map((part) => import(`${name}/${part}`)));
    return { version, browser, react, values, server };
}

const clients = Object.fromEntries(await Promise.all(
    Object.keys(packages).map(async (version) => [version, await load(version)])));
export const EVERY = Object.keys(packages);
export const NEWEST = ['1.44'];
export const CHUNKED = ['1.31', '1.44']; // those that put TransitionChunks together

// ---- lanes ----

class Lane {
    async start() {
        this.server = await startServer({ program: PROGRAM, config });
        this.isDirty = false;
    }

    // kill -9, and the same folder again on another port.
    async restart(signal = 'kill') {
        await this.server[signal]();
        this.server = await startServer({ program: PROGRAM, config, data: this.server.data });
    }

    async stop() {
        await this.server?.kill();
        this.server = null;
    }

    // Ready for the next scenario: no items, or no server.
    async tidy() {
        if (this.isDirty)
            return this.stop();
        const http = new clients['1.44'].browser.ConvexHttpClient(this.server.url, { logger: false });
        const items = await http.query('items:list', {});
        if (items.length > ITEMS_KEPT)
            return this.stop();
        for (const { _id } of items)
            await http.mutation('items:remove', { id: _id });
        return undefined;
    }
}

const free = Array.from({ length: LANES }, () => new Lane());
const queue = [];

// A scenario that Node's runner gives up early still has its lane until it has ended.
function takeLane() {
    return free.length > 0 ? free.pop() : new Promise((resolve) => {
        queue.push(resolve);
    });
}

function giveLane(lane) {
    const next = queue.shift();
    if (next === undefined)
        free.push(lane);
    else
        next(lane);
}

// ---- what a scenario is given ----

let accounts = 0;

class Scenario {
    constructor(lane, convex) {
        this.lane = lane;
        this.convex = convex;
        this.version = convex.version;
        this.text = `text-${randomUUID().slice(0, 8)}`;
        this.subject = `user-${randomUUID().slice(0, 8)}`;
        this.account = (++accounts) * 100_000; // numbers from here are its own
        this.thrown = []; // by the client's message handlers
        this.said = []; // what the clients logged
        this.endings = [];
    }

    get server() {
        return this.lane.server;
    }

    // Straight to the server.
    get direct() {
        return this.lane.server.url;
    }

    atEnd(run) {
        this.endings.push(run);
    }

    token(subject = this.subject, options = {}) {
        return token(subject, options);
    }

    // ---- clients ----

    // Options of a client whose socket notes what its handlers throw.
    options(more = {}) {
        const { thrown } = this;
        class Socket extends WebSocket {
            set onmessage(handler) {
                super.onmessage = (event) => {
                    try {
                        handler(event);
                    } catch (error) {
                        thrown.push(error);
                    }
                };
            }
        }
        const log = (...words) => this.said.push(words.join(' '));
        return {
            webSocketConstructor: Socket,
            logger: { logVerbose() {}, log, warn: log, error: log },
            skipConvexDeploymentUrlCheck: true,
            ...more,
        };
    }

    // Reconnects are made at once; what the client would have waited is in manager.backoffs.
    hurry(base) {
        const manager = base.webSocketManager;
        const ask = manager.nextBackoff.bind(manager);
        manager.backoffs = [];
        manager.nextBackoff = (reason) => {
            const ms = ask(reason);
            manager.backoffs.push({ reason, ms });
            return BACKOFF_MS;
        };
        return manager;
    }

    // A ConvexClient through the proxy; base is its BaseConvexClient.
    client({ url = this.proxy.url, auth, onAuth, ...more } = {}) {
        const client = new this.convex.browser.ConvexClient(url, this.options(more));
        client.base = client.client;
        client.manager = this.hurry(client.base);
        client.session = client.base._sessionId ?? client.base.sessionId;
        this.atEnd(() => client.close());
        if (auth !== undefined)
            client.setAuth(typeof auth === 'function' ? auth : async () => auth, onAuth);
        return client;
    }

    reactClient({ url = this.proxy.url, auth, onAuth, ...more } = {}) {
        const client = new this.convex.react.ConvexReactClient(url, this.options(more));
        this.hurry(client.sync);
        this.atEnd(() => client.close());
        if (auth !== undefined)
            client.setAuth(typeof auth === 'function' ? auth : async () => auth, onAuth);
        return client;
    }

    http(bearer) {
        const client = new this.convex.browser.ConvexHttpClient(this.direct, { logger: false });
        if (bearer !== undefined)
            client.setAuth(bearer);
        return client;
    }

    // The protocol by hand, straight to the server; of the session of a client if one is given.
    raw(client) {
        const raw = new RawSession(this.direct, client === undefined ? {} : { sessionId: client.session });
        this.atEnd(() => raw.socket?.terminate());
        return raw;
    }

    // ---- looking ----

    // Everything that a subscription shows, in order.
    watch(client, name, args = {}) {
        const watched = { seen: [], failures: [] };
        const stop = client.onUpdate(name, args,
            (value) => watched.seen.push(value), (error) => watched.failures.push(error));
        return Object.assign(watched, {
            stop,
            last: () => watched.seen[watched.seen.length - 1],
            shows: async (test, what, ms) => {
                const found = await until(() => watched.seen.length > 0 && test(watched.last()) && { value: watched.last() },
                    what ?? `${name} to show it, not ${JSON.stringify(watched.last())?.slice(0, 200)}`, ms, 3);
                return found.value;
            },
            failed: (test = () => true, what = `${name} to fail`, ms = undefined) => until(() => {
                const error = watched.failures[watched.failures.length - 1];
                return error !== undefined && test(error) && error;
            }, what, ms, 3),
        });
    }

    until(ask, what, ms = 8000) {
        return until(ask, what, ms, 3);
    }

    // How often this text is among the items.
    async count(text = this.text) {
        return (await this.http().query('items:list', {})).filter((item) => item.text === text).length;
    }

    async texts() {
        return (await this.http().query('items:list', {})).map(({ text }) => text);
    }

    async metric(name) {
        const text = await (await fetch(`${this.direct}/metrics`)).text();
        return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)[1]);
    }

    refused(promise) {
        return promise.then((value) => assert.fail(`it was not refused: ${JSON.stringify(value)}`), (error) => error);
    }

    // ---- accidents ----

    // kill -9 and a start on the same folder. Clients find it through the proxy.
    async crash() {
        await this.lane.restart('kill');
        this.proxy.retarget(this.direct);
    }

    // An ordinary stop and start.
    async restart() {
        await this.lane.restart('stop');
        this.proxy.retarget(this.direct);
    }

    // The lane's data is no use to others after this scenario.
    dirty() {
        this.lane.isDirty = true;
    }
}

// ---- running ----

const scenarios = [];

/*
 * breaks: the invariant that a wrong server would break here. on: the client versions it is run
 * with. throws: the client's handlers may throw (it is told of a fatal error).
 */
export function scenario(name, { group, breaks, on = NEWEST, throws = false }, run) {
    assert.ok(breaks?.length > 20 && group, `${name}: the group, and the invariant it can break, in a sentence`);
    assert.equal(scenarios.some((other) => other.name === name && other.group === group), false, `${name} is there twice`);
    scenarios.push({ name, group, breaks, on, throws, run });
}

const late = (ms) => new Promise((_, reject) => {
    setTimeout(reject, ms, new Error(`not over within ${ms} ms`)).unref();
});

// What the server said last, if it has ended by itself.
async function obituary(server) {
    const gone = await Promise.race([server.exited, new Promise((resolve) => {
        setImmediate(resolve, null);
    })]);
    return gone === null ? '' : `\nThe server ended: ${JSON.stringify(gone)}\n${server.lines.slice(-60).join('\n')}`;
}

async function judge(t, { throws }) {
    const problem = t.proxy.problem();
    if (problem !== null)
        throw problem;
    if (!throws && t.thrown.length > 0)
        throw new Error('the client threw on a message', { cause: t.thrown[0] });
    if (await obituary(t.server) !== '')
        throw new Error('the server ended');
}

async function runOne(one, convex) {
    const lane = await takeLane();
    let isGood = false;
    let t = null;
    try {
        if (!lane.server)
            await lane.start();
        t = new Scenario(lane, convex);
        t.proxy = await Proxy.start(t.direct);
        await Promise.race([one.run(t), late(LIMIT_MS), t.proxy.broken()]);
        await judge(t, one);
        isGood = true;
    } catch (error) {
        error.message += `\nIt breaks: ${one.breaks}`;
        const problem = t?.proxy?.problem();
        if (problem && problem !== error)
            error.message += `\nBefore that: ${problem.message}`;
        if (t?.thrown.length > 0)
            error.message += `\nThe client threw: ${t.thrown[0].message}`;
        if (t?.server)
            error.message += await obituary(t.server);
        throw error;
    } finally {
        for (const end of t?.endings.reverse() ?? [])
            await Promise.race([end(), new Promise((resolve) => {
                setTimeout(resolve, 200).unref();
            })]);
        t?.proxy?.stop();
        await (isGood ? lane.tidy() : lane.stop());
        giveLane(lane);
    }
}

// Registers all of them with Node's test runner.
export function runScenarios() {
    const wanted = new RegExp(process.env.SCENARIOS ?? '', 'i');
    const versions = new RegExp(process.env.VERSIONS ?? '');
    const found = scenarios.filter(({ group, name }) => wanted.test(`${group}: ${name}`));
    describe('convex conformance', { concurrency: LANES }, () => {
        for (const one of found)
            for (const version of one.on.filter((each) => versions.test(each)))
                it(`${one.group}: ${one.name} (${version})`, () => runOne(one, clients[version]));
    });
    after(() => Promise.all(free.map((lane) => lane.stop())));
}

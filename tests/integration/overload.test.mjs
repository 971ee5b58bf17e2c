// SPDX-License-Identifier: Apache-2.0
// A server that may take little memory, and clients that want much more than there is: they
// subscribe to what is large, do not read what they are told, send bodies that do not end, and ask
// for what is costly. The process stays below its limit, who is signed in is served meanwhile, and
// afterwards everything is as it was.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { addUser, atelier, httpClient, sleep, startServer, tempFolder, until } from './helpers.mjs';
import { RawSession, add, authenticate, mutation, querySet } from './raw.mjs';

const MIB = 1 << 20;
const LIMIT = 384 * MIB;
let server, alice, good;

// Fields of /proc/PID/status are in KiB.
const memory = (field) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) * 1024;

async function metric(name) {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    assert.ok(line, `a metric ${name}`);
    return Number(line.split(' ').pop());
}
const used = (budget) => metric(`atelier_base_budget_used_bytes{budget="${budget}"}`);
const shed = (budget) => metric(`atelier_base_shed_total{budget="${budget}"}`);

before(async () => {
    server = await startServer({ program: 'atelier-fixture', args: ['--memory-limit', '384MiB'], config: 'server: {compression: false}\n' });
    alice = await addUser(server);
    good = await new RawSession(server.url).connect(authenticate(alice.token), querySet(0, add(0, 'items:count')));
    await good.reached(1, 1);
});
after(async () => {
    good?.end();
    const end = await server?.stop();
    assert.deepEqual(end, { code: 0, signal: null }, server?.lines.slice(-10).join('\n'));
});

// Somebody who is signed in goes on meanwhile; answers the longest that a call of theirs took.
let asked = 0;
async function goOn(isOver) {
    let longest = 0;
    while (!isOver()) {
        const start = Date.now();
        const id = asked++;
        good.send(mutation(id, 'echo:mutation', { value: id }));
        const said = await good.settled(id, 20_000);
        assert.equal(said.result, id);
        longest = Math.max(longest, Date.now() - start);
        await sleep(20);
    }
    return longest;
}

// The hostile part, with the good part beside it.
async function under(hostile) {
    let isOver = false;
    const going = goOn(() => isOver);
    try {
        await hostile();
    } finally {
        isOver = true;
    }
    const longest = await going;
    assert.ok(longest < 15_000, `a call beside it took ${longest} ms`);
    assert.ok(memory('VmHWM') < LIMIT, `${memory('VmHWM') / MIB} MiB were taken`);
    assert.equal(good.ended, null, 'who is signed in keeps the connection');
}

// What was taken is given back.
const settled = (budget) => until(async () => await used(budget) < MIB, `little is used of ${budget}`, 20_000, 100);

test('strangers that subscribe to more than there is are told to come back later', async () => {
    const before_ = await shed('live');
    await under(async () => {
        const sessions = await Promise.all(Array.from({ length: 12 }, async (_, i) => {
            const queries = Array.from({ length: 6 }, (_, k) => add(k, 'fixture:text', { size: 8 * MIB + i * 10 + k }));
            const raw = await new RawSession(server.url).connect(querySet(0, ...queries));
            return raw;
        }));
        const closed = await until(() => sessions.filter((raw) => raw.ended !== null).length >= 6 && sessions.filter((raw) => raw.ended !== null),
            'some of them to be closed', 30_000);
        for (const raw of closed)
            assert.ok(['SubscriptionsWorkerFullError', 'SlowClient', ''].includes(raw.ended.reason), JSON.stringify(raw.ended));
        assert.ok(closed.some((raw) => raw.ended.code === 1013 && raw.ended.reason === 'SubscriptionsWorkerFullError'));
        sessions.forEach((raw) => raw.socket.terminate());
    });
    assert.ok(await shed('live') > before_);
    await settled('live');
});

test('strangers that do not read are cut off, the one with most waiting first', async () => {
    const before_ = await shed('unsent');
    await under(async () => {
        const stalled = await Promise.all(Array.from({ length: 30 }, async () => {
            const raw = await new RawSession(server.url).connect(querySet(0, add(0, 'items:count')));
            await raw.reached(1);
            raw.socket._socket.pause();
            return raw;
        }));
        // Each has its own large answer on the way, and takes none of it.
        for (const [i, raw] of stalled.entries())
            raw.send(mutation(1, 'limits:resultOfMutation', { bytes: 6 * MIB + i }));
        await until(async () => await shed('unsent') > before_, 'somebody to be cut off', 30_000, 100);
        stalled.forEach((raw) => raw.socket.terminate());
    });
    await settled('unsent');
});

test('one person has a quarter by all connections together; the next person is not touched', async () => {
    const [carol, bob] = [await addUser(server), await addUser(server)];
    const large = (seed) => Array.from({ length: 14 }, (_, i) => add(i, 'limits:read', { count: 0, filler: `${seed}${i}`.padEnd(MIB, 'x') }));
    const open = (user, seed) => new RawSession(server.url).connect(authenticate(user.token), querySet(0, ...large(seed)));
    const first = await open(carol, 'a');
    await first.reached(1, 1);
    const second = await open(carol, 'b'); // 28 MiB of 24
    assert.deepEqual(await second.closed(), { code: 1013, reason: 'SubscriptionsWorkerFullError' });
    const other = await open(bob, 'c');
    await other.reached(1, 1);
    assert.equal(first.ended, null);
    assert.equal(good.ended, null);
    first.end();
    other.end();
    await settled('live');
});

test('what one person asks beyond all memory costs nobody else the connection, also in the same round', async () => {
    const [mallory, bob] = [await addUser(server), await addUser(server)];
    const queries = Array.from({ length: 20 }, (_, k) => add(k, 'fixture:text', { size: 8 * MIB + 1000 + k }));
    let isOver = false;
    const writing = (async () => {
        const client = httpClient(server.url, bob.token);
        while (!isOver)
            await client.mutation('items:add', { text: 'meanwhile' });
    })();
    await under(async () => {
        for (let i = 0; i < 8; i++) {
            const raw = await new RawSession(server.url).connect(authenticate(mallory.token), querySet(0, ...queries));
            await raw.closed(20_000);
        }
        isOver = true;
        await writing;
    });
    await settled('live');
});

// A POST whose body is announced and does not come to its end; what came back, if anything.
const unfinished = (bytes, sent, more = '') => new Promise((resolve) => {
    const { hostname, port } = new URL(server.url);
    const socket = net.connect(Number(port), hostname);
    let text = '';
    socket.on('data', (data) => {
        text += data;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    socket.write(`POST /api/mutation HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${bytes}\r\n${more}\r\n`);
    socket.write(Buffer.alloc(sent, 'x'));
    setTimeout(() => socket.destroy(), 4000);
});

test('bodies of strangers that do not end are refused with 503 once there are too many', async () => {
    await under(async () => {
        const answers = await Promise.all(Array.from({ length: 40 }, () => unfinished(16 * MIB, 12 * MIB)));
        const refused = answers.filter((text) => text.startsWith('HTTP/1.1 503'));
        assert.ok(refused.length >= 20, `${refused.length} were refused`);
        for (const text of refused)
            assert.match(text, /Retry-After: \d+/i);
    });
    await settled('calls');
});

test('signed in, a large body passes while strangers\' bodies fill their half', async () => {
    const hostile = Promise.all(Array.from({ length: 40 }, () => unfinished(16 * MIB, 12 * MIB)));
    await sleep(500);
    const value = 'x'.repeat(10 * MIB);
    assert.equal((await httpClient(server.url, alice.token).query('echo:query', { value })).length, value.length);
    await hostile;
    await settled('calls');
});

test('signed in, one who does not end their bodies does not take the room of all', async () => {
    const mallory = await addUser(server);
    await under(async () => {
        const answers = await Promise.all(Array.from({ length: 40 },
            () => unfinished(16 * MIB, 12 * MIB, `Authorization: Bearer ${mallory.token}\r\n`)));
        assert.ok(answers.some((text) => text.startsWith('HTTP/1.1 503')));
        assert.ok(await used('calls') < LIMIT / 4, 'others have room');
    });
    await settled('calls');
});

test('values of very many small parts do not take the memory of all', async () => {
    await under(async () => {
        const part = `[${Array.from({ length: 8000 }, () => 1).join(',')}]`;
        const body = `{"path":"echo:mutation","args":{"value":[${Array.from({ length: 30 }, () => part).join(',')}]}}`;
        const answers = await Promise.all(Array.from({ length: 24 }, async () => {
            const response = await fetch(`${server.url}/api/mutation`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
            await response.text();
            return response.status;
        }));
        assert.ok(answers.every((status) => [200, 503].includes(status)), String(answers));
        assert.ok(answers.includes(200));
    });
    await settled('calls');
});

test('more connections than strangers may have cost the oldest of them, not the newcomer', async () => {
    const { hostname, port } = new URL(server.url);
    const sockets = [];
    await under(async () => {
        for (let i = 0; i < 3000; i++) {
            const socket = net.connect(Number(port), hostname);
            socket.on('error', () => {});
            sockets.push(socket);
        }
        await sleep(500);
        assert.equal(await (await fetch(`${server.url}/healthz`)).text(), 'ok\n');
    });
    sockets.forEach((socket) => socket.destroy());
});

test('a memory limit that is none is refused before anything begins, and says how to write it', async () => {
    for (const limit of ['100MiB', 'half', '0', '-1G']) {
        const said = await atelier(['serve', '--data', tempFolder('data'), '--memory-limit', limit]);
        assert.equal(said.code, 1);
        assert.match(said.stderr, /server\.memoryLimit: .* Write it as 512MiB or 2GiB\./);
    }
});

for (const [how, options] of Object.entries({
    'an option': { args: ['--memory-limit', '768MiB'] },
    'the file': { config: 'server: {memoryLimit: 768M}\n' },
    'a number in the file': { config: `server: {memoryLimit: ${768 * MIB}}\n` },
    'the environment': { env: { ATELIER_SERVER_MEMORY_LIMIT: String(768 * MIB) } },
}))
    test(`the memory limit may come by ${how}`, async () => {
        const other = await startServer(options);
        const text = await (await fetch(`${other.url}/metrics`)).text();
        assert.match(text, new RegExp(`^atelier_base_memory_limit_bytes ${768 * MIB}$`, 'm'));
        assert.match(text, new RegExp(`^atelier_base_budget_max_bytes\\{budget="live"\\} ${192 * MIB}$`, 'm'));
        await other.stop();
    });

test('afterwards everything works, and the process is the same', async () => {
    process.kill(server.pid, 0);
    const client = httpClient(server.url);
    const { count } = await client.query('items:count', {});
    await client.mutation('items:add', { text: 'after' });
    assert.equal((await client.query('items:count', {})).count, count + 1);
    const raw = await new RawSession(server.url).connect(querySet(0, add(0, 'fixture:text', { size: MIB })));
    assert.equal((await raw.result(0)).value.length, MIB);
    raw.end();
    for (const budget of ['live', 'unsent', 'calls'])
        await settled(budget);
    assert.equal(await metric('atelier_serve_memory_short'), 0);
    assert.ok(memory('VmHWM') < LIMIT, `${memory('VmHWM') / MIB} MiB at most`);
});

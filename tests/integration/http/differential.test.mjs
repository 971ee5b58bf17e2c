// SPDX-License-Identifier: Apache-2.0
// Our server against nginx and node on the same bytes: what ours accepts, nobody may read in
// another way, and what both others accept, ours accepts too, unless cases.mjs says why not.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hostile, ordinary } from './cases.mjs';
import { inParallel, send, startMirror, startNginx, startNode, startOurs } from './servers.mjs';

const AT_ONCE = 24;
const RANDOM = 1500;

let ours, node, nginx, mirror;

before(async () => {
    [ours, node, mirror] = await Promise.all([startOurs(), startNode(), startMirror()]);
    nginx = await startNginx(mirror.port);
});

after(() => {
    for (const server of [nginx, mirror, node, ours]) server?.stop();
});

async function ask(raw, quiet = 300) {
    const [us, them, proxy] = await Promise.all([
        send(ours.port, raw, quiet),
        send(node.port, raw, quiet),
        send(nginx.port, raw, quiet),
    ]);
    return { raw, us, others: [them, proxy] };
}

/* On a busy machine a slow answer looks like none: what fails is asked again, with patience. */
async function assertPatiently(result, judge) {
    try {
        judge(result);
    } catch {
        judge(await ask(result.raw, 4000));
    }
}

const show = (raw) => JSON.stringify(raw);

/* Each request that ours accepted and another accepted too was the same request to both. */
function assertSameReading({ raw, us, others }) {
    for (const other of others) {
        const both = Math.min(us.accepted.length, other.accepted.length);
        assert.deepEqual(us.accepted.slice(0, both), other.accepted.slice(0, both), show(raw));
    }
}

const count = (result) => result.accepted.length;

test('ordinary requests are read alike by all', async (context) => {
    const results = await inParallel(Object.values(ordinary), AT_ONCE, (raw) => ask(raw));
    for (const [at, name] of Object.keys(ordinary).entries())
        await context.test(name, () =>
            assertPatiently(results[at], ({ us, others }) => {
                assert.equal(us.refused, 0);
                assert.equal(count(us) === 0, name.startsWith('an unfinished'));
                for (const other of others) {
                    assert.deepEqual(us.accepted, other.accepted);
                    assert.equal(other.refused, 0);
                }
            }),
        );
});

test('hostile requests are refused, or read as the others read them', async (context) => {
    const results = await inParallel(Object.values(hostile), AT_ONCE, ([raw]) => ask(raw));
    for (const [at, [name, [, why]]] of Object.entries(hostile).entries())
        await context.test(name, () =>
            assertPatiently(results[at], (result) => {
                assertSameReading(result);
                const most = Math.max(...result.others.map(count));
                assert.ok(count(result.us) <= most, `only ours takes ${show(result.raw)}`);
                if (count(result.us) === most) assert.equal(why, undefined, 'the reason is not needed');
                else assert.ok(why, `nothing says why ours does not take ${show(result.raw)}`);
            }),
        );
});

// mulberry32: the same seed, the same requests.
function chance(seed) {
    let state = seed;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

const pieces = [
    '\r', '\n', '\r\n', '\r\n\r\n', ' ', '\t', ':', ';', ',', '\0', '\x0b', '\x7f', '\xff', '0', '5', '00', 'x',
    '%', '%2', '%2f', '/', '\\', '?', '#', 'HTTP/1.1', 'HTTP/1.0', 'Host: a\r\n', 'Content-Length: 5\r\n',
    'Content-Length: 0\r\n', 'Transfer-Encoding: chunked\r\n', 'Connection: close\r\n', 'X-A: b\r\n',
    '0\r\n\r\n', '5\r\nhello\r\n', 'chunked', 'GET /e2 HTTP/1.1\r\nHost: a\r\n\r\n',
];

function damage(random, raw) {
    let text = raw;
    for (let times = 1 + Math.floor(random() * 3); times > 0; times--) {
        const at = Math.floor(random() * (text.length + 1));
        const piece = pieces[Math.floor(random() * pieces.length)];
        const kind = random();
        if (kind < 0.4) text = text.slice(0, at) + piece + text.slice(at);
        else if (kind < 0.7) text = text.slice(0, at) + text.slice(at + 1 + Math.floor(random() * 3));
        else text = text.slice(0, at) + piece + text.slice(at + piece.length);
    }
    return text;
}

test('damaged requests that ours accepts are read alike by all who accept them', async () => {
    const seed = Number(process.env.ATELIER_SEED ?? 20261120);
    const random = chance(seed);
    const bases = [...Object.values(ordinary), ...Object.values(hostile).map(([raw]) => raw)];
    const texts = Array.from({ length: RANDOM }, () => damage(random, bases[Math.floor(random() * bases.length)]));
    const results = await inParallel(texts, AT_ONCE * 2, (raw) => ask(raw));
    for (const result of results)
        await assertPatiently(result, (again) => {
            assertSameReading(again);
            const most = Math.max(...again.others.map(count));
            /* Node throws the answer to a good request away when a bad one follows it. */
            const isAlone = count(again.us) > most && again.us.refused === 0;
            assert.ok(!isAlone, `only ours takes ${show(again.raw)} (seed ${seed})`);
        });
    assert.ok(results.some(({ us }) => count(us) > 0) && results.some(({ us }) => us.refused !== 0));
});

// SPDX-License-Identifier: Apache-2.0
// Exactly once over the wire: copies of one request on many sockets of one session, at once, while
// the first runs or waits, and across kill -9. The lists say how often each really ran.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';

import { until } from '../helpers.mjs';
import { RawSession, mutation, querySet, tsRead } from '../raw.mjs';
import { Victim } from './run.mjs';

const SOCKETS = 10;
const victim = new Victim();
before(() => victim.start());
after(() => victim.server.kill());

let keys = 0;
let values = 0;
const newKey = (kind) => `${kind}-once-${process.pid}-${keys++}`;
const append = (key, value = ++values) => ({ kind: 'append', key, value });
const read = (key) => ({ kind: 'read', key, value: 0 });
const transact = (number, ...steps) => mutation(number, 'lists:transact', { steps, fails: false });
const listOf = async (key) => (await victim.lists([key])).get(key);

function sockets(count, sessionId = randomUUID()) {
    return Promise.all(Array.from({ length: count }, () => new RawSession(victim.url, { sessionId }).connect(querySet(0))));
}

// All of them got these requests answered, each in the same words; gives back one of each.
async function sameAnswers(all, numbers) {
    const first = [];
    for (const number of numbers)
        first.push(await all[0].settled(number, 20_000));
    for (const raw of all)
        for (const number of numbers)
            assert.deepEqual(await raw.settled(number, 20_000), first[number - numbers[0]]);
    return first;
}

test(`${SOCKETS} sockets that send the same at once are told the same, and it is done once`, async () => {
    const [rows, whole] = [newKey('r'), newKey('d')];
    const all = await sockets(SOCKETS);
    const requests = Array.from({ length: 20 }, (_, i) => transact(i, append(rows), read(rows), append(whole)));
    all.forEach((raw) => raw.send(...requests));
    const answers = await sameAnswers(all, requests.map(({ requestId }) => requestId));
    answers.forEach(({ success, result }, i) => {
        assert.equal(success, true);
        assert.equal(result[0].length, i + 1, 'in their order');
    });
    assert.equal((await listOf(rows)).length, 20);
    assert.equal((await listOf(whole)).length, 20);
    all.forEach((raw) => raw.end());
});

test('copies that arrive together, in one turn of the server, are one', async () => {
    const key = newKey('r');
    const all = await sockets(SOCKETS);
    process.kill(victim.server.pid, 'SIGSTOP');
    const request = transact(0, append(key), read(key));
    all.forEach((raw) => raw.send(request));
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    assert.ok(all.every((raw) => raw.responses.size === 0));
    process.kill(victim.server.pid, 'SIGCONT');
    await sameAnswers(all, [0]);
    assert.equal((await listOf(key)).length, 1);
    all.forEach((raw) => raw.end());
});

test('a copy sent while the first runs joins it, and one sent while it waits in line as well', async () => {
    const key = newKey('d');
    const [one, two] = await sockets(2);
    const [other] = await sockets(1);
    const count = await victim.post('/api/query', { path: 'items:count', args: {} });
    // Thousands of rows: this runs for a while, and what follows it waits.
    const long = (number) => mutation(number, 'limits:write', { count: 4000 });
    other.send(long(0));
    one.send(long(0), transact(1, append(key)));
    await new Promise((resolve) => { setTimeout(resolve, 5); });
    two.send(long(0), transact(1, append(key)));
    assert.equal(one.responses.size, 0, 'the first is still under way');
    assert.equal(other.responses.size, 0);
    await sameAnswers([one, two], [0, 1]);
    await other.settled(0, 20_000);
    assert.deepEqual(await victim.post('/api/query', { path: 'items:count', args: {} }), { count: count.count + 8000 });
    assert.equal((await listOf(key)).length, 1);
    [one, two, other].forEach((raw) => raw.end());
});

test('a copy that asks for something else gets the answer of the first', async () => {
    const key = newKey('r');
    const [raw, twin] = await sockets(2);
    raw.send(transact(0, append(key), read(key)));
    const first = await raw.settled(0);
    twin.send(transact(0, append(key), append(key), read(key), read(key)));
    assert.deepEqual(await twin.settled(0), first);
    twin.responses.clear();
    twin.send(mutation(0, 'no:such', {}));
    assert.deepEqual(await twin.settled(0), first);
    assert.equal((await listOf(key)).length, 1);
    [raw, twin].forEach((each) => each.end());
});

test('a refused mutation is not remembered: the number may succeed later, and then it stays', async () => {
    const key = newKey('d');
    const [raw, twin] = await sockets(2);
    const refused = (number) => mutation(number, 'lists:transact', { steps: [append(key)], fails: true });
    raw.send(refused(0));
    twin.send(refused(0));
    assert.equal((await raw.settled(0)).success, false);
    assert.equal((await twin.settled(0)).success, false);
    assert.deepEqual(await listOf(key), []);
    raw.responses.clear();
    twin.responses.clear();
    raw.send(transact(0, append(key)));
    const first = await raw.settled(0);
    assert.equal(first.success, true);
    twin.send(refused(0));
    assert.deepEqual(await twin.settled(0), first);
    assert.equal((await listOf(key)).length, 1);
    [raw, twin].forEach((each) => each.end());
});

test('killed in the middle, all sockets come again, and each request has run once with one answer', async () => {
    const key = newKey('r');
    const sessionId = randomUUID();
    const told = new Map(); // number to the first answer that anybody got
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    const requests = numbers.map((i) => transact(i, append(key), read(key)));
    const take = (all) => all.forEach((raw) => raw.responses.forEach((answer, number) => {
        if (told.has(number))
            assert.deepEqual(answer, told.get(number));
        told.set(number, answer);
    }));
    for (let kill = 0; kill < 3; kill++) {
        const all = await sockets(SOCKETS, sessionId);
        all.forEach((raw) => raw.send(...requests.slice(0, 60 * (kill + 1))));
        await until(() => all[0].responses.size > 20, 'some answers', 10_000, 1);
        await victim.server.kill();
        take(all);
        await victim.start();
    }
    assert.ok(told.size > 20, `${told.size} were answered before`);
    const all = await sockets(SOCKETS, sessionId);
    all.forEach((raw) => raw.send(...requests));
    const answers = await sameAnswers(all, numbers);
    take(all);
    answers.forEach(({ success, result, ts }, i) => {
        assert.equal(success, true);
        assert.equal(result[0].length, i + 1, 'in their order, without one twice');
        assert.ok(i === 0 || tsRead(ts) >= tsRead(answers[i - 1].ts));
    });
    assert.equal((await listOf(key)).length, 200);
    all.forEach((raw) => raw.end());
});

// SPDX-License-Identifier: Apache-2.0
// kill -9, again and again, with jobs in flight. Afterwards: no job is stuck, every credit is
// accounted for, nothing was charged twice, every picture is there and no file is without a row.
//
// CRASH_KILLS and CRASH_IN_FLIGHT say how often, and how many jobs at least are open each time.
import assert from 'node:assert/strict';
import { readdirSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { fakeConfig, fakeEnv, startFakeImages } from './fake-images.mjs';
import { addUser, atelier, httpClient, sleep, startServer, until, userToken } from './helpers.mjs';

const KILLS = Number(process.env.CRASH_KILLS ?? 30);
const IN_FLIGHT = Number(process.env.CRASH_IN_FLIGHT ?? 50);
const PEOPLE = 40;
const ENDED = ['completed', 'failed', 'canceled'];
const STATES = ['pending', 'processing', 'uploading', ...ENDED];
const PRICES = { sketch: 1, fake: 2, 'sketch-motion': 10 };

const below = (n) => Math.floor(Math.random() * n);
let fake;
let server;
after(async () => {
    await server?.kill();
    await fake?.stop();
});

// ---- people ----

const people = [];
// Always at the same address, which is also the issuer of the tokens.
const start = async () => {
    server = await startServer({ data: server?.data, listen: server?.url.slice('http://'.length), config: fakeConfig(fake), env: fakeEnv });
};
const isStale = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).exp * 1000 < Date.now() + 60_000;

async function refresh(person) {
    if (isStale(person.token))
        person.token = await userToken(server, person.email);
    person.client = httpClient(server.url, person.token);
}

// A few at a time: each token is a process.
async function inTurns(items, work, width = 4) {
    const left = [...items];
    await Promise.all(Array.from({ length: width }, async () => {
        for (let item; (item = left.pop()) !== undefined;)
            await work(item);
    }));
}

// ---- jobs ----

let number = 0;
function makeWish() {
    const prompt = `${['slow', 'slow', 'slow link', 'link', 'slow', 'refuse', 'flaky', 'broken', 'a kite'][below(9)]} number ${++number}`;
    if (below(4) === 0)
        return { model: 'sketch', prompt, width: 256, height: 256, steps: 10 };
    return { model: 'fake', prompt, width: 256, height: 256, numImages: 1 + below(2) };
}

// Out of credits is no fault; neither is a server that has just been killed.
const create = (person) => {
    const film = below(60) === 0;
    return (film
        ? person.client.mutation('videos:createVideo', { model: 'sketch-motion', prompt: `a slow sea, number ${++number}`, duration: '4' })
        : person.client.mutation('generations:createGenerationJob', makeWish())).catch(() => null);
};
const jobsOf = (person) => person.client.query('generations:listGenerationJobs', { limit: 100 });

async function look() {
    const lists = await Promise.all(people.map(jobsOf));
    const counts = Object.fromEntries(STATES.map((state) => [state, 0]));
    const open = [];
    lists.forEach((jobs, i) => jobs.forEach((job) => {
        assert.ok(job.status in counts, job.status);
        counts[job.status]++;
        if (!ENDED.includes(job.status))
            open.push({ person: people[i], jobId: job._id });
    }));
    return { counts, open };
}

async function fill() {
    for (let round = 0; round < 20; round++) {
        const { open } = await look();
        if (open.length >= IN_FLIGHT + 12)
            return open;
        const missing = IN_FLIGHT + 25 - open.length; // some end while others are asked for
        await Promise.all(Array.from({ length: missing }, () => create(people[below(people.length)])));
    }
    throw new Error('as many cannot be got under way: nobody has credits left, or they end sooner than they are asked for');
}

async function cycle(kill, met) {
    // Now quick, now slow, so that it dies at every step of a job.
    [fake.hold, fake.drip] = [[300, 200], [900, 400], [2500, 1500]][kill % 3];
    await inTurns(people, refresh);
    const open = await fill();
    for (let i = 0; i < 3; i++) {
        const { person, jobId } = open[below(open.length)];
        person.client.mutation('generations:cancelGenerationJob', { jobId }).catch(() => null);
    }
    await sleep(200 + below(1200));
    await fill();
    const { counts, open: inFlight } = await look();
    // Some are on their way when it dies.
    const writes = Array.from({ length: 8 }, () => create(people[below(people.length)]));
    await sleep(below(12));
    await server.kill();
    await Promise.all(writes);

    assert.ok(inFlight.length >= IN_FLIGHT, `${inFlight.length} in flight`);
    STATES.filter((state) => counts[state] > 0).forEach((state) => met.add(state));
    console.log(`kill ${String(kill).padStart(2)}: ${inFlight.length} in flight; ${STATES.map((state) => `${state} ${counts[state]}`).join(', ')}`);
}

// ---- what must hold afterwards ----

async function pagesOf(person, name) {
    const rows = [];
    for (let cursor = null, isDone = false; !isDone;) {
        const answer = await person.client.query(name, { paginationOpts: { numItems: 100, cursor } });
        rows.push(...answer.page);
        ({ continueCursor: cursor, isDone } = answer);
    }
    return rows;
}

function checkLedger(history, me) {
    const rows = [...history].sort((a, b) => a._creationTime - b._creationTime);
    let balance = 0;
    for (const row of rows) {
        assert.equal(row.balanceBefore, balance, 'each movement begins where the last ended');
        assert.equal(row.balanceAfter, balance + row.amount);
        balance = row.balanceAfter;
    }
    assert.equal(rows[0].amount, 100, 'the grant');
    assert.equal(rows.filter(({ type }) => type === 'BONUS').length, 1, 'granted once');
    assert.equal(me.credits, balance, 'the balance is the sum');
    assert.equal(me.creditsHeld, 0, 'nothing is held for work that has ended');
}

function checkCharges(jobs, history) {
    const net = new Map();
    for (const row of history)
        if (row.generationId !== undefined)
            net.set(row.generationId, (net.get(row.generationId) ?? 0) + row.amount);
    for (const job of jobs) {
        assert.ok(ENDED.includes(job.status), `stuck: ${job._id} is ${job.status}`);
        assert.equal(0 - net.get(job._id), PRICES[job.model] * job.imageIds.length, `${job.status} ${job._id}: charged for what was finished`);
        assert.ok(job.imageIds.length <= job.numImages);
        if (job.status === 'completed')
            assert.ok(job.imageIds.length > 0);
        if (job.status === 'failed')
            assert.ok(job.error, 'says why');
        net.delete(job._id);
    }
    assert.equal(net.size, 0, 'no charge without a job');
}

// Answers the storage ids of all their files.
async function checkAssets(person, jobs, assets, me) {
    const ids = assets.map(({ _id }) => _id).sort();
    assert.deepEqual(ids, jobs.flatMap(({ imageIds }) => imageIds).sort(), 'each picture belongs to one job');
    const files = [];
    let stored = 0;
    for (const asset of assets) {
        for (const url of [asset.url, asset.thumbnailUrl, asset.displayUrl].filter(Boolean)) {
            const response = await fetch(new URL(new URL(url).pathname, server.url));
            const { byteLength } = await response.arrayBuffer();
            assert.equal(response.status, 200, url);
            assert.equal(byteLength, Number(response.headers.get('content-length')));
            assert.ok(byteLength > 0);
            if (url === asset.url)
                assert.equal(byteLength, asset.sizeBytes);
            stored += byteLength;
            files.push(new URL(url).pathname.split('/').pop().replaceAll('-', ''));
        }
    }
    assert.equal(me.storageUsedBytes, stored, 'the meter is the sum of the files');
    return files;
}

// So that nothing is taken for being on its way.
function agesPass(folder) {
    const old = new Date(Date.now() - 3 * 3600_000);
    for (const entry of readdirSync(folder)) {
        const inner = path.join(folder, entry);
        const facts = statSync(inner, { throwIfNoEntry: false });
        if (facts?.isDirectory())
            agesPass(inner);
        else if (facts !== undefined)
            utimesSync(inner, old, old);
    }
}

test(`${KILLS} kills with at least ${IN_FLIGHT} jobs in flight lose nothing and charge nothing twice`, { timeout: 900_000 }, async () => {
    fake = await startFakeImages();
    await start();
    await inTurns(Array.from({ length: PEOPLE }, (_, i) => i + 1), async () => people.push(await addUser(server)));
    const met = new Set();
    for (let kill = 1; kill <= KILLS; kill++) {
        await cycle(kill, met);
        await start();
    }

    fake.hold = 50;
    fake.drip = 20;
    await inTurns(people, refresh);
    await until(async () => (await look()).open.length === 0, 'the end of every job', 180_000, 500);
    const files = [];
    let jobCount = 0;
    for (const person of people) {
        await refresh(person);
        const [me, jobs, history, assets] = await Promise.all([
            person.client.query('users:getCurrentUser', {}), jobsOf(person),
            pagesOf(person, 'credits:getCreditHistory'), pagesOf(person, 'assets:getAssets')]);
        checkLedger(history, me);
        checkCharges(jobs, history);
        files.push(...await checkAssets(person, jobs, assets, me));
        jobCount += jobs.length;
    }
    const { counts } = await look();
    STATES.filter((state) => counts[state] > 0).forEach((state) => met.add(state));
    console.log(`${jobCount} jobs, ${files.length} files; ${STATES.map((state) => `${state} ${counts[state]}`).join(', ')}`);
    console.log(`states met: ${[...met].join(', ')}`);
    assert.deepEqual(STATES.filter((state) => !met.has(state)), [], 'every state was met');

    assert.equal(new Set(files).size, files.length, 'no file belongs to two');
    assert.equal((await server.stop()).code, 0);
    await sleep(2500); // younger ones are left alone
    await start();
    // Loops of films come later than their works, and are no more than renditions.
    const sound = await until(async () => {
        agesPass(path.join(server.data, 'blobs'));
        const { code, stdout } = await atelier(['doctor', '--deep', '--data', server.data]);
        return code === 0 && stdout;
    }, 'every file to have its row, and every row its file', 60_000, 500);
    const [, rows, kept] = /ok +files +(\d+) rows and (\d+) files, each has the other and its sum/.exec(sound);
    assert.equal(rows, kept);
    assert.ok(Number(rows) >= files.length);
    assert.equal((await server.stop()).code, 0);
});

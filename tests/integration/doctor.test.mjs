// SPDX-License-Identifier: Apache-2.0
// `atelier doctor --deep`: a real data folder is damaged in each way that there is; each is found,
// told with the command that mends it, and mended by --mend. What was sound stays.
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { addUser, atelier, httpClient, sleep, startServer, until, userToken } from './helpers.mjs';

const PICTURE = { model: 'sketch', prompt: 'a red kite', width: 256, height: 256, steps: 10, numImages: 4 };
const ORPHAN = 'ab12000000000000000000000000beef';
const OLD = new Date(Date.now() - 3 * 3600_000);
let data, user, works, server;

// So that nothing is taken for being on its way.
function agesPass(folder) {
    for (const entry of readdirSync(folder)) {
        const inner = path.join(folder, entry);
        const facts = statSync(inner, { throwIfNoEntry: false });
        if (facts?.isDirectory())
            agesPass(inner);
        else if (facts !== undefined)
            utimesSync(inner, OLD, OLD);
    }
}

const idOf = (url) => new URL(url).pathname.split('/').pop().replaceAll('-', '');
const blobOf = (id) => path.join(data, 'blobs', id.slice(0, 2), id.slice(2, 4), id);
const doctor = (...words) => atelier(['doctor', '--deep', ...words, '--data', data]);
const list = (client) => client.query('assets:getAssets', { paginationOpts: { numItems: 100, cursor: null } });

before(async () => {
    server = await startServer();
    data = server.data;
    user = await addUser(server);
    const client = httpClient(server.url, user.token);
    const { jobId } = await client.mutation('generations:createGenerationJob', PICTURE);
    await until(async () => (await client.query('generations:getGenerationJob', { jobId })).status === 'completed',
        'four pictures', 60_000);
    works = (await list(client)).page;
    assert.equal(works.length, 4);
});
after(async () => {
    await server?.stop();
});

test('a sound folder is found sound while it is served', async () => {
    const { code, stdout } = await doctor();
    assert.equal(code, 0, stdout);
    assert.match(stdout, /ok +files +12 rows and 12 files, each has the other and its sum/);
    assert.match(stdout, /ok +meters +1, each says what is stored/);
    assert.match(stdout, /All is well/);
});

test('each damage is found, told with its mend, and mended', async () => {
    await server.stop();
    const [lost, changed, faceless, whole] = works;
    rmSync(blobOf(idOf(lost.url)));
    const bytes = readFileSync(blobOf(idOf(changed.url)));
    bytes[100] ^= 1;
    writeFileSync(blobOf(idOf(changed.url)), bytes);
    appendFileSync(blobOf(idOf(faceless.thumbnailUrl)), 'x');
    mkdirSync(path.dirname(blobOf(ORPHAN)), { recursive: true });
    writeFileSync(blobOf(ORPHAN), 'nobody knows me');
    utimesSync(blobOf(ORPHAN), OLD, OLD);
    const file = path.join(data, 'atelier.db');
    const rows = readFileSync(file, 'latin1');
    const wrong = rows.replace('"images":4,"', '"images":9,"');
    assert.notEqual(wrong, rows);
    writeFileSync(file, wrong, 'latin1');

    const found = await doctor();
    assert.equal(found.code, 1);
    const says = found.stdout;
    assert.match(says, new RegExp(`problem +files +${idOf(lost.url)} is missing: the original of a work`));
    assert.match(says, new RegExp(`tar -xf BACKUP -C .* blobs/../../${idOf(lost.url)}`));
    assert.match(says, new RegExp(`${idOf(changed.url)} holds other bytes: the original of a work`));
    assert.match(says, new RegExp(`${idOf(faceless.thumbnailUrl)} has another length: a view of a work`));
    assert.match(says, new RegExp(`${ORPHAN} belongs to nothing`));
    assert.match(says, /problem +meters +user \w+: \d+ bytes, 4 pictures, 0 films are stored; the meter says \d+, 9, 0/);
    assert.match(says, /atelier doctor --deep --mend --data/);
    assert.match(says, /5 problems\./);
    assert.deepEqual(await doctor().then(({ code }) => code), 1, 'nothing was changed');
    assert.ok(existsSync(blobOf(ORPHAN)));

    const mended = await doctor('--mend');
    assert.equal(mended.code, 0, mended.stdout + mended.stderr);
    assert.match(mended.stdout, /5 problems, mended\./);
    assert.equal(existsSync(blobOf(ORPHAN)), false);
    assert.ok(readFileSync(path.join(data, 'lost', idOf(changed.url))).equals(bytes), 'kept aside');

    server = await startServer({ data });
    const client = httpClient(server.url, await userToken(server, user.email));
    const left = (await list(client)).page;
    assert.deepEqual(left.map((asset) => asset._id).sort(), [faceless._id, whole._id].sort());
    assert.equal(left.find((asset) => asset._id === faceless._id).thumbnailUrl, '');
    const room = await client.query('quotas:getStorageQuota', {});
    assert.deepEqual(room.counts, { images: 2, videos: 0 });
    await until(async () => (await doctor()).code === 0, 'the files of what is forgotten to go', 20_000, 500);
    const sound = await doctor();
    assert.match(sound.stdout, /ok +files +5 rows and 5 files/);
});

test('it is mended beside a running server too', async () => {
    const client = httpClient(server.url, await userToken(server, user.email));
    const [work] = (await list(client)).page;
    rmSync(blobOf(idOf(work.displayUrl)));
    const found = await doctor();
    assert.equal(found.code, 1);
    assert.match(found.stdout, /1 problem\./);
    const mended = await doctor('--mend');
    assert.equal(mended.code, 0, mended.stdout + mended.stderr);
    const now = await client.query('assets:getAsset', { assetId: work._id });
    assert.ok(!now.displayUrl);
    assert.equal((await doctor()).code, 0);
});

test('killed while works, many works and whole accounts are deleted, all of it goes all the same', { timeout: 240_000 }, async () => {
    const people = [];
    for (let round = 0; round < 5; round++) {
        const person = await addUser(server);
        const client = httpClient(server.url, person.token);
        const jobs = await Promise.all([PICTURE, PICTURE].map((wish) => client.mutation('generations:createGenerationJob', wish)));
        await until(async () => (await list(client)).page.length >= 4, 'half of the pictures', 60_000);
        const ids = (await list(client)).page.map((asset) => asset._id);
        const wishes = [
            client.mutation('assets:deleteAssets', { assetIds: ids.slice(0, 3) }),
            client.mutation('generations:cancelGenerationJob', { jobId: jobs[1].jobId }),
            ...round % 2 === 0 ? [client.mutation('account:deleteAccount', {})] : [],
        ].map((wish) => wish.catch(() => null));
        await sleep(Math.floor(Math.random() * 60));
        await server.kill();
        const answers = await Promise.all(wishes);
        people.push({ ...person, deleted: answers[2] });
        server = await startServer({ data, listen: server.url.slice('http://'.length) });
    }
    for (const { deleted } of people.filter((person) => person.deleted))
        await until(async () => {
            const response = await fetch(new URL(new URL(deleted.certificateUrl).pathname, server.url));
            const paper = response.status === 200 && await response.json();
            return paper.isComplete && paper.removedFiles.length === paper.files;
        }, 'a certificate', 30_000, 200);
    const none = await fetch(`${server.url}/api/certificates/${'0'.repeat(32)}`);
    assert.equal(none.status, 404);
    await server.stop();
    await sleep(2500); // younger ones are left alone by the sweep of the start
    server = await startServer({ data });
    await sleep(3000); // what a doctor reads meanwhile stays: the sweep of the start comes first
    await until(async () => {
        agesPass(path.join(data, 'blobs'));
        return (await doctor()).code === 0;
    }, 'every file to have its row, and every row its file', 60_000, 3000);
});

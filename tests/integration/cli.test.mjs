// SPDX-License-Identifier: Apache-2.0
// The program as its operator meets it: commands, exit codes, what is said where, and a backup that
// is taken while people work and restored somewhere else.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { addUser, atelier, httpClient, postJson, startServer, tempFolder, until, userToken } from './helpers.mjs';

const PICTURE = { model: 'sketch', prompt: 'a red kite', width: 256, height: 256, steps: 10 };
const CREATE = 'generations:createGenerationJob';
const servers = [];
const start = async (options) => {
    const server = await startServer(options);
    servers.push(server);
    return server;
};
after(async () => {
    for (const server of servers)
        await server.stop();
});

async function makePicture(server, token) {
    const client = httpClient(server.url, token);
    const { jobId } = await client.mutation(CREATE, PICTURE);
    const job = await until(async () => {
        const now = await client.query('generations:getGenerationJob', { jobId });
        return now.status === 'completed' && now;
    }, 'a picture', 30_000);
    return client.query('assets:getAsset', { assetId: job.imageIds[0] });
}

const bytesOf = async (server, url) => {
    const response = await fetch(server.url + new URL(url).pathname);
    assert.equal(response.status, 200);
    return Buffer.from(await response.arrayBuffer());
};

test('every command has help on standard output, and exits 0', async () => {
    for (const words of [['--help'], ['serve', '--help'], ['user', '--help'], ['user', 'add', '--help'], ['backup', '--help'], ['restore', '--help'], ['ledger', '--help'], ['ledger', 'verify', '--help'], ['doctor', '--help'], ['codegen', '--help']]) {
        const { code, stdout, stderr } = await atelier(words);
        assert.equal(code, 0, words.join(' '));
        assert.match(stdout, /Usage: atelier/, words.join(' '));
        assert.equal(stderr, '');
    }
    const version = await atelier(['--version']);
    assert.equal(version.code, 0);
    assert.match(version.stdout, /^atelier \d+\.\d+\.\d+/);
});

test('what is wrong with a command line goes to standard error, with exit code 2', async () => {
    for (const [words, says] of [
        [['sevre'], /serve/],
        [['serve', '--dta', 'x'], /--data/],
        [['serve', '--listen'], /--listen/],
        [['user'], /add/],
        [['backup'], /FILE/],
        [['restore', 'x.tar'], /--data/],
    ]) {
        const { code, stdout, stderr } = await atelier(words);
        assert.equal(code, 2, `${words.join(' ')}: ${stderr}`);
        assert.equal(stdout, '');
        assert.match(stderr, says);
    }
});

test('a configuration that is wrong names file, line and the nearest key, and nothing starts', async () => {
    const file = path.join(tempFolder('config'), 'atelier.yaml');
    for (const [text, says] of [
        ['server:\n  lisen: 127.0.0.1:0\n', /atelier\.yaml line 2.*lisen.*listen/],
        ['server:\n  publicUrl: [1]\n', /atelier\.yaml line 2/],
        ['server: {\n', /atelier\.yaml/],
        ['models: 7\n', /atelier\.yaml line 1/],
    ]) {
        writeFileSync(file, text);
        const { code, stderr } = await atelier(['serve', '--config', file, '--data', tempFolder('data'), '--listen', '127.0.0.1:0']);
        assert.notEqual(code, 0);
        assert.match(stderr, says);
    }
});

test('a second server on the same folder is refused and the first goes on', async () => {
    const first = await start();
    const { code, stderr } = await atelier(['serve', '--data', first.data, '--listen', '127.0.0.1:0']);
    assert.equal(code, 1);
    assert.ok(stderr.includes(String(first.pid)) || stderr.includes(first.url), stderr);
    assert.equal((await fetch(`${first.url}/healthz`)).status, 200);
});

test('SIGTERM ends a server with exit code 0, also with work under way', async () => {
    const server = await startServer();
    const { token } = await addUser(server);
    await Promise.all(Array.from({ length: 10 }, () => httpClient(server.url, token).mutation(CREATE, PICTURE)));
    const begun = Date.now();
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    assert.ok(Date.now() - begun < 10_000);
});

test('people are added, listed and given tokens while a server runs', async () => {
    const server = await start();
    const { email, token } = await addUser(server, 'carol@example.com', { password: 'quite a long password' });
    assert.equal((await httpClient(server.url, token).query('users:getCurrentUser', {})).email, email);
    const signedIn = await postJson(server.url, '/api/auth/sign-in', { email, password: 'quite a long password' });
    assert.equal(signedIn.status, 200);
    const list = await atelier(['user', 'list', '--data', server.data]);
    assert.equal(list.code, 0);
    assert.match(list.stdout, /carol@example\.com/);
    const twice = await atelier(['user', 'add', email, '--password', 'quite a long password', '--data', server.data]);
    assert.equal(twice.code, 1);
    const nobody = await atelier(['user', 'token', 'nobody@example.com', '--data', server.data]);
    assert.equal(nobody.code, 1);
    assert.equal(nobody.stdout, '');
});

test('a backup taken while people work is whole, and restores to a studio that goes on', async () => {
    const server = await start();
    const user = await addUser(server);
    const picture = await makePicture(server, user.token);
    const original = await bytesOf(server, picture.url);

    // Others ask and delete meanwhile.
    const client = httpClient(server.url, user.token);
    let going = true;
    const busy = (async () => {
        while (going) {
            const asset = await makePicture(server, user.token).catch(() => null);
            if (asset !== null)
                await client.mutation('assets:deleteAsset', { assetId: asset._id });
        }
    })();
    const folder = tempFolder('backup');
    const file = path.join(folder, 'studio.tar');
    const results = [];
    for (let i = 0; i < 3; i++)
        results.push(await atelier(['backup', file, '--data', server.data]));
    going = false;
    await busy;
    for (const { code, stderr } of results)
        assert.equal(code, 0, stderr);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(existsSync(`${file}.tmp`), false);

    await server.stop();
    const data = path.join(folder, 'restored');
    const restored = await atelier(['restore', file, '--data', data]);
    assert.equal(restored.code, 0, restored.stderr);
    const again = await start({ data, listen: server.url.slice('http://'.length) });
    const token = await userToken(again, user.email);
    assert.ok((await bytesOf(again, picture.url)).equals(original));
    const me = await httpClient(again.url, token).query('users:getCurrentUser', {});
    assert.equal(me.email, user.email);
    // Sessions outlive it: the keys were in the backup.
    assert.equal((await httpClient(again.url, user.token).query('users:getCurrentUser', {})).email, user.email);
    const assets = await httpClient(again.url, token).query('assets:getAssets', { paginationOpts: { numItems: 100, cursor: null } });
    for (const asset of assets.page)
        for (const url of [asset.url, asset.thumbnailUrl, asset.displayUrl].filter(Boolean))
            await bytesOf(again, url);
    await makePicture(again, token);

    const doctor = await atelier(['doctor', '--data', data]);
    assert.equal(doctor.code, 0, doctor.stdout);
    assert.match(doctor.stdout, /All is well/);
});

test('the doctor finds nothing wrong with a folder that is served, and says who serves it', async () => {
    const server = await start();
    const { code, stdout } = await atelier(['doctor', '--data', server.data]);
    assert.equal(code, 0, stdout);
    assert.ok(stdout.includes(String(server.pid)) || stdout.includes(server.url), stdout);
});

test('logs are JSON lines, and the data folder is private', async () => {
    const server = await start();
    const logs = server.lines.filter((line) => !line.startsWith('ready '));
    for (const line of logs)
        assert.equal(typeof JSON.parse(line), 'object', line);
    for (const [name, mode] of [['', 0o700], ['keys', 0o700], ['blobs', 0o700], ['atelier.db', 0o600], ['VERSION', 0o600], ['lock', 0o600]])
        assert.equal(statSync(path.join(server.data, name)).mode & 0o777, mode, name);
    assert.match(readFileSync(path.join(server.data, 'lock'), 'utf8'), new RegExp(String(server.pid)));
});

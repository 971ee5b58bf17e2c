// SPDX-License-Identifier: Apache-2.0
// The server with a certificate of its own: pages, calls and live queries over TLS, the command
// line beside it, and a certificate renewed while it runs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import test from 'node:test';
import tls from 'node:tls';

import { ConvexClient } from 'convex/browser';
import WebSocket from 'ws';

import { atelier, startServer, tempFolder, until } from './helpers.mjs';

// A self-signed certificate of that name: { cert, key } are files.
function certificate(folder, name) {
    const cert = path.join(folder, `${name}.pem`);
    const key = path.join(folder, `${name}.key`);
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
        '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { cert, key };
}

function ask(url, { method = 'GET', body, headers } = {}) {
    return new Promise((resolve, reject) => {
        const request = https.request(url, { method, headers, rejectUnauthorized: false,
            agent: false }, (answer) => {
            let text = '';
            answer.setEncoding('utf8');
            answer.on('data', (part) => { text += part; });
            answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
        });
        request.on('error', reject);
        request.end(body);
    });
}

function nameServed(url) {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
        const socket = tls.connect({ host: hostname, port, rejectUnauthorized: false }, () => {
            resolve(socket.getPeerCertificate().subject.CN);
            socket.destroy();
        });
        socket.on('error', reject);
    });
}

class TrustingSocket extends WebSocket {
    constructor(url, protocols) {
        super(url, protocols, { rejectUnauthorized: false });
    }
}

test('everything works over TLS, and a renewed certificate is taken up by SIGHUP', async (t) => {
    const folder = tempFolder('tls');
    const first = certificate(folder, 'first');
    const second = certificate(folder, 'second');
    const live = { cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
    copyFileSync(first.cert, live.cert);
    copyFileSync(first.key, live.key);
    const server = await startServer({ program: 'atelier-fixture',
        args: ['--tls-cert', live.cert, '--tls-key', live.key] });

    await t.test('the ready line and the issuer say https', async () => {
        assert.match(server.url, /^https:\/\//);
        const answer = await ask(`${server.url}/.well-known/openid-configuration`);
        assert.equal(answer.status, 200);
        assert.equal(JSON.parse(answer.text).issuer.startsWith('https://'), true);
    });

    await t.test('the official client follows a live query over wss', async () => {
        const client = new ConvexClient(server.url, { webSocketConstructor: TrustingSocket });
        let seen;
        client.onUpdate('items:count', {}, (value) => { seen = value.count; });
        await until(() => seen === 0, 'the first value');
        await client.mutation('items:add', { text: 'over TLS' });
        await until(() => seen === 1, 'the change');
        await client.mutation('echo:mutation', { value: 'x'.repeat(500_000) });
        await client.close();
    });

    await t.test('the cookie of a sign-in is for TLS only', async () => {
        const answer = await ask(`${server.url}/api/auth/sign-up`, { method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ email: 'tls@example.org', password: 'a long pass phrase', name: 'T' }) });
        assert.equal(answer.status, 200, answer.text);
        assert.match(String(answer.headers['set-cookie']), /; Secure/);
    });

    await t.test('the command line reaches the running server', async () => {
        const list = await atelier(['user', 'list', '--data', server.data],
            { program: 'atelier-fixture' });
        assert.equal(list.code, 0, list.stderr);
        assert.match(list.stdout, /tls@example\.org/);
    });

    await t.test('SIGHUP takes up the new certificate; a broken one is refused and logged', async () => {
        assert.equal(await nameServed(server.url), 'first');
        copyFileSync(second.cert, live.cert);
        copyFileSync(second.key, live.key);
        process.kill(server.pid, 'SIGHUP');
        await until(async () => await nameServed(server.url) === 'second', 'the new certificate');
        writeFileSync(live.key, 'nothing\n');
        process.kill(server.pid, 'SIGHUP');
        await until(() => server.lines.some((line) => line.includes('tls_not_reloaded')), 'the log');
        assert.equal(await nameServed(server.url), 'second');
    });

    const end = await server.stop();
    assert.equal(end.code, 0);
});

test('a certificate without its key is refused at start', async () => {
    const folder = tempFolder('tls');
    const { cert } = certificate(folder, 'alone');
    const end = await atelier(['serve', '--data', path.join(folder, 'data'), '--listen',
        '127.0.0.1:0', '--tls-cert', cert]);
    assert.notEqual(end.code, 0);
    assert.match(end.stderr, /server\.tlsCert and server\.tlsKey belong together/);
});

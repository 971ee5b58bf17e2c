// SPDX-License-Identifier: Apache-2.0
// What the tests over the wire share: a real server in a folder of its own, people on it, and the
// official clients. Every server that is still running when the tests end is killed.
//
//   const server = await startServer({ config: 'limits: …' });
//   const alice = await addUser(server, 'alice@example.com');
//   const client = httpClient(server.url, alice.token);
//   await server.stop();
import { spawn, execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { ConvexClient, ConvexHttpClient } from 'convex/browser';
import { ConvexReactClient } from 'convex/react';
import WebSocket from 'ws';

const root = process.env.ATELIER_ROOT ?? fileURLToPath(new URL('../..', import.meta.url));
export const build = process.env.ATELIER_BUILD
    ?? (process.env.ATELIER_BIN ? path.dirname(process.env.ATELIER_BIN) : path.join(root, 'build'));

const READY_MS = 30_000;
const STOP_MS = 15_000;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Calls ask until it answers something true, and gives that back.
export async function until(ask, what, ms = 10_000, every = 20) {
    const end = Date.now() + ms;
    for (;;) {
        const answer = await ask();
        if (answer)
            return answer;
        if (Date.now() > end)
            throw new Error(`not within ${ms} ms: ${what}`);
        await sleep(every);
    }
}

// ---- folders ----

const leftovers = new Set();
const children = new Set();
process.on('exit', () => {
    for (const child of children)
        child.kill('SIGKILL');
    for (const folder of leftovers)
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

// Gone when the tests end.
export function tempFolder(name = 'test') {
    const folder = mkdtempSync(path.join(os.tmpdir(), `atelier-${name}-`));
    leftovers.add(folder);
    return folder;
}

// ---- the server ----

function readLines(stream, onLine) {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop();
        lines.forEach(onLine);
    });
}

/*
 * Starts `atelier serve` (or another program of the build, such as atelier-fixture) and waits for
 * its "ready" line. data: the folder, else a new one. config: the text of a configuration file.
 * args: more of the command line. env: more of the environment.
 * Answers { url, pid, data, lines, stop(), kill(), exited }.
 */
export async function startServer({ config, data = tempFolder('data'), args = [], env = {},
    program = 'atelier', listen = '127.0.0.1:0', command = ['serve'] } = {}) {
    const words = [...command, '--data', data, '--listen', listen];
    if (config !== undefined) {
        const file = path.join(tempFolder('config'), 'atelier.yaml');
        writeFileSync(file, config);
        words.push('--config', file);
    }
    words.push(...args);

    const child = spawn(path.resolve(build, program), words,
        { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
    children.add(child);
    const lines = [];
    const exited = new Promise((resolve) => {
        child.on('error', (error) => resolve({ code: -1, error }));
        child.on('exit', (code, signal) => resolve({ code, signal }));
    }).then((end) => {
        children.delete(child);
        return end;
    });
    const ready = new Promise((resolve) => {
        readLines(child.stderr, (line) => {
            lines.push(line);
            if (lines.length > 2000)
                lines.shift();
            const found = /^ready (https?:\/\/\S+)$/.exec(line);
            if (found)
                resolve(found[1]);
        });
    });

    // The clock alone must not keep the tests from ending.
    const late = new Promise((resolve) => {
        setTimeout(resolve, READY_MS, null).unref();
    });
    const url = await Promise.race([ready, exited.then(() => null), late]);
    if (url === null) {
        child.kill('SIGKILL');
        throw new Error(`the server did not start: ${words.join(' ')}\n${lines.slice(-20).join('\n')}`);
    }
    return {
        url: url.replace('//0.0.0.0:', '//127.0.0.1:'),
        pid: child.pid,
        data,
        lines,
        exited,
        // SIGTERM; answers how it ended. Killed when it does not.
        async stop() {
            child.kill('SIGTERM');
            const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
            const end = await exited;
            clearTimeout(timer);
            return end;
        },
        // kill -9
        async kill() {
            child.kill('SIGKILL');
            return exited;
        },
    };
}

// One command of the program; answers { code, stdout, stderr }.
export function atelier(words, { env = {}, program = 'atelier', timeout = 60_000 } = {}) {
    return new Promise((resolve) => {
        execFile(path.join(build, program), words,
            { env: { ...process.env, ...env }, timeout, maxBuffer: 64 << 20 },
            (error, stdout, stderr) => resolve({
                code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1,
                stdout,
                stderr,
            }));
    });
}

export const hasProgram = (program) => existsSync(path.join(build, program));

// ---- people ----

let userNumber = 0;
export const freshEmail = (name = 'user') => `${name}-${process.pid}-${++userNumber}@example.com`;

// POST of JSON to our own account pages; answers { status, body, cookie }.
export async function postJson(url, where, body, headers = {}) {
    const response = await fetch(url + where, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: url, ...headers },
        body: JSON.stringify(body),
    });
    const text = await response.text();
    let parsed = text;
    try {
        parsed = JSON.parse(text);
    } catch {
        // stays text
    }
    return {
        status: response.status,
        body: parsed,
        cookie: (response.headers.get('set-cookie') ?? '').split(';')[0],
        headers: response.headers,
    };
}

// Through the front door. It is limited per address: for many people use addUser.
export async function signUp(url, { email = freshEmail(), password = 'a long enough password', name } = {}) {
    const answer = await postJson(url, '/api/auth/sign-up', { email, password, name });
    if (answer.status !== 200)
        throw new Error(`sign-up: ${answer.status} ${JSON.stringify(answer.body)}`);
    return { ...answer.body, email, password, cookie: answer.cookie };
}

// By the operator's command, while the server runs. fetchToken is for setAuth of the clients.
export async function addUser(server, email = freshEmail(), { password = 'a long enough password', role } = {}) {
    const words = ['user', 'add', email, '--password', password, '--data', server.data];
    if (role !== undefined)
        words.push('--role', role);
    const added = await atelier(words);
    if (added.code !== 0)
        throw new Error(`user add: ${added.stderr}`);
    return { email, password, token: await userToken(server, email) };
}

export async function userToken(server, email) {
    const answer = await atelier(['user', 'token', email, '--data', server.data]);
    if (answer.code !== 0)
        throw new Error(`user token: ${answer.stderr}`);
    return answer.stdout.trim();
}

// ---- the official clients ----

const quiet = { logVerbose() {}, log() {}, warn() {}, error() {} };

export function httpClient(url, token) {
    const client = new ConvexHttpClient(url, { logger: false });
    if (token !== undefined)
        client.setAuth(token);
    return client;
}

export function socketClient(url, token, options = {}) {
    const client = new ConvexClient(url, { webSocketConstructor: WebSocket, logger: quiet, ...options });
    if (token !== undefined)
        client.setAuth(async () => token);
    return client;
}

export function reactClient(url, token, options = {}) {
    const client = new ConvexReactClient(url, { webSocketConstructor: WebSocket, logger: quiet, ...options });
    if (token !== undefined)
        client.setAuth(async () => token);
    return client;
}

// Everything that a subscription of a ConvexClient shows, in order.
export function watch(client, name, args = {}) {
    const seen = [];
    const failures = [];
    const stop = client.onUpdate(name, args, (value) => seen.push(value), (error) => failures.push(error));
    return {
        seen,
        failures,
        stop,
        last: () => seen[seen.length - 1],
        next: (test, what, ms) => until(() => seen.length > 0 && test(seen[seen.length - 1]) && { value: seen[seen.length - 1] }, what, ms).then((found) => found.value),
    };
}

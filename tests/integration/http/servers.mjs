// SPDX-License-Identifier: Apache-2.0
// Three servers that say what they understood of a request: ours (http-echo), node's, and nginx as
// a proxy before a mirror that judges nothing. And a client that sends bytes and notes what comes
// back.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const build = process.env.ATELIER_BUILD ?? path.join(process.env.ATELIER_ROOT ?? '../..', 'build');

const own = (name) => name.startsWith('x-');

export async function startOurs(options = []) {
    const child = spawn(path.join(build, 'tests/support/http-echo'), options, { stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise((resolve, reject) => {
        child.once('error', reject);
        child.once('exit', (code) => reject(new Error(`http-echo ended with ${code}`)));
        child.stdout.once('data', resolve);
    });
    return { port: Number(line), pid: child.pid, stop: () => child.kill() };
}

export async function startNode() {
    const server = http.createServer((request, response) => {
        const parts = [];
        request.on('data', (part) => parts.push(part));
        request.on('end', () => {
            const headers = [];
            for (let i = 0; i < request.rawHeaders.length; i += 2)
                headers.push([request.rawHeaders[i].toLowerCase(), request.rawHeaders[i + 1]]);
            const text = JSON.stringify({
                method: request.method,
                target: request.url.replace(/^https?:\/\/[^/?]*/i, ''),
                headers: headers.filter(([name]) => own(name)),
                body: Buffer.concat(parts).toString('latin1'),
            });
            response.writeHead(200, { 'Content-Length': Buffer.byteLength(text) });
            response.end(text);
        });
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return {
        port: server.address().port,
        stop: () => {
            server.closeAllConnections();
            server.close();
        },
    };
}

/* What nginx sends on is plain: one request a connection, its body counted. */
function reflect(bytes) {
    const text = bytes.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const [line, ...lines] = text.slice(0, end).split('\r\n');
    const headers = lines.map((each) => [
        each.slice(0, each.indexOf(':')).toLowerCase(),
        each.slice(each.indexOf(':') + 1).trim(),
    ]);
    const length = Number(headers.find(([name]) => name === 'content-length')?.[1] ?? 0);
    if (text.length < end + 4 + length) return null;
    const [method, target] = line.split(' ');
    const body = text.slice(end + 4, end + 4 + length);
    return JSON.stringify({ method, target, headers: headers.filter(([name]) => own(name)), body });
}

export async function startMirror() {
    const server = net.createServer((socket) => {
        let came = Buffer.alloc(0);
        socket.on('error', () => {});
        socket.on('data', (part) => {
            came = Buffer.concat([came, part]);
            const said = reflect(came);
            if (said === null) return;
            const body = came.toString('latin1', 0, 5) === 'HEAD ' ? '' : said;
            socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
        });
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return { port: server.address().port, stop: () => server.close() };
}

async function freePort() {
    const probe = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.once('listening', resolve));
    const { port } = probe.address();
    await new Promise((resolve) => probe.close(resolve));
    return port;
}

async function untilListening(port) {
    for (let tries = 0; ; tries++) {
        const worked = await new Promise((resolve) => {
            const socket = net.connect(port, '127.0.0.1', () => {
                socket.destroy();
                resolve(true);
            });
            socket.once('error', () => resolve(false));
        });
        if (worked) return;
        if (tries > 100) throw new Error(`nothing listens on ${port}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

export async function startNginx(behind) {
    const folder = mkdtempSync(path.join(tmpdir(), 'atelier-nginx-'));
    const port = await freePort();
    mkdirSync(path.join(folder, 'logs'));
    writeFileSync(
        path.join(folder, 'nginx.conf'),
        `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/logs/error.log;
events { worker_connections 512; }
http {
    access_log off; underscores_in_headers on; ignore_invalid_headers off;
    client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
    uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
    server {
        listen 127.0.0.1:${port};
        location / {
            proxy_pass http://127.0.0.1:${behind};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection close;
        }
    }
}
`,
    );
    const child = spawn('nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf')], { stdio: 'ignore' });
    const failed = new Promise((_, reject) => child.once('error', reject));
    await Promise.race([untilListening(port), failed]);
    return {
        port,
        stop: () => {
            child.kill('SIGKILL');
            rmSync(folder, { recursive: true, force: true });
        },
    };
}

/* One answer off the front of what came, or null when it is not whole. */
function takeAnswer(bytes, isEnd) {
    const text = bytes.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const status = Number(text.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1];
    const from = end + 4;
    if (status === 100) return { status, body: '', used: from };
    if (length === undefined) return isEnd ? { status, body: text.slice(from), used: bytes.length } : null;
    if (bytes.length < from + Number(length)) return null;
    return { status, body: text.slice(from, from + Number(length)), used: from + Number(length) };
}

const plain = (base64) => Buffer.from(base64, 'base64').toString('latin1');

/* Ours answers in base64 with all headers; both become the same record. */
function understood(body) {
    const said = JSON.parse(Buffer.from(body, 'latin1').toString('utf8'));
    if (!('in_file' in said)) return { ...said, target: said.target.replace(/\?$/, '') };
    const headers = said.headers.map(({ name, value }) => [plain(name).toLowerCase(), plain(value)]);
    return {
        method: plain(said.method),
        target: (plain(said.path) + '?' + plain(said.query)).replace(/\?$/, ''),
        headers: headers.filter(([name]) => own(name)),
        body: plain(said.body),
    };
}

function interpret(bytes, isEnd) {
    const result = { accepted: [], refused: 0, isEnd };
    for (let rest = bytes; ; ) {
        const answer = takeAnswer(rest, isEnd);
        if (answer === null) return result;
        rest = rest.subarray(answer.used);
        if (answer.status === 200 && answer.body === '') result.accepted.push({ method: 'HEAD' });
        else if (answer.status === 200) result.accepted.push(understood(answer.body));
        else if (answer.status >= 400) result.refused = answer.status;
    }
}

/* Sends the bytes; what the server made of them: {accepted: [...], refused: status or 0, isEnd}.
   When nothing has come for quiet ms, the server is taken to be waiting for more. */
export function send(port, raw, quiet) {
    return new Promise((resolve) => {
        const parts = [];
        const socket = net.connect(port, '127.0.0.1', () => socket.write(Buffer.from(raw, 'latin1')));
        const finish = (isEnd) => {
            socket.destroy();
            resolve(interpret(Buffer.concat(parts), isEnd));
        };
        socket.setTimeout(quiet, () => finish(false));
        socket.on('data', (part) => parts.push(part));
        socket.once('error', () => finish(true));
        socket.once('end', () => finish(true));
    });
}

export async function inParallel(items, limit, work) {
    const results = new Array(items.length);
    let next = 0;
    const worker = async () => {
        while (next < items.length) {
            const at = next++;
            results[at] = await work(items[at]);
        }
    };
    await Promise.all(Array.from({ length: limit }, worker));
    return results;
}

// SPDX-License-Identifier: Apache-2.0
// A pretend service of the OpenAI kind (POST /v1/images/generations), with faults by the words of
// the prompt:
//   "slow"     answers after `hold` ms          "refuse"   400, content policy
//   "link"     an address instead of bytes, which come in pieces over `drip` ms
//   "flaky"    500 the first time a prompt is seen            "broken"  200 with damaged bytes
//   "busy"     429 with Retry-After the first time            "silent"  never answers
import http from 'node:http';
import zlib from 'node:zlib';

const crcTable = Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++)
        n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n >>> 0;
});

function crc32(bytes) {
    let crc = 0xffffffff;
    for (const byte of bytes)
        crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8);
    return (crc ^ 0xffffffff) >>> 0;
}

function pngChunk(type, data) {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
}

// A gradient, another for each seed.
export function makePng(width, height, seed = 0) {
    const rows = Buffer.alloc(height * (1 + width * 3));
    for (let y = 0, at = 0; y < height; y++) {
        rows[at++] = 0;
        for (let x = 0; x < width; x++) {
            rows[at++] = (x + seed * 37) & 255;
            rows[at++] = (y + seed * 101) & 255;
            rows[at++] = (x + y + seed) & 255;
        }
    }
    const head = Buffer.alloc(13);
    head.writeUInt32BE(width, 0);
    head.writeUInt32BE(height, 4);
    head.set([8, 2, 0, 0, 0], 8);
    return Buffer.concat([
        Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
        pngChunk('IHDR', head),
        pngChunk('IDAT', zlib.deflateSync(rows, { level: 1 })),
        pngChunk('IEND', Buffer.alloc(0)),
    ]);
}

const pngs = new Map();
function pngOf(size, seed) {
    const key = `${size}/${seed % 5}`;
    if (!pngs.has(key)) {
        const [width, height] = size.split('x').map(Number);
        pngs.set(key, makePng(width, height, seed % 5));
    }
    return pngs.get(key);
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Answers { url, asked, hold, drip, stop() }; hold and drip may be changed at any time.
export async function startFakeImages({ hold = 2000, drip = 500 } = {}) {
    const fake = { asked: [], hold, drip };
    const seen = new Set();

    function answerError(response, status, code, message, headers = {}) {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(JSON.stringify({ error: { code, type: code, message } }));
    }

    async function generate(request, response) {
        let text = '';
        for await (const part of request)
            text += part;
        const wish = JSON.parse(text);
        const { prompt, n = 1, size = '1024x1024' } = wish;
        fake.asked.push({ ...wish, authorization: request.headers.authorization });
        const first = !seen.has(prompt);
        seen.add(prompt);
        if (prompt.includes('silent'))
            return;
        if (prompt.includes('slow'))
            await wait(fake.hold);
        if (prompt.includes('refuse'))
            return answerError(response, 400, 'content_policy_violation', 'Your request was rejected by our safety system.');
        if (prompt.includes('flaky') && first)
            return answerError(response, 500, 'server_error', 'The server had an error.');
        if (prompt.includes('busy') && first)
            return answerError(response, 429, 'rate_limit_exceeded', 'Too many requests.', { 'retry-after': '1' });
        const data = Array.from({ length: n }, (_, i) => {
            const seed = fake.asked.length + i;
            if (prompt.includes('link'))
                return { url: `${fake.url}/files/${size}/${seed}.png` };
            const png = pngOf(size, seed);
            return { b64_json: (prompt.includes('broken') ? png.subarray(0, png.length >> 1) : png).toString('base64') };
        });
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ created: Math.floor(Date.now() / 1000), data }));
    }

    async function file(request, response) {
        const [, , size, name] = request.url.split('/');
        const png = pngOf(size, parseInt(name, 10));
        response.writeHead(200, { 'content-type': 'image/png', 'content-length': png.length });
        const pieces = 5;
        for (let i = 0; i < pieces && !response.destroyed; i++) {
            response.write(png.subarray(Math.floor(png.length * i / pieces), Math.floor(png.length * (i + 1) / pieces)));
            await wait(fake.drip / pieces);
        }
        response.end();
    }

    const server = http.createServer((request, response) => {
        response.on('error', () => {});
        const handle = request.url.startsWith('/files/') ? file : generate;
        handle(request, response).catch(() => response.destroy());
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    fake.url = `http://127.0.0.1:${server.address().port}`;
    fake.stop = () => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
    };
    return fake;
}

// The configuration of a studio with the sketcher and the fake service; its models are "fake".
export const fakeConfig = (fake, { concurrency = 24, timeoutSeconds = 30 } = {}) => `
providers:
  - {id: sketch, kind: sketch, concurrency: 2, timeoutSeconds: 120}
  - {id: fake, kind: openai, baseUrl: "${fake.url}/v1", concurrency: ${concurrency}, timeoutSeconds: ${timeoutSeconds}, allowPrivateAddresses: true, key: {env: FAKE_IMAGES_KEY}}
models:
  - id: sketch
    name: Sketch
    description: The built-in sketcher.
    kind: image
    provider: sketch
    price: 1
    typicalSeconds: 2
    isDefault: true
    maxImages: 4
    promptMax: 2000
    sizes: [{name: Square, width: 256, height: 256}]
    anySize: true
    steps: {min: 10, max: 50, default: 10, step: 1}
    takesSeed: true
  - id: sketch-motion
    name: Sketch in motion
    description: The built-in sketcher.
    kind: video
    provider: sketch
    price: 10
    typicalSeconds: 12
    maxImages: 1
    promptMax: 500
    sizes: [{name: "16:9", width: 1280, height: 720}]
    takesSeed: true
    durations: [4, 5, 6, 7, 8]
  - id: fake
    name: Fake
    description: A pretend service.
    kind: image
    provider: fake
    providerModel: pretend-1
    price: 2
    typicalSeconds: 2
    maxImages: 4
    promptMax: 2000
    sizes: [{name: Square, width: 256, height: 256}, {name: Wide, width: 512, height: 256}]
`;
export const fakeEnv = { FAKE_IMAGES_KEY: 'fake-key-0123456789' };

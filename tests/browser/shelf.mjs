// SPDX-License-Identifier: Apache-2.0
// A library of very many works: made once by the sketcher in some shapes, then copied by the fixture;
// the newest are real, each with a file of its own. Also what the bench row library_first_screen uses.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { startServer } from './stage.mjs';

const root = process.env.ATELIER_ROOT ?? fileURLToPath(new URL('../..', import.meta.url));
const fixture = process.env.ATELIER_FIXTURE ?? path.join(root, 'build/atelier-fixture');

const shape = (name, width, height) => `{name: "${name}", width: ${width}, height: ${height}}`;
const config = `plans:
  - {key: free, name: Free, creditsOnce: 1000000, storageBytes: 1099511627776}
providers:
  - {id: sketch, kind: sketch, concurrency: 2, timeoutSeconds: 120}
models:
  - {id: sketch, name: Sketch, description: Sketches., kind: image, provider: sketch, price: 1, typicalSeconds: 2, isDefault: true,
     maxImages: 4, promptMax: 2000, takesSeed: true, anySize: true,
     sizes: [${[shape('Square', 512, 512), shape('3:2', 608, 416), shape('2:3', 416, 608), shape('16:9', 672, 384), shape('9:16', 384, 672)]}]}
`;
const shapes = [[512, 512], [608, 416], [416, 608], [672, 384], [384, 672]];
const DAY = 86_400_000;

export const startShelf = (data) => startServer(data, { config, program: fixture });

async function call(server, token, kind, name, args) {
    const response = await fetch(`${server.url}/api/${kind}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ path: name, format: 'json', args }),
    });
    const answer = await response.json();
    if (answer.status !== 'success')
        throw new Error(`${name}: ${JSON.stringify(answer)}`);
    return answer.value;
}

// Pictures, four at a time, each with files of its own; when it answers they are there.
export async function make(server, token, count, prompt) {
    const before = (await call(server, token, 'query', 'users:getCurrentUser', {})).imageCount;
    for (let at = 0; at < count; at += 4) {
        const [width, height] = shapes[(at / 4) % shapes.length];
        await call(server, token, 'mutation', 'generations:createGenerationJob',
            { prompt: `${prompt} ${at / 4 + 1}`, model: 'sketch', numImages: 4, width, height });
    }
    const until = Date.now() + 120_000;
    while ((await call(server, token, 'query', 'users:getCurrentUser', {})).imageCount < before + count) {
        if (Date.now() > until)
            throw new Error('the works are not made in time');
        await new Promise((resolve) => setTimeout(resolve, 200));
    }
}

// Signed in on the page, which stands on /generate; answers the token.
export async function signUp(page) {
    await page.goto('/sign-up');
    await page.fill('input[type=email]', 'mira@example.org');
    await page.fill('input[type=password]', 'correct horse battery');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/generate');
    return page.evaluate(async () => {
        const response = await fetch('/api/auth/token', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
        return (await response.json()).token;
    });
}

// total works, of which the newest `fresh` and the oldest 20 are real; some a day, back from yesterday.
export async function fillShelf(server, token, { total, fresh }) {
    await make(server, token, 20, 'Boats before the wind');
    const copies = total - 20 - fresh;
    const apart = 20 * 60_000;
    const start = Date.now() - DAY - copies * apart;
    for (let at = 0; at < copies; at += 1000)
        await call(server, token, 'mutation', 'works:fill', { count: Math.min(1000, copies - at), at: start + at * apart, apart });
    await make(server, token, fresh, 'A harbour at dusk');
}

// SPDX-License-Identifier: Apache-2.0
// A studio without payments: no button that does nothing. How often may still be asked is said before
// it is refused. A failed work's receipt says why; an administrator's also who, and what it cost us.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { fakeConfig, fakeEnv, startFakeImages } from '../integration/fake-images.mjs';
import { checkAccess, openPage, startBrowser, startServer } from './stage.mjs';

const root = process.env.ATELIER_ROOT ?? fileURLToPath(new URL('../..', import.meta.url));
const program = process.env.ATELIER_BIN ?? path.join(root, 'build/atelier');
const password = 'correct horse battery';
const plans = `plans:
  - {key: free, name: Free, creditsOnce: 20, storageBytes: 1073741824, rates: [{kind: image, every: minute, count: 3}]}
  - {key: pro, name: Pro, creditsOnce: 0, creditsMonthly: 1000, priceCents: 2900, storageBytes: 107374182400}
`;
const dear = `  - {id: dear, name: Dear, description: d, kind: image, provider: sketch, price: 19, typicalSeconds: 2,
     maxImages: 4, promptMax: 2000, sizes: [{name: Square, width: 256, height: 256}]}
`;

let fake;
let server;
let browser;
let page;

before(async () => {
    fake = await startFakeImages();
    server = await startServer(undefined, { config: plans + fakeConfig(fake) + dear, env: fakeEnv });
    execFileSync(program, ['user', 'add', 'carol@example.org', '--role', 'admin', '--password', password, '--data', server.data], { stdio: 'ignore' });
    browser = await startBrowser();
    page = await openPage(browser, server.url, { width: 1440, height: 1100 });
    page.setDefaultTimeout(15_000);
    await page.goto('/sign-in');
    await page.fill('input[type=email]', 'carol@example.org');
    await page.fill('input[type=password]', password);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/generate');
    await page.locator('#prompt').waitFor();
});

after(async () => {
    await browser?.close();
    await server?.stop();
    await fake?.stop();
    server?.remove();
});

async function send(prompt, model) {
    await page.getByRole('radio', { name: new RegExp(`^${model}`) }).click();
    await page.fill('#prompt', prompt);
    await page.locator('#prompt').press('Control+Enter');
    await page.locator('article').first().filter({ hasText: prompt }).waitFor();
}

test('what cannot be bought has no button, and that is said', async () => {
    await page.goto('/billing');
    await page.getByText(/Payments are not set up in this studio/).waitFor();
    assert.equal(await page.getByRole('button', { name: /Choose|Change|Cancel|Buy|Card/ }).count(), 0);
    assert.equal(await page.getByRole('link', { name: /Buy|Choose|Change/ }).count(), 0);
    await checkAccess(page, 'billing-without');
});

test('a refused work has a receipt: quoted, taken, returned, and for administrators by whom and why', async () => {
    await page.goto('/generate');
    await send('refuse this kite', 'Fake');
    await page.getByText(/^Not made/).first().waitFor();
    await page.locator('article').first().getByRole('button', { name: 'Receipt' }).click();
    const dialog = page.getByRole('dialog', { name: /^Receipt/ });
    await dialog.getByText(/did not deliver/).waitFor();
    const text = await dialog.innerText();
    assert.match(text, /Taken when it was asked for[\s\S]*−\d+[\s\S]*Returned[\s\S]*\+\d+[\s\S]*Cost\s+0 credits/);
    assert.match(text, /Provider\s+fake/);
    assert.match(text, /Cause/);
    await checkAccess(page, 'receipt-refused');
    await page.keyboard.press('Escape');
});

test('how often may still be asked is said before it is refused, and when again', async () => {
    await send('A kite one', 'Sketch');
    await page.getByText('2 of 3 this minute').waitFor();
    await send('A kite two', 'Sketch');
    await page.getByText(/^3 of 3 this minute, again at \d\d:\d\d/).waitFor();
    await checkAccess(page, 'generate-throttled');
});

test('an empty purse says what is missing, without a way to buy', async () => {
    await page.getByRole('radio', { name: /^Dear/ }).click();
    await page.getByRole('button', { name: /Generate|Make/ }).last().waitFor();
    await page.getByText(/1 credit short|credits short/).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Buy credits' }).count(), 0);
});

test('a long balance, a narrow screen and large text lose nothing', async () => {
    for (const [width, zoom] of [[320, 1], [360, 1], [720, 2]]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto('/billing');
        await page.getByRole('heading', { name: 'Invoices' }).waitFor();
        await page.evaluate((value) => (document.documentElement.style.fontSize = `${value * 100}%`), zoom);
        await page.waitForTimeout(200);
        await checkAccess(page, `billing-without-${width}-${zoom}`);
    }
});

test('nothing went wrong on the console', () => {
    assert.deepEqual(page.wrong, []);
});

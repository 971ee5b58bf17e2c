// SPDX-License-Identifier: Apache-2.0
// The composer by capability: each model offers what it declares and no more, the price is there
// before and follows every choice, a picture can be started from, places in line and cancelling
// show as they happen, and what failed is tried again with all that was chosen.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { makePng } from '../integration/fake-images.mjs';
import { checkAccess, openPage, startBrowser, startServer } from './stage.mjs';

const root = process.env.ATELIER_ROOT ?? fileURLToPath(new URL('../..', import.meta.url));
const program = process.env.ATELIER_BIN ?? path.join(root, 'build/atelier');

// A GPU at home, as Automatic1111 answers; what it was asked is kept.
const outside = { asked: [], mode: 'works' };
const home = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
        const wish = JSON.parse(body || '{}');
        if (request.method === 'POST')
            outside.asked.push({ path: request.url, wish });
        if (outside.mode === 'silent')
            return;
        if (outside.mode === 'breaks')
            return request.socket.destroy();
        response.writeHead(outside.mode === 'refuses' ? 422 : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(outside.mode === 'refuses' ? { detail: 'no such sampler' }
            : { images: Array.from({ length: wish.batch_size ?? 1 }, (_, n) => makePng(wish.width, wish.height, n).toString('base64')), info: '{}' }));
    });
});

const configAt = (port) => `
plans:
  - {key: free, name: Free, creditsOnce: 500, storageBytes: 1000000000}
  - {key: plus, name: Plus, creditsOnce: 0, storageBytes: 1000000000}
providers:
  - {id: sketch, kind: sketch, concurrency: 1, timeoutSeconds: 60}
  - {id: home, kind: automatic1111, baseUrl: "http://127.0.0.1:${port}/", concurrency: 1, timeoutSeconds: 60, allowPrivateAddresses: true}
models:
  - {id: sketch, name: Sketch, description: Drawn here., kind: image, provider: sketch, price: 1, typicalSeconds: 2, maxImages: 4, promptMax: 2000, isDefault: true, sizes: [{name: Square, width: 512, height: 512}]}
  - id: xl
    name: Engraver
    description: At home, with everything that can be set.
    kind: image
    provider: home
    price: 4
    typicalSeconds: 8
    maxImages: 2
    promptMax: 500
    takesSeed: true
    takesNegativePrompt: true
    takesImage: optional
    takesStrength: true
    steps: {min: 1, max: 50, default: 20, step: 1}
    guidance: {min: 1, max: 20, default: 7, step: 0.5}
    qualities: [{name: plain}, {name: fine, multiplier: 1.5}]
    resolutions: [{name: 1K}, {name: 2K, price: 10}, {name: 4K, price: 30, plans: [plus]}]
    sizes: [{name: Square, width: 256, height: 256}, {name: Wide, width: 384, height: 256}]
  - {id: retoucher, name: Retoucher, description: Starts from a picture., kind: image, provider: home, price: 3, typicalSeconds: 8, maxImages: 1, promptMax: 500, takesImage: required, sizes: [{name: Square, width: 256, height: 256}]}
  - {id: plein, name: Plein Air, description: Cheap and quick., kind: image, provider: home, price: 2, typicalSeconds: 3, maxImages: 1, promptMax: 500, sizes: [{name: Square, width: 256, height: 256}]}
  - {id: dear, name: Dear, description: Slow and fine., kind: image, provider: home, price: 90, typicalSeconds: 60, maxImages: 1, promptMax: 500, sizes: [{name: Square, width: 256, height: 256}]}
  - {id: motion, name: Motion, description: A short film., kind: video, provider: sketch, price: 10, typicalSeconds: 12, isDefault: true, maxImages: 1, promptMax: 500, sizes: [{name: "16:9", width: 320, height: 180}], durations: [4, 5]}
`;

let server;
let browser;
let page;

const model = (name) => page.getByRole('radio', { name: new RegExp(`^${name}`) });
const choice = (group, name) => page.getByRole('radiogroup', { name: group }).getByRole('radio', { name, exact: true });
const generate = (price) => page.getByRole('button', { name: new RegExp(`^Generate ${price} `) });
const last = () => outside.asked[outside.asked.length - 1];

before(async () => {
    await new Promise((listening) => home.listen(0, '127.0.0.1', listening));
    server = await startServer(undefined, { config: configAt(home.address().port) });
    execFileSync(program, ['user', 'add', 'mira@example.org', '--password', 'correct horse battery', '--data', server.data], { stdio: 'ignore' });
    browser = await startBrowser();
    page = await openPage(browser, server.url);
    page.setDefaultTimeout(15_000);
    await page.goto('/sign-in');
    await page.fill('input[type=email]', 'mira@example.org');
    await page.fill('input[type=password]', 'correct horse battery');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/generate');
    await page.locator('#prompt').waitFor();
});

after(async () => {
    await browser?.close();
    await server?.stop();
    server?.remove();
    home.closeAllConnections();
    home.close();
});

test('each model offers what it declares, and no more', async () => {
    for (const missing of ['Steps', 'Guidance', 'Quality', 'Resolution'])
        assert.equal(await page.getByText(missing, { exact: true }).count(), 0, missing);
    assert.equal(await page.getByRole('button', { name: 'Choose a picture' }).count(), 0);
    await model('Engraver').click();
    for (const offered of ['Steps', 'Guidance', 'Quality', 'Resolution', 'Seed'])
        await page.getByText(offered, { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Leave out' }).waitFor();
    await page.getByRole('button', { name: 'Choose a picture' }).waitFor();
    await page.getByText('4K comes with Plus.').waitFor();
    assert.equal(await choice('Resolution', '4K').isDisabled(), true);
    await checkAccess(page, 'composer-full');
});

test('the price stands there before, and follows every choice', async () => {
    await generate('4').waitFor();
    await choice('Quality', 'fine').click();
    await generate('6').waitFor();
    await choice('Resolution', '2K').click();
    await generate('15').waitFor();
    await choice('How many', '2').click();
    await generate('30').waitFor();
    await page.getByText('500 → 470').waitFor();
    await page.getByRole('button', { name: 'Reset all' }).click();
    await generate('4').waitFor();
});

test('a picture of one’s own is chosen with the keyboard and started from, with a strength', async () => {
    await model('Sketch').click();
    await page.fill('#prompt', 'A lighthouse before a storm');
    await page.keyboard.press('Control+Enter');
    await page.getByText(/^Done/).first().waitFor({ timeout: 30_000 });
    await model('Engraver').click();
    await page.getByRole('button', { name: 'Choose a picture' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Choose a picture to start from' });
    await dialog.getByRole('button', { name: 'A lighthouse before a storm' }).waitFor();
    await checkAccess(page, 'composer-picker');
    await dialog.getByRole('button', { name: 'A lighthouse before a storm' }).focus();
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('textbox', { name: 'Strength' }).fill('0.8');
    await page.keyboard.press('Tab');
    await page.getByRole('button', { name: 'Lock' }).click();
    await page.getByLabel('Seed number').fill('77');
    await choice('Quality', 'fine').click();
    await page.fill('#prompt', 'The same at night');
    await page.waitForTimeout(300);
    await checkAccess(page, 'composer-start');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('article', { name: 'The same at night' }).getByText(/^Done/).waitFor({ timeout: 30_000 });
    assert.match(last().path, /img2img$/);
    assert.equal(last().wish.denoising_strength, 0.8);
    assert.equal(last().wish.seed, 77);
    await page.getByRole('article', { name: 'The same at night' }).getByText(/6 credits/).waitFor();
    await page.getByText('493', { exact: true }).first().waitFor();
});

test('a model that needs a picture says so before anything is held', async () => {
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.locator('#start:focus').waitFor();
    await model('Retoucher').click();
    await page.getByText('This model needs one.').waitFor();
    await page.keyboard.press('Control+Enter');
    await page.locator('#prompt').focus();
    await page.keyboard.press('Control+Enter');
    await page.getByText('Retoucher needs a picture to start from.').waitFor();
    await page.locator('#start:focus').waitFor();
    await checkAccess(page, 'composer-needs');
    await page.getByText('493', { exact: true }).first().waitFor();
});

test('any model is found among all of them', async () => {
    await page.getByRole('button', { name: 'All 5 models' }).click();
    const dialog = page.getByRole('dialog', { name: 'All 5 models' });
    await dialog.getByRole('radio', { name: 'Price' }).click();
    assert.match(await dialog.getByRole('button', { name: /credit/ }).nth(1).innerText(), /Plein Air/);
    await checkAccess(page, 'composer-models');
    await dialog.getByRole('searchbox').fill('slow');
    await dialog.getByRole('button', { name: /Dear/ }).click();
    await generate('90').waitFor();
    assert.equal(await model('Dear').getAttribute('aria-checked'), 'true');
});

test('the place in line is told, and cancelling works in line and while developing', async () => {
    outside.mode = 'silent';
    await page.getByRole('button', { name: 'All 5 models' }).click();
    await page.getByRole('dialog').getByRole('button', { name: /Plein Air/ }).click();
    for (const prompt of ['One', 'Two', 'Three']) {
        await page.fill('#prompt', `${prompt} kite`);
        await page.keyboard.press('Control+Enter');
        await page.getByRole('article', { name: `${prompt} kite` }).waitFor();
    }
    const card = (prompt) => page.getByRole('article', { name: `${prompt} kite` });
    await card('One').getByText(/^Developing/).waitFor();
    await card('Two').getByText('Next in line').waitFor();
    await card('Three').getByText('Second in line').waitFor();
    await card('Three').getByText(/begins in about/).waitFor();
    await checkAccess(page, 'composer-line');
    await card('Two').getByRole('button', { name: 'Cancel' }).click();
    await card('Two').getByText(/^Cancelled/).waitFor();
    await card('Three').getByText('Next in line').waitFor();
    await card('Three').getByRole('button', { name: 'Cancel' }).click();
    await card('One').getByRole('button', { name: 'Cancel' }).click();
    await card('One').getByText(/^Cancelled/).waitFor();
    await page.getByText('493', { exact: true }).first().waitFor();
});

test('what failed gives its credits back, and is tried again with all that was chosen', async () => {
    outside.mode = 'refuses';
    await model('Engraver').click();
    await page.fill('#prompt', 'A kite of paper');
    await choice('Shape', 'Wide').click();
    await page.keyboard.press('Control+Enter');
    const card = page.getByRole('article', { name: 'A kite of paper' });
    await card.first().getByText(/^Not made/).waitFor();
    await card.first().getByText('Your 6 credits are back.').waitFor();
    const wished = last().wish;
    await model('Sketch').click();
    outside.mode = 'works';
    await card.first().getByRole('button', { name: /^Try again/ }).click();
    await card.first().getByText(/^Done/).waitFor();
    assert.deepEqual(last().wish, wished);
    assert.equal(last().wish.seed, 77);
    assert.equal(last().wish.width, 384);
});

test('a work of the library is started from, with a model that can', async () => {
    await model('Sketch').click();
    await page.goto('/library');
    await page.getByRole('gridcell').first().getByRole('link').first().click();
    await page.getByRole('link', { name: 'Start from it' }).click();
    await page.waitForURL('**/generate');
    await page.getByRole('button', { name: 'Another' }).waitFor();
    assert.equal(await model('Engraver').getAttribute('aria-checked'), 'true');
});

test('a film offers what films have', async () => {
    await page.getByRole('radio', { name: 'Film' }).click();
    await choice('Length', '5 s').waitFor();
    for (const missing of ['Steps', 'How many', 'Seed', 'Leave out'])
        assert.equal(await page.getByText(missing, { exact: true }).count(), 0, missing);
    await generate('10').waitFor();
    await page.getByRole('radio', { name: 'Picture' }).click();
});

test('it fits a phone, in both lights', async () => {
    await model('Engraver').click();
    await page.getByRole('button', { name: 'Another' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'A lighthouse before a storm' }).click();
    for (const [width, colorScheme] of [[360, 'light'], [320, 'dark'], [900, 'light']]) {
        await page.setViewportSize({ width, height: 844 });
        await page.emulateMedia({ colorScheme });
        await page.goto('/generate');
        await page.locator('#prompt').waitFor();
        await page.waitForTimeout(400);
        await checkAccess(page, `composer-${width}-${colorScheme}`);
    }
});

test('a model whose provider keeps failing rests, and cannot be chosen until it is back', async () => {
    await page.setViewportSize({ width: 1440, height: 1000 });
    outside.mode = 'breaks';
    await page.goto('/generate');
    for (let n = 0; n < 3; n++) {
        await page.fill('#prompt', `Kite ${n}`);
        await page.keyboard.press('Control+Enter');
        await page.getByRole('article', { name: `Kite ${n}` }).waitFor();
    }
    await page.getByText(/Resting, back about/).first().waitFor({ timeout: 40_000 });
    await model('Sketch').click();
    assert.equal(await model('Engraver').isDisabled(), true);
    await checkAccess(page, 'composer-resting');
});

test('nothing went wrong on the console', () => {
    assert.deepEqual(page.wrong, []);
});

// SPDX-License-Identifier: Apache-2.0
// What an artist meets on a bad day: a refusal, an empty purse, no mouse, a server that dies.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { fakeConfig, fakeEnv, startFakeImages } from '../integration/fake-images.mjs';
import { checkAccess, openPage, startBrowser, startServer } from './stage.mjs';

const purse = `plans:
  - {key: free, name: Free, creditsOnce: 30, storageBytes: 1073741824}
`;
const dear = `  - {id: dear, name: Dear, description: d, kind: image, provider: sketch, price: 9, typicalSeconds: 2,
     maxImages: 4, promptMax: 2000, sizes: [{name: Square, width: 256, height: 256}]}
`;

let fake;
let server;
let settings;
let browser;
let page;

before(async () => {
    fake = await startFakeImages();
    settings = { config: purse + fakeConfig(fake) + dear, env: fakeEnv };
    server = await startServer(undefined, settings);
    browser = await startBrowser();
    page = await openPage(browser, server.url);
    await page.goto('/sign-up');
    await page.fill('input[type=email]', 'mira@example.org');
    await page.fill('input[type=password]', 'correct horse battery');
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

const balance = (credits) => page.locator('.rail .stat b').filter({ hasText: new RegExp(`^${credits}$`) }).waitFor();
const choose = (model) => page.getByRole('radio', { name: new RegExp(`^${model}`) }).click();
const newest = () => page.locator('article').first();
const focused = () => page.evaluate(() => document.activeElement?.dataset.index ?? document.activeElement?.id ?? '');

async function send(prompt, count) {
    await page.fill('#prompt', prompt);
    await page.getByRole('radio', { name: String(count), exact: true }).click();
    await page.locator('#prompt').press('Control+Enter');
    await newest().filter({ hasText: prompt }).waitFor();
}

test('a refusal says why and that the credits are back, aloud too, and can be tried again', async () => {
    await choose('Fake');
    await send('refuse this kite', 2);
    await newest().getByText(/^Not made\. .*\.$/).waitFor({ timeout: 20_000 });
    await newest().getByText('Your 4 credits are back.').waitFor();
    await newest().getByRole('button', { name: 'Try again 4 credits' }).waitFor();
    await page.waitForFunction(() => /^Not made: .*Your 4 credits are back\.$/.test(document.getElementById('shouted').textContent));
    await balance(30);
    await checkAccess(page, 'generate-failed');
});

test('the grid is one tab stop: keys move, look, delete, and the focus is never lost', async () => {
    await choose('Sketch');
    for (const prompt of ['A first kite', 'A second kite']) {
        await send(prompt, 4);
        await newest().getByText(/^Done/).waitFor({ timeout: 60_000 });
    }
    await page.locator('.rail nav').getByRole('link', { name: 'Library' }).click();
    await page.getByRole('gridcell').nth(7).waitFor();
    assert.equal(await page.locator('[role=grid] [tabindex="0"]').count(), 1);
    await page.locator('[role=grid] [tabindex="0"]').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    assert.equal(await focused(), '2');
    await page.keyboard.press('Space');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.activeElement?.dataset.index === '3');
    await page.keyboard.press('Enter');
    await page.locator('#detail').getByText('4 of 8').waitFor();
    await page.waitForTimeout(300);
    assert.equal(await focused(), '3', 'the grid is narrower now, and the focus is still on the work');
    await page.keyboard.press('Escape');
    await page.locator('#detail').waitFor({ state: 'detached' });
    await page.waitForTimeout(300);
    assert.equal(await focused(), '3');
    await page.keyboard.press('End');
    assert.equal(await focused(), '7');
    await page.keyboard.press('Delete');
    await page.getByRole('alertdialog').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('[role=gridcell]').length === 7);
    await page.waitForFunction(() => document.activeElement?.dataset.index === '6');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').waitFor();
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.activeElement?.dataset.index === '6');
});

test('the server dies under a job while the page is open: words stay, nothing is sent twice', async () => {
    await page.keyboard.press('/');
    await page.waitForFunction(() => document.activeElement?.id === 'search');
    await page.keyboard.press('Escape');
    await page.locator('#main').focus();
    await page.keyboard.press('g');
    await page.keyboard.press('g');
    await page.locator('#prompt').waitFor();
    await page.keyboard.press('/');
    await page.waitForFunction(() => document.activeElement?.id === 'prompt');
    await choose('Fake');
    await send('a slow kite', 1);
    await newest().getByText(/Developing/).waitFor();
    page.serverIsDown = true;
    await server.stop('SIGKILL');
    await page.getByText(/^Offline since/).waitFor({ timeout: 15_000 });
    await page.fill('#prompt', 'written while nobody listened');
    await page.locator('#prompt').press('Control+Enter');
    server = await startServer(server.data, { ...settings, url: server.url });
    await page.getByText(/^Offline since/).waitFor({ state: 'detached', timeout: 30_000 });
    page.serverIsDown = false;
    await newest().getByText(/^(Done|Not made)/).waitFor({ timeout: 60_000 });
    const made = await newest().getByText(/^Done/).count();
    await balance(made ? 20 : 22);
    assert.equal(await page.locator('#prompt').inputValue(), 'written while nobody listened');
    assert.equal(await page.locator('article').count(), 4);
});

test('with too few credits the button offers what they pay for, and makes it', async () => {
    await choose('Dear');
    await page.getByRole('radio', { name: '4', exact: true }).click();
    await page.locator('#prompt').press('Control+Enter');
    await page.waitForFunction(() => /short\. Enough for 2 pictures/.test(document.getElementById('said').textContent), null,
        { timeout: 15_000 });
    assert.equal(await page.locator('article').count(), 4);
    await checkAccess(page, 'generate-short');
    await page.getByRole('button', { name: 'Make 2 pictures 18 credits' }).press('Enter');
    await newest().filter({ hasText: 'written while nobody listened' }).waitFor();
    await newest().getByText(/^Done/).waitFor({ timeout: 60_000 });
    assert.equal(await newest().locator('.print').count(), 2);
    await balance('[24]');
});

test('an address of no work says so, and nothing went wrong on the console', async () => {
    await page.goto('/library/garbage');
    await page.getByText('This work does not exist, or is not yours to see.').waitFor();
    assert.deepEqual(page.wrong, []);
});

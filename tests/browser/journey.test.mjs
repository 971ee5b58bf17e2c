// SPDX-License-Identifier: Apache-2.0
// What a newcomer does: signs up, asks for a picture, sees it develop, finds it in the library,
// comes back later, deletes it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { checkAccess, openPage, startBrowser, startServer } from './stage.mjs';

let server;
let browser;
let page;

before(async () => {
    server = await startServer();
    browser = await startBrowser();
    page = await openPage(browser, server.url);
});

after(async () => {
    await browser?.close();
    await server?.stop();
    server?.remove();
});

const prompt = 'A lighthouse on a basalt cliff before a storm, seen from the water';

test('the front page works and leads to an account', async () => {
    await page.goto('/');
    await checkAccess(page, 'landing');
    await page.fill('input[type=email]', 'mira@example.org');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(/\/sign-(in|up)/);
    await checkAccess(page, 'sign-in');
});

test('signing up leads to the composer, with credits', async () => {
    await page.goto('/sign-up');
    await page.fill('input[type=email]', 'mira@example.org');
    await page.fill('input[type=password]', 'correct horse battery');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/generate');
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.getByText('100', { exact: true }).first().waitFor();
    await checkAccess(page, 'generate-empty');
});

test('a prompt becomes four pictures, live', async () => {
    await page.fill('textarea', prompt);
    await page.getByRole('radio', { name: '4', exact: true }).click();
    await page.keyboard.press('Control+Enter');
    await page.getByText(/Developing|In line|Saving|of 4 done/).first().waitFor();
    await checkAccess(page, 'generate-running');
    await page.getByText(/^Done/).first().waitFor({ timeout: 60_000 });
    await page.getByText('96', { exact: true }).first().waitFor();
    await checkAccess(page, 'generate-done');
});

test('the pictures are in the library, also after a reload', async () => {
    await page.goto('/library');
    await page.getByRole('gridcell').nth(3).waitFor();
    assert.equal(await page.getByRole('gridcell').count(), 4);
    await checkAccess(page, 'library');
    await page.reload();
    await page.getByRole('gridcell').nth(3).waitFor();
    const decoded = await page.locator('[role=gridcell] img').first().evaluate((image) => image.decode().then(() => image.naturalWidth));
    assert.ok(decoded > 0);
});

test('a download may say how the work was made', async () => {
    await page.goto('/library');
    await page.getByRole('gridcell').first().locator('a').first().click();
    const [saved] = await Promise.all([page.waitForEvent('download'),
        page.getByRole('button', { name: 'Download with how it was made' }).click()]);
    const bytes = readFileSync(await saved.path());
    assert.ok(bytes.includes('trainedAlgorithmicMedia') && bytes.includes(prompt));
    await page.goto('/library');
});

test('a work opens, and is deleted for good', async () => {
    await page.getByRole('gridcell').first().getByRole('link').first().click();
    await page.waitForURL(/\/library\/\w+/);
    await page.locator('#detail').waitFor();
    await checkAccess(page, 'library-detail');
    await page.locator('#detail').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').waitFor();
    await checkAccess(page, 'library-delete');
    await page.getByRole('button', { name: 'Delete for good' }).click();
    await page.waitForFunction(() => document.querySelectorAll('[role=gridcell]').length === 3);
});

test('a second tab follows without being told', async () => {
    const other = await page.context().newPage();
    await other.goto('/library');
    await other.getByRole('gridcell').nth(2).waitFor();
    await page.goto('/generate');
    await page.fill('textarea', 'Two koi in a dark pond');
    await page.getByRole('radio', { name: '1', exact: true }).click();
    await page.keyboard.press('Control+Enter');
    await other.getByRole('gridcell').nth(3).waitFor({ timeout: 60_000 });
    await other.close();
});

test('a film can be asked for, and cancelled with its credits back', async () => {
    await page.getByRole('radio', { name: 'Film' }).click();
    await page.fill('textarea', 'The boat drifts to the right, moonlight on the water');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('button', { name: 'Cancel' }).first().click();
    await page.getByText(/^Cancelled/).first().waitFor();
    await page.getByText('95', { exact: true }).first().waitFor();
    await checkAccess(page, 'generate-film');
});

test('everything fits a phone, in both lights', async () => {
    for (const [width, colorScheme] of [[390, 'light'], [320, 'dark']]) {
        await page.setViewportSize({ width, height: 844 });
        await page.emulateMedia({ colorScheme });
        for (const place of ['generate', 'library', 'settings/account']) {
            await page.goto(`/${place}`);
            await page.getByRole('main').waitFor();
            await page.waitForTimeout(400);
            await checkAccess(page, `${place.replace('/', '-')}-${width}-${colorScheme}`);
        }
    }
    await page.setViewportSize({ width: 1440, height: 1000 });
});

test('it is all still there after a restart of the server', async () => {
    page.serverIsDown = true;
    await server.stop();
    const again = await startServer(server.data);
    const fresh = await openPage(browser, again.url, { colorScheme: 'light' });
    await fresh.context().addCookies(await page.context().cookies());
    await fresh.goto('/library');
    await fresh.getByRole('gridcell').nth(3).waitFor();
    await checkAccess(fresh, 'library-light');
    assert.deepEqual(fresh.wrong, []);
    await again.stop();
    server.stop = async () => {};
});

test('nothing went wrong on the console', () => {
    assert.deepEqual(page.wrong, []);
});

// SPDX-License-Identifier: Apache-2.0
// A library of 10,000 works: where everything stands, what exists of it, and what can be done with many.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { fillShelf, make, signUp, startShelf } from './shelf.mjs';
import { checkAccess, openPage, startBrowser } from './stage.mjs';

const TOTAL = 10_000;

let server;
let browser;
let page;
let token;

before(async () => {
    server = await startShelf();
    browser = await startBrowser();
    page = await openPage(browser, server.url);
    token = await signUp(page);
    await fillShelf(server, token, { total: TOTAL, fresh: 20 });
});

after(async () => {
    await browser?.close();
    await server?.stop();
    server?.remove();
});

const cells = () => page.getByRole('gridcell');
const settled = () => page.waitForFunction(() => {
    const images = [...document.querySelectorAll('[role=gridcell] img')].filter((image) => {
        const box = image.getBoundingClientRect();
        return box.bottom > 0 && box.top < innerHeight;
    });
    return images.length > 0 && images.every((image) => image.complete && image.naturalWidth > 0);
});

const tile = (index) => page.locator(`[data-index="${index}"]`);
const isWhole = () => page.waitForFunction(() => document.querySelector('[role=grid]').getAttribute('aria-rowcount') !== '-1');
const picked = async () => page.locator('[role=gridcell][aria-selected=true]').count();
const focused = () => page.evaluate(() => Number(document.activeElement?.dataset.index ?? NaN));
const shift = () => page.evaluate(() => globalThis.shifted);

test('ten thousand works are there, and few of them exist', async () => {
    await page.addInitScript(() => {
        globalThis.shifted = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
            if (!entry.hadRecentInput)
                globalThis.shifted += entry.value;
        })).observe({ type: 'layout-shift', buffered: true });
    });
    await page.goto('/library');
    await page.getByText('10,000 works').waitFor();
    await settled();
    await isWhole();
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    assert.ok(height > 200_000, `${height}`);
    assert.ok(await cells().count() <= 200, `${await cells().count()} tiles`);
    assert.equal(await shift(), 0);
    await checkAccess(page, 'library-10000');
});

test('a jump to anywhere shows frames at once, then works, and moves nothing', async () => {
    for (const part of [0.5, 0.98, 0.1]) {
        await page.evaluate((to) => scrollTo(0, document.documentElement.scrollHeight * to), part);
        await page.waitForFunction(() => [...document.querySelectorAll('[role=gridcell]')].some((cell) => {
            const box = cell.getBoundingClientRect();
            return box.top < innerHeight && box.bottom > 0;
        }));
        await settled();
        assert.ok(await cells().count() <= 200);
    }
    assert.equal(await shift(), 0);
});

test('the end is one key away, and so is the beginning', async () => {
    await page.evaluate(() => scrollTo(0, 0));
    await tile(0).focus();
    await page.keyboard.press('End');
    await page.waitForFunction(() => document.activeElement?.dataset.index === '9999');
    await settled();
    await page.keyboard.press('Home');
    await page.waitForFunction(() => document.activeElement?.dataset.index === '0');
});

test('keys pick: one, a range that grows and shrinks, all, none', async () => {
    await tile(2).focus();
    await page.keyboard.press('x');
    assert.equal(await picked(), 1);
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Shift+ArrowRight');
    assert.equal(await picked(), 3);
    assert.equal(await focused(), 4);
    await page.keyboard.press('Shift+ArrowLeft');
    assert.equal(await picked(), 2);
    await page.getByText(/^2 picked, /).waitFor();
    await page.getByRole('status').filter({ hasText: '2 picked.' }).waitFor();
    await page.mouse.move(0, 0);
    await checkAccess(page, 'library-picked');
    await page.keyboard.press('Control+a');
    await page.getByText(/^10,000 picked, /).waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await picked(), 0);
    assert.equal(await focused(), 3);
    await page.getByRole('radio', { name: 'Films' }).waitFor();
});

test('a pointer picks: the tick, then any print, with Shift a range; Enter still opens', async () => {
    await cells().nth(0).hover();
    await cells().nth(0).locator('.pick').click();
    await tile(5).click({ modifiers: ['Shift'] });
    assert.equal(await picked(), 6);
    await tile(1).click();
    assert.equal(await picked(), 5);
    assert.match(page.url(), /\/library$/);
    await tile(7).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/library\/\w+/);
    assert.equal(await picked(), 5);
    await page.keyboard.press('Escape');
    assert.equal(await picked(), 0);
    await page.keyboard.press('Escape');
    await page.waitForURL(/\/library$/);
});

test('without a pointer that hovers, picking is begun by a word', async () => {
    await page.getByRole('button', { name: 'Pick' }).click();
    await tile(3).click();
    await tile(4).click();
    assert.equal(await picked(), 2);
    await page.getByRole('button', { name: 'Clear' }).click();
    assert.equal(await picked(), 0);
});

test('several are deleted together, after one question that says what is lost', async () => {
    await tile(0).focus();
    await page.keyboard.press('x');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Shift+ArrowRight');
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('alertdialog', { name: 'Delete 3 works?' }).waitFor();
    await checkAccess(page, 'library-delete-several');
    await page.getByRole('button', { name: 'Delete for good' }).click();
    await page.getByText('9,997 works').waitFor();
    assert.equal(await picked(), 0);
    await page.waitForFunction(() => document.activeElement?.dataset.index === '0');
});

test('a new work takes its place without moving what is looked at elsewhere', async () => {
    await page.evaluate(() => scrollTo(0, 100_000));
    await settled();
    const before = await page.evaluate(() => scrollY);
    await make(server, token, 4, 'Late rain');
    await page.getByText('10,001 works').waitFor();
    assert.ok(await page.evaluate(() => scrollY) >= before);
    await page.evaluate(() => scrollTo(0, 0));
    await page.getByRole('link', { name: 'Late rain 1' }).first().waitFor();
});

test('nothing went wrong on the console', () => {
    assert.deepEqual(page.wrong, []);
});

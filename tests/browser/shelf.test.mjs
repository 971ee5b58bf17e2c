// SPDX-License-Identifier: Apache-2.0
// A library of 10,000 works: where everything stands, what exists of it, and what can be done with many.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { deflateSync } from 'node:zlib';

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

test('the months on the edge lead there, by pointer and by key', async () => {
    await page.evaluate(() => scrollTo(0, 0));
    const months = page.getByRole('navigation', { name: 'Go to a month' });
    const box = await months.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + 10);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 8 });
    await page.mouse.up();
    const [at, height] = await page.evaluate(() => [scrollY, document.documentElement.scrollHeight]);
    assert.ok(Math.abs(at / height - 0.5) < 0.02, `${at} of ${height}`);
    await settled();
    await checkAccess(page, 'library-months');
    await months.getByRole('button').first().press('Enter');
    assert.ok(await page.evaluate(() => scrollY) < 200);
    await page.mouse.move(700, 500);
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
    // The months fade a moment after the last scroll.
    await page.waitForFunction(() => !document.querySelector('.scrubber > nav.awake'));
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

test('what is done with the picked stays in view, and nothing moves when it comes', async () => {
    await page.evaluate(() => scrollTo(0, 50_000));
    await settled();
    const place = () => page.evaluate(() => document.querySelector('[role=grid]').getBoundingClientRect().top);
    const before = await place();
    // Days end where they end: at one point there may be no work.
    const [x, y] = await page.evaluate(() => [...document.querySelectorAll('.cell')].map((cell) => cell.getBoundingClientRect())
        .filter((box) => box.top > 200 && box.bottom < innerHeight).map((box) => [box.x + box.width / 2, box.y + box.height / 2])[0]);
    await page.mouse.move(x, y);
    await page.locator('.cell:hover .pick').click();
    await page.getByText(/^1 picked, /).waitFor();
    assert.equal(await place(), before);
    const box = await page.getByRole('group', { name: 'Picked works' }).boundingBox();
    assert.ok(box.y >= 0 && box.y < 100, `${box.y}`);
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.evaluate(() => scrollTo(0, 0));
});

test('what is opened stays where it was clicked, however wide the grid is then', async () => {
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight / 2));
    await settled();
    const [index, top, x, y] = await page.evaluate(() => {
        const cell = [...document.querySelectorAll('.cell')].filter((one) => {
            const box = one.getBoundingClientRect();
            return box.top > 200 && box.bottom < innerHeight - 100;
        }).at(-1);
        const box = cell.getBoundingClientRect();
        return [Number(cell.querySelector('a').dataset.index), box.top, box.x + box.width / 2, box.y + box.height / 2];
    });
    const near = async (what, most) => {
        const now = await tile(index).evaluate((one) => one.getBoundingClientRect().top);
        assert.ok(Math.abs(now - top) <= most, `${what}: ${now}, it was at ${top}`);
    };
    await page.mouse.click(x, y);
    await page.locator('.cell.opened').waitFor();
    await settled();
    await near('opened', 60);
    await page.goBack();
    await page.locator('#detail').waitFor({ state: 'detached' });
    await settled();
    await near('after Back', 60);
    await page.setViewportSize({ width: 1100, height: 1000 });
    await settled();
    await near('in a narrower window', 60);
    await page.setViewportSize({ width: 800, height: 900 });
    await settled();
    await tile(index).click();
    await page.locator('#detail').waitFor();
    const [below, edge] = await page.evaluate(() => [document.querySelector('.cell.opened').getBoundingClientRect().bottom, document.getElementById('detail').getBoundingClientRect().top]);
    assert.ok(below <= edge, `the sheet covers it: ${below} > ${edge}`);
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 1440, height: 1000 });
    await page.evaluate(() => scrollTo(0, 0));
});

test('F marks a favourite, and says so', async () => {
    // One that is wide enough for words.
    const wide = page.locator('.cell:has(.over)').first();
    await wide.locator('a').first().focus();
    await page.keyboard.press('f');
    await page.getByRole('status').filter({ hasText: 'A favourite now.' }).waitFor();
    await wide.getByText('Favourite').waitFor();
    await page.goto('/library?only=marked');
    await page.getByText('1 work', { exact: true }).waitFor();
    await tile(0).click();
    await page.getByRole('button', { name: 'Favourite', pressed: true }).click();
    await page.getByText('Nothing of this kind yet.').waitFor();
    await page.goto('/library');
    await settled();
});

const scaleOf = (at = 0) => page.locator('.look-room img').nth(at).evaluate((image) => new DOMMatrix(getComputedStyle(image).transform).a);

test('a picture is looked at closely: keys, wheel, drag; it never leaves the room', async () => {
    await tile(0).focus();
    await page.keyboard.press('Space');
    const view = page.getByRole('dialog');
    await view.waitFor();
    assert.equal(await scaleOf(), 1);
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    assert.ok(await scaleOf() > 1.9);
    await checkAccess(page, 'look-close');
    await page.keyboard.press('z');
    assert.equal(await scaleOf(), 1);
    await page.mouse.move(900, 300);
    await page.mouse.wheel(0, -800);
    await page.waitForFunction(() => new DOMMatrix(getComputedStyle(document.querySelector('.look-room img')).transform).a > 3);
    await page.mouse.down();
    await page.mouse.move(9000, 9000, { steps: 5 });
    await page.mouse.up();
    const [image, room] = await page.evaluate(() => ['.look-room img', '.look-room'].map((one) => document.querySelector(one).getBoundingClientRect().toJSON()));
    assert.ok(image.left <= room.right && (image.left <= room.left + 1 || image.width <= room.width + 1));
    await page.keyboard.press('ArrowRight');
    await view.getByText('Large view').waitFor();
    assert.equal(await scaleOf(), 1, 'the next one fits first');
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.activeElement?.dataset.index === '1');
});

test('two to four stand side by side with one zoom', async () => {
    await tile(0).focus();
    await page.keyboard.press('x');
    assert.equal(await page.getByRole('button', { name: 'Side by side' }).count(), 0);
    await page.keyboard.press('Shift+ArrowRight');
    await page.getByRole('button', { name: 'Side by side' }).click();
    await page.locator('.look-room').nth(1).waitFor();
    await page.keyboard.press('+');
    assert.ok(await scaleOf(0) > 1.3);
    assert.ok(Math.abs(await scaleOf(0) - await scaleOf(1)) < 0.01);
    await checkAccess(page, 'look-side');
    await page.keyboard.press('Escape');
    await page.getByText(/^2 picked, /).waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
});

test('several are downloaded as one archive', async () => {
    await tile(0).focus();
    await page.keyboard.press('x');
    await page.keyboard.press('Shift+ArrowRight');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download ZIP' }).click()]);
    assert.match(download.suggestedFilename(), /\.zip$/);
    const bytes = readFileSync(await download.path());
    assert.equal(bytes.readUInt32LE(0), 0x04034b50);
    await page.keyboard.press('Escape');
});

test('order, kind and words are in the address, and Back undoes nothing of them', async () => {
    await page.getByRole('button', { name: 'Order: Newest first' }).click();
    await page.getByRole('menuitemradio', { name: 'Largest first' }).click();
    await page.waitForURL(/sort=largest/);
    await page.getByRole('heading', { name: 'Under 1 MB' }).first().waitFor();
    await isWhole();
    await settled();
    await checkAccess(page, 'library-largest');
    await page.keyboard.press('/');
    await page.keyboard.type('harbour dus');
    await page.waitForURL(/q=harbour/);
    await page.getByText('20 works', { exact: true }).waitFor();
    assert.equal(await page.getByRole('button', { name: /^Order/ }).count(), 0);
    await page.reload();
    await page.getByText('20 works', { exact: true }).waitFor();
    await page.getByRole('radio', { name: 'Films' }).click();
    await page.getByText('Nothing of yours says “harbour dus”.').waitFor();
    await checkAccess(page, 'library-nothing-found');
    await page.getByRole('link', { name: 'Show everything' }).click();
    await page.getByText('10,000 works').waitFor();
});

test('several are deleted together, after one question that says what is lost', async () => {
    await tile(0).focus();
    await page.keyboard.press('x');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Delete');
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

test('a phone has everything, in both lights', async () => {
    for (const [width, colorScheme] of [[360, 'light'], [360, 'dark'], [800, 'light'], [1100, 'dark']]) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        await page.goto('/library');
        await settled();
        await checkAccess(page, `library-${width}-${colorScheme}`);
        await page.getByRole('button', { name: 'Pick', exact: true }).click();
        await tile(1).click();
        await page.getByText(/^1 picked, /).waitFor();
        await checkAccess(page, `library-picking-${width}-${colorScheme}`);
        await page.getByRole('button', { name: 'Clear' }).click();
    }
    await page.setViewportSize({ width: 1440, height: 1000 });
});

// A grey PNG that says of itself what Automatic1111 writes.
function pngSaying(text) {
    const chunk = (type, data) => {
        const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
        const out = Buffer.alloc(body.length + 8);
        out.writeUInt32BE(data.length, 0);
        body.copy(out, 4);
        out.writeUInt32BE(crc32(body), body.length + 4);
        return out;
    };
    const header = Buffer.from([0, 0, 1, 128, 0, 0, 1, 0, 8, 0, 0, 0, 0]); // 384 by 256, grey
    const rows = deflateSync(Buffer.alloc(256 * 385, 120).map((byte, at) => (at % 385 === 0 ? 0 : byte)));
    return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header), chunk('tEXt', Buffer.from(`parameters\0${text}`, 'latin1')),
        chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}

function crc32(bytes) {
    let crc = ~0;
    for (const byte of bytes) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit++)
            crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc >>> 0;
}

test('what another tool wrote into an uploaded file comes back into the composer', async () => {
    await page.goto('/library');
    await settled();
    const said = 'a brass astrolabe on blue velvet\nNegative prompt: fog\nSteps: 25, Sampler: Euler a, CFG scale: 6.5, Seed: 4242, Size: 384x256, Model: other';
    await page.locator('.bring input[type=file]').setInputFiles({ name: 'astrolabe.png', mimeType: 'image/png', buffer: pngSaying(said) });
    await page.getByText('10,002 works').waitFor();
    await tile(0).locator('img').waitFor();
    await tile(0).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Automatic1111 says in the file').waitFor();
    await page.locator('#detail').getByText('a brass astrolabe on blue velvet').waitFor();
    await page.locator('#detail').getByText('25 steps, guidance 6.5, Euler a').waitFor();
    await checkAccess(page, 'library-embedded');
    await page.getByRole('link', { name: 'Use its settings' }).click();
    await page.waitForFunction(() => document.getElementById('prompt')?.value === 'a brass astrolabe on blue velvet');
});

test('nothing went wrong on the console', () => {
    assert.deepEqual(page.wrong, []);
});

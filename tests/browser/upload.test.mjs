// SPDX-License-Identifier: Apache-2.0
// Somebody brings their own pictures: by button, drop and paste; sees them at once; a line that is slow,
// held or broken loses nothing; what is no picture is refused by name; room is shown and made.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';

import { checkAccess, openPage, startBrowser, startServer } from './stage.mjs';

const plans = `plans:
  - {key: free, name: Free, creditsOnce: 20, storageBytes: 20971520}
`;
const words = (count) => new RegExp(`^${count} works?$`);

let server;
let browser;
let page;

before(async () => {
    server = await startServer(undefined, { config: plans });
    browser = await startBrowser();
    page = await openPage(browser, server.url, { width: 1440, height: 1100 });
    page.setDefaultTimeout(20_000);
    await page.goto('/sign-up');
    await page.fill('input[type=email]', 'mira@example.org');
    await page.fill('input[type=password]', 'correct horse battery');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/generate');
    await page.goto('/library');
});

after(async () => {
    await browser?.close();
    await server?.stop();
    server?.remove();
});

function chunk(name, data) {
    const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), body.length + 4);
    return out;
}

// Node 18 and 20 have no zlib.crc32.
function crc(bytes) {
    if (crc32)
        return crc32(bytes);
    let sum = 0xffffffff;
    for (const byte of bytes) {
        sum ^= byte;
        for (let bit = 0; bit < 8; bit++)
            sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return (sum ^ 0xffffffff) >>> 0;
}

// Noise does not shrink, so that the file has about the size of its pixels.
function png(width, height, { noise = false } = {}) {
    const head = Buffer.alloc(13);
    head.writeUInt32BE(width);
    head.writeUInt32BE(height, 4);
    head.set([8, 2, 0, 0, 0], 8);
    const rows = Buffer.alloc(height * (1 + 3 * width));
    for (let y = 0; y < height; y++) {
        const at = y * (1 + 3 * width) + 1;
        if (noise)
            randomBytes(3 * width).copy(rows, at);
        else
            for (let x = 0; x < width; x++)
                rows.set([x & 255, y & 255, 128], at + 3 * x);
    }
    return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

const file = (name, buffer, mimeType = 'image/png') => ({ name, mimeType, buffer });
const choose = (...files) => page.locator('input[type=file]').first().setInputFiles(files);
const row = (name) => page.locator('.incoming').filter({ hasText: name });

// What a person does by dragging or pasting, with real File objects.
async function bring(kind, { name, mimeType, buffer }) {
    await page.evaluate(({ kind, name, mimeType, base64 }) => {
        const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
        const carried = new DataTransfer();
        carried.items.add(new File([bytes], name, { type: mimeType }));
        if (kind === 'paste')
            return document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: carried, bubbles: true, cancelable: true }));
        for (const step of ['dragenter', 'dragover', 'drop'])
            document.body.dispatchEvent(new DragEvent(step, { dataTransfer: carried, bubbles: true, cancelable: true }));
    }, { kind, name, mimeType, base64: buffer.toString('base64') });
}

async function slow(bytesPerSecond) {
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytesPerSecond });
}

test('an empty library offers both ways to fill it', async () => {
    await page.getByRole('link', { name: 'Generate' }).first().waitFor();
    await page.getByRole('button', { name: 'Upload' }).first().waitFor();
    await checkAccess(page, 'library-nothing');
});

test('chosen files are seen at once and become works', async () => {
    await choose(file('harbour.png', png(600, 400)), file('quay.png', png(300, 500)));
    await row('harbour.png').locator('img').waitFor();
    await page.getByText(words(2)).waitFor();
    await page.locator('[role=gridcell] img.here').nth(1).waitFor();
    await row('quay.png').waitFor({ state: 'detached' });
});

test('dropped and pasted files come in too', async () => {
    await bring('drop', file('dropped.png', png(400, 400)));
    await page.getByText(words(3)).waitFor();
    await bring('paste', file('pasted.png', png(500, 400)));
    await page.getByText(words(4)).waitFor();
});

test('files held over the page are told where they go', async () => {
    await page.evaluate(() => {
        const carried = new DataTransfer();
        carried.items.add(new File(['x'], 'x.png', { type: 'image/png' }));
        document.body.dispatchEvent(new DragEvent('dragenter', { dataTransfer: carried, bubbles: true, cancelable: true }));
    });
    await page.getByText('Drop pictures and films here. They go to your library.').waitFor();
    await checkAccess(page, 'upload-veil');
    await page.evaluate(() => {
        const carried = new DataTransfer();
        carried.items.add(new File(['x'], 'x.png', { type: 'image/png' }));
        document.body.dispatchEvent(new DragEvent('dragleave', { dataTransfer: carried, bubbles: true, cancelable: true }));
    });
    await page.locator('.dropveil').waitFor({ state: 'detached' });
});

test('a slow upload can be held, goes on where it was, and is seen from other pages', async () => {
    await slow(400_000);
    await choose(file('large.png', png(1000, 700, { noise: true })));
    const large = row('large.png');
    await large.getByText(/^[\d.]+ (kB|MB) of 2 MB/).waitFor();
    await checkAccess(page, 'upload-sending');
    await page.waitForFunction(() => Number(document.querySelector('.incoming [role=progressbar]')?.getAttribute('aria-valuenow')) > 20);
    await large.getByRole('button', { name: /^Pause/ }).click();
    await large.getByText(/^Paused/).waitFor();
    const held = await large.getByRole('progressbar').getAttribute('aria-valuenow');
    await page.waitForTimeout(700);
    assert.equal(await large.getByRole('progressbar').getAttribute('aria-valuenow'), held, 'nothing moves while it is held');
    await checkAccess(page, 'upload-paused');
    const first = page.waitForRequest((request) => request.method() === 'HEAD' && request.url().includes('/api/uploads/'));
    await large.getByRole('button', { name: /^Go on/ }).click();
    await first;
    await page.getByRole('link', { name: 'Generate' }).first().click();
    await page.getByText('1 file coming in').waitFor();
    await slow(-1);
    await page.getByText('1 file coming in').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Library' }).first().click();
    await page.getByText(words(5)).waitFor();
});

test('a line that breaks is tried again by itself, and then says so', async () => {
    let broken = 2;
    page.serverIsDown = true;
    await page.route('**/api/uploads/**', (route) => (route.request().method() === 'PATCH' && broken-- > 0 ? route.abort() : route.continue()));
    await choose(file('patient.png', png(800, 500, { noise: true })));
    await page.getByText(words(6)).waitFor();
    await page.unroute('**/api/uploads/**');

    await page.route('**/api/uploads*', (route) => route.abort());
    await choose(file('lost.png', png(200, 200)));
    await row('lost.png').getByText(/The server did not answer/).waitFor({ timeout: 30_000 });
    await page.unroute('**/api/uploads*');
    page.serverIsDown = false;
    await row('lost.png').getByRole('button', { name: /^Try again/ }).click();
    await page.getByText(words(7)).waitFor();
});

test('a server that was gone for long gets the rest as soon as it is back', async () => {
    await slow(300_000);
    page.serverIsDown = true;
    await choose(file('survivor.png', png(1000, 600, { noise: true })));
    await page.waitForFunction(() => Number(document.querySelector('.incoming [role=progressbar]')?.getAttribute('aria-valuenow')) > 20);
    await server.stop('SIGKILL');
    await row('survivor.png').getByText(/being asked again/).waitFor();
    await row('survivor.png').getByText(/It goes on when you are back/).waitFor({ timeout: 30_000 });
    await slow(-1);
    server = await startServer(server.data, { config: plans, url: server.url });
    await page.getByText(words(8)).waitFor({ timeout: 40_000 });
    page.serverIsDown = false;
});

test('what is no picture is refused by what it is, whatever its name says', async () => {
    page.serverIsDown = true;
    await choose(file('invoice.png', Buffer.from('%PDF-1.7\n1 0 obj\n')), file('nothing.png', Buffer.alloc(0)));
    await row('invoice.png').getByText(/PDF/).waitFor();
    await row('nothing.png').getByText('This file is empty.').waitFor();
    await bring('drop', file('notes.txt', Buffer.from('hello'), 'text/plain'));
    await row('notes.txt').getByText(/This is text\/plain/).waitFor();
    assert.equal(await row('notes.txt').getByRole('button', { name: /^Try again/ }).count(), 0, 'what cannot help is not offered');
    await checkAccess(page, 'upload-refused');
    page.serverIsDown = false;
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.locator('.incoming').waitFor({ state: 'detached' });
    await page.getByText(words(8)).waitFor();
});

test('what turns out to be damaged says why in its place, and goes in one press', async () => {
    const tile = page.getByRole('gridcell').filter({ hasText: /damaged/ });
    await choose(file('torn.png', png(600, 400).subarray(0, 200)));
    await tile.waitFor();
    await row('torn.png').waitFor({ state: 'detached' });
    assert.match(await tile.getByRole('link').getAttribute('aria-label'), /torn.*damaged/);
    await checkAccess(page, 'library-refused');
    await tile.getByRole('button', { name: /^Delete torn/ }).click();
    await tile.waitFor({ state: 'detached' });
    assert.equal(await page.getByRole('alertdialog').count(), 0, 'there is nothing to lose');
    await page.getByText(words(8)).waitFor();

    await choose(file('ripped.png', png(600, 400).subarray(0, 200)));
    await tile.getByRole('link').click();
    const detail = page.getByRole('complementary', { name: 'Selected work' });
    await detail.getByText(/damaged/).waitFor();
    assert.equal(await detail.getByRole('button', { name: 'Download' }).count(), 0);
    await checkAccess(page, 'library-refused-open');
    await detail.getByRole('button', { name: 'Delete' }).click();
    await tile.waitFor({ state: 'detached' });
    await detail.waitFor({ state: 'detached' });
    await page.getByText(words(8)).waitFor();
});

test('what is larger than the room that is left is refused with the numbers', async () => {
    page.serverIsDown = true;
    await choose(file('vast.png', Buffer.concat([png(4, 4), Buffer.alloc(19 << 20)])));
    await row('vast.png').getByText(/of 20 MB/).waitFor();
    await row('vast.png').getByRole('link', { name: 'Take a larger plan' }).waitFor();
    await checkAccess(page, 'upload-full');
    await row('vast.png').getByRole('link', { name: 'Make room' }).waitFor();
    page.serverIsDown = false;
    await page.getByRole('button', { name: 'Clear' }).click();
});

test('the storage page shows what is taken, largest first, and makes room', async () => {
    await page.getByRole('link', { name: /of 20 MB/ }).first().click();
    await page.waitForURL('**/storage');
    await page.getByText(/MB \/ 20 MB used/).waitFor();
    const sizes = page.locator('.largest li > .num');
    await sizes.nth(7).waitFor();
    assert.equal(await sizes.first().innerText(), '2 MB');
    await checkAccess(page, 'storage');
    const before = await page.getByRole('meter', { name: 'Storage' }).last().getAttribute('aria-valuenow');
    const boxes = page.locator('.largest li input[type=checkbox]');
    await boxes.nth(0).click();
    await boxes.nth(1).click({ modifiers: ['Shift'] });
    await page.getByText(/^2 picked/).waitFor();
    await checkAccess(page, 'storage-picked');
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: /Delete/ }).click();
    await sizes.nth(6).waitFor({ state: 'detached' });
    await sizes.nth(5).waitFor();
    const now = await page.getByRole('meter', { name: 'Storage' }).last().getAttribute('aria-valuenow');
    assert.ok(Number(now) < Number(before) - 3_000_000, `${before} -> ${now}`);
});

test('a narrow and a light page hold all of it', async () => {
    for (const [width, colorScheme] of [[360, 'dark'], [1024, 'light']]) {
        const { cookies, origins } = await page.context().storageState();
        const other = await openPage(browser, server.url, { width, height: 780, colorScheme });
        await other.context().addCookies(cookies);
        assert.ok(origins);
        await other.goto('/storage');
        await other.locator('.largest li').first().waitFor();
        await checkAccess(other, `storage-${width}`);
        await other.goto('/library');
        await other.locator('[role=gridcell] img.here').first().waitFor();
        await other.locator('input[type=file]').first().setInputFiles([file('narrow.txt', Buffer.from('x'), 'text/plain')]);
        await other.locator('.incoming').waitFor();
        await checkAccess(other, `upload-${width}`);
        assert.deepEqual(other.wrong, []);
        await other.context().close();
    }
});

test('all that is kept of somebody is theirs as one file', async () => {
    await page.goto('/settings');
    await page.getByRole('link', { name: 'Manage' }).waitFor();
    await checkAccess(page, 'settings');
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download everything about me' }).click()]);
    assert.match(file.suggestedFilename(), /^atelier-\d{4}-\d\d-\d\d\.json$/);
    const all = JSON.parse(readFileSync(await file.path(), 'utf8'));
    assert.equal(all.profile[0].email, 'mira@example.org');
    assert.ok(all.works.length >= 5 && all.works.some((work) => work.title === 'harbour.png'), JSON.stringify(all.works[0]));
    assert.ok(all.files.every((one) => one.url) && all.credits.length > 0 && Array.isArray(all.invoices));
});

test('an account goes for good, and leaves a certificate of what was removed', async () => {
    await page.goto('/settings');
    await page.getByRole('button', { name: 'Delete account' }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Delete your account?' });
    await dialog.getByText(/mira@example\.org/).waitFor();
    await checkAccess(page, 'leaving');
    await dialog.getByRole('button', { name: 'Delete for good' }).click();
    const link = page.getByRole('link', { name: 'Download the certificate' });
    await link.waitFor();
    await checkAccess(page, 'left');
    const [paper] = await Promise.all([page.waitForEvent('download'), link.click()]);
    assert.equal(paper.suggestedFilename(), 'certificate-of-deletion.json');
    const told = async () => (await (await fetch(await link.evaluate((element) => element.href))).json());
    let certificate = await told();
    for (let i = 0; i < 100 && !certificate.isComplete; i++) {
        await page.waitForTimeout(100);
        certificate = await told();
    }
    assert.ok(certificate.isComplete && certificate.removedFiles.length >= 5, JSON.stringify(certificate).slice(0, 300));
    await page.goto('/library');
    await page.waitForURL('**/sign-in*');
});

test('nothing went wrong on the way', () => assert.deepEqual(page.wrong, []));

// SPDX-License-Identifier: Apache-2.0
// What bench/library.c asks: how long until all thumbnails of the first screen are there, in Chromium,
// in a library of 10,000 works. Told by lines on standard input, answers one line each:
//   open FOLDER   a server with its data there, and the library filled; answers the browser's name
//   run           milliseconds of the library, milliseconds of the same pictures on a bare page, how many
import { createInterface } from 'node:readline';

import { fillShelf, signUp, startShelf } from './shelf.mjs';
import { openPage, startBrowser } from './stage.mjs';

const SIZE = { width: 1440, height: 1000 };
const TOTAL = 10_000;
const FRESH = 80; // more than the first screen shows: each has a file of its own

let server;
let browser;
let state;

async function open(folder) {
    server = await startShelf(folder);
    browser = await startBrowser();
    const page = await openPage(browser, server.url);
    const token = await signUp(page);
    await fillShelf(server, token, { total: TOTAL, fresh: FRESH });
    state = await page.context().storageState();
    await page.context().close();
    return `Chromium ${browser.version()}`;
}

// In the page: asked in each frame, until everything in view is decoded. Answers when that was, and what.
function watch() {
    const inView = (element) => {
        const box = element.getBoundingClientRect();
        return box.bottom > 0 && box.top < innerHeight;
    };
    return new Promise((done) => {
        const look = () => {
            const cells = [...document.querySelectorAll('[role=gridcell]')].filter(inView);
            const images = cells.map((cell) => cell.querySelector('img'));
            if (cells.length === 0 || !images.every((image) => image?.complete && image.naturalWidth > 0))
                return requestAnimationFrame(look);
            Promise.all(images.map((image) => image.decode())).then(() => {
                const boxes = images.map((image) => [image.currentSrc, image.clientWidth, image.clientHeight]);
                done({ ms: performance.now(), boxes });
            });
        };
        requestAnimationFrame(look);
    });
}

// Nothing is in the browser's cache: each page is of a context of its own.
async function fresh(measure) {
    const context = await browser.newContext({ viewport: SIZE, baseURL: server.url, storageState: state });
    try {
        return await measure(await context.newPage());
    } finally {
        await context.close();
    }
}

const library = () => fresh(async (page) => {
    await page.goto('/library', { waitUntil: 'commit' });
    return page.evaluate(watch);
});

const bare = (boxes) => fresh((page) => page.evaluate(async (pictures) => {
    const start = performance.now();
    await Promise.all(pictures.map(([src, width, height]) => {
        const image = Object.assign(new Image(width, height), { src });
        document.body.append(image);
        return image.decode();
    }));
    return performance.now() - start;
}, boxes));

async function run() {
    const { ms, boxes } = await library();
    return `${ms.toFixed(1)} ${(await bare(boxes)).toFixed(1)} ${boxes.length}`;
}

const acts = { open, run };
for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...rest] = line.split(' ');
    try {
        console.log(`ok ${await acts[name](...rest)}`);
    } catch (error) {
        console.log(`failed ${String(error).split('\n')[0]}`);
    }
}
await browser?.close();
await server?.stop();

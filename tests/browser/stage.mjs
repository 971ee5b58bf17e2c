// SPDX-License-Identifier: Apache-2.0
// A real server, a real browser, and what every test here watches: no error on the console, no
// request that fails, no violation found by axe with all its rules on.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

const root = process.env.ATELIER_ROOT ?? fileURLToPath(new URL('../..', import.meta.url));
const program = process.env.ATELIER_BIN ?? path.join(root, 'build/atelier');
const shots = path.join(root, 'build/shots');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// With `config`, the text of a configuration file; with `url`, where an earlier one listened.
export async function startServer(data = mkdtempSync(path.join(os.tmpdir(), 'atelier-browser-')),
    { config, env = {}, url: before, program: other } = {}) {
    const args = ['serve', '--data', data, '--listen', before ? new URL(before).host : 'localhost:0'];
    if (config) {
        writeFileSync(path.join(data, 'atelier.yaml'), config);
        args.push('--config', path.join(data, 'atelier.yaml'));
    }
    const child = spawn(other ?? program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
    const lines = [];
    const url = await new Promise((resolve, reject) => {
        child.stderr.setEncoding('utf8');
        child.stderr.on('data', (text) => {
            lines.push(text);
            const ready = /^ready (\S+)$/m.exec(lines.join(''));
            if (ready)
                resolve(ready[1]);
        });
        child.on('exit', (code) => reject(new Error(`the server ended (${code}): ${lines.join('')}`)));
    });
    const stop = (signal = 'SIGTERM') => new Promise((resolve) => {
        child.removeAllListeners('exit');
        child.on('exit', resolve);
        child.kill(signal);
    });
    return { url, data, stop, remove: () => rmSync(data, { recursive: true, force: true }) };
}

export function startBrowser() {
    return chromium.launch({
        executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
            '--disable-background-networking', '--disable-component-update'],
    });
}

// A page that notes everything that went wrong on it. 401 from the token address only says that
// nobody is signed in yet.
export async function openPage(browser, url, { width = 1440, height = 1000, colorScheme = 'dark' } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, baseURL: url });
    const page = await context.newPage();
    page.wrong = [];
    page.on('pageerror', (error) => page.wrong.push(error.message));
    page.on('console', (message) => {
        const is401 = message.text().includes('401') && message.location().url.endsWith('/api/auth/token');
        if (message.type() === 'error' && !is401 && !page.serverIsDown)
            page.wrong.push(`${message.text()} (${message.location().url})`);
    });
    return page;
}

// What fades has no contrast of its own on the way; what breathes for ever is not waited for.
const settle = (page) => page.evaluate(() => Promise.allSettled(document.getAnimations()
    .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity).map((one) => one.finished)));

export async function checkAccess(page, name) {
    mkdirSync(shots, { recursive: true });
    await settle(page);
    await page.screenshot({ path: path.join(shots, `${name}.png`) });
    // In a frame of its own kind: the page's policy forbids script that is not its own.
    const session = await page.context().newCDPSession(page);
    await session.send('Page.setBypassCSP', { enabled: true });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const found = violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((n) => n.html).slice(0, 3).join(' | ')}`);
    assert.deepEqual(found, [], `${name}: accessibility`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(overflow <= 0, `${name}: it scrolls sideways by ${overflow} px`);
}

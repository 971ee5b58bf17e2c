// SPDX-License-Identifier: Apache-2.0
// What an administrator does: sees how it goes, finds somebody, gives them credits and takes them
// back, looks into a job that failed, stops one that runs. Everybody else finds nothing there.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { checkAccess, openPage, startBrowser, startServer } from './stage.mjs';

const root = process.env.ATELIER_ROOT ?? fileURLToPath(new URL('../..', import.meta.url));
const program = process.env.ATELIER_BIN ?? path.join(root, 'build/atelier');
const password = 'correct horse battery';
const SECRET = 'whsec_browser';

// A provider that refuses one model and never ends with the other.
const outside = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
        if (JSON.parse(body || '{}').model === 'slow')
            return;
        response.writeHead(400, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ error: { message: 'size 512x512 is not one of ours', code: 'bad_size' } }));
    });
});

const configAt = (port) => `
plans:
  - {key: free, name: Free, creditsOnce: 100, storageBytes: 1000000000}
creditPackages:
  - {id: small, name: Small, credits: 50, priceCents: 700}
payments:
  stripe: {baseUrl: "http://127.0.0.1:${port}", allowPrivateAddresses: true, key: {env: STRIPE_SECRET_KEY}, webhookSecret: {env: STRIPE_WEBHOOK_SECRET}}
providers:
  - {id: sketch, kind: sketch, concurrency: 1, timeoutSeconds: 60}
  - {id: far, kind: openai, baseUrl: "http://127.0.0.1:${port}/v1", concurrency: 1, timeoutSeconds: 120, allowPrivateAddresses: true}
models:
  - {id: sketch, name: Sketch, description: Drawn here., kind: image, provider: sketch, price: 1, typicalSeconds: 2, maxImages: 4, promptMax: 2000, isDefault: true, sizes: [{name: Square, width: 512, height: 512}]}
  - {id: away, name: Away, description: Refuses everything., kind: image, provider: far, price: 3, typicalSeconds: 9, maxImages: 1, promptMax: 2000, sizes: [{name: Square, width: 512, height: 512}]}
  - {id: slow, name: Slow, description: Never ends., kind: image, provider: far, price: 4, typicalSeconds: 9, maxImages: 1, promptMax: 2000, sizes: [{name: Square, width: 512, height: 512}]}
`;

let server;
let browser;
let alice;
let carol;

async function enter(page, email) {
    await page.goto('/sign-in');
    await page.fill('input[type=email]', email);
    await page.fill('input[type=password]', password);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/generate');
    await page.getByRole('button', { name: /^Generate/ }).waitFor();
}

async function ask(page, prompt, model) {
    await page.fill('#prompt', prompt);
    await page.getByRole('radio', { name: new RegExp(model) }).click();
    await page.keyboard.press('Control+Enter');
    await page.getByText(prompt).nth(1).waitFor();
}

// As the payment service tells of what happened there.
async function tell(event) {
    const body = JSON.stringify({ created: Math.floor(Date.now() / 1000), ...event });
    const at = Math.floor(Date.now() / 1000);
    const sum = createHmac('sha256', SECRET).update(`${at}.${body}`).digest('hex');
    const answer = await fetch(`${server.url}/api/webhooks/stripe`, {
        method: 'POST', headers: { 'content-type': 'application/json', 'stripe-signature': `t=${at},v1=${sum}` }, body,
    });
    assert.equal(answer.status, 200, await answer.text());
}

before(async () => {
    await new Promise((listening) => outside.listen(0, '127.0.0.1', listening));
    server = await startServer(undefined, { config: configAt(outside.address().port), env: { STRIPE_SECRET_KEY: 'sk_test', STRIPE_WEBHOOK_SECRET: SECRET } });
    for (const [email, role] of [['alice@example.org', 'user'], ['carol@example.org', 'admin']])
        execFileSync(program, ['user', 'add', email, '--role', role, '--password', password, '--data', server.data], { stdio: 'ignore' });
    browser = await startBrowser();
    alice = await openPage(browser, server.url);
    carol = await openPage(browser, server.url);
    for (const page of [alice, carol])
        page.setDefaultTimeout(15_000);
});

after(async () => {
    await browser?.close();
    await server?.stop();
    server?.remove();
    outside.closeAllConnections();
    outside.close();
});

test('who does not run the studio finds nothing there', async () => {
    await enter(alice, 'alice@example.org');
    assert.equal(await alice.getByRole('link', { name: 'Admin' }).count(), 0);
    await alice.goto('/admin/users');
    await alice.getByText('There is nothing at this address.').waitFor();
    await alice.goto('/generate');
});

test('the overview tells what is under way, what failed and what needs somebody', async () => {
    await ask(alice, 'A red kite over the harbour', 'Sketch');
    await alice.getByText(/^Done/).first().waitFor({ timeout: 30_000 });
    await ask(alice, 'A blue kite that is refused', 'Away');
    await alice.getByText(/^Not made/).first().waitFor({ timeout: 30_000 });
    await ask(alice, 'A green kite that takes for ever', 'Slow');
    await enter(carol, 'carol@example.org');
    await carol.getByRole('link', { name: 'Admin' }).first().click();
    await carol.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await carol.getByRole('link', { name: '1 developing' }).waitFor();
    await carol.getByRole('link', { name: '1 not made' }).waitFor();
    await carol.getByText('Nothing needs you').waitFor();
    await carol.getByRole('link', { name: 'A blue kite that is refused' }).waitFor();
    await checkAccess(carol, 'admin-overview');
});

test('somebody is found by a part of their address, with the keyboard alone', async () => {
    await carol.getByRole('link', { name: 'People' }).focus();
    await carol.keyboard.press('Enter');
    await carol.getByRole('heading', { level: 1, name: 'People' }).waitFor();
    await carol.getByRole('link', { name: 'carol@example.org' }).waitFor();
    await checkAccess(carol, 'admin-people');
    await carol.getByLabel('Find by e-mail or name').focus();
    await carol.keyboard.type('LICE@');
    await carol.waitForURL(/q=LICE/);
    await carol.getByRole('link', { name: 'carol@example.org' }).waitFor({ state: 'detached' });
    await carol.keyboard.press('Tab');
    assert.equal(await carol.evaluate(() => document.activeElement.textContent), 'alice@example.org');
    await carol.keyboard.press('Enter');
    await carol.waitForURL(/admin\/users\/\w+$/);
    await carol.getByRole('heading', { name: 'Adjust credits' }).waitFor();
});

test('credits are given with a reason, seen at once by their owner, and taken back', async () => {
    await carol.getByRole('button', { name: 'Look at it first' }).click();
    await carol.getByText('Write how many').waitFor();
    assert.equal(await carol.evaluate(() => document.activeElement.id), 'adjust-amount');
    await carol.keyboard.type('25');
    await carol.keyboard.press('Tab');
    await carol.keyboard.type('Sorry for the wait');
    await carol.keyboard.press('Enter');
    await carol.getByRole('alertdialog', { name: 'Give alice@example.org 25 credits?' }).waitFor();
    await carol.getByText('Their balance goes from 95 to 120.').waitFor();
    await checkAccess(carol, 'admin-adjust-ask');
    assert.equal(await carol.evaluate(() => document.activeElement.textContent), 'Leave it as it is');
    await carol.keyboard.press('Tab');
    await carol.keyboard.press('Enter');
    await carol.getByText('25 credits given. They have 120 now.').first().waitFor();
    await alice.getByText('120', { exact: true }).first().waitFor();
    await checkAccess(carol, 'admin-person');
    await carol.getByRole('button', { name: 'Undo' }).click();
    await carol.getByText('Undone. They have 95 now.').first().waitFor();
    await carol.getByRole('rowheader', { name: 'Taken back: Sorry for the wait' }).waitFor();
});

test('what failed is explained to its cause, and what runs is stopped', async () => {
    await carol.goto('/admin/jobs?status=failed');
    await carol.getByRole('link', { name: 'A blue kite that is refused' }).waitFor();
    await checkAccess(carol, 'admin-jobs');
    await carol.getByRole('link', { name: 'A blue kite that is refused' }).click();
    await carol.getByRole('heading', { name: 'Attempts' }).waitFor();
    await carol.getByText('size 512x512 is not one of ours').first().waitFor();
    await checkAccess(carol, 'admin-job');
    await carol.goto('/admin/jobs');
    await carol.getByRole('link', { name: 'A green kite that takes for ever' }).click();
    await carol.getByRole('button', { name: 'Stop this job' }).click();
    await carol.getByRole('button', { name: 'Stop it' }).click();
    await carol.getByText('Cancelled', { exact: true }).first().waitFor();
    await alice.getByText(/^Cancelled/).first().waitFor();
    await alice.getByText('99', { exact: true }).first().waitFor();
});

test('a disputed payment is told, and leaves the list when somebody has looked into it', async () => {
    await carol.goto('/admin/users');
    const href = await carol.getByRole('link', { name: 'alice@example.org' }).getAttribute('href');
    await carol.goto('/admin');
    await carol.getByText('Nothing needs you').waitFor();
    await tell({ id: 'evt_1', type: 'checkout.session.completed', data: { object: { id: 'cs_1', object: 'checkout.session', mode: 'payment', payment_status: 'paid', payment_intent: 'pi_1', amount_total: 700, customer: 'cus_1', metadata: { userId: href.split('/').pop(), packageId: 'small' } } } });
    await tell({ id: 'evt_2', type: 'charge.dispute.created', data: { object: { id: 'dp_1', object: 'dispute', payment_intent: 'pi_1', amount: 700 } } });
    await carol.getByRole('link', { name: '1 payment is in question.' }).click();
    await carol.getByRole('link', { name: 'alice@example.org' }).waitFor();
    await checkAccess(carol, 'admin-payments-one');
    await carol.getByRole('button', { name: 'Looked into' }).click();
    await carol.getByRole('alertdialog').getByRole('button', { name: 'It is settled' }).click();
    await carol.getByText('No payment is in question.').waitFor();
});

test('providers, schedule, payments, weeks and audit are told, in both lights and on a phone', async () => {
    for (const [place, told] of [['providers', 'answers'], ['schedule', 'Credits of the month'], ['payments', 'No payment is in question.'],
        ['usage', 'The first week'], ['audit', 'Adjusted credits']]) {
        await carol.goto(`/admin/${place}`);
        await carol.getByText(told).first().waitFor();
        await checkAccess(carol, `admin-${place}`);
    }
    for (const [width, colorScheme, places] of [[360, 'light', ['', '/jobs?status=failed', '/schedule']], [320, 'dark', ['/users', '/audit']], [900, 'light', ['/providers']]]) {
        await carol.setViewportSize({ width, height: 844 });
        await carol.emulateMedia({ colorScheme });
        for (const place of places) {
            await carol.goto(`/admin${place}`);
            await carol.getByRole('navigation', { name: 'Administration' }).waitFor();
            await carol.waitForTimeout(300);
            await checkAccess(carol, `admin-${place.replace(/\W/g, '')}-${width}-${colorScheme}`);
        }
    }
    await carol.setViewportSize({ width: 1440, height: 1000 });
});

test('arrows go from row to row', async () => {
    await carol.goto('/admin/users');
    await carol.getByRole('link', { name: 'alice@example.org' }).focus();
    await carol.keyboard.press('ArrowDown');
    assert.equal(await carol.evaluate(() => document.activeElement.textContent), 'carol@example.org');
});

test('an address with nothing behind it says so', async () => {
    await carol.goto('/admin/jobs/nothing');
    await carol.getByText('There is no such job.').waitFor();
    await carol.goto('/admin/users/nothing');
    await carol.getByText('There is nobody at this address.').waitFor();
    await carol.goto('/admin/elsewhere');
    await carol.getByText('There is nothing at this address.').waitFor();
});

test('nothing went wrong on the console', () => {
    assert.deepEqual([...alice.wrong, ...carol.wrong], []);
});

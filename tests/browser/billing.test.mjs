// SPDX-License-Identifier: Apache-2.0
// Money on screen, with a pretend payment service: from the plan's card to its page, from its event
// back to the plan and the credits, the receipt of a work, and everything by keyboard alone.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';

import { KEY, SECRET, startFakeStripe } from '../integration/billing/fake-stripe.mjs';
import { checkAccess, openPage, startBrowser, startServer } from './stage.mjs';

const START = Math.floor(Date.now() / 1000) - 3600;
const END = START + 31 * 86400;
const prompt = 'Two koi in a dark pond, seen from above';

let fake;
let server;
let browser;
let page;
let me;

const config = (url) => `
plans:
  - {key: free, name: Free, creditsOnce: 100, storageBytes: 1073741824, features: [Pictures]}
  - {key: pro, name: Pro, creditsOnce: 0, creditsMonthly: 1000, creditsLastDays: 60, priceCents: 2900, priceCentsYearly: 29000, trialDays: 7, stripePriceId: price_pro, stripePriceIdYearly: price_pro_year, storageBytes: 107374182400, features: ["Pictures, films, canvas, API"]}
  - {key: max, name: Max, creditsOnce: 0, creditsMonthly: 5000, priceCents: 9900, stripePriceId: price_max, storageBytes: 1073741824000, features: ["Pictures, films, canvas, API", "Before others in line"]}
creditPackages:
  - {id: small, name: Small, credits: 500, priceCents: 699}
  - {id: large, name: Large, credits: 2500, priceCents: 2900}
payments:
  stripe: {baseUrl: "${url}", allowPrivateAddresses: true, key: {env: STRIPE_SECRET_KEY}, webhookSecret: {env: STRIPE_WEBHOOK_SECRET}}
`;

before(async () => {
    fake = await startFakeStripe();
    server = await startServer(undefined, {
        config: config(fake.url), env: { STRIPE_SECRET_KEY: KEY, STRIPE_WEBHOOK_SECRET: SECRET },
    });
    browser = await startBrowser();
    page = await openPage(browser, server.url);
    page.setDefaultTimeout(15_000);
    // The payment service's own pages: somewhere to arrive at.
    await page.context().route('https://pay.example/**', (route) =>
        route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Pay</title><h1>Pay</h1>' }));
});

after(async () => {
    await browser?.close();
    await server?.stop();
    await fake?.stop();
    server?.remove();
});

let number = 0;
async function send(type, object, created = START) {
    const payload = JSON.stringify({ id: `evt_${++number}`, object: 'event', type, created, api_version: '2024-06-20', data: { object } });
    const at = Math.floor(Date.now() / 1000);
    const sum = createHmac('sha256', SECRET).update(`${at}.${payload}`).digest('hex');
    const answer = await fetch(`${server.url}/api/webhooks/stripe`, {
        method: 'POST', headers: { 'content-type': 'application/json', 'stripe-signature': `t=${at},v1=${sum}` }, body: payload,
    });
    assert.equal(answer.status, 200);
}

const subscription = (more = {}) => ({
    object: 'subscription', id: 'sub_1', customer: 'cus_1', status: 'active', metadata: { userId: me },
    current_period_start: START, current_period_end: END, cancel_at_period_end: false,
    items: { data: [{ id: 'si_1', price: { id: 'price_pro' } }] }, ...more,
});
const invoice = (id, more = {}) => ({
    object: 'invoice', id, customer: 'cus_1', subscription: 'sub_1', payment_intent: `pi_${id}`, number: `AT-${id}`,
    amount_paid: 2900, amount_due: 2900, currency: 'usd', billing_reason: 'subscription_create', hosted_invoice_url: `https://pay.example/${id}`,
    lines: { data: [{ amount: 2900, price: { id: 'price_pro' }, period: { start: START, end: END } }] }, ...more,
});

const section = (name) => page.locator('section', { has: page.getByRole('heading', { name, exact: true }) });
const plan = (name) => page.locator('li.plan', { has: page.getByRole('heading', { name: new RegExp(`^${name}`) }) });
// Until the focus is where it is wanted, and never further than a person would go.
async function tabTo(name, role = 'button') {
    for (let i = 0; i < 80; i++) {
        const here = await page.evaluate(() => {
            const one = document.activeElement;
            return [one?.getAttribute('role') ?? { A: 'link', BUTTON: 'button' }[one?.tagName] ?? '', one?.getAttribute('aria-label') ?? one?.textContent ?? ''];
        });
        if (here[0] === role && here[1].includes(name))
            return;
        await page.keyboard.press('Tab');
    }
    assert.fail(`no ${role} "${name}" within reach of Tab`);
}

test('a newcomer finds billing by key, with balance and plans', async () => {
    await page.goto('/sign-up');
    await page.fill('input[type=email]', 'mira@example.org');
    await page.fill('input[type=password]', 'correct horse battery');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/generate');
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.locator('#main').focus();
    await page.keyboard.press('g');
    await page.keyboard.press('b');
    await page.waitForURL('**/billing');
    await page.getByRole('heading', { name: 'Credits', exact: true }).waitFor();
    assert.match(await section('Credits').innerText(), /100/);
    assert.match(await plan('Free').innerText(), /yours/);
    assert.match(await plan('Pro').innerText(), /\$29[\s\S]*7 days free first/);
    await section('Ledger').getByText('Free plan: first credits').waitFor();
    await checkAccess(page, 'billing-new');
});

test('the yearly price is the yearly sum', async () => {
    await page.getByRole('radio', { name: 'Yearly' }).click();
    assert.match(await plan('Pro').innerText(), /\$290[\s\S]*a year/);
    await page.getByRole('radio', { name: 'Monthly' }).click();
});

test('choosing a plan by keyboard leads to the page of the payment service', async () => {
    await page.locator('#main').focus();
    await tabTo('Choose Pro');
    await page.keyboard.press('Enter');
    await page.waitForURL('https://pay.example/subscription');
    const { form } = fake.last();
    assert.equal(form.line_items[0].price, 'price_pro');
    me = form.metadata?.userId ?? form.client_reference_id;
    assert.ok(me);
    assert.match(form.success_url, /\/billing\?checkout=done$/);
});

test('its event brings the plan and the credits on screen, live', async () => {
    await page.goto('/billing?checkout=done');
    await page.getByText('appears here as soon as it tells us').waitFor();
    await send('checkout.session.completed', { object: 'checkout.session', id: 'cs_1', mode: 'subscription', payment_status: 'paid', customer: 'cus_1', subscription: 'sub_1', metadata: { userId: me } });
    await send('customer.subscription.created', subscription());
    await send('invoice.paid', invoice('in_1'));
    await section('Credits').getByText('1,100').waitFor();
    assert.match(await plan('Pro').innerText(), /yours/);
    assert.match(await section('Plan').innerText(), /Next payment/);
    await page.locator('.rail .who').getByText('Pro').waitFor();
    await section('Invoices').getByText('AT-in_1').waitFor();
    const receipt = section('Invoices').getByRole('link', { name: /Receipt of AT-in_1/ });
    assert.equal(await receipt.getAttribute('href'), 'https://pay.example/in_1');
    await checkAccess(page, 'billing-pro');
});

test('a work is made, and its receipt opens from the ledger and closes with Escape', async () => {
    await page.goto('/generate');
    await page.fill('textarea', prompt);
    await page.getByRole('radio', { name: '4', exact: true }).click();
    await page.keyboard.press('Control+Enter');
    await page.getByText(/^Done/).first().waitFor({ timeout: 60_000 });
    await page.goto('/billing');
    await section('Credits').getByText('1,096').waitFor();
    const open = section('Ledger').getByRole('button', { name: /^Receipt:/ }).first();
    await open.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: /^Receipt/ });
    await dialog.getByText(prompt).waitFor();
    await dialog.getByText('Quoted, 4 × 1').waitFor();
    assert.match(await dialog.innerText(), /Cost\s+4 credits[\s\S]*Asked for 4 pictures[\s\S]*Work began[\s\S]*All of it was made/);
    assert.doesNotMatch(await dialog.innerText(), /Its number|Cost to us/);
    await checkAccess(page, 'billing-receipt');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.match(await page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? ''), /^Receipt:/);
});

test('the ledger shows one kind alone, and the address keeps it', async () => {
    await section('Ledger').getByRole('radio', { name: 'Plan' }).click();
    await section('Ledger').getByText('Pro plan').waitFor();
    await page.waitForFunction(() => document.querySelectorAll('section table.ledger')[0].querySelectorAll('tbody tr').length === 1);
    assert.match(page.url(), /show=SUBSCRIPTION_GRANT/);
    await page.reload();
    await section('Ledger').getByText('Pro plan').waitFor();
    assert.equal(await section('Ledger').locator('tbody tr').count(), 1);
    await section('Ledger').getByRole('radio', { name: 'All' }).click();
});

test('a change is asked about, then asked for', async () => {
    await page.getByRole('button', { name: 'Change to Max' }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Change to Max?' });
    await dialog.waitFor();
    await dialog.getByText(/^That invoice: \$123\.45, on 1 February( 2026)?\.$/).waitFor();
    await checkAccess(page, 'billing-change');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Stay as it is');
    await dialog.getByRole('button', { name: 'Change to Max' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(fake.last().path, '/v1/subscriptions/sub_1');
    assert.equal(fake.last().form.items[0].price, 'price_max');
});

test('a plan is cancelled for the end of its period, and taken up again', async () => {
    await page.getByRole('button', { name: 'Cancel plan' }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Cancel Pro?' });
    await dialog.getByRole('button', { name: /^Cancel for/ }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(fake.last().form.cancel_at_period_end, 'true');
    await send('customer.subscription.updated', subscription({ cancel_at_period_end: true }), START + 60);
    await page.getByText(/^Pro ends on/).waitFor();
    await checkAccess(page, 'billing-ending');
    await page.getByRole('button', { name: 'Keep Pro' }).click();
    await page.waitForTimeout(200);
    assert.equal(fake.last().form.cancel_at_period_end, 'false');
    await send('customer.subscription.updated', subscription(), START + 120);
    await page.getByText(/^Pro ends on/).waitFor({ state: 'detached' });
});

test('what ended elsewhere is news on any page, and leads to the work', async () => {
    await page.goto('/billing');
    await page.getByRole('heading', { name: 'Invoices' }).waitFor();
    // In another tab of the same person.
    const other = await page.context().newPage();
    await other.goto('/generate');
    await other.fill('textarea', 'A lantern in the rain');
    await other.getByRole('radio', { name: '1', exact: true }).click();
    await other.keyboard.press('Control+Enter');
    const news = page.getByRole('region', { name: 'News' });
    await news.getByText('1 picture done. 1 credit.').waitFor({ timeout: 30_000 });
    await news.getByRole('link', { name: 'Look' }).focus();
    await news.getByText('A lantern in the rain').waitFor();
    assert.equal(await other.getByRole('region', { name: 'News' }).count(), 0);
    await other.close();
    await page.getByRole('heading', { name: 'Invoices' }).waitFor();
    await checkAccess(page, 'billing-news');
    // It stays while the focus is in it.
    await page.waitForTimeout(6500);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/library\/\w+/);
    await news.waitFor({ state: 'detached' });
    await page.locator('#detail').getByRole('button', { name: 'Receipt' }).click();
    await page.getByRole('dialog', { name: /^Receipt/ }).getByText('Cost').waitFor();
    await page.keyboard.press('Escape');
});

test('what the payment service refuses is said beside the button', async () => {
    await page.goto('/billing');
    fake.state.isDown = true;
    await page.getByRole('button', { name: 'Card and invoices' }).click();
    await page.getByText('did not open its page').first().waitFor();
    fake.state.isDown = false;
    // The official client writes every refusal to the console.
    assert.equal(page.wrong.length, 1);
    page.wrong.length = 0;
    await page.getByRole('button', { name: 'Card and invoices' }).click();
    await page.waitForURL('https://pay.example/portal/cus_1');
});

test('credits are bought by the packet', async () => {
    await page.goto('/billing#packages');
    await page.getByRole('button', { name: /Buy for \$6.99/ }).click();
    await page.waitForURL('https://pay.example/payment');
    assert.equal(fake.last().form.metadata.packageId, 'small');
    await send('checkout.session.completed', { object: 'checkout.session', id: 'cs_2', mode: 'payment', payment_status: 'paid', payment_intent: 'pi_p', amount_total: 699, customer: 'cus_1', metadata: { userId: me, packageId: 'small' } });
    await page.goto('/billing');
    await section('Credits').getByText('1,595').waitFor();
    assert.match(await section('Credits').innerText(), /stay/);
});

test('a failed payment and a disputed one are said in words', async () => {
    await send('invoice.payment_failed', invoice('in_2', { amount_paid: 0, billing_reason: 'subscription_cycle' }), START + 3000);
    await page.getByText(/The last payment for Pro failed/).waitFor();
    await send('charge.dispute.created', { object: 'dispute', id: 'dp_1', payment_intent: 'pi_p', amount: 699 }, START + 3100);
    await page.getByText(/is disputed/).waitFor();
    await checkAccess(page, 'billing-late');
});

test('low credits are said on every page, until it is closed', async () => {
    await send('charge.refunded', { object: 'charge', id: 'ch_1', payment_intent: 'pi_p', amount: 699, amount_refunded: 699 }, START + 3200);
    await send('charge.refunded', { object: 'charge', id: 'ch_2', payment_intent: 'pi_in_1', invoice: 'in_1', amount: 2900, amount_refunded: 2900 }, START + 3300);
    await page.goto('/library');
    await page.getByRole('heading', { level: 1 }).waitFor();
    const low = page.getByRole('complementary', { name: 'Credits are low' });
    await low.getByText(/^Credits are low: \d+ left\.$/).waitFor();
    await checkAccess(page, 'library-low');
    await page.goto('/generate');
    await low.getByRole('link', { name: 'Buy credits' }).click();
    await page.waitForURL('**/billing#packages');
    await page.waitForFunction(() => document.activeElement?.id === 'packages');
    await low.getByRole('button', { name: 'Close until next time' }).click();
    await low.waitFor({ state: 'detached' });
    await page.reload();
    await page.getByRole('heading', { name: 'Invoices' }).waitFor();
    assert.equal(await low.count(), 0);
});

test('everything fits 360 px, in both lights', async () => {
    for (const [width, colorScheme] of [[360, 'light'], [360, 'dark'], [820, 'light'], [1440, 'light']]) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        await page.goto('/billing');
        await page.getByRole('heading', { name: 'Invoices' }).waitFor();
        await page.waitForTimeout(300);
        await checkAccess(page, `billing-${width}-${colorScheme}`);
    }
    await page.setViewportSize({ width: 1440, height: 1000 });
});

test('nothing went wrong on the console', () => {
    assert.deepEqual(page.wrong, []);
});

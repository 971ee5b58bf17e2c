// SPDX-License-Identifier: Apache-2.0
// Billing with the official stripe package on the other side: it signs the events that we believe,
// refuses what we refuse, and sends the pretend Stripe the same requests as we do.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import Stripe from 'stripe';

import { KEY, SECRET, startFakeStripe } from './fake-stripe.mjs';
import { addUser, httpClient, socketClient, startServer } from '../helpers.mjs';

const PUBLIC = 'https://studio.example';
const START = 1767268800;
const END = START + 31 * 86400;

let fake;
let server;
let official;

before(async () => {
    fake = await startFakeStripe();
    server = await startServer({
        config: `
server: {publicUrl: "${PUBLIC}"}
plans:
  - {key: free, name: Free, creditsOnce: 100, storageBytes: 1000000000}
  - {key: pro, name: Pro, creditsOnce: 0, creditsMonthly: 500, priceCents: 2900, trialDays: 7, stripePriceId: price_pro, storageBytes: 100000000000}
  - {key: max, name: Max, creditsOnce: 0, creditsMonthly: 2000, priceCents: 9900, stripePriceId: price_max, storageBytes: 100000000000}
creditPackages:
  - {id: small, name: "Small & quick", credits: 500, priceCents: 699}
payments:
  stripe: {baseUrl: "${fake.url}", allowPrivateAddresses: true, key: {env: STRIPE_SECRET_KEY}, webhookSecret: {env: STRIPE_WEBHOOK_SECRET}}
`,
        env: { STRIPE_SECRET_KEY: KEY, STRIPE_WEBHOOK_SECRET: SECRET },
    });
    official = new Stripe(KEY, { host: '127.0.0.1', port: fake.port, protocol: 'http', maxNetworkRetries: 0, telemetry: false });
});
after(async () => {
    await server?.stop();
    await fake?.stop();
});

let people = 0;
async function newcomer() {
    const email = `payer+${++people}@example.com`;
    const { token } = await addUser(server, email);
    const client = httpClient(server.url, token);
    const me = await client.query('users:getCurrentUser', {});
    return { email, token, client, me };
}

// ---- events ----

let number = 0;
const event = (type, object, created = START) =>
    ({ id: `evt_${++number}`, object: 'event', type, created, api_version: '2024-06-20', data: { object } });

async function post(what, { secret = SECRET, timestamp, header } = {}) {
    const payload = JSON.stringify(what);
    const signature = header ?? official.webhooks.generateTestHeaderString({ payload, secret, timestamp });
    const response = await fetch(`${server.url}/api/webhooks/stripe`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(signature === '' ? {} : { 'stripe-signature': signature }) },
        body: payload,
    });
    return { status: response.status, body: await response.json() };
}

const subscription = (me, id, more = {}) => ({
    object: 'subscription', id, customer: `cus_${id}`, status: 'active', metadata: { userId: me._id },
    current_period_start: START, current_period_end: END, cancel_at_period_end: false,
    items: { data: [{ id: `si_${id}`, price: { id: 'price_pro' } }] }, ...more,
});
const invoice = (id, sub, more = {}) => ({
    object: 'invoice', id, customer: `cus_${sub}`, subscription: sub, payment_intent: `pi_${id}`, number: `N-${id}`,
    amount_paid: 2900, currency: 'usd', billing_reason: 'subscription_create', hosted_invoice_url: `https://pay.example/${id}`,
    lines: { data: [{ amount: 2900, price: { id: 'price_pro' }, period: { start: START, end: END } }] }, ...more,
});

describe('events signed by the official package', () => {
    test('one that it believes gives plan and credits, once', async () => {
        const { client, me } = await newcomer();
        assert.equal((await post(event('customer.subscription.created', subscription(me, 'sub_a')))).status, 200);
        const paid = event('invoice.paid', invoice('in_a', 'sub_a'));
        const payload = JSON.stringify(paid);
        const header = official.webhooks.generateTestHeaderString({ payload, secret: SECRET });
        assert.equal(official.webhooks.constructEvent(payload, header, SECRET).id, paid.id);
        assert.deepEqual(await post(paid, { header }), { status: 200, body: { isNew: true } });
        assert.deepEqual(await post(paid), { status: 200, body: { isNew: false } });
        const now = await client.query('users:getCurrentUser', {});
        assert.equal(now.plan, 'pro');
        assert.equal(now.credits, 600);
        const [bill] = await client.query('subscriptions:getInvoices', {});
        assert.equal(bill.number, 'N-in_a');
        assert.equal(bill.status, 'paid');
    });

    test('what it would refuse is refused', async () => {
        const { me } = await newcomer();
        const what = event('customer.subscription.created', subscription(me, 'sub_b'));
        const now = Math.floor(Date.now() / 1000);
        const payload = JSON.stringify(what);
        const sign = (more) => official.webhooks.generateTestHeaderString({ payload, secret: SECRET, ...more });
        for (const header of ['', sign({ secret: 'whsec_other' }), sign({ timestamp: now - 400 }), 'nonsense',
            sign({ payload: `${payload} ` })]) {
            assert.throws(() => official.webhooks.constructEvent(payload, header, SECRET));
            assert.equal((await post(what, { header })).status, 400, header);
        }
        const several = `t=${now},v1=${'0'.repeat(64)},${sign({ timestamp: now }).split(',')[1]}`;
        assert.equal(official.webhooks.constructEvent(payload, several, SECRET).id, what.id);
        assert.equal((await post(what, { header: several })).status, 200);
    });

    test('in any order, repeated and late, they end the same', async () => {
        const states = [];
        for (let round = 0; round < 6; round++) {
            const { client, me } = await newcomer();
            const id = `sub_r${round}`;
            const events = [
                event('customer.subscription.created', subscription(me, id, { status: 'incomplete' }), START),
                event('customer.subscription.updated', subscription(me, id), START),
                event('invoice.paid', invoice(`in_r${round}`, id), START + 1),
                event('invoice.payment_succeeded', invoice(`in_r${round}`, id), START + 1),
                event('invoice.payment_failed', invoice(`in_s${round}`, id, { amount_paid: 0, amount_due: 2900, billing_reason: 'subscription_cycle' }), END),
                event('customer.subscription.updated', subscription(me, id, { cancel_at_period_end: true }), END + 60),
                event('charge.refunded', { object: 'charge', id: `ch_r${round}`, payment_intent: `pi_in_r${round}`, invoice: `in_r${round}`, amount: 2900, amount_refunded: 1450 }, END + 90),
            ];
            const order = events.map((value, i) => ({ value, at: (i * 5 + round * 3) % 7 })).sort((a, b) => a.at - b.at);
            for (const { value } of [...order, order[0], order[3]])
                assert.equal((await post(value)).status, 200);
            const { credits, plan } = await client.query('users:getCurrentUser', {});
            const { status, cancelAtPeriodEnd } = await client.query('subscriptions:getSubscription', {});
            states.push({ credits, plan, status, cancelAtPeriodEnd });
        }
        for (const state of states)
            assert.deepEqual(state, { credits: 350, plan: 'pro', status: 'active', cancelAtPeriodEnd: true });
    });
});

// ---- requests ----

// The official client is given what we sent, and must send the same.
async function sentAlike(ours, send) {
    assert.equal(ours.headers['content-type'], 'application/x-www-form-urlencoded');
    assert.equal(ours.headers['stripe-version'], '2024-06-20');
    await send(ours.form);
    const theirs = fake.last();
    assert.notEqual(theirs, ours);
    assert.equal(theirs.path, ours.path);
    assert.deepEqual(theirs.form, ours.form);
}

describe('requests that the official client sends alike', () => {
    test('a page for a plan, over HTTP and over the socket', async () => {
        const { client, email, me, token } = await newcomer();
        const url = await client.action('subscriptions:createCheckoutSession', { priceId: 'price_pro' });
        const ours = fake.last();
        assert.equal(url, 'https://pay.example/subscription');
        assert.match(ours.headers['idempotency-key'], /^[0-9a-f]{32}$/);
        assert.equal(ours.form.customer_email, email);
        assert.deepEqual(ours.form.subscription_data, { metadata: { userId: me._id, planKey: 'pro' }, trial_period_days: '7' });
        assert.equal(ours.form.success_url, `${PUBLIC}/billing?checkout=done`);
        await sentAlike(ours, (form) => official.checkout.sessions.create(form));

        const socket = socketClient(server.url, token);
        try {
            assert.equal(await socket.action('stripe:createSubscriptionCheckoutSession', { clerkId: 'x', planId: 'max' }), 'https://pay.example/subscription');
            assert.equal(fake.last().form.line_items[0].price, 'price_max');
        } finally {
            await socket.close();
        }
    });

    test('a page for credits, the portal, a change of plan, an end and its undoing', async () => {
        const { client, me } = await newcomer();
        assert.equal(await client.action('stripe:createCreditCheckoutSession', { clerkId: 'x', packageId: 'small' }), 'https://pay.example/payment');
        assert.equal(fake.last().form.line_items[0].price_data.product_data.name, 'Small & quick');
        await sentAlike(fake.last(), (form) => official.checkout.sessions.create(form));

        await post(event('customer.subscription.created', subscription(me, 'sub_c')));
        assert.equal(await client.action('subscriptions:getCustomerPortal', {}), 'https://pay.example/portal/cus_sub_c');
        await sentAlike(fake.last(), (form) => official.billingPortal.sessions.create(form));

        assert.deepEqual(await client.action('subscriptions:previewChange', { planId: 'max' }), { amount: 12345, currency: 'usd', at: 1769947200000 });
        await sentAlike(fake.last(), (form) => official.invoices.createPreview(form));
        await client.action('subscriptions:changePlan', { planId: 'max' });
        assert.deepEqual(fake.last().form.items, { 0: { id: 'si_sub_c', price: 'price_max' } });
        await sentAlike(fake.last(), (form) => official.subscriptions.update('sub_c', form));

        const { _id } = await client.query('subscriptions:getSubscription', {});
        await client.action('subscriptions:cancelSubscription', { subscriptionId: _id });
        await sentAlike(fake.last(), (form) => official.subscriptions.update('sub_c', form));
        assert.equal((await client.query('subscriptions:getSubscription', {})).cancelAtPeriodEnd, true);
        await client.action('stripe:reactivateSubscription', { clerkId: 'x', stripeSubscriptionId: 'sub_c' });
        assert.equal((await client.query('subscriptions:getSubscription', {})).cancelAtPeriodEnd, false);
    });

    test('when Stripe is away, that is said and nothing is changed', async () => {
        const { client } = await newcomer();
        fake.state.isDown = true;
        try {
            await assert.rejects(client.action('subscriptions:createCheckoutSession', { priceId: 'price_pro' }),
                (error) => error.data.code === 'STATE' && /did not open its page/.test(error.data.message));
        } finally {
            fake.state.isDown = false;
        }
        assert.equal(await client.action('subscriptions:createCheckoutSession', { priceId: 'price_pro' }), 'https://pay.example/subscription');
    });

    test('nobody pays for somebody who is not signed in', async () => {
        await assert.rejects(httpClient(server.url).action('subscriptions:createCheckoutSession', { priceId: 'price_pro' }),
            (error) => error.data.code === 'AUTH');
    });
});

// SPDX-License-Identifier: Apache-2.0
// Billing by Polar (IN-05): events that the package standardwebhooks signs, as Polar's own SDK reads
// them: under the letters of the secret. And what we ask of Polar.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';

import { Webhook } from 'standardwebhooks';

import { addUser, httpClient, startServer } from '../helpers.mjs';

const KEY = 'polar_oat_pretend';
const SECRET = 'polar_whs_pretend';
const START = Date.parse('2026-01-01T12:00:00Z');

let fake;
let server;
const asked = [];

function answer(method, url, form) {
    const [, subscription] = /^\/v1\/subscriptions\/([\w-]+)$/.exec(url) ?? [];
    if (method === 'POST' && url === '/v1/checkouts/')
        return { id: 'co_1', url: `https://polar.example/checkout/${form.products[0]}` };
    if (method === 'POST' && url === '/v1/customer-sessions/')
        return { id: 'cs_1', token: 't', customer_portal_url: `https://polar.example/portal/${form.customer_id}` };
    if (method === 'PATCH' && subscription !== undefined)
        return { id: subscription, status: 'active', cancel_at_period_end: form.cancel_at_period_end ?? false };
    return null;
}

before(async () => {
    fake = http.createServer(async (request, response) => {
        let body = '';
        for await (const part of request)
            body += part;
        const form = JSON.parse(body);
        asked.push({ method: request.method, path: request.url, headers: request.headers, form });
        const value = request.headers.authorization === `Bearer ${KEY}` ? answer(request.method, request.url, form) : null;
        response.writeHead(value === null ? 404 : 201, { 'content-type': 'application/json' }).end(JSON.stringify(value ?? {}));
    });
    await new Promise((resolve) => { fake.listen(0, '127.0.0.1', resolve); });
    server = await startServer({
        config: `
server: {publicUrl: "https://studio.example"}
plans:
  - {key: free, name: Free, creditsOnce: 100, storageBytes: 1000000000}
  - {key: pro, name: Pro, creditsOnce: 0, creditsMonthly: 500, priceCents: 2900, trialDays: 7, polarProductId: prod_pro, storageBytes: 100000000000}
  - {key: max, name: Max, creditsOnce: 0, creditsMonthly: 2000, priceCents: 9900, polarProductId: prod_max, storageBytes: 100000000000}
creditPackages:
  - {id: small, name: Small, credits: 500, priceCents: 699, polarProductId: prod_small}
payments:
  polar: {baseUrl: "http://127.0.0.1:${fake.address().port}", allowPrivateAddresses: true, key: {env: POLAR_KEY}, webhookSecret: {env: POLAR_SECRET}}
`,
        env: { POLAR_KEY: KEY, POLAR_SECRET: SECRET },
    });
});
after(async () => {
    await server?.stop();
    await new Promise((resolve) => { fake.closeAllConnections(); fake.close(resolve); });
});

let people = 0;
async function newcomer() {
    const email = `polar+${++people}@example.com`;
    const { token } = await addUser(server, email);
    const client = httpClient(server.url, token);
    return { email, client, me: await client.query('users:getCurrentUser', {}) };
}

// ---- events ----

const time = (seconds) => new Date(START + seconds * 1000).toISOString();
const keyOf = (secret) => Buffer.from(secret, 'utf8').toString('base64');
let number = 0;

async function post(type, data, { secret = SECRET, id = `msg_${++number}`, at = new Date(), send, signature } = {}) {
    const body = JSON.stringify({ type, timestamp: new Date().toISOString(), data });
    const response = await fetch(`${server.url}/api/webhooks/polar`, {
        method: 'POST',
        headers: {
            'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at / 1000)),
            'webhook-signature': signature ?? new Webhook(keyOf(secret)).sign(id, at, body),
        },
        body: send ?? body,
    });
    return { status: response.status, body: await response.json() };
}

const subscription = (me, id, at, more = {}) => ({
    id, created_at: time(0), modified_at: at === 0 ? null : time(at), status: 'active', amount: 2900, currency: 'usd',
    recurring_interval: 'month', current_period_start: time(0), current_period_end: time(31 * 86400), cancel_at_period_end: false,
    canceled_at: null, started_at: time(0), ends_at: null, ended_at: null, customer_id: `cus_${id}`, product_id: 'prod_pro',
    metadata: {}, customer: { id: `cus_${id}`, external_id: me._id }, ...more,
});
const order = (id, sub, at, more = {}) => ({
    id, created_at: time(1), modified_at: time(at), status: 'paid', paid: true, total_amount: 2900, net_amount: 2900, tax_amount: 0,
    refunded_amount: 0, refunded_tax_amount: 0, currency: 'usd', billing_reason: 'subscription_create', invoice_number: `P-${id}`,
    customer_id: `cus_${sub}`, product_id: 'prod_pro', subscription_id: sub, metadata: {},
    subscription: { id: sub, current_period_start: time(0), current_period_end: time(31 * 86400) }, ...more,
});

describe('events', () => {
    test('what is signed gives plan and credits, once', async () => {
        const { client, me } = await newcomer();
        assert.equal((await post('subscription.created', subscription(me, 'sub_a', 0, { status: 'incomplete' }))).status, 200);
        assert.equal((await post('subscription.active', subscription(me, 'sub_a', 2))).status, 200);
        const paid = order('ord_a', 'sub_a', 2);
        assert.deepEqual(await post('order.paid', paid, { id: 'msg_paid' }), { status: 200, body: { isNew: true } });
        assert.deepEqual(await post('order.paid', paid, { id: 'msg_paid' }), { status: 200, body: { isNew: false } });
        assert.equal((await post('order.created', paid)).status, 200);
        const now = await client.query('users:getCurrentUser', {});
        assert.equal(now.plan, 'pro');
        assert.equal(now.credits, 600);
        const [bill] = await client.query('subscriptions:getInvoices', {});
        assert.equal(bill.number, 'P-ord_a');
    });

    test('what is not is refused', async () => {
        const { me } = await newcomer();
        const data = subscription(me, 'sub_b', 0);
        for (const how of [{ secret: 'polar_whs_other' }, { at: new Date(Date.now() - 400_000) }, { signature: '' }, { send: '{}' }])
            assert.equal((await post('subscription.created', data, how)).status, 400, JSON.stringify(how));
    });

    test('in any order, repeated and late, they end the same', async () => {
        for (let round = 0; round < 6; round++) {
            const { client, me } = await newcomer();
            const id = `sub_r${round}`;
            const refund = { status: 'partially_refunded', refunded_amount: 1450 };
            const events = [
                ['subscription.created', subscription(me, id, 0, { status: 'incomplete' })],
                ['subscription.active', subscription(me, id, 2)],
                ['order.created', order(`ord_r${round}`, id, 1, { status: 'pending', paid: false })],
                ['order.paid', order(`ord_r${round}`, id, 2)],
                ['subscription.canceled', subscription(me, id, 60, { cancel_at_period_end: true, canceled_at: time(60) })],
                ['order.refunded', order(`ord_r${round}`, id, 90, refund)],
                ['customer.updated', { id: `cus_${id}`, external_id: me._id, created_at: time(0), modified_at: time(3) }],
            ].map(([type, data], i) => ({ type, data, id: `msg_r${round}_${i}`, at: (i * 5 + round * 3) % 7 })).sort((a, b) => a.at - b.at);
            for (const { type, data, id: key } of [...events, events[0], events[3]])
                assert.equal((await post(type, data, { id: key })).status, 200);
            const { credits, plan } = await client.query('users:getCurrentUser', {});
            const { status, cancelAtPeriodEnd, processor } = await client.query('subscriptions:getSubscription', {});
            assert.deepEqual({ credits, plan, status, cancelAtPeriodEnd, processor },
                { credits: 350, plan: 'pro', status: 'active', cancelAtPeriodEnd: true, processor: 'polar' }, `round ${round}`);
        }
    });
});

test('what is asked of Polar: pages, a change of plan, an end and its undoing', async () => {
    const { client, email, me } = await newcomer();
    assert.equal(await client.action('stripe:createSubscriptionCheckoutSession', { clerkId: 'x', planId: 'pro' }), 'https://polar.example/checkout/prod_pro');
    assert.deepEqual(asked.at(-1).form, {
        products: ['prod_pro'], external_customer_id: me._id, customer_email: email, metadata: { userId: me._id, planKey: 'pro' },
        trial_interval: 'day', trial_interval_count: 7, success_url: 'https://studio.example/billing?checkout=done',
    });
    assert.equal(await client.action('stripe:createCreditCheckoutSession', { clerkId: 'x', packageId: 'small' }), 'https://polar.example/checkout/prod_small');
    assert.deepEqual(asked.at(-1).form.metadata, { userId: me._id, packageId: 'small' });

    await post('subscription.active', subscription(me, 'sub_c', 2));
    assert.equal(await client.action('subscriptions:getCustomerPortal', {}), 'https://polar.example/portal/cus_sub_c');
    await client.action('subscriptions:changePlan', { planId: 'max' });
    assert.equal(asked.at(-1).method, 'PATCH');
    assert.deepEqual(asked.at(-1).form, { product_id: 'prod_max', proration_behavior: 'invoice' });
    const { _id } = await client.query('subscriptions:getSubscription', {});
    await client.action('subscriptions:cancelSubscription', { subscriptionId: _id });
    assert.deepEqual(asked.at(-1).form, { cancel_at_period_end: true });
    assert.equal((await client.query('subscriptions:getSubscription', {})).cancelAtPeriodEnd, true);
    await client.action('stripe:reactivateSubscription', { clerkId: 'x', stripeSubscriptionId: 'sub_c' });
    assert.deepEqual(asked.at(-1).form, { cancel_at_period_end: false });
    assert.equal((await client.query('subscriptions:getSubscription', {})).cancelAtPeriodEnd, false);
});

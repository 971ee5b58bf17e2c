// SPDX-License-Identifier: Apache-2.0
// A pretend Stripe: pages to pay at, and subscriptions that can be changed. stripe.test.mjs holds it
// against the official client, which sends it the same requests as we do.
import http from 'node:http';

export const KEY = 'sk_test_pretend';
export const SECRET = 'whsec_pretend';

// "a[b][0]=c" as {a: {b: {0: 'c'}}}.
export function readForm(text) {
    const out = {};
    for (const [name, value] of new URLSearchParams(text)) {
        const steps = name.replaceAll(']', '').split('[');
        let at = out;
        for (const step of steps.slice(0, -1))
            at = at[step] ??= {};
        at[steps.at(-1)] = value;
    }
    return out;
}

function answer(requested, form) {
    const [, subscription] = /^\/v1\/subscriptions\/(\w+)$/.exec(requested) ?? [];
    if (requested === '/v1/checkout/sessions')
        return { id: 'cs_1', object: 'checkout.session', mode: form.mode, url: `https://pay.example/${form.mode}` };
    if (requested === '/v1/invoices/create_preview')
        return { object: 'invoice', amount_due: 12345, currency: 'usd', period_end: 1769947200, next_payment_attempt: null };
    if (requested === '/v1/billing_portal/sessions')
        return { id: 'bps_1', object: 'billing_portal.session', url: `https://pay.example/portal/${form.customer}` };
    if (subscription !== undefined)
        return { id: subscription, object: 'subscription', status: 'active', cancel_at_period_end: form.cancel_at_period_end === 'true' };
    return null;
}

export async function startFakeStripe() {
    const asked = [];
    const state = { isDown: false };
    const server = http.createServer(async (request, response) => {
        let body = '';
        for await (const part of request)
            body += part;
        const reply = (status, value) => {
            response.writeHead(status, { 'content-type': 'application/json' });
            response.end(JSON.stringify(value));
        };
        if (state.isDown)
            return request.socket.destroy();
        if (request.headers.authorization !== `Bearer ${KEY}`)
            return reply(401, { error: { type: 'invalid_request_error', message: 'Invalid API Key' } });
        const form = readForm(body);
        asked.push({ path: request.url, headers: request.headers, form });
        const value = answer(request.url, form);
        return value === null
            ? reply(404, { error: { type: 'invalid_request_error', message: 'Unrecognized request URL' } })
            : reply(200, value);
    });
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const { port } = server.address();
    return {
        port,
        url: `http://127.0.0.1:${port}`,
        asked,
        state,
        last: () => asked.at(-1),
        stop: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }),
    };
}

// SPDX-License-Identifier: Apache-2.0
// A pretend queue.fal.run: submit, status, result, cancel, webhooks signed with Ed25519, files.
// official.test.mjs holds it against the `@fal-ai/client` package. By the words of a prompt:
//   "slow"     takes `hold` ms           "endless"  until it is canceled
//   "flaky"    500 for the first result  "policy"   its result is 422, content_policy_violation
//   "black"    flagged and blackened     "odd"      422 at once
//   "expired"  its file is gone          "cut"      its file breaks off the first time
//   "astray"   its answers name another host
import crypto from 'node:crypto';
import http from 'node:http';

import { makePng } from '../fake-images.mjs';

export const KEY = 'pretend-id:pretend-secret-77';
const keys = crypto.generateKeyPairSync('ed25519');
export const PUBLIC_KEY = keys.publicKey.export({ format: 'jwk' }).x; // as in their JWKS

const png = makePng(256, 256, 8);

/* As startFakeReplicate. */
export async function startFakeFal({ hold = 500, post = () => null } = {}) {
    const fake = { asked: [], polls: 0, canceled: [], posted: [], strayed: 0, film: png, hold, post, requests: new Map() };
    const seen = new Map();
    const times = (key) => {
        const before = seen.get(key) ?? 0;
        seen.set(key, before + 1);
        return before;
    };
    const answer = (response, status, value, headers = {}) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(JSON.stringify(value));
    };

    const urls = ({ id, app, prompt }) => {
        const base = `${prompt.includes('astray') ? fake.astray : fake.url}/${app}/requests/${id}`;
        return { request_id: id, response_url: base, status_url: `${base}/status`, cancel_url: `${base}/cancel` };
    };

    function result({ id, model, prompt, input }) {
        const name = prompt.includes('expired') ? 'expired' : prompt.includes('cut') ? 'cut' : 'whole';
        const file = (i, type) => ({ url: `${fake.url}/files/${name}/${id}-${i}.${type}`, file_name: `${i}.${type}` });
        if (model.startsWith('fal-ai/veo3'))
            return { video: { ...file(0, 'mp4'), content_type: 'video/mp4' } };
        const images = Array.from({ length: input.num_images ?? 1 }, (_, i) => ({
            ...file(i, 'png'), content_type: 'image/png', width: 256, height: 256 }));
        return { images, timings: { inference: 1.25 }, seed: input.seed ?? 1, prompt,
            has_nsfw_concepts: images.map((_, i) => prompt.includes('black') && i === 0) };
    }

    function outcome(job) {
        if (job.prompt.includes('policy'))
            return [422, { detail: [{ loc: ['body', 'prompt'], msg: 'The content could not be processed because it contained material flagged by a content checker.', type: 'content_policy_violation', input: job.input }] }];
        if (job.prompt.includes('flaky') && job.first)
            return [500, { detail: [{ loc: ['body'], msg: 'Internal server error', type: 'internal_server_error' }] }];
        return [200, result(job)];
    }

    async function finish(job) {
        if (job.status === 'COMPLETED')
            return;
        job.status = 'COMPLETED';
        job.outcome = outcome(job);
        const url = job.webhook && fake.post(job.webhook);
        if (!url)
            return;
        const isWell = job.outcome[0] === 200;
        const body = JSON.stringify({ request_id: job.id, gateway_request_id: job.id, status: isWell ? 'OK' : 'ERROR', payload: job.outcome[1] });
        const stamp = String(Math.floor(Date.now() / 1000));
        const told = [job.id, 'pretend-user', stamp, crypto.createHash('sha256').update(body).digest('hex')].join('\n');
        const headers = {
            'content-type': 'application/json',
            'x-fal-webhook-request-id': job.id,
            'x-fal-webhook-user-id': 'pretend-user',
            'x-fal-webhook-timestamp': stamp,
            'x-fal-webhook-signature': crypto.sign(null, Buffer.from(told), keys.privateKey).toString('hex'),
        };
        const came = await fetch(url, { method: 'POST', headers, body }).catch(() => ({ status: 0 }));
        fake.posted.push({ status: came.status, body, headers });
    }

    function submit(response, model, input, webhook) {
        const [app] = /^[\w-]+\/[\w.-]+/.exec(model) ?? [];
        if (!app || typeof input.prompt !== 'string')
            return answer(response, 422, { detail: [{ loc: ['body', 'prompt'], msg: 'Field required', type: 'missing' }] });
        fake.asked.push({ model, input, webhook });
        if (input.prompt.includes('odd'))
            return answer(response, 422, { detail: [{ loc: ['body', 'seed'], msg: 'Input should be a valid integer', type: 'int_parsing' }] });
        const job = { id: crypto.randomUUID(), app, model, prompt: input.prompt, input, webhook, status: 'IN_QUEUE', first: times(input.prompt) === 0 };
        fake.requests.set(job.id, job);
        if (!input.prompt.includes('endless'))
            job.timer = setTimeout(finish, input.prompt.includes('slow') ? fake.hold : 50, job);
        answer(response, 200, { status: 'IN_QUEUE', ...urls(job), queue_position: 0, logs: null, metrics: {} });
    }

    function status(response, job) {
        fake.polls++;
        if (job.status === 'COMPLETED')
            return answer(response, 200, { status: 'COMPLETED', ...urls(job), logs: null, metrics: { inference_time: 1.25 } });
        const waits = times(`${job.id} polled`) === 0;
        answer(response, 202, waits ? { status: 'IN_QUEUE', ...urls(job), queue_position: 2 } : { status: 'IN_PROGRESS', ...urls(job), logs: null });
    }

    function cancel(response, job) {
        fake.canceled.push(job.id);
        if (job.status === 'COMPLETED')
            return answer(response, 400, { status: 'ALREADY_COMPLETED' });
        clearTimeout(job.timer);
        answer(response, 202, { status: 'CANCELLATION_REQUESTED' });
    }

    function file(response, path) {
        const bytes = path.endsWith('.mp4') ? fake.film : png;
        const isCut = path.includes('/cut/') && times(path) === 0;
        if (path.includes('/expired/'))
            return answer(response, 404, { detail: 'Not found' });
        response.writeHead(200, { 'content-type': path.endsWith('.mp4') ? 'video/mp4' : 'image/png', 'content-length': bytes.length });
        if (!isCut)
            return response.end(bytes);
        response.write(bytes.subarray(0, bytes.length >> 1), () => setTimeout(() => response.destroy(), 20));
    }

    async function handle(request, response) {
        let text = '';
        for await (const part of request)
            text += part;
        const { pathname, searchParams } = new URL(request.url, 'http://x');
        if (pathname.startsWith('/files/'))
            return file(response, pathname);
        if (request.headers.authorization !== `Key ${KEY}`)
            return answer(response, 401, { detail: 'Authentication is required to access this application' });
        const [, app, id, verb = ''] = /^\/(.+)\/requests\/([\w-]+)(\/status|\/cancel)?$/.exec(pathname) ?? [];
        if (id === undefined && request.method === 'POST')
            return submit(response, pathname.slice(1), JSON.parse(text), searchParams.get('fal_webhook') ?? undefined);
        const job = fake.requests.get(id);
        if (job?.app !== app)
            return answer(response, 404, { detail: 'Request not found' });
        if (verb === '/cancel')
            return request.method === 'PUT' ? cancel(response, job) : answer(response, 405, { detail: 'Method Not Allowed' });
        if (verb === '/status')
            return status(response, job);
        if (job.status !== 'COMPLETED')
            return answer(response, 400, { detail: 'Request is still in progress' });
        answer(response, ...job.outcome, { 'x-fal-request-id': id });
    }

    const server = http.createServer((request, response) => {
        response.on('error', () => {});
        handle(request, response).catch(() => response.destroy());
    });
    const elsewhere = http.createServer((request, response) => {
        fake.strayed++;
        response.end('{}');
    });
    for (const one of [server, elsewhere])
        await new Promise((resolve) => one.listen(0, '127.0.0.1', resolve));
    fake.url = `http://127.0.0.1:${server.address().port}`;
    fake.astray = `http://127.0.0.1:${elsewhere.address().port}`;
    fake.stop = () => Promise.all([server, elsewhere].map((one) => {
        one.closeAllConnections();
        return new Promise((resolve) => one.close(resolve));
    }));
    return fake;
}

// SPDX-License-Identifier: Apache-2.0
// `atelier ledger verify` as the operator meets it: beside a running server, and on a database in
// which somebody changed a number.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { addUser, atelier, httpClient, startServer, until } from './helpers.mjs';

const PICTURE = { model: 'sketch', prompt: 'a red kite', width: 256, height: 256, steps: 10 };
let server;
after(async () => {
    await server?.stop();
});

test('the ledger is verified while it is used, and a changed number is found', async () => {
    server = await startServer();
    const { token } = await addUser(server);
    const client = httpClient(server.url, token);
    const { jobId } = await client.mutation('generations:createGenerationJob', PICTURE);
    const held = await atelier(['ledger', 'verify', '--data', server.data]);
    assert.equal(held.code, 0, held.stdout + held.stderr);
    assert.match(held.stdout, /^ok /);

    await until(async () => {
        const job = await client.query('generations:getGenerationJob', { jobId });
        return job.status === 'completed';
    }, 'a picture', 30_000);
    const receipt = await client.query('credits:explainCharge', { generationId: jobId });
    assert.equal(receipt.charged, 1);
    assert.equal(receipt.creditState, 'settled');
    const settled = await atelier(['ledger', 'verify', '--data', server.data]);
    assert.equal(settled.code, 0, settled.stdout + settled.stderr);
    assert.match(settled.stdout, /^ok .* 1 people, .* 1 holds; 100 credits granted, 1 earned/);

    await server.stop();
    const file = path.join(server.data, 'atelier.db');
    const bytes = readFileSync(file, 'latin1');
    const changed = bytes.replace('"credits":99,"held":0', '"credits":98,"held":0');
    assert.notEqual(changed, bytes);
    writeFileSync(file, changed, 'latin1');
    const wrong = await atelier(['ledger', 'verify', '--data', server.data]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stdout, /the balance of the user \w{16}: 98, but the journal says 99/);
    assert.match(wrong.stdout, /1 differences/);
});

// SPDX-License-Identifier: Apache-2.0
// One round of the history checker: concurrent clients, and a server that is killed under them. By
// hand it runs for longer: run.mjs. HISTORY_SECONDS says how long a round is here.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Victim, runRound, textOf } from './run.mjs';

const SECONDS = Number(process.env.HISTORY_SECONDS ?? 15);
const KILLS = 5;

test('what concurrent clients see while the server is killed has an order, and nothing answered is lost', { timeout: 120_000 }, async () => {
    const victim = new Victim();
    await victim.start();
    const { problems, figures } = await runRound(victim, { seconds: SECONDS, every: 2000, kills: KILLS });
    console.log(textOf(figures));
    assert.deepEqual(problems, []);

    // Enough happened for this to mean something.
    assert.ok(figures.kills >= KILLS);
    assert.ok(figures.answered > 500);
    assert.ok(figures.refused > 10);
    assert.ok(figures.sights > 500);
    assert.ok(figures.looks > 50);
    assert.ok(figures.resent > 20);
    await victim.stop();
    assert.deepEqual(victim.ends, []);
});

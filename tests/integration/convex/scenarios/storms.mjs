// SPDX-License-Identifier: Apache-2.0
// Everything at once: several clients at work while connections break at random messages in random
// ways. What happens is drawn from a seed (environment SEED for another one), so a run that failed
// can be repeated as far as the clock allows.
import assert from 'node:assert/strict';

import { EVERY, scenario as declare } from '../harness.mjs';

const group = 'storms';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, on: EVERY, ...more }, run);

// Numbers from 0 to 1, by mulberry32.
function dice(seed) {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let x = Math.imul(state ^ (state >>> 15), state | 1);
        x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
        return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
    };
}

const CLIENT = ['cut', 'half-cut', 'pass-cut', 'orphan', 'pass-orphan', 'mute', 'hold', 'double'];
const SERVER = ['cut', 'half-cut', 'pass-cut', 'orphan', 'pass-orphan', 'mute', 'hold'];

// From now on about one message in so many meets an accident.
function brew(t, random, one_in) {
    const weather = { isCalm: false, accidents: 0 };
    const pick = (from, kinds) => {
        const rule = t.proxy.on(from, () => !weather.isCalm && random() < 1 / one_in, ({ type }) => {
            weather.accidents++;
            const kind = kinds[Math.floor(random() * kinds.length)];
            if (kind === 'double' && type !== 'Mutation')
                return 'pass'; // only calls may come twice
            if (kind === 'hold')
                setTimeout(() => rule.release(), random() * 40);
            return kind;
        }, { times: Infinity });
    };
    pick('client', CLIENT);
    pick('server', SERVER);
    return weather;
}

// Twenty calls of one client, a few under way at a time; answers what it added.
async function work(t, client, name, random) {
    const added = [];
    let under_way = [];
    for (let i = 0; i < 20; i++) {
        const text = `${name} ${i}`;
        const choice = random();
        if (choice < 0.6) {
            added.push(text);
            under_way.push(client.mutation('items:add', { text }));
        } else if (choice < 0.8) {
            under_way.push(client.mutation('transfer:transfer', { amount: 1, from_id: t.account, to_id: t.account + 1 + i % 2 }));
        } else {
            under_way.push(t.refused(client.mutation('fail:mutation', {})));
        }
        if (under_way.length > 4 || random() < 0.3)
            await Promise.all(under_way.splice(0));
    }
    await Promise.all(under_way);
    return added;
}

async function ride(t, seed, disturb = async () => {}) {
    const random = dice(seed);
    const clients = [t.client(), t.client(), t.client()];
    await clients[0].mutation('seed:seed_range', { start: t.account, count: 3, initial: 100 });
    for (const client of clients) {
        client.manager.serverInactivityThreshold = 500;
        client.manager.resetServerInactivityTimeout();
    }
    const lists = clients.map((client) => t.watch(client, 'items:list'));
    const counts = clients.map((client) => t.watch(client, 'items:count'));
    const weather = brew(t, random, 14);
    const working = clients.map((client, i) => work(t, client, `${t.text} ${i}`, random));
    await disturb();
    const added = await Promise.all(working);
    weather.isCalm = true;

    const texts = await t.texts();
    for (const [i, own] of added.entries())
        assert.deepEqual(texts.filter((text) => text.startsWith(`${t.text} ${i} `)), own, `seed ${seed}: client ${i}`);
    assert.equal(texts.length, added.flat().length, 'and nothing else');
    await Promise.all(lists.map((list) => list.shows((items) => JSON.stringify(items.map(({ text }) => text)) === JSON.stringify(texts))));
    await Promise.all(counts.map((count) => count.shows(({ count: number }) => number === texts.length)));
    const balances = await Promise.all([0, 1, 2].map((i) => t.http().query('accounts:get_account', { id: t.account + i })));
    assert.equal(balances.reduce((sum, { balance }) => sum + balance, 0), 300);
    assert.ok(weather.accidents > 3, `${weather.accidents} accidents`);
}

const seeds = process.env.SEED === undefined ? [11, 12, 13] : [Number(process.env.SEED)];
for (const seed of seeds) {
    scenario(`three clients and a storm, seed ${seed}`,
        'Whatever happens to connections, each mutation takes effect once and in order, and everybody ends with the truth.',
        (t) => ride(t, seed));

    scenario(`three clients, a storm and a crash, seed ${seed}`,
        'The same with a server that is killed in the middle.',
        (t) => ride(t, seed, async () => {
            await t.until(() => t.proxy.messages('server', 'MutationResponse').length >= 12, 'some work');
            t.proxy.isRefusing = true;
            await t.crash();
            t.proxy.isRefusing = false;
        }), { on: ['1.44'] });
}

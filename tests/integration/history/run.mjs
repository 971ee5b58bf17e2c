// SPDX-License-Identifier: Apache-2.0
// Rounds of random work on one server that is killed again and again, each checked at its end.
//
//   node tests/integration/history/run.mjs --minutes 10 [--seconds 30] [--keep FILE]
//
// --seconds: of one round. --keep: where to write the history of the first round that fails.
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { sleep, startServer, tempFolder } from '../helpers.mjs';
import { check } from './check.mjs';
import { HttpClient, SocketClient, World, below } from './clients.mjs';

const ACCOUNTS = 10;
const BALANCE = 1_000_000_000; // never used up, so that no transfer does nothing
const CLIENTS = { lists: 5, banks: 2, slow: 1, http: 3 };

// The server that goes on at the same address with the same data.
export class Victim {
    constructor({ program = 'atelier-fixture', env = {} } = {}) {
        this.options = { program, env, data: tempFolder('history') };
        this.kills = 0;
        this.stops = 0;
        this.ends = []; // that nobody asked for
    }

    async start() {
        this.server = await startServer({ ...this.options, listen: this.url === undefined ? '127.0.0.1:0' : this.url.slice('http://'.length) });
        this.url = this.server.url;
        const { server } = this;
        server.exited.then(({ code, signal }) => {
            if (this.server === server && !this.isEnding)
                this.ends.push({ kind: 'ended', text: `the server ended by itself, ${code ?? signal}: ${server.lines.slice(-5).join(' / ')}` });
        });
        this.isEnding = false;
    }

    async kill() {
        this.isEnding = true;
        await this.server.kill();
        this.kills++;
        await this.start();
    }

    async stop() {
        this.isEnding = true;
        const { code } = await this.server.stop();
        this.stops++;
        if (code !== 0)
            this.ends.push({ kind: 'ended', text: `asked to stop, the server ended with ${code}` });
    }

    // Mostly kill -9; sometimes asked to stop.
    async restart() {
        if (below(6) > 0) {
            await this.kill();
        } else {
            await this.stop();
            await this.start();
        }
    }

    async post(path, body) {
        const response = await fetch(this.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...body, format: 'convex_encoded_json' }) });
        const answer = await response.json();
        if (answer.status !== 'success')
            throw new Error(`${path}: ${JSON.stringify(answer)}`);
        return answer.value;
    }

    async balances() {
        const accounts = await this.post('/api/query', { path: 'accounts:list_accounts', args: {} });
        return new Map(accounts.map(({ id, balance }) => [id, balance]));
    }

    async lists(keys) {
        const lists = new Map();
        for (let i = 0; i < keys.length; i += 50) {
            const some = keys.slice(i, i + 50);
            const values = await this.post('/api/query', { path: 'lists:read', args: { keys: some } });
            some.forEach((key, k) => lists.set(key, values[k]));
        }
        return lists;
    }
}

// Kills it at random moments until the time is over, while the clients work.
async function torment(victim, { seconds, every, kills }) {
    const end = Date.now() + seconds * 1000;
    const enough = victim.kills + kills;
    while (Date.now() < end || victim.kills < enough) {
        await sleep(every / 2 + below(every));
        await victim.restart();
    }
    await sleep(every / 2);
}

let rounds = 0;

// Answers { problems, figures, history }.
export async function runRound(victim, { seconds = 30, every = 2500, kills: wanted = 0 } = {}) {
    const world = new World(`${process.pid}-${rounds++}`);
    world.accounts = ACCOUNTS;
    world.url = victim.url;
    await victim.post('/api/mutation', { path: 'seed:seed_range', args: { start: 0, count: ACCOUNTS, initial: BALANCE } });
    const initial = await victim.balances();
    const { kills, stops } = victim;

    const sockets = Array.from({ length: CLIENTS.lists + CLIENTS.banks + CLIENTS.slow },
        (_, i) => new SocketClient(world, { isBank: i < CLIENTS.banks, isSlow: i >= CLIENTS.lists + CLIENTS.banks }));
    const clients = [...sockets, ...Array.from({ length: CLIENTS.http }, () => new HttpClient(world))];
    const running = clients.map((client) => client.run());
    await torment(victim, { seconds, every, kills: wanted });
    world.isOver = true;
    await Promise.all(running);
    await Promise.all(sockets.map((client) => client.finish()));

    // Nothing is under way in a server that has just begun; but it still knows every answer.
    await victim.kill();
    await Promise.all(sockets.map((client) => client.replay(20)));
    const final = { lists: await victim.lists([...world.appended.keys()]), accounts: await victim.balances() };

    const history = { calls: world.calls, sights: world.sights, initial, final, problems: [...world.problems, ...victim.ends.splice(0)] };
    const begun = Date.now();
    const { problems, figures } = check(history);
    return { problems, history, figures: {
        kills: victim.kills - kills, stops: victim.stops - stops, ...world.figures, ...figures, 'ms to check': Date.now() - begun } };
}

export const textOf = (figures) => Object.entries(figures).map(([name, value]) => `${name} ${value}`).join(', ');

// ---- by hand ----

function option(name, fallback) {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? fallback : process.argv[at + 1];
}

async function main() {
    const end = Date.now() + Number(option('minutes', 1)) * 60_000;
    const seconds = Number(option('seconds', 30));
    const victim = new Victim({ program: option('program', 'atelier-fixture') });
    await victim.start();
    const sums = {};
    let found = 0;
    for (let round = 1; Date.now() < end; round++) {
        const { problems, figures, history } = await runRound(victim, { seconds });
        console.log(`round ${round}: ${textOf(figures)}; ${problems.length} problems`);
        problems.forEach(({ kind, text }) => console.log(`  ${kind}: ${text}`));
        for (const [name, value] of Object.entries(figures))
            sums[name] = (sums[name] ?? 0) + value;
        if (problems.length > 0 && found === 0 && option('keep') !== undefined)
            writeFileSync(option('keep'), JSON.stringify(history, (key, value) => (typeof value === 'bigint' ? `${value}` : value instanceof Map ? [...value] : key === 'after' ? value.map(({ id }) => id) : value)));
        found += problems.length;
    }
    console.log(`in all: ${textOf(sums)}; ${found} problems`);
    await victim.stop();
    process.exit(found === 0 ? 0 : 1);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href)
    await main();

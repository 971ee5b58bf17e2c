// SPDX-License-Identifier: Apache-2.0
// Every transfer is answered in the end, and with the timestamp of its commit; so the balances of
// every account at every moment are known, and each look at them must be exactly that.
import { nameOf } from './values.mjs';

const textOf = (balances) => [...balances].sort(([a], [b]) => a - b).map(([id, balance]) => `${id}: ${balance}`).join(', ');

export function checkBank(history, report) {
    const balances = new Map(history.initial);
    const total = [...balances.values()].reduce((sum, balance) => sum + balance, 0);
    const transfers = history.calls.filter(({ kind }) => kind === 'transfer');
    for (const call of transfers.filter(({ outcome }) => outcome !== 'ok'))
        report('unsettled', `${nameOf(call)}, a transfer, is ${call.outcome}`);
    const settled = transfers.filter(({ outcome, ts }) => outcome === 'ok' && ts !== null);
    settled.sort((a, b) => (a.ts < b.ts ? -1 : 1));
    const looks = history.sights.filter(({ accounts }) => accounts !== null);
    looks.sort((a, b) => (a.ts < b.ts ? -1 : 1));

    let next = 0;
    const advance = (until) => {
        for (; next < settled.length && settled[next].ts <= until; next++) {
            const { from, to, amount } = settled[next].transfer;
            balances.set(from, balances.get(from) - amount);
            balances.set(to, balances.get(to) + amount);
        }
    };
    for (const { accounts, ts, session, seq } of looks) {
        advance(ts);
        const sum = [...accounts.values()].reduce((all, balance) => all + balance, 0);
        if (sum !== total)
            report('bank-sum', `transition ${seq} of ${session.slice(0, 4)}: the balances are ${sum}, not ${total}`);
        else if (textOf(accounts) !== textOf(balances))
            report('bank', `transition ${seq} of ${session.slice(0, 4)} shows ${textOf(accounts)}; by the transfers up to ${ts} it is ${textOf(balances)}`);
    }
    advance(1n << 63n);
    if (textOf(history.final.accounts) !== textOf(balances))
        report('bank', `at the end ${textOf(history.final.accounts)}; by the transfers ${textOf(balances)}`);
    return { transfers: settled.length, looks: looks.length };
}

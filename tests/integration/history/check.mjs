// SPDX-License-Identifier: Apache-2.0
// The history checker: was everything that concurrent clients saw possible, with transactions that
// happen one at a time? docs/history.md explains what is checked and why that is enough.
//
// A history is
//   calls   [{ id, kind, session, number, connection, steps, sent, answered, outcome, … }]
//           kind     transact  steps [{ kind: append | read, key, value }], reads [[value …] …]
//                    transfer  transfer { from, to, amount }; steps []
//                    read      lists [{ key, values, isLast }], by HTTP; steps []; isPast: at a
//                              timestamp of an earlier query_ts
//                    clock     query_ts; steps []
//           session  null over HTTP
//           sent     when it was sent first; answered: when its answer came, or null
//           outcome  ok, refused (it says that nothing was changed), unknown (never answered)
//           ts       as told (bigint), or null
//   sights  what a session saw after a transition, in the order they came: [{ session, connection,
//           seq, answered, ts, lists, accounts (Map or null), after: [calls answered before] }]
//   initial, final { lists: Map, accounts: Map }   when nothing was under way
//   problems [{ kind, text }]   that the clients noticed themselves
//
// Times are of one monotonic clock. seq counts what a session received.
import { checkBank } from './bank.mjs';
import { checkClock } from './clock.mjs';
import { checkOrder } from './order.mjs';
import { Values } from './values.mjs';

const SHOWN_MAX = 20; // of one kind

export function check(history) {
    const problems = [...history.problems];
    const counts = new Map();
    const report = (kind, text) => {
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
        if (counts.get(kind) <= SHOWN_MAX)
            problems.push({ kind, text });
    };
    const values = new Values(history, report);
    const graph = checkOrder(history, values, report);
    checkClock(history, values, report);
    const bank = checkBank(history, report);
    const of = (outcome) => history.calls.filter((call) => call.outcome === outcome).length;
    return {
        problems,
        figures: {
            answered: of('ok'),
            refused: of('refused'),
            unknown: of('unknown'),
            'unknown and there': history.calls.filter((call) => call.outcome === 'unknown' && values.isVisible(call)).length,
            appends: values.places.size,
            lists: values.lists.size,
            sights: history.sights.length,
            ...graph,
            ...bank,
        },
    };
}

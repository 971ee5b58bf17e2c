// SPDX-License-Identifier: Apache-2.0
// What the values alone tell. Each value is appended by one call only, so a value that was read
// says who was there before the reader; and the lists at the end say in which order they came.

// "call 12 (a1b2 #7)"
export const nameOf = (call) => `call ${call.id} (${call.session === null ? 'HTTP' : `${call.session.slice(0, 4)} #${call.number}`})`;
const isAppend = (step) => step.kind === 'append';

export class Values {
    constructor(history, report) {
        this.report = report;
        this.writers = new Map(); // value to { call, key }
        this.lists = new Map(); // key to { key, values, calls }: the order of the appends, and whose
        this.places = new Map(); // value to its position in its list
        this.reads = new Map(); // call to what it read
        this.lengths = new WeakMap(); // a list that was read, to how much of the order it is
        for (const call of history.calls)
            for (const step of call.steps.filter(isAppend))
                this.writers.set(step.value, { call, key: step.key });
        for (const [key, values] of history.final.lists)
            this.takeFinal(key, values);
        for (const call of history.calls)
            if (call.kind === 'transact')
                this.checkAppends(call);
    }

    takeFinal(key, values) {
        const list = { key, values: [], calls: [] };
        this.lists.set(key, list);
        for (const value of values) {
            const writer = this.writers.get(value);
            if (!this.isExplained(key, value, 'the end'))
                continue;
            if (this.places.has(value)) {
                this.report('duplicated', `${value} is in ${key} twice: ${nameOf(writer.call)}`);
                continue;
            }
            this.places.set(value, list.values.length);
            list.values.push(value);
            list.calls.push(writer.call);
        }
    }

    // Somebody appended it to that key, and was not refused.
    isExplained(key, value, where) {
        const writer = this.writers.get(value);
        if (writer === undefined || writer.key !== key) {
            this.report('unknown-value', `${value} in ${key}, seen by ${where}: nobody appended it there`);
            return false;
        }
        if (writer.call.outcome === 'refused') {
            this.report('refused-seen', `${value} in ${key}, seen by ${where}: ${nameOf(writer.call)} was refused`);
            return false;
        }
        return true;
    }

    checkAppends(call) {
        const appends = call.steps.filter(isAppend);
        const kept = appends.filter(({ value }) => this.places.has(value));
        if (call.outcome === 'refused')
            return; // told above, if it is seen
        if (kept.length < appends.length) {
            const lost = appends.find(({ value }) => !this.places.has(value));
            if (call.outcome === 'ok')
                this.report('lost', `${lost.value} is not in ${lost.key}, but ${nameOf(call)} was answered`);
            else if (kept.length > 0)
                this.report('torn', `${nameOf(call)}, never answered, kept ${kept[0].value} but not ${lost.value}`);
        }
        const last = new Map();
        for (const { key, value } of kept) {
            const place = this.places.get(value);
            if (last.has(key) && place !== last.get(key) + 1)
                this.report('torn', `${nameOf(call)} appended to ${key} twice in a row; they do not stand so`);
            last.set(key, place);
        }
    }

    // Whether a call's effects are there; only then it has a place in the order.
    isVisible(call) {
        return call.outcome === 'ok' || (call.outcome === 'unknown'
            && call.steps.some((step) => isAppend(step) && this.places.has(step.value)));
    }

    // How far in its list's order a reading had come; -1 when it fits nowhere (reported).
    lengthOf({ key, values, isLast }, where) {
        if (values.length === 0)
            return 0;
        if (isLast)
            return this.isThere(key, values[0], where) ? this.places.get(values[0]) + 1 : -1;
        const known = this.lengths.get(values);
        if (known !== undefined)
            return known;
        const length = this.compare(key, values, where);
        this.lengths.set(values, length);
        return length;
    }

    isThere(key, value, where) {
        if (!this.isExplained(key, value, where))
            return false;
        if (!this.places.has(value))
            this.report('lost', `${value} in ${key} was seen by ${where}, and is gone at the end`);
        return this.places.has(value);
    }

    compare(key, values, where) {
        const order = this.lists.get(key)?.values ?? [];
        for (let i = 0; i < values.length; i++) {
            if (order[i] === values[i])
                continue;
            if (values.indexOf(values[i]) < i)
                this.report('duplicated', `${values[i]} is in ${key} twice, seen by ${where}`);
            else if (this.isThere(key, values[i], where))
                this.report('forked', `${where} saw ${key} with ${values[i]} at ${i}; at the end ${order[i]} is there`);
            return -1;
        }
        return values.length;
    }

    // What a call read of others: [{ key, length }]. What it had appended itself must end the list.
    readsOf(call) {
        if (!this.reads.has(call))
            this.reads.set(call, this.readsBy(call));
        return this.reads.get(call);
    }

    readsBy(call) {
        if (call.reads === null)
            return []; // it was never told, or wrongly (reported)
        const own = new Map();
        const found = new Map();
        let at = 0;
        for (const step of call.steps) {
            if (isAppend(step)) {
                own.set(step.key, [...own.get(step.key) ?? [], step.value]);
                continue;
            }
            const values = call.reads[at++];
            const mine = own.get(step.key) ?? [];
            const others = values.length - mine.length;
            if (!mine.every((value, i) => values[others + i] === value)) {
                this.report('internal', `${nameOf(call)} does not see what it appended to ${step.key} itself`);
                continue;
            }
            const length = this.lengthOf({ key: step.key, values: mine.length === 0 ? values : values.slice(0, others) }, nameOf(call));
            if (length >= 0 && (found.get(step.key) ?? length) !== length)
                this.report('internal', `${nameOf(call)} read ${step.key} twice and differently`);
            if (length >= 0)
                found.set(step.key, length);
        }
        return [...found].map(([key, length]) => ({ key, length }));
    }
}

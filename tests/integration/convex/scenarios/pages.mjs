// SPDX-License-Identifier: Apache-2.0
// Lists in pages: without gaps, without doubles, in order, whatever is added and removed where one
// page ends and the next begins, and whatever happens to the connection.
import assert from 'node:assert/strict';

import { EVERY, scenario as declare } from '../harness.mjs';
import { showPages } from '../pages.mjs';

const group = 'pages';
const scenario = (name, breaks, run, more = {}) => declare(name, { group, breaks, on: EVERY, ...more }, run);

async function seed(t, count, from = 1) {
    const http = t.http();
    const ids = [];
    for (let i = from; i < from + count; i++)
        ids.push(await http.mutation('items:add', { text: `${i}` }));
    return ids;
}

const down = (from, to) => Array.from({ length: from - to + 1 }, (_, i) => `${from - i}`);

// Nothing twice and nothing missing, newest first, in everything that was ever shown.
function checkShown(pages) {
    for (const { results } of pages.seen) {
        const times = results.map(({ _creationTime }) => _creationTime);
        for (let i = 1; i < times.length; i++)
            assert.ok(times[i] < times[i - 1], 'newest first, none twice');
    }
}

// Items 12 to 1 in pages of 3: 12 11 10 | 9 8 7 | 6 5 4 | 3 2 1.
async function fourPages(t) {
    const ids = await seed(t, 12);
    const client = t.reactClient();
    const pages = showPages(t, client, 'items:page', {}, 3);
    for (let page = 1; page <= 4; page++) {
        await pages.shows(({ results, status }) => results.length === 3 * page && status !== 'LoadingMore');
        if (page < 4)
            pages.now.loadMore(3);
    }
    assert.deepEqual(pages.texts(), down(12, 1));
    return { ids, client, pages, id: (number) => ids[number - 1] };
}

async function shows(pages, texts) {
    await pages.shows(() => JSON.stringify(pages.texts()) === JSON.stringify(texts), `${texts.join()}`).catch((error) => {
        throw new Error(`${error.message}, but ${pages.now.status} ${pages.texts().join()}`);
    });
    checkShown(pages);
}

scenario('pages follow one another without gap or double',
    'A page begins behind the last item of the one before it.',
    async (t) => {
        const { pages } = await fourPages(t);
        pages.now.loadMore(3);
        await pages.shows(({ status }) => status === 'Exhausted');
        await shows(pages, down(12, 1));
    });

for (const number of [12, 10, 9, 7, 6, 1])
    scenario(`removing item ${number} of twelve closes the gap in place`,
        'Pages are pinned by where they ended: a removal makes one shorter and moves no border.',
        async (t) => {
            const { pages, id } = await fourPages(t);
            await t.http().mutation('items:remove', { id: id(number) });
            await shows(pages, down(12, 1).filter((text) => text !== `${number}`));
        }, { on: number === 10 ? EVERY : ['1.44'] });

scenario('removing a whole page leaves the pages around it together',
    'An empty page in the middle stays a page: nothing moves into it and nothing behind it is lost.',
    async (t) => {
        const { pages, id } = await fourPages(t);
        await Promise.all([9, 8, 7].map((number) => t.http().mutation('items:remove', { id: id(number) })));
        await shows(pages, [...down(12, 10), ...down(6, 1)]);
    });

scenario('the first page grows in front',
    'New items come into the first page, which has no beginning, and push nothing out.',
    async (t) => {
        const { pages } = await fourPages(t);
        await seed(t, 4, 13);
        await shows(pages, down(16, 1));
    });

scenario('items come and go at the borders at the same time',
    'Concurrent inserts and removals at page borders leave no gap and no double.',
    async (t) => {
        const { pages, id } = await fourPages(t);
        const [one, two] = [t.http(), t.http()];
        await Promise.all([
            (async () => {
                for (const number of [10, 9, 7, 6])
                    await one.mutation('items:remove', { id: id(number) });
            })(),
            (async () => {
                for (let i = 13; i < 19; i++)
                    await two.mutation('items:add', { text: `${i}` });
            })(),
        ]);
        await shows(pages, [...down(18, 11), '8', ...down(5, 1)]);
    });

scenario('a page loaded while items are removed around its border',
    'The cursor of an item that is gone is still a place: the next page begins behind it.',
    async (t) => {
        const ids = await seed(t, 9);
        const pages = showPages(t, t.reactClient(), 'items:page', {}, 3);
        await pages.shows(({ status }) => status === 'CanLoadMore');
        await t.http().mutation('items:remove', { id: ids[6] }); // 7, where the first page ended
        await pages.shows(({ results }) => results.length === 2);
        pages.now.loadMore(3);
        await shows(pages, ['9', '8', '6', '5', '4']);
    });

scenario('a list that is emptied and filled again',
    'Pages whose items are all gone show what is added afterwards, in front.',
    async (t) => {
        const { ids, pages } = await fourPages(t);
        const http = t.http();
        for (const id of ids)
            await http.mutation('items:remove', { id });
        await shows(pages, []);
        await seed(t, 5, 13);
        await shows(pages, down(17, 13));
    });

scenario('an empty list has one page that is done',
    'The last page is done, has a cursor all the same, and grows.',
    async (t) => {
        const pages = showPages(t, t.reactClient(), 'items:page', {}, 3);
        await pages.shows(({ status }) => status === 'Exhausted');
        await seed(t, 2);
        await shows(pages, ['2', '1']);
    });

// ---- reconnects ----

scenario('pages stay as they are over a reconnect',
    'The journal told in Add keeps each page\'s end: pages do not jump when the connection does.',
    async (t) => {
        const { pages, id } = await fourPages(t);
        t.proxy.last.cut();
        await t.until(() => t.proxy.links.length === 2, 'the reconnect');
        await t.http().mutation('items:remove', { id: id(10) });
        await shows(pages, down(12, 1).filter((text) => text !== '10'));
        const adds = t.proxy.messages('client', 'ModifyQuerySet').filter(({ modifications }) => modifications.length === 4)
            .flatMap(({ modifications }) => modifications);
        assert.equal(adds.filter(({ journal }) => typeof journal === 'string').length, 4, 'the client told four journals');
    });

scenario('what changed at the borders while away is shown in its place',
    'A page that is asked again with its journal reads from its cursor to its old end, however many items are there now.',
    async (t) => {
        const { pages, id } = await fourPages(t);
        t.proxy.isRefusing = true;
        t.proxy.last.cut();
        const http = t.http();
        for (const number of [10, 9, 6])
            await http.mutation('items:remove', { id: id(number) });
        await seed(t, 3, 13);
        t.proxy.isRefusing = false;
        await shows(pages, down(15, 1).filter((text) => !['10', '9', '6'].includes(text)));
        const lengths = new Map(t.proxy.log.filter(({ link, from, message }) => link === t.proxy.last.number && from === 'server' && message.type === 'Transition')
            .flatMap(({ message }) => message.modifications).map(({ queryId, value }) => [queryId, value.page.length]));
        assert.deepEqual([...lengths.values()].sort(), [2, 2, 3, 5], 'each page from its cursor to its end');
    });

scenario('pages survive a crash of the server',
    'Cursors and journals mean the same to a restarted server.',
    async (t) => {
        const { pages, id } = await fourPages(t);
        t.proxy.isRefusing = true;
        await t.crash();
        await t.http().mutation('items:remove', { id: id(7) });
        t.proxy.isRefusing = false;
        await shows(pages, down(12, 1).filter((text) => text !== '7'));
        pages.now.loadMore(3);
        await pages.shows(({ status }) => status === 'Exhausted');
        await seed(t, 1, 13);
        await shows(pages, down(13, 1).filter((text) => text !== '7'));
    });

scenario('cut while the next page is under way',
    'A page whose first result is lost in a cut is loaded on the next connection, in its place.',
    async (t) => {
        await seed(t, 9);
        const pages = showPages(t, t.reactClient(), 'items:page', {}, 3);
        for (let page = 1; page < 3; page++) {
            await pages.shows(({ status, results }) => status === 'CanLoadMore' && results.length === 3 * page);
            t.proxy.on('server', ({ type, modifications }) => type === 'Transition' && modifications.length > 0, page === 1 ? 'cut' : 'half-cut');
            pages.now.loadMore(3);
        }
        await shows(pages, down(9, 1));
        assert.equal(t.proxy.links.length, 3);
    });

// ---- by hand: what the hook does not do itself ----

const page = (cursor, numItems, more = {}) => ({ paginationOpts: { numItems, cursor, id: 1, ...more } });
const textsOf = (result) => result.page.map(({ text }) => text);

scenario('endCursor fixes an end, whatever numItems says',
    'A page with endCursor reads exactly up to it: that is how the client splits a page in two.',
    async (t) => {
        const ids = await seed(t, 9);
        const client = t.client();
        const first = await client.query('items:page', page(null, 3));
        const second = await client.query('items:page', page(first.continueCursor, 3));
        const both = t.watch(client, 'items:page', page(null, 1, { endCursor: second.continueCursor }));
        const upper = t.watch(client, 'items:page', page(null, 100, { endCursor: first.continueCursor }));
        const lower = t.watch(client, 'items:page', page(first.continueCursor, 1, { endCursor: second.continueCursor }));
        await both.shows((value) => value.page.length === 6);
        await upper.shows((value) => value.page.length === 3);
        await lower.shows((value) => value.page.length === 3);
        await client.mutation('items:remove', { id: ids[6] });
        await client.mutation('items:remove', { id: ids[5] });
        await client.mutation('items:add', { text: '10' });
        assert.deepEqual(textsOf(both.last()), ['10', '9', '8', '5', '4']);
        assert.deepEqual([...textsOf(upper.last()), ...textsOf(lower.last())], textsOf(both.last()));
    });

// Pages that the client asks for with both ends fixed.
const halves = (t) => t.proxy.messages('client', 'ModifyQuerySet').flatMap(({ modifications }) => modifications)
    .filter(({ type, args }) => type === 'Add' && typeof args[0].paginationOpts?.endCursor === 'string');

scenario('a page that grew beyond twice its size is split without a gap',
    'A page that has grown says where it can be cut: the two halves are exactly the whole, and each may be cut again.',
    async (t) => {
        await seed(t, 3);
        const pages = showPages(t, t.reactClient(), 'items:page', {}, 2);
        await pages.shows(({ status }) => status === 'CanLoadMore');
        for (let from = 4; from < 24; from += 4) {
            await seed(t, 4, from);
            await shows(pages, down(from + 3, 2));
        }
        await t.until(() => halves(t).length >= 4, 'pages to be split, more than once');
        pages.now.loadMore(5);
        await shows(pages, down(23, 1));
        await seed(t, 1, 24);
        await shows(pages, down(24, 1));
    });

scenario('the halves of a split page live on, and over a reconnect',
    'Pages with a fixed end take what comes between their ends and what goes, on any connection.',
    async (t) => {
        const ids = await seed(t, 3);
        const pages = showPages(t, t.reactClient(), 'items:page', {}, 2);
        await pages.shows(({ status }) => status === 'CanLoadMore');
        ids.push(...await seed(t, 7, 4));
        await shows(pages, down(10, 2));
        await t.until(() => halves(t).length >= 2, 'the split');
        const http = t.http();
        for (const number of [5, 6, 7])
            await http.mutation('items:remove', { id: ids[number - 1] });
        await shows(pages, ['10', '9', '8', '4', '3', '2']);
        t.proxy.last.cut();
        await http.mutation('items:remove', { id: ids[3] });
        await seed(t, 2, 11);
        await shows(pages, ['12', '11', '10', '9', '8', '3', '2']);
    });

scenario('a cursor of another query or of nothing is refused by the name the hook knows',
    'A foreign or broken cursor fails with InvalidCursor, so that usePaginatedQuery starts over.',
    async (t) => {
        await seed(t, 2);
        const client = t.client();
        for (const cursor of ['rubbish', '', 'AAAA', '{}'])
            assert.match(`${(await t.refused(client.query('items:page', page(cursor, 3)))).message}`, /InvalidCursor/, `"${cursor}"`);
        assert.equal((await client.query('items:page', page(null, 3))).page.length, 2);
    });

scenario('pages of no size or a foolish one are refused, and all six options pass',
    'numItems is at least one; the options that clients send are all accepted.',
    async (t) => {
        await seed(t, 3);
        const client = t.client();
        await t.refused(client.query('items:page', page(null, 0)));
        await t.refused(client.query('items:page', page(null, -1)));
        const full = await client.query('items:page', { paginationOpts: { numItems: 2, cursor: null, endCursor: null, id: 7, maximumRowsRead: 100, maximumBytesRead: 100_000 } });
        assert.equal(full.page.length, 2);
        assert.equal(full.isDone, false);
        const rest = await client.query('items:page', page(full.continueCursor, 2));
        assert.equal(rest.isDone, true);
        assert.equal(typeof rest.continueCursor, 'string');
    });

scenario('a page of exactly as many items as there are is followed by an empty last one, or is the last',
    'isDone is true only at the end of the range, and items added there afterwards are shown by somebody.',
    async (t) => {
        await seed(t, 4);
        const client = t.client();
        const first = await client.query('items:page', page(null, 4));
        assert.equal(first.page.length, 4);
        if (!first.isDone) {
            const last = await client.query('items:page', page(first.continueCursor, 4));
            assert.deepEqual(last.page, []);
            assert.equal(last.isDone, true);
        }
    });

scenario('a rubbish journal counts as none',
    'A journal that does not decode is ignored: the page is read as if asked for the first time.',
    async (t) => {
        await seed(t, 5);
        const client = t.client();
        const { queryToken } = client.base.subscribe('items:page', page(null, 3), { journal: 'rubbish' });
        const result = await t.until(() => client.base.localQueryResultByToken(queryToken), 'the page');
        assert.deepEqual(textsOf(result), ['5', '4', '3']);
    });

scenario('a journal pins a page that is asked for again by another connection',
    'A journal given with a new subscription ends the page where it ended before, not after numItems.',
    async (t) => {
        await seed(t, 5);
        const client = t.client();
        const first = client.base.subscribe('items:page', page(null, 3));
        await t.until(() => client.base.localQueryResultByToken(first.queryToken), 'the page');
        const journal = client.base.queryJournal('items:page', page(null, 3));
        assert.equal(typeof journal, 'string');
        await seed(t, 4, 6);
        const other = t.client();
        const { queryToken } = other.base.subscribe('items:page', page(null, 3), { journal });
        const result = await t.until(() => other.base.localQueryResultByToken(queryToken), 'the page');
        assert.deepEqual(textsOf(result), down(9, 3));
        const fresh = await t.client().query('items:page', page(null, 3));
        assert.deepEqual(textsOf(fresh), down(9, 7), 'one without is not pinned by it');
    });

scenario('two readers of the same page with different ends do not disturb one another',
    'Pages that differ only in their journal are different queries, though their arguments are equal.',
    async (t) => {
        await seed(t, 4);
        const one = t.watch(t.client(), 'items:page', page(null, 2));
        await one.shows((value) => value.page.length === 2);
        await seed(t, 3, 5);
        await one.shows((value) => value.page.length === 5);
        const two = t.watch(t.client(), 'items:page', page(null, 2));
        await two.shows((value) => value.page.length === 2);
        await seed(t, 1, 8);
        await one.shows((value) => JSON.stringify(textsOf(value)) === JSON.stringify(down(8, 3)));
        await two.shows((value) => JSON.stringify(textsOf(value)) === JSON.stringify(down(8, 6)));
    });

scenario('signing in while pages are shown moves no border',
    'Asked again as another caller a page keeps its end, like after a commit or a reconnect.',
    async (t) => {
        const { client, pages } = await fourPages(t);
        await seed(t, 2, 13);
        await shows(pages, down(14, 1));
        const me = t.watch({ onUpdate: (name, args, value) => {
            const query = client.watchQuery(name, args);
            query.onUpdate(() => value(query.localQueryResult()));
        } }, 'users:me');
        await me.shows((value) => value.subject === null);
        client.setAuth(async () => t.token());
        await me.shows((value) => value.subject === t.subject);
        await seed(t, 1, 15);
        await shows(pages, down(15, 1));
    });

scenario('pages of the caller keep their ends when the caller changes',
    'A page whose query reads the caller is run again as the other one, up to its old end.',
    async (t) => {
        const client = t.client();
        const opts = { paginationOpts: { numItems: 2, cursor: null, id: 1 } };
        const auth = async () => t.token();
        client.setAuth(auth);
        const history = t.watch(client, 'credits:getCreditHistory', opts);
        const first = await history.shows((value) => value.page !== undefined);
        const before = first.continueCursor;
        client.setAuth(async () => t.token(t.subject, { claims: { nickname: 'the same, with another claim' } }));
        await t.until(() => t.proxy.messages('server', 'Transition').at(-1).endVersion.identity >= 3, 'the other claims');
        assert.equal(history.last().continueCursor, before);
        const journals = t.proxy.messages('server', 'Transition').flatMap(({ modifications }) => modifications)
            .filter(({ queryId }) => queryId === 0).map(({ journal }) => journal);
        assert.equal(new Set(journals).size, 1);
    });

scenario('the experimental pages of the plain client are gapless too',
    'onPaginatedUpdate follows the same cursors and ends.',
    async (t) => {
        const ids = await seed(t, 7);
        const client = t.client();
        const seen = [];
        client.onPaginatedUpdate_experimental('items:page', {}, { initialNumItems: 3 }, (value) => seen.push(value));
        await t.until(() => seen.at(-1)?.status === 'CanLoadMore', 'the first page');
        seen.at(-1).loadMore(3);
        await t.until(() => seen.at(-1)?.results.length === 6, 'the second page');
        await client.mutation('items:remove', { id: ids[4] });
        await client.mutation('items:add', { text: '8' });
        await t.until(() => seen.at(-1).results.map(({ text }) => text).join() === '8,7,6,4,3,2', 'the change');
    }, { on: ['1.31', '1.44'] });

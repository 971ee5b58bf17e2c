/* SPDX-License-Identifier: Apache-2.0 */
#include "brittle.h"

#include "base/buffer.h"

#include <string.h>

struct kept {
    struct engine engine;
    struct engine *inside;
    uint64_t operations, fails_at;
    bool has_failed;
};

/* Snapshots and cursors are those of the engine inside and do not know of us. */
static struct kept *last_made;

static struct kept *kept_of(const struct engine *engine)
{
    return (struct kept *)(uintptr_t)engine;
}

static bool may(struct kept *kept, struct fault *fault)
{
    kept->operations++;
    if (kept->fails_at == 0 || kept->operations != kept->fails_at)
        return true;
    kept->has_failed = true;
    return fault_set(fault, FAULT_TRANSIENT, "the test made operation %llu fail",
                     (unsigned long long)kept->fails_at);
}

static void leave_open(struct engine *engine)
{
}

static bool make_spaces(struct engine *engine, const struct space *list, size_t count,
                        struct fault *fault)
{
    struct engine *inside = kept_of(engine)->inside;
    return inside->methods->make_spaces(inside, list, count, fault);
}

static bool drop_space(struct engine *engine, const char *name, struct fault *fault)
{
    struct engine *inside = kept_of(engine)->inside;
    return inside->methods->drop_space(inside, name, fault);
}

static bool make_view(struct engine *engine, const struct space_view *view, struct fault *fault)
{
    struct engine *inside = kept_of(engine)->inside;
    return inside->methods->make_view(inside, view, fault);
}

static bool begin_read(struct engine *engine, struct snapshot **out, struct fault *fault)
{
    struct engine *inside = kept_of(engine)->inside;
    return may(kept_of(engine), fault) && inside->methods->begin_read(inside, out, fault);
}

static bool begin_write(struct engine *engine, struct snapshot **out, struct fault *fault)
{
    struct engine *inside = kept_of(engine)->inside;
    return may(kept_of(engine), fault) && inside->methods->begin_write(inside, out, fault);
}

static void end(struct snapshot *snapshot)
{
    last_made->inside->methods->end(snapshot);
}

static bool get(struct snapshot *snapshot, uint16_t space, bytes key, struct arena *arena,
                str *body, struct fault *fault)
{
    return may(last_made, fault) &&
           last_made->inside->methods->get(snapshot, space, key, arena, body, fault);
}

static bool scan(struct snapshot *snapshot, uint16_t space, bytes from, bytes to, enum order order,
                 struct cursor **out, struct fault *fault)
{
    return may(last_made, fault) &&
           last_made->inside->methods->scan(snapshot, space, from, to, order, out, fault);
}

static bool next(struct cursor *cursor, struct entry *out, struct fault *fault)
{
    return may(last_made, fault) && last_made->inside->methods->next(cursor, out, fault);
}

static void close_scan(struct cursor *cursor)
{
    last_made->inside->methods->close_scan(cursor);
}

static bool apply(struct snapshot *snapshot, const struct tree_item *const *writes, size_t count,
                  struct fault *fault)
{
    if (may(last_made, fault))
        return last_made->inside->methods->apply(snapshot, writes, count, fault);
    last_made->inside->methods->end(snapshot); /* apply ends it whether it works or not */
    return false;
}

static bool backup(struct engine *engine, const char *to, struct fault *fault)
{
    struct engine *inside = kept_of(engine)->inside;
    return inside->methods->backup(inside, to, fault);
}

static void idle(struct engine *engine)
{
    struct engine *inside = kept_of(engine)->inside;
    inside->methods->idle(inside);
}

static const struct engine_methods methods = {
    .close = leave_open,
    .make_spaces = make_spaces,
    .drop_space = drop_space,
    .make_view = make_view,
    .begin_read = begin_read,
    .begin_write = begin_write,
    .end = end,
    .get = get,
    .scan = scan,
    .next = next,
    .close_scan = close_scan,
    .apply = apply,
    .backup = backup,
    .idle = idle,
};

struct engine *engine_kept(struct engine *inside)
{
    struct kept *kept = memory_zeroed(sizeof(*kept));
    kept->engine.methods = &methods;
    kept->inside = inside;
    last_made = kept;
    return &kept->engine;
}

void engine_kept_close(struct engine *engine)
{
    struct kept *kept = kept_of(engine);
    kept->inside->methods->close(kept->inside);
    if (last_made == kept)
        last_made = NULL;
    free(kept);
}

void engine_kept_fail(struct engine *engine, uint64_t nth)
{
    struct kept *kept = kept_of(engine);
    kept->operations = 0;
    kept->fails_at = nth;
    kept->has_failed = false;
}

bool engine_kept_has_failed(const struct engine *engine)
{
    return kept_of(engine)->has_failed;
}

/* ---- dumping ---- */

#define SPACES 65536

static void dump_space(struct engine *engine, struct snapshot *snapshot, uint16_t space,
                       struct buffer *text)
{
    static const uint8_t beyond[STORE_KEY_MAX] = {[0 ... STORE_KEY_MAX - 1] = 0xff};
    struct cursor *cursor;
    struct entry entry;
    struct fault fault = {0};
    const struct engine_methods *of = engine->methods;
    if (!of->scan(snapshot, space, (bytes){beyond, 0}, (bytes){beyond, sizeof(beyond)}, ORDER_UP,
                  &cursor, &fault))
        return;
    while (of->next(cursor, &entry, &fault) && entry.key.at != NULL) {
        buffer_format(text, "%04x ", space);
        for (size_t i = 0; i < entry.key.len; i++)
            buffer_format(text, "%02x", entry.key.at[i]);
        buffer_char(text, ' ');
        buffer_str(text, entry.body);
        buffer_char(text, '\n');
    }
    of->close_scan(cursor);
}

str engine_dump(struct engine *engine, struct arena *arena)
{
    AUTO(buffer_done) struct buffer text = {0};
    struct snapshot *snapshot;
    struct fault fault = {0};
    if (!engine->methods->begin_read(engine, &snapshot, &fault))
        abort();
    for (uint32_t space = 0; space < SPACES; space++)
        if (space < 16 || (space & 0xff) < 16)
            dump_space(engine, snapshot, (uint16_t)space, &text);
    engine->methods->end(snapshot);
    return str_copy(arena, buffer_text(&text));
}

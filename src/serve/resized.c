/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/resized.h"

#include "serve/files.h"
#include "serve/route.h"
#include "studio/resizing.h"

/* Short beside what making one takes. */
#define LOOK_EVERY MILLISECONDS(20)

/* AVIF is the smallest, but writing a large one takes seconds. */
#define AVIF_WIDTH_MAX 960

/* In the arena of its exchange. */
struct waiting {
    struct waiting *next;
    struct front *front;
    struct exchange *exchange;
    struct link link;
    struct resize resize;
    instant until;
    bool is_out; /* the writer is being asked, for this one or another of the same picture */
};

struct resized {
    struct front *front;
    struct waiting *first;
    size_t count;
    struct loop_timer timer;
};

/* ---- what is wanted ---- */

static enum link_format format_of(const struct http_request *request, const struct link *link)
{
    str accept = http_header(request, "Accept");
    if (link->format != FORMAT_AUTO)
        return link->format;
    if (str_contains_nocase(accept, STR("image/avif")) && link->width <= AVIF_WIDTH_MAX)
        return FORMAT_AVIF;
    return str_contains_nocase(accept, STR("image/webp")) ? FORMAT_WEBP : FORMAT_JPEG;
}

/* ---- answers ---- */

static void deliver(struct waiting *waiting, const struct file *file)
{
    const struct delivery delivery = {
        .file = *file,
        .expires_at = waiting->link.expires_at,
        .is_download = waiting->link.is_download,
        .is_negotiated = waiting->link.width != 0 && waiting->link.format == FORMAT_AUTO,
    };
    files_deliver(waiting->front, waiting->exchange, exchange_request(waiting->exchange),
                  &delivery);
}

static void answer_late(struct exchange *exchange)
{
    answer_error(exchange, 503, "NotReady",
                 STR("This picture is being made. Ask again in a moment."), NULL);
}

static void answer_failed(struct exchange *exchange, str why)
{
    answer_error(exchange, 422, "NotResizable",
                 why.len == 0 ? STR("This picture cannot be made smaller.") : why, NULL);
}

/* ---- looking ---- */

/* Answers it if that can be said by now. */
static enum resize_state look(struct waiting *waiting)
{
    struct front *front = waiting->front;
    struct arena *arena = exchange_arena(waiting->exchange);
    struct asset asset;
    struct file file;
    struct view view;
    str why = {0};
    if (!front_view(front, arena, &view))
        return RESIZE_UNDER_WAY;
    struct call call = files_call(front, arena, &view);
    enum resize_state state = RESIZE_FAILED;
    if (row_find(&call, &asset_type, waiting->link.asset.id, &asset))
        state = resize_find(&call, &asset, &waiting->resize, &file, &why);
    /* What cannot be written into is delivered as it is. */
    if (state == RESIZE_FAILED && waiting->resize.width == 0 &&
        file_find(&call, waiting->link.asset.storage_id, &file))
        state = RESIZE_READY;
    why = str_copy(arena, why);
    view_end(&view);
    if (state == RESIZE_READY)
        deliver(waiting, &file);
    else if (state == RESIZE_FAILED)
        answer_failed(waiting->exchange, why);
    return state;
}

/* False: it goes on waiting. */
static bool is_over(struct waiting *waiting, instant now)
{
    if (waiting->is_out)
        return false;
    if (exchange_is_gone(waiting->exchange) || !instant_is_before(now, waiting->until)) {
        answer_late(waiting->exchange);
        return true;
    }
    enum resize_state state = look(waiting);
    if (state == RESIZE_NONE) /* it was made, and is gone with others already */
        answer_late(waiting->exchange);
    return state != RESIZE_UNDER_WAY;
}

static void on_time(void *context, instant now)
{
    struct resized *resized = context;
    for (struct waiting **at = &resized->first; *at != NULL;) {
        struct waiting *waiting = *at, *next = waiting->next;
        if (is_over(waiting, now)) { /* the waiting is gone with its exchange */
            *at = next;
            resized->count--;
        } else {
            at = &waiting->next;
        }
    }
    if (resized->first != NULL)
        loop_timer_set(resized->front->loop, &resized->timer, instant_add(now, LOOK_EVERY));
}

/* ---- asking ---- */

static bool wants_same(const struct waiting *a, const struct waiting *b)
{
    return doc_id_equal(a->link.asset.id, b->link.asset.id) && a->resize.width == b->resize.width &&
           a->resize.fit == b->resize.fit && a->resize.format == b->resize.format;
}

/* Whoever waits for the same picture has it asked for already; NULL: nobody. */
static const struct waiting *find_same(const struct resized *resized, const struct waiting *waiting)
{
    const struct waiting *at = resized->first;
    while (at != NULL && !wants_same(at, waiting))
        at = at->next;
    return at;
}

static void on_asked(void *owner, struct mutation *mutation)
{
    const struct waiting *asked = owner;
    for (struct waiting *at = asked->front->resized->first; at != NULL; at = at->next) {
        if (!at->is_out || !wants_same(at, asked))
            continue;
        at->is_out = false;
        if (mutation->reply.error != ERROR_NONE)
            at->until = (instant){0};
    }
    mutation_free(mutation);
}

static bool ask(struct waiting *waiting)
{
    char id[DOC_ID_TEXT];
    struct mutation *mutation = mutation_new();
    doc_id_write(&asset_type, waiting->link.asset.id, id);
    mutation->request = (struct call_request){
        .path = STR("assets:resize"),
        .args = str_format(&mutation->arena,
                           "{\"assetId\":\"%.*s\",\"width\":%lld,\"fit\":\"%s\",\"format\":\"%s\"}",
                           DOC_ID_TEXT, id, (long long)waiting->resize.width,
                           link_fit_names[waiting->resize.fit],
                           link_format_names[waiting->resize.format]),
        .is_internal = true,
    };
    mutation->done = on_asked;
    mutation->owner = waiting;
    waiting->is_out = front_mutate(waiting->front, mutation);
    if (!waiting->is_out)
        mutation_free(mutation);
    return waiting->is_out;
}

/* False: the writer takes nothing just now. */
static bool wait_for(struct resized *resized, struct waiting *waiting)
{
    const struct waiting *same = find_same(resized, waiting);
    if (same == NULL)
        return ask(waiting);
    waiting->is_out = same->is_out;
    return true;
}

void resized_get(struct front *front, struct exchange *exchange, const struct http_request *request,
                 const struct link *link)
{
    struct resized *resized = front->resized;
    struct waiting *waiting = arena_new(exchange_arena(exchange), struct waiting);
    enum link_format format = format_of(request, link);
    instant now = loop_now(front->loop);
    *waiting = (struct waiting){
        .next = resized->first,
        .front = front,
        .exchange = exchange,
        .link = *link,
        .resize = resize_of(&link->asset, link->width, link->fit, format),
        .until = instant_add(now, RESIZED_WAIT),
    };
    enum resize_state state = look(waiting);
    if (state == RESIZE_READY || state == RESIZE_FAILED)
        return;
    if (resized->count >= RESIZED_WAITING_MAX || !wait_for(resized, waiting)) {
        answer_overload(exchange);
        return;
    }
    resized->first = waiting;
    resized->count++;
    if (!loop_timer_is_set(&resized->timer))
        loop_timer_set(front->loop, &resized->timer, instant_add(now, LOOK_EVERY));
}

/* ---- opening ---- */

struct resized *resized_new(struct front *front)
{
    struct resized *resized = memory_zeroed(sizeof(*resized));
    resized->front = front;
    resized->timer = (struct loop_timer){.fire = on_time, .context = resized};
    return resized;
}

void resized_free(struct resized *resized)
{
    if (resized == NULL)
        return;
    while (resized->first != NULL) {
        struct waiting *waiting = resized->first;
        resized->first = waiting->next;
        answer_late(waiting->exchange);
    }
    loop_timer_clear(resized->front->loop, &resized->timer);
    free(resized);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pretend.h"
#include "media/media.h"

#include "base/buffer.h"

#include <stdio.h>
#include <string.h>

#define KINDS WORK_KINDS
#define ID_LEN 32
#define ANSWER_MAX 4000

struct under_way {
    struct under_way *next;
    uint64_t run;
    const struct work *work; /* in the run's arena until it is finished */
    struct pretend_manner manner;
    instant due; /* 0: not by itself */
    bool is_canceled;
};

struct stored {
    char id[ID_LEN + 1];
    enum media_kind media;
    bool is_there, is_marked;
};

#define DIFFERENT_MAX 500

/* What there was, each once. */
struct different {
    struct hash128 items[DIFFERENT_MAX];
    size_t count;
};

struct pretend {
    struct runner *runner;
    struct pretend_manner manners[KINDS];
    span takes;
    int64_t file_size;
    int status; /* of HTTP answers; 0: good ones */
    char body[ANSWER_MAX];
    int64_t sends; /* 0: what is asked for */
    bool sends_addresses;
    int64_t polls, polls_left; /* of a provider's job before it is done; of the newest one */
    int64_t jobs;
    instant now;
    struct under_way *first;
    struct stored *blobs;
    size_t blob_count, blob_room;
    size_t started[KINDS], canceled;
    struct different keys, seeds;
    struct pretend_seen last;
};

struct pretend *pretend_new(void)
{
    struct pretend *pretend = memory_zeroed(sizeof(*pretend));
    pretend->takes = SECONDS(1);
    pretend->file_size = 1000;
    return pretend;
}

void pretend_forget(struct pretend *pretend)
{
    while (pretend->first != NULL) {
        struct under_way *gone = pretend->first;
        pretend->first = gone->next;
        free(gone);
    }
}

void pretend_free(struct pretend *pretend)
{
    if (pretend == NULL)
        return;
    pretend_forget(pretend);
    free(pretend->blobs);
    free(pretend);
}

void pretend_attach(struct pretend *pretend, struct runner *runner)
{
    pretend->runner = runner;
}

/* ---- as told ---- */

void pretend_behave(struct pretend *pretend, enum work_kind kind, struct pretend_manner manner)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kind == WORK_NONE || kind == (enum work_kind)i)
            pretend->manners[i] = manner;
}

void pretend_weigh(struct pretend *pretend, int64_t size)
{
    pretend->file_size = size;
}

void pretend_take(struct pretend *pretend, span takes)
{
    pretend->takes = takes;
}

void pretend_answer(struct pretend *pretend, int status, str body)
{
    pretend->status = status;
    snprintf(pretend->body, sizeof(pretend->body), "%.*s", STR_ARG(body));
}

void pretend_take_polls(struct pretend *pretend, int64_t polls)
{
    pretend->polls = polls;
}

void pretend_send(struct pretend *pretend, int64_t pictures, bool as_addresses)
{
    pretend->status = 0;
    pretend->sends = pictures;
    pretend->sends_addresses = as_addresses;
}

void pretend_answer_late(struct pretend *pretend)
{
    for (struct under_way *at = pretend->first; at != NULL; at = at->next) {
        at->manner.way = PRETEND_WELL;
        at->is_canceled = false;
        at->due = pretend->now.us == 0 ? (instant){1} : pretend->now;
    }
}

void pretend_tell_progress(struct pretend *pretend, double part)
{
    for (struct under_way *at = pretend->first; at != NULL; at = at->next)
        runner_progress(pretend->runner, at->run, part);
}

/* ---- blobs ---- */

static struct stored *blob_find(const struct pretend *pretend, str id)
{
    for (size_t i = 0; i < pretend->blob_count; i++)
        if (str_equal(str_of(pretend->blobs[i].id), id))
            return &pretend->blobs[i];
    return NULL;
}

static struct stored_file store(struct pretend *pretend, struct arena *arena, enum media_kind media)
{
    if (pretend->blob_count == pretend->blob_room) {
        pretend->blob_room = MAX_OF(pretend->blob_room * 2, (size_t)16);
        pretend->blobs =
            memory_resize(pretend->blobs, pretend->blob_room * sizeof(*pretend->blobs));
    }
    size_t number = ++pretend->blob_count;
    struct stored *blob = &pretend->blobs[number - 1];
    *blob = (struct stored){.media = media, .is_there = true};
    snprintf(blob->id, sizeof(blob->id), "%032zx", number);
    return (struct stored_file){
        .storage_id = str_copy(arena, str_of(blob->id)),
        .content_type = STR("application/octet-stream"),
        .size = pretend->file_size,
        .sha256 = str_format(arena, "%064zx", number),
    };
}

struct stored_file pretend_receive(struct pretend *pretend, struct arena *arena,
                                   enum media_kind media, bool is_marked)
{
    struct stored_file file = store(pretend, arena, media);
    pretend->blobs[pretend->blob_count - 1].is_marked = is_marked;
    file.content_type = media == MEDIA_VIDEO ? STR("video/mp4") : STR("image/png");
    return file;
}

/* ---- results ---- */

struct sink {
    struct pretend *pretend;
    struct arena *arena;
};

static bool sink_store(void *context, bytes content, struct stored_file *out, struct fault *fault)
{
    struct sink *sink = context;
    *out = store(sink->pretend, sink->arena, MEDIA_IMAGE);
    return true;
}

/* A provider that takes its time answers with a job, and then with how far that is. */
static bool is_pending(struct pretend *pretend, const struct work *work, struct work_result *result)
{
    if (work->kind == WORK_SUBMIT) {
        pretend->polls_left = pretend->polls;
        pretend->jobs += pretend->polls > 0;
    } else {
        pretend->polls_left--;
    }
    if (pretend->polls_left <= 0)
        return false;
    result->is_pending = true;
    if (work->kind == WORK_SUBMIT)
        result->job = str_format(&result->arena, "job-%lld", (long long)pretend->jobs);
    result->progress =
        (struct maybe_number){1 - (double)pretend->polls_left / (double)pretend->polls, true};
    return true;
}

static void answer_wish(struct pretend *pretend, const struct work *work,
                        struct work_result *result)
{
    struct sink sink = {pretend, &result->arena};
    struct work_sink into = {&sink, sink_store};
    AUTO(buffer_done) struct buffer body = {0};
    if (is_pending(pretend, work, result))
        return;
    struct provider_answer said;
    int64_t asked = work->kind == WORK_SUBMIT ? work->wish.count : 1;
    int64_t count = pretend->sends == 0 ? asked : pretend->sends;
    buffer_str(&body, STR("{\"created\":1,\"data\":["));
    for (int64_t i = 0; i < count; i++) {
        if (pretend->sends_addresses)
            buffer_format(&body, "%s{\"url\":\"https://images.example/%lld.png\"}",
                          i == 0 ? "" : ",", (long long)i);
        else
            buffer_format(&body, "%s{\"b64_json\":\"cGljdHVyZQ==\"}", i == 0 ? "" : ",");
    }
    buffer_str(&body, STR("]}"));
    str text = pretend->status == 0 ? buffer_text(&body) : str_of(pretend->body);
    text = str_copy(&result->arena, text);
    work->provider->submitted(&result->arena, pretend->status == 0 ? 200 : pretend->status, text,
                              &said);
    work_take_answer(result, &said, &into);
}

/* It flags words that speak of harm. */
static void answer_check(struct pretend *pretend, const struct work *work,
                         struct work_result *result)
{
    struct sink sink = {pretend, &result->arena};
    struct work_sink into = {&sink, sink_store};
    struct provider_answer said;
    bool is_flagged = str_contains(work->wish.prompt, STR("harm"));
    work->provider->submitted(&result->arena, 200,
                              is_flagged ? STR("{\"results\":[{\"flagged\":true,\"categories\":"
                                               "{\"hate\":false,\"violence\":true}}]}")
                                         : STR("{\"results\":[{\"flagged\":false}]}"),
                              &said);
    work_take_answer(result, &said, &into);
}

/* What a marked picture says of its making. */
static const struct embedded mark = {
    .tool = PARAMETERS_AUTOMATIC1111,
    .prompt = STR("a fox in the snow"),
    .negative_prompt = STR("blurry"),
    .model = STR("dream-8"),
    .seed = {41, true},
    .steps = {28, true},
    .guidance = {6.5, true},
    .raw = STR("a fox in the snow\nSteps: 28"),
};

static void answer_derive(struct pretend *pretend, const struct under_way *work,
                          struct work_result *result)
{
    const struct stored *blob = blob_find(pretend, work->work->blob);
    if (blob == NULL || !blob->is_there) {
        work_fail(result, WORK_BROKEN, "The picture was lost before it could be kept.");
        return;
    }
    bool is_film = (blob->media == MEDIA_VIDEO) != (work->manner.way == PRETEND_LIES);
    bool is_marked = blob->is_marked; /* storing moves the blobs */
    result->thumbnail = store(pretend, &result->arena, MEDIA_IMAGE);
    result->display = store(pretend, &result->arena, MEDIA_IMAGE);
    result->thumbnail.content_type = STR("image/jpeg");
    result->display.content_type = STR("image/webp");
    result->blur = STR("data:image/png;base64,AAAA");
    result->embedded = is_marked ? &mark : NULL;
    result->has_credentials = is_marked;
    result->mime_type = is_film ? STR("video/mp4") : STR("image/png");
    result->width = is_film ? 1280 : 1024;
    result->height = is_film ? 720 : 1024;
    if (is_film)
        result->duration = (struct maybe_number){4, true};
}

static void answer_well(struct pretend *pretend, const struct under_way *under_way,
                        struct work_result *result)
{
    const struct work *work = under_way->work;
    struct stored *blob;
    switch (work->kind) {
    case WORK_CANCEL:
        break;
    case WORK_CHECK:
        answer_check(pretend, work, result);
        break;
    case WORK_SUBMIT:
    case WORK_POLL:
        answer_wish(pretend, work, result);
        break;
    case WORK_SKETCH:
    case WORK_FETCH:
        result->output_count = 1;
        result->outputs[0].file =
            store(pretend, &result->arena, work->kind == WORK_SKETCH ? work->media : MEDIA_IMAGE);
        break;
    case WORK_DERIVE:
        answer_derive(pretend, under_way, result);
        break;
    case WORK_PREVIEW:
        result->moving = store(pretend, &result->arena, MEDIA_VIDEO);
        result->playback = store(pretend, &result->arena, MEDIA_VIDEO);
        result->moving.content_type = result->playback.content_type = STR("video/mp4");
        break;
    case WORK_RESIZE:
        result->resized = store(pretend, &result->arena, MEDIA_IMAGE);
        result->resized.content_type = str_of(media_type_mime(work->format));
        result->width = work->width;
        result->height = work->height != 0 ? work->height : work->width;
        break;
    case WORK_STAMP:
        result->stamped = store(pretend, &result->arena, MEDIA_IMAGE);
        result->stamped.content_type = STR("image/png");
        break;
    case WORK_REMOVE_BLOB:
        blob = blob_find(pretend, work->blob);
        if (blob != NULL)
            blob->is_there = false;
        break;
    default:
        work_fail(result, WORK_REFUSED, "This kind of work is unknown.");
    }
}

static void fail_as(struct work_result *result, enum work_failure failure, str text)
{
    if (text.len == 0)
        text = failure == WORK_TRANSIENT ? STR("The model's provider is not answering just now.")
               : failure == WORK_REFUSED ? STR("The model's provider refused this request.")
                                         : STR("What the model sent is no picture.");
    work_fail(result, failure, "%.*s", STR_ARG(text));
}

static void finish(struct pretend *pretend, const struct under_way *work)
{
    struct work_result *result = work_result_new();
    result->retry_after = work->manner.retry_after;
    if (work->is_canceled)
        fail_as(result, WORK_REFUSED, STR("Cancelled."));
    else if (work->manner.way == PRETEND_FAILS)
        fail_as(result, WORK_TRANSIENT, work->manner.text);
    else if (work->manner.way == PRETEND_LOSES)
        fail_as(result, WORK_LOST, STR("The model's provider failed to make this."));
    else if (work->manner.way == PRETEND_HANGS)
        fail_as(result, WORK_TRANSIENT, STR("The model's provider took too long."));
    else if (work->manner.way == PRETEND_REFUSES)
        fail_as(result, WORK_REFUSED, work->manner.text);
    else if (work->manner.way == PRETEND_CRASHES)
        fail_as(result, WORK_CRASHED, work->manner.text);
    else if (work->manner.way == PRETEND_BREAKS)
        fail_as(result, WORK_BROKEN, work->manner.text);
    else
        answer_well(pretend, work, result);
    runner_finish(pretend->runner, work->run, result);
}

bool pretend_step(struct pretend *pretend, instant now)
{
    pretend->now = now;
    struct under_way **soonest = NULL;
    for (struct under_way **at = &pretend->first; *at != NULL; at = &(*at)->next)
        if ((*at)->due.us != 0 && (*at)->due.us <= now.us &&
            (soonest == NULL || (*at)->due.us <= (*soonest)->due.us))
            soonest = at; /* of equals the last in the list: it began first */
    if (soonest == NULL)
        return false;
    struct under_way *work = *soonest;
    *soonest = work->next;
    finish(pretend, work);
    free(work);
    return true;
}

void pretend_set_now(struct pretend *pretend, instant now)
{
    pretend->now = now;
}

instant pretend_next(const struct pretend *pretend)
{
    instant next = {0};
    for (const struct under_way *at = pretend->first; at != NULL; at = at->next)
        if (at->due.us != 0 && (next.us == 0 || at->due.us < next.us))
            next = at->due;
    return next;
}

/* ---- for the runner ---- */

/* What would have gone over the wire. */
static void remember_request(const struct work *work, struct pretend_seen *last)
{
    AUTO(arena_done) struct arena arena = {0};
    struct provider_request request;
    work->provider->submit(&arena, &work->site, &work->wish, &request);
    snprintf(last->url, sizeof(last->url), "%.*s", STR_ARG(request.url));
    snprintf(last->body, sizeof(last->body), "%.*s", STR_ARG(request.body));
}

static void note_different(struct different *all, const void *at, size_t len)
{
    struct hash128 hash = hash128_bytes(at, len);
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].a == hash.a && all->items[i].b == hash.b)
            return;
    if (all->count < DIFFERENT_MAX)
        all->items[all->count++] = hash;
}

static void note_wish(struct pretend *pretend, const struct provider_wish *wish)
{
    note_different(&pretend->keys, wish->idempotency_key.at, wish->idempotency_key.len);
    note_different(&pretend->seeds, &wish->seed.value, sizeof(wish->seed.value));
}

static void remember(struct pretend *pretend, const struct work *work)
{
    struct pretend_seen *last = &pretend->last;
    *last = (struct pretend_seen){.kind = work->kind,
                                  .seed = work->seed,
                                  .number = work->number,
                                  .width = work->width,
                                  .height = work->height,
                                  .steps = work->steps,
                                  .duration = work->duration,
                                  .guidance = work->guidance};
    snprintf(last->prompt, sizeof(last->prompt), "%.*s", STR_ARG(work->prompt));
    snprintf(last->negative, sizeof(last->negative), "%.*s", STR_ARG(work->negative));
    if (work->kind == WORK_SUBMIT || work->kind == WORK_CHECK)
        remember_request(work, last);
    else
        snprintf(last->url, sizeof(last->url), "%.*s", STR_ARG(work->url));
}

static struct pretend_manner manner_for(struct pretend *pretend, enum work_kind kind)
{
    struct pretend_manner *manner = &pretend->manners[kind];
    struct pretend_manner now = *manner;
    if (manner->times > 0 && --manner->times == 0)
        *manner = (struct pretend_manner){0};
    return now;
}

static void start(void *context, uint64_t run, const char *action, const void *asked)
{
    struct pretend *pretend = context;
    const struct work *work = asked;
    struct under_way *under_way = memory_zeroed(sizeof(*under_way));

    remember(pretend, work);
    if (work->kind == WORK_SUBMIT)
        note_wish(pretend, &work->wish);
    pretend->started[work->kind]++;
    under_way->run = run;
    under_way->work = work;
    under_way->manner = manner_for(pretend, work->kind);
    if (under_way->manner.way == PRETEND_HANGS)
        under_way->due = instant_add(pretend->now, work->timeout);
    else if (under_way->manner.way != PRETEND_IS_SILENT)
        under_way->due = instant_add(pretend->now, pretend->takes);
    under_way->next = pretend->first;
    pretend->first = under_way;
}

/* It still ends, as the real one does; the silent one not before it is told to. */
static void cancel(void *context, uint64_t run)
{
    struct pretend *pretend = context;
    pretend->canceled++;
    for (struct under_way *at = pretend->first; at != NULL; at = at->next) {
        if (at->run != run)
            continue;
        at->is_canceled = true;
        if (at->due.us != 0)
            at->due = pretend->now;
    }
}

static void release(void *context, void *result)
{
    work_result_free(result);
}

struct world pretend_world(struct pretend *pretend)
{
    return (struct world){pretend, start, cancel, release};
}

/* ---- for expectations ---- */

size_t pretend_started(const struct pretend *pretend, enum work_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < KINDS; i++)
        count += kind == WORK_NONE || kind == (enum work_kind)i ? pretend->started[i] : 0;
    return count;
}

size_t pretend_canceled(const struct pretend *pretend)
{
    return pretend->canceled;
}

size_t pretend_keys(const struct pretend *pretend)
{
    return pretend->keys.count;
}

size_t pretend_seeds(const struct pretend *pretend)
{
    return pretend->seeds.count;
}

size_t pretend_under_way(const struct pretend *pretend)
{
    size_t count = 0;
    for (const struct under_way *at = pretend->first; at != NULL; at = at->next)
        count++;
    return count;
}

size_t pretend_blobs(const struct pretend *pretend)
{
    size_t count = 0;
    for (size_t i = 0; i < pretend->blob_count; i++)
        count += pretend->blobs[i].is_there;
    return count;
}

bool pretend_has_blob(const struct pretend *pretend, str id)
{
    const struct stored *blob = blob_find(pretend, id);
    return blob != NULL && blob->is_there;
}

const struct pretend_seen *pretend_last(const struct pretend *pretend)
{
    return &pretend->last;
}

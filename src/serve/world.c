/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/world.h"

#include "base/log.h"
#include "serve/errands.h"
#include "serve/fetching.h"

#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX MIB(32)

/* One piece of work under way. */
struct pending {
    struct pending *next;
    uint64_t run;
    const struct work *work; /* lives in the run's arena until it is finished */
    bool is_uploading;       /* what the wish needs goes first */
    bool is_unwanted;
    struct errand *bringing; /* lives until it was taken back; NULL: none */
};

struct outer {
    struct outer_options options;
    struct runner *runner;
    struct queue *answers; /* from the network */
    struct pending *pending;
    struct fetches *fetches;
    struct keepers *keepers;
};

static void wake(void *context)
{
    queue_wake(((struct outer *)context)->answers);
}

struct outer *outer_new(const struct outer_options *options, struct fault *fault)
{
    struct queue *answers = queue_new(OUTSIDE_UNDER_WAY_MAX, fault);
    if (answers == NULL)
        return NULL;
    struct outer *outer = memory_zeroed(sizeof(*outer));
    outer->options = *options;
    outer->answers = answers;
    outer->fetches =
        fetches_new(&(struct fetches_options){options->outside, answers, options->temp_dir});
    outer->keepers = keepers_new(wake, outer, fault);
    if (outer->keepers != NULL)
        return outer;
    outer_free(outer);
    return NULL;
}

void outer_free(struct outer *outer)
{
    void *item;
    if (outer == NULL)
        return;
    keepers_free(outer->keepers);
    while (queue_take(outer->answers, &item, 1) == 1)
        outside_result_free(item);
    queue_free(outer->answers);
    fetches_free(outer->fetches);
    while (outer->pending != NULL) {
        struct pending *pending = outer->pending;
        outer->pending = pending->next;
        free(pending);
    }
    free(outer);
}

void outer_attach(struct outer *outer, struct runner *runner)
{
    outer->runner = runner;
}

int outer_fd(const struct outer *outer)
{
    return queue_fd(outer->answers);
}

/* ---- what is under way ---- */

static void pend(struct outer *outer, uint64_t run, const struct work *work)
{
    struct pending *pending = memory_new(sizeof(*pending));
    *pending = (struct pending){.next = outer->pending, .run = run, .work = work};
    outer->pending = pending;
}

static struct pending *pending_find(struct outer *outer, uint64_t run)
{
    struct pending *at = outer->pending;
    while (at != NULL && at->run != run)
        at = at->next;
    return at;
}

/* The work of a run, which is under way no longer; NULL when it was not. */
static const struct work *unpend(struct outer *outer, uint64_t run)
{
    for (struct pending **at = &outer->pending; *at != NULL; at = &(*at)->next) {
        struct pending *pending = *at;
        if (pending->run != run)
            continue;
        const struct work *work = pending->work;
        *at = pending->next;
        free(pending);
        return work;
    }
    return NULL;
}

static void finish(struct outer *outer, uint64_t run, struct work_result *result)
{
    runner_finish(outer->runner, run, result);
}

static void finish_failed(struct outer *outer, uint64_t run, enum work_failure failure,
                          const char *text)
{
    struct work_result *result = work_result_new();
    work_fail(result, failure, "%s", text);
    finish(outer, run, result);
}

/* ---- the media helper ---- */

static enum work_failure failure_of_media(enum media_failure failure)
{
    switch (failure) {
    case MEDIA_UNAVAILABLE:
    case MEDIA_STARVED:
        return WORK_TRANSIENT;
    case MEDIA_CRASHED:
    case MEDIA_TIMEOUT:
    case MEDIA_BROKEN:
        return WORK_CRASHED;
    default:
        return WORK_BROKEN;
    }
}

static void finish_errand(struct outer *outer, struct errand *errand)
{
    finish(outer, errand->run, take_pointer(&errand->result));
}

static void on_media(void *context, struct media_event *event)
{
    struct outer *outer = context;
    if (event->kind == MEDIA_EVENT_PROGRESS) {
        runner_progress(outer->runner, event->id, (double)event->fraction);
        return;
    }
    const struct work *work = unpend(outer, event->id);
    if (work == NULL)
        return;
    if (event->kind == MEDIA_EVENT_FAILED) {
        if (event->failure == MEDIA_STARVED)
            log_event(LOG_WARN, "media_starved",
                      "a child had too little of the processor or of memory, for others had it; "
                      "tried again later");
        finish_failed(outer, event->id, failure_of_media(event->failure), event->text);
        return;
    }
    struct errand *errand = errand_new(outer, outer->options.blobs, event->id, work);
    errand->result = work_result_new();
    errand_take_event(errand, event);
    errand_put(outer->keepers, errand, errand_store, finish_errand);
}

static void submit(struct outer *outer, uint64_t run, const struct work *work,
                   const struct media_request *request)
{
    struct fault fault;
    if (media_submit(outer->options.media, request, run, &fault)) {
        pend(outer, run, work);
        return;
    }
    finish_failed(outer, run, fault.kind == FAULT_FULL ? WORK_TRANSIENT : WORK_REFUSED, fault.text);
}

static void start_sketch(struct outer *outer, uint64_t run, const struct work *work)
{
    struct media_request request = {
        .verb = work->media == MEDIA_VIDEO ? MEDIA_SKETCH_VIDEO : MEDIA_SKETCH_IMAGE,
        .input_fd = -1,
        .prompt = work->prompt,
        .negative = work->negative,
        .seed = (uint64_t)work->seed,
        .index = (uint32_t)work->number,
        .width = (uint32_t)work->width,
        .height = (uint32_t)work->height,
        .duration = SECONDS(work->duration),
        .steps = (uint32_t)work->steps,
        .guidance = (float)work->guidance,
        .limits.time_max = work->timeout,
    };
    submit(outer, run, work, &request);
}

static enum media_verb verb_of(enum work_kind kind)
{
    switch (kind) {
    case WORK_RESIZE:
        return MEDIA_RESIZE;
    case WORK_PREVIEW:
        return MEDIA_PREVIEW;
    case WORK_STAMP:
        return MEDIA_STAMP;
    default:
        return MEDIA_DERIVE;
    }
}

/* Looking into a blob, or another rendition of it. */
static void start_derive(struct outer *outer, uint64_t run, const struct work *work, int fd)
{
    struct media_request request = {
        .verb = verb_of(work->kind),
        .input_fd = fd,
        .prompt = work->prompt,
        .negative = work->negative,
        .model = work->model,
        .has_seed = work->has_seed,
        .seed = (uint64_t)work->seed,
        .width = (uint32_t)work->width,
        .height = (uint32_t)work->height,
        .fit = work->fit,
        .format = work->format,
        .quality = (uint32_t)work->quality,
        .limits.time_max = work->timeout,
    };
    submit(outer, run, work, &request);
}

/* ---- the network ---- */

static enum work_failure failure_of_network(enum outside_error error)
{
    switch (error) {
    case OUTSIDE_BAD_REQUEST:
    case OUTSIDE_REFUSED_ADDRESS:
    case OUTSIDE_TOO_BIG:
    case OUTSIDE_TOO_MANY_REDIRECTS:
        return WORK_REFUSED;
    default:
        return WORK_TRANSIENT;
    }
}

/* For the user; what exactly happened is the operator's, in the log. */
static const char *sentence_of(const struct work *work, enum outside_error error)
{
    if (work->kind == WORK_CHECK)
        return "The check of what was asked for is not answering just now.";
    switch (error) {
    case OUTSIDE_TIMEOUT:
        return "The model's provider did not answer in time.";
    case OUTSIDE_TOO_BIG:
        return "The model's provider sent something larger than allowed.";
    case OUTSIDE_REFUSED_ADDRESS:
        return "The model's provider is at an address inside a private network, which the operator "
               "has not allowed.";
    case OUTSIDE_BAD_REQUEST:
    case OUTSIDE_TOO_MANY_REDIRECTS:
        return "The model's provider gave an address that leads nowhere.";
    case OUTSIDE_TRANSIENT:
        return "The model's provider was cut off before it had finished.";
    case OUTSIDE_DISK:
        return "The finished picture could not be stored.";
    default:
        return "The model's provider is not answering just now.";
    }
}

/* The picture to start from, whole in memory: providers want it inside the request. */
static bool read_input(int fd, struct arena *arena, struct provider_wish *wish)
{
    struct stat facts;
    if (fd < 0)
        return true;
    if (fstat(fd, &facts) != 0 || facts.st_size > (off_t)INPUT_MAX)
        return false;
    int64_t got = 0, size = facts.st_size;
    uint8_t *at = arena_alloc(arena, (size_t)size + 1);
    while (got < size) {
        ssize_t part = pread(fd, at + got, (size_t)(size - got), got);
        if (part <= 0)
            return false;
        got += part;
    }
    wish->image = (bytes){at, (size_t)size};
    return true;
}

/* uploads: in, whether the picture has to be brought there first; out, whether this does. */
static bool write_request(const struct work *work, int fd, struct arena *arena,
                          struct provider_request *out, bool *uploads)
{
    struct provider_wish wish = work->wish;
    bool may_upload = *uploads;
    *uploads = false;
    switch (work->kind) {
    case WORK_SUBMIT:
        if (!read_input(fd, arena, &wish))
            return false;
        *uploads = may_upload && wish.image.at != NULL && work->provider->upload != NULL;
        (*uploads ? work->provider->upload : work->provider->submit)(arena, &work->site, &wish,
                                                                     out);
        return true;
    case WORK_CHECK:
        work->provider->submit(arena, &work->site, &wish, out);
        return true;
    case WORK_POLL:
        work->provider->poll(arena, &work->site, work->job, out);
        return true;
    case WORK_CANCEL:
        work->provider->cancel(arena, &work->site, work->job, out);
        return true;
    default:
        return false;
    }
}

static void start_network(struct outer *outer, uint64_t run, const struct work *work, int fd,
                          bool uploads)
{
    AUTO(arena_done) struct arena arena = {0};
    struct provider_request asked = {0};
    struct outside_header headers[PROVIDER_HEADERS_MAX];
    if (!write_request(work, fd, &arena, &asked, &uploads)) {
        finish_failed(outer, run, WORK_BROKEN, "The picture to start from is not there any more.");
        return;
    }
    for (size_t i = 0; i < asked.header_count; i++)
        headers[i] = (struct outside_header){asked.headers[i].name, asked.headers[i].value};
    struct outside_request request = {
        .id = run,
        .method = asked.method,
        .url = asked.url,
        .headers = headers,
        .header_count = asked.header_count,
        .timeout = work->timeout,
        .response_max = work->response_max,
        .allow_private = work->allow_private,
        .file = -1,
        .deliver_to = outer->answers,
    };
    if (asked.body.len != 0)
        request.body = shared_copy(asked.body);
    if (outside_send(outer->options.outside, &request)) {
        pend(outer, run, work);
        outer->pending->is_uploading = uploads;
    } else {
        shared_drop(request.body);
        finish_failed(outer, run, WORK_TRANSIENT, "Too much is asked of the outside just now.");
    }
}

/* ---- the blob that work begins with ---- */

/* fd: of the blob; -1: the work begins without one. */
static void begin(struct outer *outer, uint64_t run, const struct work *work, int fd, bool uploads)
{
    if (work->kind == WORK_SUBMIT || work->kind == WORK_POLL || work->kind == WORK_CANCEL ||
        work->kind == WORK_CHECK)
        start_network(outer, run, work, fd, uploads);
    else
        start_derive(outer, run, work, fd);
}

static void fail_lost(struct outer *outer, uint64_t run, const struct work *work, bool is_passing)
{
    if (is_passing)
        finish_failed(outer, run, WORK_TRANSIENT, "The stored picture is out of reach just now.");
    else
        finish_failed(outer, run, WORK_BROKEN,
                      work->kind == WORK_SUBMIT ? "The picture to start from is not there any more."
                                                : "The picture was lost before it could be kept.");
}

static void begin_brought(struct outer *outer, struct errand *errand)
{
    struct pending *pending = pending_find(outer, errand->run);
    bool is_unwanted = pending == NULL || pending->is_unwanted;
    unpend(outer, errand->run);
    if (is_unwanted)
        finish_failed(outer, errand->run, WORK_REFUSED, "Cancelled.");
    else if (errand->fd < 0)
        fail_lost(outer, errand->run, errand->work, errand->is_passing);
    else
        begin(outer, errand->run, errand->work, errand->fd, errand->uploads);
}

/* What is at hand is opened here; a keeper brings what is in a bucket. */
static void begin_with_blob(struct outer *outer, uint64_t run, const struct work *work,
                            bool uploads)
{
    AUTO(fd_close) int fd = -1;
    int64_t size;
    struct fault fault;
    if (work->blob.len == 0 ||
        blob_open_here(outer->options.blobs, work->blob, &fd, &size, &fault)) {
        begin(outer, run, work, fd, uploads);
        return;
    }
    struct errand *errand = errand_new(outer, outer->options.blobs, run, work);
    errand->uploads = uploads;
    pend(outer, run, work);
    outer->pending->bringing = errand;
    errand_put(outer->keepers, errand, errand_bring, begin_brought);
}

static void start_fetch(struct outer *outer, uint64_t run, const struct work *work)
{
    if (fetches_start(outer->fetches, run, work))
        pend(outer, run, work);
    else
        finish_failed(outer, run, WORK_TRANSIENT, "Too much is asked of the outside just now.");
}

/* One has ended: those that wait move up. */
static void move_fetches_up(struct outer *outer)
{
    uint64_t run;
    while ((run = fetches_begin(outer->fetches)) != 0) {
        unpend(outer, run);
        finish_failed(outer, run, WORK_TRANSIENT, "Too much is asked of the outside just now.");
    }
}

static void take_file(struct blobs *blobs, struct random *random, struct work_result *result,
                      const struct outside_result *answer)
{
    struct media_output output = {
        .fd = answer->file, .len = (size_t)answer->file_len, .mime = "application/octet-stream"};
    if (answer->status < 200 || answer->status > 299 || answer->file < 0) {
        bool is_passing = answer->status >= 500 || answer->status == 429 || answer->status == 416;
        work_fail(result, is_passing ? WORK_TRANSIENT : WORK_REFUSED,
                  "The finished picture could not be fetched (status %d).", answer->status);
        return;
    }
    result->output_count = 1;
    output_store(blobs, random, result, &output, &result->outputs[0].file);
}

/* What a provider said about a wish or a job. */
static void take_words(struct blobs *blobs, struct random *random, const struct work *work,
                       const struct outside_result *answer, struct work_result *result)
{
    AUTO(arena_done) struct arena arena = {0};
    struct sink sink = {blobs, random, &result->arena};
    struct work_sink into = {.context = &sink, .store = sink_store};
    struct provider_answer said;
    str body = shared_text(answer->body);
    if (!utf8_is_valid(body))
        body = STR("null"); /* whatever it is, it is not theirs */
    if (work->kind == WORK_POLL)
        work->provider->polled(&arena, answer->status, body, &said);
    else
        work->provider->submitted(&arena, answer->status, body, &said);
    if (said.cause.len != 0)
        log_event(LOG_WARN, "provider_failed", "%s: %.*s", work->provider->name,
                  STR_ARG(said.cause));
    work_take_answer(result, &said, &into);
}

/* The picture is there: now the wish, unless nobody wants it any more. False: it is no upload, or
 * it went wrong and is the answer. */
static bool take_upload(struct outer *outer, const struct outside_result *answer)
{
    struct pending *pending = pending_find(outer, answer->id);
    if (pending == NULL || !pending->is_uploading || answer->error != OUTSIDE_OK ||
        answer->status < 200 || answer->status > 299)
        return false;
    bool is_unwanted = pending->is_unwanted;
    const struct work *work = unpend(outer, answer->id);
    if (is_unwanted)
        finish_failed(outer, answer->id, WORK_REFUSED, "Cancelled.");
    else
        begin_with_blob(outer, answer->id, work, false);
    return true;
}

static void keep_answer(struct keeping *keeping, struct random *random)
{
    struct errand *kept = (struct errand *)keeping;
    const struct outside_result *answer = kept->answer;
    struct work_result *result = kept->result = work_result_new();
    if (answer->has_retry_after)
        result->retry_after = answer->retry_after;
    if (answer->error != OUTSIDE_OK) {
        log_event(LOG_WARN, "outside_failed", "%s: %s", outside_error_name(answer->error),
                  answer->text);
        work_fail(result, failure_of_network(answer->error), "%s",
                  sentence_of(kept->work, answer->error));
    } else if (kept->work->kind == WORK_FETCH) {
        take_file(kept->blobs, random, result, answer);
    } else if (kept->work->kind != WORK_CANCEL) {
        take_words(kept->blobs, random, kept->work, answer, result);
    }
    outside_result_free(take_pointer(&kept->answer));
}

static void take_answer(struct outer *outer, struct outside_result *answer)
{
    bool goes_on = fetches_go_on(outer->fetches, answer) || take_upload(outer, answer);
    const struct work *work = goes_on ? NULL : unpend(outer, answer->id);
    if (work == NULL) {
        outside_result_free(answer);
        return;
    }
    struct errand *errand = errand_new(outer, outer->options.blobs, answer->id, work);
    errand->answer = answer;
    errand_put(outer->keepers, errand, keep_answer, finish_errand);
}

/* ---- for the runner ---- */

static void start(void *context, uint64_t run, const char *action, const void *asked)
{
    struct outer *outer = context;
    const struct work *work = asked;
    switch (work->kind) {
    case WORK_SKETCH:
        start_sketch(outer, run, work);
        break;
    case WORK_DERIVE:
    case WORK_PREVIEW:
    case WORK_RESIZE:
    case WORK_STAMP:
    case WORK_SUBMIT:
    case WORK_POLL:
    case WORK_CANCEL:
    case WORK_CHECK:
        begin_with_blob(outer, run, work, true);
        break;
    case WORK_FETCH:
        start_fetch(outer, run, work);
        break;
    case WORK_REMOVE_BLOB:
        errand_put(outer->keepers, errand_new(outer, outer->options.blobs, run, work),
                   errand_remove, finish_errand);
        break;
    default:
        finish_failed(outer, run, WORK_REFUSED, "This kind of work is unknown.");
    }
}

static void cancel(void *context, uint64_t run)
{
    struct outer *outer = context;
    struct pending *pending = pending_find(outer, run);
    if (pending != NULL)
        pending->is_unwanted = true;
    if (pending != NULL && pending->bringing != NULL)
        atomic_store(&pending->bringing->is_unwanted, true);
    if (fetches_cancel(outer->fetches, run)) {
        unpend(outer, run);
        finish_failed(outer, run, WORK_REFUSED, "Cancelled.");
    } else if (!media_cancel(outer->options.media, run)) {
        outside_cancel(outer->options.outside, run);
    }
}

static void release(void *context, void *result)
{
    work_result_free(result);
}

struct world outer_world(struct outer *outer)
{
    return (struct world){.context = outer, .start = start, .cancel = cancel, .release = release};
}

void outer_step(struct outer *outer, instant now)
{
    void *item;
    media_step(outer->options.media, now, on_media, outer);
    while (queue_take(outer->answers, &item, 1) == 1)
        take_answer(outer, item);
    errands_take(outer->keepers);
    move_fetches_up(outer);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/world.h"

#include "base/encode.h"
#include "base/log.h"
#include "serve/fetching.h"
#include "serve/keepers.h"
#include "serve/stamping.h"

#include <string.h>

#define INPUT_MAX MIB(32)

/* One piece of work under way. */
struct pending {
    struct pending *next;
    uint64_t run;
    const struct work *work; /* lives in the run's arena until it is finished */
    bool is_uploading;       /* what the wish needs goes first */
    bool is_unwanted;
};

struct outer {
    struct outer_options options;
    struct runner *runner;
    struct queue *answers; /* from the network */
    struct random random;
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
    random_init(&outer->random);
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

/* ---- storing ---- */

static void describe(struct arena *arena, const struct blob_info *info, str type,
                     struct stored_file *out)
{
    *out = (struct stored_file){
        .storage_id = str_copy(arena, str_of(info->id)),
        .content_type = type,
        .size = info->size,
        .sha256 = hex_write(arena, (bytes){info->sha256, sizeof(info->sha256)}),
    };
}

struct sink {
    struct blobs *blobs;
    struct random *random;
    struct arena *arena;
};

static bool store_bytes(void *context, bytes content, struct stored_file *out, struct fault *fault)
{
    struct sink *sink = context;
    struct blob_writer writer;
    struct blob_info info;
    if (!blob_create(sink->blobs, sink->random, &writer, fault) ||
        !blob_write(&writer, content, fault) || !blob_finish(&writer, &info, fault))
        return false;
    describe(sink->arena, &info, STR("application/octet-stream"), out);
    return true;
}

static bool store_output(struct outer *outer, struct random *random, struct work_result *result,
                         const struct media_output *output, struct stored_file *out)
{
    struct blob_info info;
    struct fault fault;
    if (output->fd < 0)
        return true;
    if (!blob_put_fd(outer->options.blobs, random, output->fd, (int64_t)output->len, &info,
                     &fault)) {
        log_event(LOG_ERROR, "blob_failed", "%s", fault.text);
        work_fail(result, WORK_TRANSIENT, "The picture could not be stored.");
        return false;
    }
    describe(&result->arena, &info, str_of(output->mime), out);
    return true;
}

/* ---- the media helper ---- */

static enum work_failure failure_of_media(enum media_failure failure)
{
    switch (failure) {
    case MEDIA_UNAVAILABLE:
        return WORK_TRANSIENT;
    case MEDIA_CRASHED:
    case MEDIA_TIMEOUT:
    case MEDIA_BROKEN:
        return WORK_CRASHED;
    default:
        return WORK_BROKEN;
    }
}

static void take_facts(struct work_result *result, const struct media_event *event)
{
    result->width = event->facts.width;
    result->height = event->facts.height;
    result->frames = event->facts.frames;
    result->codec = str_copy(&result->arena, str_of(event->facts.codec));
    result->mime_type = str_of(event->mime);
    result->blur = str_copy(&result->arena, event->blur);
    if (event->facts.duration_ms != 0)
        result->duration = (struct maybe_number){(double)event->facts.duration_ms / 1000.0, true};
}

/* What the file says of its making; a stranger's words, and taken only whole. */
static void take_embedded(struct work_result *result, const struct media_event *event)
{
    const struct media_output *output = &event->outputs[MEDIA_EMBEDDED];
    struct fault fault;
    result->has_credentials = event->facts.has_c2pa != 0;
    if (output->fd < 0 || output->len > PARAMETERS_JSON_MAX)
        return;
    char *text = arena_alloc(&result->arena, output->len);
    struct embedded *found = arena_new(&result->arena, struct embedded);
    if (pread(output->fd, text, output->len, 0) != (ssize_t)output->len)
        return;
    if (parameters_take(&result->arena, (str){text, output->len}, found, &fault))
        result->embedded = found;
    else
        log_event(LOG_WARN, "embedded_refused", "%s", fault.text);
}

static void take_media(struct outer *outer, const struct work *work, struct work_result *result,
                       const struct media_event *event)
{
    if (work->kind == WORK_SKETCH) {
        result->output_count = 1;
        store_output(outer, &outer->random, result, &event->outputs[MEDIA_ORIGINAL],
                     &result->outputs[0].file);
        return;
    }
    if (work->kind == WORK_STAMP)
        return; /* it says it all already */
    if (work->kind == WORK_RESIZE) {
        take_facts(result, event);
        store_output(outer, &outer->random, result, &event->outputs[MEDIA_RESIZED],
                     &result->resized);
        return;
    }
    if (work->kind == WORK_PREVIEW) {
        if (store_output(outer, &outer->random, result, &event->outputs[MEDIA_MOVING],
                         &result->moving))
            store_output(outer, &outer->random, result, &event->outputs[MEDIA_PLAYBACK],
                         &result->playback);
        return;
    }
    const struct media_output *display = &event->outputs[MEDIA_DISPLAY];
    if (display->fd < 0)
        display = &event->outputs[MEDIA_POSTER];
    take_facts(result, event);
    take_embedded(result, event);
    if (store_output(outer, &outer->random, result, &event->outputs[MEDIA_THUMBNAIL],
                     &result->thumbnail))
        store_output(outer, &outer->random, result, display, &result->display);
}

/* What came, on its way through a keeper. */
struct kept_answer {
    struct keeping keeping; /* first */
    struct outer *outer;
    uint64_t run;
    const struct work *work;
    struct outside_result *answer; /* NULL once it was kept: it may be large */
    int edits;                     /* STAMP: from the media helper; else -1 */
    size_t edits_len;
    const char *mime;
    struct work_result *result; /* NULL until it was kept */
};

static void drop_answer(struct keeping *keeping)
{
    struct kept_answer *kept = (struct kept_answer *)keeping;
    outside_result_free(kept->answer);
    work_result_free(kept->result);
    fd_close(&kept->edits);
    free(kept);
}

static void copy_stamped(struct keeping *keeping, struct random *random)
{
    struct kept_answer *kept = (struct kept_answer *)keeping;
    struct work_result *result = kept->result = work_result_new();
    struct blob_info info;
    struct fault fault;
    if (stamping_copy(kept->outer->options.blobs, random, kept->work->blob, kept->edits,
                      kept->edits_len, &info, &fault)) {
        describe(&result->arena, &info, str_of(kept->mime), &result->stamped);
        return;
    }
    log_event(LOG_ERROR, "stamp_failed", "%s", fault.text);
    work_fail(result, fault.kind == FAULT_INPUT ? WORK_BROKEN : WORK_TRANSIENT,
              "How it was made could not be written into a copy.");
}

static void keep_stamped(struct outer *outer, struct media_event *event, const struct work *work)
{
    struct kept_answer *kept = memory_new(sizeof(*kept));
    *kept = (struct kept_answer){
        .keeping = {.run = copy_stamped, .drop = drop_answer},
        .outer = outer,
        .run = event->id,
        .work = work,
        .edits = take_fd(&event->outputs[MEDIA_EDITS].fd),
        .edits_len = event->outputs[MEDIA_EDITS].len,
        .mime = event->mime,
    };
    keepers_put(outer->keepers, &kept->keeping);
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
    if (work->kind == WORK_STAMP && event->outputs[MEDIA_EDITS].fd >= 0) {
        keep_stamped(outer, event, work);
        return;
    }
    struct work_result *result = work_result_new();
    if (event->kind == MEDIA_EVENT_FAILED)
        work_fail(result, failure_of_media(event->failure), "%s", event->text);
    else
        take_media(outer, work, result, event);
    finish(outer, event->id, result);
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
static void start_derive(struct outer *outer, uint64_t run, const struct work *work)
{
    AUTO(fd_close) int fd = -1;
    int64_t size = 0;
    struct fault fault;
    if (!blob_open(outer->options.blobs, work->blob, &fd, &size, &fault)) {
        finish_failed(outer, run, WORK_BROKEN, "The picture was lost before it could be kept.");
        return;
    }
    struct media_request request = {
        .verb = verb_of(work->kind),
        .prompt = work->prompt,
        .negative = work->negative,
        .model = work->model,
        .has_seed = work->has_seed,
        .seed = (uint64_t)work->seed,
        .input_fd = fd,
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
static bool read_input(struct outer *outer, const struct work *work, struct arena *arena,
                       struct provider_wish *wish)
{
    AUTO(fd_close) int fd = -1;
    int64_t size = 0;
    struct fault fault;
    if (work->blob.len == 0)
        return true;
    if (!blob_open(outer->options.blobs, work->blob, &fd, &size, &fault) ||
        size > (int64_t)INPUT_MAX)
        return false;
    uint8_t *at = arena_alloc(arena, (size_t)size + 1);
    int64_t got = 0;
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
static bool write_request(struct outer *outer, const struct work *work, struct arena *arena,
                          struct provider_request *out, bool *uploads)
{
    struct provider_wish wish = work->wish;
    bool may_upload = *uploads;
    *uploads = false;
    switch (work->kind) {
    case WORK_SUBMIT:
        if (!read_input(outer, work, arena, &wish))
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

static void start_network(struct outer *outer, uint64_t run, const struct work *work, bool uploads)
{
    AUTO(arena_done) struct arena arena = {0};
    struct provider_request asked = {0};
    struct outside_header headers[PROVIDER_HEADERS_MAX];
    if (!write_request(outer, work, &arena, &asked, &uploads)) {
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

static void take_file(struct outer *outer, struct random *random, struct work_result *result,
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
    store_output(outer, random, result, &output, &result->outputs[0].file);
}

/* What a provider said about a wish or a job. */
static void take_words(struct outer *outer, struct random *random, const struct work *work,
                       const struct outside_result *answer, struct work_result *result)
{
    AUTO(arena_done) struct arena arena = {0};
    struct sink sink = {outer->options.blobs, random, &result->arena};
    struct work_sink into = {.context = &sink, .store = store_bytes};
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
        start_network(outer, answer->id, work, false);
    return true;
}

static void keep_answer(struct keeping *keeping, struct random *random)
{
    struct kept_answer *kept = (struct kept_answer *)keeping;
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
        take_file(kept->outer, random, result, answer);
    } else if (kept->work->kind != WORK_CANCEL) {
        take_words(kept->outer, random, kept->work, answer, result);
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
    struct kept_answer *kept = memory_new(sizeof(*kept));
    *kept = (struct kept_answer){
        .keeping = {.run = keep_answer, .drop = drop_answer},
        .outer = outer,
        .run = answer->id,
        .work = work,
        .answer = answer,
        .edits = -1,
    };
    keepers_put(outer->keepers, &kept->keeping);
}

static void take_kept(struct outer *outer)
{
    for (struct keeping *keeping; (keeping = keepers_take(outer->keepers)) != NULL;) {
        struct kept_answer *kept = (struct kept_answer *)keeping;
        finish(outer, kept->run, take_pointer(&kept->result));
        drop_answer(keeping);
    }
}

/* ---- for the runner ---- */

static void start(void *context, uint64_t run, const char *action, const void *asked)
{
    struct outer *outer = context;
    const struct work *work = asked;
    struct fault fault;
    switch (work->kind) {
    case WORK_SKETCH:
        start_sketch(outer, run, work);
        break;
    case WORK_DERIVE:
    case WORK_PREVIEW:
    case WORK_RESIZE:
    case WORK_STAMP:
        start_derive(outer, run, work);
        break;
    case WORK_SUBMIT:
    case WORK_POLL:
    case WORK_CANCEL:
    case WORK_CHECK:
        start_network(outer, run, work, true);
        break;
    case WORK_FETCH:
        start_fetch(outer, run, work);
        break;
    case WORK_REMOVE_BLOB:
        if (blob_remove(outer->options.blobs, work->blob, NULL, &fault))
            finish(outer, run, work_result_new());
        else
            finish_failed(outer, run, WORK_TRANSIENT, fault.text);
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
    take_kept(outer);
    move_fetches_up(outer);
}

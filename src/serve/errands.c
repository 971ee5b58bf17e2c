/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/errands.h"

#include "base/encode.h"
#include "base/log.h"
#include "serve/stamping.h"

static void errand_free(struct errand *errand)
{
    outside_result_free(errand->answer);
    work_result_free(errand->result);
    for (size_t i = 0; i < ARRAY_LEN(errand->outputs); i++)
        fd_close(&errand->outputs[i].fd);
    fd_close(&errand->fd);
    free(errand);
}

static void drop(struct keeping *keeping)
{
    errand_free((struct errand *)keeping);
}

struct errand *errand_new(struct outer *outer, struct blobs *blobs, uint64_t run,
                          const struct work *work)
{
    struct errand *errand = memory_zeroed(sizeof(*errand));
    *errand = (struct errand){.outer = outer, .blobs = blobs, .run = run, .work = work, .fd = -1};
    for (size_t i = 0; i < ARRAY_LEN(errand->outputs); i++)
        errand->outputs[i].fd = -1;
    return errand;
}

void errand_put(struct keepers *keepers, struct errand *errand, errand_run *run, errand_then *then)
{
    errand->keeping = (struct keeping){.run = run, .drop = drop};
    errand->then = then;
    keepers_put(keepers, &errand->keeping);
}

void errands_take(struct keepers *keepers)
{
    for (struct keeping *keeping; (keeping = keepers_take(keepers)) != NULL;) {
        struct errand *errand = (struct errand *)keeping;
        errand->then(errand->outer, errand);
        errand_free(errand);
    }
}

/* ---- storing one ---- */

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

bool sink_store(void *context, bytes content, struct stored_file *out, struct fault *fault)
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

bool output_store(struct blobs *blobs, struct random *random, struct work_result *result,
                  const struct media_output *output, struct stored_file *out)
{
    struct blob_info info;
    struct fault fault;
    if (output->fd < 0)
        return true;
    if (!blob_put_fd(blobs, random, output->fd, (int64_t)output->len, &info, &fault)) {
        log_event(LOG_ERROR, "blob_failed", "%s", fault.text);
        work_fail(result, WORK_TRANSIENT, "The picture could not be stored.");
        return false;
    }
    describe(&result->arena, &info, str_of(output->mime), out);
    return true;
}

/* ---- what keepers do ---- */

void errand_bring(struct keeping *keeping, struct random *random)
{
    struct errand *errand = (struct errand *)keeping;
    struct fault fault;
    int64_t size;
    if (blob_open_unless(errand->blobs, errand->work->blob, &errand->is_unwanted, &errand->fd,
                         &size, &fault) ||
        atomic_load(&errand->is_unwanted))
        return;
    /* Who is told that it is lost may throw away what it belongs to: only what is not there is. */
    errand->is_passing = fault.kind != FAULT_ABSENT && fault.kind != FAULT_INPUT;
    log_event(LOG_WARN, "blob_lost", "%s", fault.text);
}

void errand_remove(struct keeping *keeping, struct random *random)
{
    struct errand *errand = (struct errand *)keeping;
    struct fault fault;
    bool is_gone;
    errand->result = work_result_new();
    if (!blob_remove(errand->blobs, errand->work->blob, &is_gone, &fault))
        work_fail(errand->result, WORK_TRANSIENT, "%s", fault.text);
    else if (!is_gone) /* the row is to stay as long as the bytes, if that is not for long */
        work_fail(errand->result, WORK_TRANSIENT, "A backup is being made.");
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

void errand_take_event(struct errand *errand, struct media_event *event)
{
    enum work_kind kind = errand->work->kind;
    errand->mime = event->mime;
    if (kind == WORK_DERIVE || kind == WORK_RESIZE)
        take_facts(errand->result, event);
    if (kind == WORK_DERIVE)
        take_embedded(errand->result, event);
    for (size_t i = 0; i < ARRAY_LEN(errand->outputs); i++) {
        errand->outputs[i] = event->outputs[i];
        errand->outputs[i].fd = take_fd(&event->outputs[i].fd);
    }
}

static void store_stamped(struct errand *errand, struct random *random)
{
    const struct media_output *edits = &errand->outputs[MEDIA_EDITS];
    struct work_result *result = errand->result;
    struct blob_info info;
    struct fault fault;
    if (edits->fd < 0)
        return; /* it says it all already */
    if (stamping_copy(errand->blobs, random, errand->work->blob, edits->fd, edits->len, &info,
                      &fault)) {
        describe(&result->arena, &info, str_of(errand->mime), &result->stamped);
        return;
    }
    log_event(LOG_ERROR, "stamp_failed", "%s", fault.text);
    work_fail(result, fault.kind == FAULT_INPUT ? WORK_BROKEN : WORK_TRANSIENT,
              "How it was made could not be written into a copy.");
}

/* Thumbnail, and display rendition or poster. */
static void store_derived(struct errand *errand, struct random *random)
{
    const struct media_output *display = &errand->outputs[MEDIA_DISPLAY];
    struct work_result *result = errand->result;
    if (display->fd < 0)
        display = &errand->outputs[MEDIA_POSTER];
    if (output_store(errand->blobs, random, result, &errand->outputs[MEDIA_THUMBNAIL],
                     &result->thumbnail))
        output_store(errand->blobs, random, result, display, &result->display);
}

void errand_store(struct keeping *keeping, struct random *random)
{
    struct errand *errand = (struct errand *)keeping;
    struct work_result *result = errand->result;
    const struct media_output *outputs = errand->outputs;
    struct blobs *blobs = errand->blobs;
    switch (errand->work->kind) {
    case WORK_SKETCH:
        result->output_count = 1;
        output_store(blobs, random, result, &outputs[MEDIA_ORIGINAL], &result->outputs[0].file);
        break;
    case WORK_RESIZE:
        output_store(blobs, random, result, &outputs[MEDIA_RESIZED], &result->resized);
        break;
    case WORK_PREVIEW:
        if (output_store(blobs, random, result, &outputs[MEDIA_MOVING], &result->moving))
            output_store(blobs, random, result, &outputs[MEDIA_PLAYBACK], &result->playback);
        break;
    case WORK_STAMP:
        store_stamped(errand, random);
        break;
    default:
        store_derived(errand, random);
    }
}

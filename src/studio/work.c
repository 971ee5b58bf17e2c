/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/work.h"

#include <stdarg.h>
#include <stdio.h>

#define WORK_TRIES_OF_A_POISON 2

bool work_may_be_tried_again(const struct work_result *result, struct job *job, int64_t most)
{
    bool is_crash = result->failure == WORK_CRASHED;
    bool may = is_crash ? job->crashes < WORK_TRIES_OF_A_POISON - 1
                        : result->failure == WORK_TRANSIENT && job->failures < most;
    job->failures += may;
    job->crashes += is_crash && may;
    return may;
}

struct work_result *work_result_new(void)
{
    return memory_zeroed(sizeof(struct work_result));
}

void work_result_free(struct work_result *result)
{
    if (result == NULL)
        return;
    arena_done(&result->arena);
    free(result);
}

void work_fail(struct work_result *result, enum work_failure failure, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    result->failure = failure;
    result->text = str_copy(&result->arena, str_of(text));
}

static enum work_failure failure_of(enum provider_failure failure)
{
    switch (failure) {
    case PROVIDER_OK:
        return WORK_OK;
    case PROVIDER_BUSY:
        return WORK_TRANSIENT;
    case PROVIDER_FAILED:
        return WORK_LOST;
    case PROVIDER_BROKEN:
        return WORK_BROKEN;
    case PROVIDER_POLICY:
        return WORK_POLICY;
    default:
        return WORK_REFUSED;
    }
}

static void take_outputs(struct work_result *result, const struct provider_answer *answer,
                         const struct work_sink *sink)
{
    struct fault fault = {0};
    for (size_t i = 0; i < answer->output_count; i++) {
        struct work_output *output = &result->outputs[result->output_count];
        if (answer->outputs[i].content.at == NULL) {
            output->url = str_copy(&result->arena, answer->outputs[i].url);
        } else if (!sink->store(sink->context, answer->outputs[i].content, &output->file, &fault)) {
            work_fail(result, WORK_TRANSIENT, "The picture could not be stored.");
            return;
        }
        result->output_count++;
    }
}

void work_take_answer(struct work_result *result, const struct provider_answer *answer,
                      const struct work_sink *sink)
{
    struct arena *arena = &result->arena;
    result->cause = str_copy(arena, answer->cause);
    result->cost_micros = answer->cost_micros;
    result->seconds = answer->seconds;
    if (answer->failure != PROVIDER_OK) {
        work_fail(result, failure_of(answer->failure), "%.*s", STR_ARG(answer->text));
        return;
    }
    result->is_pending = answer->is_pending;
    result->is_soon = answer->is_soon;
    result->job = str_copy(arena, utf8_cut(answer->job, PROVIDER_JOB_MAX));
    result->progress = answer->progress;
    if (!answer->is_pending)
        take_outputs(result, answer, sink);
}

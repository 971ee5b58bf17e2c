/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/moderation.h"

#include "studio/catalogue.h"
#include "studio/users.h"
#include "studio/work.h"

#define CHECK_RETRIES_MAX 3
#define CHECK_ANSWER_MAX MIB(1)

static const char *const flag_source_names[FLAG_SOURCES] = {
    [FLAG_BY_USER] = "user",
    [FLAG_BY_PROMPT] = "prompt",
    [FLAG_BY_IMAGE] = "image",
};

static const char *const flag_state_names[FLAG_STATES] = {
    [FLAG_OPEN] = "open",
    [FLAG_UPHELD] = "upheld",
    [FLAG_DISMISSED] = "dismissed",
};

#define ROW struct flag
static const struct field flag_fields[] = {
    ID(id),
    CREATED(created),
    CHOICE(source, flag_source_names),
    CHOICE(state, flag_state_names),
    MAYBE_REF(asset_id, &asset_type),
    MAYBE_REF(generation_id, &generation_type),
    MAYBE_REF(reporter_id, &user_type, .about = "Absent: a check."),
    TEXT(reason, .max = 500),
    MAYBE_REF(resolved_by, &user_type),
    TIME(created_at),
};
#undef ROW

const struct doc_type flag_type = {
    .name = "moderationFlags",
    .about = "What people or checks found wrong with a work or a prompt.",
    .size = sizeof(struct flag),
    FIELDS(flag_fields),
    .number = 41,
    INDEXES({.name = "by_state", .fields = {"state"}},
            {.name = "by_reporter", .fields = {"reporterId", "assetId", "generationId"}}),
};

void flag_put(struct call *call, const struct flag *flag)
{
    struct flag row = {0};
    if (doc_id_is_set(flag->reporter_id)) {
        doc_id id = row_first(
            call, index_of(&flag_type, "by_reporter"),
            KEY(key_id(flag->reporter_id), key_id(flag->asset_id), key_id(flag->generation_id)));
        row_find(call, &flag_type, id, &row);
    }
    doc_id id = row.id;
    tick created = row.created;
    row = *flag;
    row.id = id;
    row.created = created;
    row.state = FLAG_OPEN;
    row.created_at = call->now;
    if (!doc_id_is_set(row.id))
        row_new(call, &flag_type, &row);
    row_put(call, &flag_type, &row);
}

/* ---- the check ---- */

bool moderation_is_asked(struct call *call)
{
    return catalogue_of(call)->moderation.endpoint != NULL;
}

static void pass(struct call *call, struct job *job, struct generation *g)
{
    job_remove(call, job->id); /* first: it must not count as under way beside what follows */
    g->job_id = generation_line_up(call, g);
    g->updated_at = call->now;
    row_put(call, &generation_type, g);
}

/* What the model will get, and what the user wrote if that is something else. */
static str words_of(struct call *call, const struct generation *g)
{
    return g->enhanced_prompt.len == 0 ? g->prompt
                                       : str_format(call->arena, "%.*s\n\n%.*s", STR_ARG(g->prompt),
                                                    STR_ARG(g->enhanced_prompt));
}

static const void *check_ask(struct call *call, struct job *job)
{
    struct generation g;
    const struct moderation_endpoint_config *judge = catalogue_of(call)->moderation.endpoint;
    if (!row_find(call, &generation_type, (doc_id){job->about}, &g) || !generation_is_open(&g)) {
        job_remove(call, job->id);
        return NULL;
    }
    if (judge == NULL) { /* it left the configuration meanwhile */
        pass(call, job, &g);
        return NULL;
    }
    struct work *work = arena_new(call->arena, struct work);
    work->kind = WORK_CHECK;
    work->timeout = SECONDS(judge->timeout_seconds == 0 ? 10 : judge->timeout_seconds);
    work->allow_private = judge->allow_private_addresses;
    work->response_max = CHECK_ANSWER_MAX;
    work->provider = &moderation_provider;
    work->site.base_url = judge->base_url;
    work->site.key = judge->key == NULL ? (str){0} : judge->key->value;
    work->wish.model = judge->model;
    work->wish.prompt = words_of(call, &g);
    return work;
}

static void refuse(struct call *call, struct generation *g, const struct work_result *came)
{
    flag_put(call, &(struct flag){.source = FLAG_BY_PROMPT,
                                  .generation_id = g->id,
                                  .reason = utf8_cut(came->cause, 400)});
    g->is_policy = true;
    generation_end(call, g, GENERATION_FAILED, came->text);
}

/* Nobody could judge. */
static void go_without(struct call *call, struct job *job, struct generation *g,
                       const struct work_result *came)
{
    const struct moderation_endpoint_config *judge = catalogue_of(call)->moderation.endpoint;
    if (judge == NULL || judge->fail_open) {
        pass(call, job, g);
    } else if (came->failure != WORK_REFUSED && job->failures < CHECK_RETRIES_MAX) {
        job->failures++;
        span wait = job_backoff(call, job->failures);
        job_put_off(call, job,
                    instant_add(call->now, (span){MAX_OF(wait.us, came->retry_after.us)}));
    } else {
        generation_end(call, g, GENERATION_FAILED,
                       STR("What was asked for could not be checked just now. Your credits are "
                           "back; try again later."));
    }
}

static void check_answer(struct call *call, struct job *job, const void *asked, const void *result)
{
    const struct work_result *came = result;
    struct generation g;
    row_get(call, &generation_type, (doc_id){job->about}, &g);
    if (call_failed(call))
        return;
    if (came->failure == WORK_OK)
        pass(call, job, &g);
    else if (came->failure == WORK_POLICY)
        refuse(call, &g, came);
    else
        go_without(call, job, &g, came);
}

static void check_give_up(struct call *call, struct job *job, str why)
{
    struct generation g;
    job_remove(call, job->id);
    if (row_find(call, &generation_type, (doc_id){job->about}, &g) && generation_is_open(&g))
        generation_end(call, &g, GENERATION_FAILED, utf8_cut(why, 400));
}

const struct job_action checking_action = {
    .name = "generations:check",
    .ask = check_ask,
    .answer = check_answer,
    .give_up = check_give_up,
};

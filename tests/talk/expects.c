/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include "studio/assets.h"
#include "studio/generations.h"

#include <string.h>

static str shown(struct talk *talk, const struct json *value)
{
    if (value->kind == JSON_NONE)
        return STR("nothing");
    AUTO(buffer_done) struct buffer text = {0};
    json_write_canonical(&text, value);
    return str_copy(&talk->arena, utf8_cut(buffer_text(&text), 250));
}

static bool fits(struct talk *talk, const char *what, const struct json *wanted,
                 const struct json *got)
{
    if (json_fits(wanted, got))
        return true;
    return talk_fail(talk, "%s is %.*s, not %.*s", what, STR_ARG(shown(talk, got)),
                     STR_ARG(shown(talk, wanted)));
}

static bool is_number(struct talk *talk, str *rest, const char *what, size_t got)
{
    int64_t wanted;
    if (!take_number(talk, rest, &wanted))
        return false;
    return (int64_t)got == wanted ||
           talk_fail(talk, "%s: %zu, not %lld", what, got, (long long)wanted);
}

/* ---- errors ---- */

/* error CODE ["part of the text"]… */
static bool error(struct talk *talk, str *rest)
{
    str code = take_name(rest), part;
    bool is_it = talk->error_is_due && str_equal(code, str_of(error_code_name(talk->error)));
    talk->error_is_due = false;
    if (!is_it)
        return talk_fail(talk, "the error is %s: %.*s",
                         talk->error == ERROR_NONE ? "none" : error_code_name(talk->error),
                         STR_ARG(talk->error_text));
    while (str_starts(str_trim(*rest), STR("\""))) {
        if (!take_text(talk, rest, &part))
            return false;
        if (!str_contains(talk->error_text, part))
            return talk_fail(talk, "the error says \"%.*s\"", STR_ARG(talk->error_text));
    }
    return true;
}

/* error data {…}: what the wire carries beside the sentence. */
static bool error_data(struct talk *talk, str *rest)
{
    struct json wanted, got;
    struct fault fault = {0};
    if (!take_value(talk, rest, &wanted))
        return false;
    if (talk->error_data.at == NULL || !json_read(&talk->arena, talk->error_data, 0, &got, &fault))
        return talk_fail(talk, "the error has no data");
    return fits(talk, "the error's data", &wanted, &got);
}

/* ---- the caller ---- */

static bool of_user(struct talk *talk, str *rest, const char *member)
{
    struct json wanted, none = {.kind = JSON_OBJECT};
    if (!take_value(talk, rest, &wanted) ||
        !talk_call(talk, STR("users:getCurrentUser"), none, STR("_me")))
        return false;
    const struct json *me = names_find(&talk->names, STR("_me"));
    return fits(talk, member, &wanted, json_get(me, member));
}

static bool balance(struct talk *talk, str *rest)
{
    return of_user(talk, rest, "credits");
}

static bool held(struct talk *talk, str *rest)
{
    return of_user(talk, rest, "creditsHeld");
}

static bool spent(struct talk *talk, str *rest)
{
    return of_user(talk, rest, "totalCreditsUsed");
}

static bool stored(struct talk *talk, str *rest)
{
    return of_user(talk, rest, "storageUsedBytes");
}

static bool pictures(struct talk *talk, str *rest)
{
    return of_user(talk, rest, "imageCount");
}

static bool films(struct talk *talk, str *rest)
{
    return of_user(talk, rest, "videoCount");
}

/* job PATH member value [member value]… */
static bool job(struct talk *talk, str *rest)
{
    struct json id, wanted, args = {.kind = JSON_OBJECT, .count = 1};
    if (!take_value(talk, rest, &id))
        return false;
    id.key = STR("jobId");
    args.items = &id;
    if (!talk_call(talk, STR("generations:getGenerationJob"), args, STR("_job")))
        return false;
    const struct json *row = names_find(&talk->names, STR("_job"));
    while (str_trim(*rest).len != 0 && str_trim(*rest).at[0] != ',') {
        char *member = str_zero_ended(&talk->arena, take_name(rest));
        if (member[0] == 0)
            return talk_fail(talk, "job ID member value");
        if (!take_value(talk, rest, &wanted) || !fits(talk, member, &wanted, json_get(row, member)))
            return false;
    }
    return true;
}

/* ---- the house ---- */

static bool no_job_has_run(struct talk *talk, str *rest)
{
    size_t started = pretend_started(talk->house->outside, WORK_NONE);
    return started == 0 || talk_fail(talk, "%zu pieces of work were begun", started);
}

static bool jobs_left(struct talk *talk, str *rest)
{
    return is_number(talk, rest, "jobs left", house_jobs_left(talk->house));
}

static bool outputs_left(struct talk *talk, str *rest)
{
    return is_number(talk, rest, "outputs left", rows_count(talk->house, &output_type));
}

static bool files(struct talk *talk, str *rest)
{
    return is_number(talk, rest, "files", rows_count(talk->house, &file_type));
}

struct served {
    const struct json *rows;
    size_t count;
};

static void count_served(struct call *call, void *context)
{
    struct served *served = context;
    struct file file;
    for (size_t i = 0; i < served->rows->count; i++)
        served->count +=
            file_find(call, json_text(json_get(&served->rows->items[i], "storageId")), &file);
}

/* served N: files whose addresses answer. */
static bool served(struct talk *talk, str *rest)
{
    struct json rows = rows_of(talk->house, &talk->arena, &file_type);
    struct served served = {.rows = &rows};
    house_do(talk->house, count_served, &served);
    return is_number(talk, rest, "files served", served.count);
}

static bool works(struct talk *talk, str *rest)
{
    return is_number(talk, rest, "works", rows_count(talk->house, &asset_type));
}

static bool blobs(struct talk *talk, str *rest)
{
    return is_number(talk, rest, "blobs", pretend_blobs(talk->house->outside));
}

static bool under_way(struct talk *talk, str *rest)
{
    return is_number(talk, rest, "work under way", pretend_under_way(talk->house->outside));
}

static bool sketched(struct talk *talk, str *rest)
{
    return is_number(talk, rest, "sketched", pretend_started(talk->house->outside, WORK_SKETCH));
}

/* asked N: requests, each with a key of its own, or a provider would take one for another. */
static bool asked(struct talk *talk, str *rest)
{
    size_t count = pretend_started(talk->house->outside, WORK_SUBMIT);
    size_t keys = pretend_keys(talk->house->outside);
    if (keys != count)
        return talk_fail(talk, "%zu requests had %zu keys", count, keys);
    return is_number(talk, rest, "asked", count);
}

static bool seeds(struct talk *talk, str *rest)
{
    return is_number(talk, rest, "seeds", pretend_seeds(talk->house->outside));
}

static bool called_off(struct talk *talk, str *rest)
{
    return is_number(talk, rest, "called off", pretend_started(talk->house->outside, WORK_CANCEL));
}

static bool checked(struct talk *talk, str *rest)
{
    return is_number(talk, rest, "checked", pretend_started(talk->house->outside, WORK_CHECK));
}

static bool stopped(struct talk *talk, str *rest)
{
    return is_number(talk, rest, "stopped", pretend_canceled(talk->house->outside));
}

static bool crashes(struct talk *talk, str *rest)
{
    return is_number(talk, rest, "crashes", talk->house->crashes);
}

static bool ledger(struct talk *talk, str *rest)
{
    str wrong = check_ledger(talk->house, &talk->arena);
    return wrong.at == NULL || talk_fail(talk, "the ledger: %.*s", STR_ARG(wrong));
}

static bool files_there(struct talk *talk, str *rest)
{
    str wrong = check_files(talk->house, &talk->arena);
    return wrong.at == NULL || talk_fail(talk, "%.*s", STR_ARG(wrong));
}

/* last work {…}: what the outside was asked for last. */
static bool last_work(struct talk *talk, str *rest)
{
    struct json wanted, got;
    struct fault fault = {0};
    const struct pretend_seen *last = pretend_last(talk->house->outside);
    AUTO(buffer_done) struct buffer text = {0};
    buffer_format(&text,
                  "{\"seed\":%lld,\"number\":%lld,\"width\":%lld,\"height\":%lld,\"steps\":%lld,"
                  "\"duration\":%lld,\"guidance\":%g,\"prompt\":",
                  (long long)last->seed, (long long)last->number, (long long)last->width,
                  (long long)last->height, (long long)last->steps, (long long)last->duration,
                  last->guidance);
    json_write_text(&text, str_of(last->prompt));
    buffer_str(&text, STR(",\"negative\":"));
    json_write_text(&text, str_of(last->negative));
    buffer_str(&text, STR(",\"url\":"));
    json_write_text(&text, str_of(last->url));
    buffer_str(&text, STR(",\"body\":"));
    json_write_text(&text, str_of(last->body));
    buffer_char(&text, '}');
    if (!take_value(talk, rest, &wanted))
        return false;
    if (!json_read(&talk->arena, str_copy(&talk->arena, buffer_text(&text)), 0, &got, &fault))
        return talk_fail(talk, "%s", fault.text);
    return fits(talk, "the last work", &wanted, &got);
}

/* ---- watching ---- */

static bool evaluations(struct talk *talk, str *rest)
{
    uint64_t now = live_counts(talk->house->live).evaluations;
    uint64_t since = now - talk->evaluations;
    talk->evaluations = now;
    return is_number(talk, rest, "evaluations", since);
}

static bool no_evaluation(struct talk *talk, str *rest)
{
    str zero = STR("0");
    return evaluations(talk, &zero);
}

static struct talk_watch *watch_find(struct talk *talk, str name)
{
    for (size_t i = 0; i < talk->watch_count; i++)
        if (str_equal(str_of(talk->watches[i].name), name))
            return &talk->watches[i];
    return NULL;
}

/* The result as it would go over the wire, put under the watch's name. */
static bool look(struct talk *talk, struct talk_watch *watch)
{
    struct json tail;
    struct fault fault = {0};
    if (watch->seen.subscription.query == NULL)
        return talk_fail(talk, "%s ended with a crash", watch->name);
    struct live_result result = live_result(&watch->seen.subscription);
    if (result.tail == NULL)
        return talk_fail(talk, "%s has no result", watch->name);
    str text = str_format(&talk->arena, "{%.*s", STR_ARG(shared_text(result.tail)));
    if (!json_read(&talk->arena, text, 0, &tail, &fault))
        return talk_fail(talk, "%s: %s", watch->name, fault.text);
    struct json value = result.is_failure ? tail : *json_get(&tail, "value");
    names_put(&talk->names, str_of(watch->name), value);
    return true;
}

static bool look_at_all(struct talk *talk)
{
    for (size_t i = 0; i < talk->watch_count; i++)
        if (!look(talk, &talk->watches[i]))
            return false;
    return true;
}

/* NAME changed | NAME unchanged: since that was last asked. */
static bool change(struct talk *talk, str *rest, bool *is_one)
{
    str before = *rest;
    struct talk_watch *watch = watch_find(talk, take_name(rest));
    bool is_changed = watch != NULL && take(rest, "changed");
    *is_one = watch != NULL && (is_changed || take(rest, "unchanged"));
    if (!*is_one) {
        *rest = before;
        return true;
    }
    bool has_news = watch->seen.has_news;
    watch->seen.has_news = false;
    return has_news == is_changed ||
           talk_fail(talk, "%s has%s changed", watch->name, has_news ? "" : " not");
}

/* ---- values ---- */

static bool has_items(struct talk *talk, str *rest, const struct json *got)
{
    size_t count = got->kind == JSON_LIST ? got->count : 0;
    return is_number(talk, rest, "items", count);
}

static bool contains(struct talk *talk, str *rest, const struct json *got)
{
    str part;
    if (!take_text(talk, rest, &part))
        return false;
    return str_contains(got->text, part) ||
           talk_fail(talk, "it is %.*s", STR_ARG(shown(talk, got)));
}

/* PATH value | PATH has N | PATH contains "text" | PATH is PATH | PATH is not PATH */
static bool path(struct talk *talk, str *rest)
{
    struct json got, wanted;
    struct fault fault = {0};
    str before = str_trim(*rest);
    if (!loose_path(&talk->names, rest, &got, &fault))
        return talk_fail(talk, "%s", fault.text);
    const char *name = str_zero_ended(&talk->arena, str_slice(before, 0, before.len - rest->len));
    if (take(rest, "has"))
        return has_items(talk, rest, &got);
    if (take(rest, "contains"))
        return contains(talk, rest, &got);
    if (take(rest, "is not")) {
        if (!take_value(talk, rest, &wanted))
            return false;
        return !json_fits(&wanted, &got) ||
               talk_fail(talk, "%s is %.*s", name, STR_ARG(shown(talk, &got)));
    }
    take(rest, "is");
    return take_value(talk, rest, &wanted) && fits(talk, name, &wanted, &got);
}

static const struct {
    const char *words;
    bool (*run)(struct talk *talk, str *rest);
} terms[] = {
    {"error data", error_data},
    {"error", error},
    {"balance", balance},
    {"held", held},
    {"spent", spent},
    {"stored", stored},
    {"pictures", pictures},
    {"films", films},
    {"job", job},
    {"no job has run", no_job_has_run},
    {"jobs left", jobs_left},
    {"outputs left", outputs_left},
    {"files there", files_there},
    {"files", files},
    {"served", served},
    {"works", works},
    {"blobs", blobs},
    {"under way", under_way},
    {"sketched", sketched},
    {"asked", asked},
    {"seeds", seeds},
    {"called off", called_off},
    {"checked", checked},
    {"stopped", stopped},
    {"crashes", crashes},
    {"ledger sums to zero", ledger},
    {"last work", last_work},
    {"no evaluation", no_evaluation},
    {"evaluations", evaluations},
};

static bool term(struct talk *talk, str *rest)
{
    str before = *rest;
    for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
        bool is_it = take(rest, terms[i].words);
        bool is_path = rest->len != 0 && (rest->at[0] == '.' || rest->at[0] == '[');
        if (is_it && !is_path)
            return terms[i].run(talk, rest);
        *rest = before;
    }
    bool is_change;
    if (!change(talk, rest, &is_change) || is_change)
        return !talk->has_failed;
    return path(talk, rest);
}

bool expect_run(struct talk *talk, str *rest)
{
    if (!look_at_all(talk))
        return false;
    do {
        if (!term(talk, rest))
            return false;
    } while (take(rest, ","));
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include "studio/ledger.h"
#include "studio/users.h"

#include <stdio.h>
#include <string.h>

/* ---- people ---- */

static struct person *person_find(struct talk *talk, str name)
{
    for (size_t i = 0; i < talk->person_count; i++)
        if (str_equal(str_of(talk->people[i].name), name))
            return &talk->people[i];
    return NULL;
}

/* As auth/verify.c makes one from a token, without the token. */
static struct identity *identity_new(struct arena *arena, str name, instant now)
{
    struct identity *identity = memory_zeroed(sizeof(*identity));
    str subject = str_format(arena, "user_%.*s", STR_ARG(name));
    atomic_init(&identity->count, 1);
    identity->issuer = STR("http://localhost:7070");
    identity->subject = subject;
    identity->token_identifier = str_format(arena, "http://localhost:7070|%.*s", STR_ARG(subject));
    identity->email = str_format(arena, "%.*s@example.org", STR_ARG(name));
    identity->name = str_copy(arena, name);
    identity->claims = str_format(arena, "{\"sub\":\"%.*s\"}", STR_ARG(subject));
    identity->is_ours = true;
    identity->expires_at = instant_add(now, HOURS(1));
    identity->hash = hash128_bytes(subject.at, subject.len);
    return identity;
}

static struct person *person_add(struct talk *talk, str name)
{
    if (talk->person_count == PEOPLE_MAX || name.len == 0 || person_find(talk, name) != NULL) {
        talk_fail(talk, "\"%.*s\" cannot be added", STR_ARG(name));
        return NULL;
    }
    struct person *person = &talk->people[talk->person_count++];
    snprintf(person->name, sizeof(person->name), "%.*s", STR_ARG(name));
    person->identity = identity_new(&talk->arena, name, talk->house->now);
    memset(person->session, (int)talk->person_count, sizeof(person->session));
    return person;
}

static bool see(struct talk *talk, struct person *person)
{
    struct call_request request = {.path = STR("users:see"),
                                   .args = STR("{}"),
                                   .identity = person->identity,
                                   .is_internal = true};
    struct mutation *mutation = house_mutate(talk->house, &request);
    bool worked = mutation->reply.error == ERROR_NONE;
    if (!worked)
        talk_fail(talk, "users:see: %.*s", STR_ARG(mutation->reply.error_text));
    mutation_free(mutation);
    return worked;
}

/* The plan gives that many first credits, for this one account. */
static bool see_with(struct talk *talk, struct person *person, int64_t amount)
{
    struct plan_config *plan = talk->house->settings.studio.plans.items;
    credits before = plan->credits_once;
    plan->credits_once = (credits){amount};
    bool worked = see(talk, person);
    plan->credits_once = before;
    return worked;
}

static void make_admin(struct call *call, void *context)
{
    struct user user;
    const struct person *person = context;
    str key = user_external_key(call->arena, person->identity);
    row_get(call, &user_type,
            row_first(call, index_of(&user_type, "by_external_key"), KEY(key_text(key))), &user);
    user.role = ROLE_ADMIN;
    row_put(call, &user_type, &user);
}

struct moving {
    const struct person *person;
    str plan;
};

static void move_to_plan(struct call *call, void *context)
{
    struct user user;
    const struct moving *moving = context;
    str key = user_external_key(call->arena, moving->person->identity);
    row_get(call, &user_type,
            row_first(call, index_of(&user_type, "by_external_key"), KEY(key_text(key))), &user);
    user.plan_key = moving->plan;
    row_put(call, &user_type, &user);
}

static bool take_plan(struct talk *talk, str *rest, const struct person *person)
{
    struct moving moving = {person, take_name(rest)};
    if (config_plan(&talk->house->settings.studio, moving.plan) == NULL)
        return talk_fail(talk, "there is no plan \"%.*s\"", STR_ARG(moving.plan));
    house_do(talk->house, move_to_plan, &moving);
    return true;
}

/* given user alice [with 100 credits] [on plan tiny] | given stranger bob | given administrator
 * carol */
static bool given(struct talk *talk, str *rest)
{
    bool is_stranger = take(rest, "stranger");
    bool is_admin = !is_stranger && take(rest, "administrator");
    if (!is_stranger && !is_admin && !take(rest, "user"))
        return talk_fail(talk, "given a user, a stranger or an administrator");
    struct person *person = person_add(talk, take_name(rest));
    int64_t amount;
    if (person == NULL)
        return false;
    if (is_stranger)
        return true;
    if (take(rest, "with")) {
        if (!take_number(talk, rest, &amount) || !see_with(talk, person, amount))
            return false;
        take(rest, "credits");
    } else if (!see(talk, person)) {
        return false;
    }
    if (is_admin)
        house_do(talk->house, make_admin, person);
    if (take(rest, "on plan"))
        return take_plan(talk, rest, person);
    return true;
}

struct grant {
    const struct person *person;
    credits amount;
    str key;
    instant expires_at;
};

static void grant_inside(struct call *call, void *context)
{
    const struct grant *grant = context;
    str key = user_external_key(call->arena, grant->person->identity);
    doc_id user = row_first(call, index_of(&user_type, "by_external_key"), KEY(key_text(key)));
    ledger_grant(call, user, grant->amount, TRANSACTION_BONUS, grant->key, STR("A present"),
                 grant->expires_at);
}

static bool take_span(struct talk *talk, str *rest, span *out)
{
    static const struct {
        const char *one, *many;
        int64_t us;
    } units[] = {
        {"millisecond", "milliseconds", 1000},        {"second", "seconds", 1000000},
        {"minute", "minutes", INT64_C(60) * 1000000}, {"hour", "hours", INT64_C(3600) * 1000000},
        {"day", "days", INT64_C(86400) * 1000000},
    };
    int64_t count;
    if (!take_number(talk, rest, &count))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (take(rest, units[i].many) || take(rest, units[i].one)) {
            out->us = count * units[i].us;
            return true;
        }
    return talk_fail(talk, "a unit of time belongs here");
}

/* grant alice 50 credits as "key" [for 2 hours] */
static bool grant(struct talk *talk, str *rest)
{
    struct grant grant = {.person = person_find(talk, take_name(rest))};
    span lasts;
    if (grant.person == NULL)
        return talk_fail(talk, "nobody of that name is there");
    if (!take_number(talk, rest, &grant.amount.n) || !take(rest, "credits as"))
        return talk_fail(talk, "grant NAME N credits as \"key\"");
    if (!take_text(talk, rest, &grant.key))
        return false;
    if (take(rest, "for")) {
        if (!take_span(talk, rest, &lasts))
            return false;
        grant.expires_at = instant_add(talk->house->now, lasts);
    }
    house_do(talk->house, grant_inside, &grant);
    return true;
}

/* as alice | as nobody | as the program [for alice] */
static bool as(struct talk *talk, str *rest)
{
    talk->is_program = take(rest, "the program");
    talk->who = NULL;
    if (talk->is_program && !take(rest, "for"))
        return true;
    if (take(rest, "nobody"))
        return true;
    str name = take_name(rest);
    talk->who = person_find(talk, name);
    return talk->who != NULL || talk_fail(talk, "\"%.*s\" is not there", STR_ARG(name));
}

/* ---- calls ---- */

static str canonical(struct talk *talk, const struct json *value)
{
    AUTO(buffer_done) struct buffer text = {0};
    json_write_canonical(&text, value);
    return str_copy(&talk->arena, buffer_text(&text));
}

static bool keep_value(struct talk *talk, str name, str text)
{
    struct json value;
    struct fault fault = {0};
    if (!json_read(&talk->arena, str_copy(&talk->arena, text), 0, &value, &fault))
        return talk_fail(talk, "the answer is not JSON: %s", fault.text);
    if (names_put(&talk->names, name, value))
        return true;
    return talk_fail(talk, "\"%.*s\" cannot be a name here", STR_ARG(name));
}

bool talk_keep_reply(struct talk *talk, const struct call_reply *reply, str name)
{
    talk->error = reply->error;
    talk->error_is_due = reply->error != ERROR_NONE;
    talk->error_text = str_copy(&talk->arena, reply->error_text);
    talk->error_data =
        reply->error_data.at == NULL ? (str){0} : str_copy(&talk->arena, reply->error_data);
    if (reply->error != ERROR_NONE)
        return true;
    return keep_value(talk, STR("result"), reply->value) && keep_value(talk, name, reply->value);
}

static struct mutation *send(struct talk *talk, const struct call_request *request)
{
    struct mutation *mutation = house_send(talk->house, request);
    if (talk->who != NULL && !talk->is_program) {
        mutation->has_session = true;
        mutation->number = talk->who->number;
        memcpy(mutation->session, talk->who->session, sizeof(mutation->session));
    }
    return mutation;
}

static bool mutate(struct talk *talk, str name)
{
    struct mutation *mutation = send(talk, &talk->request);
    house_commit(talk->house);
    if (!mutation_is_back(mutation))
        return talk_fail(talk, "no answer came");
    const struct function *function =
        function_find(&talk->house->program, function_path(&talk->arena, talk->request.path));
    if (mutation->reply.error == ERROR_NONE && function != NULL && talk->house->on_reply != NULL)
        talk->house->on_reply(talk->house->context, function, mutation->reply.value);
    bool worked = talk_keep_reply(talk, &mutation->reply, name);
    mutation_free(mutation);
    return worked;
}

static bool query(struct talk *talk, str name)
{
    AUTO(arena_done) struct arena arena = {0};
    struct call_reply reply;
    house_query(talk->house, &talk->request, &arena, &reply);
    return talk_keep_reply(talk, &reply, name);
}

bool talk_call(struct talk *talk, str path, struct json args, str name)
{
    const struct function *function =
        function_find(&talk->house->program, function_path(&talk->arena, path));
    talk->request = (struct call_request){
        .path = str_copy(&talk->arena, path),
        .args = canonical(talk, &args),
        .identity = talk->who == NULL ? NULL : talk->who->identity,
        .is_internal = talk->is_program,
    };
    if (function != NULL && function->kind == FUNCTION_ACTION)
        return talk_act(talk, name);
    if (function == NULL || function->kind != FUNCTION_MUTATION)
        return query(talk, name);
    if (talk->who != NULL)
        talk->who->number++;
    if (!talk->is_together)
        return mutate(talk, name);
    if (talk->together_count == TOGETHER_MAX)
        return talk_fail(talk, "too much together");
    talk->together[talk->together_count++] =
        (struct pending_call){send(talk, &talk->request), str_copy(&talk->arena, name)};
    return true;
}

/* call NAME [{args}] [-> name] */
static bool call(struct talk *talk, str *rest)
{
    struct json args = {.kind = JSON_OBJECT};
    str path = take_name(rest);
    str before = *rest;
    str name = STR("result");
    if (str_trim(before).len != 0 && !take(rest, "->") && !take_value(talk, rest, &args))
        return false;
    if (take(&before, "->"))
        name = take_name(rest);
    else if (take(rest, "->"))
        name = take_name(rest);
    return talk_call(talk, path, args, name);
}

/* again [-> name]: the same request of the same session, as a client sends it after a dropped
 * connection. */
static bool again(struct talk *talk, str *rest)
{
    return mutate(talk, take(rest, "->") ? take_name(rest) : STR("result"));
}

static bool together(struct talk *talk, str *rest)
{
    talk->is_together = true;
    talk->together_count = 0;
    return true;
}

/* What failed is kept as {error: {code, message}}: the others may have worked. */
static bool keep_together(struct talk *talk, const struct pending_call *pending)
{
    const struct call_reply *reply = &pending->mutation->reply;
    if (reply->error == ERROR_NONE)
        return keep_value(talk, pending->name, reply->value);
    AUTO(buffer_done) struct buffer text = {0};
    buffer_format(&text, "{\"error\":{\"code\":\"%s\",\"message\":", error_code_name(reply->error));
    json_write_text(&text, reply->error_text);
    buffer_str(&text, STR("}}"));
    return keep_value(talk, pending->name, buffer_text(&text));
}

bool together_end(struct talk *talk)
{
    talk->is_together = false;
    house_commit(talk->house);
    for (size_t i = 0; i < talk->together_count; i++) {
        struct pending_call *pending = &talk->together[i];
        if (!mutation_is_back(pending->mutation))
            return talk_fail(talk, "no answer came");
        if (!keep_together(talk, pending))
            return false;
        mutation_free(pending->mutation);
        pending->mutation = NULL;
    }
    talk->together_count = 0;
    return true;
}

/* ---- watching ---- */

/* watch NAME [{args}] -> name */
static bool watch(struct talk *talk, str *rest)
{
    struct json args = {.kind = JSON_OBJECT};
    str path = take_name(rest);
    if (!take(rest, "->") && (!take_value(talk, rest, &args) || !take(rest, "->")))
        return talk_fail(talk, "watch FUNCTION {arguments} -> name");
    if (talk->watch_count == WATCHES_MAX)
        return talk_fail(talk, "too many watches");
    struct talk_watch *watch = &talk->watches[talk->watch_count++];
    str name = take_name(rest);
    snprintf(watch->name, sizeof(watch->name), "%.*s", STR_ARG(name));
    struct call_request request = {
        .path = path,
        .args = canonical(talk, &args),
        .identity = talk->who == NULL ? NULL : talk->who->identity,
        .journal = STR(""),
    };
    house_watch(talk->house, &watch->seen, &request);
    return true;
}

/* A new token for the same person: all that was asked is asked with it (serve/sync.c does not even
 * do that). */
static bool refresh(struct talk *talk, str *rest)
{
    struct person *person = talk->who;
    if (person == NULL)
        return talk_fail(talk, "nobody is speaking");
    struct identity *fresh = identity_new(&talk->arena, str_of(person->name), talk->house->now);
    identity_drop(person->identity);
    person->identity = fresh;
    return true;
}

/* ---- time and the outside ---- */

static bool after(struct talk *talk, str *rest)
{
    span time;
    if (!take_span(talk, rest, &time))
        return false;
    house_pass(talk->house, time);
    return true;
}

static bool kill_now(struct talk *talk, str *rest)
{
    if (!take(rest, "and restart"))
        return talk_fail(talk, "kill and restart");
    house_crash(talk->house);
    talk->watch_count = 0;
    talk->evaluations = 0;
    return true;
}

/* drop provider NAME and restart: the operator took it out of the configuration. */
static bool drop(struct talk *talk, str *rest)
{
    struct list *providers = &talk->house->settings.studio.providers;
    struct provider_config *all = providers->items;
    str name = take_name(rest);
    size_t kept = 0;
    for (size_t i = 0; i < providers->count; i++)
        if (!str_equal(all[i].id, name))
            all[kept++] = all[i];
    if (kept == providers->count || !take(rest, "and restart"))
        return talk_fail(talk, "drop provider NAME and restart");
    providers->count = kept;
    house_crash(talk->house);
    talk->watch_count = 0;
    return true;
}

/* prompts are checked, or made unchecked | given up (when nobody can judge) */
static bool prompts(struct talk *talk, str *rest)
{
    struct house *house = talk->house;
    struct moderation_endpoint_config *judge =
        arena_new(&house->arena, struct moderation_endpoint_config);
    *judge = (struct moderation_endpoint_config){.base_url = STR("http://127.0.0.1:9"),
                                                 .timeout_seconds = 5,
                                                 .allow_private_addresses = true};
    if (!take(rest, "are checked, or"))
        return talk_fail(talk, "prompts are checked, or given up | made unchecked");
    judge->fail_open = take(rest, "made unchecked");
    if (!judge->fail_open && !take(rest, "given up"))
        return talk_fail(talk, "prompts are checked, or given up | made unchecked");
    house->settings.studio.moderation.endpoint = judge;
    return true;
}

static bool take_kind(str *rest, enum work_kind *out)
{
    static const char *const names[] = {
        [WORK_SUBMIT] = "asking",   [WORK_POLL] = "polling",       [WORK_CANCEL] = "stopping",
        [WORK_FETCH] = "fetching",  [WORK_SKETCH] = "sketching",   [WORK_DERIVE] = "looking",
        [WORK_RESIZE] = "resizing", [WORK_PREVIEW] = "previewing", [WORK_REMOVE_BLOB] = "removing",
        [WORK_CHECK] = "checking",  [WORK_STAMP] = "stamping"};
    for (size_t i = 1; i < ARRAY_LEN(names); i++)
        if (take(rest, names[i])) {
            *out = (enum work_kind)i;
            return true;
        }
    return false;
}

/* outside [KIND] works | fails [N times] | refuses | breaks | hangs | is silent | lies ["text"]
 * [for SPAN]: a provider that says when to come again. */
static bool behave(struct talk *talk, str *rest)
{
    static const struct {
        const char *word;
        enum pretend_way way;
    } ways[] = {
        {"works", PRETEND_WELL},          {"fails", PRETEND_FAILS},     {"loses", PRETEND_LOSES},
        {"refuses", PRETEND_REFUSES},     {"breaks", PRETEND_BREAKS},   {"hangs", PRETEND_HANGS},
        {"is silent", PRETEND_IS_SILENT}, {"crashes", PRETEND_CRASHES}, {"lies", PRETEND_LIES}};
    struct pretend_manner manner = {0};
    enum work_kind kind = WORK_NONE;
    take_kind(rest, &kind);
    size_t at = 0;
    while (at < ARRAY_LEN(ways) && !take(rest, ways[at].word))
        at++;
    if (at == ARRAY_LEN(ways))
        return talk_fail(talk, "the outside cannot do that");
    manner.way = ways[at].way;
    if (take(rest, "once"))
        manner.times = 1;
    str text = str_trim(*rest);
    bool counts = text.len != 0 && text.at[0] >= '0' && text.at[0] <= '9';
    if (counts && manner.times == 0) {
        if (!take_number(talk, rest, &manner.times) || !take(rest, "times"))
            return talk_fail(talk, "how many times?");
        text = str_trim(*rest);
    }
    if (str_starts(text, STR("\"")) && !take_text(talk, rest, &manner.text))
        return false;
    if (take(rest, "for") && !take_span(talk, rest, &manner.retry_after))
        return false;
    pretend_behave(talk->house->outside, kind, manner);
    return true;
}

/* How much of it there is: time, looks at a job, bytes. False: it is something else. */
static bool outside_measure(struct talk *talk, str *rest, bool *is_well)
{
    struct pretend *pretend = talk->house->outside;
    span takes;
    int64_t number;
    if (take(rest, "takes")) {
        *is_well = take_span(talk, rest, &takes);
        if (*is_well)
            pretend_take(pretend, takes);
    } else if (take(rest, "needs")) {
        *is_well = take_number(talk, rest, &number) && take(rest, "polls");
        if (*is_well)
            pretend_take_polls(pretend, number);
    } else if (take(rest, "makes files of")) {
        *is_well = take_number(talk, rest, &number) && take(rest, "bytes");
        if (*is_well)
            pretend_weigh(pretend, number);
    } else {
        return false;
    }
    return true;
}

static bool outside(struct talk *talk, str *rest)
{
    struct pretend *pretend = talk->house->outside;
    struct json value;
    int64_t number;
    str text;
    bool is_well = true;
    if (outside_measure(talk, rest, &is_well)) {
        return is_well || talk_fail(talk, "how much?");
    } else if (take(rest, "answers late")) {
        pretend_answer_late(pretend);
    } else if (take(rest, "answers")) {
        if (!take_number(talk, rest, &number) || !take_text(talk, rest, &text))
            return false;
        pretend_answer(pretend, (int)number, text);
    } else if (take(rest, "sends")) {
        if (!take_number(talk, rest, &number))
            return false;
        pretend_send(pretend, number, take(rest, "addresses"));
    } else if (take(rest, "says")) {
        if (!take_value(talk, rest, &value))
            return false;
        pretend_tell_progress(pretend,
                              value.kind == JSON_INT ? (double)value.integer : value.number);
        talk->house->runner_is_woken = true;
    } else {
        return behave(talk, rest);
    }
    return true;
}

/* ---- a line ---- */

bool verb_run(struct talk *talk, str line)
{
    static const struct {
        const char *word;
        bool (*run)(struct talk *talk, str *rest);
    } verbs[] = {
        {"given", given},
        {"grant", grant},
        {"as", as},
        {"stripe", talk_stripe},
        {"prompts", prompts},
        {"polar", talk_polar},
        {"call", call},
        {"again", again},
        {"together", together},
        {"watch", watch},
        {"refresh token", refresh},
        {"after", after},
        {"kill", kill_now},
        {"drop provider", drop},
        {"outside", outside},
        {"expect", expect_run},
        {"the file says", talk_file},
        {"bytes", talk_bytes},
    };
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        str rest = line;
        if (take(&rest, verbs[i].word))
            return verbs[i].run(talk, &rest) && line_is_over(talk, &rest);
    }
    return talk_fail(talk, "not understood: \"%.*s\"", STR_ARG(str_trim(line)));
}

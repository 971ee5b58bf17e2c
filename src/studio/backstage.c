/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/backstage.h"

#include "studio/attempts.h"
#include "studio/catalogue.h"
#include "studio/ledger.h"
#include "studio/studio.h"
#include "studio/users.h"

/* ---- results ---- */

#define ROW struct standing
static const struct field standing_fields[] = {
    REF(job_id, &generation_type),
    CHOICE(status, generation_status_names),
    CREDITS(credits_used),
    CREDITS(credits_refunded),
};
#undef ROW
const struct shape standing_shape = {
    .name = "standing", .size = sizeof(struct standing), FIELDS(standing_fields)};

struct owner {
    doc_id id;
    str clerk_id, email, name, plan;
    credits credits;
    int64_t storage_used_bytes, storage_quota_bytes;
};
#define ROW struct owner
static const struct field owner_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &user_type, .wire = "_id"),
    TEXT(clerk_id),
    TEXT(email),
    TEXT(name),
    TEXT(plan),
    CREDITS(credits),
    INT(storage_used_bytes, .unit = "bytes"),
    INT(storage_quota_bytes, .unit = "bytes", .about = "0: no limit."),
};
#undef ROW
static const struct shape owner_shape = {
    .name = "owner", .size = sizeof(struct owner), FIELDS(owner_fields)};

/* ---- arguments ---- */

struct job_args {
    doc_id job_id;
};
#define ROW struct job_args
static const struct field job_args_fields[] = {REF(job_id, &generation_type)};
#undef ROW
#define get_job_args job_args
#define get_job_fields job_args_fields
#define process_args job_args
#define process_fields job_args_fields
#define count_retries_args job_args
#define count_retries_fields job_args_fields

struct complete_args {
    doc_id job_id;
    struct list image_ids;
    struct maybe_int processing_time_ms;
};
static const struct field image_id_item = ITEM_REF(&asset_type);
#define ROW struct complete_args
static const struct field complete_fields[] = {
    REF(job_id, &generation_type),
    MAYBE_LIST(image_ids, &image_id_item, .max = 8,
               .about = "Not believed: the job knows its own."),
    MAYBE_INT(processing_time_ms, .min = 0, .max = INT64_C(1) << 40, .unit = "ms"),
};
#undef ROW

struct fail_args {
    doc_id job_id;
    str error;
    struct maybe_bool refund_credits;
};
#define ROW struct fail_args
static const struct field fail_fields[] = {
    REF(job_id, &generation_type),
    TEXT(error, .min = 1, .max = 400, .about = "For the user."),
    MAYBE_BOOL(refund_credits, .about = "What was not made is never charged, whatever this says."),
};
#undef ROW

struct set_job_args {
    doc_id job_id;
    enum generation_status status;
    str error;
};
#define ROW struct set_job_args
static const struct field set_job_fields[] = {
    REF(job_id, &generation_type),
    CHOICE(status, generation_status_names),
    MAYBE_TEXT(error, .max = 400),
};
#undef ROW

struct user_args {
    doc_id user_id;
};
#define ROW struct user_args
static const struct field user_args_fields[] = {REF(user_id, &user_type)};
#undef ROW
#define get_user_args user_args
#define get_user_fields user_args_fields

struct count_bytes_args {
    doc_id user_id;
    struct maybe_int bytes_added;
};
#define ROW struct count_bytes_args
static const struct field count_bytes_fields[] = {
    REF(user_id, &user_type),
    MAYBE_INT(bytes_added, .about = "Not believed: files count themselves."),
};
#undef ROW

BACKEND_FUNCTION(complete, struct standing)
BACKEND_FUNCTION(fail, struct standing)
BACKEND_FUNCTION(set_job, struct standing)
BACKEND_FUNCTION(get_job, void *)
BACKEND_FUNCTION(process, struct standing)
BACKEND_ANSWER(process, struct standing)
BACKEND_FUNCTION(count_retries, int64_t)
BACKEND_FUNCTION(get_user, struct owner *)
BACKEND_FUNCTION(count_bytes, int64_t)

const struct function backstage_functions[] = {
    MUTATION("generations:completeGeneration", complete, .caller = INTERNAL,
             .returns = RETURNS_STANDING,
             .about = "Makes us look at once: a job is completed by its own pictures only, and "
                      "charged for them. STATE when it failed or was canceled."),
    MUTATION("generations:failGeneration", fail, .caller = INTERNAL, .returns = RETURNS_STANDING,
             .about =
                 "Ends a job as failed and gives back what was not made. Again: nothing; STATE "
                 "when it ended otherwise."),
    MUTATION("generations:updateJobStatus", set_job, .caller = INTERNAL,
             .returns = RETURNS_STANDING,
             .about = "failed and canceled end a job that is open, once; the others make us look "
                      "at once. STATE when it ended otherwise."),
    QUERY("generations:getGenerationJobInternal", get_job, .caller = INTERNAL,
          .returns = RETURNS_MAYBE(&generation_wire_shape), .about = "Anybody's job, or null."),
    QUERY("generations:incrementRetryCount", count_retries, .caller = INTERNAL,
          .returns = RETURNS_INT,
          .about = "How often it was tried again. Tries count themselves; this changes nothing."),
    QUERY("generations:getUserInternal", get_user, .caller = INTERNAL,
          .returns = RETURNS_MAYBE(&owner_shape), .about = "A user as jobs need them, or null."),
    QUERY("generations:updateStorageUsage", count_bytes, .caller = INTERNAL, .returns = RETURNS_INT,
          .about = "The bytes that a user has stored. Files count themselves; this changes "
                   "nothing."),
    ACTION("generationActions:processGeneration", process, .caller = INTERNAL,
           .answer = process_answered_door, .returns = RETURNS_STANDING,
           .about = "Makes us look at once: a job begins and goes on by itself."),
};
const size_t backstage_function_count = ARRAY_LEN(backstage_functions);

/* ---- functions ---- */

static struct standing standing_of(const struct generation *g)
{
    return (struct standing){
        g->id, g->status, {g->credits_cost.n - g->credits_refunded.n}, g->credits_refunded};
}

void backstage_bring(struct call *call, doc_id id, enum generation_status status, str error,
                     struct standing *result)
{
    struct generation g;
    row_get(call, &generation_type, id, &g);
    bool is_open = generation_is_open(&g);
    bool is_news = status == GENERATION_PENDING || status == GENERATION_PROCESSING ||
                   status == GENERATION_UPLOADING;
    REQUIRE(call, is_open || is_news || g.status == status, STATE,
            "This job has ended already: it is %s.", generation_status_names[g.status]);
    if (is_open && (status == GENERATION_FAILED || status == GENERATION_CANCELED))
        generation_end(call, &g, status,
                       status == GENERATION_CANCELED ? (str){0}
                       : error.len == 0              ? STR("Nothing was made.")
                                                     : error);
    else if (is_open)
        generation_look(call, &g);
    *result = standing_of(&g);
}

static void complete(struct call *call, const struct complete_args *args, struct standing *result)
{
    backstage_bring(call, args->job_id, GENERATION_COMPLETED, (str){0}, result);
}

static void fail(struct call *call, const struct fail_args *args, struct standing *result)
{
    backstage_bring(call, args->job_id, GENERATION_FAILED, args->error, result);
}

static void set_job(struct call *call, const struct set_job_args *args, struct standing *result)
{
    backstage_bring(call, args->job_id, args->status, args->error, result);
}

static void get_job(struct call *call, const struct job_args *args, void **result)
{
    struct generation g;
    if (row_find(call, &generation_type, args->job_id, &g))
        *result = generation_wire(call, &g);
}

static void process(struct call *call, const struct job_args *args, struct standing *result)
{
    backstage_bring(call, args->job_id, GENERATION_PROCESSING, (str){0}, result);
}

static void process_answered(struct call *call, const struct job_args *args,
                             const struct call_answer *answer, struct standing *result)
{
    process(call, args, result);
}

static void count_retries(struct call *call, const struct job_args *args, int64_t *result)
{
    struct generation g;
    row_get(call, &generation_type, args->job_id, &g);
    *result = MAX_OF(attempt_count(call, g.id) - 1, (int64_t)0);
}

static void get_user(struct call *call, const struct user_args *args, struct owner **result)
{
    struct user user;
    if (!row_find(call, &user_type, args->user_id, &user))
        return;
    const struct plan_config *plan = config_plan(catalogue_of(call), user.plan_key);
    *result = arena_new(call->arena, struct owner);
    **result = (struct owner){
        .id = user.id,
        .clerk_id = user.clerk_id,
        .email = user.email,
        .name = user.name,
        .plan = user_wire_plan(call, user.plan_key),
        .credits = ledger_balance(call, user.id).credits,
        .storage_used_bytes = storage_meter_of(call, user.id).sums.bytes,
        .storage_quota_bytes = plan == NULL ? 0 : plan->storage_bytes,
    };
}

static void count_bytes(struct call *call, const struct count_bytes_args *args, int64_t *result)
{
    struct user user;
    row_get(call, &user_type, args->user_id, &user);
    *result = storage_meter_of(call, user.id).sums.bytes;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/upload.h"

#include "base/log.h"
#include "serve/route.h"
#include "serve/upload_kinds.h"
#include "serve/upload_sweep.h"
#include "json/json.h"

#include <string.h>

struct uploads {
    struct front *front;
    struct keepers *keepers;
    struct queue *wake; /* signalled by the keepers */
    struct intake *first;
    size_t count;
    struct loop_timer sweep_timer;
};

/* ---- answers ---- */

void upload_answer_failure(struct exchange *exchange, const struct upload_failure *failure,
                           int64_t retry_after)
{
    struct http_header headers[CORS_HEADERS_MAX + 4];
    size_t count = cors_headers(exchange, headers);
    headers[count++] = (struct http_header){STR("Content-Type"), STR("application/json")};
    headers[count++] = (struct http_header){STR("Cache-Control"), STR("no-store")};
    headers[count++] = (struct http_header){STR("Tus-Resumable"), STR("1.0.0")};
    if (retry_after == 0 && failure->status == 503)
        retry_after = 2;
    if (retry_after > 0)
        headers[count++] =
            (struct http_header){STR("Retry-After"), str_format(exchange_arena(exchange), "%lld",
                                                                (long long)retry_after)};
    AUTO(buffer_done) struct buffer body = buffer_with_max(KIB(8));
    str text = utf8_cut(str_of(failure->text), sizeof(failure->text));
    buffer_str(&body, STR("{\"error\":"));
    json_write_text(&body, text);
    buffer_format(&body, ",\"code\":\"%s\",\"message\":", failure->code);
    json_write_text(&body, text);
    buffer_char(&body, '}');
    http_answer(exchange, failure->status, headers, count, buffer_text(&body));
}

void upload_refuse(struct exchange *exchange, int status, const char *code, const char *text)
{
    struct upload_failure failure = {0};
    upload_fail(&failure, status, code, "%s", text);
    upload_answer_failure(exchange, &failure, 0);
}

static int status_of(enum error_code error)
{
    switch (error) {
    case AUTH:
        return 401;
    case FORBIDDEN:
        return 403;
    case NOT_FOUND:
        return 404;
    case QUOTA:
        return 413;
    case RATE_LIMIT:
        return 429;
    case STATE:
        return 409;
    case ARGUMENT:
    case APPLICATION:
        return 400;
    case TRANSIENT:
    case OVERLOAD:
        return 503;
    default:
        return 500;
    }
}

int64_t upload_failure_of(const struct call_reply *reply, struct upload_failure *out)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json data = {0};
    str text = {0};
    if (reply->error_data.len != 0 && json_read(&arena, reply->error_data, 0, &data, NULL))
        text = json_text(json_get(&data, "message"));
    int status = status_of(reply->error);
    if (text.len == 0)
        text = status >= 500 ? STR("The server is busy. Try again in a moment.")
                             : STR("This upload cannot be taken.");
    *out = (struct upload_failure){0};
    upload_fail(out, status, error_code_name(reply->error), "%.*s",
                STR_ARG(utf8_cut(text, sizeof(out->text) - 1)));
    return json_int(json_get(&data, "retryAfter"), 0);
}

bool upload_identity(struct front *front, struct exchange *exchange,
                     const struct http_request *request, struct identity **out)
{
    str header = str_trim(http_header(request, "Authorization"));
    struct auth_failure failure;
    str scheme;
    *out = NULL;
    str_split(&header, ' ', &scheme);
    if (!str_equal_nocase(scheme, STR("Bearer"))) {
        upload_refuse(exchange, 401, "AUTH", "Sign in to upload files.");
        return false;
    }
    *out = verifier_check(front->options.verifier, str_trim(header), front_now(), &failure);
    if (*out != NULL)
        return true;
    upload_refuse(exchange, failure.kind == AUTH_KEYS_NOT_YET ? 503 : 401, failure.code,
                  failure.text);
    return false;
}

/* ---- intakes ---- */

/* It is answered, and nothing that others could see is done any more. */
static bool is_through(const struct intake *intake)
{
    return intake->is_dropping && !intake->is_cut;
}

static size_t count_of(const struct uploads *uploads, struct hash128 who)
{
    size_t count = 0;
    for (const struct intake *at = uploads->first; at != NULL; at = at->next)
        count += at->who.a == who.a && at->who.b == who.b && !is_through(at);
    return count;
}

#define TOO_MANY "Ten of your files are on their way at once already. Wait for one of them."

struct hash128 intake_who(doc_id user)
{
    return (struct hash128){(uint64_t)user.n, 0};
}

bool intake_admit(struct intake *intake, doc_id user)
{
    intake->who = intake_who(user);
    if (count_of(intake->front->uploads, intake->who) <= UPLOADS_OF_ONE_MAX)
        return true;
    upload_fail(&intake->failure, 429, "RATE_LIMIT", TOO_MANY);
    intake_refuse(intake);
    return false;
}

static void intake_free(struct intake *intake)
{
    struct uploads *uploads = intake->front->uploads;
    if (intake->exchange != NULL) /* the server stops */
        upload_refuse(take_pointer(&intake->exchange), 503, "OVERLOAD",
                      "The server is stopping. Try again in a moment.");
    if (intake->kind->done != NULL)
        intake->kind->done(intake);
    if (intake->previous != NULL)
        intake->previous->next = intake->next;
    else
        uploads->first = intake->next;
    if (intake->next != NULL)
        intake->next->previous = intake->previous;
    uploads->count--;
    buffer_done(&intake->pieces[0]);
    buffer_done(&intake->pieces[1]);
    identity_drop(intake->identity);
    arena_done(&intake->arena);
    free(intake);
}

static void drop_intake(struct keeping *keeping)
{
    struct intake *intake = (struct intake *)keeping;
    intake->kind->drop(intake);
    intake_free(intake);
}

struct intake *intake_new(struct front *front, struct exchange *exchange,
                          const struct intake_kind *kind, struct hash128 who)
{
    struct uploads *uploads = front->uploads;
    int64_t announced = exchange_request(exchange)->body_len;
    size_t piece = announced >= UPLOAD_LARGE ? UPLOAD_LARGE_PIECE : UPLOAD_PIECE;
    if (uploads->count >= UPLOADS_OF_SERVER_MAX || !exchange_hold(exchange, 2 * piece)) {
        upload_refuse(exchange, 503, "OVERLOAD",
                      "Too many files are on their way just now. Try again in a moment.");
        return NULL;
    }
    if (count_of(uploads, who) >= UPLOADS_OF_ONE_MAX) {
        upload_refuse(exchange, 429, "RATE_LIMIT", TOO_MANY);
        return NULL;
    }
    struct intake *intake = memory_zeroed(sizeof(*intake));
    *intake = (struct intake){
        .keeping = {.drop = drop_intake},
        .next = uploads->first,
        .front = front,
        .exchange = exchange,
        .kind = kind,
        .who = who,
        .announced = announced,
        .piece = piece,
        .pieces = {buffer_with_max(4 * piece), buffer_with_max(4 * piece)},
    };
    if (intake->next != NULL)
        intake->next->previous = intake;
    uploads->first = intake;
    uploads->count++;
    return intake;
}

/* ---- to the keepers ---- */

static void run_piece(struct keeping *keeping, struct random *random)
{
    struct intake *intake = (struct intake *)keeping;
    str piece = buffer_text(&intake->pieces[intake->given]);
    bool is_well = intake->failure.status == 0 &&
                   (piece.len == 0 || intake->kind->write(intake, random, piece));
    if (is_well && intake->is_last)
        intake->kind->end(intake, random);
}

static void run_drop(struct keeping *keeping, struct random *random)
{
    struct intake *intake = (struct intake *)keeping;
    intake->kind->drop(intake);
}

static void give(struct intake *intake, void (*run)(struct keeping *, struct random *))
{
    intake->is_busy = true;
    intake->keeping.run = run;
    keepers_put(intake->front->uploads->keepers, &intake->keeping);
}

static void give_piece(struct intake *intake)
{
    intake->given = intake->filling;
    intake->filling ^= 1;
    intake->is_last = intake->has_ended && intake->pieces[intake->filling].len == 0;
    give(intake, run_piece);
}

/* What is left of it is removed; then it is no more. */
static void drop_rest(struct intake *intake)
{
    intake->is_dropping = true;
    if (intake->is_busy)
        return;
    if (intake->kind->has_rest(intake))
        give(intake, run_drop);
    else
        intake_free(intake);
}

static void cut_answer(struct intake *intake, int status)
{
    if (intake->exchange == NULL)
        return;
    if (status == 413)
        upload_refuse(take_pointer(&intake->exchange), 413, "TOO_LARGE",
                      "This is more than your plan takes.");
    else if (status == 503)
        upload_refuse(take_pointer(&intake->exchange), 503, "OVERLOAD",
                      "The server is busy. Try again in a moment.");
    else
        upload_refuse(take_pointer(&intake->exchange), status == 0 ? 400 : status, "CUT_OFF",
                      "The upload was cut off before its end.");
}

/* What to do next, when no keeper has it. */
static void go_on(struct intake *intake)
{
    struct buffer *next = &intake->pieces[intake->filling];
    if (intake->failure.status != 0) {
        intake_refuse(intake);
    } else if (intake->is_cut) {
        if (intake->kind->keeps_parts && next->len > 0)
            give_piece(intake);
        else
            drop_rest(intake);
    } else if (intake->is_last) {
        intake->kind->then(intake);
    } else {
        if (next->len >= intake->piece || intake->has_ended)
            give_piece(intake);
        if (intake->is_paused) {
            intake->is_paused = false;
            exchange_go_on(intake->exchange);
        }
    }
}

static void take_back(struct intake *intake)
{
    bool was_dropped = intake->keeping.run == run_drop;
    intake->is_busy = false;
    if (!was_dropped)
        buffer_clear(&intake->pieces[intake->given]);
    if (was_dropped)
        intake_free(intake);
    else if (intake->is_dropping)
        drop_rest(intake);
    else
        go_on(intake);
}

static void on_kept(void *context, uint32_t events)
{
    struct uploads *uploads = context;
    void *none;
    queue_take(uploads->wake, &none, 0); /* clears the signal */
    for (struct keeping *keeping; (keeping = keepers_take(uploads->keepers)) != NULL;)
        if (keeping->drop == drop_intake)
            take_back((struct intake *)keeping);
        else
            keeping->drop(keeping);
}

/* ---- the body ---- */

static bool on_take(void *context, str part)
{
    struct intake *intake = context;
    struct buffer *piece = &intake->pieces[intake->filling];
    if (piece->len == 0) {
        int64_t full = (int64_t)(intake->piece + KIB(64));
        int64_t most = intake->announced < 0 ? full : intake->announced;
        buffer_reserve(piece, (size_t)MIN_OF(most, full));
    }
    buffer_str(piece, part);
    if (piece->len < intake->piece)
        return true;
    if (!intake->is_busy) {
        give_piece(intake);
        return true;
    }
    intake->is_paused = true;
    return false;
}

static void on_end(void *context)
{
    struct intake *intake = context;
    intake->has_ended = true;
    if (!intake->is_busy)
        give_piece(intake);
}

static void on_cut(void *context, int status)
{
    struct intake *intake = context;
    intake->is_cut = true;
    cut_answer(intake, status);
    if (!intake->is_busy)
        go_on(intake);
}

void intake_begin(struct intake *intake, int64_t max)
{
    static const struct http_intake handlers = {.take = on_take, .end = on_end, .cut = on_cut};
    if (exchange_stream(intake->exchange, &handlers, intake, max))
        return;
    intake->is_cut = true;
    cut_answer(intake, 408);
    drop_rest(intake);
}

void intake_begin_empty(struct intake *intake)
{
    intake->has_ended = true;
    give_piece(intake);
}

struct intake *intake_find(struct front *front, str key)
{
    struct intake *at = front->uploads->first;
    while (at != NULL && (!str_equal(at->key, key) || is_through(at)))
        at = at->next;
    return at;
}

void intake_stop(struct intake *intake)
{
    if (intake->is_out || intake->is_dropping || intake->is_cut)
        return;
    intake->is_cut = true;
    cut_answer(intake, 409);
    if (!intake->is_busy)
        go_on(intake);
}

/* ---- ends ---- */

void intake_answer(struct intake *intake, int status, const struct http_header *headers,
                   size_t count, str body)
{
    if (intake->exchange != NULL)
        http_answer(take_pointer(&intake->exchange), status, headers, count, body);
    drop_rest(intake);
}

void intake_refuse(struct intake *intake)
{
    if (intake->exchange != NULL)
        upload_answer_failure(take_pointer(&intake->exchange), &intake->failure, 0);
    drop_rest(intake);
}

void intake_refuse_reply(struct intake *intake, const struct call_reply *reply)
{
    struct upload_failure failure;
    int64_t retry_after = upload_failure_of(reply, &failure);
    if (intake->exchange != NULL)
        upload_answer_failure(take_pointer(&intake->exchange), &failure, retry_after);
    drop_rest(intake);
}

static void on_mutated(void *owner, struct mutation *mutation)
{
    struct intake *intake = owner;
    intake->is_out = false;
    intake->mutated(intake, mutation);
}

void intake_mutate(struct intake *intake, const char *path, str args,
                   void (*done)(void *intake, struct mutation *mutation))
{
    struct mutation *mutation = mutation_new();
    mutation->request = (struct call_request){
        .path = str_of(path),
        .args = str_copy(&mutation->arena, args),
        .identity = identity_keep(intake->identity),
        .is_internal = true,
    };
    mutation->done = on_mutated;
    mutation->owner = intake;
    intake->mutated = done;
    intake->is_out = front_mutate(intake->front, mutation);
    if (intake->is_out)
        return;
    mutation_free(mutation);
    upload_fail(&intake->failure, 503, "OVERLOAD", "The server is busy. Try again in a moment.");
    intake_refuse(intake);
}

/* ---- the whole ---- */

static void wake(void *context)
{
    queue_wake(((struct uploads *)context)->wake);
}

static void sweep(void *context, instant now)
{
    struct uploads *uploads = context;
    keepers_put(uploads->keepers, upload_sweep_new(uploads->front));
    loop_timer_set(uploads->front->loop, &uploads->sweep_timer,
                   instant_add(now, UPLOAD_SWEEP_PAUSE));
}

struct uploads *uploads_new(struct front *front, struct fault *fault)
{
    struct uploads *uploads = memory_zeroed(sizeof(*uploads));
    uploads->front = front;
    uploads->wake = queue_new(1, fault);
    if (uploads->wake != NULL)
        uploads->keepers = keepers_new(wake, uploads, fault);
    if (uploads->keepers != NULL &&
        loop_watch(front->loop, queue_fd(uploads->wake), EPOLLIN, on_kept, uploads, fault)) {
        uploads->sweep_timer = (struct loop_timer){.fire = sweep, .context = uploads};
        loop_timer_set(front->loop, &uploads->sweep_timer, loop_now(front->loop));
        return uploads;
    }
    keepers_free(uploads->keepers);
    queue_free(uploads->wake);
    free(uploads);
    return NULL;
}

void uploads_free(struct uploads *uploads)
{
    if (uploads == NULL)
        return;
    loop_timer_clear(uploads->front->loop, &uploads->sweep_timer);
    keepers_free(uploads->keepers);
    while (uploads->first != NULL) {
        struct intake *intake = uploads->first;
        intake->is_unsure = intake->is_out;
        drop_intake(&intake->keeping);
    }
    queue_free(uploads->wake);
    free(uploads);
}

static const struct {
    const char *path; /* one that ends with '/' takes everything below it */
    enum http_method method;
    void (*begin)(struct front *front, struct exchange *exchange,
                  const struct http_request *request);
} entries[] = {
    {"/upload", HTTP_POST, upload_form_begin},
    {"/api/convex/upload", HTTP_POST, upload_form_begin},
    {"/api/storage/upload", HTTP_POST, upload_ticket_begin},
    {"/api/uploads", HTTP_POST, upload_tus},
    {"/api/uploads/", HTTP_PATCH, upload_tus},
    {"/api/uploads/", HTTP_POST, upload_tus},
};

bool uploads_on_stream(void *app, struct exchange *exchange, const struct http_request *request)
{
    struct front *front = app;
    str path = request->path;
    if (front->uploads == NULL)
        return false;
    while (str_starts(path, STR("//")))
        path = str_slice(path, 1, path.len);
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        str at = str_of(entries[i].path);
        bool fits = str_ends(at, STR("/")) ? str_starts(path, at) : str_equal(path, at);
        if (!fits || entries[i].method != request->method)
            continue;
        entries[i].begin(front, exchange, request);
        return true;
    }
    return false;
}

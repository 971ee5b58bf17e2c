/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/certificates.h"

#include "base/random.h"
#include "studio/users.h"

#define FILES_AT_ONCE 1000
#define AT_ONCE 200
#define TOKEN_LEN 32

/* ---- documents ---- */

#define ROW struct certificate
static const struct field certificate_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(token, .min = TOKEN_LEN, .max = TOKEN_LEN),
    REF(user_id, &user_type),
    TIME(requested_at),
    TIME(expires_at),
    MAYBE_TIME(finished_at),
    INT(works),
    INT(generations),
    INT(records),
    INT(files),
    INT(size_bytes),
};
#undef ROW

const struct doc_type certificate_type = {
    .name = "deletionCertificates",
    .about = "What was removed of an account, and when.",
    .size = sizeof(struct certificate),
    FIELDS(certificate_fields),
    .number = 54,
    INDEXES({.name = "by_token", .fields = {"token"}, .is_unique = true},
            {.name = "by_user", .fields = {"userId"}, .is_unique = true},
            {.name = "by_expiry", .fields = {"expiresAt"}}),
};

struct line {
    doc_id id;
    tick created;
    doc_id certificate_id;
    str storage_id, sha256, content_type;
    int64_t size_bytes;
    instant removed_at;
    bool is_left;
};
#define ROW struct line
static const struct field line_fields[] = {
    ID(id),
    CREATED(created),
    REF(certificate_id, &certificate_type),
    TEXT(storage_id, .max = 32),
    TEXT(sha256, .wire = "sha256", .max = 64),
    TEXT(content_type, .max = 100),
    INT(size_bytes),
    TIME(removed_at),
    BOOL(is_left, .about = "Its bytes could not be removed then; the sweep does it."),
};
#undef ROW

const struct doc_type certificate_line_type = {
    .name = "deletionLines",
    .about = "A file that was removed with its account.",
    .size = sizeof(struct line),
    FIELDS(line_fields),
    .number = 57,
    INDEXES({.name = "by_certificate", .fields = {"certificateId"}}),
};

/* ---- arguments and results ---- */

#define ROW struct line
static const struct field wire_line_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &certificate_line_type, .wire = "_id"),
    CREATED(created),
    FIELD(certificate_id, doc_id, .kind = FIELD_REF, .ref = &certificate_type,
          .wire = "certificate"),
    TEXT(storage_id),
    TEXT(sha256, .wire = "sha256"),
    TEXT(content_type),
    INT(size_bytes, .unit = "bytes"),
    TIME(removed_at),
    BOOL(is_left, .about = "Its bytes could not be removed then; the hourly sweep does it."),
};
#undef ROW
static const struct shape wire_line_shape = {
    .name = "removedFile", .size = sizeof(struct line), FIELDS(wire_line_fields)};
static const struct field wire_line_item = ITEM_RECORD(&wire_line_shape, struct line);

struct certificate_wire {
    str account;
    instant requested_at, expires_at;
    struct maybe_instant finished_at;
    bool is_complete;
    int64_t works, generations, records, files, size_bytes;
    str kept;
    struct list removed_files; /* struct line */
    str next;
};
#define ROW struct certificate_wire
static const struct field certificate_wire_fields[] = {
    TEXT(account, .about = "The id that the account had."),
    TIME(requested_at),
    TIME(expires_at, .about = "Of this certificate."),
    MAYBE_TIME(finished_at),
    BOOL(is_complete, .about = "False: the removal goes on."),
    INT(works, .about = "Removed so far; so are the others."),
    INT(generations),
    INT(records, .about = "Everything else."),
    INT(files),
    INT(size_bytes, .unit = "bytes"),
    TEXT(kept, .about = "What the law or the books want, and what is out of reach."),
    LIST(removed_files, &wire_line_item, .about = "At most 1,000."),
    MAYBE_TEXT(next, .about = "Where the rest of the files is."),
};
#undef ROW
const struct shape certificate_wire_shape = {.name = "deletionCertificate",
                                             .size = sizeof(struct certificate_wire),
                                             FIELDS(certificate_wire_fields)};

struct get_args {
    str token, after;
};
#define ROW struct get_args
static const struct field get_fields[] = {
    TEXT(token, .min = TOKEN_LEN, .max = TOKEN_LEN, .about = "The last part of its address."),
    MAYBE_TEXT(after, .max = 40, .about = "The last file that is known already."),
};
#undef ROW

struct wire_deletion {
    doc_id user_id;
    instant requested_at;
    struct maybe_instant finished_at;
    str certificate, certificate_url;
};
#define ROW struct wire_deletion
static const struct field wire_deletion_fields[] = {REF(user_id, &user_type), TIME(requested_at),
                                                    MAYBE_TIME(finished_at), TEXT(certificate),
                                                    TEXT(certificate_url)};
#undef ROW
static const struct shape wire_deletion_shape = {
    .name = "deletion", .size = sizeof(struct wire_deletion), FIELDS(wire_deletion_fields)};
static const struct field wire_deletion_item =
    ITEM_RECORD(&wire_deletion_shape, struct wire_deletion);

NO_ARGS(list_deletions)

BACKEND_FUNCTION(get, struct certificate_wire *)
BACKEND_FUNCTION(list_deletions, struct list)

const struct function certificate_functions[] = {
    QUERY("account:getDeletionCertificate", get, .caller = ANYONE,
          .returns = RETURNS_MAYBE(&certificate_wire_shape),
          .about = "What was removed of an account, for whoever knows its address; or null."),
    QUERY("admin:listDeletions", list_deletions, .caller = ADMIN,
          .returns = RETURNS_LIST(&wire_deletion_item),
          .about = "Accounts that were deleted in the last 90 days, newest 200 first."),
};
const size_t certificate_function_count = ARRAY_LEN(certificate_functions);

/* ---- writing ---- */

struct certificate certificate_of(struct call *call, doc_id user)
{
    struct certificate certificate;
    row_find(call, &certificate_type,
             row_first(call, index_of(&certificate_type, "by_user"), KEY(key_id(user))),
             &certificate);
    return certificate;
}

void certificate_open(struct call *call, doc_id user)
{
    struct certificate certificate = certificate_of(call, user);
    char token[TOKEN_LEN + 1];
    if (call_failed(call) || doc_id_is_set(certificate.id))
        return;
    random_token(call->random, token);
    certificate = (struct certificate){
        .token = str_copy(call->arena, str_of(token)),
        .user_id = user,
        .requested_at = call->now,
        .expires_at = instant_add(call->now, CERTIFICATE_KEPT),
    };
    row_new(call, &certificate_type, &certificate);
    row_put(call, &certificate_type, &certificate);
}

str certificate_url(struct call *call, const struct certificate *certificate)
{
    return str_format(call->arena, "%s/api/certificates/%.*s", call->program->public_url,
                      STR_ARG(certificate->token));
}

void certificate_count(struct call *call, doc_id user, enum certified what, size_t count)
{
    struct certificate certificate = certificate_of(call, user);
    if (!doc_id_is_set(certificate.id) || count == 0)
        return;
    int64_t *sum = what == CERTIFIED_WORKS         ? &certificate.works
                   : what == CERTIFIED_GENERATIONS ? &certificate.generations
                                                   : &certificate.records;
    *sum += (int64_t)count;
    row_put(call, &certificate_type, &certificate);
}

void certificate_file(struct call *call, const struct file *file, bool is_left)
{
    struct certificate certificate = certificate_of(call, file->owner_id);
    if (!doc_id_is_set(certificate.id))
        return;
    struct line line = {
        .certificate_id = certificate.id,
        .storage_id = file->storage_id,
        .sha256 = file->sha256,
        .content_type = file->content_type,
        .size_bytes = file->size_bytes,
        .removed_at = call->now,
        .is_left = is_left,
    };
    row_new(call, &certificate_line_type, &line);
    row_put(call, &certificate_line_type, &line);
    certificate.files++;
    certificate.size_bytes += file->size_bytes;
    row_put(call, &certificate_type, &certificate);
}

void certificate_close(struct call *call, doc_id user)
{
    struct certificate certificate = certificate_of(call, user);
    if (!doc_id_is_set(certificate.id) || certificate.finished_at.is_set)
        return;
    certificate.finished_at = (struct maybe_instant){call->now, true};
    row_put(call, &certificate_type, &certificate);
}

/* ---- reading ---- */

static str id_text(struct call *call, const struct doc_type *type, doc_id id)
{
    char *text = arena_alloc(call->arena, DOC_ID_TEXT);
    doc_id_write(type, id, text);
    return (str){text, DOC_ID_TEXT};
}

static struct bounds lines_behind(struct call *call, const struct certificate *certificate,
                                  str after)
{
    struct bounds bounds = {.prefix = KEY(key_id(certificate->id))};
    struct line last;
    doc_id id;
    if (doc_id_read(&certificate_line_type, after, &id) &&
        row_find(call, &certificate_line_type, id, &last)) {
        bounds.from = key_number(tick_to_ms(last.created));
        bounds.from_is_open = true;
    }
    return bounds;
}

static void read_files(struct call *call, const struct certificate *certificate, str after,
                       struct certificate_wire *out)
{
    struct line *lines = arena_array(call->arena, struct line, FILES_AT_ONCE + 1);
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&certificate_line_type, "by_certificate"),
              lines_behind(call, certificate, after), ORDER_UP, &scan);
    while (count <= FILES_AT_ONCE && scan_next(&scan, &lines[count]))
        count++;
    scan_end(&scan);
    if (count > FILES_AT_ONCE) {
        count = FILES_AT_ONCE;
        out->next =
            str_format(call->arena, "%.*s?after=%.*s", STR_ARG(certificate_url(call, certificate)),
                       STR_ARG(id_text(call, &certificate_line_type, lines[count - 1].id)));
    }
    out->removed_files = (struct list){lines, count};
}

struct certificate_wire *certificate_find(struct call *call, str token, str after)
{
    struct certificate certificate;
    doc_id id = row_first(call, index_of(&certificate_type, "by_token"), KEY(key_text(token)));
    if (!row_find(call, &certificate_type, id, &certificate) ||
        !instant_is_before(call->now, certificate.expires_at))
        return NULL;
    call_valid_until(call, certificate.expires_at);
    struct certificate_wire *wire = arena_new(call->arena, struct certificate_wire);
    *wire = (struct certificate_wire){
        .account = id_text(call, &user_type, certificate.user_id),
        .requested_at = certificate.requested_at,
        .expires_at = certificate.expires_at,
        .finished_at = certificate.finished_at,
        .is_complete = certificate.finished_at.is_set,
        .works = certificate.works,
        .generations = certificate.generations,
        .records = certificate.records,
        .files = certificate.files,
        .size_bytes = certificate.size_bytes,
        .kept = STR("The journal of credits and payments, and counts of days, under this id and "
                    "without a name. Backups made before keep what they hold until they are "
                    "replaced."),
    };
    read_files(call, &certificate, after, wire);
    return wire;
}

static void get(struct call *call, const struct get_args *args, struct certificate_wire **result)
{
    *result = certificate_find(call, args->token, args->after);
}

static void list_deletions(struct call *call, const struct list_deletions_args *args,
                           struct list *result)
{
    struct wire_deletion *list = arena_array(call->arena, struct wire_deletion, AT_ONCE);
    struct certificate certificate;
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&certificate_type, "by_expiry"), (struct bounds){0}, ORDER_DOWN,
              &scan);
    while (count < AT_ONCE && scan_next(&scan, &certificate))
        list[count++] = (struct wire_deletion){
            .user_id = certificate.user_id,
            .requested_at = certificate.requested_at,
            .finished_at = certificate.finished_at,
            .certificate = certificate.token,
            .certificate_url = certificate_url(call, &certificate),
        };
    scan_end(&scan);
    *result = (struct list){list, count};
}

/* ---- the cron's ---- */

static size_t remove_lines(struct call *call, doc_id certificate, size_t most)
{
    doc_id ids[AT_ONCE];
    struct line line;
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&certificate_line_type, "by_certificate"),
              (struct bounds){.prefix = KEY(key_id(certificate))}, ORDER_UP, &scan);
    while (count < most && scan_next(&scan, &line))
        ids[count++] = line.id;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        row_remove(call, &certificate_line_type, ids[i]);
    return count;
}

int64_t certificates_clean(struct call *call, str *cursor, bool *has_more)
{
    struct bounds over = {.to = key_time(call->now)};
    struct certificate certificate;
    struct scan scan;
    view_scan(call->view, index_of(&certificate_type, "by_expiry"), over, ORDER_UP, &scan);
    bool is_there = scan_next(&scan, &certificate);
    scan_end(&scan);
    *has_more = is_there;
    if (!is_there || remove_lines(call, certificate.id, AT_ONCE) == AT_ONCE)
        return 0;
    row_remove(call, &certificate_type, certificate.id);
    return 1;
}

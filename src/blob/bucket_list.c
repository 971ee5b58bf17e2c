/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/bucket_inside.h"

#include "base/clock.h"
#include "blob/xml.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LIST_MAX MIB(8) /* a thousand objects or versions */
#define ROUNDS_MAX 1000 /* lists of the versions of one object */

static void add_query(struct bucket_ask *ask, const char *name, str value)
{
    ask->query[ask->query_count++] = (struct sign_pair){str_of(name), value};
}

/* ---- one object or version of a list ---- */

struct item {
    str key, version;
    int64_t size;
    instant modified;
};

struct items {
    struct arena *arena;
    struct xml xml;
    struct item now;
    str next;          /* where the list goes on; empty: nowhere */
    bool is_versioned; /* it is a list of versions */
    bool is_cut;       /* there are more than it has */
    bool is_whole;     /* it has its end */
};

/* "2026-11-21T06:22:02.000Z" */
static instant moment_read(str text)
{
    char at[32] = {0};
    struct tm parts = {0};
    memcpy(at, text.at, MIN_OF(text.len, sizeof(at) - 1));
    if (strptime(at, "%Y-%m-%dT%H:%M:%S", &parts) == NULL)
        return (instant){0};
    return (instant){(int64_t)timegm(&parts) * 1000000};
}

static bool is_item(str name)
{
    return str_equal(name, STR("Contents")) || str_equal(name, STR("Version")) ||
           str_equal(name, STR("DeleteMarker"));
}

static void take_member(struct items *items, const struct xml_tag *tag)
{
    str text = xml_text(items->arena, str_trim(tag->text));
    if (str_equal(tag->name, STR("Key")))
        items->now.key = text;
    else if (str_equal(tag->name, STR("VersionId")))
        items->now.version = text;
    else if (str_equal(tag->name, STR("LastModified")))
        items->now.modified = moment_read(text);
    else if (str_equal(tag->name, STR("NextContinuationToken")))
        items->next = text;
    else if (str_equal(tag->name, STR("IsTruncated")))
        items->is_cut = str_equal(text, STR("true"));
    else if (str_equal(tag->name, STR("ListVersionsResult")))
        items->is_versioned = true;
    else if (str_equal(tag->name, STR("Size")) && !str_to_int(text, &items->now.size))
        items->now.size = 0;
}

static bool items_next(struct items *items)
{
    struct xml_tag tag;
    while (xml_next(&items->xml, &tag)) {
        if (tag.is_end && is_item(tag.name))
            return true;
        if (tag.is_end && (str_equal(tag.name, STR("ListBucketResult")) ||
                           str_equal(tag.name, STR("ListVersionsResult"))))
            items->is_whole = true;
        if (!tag.is_end && is_item(tag.name))
            items->now = (struct item){0};
        else if (!tag.is_end)
            take_member(items, &tag);
    }
    return false;
}

static bool list_is_whole(const struct items *items, struct fault *fault)
{
    return items->is_whole ||
           fault_set(fault, FAULT_TRANSIENT, "the list that the bucket answered is not whole");
}

/* ---- listing ---- */

struct listing {
    struct bucket *bucket;
    bool (*visit)(void *context, const struct blob_entry *entry);
    void *context;
};

/* The id of a key that is one of ours; false: it is something else. */
static bool id_of(const struct bucket *bucket, str key, char id[BLOB_ID_LEN + 1])
{
    str name = str_slice(key, bucket->prefix.len, key.len);
    if (!str_starts(key, bucket->prefix) || name.len != 6 + BLOB_ID_LEN)
        return false;
    str last = str_slice(name, 6, name.len);
    if (!blob_id_is_valid(last) || name.at[2] != '/' || name.at[5] != '/' ||
        memcmp(name.at, last.at, 2) != 0 || memcmp(name.at + 3, last.at + 2, 2) != 0)
        return false;
    memcpy(id, last.at, BLOB_ID_LEN);
    id[BLOB_ID_LEN] = 0;
    return true;
}

/* Without a time it is taken for new: the collector takes what is old. */
static instant modified_of(const struct item *item)
{
    return item->modified.us == 0 ? clock_now() : instant_add(item->modified, BUCKET_OWN_CLOCK);
}

/* False: it was told to stop. */
static bool visit_items(struct listing *listing, struct items *items)
{
    char id[BLOB_ID_LEN + 1];
    while (items_next(items)) {
        struct blob_entry entry = {
            .id = id,
            .size = items->now.size,
            .modified = modified_of(&items->now),
        };
        if (id_of(listing->bucket, items->now.key, id) && !listing->visit(listing->context, &entry))
            return false;
    }
    return true;
}

bool bucket_list(struct bucket *bucket,
                 bool (*visit)(void *context, const struct blob_entry *entry), void *context,
                 struct fault *fault)
{
    struct listing listing = {.bucket = bucket, .visit = visit, .context = context};
    char token[1100] = "";
    bool has_more = true;
    while (has_more) {
        AUTO(arena_done) struct arena arena = {0};
        AUTO(bucket_result_free) struct outside_result *result = NULL;
        struct bucket_ask ask = {.method = STR("GET"), .response_max = LIST_MAX};
        add_query(&ask, "list-type", STR("2"));
        add_query(&ask, "prefix", bucket->prefix);
        if (token[0] != 0)
            add_query(&ask, "continuation-token", str_of(token));
        if (!bucket_ask_well(bucket, &ask, &result, fault))
            return false;
        struct items items = {.arena = &arena, .xml = {shared_text(result->body)}};
        if (!visit_items(&listing, &items))
            return true;
        if (!list_is_whole(&items, fault))
            return false;
        if (items.next.len >= sizeof(token) || (items.is_cut && items.next.len == 0) ||
            (items.next.len != 0 && str_equal(items.next, str_of(token))))
            return fault_set(fault, FAULT_SYSTEM, "the list of the bucket does not go on");
        has_more = items.next.len != 0;
        snprintf(token, sizeof(token), "%.*s", STR_ARG(items.next));
    }
    return true;
}

/* By a list, for an answer without a body does not say who gives it. */
bool bucket_has(struct bucket *bucket, str id, bool *has, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(bucket_result_free) struct outside_result *result = NULL;
    struct bucket_ask ask = {.method = STR("GET"), .response_max = LIST_MAX};
    str key = bucket_key(bucket, &arena, id);
    add_query(&ask, "list-type", STR("2"));
    add_query(&ask, "max-keys", STR("1"));
    add_query(&ask, "prefix", key);
    if (!bucket_ask_well(bucket, &ask, &result, fault))
        return false;
    struct items items = {.arena = &arena, .xml = {shared_text(result->body)}};
    *has = items_next(&items) && str_equal(items.now.key, key);
    while (items_next(&items))
        continue;
    return list_is_whole(&items, fault);
}

/* ---- removing ---- */

static bool remove_version(struct bucket *bucket, str key, str version, struct fault *fault)
{
    AUTO(bucket_result_free) struct outside_result *result = NULL;
    struct bucket_ask ask = {.method = STR("DELETE"), .key = key};
    if (version.len != 0)
        add_query(&ask, "versionId", version);
    if (!bucket_ask(bucket, &ask, &result, fault))
        return false;
    if (result->status >= 200 && result->status <= 299)
        return true;
    struct fault why;
    return bucket_refused(result, &why) || why.kind == FAULT_ABSENT ||
           fault_set(fault, why.kind, "%s", why.text);
}

/* What speaks like S3 but knows no versions says 400, 404, 405 or 501, or lists objects instead. */
static bool knows_versions(const struct outside_result *result)
{
    return result->status != 400 && result->status != 404 && result->status != 405 &&
           result->status != 501;
}

/* Those that one list has. */
static bool remove_versions(struct bucket *bucket, str key, bool *has_more, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(bucket_result_free) struct outside_result *result = NULL;
    struct bucket_ask ask = {.method = STR("GET"), .response_max = LIST_MAX};
    add_query(&ask, "versions", STR(""));
    add_query(&ask, "prefix", key);
    *has_more = false;
    if (!bucket_ask(bucket, &ask, &result, fault))
        return false;
    if (!knows_versions(result))
        return remove_version(bucket, key, (str){0}, fault);
    if (result->status != 200)
        return bucket_refused(result, fault);
    struct items items = {.arena = &arena, .xml = {shared_text(result->body)}};
    bool is_any = false;
    while (items_next(&items)) {
        if (!str_equal(items.now.key, key) || !items.is_versioned)
            continue;
        if (!remove_version(bucket, key, items.now.version, fault))
            return false;
        is_any = true;
    }
    if (items.is_versioned && !list_is_whole(&items, fault))
        return false;
    if (items.is_versioned && items.is_cut && !is_any)
        return fault_set(fault, FAULT_SYSTEM, "the list of the bucket does not go on");
    *has_more = items.is_versioned && items.is_cut; /* what was removed is not listed again */
    return items.is_versioned || remove_version(bucket, key, (str){0}, fault);
}

bool bucket_remove(struct bucket *bucket, str id, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    str key = bucket_key(bucket, &arena, id);
    bool has_more = true;
    for (int i = 0; i < ROUNDS_MAX && has_more; i++)
        if (!remove_versions(bucket, key, &has_more, fault))
            return false;
    return !has_more || fault_set(fault, FAULT_SYSTEM, "the versions of an object do not end");
}

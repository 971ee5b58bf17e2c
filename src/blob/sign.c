/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/sign.h"

#include "base/encode.h"
#include "base/hash.h"

#include <stdlib.h>
#include <time.h>

#define TEXT_MAX KIB(64)

/* "20261121T062202Z", and the day alone. */
struct moment {
    char at[17], day[9];
};

struct pairs {
    struct sign_pair at[SIGN_PAIRS_MAX + 8];
    size_t count;
};

static struct moment moment_of(instant now)
{
    struct moment moment = {0};
    struct tm parts = {0};
    time_t seconds = (time_t)(now.us / 1000000);
    gmtime_r(&seconds, &parts);
    strftime(moment.at, sizeof(moment.at), "%Y%m%dT%H%M%SZ", &parts);
    strftime(moment.day, sizeof(moment.day), "%Y%m%d", &parts);
    return moment;
}

static int pair_compare(const void *a, const void *b)
{
    const struct sign_pair *left = a, *right = b;
    int by_name = str_compare(left->name, right->name);
    return by_name != 0 ? by_name : str_compare(left->value, right->value);
}

static void add(struct pairs *pairs, str name, str value)
{
    assert(pairs->count < ARRAY_LEN(pairs->at));
    pairs->at[pairs->count++] = (struct sign_pair){name, value};
}

static struct pairs pairs_of(const struct sign_pair *from, size_t count)
{
    struct pairs pairs = {0};
    assert(count <= SIGN_PAIRS_MAX);
    for (size_t i = 0; i < count; i++)
        pairs.at[pairs.count++] = from[i];
    return pairs;
}

static str encoded(struct arena *arena, str text)
{
    AUTO(buffer_done) struct buffer out = buffer_with_max(TEXT_MAX);
    percent_append(&out, text);
    return str_copy(arena, buffer_text(&out));
}

/* Encoded first and sorted then: that is not the same order. */
static str query_text(struct arena *arena, struct pairs pairs)
{
    AUTO(buffer_done) struct buffer out = buffer_with_max(TEXT_MAX);
    for (size_t i = 0; i < pairs.count; i++)
        pairs.at[i] =
            (struct sign_pair){encoded(arena, pairs.at[i].name), encoded(arena, pairs.at[i].value)};
    qsort(pairs.at, pairs.count, sizeof(pairs.at[0]), pair_compare);
    for (size_t i = 0; i < pairs.count; i++)
        buffer_format(&out, "%s%.*s=%.*s", i == 0 ? "" : "&", STR_ARG(pairs.at[i].name),
                      STR_ARG(pairs.at[i].value));
    return str_copy(arena, buffer_text(&out));
}

str sign_query_text(struct arena *arena, const struct sign_pair *query, size_t count)
{
    return query_text(arena, pairs_of(query, count));
}

void sign_path_append(struct buffer *to, str key)
{
    str part;
    bool is_first = true;
    while (str_split(&key, '/', &part)) {
        if (!is_first)
            buffer_char(to, '/');
        percent_append(to, part);
        is_first = false;
    }
}

static str hash_hex(struct arena *arena, str text)
{
    uint8_t sum[32];
    sha256(bytes_of(text), sum);
    return hex_write(arena, (bytes){sum, sizeof(sum)});
}

/* "host;x-amz-date" */
static str header_names(struct arena *arena, const struct pairs *headers)
{
    AUTO(buffer_done) struct buffer out = buffer_with_max(TEXT_MAX);
    for (size_t i = 0; i < headers->count; i++)
        buffer_format(&out, "%s%.*s", i == 0 ? "" : ";", STR_ARG(headers->at[i].name));
    return str_copy(arena, buffer_text(&out));
}

static str canonical(struct arena *arena, const struct sign_request *request, str query,
                     const struct pairs *headers)
{
    AUTO(buffer_done) struct buffer out = buffer_with_max(TEXT_MAX);
    buffer_format(&out, "%.*s\n%.*s\n%.*s\n", STR_ARG(request->method), STR_ARG(request->path),
                  STR_ARG(query));
    for (size_t i = 0; i < headers->count; i++)
        buffer_format(&out, "%.*s:%.*s\n", STR_ARG(headers->at[i].name),
                      STR_ARG(str_trim(headers->at[i].value)));
    buffer_format(&out, "\n%.*s\n%.*s", STR_ARG(header_names(arena, headers)),
                  STR_ARG(request->payload));
    return str_copy(arena, buffer_text(&out));
}

static str scope_of(struct arena *arena, const struct sign_key *key, const struct moment *moment)
{
    return str_format(arena, "%s/%.*s/s3/aws4_request", moment->day, STR_ARG(key->region));
}

static str signature(struct arena *arena, const struct sign_key *key, const struct moment *moment,
                     str request)
{
    str words[] = {str_of(moment->day), key->region, STR("s3"), STR("aws4_request")};
    str first = str_format(arena, "AWS4%.*s", STR_ARG(key->secret));
    str text = str_format(arena, "AWS4-HMAC-SHA256\n%s\n%.*s\n%.*s", moment->at,
                          STR_ARG(scope_of(arena, key, moment)), STR_ARG(hash_hex(arena, request)));
    uint8_t sum[32];
    hmac_sha256(bytes_of(first), bytes_of(words[0]), sum);
    for (size_t i = 1; i < ARRAY_LEN(words); i++) {
        uint8_t next[32];
        hmac_sha256((bytes){sum, sizeof(sum)}, bytes_of(words[i]), next);
        memcpy(sum, next, sizeof(sum));
    }
    uint8_t done[32];
    hmac_sha256((bytes){sum, sizeof(sum)}, bytes_of(text), done);
    return hex_write(arena, (bytes){done, sizeof(done)});
}

size_t sign_headers(struct arena *arena, const struct sign_key *key,
                    const struct sign_request *request, struct sign_pair out[4])
{
    struct moment moment = moment_of(request->now);
    struct pairs headers = pairs_of(request->headers, request->header_count);
    size_t count = 0;
    out[count++] = (struct sign_pair){STR("x-amz-date"), str_format(arena, "%s", moment.at)};
    out[count++] = (struct sign_pair){STR("x-amz-content-sha256"), request->payload};
    if (key->session.len != 0)
        out[count++] = (struct sign_pair){STR("x-amz-security-token"), key->session};
    for (size_t i = 0; i < count; i++)
        add(&headers, out[i].name, out[i].value);
    add(&headers, STR("host"), request->host);
    qsort(headers.at, headers.count, sizeof(headers.at[0]), pair_compare);

    str query = sign_query_text(arena, request->query, request->query_count);
    str sum = signature(arena, key, &moment, canonical(arena, request, query, &headers));
    str value = str_format(arena,
                           "AWS4-HMAC-SHA256 Credential=%.*s/%.*s, SignedHeaders=%.*s, "
                           "Signature=%.*s",
                           STR_ARG(key->id), STR_ARG(scope_of(arena, key, &moment)),
                           STR_ARG(header_names(arena, &headers)), STR_ARG(sum));
    out[count++] = (struct sign_pair){STR("authorization"), value};
    return count;
}

str sign_query(struct arena *arena, const struct sign_key *key, const struct sign_request *request,
               span lifetime)
{
    struct moment moment = moment_of(request->now);
    struct pairs headers = pairs_of(request->headers, request->header_count);
    struct pairs query = pairs_of(request->query, request->query_count);
    add(&headers, STR("host"), request->host);
    qsort(headers.at, headers.count, sizeof(headers.at[0]), pair_compare);

    add(&query, STR("X-Amz-Algorithm"), STR("AWS4-HMAC-SHA256"));
    add(&query, STR("X-Amz-Credential"),
        str_format(arena, "%.*s/%.*s", STR_ARG(key->id), STR_ARG(scope_of(arena, key, &moment))));
    add(&query, STR("X-Amz-Date"), str_of(moment.at));
    add(&query, STR("X-Amz-Expires"),
        str_format(arena, "%lld", (long long)(lifetime.us / 1000000)));
    add(&query, STR("X-Amz-SignedHeaders"), header_names(arena, &headers));
    if (key->session.len != 0)
        add(&query, STR("X-Amz-Security-Token"), key->session);
    str text = query_text(arena, query);
    str sum = signature(arena, key, &moment, canonical(arena, request, text, &headers));
    return str_format(arena, "%.*s&X-Amz-Signature=%.*s", STR_ARG(text), STR_ARG(sum));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws-check: for the comparison with Amazon's own packages and with buckets that misbehave
 * (tests/integration/s3.test.mjs). Each line of stdin is a JSON object that says what to do ("op");
 * each is answered by one line, of text or "!" and why not.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"
#include "blob/blob.h"
#include "blob/cdn.h"
#include "blob/move.h"
#include "blob/sign.h"
#include "json/json.h"

struct asked {
    struct arena arena;
    struct json all;
};

static str text_of(const struct asked *asked, const char *name)
{
    return json_text(json_get(&asked->all, name));
}

static bool is_op(const struct asked *asked, const char *op)
{
    return str_equal(text_of(asked, "op"), str_of(op));
}

static instant moment_of(const struct asked *asked, const char *name)
{
    return (instant){json_int(json_get(&asked->all, name), 0) * 1000000};
}

static struct sign_key key_of(const struct asked *asked)
{
    return (struct sign_key){
        .id = text_of(asked, "id"),
        .secret = text_of(asked, "secret"),
        .session = text_of(asked, "session"),
        .region = text_of(asked, "region"),
    };
}

/* [[name, value], …] */
static size_t pairs_of(const struct asked *asked, const char *name, struct sign_pair *out)
{
    const struct json *list = json_get(&asked->all, name);
    size_t count = list->kind == JSON_LIST ? MIN_OF(list->count, (size_t)SIGN_PAIRS_MAX) : 0;
    for (size_t i = 0; i < count; i++)
        out[i] = (struct sign_pair){json_text(&list->items[i].items[0]),
                                    json_text(&list->items[i].items[1])};
    return count;
}

static void sign(struct asked *asked)
{
    AUTO(buffer_done) struct buffer path = buffer_with_max(KIB(8));
    struct sign_pair query[SIGN_PAIRS_MAX], headers[SIGN_PAIRS_MAX], out[4];
    struct sign_key key = key_of(asked);
    sign_path_append(&path, text_of(asked, "path"));
    struct sign_request request = {
        .method = text_of(asked, "method"),
        .host = text_of(asked, "host"),
        .path = buffer_text(&path),
        .query = query,
        .query_count = pairs_of(asked, "query", query),
        .headers = headers,
        .header_count = pairs_of(asked, "headers", headers),
        .payload = text_of(asked, "payload"),
        .now = moment_of(asked, "now"),
    };
    if (is_op(asked, "presign")) {
        span lifetime = SECONDS(json_int(json_get(&asked->all, "expires"), 0));
        str text = sign_query(&asked->arena, &key, &request, lifetime);
        printf("%.*s?%.*s\n", STR_ARG(request.path), STR_ARG(text));
        return;
    }
    size_t count = sign_headers(&asked->arena, &key, &request, out);
    printf("%.*s\n", STR_ARG(out[count - 1].value));
}

static void sign_cdn(struct asked *asked)
{
    struct blob_cdn options = {
        .url = text_of(asked, "url"),
        .key_pair_id = text_of(asked, "keyPairId"),
        .private_key = text_of(asked, "privateKey"),
    };
    struct cdn *cdn;
    struct fault fault;
    if (!cdn_open(&options, &cdn, &fault)) {
        printf("!%s\n", fault.text);
        return;
    }
    str url = cdn_url(cdn, &asked->arena, text_of(asked, "path"), text_of(asked, "query"),
                      moment_of(asked, "expires"));
    printf("%.*s\n", STR_ARG(url));
    cdn_close(cdn);
}

static bool blobs_of(const struct asked *asked, struct blobs **out, struct fault *fault)
{
    struct blob_bucket bucket = {
        .endpoint = text_of(asked, "endpoint"),
        .region = text_of(asked, "region"),
        .name = text_of(asked, "bucket"),
        .prefix = text_of(asked, "prefix"),
        .key_id = text_of(asked, "id"),
        .secret = text_of(asked, "secret"),
        .is_path_style = json_bool(json_get(&asked->all, "isPathStyle"), true),
        .is_private = json_bool(json_get(&asked->all, "isPrivate"), false),
    };
    struct blob_cdn cdn = {
        .url = text_of(asked, "cdn"),
        .key_pair_id = text_of(asked, "keyPairId"),
        .private_key = text_of(asked, "privateKey"),
    };
    struct blobs_options options = {
        .folder = str_zero_ended((struct arena *)&asked->arena, text_of(asked, "folder")),
        .now = clock_now(),
        .bucket = &bucket,
        .cdn = cdn.url.len == 0 ? NULL : &cdn,
        .is_remote = true,
        .keeps_copies = json_bool(json_get(&asked->all, "keepsCopies"), false),
        .cache_max = json_int(json_get(&asked->all, "cacheMax"), 1),
    };
    return blobs_open_with(&options, out, fault);
}

static bool put(struct blobs *blobs, struct asked *asked, str *out, struct fault *fault)
{
    struct random random;
    struct blob_writer writer;
    struct blob_info info;
    random_init(&random);
    if (!blob_create(blobs, &random, &writer, fault) ||
        !blob_write(&writer, bytes_of(text_of(asked, "text")), fault) ||
        !blob_finish(&writer, &info, fault))
        return false;
    *out = str_copy(&asked->arena, str_of(info.id));
    return true;
}

static bool get(struct blobs *blobs, struct asked *asked, str *out, struct fault *fault)
{
    AUTO(fd_close) int fd = -1;
    int64_t size;
    if (!blob_open(blobs, text_of(asked, "blob"), &fd, &size, fault))
        return false;
    char *at = arena_alloc(&asked->arena, (size_t)size + 1);
    ssize_t got = read(fd, at, (size_t)size);
    *out = (str){at, (size_t)MAX_OF(got, (ssize_t)0)};
    return true;
}

static bool find(struct blobs *blobs, struct asked *asked, str *out, struct fault *fault)
{
    struct blob_link link = {
        .now = moment_of(asked, "now"),
        .lifetime = SECONDS(json_int(json_get(&asked->all, "lifetime"), 0)),
        .content_type = text_of(asked, "contentType"),
        .disposition = text_of(asked, "disposition"),
    };
    struct blob_place place;
    if (!blob_find(blobs, &asked->arena, text_of(asked, "blob"), &link, &place, fault))
        return false;
    *out = place.is_away
               ? STR("away")
               : str_format(&asked->arena, "%lld %.*s", (long long)(place.expires_at.us / 1000000),
                            STR_ARG(place.url));
    return true;
}

static bool count(void *context, const struct blob_entry *entry)
{
    ++*(size_t *)context;
    return true;
}

static bool list(struct blobs *blobs, struct asked *asked, str *out, struct fault *fault)
{
    size_t n = 0;
    if (!blob_list(blobs, count, &n, fault))
        return false;
    *out = str_format(&asked->arena, "%zu", n);
    return true;
}

/* Opened by one thread while another removes it; who of them waits for whom, the bucket says. */
struct opening {
    struct blobs *blobs;
    str blob;
};

static void *open_it(void *context)
{
    struct opening *opening = context;
    AUTO(fd_close) int fd = -1;
    int64_t size;
    struct fault fault;
    if (!blob_open(opening->blobs, opening->blob, &fd, &size, &fault))
        fprintf(stderr, "%s\n", fault.text);
    return NULL;
}

static bool remove_while_opened(struct blobs *blobs, struct asked *asked, str *out,
                                struct fault *fault)
{
    struct opening opening = {blobs, text_of(asked, "blob")};
    pthread_t thread;
    if (pthread_create(&thread, NULL, open_it, &opening) != 0)
        return fault_os(fault, "a thread");
    bool ok = blob_remove(blobs, opening.blob, NULL, fault);
    pthread_join(thread, NULL);
    return ok;
}

/* Wanted no longer a moment after it was asked for. */
static void *want_no_more(void *context)
{
    const struct timespec moment = {.tv_nsec = 300000000};
    nanosleep(&moment, NULL);
    atomic_store((atomic_bool *)context, true);
    return NULL;
}

static bool get_unwanted(struct blobs *blobs, struct asked *asked, str *out, struct fault *fault)
{
    AUTO(fd_close) int fd = -1;
    int64_t size;
    atomic_bool is_unwanted = false;
    pthread_t thread;
    if (pthread_create(&thread, NULL, want_no_more, &is_unwanted) != 0)
        return fault_os(fault, "a thread");
    bool ok = blob_open_unless(blobs, text_of(asked, "blob"), &is_unwanted, &fd, &size, fault);
    pthread_join(thread, NULL);
    return ok;
}

static bool move(struct blobs *blobs, struct asked *asked, str *out, struct fault *fault)
{
    enum blob_moved how = BLOB_MOVED;
    enum blob_side to =
        str_equal(text_of(asked, "to"), STR("s3")) ? BLOB_SIDE_BUCKET : BLOB_SIDE_DISK;
    if (!blob_move(blobs, text_of(asked, "blob"), to, NULL, &how, fault))
        return false;
    *out = how == BLOB_MOVED ? STR("moved") : how == BLOB_MOVED_GONE ? STR("gone") : STR("held");
    return true;
}

static bool remove_it(struct blobs *blobs, struct asked *asked, str *out, struct fault *fault)
{
    return blob_remove(blobs, text_of(asked, "blob"), NULL, fault);
}

static bool ask_bucket(struct asked *asked, str *out, struct fault *fault)
{
    static const struct {
        const char *name;
        bool (*run)(struct blobs *blobs, struct asked *asked, str *out, struct fault *fault);
    } ops[] = {{"put", put},
               {"get", get},
               {"find", find},
               {"list", list},
               {"move", move},
               {"remove", remove_it},
               {"removeWhileOpened", remove_while_opened},
               {"getUnwanted", get_unwanted}};
    struct blobs *blobs = NULL;
    bool ok = blobs_of(asked, &blobs, fault);
    for (size_t i = 0; ok && i < ARRAY_LEN(ops); i++)
        if (is_op(asked, ops[i].name))
            ok = ops[i].run(blobs, asked, out, fault);
    blobs_close(blobs);
    return ok;
}

static void tell_bucket(struct asked *asked)
{
    struct fault fault = {0};
    str out = STR("ok");
    if (ask_bucket(asked, &out, &fault))
        printf("%.*s\n", STR_ARG(out));
    else
        printf("!%d %s\n", (int)fault.kind, fault.text);
}

static void answer(str line)
{
    struct asked asked = {0};
    struct fault fault = {0};
    str text = str_copy(&asked.arena, line);
    if (!json_read(&asked.arena, text, 0, &asked.all, &fault))
        printf("!%s\n", fault.text);
    else if (is_op(&asked, "presign") || is_op(&asked, "headers"))
        sign(&asked);
    else if (is_op(&asked, "cdn"))
        sign_cdn(&asked);
    else
        tell_bucket(&asked);
    arena_done(&asked.arena);
}

int main(void)
{
    AUTO(memory_free) char *line = NULL;
    size_t room = 0;
    setvbuf(stdout, NULL, _IOLBF, 0); /* who asks waits for each line */
    for (;;) {
        ssize_t len = getline(&line, &room, stdin);
        if (len < 0)
            return 0;
        answer(str_trim((str){line, (size_t)len}));
    }
}

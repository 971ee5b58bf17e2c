/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/pages.h"

#include "base/hash.h"
#include "serve/pack.h"
#include "serve/route.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PAGE_MAX MIB(8)

struct page_file {
    str path; /* "/assets/x.js" */
    str type, etag;
    struct shared *content, *packed; /* packed: by gzip, or NULL */
    bool is_hashed;                  /* its name changes with its content */
};

struct pages {
    struct arena arena;
    struct page_file *files;
    size_t count;
    char version[33];
    str policy;
};

static str type_of(str path)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".webp", "image/webp"},
        {".jpg", "image/jpeg"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".json", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_ends(path, str_of(types[i].ending)))
            return str_of(types[i].type);
    return STR("application/octet-stream");
}

/* Pictures and fonts are packed already. */
static bool is_text(str type)
{
    return str_starts(type, STR("text/")) || str_ends(type, STR("json")) ||
           str_ends(type, STR("+xml"));
}

/* ---- reading ---- */

/* NULL with a fault when it cannot be read whole. */
static struct shared *read_file(const char *name, size_t size, struct fault *fault)
{
    AUTO(fd_close) int fd = open(name, O_RDONLY | O_CLOEXEC);
    struct shared *content = shared_new(size);
    size_t got = 0;
    while (fd >= 0 && got < size) {
        ssize_t part = read(fd, content->at + got, size - got);
        if (part <= 0)
            break;
        got += (size_t)part;
    }
    if (fd >= 0 && got == size)
        return content;
    fault_os(fault, name);
    shared_drop(content);
    return NULL;
}

static bool add_file(struct pages *pages, const char *name, size_t root, size_t size,
                     struct fault *fault)
{
    struct page_file file = {.path = str_copy(&pages->arena, str_of(name + root))};
    if (size > PAGE_MAX)
        return fault_set(fault, FAULT_FULL, "%s is larger than 8 MiB", name);
    file.content = read_file(name, size, fault);
    if (file.content == NULL)
        return false;
    struct hash128 hash = hash128_bytes(file.content->at, file.content->len);
    file.type = type_of(file.path);
    /* Weak: one page has one tag, packed or not. */
    file.etag = str_format(&pages->arena, "W/\"%016llx%016llx\"", (unsigned long long)hash.a,
                           (unsigned long long)hash.b);
    if (is_text(file.type))
        file.packed = pack_gzip(shared_text(file.content));
    file.is_hashed = str_starts(file.path, STR("/assets/"));
    pages->files = memory_resize(pages->files, (pages->count + 1) * sizeof(file));
    pages->files[pages->count++] = file;
    return true;
}

/* nftw gives no context; pages are opened once, by one thread. */
static struct {
    struct pages *pages;
    size_t root;
    struct fault *fault;
} walking;

static int visit(const char *name, const struct stat *about, int kind, struct FTW *where)
{
    if (kind != FTW_F)
        return 0;
    return add_file(walking.pages, name, walking.root, (size_t)about->st_size, walking.fault) ? 0
                                                                                              : 1;
}

static int by_path(const void *a, const void *b)
{
    return str_compare(((const struct page_file *)a)->path, ((const struct page_file *)b)->path);
}

static void make_version(struct pages *pages)
{
    struct buffer all = buffer_with_max(MIB(4));
    for (size_t i = 0; i < pages->count; i++)
        buffer_str(&all, pages->files[i].etag);
    struct hash128 hash = hash128_bytes(all.at, all.len);
    snprintf(pages->version, sizeof(pages->version), "%016llx", (unsigned long long)hash.a);
    buffer_done(&all);
}

/* The browser holds redirected requests against it, too. */
static str policy_of(struct arena *arena, str files)
{
    str space = files.len == 0 ? STR("") : STR(" ");
    return str_format(
        arena,
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: "
        "blob:%.*s%.*s; "
        "media-src 'self' blob:%.*s%.*s; font-src 'self'; connect-src 'self' ws: wss:%.*s%.*s; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
        STR_ARG(space), STR_ARG(files), STR_ARG(space), STR_ARG(files), STR_ARG(space),
        STR_ARG(files));
}

bool pages_open(const char *folder, str files_origin, struct pages **out, struct fault *fault)
{
    struct pages *pages = memory_zeroed(sizeof(*pages));
    pages->policy = policy_of(&pages->arena, files_origin);
    walking.pages = pages;
    walking.root = strlen(folder);
    walking.fault = fault;
    fault_set(fault, FAULT_ABSENT, "%s holds no pages", folder);
    if (nftw(folder, visit, 16, FTW_PHYS) != 0 || pages->count == 0) {
        pages_close(pages);
        return false;
    }
    qsort(pages->files, pages->count, sizeof(struct page_file), by_path);
    make_version(pages);
    *out = pages;
    return true;
}

void pages_close(struct pages *pages)
{
    if (pages == NULL)
        return;
    for (size_t i = 0; i < pages->count; i++) {
        shared_drop(pages->files[i].content);
        shared_drop(pages->files[i].packed);
    }
    free(pages->files);
    arena_done(&pages->arena);
    free(pages);
}

const char *pages_version(const struct pages *pages)
{
    return pages->version;
}

/* ---- serving ---- */

static const struct page_file *file_find(const struct pages *pages, str path)
{
    struct page_file wanted = {.path = path};
    if (pages->count == 0)
        return NULL;
    return bsearch(&wanted, pages->files, pages->count, sizeof(wanted), by_path);
}

/* What has no file of its own is an address of the application. */
static const struct page_file *file_for(struct front *front, struct arena *arena, str path)
{
    const struct pages *pages = front->options.pages;
    if (str_equal(path, STR("/")))
        return file_find(pages, STR("/index.html"));
    const struct page_file *file = file_find(pages, path);
    if (file == NULL)
        file = file_find(pages, str_format(arena, "%.*s.html", STR_ARG(path)));
    bool is_asset = str_starts(path, STR("/assets/"));
    if (file == NULL && !is_asset)
        file = file_find(pages, STR("/app.html"));
    return file;
}

#define PAGE_HEADERS_MAX 10

/* "gzip" among what the client takes, and not with weight 0. */
static bool takes_gzip(const struct http_request *request)
{
    str accepted = http_header(request, "Accept-Encoding");
    str coding;
    while (str_split(&accepted, ',', &coding)) {
        str name;
        coding = str_trim(coding);
        if (str_split(&coding, ';', &name) && str_equal_nocase(str_trim(name), STR("gzip")))
            return !str_equal(str_trim(coding), STR("q=0"));
    }
    return false;
}

static size_t page_headers(const struct pages *pages, const struct page_file *file,
                           struct http_header *headers)
{
    size_t count = 0;
    str caching = file->is_hashed ? STR("public, max-age=31536000, immutable") : STR("no-cache");
    headers[count++] = (struct http_header){STR("Content-Type"), file->type};
    if (file->packed != NULL)
        headers[count++] = (struct http_header){STR("Vary"), STR("Accept-Encoding")};
    headers[count++] = (struct http_header){STR("ETag"), file->etag};
    headers[count++] = (struct http_header){STR("Cache-Control"), caching};
    headers[count++] = (struct http_header){STR("X-Content-Type-Options"), STR("nosniff")};
    headers[count++] = (struct http_header){STR("Referrer-Policy"), STR("same-origin")};
    headers[count++] = (struct http_header){STR("Content-Security-Policy"), pages->policy};
    headers[count++] = (struct http_header){STR("Cross-Origin-Opener-Policy"), STR("same-origin")};
    return count;
}

static void answer_page(struct exchange *exchange, const struct http_request *request,
                        const struct page_file *file, struct http_header *headers, size_t count)
{
    if (file->packed == NULL || !takes_gzip(request)) {
        http_answer_shared(exchange, 200, headers, count, shared_keep(file->content));
        return;
    }
    headers[count++] = (struct http_header){STR("Content-Encoding"), STR("gzip")};
    http_answer_shared(exchange, 200, headers, count, shared_keep(file->packed));
}

FUNCTIONS_HANDLER(pages_get)
{
    struct arena *arena = exchange_arena(exchange);
    struct http_header headers[PAGE_HEADERS_MAX];
    str path = http_path(arena, request);
    if (request->method != HTTP_GET && request->method != HTTP_HEAD) {
        answer_error(exchange, 405, "MethodNotAllowed", STR("This address is only for reading."),
                     NULL);
        return;
    }
    const struct page_file *file =
        front->options.pages == NULL || path.len == 0 ? NULL : file_for(front, arena, path);
    if (file == NULL) {
        answer_text(exchange, 404,
                    front->options.pages == NULL
                        ? STR("Atelier runs, but its pages are not built: make build\n")
                        : STR("There is nothing at this address.\n"));
        return;
    }
    size_t count = page_headers(front->options.pages, file, headers);
    if (str_equal(http_header(request, "If-None-Match"), file->etag))
        http_answer(exchange, 304, headers, count, (str){0});
    else
        answer_page(exchange, request, file, headers, count);
}

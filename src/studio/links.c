/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/links.h"

#include "base/encode.h"
#include "base/hash.h"
#include "studio/renditions.h"

#include <string.h>

#define ASSETS_AT_ONCE 100
#define CAPABILITY_BYTES 16
#define SIGNATURE_BYTES 32

const char *const link_fit_names[LINK_FITS] = {
    [FIT_CONTAIN] = "contain",
    [FIT_COVER] = "cover",
};
const char *const link_format_names[LINK_FORMATS] = {
    [FORMAT_AUTO] = "auto", [FORMAT_AVIF] = "avif", [FORMAT_WEBP] = "webp",
    [FORMAT_JPEG] = "jpeg", [FORMAT_PNG] = "png",
};

const int64_t link_widths[] = {160, 320, 480, 640, 960, 1280, 1920, 2560};
const size_t link_width_count = ARRAY_LEN(link_widths);

/* ---- arguments and results ---- */

struct signed_url_args {
    doc_id asset_id;
    struct maybe_int width, expires_in;
    enum link_fit fit;
    enum link_format format;
    struct maybe_bool download, metadata;
};
#define ROW struct signed_url_args
static const struct field signed_url_fields[] = {
    REF(asset_id, &asset_type),
    MAYBE_INT(width, .min = 0, .max = 2560, .unit = "px",
              .about = "160, 320, 480, 640, 960, 1280, 1920 or 2560; the original unless said, or "
                       "0."),
    MAYBE_CHOICE(
        fit, link_fit_names,
        .about = "contain, so wide and as high as it comes, unless said; cover fills a square."),
    MAYBE_CHOICE(format, link_format_names,
                 .about = "auto unless said: AVIF, WebP or JPEG, as the client takes it."),
    MAYBE_BOOL(download, .about = "To be saved under its name, not shown."),
    MAYBE_BOOL(metadata, .about = "The original with how it was made written into a copy of it: of "
                                  "works that were made here, as PNG, JPEG, WebP or MP4; the "
                                  "original as it is of others."),
    MAYBE_INT(expires_in, .min = LINK_SECONDS_MIN, .max = LINK_SECONDS_MAX, .unit = "s",
              .about = "At least; an hour unless said."),
};
#undef ROW

struct signed_url {
    str url;
    instant expires_at;
};
#define ROW struct signed_url
static const struct field signed_url_result_fields[] = {TEXT(url), TIME(expires_at)};
#undef ROW
static const struct shape signed_url_shape = {
    .name = "signedUrl", .size = sizeof(struct signed_url), FIELDS(signed_url_result_fields)};

struct rotate_links_args {
    struct list asset_ids; /* doc_id */
};
#define ROW struct rotate_links_args
static const struct field asset_id_item = ITEM_REF(&asset_type);
static const struct field rotate_links_fields[] = {
    LIST(asset_ids, &asset_id_item, .min = 1, .max = ASSETS_AT_ONCE)};
#undef ROW

struct read_address_args {
    str url;
};
#define ROW struct read_address_args
static const struct field read_address_fields[] = {TEXT(url, .min = 1, .max = 2000)};
#undef ROW

struct address {
    str state, storage_id;
    struct maybe_int width;
    enum link_fit fit;
    enum link_format format;
    struct maybe_bool is_stamped;
    struct maybe_instant expires_at;
};
#define ROW struct address
static const struct field address_fields[] = {
    TEXT(state, .about = "good, expired or none."),
    MAYBE_TEXT(storage_id),
    MAYBE_INT(width, .unit = "px"),
    MAYBE_CHOICE(fit, link_fit_names),
    MAYBE_CHOICE(format, link_format_names),
    MAYBE_BOOL(is_stamped),
    MAYBE_TIME(expires_at),
};
#undef ROW
static const struct shape address_shape = {
    .name = "address", .size = sizeof(struct address), FIELDS(address_fields)};

BACKEND_FUNCTION(signed_url, struct signed_url)
BACKEND_FUNCTION(rotate_links, char)
BACKEND_FUNCTION(read_address, struct address)

const struct function link_functions[] = {
    QUERY("assets:getSignedUrl", signed_url, .caller = SIGNED_IN,
          .returns = RETURNS_RECORD(&signed_url_shape, struct signed_url),
          .about = "An address of a work of the caller that expires, of a smaller picture of it if "
                   "wanted."),
    MUTATION("assets:rotateLinks", rotate_links, .caller = SIGNED_IN, .returns = RETURNS_NULL,
             .about = "Gives works of the caller new addresses; the old ones, signed ones too, "
                      "lead nowhere from then on."),
    QUERY("assets:readAddress", read_address, .caller = INTERNAL,
          .returns = RETURNS_RECORD(&address_shape, struct address),
          .about = "What an address of a file leads to."),
};
const size_t link_function_count = ARRAY_LEN(link_functions);

/* ---- capabilities ---- */

/* Each use of the key has a key of its own. */
static void key_of(const struct call *call, str use, uint8_t out[32])
{
    hmac_sha256((bytes){call->program->seal_key, sizeof(call->program->seal_key)}, bytes_of(use),
                out);
}

/* The capability of a file that was turned so often: the blob's own id at first, then one that
 * nobody can compute from it. */
static str capability_of(struct call *call, str storage_id, int64_t turn)
{
    uint8_t key[32], sum[32];
    if (turn == 0 || storage_id.len == 0)
        return storage_id;
    key_of(call, STR("capabilities of files"), key);
    str text = str_format(call->arena, "%.*s %lld", STR_ARG(storage_id), (long long)turn);
    hmac_sha256((bytes){key, sizeof(key)}, bytes_of(text), sum);
    return hex_write(call->arena, (bytes){sum, CAPABILITY_BYTES});
}

str asset_url(struct call *call, const struct asset *asset, str storage_id)
{
    return file_url(call, capability_of(call, storage_id, asset->link_turn.value));
}

bool file_find_capability(struct call *call, str capability, struct file *out)
{
    if (file_find(call, capability, out) && out->link_id.len == 0)
        return true;
    doc_id id = row_first(call, index_of(&file_type, "by_link"), KEY(key_text(capability)));
    return row_find(call, &file_type, id, out) && !out->is_doomed;
}

str asset_link_id(struct call *call, const struct asset *asset, str storage_id)
{
    int64_t turn = asset->link_turn.value;
    return turn == 0 ? (str){0} : capability_of(call, storage_id, turn);
}

static void relink(struct call *call, const struct asset *asset, str storage_id)
{
    struct file file;
    if (storage_id.len == 0 || !file_find(call, storage_id, &file))
        return;
    file.link_id = asset_link_id(call, asset, storage_id);
    row_put(call, &file_type, &file);
}

void asset_relink(struct call *call, const struct asset *asset)
{
    if (asset->link_turn.value == 0)
        return;
    relink(call, asset, asset->storage_id);
    relink(call, asset, asset->thumbnail_storage_id);
    relink(call, asset, asset->display_storage_id);
    struct file *files = arena_array(call->arena, struct file, RENDITIONS_MAX);
    size_t count = renditions_list(call, asset->id, files, RENDITIONS_MAX);
    for (size_t i = 0; i < count; i++)
        relink(call, asset, files[i].storage_id);
}

/* ---- signatures ---- */

/* How it stands in the address, without the signature. */
static str wish_text(struct arena *arena, const struct link *link)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(KIB(1));
    if (link->width != 0)
        buffer_format(&text, "w=%lld&fit=%s&format=%s&", (long long)link->width,
                      link_fit_names[link->fit], link_format_names[link->format]);
    if (link->is_download)
        buffer_str(&text, STR("download=1&"));
    if (link->is_stamped)
        buffer_str(&text, STR("metadata=1&"));
    buffer_format(&text, "exp=%lld", (long long)(link->expires_at.us / 1000000));
    return str_copy(arena, buffer_text(&text));
}

/* The capability is in what is signed, so that turning it ends signed links too. */
static str signature_of(struct call *call, const struct link *link, str asset)
{
    uint8_t key[32], sum[SIGNATURE_BYTES];
    str capability = capability_of(call, link->asset.storage_id, link->asset.link_turn.value);
    str wish = wish_text(call->arena, link);
    str text = str_format(call->arena, "1\n%.*s\n%.*s\n%.*s", STR_ARG(asset), STR_ARG(capability),
                          STR_ARG(wish));
    key_of(call, STR("signed links of files"), key);
    hmac_sha256((bytes){key, sizeof(key)}, bytes_of(text), sum);
    return base64url_write(call->arena, (bytes){sum, sizeof(sum)});
}

static int choice_of(const char *const *names, size_t count, str name)
{
    for (size_t i = 1; i < count; i++)
        if (str_equal(str_of(names[i]), name))
            return (int)i;
    return 0;
}

static bool is_width(int64_t width)
{
    for (size_t i = 0; i < link_width_count; i++)
        if (link_widths[i] == width)
            return true;
    return false;
}

/* One "name=value"; what is not known is no part of what is asked. */
static bool wish_part_read(str name, str value, struct link *out, str *signature)
{
    int64_t seconds;
    if (str_equal(name, STR("w")))
        return str_to_int(value, &out->width) && is_width(out->width);
    if (str_equal(name, STR("exp"))) {
        if (!str_to_int(value, &seconds) || seconds <= 0 || seconds > INT64_C(1) << 40)
            return false;
        out->expires_at = (instant){seconds * 1000000};
    } else if (str_equal(name, STR("fit"))) {
        out->fit = (enum link_fit)choice_of(link_fit_names, LINK_FITS, value);
    } else if (str_equal(name, STR("format"))) {
        out->format = (enum link_format)choice_of(link_format_names, LINK_FORMATS, value);
    } else if (str_equal(name, STR("download"))) {
        out->is_download = true;
    } else if (str_equal(name, STR("metadata"))) {
        out->is_stamped = true;
    } else if (str_equal(name, STR("sig"))) {
        *signature = value;
    }
    return true;
}

static bool wish_read(str query, struct link *out, str *signature)
{
    str part, name;
    *signature = (str){0};
    while (str_split(&query, '&', &part)) {
        name = (str){0};
        str_split(&part, '=', &name);
        if (!wish_part_read(name, part, out, signature))
            return false;
    }
    bool is_whole = out->width == 0 || (out->fit != FIT_NONE && out->format != FORMAT_NONE);
    return is_whole && (out->width == 0 || !out->is_stamped) && out->expires_at.us != 0;
}

enum link_state link_read(struct call *call, str asset, str query, struct link *out)
{
    str signature;
    doc_id id;
    *out = (struct link){0};
    if (!doc_id_read(&asset_type, asset, &id) || !wish_read(query, out, &signature) ||
        !row_find(call, &asset_type, id, &out->asset))
        return LINK_NONE;
    str right = signature_of(call, out, asset);
    if (!bytes_are_same(bytes_of(right), bytes_of(signature)))
        return LINK_NONE;
    bool is_late = !instant_is_before(call->now, out->expires_at);
    return is_late ? LINK_EXPIRED : LINK_GOOD;
}

/* ---- functions ---- */

/* Rounded up, so that for a while the same question has the same answer, and browsers have the
 * file already. */
static instant expiry(struct call *call, int64_t seconds)
{
    int64_t step = MAX_OF(seconds / 4, (int64_t)LINK_SECONDS_MIN) * 1000000;
    int64_t next = (call->now.us / step + 1) * step;
    call_valid_until(call, (instant){next});
    return (instant){next + seconds * 1000000};
}

static void signed_url(struct call *call, const struct signed_url_args *args,
                       struct signed_url *result)
{
    struct link link = {.width = args->width.value,
                        .fit = args->fit == FIT_NONE ? FIT_CONTAIN : args->fit,
                        .format = args->format == FORMAT_NONE ? FORMAT_AUTO : args->format,
                        .is_download = args->download.value,
                        .is_stamped = args->metadata.value};
    char id[DOC_ID_TEXT];
    REQUIRE_ARGUMENT(call, link.width == 0 || is_width(link.width), ".width",
                     "There are pictures of 160, 320, 480, 640, 960, 1280, 1920 and 2560 px.");
    REQUIRE_ARGUMENT(call, link.width == 0 || !link.is_stamped, ".metadata",
                     "Nothing is written into smaller pictures.");
    asset_get(call, args->asset_id, &link.asset);
    if (call_failed(call))
        return;
    link.expires_at = expiry(call, args->expires_in.is_set ? args->expires_in.value : LINK_SECONDS);
    doc_id_write(&asset_type, link.asset.id, id);
    str wish = wish_text(call->arena, &link);
    str signature = signature_of(call, &link, (str){id, sizeof(id)});
    result->url =
        str_format(call->arena, "%s/api/files/%.*s?%.*s&sig=%.*s", call->program->public_url,
                   DOC_ID_TEXT, id, STR_ARG(wish), STR_ARG(signature));
    result->expires_at = link.expires_at;
}

static void rotate_links(struct call *call, const struct rotate_links_args *args, char *result)
{
    const doc_id *ids = args->asset_ids.items;
    for (size_t i = 0; i < args->asset_ids.count; i++) {
        struct asset asset;
        asset_get(call, ids[i], &asset);
        if (call_failed(call))
            return;
        asset.link_turn = (struct maybe_int){asset.link_turn.value + 1, true};
        asset.updated_at = call->now;
        row_put(call, &asset_type, &asset);
        asset_relink(call, &asset);
    }
}

static const char *const state_names[] = {
    [LINK_NONE] = "none", [LINK_GOOD] = "good", [LINK_EXPIRED] = "expired"};

static void read_address(struct call *call, const struct read_address_args *args,
                         struct address *result)
{
    str rest = args->url, path, before = STR("/api/files/"), capability = STR("/api/storage/");
    struct file file;
    struct link link;
    enum link_state state = LINK_NONE;
    str base = str_of(call->program->public_url);
    if (str_starts(rest, base))
        rest = str_slice(rest, base.len, rest.len);
    str_split(&rest, '?', &path);
    if (str_starts(path, before)) {
        state = link_read(call, str_slice(path, before.len, path.len), rest, &link);
        result->storage_id = link.asset.storage_id;
        result->width = (struct maybe_int){link.width, link.width != 0};
        result->fit = link.width == 0 ? FIT_NONE : link.fit;
        result->format = link.width == 0 ? FORMAT_NONE : link.format;
        result->is_stamped = (struct maybe_bool){true, link.is_stamped};
        result->expires_at = (struct maybe_instant){link.expires_at, true};
        if (state == LINK_GOOD)
            call_valid_until(call, link.expires_at);
    } else if (str_starts(path, capability)) {
        str id = storage_id_of(call->arena, str_slice(path, capability.len, path.len));
        if (id.len != 0 && file_find_capability(call, id, &file)) {
            state = LINK_GOOD;
            result->storage_id = file.storage_id;
        }
    }
    if (state == LINK_NONE)
        *result = (struct address){0};
    result->state = str_of(state_names[state]);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/hook.h"

#include "base/encode.h"
#include "base/hash.h"

#define SUM_SIZE 32

str hook_header(const struct provider_hook *hook, str name)
{
    for (size_t i = 0; i < hook->header_count; i++)
        if (str_equal_nocase(hook->headers[i].name, name))
            return hook->headers[i].value;
    return (str){0};
}

str hook_id(const struct provider_hook *hook)
{
    str id = hook_header(hook, STR("webhook-id"));
    return id.len != 0 ? id : hook_header(hook, STR("svix-id"));
}

bool hook_is_fresh(const struct provider_hook *hook, str seconds)
{
    int64_t stamp;
    if (!str_to_int(seconds, &stamp) || stamp < 0 || stamp > INT64_MAX / 1000000)
        return false;
    int64_t off = instant_since(hook->now, (instant){stamp * 1000000}).us;
    return off <= HOOK_TOLERANCE.us && off >= -HOOK_TOLERANCE.us;
}

/* The key's own bytes; what stands before them names its kind. */
static bool read_secret(struct arena *arena, str secret, bytes *out)
{
    ptrdiff_t mark = str_find_last(secret, '_');
    str key = str_slice(secret, mark < 0 ? 0 : (size_t)mark + 1, secret.len);
    return key.len != 0 && base64_read(arena, key, out) && out->len != 0;
}

/* All are compared, so that how long it takes does not tell which was nearest. */
static bool one_is_right(struct arena *arena, str signatures, const uint8_t sum[SUM_SIZE])
{
    str one;
    bool is_right = false;
    for (int i = 0; i < HOOK_SIGNATURES_MAX && str_split(&signatures, ' ', &one); i++) {
        bytes given;
        if (str_starts(one, STR("v1,")) && base64_read(arena, str_slice(one, 3, one.len), &given))
            is_right |= bytes_are_same(given, (bytes){sum, SUM_SIZE});
    }
    return is_right;
}

bool hook_is_signed_with(struct arena *arena, bytes key, const struct provider_hook *hook)
{
    uint8_t sum[SUM_SIZE];
    bool is_svix = hook_header(hook, STR("webhook-id")).len == 0;
    str id = hook_id(hook);
    str stamp = hook_header(hook, is_svix ? STR("svix-timestamp") : STR("webhook-timestamp"));
    str signatures = hook_header(hook, is_svix ? STR("svix-signature") : STR("webhook-signature"));
    if (id.len == 0 || !hook_is_fresh(hook, stamp))
        return false;
    AUTO(buffer_done) struct buffer told = {0};
    buffer_str(&told, id);
    buffer_char(&told, '.');
    buffer_str(&told, stamp);
    buffer_char(&told, '.');
    buffer_str(&told, hook->body);
    hmac_sha256(key, bytes_of(buffer_text(&told)), sum);
    return !told.is_over && one_is_right(arena, signatures, sum);
}

bool hook_is_signed(struct arena *arena, str secret, const struct provider_hook *hook)
{
    bytes key;
    return read_secret(arena, secret, &key) && hook_is_signed_with(arena, key, hook);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/bucket.h"

bool blob_id_is_valid(str id)
{
    if (id.len != BLOB_ID_LEN)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (!((id.at[i] >= '0' && id.at[i] <= '9') || (id.at[i] >= 'a' && id.at[i] <= 'f')))
            return false;
    return true;
}

str bucket_prefix(struct arena *arena, str prefix)
{
    while (str_starts(prefix, STR("/")))
        prefix = str_slice(prefix, 1, prefix.len);
    while (str_ends(prefix, STR("/")))
        prefix.len--;
    return prefix.len == 0 ? prefix : str_format(arena, "%.*s/", STR_ARG(prefix));
}

str bucket_key_of(struct arena *arena, str prefix, str id)
{
    return str_format(arena, "%.*s%.2s/%.2s/%.*s", STR_ARG(prefix), id.at, id.at + 2, STR_ARG(id));
}

str bucket_path(struct arena *arena, str key)
{
    AUTO(buffer_done) struct buffer path = buffer_with_max(KIB(8));
    buffer_char(&path, '/');
    sign_path_append(&path, key);
    return str_copy(arena, buffer_text(&path));
}

struct blob_names blob_names(struct arena *arena, const struct blob_home *home, str id)
{
    struct blob_names names = {0};
    str url = home->cdn_url;
    if (home->bucket.len == 0 || !blob_id_is_valid(id))
        return names;
    names.bucket = home->bucket;
    names.object_key = bucket_key_of(arena, bucket_prefix(arena, home->prefix), id);
    while (str_ends(url, STR("/")))
        url.len--;
    if (url.len != 0)
        names.cdn_url = str_format(arena, "%.*s%.*s", STR_ARG(url),
                                   STR_ARG(bucket_path(arena, names.object_key)));
    return names;
}

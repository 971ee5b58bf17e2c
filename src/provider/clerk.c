/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/clerk.h"

#include "json/json.h"

#define ID_MAX 255

/* As the row keeps it: absent would mean that nothing was said of it. */
static str name_of(const struct json *user, const char *member)
{
    const struct json *value = json_get(user, member);
    return value->kind == JSON_TEXT ? value->text : STR("");
}

static str email_of(const struct json *user)
{
    const struct json *list = json_get(user, "email_addresses");
    str wanted = json_text(json_get(user, "primary_email_address_id"));
    str first = STR("");
    for (size_t i = 0; list->kind == JSON_LIST && i < list->count; i++) {
        str email = name_of(&list->items[i], "email_address");
        if (wanted.len != 0 && str_equal(json_text(json_get(&list->items[i], "id")), wanted))
            return email;
        if (i == 0 && email.len != 0)
            first = email;
    }
    return first;
}

static void read_user(const struct json *user, struct clerk_event *out)
{
    int64_t updated = json_int(json_get(user, "updated_at"), 0);
    out->email = email_of(user);
    out->first_name = name_of(user, "first_name");
    out->last_name = name_of(user, "last_name");
    out->username = name_of(user, "username");
    out->image = name_of(user, "image_url");
    if (out->image.len == 0)
        out->image = name_of(user, "profile_image_url");
    if (updated > 0 && updated < INT64_C(253402300799000))
        out->updated_at.us = updated * 1000;
}

bool clerk_event_read(struct arena *arena, str body, struct clerk_event *out)
{
    struct json event;
    struct fault fault;
    *out = (struct clerk_event){0};
    if (!json_read(arena, body, 0, &event, &fault) || event.kind != JSON_OBJECT)
        return false;
    const struct json *data = json_get(&event, "data");
    out->type = json_text(json_get(&event, "type"));
    if (out->type.len == 0 || out->type.len > 100)
        return false;
    if (!str_starts(out->type, STR("user.")))
        return true;
    out->user = json_text(json_get(data, "id"));
    if (out->user.len == 0 || out->user.len > ID_MAX)
        return false;
    if (str_equal(out->type, STR("user.deleted"))) {
        out->kind = CLERK_USER_GONE;
    } else if (str_equal(out->type, STR("user.created")) ||
               str_equal(out->type, STR("user.updated"))) {
        out->kind = CLERK_USER;
        read_user(data, out);
    }
    return true;
}

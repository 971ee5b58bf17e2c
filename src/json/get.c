/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json.h"

#include <math.h>

const struct json *json_get(const struct json *object, const char *key)
{
    static const struct json none = {0};
    if (object->kind != JSON_OBJECT)
        return &none;
    str wanted = str_of(key);
    for (size_t i = 0; i < object->count; i++)
        if (str_equal(object->items[i].key, wanted))
            return &object->items[i];
    return &none;
}

str json_text(const struct json *value)
{
    return value->kind == JSON_TEXT ? value->text : (str){0};
}

int64_t json_int(const struct json *value, int64_t fallback)
{
    if (value->kind == JSON_INT)
        return value->integer;
    if (value->kind == JSON_NUMBER && fabs(value->number) <= 9007199254740992.0 &&
        value->number == floor(value->number))
        return (int64_t)value->number;
    return fallback;
}

double json_number(const struct json *value, double fallback)
{
    if (value->kind == JSON_INT)
        return (double)value->integer;
    return value->kind == JSON_NUMBER ? value->number : fallback;
}

bool json_bool(const struct json *value, bool fallback)
{
    return value->kind == JSON_BOOL ? value->truth : fallback;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "loose.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool names_put(struct names *names, str name, struct json value)
{
    size_t at = 0;
    while (at < names->count && !str_equal(str_of(names->all[at].name), name))
        at++;
    if (at == NAMED_MAX || name.len >= sizeof(names->all[0].name))
        return false;
    if (at == names->count)
        names->count++;
    snprintf(names->all[at].name, sizeof(names->all[at].name), "%.*s", STR_ARG(name));
    names->all[at].value = value;
    return true;
}

const struct json *names_find(const struct names *names, str name)
{
    for (size_t i = 0; i < names->count; i++)
        if (str_equal(str_of(names->all[i].name), name))
            return &names->all[i].value;
    return NULL;
}

/* ---- words ---- */

static void skip_space(str *rest)
{
    while (rest->len != 0 && isspace((unsigned char)rest->at[0]))
        *rest = str_slice(*rest, 1, rest->len);
}

static bool starts_word(str rest)
{
    return rest.len != 0 && (isalpha((unsigned char)rest.at[0]) || rest.at[0] == '_');
}

static str take_word(str *rest)
{
    size_t len = 0;
    while (len < rest->len && (isalnum((unsigned char)rest->at[len]) || rest->at[len] == '_'))
        len++;
    str word = str_slice(*rest, 0, len);
    *rest = str_slice(*rest, len, rest->len);
    return word;
}

static bool take_char(str *rest, char c)
{
    skip_space(rest);
    if (rest->len == 0 || rest->at[0] != c)
        return false;
    *rest = str_slice(*rest, 1, rest->len);
    return true;
}

static bool take_index(str *rest, size_t *out)
{
    char *end;
    str before = *rest;
    if (!take_char(rest, '['))
        return false;
    *out = strtoul(rest->at, &end, 10);
    *rest = str_slice(*rest, (size_t)(end - rest->at), rest->len);
    if (take_char(rest, ']'))
        return true;
    *rest = before;
    return false;
}

bool loose_path(struct names *names, str *rest, struct json *out, struct fault *fault)
{
    static const struct json nothing = {0};
    skip_space(rest);
    str name = take_word(rest);
    const struct json *value = names_find(names, name);
    if (value == NULL)
        return fault_set(fault, FAULT_INPUT, "nothing is named \"%.*s\"", STR_ARG(name));
    for (;;) {
        size_t at;
        if (rest->len != 0 && rest->at[0] == '.') {
            *rest = str_slice(*rest, 1, rest->len);
            value = json_get(value, str_zero_ended(names->arena, take_word(rest)));
        } else if (rest->len != 0 && rest->at[0] == '[' && take_index(rest, &at)) {
            bool is_there = value->kind == JSON_LIST && at < value->count;
            value = is_there ? &value->items[at] : &nothing;
        } else {
            break;
        }
    }
    *out = *value;
    return true;
}

/* ---- values, written as strict JSON ---- */

static bool value(struct names *names, str *rest, struct buffer *to, struct fault *fault);

static bool text(str *rest, struct buffer *to, struct fault *fault)
{
    size_t len = 1;
    while (len < rest->len && rest->at[len] != '"')
        len += rest->at[len] == '\\' ? 2 : 1;
    if (len >= rest->len)
        return fault_set(fault, FAULT_INPUT, "a text does not end");
    buffer_str(to, str_slice(*rest, 0, len + 1));
    *rest = str_slice(*rest, len + 1, rest->len);
    return true;
}

static bool number(str *rest, struct buffer *to, struct fault *fault)
{
    size_t len = 0;
    while (len < rest->len && strchr("0123456789+-.eE", rest->at[len]) != NULL)
        len++;
    if (len == 0)
        return fault_set(fault, FAULT_INPUT, "no value at \"%.*s\"",
                         STR_ARG(str_slice(*rest, 0, 20)));
    buffer_str(to, str_slice(*rest, 0, len));
    *rest = str_slice(*rest, len, rest->len);
    return true;
}

static bool long_text(str *rest, struct buffer *to)
{
    char *end;
    unsigned long len = strtoul(rest->at, &end, 10);
    *rest = str_slice(*rest, (size_t)(end - rest->at), rest->len);
    buffer_char(to, '"');
    for (unsigned long i = 0; i < len; i++)
        buffer_char(to, 'x');
    buffer_char(to, '"');
    return take_char(rest, ')');
}

static bool code(struct names *names, str *rest, struct buffer *to, struct fault *fault)
{
    struct json number;
    if (!loose_read(names, rest, &number, fault))
        return false;
    buffer_format(to, "\"%064lld\"", (long long)number.integer);
    return take_char(rest, ')') || fault_set(fault, FAULT_INPUT, "code(number)");
}

static bool named(struct names *names, str *rest, struct buffer *to, struct fault *fault)
{
    static const char *const plain[] = {"true", "false", "null"};
    str before = *rest;
    str name = take_word(rest);
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (str_equal(name, str_of(plain[i]))) {
            buffer_str(to, name);
            return true;
        }
    if (str_equal(name, STR("text")) && take_char(rest, '('))
        return long_text(rest, to);
    if (str_equal(name, STR("code")) && take_char(rest, '('))
        return code(names, rest, to, fault);
    struct json found;
    *rest = before;
    if (!loose_path(names, rest, &found, fault))
        return false;
    if (found.kind == JSON_NONE)
        return fault_set(fault, FAULT_INPUT, "there is nothing at \"%.*s\"",
                         STR_ARG(str_slice(before, 0, before.len - rest->len)));
    json_write_canonical(to, &found);
    return true;
}

static bool key(str *rest, struct buffer *to, struct fault *fault)
{
    skip_space(rest);
    if (rest->len != 0 && rest->at[0] == '"')
        return text(rest, to, fault);
    if (!starts_word(*rest))
        return fault_set(fault, FAULT_INPUT, "a key is missing");
    str word = take_word(rest);
    buffer_format(to, "\"%.*s\"", STR_ARG(word));
    return true;
}

static bool members(struct names *names, str *rest, char closing, struct buffer *to,
                    struct fault *fault)
{
    bool is_object = closing == '}';
    for (bool is_first = true; !take_char(rest, closing); is_first = false) {
        if (!is_first) {
            if (!take_char(rest, ','))
                return fault_set(fault, FAULT_INPUT, "a comma or %c is missing", closing);
            buffer_char(to, ',');
        }
        if (is_object) {
            if (!key(rest, to, fault))
                return false;
            if (!take_char(rest, ':'))
                return fault_set(fault, FAULT_INPUT, "a colon is missing");
            buffer_char(to, ':');
        }
        if (!value(names, rest, to, fault))
            return false;
    }
    buffer_char(to, closing);
    return true;
}

static bool value(struct names *names, str *rest, struct buffer *to, struct fault *fault)
{
    skip_space(rest);
    if (take_char(rest, '{')) {
        buffer_char(to, '{');
        return members(names, rest, '}', to, fault);
    }
    if (take_char(rest, '[')) {
        buffer_char(to, '[');
        return members(names, rest, ']', to, fault);
    }
    if (rest->len != 0 && rest->at[0] == '"')
        return text(rest, to, fault);
    if (starts_word(*rest))
        return named(names, rest, to, fault);
    return number(rest, to, fault);
}

bool loose_read(struct names *names, str *rest, struct json *out, struct fault *fault)
{
    AUTO(buffer_done) struct buffer strict = {0};
    if (!value(names, rest, &strict, fault))
        return false;
    return json_read(names->arena, str_copy(names->arena, buffer_text(&strict)), 0, out, fault);
}

/* ---- fitting ---- */

static bool is_number(const struct json *value)
{
    return value->kind == JSON_INT || value->kind == JSON_NUMBER;
}

static double number_of(const struct json *value)
{
    return value->kind == JSON_INT ? (double)value->integer : value->number;
}

static bool items_fit(const struct json *wanted, const struct json *got)
{
    if (got->kind != JSON_LIST || got->count != wanted->count)
        return false;
    for (size_t i = 0; i < wanted->count; i++)
        if (!json_fits(&wanted->items[i], &got->items[i]))
            return false;
    return true;
}

static const struct json *member_of(const struct json *object, str name)
{
    static const struct json nothing = {0};
    for (size_t i = 0; object->kind == JSON_OBJECT && i < object->count; i++)
        if (str_equal(object->items[i].key, name))
            return &object->items[i];
    return &nothing;
}

static bool members_fit(const struct json *wanted, const struct json *got)
{
    if (got->kind != JSON_OBJECT)
        return false;
    for (size_t i = 0; i < wanted->count; i++)
        if (!json_fits(&wanted->items[i], member_of(got, wanted->items[i].key)))
            return false;
    return true;
}

bool json_fits(const struct json *wanted, const struct json *got)
{
    switch (wanted->kind) {
    case JSON_NULL:
        return got->kind == JSON_NULL || got->kind == JSON_NONE;
    case JSON_BOOL:
        return got->kind == JSON_BOOL && got->truth == wanted->truth;
    case JSON_INT:
    case JSON_NUMBER:
        return is_number(got) && !(number_of(got) < number_of(wanted)) &&
               !(number_of(got) > number_of(wanted));
    case JSON_TEXT:
        return got->kind == JSON_TEXT && str_equal(got->text, wanted->text);
    case JSON_LIST:
        return items_fit(wanted, got);
    case JSON_OBJECT:
        return members_fit(wanted, got);
    default:
        return false;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool talk_fail(struct talk *talk, const char *format, ...)
{
    if (talk->has_failed)
        return false;
    talk->has_failed = true;
    int len = snprintf(talk->failure, sizeof(talk->failure), "%s:%zu: ", talk->path, talk->line);
    va_list args;
    va_start(args, format);
    vsnprintf(talk->failure + len, sizeof(talk->failure) - (size_t)len, format, args);
    va_end(args);
    return false;
}

/* ---- words ---- */

static void skip_space(str *rest)
{
    while (rest->len != 0 && isspace((unsigned char)rest->at[0]))
        *rest = str_slice(*rest, 1, rest->len);
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == ':';
}

static bool take_word(str *rest, str word)
{
    skip_space(rest);
    bool is_it =
        str_starts(*rest, word) && (rest->len == word.len || !is_word_char(word.at[word.len - 1]) ||
                                    !is_word_char(rest->at[word.len]));
    if (is_it)
        *rest = str_slice(*rest, word.len, rest->len);
    return is_it;
}

bool take(str *rest, const char *words)
{
    str before = *rest, all = str_of(words), word;
    while (str_split(&all, ' ', &word))
        if (!take_word(rest, word)) {
            *rest = before;
            return false;
        }
    return true;
}

str take_name(str *rest)
{
    size_t len = 0;
    skip_space(rest);
    while (len < rest->len && is_word_char(rest->at[len]))
        len++;
    str name = str_slice(*rest, 0, len);
    *rest = str_slice(*rest, len, rest->len);
    return name;
}

bool take_value(struct talk *talk, str *rest, struct json *out)
{
    struct fault fault = {0};
    struct json now = {.kind = JSON_INT, .integer = talk->house->now.us / 1000};
    names_put(&talk->names, STR("now"), now);
    if (loose_read(&talk->names, rest, out, &fault))
        return true;
    return talk_fail(talk, "%s", fault.text);
}

bool take_number(struct talk *talk, str *rest, int64_t *out)
{
    struct json value;
    if (!take_value(talk, rest, &value))
        return false;
    *out = value.integer;
    return value.kind == JSON_INT || talk_fail(talk, "a whole number belongs here");
}

bool take_text(struct talk *talk, str *rest, str *out)
{
    struct json value;
    if (!take_value(talk, rest, &value))
        return false;
    *out = value.text;
    return value.kind == JSON_TEXT || talk_fail(talk, "a text belongs here");
}

bool line_is_over(struct talk *talk, str *rest)
{
    skip_space(rest);
    return rest->len == 0 || talk_fail(talk, "not understood: \"%.*s\"", STR_ARG(*rest));
}

/* ---- lines ---- */

/* A line goes on while a bracket is open. */
static int open_brackets(str line)
{
    int open = 0;
    bool in_text = false;
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] == '\\' && in_text)
            i++;
        else if (line.at[i] == '"')
            in_text = !in_text;
        else if (!in_text)
            open += strchr("{[(", line.at[i]) != NULL ? 1 : strchr("}])", line.at[i]) ? -1 : 0;
    }
    return open;
}

static size_t indent_of(str line)
{
    size_t indent = 0;
    while (indent < line.len && line.at[indent] == ' ')
        indent++;
    return indent;
}

static str take_line(struct talk *talk, str *text)
{
    str line;
    str_split(text, '\n', &line);
    talk->line++;
    while (open_brackets(line) > 0 && text->len != 0) {
        str more;
        str_split(text, '\n', &more);
        line = str_format(&talk->arena, "%.*s %.*s", STR_ARG(line), STR_ARG(str_trim(more)));
        talk->line++;
    }
    return line;
}

static bool play_line(struct talk *talk, str line)
{
    if (talk->is_together && indent_of(line) <= talk->together_indent && !together_end(talk))
        return false;
    str rest = line;
    if (talk->error_is_due && !take(&rest, "expect error"))
        return talk_fail(talk, "the call before failed: %s: %.*s", error_code_name(talk->error),
                         STR_ARG(talk->error_text));
    if (take(&rest, "together"))
        talk->together_indent = indent_of(line);
    return verb_run(talk, line);
}

static void play_lines(struct talk *talk, str text);

/* for NAME A to B: the lines below that stand further in, again and again. */
static void play_loop(struct talk *talk, str line, str rest, str *text)
{
    int64_t from, to;
    str name = take_name(&rest);
    size_t indent = indent_of(line), begin = talk->line;
    if (!take_number(talk, &rest, &from) || !take(&rest, "to") || !take_number(talk, &rest, &to))
        return;
    str body = *text;
    while (text->len != 0 && (indent_of(*text) > indent || text->at[0] == '\n')) {
        str skipped;
        str_split(text, '\n', &skipped);
        talk->line++;
    }
    size_t end = talk->line;
    body.len -= text->len;
    for (int64_t i = from; i <= to && !talk->has_failed; i++) {
        talk->line = begin;
        names_put(&talk->names, name, (struct json){.kind = JSON_INT, .integer = i});
        play_lines(talk, body);
    }
    if (!talk->has_failed)
        talk->line = end;
}

static void play_lines(struct talk *talk, str text)
{
    while (text.len != 0 && !talk->has_failed) {
        str line = take_line(talk, &text), rest = line;
        str trimmed = str_trim(line);
        if (trimmed.len == 0 || trimmed.at[0] == '#')
            continue;
        if (take(&rest, "for"))
            play_loop(talk, line, rest, &text);
        else
            play_line(talk, line);
    }
}

bool talk_play(struct talk *talk, str text)
{
    play_lines(talk, text);
    if (!talk->has_failed && talk->is_together)
        together_end(talk);
    if (!talk->has_failed && talk->error_is_due)
        talk_fail(talk, "the last call failed: %s: %.*s", error_code_name(talk->error),
                  STR_ARG(talk->error_text));
    return !talk->has_failed;
}

void talk_done(struct talk *talk)
{
    for (size_t i = 0; i < talk->together_count; i++)
        if (talk->together[i].mutation != NULL && mutation_is_back(talk->together[i].mutation))
            mutation_free(talk->together[i].mutation);
    house_free(talk->house);
    for (size_t i = 0; i < talk->person_count; i++)
        identity_drop(talk->people[i].identity);
    arena_done(&talk->arena);
}

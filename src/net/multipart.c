/* SPDX-License-Identifier: Apache-2.0 */
#include "net/multipart.h"

#include <string.h>

/* ---- parameters ---- */

/* Takes `name=value` or `name="value"` off the front of "; a=b; c=d". Quoted values keep their
 * escapes, but for \" and \\, as browsers and others write them. False: there is no more. */
static bool take_parameter(str *rest, str *name, str *value)
{
    str at = str_trim(*rest);
    while (str_starts(at, STR(";")))
        at = str_trim(str_slice(at, 1, at.len));
    ptrdiff_t equals = str_find(at, '=');
    if (equals <= 0)
        return false;
    *name = str_trim(str_slice(at, 0, (size_t)equals));
    at = str_slice(at, (size_t)equals + 1, at.len);
    bool is_quoted = str_starts(at, STR("\""));
    size_t end = is_quoted ? 1 : 0;
    while (end < at.len && (is_quoted ? at.at[end] != '"' : at.at[end] != ';'))
        end += is_quoted && at.at[end] == '\\' && end + 1 < at.len ? 2 : 1;
    if (is_quoted && end >= at.len)
        return false;
    *value = is_quoted ? str_slice(at, 1, end) : str_trim(str_slice(at, 0, end));
    *rest = str_slice(at, end + is_quoted, at.len);
    return true;
}

static bool find_parameter(str parameters, str wanted, str *out)
{
    str name, value;
    while (take_parameter(&parameters, &name, &value))
        if (str_equal_nocase(name, wanted)) {
            *out = value;
            return true;
        }
    return false;
}

static bool is_boundary_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("'()+_,-./:=? ", c) != NULL);
}

bool multipart_init(struct multipart *reader, str content_type,
                    const struct multipart_handlers *handlers, void *context)
{
    str type, boundary;
    *reader = (struct multipart){.handlers = handlers, .context = context};
    str rest = content_type;
    if (!str_split(&rest, ';', &type) ||
        !str_equal_nocase(str_trim(type), STR("multipart/form-data")) ||
        !find_parameter(rest, STR("boundary"), &boundary) || boundary.len == 0 ||
        boundary.len > MULTIPART_BOUNDARY_MAX)
        return false;
    for (size_t i = 0; i < boundary.len; i++)
        if (!is_boundary_char(boundary.at[i]))
            return false;
    memcpy(reader->delimiter, "\r\n--", 4);
    memcpy(reader->delimiter + 4, boundary.at, boundary.len);
    reader->delimiter_len = 4 + boundary.len;
    reader->matched = 2; /* the first one needs no line end before it */
    return true;
}

/* ---- heads ---- */

/* Unescapes \" and \\ in place: a head is the reader's own. */
static str unquote(char *at, size_t len)
{
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        if (at[i] == '\\' && i + 1 < len && (at[i + 1] == '"' || at[i + 1] == '\\'))
            i++;
        at[out++] = at[i];
    }
    return (str){at, out};
}

static str own(struct multipart *reader, str part)
{
    return unquote(reader->head + (part.at - reader->head), part.len);
}

/* The Content-Disposition of a form's part. */
static bool read_disposition(struct multipart *reader, str value, struct multipart_part *part)
{
    str kind;
    if (!str_split(&value, ';', &kind) || !str_equal_nocase(str_trim(kind), STR("form-data")) ||
        !find_parameter(value, STR("name"), &part->name))
        return false;
    part->has_file_name = find_parameter(value, STR("filename"), &part->file_name);
    part->name = own(reader, part->name);
    if (part->has_file_name)
        part->file_name = own(reader, part->file_name);
    return utf8_is_valid(part->name);
}

static bool read_head(struct multipart *reader, struct multipart_part *part)
{
    str rest = {reader->head, reader->head_len}, line;
    bool is_found = false;
    while (str_split(&rest, '\n', &line)) {
        str name;
        if (!str_split(&line, ':', &name) ||
            !str_equal_nocase(str_trim(name), STR("Content-Disposition")))
            continue;
        if (is_found || !read_disposition(reader, str_trim(line), part))
            return false;
        is_found = true;
    }
    return is_found;
}

/* Behind the last line end of a head there is an empty line. */
static bool head_is_whole(const struct multipart *reader)
{
    str head = {reader->head, reader->head_len};
    return str_equal(head, STR("\r\n")) || str_ends(head, STR("\r\n\r\n"));
}

static enum multipart_verdict take_head(struct multipart *reader, str *in)
{
    while (in->len > 0) {
        if (reader->head_len == sizeof(reader->head))
            return MULTIPART_BAD;
        reader->head[reader->head_len++] = in->at[0];
        *in = str_slice(*in, 1, in->len);
        if (!head_is_whole(reader))
            continue;
        struct multipart_part part = {0};
        if (++reader->parts > MULTIPART_PARTS_MAX || !read_head(reader, &part))
            return MULTIPART_BAD;
        reader->state = MULTIPART_DATA;
        return reader->handlers->begin(reader->context, &part) ? MULTIPART_MORE : MULTIPART_STOPPED;
    }
    return MULTIPART_MORE;
}

/* ---- data ---- */

/* What stands before the first delimiter is of no interest. */
static bool tell(struct multipart *reader, const char *at, size_t len)
{
    return reader->state == MULTIPART_BEFORE || len == 0 ||
           reader->handlers->data(reader->context, (str){at, len});
}

static enum multipart_verdict found(struct multipart *reader)
{
    bool goes_on = reader->state == MULTIPART_BEFORE || reader->handlers->end(reader->context);
    reader->state = MULTIPART_BEHIND;
    reader->matched = 0;
    reader->behind = '\0';
    return goes_on ? MULTIPART_MORE : MULTIPART_STOPPED;
}

/* How much of the delimiter stands at this place, as far as the text goes. */
static size_t same_at(const struct multipart *reader, str in, size_t at, size_t matched)
{
    size_t same = 0, left = MIN_OF(reader->delimiter_len - matched, in.len - at);
    while (same < left && in.at[at + same] == reader->delimiter[matched + same])
        same++;
    return same;
}

/* Goes on with a delimiter whose beginning ended the text before. If it is none, the beginning was
 * data; a delimiter holds no second carriage return, so nothing in it begins another one. */
static enum multipart_verdict take_rest(struct multipart *reader, str *in)
{
    size_t same = same_at(reader, *in, 0, reader->matched), matched = reader->matched;
    reader->matched += same;
    if (reader->matched == reader->delimiter_len) {
        *in = str_slice(*in, same, in->len);
        return found(reader);
    }
    if (same == in->len) {
        *in = (str){0};
        return MULTIPART_MORE;
    }
    reader->matched = 0;
    return tell(reader, reader->delimiter, matched) ? MULTIPART_MORE : MULTIPART_STOPPED;
}

/* Tells all data in one piece: a file full of carriage returns must not cost a call for each. */
static enum multipart_verdict take_data(struct multipart *reader, str *in)
{
    if (reader->matched > 0)
        return take_rest(reader, in);
    size_t at = 0, same = 0;
    while (at < in->len) {
        const char *next = memchr(in->at + at, '\r', in->len - at);
        at = next == NULL ? in->len : (size_t)(next - in->at);
        same = same_at(reader, *in, at, 0);
        if (same == reader->delimiter_len || at + same == in->len)
            break;
        at++;
    }
    bool goes_on = tell(reader, in->at, at);
    *in = str_slice(*in, at + same, in->len);
    reader->matched = same;
    if (!goes_on)
        return MULTIPART_STOPPED;
    return same == reader->delimiter_len ? found(reader) : MULTIPART_MORE;
}

/* Blanks, then a line end or "--". */
static enum multipart_verdict take_behind(struct multipart *reader, str *in)
{
    while (in->len > 0) {
        char c = in->at[0];
        *in = str_slice(*in, 1, in->len);
        if (reader->behind == '\0' && (c == ' ' || c == '\t'))
            continue;
        if (reader->behind == '\0' && (c == '\r' || c == '-')) {
            reader->behind = c;
            continue;
        }
        if (reader->behind == '\r' && c == '\n') {
            reader->state = MULTIPART_HEAD;
            reader->head_len = 0;
            return MULTIPART_MORE;
        }
        if (reader->behind != '-' || c != '-')
            return MULTIPART_BAD;
        reader->state = MULTIPART_OVER;
        return MULTIPART_READY;
    }
    return MULTIPART_MORE;
}

enum multipart_verdict multipart_feed(struct multipart *reader, str in)
{
    enum multipart_verdict verdict = MULTIPART_MORE;
    while (in.len > 0 && verdict == MULTIPART_MORE) {
        switch (reader->state) {
        case MULTIPART_BEFORE:
        case MULTIPART_DATA:
            verdict = take_data(reader, &in);
            break;
        case MULTIPART_BEHIND:
            verdict = take_behind(reader, &in);
            break;
        case MULTIPART_HEAD:
            verdict = take_head(reader, &in);
            break;
        case MULTIPART_OVER:
            return MULTIPART_READY;
        }
    }
    return verdict;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/xml.h"

/* Past the end of what begins with "<" and is no element; false: it has none. */
static bool pass_other(str *rest)
{
    str end = str_starts(*rest, STR("<!--")) ? STR("-->") : STR(">");
    for (size_t i = 0; i + end.len <= rest->len; i++) {
        if (str_starts(str_slice(*rest, i, rest->len), end)) {
            *rest = str_slice(*rest, i + end.len, rest->len);
            return true;
        }
    }
    return false;
}

bool xml_next(struct xml *xml, struct xml_tag *out)
{
    for (;;) {
        ptrdiff_t open = str_find(xml->rest, '<');
        if (open < 0)
            return false;
        xml->rest = str_slice(xml->rest, (size_t)open, xml->rest.len);
        if (!str_starts(xml->rest, STR("<?")) && !str_starts(xml->rest, STR("<!")))
            break;
        if (!pass_other(&xml->rest))
            return false;
    }
    ptrdiff_t close = str_find(xml->rest, '>');
    if (close < 0)
        return false;
    str tag = str_slice(xml->rest, 1, (size_t)close), name = {0};
    xml->rest = str_slice(xml->rest, (size_t)close + 1, xml->rest.len);
    out->is_end = str_starts(tag, STR("/"));
    if (out->is_end)
        tag = str_slice(tag, 1, tag.len);
    if (str_ends(tag, STR("/")))
        tag.len--;
    if (!str_split(&tag, ' ', &name) || name.len == 0)
        return false;
    out->name = name;
    ptrdiff_t end = str_find(xml->rest, '<');
    out->text = str_slice(xml->rest, 0, end < 0 ? xml->rest.len : (size_t)end);
    return true;
}

/* "&amp;" and the like; *len: of what it was in the text. 0: it is none that we know. */
static char entity(str at, size_t *len)
{
    static const struct {
        const char *text;
        char means;
    } known[] = {{"&amp;", '&'},   {"&lt;", '<'},  {"&gt;", '>'},  {"&quot;", '"'},
                 {"&apos;", '\''}, {"&#34;", '"'}, {"&#39;", '\''}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_starts(at, str_of(known[i].text))) {
            *len = str_of(known[i].text).len;
            return known[i].means;
        }
    }
    return 0;
}

str xml_text(struct arena *arena, str raw)
{
    char *out = arena_alloc(arena, raw.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < raw.len;) {
        size_t step = 1;
        char c = raw.at[i] == '&' ? entity(str_slice(raw, i, raw.len), &step) : raw.at[i];
        out[len++] = c == 0 ? raw.at[i] : c;
        i += c == 0 ? 1 : step;
    }
    return (str){out, len};
}

str xml_find(struct arena *arena, str text, const char *name)
{
    struct xml xml = {text};
    struct xml_tag tag;
    while (xml_next(&xml, &tag))
        if (!tag.is_end && str_equal(tag.name, str_of(name)))
            return xml_text(arena, tag.text);
    return (str){0};
}

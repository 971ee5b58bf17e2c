/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/stamp.h"

#define OURS "urn:atelier:generation:1:"
#define SOURCE_TYPE "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
#define RDF_END "</rdf:RDF>"
#define IPTC_WORDS_MAX KIB(16) /* a longer prompt is written once, in our own words */

static const char packet_begin[] =
    "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
    "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n";
static const char packet_end[] = RDF_END "\n</x:xmpmeta>\n<?xpacket end=\"w\"?>";

static void add_escaped(struct buffer *to, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '&')
            buffer_str(to, STR("&amp;"));
        else if (c == '<')
            buffer_str(to, STR("&lt;"));
        else if (c == '>')
            buffer_str(to, STR("&gt;"));
        else if (c >= 0 && c < ' ' && c != '\n' && c != '\t')
            buffer_char(to, ' '); /* XML has no way to say it */
        else
            buffer_char(to, c);
    }
}

/* Once only: a property that is there twice spoils the whole packet for strict readers. */
static void add_property(struct buffer *to, str old, const char *name, str value)
{
    if (value.len == 0 || str_contains(old, str_of(name)))
        return;
    buffer_format(to, "<%s>", name);
    add_escaped(to, value);
    buffer_format(to, "</%s>\n", name);
}

static void add_number(struct buffer *to, const char *name, int64_t value)
{
    buffer_format(to, "<%s>%lld</%s>\n", name, (long long)value, name);
}

static void add_description(struct buffer *to, const struct stamp *stamp, str old)
{
    buffer_str(to, STR("<rdf:Description rdf:about=\"\" xmlns:atelier=\"" OURS "\" "
                       "xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" "
                       "xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\">\n"));
    add_property(to, old, "xmp:CreatorTool", STR("Atelier"));
    add_property(to, old, "Iptc4xmpExt:DigitalSourceType", STR(SOURCE_TYPE));
    add_property(to, old, "Iptc4xmpExt:AISystemUsed", stamp->model);
    if (stamp->prompt.len <= IPTC_WORDS_MAX)
        add_property(to, old, "Iptc4xmpExt:AIPromptInformation", stamp->prompt);
    add_property(to, old, "atelier:prompt", stamp->prompt);
    add_property(to, old, "atelier:negativePrompt", stamp->negative_prompt);
    add_property(to, old, "atelier:model", stamp->model);
    if (stamp->seed.is_set)
        add_number(to, "atelier:seed", stamp->seed.value);
    if (stamp->width > 0 && stamp->height > 0) {
        add_number(to, "atelier:width", stamp->width);
        add_number(to, "atelier:height", stamp->height);
    }
    buffer_str(to, STR("</rdf:Description>\n"));
}

static str packet(struct arena *arena, const struct stamp *stamp, str old, size_t end)
{
    AUTO(buffer_done) struct buffer to = buffer_with_max(MIB(4));
    buffer_str(&to, old.len > 0 ? str_slice(old, 0, end) : str_of(packet_begin));
    add_description(&to, stamp, old);
    buffer_str(&to, old.len > 0 ? str_slice(old, end, old.len) : str_of(packet_end));
    return to.is_over ? (str){0} : str_copy(arena, buffer_text(&to));
}

str stamp_xmp(struct arena *arena, const struct stamp *stamp, str old, size_t max)
{
    struct stamp shorter = *stamp;
    const char *end = old.len == 0 ? NULL : memmem(old.at, old.len, RDF_END, strlen(RDF_END));
    if (old.len > 0 && (end == NULL || str_contains(old, STR(OURS))))
        return (str){0};
    str whole = packet(arena, stamp, old, end == NULL ? 0 : (size_t)(end - old.at));
    /* Escaped, a text of 8,000 bytes can be five times as long. */
    for (size_t most = 4096; whole.len > max && most >= 512; most /= 2) {
        shorter.prompt = utf8_cut(stamp->prompt, most);
        shorter.negative_prompt = utf8_cut(stamp->negative_prompt, most);
        whole = packet(arena, &shorter, old, end == NULL ? 0 : (size_t)(end - old.at));
    }
    return whole.len > max ? (str){0} : whole;
}

/* As a value of the settings line: quoted when it holds what divides them. */
static void add_value(struct buffer *to, str value)
{
    bool is_quoted = str_find(value, ',') >= 0 || str_find(value, ':') >= 0 ||
                     str_find(value, '"') >= 0 || str_find(value, '\n') >= 0;
    if (is_quoted)
        buffer_char(to, '"');
    for (size_t i = 0; i < value.len; i++)
        buffer_char(to, value.at[i] == '"' || value.at[i] == '\n' ? ' ' : value.at[i]);
    if (is_quoted)
        buffer_char(to, '"');
}

str stamp_plain(struct arena *arena, const struct stamp *stamp)
{
    AUTO(buffer_done) struct buffer to = buffer_with_max(KIB(64));
    buffer_str(&to, stamp->prompt);
    if (stamp->negative_prompt.len > 0) {
        buffer_str(&to, STR("\nNegative prompt: "));
        buffer_str(&to, stamp->negative_prompt);
    }
    buffer_char(&to, '\n');
    if (stamp->seed.is_set)
        buffer_format(&to, "Seed: %lld, ", (long long)stamp->seed.value);
    if (stamp->width > 0 && stamp->height > 0)
        buffer_format(&to, "Size: %ux%u, ", stamp->width, stamp->height);
    if (stamp->model.len > 0) {
        buffer_str(&to, STR("Model: "));
        add_value(&to, stamp->model);
        buffer_str(&to, STR(", "));
    }
    buffer_str(&to, STR("Version: Atelier"));
    return str_copy(arena, buffer_text(&to));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/names.h"

#include "base/buffer.h"
#include "base/hash.h"

#include <ctype.h>
#include <string.h>

#define ENDING_MAX 8 /* bytes of what is taken for a name's ending, its dot apart */

static const struct ending {
    const char *type, *ending, *also;
} endings[] = {
    {"image/png", "png", NULL},   {"image/jpeg", "jpg", "jpeg"}, {"image/webp", "webp", NULL},
    {"image/avif", "avif", NULL}, {"image/gif", "gif", NULL},    {"image/heic", "heic", "heif"},
    {"video/mp4", "mp4", "m4v"},  {"video/webm", "webm", NULL},  {"video/quicktime", "mov", NULL},
};

static const struct ending *ending_of(str type)
{
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (str_equal(type, str_of(endings[i].type)))
            return &endings[i];
    return NULL;
}

const char *type_ending(str content_type)
{
    const struct ending *found = ending_of(content_type);
    return found == NULL ? NULL : found->ending;
}

/* ---- cleaning ---- */

/* The marks that turn the direction of writing: "gnp.exe" must not be shown as "exe.png". They are
 * U+200E, 200F, 202A to 202E and 2066 to 2069; the line separators 2028 and 2029 go with them. */
static bool turns_direction(const unsigned char *at, size_t len)
{
    if (len < 3 || at[0] != 0xE2)
        return false;
    if (at[1] == 0x80)
        return at[2] == 0x8E || at[2] == 0x8F || (at[2] >= 0xA8 && at[2] <= 0xAE);
    return at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9;
}

static void append_clean(struct buffer *to, str name)
{
    const unsigned char *at = (const unsigned char *)name.at;
    for (size_t i = 0; i < name.len; i++) {
        if (turns_direction(at + i, name.len - i)) {
            i += 2;
            continue;
        }
        /* U+0080 to U+009F command terminals as well. */
        bool is_command = at[i] == 0xC2 && i + 1 < name.len && at[i + 1] < 0xA0;
        if (at[i] < ' ' || at[i] == 0x7f || is_command || strchr("\"*/:<>?\\|", at[i]) != NULL)
            buffer_char(to, '_');
        else
            buffer_char(to, (char)at[i]);
        i += is_command;
    }
}

/* No dots or spaces at the ends: hidden files, names that some systems cut, "..". */
static str trim_dots(str name)
{
    while (name.len != 0 && strchr(". ", name.at[0]) != NULL)
        name = str_slice(name, 1, name.len);
    while (name.len != 0 && strchr(". ", name.at[name.len - 1]) != NULL)
        name.len--;
    return name;
}

/* Where the ending begins, at its dot; the whole length when there is none. */
static size_t stem_len(str name)
{
    ptrdiff_t dot = str_find_last(name, '.');
    size_t len = dot < 0 ? 0 : name.len - (size_t)dot - 1;
    if (dot <= 0 || len == 0 || len > ENDING_MAX)
        return name.len;
    for (size_t i = (size_t)dot + 1; i < name.len; i++)
        if (isalnum((unsigned char)name.at[i]) == 0)
            return name.len;
    return (size_t)dot;
}

static bool is_known_ending(str text)
{
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (str_equal_nocase(text, str_of(endings[i].ending)) ||
            str_equal_nocase(text, str_of(endings[i].also)))
            return true;
    return false;
}

/* What a name is without an ending that another type has. */
static str stem_of(str name, const struct ending *ending)
{
    size_t stem = stem_len(name);
    str tail = str_slice(name, MIN_OF(stem + 1, name.len), name.len);
    bool is_ours = ending != NULL && is_known_ending(tail);
    return is_ours ? str_slice(name, 0, stem) : name;
}

str name_clean(struct arena *arena, str name, str content_type)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(KIB(16));
    const struct ending *ending = ending_of(content_type);
    append_clean(&text, utf8_cut(name, KIB(8)));
    str clean = trim_dots(buffer_text(&text));
    str stem = stem_of(clean, ending);
    size_t room = NAME_BYTES_MAX - ENDING_MAX - 1;
    str cut = trim_dots(utf8_cut(stem, room));
    if (cut.len == 0)
        cut = STR("file");
    if (ending == NULL)
        return str_copy(arena, cut);
    return str_format(arena, "%.*s.%s", STR_ARG(cut), ending->ending);
}

/* ---- headers ---- */

str name_disposition(struct arena *arena, str name)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(KIB(4));
    buffer_str(&text, STR("attachment; filename=\""));
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];
        bool is_plain = c >= ' ' && c < 0x7f && strchr("\"\\%", c) == NULL;
        if ((c & 0xC0) != 0x80) /* one for a character, not for each of its bytes */
            buffer_char(&text, is_plain ? (char)c : '_');
    }
    buffer_str(&text, STR("\"; filename*=UTF-8''"));
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];
        if (c < 0x80 && c != 0 && (isalnum(c) != 0 || strchr("!#$&+-.^_`|~", c) != NULL))
            buffer_char(&text, (char)c);
        else
            buffer_format(&text, "%%%02X", c);
    }
    return str_copy(arena, buffer_text(&text));
}

/* ---- sets ---- */

struct name_slot {
    uint64_t hash; /* 0: empty */
    str name;      /* folded */
    size_t next;   /* the number to be tried next behind this name */
};

/* ASCII letters only: systems that fold others are not told apart by us, and overwrite nothing
 * without asking. */
static str fold(struct arena *arena, str name)
{
    char *at = arena_alloc(arena, name.len + 1);
    for (size_t i = 0; i < name.len; i++)
        at[i] = (char)(name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] + 32 : name.at[i]);
    return (str){at, name.len};
}

static struct name_slot *slot_of(struct name_slot *slots, size_t room, str name, uint64_t hash)
{
    size_t at = hash & (room - 1);
    while (slots[at].hash != 0 && (slots[at].hash != hash || !str_equal(slots[at].name, name)))
        at = (at + 1) & (room - 1);
    return &slots[at];
}

static void make_room(struct name_set *set)
{
    if (set->count * 2 < set->room)
        return;
    size_t room = MAX_OF(set->room * 2, (size_t)64);
    struct name_slot *slots = arena_array(set->arena, struct name_slot, room);
    for (size_t i = 0; i < set->room; i++)
        if (set->slots[i].hash != 0)
            *slot_of(slots, room, set->slots[i].name, set->slots[i].hash) = set->slots[i];
    set->slots = slots;
    set->room = room;
}

/* NULL: it was taken before, and *old is who has it. */
static bool add(struct name_set *set, str name, size_t **next)
{
    make_room(set);
    str folded = fold(set->arena, name);
    uint64_t hash = hash_bytes(folded.at, folded.len) | 1;
    struct name_slot *slot = slot_of(set->slots, set->room, folded, hash);
    *next = &slot->next;
    if (slot->hash != 0)
        return false;
    *slot = (struct name_slot){hash, folded, 2};
    set->count++;
    return true;
}

str name_take(struct name_set *set, str name)
{
    size_t *next, *ignored, number;
    if (add(set, name, &next))
        return str_copy(set->arena, name);
    number = *next;
    size_t stem = stem_len(name);
    for (;; number++) {
        str other = str_format(set->arena, "%.*s (%zu)%.*s", (int)stem, name.at, number,
                               (int)(name.len - stem), name.at + stem);
        if (!add(set, other, &ignored))
            continue;
        if (!add(set, name, &next)) /* found again: the table may have moved */
            *next = number + 1;
        return other;
    }
}

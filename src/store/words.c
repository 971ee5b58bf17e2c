/* SPDX-License-Identifier: Apache-2.0 */
#include "store/words.h"

#include <string.h>

struct span_of {
    uint32_t from, to;
};

/* ---- characters ---- */

/* No letters or digits, beyond ASCII: signs, punctuation, symbols, what belongs to nobody. */
static const struct span_of separators[] = {
    {0x80, 0xa9},        {0xab, 0xb4},     {0xb6, 0xb9},     {0xbb, 0xbf},     {0xd7, 0xd7},
    {0xf7, 0xf7},        {0x2c2, 0x2c5},   {0x2d2, 0x2df},   {0x37e, 0x37e},   {0x387, 0x387},
    {0x55a, 0x55f},      {0x589, 0x58a},   {0x5be, 0x5be},   {0x5c0, 0x5c0},   {0x5c3, 0x5c3},
    {0x5f3, 0x5f4},      {0x600, 0x60f},   {0x61b, 0x61f},   {0x66a, 0x66d},   {0x6d4, 0x6d4},
    {0x964, 0x965},      {0x970, 0x970},   {0xe3f, 0xe3f},   {0xe4f, 0xe4f},   {0xe5a, 0xe5b},
    {0x10fb, 0x10fb},    {0x1361, 0x1368}, {0x17d4, 0x17db}, {0x1800, 0x180a}, {0x2000, 0x200a},
    {0x2010, 0x205f},    {0x2061, 0x206f}, {0x20a0, 0x20cf}, {0x2190, 0x2bff}, {0x2e00, 0x2e7f},
    {0x3000, 0x3004},    {0x3008, 0x3020}, {0x3030, 0x3030}, {0x303d, 0x303f}, {0x30a0, 0x30a0},
    {0x30fb, 0x30fb},    {0xe000, 0xf8ff}, {0xfe10, 0xfe1f}, {0xfe30, 0xfe6f}, {0xff00, 0xff0f},
    {0xff1a, 0xff20},    {0xff3b, 0xff40}, {0xff5b, 0xff65}, {0xfff0, 0xffff}, {0x1f000, 0x1fbef},
    {0xe0000, 0x10ffff},
};

/* Where words are not told apart by spaces. */
static const struct span_of unspaced[] = {
    {0xe01, 0xe5b},   {0xe80, 0xeff},   {0x1000, 0x109f}, {0x1780, 0x17ff},   {0x3005, 0x3007},
    {0x3021, 0x3029}, {0x3041, 0x30ff}, {0x31f0, 0x31ff}, {0x3400, 0x4dbf},   {0x4e00, 0x9fff},
    {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xff66, 0xff9f}, {0x20000, 0x3ffff},
};

static bool is_among(const struct span_of *list, size_t count, uint32_t c)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > list[middle].to)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && c >= list[low].from;
}

/* Letters whose small one follows each large one, from the first large one on. */
static const struct span_of pairs[] = {
    {0x100, 0x137}, {0x139, 0x148}, {0x14a, 0x177},   {0x179, 0x17e},
    {0x1cd, 0x1dc}, {0x1de, 0x1ef}, {0x1f8, 0x21f},   {0x222, 0x233},
    {0x370, 0x373}, {0x3d8, 0x3ef}, {0x460, 0x481},   {0x48a, 0x4bf},
    {0x4c1, 0x4ce}, {0x4d0, 0x52f}, {0x1e00, 0x1e95}, {0x1ea0, 0x1eff},
};

/* Letters whose small one is so much further. */
static const struct {
    struct span_of large;
    int32_t by;
} shifts[] = {
    {{'A', 'Z'}, 32},          {{0xc0, 0xd6}, 32},       {{0xd8, 0xde}, 32},
    {{0x178, 0x178}, -121},    {{0x17f, 0x17f}, -268},   {{0x386, 0x386}, 38},
    {{0x388, 0x38a}, 37},      {{0x38c, 0x38c}, 64},     {{0x38e, 0x38f}, 63},
    {{0x391, 0x3a1}, 32},      {{0x3a3, 0x3ab}, 32},     {{0x3c2, 0x3c2}, 1},
    {{0x400, 0x40f}, 80},      {{0x410, 0x42f}, 32},     {{0x4c0, 0x4c0}, 15},
    {{0x531, 0x556}, 48},      {{0x10a0, 0x10c5}, 7264}, {{0x1c90, 0x1cbf}, -3008},
    {{0x1e9e, 0x1e9e}, -7615}, {{0xff21, 0xff3a}, 32},   {{0x10400, 0x10427}, 40},
};

static uint32_t fold(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c >= 0xff01 && c <= 0xff5e)
        return fold(c - 0xfee0); /* full width */
    if (c == 0x130)
        return 'i';
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (c >= pairs[i].from && c <= pairs[i].to)
            return (c - pairs[i].from) % 2 == 0 ? c + 1 : c;
    for (size_t i = 0; i < ARRAY_LEN(shifts); i++)
        if (c >= shifts[i].large.from && c <= shifts[i].large.to)
            return (uint32_t)((int32_t)c + shifts[i].by);
    return c;
}

enum sort {
    SORT_NONE,   /* separates */
    SORT_LETTER, /* or digit */
    SORT_UNSPACED,
    SORT_UNSEEN, /* soft hyphens, joiners: as if they were not there */
};

static bool is_unseen(uint32_t c)
{
    return c == 0xad || (c >= 0x200b && c <= 0x200f) || c == 0x2060 || c == 0xfeff ||
           (c >= 0xfe00 && c <= 0xfe0f);
}

static bool is_plain(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static enum sort sort_of(uint32_t c)
{
    if (c < 0x80)
        return is_plain(c) ? SORT_LETTER : SORT_NONE;
    if (is_unseen(c))
        return SORT_UNSEEN;
    if (is_among(separators, ARRAY_LEN(separators), c))
        return SORT_NONE;
    return is_among(unspaced, ARRAY_LEN(unspaced), c) ? SORT_UNSPACED : SORT_LETTER;
}

static bool is_code_point(uint32_t c, size_t len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    return c >= least[len] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

/* One code point; 0 for what is none. The text's front moves behind it. */
static uint32_t next_char(str *text)
{
    const uint8_t *at = (const uint8_t *)text->at;
    size_t len = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    uint32_t c = len == 1 ? at[0] : at[0] & (0x7fu >> len);
    size_t seen = 1;
    for (; seen < len && seen < text->len && (at[seen] & 0xc0) == 0x80; seen++)
        c = c << 6 | (at[seen] & 0x3fu);
    bool is_lead = at[0] < 0x80 || (at[0] >= 0xc2 && at[0] < 0xf8);
    bool is_well = seen == len && is_lead && is_code_point(c, len);
    len = is_well ? len : 1;
    *text = (str){text->at + len, text->len - len};
    return is_well ? c : 0;
}

/* ---- one word ---- */

struct word {
    char at[WORD_MAX + 4];
    size_t len;
};

static void word_add(struct word *word, uint32_t c)
{
    char *to = word->at + word->len;
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (word->len + len > WORD_MAX)
        return;
    if (len == 1)
        to[0] = (char)c;
    else
        to[0] = (char)((0xf00 >> len & 0xff) | c >> (6 * (len - 1)));
    for (size_t i = 1; i < len; i++)
        to[i] = (char)(0x80 | (c >> (6 * (len - 1 - i)) & 0x3f));
    word->len += len;
}

static void put(struct words *words, const char *at, size_t len)
{
    if (len == 0 || words->count == words->max)
        return;
    if (words->count == words->room) {
        size_t room = MAX_OF(words->room * 2, (size_t)32);
        str *larger = arena_array(words->arena, str, room);
        if (words->count != 0)
            memcpy(larger, words->items, words->count * sizeof(str));
        words->items = larger;
        words->room = room;
    }
    words->items[words->count++] = str_copy(words->arena, (str){at, len});
}

/* The text's next word; false: there is none. */
static bool next_word(str *text, struct word *out)
{
    out->len = 0;
    while (text->len != 0) {
        str rest = *text;
        uint32_t c = next_char(&rest);
        enum sort sort = sort_of(c);
        if (sort != SORT_LETTER && sort != SORT_UNSEEN && out->len != 0)
            return true;
        if (sort == SORT_UNSPACED)
            return false; /* of those the caller takes care */
        *text = rest;
        if (sort == SORT_LETTER)
            word_add(out, fold(c));
    }
    return out->len != 0;
}

/* The next run of characters without spaces between words: each two, and the last alone, which
 * in a question of one character only starts a word. */
static void add_run(struct words *words, str *text, bool are_terms)
{
    struct word both = {.len = 0};
    size_t first = 0, count = 0;
    while (text->len != 0) {
        str rest = *text;
        uint32_t c = next_char(&rest);
        enum sort sort = sort_of(c);
        if (sort != SORT_UNSPACED && sort != SORT_UNSEEN)
            break;
        *text = rest;
        if (sort == SORT_UNSEEN)
            continue;
        memmove(both.at, both.at + first, both.len - first);
        both.len -= first;
        first = both.len;
        word_add(&both, fold(c));
        if (++count > 1)
            put(words, both.at, both.len);
    }
    if (!are_terms) {
        put(words, both.at + first, both.len - first);
    } else if (count == 1) {
        both.at[both.len++] = '*';
        put(words, both.at, both.len);
    }
}

static void add_all(struct words *words, str text, bool are_terms)
{
    struct word word;
    while (text.len != 0 && words->count < words->max) {
        if (next_word(&text, &word))
            put(words, word.at, word.len);
        if (text.len != 0)
            add_run(words, &text, are_terms);
    }
}

void words_add(struct words *words, str text)
{
    add_all(words, text, false);
}

void words_add_terms(struct words *words, str text)
{
    size_t before = words->count;
    add_all(words, text, true);
    if (words->count == before)
        return;
    str *last = &words->items[words->count - 1];
    if (!term_is_prefix(*last))
        *last = str_format(words->arena, "%.*s*", STR_ARG(*last));
}

/* Spaces and stars would be read as our own. */
void words_add_mark(struct words *words, str name, str value)
{
    struct word word;
    char mark[2 * WORD_MAX + 4];
    size_t len = 0;
    mark[len++] = '=';
    for (size_t i = 0; i < name.len && len < WORD_MAX; i++)
        mark[len++] = name.at[i];
    mark[len++] = ':';
    word.len = 0;
    while (value.len != 0) {
        uint32_t c = fold(next_char(&value));
        word_add(&word, c == ' ' || c == '*' || c < ' ' ? '_' : c);
    }
    memcpy(mark + len, word.at, word.len);
    put(words, mark, len + word.len);
}

static int compare(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

str words_join(struct words *words)
{
    if (words->count == 0)
        return STR("");
    AUTO(buffer_done) struct buffer text = {0};
    qsort(words->items, words->count, sizeof(str), compare);
    for (size_t i = 0; i < words->count; i++) {
        if (i != 0 && str_equal(words->items[i], words->items[i - 1]))
            continue;
        buffer_char(&text, ' ');
        buffer_str(&text, words->items[i]);
    }
    buffer_char(&text, ' ');
    return str_copy(words->arena, buffer_text(&text));
}

/* ---- matching ---- */

bool words_next(str *words, str *word)
{
    while (words->len != 0 && words->at[0] == ' ')
        *words = (str){words->at + 1, words->len - 1};
    return words->len != 0 && str_split(words, ' ', word);
}

bool words_have(str words, str term)
{
    char look[WORD_MAX * 2 + 8];
    bool is_prefix = term_is_prefix(term);
    size_t len = term.len - (is_prefix ? 1 : 0);
    if (words.len == 0 || len + 2 > sizeof(look))
        return false;
    look[0] = ' ';
    memcpy(look + 1, term.at, len);
    look[len + 1] = ' ';
    return memmem(words.at, words.len, look, len + (is_prefix ? 1 : 2)) != NULL;
}

bool words_match(str words, str terms)
{
    str term;
    while (words_next(&terms, &term))
        if (!words_have(words, term))
            return false;
    return true;
}

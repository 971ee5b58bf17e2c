/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/paint_mood.h"

#include <string.h>

#include "media/worker/paint_words.h"

#define WORD_MAX 31
#define COLOURS_MAX 3

/* What the words said so far. */
struct reading {
    int palettes[PALETTE_COUNT];
    int families[FAMILY_COUNT];
    unsigned motifs;
    uint32_t colours[COLOURS_MAX];
    int colour_count;
    uint64_t hash;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}

/* The next word in lower case, or false at the end. */
static bool next_word(const char **text, char word[WORD_MAX + 1])
{
    while (**text != '\0' && !is_letter(**text))
        (*text)++;
    size_t len = 0;
    for (; is_letter(**text); (*text)++)
        if (len < WORD_MAX)
            word[len++] = (char)(**text >= 'A' && **text <= 'Z' ? **text + 32 : **text);
    word[len] = '\0';
    return len > 0;
}

static const struct word_row *find(const char *word)
{
    for (int i = 0; i < paint_words_count; i++)
        if (strcmp(paint_words[i].word, word) == 0)
            return &paint_words[i];
    return NULL;
}

/* Plurals are tried without their ending. */
static const struct word_row *find_form(char *word)
{
    const struct word_row *row = find(word);
    size_t len = strlen(word);
    if (row == NULL && len > 3 && word[len - 1] == 's') {
        word[len - 1] = '\0';
        row = find(word);
    }
    if (row == NULL && len > 4 && word[len - 1] == '\0' && word[len - 2] == 'e') {
        word[len - 2] = '\0';
        row = find(word);
    }
    return row;
}

static void forget_colour(struct reading *reading, uint32_t colour)
{
    for (int i = 0; i < reading->colour_count; i++)
        if (reading->colours[i] == colour)
            reading->colours[i] = reading->colours[--reading->colour_count];
}

static void take(struct reading *reading, const struct word_row *row, int sign)
{
    int weight = (row->weight == 0 ? 2 : row->weight) * sign;
    /* The hour and the weather colour a place, however many words the place has. */
    bool is_light = row->family == FAMILY_NONE || row->family_weight != 0;
    if (row->palette != PALETTE_NONE)
        reading->palettes[row->palette] += is_light ? weight * 3 : weight;
    if (row->family != FAMILY_NONE)
        reading->families[row->family] +=
            row->family_weight != 0 ? row->family_weight * sign : weight;
    reading->motifs = sign > 0 ? reading->motifs | row->motifs : reading->motifs & ~row->motifs;
    if (row->colour == 0)
        return;
    if (sign < 0)
        forget_colour(reading, row->colour);
    else if (reading->colour_count < COLOURS_MAX)
        reading->colours[reading->colour_count++] = row->colour;
}

static void read_text(struct reading *reading, const char *text, int sign)
{
    char word[WORD_MAX + 1];
    if (text == NULL)
        return;
    while (next_word(&text, word)) {
        for (const char *c = word; *c != '\0'; c++)
            reading->hash = (reading->hash ^ (uint8_t)*c) * 0x100000001b3U;
        reading->hash = hash_mix(reading->hash + (uint64_t)(sign + 2));
        const struct word_row *row = find_form(word);
        if (row != NULL)
            take(reading, row, sign);
    }
}

/* The entry with most votes, or 0 when nobody voted. */
static int winner(const int *votes, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        if (votes[i] > 0 && (best == 0 || votes[i] > votes[best]))
            best = i;
    return best;
}

static struct lab *tone(struct palette *palette, int i)
{
    struct lab *tones[] = {&palette->top,    &palette->low,  &palette->light,  &palette->far,
                           &palette->middle, &palette->near, &palette->accent, &palette->second};
    return tones[i];
}

#define TONES 8

static struct palette palette_of(const struct palette_row *row)
{
    return (struct palette){
        .top = lab_of_srgb(row->top),
        .low = lab_of_srgb(row->low),
        .light = lab_of_srgb(row->light),
        .far = lab_of_srgb(row->far),
        .middle = lab_of_srgb(row->middle),
        .near = lab_of_srgb(row->near),
        .accent = lab_of_srgb(row->accent),
        .second = lab_of_srgb(row->second),
    };
}

/* Takes hue and chroma of the named colour, keeping most of the tone's own lightness. */
static struct lab tinted(struct lab tone, struct lab colour, float share)
{
    struct lab target = colour;
    target.light = mix(tone.light, colour.light, 0.3F);
    return lab_mix(tone, target, share);
}

static void tint(struct palette *palette, const struct reading *reading, float pull)
{
    if (reading->colour_count == 0)
        return;
    struct lab first = lab_of_srgb(reading->colours[0]);
    struct lab other = lab_of_srgb(reading->colours[reading->colour_count > 1 ? 1 : 0]);
    palette->accent = lab_mix(palette->accent, first, pull);
    palette->second = lab_mix(palette->second, other, reading->colour_count > 1 ? pull : pull / 3);
    palette->far = tinted(palette->far, other, pull * 0.6F);
    palette->middle = tinted(palette->middle, first, pull * 0.7F);
    palette->near = tinted(palette->near, other, pull * 0.35F);
    palette->top = tinted(palette->top, reading->colour_count > 1 ? other : first, pull * 0.35F);
    palette->low = tinted(palette->low, first, pull * 0.22F);
}

/* Stretches lightness away from the middle and chroma from grey. */
static void contrast(struct palette *palette, float amount)
{
    for (int i = 0; i < TONES; i++) {
        struct lab *colour = tone(palette, i);
        colour->light = clamp(0.55F + (colour->light - 0.55F) * amount, 0.06F, 0.985F);
        *colour = lab_strong(*colour, 0.5F + amount * 0.5F);
    }
}

/* What suits a prompt of which no word is known: nothing that claims to be a person or a thing. */
static const enum family open_families[] = {
    FAMILY_RIDGES, FAMILY_WAVES, FAMILY_CUTOUT, FAMILY_ORBIT,     FAMILY_WOVEN,
    FAMILY_FLOW,   FAMILY_DUNES, FAMILY_ARCHES, FAMILY_BOTANICAL, FAMILY_SEA,
};

struct mood mood_of(const struct paint_order *order)
{
    struct reading reading = {.hash = 0xcbf29ce484222325U};
    read_text(&reading, order->prompt, 1);
    read_text(&reading, order->negative, -1);

    struct dice dice = {hash_mix(reading.hash) ^ 0x5851f42d4c957f2dU};
    struct mood mood = {.motifs = reading.motifs};
    mood.seed = hash_mix(reading.hash + hash_mix(order->seed + 1) * 3 + order->index * 0x9e37U);
    int family = winner(reading.families, FAMILY_COUNT);
    int any = dice_pick(&dice, (int)(sizeof(open_families) / sizeof(open_families[0])));
    mood.family = family != 0 ? (enum family)family : open_families[any];
    int palette = winner(reading.palettes, PALETTE_COUNT);
    int any_palette = 1 + dice_pick(&dice, PALETTE_COUNT - 1);
    bool is_named = palette != 0;
    const struct palette_row *row = &paint_palettes[is_named ? palette : any_palette];
    mood.palette = palette_of(row);
    mood.is_dark = row->is_dark;

    struct dice own = {mood.seed};
    float turn = dice_between(&own, -1.0F, 1.0F) * (is_named ? 0.014F : 0.05F);
    for (int i = 0; i < TONES; i++)
        *tone(&mood.palette, i) = lab_turn(*tone(&mood.palette, i), turn);
    tint(&mood.palette, &reading, clamp(order->guidance / 9.0F, 0.1F, 0.92F));
    contrast(&mood.palette, 0.88F + 0.016F * clamp(order->guidance, 1.0F, 20.0F));

    mood.detail = clamp((float)(order->steps - 10) / 40.0F, 0.0F, 1.0F);
    float shorter = (float)(order->width < order->height ? order->width : order->height);
    mood.aspect_x = (float)order->width / shorter;
    mood.aspect_y = (float)order->height / shorter;
    return mood;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the helper says is foreign: a child that was taken over by a crafted file may say anything.
 * Lengths must fit what was lent, facts must be possible, texts must be texts.
 */
#include <string.h>

#include "media/request.h"

#define SIDE_MAX 65536U
#define DURATION_MAX_MS (24U * 3600U * 1000U)
#define BLUR_PREFIX "data:image/png;base64,"

static bool is_ended(const char *text, size_t room)
{
    return memchr(text, '\0', room) != NULL;
}

static bool is_sentence(const char *text, size_t room)
{
    if (!is_ended(text, room) || !utf8_is_valid(str_of(text)))
        return false;
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

static bool is_codec(const char *text)
{
    if (!is_ended(text, MEDIA_CODEC_MAX))
        return false;
    for (; *text != '\0'; text++)
        if (!((*text >= 'a' && *text <= 'z') || (*text >= '0' && *text <= '9') || *text == '_'))
            return false;
    return true;
}

static bool is_blur(const char *text, size_t room)
{
    if (!is_ended(text, room))
        return false;
    str blur = str_of(text);
    if (blur.len == 0)
        return true;
    if (blur.len > MEDIA_BLUR_MAX || !str_starts(blur, STR(BLUR_PREFIX)))
        return false;
    for (size_t i = sizeof(BLUR_PREFIX) - 1; i < blur.len; i++) {
        char c = blur.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && c != '+' && c != '/' && c != '=')
            return false;
    }
    return true;
}

static bool size_is_sound(const struct ask *ask, const struct media_facts *facts)
{
    return facts->width > 0 && facts->height > 0 && facts->width <= SIDE_MAX &&
           facts->height <= SIDE_MAX && (uint64_t)facts->width * facts->height <= ask->pixels_max;
}

/* A type that the verb can have come upon or made. */
static bool type_is_sound(const struct ask *ask, uint32_t type)
{
    if (ask->verb == MEDIA_SKETCH_IMAGE)
        return type == MEDIA_PNG;
    if (ask->verb == MEDIA_SKETCH_VIDEO)
        return type == MEDIA_MP4;
    if (ask->verb == MEDIA_RESIZE)
        return type == ask->format;
    return type != MEDIA_TYPE_NONE && type < MEDIA_TYPE_COUNT;
}

static bool facts_are_sound(const struct ask *ask, const struct media_facts *facts)
{
    bool is_film = media_type_is_film((enum media_type)facts->type);
    if (!type_is_sound(ask, facts->type))
        return false;
    if (facts->duration_ms > DURATION_MAX_MS || (!is_film && facts->duration_ms != 0))
        return false;
    return (ask->verb == MEDIA_STAMP || size_is_sound(ask, facts)) && facts->has_alpha <= 1 &&
           facts->has_c2pa <= 1 && is_codec(facts->codec);
}

/* What a verb must have made; what it made beyond is refused by the room of zero. */
static uint32_t required(const struct ask *ask, const struct media_facts *facts)
{
    if (ask->verb == MEDIA_PREVIEW)
        return 1U << MEDIA_MOVING;
    if (ask->verb != MEDIA_DERIVE)
        return ask->outputs & ~(1U << MEDIA_EMBEDDED | 1U << MEDIA_EDITS);
    uint32_t main_one =
        media_type_is_film((enum media_type)facts->type) ? MEDIA_POSTER : MEDIA_DISPLAY;
    return 1U << MEDIA_THUMBNAIL | 1U << main_one;
}

static bool lengths_are_sound(const struct ask *ask, const struct wire_reply *reply)
{
    uint32_t needed = ask->verb == MEDIA_SELFTEST ? 0 : required(ask, &reply->facts);
    for (int i = 0; i < MEDIA_OUTPUT_COUNT; i++) {
        uint64_t room = ask->outputs >> i & 1U ? ask->output_room[i] : 0;
        if (reply->output_len[i] > room)
            return false;
        if ((needed >> i & 1U) && reply->output_len[i] == 0)
            return false;
    }
    return true;
}

bool reply_is_sound(const struct ask *ask, const struct wire_reply *reply, const char **why)
{
    *why = NULL;
    if (reply->kind == WIRE_PROGRESS)
        *why = reply->fraction >= 0.0F && reply->fraction <= 1.0F ? NULL : "progress";
    else if (reply->kind == WIRE_FAILED)
        *why = reply->failure > MEDIA_FAILURE_NONE && reply->failure < MEDIA_FAILURE_COUNT &&
                       is_sentence(reply->text, sizeof(reply->text))
                   ? NULL
                   : "failure";
    else if (reply->kind != WIRE_DONE)
        *why = "kind";
    else if (!lengths_are_sound(ask, reply))
        *why = "lengths";
    else if (ask->verb != MEDIA_SELFTEST && !facts_are_sound(ask, &reply->facts))
        *why = "facts";
    else if (!is_blur(reply->blur, sizeof(reply->blur)))
        *why = "blur";
    return *why == NULL;
}

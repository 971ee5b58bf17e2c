/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "media/request.h"

static const struct ask derive = {
    .verb = MEDIA_DERIVE,
    .outputs = 1U << MEDIA_THUMBNAIL | 1U << MEDIA_DISPLAY | 1U << MEDIA_POSTER,
    .pixels_max = 1000000,
    .output_room = {[MEDIA_THUMBNAIL] = 1000, [MEDIA_DISPLAY] = 2000, [MEDIA_POSTER] = 3000},
};

static struct wire_reply sound_reply(void)
{
    struct wire_reply reply = {
        .kind = WIRE_DONE,
        .facts = {.type = MEDIA_PNG, .width = 1000, .height = 1000, .frames = 1},
        .output_len = {[MEDIA_THUMBNAIL] = 1000, [MEDIA_DISPLAY] = 1},
    };
    snprintf(reply.blur, sizeof(reply.blur), "data:image/png;base64,AAAA");
    return reply;
}

static void expect(const struct wire_reply *reply, const char *why)
{
    const char *said;
    bool is_sound = reply_is_sound(&derive, reply, &said);
    assert_int_equal(is_sound, why == NULL);
    if (why != NULL)
        assert_string_equal(said, why);
}

static void a_true_answer_passes(void **state)
{
    struct wire_reply reply = sound_reply();
    expect(&reply, NULL);
    reply.blur[0] = '\0';
    expect(&reply, NULL);
}

static void lengths_must_fit_what_was_lent(void **state)
{
    struct wire_reply reply = sound_reply();
    reply.output_len[MEDIA_THUMBNAIL] = 1001;
    expect(&reply, "lengths");
    reply = sound_reply();
    reply.output_len[MEDIA_ORIGINAL] = 1; /* was not lent */
    expect(&reply, "lengths");
    reply = sound_reply();
    reply.output_len[MEDIA_DISPLAY] = 0; /* must be made */
    expect(&reply, "lengths");
    reply = sound_reply();
    reply.facts.type = MEDIA_MP4; /* a film has a poster */
    expect(&reply, "lengths");
}

static void facts_must_be_possible(void **state)
{
    struct wire_reply reply = sound_reply();
    reply.facts.width = 1001; /* beyond pixels_max */
    expect(&reply, "facts");
    reply = sound_reply();
    reply.facts.height = 0;
    expect(&reply, "facts");
    reply = sound_reply();
    reply.facts.type = MEDIA_TYPE_COUNT;
    expect(&reply, "facts");
    reply = sound_reply();
    reply.facts.duration_ms = 1; /* of a still */
    expect(&reply, "facts");
    reply = sound_reply();
    memset(reply.facts.codec, 'a', sizeof(reply.facts.codec)); /* without an end */
    expect(&reply, "facts");
    reply = sound_reply();
    snprintf(reply.facts.codec, sizeof(reply.facts.codec), "<b>");
    expect(&reply, "facts");
}

static void the_blur_must_be_a_data_url(void **state)
{
    struct wire_reply reply = sound_reply();
    memset(reply.blur, 'A', sizeof(reply.blur));
    expect(&reply, "blur");
    reply = sound_reply();
    snprintf(reply.blur, sizeof(reply.blur), "javascript:alert(1)");
    expect(&reply, "blur");
    reply = sound_reply();
    snprintf(reply.blur, sizeof(reply.blur), "data:image/png;base64,AA\"A");
    expect(&reply, "blur");
}

static void a_failure_must_be_a_sentence(void **state)
{
    struct wire_reply reply = {.kind = WIRE_FAILED, .failure = MEDIA_CORRUPT};
    snprintf(reply.text, sizeof(reply.text), "The file is empty.");
    expect(&reply, NULL);
    reply.failure = MEDIA_FAILURE_COUNT;
    expect(&reply, "failure");
    reply.failure = MEDIA_CORRUPT;
    reply.text[3] = '\n';
    expect(&reply, "failure");
    reply.text[3] = (char)0xff;
    expect(&reply, "failure");
    memset(reply.text, 'a', sizeof(reply.text));
    expect(&reply, "failure");
}

static void progress_is_a_share(void **state)
{
    struct wire_reply reply = {.kind = WIRE_PROGRESS, .fraction = 0.5F};
    expect(&reply, NULL);
    reply.fraction = 1.5F;
    expect(&reply, "progress");
    reply.fraction = 0.0F / 0.0F;
    expect(&reply, "progress");
    reply.kind = WIRE_REQUEST;
    expect(&reply, "kind");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_true_answer_passes),
        cmocka_unit_test(lengths_must_fit_what_was_lent),
        cmocka_unit_test(facts_must_be_possible),
        cmocka_unit_test(the_blur_must_be_a_data_url),
        cmocka_unit_test(a_failure_must_be_a_sentence),
        cmocka_unit_test(progress_is_a_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "provider_check.h"

#include "provider/provider.h"

static struct arena arena;

static int clear_arena(void **state)
{
    arena_done(&arena);
    return 0;
}

static struct provider_answer read_answer(int status, const char *body)
{
    struct provider_answer answer;
    moderation_provider.submitted(&arena, status, str_of(body), &answer);
    return answer;
}

static void words_become_a_question(void **state)
{
    struct provider_request request;
    struct provider_site site = {.base_url = STR("https://judge.example/v1/"), .key = STR("k")};
    struct provider_wish wish = {.prompt = STR("a \"kite\"")};
    moderation_provider.submit(&arena, &site, &wish, &request);
    expect(request.method, "POST");
    expect(request.url, "https://judge.example/v1/moderations");
    expect(request.headers[1].value, "Bearer k");
    expect(request.body, "{\"input\":\"a \\\"kite\\\"\"}");

    site = (struct provider_site){.base_url = STR("https://judge.example")};
    wish.model = STR("omni");
    moderation_provider.submit(&arena, &site, &wish, &request);
    expect(request.url, "https://judge.example/v1/moderations");
    expect(request.body, "{\"input\":\"a \\\"kite\\\"\",\"model\":\"omni\"}");
}

static void a_judgement_is_read(void **state)
{
    struct provider_answer answer =
        read_answer(200, "{\"results\":[{\"flagged\":false,\"categories\":{\"hate\":false}}]}");
    assert_int_equal(answer.failure, PROVIDER_OK);
    assert_int_equal(answer.output_count, 0);

    answer = read_answer(200, "{\"results\":[{\"flagged\":false},{\"flagged\":true,\"categories\":{"
                              "\"hate\":false,\"violence\":true,\"self-harm\":true}}]}");
    assert_int_equal(answer.failure, PROVIDER_POLICY);
    expect(answer.cause, "flagged: violence, self-harm");

    answer = read_answer(200, "{\"results\":[{\"flagged\":true}]}");
    assert_int_equal(answer.failure, PROVIDER_POLICY);
    expect(answer.cause, "flagged: no category named");
}

static void what_is_no_judgement_passes_nobody(void **state)
{
    static const char *const broken[] = {"",
                                         "null",
                                         "{}",
                                         "{\"results\":[]}",
                                         "{\"results\":[{}]}",
                                         "{\"results\":{\"flagged\":false}}",
                                         "{\"results\":[{\"flagged\":\"no\"}]}",
                                         "{\"results\":[{\"flagged\":false},{}]}"};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        assert_int_equal(read_answer(200, broken[i]).failure, PROVIDER_BROKEN);
}

/* A complaint about the account must not be taken for a judgement, whatever words it has. */
static void who_cannot_judge_says_whether_to_come_again(void **state)
{
    static const int busy[] = {408, 425, 429, 500, 503}, refused[] = {301, 400, 401, 403, 404};
    static const char body[] = "{\"error\":{\"message\":\"The moderation model is flagged.\"}}";
    for (size_t i = 0; i < ARRAY_LEN(busy); i++)
        assert_int_equal(read_answer(busy[i], body).failure, PROVIDER_BUSY);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_int_equal(read_answer(refused[i], body).failure, PROVIDER_REFUSED);
    expect(read_answer(401, body).cause,
           "moderation, status 401: The moderation model is flagged.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(words_become_a_question, clear_arena),
        cmocka_unit_test_teardown(a_judgement_is_read, clear_arena),
        cmocka_unit_test_teardown(what_is_no_judgement_passes_nobody, clear_arena),
        cmocka_unit_test_teardown(who_cannot_judge_says_whether_to_come_again, clear_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

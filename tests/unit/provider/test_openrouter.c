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
    openrouter_provider.submitted(&arena, status, str_of(body), &answer);
    return answer;
}

static void a_wish_becomes_a_message(void **state)
{
    struct provider_request request;
    struct provider_site site = {.key = STR("secret")};
    struct provider_wish wish = {.model = STR("google/gemini-2.5-flash-image"),
                                 .prompt = STR("a \"red\" kite"),
                                 .count = 1,
                                 .width = 1344,
                                 .height = 768,
                                 .seed = {INT64_C(4294967303), true}};
    openrouter_provider.submit(&arena, &site, &wish, &request);
    expect(request.url, "https://openrouter.ai/api/v1/chat/completions");
    expect(request.headers[1].value, "Bearer secret");
    expect(request.body,
           "{\"model\":\"google/gemini-2.5-flash-image\",\"messages\":[{\"role\":\"user\","
           "\"content\":\"a \\\"red\\\" kite\"}],\"modalities\":[\"image\",\"text\"],"
           "\"image_config\":{\"aspect_ratio\":\"16:9\"},\"seed\":7,"
           "\"usage\":{\"include\":true},\"stream\":false}");
}

static void a_picture_goes_with_the_words(void **state)
{
    struct provider_request request;
    struct provider_site site = {.base_url = STR("http://127.0.0.1:1/v1/")};
    struct provider_wish wish = {.model = STR("black-forest-labs/flux.2-pro"),
                                 .prompt = STR("blue"),
                                 .negative_prompt = STR("rain"),
                                 .resolution = STR("2K"),
                                 .width = 1,
                                 .height = 1,
                                 .image = {(const uint8_t *)"abc", 3},
                                 .image_type = STR("image/png")};
    openrouter_provider.submit(&arena, &site, &wish, &request);
    expect(request.url, "http://127.0.0.1:1/v1/chat/completions");
    expect_part(request.body, "\"modalities\":[\"image\"],");
    expect_part(request.body, "{\"type\":\"text\",\"text\":\"blue\\n\\nLeave out: rain\"}");
    expect_part(request.body, "{\"url\":\"data:image/png;base64,YWJj\"}");
    expect_part(request.body, "\"image_size\":\"2K\"");
}

static void pictures_and_the_bill_are_read(void **state)
{
    struct provider_answer answer = read_answer(
        200, "{\"choices\":[{\"message\":{\"content\":\"Here.\",\"images\":[{\"type\":"
             "\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,YWJj\"}}]}}],"
             "\"usage\":{\"cost\":0.0387}}");
    assert_int_equal(answer.failure, PROVIDER_OK);
    assert_int_equal(answer.output_count, 1);
    expect(str_from(answer.outputs[0].content), "abc");
    assert_true(answer.cost_micros.is_set);
    assert_int_equal(answer.cost_micros.value, 38700);
}

static void pictures_among_the_words_are_read(void **state)
{
    struct provider_answer answer =
        read_answer(200, "{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\"},{\"type\":"
                         "\"image_url\",\"image_url\":{\"url\":\"https://a.example/1.png\"}}]}}]}");
    assert_int_equal(answer.output_count, 1);
    expect(answer.outputs[0].url, "https://a.example/1.png");
    assert_false(answer.cost_micros.is_set);
}

static void an_answer_in_words_alone_is_a_refusal_and_still_costs(void **state)
{
    struct provider_answer answer =
        read_answer(200, "{\"choices\":[{\"message\":{\"content\":\"I would rather talk.\"}}],"
                         "\"usage\":{\"cost\":0.001}}");
    assert_int_equal(answer.failure, PROVIDER_REFUSED);
    expect(answer.cause, "I would rather talk.");
    assert_int_equal(answer.cost_micros.value, 1000);
}

static void rules_about_content_are_told_apart(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum provider_failure failure;
    } cases[] = {
        {403,
         "{\"error\":{\"code\":403,\"message\":\"Your input was stopped\",\"metadata\":{"
         "\"reasons\":[\"violence\"],\"flagged_input\":\"a …\"}}}",
         PROVIDER_POLICY},
        {403, "{\"error\":{\"code\":403,\"message\":\"Key disabled\"}}", PROVIDER_REFUSED},
        {401, "{\"error\":{\"code\":401,\"message\":\"No auth\"}}", PROVIDER_REFUSED},
        {402, "{\"error\":{\"code\":402,\"message\":\"Insufficient credits\"}}", PROVIDER_REFUSED},
        {429, "{\"error\":{\"code\":429,\"message\":\"Rate limit\"}}", PROVIDER_BUSY},
        {502, "<html>", PROVIDER_BUSY},
        {200, "{\"error\":{\"code\":429,\"message\":\"upstream\"}}", PROVIDER_BUSY},
        {200, "{\"error\":{\"code\":\"odd\",\"message\":\"upstream\"}}", PROVIDER_BUSY},
        {200, "{\"choices\":[{\"error\":{\"code\":400,\"message\":\"bad\"}}]}", PROVIDER_REFUSED},
        {200, "{\"choices\":[{\"finish_reason\":\"content_filter\",\"message\":{}}]}",
         PROVIDER_POLICY},
        {200, "{\"choices\":[{\"message\":{\"refusal\":\"No.\"}}]}", PROVIDER_POLICY},
        {200, "{\"choices\":[{\"message\":{}}]}", PROVIDER_BROKEN},
        {200, "{\"choices\":[]}", PROVIDER_BROKEN},
        {200, "null", PROVIDER_BROKEN},
        {200, "no json", PROVIDER_BROKEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct provider_answer answer = read_answer(cases[i].status, cases[i].body);
        if (answer.failure != cases[i].failure)
            fail_msg("%s: %d, wanted %d", cases[i].body, (int)answer.failure,
                     (int)cases[i].failure);
        assert_true(answer.text.len != 0);
        assert_int_equal(answer.output_count, 0);
    }
}

static void a_silly_bill_is_not_believed(void **state)
{
    assert_false(read_answer(200, "{\"usage\":{\"cost\":-1}}").cost_micros.is_set);
    assert_false(read_answer(200, "{\"usage\":{\"cost\":1e300}}").cost_micros.is_set);
    assert_false(read_answer(200, "{\"usage\":{\"cost\":\"1\"}}").cost_micros.is_set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_wish_becomes_a_message, clear_arena),
        cmocka_unit_test_teardown(a_picture_goes_with_the_words, clear_arena),
        cmocka_unit_test_teardown(pictures_and_the_bill_are_read, clear_arena),
        cmocka_unit_test_teardown(pictures_among_the_words_are_read, clear_arena),
        cmocka_unit_test_teardown(an_answer_in_words_alone_is_a_refusal_and_still_costs,
                                  clear_arena),
        cmocka_unit_test_teardown(rules_about_content_are_told_apart, clear_arena),
        cmocka_unit_test_teardown(a_silly_bill_is_not_believed, clear_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

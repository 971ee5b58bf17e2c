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
    automatic1111_provider.submitted(&arena, status, str_of(body), &answer);
    return answer;
}

static const struct provider_wish plain = {
    .model = {"", 0}, .prompt = {"a kite", 6}, .count = 2, .width = 512, .height = 768};

static void words_become_a_request(void **state)
{
    struct provider_request request;
    struct provider_site site = {.base_url = STR("http://127.0.0.1:7860/"),
                                 .key = STR("user:pass")};
    struct provider_wish wish = plain;
    wish.model = STR("sd_xl_base_1.0");
    wish.negative_prompt = STR("rain");
    wish.steps = (struct maybe_int){20, true};
    wish.guidance = (struct maybe_number){7.5, true};
    wish.seed = (struct maybe_int){42, true};
    automatic1111_provider.submit(&arena, &site, &wish, &request);
    expect(request.url, "http://127.0.0.1:7860/sdapi/v1/txt2img");
    expect(request.headers[1].value, "Basic dXNlcjpwYXNz");
    expect(request.body,
           "{\"prompt\":\"a kite\",\"negative_prompt\":\"rain\",\"width\":512,\"height\":768,"
           "\"batch_size\":2,\"n_iter\":1,\"steps\":20,\"cfg_scale\":7.5,\"seed\":42,"
           "\"override_settings\":{\"sd_model_checkpoint\":\"sd_xl_base_1.0\"},"
           "\"override_settings_restore_afterwards\":false,"
           "\"send_images\":true,\"save_images\":false}");
}

static void a_picture_is_sent_with_its_strength(void **state)
{
    struct provider_request request;
    struct provider_site site = {.base_url = STR("http://127.0.0.1:7860")};
    struct provider_wish wish = plain;
    wish.image = (bytes){(const uint8_t *)"abc", 3};
    wish.image_type = STR("image/webp");
    automatic1111_provider.submit(&arena, &site, &wish, &request);
    expect(request.url, "http://127.0.0.1:7860/sdapi/v1/img2img");
    expect_part(request.body, "\"init_images\":[\"data:image/webp;base64,YWJj\"],"
                              "\"denoising_strength\":0.75");
    assert_false(str_contains(request.body, STR("checkpoint")));
    wish.strength = (struct maybe_number){0.25, true};
    automatic1111_provider.submit(&arena, &site, &wish, &request);
    expect_part(request.body, "\"denoising_strength\":0.25");
}

static void pictures_come_in_base64_with_or_without_a_prefix(void **state)
{
    struct provider_answer answer = read_answer(
        200, "{\"images\":[\"YWJj\",\"data:image/png;base64,ZGVm\",\"!\",7],\"info\":\"{}\"}");
    assert_int_equal(answer.failure, PROVIDER_OK);
    assert_int_equal(answer.output_count, 2);
    expect(str_from(answer.outputs[0].content), "abc");
    expect(str_from(answer.outputs[1].content), "def");
}

static void the_sheet_of_all_pictures_is_left_out(void **state)
{
    struct provider_answer answer =
        read_answer(200, "{\"images\":[\"AAAA\",\"YWJj\",\"ZGVm\"],"
                         "\"info\":\"{\\\"index_of_first_image\\\": 1}\"}");
    assert_int_equal(answer.output_count, 2);
    expect(str_from(answer.outputs[0].content), "abc");
}

static void failures_are_told_apart(void **state)
{
    assert_int_equal(
        read_answer(500, "{\"error\":\"OutOfMemoryError\",\"errors\":\"CUDA\"}").failure,
        PROVIDER_BUSY);
    struct provider_answer missing = read_answer(404, "{\"detail\":\"Not Found\"}");
    assert_int_equal(missing.failure, PROVIDER_REFUSED);
    expect_part(missing.cause, "Not Found");
    assert_int_equal(read_answer(401, "").failure, PROVIDER_REFUSED);
    assert_int_equal(read_answer(200, "{}").failure, PROVIDER_BROKEN);
    assert_int_equal(read_answer(200, "{\"images\":[\"YWJj\"],\"info\":"
                                      "\"{\\\"index_of_first_image\\\":-5}\"}")
                         .output_count,
                     1);
    assert_int_equal(read_answer(200, "{\"images\":{},\"info\":3}").failure, PROVIDER_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(words_become_a_request, clear_arena),
        cmocka_unit_test_teardown(a_picture_is_sent_with_its_strength, clear_arena),
        cmocka_unit_test_teardown(pictures_come_in_base64_with_or_without_a_prefix, clear_arena),
        cmocka_unit_test_teardown(the_sheet_of_all_pictures_is_left_out, clear_arena),
        cmocka_unit_test_teardown(failures_are_told_apart, clear_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "provider_check.h"

#include "provider/workflow.h"

static struct arena arena;

static int clear_arena(void **state)
{
    arena_done(&arena);
    return 0;
}

static struct provider_answer read_submitted(int status, const char *body)
{
    struct provider_answer answer;
    comfyui_provider.submitted(&arena, status, str_of(body), &answer);
    return answer;
}

static struct provider_answer read_polled(int status, const char *body)
{
    struct provider_answer answer;
    comfyui_provider.polled(&arena, status, str_of(body), &answer);
    return answer;
}

static const struct provider_site site = {.base_url = {"http://127.0.0.1:8188/", 22}};

static void a_wish_becomes_a_workflow(void **state)
{
    struct provider_request request;
    struct provider_wish wish = {.model = STR("sd_xl.safetensors"),
                                 .prompt = STR("a \"red\" kite"),
                                 .negative_prompt = STR("rain"),
                                 .count = 2,
                                 .width = 512,
                                 .height = 768,
                                 .steps = {12, true},
                                 .guidance = {3.5, true},
                                 .seed = {99, true}};
    comfyui_provider.submit(&arena, &site, &wish, &request);
    expect(request.url, "http://127.0.0.1:8188/prompt");
    expect_part(request.body, "\"ckpt_name\":\"sd_xl.safetensors\"");
    expect_part(request.body, "\"width\":512,\"height\":768,\"batch_size\":2");
    expect_part(request.body, "\"text\":\"a \\\"red\\\" kite\"");
    expect_part(request.body, "\"text\":\"rain\"");
    expect_part(request.body, "\"seed\":99,\"steps\":12,\"cfg\":3.5,");
}

static const struct provider_wish from_picture = {
    .model = {"sd_xl.safetensors", 17},
    .prompt = {"a {seed} kite", 13},
    .count = 2,
    .width = 512,
    .height = 768,
    .seed = {99, true},
    .image = {(const uint8_t *)"PNG", 3},
    .image_type = {"image/png", 9},
    .idempotency_key = {"atelier-7-1", 11},
};

static void a_picture_is_uploaded_before_it_is_started_from(void **state)
{
    struct provider_request request;
    comfyui_provider.upload(&arena, &site, &from_picture, &request);
    expect(request.method, "POST");
    expect(request.url, "http://127.0.0.1:8188/upload/image");
    expect_part(request.headers[0].value, "multipart/form-data; boundary=");
    expect_part(request.body, "name=\"image\"; filename=\"atelier-7-1.png\"\r\nContent-Type: "
                              "image/png\r\n\r\nPNG\r\n");
    expect_part(request.body, "name=\"overwrite\"\r\n\r\ntrue\r\n");

    comfyui_provider.submit(&arena, &site, &from_picture, &request);
    expect_part(
        request.body,
        "\"start\":{\"class_type\":\"LoadImage\",\"inputs\":{\"image\":\"atelier-7-1.png\"}}");
    expect_part(request.body, "\"amount\":2}");
    expect_part(request.body, "\"denoise\":0.75,");
    struct provider_wish near = from_picture;
    near.strength = (struct maybe_number){0.2, true};
    comfyui_provider.submit(&arena, &site, &near, &request);
    expect_part(request.body, "\"denoise\":0.2,");
}

static void a_workflow_of_ones_own_is_filled(void **state)
{
    struct provider_request request;
    struct provider_wish wish = from_picture;
    wish.workflow =
        STR("{\"3\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":\"{seed}\",\"steps\":"
            "\"{steps}\",\"cfg\":\"{guidance}\",\"denoise\":\"{strength}\",\"model\":[\"4\",0]}},"
            "\"5\":{\"class_type\":\"Any\",\"inputs\":{\"width\":\"{width}\",\"height\":"
            "\"{height}\",\"batch\":\"{count}\",\"seconds\":\"{duration}\",\"odd\":\"{other}\"}},"
            "\"6\":{\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":\"best, {prompt}, "
            "not {negativePrompt}\"}},\"7\":{\"class_type\":\"LoadImage\",\"inputs\":{\"image\":"
            "\"{image}\",\"ckpt\":\"{model}\"}}}");
    wish.negative_prompt = STR("\"rain\"");
    comfyui_provider.submit(&arena, &site, &wish, &request);
    expect(request.body,
           "{\"client_id\":\"atelier\",\"prompt\":{"
           "\"3\":{\"class_type\":\"KSampler\",\"inputs\":{\"cfg\":7,\"denoise\":0.75,\"model\":["
           "\"4\",0],\"seed\":99,\"steps\":20}},"
           "\"5\":{\"class_type\":\"Any\",\"inputs\":{\"batch\":2,\"height\":768,\"odd\":"
           "\"{other}\",\"seconds\":0,\"width\":512}},"
           "\"6\":{\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":\"best, a {seed} kite, "
           "not \\\"rain\\\"\"}},"
           "\"7\":{\"class_type\":\"LoadImage\",\"inputs\":{\"ckpt\":\"sd_xl.safetensors\","
           "\"image\":\"atelier-7-1.png\"}}}}");
}

static void what_is_no_workflow_is_refused_when_it_is_read(void **state)
{
    static const char *const broken[] = {"",
                                         "[]",
                                         "{}",
                                         "{\"1\":{}}",
                                         "{\"1\":{\"class_type\":\"A\"}}",
                                         "{\"nodes\":[],\"links\":[]}",
                                         "{\"1\":{\"class_type\":\"A\",\"inputs\":{}},\"2\":3}"};
    struct fault fault;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        assert_false(workflow_check(str_of(broken[i]), &fault));
    assert_true(workflow_check(STR("{\"1\":{\"class_type\":\"A\",\"inputs\":{}}}"), &fault));
    assert_true(workflow_takes_image(STR("{\"a\":\"{image}\"}")));
    assert_false(workflow_takes_image(STR("{\"a\":\"image\"}")));
}

static void films_are_outputs_too(void **state)
{
    struct provider_answer done = read_polled(
        200, "{\"1\":{\"status\":{\"status_str\":\"success\"},\"outputs\":{\"9\":{\"gifs\":[{"
             "\"filename\":\"a.mp4\",\"subfolder\":\"\",\"type\":\"output\"}]}}}}");
    assert_int_equal(done.output_count, 1);
    expect(done.outputs[0].url, "/view?filename=a.mp4&subfolder=&type=output");
}

static void what_it_made_lies_below_its_own_address(void **state)
{
    struct provider_answer begun = read_submitted(200, "{\"prompt_id\":\"1b-2\",\"number\":3}");
    struct provider_request request;
    assert_true(begun.is_pending);
    comfyui_provider.poll(&arena, &site, begun.job, &request);
    expect(request.url, "http://127.0.0.1:8188/history/1b-2");
    assert_true(read_polled(200, "{}").is_pending);
    struct provider_answer done = read_polled(
        200, "{\"1b-2\":{\"status\":{\"status_str\":\"success\",\"completed\":true},\"outputs\":{"
             "\"save\":{\"images\":[{\"filename\":\"a b&c.png\",\"subfolder\":\"../x\",\"type\":"
             "\"output\"},{\"filename\":\"p.png\",\"subfolder\":\"\",\"type\":\"temp\"}]}}}}");
    assert_false(done.is_pending);
    assert_int_equal(done.output_count, 1);
    expect(done.outputs[0].url, "/view?filename=a%20b%26c.png&subfolder=..%2Fx&type=output");
}

static void it_can_be_told_to_stop(void **state)
{
    struct provider_request request;
    comfyui_provider.cancel(&arena, &site, STR("1b-2"), &request);
    expect(request.method, "POST");
    expect(request.url, "http://127.0.0.1:8188/interrupt");
    expect(request.body, "{\"prompt_id\":\"1b-2\"}");
}

static void failures_are_told_apart(void **state)
{
    struct provider_answer refused =
        read_submitted(400, "{\"error\":{\"type\":\"prompt_outputs_failed_validation\",\"message\":"
                            "\"Prompt outputs failed validation\",\"details\":\"ckpt_name\"}}");
    assert_int_equal(refused.failure, PROVIDER_REFUSED);
    expect_part(refused.cause, "ckpt_name");
    assert_int_equal(read_submitted(503, "").failure, PROVIDER_BUSY);
    assert_int_equal(read_submitted(200, "{\"prompt_id\":\"../etc\"}").failure, PROVIDER_BROKEN);
    assert_int_equal(read_submitted(200, "{}").failure, PROVIDER_BROKEN);

    struct provider_answer broke = read_polled(
        200, "{\"1\":{\"status\":{\"status_str\":\"error\",\"messages\":[[\"execution_start\",{}],"
             "[\"execution_error\",{\"exception_message\":\"out of memory\"}]]}}}");
    assert_int_equal(broke.failure, PROVIDER_FAILED);
    expect(broke.cause, "out of memory");
    assert_int_equal(read_polled(200, "{\"1\":{\"status\":{\"status_str\":\"error\",\"messages\":["
                                      "[\"execution_interrupted\",{}]]}}}")
                         .failure,
                     PROVIDER_CANCELED);
    assert_int_equal(read_polled(500, "").failure, PROVIDER_BUSY);
    assert_int_equal(read_polled(200, "[]").failure, PROVIDER_BROKEN);
    assert_int_equal(read_polled(200, "{\"1\":{\"outputs\":{\"a\":7}}}").failure, PROVIDER_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_wish_becomes_a_workflow, clear_arena),
        cmocka_unit_test_teardown(a_picture_is_uploaded_before_it_is_started_from, clear_arena),
        cmocka_unit_test_teardown(a_workflow_of_ones_own_is_filled, clear_arena),
        cmocka_unit_test_teardown(what_is_no_workflow_is_refused_when_it_is_read, clear_arena),
        cmocka_unit_test_teardown(films_are_outputs_too, clear_arena),
        cmocka_unit_test_teardown(what_it_made_lies_below_its_own_address, clear_arena),
        cmocka_unit_test_teardown(it_can_be_told_to_stop, clear_arena),
        cmocka_unit_test_teardown(failures_are_told_apart, clear_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

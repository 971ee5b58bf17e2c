/* SPDX-License-Identifier: Apache-2.0 */
#include "provider_check.h"

#include "base/buffer.h"
#include "provider/provider.h"

#include <string.h>

/* ---- requests ---- */

static struct provider_request submit(struct arena *arena, const struct provider_site *site,
                                      struct provider_wish wish)
{
    struct provider_request request;
    replicate_provider.submit(arena, site, &wish, &request);
    return request;
}

static void a_camera_is_kept_still_where_the_model_can(void **state)
{
    struct provider_site site = {0};
    struct provider_wish wish = {.model = STR("bytedance/seedance-1-pro"),
                                 .is_video = true,
                                 .prompt = STR("sea"),
                                 .width = 864,
                                 .height = 480,
                                 .duration = 5,
                                 .camera_fixed = true};
    assert_true(str_contains(submit(*state, &site, wish).body, STR(",\"camera_fixed\":true")));
    wish.camera_fixed = false;
    assert_false(str_contains(submit(*state, &site, wish).body, STR("camera")));
    wish.camera_fixed = true;
    wish.model = STR("google/veo-3");
    assert_false(str_contains(submit(*state, &site, wish).body, STR("camera")));
}

static void an_official_model_is_asked_by_its_name(void **state)
{
    struct provider_site site = {.key = STR("r8_key")};
    struct provider_request request = submit(*state, &site,
                                             (struct provider_wish){
                                                 .model = STR("black-forest-labs/flux-dev"),
                                                 .prompt = STR("a \"red\" kite"),
                                                 .count = 2,
                                                 .width = 1344,
                                                 .height = 768,
                                                 .steps = {28, true},
                                                 .guidance = {3.5, true},
                                                 .seed = {(INT64_C(1) << 40) + 7, true},
                                             });
    expect(request.method, "POST");
    expect(request.url,
           "https://api.replicate.com/v1/models/black-forest-labs/flux-dev/predictions");
    expect(request.body, "{\"input\":{\"prompt\":\"a \\\"red\\\" kite\",\"aspect_ratio\":\"16:9\","
                         "\"num_outputs\":2,\"num_inference_steps\":28,\"guidance\":3.5,"
                         "\"seed\":7}}");
    expect(request.headers[1].name, "Authorization");
    expect(request.headers[1].value, "Bearer r8_key");
}

static void a_version_is_asked_by_its_number_and_told_where_to_post(void **state)
{
    struct provider_site site = {.base_url = STR("http://127.0.0.1:9/v1/"),
                                 .webhook_url = STR("https://a.example/hook")};
    struct provider_request request = submit(*state, &site,
                                             (struct provider_wish){
                                                 .model = STR("stability-ai/sdxl:39ed52f2"),
                                                 .prompt = STR("p"),
                                                 .negative_prompt = STR("blur"),
                                                 .count = 1,
                                                 .width = 1024,
                                                 .height = 768,
                                                 .guidance = {7.5, true},
                                                 .strength = {0.6, true},
                                                 .image = bytes_of(STR("hello")),
                                                 .image_type = STR("image/png"),
                                             });
    expect(request.url, "http://127.0.0.1:9/v1/predictions");
    expect(request.body,
           "{\"version\":\"39ed52f2\",\"input\":{\"prompt\":\"p\",\"negative_prompt\":\"blur\","
           "\"width\":1024,\"height\":768,\"num_outputs\":1,\"guidance_scale\":7.5,"
           "\"image\":\"data:image/png;base64,aGVsbG8=\",\"prompt_strength\":0.6},"
           "\"webhook\":\"https://a.example/hook\",\"webhook_events_filter\":[\"completed\"]}");
    assert_int_equal(request.header_count, 1);
}

static void each_family_has_its_own_words(void **state)
{
    static const struct {
        const char *model;
        bool is_video;
        const char *input;
    } all[] = {
        {"stability-ai/stable-diffusion-3.5-large", false,
         "\"negative_prompt\":\"n\",\"aspect_ratio\":\"16:9\",\"steps\":9,\"cfg\":4,\"seed\":5,"
         "\"image\":\"data:image/png;base64,aQ==\",\"prompt_strength\":0.5"},
        {"black-forest-labs/flux-schnell", false,
         "\"aspect_ratio\":\"16:9\",\"num_outputs\":1,\"num_inference_steps\":9,\"seed\":5"},
        {"black-forest-labs/flux-1.1-pro", false,
         "\"aspect_ratio\":\"custom\",\"width\":1280,\"height\":720,\"seed\":5,"
         "\"image_prompt\":\"data:image/png;base64,aQ==\""},
        {"black-forest-labs/flux-2-pro", false,
         "\"aspect_ratio\":\"custom\",\"width\":1280,\"height\":720,\"seed\":5,"
         "\"input_images\":[\"data:image/png;base64,aQ==\"]"},
        {"google/veo-3", true,
         "\"negative_prompt\":\"n\",\"aspect_ratio\":\"16:9\",\"seed\":5,\"duration\":8,"
         "\"resolution\":\"720p\",\"image\":\"data:image/png;base64,aQ==\""},
        {"minimax/hailuo-02", true,
         "\"seed\":5,\"duration\":8,\"resolution\":\"720p\","
         "\"first_frame_image\":\"data:image/png;base64,aQ==\""},
        {"some/film", true,
         "\"negative_prompt\":\"n\",\"aspect_ratio\":\"16:9\",\"seed\":5,\"duration\":8,"
         "\"resolution\":\"720p\",\"image\":\"data:image/png;base64,aQ==\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct provider_site site = {0};
        AUTO(buffer_done) struct buffer wanted = {0};
        struct provider_request request =
            submit(*state, &site,
                   (struct provider_wish){.model = str_of(all[i].model),
                                          .is_video = all[i].is_video,
                                          .prompt = STR("p"),
                                          .negative_prompt = STR("n"),
                                          .count = 1,
                                          .width = 1280,
                                          .height = 720,
                                          .duration = 8,
                                          .steps = {9, true},
                                          .guidance = {4, true},
                                          .seed = {5, true},
                                          .strength = {0.5, true},
                                          .image = bytes_of(STR("i")),
                                          .image_type = STR("image/png")});
        buffer_format(&wanted, "{\"input\":{\"prompt\":\"p\",%s}}", all[i].input);
        buffer_char(&wanted, '\0');
        expect(request.body, wanted.at);
    }
}

static void sizes_become_the_nearest_ratio(void **state)
{
    static const struct {
        int64_t width, height;
        const char *ratio;
    } all[] = {
        {512, 512, "1:1"},    {1024, 1000, "1:1"}, {720, 1280, "9:16"}, {1152, 896, "5:4"},
        {2520, 1080, "21:9"}, {640, 1536, "9:21"}, {1216, 832, "3:2"},  {0, 0, "1:1"},
        {800, 600, "4:3"},    {600, 800, "3:4"},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct provider_site site = {0};
        struct provider_request request = submit(
            *state, &site,
            (struct provider_wish){
                .model = STR("google/imagen-4"), .width = all[i].width, .height = all[i].height});
        if (!str_contains(request.body,
                          str_format(*state, "\"aspect_ratio\":\"%s\"", all[i].ratio)))
            fail_msg("%s: %.*s", all[i].ratio, STR_ARG(request.body));
    }
}

static void what_was_chosen_goes_before_what_is_reckoned(void **state)
{
    struct provider_site site = {0};
    struct provider_request request = submit(*state, &site,
                                             (struct provider_wish){.model = STR("google/veo-3"),
                                                                    .is_video = true,
                                                                    .width = 1280,
                                                                    .height = 720,
                                                                    .duration = 4,
                                                                    .aspect_ratio = STR("9:16"),
                                                                    .resolution = STR("1080p")});
    assert_true(str_contains(request.body, STR("\"aspect_ratio\":\"9:16\"")));
    assert_true(str_contains(request.body, STR("\"resolution\":\"1080p\"")));
}

static void its_job_is_polled_and_canceled_by_its_id(void **state)
{
    struct provider_site site = {.base_url = STR("https://b.example")};
    struct provider_request request;
    replicate_provider.poll(*state, &site, STR("p1"), &request);
    expect(request.method, "GET");
    expect(request.url, "https://b.example/v1/predictions/p1");
    replicate_provider.cancel(*state, &site, STR("p1"), &request);
    expect(request.method, "POST");
    expect(request.url, "https://b.example/v1/predictions/p1/cancel");
}

/* ---- answers ---- */

static struct provider_answer answer(struct arena *arena, bool is_poll, int status,
                                     const char *body)
{
    struct provider_answer out;
    memset(&out, 0x5a, sizeof(out));
    (is_poll ? replicate_provider.polled : replicate_provider.submitted)(arena, status,
                                                                         str_of(body), &out);
    return out;
}

static void a_prediction_under_way_is_a_job(void **state)
{
    static const char *const statuses[] = {"starting", "processing"};
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        str body = str_format(*state, "{\"id\":\"rm5xt\",\"status\":\"%s\",\"logs\":\"\"}%c",
                              statuses[i], '\0');
        struct provider_answer got = answer(*state, i == 1, 201, body.at);
        assert_int_equal(got.failure, PROVIDER_OK);
        assert_true(got.is_pending);
        assert_false(got.is_soon);
        assert_false(got.progress.is_set);
        expect(got.job, "rm5xt");
    }
}

static void progress_is_what_the_last_line_of_its_log_shows(void **state)
{
    static const struct {
        const char *logs;
        double part;
    } all[] = {
        {"Using seed 5\\n  5%|#         | 1/20 [00:01]\\n 45%|####      | 9/20\\ndone", 0.45},
        {"100%|##########| 20/20", 1.0},
        {"", -1},
        {"at 45% of it", -1},
        {"900%|###| 1/2", -1},
        {"%|###| 1/2", -1},
        {"-5%|###| 1/2", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        str body = str_format(*state, "{\"id\":\"a\",\"status\":\"processing\",\"logs\":\"%s\"}",
                              all[i].logs);
        struct provider_answer got;
        replicate_provider.polled(*state, 200, body, &got);
        assert_int_equal(got.progress.is_set, all[i].part >= 0);
        if (got.progress.is_set)
            assert_true(got.progress.value == all[i].part);
    }
}

static void outputs_come_in_every_form(void **state)
{
    static const struct {
        const char *output;
        size_t count;
        const char *first;
    } all[] = {
        {"\"https://b.example/1.mp4\"", 1, "https://b.example/1.mp4"},
        {"[\"https://b.example/1.png\",\"https://b.example/2.png\"]", 2, "https://b.example/1.png"},
        {"[null,\"https://b.example/2.png\"]", 1, "https://b.example/2.png"},
        {"{\"poster\":\"https://b.example/p.png\",\"video\":\"https://b.example/1.mp4\"}", 1,
         "https://b.example/1.mp4"},
        {"{\"without_background\":\"https://b.example/1.png\"}", 1, "https://b.example/1.png"},
        {"[{\"url\":\"https://b.example/1.png\",\"name\":\"https://b.example/n\"}]", 1,
         "https://b.example/1.png"},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        str body = str_format(*state,
                              "{\"id\":\"a\",\"status\":\"succeeded\",\"output\":%s,"
                              "\"metrics\":{\"predict_time\":4.25}}",
                              all[i].output);
        struct provider_answer got;
        replicate_provider.polled(*state, 200, body, &got);
        assert_int_equal(got.failure, PROVIDER_OK);
        assert_false(got.is_pending);
        assert_int_equal(got.output_count, all[i].count);
        expect(got.outputs[0].url, all[i].first);
        assert_true(got.seconds.is_set && got.seconds.value == 4.25);
    }
}

static void pictures_inside_the_answer_are_taken(void **state)
{
    struct provider_answer got =
        answer(*state, true, 200,
               "{\"status\":\"succeeded\",\"output\":[\"data:image/png;base64,aGVsbG8=\"]}");
    assert_int_equal(got.output_count, 1);
    assert_memory_equal(got.outputs[0].content.at, "hello", 5);
}

static void how_a_job_ended_says_whether_another_may_help(void **state)
{
    static const struct {
        const char *body;
        enum provider_failure failure;
    } all[] = {
        {"{\"status\":\"failed\",\"error\":\"CUDA out of memory\"}", PROVIDER_FAILED},
        {"{\"status\":\"failed\",\"error\":null}", PROVIDER_FAILED},
        {"{\"status\":\"failed\",\"error\":\"NSFW content detected. Try it again.\"}",
         PROVIDER_POLICY},
        {"{\"status\":\"failed\",\"error\":\"The input or output was flagged as sensitive. "
         "(E005)\"}",
         PROVIDER_POLICY},
        {"{\"status\":\"aborted\"}", PROVIDER_FAILED},
        {"{\"status\":\"canceled\"}", PROVIDER_CANCELED},
        {"{\"status\":\"succeeded\",\"output\":null,\"data_removed\":true}", PROVIDER_FAILED},
        {"{\"status\":\"succeeded\",\"output\":null}", PROVIDER_BROKEN},
        {"{\"status\":\"succeeded\",\"output\":\"once upon a time\"}", PROVIDER_BROKEN},
        {"{\"status\":\"succeeded\",\"output\":[\"file:///etc/passwd\"]}", PROVIDER_BROKEN},
        {"{\"status\":\"melting\",\"id\":\"a\"}", PROVIDER_BROKEN},
        {"{\"status\":\"processing\",\"id\":\"../../account\"}", PROVIDER_BROKEN},
        {"{\"status\":\"processing\",\"id\":\"\"}", PROVIDER_BROKEN},
        {"{\"status\":\"processing\"}", PROVIDER_BROKEN},
        {"{\"status\":7}", PROVIDER_BROKEN},
        {"{}", PROVIDER_BROKEN},
        {"[]", PROVIDER_BROKEN},
        {"", PROVIDER_BROKEN},
        {"<html>", PROVIDER_BROKEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct provider_answer got = answer(*state, true, 200, all[i].body);
        if (got.failure != all[i].failure || got.text.len == 0 || got.output_count != 0)
            fail_msg("%s: %d", all[i].body, got.failure);
    }
}

static void a_failed_job_tells_why_and_how_long_it_took(void **state)
{
    struct provider_answer got = answer(*state, true, 200,
                                        "{\"status\":\"failed\",\"error\":\"CUDA\","
                                        "\"metrics\":{\"predict_time\":2}}");
    expect(got.cause, "CUDA");
    assert_true(got.seconds.is_set && got.seconds.value == 2);
}

static void failures_say_whether_trying_again_may_help(void **state)
{
    static const struct {
        bool is_poll;
        int status;
        const char *body;
        enum provider_failure failure;
    } all[] = {
        {false, 401, "{\"title\":\"Unauthenticated\",\"detail\":\"You did not pass\"}",
         PROVIDER_REFUSED},
        {false, 402, "{\"title\":\"Insufficient credit\"}", PROVIDER_REFUSED},
        {false, 404, "{\"detail\":\"not found\"}", PROVIDER_REFUSED},
        {false, 422, "{\"title\":\"Input validation failed\",\"detail\":\"- input: width\"}",
         PROVIDER_REFUSED},
        {false, 422, "{\"detail\":\"flagged by moderation\"}", PROVIDER_POLICY},
        {false, 429, "{\"detail\":\"Request was throttled.\"}", PROVIDER_BUSY},
        {false, 502, "<html>", PROVIDER_BUSY},
        {true, 404, "{\"detail\":\"not found\"}", PROVIDER_FAILED},
        {true, 410, "", PROVIDER_FAILED},
        {true, 429, "", PROVIDER_BUSY},
        {true, 500, "", PROVIDER_BUSY},
        {true, 401, "", PROVIDER_REFUSED},
        {true, 302, "", PROVIDER_REFUSED},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct provider_answer got = answer(*state, all[i].is_poll, all[i].status, all[i].body);
        if (got.failure != all[i].failure || got.text.len == 0 || got.cause.len == 0)
            fail_msg("%d %s: %d", all[i].status, all[i].body, got.failure);
    }
    expect(answer(*state, false, 422, "{\"title\":\"Input\",\"detail\":\"width\"}").cause,
           "status 422: Input: width");
}

/* Whatever is cut off or changed, the reader ends with an answer. */
static void every_damaged_answer_is_read_to_an_end(void **state)
{
    static const char good[] = "{\"id\":\"ab1\",\"status\":\"succeeded\",\"output\":[{\"url\":"
                               "\"https://b.example/1.png\"}],\"logs\":\" 45%|#| 1/2\",\"n\":2}";
    char bad[sizeof(good)];
    for (size_t len = 0; len < sizeof(good) - 1; len++) {
        struct provider_answer got;
        replicate_provider.polled(*state, 200, (str){good, len}, &got);
        assert_int_equal(got.failure, PROVIDER_BROKEN);
        for (int flip = 1; flip < 128; flip += 25) {
            memcpy(bad, good, sizeof(good));
            bad[len] = (char)(bad[len] ^ flip);
            replicate_provider.polled(*state, 200, (str){bad, sizeof(good) - 1}, &got);
            assert_true(got.failure != PROVIDER_OK || got.is_pending || got.output_count == 1);
        }
    }
}

/* ---- postings ---- */

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define BODY "{\"test\": 2432232314}"

static void a_posting_names_its_job(void **state)
{
    struct provider_site site = {0};
    struct provider_hook hook = {.body = STR("{\"id\":\"rm5xt\",\"status\":\"succeeded\"}")};
    str job;
    assert_true(replicate_provider.hooked(*state, &site, &hook, &job));
    expect(job, "rm5xt");
    hook.body = STR("{\"id\":\"../x\"}");
    assert_false(replicate_provider.hooked(*state, &site, &hook, &job));
    hook.body = STR("{\"status\":\"succeeded\"}");
    assert_false(replicate_provider.hooked(*state, &site, &hook, &job));
    hook.body = STR("{");
    assert_false(replicate_provider.hooked(*state, &site, &hook, &job));
}

static void with_a_secret_an_unsigned_posting_is_nothing(void **state)
{
    struct provider_site site = {.webhook_secret = STR(SECRET)};
    struct provider_hook hook = {.body = STR("{\"id\":\"rm5xt\"}"), .now = {1614265330000000}};
    str job;
    assert_false(replicate_provider.hooked(*state, &site, &hook, &job));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_camera_is_kept_still_where_the_model_can),
        TEST(an_official_model_is_asked_by_its_name),
        TEST(a_version_is_asked_by_its_number_and_told_where_to_post),
        TEST(each_family_has_its_own_words),
        TEST(sizes_become_the_nearest_ratio),
        TEST(what_was_chosen_goes_before_what_is_reckoned),
        TEST(its_job_is_polled_and_canceled_by_its_id),
        TEST(a_prediction_under_way_is_a_job),
        TEST(progress_is_what_the_last_line_of_its_log_shows),
        TEST(outputs_come_in_every_form),
        TEST(pictures_inside_the_answer_are_taken),
        TEST(how_a_job_ended_says_whether_another_may_help),
        TEST(a_failed_job_tells_why_and_how_long_it_took),
        TEST(failures_say_whether_trying_again_may_help),
        TEST(every_damaged_answer_is_read_to_an_end),
        TEST(a_posting_names_its_job),
        TEST(with_a_secret_an_unsigned_posting_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "provider_check.h"

#include "base/encode.h"
#include "base/hash.h"
#include "provider/provider.h"

#include <sodium.h>
#include <string.h>

/* ---- requests ---- */

static struct provider_request submit(struct arena *arena, const struct provider_site *site,
                                      struct provider_wish wish)
{
    struct provider_request request;
    fal_provider.submit(arena, site, &wish, &request);
    return request;
}

static void a_picture_is_asked_of_the_queue(void **state)
{
    struct provider_site site = {.key = STR("id:secret")};
    struct provider_request request = submit(*state, &site,
                                             (struct provider_wish){
                                                 .model = STR("fal-ai/flux/dev"),
                                                 .prompt = STR("a \"red\" kite"),
                                                 .count = 2,
                                                 .width = 1024,
                                                 .height = 768,
                                                 .steps = {28, true},
                                                 .guidance = {3.5, true},
                                                 .seed = {7, true},
                                             });
    expect(request.method, "POST");
    expect(request.url, "https://queue.fal.run/fal-ai/flux/dev");
    expect(request.body, "{\"prompt\":\"a \\\"red\\\" kite\",\"image_size\":{\"width\":1024,"
                         "\"height\":768},\"num_images\":2,\"num_inference_steps\":28,"
                         "\"guidance_scale\":3.5,\"seed\":7}");
    expect(request.headers[1].name, "Authorization");
    expect(request.headers[1].value, "Key id:secret");
}

static void it_is_told_where_to_post(void **state)
{
    struct provider_site site = {.base_url = STR("http://127.0.0.1:9/"),
                                 .webhook_url = STR("https://a.example/api/hook?x=1&y=ä")};
    struct provider_request request =
        submit(*state, &site, (struct provider_wish){.model = STR("fal-ai/fast-sdxl")});
    expect(request.url, "http://127.0.0.1:9/fal-ai/fast-sdxl?fal_webhook="
                        "https%3A%2F%2Fa.example%2Fapi%2Fhook%3Fx%3D1%26y%3D%C3%A4");
}

static void each_family_has_its_own_words(void **state)
{
    static const struct {
        const char *model;
        bool is_video;
        const char *input;
    } all[] = {
        {"fal-ai/veo3/fast", true,
         "\"negative_prompt\":\"n\",\"aspect_ratio\":\"16:9\",\"seed\":5,\"duration\":\"8s\","
         "\"resolution\":\"720p\",\"image_url\":\"data:image/png;base64,aQ==\""},
        {"fal-ai/kling-video/v2/master/text-to-video", true,
         "\"negative_prompt\":\"n\",\"aspect_ratio\":\"16:9\",\"cfg_scale\":4,\"seed\":5,"
         "\"duration\":\"8\",\"image_url\":\"data:image/png;base64,aQ==\""},
        {"fal-ai/minimax/hailuo-02/standard/text-to-video", true,
         "\"seed\":5,\"duration\":\"8\",\"image_url\":\"data:image/png;base64,aQ==\""},
        {"fal-ai/wan/v2", true,
         "\"negative_prompt\":\"n\",\"aspect_ratio\":\"16:9\",\"seed\":5,\"duration\":\"8\","
         "\"resolution\":\"720p\",\"image_url\":\"data:image/png;base64,aQ==\""},
        {"fal-ai/flux-pro/v1.1-ultra", false,
         "\"aspect_ratio\":\"16:9\",\"num_images\":1,\"seed\":5,"
         "\"image_url\":\"data:image/png;base64,aQ==\""},
        {"fal-ai/nano-banana/edit", false,
         "\"aspect_ratio\":\"16:9\",\"num_images\":1,\"seed\":5,"
         "\"image_urls\":[\"data:image/png;base64,aQ==\"]"},
        {"fal-ai/fast-sdxl/image-to-image", false,
         "\"negative_prompt\":\"n\",\"image_size\":{\"width\":1280,\"height\":720},"
         "\"num_images\":1,\"num_inference_steps\":9,\"guidance_scale\":4,\"seed\":5,"
         "\"image_url\":\"data:image/png;base64,aQ==\",\"strength\":0.5"},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct provider_site site = {0};
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
        expect(request.body, str_format(*state, "{\"prompt\":\"p\",%s}", all[i].input).at);
    }
}

/* ---- jobs ---- */

static struct provider_answer answer(struct arena *arena, bool is_poll, int status,
                                     const char *body)
{
    struct provider_answer out;
    memset(&out, 0x5a, sizeof(out));
    (is_poll ? fal_provider.polled : fal_provider.submitted)(arena, status, str_of(body), &out);
    return out;
}

#define URLS                                                                                       \
    "\"request_id\":\"7a-1\",\"response_url\":\"https://queue.fal.run/fal-ai/flux/requests/7a-1\""

static void what_is_queued_is_polled_under_our_own_base(void **state)
{
    struct provider_site site = {.base_url = STR("http://127.0.0.1:9")};
    struct provider_request request;
    struct provider_answer got =
        answer(*state, false, 200, "{\"status\":\"IN_QUEUE\"," URLS ",\"queue_position\":0}");
    assert_int_equal(got.failure, PROVIDER_OK);
    assert_true(got.is_pending);
    assert_false(got.is_soon);
    assert_true(got.position.is_set && got.position.value == 1);
    expect(got.job, "7a-1 fal-ai/flux");

    fal_provider.poll(*state, &site, got.job, &request);
    expect(request.method, "GET");
    expect(request.url, "http://127.0.0.1:9/fal-ai/flux/requests/7a-1/status");
    fal_provider.cancel(*state, &site, got.job, &request);
    expect(request.method, "PUT");
    expect(request.url, "http://127.0.0.1:9/fal-ai/flux/requests/7a-1/cancel");
}

static void the_result_is_elsewhere_and_fetched_at_once(void **state)
{
    struct provider_site site = {0};
    struct provider_request request;
    struct provider_answer got = answer(*state, true, 202, "{\"status\":\"IN_PROGRESS\"," URLS "}");
    assert_true(got.is_pending && !got.is_soon && !got.position.is_set);
    expect(got.job, "7a-1 fal-ai/flux");
    got = answer(*state, true, 200, "{\"status\":\"COMPLETED\"," URLS "}");
    assert_true(got.is_pending && got.is_soon);
    expect(got.job, "7a-1 fal-ai/flux done");
    fal_provider.poll(*state, &site, got.job, &request);
    expect(request.url, "https://queue.fal.run/fal-ai/flux/requests/7a-1");
    fal_provider.cancel(*state, &site, got.job, &request);
    expect(request.url, "https://queue.fal.run/fal-ai/flux/requests/7a-1/cancel");
}

static void apps_have_two_parts_or_a_namespace_before_them(void **state)
{
    static const struct {
        const char *url, *job;
    } all[] = {
        {"https://queue.fal.run/fal-ai/flux/requests/a", "a fal-ai/flux"},
        {"https://queue.fal.run/workflows/me/my-flow/requests/a", "a workflows/me/my-flow"},
        {"http://127.0.0.1:8080/fal-ai/wan-2.1/requests/a/status", "a fal-ai/wan-2.1"},
        {"https://queue.fal.run/fal-ai/requests/a", NULL},
        {"https://queue.fal.run/a/b/c/d/requests/a", NULL},
        {"https://queue.fal.run/../admin/requests/a", NULL},
        {"https://queue.fal.run/a/../b/requests/a", NULL},
        {"https://queue.fal.run/a/b./requests/a", NULL},
        {"https://queue.fal.run/a//requests/a", NULL},
        {"https://queue.fal.run/a//b/requests/a", NULL},
        {"https://queue.fal.run/a/b%2f/requests/a", NULL},
        {"https://queue.fal.run/a/b?x=/requests/a", NULL},
        {"https://queue.fal.run/a b/c/requests/a", NULL},
        {"https://queue.fal.run/fal-ai/flux", NULL},
        {"/fal-ai/flux/requests/a", NULL},
        {"x:", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        str body = str_format(*state, "{\"request_id\":\"a\",\"response_url\":\"%s\"}", all[i].url);
        struct provider_answer got;
        fal_provider.submitted(*state, 200, body, &got);
        if (all[i].job != NULL)
            expect(got.job, all[i].job);
        else if (got.failure != PROVIDER_BROKEN)
            fail_msg("%s: %.*s", all[i].url, STR_ARG(got.job));
    }
}

static void a_name_that_is_none_is_no_job(void **state)
{
    static const char *const ids[] = {"", "a/b", "a b", "../x", "a?b", "a#b", "a\\u0001"};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        str body = str_format(*state,
                              "{\"request_id\":\"%s\",\"response_url\":"
                              "\"https://queue.fal.run/a/b/requests/a\"}",
                              ids[i]);
        struct provider_answer got;
        fal_provider.submitted(*state, 200, body, &got);
        assert_int_equal(got.failure, PROVIDER_BROKEN);
    }
}

static void a_job_has_room_where_it_is_kept(void **state)
{
    AUTO(buffer_done) struct buffer body = {0};
    struct provider_answer got;
    buffer_str(&body, STR("{\"request_id\":\"a\",\"response_url\":\"https://x.example/a/b"));
    for (int i = 0; i < 1000; i++)
        buffer_str(&body, STR(".b"));
    buffer_str(&body, STR("/requests/a\"}"));
    fal_provider.submitted(*state, 200, buffer_text(&body), &got);
    assert_int_equal(got.failure, PROVIDER_BROKEN);
}

/* ---- results ---- */

static void pictures_and_films_are_found(void **state)
{
    struct provider_answer got =
        answer(*state, true, 200,
               "{\"images\":[{\"url\":\"https://b.example/1.png\",\"width\":1},"
               "{\"url\":\"data:image/png;base64,aGVsbG8=\"}],\"timings\":{\"inference\":1.5},"
               "\"has_nsfw_concepts\":[false,false],\"prompt\":\"https://b.example/prompt\"}");
    assert_int_equal(got.failure, PROVIDER_OK);
    assert_false(got.is_pending);
    assert_int_equal(got.output_count, 2);
    expect(got.outputs[0].url, "https://b.example/1.png");
    assert_memory_equal(got.outputs[1].content.at, "hello", 5);
    assert_true(got.seconds.is_set && got.seconds.value == 1.5);

    got = answer(*state, true, 200, "{\"video\":{\"url\":\"https://b.example/1.mp4\"},\"seed\":1}");
    assert_int_equal(got.output_count, 1);
    expect(got.outputs[0].url, "https://b.example/1.mp4");
    got = answer(*state, true, 200, "{\"image\":{\"url\":\"https://b.example/1.png\"}}");
    assert_int_equal(got.output_count, 1);
}

static void what_the_safety_checker_blackened_is_left_out(void **state)
{
    struct provider_answer got =
        answer(*state, true, 200,
               "{\"images\":[{\"url\":\"https://b.example/1.png\"},"
               "{\"url\":\"https://b.example/2.png\"}],\"has_nsfw_concepts\":[true,false]}");
    assert_int_equal(got.failure, PROVIDER_OK);
    assert_int_equal(got.output_count, 1);
    expect(got.outputs[0].url, "https://b.example/2.png");
    got =
        answer(*state, true, 200,
               "{\"images\":[{\"url\":\"https://b.example/1.png\"}],\"has_nsfw_concepts\":[true]}");
    assert_int_equal(got.failure, PROVIDER_POLICY);
    assert_int_equal(got.output_count, 0);
}

static void hostile_results_are_broken_answers(void **state)
{
    static const char *const bodies[] = {
        "",
        "null",
        "[]",
        "{",
        "{}",
        "{\"images\":[]}",
        "{\"images\":[null]}",
        "{\"images\":[],\"prompt\":\"https://b.example/prompt\"}",
        "{\"images\":[{\"url\":\"file:///etc/passwd\"}]}",
        "{\"images\":[{\"file_name\":\"https://b.example/1.png\"}]}",
        "{\"images\":[[[[[[\"https://b.example/1.png\"]]]]]]}",
        "{\"status\":\"COMPLETED\",\"request_id\":\"a\"}",
        "{\"status\":\"IN_QUEUE\",\"request_id\":\"a\",\"response_url\":\"http://x\"}",
        "\xff\xfe",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct provider_answer got = answer(*state, true, 200, bodies[i]);
        if (got.failure != PROVIDER_BROKEN || got.output_count != 0 || got.text.len == 0)
            fail_msg("%s: %d", bodies[i], got.failure);
    }
}

static void failures_say_whether_trying_again_may_help(void **state)
{
    static const struct {
        bool is_poll;
        int status;
        const char *body;
        enum provider_failure failure;
    } all[] = {
        {false, 401, "{\"detail\":\"No user found\"}", PROVIDER_REFUSED},
        {false, 403, "{\"detail\":\"User is locked. Reason: Exhausted balance.\"}",
         PROVIDER_REFUSED},
        {false, 404, "{\"detail\":\"Application not found\"}", PROVIDER_REFUSED},
        {false, 422, "{\"detail\":[{\"type\":\"missing\",\"msg\":\"Field required\"}]}",
         PROVIDER_REFUSED},
        {false, 429, "", PROVIDER_BUSY},
        {false, 503, "<html>", PROVIDER_BUSY},
        {true, 422, "{\"detail\":[{\"type\":\"content_policy_violation\",\"msg\":\"no\"}]}",
         PROVIDER_POLICY},
        {true, 422, "{\"detail\":\"The prompt was flagged\"}", PROVIDER_POLICY},
        {true, 422, "{\"detail\":[{\"type\":\"image_too_small\",\"msg\":\"too small\"}]}",
         PROVIDER_REFUSED},
        {true, 400, "{\"detail\":[{\"type\":\"downstream_service_error\",\"msg\":\"x\"}]}",
         PROVIDER_FAILED},
        {true, 504, "{\"detail\":[{\"type\":\"generation_timeout\",\"msg\":\"x\"}]}",
         PROVIDER_FAILED},
        {true, 504, "{\"detail\":\"timed out\",\"error_type\":\"request_timeout\"}",
         PROVIDER_FAILED},
        {true, 503, "{\"detail\":\"gone\",\"error_type\":\"runner_disconnected\"}",
         PROVIDER_FAILED},
        {true, 499, "{\"detail\":\"stopped\",\"error_type\":\"client_cancelled\"}",
         PROVIDER_CANCELED},
        {true, 500, "{\"detail\":\"Internal Server Error\"}", PROVIDER_FAILED},
        {true, 503, "{\"detail\":\"\",\"error_type\":\"something_new\"}", PROVIDER_FAILED},
        {true, 500, "", PROVIDER_BUSY},
        {true, 502, "<html>", PROVIDER_BUSY},
        {true, 503, "{\"detail\":\"Service Unavailable\"}", PROVIDER_BUSY},
        {true, 400, "{\"detail\":\"Request is still in progress\"}", PROVIDER_BUSY},
        {true, 404, "{\"detail\":\"Request not found\"}", PROVIDER_FAILED},
        {true, 429, "", PROVIDER_BUSY},
        {true, 401, "", PROVIDER_REFUSED},
        {true, 422, "{\"detail\":[]}", PROVIDER_REFUSED},
        {true, 422, "{\"detail\":[7]}", PROVIDER_REFUSED},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct provider_answer got = answer(*state, all[i].is_poll, all[i].status, all[i].body);
        if (got.failure != all[i].failure || got.text.len == 0 || got.cause.len == 0)
            fail_msg("%d %s: %d", all[i].status, all[i].body, got.failure);
    }
    expect(
        answer(*state, true, 422, "{\"detail\":[{\"type\":\"missing\",\"msg\":\"Field\"}]}").cause,
        "status 422: missing: Field");
}

/* Whatever is cut off or changed, the reader ends with an answer. */
static void every_damaged_answer_is_read_to_an_end(void **state)
{
    static const char *const good[] = {
        "{\"status\":\"COMPLETED\"," URLS ",\"metrics\":{\"n\":2}}",
        "{\"images\":[{\"url\":\"https://b.example/1.png\"}],\"has_nsfw_concepts\":[false]}",
    };
    char bad[200];
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        size_t all = strlen(good[i]);
        assert_true(all < sizeof(bad));
        for (size_t len = 0; len < all; len++) {
            struct provider_answer got;
            fal_provider.polled(*state, 200, (str){good[i], len}, &got);
            assert_int_equal(got.failure, PROVIDER_BROKEN);
            for (int flip = 1; flip < 128; flip += 25) {
                memcpy(bad, good[i], all);
                bad[len] = (char)(bad[len] ^ flip);
                fal_provider.polled(*state, 200, (str){bad, all}, &got);
                assert_true(got.failure != PROVIDER_OK || got.is_pending || got.output_count == 1);
            }
        }
    }
}

/* ---- postings ---- */

static void a_posting_names_its_job_by_the_first_word(void **state)
{
    struct provider_site site = {0};
    struct provider_hook hook = {.body = STR("{\"request_id\":\"7a-1\",\"status\":\"OK\"}")};
    str job;
    assert_true(fal_provider.hooked(*state, &site, &hook, &job));
    expect(job, "7a-1");
    hook.body = STR("{\"request_id\":\"a b\"}");
    assert_false(fal_provider.hooked(*state, &site, &hook, &job));
    hook.body = STR("[]");
    assert_false(fal_provider.hooked(*state, &site, &hook, &job));
    hook.body = STR("{");
    assert_false(fal_provider.hooked(*state, &site, &hook, &job));
}

#define NOW INT64_C(1700000000)

static void with_its_keys_only_what_it_signed_is_believed(void **state)
{
    uint8_t public[crypto_sign_PUBLICKEYBYTES], private[crypto_sign_SECRETKEYBYTES], sum[32];
    uint8_t seed[crypto_sign_SEEDBYTES] = {1}, signature[crypto_sign_BYTES];
    str job, body = STR("{\"request_id\":\"7a-1\"}");
    assert_int_equal(crypto_sign_seed_keypair(public, private, seed), 0);
    sha256(bytes_of(body), sum);
    str hex = hex_write(*state, (bytes){sum, sizeof(sum)});
    str told = str_format(*state, "7a-1\nuser-1\n%lld\n%.*s", (long long)NOW, STR_ARG(hex));
    crypto_sign_detached(signature, NULL, (const uint8_t *)told.at, told.len, private);

    struct provider_header headers[] = {
        {STR("X-Fal-Webhook-Request-Id"), STR("7a-1")},
        {STR("X-Fal-Webhook-User-Id"), STR("user-1")},
        {STR("X-Fal-Webhook-Timestamp"), str_format(*state, "%lld", (long long)NOW)},
        {STR("X-Fal-Webhook-Signature"), hex_write(*state, (bytes){signature, sizeof(signature)})},
    };
    struct provider_hook hook = {headers, ARRAY_LEN(headers), body, {NOW * 1000000}};
    str key = base64url_write(*state, (bytes){public, sizeof(public)});
    struct provider_site site = {.webhook_secret =
                                     str_format(*state, "c2hvcnQ *** %.*s", STR_ARG(key))};
    assert_true(fal_provider.hooked(*state, &site, &hook, &job));

    hook.now.us += 301 * INT64_C(1000000);
    assert_false(fal_provider.hooked(*state, &site, &hook, &job));
    hook.now.us = NOW * 1000000;
    hook.body = STR("{\"request_id\":\"7a-2\"}");
    assert_false(fal_provider.hooked(*state, &site, &hook, &job));
    hook.body = body;
    headers[1].value = STR("user-2");
    assert_false(fal_provider.hooked(*state, &site, &hook, &job));
    headers[1].value = STR("user-1");
    headers[3].value = STR("abcd");
    assert_false(fal_provider.hooked(*state, &site, &hook, &job));
    hook.header_count = 3;
    assert_false(fal_provider.hooked(*state, &site, &hook, &job));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_picture_is_asked_of_the_queue),
        TEST(it_is_told_where_to_post),
        TEST(each_family_has_its_own_words),
        TEST(what_is_queued_is_polled_under_our_own_base),
        TEST(the_result_is_elsewhere_and_fetched_at_once),
        TEST(apps_have_two_parts_or_a_namespace_before_them),
        TEST(a_name_that_is_none_is_no_job),
        TEST(a_job_has_room_where_it_is_kept),
        TEST(pictures_and_films_are_found),
        TEST(what_the_safety_checker_blackened_is_left_out),
        TEST(hostile_results_are_broken_answers),
        TEST(failures_say_whether_trying_again_may_help),
        TEST(every_damaged_answer_is_read_to_an_end),
        TEST(a_posting_names_its_job_by_the_first_word),
        TEST(with_its_keys_only_what_it_signed_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

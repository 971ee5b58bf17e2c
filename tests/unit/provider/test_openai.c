/* SPDX-License-Identifier: Apache-2.0 */
#include "provider_check.h"

#include "base/buffer.h"
#include "provider/provider.h"

#include <string.h>

/* ---- requests ---- */

static void a_wish_becomes_a_request(void **state)
{
    struct provider_request request;
    struct provider_wish wish = {.model = STR("sdxl"),
                                 .prompt = STR("a \"red\" kite\n"),
                                 .count = 2,
                                 .width = 512,
                                 .height = 768};
    struct provider_site site = {.base_url = STR("http://127.0.0.1:8080"), .key = STR("secret")};
    openai_provider.submit(*state, &site, &wish, &request);
    expect(request.method, "POST");
    expect(request.url, "http://127.0.0.1:8080/v1/images/generations");
    expect(request.body, "{\"model\":\"sdxl\",\"prompt\":\"a \\\"red\\\" kite\\n\",\"n\":2,"
                         "\"size\":\"512x768\",\"response_format\":\"b64_json\"}");
    assert_int_equal(request.header_count, 2);
    expect(request.headers[0].name, "Content-Type");
    expect(request.headers[0].value, "application/json");
    expect(request.headers[1].name, "Authorization");
    expect(request.headers[1].value, "Bearer secret");
}

static void the_base_address_may_end_in_any_way(void **state)
{
    static const char *const bases[] = {"https://a.example", "https://a.example/",
                                        "https://a.example/v1", "https://a.example/v1/",
                                        "https://a.example/v1//"};
    struct provider_wish wish = {.model = STR("m"), .prompt = STR("p"), .count = 1};
    for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
        struct provider_request request;
        struct provider_site site = {.base_url = str_of(bases[i])};
        openai_provider.submit(*state, &site, &wish, &request);
        expect(request.url, "https://a.example/v1/images/generations");
        assert_int_equal(request.header_count, 1); /* no key, no Authorization */
    }
}

static void a_picture_to_start_from_makes_it_an_edit(void **state)
{
    struct provider_request request;
    struct provider_site site = {.base_url = STR("https://a.example")};
    struct provider_wish wish = {.model = STR("dall-e-2"),
                                 .prompt = STR("blue"),
                                 .quality = STR("hd"),
                                 .count = 1,
                                 .width = 512,
                                 .height = 512,
                                 .image = {(const uint8_t *)"a\0c", 3},
                                 .image_type = STR("image/png")};
    openai_provider.submit(*state, &site, &wish, &request);
    expect(request.url, "https://a.example/v1/images/edits");
    str type = request.headers[0].value;
    assert_true(str_starts(type, STR("multipart/form-data; boundary=")));
    str boundary = str_slice(type, STR("multipart/form-data; boundary=").len, type.len);
    assert_int_equal(boundary.len, 64);
    assert_true(str_contains(request.body, STR("name=\"prompt\"\r\n\r\nblue\r\n--")));
    assert_true(str_contains(request.body, STR("name=\"quality\"\r\n\r\nhd\r\n")));
    assert_true(str_contains(request.body, STR("filename=\"picture.png\"\r\n"
                                               "Content-Type: image/png\r\n\r\na\0c\r\n--")));
    assert_true(str_contains(request.body, STR("name=\"response_format\"")));
    assert_true(str_ends(request.body, STR("--\r\n")));

    struct provider_request other;
    wish.prompt = STR("red");
    openai_provider.submit(*state, &site, &wish, &other);
    assert_false(str_contains(other.body, boundary));
}

static void a_picture_without_words_is_varied(void **state)
{
    struct provider_request request;
    struct provider_site site = {.base_url = STR("https://a.example/v1")};
    struct provider_wish wish = {.model = STR("gpt-image-1"),
                                 .count = 1,
                                 .image = {(const uint8_t *)"abc", 3},
                                 .image_type = STR("image/png")};
    openai_provider.submit(*state, &site, &wish, &request);
    expect(request.url, "https://a.example/v1/images/variations");
    assert_false(str_contains(request.body, STR("name=\"prompt\"")));
    assert_false(str_contains(request.body, STR("name=\"response_format\"")));
}

static void models_that_always_send_bytes_are_not_asked_for_them(void **state)
{
    struct provider_request request;
    struct provider_wish wish = {.model = STR("gpt-image-1"), .prompt = STR("p"), .count = 1};
    struct provider_site site = {.base_url = STR("https://a.example"), .key = STR("k")};
    openai_provider.submit(*state, &site, &wish, &request);
    assert_false(str_contains(request.body, STR("response_format")));
}

/* ---- answers ---- */

static struct provider_answer answer(struct arena *arena, int status, const char *body)
{
    struct provider_answer out;
    memset(&out, 0x5a, sizeof(out));
    openai_provider.submitted(arena, status, str_of(body), &out);
    return out;
}

static void pictures_come_as_bytes_or_addresses(void **state)
{
    struct provider_answer got = answer(*state, 200,
                                        "{\"created\":1,\"data\":[{\"b64_json\":\"aGVsbG8=\"},"
                                        "{\"url\":\"https://b.example/1.png\"}]}");
    assert_int_equal(got.failure, PROVIDER_OK);
    assert_int_equal(got.output_count, 2);
    assert_int_equal(got.outputs[0].content.len, 5);
    assert_memory_equal(got.outputs[0].content.at, "hello", 5);
    assert_int_equal(got.outputs[1].content.len, 0);
    expect(got.outputs[1].url, "https://b.example/1.png");
}

static void failures_say_whether_trying_again_may_help(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum provider_failure failure;
    } all[] = {
        {400, "{\"error\":{\"code\":\"content_policy_violation\"}}", PROVIDER_POLICY},
        {400, "{\"error\":{\"code\":\"moderation_blocked\"}}", PROVIDER_POLICY},
        {400, "{\"error\":{\"code\":\"invalid_size\"}}", PROVIDER_REFUSED},
        {400, "not json", PROVIDER_REFUSED},
        {401, "{}", PROVIDER_REFUSED},
        {403, "", PROVIDER_REFUSED},
        {404, "{\"error\":\"text\"}", PROVIDER_REFUSED},
        {301, "", PROVIDER_REFUSED},
        {408, "", PROVIDER_BUSY},
        {409, "", PROVIDER_BUSY},
        {429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", PROVIDER_BUSY},
        {500, "<html>", PROVIDER_BUSY},
        {503, "", PROVIDER_BUSY},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct provider_answer got = answer(*state, all[i].status, all[i].body);
        if (got.failure != all[i].failure || got.output_count != 0 || got.text.len == 0)
            fail_msg("%d %s: %d", all[i].status, all[i].body, got.failure);
    }
}

static void hostile_bodies_are_broken_answers(void **state)
{
    static const char *const bodies[] = {
        "",
        "null",
        "[]",
        "{",
        "{\"data\":null}",
        "{\"data\":{}}",
        "{\"data\":[]}",
        "{\"data\":[null]}",
        "{\"data\":[[]]}",
        "{\"data\":[{}]}",
        "{\"data\":[{\"b64_json\":\"***\"}]}",
        "{\"data\":[{\"b64_json\":17}]}",
        "{\"data\":[{\"url\":\"file:///etc/passwd\"}]}",
        "{\"data\":[{\"url\":\"javascript:alert(1)\"}]}",
        "{\"data\":[{\"url\":{\"a\":1}}]}",
        "{\"data\":[{\"b64_json\":\"aGVsbG8=\"}",
        "{\"data\":[{\"b64_json\":\"aGVsbG8=\"}],\"data\":[]}",
        "\xff\xfe",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct provider_answer got = answer(*state, 200, bodies[i]);
        if (got.failure != PROVIDER_BROKEN || got.output_count != 0 || got.text.len == 0)
            fail_msg("%s: %d", bodies[i], got.failure);
    }
}

static void a_picture_that_cannot_be_read_leaves_the_others(void **state)
{
    struct provider_answer got =
        answer(*state, 200, "{\"data\":[{\"b64_json\":\"***\"},{\"b64_json\":\"aGVsbG8=\"},7]}");
    assert_int_equal(got.failure, PROVIDER_OK);
    assert_int_equal(got.output_count, 1);
}

static void more_pictures_than_there_is_room_for_are_cut(void **state)
{
    AUTO(buffer_done) struct buffer body = {0};
    buffer_str(&body, STR("{\"data\":["));
    for (int i = 0; i < 5000; i++)
        buffer_format(&body, "%s{\"b64_json\":\"aGVsbG8=\"}", i == 0 ? "" : ",");
    buffer_str(&body, STR("]}"));
    struct provider_answer got;
    openai_provider.submitted(*state, 200, buffer_text(&body), &got);
    assert_int_equal(got.output_count, PROVIDER_OUTPUTS_MAX);
}

/* Whatever is cut off or changed, the reader ends with an answer. */
static void every_damaged_answer_is_read_to_an_end(void **state)
{
    static const char good[] = "{\"created\":1,\"data\":[{\"b64_json\":\"aGVsbG8=\",\"x\":[1,{}]},"
                               "{\"url\":\"https://b.example/1.png\"}],\"usage\":{\"n\":2}}";
    char bad[sizeof(good)];
    for (size_t len = 0; len < sizeof(good) - 1; len++) {
        struct provider_answer got;
        openai_provider.submitted(*state, 200, (str){good, len}, &got);
        assert_int_equal(got.failure, PROVIDER_BROKEN);
        for (int flip = 1; flip < 256; flip += 50) {
            memcpy(bad, good, sizeof(good));
            bad[len] = (char)(bad[len] ^ flip);
            openai_provider.submitted(*state, 200, (str){bad, sizeof(good) - 1}, &got);
            assert_true(got.failure == PROVIDER_OK || got.output_count == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wish_becomes_a_request),
        TEST(a_picture_to_start_from_makes_it_an_edit),
        TEST(a_picture_without_words_is_varied),
        TEST(the_base_address_may_end_in_any_way),
        TEST(models_that_always_send_bytes_are_not_asked_for_them),
        TEST(pictures_come_as_bytes_or_addresses),
        TEST(failures_say_whether_trying_again_may_help),
        TEST(hostile_bodies_are_broken_answers),
        TEST(a_picture_that_cannot_be_read_leaves_the_others),
        TEST(more_pictures_than_there_is_room_for_are_cut),
        TEST(every_damaged_answer_is_read_to_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

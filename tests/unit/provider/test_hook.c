/* SPDX-License-Identifier: Apache-2.0 */
#include "provider_check.h"

#include "base/encode.h"
#include "base/hash.h"
#include "provider/hook.h"

/* The example of the scheme's own documentation. */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define STAMP "1614265330"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define BODY "{\"test\": 2432232314}"
#define NOW INT64_C(1614265330000000)

struct posting {
    const char *id, *stamp, *signature, *body, *secret;
    int64_t now;
};

static bool is_signed(struct arena *arena, bool is_svix, struct posting posting)
{
    struct provider_header headers[] = {
        {STR("Host"), STR("a.example")},
        {is_svix ? STR("Svix-Id") : STR("Webhook-Id"), str_of(posting.id)},
        {is_svix ? STR("svix-timestamp") : STR("webhook-timestamp"), str_of(posting.stamp)},
        {is_svix ? STR("svix-signature") : STR("webhook-signature"), str_of(posting.signature)},
    };
    struct provider_hook hook = {headers, ARRAY_LEN(headers), str_of(posting.body), {posting.now}};
    return hook_is_signed(arena, str_of(posting.secret), &hook);
}

static const struct posting good = {ID, STAMP, SIGNATURE, BODY, SECRET, NOW};

static void the_published_example_is_signed(void **state)
{
    assert_true(is_signed(*state, false, good));
    assert_true(is_signed(*state, true, good));
}

static void one_right_signature_among_several_is_enough(void **state)
{
    struct posting posting = good;
    posting.signature = "v1a,x v1,c2hvcnQ= v1,*** " SIGNATURE " v2,x";
    assert_true(is_signed(*state, false, posting));
    posting.signature = SIGNATURE " v1,c2hvcnQ=";
    assert_true(is_signed(*state, false, posting));
    posting.signature = "v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a v1,a "
                        "v1,a v1,a " SIGNATURE;
    assert_false(is_signed(*state, false, posting)); /* beyond HOOK_SIGNATURES_MAX */
}

static void the_secret_may_stand_without_its_mark(void **state)
{
    struct posting posting = good;
    posting.secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    assert_true(is_signed(*state, false, posting));
}

static void whatever_is_changed_is_not_theirs(void **state)
{
    static const struct posting all[] = {
        {"msg_other", STAMP, SIGNATURE, BODY, SECRET, NOW},
        {"", STAMP, SIGNATURE, BODY, SECRET, NOW},
        {ID, "1614265331", SIGNATURE, BODY, SECRET, NOW},
        {ID, "", SIGNATURE, BODY, SECRET, NOW},
        {ID, "soon", SIGNATURE, BODY, SECRET, NOW},
        {ID, "-1614265330", SIGNATURE, BODY, SECRET, NOW},
        {ID, "-9223372036854775808", SIGNATURE, BODY, SECRET, NOW},
        {ID, "9223372036854775807", SIGNATURE, BODY, SECRET, NOW},
        {ID, STAMP, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=", BODY, SECRET, NOW},
        {ID, STAMP, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=", BODY, SECRET, NOW},
        {ID, STAMP, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY, SECRET, NOW},
        {ID, STAMP, "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY, SECRET, NOW},
        {ID, STAMP, "", BODY, SECRET, NOW},
        {ID, STAMP, SIGNATURE, BODY " ", SECRET, NOW},
        {ID, STAMP, SIGNATURE, "", SECRET, NOW},
        {ID, STAMP, SIGNATURE, BODY, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx", NOW},
        {ID, STAMP, SIGNATURE, BODY, "whsec_", NOW},
        {ID, STAMP, SIGNATURE, BODY, "", NOW},
        {ID, STAMP, SIGNATURE, BODY, "whsec_not base64", NOW},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (is_signed(*state, false, all[i]))
            fail_msg("posting %zu was believed", i);
}

static void what_is_older_or_newer_than_five_minutes_is_refused(void **state)
{
    static const struct {
        int64_t off;
        bool is_fresh;
    } all[] = {{300, true}, {-300, true}, {301, false}, {-301, false}, {86400, false}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct posting posting = good;
        posting.now = NOW + all[i].off * 1000000;
        assert_int_equal(is_signed(*state, false, posting), all[i].is_fresh);
    }
}

/* As the sender does. */
static bool is_believed(struct arena *arena, const char *id, str signed_as, str body)
{
    uint8_t sum[32];
    bytes key;
    assert_true(base64_read(arena, STR("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), &key));
    hmac_sha256(key, bytes_of(signed_as), sum);
    str encoded = base64_write(arena, (bytes){sum, sizeof(sum)});
    struct provider_header headers[] = {
        {STR("webhook-id"), str_of(id)},
        {STR("webhook-timestamp"), STR(STAMP)},
        {STR("webhook-signature"), str_format(arena, "v1,%.*s", STR_ARG(encoded))},
    };
    struct provider_hook hook = {headers, ARRAY_LEN(headers), body, {NOW}};
    return hook_is_signed(arena, STR(SECRET), &hook);
}

/* One that ends in the middle for those who read it as text. */
static void a_body_is_signed_to_its_last_byte(void **state)
{
    static const char body[] = "{}\0{\"id\":\"other\"}";
    str all = {body, sizeof(body) - 1};
    assert_true(is_believed(*state, ID, STR(ID "." STAMP ".{}"), STR("{}")));
    assert_false(is_believed(*state, ID, STR(ID "." STAMP ".{}"), all));
}

static void a_posting_without_an_id_is_not_theirs(void **state)
{
    assert_false(is_believed(*state, "", STR("." STAMP ".{}"), STR("{}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_published_example_is_signed),
        TEST(one_right_signature_among_several_is_enough),
        TEST(the_secret_may_stand_without_its_mark),
        TEST(whatever_is_changed_is_not_theirs),
        TEST(what_is_older_or_newer_than_five_minutes_is_refused),
        TEST(a_body_is_signed_to_its_last_byte),
        TEST(a_posting_without_an_id_is_not_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/verify.h"
#include "base/encode.h"
#include "jwt_maker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define NOW 1800000000LL /* seconds */

/* Rows of the table below. */
enum {
    CLERK,
    CUSTOM_RS,
    CUSTOM_ES,
    NO_KEYS,
    ROW_COUNT,
};

static const struct issuer rows[ROW_COUNT] = {
    [CLERK] = {.kind = ISSUER_OIDC,
               .issuer = STR("https://clerk.example"),
               .application_id = STR("convex")},
    [CUSTOM_RS] = {.kind = ISSUER_CUSTOM,
                   .issuer = STR("https://custom.example/"),
                   .algorithm = ALGORITHM_RS256,
                   .jwks = STR("https://custom.example/keys")},
    [CUSTOM_ES] = {.kind = ISSUER_CUSTOM,
                   .issuer = STR("es.example"),
                   .algorithm = ALGORITHM_ES256,
                   .application_id = STR("app"),
                   .jwks = STR("https://es.example/keys")},
    [NO_KEYS] = {.kind = ISSUER_OIDC,
                 .issuer = STR("https://down.example"),
                 .application_id = STR("convex")},
};

static struct made_key rsa, other_rsa, ec, ed;
static struct arena arena;
static struct verifier *verifier;
static struct auth_failure failure;
static bool keys_are_coming;
static atomic_size_t row_asked; /* of whichever thread asked last */

static instant now(void)
{
    return (instant){NOW * 1000000};
}

static bool wants(void *context, size_t row)
{
    row_asked = row;
    return keys_are_coming;
}

static int keys_make(void **state)
{
    rsa = made_key_new(ALGORITHM_RS256, "rsa-1");
    other_rsa = made_key_new(ALGORITHM_RS256, "rsa-1");
    ec = made_key_new(ALGORITHM_ES256, "ec-1");
    ed = made_key_new(ALGORITHM_EDDSA, "ed-1");
    return 0;
}

static int keys_free(void **state)
{
    made_key_free(&rsa);
    made_key_free(&other_rsa);
    made_key_free(&ec);
    made_key_free(&ed);
    return 0;
}

static void give_keys(size_t row, const struct made_key *keys, size_t count)
{
    struct fault fault = {0};
    struct key_set *set = key_set_read(made_jwks(&arena, keys, count), &fault);
    assert_non_null(set);
    verifier_set_keys(verifier, row, set);
}

static int set_up(void **state)
{
    struct fault fault = {0};
    struct made_key all[] = {rsa, ec, ed};
    arena = (struct arena){0};
    verifier = verifier_new(rows, ROW_COUNT, &fault);
    assert_non_null(verifier);
    verifier_on_missing_keys(verifier, wants, NULL);
    keys_are_coming = false;
    row_asked = SIZE_MAX;
    for (size_t row = 0; row < NO_KEYS; row++)
        give_keys(row, all, ARRAY_LEN(all));
    return 0;
}

static int tear_down(void **state)
{
    verifier_free(verifier);
    arena_done(&arena);
    return 0;
}

static str payload(const char *issuer, const char *audience, int64_t exp, const char *more)
{
    return str_format(&arena, "{\"iss\":\"%s\",\"sub\":\"user_1\",\"aud\":%s,\"exp\":%lld%s}",
                      issuer, audience, (long long)exp, more);
}

static str clerk(const char *more)
{
    return payload("https://clerk.example", "\"convex\"", NOW + 60, more);
}

static struct identity *check(str token)
{
    return verifier_check(verifier, token, now(), &failure);
}

static void expect_good(str token)
{
    struct identity *identity = check(token);
    if (identity == NULL)
        print_error("%s\n", failure.text);
    assert_non_null(identity);
    identity_drop(identity);
}

static void expect_failure(str token, enum auth_failure_kind kind)
{
    struct identity *identity = check(token);
    assert_null(identity);
    if (failure.kind != kind)
        print_error("%s\n", failure.text);
    assert_int_equal(failure.kind, kind);
    assert_non_null(failure.code);
    assert_true(strlen(failure.text) > 20);
}

static void assert_text(str actual, const char *expected)
{
    if (!str_equal(actual, str_of(expected)))
        print_error("%.*s\n", STR_ARG(actual));
    assert_true(str_equal(actual, str_of(expected)));
}

static void an_oidc_token_with_rs256_or_eddsa_is_accepted(void **state)
{
    expect_good(made_token(&arena, &rsa, clerk("")));
    expect_good(made_token(&arena, &ed, clerk("")));
}

static void an_oidc_token_with_es256_is_refused(void **state)
{
    expect_failure(made_token(&arena, &ec, clerk("")), AUTH_BAD);
}

static void a_custom_token_takes_only_its_own_algorithm(void **state)
{
    str es = payload("https://es.example", "\"app\"", NOW + 60, "");
    str rs = payload("https://custom.example", "\"whoever\"", NOW + 60, "");
    expect_good(made_token(&arena, &ec, es));
    expect_failure(made_token(&arena, &rsa, es), AUTH_BAD);
    expect_good(made_token(&arena, &rsa, rs));
    expect_failure(made_token(&arena, &ec, rs), AUTH_BAD);
    expect_failure(made_token(&arena, &ed, rs), AUTH_BAD);
}

static void a_forged_signature_is_refused(void **state)
{
    expect_failure(made_token(&arena, &other_rsa, clerk("")), AUTH_BAD);
    assert_non_null(strstr(failure.text, "signature"));
}

static void each_tampered_part_is_refused(void **state)
{
    str token = made_token(&arena, &rsa, clerk(",\"name\":\"Ada\""));
    for (size_t i = 0; i < token.len; i += 7) {
        char *changed = arena_copy(&arena, token.at, token.len);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        if (token.at[i] == '.')
            continue;
        struct identity *identity = check((str){changed, token.len});
        if (identity != NULL)
            print_error("byte %zu of %zu\n", i, token.len);
        assert_null(identity);
    }
}

static void an_unsigned_token_is_refused(void **state)
{
    expect_failure(made_unsigned(&arena, clerk("")), AUTH_BAD);
}

static void the_public_key_is_no_hmac_secret(void **state)
{
    str jwks = made_jwks(&arena, &rsa, 1);
    expect_failure(made_hs256(&arena, STR("rsa-1"), jwks, clerk("")), AUTH_BAD);
    assert_non_null(strstr(failure.text, "HS256"));
}

static void an_algorithm_that_is_not_its_keys_is_refused(void **state)
{
    str head = STR("{\"alg\":\"EdDSA\",\"kid\":\"rsa-1\"}");
    expect_failure(made_token_of(&arena, &rsa, head, clerk("")), AUTH_BAD);
    head = STR("{\"alg\":\"RS256\",\"kid\":\"ed-1\"}");
    expect_failure(made_token_of(&arena, &rsa, head, clerk("")), AUTH_BAD);
}

static void an_unknown_kid_is_refused(void **state)
{
    str head = STR("{\"alg\":\"RS256\",\"kid\":\"rsa-2\"}");
    expect_failure(made_token_of(&arena, &rsa, head, clerk("")), AUTH_BAD);
    assert_int_equal(row_asked, CLERK);
}

static void an_unknown_kid_waits_while_keys_are_coming(void **state)
{
    str head = STR("{\"alg\":\"RS256\",\"kid\":\"rsa-2\"}");
    keys_are_coming = true;
    expect_failure(made_token_of(&arena, &rsa, head, clerk("")), AUTH_KEYS_NOT_YET);
}

static void a_token_without_kid_takes_the_only_key_that_fits(void **state)
{
    str head = STR("{\"alg\":\"RS256\"}");
    expect_good(made_token_of(&arena, &rsa, head, clerk("")));
    struct made_key two[] = {rsa, other_rsa};
    give_keys(CLERK, two, 2);
    expect_failure(made_token_of(&arena, &rsa, head, clerk("")), AUTH_BAD);
}

static void a_row_without_keys_is_transient(void **state)
{
    expect_failure(
        made_token(&arena, &rsa, payload("https://down.example", "\"convex\"", NOW + 60, "")),
        AUTH_KEYS_NOT_YET);
    assert_int_equal(row_asked, NO_KEYS);
}

static void critical_extensions_are_refused(void **state)
{
    str head = STR("{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"crit\":[\"b64\"],\"b64\":false}");
    expect_failure(made_token_of(&arena, &rsa, head, clerk("")), AUTH_BAD);
}

static void another_audience_has_no_provider(void **state)
{
    expect_failure(
        made_token(&arena, &rsa, payload("https://clerk.example", "\"other\"", NOW + 60, "")),
        AUTH_NO_PROVIDER);
    assert_string_equal(failure.code, "NoAuthProvider");
    expect_failure(made_token(&arena, &rsa,
                              STR("{\"iss\":\"https://clerk.example\",\"sub\":\"a\","
                                  "\"exp\":1800000060}")),
                   AUTH_NO_PROVIDER);
}

static void another_issuer_has_no_provider(void **state)
{
    expect_failure(
        made_token(&arena, &rsa, payload("https://evil.example", "\"convex\"", NOW + 60, "")),
        AUTH_NO_PROVIDER);
}

static void one_audience_may_be_a_list(void **state)
{
    expect_good(
        made_token(&arena, &rsa, payload("https://clerk.example", "[\"convex\"]", NOW + 60, "")));
}

static void several_audiences_are_refused_for_oidc_only(void **state)
{
    expect_failure(made_token(&arena, &rsa,
                              payload("https://clerk.example", "[\"convex\",\"b\"]", NOW + 60, "")),
                   AUTH_BAD);
    expect_good(
        made_token(&arena, &ec, payload("https://es.example", "[\"x\",\"app\"]", NOW + 60, "")));
}

static void an_issuers_scheme_and_last_slash_do_not_matter(void **state)
{
    expect_good(
        made_token(&arena, &rsa, payload("https://clerk.example/", "\"convex\"", NOW + 60, "")));
    expect_good(made_token(&arena, &rsa, payload("clerk.example", "\"convex\"", NOW + 60, "")));
    expect_failure(
        made_token(&arena, &rsa, payload("http://clerk.example", "\"convex\"", NOW + 60, "")),
        AUTH_NO_PROVIDER);
}

static void expiry_has_five_seconds_of_leeway(void **state)
{
    expect_good(
        made_token(&arena, &rsa, payload("https://clerk.example", "\"convex\"", NOW - 4, "")));
    expect_failure(
        made_token(&arena, &rsa, payload("https://clerk.example", "\"convex\"", NOW - 5, "")),
        AUTH_EXPIRED);
}

static void a_remembered_token_expires_too(void **state)
{
    str token = made_token(&arena, &rsa, clerk(""));
    expect_good(token);
    expect_good(token);
    instant later = instant_add(now(), SECONDS(66));
    assert_null(verifier_check(verifier, token, later, &failure));
    assert_int_equal(failure.kind, AUTH_EXPIRED);
}

static void a_remembered_token_goes_with_its_keys(void **state)
{
    str token = made_token(&arena, &rsa, clerk(""));
    expect_good(token);
    give_keys(CLERK, &ed, 1);
    expect_failure(token, AUTH_BAD);
    verifier_set_keys(verifier, CLERK, NULL);
    expect_failure(token, AUTH_KEYS_NOT_YET);
}

static void a_token_of_the_future_is_refused(void **state)
{
    expect_good(made_token(&arena, &rsa, clerk(",\"nbf\":1800000005")));
    expect_failure(made_token(&arena, &rsa, clerk(",\"nbf\":1800000006")), AUTH_BAD);
    expect_failure(made_token(&arena, &rsa, clerk(",\"nbf\":\"soon\"")), AUTH_BAD);
}

static void absurd_times_do_not_overflow(void **state)
{
    expect_good(made_token(&arena, &rsa,
                           STR("{\"iss\":\"https://clerk.example\",\"sub\":\"a\",\"aud\":"
                               "\"convex\",\"exp\":1e300,\"iat\":-1e300}")));
    expect_failure(made_token(&arena, &rsa,
                              STR("{\"iss\":\"https://clerk.example\",\"sub\":\"a\",\"aud\":"
                                  "\"convex\",\"exp\":-9223372036854775808}")),
                   AUTH_EXPIRED);
}

static void issuer_subject_and_expiry_are_required(void **state)
{
    static const char *const broken[] = {
        "{\"sub\":\"a\",\"aud\":\"convex\",\"exp\":1800000060}",
        "{\"iss\":\"https://clerk.example\",\"aud\":\"convex\",\"exp\":1800000060}",
        "{\"iss\":\"https://clerk.example\",\"sub\":\"\",\"aud\":\"convex\",\"exp\":1800000060}",
        "{\"iss\":\"https://clerk.example\",\"sub\":7,\"aud\":\"convex\",\"exp\":1800000060}",
        "{\"iss\":\"https://clerk.example\",\"sub\":\"a\",\"aud\":\"convex\"}",
        "{\"iss\":\"https://clerk.example\",\"sub\":\"a\",\"aud\":\"convex\",\"exp\":\"9\"}",
        "[]",
    };
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        expect_failure(made_token(&arena, &rsa, str_of(broken[i])), AUTH_BAD);
}

static void what_is_no_token_is_refused(void **state)
{
    static const char *const broken[] = {"",
                                         ".",
                                         "..",
                                         "...",
                                         "a.b",
                                         "a.b.c",
                                         "e30.e30.",
                                         "e30..e30",
                                         "\xff.\xff.\xff",
                                         "e30.e30.e30.e30"};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        expect_failure(str_of(broken[i]), AUTH_BAD);
    str good = made_token(&arena, &rsa, clerk(""));
    expect_failure(str_format(&arena, "%.*s=", STR_ARG(good)), AUTH_BAD);
    expect_failure(str_format(&arena, "%.*s ", STR_ARG(good)), AUTH_BAD);
    expect_failure(str_format(&arena, " %.*s", STR_ARG(good)), AUTH_BAD);
}

static void a_token_above_16_kib_is_refused(void **state)
{
    char *long_name = arena_alloc(&arena, 13000);
    memset(long_name, 'n', 12999);
    str more = str_format(&arena, ",\"name\":\"%s\"", long_name);
    str token = made_token(&arena, &rsa, clerk(str_zero_ended(&arena, more)));
    assert_true(token.len > TOKEN_TEXT_MAX);
    expect_failure(token, AUTH_BAD);
    assert_non_null(strstr(failure.text, "16 KiB"));
}

static void oidc_claims_get_their_convex_names(void **state)
{
    struct identity *identity = check(made_token(
        &arena, &rsa,
        clerk(",\"iat\":1799999999,\"jti\":\"x\",\"nbf\":5,\"fva\":[1],\"name\":\"Ada\","
              "\"given_name\":\"A\",\"email\":\"a@b.c\",\"email_verified\":true,\"picture\":\"p\","
              "\"updated_at\":0,\"address\":{\"formatted\":\"Here\"},\"sid\":\"s\","
              "\"metadata\":{\"role\":\"x\"},\"tokenIdentifier\":\"evil\",\"$bad\":1")));
    assert_non_null(identity);
    assert_text(identity->claims,
                "{\"address\":\"Here\",\"email\":\"a@b.c\",\"emailVerified\":true,"
                "\"givenName\":\"A\",\"issuer\":\"https://clerk.example\","
                "\"metadata\":{\"role\":\"x\"},\"name\":\"Ada\",\"pictureUrl\":\"p\","
                "\"sid\":\"s\",\"subject\":\"user_1\","
                "\"tokenIdentifier\":\"https://clerk.example|user_1\","
                "\"updatedAt\":\"1970-01-01T00:00:00+00:00\"}");
    assert_text(identity->email, "a@b.c");
    assert_text(identity->name, "Ada");
    assert_text(identity->picture, "p");
    assert_true(identity->email_is_verified);
    assert_int_equal(identity->issued_at.us, 1799999999000000LL);
    assert_int_equal(identity->expires_at.us, (NOW + 60) * 1000000);
    identity_drop(identity);
}

static void custom_claims_keep_their_names_and_are_flattened(void **state)
{
    struct identity *identity = check(
        made_token(&arena, &rsa,
                   payload("https://custom.example/", "\"any\"", NOW + 60,
                           ",\"given_name\":\"A\",\"a\":{\"b\":{\"c\":1},\"d\":[1,2]},\"fva\":1,"
                           "\"a.d\":\"second\",\"subject\":\"evil\"")));
    assert_non_null(identity);
    assert_text(identity->claims, "{\"a.b.c\":1,\"a.d\":[1,2],\"given_name\":\"A\","
                                  "\"issuer\":\"https://custom.example/\",\"subject\":\"user_1\","
                                  "\"tokenIdentifier\":\"https://custom.example/|user_1\"}");
    identity_drop(identity);
}

static void a_refreshed_token_is_the_same_identity(void **state)
{
    struct identity *first = check(made_token(&arena, &rsa, clerk(",\"iat\":1,\"jti\":\"a\"")));
    struct identity *second = check(made_token(
        &arena, &rsa,
        payload("https://clerk.example", "\"convex\"", NOW + 600, ",\"iat\":2,\"jti\":\"b\"")));
    struct identity *named = check(made_token(&arena, &rsa, clerk(",\"name\":\"Ada\"")));
    assert_non_null(first);
    assert_non_null(second);
    assert_non_null(named);
    assert_true(identity_is_same(first, second));
    assert_false(identity_is_same(first, named));
    identity_drop(first);
    identity_drop(second);
    identity_drop(named);
}

struct checking {
    str token;
    size_t accepted, refused, other;
};

static void *check_many(void *context)
{
    struct checking *checking = context;
    struct auth_failure last;
    for (int i = 0; i < 400; i++) {
        struct identity *identity = verifier_check(verifier, checking->token, now(), &last);
        if (identity != NULL)
            checking->accepted++;
        else if (last.kind == AUTH_BAD)
            checking->refused++;
        else
            checking->other++;
        identity_drop(identity);
    }
    return NULL;
}

static void threads_may_verify_while_keys_change(void **state)
{
    struct checking checkings[] = {
        {.token = made_token(&arena, &rsa, clerk(""))},
        {.token = made_token(&arena, &ed, clerk(""))},
        {.token = made_token(&arena, &other_rsa, clerk(""))},
        {.token = made_token(&arena, &ed, clerk(",\"name\":\"Ada\""))},
    };
    struct made_key both[] = {rsa, ed};
    pthread_t threads[ARRAY_LEN(checkings)];
    for (size_t i = 0; i < ARRAY_LEN(checkings); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, check_many, &checkings[i]), 0);
    for (int i = 0; i < 100; i++)
        give_keys(CLERK, i % 2 == 0 ? both : &both[1], i % 2 == 0 ? 2 : 1);
    for (size_t i = 0; i < ARRAY_LEN(checkings); i++)
        pthread_join(threads[i], NULL);

    assert_int_equal(checkings[0].accepted + checkings[0].refused, 400);
    assert_int_equal(checkings[1].accepted, 400); /* its key was always there */
    assert_int_equal(checkings[2].refused, 400);
    assert_int_equal(checkings[3].accepted, 400);
    give_keys(CLERK, &both[1], 1);
    expect_failure(checkings[0].token, AUTH_BAD); /* nothing remembered from before */
}

static void rows_that_cannot_work_are_refused(void **state)
{
    static const struct issuer broken[] = {
        {.kind = ISSUER_OIDC, .issuer = STR("https://a.example")},
        {.kind = ISSUER_OIDC, .application_id = STR("convex")},
        {.kind = ISSUER_CUSTOM, .issuer = STR("https://a.example"), .jwks = STR("https://a/k")},
        {.kind = ISSUER_CUSTOM, .issuer = STR("https://a.example"), .algorithm = ALGORITHM_RS256},
    };
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct fault fault = {0};
        assert_null(verifier_new(&broken[i], 1, &fault));
        assert_int_equal(fault.kind, FAULT_INPUT);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_oidc_token_with_rs256_or_eddsa_is_accepted),
        CASE(an_oidc_token_with_es256_is_refused),
        CASE(a_custom_token_takes_only_its_own_algorithm),
        CASE(a_forged_signature_is_refused),
        CASE(each_tampered_part_is_refused),
        CASE(an_unsigned_token_is_refused),
        CASE(the_public_key_is_no_hmac_secret),
        CASE(an_algorithm_that_is_not_its_keys_is_refused),
        CASE(an_unknown_kid_is_refused),
        CASE(an_unknown_kid_waits_while_keys_are_coming),
        CASE(a_token_without_kid_takes_the_only_key_that_fits),
        CASE(a_row_without_keys_is_transient),
        CASE(critical_extensions_are_refused),
        CASE(another_audience_has_no_provider),
        CASE(another_issuer_has_no_provider),
        CASE(one_audience_may_be_a_list),
        CASE(several_audiences_are_refused_for_oidc_only),
        CASE(an_issuers_scheme_and_last_slash_do_not_matter),
        CASE(expiry_has_five_seconds_of_leeway),
        CASE(a_remembered_token_expires_too),
        CASE(a_remembered_token_goes_with_its_keys),
        CASE(a_token_of_the_future_is_refused),
        CASE(absurd_times_do_not_overflow),
        CASE(issuer_subject_and_expiry_are_required),
        CASE(what_is_no_token_is_refused),
        CASE(a_token_above_16_kib_is_refused),
        CASE(oidc_claims_get_their_convex_names),
        CASE(custom_claims_keep_their_names_and_are_flattened),
        CASE(a_refreshed_token_is_the_same_identity),
        CASE(threads_may_verify_while_keys_change),
        CASE(rows_that_cannot_work_are_refused),
    };
    return cmocka_run_group_tests(tests, keys_make, keys_free);
}

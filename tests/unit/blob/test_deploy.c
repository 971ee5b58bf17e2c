/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deploy/aws/storage.yaml holds what STOR-05 asks for, and lets the server do what blob/ does. That
 * it is a good template is for cfn-lint, which is not among our packages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json/yaml.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct scene {
    struct arena arena;
    struct json all;
};

static int set_up(void **state)
{
    struct scene *scene = memory_zeroed(sizeof(*scene));
    struct fault fault = {0};
    AUTO(fd_close) int fd = open(DEPLOY_STORAGE, O_RDONLY | O_CLOEXEC);
    char *text = arena_alloc(&scene->arena, KIB(64));
    ssize_t len = read(fd, text, KIB(64));
    *state = scene;
    if (len > 0 && yaml_read(&scene->arena, (str){text, (size_t)len}, 1, &scene->all, &fault))
        return 0;
    print_message("%s\n", fault.text);
    return -1;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    arena_done(&scene->arena);
    free(scene);
    return 0;
}

/* "Bucket.VersioningConfiguration.Status": below Resources, with Properties behind the first. */
static const struct json *at(const struct scene *scene, const char *path)
{
    const struct json *here = json_get(&scene->all, "Resources");
    str rest = str_of(path), word;
    for (int depth = 0; str_split(&rest, '.', &word); depth++) {
        here = json_get(here, str_format((struct arena *)&scene->arena, "%.*s", STR_ARG(word)).at);
        if (depth == 0)
            here = json_get(here, "Properties");
    }
    return here;
}

static void expect_text(const struct scene *scene, const char *path, const char *text)
{
    str found = json_text(at(scene, path));
    if (!str_equal(found, str_of(text)))
        fail_msg("%s is \"%.*s\", not \"%s\"", path, STR_ARG(found), text);
}

static void the_bucket_is_versioned_encrypted_and_private(void **state)
{
    static const char *const closed[] = {"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls",
                                         "RestrictPublicBuckets"};
    struct scene *scene = *state;
    expect_text(scene, "Bucket.VersioningConfiguration.Status", "Enabled");
    const struct json *block = at(scene, "Bucket.PublicAccessBlockConfiguration");
    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        assert_true(json_bool(json_get(block, closed[i]), false));
    const struct json *rules =
        at(scene, "Bucket.BucketEncryption.ServerSideEncryptionConfiguration");
    assert_int_equal(rules->count, 1);
    const struct json *how = json_get(&rules->items[0], "ServerSideEncryptionByDefault");
    assert_true(str_equal(json_text(json_get(how, "SSEAlgorithm")), STR("AES256")));
}

static void files_go_to_glacier_after_ninety_days(void **state)
{
    struct scene *scene = *state;
    const struct json *rule = &at(scene, "Bucket.LifecycleConfiguration.Rules")->items[0];
    const struct json *transition = &json_get(rule, "Transitions")->items[0];
    assert_true(str_starts(json_text(json_get(transition, "StorageClass")), STR("GLACIER")));
    const struct json *days = json_get(json_get(&scene->all, "Parameters"), "ArchiveAfterDays");
    assert_int_equal(json_int(json_get(days, "Default"), 0), 90);
}

static void addresses_of_the_cdn_must_be_signed_and_the_bucket_trusts_it_alone(void **state)
{
    struct scene *scene = *state;
    const char *behaviour = "Distribution.DistributionConfig.DefaultCacheBehavior.";
    str keys = str_format(&scene->arena, "%sTrustedKeyGroups", behaviour);
    assert_int_equal(at(scene, str_zero_ended(&scene->arena, keys))->count, 1);
    expect_text(scene, "OriginAccess.OriginAccessControlConfig.SigningBehavior", "always");
    const struct json *statements = at(scene, "BucketPolicy.PolicyDocument.Statement");
    for (size_t i = 0; i < statements->count; i++) {
        const struct json *one = &statements->items[i];
        bool is_cdn = str_equal(json_text(json_get(json_get(one, "Principal"), "Service")),
                                STR("cloudfront.amazonaws.com"));
        assert_true(is_cdn || str_equal(json_text(json_get(one, "Effect")), STR("Deny")));
    }
}

/* CloudFront changes none in place. */
static void a_new_key_can_sign_beside_the_old_one(void **state)
{
    static const char *const names[] = {"SigningKey", "OtherSigningKey"};
    struct scene *scene = *state;
    assert_int_equal(at(scene, "SigningKeys.KeyGroupConfig.Items")->count, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct json *key = json_get(json_get(&scene->all, "Resources"), names[i]);
        assert_true(json_text(json_get(key, "Condition")).len != 0);
    }
}

static void the_server_may_do_what_it_does_with_the_bucket(void **state)
{
    static const char *const needed[] = {"s3:AbortMultipartUpload",
                                         "s3:DeleteObject",
                                         "s3:DeleteObjectVersion",
                                         "s3:GetObject",
                                         "s3:PutObject",
                                         "s3:ListBucket",
                                         "s3:ListBucketVersions"};
    struct scene *scene = *state;
    const struct json *statements = at(scene, "ServerPolicy.PolicyDocument.Statement");
    for (size_t n = 0; n < ARRAY_LEN(needed); n++) {
        bool is_found = false;
        for (size_t i = 0; i < statements->count; i++) {
            const struct json *actions = json_get(&statements->items[i], "Action");
            for (size_t a = 0; a < actions->count; a++)
                is_found |= str_equal(json_text(&actions->items[a]), str_of(needed[n]));
        }
        if (!is_found)
            fail_msg("%s is not allowed", needed[n]);
    }
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(the_bucket_is_versioned_encrypted_and_private),
        CLAIM(files_go_to_glacier_after_ninety_days),
        CLAIM(addresses_of_the_cdn_must_be_signed_and_the_bucket_trusts_it_alone),
        CLAIM(a_new_key_can_sign_beside_the_old_one),
        CLAIM(the_server_may_do_what_it_does_with_the_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "brittle.h"
#include "check.h"
#include "house.h"

#include "base/log.h"
#include "studio/alerts.h"
#include "studio/generations.h"
#include "studio/subscriptions.h"
#include "studio/users.h"

#include <stdio.h>
#include <string.h>

#define OPERATIONS_MAX 5000

/* ---- a house with somebody in it ---- */

struct stage {
    struct house *house;
    struct engine *inside;
    struct arena arena;
    struct identity *user;
    struct json generations, pictures, users, subscriptions, alerts;
};

static struct identity *identity_new(void)
{
    struct identity *identity = memory_zeroed(sizeof(*identity));
    atomic_init(&identity->count, 1);
    identity->issuer = STR("http://localhost:7070");
    identity->subject = identity->token_identifier = STR("somebody");
    identity->claims = STR("{}");
    identity->is_ours = true;
    identity->hash = hash128_bytes("somebody", 8);
    return identity;
}

static void succeed(struct stage *stage, const char *path, const char *args, bool is_internal)
{
    struct call_request request = {.path = str_of(path),
                                   .args = str_of(args),
                                   .identity = stage->user,
                                   .is_internal = is_internal};
    struct mutation *mutation = house_mutate(stage->house, &request);
    if (mutation->reply.error != ERROR_NONE)
        fail_msg("%s: %.*s", path, STR_ARG(mutation->reply.error_text));
    mutation_free(mutation);
}

static str somebody_of(struct stage *stage)
{
    struct json users = rows_of(stage->house, &stage->arena, &user_type);
    for (size_t i = 0; i < users.count; i++)
        if (str_equal(json_text(json_get(&users.items[i], "clerkId")), STR("somebody")))
            return json_text(json_get(&users.items[i], "_id"));
    return STR("");
}

static void succeed_action(struct stage *stage, const char *path, const char *args)
{
    struct call_request request = {
        .path = str_of(path), .args = str_of(args), .is_internal = true, .is_action = true};
    struct mutation *mutation = house_act(stage->house, &request);
    if (mutation->reply.error != ERROR_NONE)
        fail_msg("%s: %.*s", path, STR_ARG(mutation->reply.error_text));
    mutation_free(mutation);
}

#define ARRIVED(end) "000000000000000000000000000000" end
#define ARRIVED_FILE(end)                                                                          \
    "{\"file\":{\"storageId\":\"" ARRIVED(                                                         \
        end) "\",\"contentType\":\"image/png\",\"size\":9,"                                        \
             "\"sha256\":\"00000000000000000000000000000000" ARRIVED("00") "\"}}"
#define PICTURES "{\"prompt\":\"a\",\"model\":\"sketch\",\"numImages\":2}"

static int open_stage(void **state)
{
    struct stage *stage = memory_zeroed(sizeof(*stage));
    log_set_level(LOG_ERROR + 1);
    stage->inside = engine_memory_new();
    stage->user = identity_new();
    stage->house = house_new(&(struct house_options){
        .engine = STORE_GIVEN, .given = stage->inside, .config = getenv("TALK_CONFIG"), .seed = 5});
    succeed(stage, "users:see", "{}", true);
    *state = stage;
    return 0;
}

static struct json pictures_of(struct stage *stage)
{
    struct json works = rows_of(stage->house, &stage->arena, &asset_type);
    size_t count = 0;
    for (size_t i = 0; i < works.count; i++)
        if (str_equal(json_text(json_get(&works.items[i], "type")), STR("image")))
            works.items[count++] = works.items[i];
    works.count = count;
    return works;
}

/* With four pictures and two films in the library, jobs that are not begun, and an account with a
 * session. */
static int open_furnished(void **state)
{
    open_stage(state);
    struct stage *stage = *state;
    succeed(stage, "generations:createGenerationJob",
            "{\"prompt\":\"a\",\"model\":\"sketch\",\"numImages\":4}", false);
    for (int i = 0; i < 2; i++)
        succeed(stage, "videos:createVideo",
                "{\"prompt\":\"abc\",\"model\":\"sketch-motion\",\"duration\":\"4\"}", false);
    house_pass(stage->house, MINUTES(1));
    for (int i = 0; i < 5; i++)
        succeed(stage, "generations:createGenerationJob", PICTURES, false);
    succeed(stage, "accounts:signUp",
            "{\"email\":\"a@example.org\",\"name\":\"A\",\"passwordHash\":\"h\",\"sessionHash\":"
            "\"0000000000000000000000000000000000000000000000000000000000000000\"}",
            true);
    succeed(stage, "uploads:keep", ARRIVED_FILE("f1"), true);
    succeed(stage, "quotas:checkAndReserveQuota", "{\"type\":\"image\",\"count\":90}", false);
    succeed(stage, "subscriptions:createSubscription",
            "{\"clerkId\":\"somebody\",\"stripeSubscriptionId\":\"sub_0\",\"planId\":\"free\","
            "\"stripeCustomerId\":\"cus_0\",\"stripePriceId\":\"price_plus\","
            "\"subscriptionStatus\":\"active\",\"currentPeriodStart\":1767268800,"
            "\"currentPeriodEnd\":1769947200,\"cancelAtPeriodEnd\":false}",
            true);
    succeed_action(stage, "subscriptions:handleUpgrade",
                   "{\"userId\":\"somebody\",\"polarCustomerId\":\"pc_0\","
                   "\"polarSubscriptionId\":\"ps_0\",\"billingCycleStart\":1767268800000,"
                   "\"billingCycleEnd\":1769947200000}");
    succeed(stage, "credits:adjust",
            str_format(&stage->arena, "{\"userId\":\"%.*s\",\"amount\":-500,\"reason\":\"a\"}",
                       STR_ARG(somebody_of(stage)))
                .at,
            true);
    succeed(stage, "credits:adjust",
            str_format(&stage->arena, "{\"userId\":\"%.*s\",\"amount\":600,\"reason\":\"a\"}",
                       STR_ARG(somebody_of(stage)))
                .at,
            true);
    stage->alerts = rows_of(stage->house, &stage->arena, &alert_type);
    stage->subscriptions = rows_of(stage->house, &stage->arena, &subscription_type);
    stage->generations = rows_of(stage->house, &stage->arena, &generation_type);
    stage->pictures = pictures_of(stage);
    stage->users = rows_of(stage->house, &stage->arena, &user_type);
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    house_free(stage->house);
    identity_drop(stage->user);
    arena_done(&stage->arena);
    free(stage);
    return 0;
}

/* ---- each function ---- */

/* %s: the id of the last row of the table. */
struct sample {
    const char *path, *args;
    enum sample_of {
        OF_NOTHING,
        OF_GENERATION,
        OF_FIRST_GENERATION, /* it has ended */
        REFUSED,             /* whatever works or fails */
        OF_ASSET,            /* a picture */
        OF_FIRST_PICTURE,
        OF_SECOND_PICTURE,
        OF_THIRD_PICTURE,
        OF_FIRST_FILM, /* finished */
        OF_SECOND_FILM,
        OF_OPEN_A, /* not begun, as the last one; each can be ended once */
        OF_OPEN_B,
        OF_OPEN_C,
        OF_OPEN_D,
        OF_USER,
        OF_FIRST_USER,
        OF_SUBSCRIPTION,
        OF_ALERT,
    } of;
};

static const struct sample samples[] = {
    {"subscriptionPlans:createPlan",
     "{\"plan\":{\"key\":\"c\",\"name\":\"C\",\"creditsOnce\":0,\"storageBytes\":1}}", OF_NOTHING},
    {"subscriptionPlans:updatePlan", "{\"planId\":\"free\",\"changes\":{\"priceCents\":1}}",
     OF_NOTHING},
    {"subscriptionPlans:deletePlan", "{\"planId\":\"c\"}", OF_NOTHING},
    {"subscriptionPlans:seedPlans", "{}", OF_NOTHING},
    {"creditPackages:createPackage",
     "{\"package\":{\"id\":\"c\",\"name\":\"C\",\"credits\":1,\"priceCents\":1}}", OF_NOTHING},
    {"creditPackages:updatePackage", "{\"packageId\":\"small\",\"changes\":{\"credits\":1}}",
     OF_NOTHING},
    {"creditPackages:deletePackage", "{\"packageId\":\"c\"}", OF_NOTHING},
    {"creditPackages:seedPackages", "{}", OF_NOTHING},
    {"models:createModel",
     "{\"model\":{\"id\":\"c\",\"name\":\"C\",\"description\":\"\",\"kind\":\"image\","
     "\"provider\":\"sketch\",\"price\":1,\"typicalSeconds\":1,\"maxImages\":1,\"promptMax\":9,"
     "\"sizes\":[{\"name\":\"S\",\"width\":64,\"height\":64}]}}",
     OF_NOTHING},
    {"models:updateModel", "{\"modelId\":\"sketch\",\"changes\":{\"price\":2}}", OF_NOTHING},
    {"models:deleteModel", "{\"modelId\":\"c\"}", OF_NOTHING},
    {"pricing:updateModelResolutionCost",
     "{\"modelId\":\"cinema\",\"resolution\":\"768p\",\"costPerSecond\":1}", OF_NOTHING},
    {"admin:listOverrides", "{}", OF_NOTHING},
    {"catalogue:reload", "{}", OF_NOTHING},
    {"generations:createGenerationJob", PICTURES, OF_NOTHING},
    {"generations:cancelGenerationJob", "{\"jobId\":\"%s\"}", OF_GENERATION},
    {"videos:createVideo", "{\"prompt\":\"abc\",\"model\":\"sketch-motion\",\"duration\":\"4\"}",
     OF_NOTHING},
    {"assets:createDownload", "{\"assetIds\":[\"%s\"]}", OF_THIRD_PICTURE},
    {"assets:listDownload", "{\"assetIds\":[\"%s\"]}", OF_ASSET},
    {"assets:openDownload", "{\"url\":\"00000000000000000000000000000001\"}", OF_NOTHING},
    {"assets:resize", "{\"assetId\":\"%s\",\"width\":320,\"fit\":\"cover\",\"format\":\"webp\"}",
     OF_THIRD_PICTURE},
    {"assets:rotateLinks", "{\"assetIds\":[\"%s\"]}", OF_THIRD_PICTURE},
    {"assets:getSignedUrl", "{\"assetId\":\"%s\",\"width\":320}", OF_ASSET},
    {"assets:readAddress", "{\"url\":\"/api/storage/00000000000000000000000000000001\"}",
     OF_NOTHING},
    {"assets:deleteAsset", "{\"assetId\":\"%s\"}", OF_ASSET},
    {"assets:deleteAssets", "{\"assetIds\":[\"%s\"]}", OF_FIRST_PICTURE},
    {"storage:forgetFile", "{\"storageId\":\"00000000000000000000000000000002\"}", OF_NOTHING},
    {"storage:countAgain", "{\"userId\":\"%s\"}", OF_USER},
    {"users:see", "{}", OF_NOTHING},
    {"accounts:signUp",
     "{\"email\":\"b@example.org\",\"name\":\"B\",\"passwordHash\":\"h\",\"role\":\"admin\","
     "\"sessionHash\":\"1111111111111111111111111111111111111111111111111111111111111111\"}",
     OF_NOTHING},
    {"accounts:openSession",
     "{\"userId\":\"%s\",\"passwordHash\":\"h2\",\"sessionHash\":"
     "\"2222222222222222222222222222222222222222222222222222222222222222\"}",
     OF_USER},
    {"accounts:closeSession",
     "{\"sessionHash\":\"0000000000000000000000000000000000000000000000000000000000000000\"}",
     OF_NOTHING},
    {"credits:adjust", "{\"userId\":\"%s\",\"amount\":-3,\"reason\":\"a\"}", OF_USER},
    {"credits:addCredits", "{\"userId\":\"%s\",\"amount\":3,\"reason\":\"a\"}", OF_USER},
    {"credits:deductCredits", "{\"userId\":\"%s\",\"amount\":3}", OF_USER},
    {"users:deductCredits", "{\"userId\":\"%s\",\"amount\":3}", OF_USER},
    {"credits:refundCredits", "{\"videoId\":\"%s\"}", OF_FIRST_GENERATION},
    {"credits:explainCharge", "{\"generationId\":\"%s\"}", OF_GENERATION},
    {"credits:getCreditBalance", "{}", OF_NOTHING},
    {"admin:listAudit", "{}", OF_NOTHING},
    {"admin:listUsers", "{\"paginationOpts\":{\"numItems\":5,\"cursor\":null}}", OF_NOTHING},
    {"admin:getUser", "{\"userId\":\"%s\"}", OF_USER},
    {"admin:closePaymentReview", "{\"userId\":\"%s\"}", REFUSED},
    {"admin:listJobs", "{\"paginationOpts\":{\"numItems\":5,\"cursor\":null}}", OF_NOTHING},
    {"admin:getJob", "{\"jobId\":\"%s\"}", OF_GENERATION},
    {"admin:cancelJob", "{\"jobId\":\"%s\"}", OF_OPEN_D},
    {"admin:getOverview", "{}", OF_NOTHING},
    {"users:addTestCredits", "{\"amount\":1}", REFUSED},
    {"usage:getMyUsage", "{}", OF_NOTHING},
    {"users:getUserUsageStats", "{}", OF_NOTHING},
    {"admin:listUsageReports", "{}", OF_NOTHING},
    {"providers:hook", "{\"provider\":\"sketch\",\"job\":\"1\"}", OF_NOTHING},
    {"admin:listProviderHealth", "{}", OF_NOTHING},
    {"admin:listCrons", "{}", OF_NOTHING},
    {"limits:getMyLimits", "{}", OF_NOTHING},
    {"stripe:handleStripeWebhook",
     "{\"body\":\"{\\\"id\\\":\\\"evt_1\\\",\\\"type\\\":\\\"customer.subscription.created\\\","
     "\\\"created\\\":1767268800,\\\"data\\\":{\\\"object\\\":{\\\"object\\\":\\\"subscription\\\","
     "\\\"id\\\":\\\"sub_1\\\",\\\"status\\\":\\\"active\\\",\\\"customer\\\":\\\"cus_1\\\","
     "\\\"metadata\\\":{\\\"userId\\\":\\\"%s\\\"},\\\"trial_start\\\":1767268800,\\\"current_"
     "period_start\\\":1767268800,\\\"current_period_end\\\":1769947200,\\\"items\\\":{"
     "\\\"data\\\":[{\\\"id\\\":\\\"si_1\\\",\\\"price\\\":{\\\"id\\\":\\\"price_plus\\\"}}]}}}}"
     "\"}",
     OF_USER},
    {"clerk:handleClerkWebhook",
     "{\"id\":\"msg_1\",\"body\":\"{\\\"type\\\":\\\"user.created\\\",\\\"data\\\":{"
     "\\\"id\\\":\\\"user_told\\\",\\\"updated_at\\\":1767268800000}}\"}",
     OF_NOTHING},
    {"polar:handlePolarWebhook",
     "{\"id\":\"msg_1\",\"body\":\"{\\\"type\\\":\\\"order.paid\\\",\\\"timestamp\\\":"
     "\\\"2026-01-01T12:00:00Z\\\",\\\"data\\\":{\\\"id\\\":\\\"ord_1\\\",\\\"paid\\\":true,"
     "\\\"total_amount\\\":99,\\\"customer_id\\\":\\\"c_1\\\",\\\"metadata\\\":{"
     "\\\"userId\\\":\\\"%s\\\",\\\"packageId\\\":\\\"flake\\\"}}}\"}",
     OF_USER},
    {"plans:listPlans", "{}", OF_NOTHING},
    {"plans:getPlan", "{\"key\":\"free\"}", OF_NOTHING},
    {"subscriptionPlans:getActivePlans", "{}", OF_NOTHING},
    {"creditPackages:getActivePackages", "{}", OF_NOTHING},
    {"subscriptions:getSubscription", "{}", OF_NOTHING},
    {"subscriptions:getSubscriptionHistory", "{}", OF_NOTHING},
    {"subscriptions:getCurrentSubscription", "{}", OF_NOTHING},
    {"subscriptions:getInvoices", "{}", OF_NOTHING},
    {"billing:getMyWallet", "{}", OF_NOTHING},
    {"admin:listPaymentReviews", "{}", OF_NOTHING},
    {"users:createUser", "{\"clerkId\":\"c1\",\"email\":\"c@example.org\",\"firstName\":\"C\"}",
     OF_NOTHING},
    {"users:updateUser", "{\"userId\":\"%s\",\"updates\":{\"firstName\":\"D\"}}", OF_USER},
    {"users:deleteUser", "{\"clerkId\":\"c2\"}", OF_NOTHING},
    {"users:getUserById", "{\"userId\":\"%s\"}", OF_USER},
    {"users:getUser", "{\"userId\":\"%s\"}", OF_USER},
    {"users:getUserByClerkId", "{\"clerkId\":\"somebody\"}", OF_NOTHING},
    {"users:getUserByStripeCustomerId", "{\"stripeCustomerId\":\"cus_1\"}", OF_NOTHING},
    {"users:updateUserStripeCustomerId", "{\"userId\":\"%s\"}", OF_USER},
    {"users:updateLastActive", "{}", OF_NOTHING},
    {"users:updateUserSettings", "{\"emailNotifications\":false}", OF_NOTHING},
    {"users:updateUserPlan", "{\"userId\":\"%s\",\"plan\":\"free\"}", OF_USER},
    {"users:updateStorageUsage", "{\"userId\":\"%s\",\"bytesChange\":1}", OF_USER},
    {"users:getOrCreateUser", "{}", OF_NOTHING},
    {"users:ensureUserExists", "{}", OF_NOTHING},
    {"users:updateUserQuota", "{}", OF_NOTHING},
    {"quotas:getQuotaStatus", "{}", OF_NOTHING},
    {"quotas:getStorageQuota", "{}", OF_NOTHING},
    {"quotas:checkAndReserveQuota", "{\"type\":\"image\"}", OF_NOTHING},
    {"quotas:refundQuota", "{\"type\":\"image\"}", OF_NOTHING},
    {"quotas:resetQuotaForUser", "{\"userId\":\"%s\"}", OF_USER},
    {"quotas:resetExpiredQuotas", "{}", OF_NOTHING},
    {"subscriptions:getSubscriptionStatus", "{}", OF_NOTHING},
    {"webhooks:isEventProcessed", "{\"eventId\":\"e1\"}", OF_NOTHING},
    {"webhooks:markEventProcessed", "{\"eventId\":\"e1\"}", OF_NOTHING},
    {"subscriptions:createSubscription",
     "{\"clerkId\":\"%s\",\"stripeSubscriptionId\":\"sub_5\",\"planId\":\"free\","
     "\"stripeCustomerId\":\"cus_5\",\"stripePriceId\":\"price_plus\",\"subscriptionStatus\":"
     "\"active\",\"currentPeriodStart\":1767268800,\"currentPeriodEnd\":1769947200,"
     "\"cancelAtPeriodEnd\":false}",
     OF_USER},
    {"subscriptions:changeSubscriptionPlan",
     "{\"clerkId\":\"%s\",\"stripeSubscriptionId\":\"sub_6\",\"newPlanId\":\"free\","
     "\"stripeCustomerId\":\"cus_5\",\"stripePriceId\":\"price_most\",\"subscriptionStatus\":"
     "\"active\",\"currentPeriodStart\":1767268800,\"currentPeriodEnd\":1769947200,"
     "\"cancelAtPeriodEnd\":false}",
     OF_USER},
    {"subscriptions:updateSubscription",
     "{\"stripeSubscriptionId\":\"sub_0\",\"status\":\"active\"}", OF_NOTHING},
    {"subscriptions:cancelSubscriptionAtPeriodEnd", "{\"stripeSubscriptionId\":\"sub_0\"}",
     OF_NOTHING},
    {"subscriptions:reactivateSubscription", "{\"stripeSubscriptionId\":\"sub_0\"}", OF_NOTHING},
    {"subscriptions:getAllSubscriptions", "{\"clerkId\":\"%s\"}", OF_USER},
    {"subscriptions:getSubscriptionByStripeCustomerId", "{\"stripeCustomerId\":\"cus_0\"}",
     OF_NOTHING},
    {"subscriptions:getCurrentBillingPeriod", "{\"clerkId\":\"%s\"}", OF_USER},
    {"subscriptions:updateBillingCycle",
     "{\"polarSubscriptionId\":\"ps_0\",\"billingCycleStart\":1767268800000,\"billingCycleEnd\":"
     "1769947200000}",
     OF_NOTHING},
    {"subscriptions:updateSubscriptionStatus",
     "{\"polarSubscriptionId\":\"ps_0\",\"status\":\"past_due\"}", OF_NOTHING},
    {"subscriptions:linkPolarCustomer", "{\"userId\":\"%s\",\"polarCustomerId\":\"pc_0\"}",
     OF_USER},
    {"subscriptions:handleDowngrade", "{\"userId\":\"%s\"}", OF_USER},
    {"subscriptions:getUserByPolarCustomerId", "{\"polarCustomerId\":\"pc_0\"}", OF_NOTHING},
    {"subscriptions:allocateMonthlyCredits", "{\"userId\":\"%s\"}", OF_USER},
    {"subscriptionItems:getSubscriptionItems", "{\"subscriptionId\":\"%s\"}", OF_SUBSCRIPTION},
    {"subscriptionItems:getSubscriptionItemsByStripeId", "{\"stripeSubscriptionId\":\"sub_0\"}",
     OF_NOTHING},
    {"subscriptionItems:getSubscriptionItemByStripeItemId",
     "{\"stripeSubscriptionItemId\":\"si_0\"}", OF_NOTHING},
    {"subscriptionItems:createSubscriptionItem",
     "{\"subscriptionId\":\"%s\",\"stripeSubscriptionId\":\"sub_0\",\"stripeSubscriptionItemId\":"
     "\"si_1\",\"stripePriceId\":\"price_plus\"}",
     OF_SUBSCRIPTION},
    {"subscriptionItems:updateSubscriptionItem",
     "{\"stripeSubscriptionItemId\":\"si_0\",\"stripePriceId\":\"price_most\"}", REFUSED},
    {"subscriptionItems:deleteSubscriptionItems", "{\"subscriptionId\":\"%s\"}", OF_SUBSCRIPTION},
    {"subscriptionItems:deleteSubscriptionItem", "{\"stripeSubscriptionItemId\":\"si_2\"}",
     OF_NOTHING},
    {"userProfiles:createUserProfile", "{\"clerkId\":\"somebody\"}", OF_NOTHING},
    {"userProfiles:getUserProfile", "{\"clerkId\":\"somebody\"}", OF_NOTHING},
    {"userProfiles:getCurrentUserProfile", "{}", OF_NOTHING},
    {"userProfiles:updateCredits", "{\"clerkId\":\"%s\",\"creditAmount\":3,\"operation\":\"add\"}",
     OF_USER},
    {"userProfiles:addCredits", "{\"clerkId\":\"%s\",\"amount\":3}", OF_USER},
    {"userProfiles:subtractCredits", "{\"clerkId\":\"%s\",\"amount\":3}", OF_USER},
    {"userProfiles:getCreditBalance", "{\"clerkId\":\"somebody\"}", OF_NOTHING},
    {"userProfiles:updateUserProfile", "{\"clerkId\":\"%s\",\"updates\":{\"credits\":7}}", OF_USER},
    {"userProfiles:grantSubscriptionCredits",
     "{\"clerkId\":\"%s\",\"amount\":3,\"description\":\"a\"}", OF_USER},
    {"userProfiles:addCreditsWithTransaction",
     "{\"clerkId\":\"%s\",\"amount\":3,\"description\":\"a\",\"stripePaymentIntentId\":\"pi_9\"}",
     OF_USER},
    {"userProfiles:getCreditHistory", "{\"clerkId\":\"somebody\"}", OF_NOTHING},
    {"admin:listAlerts", "{}", OF_NOTHING},
    {"admin:acknowledgeAlert", "{\"alertId\":\"%s\"}", OF_ALERT},
    {"alerts:getMyAlerts", "{}", OF_NOTHING},
    {"stripe:getOrCreateStripeCustomer", "{\"clerkId\":\"somebody\"}", OF_NOTHING},
    {"stripe:handlePlanChange", "{\"stripeSubscriptionId\":\"sub_0\"}", OF_NOTHING},
    {"generations:getGenerationJob", "{\"jobId\":\"%s\"}", OF_GENERATION},
    {"generations:listGenerationJobs", "{\"status\":\"completed\"}", OF_NOTHING},
    {"videos:getVideos", "{}", OF_NOTHING},
    {"videos:getVideo", "{\"videoId\":\"%s\"}", OF_GENERATION},
    {"videos:getUserVideos", "{}", OF_NOTHING},
    {"videos:getVideosByStatus", "{\"status\":\"pending\"}", OF_NOTHING},
    {"videos:getLatestVideosFromOthers", "{}", OF_NOTHING},
    {"videos:searchVideos", "{}", OF_NOTHING},
    {"videos:deleteVideo", "{\"videoId\":\"%s\"}", OF_SECOND_FILM},
    {"videos:updateVideoMetadata", "{\"videoId\":\"%s\",\"title\":\"a\"}", OF_FIRST_FILM},
    {"videos:updateVideoInfo", "{\"videoId\":\"%s\",\"description\":\"a\"}", OF_FIRST_FILM},
    {"videos:toggleVideoFavorite", "{\"videoId\":\"%s\"}", OF_FIRST_FILM},
    {"videos:toggleVideoPrivacy", "{\"videoId\":\"%s\"}", OF_FIRST_FILM},
    {"videos:trackVideoInteraction", "{\"videoId\":\"%s\",\"action\":\"view\"}", OF_FIRST_FILM},
    {"videos:cleanupFailedVideos", "{}", OF_NOTHING},
    {"videos:updateVideoMetadataInternal", "{\"videoId\":\"%s\",\"title\":\"a\"}", OF_FIRST_FILM},
    {"videos:updateVideoStatus", "{\"videoId\":\"%s\",\"status\":\"canceled\"}", OF_OPEN_A},
    {"videos:downloadAndStoreVideo", "{\"videoId\":\"%s\"}", OF_FIRST_FILM},
    {"videos:refundCredits", "{\"videoId\":\"%s\"}", OF_FIRST_GENERATION},
    {"videos:getVideoByReplicateJobId", "{\"replicateJobId\":\"job-1\"}", OF_NOTHING},
    {"videos:getVideoForGeneration", "{\"videoId\":\"%s\"}", OF_GENERATION},
    {"videos:getVideoParameters", "{\"videoId\":\"%s\"}", OF_FIRST_FILM},
    {"generations:completeGeneration", "{\"jobId\":\"%s\"}", OF_FIRST_FILM},
    {"generations:failGeneration", "{\"jobId\":\"%s\",\"error\":\"a\"}", OF_OPEN_B},
    {"generations:updateJobStatus", "{\"jobId\":\"%s\",\"status\":\"failed\"}", OF_OPEN_C},
    {"generations:getGenerationJobInternal", "{\"jobId\":\"%s\"}", OF_GENERATION},
    {"generations:incrementRetryCount", "{\"jobId\":\"%s\"}", OF_GENERATION},
    {"generations:getUserInternal", "{\"userId\":\"%s\"}", OF_USER},
    {"generations:updateStorageUsage", "{\"userId\":\"%s\"}", OF_USER},
    {"generations:getImage", "{\"imageId\":\"%s\"}", OF_ASSET},
    {"generations:createImage",
     "{\"userId\":\"%s\",\"storageId\":\"00000000000000000000000000000005\",\"width\":1,"
     "\"height\":1}",
     OF_FIRST_USER},
    {"images:list", "{\"paginationOpts\":{\"numItems\":5,\"cursor\":null}}", OF_NOTHING},
    {"images:search", "{\"searchTerm\":\"a\"}", OF_NOTHING},
    {"images:update", "{\"imageId\":\"%s\",\"title\":\"a\"}", OF_THIRD_PICTURE},
    {"images:deleteImage", "{\"imageId\":\"%s\"}", OF_SECOND_PICTURE},
    {"images:report", "{\"imageId\":\"%s\",\"reason\":\"a\"}", OF_THIRD_PICTURE},
    {"account:exportData",
     "{\"part\":\"works\",\"paginationOpts\":{\"numItems\":5,\"cursor\":null}}", OF_NOTHING},
    {"assets:getAssets", "{\"paginationOpts\":{\"numItems\":5,\"cursor\":null}}", OF_NOTHING},
    {"assets:countAssets", "{\"type\":\"image\"}", OF_NOTHING},
    {"assets:search", "{\"searchTerm\":\"a\",\"paginationOpts\":{\"numItems\":5,\"cursor\":null}}",
     OF_NOTHING},
    {"assets:generateUploadUrl", "{}", OF_NOTHING},
    {"assets:uploadAsset",
     "{\"storageId\":\"" ARRIVED("f1") "\",\"type\":\"image\",\"mimeType\":\"image/png\","
                                       "\"sizeBytes\":9}",
     OF_NOTHING},
    {"uploads:create", "{\"length\":9}", OF_NOTHING},
    {"uploads:keep", ARRIVED_FILE("f2"), OF_NOTHING},
    {"uploads:end", "{\"token\":\"" ARRIVED("00") "\"}", OF_NOTHING},
    {"assets:getAsset", "{\"assetId\":\"%s\"}", OF_ASSET},
    {"assets:getMany", "{\"assetIds\":[\"%s\"]}", OF_ASSET},
    {"assets:getShelf", "{\"paginationOpts\":{\"numItems\":5,\"cursor\":null}}", OF_NOTHING},
    {"account:deleteAccount", "{}", OF_NOTHING},
    {"account:getDeletionCertificate", "{\"token\":\"00000000000000000000000000000000\"}",
     OF_NOTHING},
    {"admin:listDeletions", "{}", OF_NOTHING},
    {"users:getCurrentUser", "{}", OF_NOTHING},
    {"users:list", "{}", OF_NOTHING},
    {"credits:getCredits", "{}", OF_NOTHING},
    {"credits:getCreditHistory", "{}", OF_NOTHING},
    {"models:getActiveModels", "{}", OF_NOTHING},
    {"models:getModelById", "{\"modelId\":\"sketch\"}", OF_NOTHING},
    {"models:getDefaultModel", "{}", OF_NOTHING},
    {"models:getPremiumModels", "{}", OF_NOTHING},
    {"models:getModelsByType", "{\"modelType\":\"video\"}", OF_NOTHING},
    {"modelParameterHelpers:getModelParametersForForm", "{\"modelId\":\"sketch\"}", OF_NOTHING},
    {"pricing:getCreditCost", "{\"modelId\":\"sketch\"}", OF_NOTHING},
    {"accounts:find", "{\"email\":\"a@example.org\"}", OF_NOTHING},
    {"accounts:findSession",
     "{\"sessionHash\":\"0000000000000000000000000000000000000000000000000000000000000000\"}",
     OF_NOTHING},
};

static const struct sample *sample_for(const struct function *function)
{
    for (size_t i = 0; i < ARRAY_LEN(samples); i++)
        if (strcmp(samples[i].path, function->name) == 0)
            return &samples[i];
    fail_msg("%s has no sample: add one to the table of this test", function->name);
    return NULL;
}

/* Which row of its table; the last unless said. */
static size_t place_of(enum sample_of of, size_t count)
{
    switch (of) {
    case OF_FIRST_GENERATION:
    case OF_FIRST_USER:
    case OF_FIRST_PICTURE:
        return 0;
    case OF_FIRST_FILM:
    case OF_SECOND_PICTURE:
        return 1;
    case OF_SECOND_FILM:
    case OF_THIRD_PICTURE:
        return 2;
    case OF_OPEN_A:
        return 3;
    case OF_OPEN_B:
        return 4;
    case OF_OPEN_C:
        return 5;
    case OF_OPEN_D:
        return 6;
    default:
        return count - 1;
    }
}

static const struct json *rows_for(const struct stage *stage, enum sample_of of)
{
    switch (of) {
    case OF_USER:
    case OF_FIRST_USER:
        return &stage->users;
    case OF_ASSET:
    case OF_FIRST_PICTURE:
    case OF_SECOND_PICTURE:
    case OF_THIRD_PICTURE:
        return &stage->pictures;
    case OF_SUBSCRIPTION:
        return &stage->subscriptions;
    case OF_ALERT:
        return &stage->alerts;
    default:
        return &stage->generations;
    }
}

static str args_of(struct stage *stage, const struct sample *sample)
{
    const struct json *rows = rows_for(stage, sample->of);
    str args = str_of(sample->args);
    const char *hole = strstr(sample->args, "%s");
    if (hole == NULL)
        return args;
    assert_true(rows->count > 0);
    str id = json_text(json_get(&rows->items[place_of(sample->of, rows->count)], "_id"));
    size_t at = (size_t)(hole - sample->args);
    str before = str_slice(args, 0, at), behind = str_slice(args, at + 2, args.len);
    return str_format(&stage->arena, "%.*s%.*s%.*s", STR_ARG(before), STR_ARG(id), STR_ARG(behind));
}

/* Answers false when the mutation has fewer operations than that, and so succeeded. */
static bool fails_at(struct stage *stage, const struct call_request *request, uint64_t nth)
{
    str before = engine_dump(stage->inside, &stage->arena);
    struct mutation *mutation = house_send(stage->house, request);
    engine_kept_fail(stage->house->memory, nth);
    assert_true(writer_step(stage->house->writer, stage->house->now));
    bool has_failed = engine_kept_has_failed(stage->house->memory);
    engine_kept_fail(stage->house->memory, 0);
    house_commit(stage->house);
    assert_true(mutation_is_back(mutation));

    bool is_error = mutation->reply.error != ERROR_NONE;
    if (has_failed != is_error)
        fail_msg("%.*s, operation %llu: %s", STR_ARG(request->path), (unsigned long long)nth,
                 is_error ? mutation->reply.error_text.at : "no error");
    /* Whatever could not be read, nobody is told that they are not signed in, or short of credits.
     */
    if (is_error)
        assert_int_equal(mutation->reply.error, TRANSIENT);
    str behind = engine_dump(stage->inside, &stage->arena);
    if (has_failed && !str_equal(before, behind))
        fail_msg("%.*s left something behind when operation %llu failed", STR_ARG(request->path),
                 (unsigned long long)nth);
    mutation_free(mutation);
    return has_failed;
}

static void a_mutation_whose_nth_operation_fails_changes_nothing(void **state)
{
    struct stage *stage = *state;
    const struct program *program = &stage->house->program;
    for (size_t i = 0; i < program->function_count; i++) {
        /* The first by name, account:deleteAccount, comes last: then there is nobody any more. */
        const struct function *function = program->functions[(i + 1) % program->function_count];
        if (function->kind != FUNCTION_MUTATION || sample_for(function)->of == REFUSED)
            continue;
        bool is_internal = function->caller == INTERNAL || function->caller == ADMIN;
        struct call_request request = {.path = str_of(function->name),
                                       .args = args_of(stage, sample_for(function)),
                                       .identity = stage->user,
                                       .is_internal = is_internal};
        uint64_t nth = 1;
        while (fails_at(stage, &request, nth))
            assert_true(++nth < OPERATIONS_MAX);
        assert_true(nth > 1);
    }
}

/* Never null or "not signed in": such an answer would be believed. */
static bool query_fails_at(struct stage *stage, const struct call_request *request, uint64_t nth)
{
    AUTO(arena_done) struct arena arena = {0};
    struct call_reply reply;
    engine_kept_fail(stage->house->memory, nth);
    house_query(stage->house, request, &arena, &reply);
    bool has_failed = engine_kept_has_failed(stage->house->memory);
    engine_kept_fail(stage->house->memory, 0);
    bool is_honest = reply.error == TRANSIENT || reply.error == OVERLOAD;
    if (has_failed != is_honest)
        fail_msg("%.*s, operation %llu: %s", STR_ARG(request->path), (unsigned long long)nth,
                 error_code_name(reply.error));
    return has_failed;
}

static void a_query_whose_nth_operation_fails_says_that_it_could_not_read(void **state)
{
    struct stage *stage = *state;
    const struct program *program = &stage->house->program;
    for (size_t i = 0; i < program->function_count; i++) {
        const struct function *function = program->functions[i];
        if (function->kind != FUNCTION_QUERY)
            continue;
        bool is_internal = function->caller == INTERNAL || function->caller == ADMIN;
        struct call_request request = {.path = str_of(function->name),
                                       .args = args_of(stage, sample_for(function)),
                                       .identity = stage->user,
                                       .is_internal = is_internal};
        uint64_t nth = 1;
        while (query_fails_at(stage, &request, nth))
            assert_true(++nth < OPERATIONS_MAX);
        assert_true(nth > 1);
    }
}

/* ---- a whole life ---- */

static void one_life(uint64_t nth, bool *has_failed)
{
    void *state;
    open_stage(&state);
    struct stage *stage = state;
    succeed(stage, "generations:createGenerationJob", PICTURES, false);

    engine_kept_fail(stage->house->memory, nth);
    house_pass(stage->house, HOURS(1));
    *has_failed = engine_kept_has_failed(stage->house->memory);
    engine_kept_fail(stage->house->memory, 0);

    struct json rows = rows_of(stage->house, &stage->arena, &generation_type);
    struct json works = rows_of(stage->house, &stage->arena, &asset_type);
    str status = json_text(json_get(&rows.items[0], "status"));
    str wrong = check_ledger(stage->house, &stage->arena);
    if (wrong.at != NULL)
        fail_msg("operation %llu failed: %.*s", (unsigned long long)nth, STR_ARG(wrong));
    if (!str_equal(status, STR("completed")) || works.count != 2 ||
        house_jobs_left(stage->house) != 0)
        fail_msg("operation %llu failed: the job is %.*s with %zu works", (unsigned long long)nth,
                 STR_ARG(status), works.count);
    close_stage(&state);
}

static void a_job_ends_once_whichever_operation_of_its_life_fails(void **state)
{
    bool has_failed = true;
    uint64_t nth = 1;
    for (; has_failed; nth++) {
        one_life(nth, &has_failed);
        assert_true(nth < OPERATIONS_MAX);
    }
    assert_true(nth > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mutation_whose_nth_operation_fails_changes_nothing,
                                        open_furnished, close_stage),
        cmocka_unit_test_setup_teardown(
            a_query_whose_nth_operation_fails_says_that_it_could_not_read, open_furnished,
            close_stage),
        cmocka_unit_test(a_job_ends_once_whichever_operation_of_its_life_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

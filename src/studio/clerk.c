/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Clerk tells of people (IN-01), each posting once. Which of two is newer, they say
 * themselves; who is gone stays gone (studio/members.c).
 */
#include "provider/clerk.h"
#include "studio/events.h"
#include "studio/users.h"

struct take_args {
    str id, body, issuer;
};
#define ROW struct take_args
static const struct field take_fields[] = {
    TEXT(id, .min = 1, .max = 255, .about = "Of the posting."),
    TEXT(body, .min = 1),
    MAYBE_TEXT(issuer, .max = 900, .about = "Whose tokens name them, where that is known."),
};
#undef ROW

struct taken {
    bool is_new;
};
#define ROW struct taken
static const struct field taken_fields[] = {BOOL(is_new)};
#undef ROW
static const struct shape taken_shape = {
    .name = "taken", .size = sizeof(struct taken), FIELDS(taken_fields)};

BACKEND_FUNCTION(take, struct taken)

const struct function clerk_functions[] = {
    MUTATION("clerk:handleClerkWebhook", take, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&taken_shape, struct taken),
             .about = "Takes a posting whose signature is right, once."),
};
const size_t clerk_function_count = ARRAY_LEN(clerk_functions);

static void take(struct call *call, const struct take_args *args, struct taken *result)
{
    struct clerk_event event;
    REQUIRE_ARGUMENT(call, clerk_event_read(call->arena, args->body, &event), ".body",
                     "this is no event of Clerk's");
    if (!webhook_event_take(call, STR("clerk"), args->id, event.type))
        return;
    struct user_told told = {
        .clerk_id = event.user,
        .issuer = args->issuer,
        .email = event.email,
        .first_name = event.first_name,
        .last_name = event.last_name,
        .username = event.username,
        .profile_image = event.image,
        .at = {event.updated_at, event.updated_at.us != 0},
    };
    if (event.kind == CLERK_USER)
        user_tell(call, &told);
    else if (event.kind == CLERK_USER_GONE)
        user_tell_gone(call, event.user);
    result->is_new = true;
}

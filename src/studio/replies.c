/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/replies.h"

#define ROW struct success
static const struct field success_fields[] = {BOOL(success)};
#undef ROW

const struct shape success_shape = {
    .name = "success", .size = sizeof(struct success), FIELDS(success_fields)};

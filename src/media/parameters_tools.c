/* SPDX-License-Identifier: Apache-2.0 */
/* By itself, because the helper has it too. */
#include "media/parameters.h"

const char *const parameters_tool_names[] = {
    [PARAMETERS_ATELIER] = "atelier", [PARAMETERS_AUTOMATIC1111] = "automatic1111",
    [PARAMETERS_COMFYUI] = "comfyui", [PARAMETERS_INVOKEAI] = "invokeai",
    [PARAMETERS_IPTC] = "iptc",
};

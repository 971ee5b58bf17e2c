/* SPDX-License-Identifier: Apache-2.0 */
#include "store/engine.h"

bool engine_sqlite_open(const char *path, struct engine **out, struct fault *fault)
{
    return fault_set(fault, FAULT_INPUT, "%s: this build has no SQLite engine yet", path);
}

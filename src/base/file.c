/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

bool file_write_all(int fd, bytes data)
{
    while (data.len != 0) {
        errno = ENOSPC; /* what a write of nothing means */
        ssize_t written = write(fd, data.at, data.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        data.at += written;
        data.len -= (size_t)written;
    }
    return true;
}

# SPDX-License-Identifier: Apache-2.0
# Shell functions that the checks share. Sourced from the repository's root, never run.
# shellcheck shell=sh

# Which release of clang-format decides: others lay out a few constructs differently.
FORMAT_RELEASE=14

# Files of ours, without what is built or installed. Not `git ls-files`: git refuses to answer in a
# clone that belongs to somebody else.
own_files() {
    find . \( -name .git -o -name node_modules -o -path './build*' -o -path ./data \
        -o -path ./web/dist -o -name _generated \) -prune -o -type f "$@" -print |
        sed 's|^\./||' | LC_ALL=C sort
}

c_files() {
    own_files \( -name '*.c' -o -name '*.h' \)
}

formatter() {
    if command -v "clang-format-$FORMAT_RELEASE" >/dev/null; then
        echo "clang-format-$FORMAT_RELEASE"
    else
        echo clang-format
    fi
}

cores() {
    nproc 2>/dev/null || echo 2
}

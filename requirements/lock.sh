#!/bin/sh
# Resolve pyproject.toml into hash-checked locks that hold on every platform. Arguments go to uv (--upgrade).
#
# Versions already in a lock stay unless asked otherwise. No address of an index is written: whoever installs may use
# a mirror, the hashes tell whether it hands out the same files.
set -eu
cd "$(dirname "$0")/.."

compile() {
    output=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-emit-index-url --no-emit-find-links pyproject.toml --output-file "requirements/$output" "$@"
    echo "requirements/$output"
}

compile serving.txt "$@"
compile dev.txt --group dev "$@"
# torch and what belongs to its CUDA builds are installed apart (see pyproject.toml).
compile train.txt --extra train --no-emit-package torch --no-emit-package triton "$@"

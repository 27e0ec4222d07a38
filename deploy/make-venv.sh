#!/bin/sh
# Makes .venv in the current folder, or brings it up to date, and leaves a stamp with the folder's path.
# Usage: make-venv.sh STAMP; PYTHON may name the interpreter.
set -eu

stamp=$1
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1

fail() {
    echo "make: $1" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for python in ${PYTHON:+"$PYTHON"} python3 python3.11 python3.12 python3.13 python3.14 python; do
        if is_new_enough "$python"; then
            echo "$python"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and not on PATH; PYTHON=/path/to/python3.11 names one"
}

if [ -e "$stamp" ] && [ "$(cat "$stamp")" != "$PWD" ]; then
    rm -rf .venv
fi
rm -f "$stamp"
if ! is_new_enough .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "Python's venv module is missing: on Debian and Ubuntu, apt-get install python3-venv"
    echo "making .venv with $("$python" --version)" >&2
    "$python" -m venv --clear .venv || fail "cannot make .venv in $PWD"
fi
echo "installing what the connector needs (once; a minute or two)" >&2
.venv/bin/python -m pip install --quiet --constraint deploy/constraints.txt --editable '.[embedded,dev]' ||
    fail "pip cannot install the packages: see above"
printf '%s' "$PWD" >"$stamp"

#!/usr/bin/env bash
# Makes target/venv with the unmodified Python peer, once; again when the pins change.
# The environment is byte-compiled: without that, every Python start would be measured compiling.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${CARGO_TARGET_DIR:-target}/venv
pins=(tests/python/requirements.txt tests/python/constraints.txt)
stamp=$venv/stamp
now=$(cat "${pins[@]}" | sha256sum)

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ]; then
    exit 0
fi

unset PYTHONDONTWRITEBYTECODE
python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "venv: $python is $("$python" --version 2>&1); the Python client needs 3.11 or newer (set PYTHON=)" >&2
    exit 1
fi
echo "venv: making $venv"
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check \
    --requirement tests/python/requirements.txt --constraint tests/python/constraints.txt
"$venv/bin/python" -m compileall -q "$venv/lib" >/dev/null || true # a few files are for other Pythons
echo "$now" >"$stamp"
echo "venv: ready, $("$venv/bin/python" --version)"

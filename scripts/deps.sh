#!/usr/bin/env bash
# Installs the Debian packages that building and testing need, where they are missing.
# Says what it does; does nothing when everything is there; needs no sudo when run as root.
set -euo pipefail

wanted=()
need() { # need PACKAGE COMMAND: the package, unless the command works
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || wanted+=("$package")
}

need gcc cc --version # links Rust, builds aws-lc and the C example
need libc6-dev test -e /usr/include/stdio.h
need g++ c++ --version # the plugin header is checked in C++ too
need make make --version
need python3-venv python3 -c 'import ensurepip, venv' # the Python peer
need bash bash --version                            # prompts of the three shells
need zsh zsh --version
need fish fish --version
need dbus-daemon dbus-daemon --version # a bus to forward
need dbus-bin test -x /usr/bin/dbus-send
need iperf3 iperf3 --version # both directions of a forwarded port at once
need systemd systemd-analyze --version # checks the units

if [ ${#wanted[@]} -eq 0 ]; then
    echo "deps: everything is there"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "deps: please install: ${wanted[*]} (no apt-get here)" >&2
    exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
fi
echo "deps: installing ${wanted[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq </dev/null
"${as_root[@]}" apt-get install -qq -y --no-install-recommends "${wanted[@]}" </dev/null >/dev/null
echo "deps: done"

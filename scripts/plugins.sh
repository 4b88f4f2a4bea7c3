#!/usr/bin/env bash
# plugins.sh target/<profile>: puts the plugins where the exporter beside them looks, by rename, so
# that no half-written file is ever found, and with a mode that a careful host accepts.
set -euo pipefail
umask 022

out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

# place FILE FOLDER
place() {
    mkdir -p "$out/$2"
    install -m 0755 "$1" "$out/$2/.$(basename "$1").new"
    mv -f "$out/$2/.$(basename "$1").new" "$out/$2/$(basename "$1")"
}

make -s -C plugins/example-c OUT="$out/example-c"
place "$out"/example-c/*.so plugins

for crate in plugins/*/Cargo.toml; do
    family=$(basename "$(dirname "$crate")")
    plugin=$out/libjumpstarter_driver_${family//-/_}.so
    case $family in
    test-*) place "$plugin" test-plugins ;; # misbehaves: only tests look there
    *) place "$plugin" plugins ;;
    esac
done

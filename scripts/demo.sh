#!/usr/bin/env bash
# demo.sh target/<profile>: a real exporter on a free port, a real client, every command and what it
# printed; then the exporter is stopped. The exit status is that of what happened.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(cd "$1" && pwd)
config=configs/exporter.yaml

work=$(mktemp -d)
exporter=
cleanup() {
    if [ -n "$exporter" ] && kill "$exporter" 2>/dev/null; then
        wait "$exporter" || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
# run COMMAND…: shows it, runs it, stops the demo if it fails
run() {
    printf '$ %s\n' "$*"
    "$@"
}

# A port nobody has, below the range that outgoing connections take theirs from.
port=$(shuf -i 20000-29999 -n 1)
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    port=$((port + 1))
done

export PATH="$bin:$PATH" XDG_RUNTIME_DIR="$work"
say "The exporter, from $config"
printf '$ jmp --log-format text run --exporter-config %s --tls-grpc-listener 127.0.0.1:%s --tls-grpc-insecure\n' "$config" "$port"
jmp --log-format text run --exporter-config "$config" --tls-grpc-listener "127.0.0.1:$port" --tls-grpc-insecure \
    2>"$work/log" &
exporter=$!
for _ in $(seq 200); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    if ! kill -0 "$exporter" 2>/dev/null; then
        cat "$work/log" >&2
        exporter=
        exit 1
    fi
    sleep 0.05
done

say "One shell, a few commands (jmp shell --tls-grpc 127.0.0.1:$port --tls-grpc-insecure)"
cat >"$work/tour" <<'TOUR'
set -euo pipefail
run() {
    printf '$ %s\n' "$*"
    "$@"
}
run j --help
for command in "$@"; do
    # shellcheck disable=SC2086
    run $command
done
TOUR
jmp shell --tls-grpc "127.0.0.1:$port" --tls-grpc-insecure -- bash "$work/tour" \
    "j power on" \
    "j power read" \
    "j power cycle -w 0" \
    "j power off" \
    "j board power on" \
    "j board supply read" \
    "j pdu set-outlet 3 true" \
    "j pdu outlets"

say "What the exporter said"
kill -TERM "$exporter"
status=0
wait "$exporter" || status=$?
exporter=
cat "$work/log"
if [ "$status" -ne 143 ]; then
    echo "the exporter ended with $status, not with 143 (128 + SIGTERM)" >&2
    exit 1
fi
echo "the exporter stopped (exit status $status: SIGTERM)"

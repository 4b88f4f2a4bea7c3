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
cd "$1"
run() {
    printf '$ %s\n' "$*"
    bash -c "$*"
}
run j --help

run j power on
run j power read
run j power cycle -w 0
run j board supply read
run j pdu set-outlet 3 true

head -c 64M /dev/urandom >image.raw
run j storage flash image.raw
run j storage dump back.raw
run cmp image.raw back.raw '&&' echo identical

run "echo 'hello board' | j console pipe"

printf '$ j echo forward-tcp 0 &\n'
j echo forward-tcp 0 >address &
forward=$!
for _ in $(seq 100); do
    if [ -s address ]; then break; fi
    sleep 0.02
done
address=$(cat address)
echo "$address"
run "exec 3<>/dev/tcp/${address/://}; echo ping >&3; head -n 1 <&3"
kill "$forward"
wait "$forward" || true

run j scripts greet you
TOUR
jmp shell --tls-grpc "127.0.0.1:$port" --tls-grpc-insecure -- bash "$work/tour" "$work"

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

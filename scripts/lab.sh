#!/usr/bin/env bash
# lab.sh target/<profile>: a whole lab on this machine, a controller and two exporters without hardware,
# until Ctrl-C. Prints what to try in another terminal. `lab.sh target/<profile> COMMAND…` runs a
# command in the lab instead and ends with it.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(cd "$1" && pwd)
shift

work=$(mktemp -d)
running=()
cleanup() {
    # The exporters first: they say goodbye.
    for ((i = ${#running[@]} - 1; i >= 0; i--)); do
        kill "${running[i]}" 2>/dev/null || true
        wait "${running[i]}" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 0' INT TERM

# A run of ports nobody has, below the range that outgoing connections take theirs from.
port=$(shuf -i 20000-29990 -n 1)
taken() { for offset in 0 1 2 3; do (exec 3<>"/dev/tcp/127.0.0.1/$((port + offset))") 2>/dev/null && return; done; return 1; }
while taken; do port=$((port + 4)); done

export PATH="$bin:$PATH" XDG_RUNTIME_DIR="$work" JMP_CLIENT_CONFIG_HOME="$work/home"
data="$work/data"
export JMP_CONTROLLER_DATA="$data"
mkdir -p "$work/home"

cat >"$work/controller.yaml" <<CONFIG
namespace: lab
listen:
  grpc: 127.0.0.1:$port
  router: 127.0.0.1:$((port + 1))
  login: 127.0.0.1:$((port + 2))
  health: 127.0.0.1:$((port + 3))
public_endpoints:
  grpc: 127.0.0.1:$port
  router: 127.0.0.1:$((port + 1))
CONFIG
export JMP_CONTROLLER_CONFIG="$work/controller.yaml"

jmp-controller init --namespace lab >/dev/null 2>"$work/init.log" || { cat "$work/init.log" >&2; exit 1; }
jmp-controller run 2>"$work/controller.log" &
running+=($!)
for _ in $(seq 200); do
    curl -sf "http://127.0.0.1:$((port + 3))/readyz" >/dev/null 2>&1 && break
    kill -0 "${running[0]}" 2>/dev/null || { cat "$work/controller.log" >&2; exit 1; }
    sleep 0.05
done

# Their drivers are those of the demo.
drivers=$(sed -n '/^export:/,$p' configs/exporter.yaml)
for name in bench-1 bench-2; do
    jmp-controller exporter create "$name" --label board=demo --label "bench=$name" --out "$work/$name.yaml" >/dev/null 2>&1
    awk -v drivers="$drivers" '/^export: \{\}/{print drivers; next} {print}' "$work/$name.yaml" >"$work/$name.new"
    chmod 600 "$work/$name.new"
    mv "$work/$name.new" "$work/$name.yaml"
    jmp-exporter run --exporter-config "$work/$name.yaml" 2>"$work/$name.log" &
    running+=($!)
done
jmp-controller client create you --save --unsafe >/dev/null 2>&1
for name in bench-1 bench-2; do
    for _ in $(seq 200); do
        jmp-controller exporter get "$name" | grep -q Available && continue 2
        sleep 0.05
    done
    cat "$work/$name.log" >&2
    exit 1
done

if [ $# -gt 0 ]; then
    status=0
    "$@" || status=$?
    exit "$status"
fi
cat <<TRY
A lab with two benches runs. In another terminal:

  export PATH=$bin:\$PATH JMP_CLIENT_CONFIG_HOME=$work/home JMP_CONTROLLER_DATA=$data JMP_CONTROLLER_CONFIG=$work/controller.yaml

  jmp get exporters
  jmp shell --selector board=demo -- j power on
  jmp create lease --selector bench=bench-2 --duration 10m
  jmp get leases
  jmp-controller exporter get --devices
  jmp-controller lease get --all

Logs are in $work. Ctrl-C ends it.
TRY
wait

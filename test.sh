#!/usr/bin/env bash
# Passes all tests on a fresh machine: installs what they need (redis-server, python3, node, openssl; Redis clients of Python and
# Node, into target/clients only), then runs them.
#
#   ./test.sh          everything that is fit for every change, some minutes
#   ./test.sh long     what takes long: fuzzing of every decoder and parser (LONG_SECONDS in all, 600 by default), many cases, many
#                      simulated failures (TICKCACHE_SIM_SEEDS, 5000 by default), many faults at venues (TICKCACHE_FAULT_SEEDS,
#                      2000 by default), the table of faults with many markets (TICKCACHE_TABLE_SEEDS, 20 by default)
#   ./test.sh long okx_decode
#                      fuzzing of one target alone, with all of LONG_SECONDS
set -euo pipefail
cd "$(dirname "$0")"

have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif have sudo; then sudo "$@"; else
    echo "test.sh: please install by hand: $*" >&2
    exit 1
  fi
}

install() {
  echo "test.sh: installing $*"
  if have apt-get; then
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
  elif have dnf; then as_root dnf install -y -q "${@/redis-server/redis}"
  elif have brew; then brew install "${@/redis-server/redis}"
  else
    echo "test.sh: please install $*, then run this again" >&2
    exit 1
  fi
}

have cargo || { echo "test.sh: please install Rust first: https://rustup.rs" >&2; exit 1; }
have redis-server || install redis-server
have python3 || install python3
have openssl || install openssl
have node || install nodejs
have npm || install npm
python3 -m pip --version >/dev/null 2>&1 || install python3-pip

# Real clients for tests/alike, these very versions. Without a network the tests that need them say that they are skipped; where CI is
# set that is an error.
clients="${CARGO_TARGET_DIR:-target}/clients"
python_clients="redis==8.1.0 msgpack==1.2.4"
node_clients="ioredis@6.0.0 redis@6.3.1 @msgpack/msgpack@3.1.3"
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  node_clients="ioredis@5.11.1 redis@5.12.1 @msgpack/msgpack@3.1.3"
fi

install_clients() {
  local wanted="$python_clients $node_clients"
  [ "$(cat "$clients/installed" 2>/dev/null)" = "$wanted" ] && return 0
  echo "test.sh: installing $wanted into $clients"
  rm -rf "$clients" && mkdir -p "$clients"
  # shellcheck disable=SC2086 # a list of words
  python3 -m pip install -q --disable-pip-version-check --root-user-action=ignore --target "$clients/python.new" $python_clients &&
    npm install --no-save --no-audit --no-fund --silent --prefix "$clients/node.new" $node_clients &&
    mv "$clients/python.new" "$clients/python" && mv "$clients/node.new" "$clients/node" && echo "$wanted" >"$clients/installed"
}

if [ "${1:-}" = long ]; then
  seconds="${LONG_SECONDS:-600}"
  have cargo-fuzz || cargo install cargo-fuzz --locked
  have clang || install clang
  if [ -n "${2:-}" ]; then targets=("$2"); else
    targets=(fuzz/fuzz_targets/*.rs)
    targets=("${targets[@]##*/}")
    targets=("${targets[@]%.rs}")
  fi
  for target in "${targets[@]}"; do
    mkdir -p "fuzz/corpus/$target"
    options=(-max_total_time="$((seconds / ${#targets[@]}))" -print_final_stats=1)
    [ ! -e "fuzz/$target.dict" ] || options+=(-dict="fuzz/$target.dict")
    # cargo-fuzz needs unstable flags of the compiler; this lets a stable one take them. Safe Rust needs no sanitizer.
    RUSTC_BOOTSTRAP=1 cargo fuzz run -s none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- "${options[@]}"
  done
  [ -z "${2:-}" ] || exit 0
  PROPTEST_CASES=20000 TICKCACHE_SIM_SEEDS="${TICKCACHE_SIM_SEEDS:-5000}" cargo test --release --lib --locked
  TICKCACHE_FAULT_SEEDS="${TICKCACHE_FAULT_SEEDS:-2000}" cargo test --release --test venues --locked seeded
  TICKCACHE_TABLE_SEEDS="${TICKCACHE_TABLE_SEEDS:-20}" cargo test --release --test venues --locked rows
  exit 0
fi

if install_clients; then
  export TICKCACHE_CLIENTS=required
elif [ -n "${CI:-}" ]; then
  echo "test.sh: the clients could not be installed" >&2
  exit 1
else
  echo "test.sh: the clients could not be installed; the tests that need them are skipped" >&2
fi
cargo test --locked --no-fail-fast

#!/usr/bin/env bash
# Passes all tests on a fresh machine: installs what they need (redis-server, python3, openssl), then runs them.
#
#   ./test.sh          everything that is fit for every change, some minutes
#   ./test.sh long     what takes long: fuzzing of every decoder (LONG_SECONDS in all, 600 by default), many cases, many
#                      simulated failures (TICKCACHE_SIM_SEEDS, 5000 by default)
#   ./test.sh long okx_decode
#                      fuzzing of one decoder alone, with all of LONG_SECONDS
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
  exit 0
fi

cargo test --locked

#!/usr/bin/env bash
# Kills servers in the middle of exports while resources change, and finds every export exact.
#
#   tests/crash.sh [--rounds N] [--store sqlite|postgres|both] [--seed N] [--build DIR]
#
#   --rounds N    of each store; 20
#   --store S     where the jobs are; both, one after the other
#   --seed N      draws the same moments, servers and changes again
#   --build DIR   uses the programs there; else they are built in build/release
#
# What a round is, and what must come of it, is told in tests/crash/servers.py. tests/run.sh runs 20
# rounds of each store too.
set -euo pipefail
cd "$(dirname "$0")/.."

stores="sqlite postgres"
build=""
options=()
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h)
      sed -n '2,/^set/s/^# \{0,1\}//p' tests/crash.sh
      exit 0
      ;;
  esac
  case "$1=${2:-}" in
    --store=both) ;;
    --store=sqlite | --store=postgres) stores=$2 ;;
    --build=?*) build=$2 ;;
    --rounds=?* | --seed=?*) options+=("$1" "$2") ;;
    *)
      echo "tests/crash.sh: $1 ${2:-} is not an option; --help tells all" >&2
      exit 2
      ;;
  esac
  shift 2
done

if [ -z "$build" ]; then
  build=build/release
  mkdir -p build
  if ! { cmake --preset release && cmake --build --preset release --target fhirexport-server; } \
    >build/crash.log 2>&1; then
    echo "tests/crash.sh: FAILED: the build; the log is build/crash.log" >&2
    exit 1
  fi
fi
for store in $stores; do
  /usr/bin/python3 tests/crash/servers.py --server "$build/examples/fhirexport-server" \
    --store "$store" ${options[@]+"${options[@]}"}
done

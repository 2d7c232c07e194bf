#!/usr/bin/env bash
# Feeds made-up bytes to everything that reads bytes from outside, for a while each.
#
#   tests/fuzz.sh [--minutes N | --seconds N] [NAME...]
#
#   --minutes N   so long for each target; 30 if neither is given
#   --seconds N   the same, for a short look
#   NAME          of a target, as in tests/fuzz/fuzz_NAME.c; all of them if none is given
#
# Builds with clang, AddressSanitizer and UndefinedBehaviorSanitizer in build/fuzz. New inputs that
# reach new code are kept in build/fuzz/found/NAME, and are where the next run begins. An input that
# breaks a promise is kept in build/fuzz/findings, the command that replays it is printed, and the
# status is 1 at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "tests/fuzz.sh: $1" >&2
  exit 2
}

seconds=1800
names=()
while [ $# -gt 0 ]; do
  case $1 in
    --minutes | --seconds)
      [[ ${2:-} =~ ^[1-9][0-9]{0,4}$ ]] || fail "$1 needs a number above 0"
      seconds=$2
      if [ "$1" = --minutes ]; then seconds=$((seconds * 60)); fi
      shift
      ;;
    --help | -h)
      sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' tests/fuzz.sh
      exit 0
      ;;
    -*) fail "$1 is not an option" ;;
    *)
      [ -f "tests/fuzz/fuzz_$1.c" ] || fail "there is no tests/fuzz/fuzz_$1.c"
      names+=("$1")
      ;;
  esac
  shift
done
if [ ${#names[@]} -eq 0 ]; then
  for file in tests/fuzz/fuzz_*.c; do
    name=${file##*/fuzz_}
    names+=("${name%.c}")
  done
fi
command -v clang >/dev/null || fail "clang is needed: it has the fuzzer"

root=$PWD/build/fuzz
cmake -S . -B "$root" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang \
  -DFHX_BUILD_FUZZERS=ON >/dev/null
ninja -C "$root" "${names[@]/#/fuzz_}" | tail -n 1
mkdir -p "$root/findings"

found=0
for name in "${names[@]}"; do
  mkdir -p "$root/found/$name"
  echo "$name: $seconds s"
  status=0
  "$root/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=60 -print_final_stats=1 \
    -artifact_prefix="$root/findings/$name-" "$root/found/$name" "tests/fuzz/corpus/$name" \
    >"$root/findings/$name.log" 2>&1 || status=$?
  if [ "$status" -eq 0 ]; then
    sed -n 's/^stat::number_of_executed_units: */  inputs: /p' "$root/findings/$name.log"
    continue
  fi
  found=1
  echo "  a finding, status $status; what it says is in $root/findings/$name.log"
  input=$(sed -n 's/.*Test unit written to //p' "$root/findings/$name.log" | tail -n 1)
  if [ -n "$input" ]; then echo "  $root/tests/fuzz/fuzz_$name $input"; fi
done
exit $found

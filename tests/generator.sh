#!/usr/bin/env bash
# Tests of fhirexport-generate. Usage: generator.sh PATH-OF-THE-PROGRAM
set -euo pipefail

generate=$1
check=$(dirname "$0")/generator_check.py
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Under AddressSanitizer freed memory is kept for a while, which is not growth.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1

fail() {
  printf 'generator.sh: %s\n' "$*" >&2
  exit 1
}

checksum() {
  cat "$1"/*.ndjson | sha256sum | cut -d ' ' -f 1
}

# Refused with exit code 2 and a message that has these words.
refused() {
  local words=$1 status=0
  shift
  "$generate" "$@" > "$work/stdout" 2> "$work/stderr" || status=$?
  [ "$status" -eq 2 ] || fail "exit code $status for: $*"
  grep -q -- "$words" "$work/stderr" || fail "no word of \"$words\" for: $*"
}

# Every machine and compiler gives these bytes.
expected=5debe0136bda4a65a4bdeaf17e7fc272ee26368078f60cf8e7b989492593a3f1
"$generate" --out "$work/plain" --patients 100 --seed 7 > "$work/table"
[ "$(checksum "$work/plain")" = "$expected" ] || fail "the bytes of seed 7 have changed"
grep -qE "^Patient +100 " "$work/table" || fail "the table does not say 100 patients"
grep -qE "^total +$(cat "$work"/plain/* | wc -l) +$(cat "$work"/plain/* | wc -c)$" "$work/table" ||
  fail "the table's total is not what the files have"
"$generate" --out "$work/other" --patients 100 --seed 8 > "$work/table"
[ "$(checksum "$work/other")" != "$expected" ] || fail "another seed gives the same data"

# Valid, consistent, and varied enough.
python3 "$check" content "$work/plain"

# The other formats have the same resources.
"$generate" --out "$work/spaced" --patients 100 --seed 7 --pretty 100 > "$work/table"
cmp -s "$work/spaced/Patient.ndjson" "$work/plain/Patient.ndjson" && fail "--pretty does nothing"
python3 "$check" same "$work/plain" "$work/spaced"
"$generate" --out "$work/zipped" --patients 100 --seed 7 --format ndjson.gz > "$work/table"
for file in "$work"/zipped/*.gz; do
  zcat "$file" | cmp - "$work/plain/$(basename "$file" .gz)"
done
"$generate" --out "$work/table.d" --patients 100 --seed 7 --format sqlite > "$work/table"
python3 "$check" database "$work/plain" "$work/table.d/fhir.sqlite"

# By size: as many patients in each format, and about the size asked for.
"$generate" --out "$work/sized" --bytes 2M --seed 7 > "$work/table"
"$generate" --out "$work/sized.d" --bytes 2M --seed 7 --format sqlite > "$work/table.sqlite"
cmp "$work/table" "$work/table.sqlite"
size=$(cat "$work"/sized/* | wc -c)
if [ "$size" -lt 2000000 ] || [ "$size" -gt 2300000 ]; then
  fail "--bytes 2M gave $size bytes"
fi

# Mistakes are named, and nothing is overwritten.
refused "either --patients or --bytes" --out "$work/no"
refused "either --patients or --bytes" --out "$work/no" --patients 1 --bytes 1
refused "--patients takes a whole number" --out "$work/no" --patients 1x
refused "--format takes ndjson" --out "$work/no" --patients 1 --format xml
[ ! -e "$work/no" ] || fail "a refused call made a folder"
"$generate" --out "$work/plain" --patients 1 2> "$work/stderr" && fail "files were overwritten"
grep -q "exists already" "$work/stderr" || fail "the message does not say that files exist"
[ "$(checksum "$work/plain")" = "$expected" ] || fail "a file was changed"

# Memory does not depend on the size.
python3 "$check" memory "$generate" "$work/small" "$work/large"
rm -rf "$work/small" "$work/large"
python3 "$check" memory "$generate" "$work/small" "$work/large" --format sqlite

#!/usr/bin/env bash
# Tests of the example programs minimal and fhirexport-folder.
# Usage: programs.sh PATH-OF-MINIMAL PATH-OF-FHIREXPORT-FOLDER PATH-OF-FHIREXPORT-GENERATE
set -euo pipefail

minimal=$1
export_folder=$2
generate=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
  printf 'programs.sh: %s\n' "$*" >&2
  exit 1
}

# ends CODE WORDS ARGUMENTS...: fhirexport-folder ends so, with these words on stderr; "": nothing.
ends() {
  local code=$1 words=$2 status=0
  shift 2
  "$export_folder" "$@" >stdout 2>stderr || status=$?
  [ "$status" -eq "$code" ] || fail "exit code $status, not $code, for: $*; $(cat stderr)"
  if [ -z "$words" ]; then
    [ ! -s stderr ] || fail "not silent: $(cat stderr)"
    return
  fi
  grep -qF -- "$words" stderr || fail "no word of \"$words\" for: $*; $(cat stderr)"
}

# all_lines FOLDER: every line under it, in an order of their own.
all_lines() {
  find "$1" -name '*.ndjson' -exec cat {} + | LC_ALL=C sort
}

# job_folder: the last export's, from its report.
job_folder() {
  sed -n 's/^files  *//p' stdout
}

# --- minimal: the manifest on stdout leads to the two patients ---

"$minimal" out >stdout
python3 - stdout <<'END'
import json, sys, urllib.parse
manifest = json.load(open(sys.argv[1]))
assert manifest["error"] == [], manifest
[item] = manifest["output"]
assert item["type"] == "Patient" and item["count"] == 2, item
lines = open(urllib.parse.unquote(urllib.parse.urlsplit(item["url"]).path)).read().splitlines()
assert [json.loads(line)["id"] for line in lines] == ["p1", "p2"], lines
END
status=0
"$minimal" out/no/such >stdout 2>stderr || status=$?
[ "$status" -eq 1 ] || fail "minimal exits with $status for a wrong folder"
[ ! -s stdout ] || fail "minimal prints a manifest for a wrong folder"
grep -q "minimal: .*No such file" stderr || fail "minimal does not say what is wrong"

# --- fhirexport-folder: both sources give all of the data, and the table counts it ---

"$generate" --out data --patients 40 >/dev/null
"$generate" --out data --patients 40 --format sqlite --pretty 0 >/dev/null
all_lines data >expected
for source in "--folder data" "--sqlite data/fhir.sqlite"; do
  # shellcheck disable=SC2086 # two words
  ends 0 "" $source --out out2 --sha256 --threads 3 --part-bytes 100k
  all_lines "$(job_folder)" | cmp - expected
  parts=$(find "$(job_folder)" -name '*.ndjson' | wc -l)
  [ "$parts" -gt 9 ] || fail "--part-bytes had no effect"
  grep -qE "^total +$parts +$(wc -l <expected) +$(wc -c <expected) +[0-9]+$" stdout ||
    fail "the total is not what there is: $(grep ^total stdout)"
  grep -qE "^Patient +1 +40 " stdout || fail "the table has no row of 40 patients"
done
python3 - "$(sed -n 's/^manifest  *//p' stdout)" "$(wc -l <expected)" <<'END'
import json, sys
manifest = json.load(open(sys.argv[1]))
assert sum(item["count"] for item in manifest["output"]) == int(sys.argv[2]), manifest
END
[ -z "$(find out2 -maxdepth 1 -name '.*' -type f)" ] || fail "a temporary file is left"

# --- filters reach the job, refused lines are told ---

ends 0 "" --folder data --out out3 --type Patient --type Group --since 2024-01-01T00:00:00Z --quiet
[ ! -s stdout ] || fail "--quiet prints"
[ -z "$(find out3 -name '*.ndjson' ! -name 'Patient-*' ! -name 'Group-*')" ] || fail "other types"
[ "$(all_lines out3 | wc -l)" -lt 45 ] || fail "--since had no effect"
patient=$(sed -n '1s/^{"resourceType":"Patient","id":"\([^"]*\)".*/\1/p' data/Patient.ndjson)
ends 0 "" --folder data --out out4 --type Encounter --patient "$patient"
LC_ALL=C sort data/Encounter.ndjson | grep -F "Patient/$patient\"" | cmp - <(all_lines out4)
ends 0 "" --folder data --out out4b --type Patient --type-filter "Patient?_id=$patient" \
  --type-filter "Patient?_id=none" --elements Patient.birthDate,gender
[ "$(all_lines out4b | wc -l)" -eq 1 ] || fail "--type-filter had no effect"
all_lines out4b | grep -F '"SUBSETTED"' | grep -qvF '"name"' || fail "--elements had no effect"
mkdir bad
printf '{"resourceType":"Patient","id":"a"}\nnonsense\n' >bad/Patient.ndjson
ends 0 "" --folder bad --out out5
grep -qE "^error file +1 +1 " stdout || fail "the table has no row for the error file"

# --- mistakes: exit code 2 and nothing made; what goes wrong later: 1 ---

ends 2 "either --folder DIR or --sqlite FILE" --out no
ends 2 "either --folder DIR or --sqlite FILE" --out no --folder data --sqlite data/fhir.sqlite
ends 2 "--out DIR" --folder data
ends 2 "--type patient" --folder data --out no --type patient
ends 2 "--since 2020" --folder data --out no --since 2020
ends 2 "--type-filter Patient?x=1" --folder data --out no --type-filter 'Patient?x=1'
ends 2 "--elements gender,Patient.x" --folder data --out no --elements gender,Patient.x
ends 2 "--threads" --folder data --out no --threads 0
ends 2 "--part-bytes" --folder data --out no --part-bytes 5X
ends 2 "--store" --folder data --out no --resume 0123
ends 2 "--type was settled" --folder data --out no --store s --resume 0123 --type Patient
ends 2 "unrecognized option" --folder data --out no --bogus
[ ! -e no ] || fail "a mistake in the command made a folder"
ends 1 "nowhere" --folder nowhere --out no
ends 1 "nowhere" --sqlite nowhere --out no
ends 1 "Basic" --folder data --out no --type Basic
ends 1 "no/such" --folder data --out no/such/folder

# --- a signal: parked with a store, removed without one ---

# interrupt ARGUMENTS...: starts an export, stops it when its first file is there; its exit code.
interrupt() {
  local status=0
  "$export_folder" --folder big --out out6 --threads 1 --part-bytes 1M "$@" >stdout 2>stderr &
  local process=$!
  until [ -n "$(find out6 -name '*.ndjson' 2>/dev/null)" ] || ! kill -0 $process 2>/dev/null; do
    sleep 0.01
  done
  kill -TERM $process 2>/dev/null || true
  wait $process || status=$?
  echo $status
}

# Twice as much data until the export is not over before the signal comes.
for size in 50M 100M 200M 400M; do
  rm -rf big out6 store
  "$generate" --out big --bytes $size >/dev/null
  status=$(interrupt --store store)
  [ "$status" -eq 0 ] || break
done
[ "$status" -eq 3 ] || fail "exit code $status, not 3, for a parked job; $(cat stderr)"
job=$(sed -n 's/.*--resume //p' stderr)
[ -n "$job" ] || fail "it is not said how to resume"
[ ! -e "out6/$job.manifest.json" ] || fail "a parked job has a manifest"
kept=$(find "out6/$job" -name '*.ndjson' | head -n 1)
inode=$(stat -c %i "$kept")
ends 0 "" --folder big --out out6 --store store --resume "$job"
[ "$(stat -c %i "$kept")" = "$inode" ] || fail "a finished file was written again"
all_lines big >expected
all_lines "out6/$job" | cmp - expected
ends 0 "" --folder big --out out6 --store store --resume "$job" --quiet
ends 1 "taking up the job" --folder big --out out6 --store store --resume "${job//[0-9]/a}"
rm -rf out6
status=$(interrupt)
[ "$status" -eq 1 ] || fail "exit code $status, not 1, for a job stopped without a store"
[ -z "$(find out6 -name '*.ndjson')" ] || fail "files of a stopped job are left"

#!/usr/bin/env bash
# Tests of examples/demo.sh with programs that are already built: that it goes through, that it
# notices a file that is not whole, and that no server is left however it ends.
# Usage: demo.sh ROOT FOLDER-OF-PROGRAMS
set -euo pipefail

root=$1
programs=$2
work=$(mktemp -d)
running=""
trap '[ -z "$running" ] || kill "$running" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

fail() {
  printf 'demo.sh: %s\n' "$*" >&2
  cat stdout stderr >&2
  exit 1
}

demo() {
  "$root/examples/demo.sh" --no-install --programs "$programs" --data data --out out "$@"
}

# ends CODE WORDS OPTIONS...: the demo ends so, with these words on stdout or stderr.
ends() {
  local code=$1 words=$2 status=0
  shift 2
  demo "$@" >stdout 2>stderr || status=$?
  [ "$status" -eq "$code" ] || fail "exit code $status, not $code, for: $*"
  grep -qF -- "$words" stdout stderr || fail "no word of \"$words\" for: $*"
}

# all_ids FOLDER: type and id of every resource under it.
all_ids() {
  find "$1" -name '*.ndjson' -exec cat {} + |
    sed -n 's/^{"resourceType":"\([A-Za-z]*\)","id":"\([^"]*\)".*/\1 \2/p' | LC_ALL=C sort
}

nothing_left() {
  [ -z "$(find out -name 'server.*')" ] || fail "the server's folder is left"
  if curl -s --noproxy '*' "$(sed -n 's/^It answers at //p' stdout)/metadata" >/dev/null; then
    fail "the server is left"
  fi
}

"$programs/fhirexport-generate" --out data --patients 30 >/dev/null
gzip data/Encounter.ndjson
touch stdout stderr

# --- it goes through, twice in the same folder ---

ends 0 "of every type there are as many as in the data"
ends 0 "each resource is there once"
nothing_left
[ "$(find out -name manifest.json | wc -l)" -eq 2 ] || fail "the second run has replaced the first"
gunzip data/Encounter.ndjson.gz
files=$(sed -n 's/^The files are in //p' stdout)
cmp <(all_ids data) <(all_ids "$files") || fail "other resources came out than went in"
grep -qE "^total +[0-9]+ +$(cat data/*.ndjson | wc -l) +[0-9]+$" stdout || fail "the total is wrong"

# --- --keep: the server runs on, and stops as it is said ---

ends 0 "The server runs on" --keep
running=$(sed -n 's/^  kill //p' stdout)
base=$(sed -n 's/^It answers at //p' stdout)
curl -sf --noproxy '*' "$base/metadata" | grep -q CapabilityStatement || fail "no server is kept"
kill "$running"
while kill -0 "$running" 2>/dev/null; do sleep 0.1; done
running=""
rm -r "$(sed -n 's/^  rm -r //p' stdout)"
nothing_left

# --- mistakes and what is not whole ---

ends 1 "there is no folder $work/no" --data no
ends 1 "no fhirexport-server in $work" --programs .
mkdir empty bad
ends 1 "no .ndjson or .ndjson.gz file" --data empty
printf '{"resourceType":"Patient","id":"a"}\nnonsense\n' >bad/Patient.ndjson
ends 0 "some of its lines are no resources" --data bad
: >not-a-folder
ends 1 "not-a-folder" --out not-a-folder

# A curl that loses the last line of Patients, and one that never comes back.
mkdir curl-short curl-slow
real_curl=$(command -v curl)
cat >curl-short/curl <<SCRIPT
#!/bin/sh
"$real_curl" "\$@" || exit
for file; do case \$file in */Patient-*.ndjson) sed -i '\$d' "\$file" ;; esac; done
SCRIPT
cat >curl-slow/curl <<SCRIPT
#!/bin/sh
touch "$work/asked"
while [ ! -e "$work/signalled" ]; do sleep 0.05; done
SCRIPT
chmod +x curl-*/curl
PATH=$work/curl-short:$PATH ends 1 "has 29 lines, the manifest says 30"
nothing_left

# --- a signal ---

(
  PATH=$work/curl-slow:$PATH
  exec "$root/examples/demo.sh" --no-install --programs "$programs" --data data --out out
) >stdout 2>stderr &
process=$!
until [ -e asked ]; do
  kill -0 $process 2>/dev/null || fail "it ended before it was stopped"
  sleep 0.05
done
kill -TERM $process
touch signalled
status=0
wait $process || status=$?
[ "$status" -eq 143 ] || fail "exit code $status, not 143, after SIGTERM"
nothing_left

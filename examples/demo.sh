#!/usr/bin/env bash
# A first look at libfhirexport: builds it, exports FHIR resources to NDJSON files, checks them.
#
#   examples/demo.sh [--data DIR] [--out DIR] [--no-install]
#
#   --data DIR    a folder of <Type>.ndjson or <Type>.ndjson.gz; invented patients if not given
#   --out DIR     where to export to; a new folder in build/demo if not given
#   --no-install  install nothing, only say what is missing
#
# It can be run again at any time. All it writes is in build/demo and in --out, but for Debian
# packages that are missing: it installs these with apt-get, and says which.
set -euo pipefail

fail() {
  printf 'demo.sh: %s\n' "$*" >&2
  exit 1
}

usage() {
  sed -n '/^#   examples/,/--no-install  /s/^# \{0,3\}//p' "$1"
}

self=$0
data=""
out=""
install=true
while [ $# -gt 0 ]; do
  case $1 in
    --data | --out)
      [ -n "${2:-}" ] || fail "$1 needs a folder"
      # An absolute path: the demo works in the root of the project.
      case $2 in /*) path=$2 ;; *) path=$PWD/$2 ;; esac
      if [ "$1" = --data ]; then data=$path; else out=$path; fi
      shift
      ;;
    --no-install) install=false ;;
    --help | -h)
      usage "$self"
      exit 0
      ;;
    *)
      usage "$self" >&2
      fail "$1 is not an option"
      ;;
  esac
  shift
done
[ -z "$data" ] || [ -d "$data" ] || fail "there is no folder $data"
cd "$(dirname "$self")/.."

# --- what the build needs, by the names of Debian's packages ---

missing_packages() {
  local pair
  command -v cc >/dev/null || echo "gcc libc6-dev"
  for pair in cmake:cmake ninja:ninja-build pkg-config:pkg-config; do
    command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}"
  done
  for pair in yajl:libyajl-dev libcrypto:libssl-dev sqlite3:libsqlite3-dev zlib:zlib1g-dev; do
    pkg-config --exists "${pair%%:*}" 2>/dev/null || echo "${pair#*:}"
  done
}

install_packages() {
  local sudo=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "missing: $*; installing them needs root, or sudo"
    sudo=sudo
  fi
  echo "Installs with apt-get: $*"
  {
    $sudo apt-get update -qq &&
      $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
  } >build/demo/install.log 2>&1 || {
    tail -n 20 build/demo/install.log >&2
    fail "apt-get failed; the whole log is build/demo/install.log"
  }
}

mkdir -p build/demo
read -r -d '' -a missing < <(missing_packages) || true
if [ ${#missing[@]} -gt 0 ]; then
  $install || fail "missing: ${missing[*]} (Debian's names); without --no-install they are installed"
  command -v apt-get >/dev/null || fail "missing: ${missing[*]} (Debian's names), and no apt-get here"
  install_packages "${missing[@]}"
fi

# --- the build, in a folder of its own ---

echo "Builds in build/demo"
if ! { cmake --preset release -B build/demo/build -DFHX_BUILD_TESTS=OFF &&
  cmake --build build/demo/build --target fhirexport-folder fhirexport-generate; } \
  >build/demo/build.log 2>&1; then
  grep -nE -A 5 'error|FAILED|Error' build/demo/build.log | head -n 40 >&2 || true
  fail "the build failed; the whole log is build/demo/build.log"
fi
programs=build/demo/build/examples

# --- the data ---

if [ -z "$data" ]; then
  data=build/demo/data
  if [ ! -d "$data" ]; then
    echo "Makes 200 invented patients in $data"
    rm -rf "$data.new"
    $programs/fhirexport-generate --out "$data.new" --patients 200 >build/demo/generate.log
    mv "$data.new" "$data"
  fi
fi
inputs=()
for file in "$data"/*.ndjson "$data"/*.ndjson.gz; do
  [ ! -f "$file" ] || inputs+=("$file")
done
[ ${#inputs[@]} -gt 0 ] || fail "there is no .ndjson or .ndjson.gz file in $data"

# --- the export ---

[ -n "$out" ] || out=$(mktemp -d build/demo/export.XXXXXX)
echo "Exports $data"
echo
report=$(mktemp build/demo/report.XXXXXX)
trap 'rm -f "$report" "$report".*' EXIT
$programs/fhirexport-folder --folder "$data" --out "$out" >"$report" ||
  fail "the export failed; the reason is above"
cat "$report"
files=$(sed -n 's/^files  *//p' "$report")
manifest=$(sed -n 's/^manifest  *//p' "$report")

# --- the check, with nothing but the shell's own tools ---

read_file() {
  case $1 in *.gz) gzip -dc "$1" ;; *) cat "$1" ;; esac
}

# "Patient 200" for each type: a file's name says its type, a line is a resource.
count_lines() {
  local file name
  for file in "$@"; do
    name=$(basename "$file")
    printf '%s %s\n' "${name%%[.-]*}" "$(read_file "$file" | grep -c '[^[:space:]]')"
  done | awk '{ count[$1] += $2 } END { for (type in count) if (count[type]) print type, count[type] }' |
    sort
}

# What tells a line from others: type and id, where the line begins with them, else the line.
list_keys() {
  awk '{ print match($0, /^[{]"resourceType":"[A-Za-z]+","id":"[^"]+"/) ? substr($0, 1, RLENGTH) : $0 }' "$@"
}

echo
outputs=()
refused=""
for file in "$files"*.ndjson; do
  case $(basename "$file") in
    error-*) refused=$file ;;
    *) [ ! -f "$file" ] || outputs+=("$file") ;;
  esac
done
[ ${#outputs[@]} -gt 0 ] || fail "nothing was exported"
count_lines "${inputs[@]}" >"$report.in"
count_lines "${outputs[@]}" >"$report.out"
if [ -n "$refused" ]; then
  echo "Some lines of the input were refused, so counts are not compared; $refused says why."
elif diff "$report.in" "$report.out" >"$report.diff"; then
  echo "Checked: every type has as many lines as the input."
else
  cat "$report.diff" >&2
  fail "the counts of the input (<) and the export (>) differ"
fi
twice=$(list_keys "${outputs[@]}" | LC_ALL=C sort | uniq -d | wc -l)
[ "$twice" -eq 0 ] || fail "in the export more than once: $twice resources"
echo "Checked: each resource is there once."

# --- what to try next ---

patient=$(sed -n 's/^{"resourceType":"Patient","id":"\([^"]*\)".*/\1/p;q' "$files"Patient-*.ndjson 2>/dev/null || true)
cat <<END

Try next:
  head -n 1 ${outputs[0]}
  cat $manifest
  $programs/fhirexport-folder --folder $data --out $out --since 2020-01-01T00:00:00Z
  $programs/fhirexport-folder --folder $data --out $out --patient ${patient:-ID}
  $programs/fhirexport-generate --out build/demo/million --bytes 1G
  less examples/minimal.c
END

#!/usr/bin/env bash
# A first look at libfhirexport: builds it and its example server, loads FHIR resources into this,
# exports them over HTTP as a client would ($export, Bulk Data Access IG), and checks what came.
#
#   examples/demo.sh [--data DIR] [--out DIR] [--keep] [--programs DIR] [--no-install]
#
#   --data DIR      a folder of <Type>.ndjson or <Type>.ndjson.gz; invented patients if not given
#   --out DIR       where to download to; build/demo/export if not given
#   --keep          leave the server running, and say what to try with it and how to stop it
#   --programs DIR  use fhirexport-server and fhirexport-generate from there, and build nothing
#   --no-install    install nothing, only say what is missing
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
programs=""
install=true
keep=false
while [ $# -gt 0 ]; do
  case $1 in
    --data | --out | --programs)
      [ -n "${2:-}" ] || fail "$1 needs a folder"
      # An absolute path: the demo works in the root of the project.
      case $2 in /*) path=$2 ;; *) path=$PWD/$2 ;; esac
      case $1 in
        --data) data=$path ;;
        --out) out=$path ;;
        --programs) programs=$path ;;
      esac
      shift
      ;;
    --keep) keep=true ;;
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
[ -z "$programs" ] || [ -x "$programs/fhirexport-server" ] ||
  fail "there is no fhirexport-server in $programs"
cd "$(dirname "$self")/.."

# --- what the build and the demo need, by the names of Debian's packages ---

missing_packages() {
  local pair
  command -v curl >/dev/null || echo "curl"
  [ -z "$programs" ] || return 0
  command -v cc >/dev/null || echo "gcc libc6-dev"
  for pair in cmake:cmake ninja:ninja-build pkg-config:pkg-config; do
    command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}"
  done
  for pair in yajl:libyajl-dev libcrypto:libssl-dev sqlite3:libsqlite3-dev zlib:zlib1g-dev \
    libmicrohttpd:libmicrohttpd-dev jose:libjose-dev libcurl:libcurl4-openssl-dev; do
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
  mkdir -p build/demo
  {
    $sudo apt-get update -qq &&
      $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
  } >build/demo/install.log 2>&1 || {
    tail -n 20 build/demo/install.log >&2
    fail "apt-get failed; the whole log is build/demo/install.log"
  }
}

read -r -d '' -a missing < <(missing_packages) || true
if [ ${#missing[@]} -gt 0 ]; then
  $install || fail "missing: ${missing[*]} (Debian's names); without --no-install they are installed"
  command -v apt-get >/dev/null || fail "missing: ${missing[*]} (Debian's names), and no apt-get here"
  install_packages "${missing[@]}"
fi

# --- the build, in a folder of its own ---

if [ -z "$programs" ]; then
  echo "Builds in build/demo"
  mkdir -p build/demo
  if ! { cmake --preset release -B build/demo/build -DFHX_BUILD_TESTS=OFF -DFHX_WITH_S3=OFF \
    -DFHX_WITH_AZURE=OFF -DFHX_WITH_POSTGRES=OFF &&
    cmake --build build/demo/build --target fhirexport-server fhirexport-generate; } \
    >build/demo/build.log 2>&1; then
    grep -nE -A 5 'error|FAILED|Error' build/demo/build.log | head -n 40 >&2 || true
    fail "the build failed; the whole log is build/demo/build.log"
  fi
  programs=build/demo/build/examples
fi

# --- the data ---

if [ -z "$data" ]; then
  data=build/demo/data
  if [ ! -d "$data" ]; then
    echo "Makes 200 invented patients in $data"
    mkdir -p build/demo
    rm -rf "$data.new"
    "$programs/fhirexport-generate" --out "$data.new" --patients 200 >build/demo/generate.log
    mv "$data.new" "$data"
  fi
fi
inputs=()
for file in "$data"/*.ndjson "$data"/*.ndjson.gz; do
  [ ! -f "$file" ] || inputs+=("$file")
done
[ ${#inputs[@]} -gt 0 ] || fail "there is no .ndjson or .ndjson.gz file in $data"

# --- the server, on a port that is free ---

[ -n "$out" ] || out=build/demo/export
mkdir -p "$out"
state=$(mktemp -d "$out/server.XXXXXX")
log=$state/log
: >"$state/ready"
server=""

stop_server() {
  [ -n "$server" ] || return 0
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" || true
  server=""
}

# However the demo ends, nothing of it runs on, unless that was asked for and all went well.
clean_up() {
  stop_server
  rm -rf "$state"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

echo "Starts fhirexport-server and loads $data"
"$programs/fhirexport-server" --listen 127.0.0.1:0 --db "sqlite:$state/fhir.sqlite" \
  --destination "file:$state/files" --load "${inputs[@]}" \
  </dev/null >"$state/ready" 2>"$log" &
server=$!
until grep -q '^ready ' "$state/ready"; do
  if ! kill -0 "$server" 2>/dev/null; then
    tail -n 20 "$log" >&2
    fail "the server did not start; the reason is above"
  fi
  sleep 0.1
done
base=$(sed -n 's/^ready //p' "$state/ready")
# What was loaded, twice in the data, or no resource.
sed -n 's/^fhirexport-server: loaded/Loaded/p' "$log"
echo "It answers at $base"

# --- the export, as any client of $export does it ---

# fetch BODY OPTION... URL: prints the HTTP status; the headers are in $state/headers.
fetch() {
  local body=$1
  shift
  curl --silent --show-error --noproxy '*' --dump-header "$state/headers" --output "$body" \
    --write-out '%{http_code}' "$@" || fail "the server does not answer; its log: $(tail -n 5 "$log")"
}

# header NAME: of the last answer.
header() {
  tr -d '\r' <"$state/headers" |
    awk -v name="$1:" 'index(tolower($0), tolower(name)) == 1 {
      sub(/^[^:]*:[ \t]*/, "")
      print
      exit
    }'
}

# refused WHAT STATUS: an answer that is not the one that was hoped for.
refused() {
  head -c 2000 "$state/body" >&2
  echo >&2
  fail "$1 was answered $2; what the server said is above"
}

now_ms() {
  date +%s%3N
}

# show_progress TEXT: "37%, 4711 resources" as a bar; in place on a terminal, else line by line.
show_progress() {
  local percent=${1%%\%*} bar=""
  case $percent in "" | *[!0-9]*) percent=0 ;; esac
  bar=$(printf '%*s' $((percent * 3 / 10)) "" | tr ' ' '#')
  if [ -t 1 ]; then
    printf '\r  [%-30s] %-40s' "$bar" "$1"
  else
    printf '  [%-30s] %s\n' "$bar" "$1"
  fi
}

echo
# shellcheck disable=SC2016 # $export is a name
echo "Exports: GET $base/\$export"
begin_ms=$(now_ms)
status=$(fetch "$state/body" -H 'Accept: application/fhir+json' -H 'Prefer: respond-async' \
  "$base/\$export")
[ "$status" = 202 ] || refused "the kick-off" "$status"
poll_url=$(header Content-Location)
[ -n "$poll_url" ] || fail "the kick-off was answered without a Content-Location"
echo "Polls $poll_url"
while true; do
  status=$(fetch "$state/body" -H 'Accept: application/json' "$poll_url")
  [ "$status" = 202 ] || break
  show_progress "$(header X-Progress)"
  pause=$(header Retry-After)
  case $pause in "" | *[!0-9]*) pause=1 ;; esac
  sleep "$pause"
done
[ "$status" = 200 ] || refused "the poll" "$status"
show_progress "100%, complete"
[ ! -t 1 ] || echo

files=$out/${poll_url##*/}
manifest=$files/manifest.json
mkdir -p "$files"
mv "$state/body" "$manifest"

# The manifest's items, one a line: "output Patient 200 URL". Its strings hold no quotes, so that
# they and the brackets are all there is to know of JSON here.
grep -oE '"[^"]*"|[][{}]|[0-9]+' "$manifest" | awk '
  /^[[{]$/ { depth++; next }
  /^[]}]$/ {
    if (depth == 3) print list, value["type"], value["count"], value["url"]
    depth--
    next
  }
  { gsub(/"/, "") }
  depth == 1 { list = $0 } # the last word before a bracket is the name of the list
  depth == 3 {
    if (name == "") name = $0
    else { value[name] = $0; name = "" }
  }' >"$state/items"
[ -s "$state/items" ] || fail "the manifest $manifest names no files"

echo "Downloads $(wc -l <"$state/items") files"
outputs=()
errors=""
: >"$state/table"
while read -r list type count url; do
  name=${url%%\?*}
  file=$files/${name##*/}
  status=$(fetch "$file" -H 'Accept: application/fhir+ndjson' "$url")
  [ "$status" = 200 ] || fail "a file was answered $status: $url"
  lines=$(wc -l <"$file")
  [ "$lines" -eq "$count" ] || fail "$file has $lines lines, the manifest says $count"
  if [ "$list" = output ]; then
    outputs+=("$file")
  else
    errors=$file
    type="($list)"
  fi
  printf '%s %s %s\n' "$type" "$lines" "$(wc -c <"$file")" >>"$state/table"
done <"$state/items"
end_ms=$(now_ms)
[ ${#outputs[@]} -gt 0 ] || fail "nothing was exported"

echo
awk -v ms=$((end_ms - begin_ms)) '
  { files[$1]++; resources[$1] += $2; bytes[$1] += $3 }
  !($1 in seen) { seen[$1] = 1; order[++types] = $1 }
  END {
    row = "%-28s %6s %10s %13s\n"
    printf row, "type", "files", "resources", "bytes"
    for (i = 1; i <= types; i++) {
      type = order[i]
      printf row, type, files[type], resources[type], bytes[type]
      all += resources[type]; files_all += files[type]; bytes_all += bytes[type]
    }
    printf row, "total", files_all, all, bytes_all
    printf "\n%.1f s from the kick-off to the last file, pauses between polls included: %d resources/s\n",
      ms / 1000, all * 1000 / (ms > 0 ? ms : 1)
  }' "$state/table"

# --- the check, with nothing but the shell's own tools ---

read_file() {
  case $1 in *.gz) gzip -dc "$1" ;; *) cat "$1" ;; esac
}

# One line "Patient KEY" for each resource. The type is that of the file's name. The key tells a
# resource from others: type and id, where the line begins with them, else the line.
list_keys() {
  local file name
  for file in "$@"; do
    name=$(basename "$file")
    read_file "$file" | awk -v type="${name%%[.-]*}" '/[^ \t\r]/ {
      print type, match($0, /^[{]"resourceType":"[A-Za-z]+","id":"[^"]+"/) ? substr($0, 1, RLENGTH) : $0
    }'
  done | LC_ALL=C sort
}

# "Patient 200" for each type.
count_types() {
  awk '{ count[$1]++ } END { for (type in count) print type, count[type] }' | LC_ALL=C sort
}

echo
echo "Checked: every file has as many lines as the manifest says."
list_keys "${outputs[@]}" >"$state/keys"
twice=$(uniq -d <"$state/keys" | wc -l)
[ "$twice" -eq 0 ] || fail "in the export more than once: $twice resources"
echo "Checked: each resource is there once."
list_keys "${inputs[@]}" | uniq | count_types >"$state/counts.in"
count_types <"$state/keys" >"$state/counts.out"
if [ -n "$errors" ]; then
  echo "Counts are not compared with the data: $errors says what was left out."
elif ! grep -q ', left out 0;' "$log"; then
  echo "Counts are not compared with the data: some of its lines are no resources."
  grep -v ': loaded ' "$log" | head -n 5
elif diff "$state/counts.in" "$state/counts.out" >"$state/diff"; then
  echo "Checked: of every type there are as many as in the data."
else
  cat "$state/diff" >&2
  fail "the counts of the data (<) and the export (>) differ"
fi

# --- what to try next ---

patient=$(sed -n 's/^{"resourceType":"Patient","id":"\([^"]*\)".*/\1/p;q' "$files"/Patient-*.ndjson 2>/dev/null || true)
cat <<END

The files are in $files

Try next:
  head -n 1 ${outputs[0]}
  cat $manifest
  less examples/server/source.c examples/server/export.c
END
if ! $keep; then
  stop_server
  echo "  examples/demo.sh --keep"
  exit 0
fi
trap - EXIT
cat <<END

The server runs on at $base (process $server):
  curl $base/metadata
  curl $base/Patient/${patient:-ID}
  curl -i -H 'Prefer: respond-async' '$base/\$export?_type=Patient,Condition'
  curl -i -H 'Prefer: respond-async' '$base/\$export?_since=2020-01-01T00:00:00Z'
  curl '$poll_url'
  curl -X DELETE '$poll_url'

Stop it, and remove what it has stored:
  kill $server
  rm -r $state
END

#!/bin/sh
# Proves by strace that a part is durable before it has its name, and that its name is durable before
# the library says so.
#
#   strace_order.sh WRITE_PART
#
# WRITE_PART is the program of tests/programs/write_part.c. What it did below its folder is printed
# as a list of events, one a line, in the order of the calls; paths are relative to the folder:
#
#   make-folder PATH MODE        create PATH FLAGS MODE       write PATH       sync PATH
#   rename FROM TO FLAGS         link FROM TO                 remove PATH      close PATH
#   answer                       (WRITE_PART prints the part's name, so the library said "done")
#
# Every claim is a line with `before` or `has`; a claim about another file that lies in the folder
# (a store, say) needs one more such line. Each claim is also tried on a list that breaks it.
set -eu

program=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/fhx-strace-XXXXXX")
trap 'rm -rf "$work"' EXIT
work=$(cd "$work" && pwd -P)
folder=$work/folder
mkdir "$folder"

# Calls that failed changed nothing and are left out; so is everything outside the folder.
list_events() {
  awk -v folder="$folder" '
    function relative(path) {
      if (path == folder) return "."
      return index(path, folder "/") == 1 ? substr(path, length(folder) + 2) : ""
    }
    # The path of the number-th descriptor on the line: strace -y writes 5</the/path>.
    function descriptor(number,   rest, path) {
      rest = $0
      while (number-- > 0) {
        if (!match(rest, /<[^>]*>/)) return ""
        path = substr(rest, RSTART + 1, RLENGTH - 2)
        rest = substr(rest, RSTART + RLENGTH)
      }
      return path
    }
    function named(number, name) {
      return relative(name ~ /^\// ? name : descriptor(number) "/" name)
    }
    {
      sub(/^[0-9]+ +/, "")
      call = $0
      sub(/\(.*/, "", call)
      if ($0 ~ /\) += -1 /) next
      split($0, quoted, "\"")
      # What follows the last name, up to the closing bracket: ", FLAGS, MODE".
      details = quoted[call == "renameat2" || call == "linkat" ? 5 : 3]
      sub(/\) += .*/, "", details)
      gsub(/^, |,/, "", details)
      event = ""
      if (call == "openat" && details ~ /O_CREAT/) event = "create " named(1, quoted[2]) " " details
      if (call == "mkdirat") event = "make-folder " named(1, quoted[2]) " " details
      if (call == "unlinkat") event = "remove " named(1, quoted[2])
      if (call == "renameat2" || call == "linkat") {
        event = (call == "linkat" ? "link " : "rename ") named(1, quoted[2]) " " \
                named(2, quoted[4]) " " details
      }
      if (call ~ /^p?write(64|v)?$/) event = "write " relative(descriptor(1))
      if ($0 ~ /^write\(1</) event = "answer"
      if (call ~ /^f(data)?sync$/) event = "sync " relative(descriptor(1))
      if (call == "close") event = "close " relative(descriptor(1))
      if (event != "" && event !~ /^[a-z-]+ ( |$)/) print event
    }' "$1"
}

# Claims, about the list in $events. Patterns are whole lines of grep -E.
number_of() { # first|last PATTERN
  grep -nxE "$2" "$events" | if [ "$1" = first ]; then head -n 1; else tail -n 1; fi | cut -d: -f1
}

has() { # PATTERN
  grep -qxE "$1" "$events" || { echo "no event: $1"; return 1; }
}

lacks() { # PATTERN
  if grep -qxE "$1" "$events"; then echo "should not be: $1"; return 1; fi
}

before() { # PATTERN PATTERN: every event like the first comes before all like the second
  has "$1" && has "$2" || return 1
  [ "$(number_of last "$1")" -lt "$(number_of first "$2")" ] ||
    { echo "not before: $1 / $2"; return 1; }
}

after_all() { # PATTERN PATTERN: the last event like the first comes after all like the second
  has "$1" && has "$2" || return 1
  [ "$(number_of last "$1")" -gt "$(number_of last "$2")" ] ||
    { echo "not after all: $1 / $2"; return 1; }
}

temporary='run/\.Patient-1\.ndjson\.tmp'
flags='(O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC|\|)+'

check_claims() {
  has "create $temporary $flags 0600" || return 1
  for flag in O_EXCL O_NOFOLLOW O_CLOEXEC; do
    has "create $temporary .*$flag.* 0600" || return 1
  done
  has 'make-folder run 0700' || return 1
  # The folder that was made is durable in its parent before anything in it can be published.
  before 'make-folder run 0700' 'sync \.' || return 1
  before 'sync \.' 'rename .*' || return 1
  before "create $temporary .*" "write $temporary" || return 1
  before "write $temporary" "sync $temporary" || return 1
  before "sync $temporary" "close $temporary" || return 1
  before "close $temporary" "rename $temporary run/Patient-1\\.ndjson RENAME_NOREPLACE" || return 1
  after_all 'sync run' 'rename .*' || return 1
  before 'sync run' 'answer' || return 1
  lacks 'link .*' || return 1
  lacks 'remove .*' || return 1
}

strace -f -y -s 4096 -o "$work/trace" \
  -e trace=openat,write,writev,pwrite64,fsync,fdatasync,renameat2,linkat,unlinkat,mkdirat,close \
  "$program" "$folder" run/ >"$work/name"
[ "$(cat "$work/name")" = run/Patient-1.ndjson ]
[ "$(wc -l <"$folder/run/Patient-1.ndjson")" -eq 2 ]
[ "$(find "$folder" | wc -l)" -eq 3 ]

list_events "$work/trace" >"$work/events"
cat "$work/events"
events=$work/events
check_claims

# A claim that cannot fail proves nothing: each of these lists breaks one.
must_fail() { # WHAT, with the list as input
  cat >"$work/broken"
  events=$work/broken
  if cmp -s "$work/events" "$work/broken"; then
    echo "the list is as before: $1"
    exit 1
  fi
  if check_claims >/dev/null; then
    echo "not noticed: $1"
    exit 1
  fi
}

must_fail "no fsync of the file" <<END
$(grep -vx "sync $temporary" "$work/events")
END
must_fail "no fsync of the folder" <<END
$(grep -vx "sync run" "$work/events")
END
must_fail "no fsync of the folder's parent" <<END
$(grep -vx 'sync \.' "$work/events")
END
must_fail "the name before everything" <<END
$(grep '^rename' "$work/events")
$(grep -v '^rename' "$work/events")
END
must_fail "a write after the fsync" <<END
$(cat "$work/events")
write run/.Patient-1.ndjson.tmp
END
must_fail "an answer before the fsync of the folder" <<END
$(sed 's/^sync run$/answer/' "$work/events")
sync run
END
must_fail "no RENAME_NOREPLACE" <<END
$(sed 's/ RENAME_NOREPLACE//' "$work/events")
END
for flag in O_EXCL O_NOFOLLOW O_CLOEXEC; do
  must_fail "no $flag" <<END
$(sed "s/|$flag//" "$work/events")
END
done
must_fail "another mode" <<END
$(sed 's/0600/0644/' "$work/events")
END
must_fail "the file removed in between" <<END
remove run/Patient-1.ndjson
$(cat "$work/events")
END
echo "the order of calls is as promised"

#!/bin/sh
# No function of the library, the examples and the measurements is too tangled or too long.
#
#   complexity.sh ROOT
#
# McCabe's number is one more than the branches that CONTRIBUTING.md tells; a switch is one branch here,
# while abi.rules counts the cases of those in lib/. pmccabe takes a macro in capital letters in front of a
# function for its name, and a table behind one for its lines.
set -eu
cd "$1"
find lib examples bench -name '*.c' -exec pmccabe {} + 2>/dev/null | sort -k 1,1nr -k 5,5nr |
  awk -F '\t' -v number_max=16 -v lines_max=100 '
    { count++; sum += $1 }
    NR == 1 { most = $1 }
    $1 > number_max { faults++; print "complexity: " $6 " has " $1 ", more than " number_max }
    $6 !~ /: [A-Z_]+$/ { lines += $5; if ($5 > longest) longest = $5 }
    $6 !~ /: [A-Z_]+$/ && $5 > lines_max { faults++; print "complexity: " $6 " has " $5 " lines" }
    count <= 10 { print "complexity: " $1 " " $6 }
    END {
      if (count < 3000) { print "complexity: pmccabe told of " count " functions only"; exit 1 }
      printf "complexity: %d functions, on average %.1f, at most %d; %.1f lines, at most %d\n",
        count, sum / count, most, lines / count, longest
      exit faults > 0
    }'

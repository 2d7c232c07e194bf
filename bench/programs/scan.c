/*
 * The scanner alone (P1): each resource of a file in memory to one checked line, with its facts.
 *
 *   bench_scan [--variant NAME] FILE [TIMES]
 *
 * With --variant, one way to scan in place of the one that this machine gets; status 4 when this
 * machine does not have it.
 */
#include "ndjson/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ndjson/variant.h"
#include "support/stopwatch.h"
#include "support/texts.h"

enum { EXIT_NOT_THERE = 4 };

static fhx__variant chosen;

static bool choose(const char *name) {
  static const char *const names[FHX__VARIANT_COUNT] = {[FHX__VARIANT_PLAIN] = "plain",
                                                        [FHX__VARIANT_SSE2] = "sse2",
                                                        [FHX__VARIANT_SSSE3] = "ssse3",
                                                        [FHX__VARIANT_NEON] = "neon"};
  chosen = fhx__variant_used();
  if (name == NULL) return true;
  for (int i = 0; i < FHX__VARIANT_COUNT; i++) {
    chosen = (fhx__variant)i;
    if (names[i] != NULL && strcmp(name, names[i]) == 0) return fhx__variant_works(chosen);
  }
  return false;
}

static fhx__fault scan_one(const char *in, size_t len, char *out, fhx__scan *scan) {
  return fhx__scan_by(chosen, in, len, out, FHX__DEPTH_DEFAULT, scan, NULL);
}

/* The bytes of all lines; false at the first resource that is refused. */
static bool scan_all(const texts *all, char *line, uint64_t *bytes) {
  for (size_t i = 0; i < all->count; i++) {
    fhx__scan scan;
    size_t len = all->begins[i + 1] - all->begins[i] - 1;
    if (scan_one(all->data + all->begins[i], len, line, &scan) != FHX__FAULT_NONE) {
      fprintf(stderr, "resource %zu %s\n", i, fhx__fault_text(scan.fault));
      return false;
    }
    *bytes += scan.out_len;
  }
  return true;
}

int main(int argc, char **argv) {
  texts all;
  unsigned long times = 0;
  const char *variant = NULL;
  if (argc > 2 && strcmp(argv[1], "--variant") == 0) {
    variant = argv[2];
    argc -= 2;
    argv += 2;
  }
  if (!choose(variant)) {
    fprintf(stderr, "the scanner has no variant \"%s\" here\n", variant);
    return EXIT_NOT_THERE;
  }
  bool done = texts_arguments(argc, argv, &all, &times);
  char *line = done ? malloc(all.longest + 1) : NULL;
  uint64_t bytes = 0;
  stopwatch start = stopwatch_start();
  done = line != NULL;
  for (unsigned long i = 0; i < times && done; i++) done = scan_all(&all, line, &bytes);
  if (done) stopwatch_print(&start, times * all.count, bytes);
  free(line);
  texts_free(&all);
  return done ? 0 : 1;
}

// simdjson's DOM parse of each resource: full validation, and nothing is written.
//
//   bench_simdjson_dom FILE [TIMES]
#include <simdjson.h>

#include <cstdio>

extern "C" {
#include "support/stopwatch.h"
}
#include "support/texts.h"

// The texts lie in one buffer with room behind the last, so simdjson need not copy them.
static_assert(TEXTS_PADDING >= simdjson::SIMDJSON_PADDING, "simdjson reads further");

static bool parse_all(const texts &all, simdjson::dom::parser &parser, uint64_t &bytes) {
  for (size_t i = 0; i < all.count; i++) {
    const size_t len = all.begins[i + 1] - all.begins[i] - 1;
    simdjson::dom::element root;
    if (parser.parse(all.data + all.begins[i], len, false).get(root) != simdjson::SUCCESS) {
      std::fprintf(stderr, "resource %zu was not taken by simdjson\n", i);
      return false;
    }
    bytes += len;
  }
  return true;
}

int main(int argc, char **argv) {
  texts all;
  unsigned long times = 0;
  bool done = texts_arguments(argc, argv, &all, &times);
  uint64_t bytes = 0;
  simdjson::dom::parser parser;
  const stopwatch start = stopwatch_start();
  for (unsigned long i = 0; i < times && done; i++) done = parse_all(all, parser, bytes);
  if (done) stopwatch_print(&start, times * all.count, bytes);
  texts_free(&all);
  return done ? 0 : 1;
}

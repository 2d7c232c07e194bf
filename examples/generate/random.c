/* SplitMix64: a counter with a golden-ratio step, and a mixer that spreads its bits. */
#include "random.h"

#define GOLDEN_STEP UINT64_C(0x9E3779B97F4A7C15)

static uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
  return value ^ (value >> 31);
}

random_state random_for(uint64_t seed, uint64_t a, uint64_t b) {
  random_state state = {mix(mix(mix(seed + GOLDEN_STEP) + a + GOLDEN_STEP) + b + GOLDEN_STEP)};
  return state;
}

uint64_t random_next(random_state *state) {
  state->state += GOLDEN_STEP;
  return mix(state->state);
}

uint32_t random_below(random_state *state, uint32_t count) {
  return (uint32_t)(((random_next(state) >> 32) * count) >> 32);
}

int64_t random_between(random_state *state, int64_t low, int64_t high) {
  uint64_t span = (uint64_t)(high - low) + 1;
  return low + (int64_t)(random_next(state) % span);
}

bool random_chance(random_state *state, uint32_t percent) {
  return random_below(state, 100) < percent;
}

/*
 * Repeatable random numbers. Only 64-bit integer arithmetic, so that a seed gives the same bytes
 * on every machine.
 */
#ifndef GENERATE_RANDOM_H
#define GENERATE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct random_state {
  uint64_t state;
} random_state;

/*
 * A generator of its own for each (seed, a, b): a resource is made from its place in the
 * data alone, whatever was made before it.
 */
random_state random_for(uint64_t seed, uint64_t a, uint64_t b);

uint64_t random_next(random_state *state);

/* A number from 0 to `count` - 1; `count` is at least 1. */
uint32_t random_below(random_state *state, uint32_t count);

/* A number from `low` to `high`, both included. */
int64_t random_between(random_state *state, int64_t low, int64_t high);

/* True in `percent` of 100 cases. */
bool random_chance(random_state *state, uint32_t percent);

#endif

/* Letters without case and accents: the form of the table. */
#ifndef FHX__SELECT_FOLD_TABLE_H
#define FHX__SELECT_FOLD_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define FHX__FOLD_RANGES 3

/* What each letter from `first` to `last` becomes: a letter, or from FHX__FOLD_PAIRS_FROM on the
   number of a pair of them. */
typedef struct fhx__fold_range {
  uint16_t first;
  uint16_t last;
  const uint16_t *letters;
} fhx__fold_range;

#define FHX__FOLD_PAIRS_FROM 0xE000

extern const fhx__fold_range fhx__fold_table[FHX__FOLD_RANGES];
extern const uint16_t fhx__fold_pairs[][2];

#endif

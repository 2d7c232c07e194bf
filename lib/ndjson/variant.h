/*
 * The variants of the scanner: plain C, which knows every fault and its place, and passes with the
 * vectors of the processor, which only know faultless text and leave all else to the plain one. So
 * a variant cannot differ in what it says of a faulty text, unless it takes it for a good one.
 */
#ifndef FHX__NDJSON_VARIANT_H
#define FHX__NDJSON_VARIANT_H

#include "ndjson/scan.h"

typedef enum fhx__variant {
  FHX__VARIANT_PLAIN,
  FHX__VARIANT_SSE2,  /* every x86-64 */
  FHX__VARIANT_SSSE3, /* the same, and a check of UTF-8 with vectors */
  FHX__VARIANT_NEON,  /* every aarch64 */
  FHX__VARIANT_COUNT
} fhx__variant;

/* Whether this build has the variant and this machine can run it. */
bool fhx__variant_works(fhx__variant variant);
/* The one that fhx__scan_resource uses: the last that works. */
fhx__variant fhx__variant_used(void);

/* fhx__scan_resource by a variant that works. */
fhx__fault fhx__scan_by(fhx__variant variant, const void *in, size_t len, void *out,
                        uint32_t depth_max, fhx__scan *scan, fhx__keys *keys);

/* Scans by a variant that works, but not the plain one. False: it is for the plain one to say what
   is wrong, if anything is; *scan and `out` hold anything. */
bool fhx__scan_faultless(fhx__variant variant, const void *in, size_t len, void *out,
                         uint32_t depth_max, fhx__scan *scan, fhx__keys *keys);

#endif

/*
 * One resource in, one checked compact line out, with its facts, in one pass.
 *
 * The check is strict: RFC 8259 grammar, UTF-8, depth, exactly one object, no doubled top-level
 * resourceType, id or meta, a valid resourceType and id. White space outside strings goes; every
 * other byte stays as it is.
 */
#ifndef FHX__NDJSON_SCAN_H
#define FHX__NDJSON_SCAN_H

#include "core/instant.h"
#include "core/names.h"

#define FHX__DEPTH_DEFAULT 100
#define FHX__DEPTH_MAX 1000

typedef enum fhx__fault {
  FHX__FAULT_NONE,
  FHX__FAULT_EMPTY,         /* nothing but white space */
  FHX__FAULT_NOT_OBJECT,    /* begins as JSON of another kind; what follows is not looked at */
  FHX__FAULT_SYNTAX,        /* not JSON; a byte order mark as well */
  FHX__FAULT_TRUNCATED,     /* the input ends inside the object */
  FHX__FAULT_TRAILING,      /* something follows the object */
  FHX__FAULT_UTF8,          /* a string with bytes that are not well-formed UTF-8 */
  FHX__FAULT_DEPTH,         /* nested too deeply */
  FHX__FAULT_DOUBLED_KEY,   /* resourceType, id or meta twice at the top level */
  FHX__FAULT_RESOURCE_TYPE, /* no resourceType, or not the form of one */
  FHX__FAULT_ID,            /* no id, or not the form of one */
  FHX__FAULT_LINE           /* a line break in a row that has to be a line as it is */
} fhx__fault;

/* What is known of a resource; after a fault, what was seen before it. Empty text: not known. Of
   several lastUpdated in one meta the last decides. */
typedef struct fhx__facts {
  char resource_type[FHX__TYPE_MAX + 1];
  char id[FHX__ID_MAX + 1];
  bool has_updated; /* meta.lastUpdated is there and an instant */
  fhx__instant updated;
} fhx__facts;

typedef struct fhx__scan {
  fhx__fault fault;
  /* The byte of the input at which the fault was seen: of a sequence of bytes, a doubled key, or a
     resourceType or id that has not the form of one, the first; for missing keys, the closing
     brace; where the input ends too early, `len`. 0 without a fault. */
  size_t offset;
  /* The length of the line, without a line feed, also when it is not written. When it is `len`,
     the input is the line. 0 after a fault. */
  size_t out_len;
  fhx__facts facts;
} fhx__scan;

/*
 * The keys of the resource (depth 1) and of its `meta` (depth 2), in the order of its line: where
 * the opening quote stands, and how long the key is between its quotes. Behind it are a colon and
 * the value, up to the comma before the next key or the closing brace.
 */
typedef struct fhx__key {
  size_t begin;
  size_t len;
  uint32_t depth;
} fhx__key;

/* More than FHX__KEYS_MAX are only counted. */
#define FHX__KEYS_MAX 64
typedef struct fhx__keys {
  size_t count;
  fhx__key at[FHX__KEYS_MAX];
} fhx__keys;

/*
 * Scans `len` bytes at `in`. Writes the line to `out`, which has room for `len` bytes and does not
 * overlap `in`; NULL: only checks. Returns scan->fault. No allocation, no recursion; depth_max is
 * 1 to FHX__DEPTH_MAX. The bytes of `out` behind the line, and all after a fault, hold anything.
 *
 * An escaped surrogate without its other half ("\ud800") is within the grammar of RFC 8259 and
 * passes byte for byte, although some strict readers refuse it.
 */
fhx__fault fhx__scan_resource(const void *in, size_t len, void *out, uint32_t depth_max,
                              fhx__scan *scan);

/* The same, noting the keys as well (NULL: not); after a fault they are of no use. */
fhx__fault fhx__scan_keys(const void *in, size_t len, void *out, uint32_t depth_max,
                          fhx__scan *scan, fhx__keys *keys);

/*
 * Looks at a resource whose source vouches for it: the input is the line. It has to begin with a
 * brace and end with one, and have no line break; resourceType, id and meta.lastUpdated are found
 * in any order and have to be what fhx__scan_resource asks of them. The rest is not looked at, and
 * what follows the last of the facts not even skipped, so doubled keys may pass; of several
 * lastUpdated the first instant decides. No allocation, no recursion.
 */
fhx__fault fhx__scan_trusted(const void *in, size_t len, fhx__scan *scan);

/* What the fault is, for a person: "is not valid UTF-8". A static string. */
const char *fhx__fault_text(fhx__fault fault);

/* Strips white space outside strings from text that fhx__scan_resource has accepted, in pieces of
   any length. Zeroed at the beginning of a resource. */
typedef struct fhx__strip {
  bool in_string;
  bool escaped;
} fhx__strip;

/* Strips `len` bytes at `in` to `out` (room for `len`) and returns how many were written. */
size_t fhx__strip_piece(fhx__strip *strip, const void *in, size_t len, void *out);

#endif

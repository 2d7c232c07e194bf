/* The shared credentials file: profiles in the form of an INI file. */
#ifndef FHX__S3_PROFILE_H
#define FHX__S3_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

/* A stretch of the file's text; NULL where nothing was found. */
typedef struct fhx__s3_span {
  const char *data;
  size_t len;
} fhx__s3_span;

typedef struct fhx__s3_profile {
  fhx__s3_span access_key_id;
  fhx__s3_span secret_access_key;
  fhx__s3_span session_token;
} fhx__s3_profile;

/*
 * Looks a profile up in the text of a file. Whether it is there; what it lacks, or has with an
 * empty value, stays NULL. Lines that are nothing known are passed over, as the other tools that
 * read this file do; of a key that is there twice the last one counts.
 */
bool fhx__s3_profile_find(const char *text, size_t len, const char *name, fhx__s3_profile *profile);

#endif

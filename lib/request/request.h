/*
 * A kick-off as it came, and what it asks for: URL, headers and parameters to an export request.
 * Nothing here knows jobs or HTTP answers; a refusal is a problem that the protocol room turns into
 * one.
 */
#ifndef FHX__REQUEST_REQUEST_H
#define FHX__REQUEST_REQUEST_H

#include <fhirexport/filter.h>
#include <stdbool.h>

#include "core/buffer.h"
#include "core/error.h"
#include "request/rules.h"

/* Why a request is refused: an HTTP status (4xx), a FHIR issue code and a sentence that names
   the parameter and says what to change. No value of a parameter is ever in the sentence, except
   type names, elements and values of includeAssociatedData that have the form of one, and names of
   parameters, of modifiers too, that are short and printable. */
typedef struct fhx__problem {
  uint32_t http_status;
  const char *issue_code;
  char text[512];
} fhx__problem;

/* Fills a problem and returns FHX_ERR_ARGUMENT. */
int32_t fhx__refuse(fhx__problem *problem, uint32_t http_status, const char *issue_code,
                    const char *format, ...) FHX__PRINTF(4);

/* --- parameters, wherever they stood --- */

/* As what a value came; bits, so that a parameter can say what it takes (PARAM-26). */
#define FHX__VALUE_QUERY 1u
#define FHX__VALUE_STRING 2u
/* valueCode or valueUri. */
#define FHX__VALUE_CODE 4u
/* valueInstant or valueDateTime. */
#define FHX__VALUE_TIME 8u
/* A valueReference with a `reference`, which is the value. */
#define FHX__VALUE_REFERENCE 16u
/* A valueBoolean: "true" or "false". */
#define FHX__VALUE_BOOLEAN 32u
/* Anything else, or nothing; the value is "". */
#define FHX__VALUE_OTHER 64u
#define FHX__VALUE_BASE64 128u
/* A valuePositiveInt, valueUnsignedInt or valueInteger: the number as it was written. */
#define FHX__VALUE_NUMBER 256u
/* A valueCoding with a `code`, which is the value: of the IG's code system, or of none; or of
   another one. */
#define FHX__VALUE_CODING 512u
#define FHX__VALUE_FOREIGN_CODING 1024u

/* A name and value, decoded, UTF-8 and without control characters, in the order they came. */
typedef struct fhx__parameter {
  const char *name;
  const char *value;
  uint32_t kind;
} fhx__parameter;

/* --- the target: path and query --- */

typedef struct fhx__target {
  /* All of it is one block, which is overwritten when it is freed: a query may hold secrets. */
  size_t byte_count;
  /* The path's segments, each decoded by itself, so that an encoded slash never divides. */
  char **segments;
  size_t segment_count;
  fhx__parameter *parameters;
  size_t parameter_count;
} fhx__target;

/*
 * Reads "/path?query". Percent-decoding is done once; `+` is a space in the query only. Broken
 * encodings, NUL, control characters, invalid UTF-8, `.` and `..` and empty segments (a single
 * trailing slash apart) are 400; a target longer than `bytes_max` is 414. FHX_OK,
 * FHX_ERR_ARGUMENT with a problem, or FHX_ERR_NO_MEMORY. (PARAM-28, ERR-07, ERR-08)
 */
int32_t fhx__target_read(const char *target, uint64_t bytes_max, fhx__target *read,
                         fhx__problem *problem);
void fhx__target_free(fhx__target *target);

/* --- the body of a POST --- */

typedef struct fhx__body {
  fhx__parameter *parameters;
  size_t parameter_count;
  /* What the parameters' texts are part of. */
  struct fhx__json_node *root;
} fhx__body;

/*
 * Reads a Parameters resource; no byte at all is one without parameters. 400 for what is not JSON,
 * not an object, not a Parameters resource, nested too deeply, has a key twice in an object, or a
 * parameter without a name or with more than one of value, resource and part. FHX_OK,
 * FHX_ERR_ARGUMENT with a problem, or FHX_ERR_NO_MEMORY. (KICK-21, PARAM-26, PARAM-28, ERR-08)
 */
int32_t fhx__body_read(const void *data, size_t len, fhx__body *body, fhx__problem *problem);
void fhx__body_free(fhx__body *body);

/* --- headers --- */

/* What the Accept and Prefer headers of a kick-off say. */
typedef struct fhx__preferences {
  bool respond_async;
  bool handling_lenient;
  bool separate_export_status;
} fhx__preferences;

/*
 * Reads names and values in turn. Prefer by RFC 7240: several headers, lists, parameters behind
 * `;`, names without case; unknown ones are ignored (KICK-11, KICK-12). An Accept that admits none
 * of application/fhir+json and application/json is 406 (KICK-09); q=0 excludes.
 */
int32_t fhx__preferences_read(const char *const *headers, size_t header_count,
                              fhx__preferences *preferences, fhx__problem *problem);

/*
 * Whether a body is JSON by what its Content-Type says: application/fhir+json or application/json,
 * of no charset or UTF-8. Otherwise, and without the header, 415 (KICK-21).
 */
int32_t fhx__content_type_check(const char *const *headers, size_t header_count,
                                fhx__problem *problem);

/*
 * Which content coding an Accept-Encoding asks for of a file that is there in gzip and can be
 * unpacked (FILE-06; RFC 9110, 12.5.3): the one with the higher quality, gzip where it is level
 * with identity. Without the header it is identity, which every client takes.
 */
typedef enum fhx__coding {
  FHX__CODING_IDENTITY,
  FHX__CODING_GZIP,
  /* Both are excluded. */
  FHX__CODING_NONE
} fhx__coding;

fhx__coding fhx__coding_read(const char *const *headers, size_t header_count);

/* The first header of that name (without case), or NULL. */
const char *fhx__header(const char *const *headers, size_t header_count, const char *name);

/* --- the export request --- */

typedef enum fhx__export_level {
  FHX__LEVEL_SYSTEM,
  FHX__LEVEL_PATIENT,
  FHX__LEVEL_GROUP
} fhx__export_level;

/* A kick-off, by GET or by POST. */
typedef struct fhx__kick_off {
  fhx__export_level level;
  /* A FHIR id, of a Group export. */
  const char *group_id;
  const fhx__parameter *parameters;
  size_t parameter_count;
  /* The server's, below which a reference to a patient may stand. */
  const char *base_url;
  bool lenient;
  /* With commas between; NULL: all. */
  const char *permitted_types;
  /* By the rules of the ballot of STU4, not by those of STU1 to STU3. */
  bool by_ballot;
} fhx__kick_off;

/* Where a client wants its files: a place of its own. The texts are the parameters', and what they
   hold goes nowhere but there. */
#define FHX__DESTINATION_TYPE "_destinationType"
#define FHX__DESTINATION_SETTINGS "_destinationConnectionSettings"
#define FHX__DESTINATION_CONTAINER "_container"
typedef struct fhx__wanted_destination {
  /* NULL: the server's. */
  const char *type;
  const fhx__parameter *settings;
  /* NULL: not named. */
  const char *container;
} fhx__wanted_destination;

/* Whether a parameter of this name says where files go. */
bool fhx__is_of_destination(const char *name);

/* Whether containers can have this name: 3 to 63 small letters, digits and single hyphens, without
   a hyphen at either end. */
bool fhx__is_container_name(const char *name);

/*
 * The connection string that the settings hold, terminated, in a buffer that was empty and is to be
 * wiped in any case. In a query a `+` that was not encoded has become a space. FHX_OK,
 * FHX_ERR_ARGUMENT with a problem, or FHX_ERR_NO_MEMORY.
 */
int32_t fhx__connection_string(const fhx__parameter *settings, fhx__buffer *text,
                               fhx__problem *problem);

/* What a kick-off asks for. A parameter that was skipped because of handling=lenient leaves a
   sentence in `skipped`, each terminated by a NUL. */
typedef struct fhx__export_request {
  fhx_filter *filter;
  fhx__buffer skipped;
  /* The types are those that the client may read, not those that it has named. */
  bool takes_permitted;
  /* organizeOutputBy=Patient */
  bool by_patient;
  bool allows_partial_manifests;
  /* FHX_PROVENANCE_... of fhirexport/job.h. */
  uint32_t provenance;
  /* How long files are to be; 0: as the server has it. */
  uint64_t file_bytes_min;
  uint64_t file_bytes_max;
  /* Of this export, those of the server and of includeAssociatedData, with commas between and a NUL
     at the end; "": none, as with by_patient. */
  fhx__buffer associated_types;
  fhx__wanted_destination destination;
} fhx__export_request;

/*
 * Reads _outputFormat (three spellings, PARAM-03), _type (comma list and repeated, doubles once,
 * PARAM-08, -10, -12), _since and _until (instants, in a query with a space where an unencoded +
 * stood, PARAM-04 to -07), patient (references, below Patient and Group only, PARAM-14, -16),
 * _elements (comma list and repeated, PARAM-13), _typeFilter (comma list of queries and repeated,
 * of types of _type only, where that is given, PARAM-18 to -22), organizeOutputBy (Patient,
 * PARAM-23), allowPartialManifests (true or false, PARAM-24) and includeAssociatedData (comma list
 * and repeated, the two of the IG and the host's own, PARAM-17; of both provenance values the
 * larger, FILTER-19; not with organizeOutputBy), by the ballot _minimumFileSize and
 * _maximumFileSize (PARAM-27) and no comma lists (PARAM-09), _destinationType,
 * _destinationConnectionSettings and _container (never skipped: no export goes elsewhere than it
 * was asked to); given twice where that is not allowed: 400 (PARAM-25); an empty value counts as
 * absent (PARAM-29); any other name: 400 naming it (PARAM-01), or skipped when `lenient`
 * (PARAM-02), as are values that this server does not know or cannot follow, queries among them,
 * unknown types, and those that an export of patients cannot have (PARAM-11). The permitted types
 * bound _type and _typeFilter: naming another is 403 with code "forbidden" (AUTH-18), as is asking
 * for Provenance without the right to read it, and a Group export by a client that may not read
 * Groups (KICK-18); without _type they are the list of types. FHX_OK, FHX_ERR_ARGUMENT with a
 * problem, or FHX_ERR_NO_MEMORY.
 */
int32_t fhx__export_request_read(const fhx__export_rules *rules, const fhx__kick_off *kick_off,
                                 fhx__export_request *request, fhx__problem *problem);
void fhx__export_request_free(fhx__export_request *request);

/* The names of the parameters, each once, with commas between: those that there are, and
   "(unknown)" for any other, which may be anything. For logs, that must not have their values. */
#define FHX__PARAMETER_NAMES_MAX 256
void fhx__export_parameter_names(const fhx__kick_off *kick_off,
                                 char names[FHX__PARAMETER_NAMES_MAX]);

/* --- ranges --- */

/*
 * A Range header for a body of `length` bytes: FHX_OK with first and count (206), FHX_END for none
 * or one that is not understood (200, the whole), FHX_ERR_LIMIT when it cannot be satisfied (416).
 * One range only; several count as not understood. (FILE-13)
 */
int32_t fhx__range_read(const char *value, uint64_t length, uint64_t *first, uint64_t *count);

#endif

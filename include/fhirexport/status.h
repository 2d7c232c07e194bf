/*
 * fhirexport/status.h: what functions return.
 *
 * 0 is done, a positive value is a normal answer that is not "done", a negative one an error.
 * Values never change their meaning; new ones may be added, so treat an unknown negative value
 * as an error.
 *
 * Of all functions here: Threads: any. Memory: texts are static. Since 0.9.0.
 */
#ifndef FHIREXPORT_STATUS_H
#define FHIREXPORT_STATUS_H

#include <fhirexport/api.h>

/* Done. */
#define FHX_OK 0
/* There is no more: the cursor is at its end, the job is in a final state. */
#define FHX_END 1
/* Nothing to do at present; ask again later. */
#define FHX_WAIT 2

/* An argument is NULL, out of range or malformed. */
#define FHX_ERR_ARGUMENT (-1)
/* A call that the object's state does not allow (append after finish, and the like). */
#define FHX_ERR_MISUSE (-2)
/* A call from inside a callback that may not make it. */
#define FHX_ERR_REENTRANT (-3)
/* Memory could not be had. */
#define FHX_ERR_NO_MEMORY (-4)
/* A structure's `size` is too small, or its unknown tail is not zero. */
#define FHX_ERR_STRUCT_SIZE (-5)
/* This build, source, destination or store cannot do it. */
#define FHX_ERR_UNSUPPORTED (-6)
/* No such job, task, part, file or resource. */
#define FHX_ERR_NOT_FOUND (-7)
/* Something of that name exists and will not be replaced. */
#define FHX_ERR_EXISTS (-8)
/* A conditional step was definitely not taken: its condition does not hold. */
#define FHX_ERR_REFUSED (-9)
/* It is not known whether the step was taken: the answer was lost. */
#define FHX_ERR_UNKNOWN_OUTCOME (-10)
/* The job was cancelled. */
#define FHX_ERR_CANCELLED (-11)
/* The job has failed; the message says why. */
#define FHX_ERR_JOB_FAILED (-12)
/* A resource was refused: not JSON, wrong type, no valid id, invalid UTF-8, too deep, too long. */
#define FHX_ERR_RESOURCE (-13)
/* The source failed or broke its contract. */
#define FHX_ERR_SOURCE (-14)
/* The destination failed. */
#define FHX_ERR_DESTINATION (-15)
/* The store failed. */
#define FHX_ERR_STORE (-16)
/* Reading or writing a file failed. */
#define FHX_ERR_IO (-17)
/* No space is left. */
#define FHX_ERR_NO_SPACE (-18)
/* Permission was denied. */
#define FHX_ERR_DENIED (-19)
/* A limit of this library or of its options was passed. */
#define FHX_ERR_LIMIT (-20)
/* The callback returned without an answer. */
#define FHX_ERR_NO_ANSWER (-21)
/* A fault of this library. */
#define FHX_ERR_INTERNAL (-22)

FHX_BEGIN_DECLS

/*
 * The name of a status without its prefix ("OK", "NO_SPACE"); "UNKNOWN_STATUS" for a value this
 * library does not know.
 */
FHX_API const char *fhx_status_name(int32_t status);

FHX_END_DECLS

#endif

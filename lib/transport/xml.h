/* Short XML documents that stores answer with, read by expat. */
#ifndef FHX__TRANSPORT_XML_H
#define FHX__TRANSPORT_XML_H

#include <fhirexport/error.h>

/* The longest path, and the longest text of an element that has none below it. */
#define FHX__XML_PATH_MAX 256
#define FHX__XML_TEXT_MAX 65536

/*
 * Called at the end of each element: names from the root on, without name spaces, with slashes
 * between ("Error/Code"); its own text, terminated, when it has no element in it, else "". A status
 * below FHX_OK ends the reading with it.
 */
typedef int32_t (*fhx__xml_visit)(void *context, const char *path, const char *text);

/* FHX_ERR_ARGUMENT for what is not XML, has a DOCTYPE, or is deeper or longer than the limits;
   FHX_ERR_NO_MEMORY. The message holds nothing of the document. */
int32_t fhx__xml_read(const void *data, size_t len, fhx__xml_visit visit, void *context,
                      fhx_error **error);

#endif

/* What this server changes in resources on their way out. */
#ifndef SERVER_HOOKS_H
#define SERVER_HOOKS_H

#include <fhirexport/fhirexport.h>

/* Attachments whose URL is relative, such as `Binary/1`, become absolute, so that a client can
   fetch them (Bulk Data IG, "Attachments"). `user_data` is the server's base URL. */
void hook_attachment(void *user_data, const fhx_query *query, const char *reference,
                     const char *url, fhx_reply *reply);

#endif

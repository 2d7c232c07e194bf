/* Where clients may have their exports written (--client-destinations). */
#ifndef SERVER_CLIENT_DESTINATIONS_H
#define SERVER_CLIENT_DESTINATIONS_H

#include <fhirexport/fhirexport.h>

#include "options.h"

#define CLIENT_HOSTS_MAX 64
#define CLIENT_HOSTS_TEXT_MAX 8192

/* Used by an engine while it is made. */
struct client_destinations {
  char text[CLIENT_HOSTS_TEXT_MAX];
  const char *hosts[CLIENT_HOSTS_MAX];
  fhx_http_options http;
  fhx_client_destinations allowed;
};

/* Sets the engine's option if the command line has one. False, with a message on stderr, for a list
   that is too long. */
bool client_destinations_use(const struct options *options, struct client_destinations *to,
                             fhx_engine_options *engine);

#endif

/* Where clients may have their exports written. What they send stays in this process: a server that
   is to go on with such exports after a restart, or beside others, keeps them in a vault of its own
   (secret_put and its companions). */
#include "client_destinations.h"

#include <string.h>

#include "log.h"

bool client_destinations_use(const struct options *options, struct client_destinations *to,
                             fhx_engine_options *engine) {
  const char *given = options->client_destinations;
  uint64_t count = 0;
  char *place = NULL;
  if (given == NULL) return true;
  FHX_INIT(&to->allowed);
  FHX_INIT(&to->http);
  if (strlen(given) >= sizeof to->text) {
    log_problem("--client-destinations", "the list is too long");
    return false;
  }
  memcpy(to->text, given, strlen(given) + 1);
  for (char *host = strtok_r(to->text, ",", &place); host != NULL;
       host = strtok_r(NULL, ",", &place)) {
    if (count == CLIENT_HOSTS_MAX) {
      log_problem("--client-destinations", "the list has too many hosts");
      return false;
    }
    to->hosts[count++] = host;
  }
  to->http.ca_file = options->client_destinations_ca;
  to->allowed.allowed_hosts = to->hosts;
  to->allowed.allowed_host_count = count;
  to->allowed.http = &to->http;
  to->allowed.container = options->client_destinations_container;
  engine->client_destinations = &to->allowed;
  return true;
}

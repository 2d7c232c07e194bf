/* What clients find out by themselves: /.well-known/smart-configuration, and the
   CapabilityStatement's security. There is no authorization endpoint: no user takes part. */
#include <string.h>

#include "smart_parts.h"

void smart_discovery_answer(const struct smart *smart, const struct request *request,
                            struct answer *answer) {
  struct text *body = &answer->body;
  if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
    answer_refuse_method(answer, "GET, HEAD");
    return;
  }
  text_add_string(body, "{\"token_endpoint\":");
  text_add_json(body, smart->token_url);
  text_add_string(
      body,
      ",\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"],"
      "\"token_endpoint_auth_signing_alg_values_supported\":[\"RS384\",\"ES384\"],"
      "\"grant_types_supported\":[\"client_credentials\"],"
      "\"scopes_supported\":[\"system/*.read\",\"system/*.write\",\"system/*.*\",\"system/*.rs\","
      "\"system/*.cruds\"],"
      "\"capabilities\":[\"client-confidential-asymmetric\",\"permission-v1\",\"permission-v2\"],"
      "\"code_challenge_methods_supported\":[\"S256\"]}");
  answer->status = 200;
  answer_set_type(answer, "application/json");
  answer_add_header(answer, "Cache-Control", "no-store");
}

void smart_add_security(const struct smart *smart, struct text *body) {
  text_add_string(body,
                  "\"security\":{\"extension\":[{\"url\":"
                  "\"http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris\","
                  "\"extension\":[{\"url\":\"token\",\"valueUri\":");
  text_add_json(body, smart->token_url);
  text_add_string(body,
                  "}]}],\"service\":[{\"coding\":[{\"system\":"
                  "\"http://terminology.hl7.org/CodeSystem/restful-security-service\","
                  "\"code\":\"SMART-on-FHIR\"}]}]}");
}

/*
 * A client's assertion (SMART App Launch, "Asymmetric Client Authentication"): a JWT that the
 * client has signed. What is cheap is looked at first; a signature is checked of a known client
 * alone, and the assertion is used up last, so that nobody uses up those of others.
 */
#include <math.h>
#include <string.h>

#include "smart_parts.h"

/* Whether the times allow its use now; `*until_s`: when it cannot be used any more. */
static const char *times_problem(const json_t *payload, int64_t now_s, int64_t *until_s) {
  const json_t *expiry = json_object_get(payload, "exp");
  const json_t *begin = json_object_get(payload, "nbf");
  const json_t *issued = json_object_get(payload, "iat");
  const double now = (double)now_s, end = json_number_value(expiry);
  if (!json_is_number(expiry)) return "it has no exp";
  if (!(end > now - SMART_SKEW_S)) return "it has expired";
  if (!(end <= now + SMART_LIFE_S + SMART_SKEW_S)) return "its exp is too far ahead";
  if (begin != NULL && !(json_is_number(begin) && json_number_value(begin) <= now + SMART_SKEW_S)) {
    return "its nbf is in the future";
  }
  if (issued != NULL &&
      !(json_is_number(issued) && json_number_value(issued) <= now + SMART_SKEW_S)) {
    return "its iat is in the future";
  }
  *until_s = (int64_t)ceil(end) + SMART_SKEW_S;
  return NULL;
}

/* `aud` is a text or a list of texts. */
static bool is_for(const json_t *audience, const char *url) {
  if (json_is_string(audience)) return strcmp(json_string_value(audience), url) == 0;
  for (size_t i = 0; i < json_array_size(audience); i++) {
    const char *one = json_string_value(json_array_get(audience, i));
    if (one != NULL && strcmp(one, url) == 0) return true;
  }
  return false;
}

static const char *header_problem(const json_t *header, const struct smart_client *client) {
  const char *alg = smart_json_text(header, "alg");
  const json_t *url = json_object_get(header, "jku");
  if (alg == NULL || (strcmp(alg, "RS384") != 0 && strcmp(alg, "ES384") != 0)) {
    return "its alg is neither RS384 nor ES384";
  }
  if (smart_json_text(header, "kid") == NULL) return "it has no kid";
  if (url != NULL && (client->jwks_uri == NULL || !json_is_string(url) ||
                      strcmp(json_string_value(url), client->jwks_uri) != 0)) {
    return "its jku is not the URL that is registered";
  }
  return NULL;
}

static const char *problem_of(const struct smart *smart, const struct smart_jws *jws, int64_t now_s,
                              const struct smart_client **client, int64_t *until_s) {
  const char *issuer = smart_json_text(jws->payload, "iss");
  const char *subject = smart_json_text(jws->payload, "sub");
  const char *id = smart_json_text(jws->payload, "jti");
  if (issuer == NULL || subject == NULL || strcmp(issuer, subject) != 0) {
    return "its iss and sub are not the same";
  }
  *client = smart_clients_find(&smart->clients, issuer);
  if (*client == NULL) return "its client is not registered";
  const char *problem = header_problem(jws->header, *client);
  if (problem != NULL) return problem;
  if (!is_for(json_object_get(jws->payload, "aud"), smart->token_url)) {
    return "its aud is not the URL of the token endpoint";
  }
  problem = times_problem(jws->payload, now_s, until_s);
  if (problem != NULL) return problem;
  if (id == NULL || *id == '\0') return "it has no jti";
  if (!smart_keys_have_signed((*client)->keys, jws, smart_json_text(jws->header, "alg"),
                              smart_json_text(jws->header, "kid"))) {
    return "no registered key has signed it";
  }
  return NULL;
}

enum smart_verdict smart_assertion_check(struct smart *smart, const char *assertion, int64_t now_s,
                                         const struct smart_client **client, const char **why) {
  struct smart_jws jws;
  int64_t until_s = 0;
  enum smart_verdict verdict = SMART_REFUSED;
  *why = "it is not a JWT";
  if (smart_jws_read(assertion, &jws)) *why = problem_of(smart, &jws, now_s, client, &until_s);
  if (*why == NULL) {
    enum smart_use use = smart_replay_use(smart->replay, (*client)->id,
                                          smart_json_text(jws.payload, "jti"), now_s, until_s);
    verdict = use == SMART_FIRST_USE ? SMART_BELIEVED : SMART_REFUSED;
    if (use == SMART_USED_BEFORE) *why = "its jti was used before";
    if (use == SMART_NOT_KNOWN) verdict = SMART_UNAVAILABLE;
  }
  smart_jws_free(&jws);
  return verdict;
}

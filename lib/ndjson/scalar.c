/* Numbers and literals. Their text is passed, never converted: FHIR decimals keep their digits. */
#include "ndjson/scanner.h"

static bool is_digit(unsigned char c) {
  return c >= '0' && c <= '9';
}

static const unsigned char *pass_literal(fhx__scanner *scanner, const unsigned char *at,
                                         const char *literal) {
  for (; *literal != '\0'; at++, literal++) {
    if (at == scanner->end) return fhx__stop(scanner, FHX__FAULT_TRUNCATED, at);
    if (*at != (unsigned char)*literal) return fhx__stop(scanner, FHX__FAULT_SYNTAX, at);
  }
  return at;
}

/* Passes one digit or more. */
static const unsigned char *pass_digits(fhx__scanner *scanner, const unsigned char *at) {
  const unsigned char *end = scanner->end;
  if (at == end) return fhx__stop(scanner, FHX__FAULT_TRUNCATED, at);
  if (!is_digit(*at)) return fhx__stop(scanner, FHX__FAULT_SYNTAX, at);
  do at++;
  while (at < end && is_digit(*at));
  return at;
}

/* What follows a number shows whether it has ended; a digit behind a leading 0 is a fault there. */
static const unsigned char *pass_number(fhx__scanner *scanner, const unsigned char *at) {
  const unsigned char *end = scanner->end;
  if (*at == '-') at++;
  at = at < end && *at == '0' ? at + 1 : pass_digits(scanner, at);
  if (at != NULL && at < end && *at == '.') at = pass_digits(scanner, at + 1);
  if (at != NULL && at < end && (*at == 'e' || *at == 'E')) {
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    at = pass_digits(scanner, at);
  }
  return at;
}

const unsigned char *fhx__pass_scalar(fhx__scanner *scanner, const unsigned char *at) {
  switch (*at) {
    case 't':
      return pass_literal(scanner, at, "true");
    case 'f':
      return pass_literal(scanner, at, "false");
    case 'n':
      return pass_literal(scanner, at, "null");
    default:
      return *at == '-' || is_digit(*at) ? pass_number(scanner, at)
                                         : fhx__stop(scanner, FHX__FAULT_SYNTAX, at);
  }
}

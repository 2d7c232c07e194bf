/* What has come of one try: an answer, something that may be better next time, or the end. */
#include <openssl/x509_vfy.h>

#include "core/clock.h"
#include "transport/work.h"

typedef struct verdict {
  int32_t status;
  /* Whether trying again may help: now, and for whoever meets the error later. */
  bool repeats;
  bool retryable;
  const char *reason;
} verdict;

static const char *certificate_reason(CURL *easy, CURLcode code) {
  long result = 0;
  if (code == CURLE_SSL_CACERT_BADFILE) {
    return "the certificates of authorities (ca_file, or the system's) cannot be read";
  }
  if (code != CURLE_PEER_FAILED_VERIFICATION) return curl_easy_strerror(code);
  curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
  switch (result) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED: /* not looked at yet: libcurl compares names first */
      return "the server's certificate is not one for this host";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the server's certificate is not valid yet: the clocks may differ";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the server's certificate has expired, or this machine's clock is wrong";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
      return "the server's certificate is of no authority that is believed here (ca_file)";
    default:
      return curl_easy_strerror(code);
  }
}

static bool is_about_certificates(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_ISSUER_ERROR ||
         code == CURLE_SSL_INVALIDCERTSTATUS || code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

/* What would go wrong the same way again. */
static bool is_final(const fhx__work *work, CURLcode code) {
  return code == CURLE_URL_MALFORMAT || code == CURLE_NOT_BUILT_IN ||
         code == CURLE_BAD_FUNCTION_ARGUMENT || code == CURLE_UNKNOWN_OPTION ||
         (code == CURLE_UNSUPPORTED_PROTOCOL && work->sendings == 0);
}

static verdict judge_answer(fhx__work *work) {
  const fhx__transfer *transfer = work->transfer;
  bool repeats = fhx__retry_helps(transfer->http_status) ||
                 (transfer->again != NULL && transfer->again(transfer->context, transfer));
  return (verdict){FHX_OK, repeats, false, ""};
}

static verdict judge(fhx__work *work, CURLcode code) {
  if (code == CURLE_OK) return judge_answer(work);
  if (work->stopped == FHX_ERR_NO_MEMORY || code == CURLE_OUT_OF_MEMORY) {
    return (verdict){FHX_ERR_NO_MEMORY, false, true, "out of memory"};
  }
  if (work->stopped == FHX_ERR_LIMIT) {
    bool repeats = fhx__retry_helps(work->transfer->http_status);
    return (verdict){FHX_ERR_LIMIT, repeats, false, "the server's answer is longer than allowed"};
  }
  if (work->refused_addresses > 0 && work->opened_sockets == 0) {
    return (verdict){FHX_ERR_DENIED, false, false,
                     "the server's address is not one of the public Internet"};
  }
  if (is_about_certificates(code)) {
    return (verdict){FHX_ERR_DENIED, false, false, certificate_reason(work->easy, code)};
  }
  bool repeats = !is_final(work, code);
  return (verdict){FHX_ERR_IO, repeats, repeats, curl_easy_strerror(code)};
}

/* When the next attempt may begin. */
static int64_t next_due_us(const fhx__work *work) {
  int64_t pause_us = fhx__backoff_us(work->transfer->attempts);
  int64_t wanted_us =
      fhx__retry_after_us(fhx__transfer_header(work->transfer, "Retry-After"), fhx__clock_now_us());
  return fhx__clock_monotonic_us() + (wanted_us > pause_us ? wanted_us : pause_us);
}

bool fhx__outcome_is_retry(fhx__work *work, CURLcode code) {
  fhx__transfer *transfer = work->transfer;
  long http_status = 0;
  curl_easy_getinfo(work->easy, CURLINFO_RESPONSE_CODE, &http_status);
  transfer->http_status = (uint32_t)http_status;
  /* libcurl takes a head that breaks off for one that has ended. */
  if (code == CURLE_OK && (!work->has_head || http_status < 200)) code = CURLE_GOT_NOTHING;
  if (code != CURLE_OK && work->sendings > 0) transfer->in_doubt = true;
  verdict found = judge(work, code);
  if (found.repeats) {
    work->due_us = next_due_us(work);
    if (work->due_us < work->until_us && fhx__work_takes_retry(work)) return true;
  } else if (found.status == FHX_OK) {
    fhx__work_gives_retry_back(work);
  }
  fhx__transfer_settle(transfer, found.status, found.retryable, found.reason);
  return false;
}

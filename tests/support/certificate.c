/* A key and a certificate that is signed by itself. */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/scripted_parts.h"

static void need(int holds) {
  if (holds != 1) abort();
}

static void add_extension(X509 *certificate, int name, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, name, value);
  need(extension != NULL);
  need(X509_add_ext(certificate, extension, -1));
  X509_EXTENSION_free(extension);
}

void test_certificate_make(SSL_CTX *tls, const char *host, const char *path) {
  unsigned char address[sizeof(struct in6_addr)];
  bool is_address =
      inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
  char alternative[300];
  unsigned char authority[40];
  uint32_t number = 0;
  /* No two have one name. */
  need(RAND_bytes((unsigned char *)&number, (int)sizeof number));
  snprintf((char *)authority, sizeof authority, "scripted %u", number);
  snprintf(alternative, sizeof alternative, "%s:%s", is_address ? "IP" : "DNS", host);
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  need(key != NULL && certificate != NULL);
  need(X509_set_version(certificate, X509_VERSION_3));
  need(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1));
  need(X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL);
  need(X509_gmtime_adj(X509_getm_notAfter(certificate), 86400) != NULL);
  X509_NAME *name = X509_get_subject_name(certificate);
  need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, authority, -1, -1, 0));
  need(X509_set_issuer_name(certificate, name));
  need(X509_set_pubkey(certificate, key));
  add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate, NID_subject_alt_name, alternative);
  need(X509_sign(certificate, key, EVP_sha256()) > 0);
  need(SSL_CTX_use_certificate(tls, certificate));
  need(SSL_CTX_use_PrivateKey(tls, key));
  FILE *file = fopen(path, "w");
  need(file != NULL);
  need(PEM_write_X509(file, certificate));
  fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

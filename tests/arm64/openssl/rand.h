/* Stands in for OpenSSL's where that is not there for aarch64: core/names.c, which the scanner needs, draws
   job ids with it, which the scanner does not need. Nothing that is run calls it. */
#ifndef TEST_ARM64_RAND_H
#define TEST_ARM64_RAND_H

int RAND_bytes(unsigned char *bytes, int count);

#endif

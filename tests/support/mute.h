/* Callbacks that never answer, where it is enough that they are there. */
#ifndef TEST_SUPPORT_MUTE_H
#define TEST_SUPPORT_MUTE_H

#include <fhirexport/fhirexport.h>

/* Those that each source needs. */
void test_mute_source(fhx_source_callbacks *callbacks);

/* Those that each destination needs. */
void test_mute_destination(fhx_destination_callbacks *callbacks);

#endif

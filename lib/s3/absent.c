/* What stands in for the S3 destination in a library that was built without it. */
#include <fhirexport/s3.h>

#include "core/error.h"
#include "core/structs.h"

FHX__DEFINE_INIT(fhx_s3_credentials)
FHX__DEFINE_INIT(fhx_s3_options)

int32_t fhx_reply_s3_credentials(fhx_reply *reply, const fhx_s3_credentials *credentials) {
  (void)credentials;
  return reply == NULL ? FHX_ERR_ARGUMENT : FHX_ERR_UNSUPPORTED;
}

int32_t fhx_s3_destination_new(const fhx_s3_options *options, fhx_destination **destination,
                               fhx_error **error) {
  fhx_s3_options copy;
  (void)destination;
  int32_t status = fhx__struct_in(&copy, sizeof copy, options, "fhx_s3_options", error);
  if (status != FHX_OK) return status;
  if (copy.destroy != NULL) copy.destroy(copy.user_data);
  return fhx__fail(error, FHX_ERR_UNSUPPORTED, "this library was built without S3");
}

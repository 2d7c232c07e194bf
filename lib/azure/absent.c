/* Where the library is built without Azure: its functions are there, and say so. */
#include <fhirexport/azure.h>

#include "core/error.h"
#include "core/structs.h"

FHX__DEFINE_INIT(fhx_azure_options)

int32_t fhx_azure_destination_new(const fhx_azure_options *options, fhx_destination **destination,
                                  fhx_error **error) {
  fhx_azure_options copy;
  (void)destination;
  int32_t status = fhx__struct_in(&copy, sizeof copy, options, "fhx_azure_options", error);
  if (status != FHX_OK) return status;
  if (copy.destroy != NULL) copy.destroy(copy.user_data);
  return fhx__fail(error, FHX_ERR_UNSUPPORTED, "this library was built without Azure");
}

int32_t fhx_reply_token(fhx_reply *reply, const char *token, int64_t expires_us) {
  (void)token;
  (void)expires_us;
  if (reply == NULL) return FHX_ERR_ARGUMENT;
  /* No callback asks for one. */
  fhx_reply_fail(reply, FHX_ERR_UNSUPPORTED, 0, "this library was built without Azure");
  return FHX_ERR_MISUSE;
}

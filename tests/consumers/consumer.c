/* A program outside the tree: prints the library's version and makes a few of its objects. */
#include <fhirexport/fhirexport.h>
#include <stdio.h>

static int32_t use_library(const char *folder, fhx_error **error) {
  fhx_filter *filter = NULL;
  fhx_destination *destination = NULL;
  fhx_writer *writer = NULL;
  fhx_directory_options directory;
  fhx_writer_options options;
  FHX_INIT(&directory);
  FHX_INIT(&options);
  directory.path = folder;
  options.resource_type = "Patient";
  int32_t status = fhx_filter_new(&filter, error);
  if (status == FHX_OK) status = fhx_filter_add_type(filter, "Patient", error);
  if (status == FHX_OK) status = fhx_directory_destination_new(&directory, &destination, error);
  if (status == FHX_OK) status = fhx_writer_new(&options, destination, &writer, error);
  fhx_writer_free(writer);
  fhx_destination_free(destination);
  fhx_filter_free(filter);
  return status;
}

int main(int argc, char **argv) {
  fhx_error *error = NULL;
  if (argc != 2) return 2;
  if (use_library(argv[1], &error) != FHX_OK) {
    fprintf(stderr, "%s\n", fhx_error_message(error));
    fhx_error_free(error);
    return 1;
  }
  printf("%s\n", fhx_version());
  return 0;
}

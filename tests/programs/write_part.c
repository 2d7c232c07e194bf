/* Writes two Patients as one part into a folder: write_part FOLDER PREFIX. Prints the part's name.
   It is what tests/strace_order.sh looks over the shoulder of. */
#include <fhirexport/writer.h>
#include <stdio.h>
#include <string.h>

static const char *const patients[] = {
    "{\"resourceType\": \"Patient\", \"id\": \"a\"}",
    "{\"resourceType\": \"Patient\", \"id\": \"b\", \"active\": true}",
};

static int32_t write_all(fhx_writer *writer, fhx_error **error) {
  for (size_t i = 0; i < sizeof patients / sizeof patients[0]; i++) {
    int32_t status = fhx_writer_append(writer, patients[i], strlen(patients[i]), error);
    if (status != FHX_OK) return status;
  }
  return fhx_writer_finish(writer, error);
}

int main(int argument_count, char **arguments) {
  fhx_destination *destination = NULL;
  fhx_writer *writer = NULL;
  fhx_error *error = NULL;
  fhx_directory_options folder;
  fhx_writer_options options;
  if (argument_count != 3) {
    fprintf(stderr, "use: write_part FOLDER PREFIX\n");
    return 2;
  }
  FHX_INIT(&folder);
  folder.path = arguments[1];
  FHX_INIT(&options);
  options.resource_type = "Patient";
  options.name_prefix = arguments[2];
  int32_t status = fhx_directory_destination_new(&folder, &destination, &error);
  if (status == FHX_OK) status = fhx_writer_new(&options, destination, &writer, &error);
  if (status == FHX_OK) status = write_all(writer, &error);
  if (status == FHX_OK) {
    printf("%s\n", fhx_part_name(fhx_writer_part(writer, 0)));
    /* At once, so that the trace shows when the library said that all is done. */
    fflush(stdout);
  }
  if (status != FHX_OK) fprintf(stderr, "write_part: %s\n", fhx_error_message(error));
  fhx_error_free(error);
  fhx_writer_free(writer);
  fhx_destination_free(destination);
  return status == FHX_OK ? 0 : 1;
}

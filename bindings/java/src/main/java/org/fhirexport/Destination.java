package org.fhirexport;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.nio.file.Path;

/** Where parts go. Engines keep what they need of it. */
public final class Destination extends Handle {
  private Destination(Pointer pointer) {
    super(pointer);
  }

  /** A folder that exists; the engine serves its files by signed links. */
  public static Destination directory(Path folder) {
    Lib.fhx_directory_options options = new Lib.fhx_directory_options();
    PointerByReference made = new PointerByReference();
    PointerByReference error = new PointerByReference();
    try (Kept kept = new Kept()) {
      options.path = kept.text(folder.toString());
      Lib.check(Lib.fhx_directory_destination_new(options, made, error), error);
    }
    return new Destination(made.getValue());
  }

  /**
   * A bucket; clients get presigned links. Nothing is asked of the network yet: a kick-off is answered 503 where
   * nothing can be written.
   */
  public static Destination s3(S3 bucket) {
    PointerByReference made = new PointerByReference();
    PointerByReference error = new PointerByReference();
    try (Kept kept = new Kept()) {
      Lib.check(Lib.fhx_s3_destination_new(bucket.structure(kept), made, error), error);
    }
    return new Destination(made.getValue());
  }

  @Override
  void free(Pointer pointer) {
    Lib.fhx_destination_free(pointer);
  }
}

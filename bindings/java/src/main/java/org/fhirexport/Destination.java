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

  @Override
  void free(Pointer pointer) {
    Lib.fhx_destination_free(pointer);
  }
}

package org.fhirexport;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.nio.file.Path;

/** Where jobs are recorded, so that they outlive the process. Engines keep what they need of it. */
public final class Store extends Handle {
  private Store(Pointer pointer) {
    super(pointer);
  }

  /** A database of SQLite, made if it is missing. Several processes of one machine may share it. */
  public static Store sqlite(Path file) {
    Lib.fhx_sqlite_store_options options = new Lib.fhx_sqlite_store_options();
    PointerByReference made = new PointerByReference();
    PointerByReference error = new PointerByReference();
    try (Kept kept = new Kept()) {
      options.path = kept.text(file.toString());
      Lib.check(Lib.fhx_sqlite_store_new(options, made, error), error);
    }
    return new Store(made.getValue());
  }

  @Override
  void free(Pointer pointer) {
    Lib.fhx_store_free(pointer);
  }
}

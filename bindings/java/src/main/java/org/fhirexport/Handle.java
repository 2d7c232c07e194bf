package org.fhirexport;

import com.sun.jna.Pointer;

/** An object of the library: closed once, freed when nobody is inside of it any more. */
abstract class Handle implements AutoCloseable {
  private Pointer pointer;
  private int users;
  private boolean closed;

  Handle(Pointer pointer) {
    this.pointer = pointer;
  }

  /** Frees what {@code pointer} points to. */
  abstract void free(Pointer pointer);

  /** The pointer, which stays good until {@link #leave}. */
  final synchronized Pointer enter() {
    if (closed) {
      throw new FhirExportException(Status.MISUSE, "this " + getClass().getSimpleName() + " is closed");
    }
    users++;
    return pointer;
  }

  final void leave() {
    Pointer last;
    synchronized (this) {
      users--;
      last = taken();
    }
    if (last != null) {
      free(last);
    }
  }

  private Pointer taken() {
    Pointer last = closed && users == 0 ? pointer : null;
    pointer = last == null ? pointer : null;
    return last;
  }

  /** Frees it, at the end of the calls that are inside of it. To close again does nothing. */
  @Override
  public void close() {
    Pointer last;
    synchronized (this) {
      closed = true;
      last = taken();
    }
    if (last != null) {
      free(last);
    }
  }
}

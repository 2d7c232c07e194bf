package org.fhirexport;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Memory that C reads during a call, or as long as this lives. */
final class Kept implements AutoCloseable {
  private final List<Memory> blocks = new ArrayList<>();

  private Memory block(long size) {
    Memory made = new Memory(Math.max(1, size));
    blocks.add(made);
    return made;
  }

  /** UTF-8 with a zero at its end; null of null. */
  Pointer text(String text) {
    if (text == null) {
      return null;
    }
    if (text.indexOf('\0') >= 0) {
      throw new FhirExportException(Status.ARGUMENT, "a text has a zero in it");
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Memory made = block(bytes.length + 1L);
    made.write(0, bytes, 0, bytes.length);
    made.setByte(bytes.length, (byte) 0);
    return made;
  }

  Pointer bytes(byte[] bytes) {
    Memory made = block(bytes.length);
    made.write(0, bytes, 0, bytes.length);
    return made;
  }

  /** An array of pointers. */
  Pointer pointers(List<Pointer> pointers) {
    Memory made = block(8L * pointers.size());
    for (int i = 0; i < pointers.size(); i++) {
      made.setPointer(8L * i, pointers.get(i));
    }
    return made;
  }

  Pointer texts(List<String> texts) {
    return pointers(texts.stream().map(this::text).toList());
  }

  Pointer longs(long[] values) {
    Memory made = block(8L * values.length);
    made.write(0, values, 0, values.length);
    return made;
  }

  @Override
  public void close() {
    blocks.forEach(Memory::close);
    blocks.clear();
  }
}

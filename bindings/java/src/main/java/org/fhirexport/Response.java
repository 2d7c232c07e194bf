package org.fhirexport;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.io.IOException;
import java.io.InputStream;
import java.util.AbstractMap.SimpleImmutableEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The answer to a request. Close it; it belongs to one thread at a time. */
public final class Response extends Handle {
  private static final int PIECE = 256 * 1024;

  private final Engine engine;
  private final int status;
  private final List<Map.Entry<String, String>> headers;

  Response(Pointer pointer, Engine engine) {
    super(pointer);
    this.engine = engine;
    this.status = Lib.fhx_response_status(pointer);
    List<Map.Entry<String, String>> found = new ArrayList<>();
    for (int i = 0; i < Lib.fhx_response_header_count(pointer); i++) {
      found.add(new SimpleImmutableEntry<>(
          Lib.text(Lib.fhx_response_header_name(pointer, i)), Lib.text(Lib.fhx_response_header_value(pointer, i))));
    }
    this.headers = List.copyOf(found);
  }

  @Override
  void free(Pointer pointer) {
    try {
      Lib.fhx_response_free(pointer);
    } finally {
      engine.leave();
    }
  }

  /** The HTTP status. */
  public int status() {
    return status;
  }

  /** Names and values, in their order. */
  public List<Map.Entry<String, String>> headers() {
    return headers;
  }

  /** The first header of that name, without case; null: there is none. */
  public String header(String name) {
    return headers.stream().filter(one -> one.getKey().equalsIgnoreCase(name)).map(Map.Entry::getValue)
        .findFirst().orElse(null);
  }

  /**
   * The rest of the body. A manifest and a file are produced as they are read. After an IOException the connection to
   * the client is to be closed: the body is not whole.
   */
  public InputStream body() {
    return new Body();
  }

  private final class Body extends InputStream {
    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, into.length);
      if (length == 0) {
        return 0;
      }
      LongByReference got = new LongByReference();
      PointerByReference error = new PointerByReference();
      Pointer pointer = enter();
      int capacity = Math.min(length, PIECE);
      try (Memory buffer = new Memory(capacity)) {
        if (Lib.check(Lib.fhx_response_read(pointer, buffer, capacity, got, error), error) == Lib.END) {
          return -1;
        }
        buffer.read(0, into, offset, (int) got.getValue());
        return (int) got.getValue();
      } catch (FhirExportException failure) {
        throw new IOException(failure.getMessage(), failure);
      } finally {
        leave();
      }
    }
  }
}

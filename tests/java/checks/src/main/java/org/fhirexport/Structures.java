package org.fhirexport;

import com.sun.jna.Native;
import com.sun.jna.Structure;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;

/** Prints the structures as JNA lays them out: {name: [size, [[member, offset, size], ...]], ...}. For hapi.py. */
public final class Structures {
  private Structures() {}

  private static String member(Lib.Sized of, Field field) {
    Class<?> type = field.getType();
    int size = type.isPrimitive() ? Native.getNativeSize(type) : Native.POINTER_SIZE;
    return "[\"%s\", %d, %d]".formatted(field.getName(), of.offset(field.getName()), size);
  }

  private static String structure(Class<?> type) throws ReflectiveOperationException {
    Lib.Sized made = (Lib.Sized) type.getDeclaredConstructor().newInstance();
    List<String> order = new ArrayList<>(List.of("size"));
    order.addAll(List.of(type.getAnnotation(Structure.FieldOrder.class).value()));
    StringBuilder members = new StringBuilder();
    for (String name : order) {
      members.append(members.isEmpty() ? "" : ", ").append(member(made, type.getField(name)));
    }
    return "\"%s\": [%d, [%s]]".formatted(type.getSimpleName(), made.size(), members);
  }

  /** No arguments. */
  public static void main(String[] arguments) throws ReflectiveOperationException {
    StringBuilder all = new StringBuilder();
    for (Class<?> type : Lib.class.getDeclaredClasses()) {
      if (Lib.Sized.class.isAssignableFrom(type) && type != Lib.Sized.class) {
        all.append(all.isEmpty() ? "" : ", ").append(structure(type));
      }
    }
    System.out.println("{" + all + "}");
  }
}

package org.fhirexport;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/** As much of S3 as an export of small files asks for. */
final class Bucket implements AutoCloseable {
  final Map<String, byte[]> objects = new ConcurrentHashMap<>();
  final ConcurrentLinkedQueue<String> mistakes = new ConcurrentLinkedQueue<>();
  final HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);

  Bucket() throws IOException {
    server.createContext("/", this::answer);
    server.start();
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  private void answer(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    String path = exchange.getRequestURI().getPath();
    String query = String.valueOf(exchange.getRequestURI().getQuery());
    String signed = exchange.getRequestHeaders().getFirst("Authorization");
    if (!path.startsWith("/clinic/exports/") || (signed == null
        ? !query.contains("X-Amz-Credential=AKID/") : !signed.matches(".*Credential=AKID/\\d+/eu-north-1/s3/.*"))) {
      mistakes.add(path + " " + query + " " + signed);
    }
    switch (exchange.getRequestMethod()) {
      case "PUT" -> {
        if (!"AES256".equals(exchange.getRequestHeaders().getFirst("x-amz-server-side-encryption"))) {
          mistakes.add("no encryption");
        }
        objects.put(path, body);
        exchange.getResponseHeaders().set("ETag", "\"etag\"");
        exchange.sendResponseHeaders(200, -1);
      }
      case "POST" -> {
        byte[] made = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            .getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, made.length);
        exchange.getResponseBody().write(made);
      }
      case "DELETE" -> exchange.sendResponseHeaders(204, -1);
      default -> {
        byte[] found = objects.getOrDefault(path, new byte[0]);
        boolean head = exchange.getRequestMethod().equals("HEAD");
        if (head) {
          exchange.getResponseHeaders().set("Content-Length", String.valueOf(found.length));
        }
        exchange.sendResponseHeaders(objects.containsKey(path) ? 200 : 404, head ? -1 : found.length);
        if (!head) {
          exchange.getResponseBody().write(found);
        }
      }
    }
    exchange.close();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}

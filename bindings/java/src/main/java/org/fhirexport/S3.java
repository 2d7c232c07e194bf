package org.fhirexport;

/** A bucket of S3, or of what speaks it, for {@link Destination#s3}. What is not said is as s3.h tells. */
public final class S3 {
  private final String bucket;
  private String prefix;
  private String region;
  private String endpoint;
  private String accessKeyId;
  private String secretAccessKey;
  private String sessionToken;
  private String encryption;
  private String kmsKeyId;

  /** A bucket by its name, with what the environment and the machine say of it. */
  public S3(String bucket) {
    this.bucket = bucket;
  }

  /** What the names of objects begin with, without a slash at its end. */
  public S3 prefix(String text) {
    prefix = text;
    return this;
  }

  /** The region, such as "eu-central-1". */
  public S3 region(String name) {
    region = name;
    return this;
  }

  /** "https://host[:port]", if it is not Amazon's. */
  public S3 endpoint(String url) {
    endpoint = url;
    return this;
  }

  /** Keys that stay; without them those of the environment, the shared file, the container or the instance. */
  public S3 credentials(String keyId, String secretKey, String session) {
    accessKeyId = keyId;
    secretAccessKey = secretKey;
    sessionToken = session;
    return this;
  }

  /** "AES256", or "aws:kms" with the id of a key, or null for the bucket's. */
  public S3 encryption(String method, String keyId) {
    encryption = method;
    kmsKeyId = keyId;
    return this;
  }

  Lib.fhx_s3_options structure(Kept kept) {
    Lib.fhx_s3_options made = new Lib.fhx_s3_options();
    made.bucket = kept.text(bucket);
    made.prefix = kept.text(prefix);
    made.region = kept.text(region);
    made.endpoint = kept.text(endpoint);
    made.access_key_id = kept.text(accessKeyId);
    made.secret_access_key = kept.text(secretAccessKey);
    made.session_token = kept.text(sessionToken);
    made.encryption = kept.text(encryption);
    made.kms_key_id = kept.text(kmsKeyId);
    return made;
  }
}

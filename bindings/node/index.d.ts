import {
  BulkDataAccess, GetExportStatusResponse, InitiateExportRequest,
} from 'fhir-works-on-aws-interface';

/** The table of resources, which FHIR Works calls RESOURCE_TABLE. */
export interface TableOptions {
  name: string;
  /** In how many parts it is read, beside each other; 8. */
  segments?: number;
  /** How many items DynamoDB looks at for one answer; as many as fit in 1 MiB. */
  pageItems?: number;
  /** Options of the AWS SDK's DynamoDB client, as far as they can be handed to a thread: region, endpoint, ... */
  client?: Record<string, unknown>;
}

/** Where files go. Credentials that are not given are looked for as the AWS tools do. */
export interface BucketOptions {
  name: string;
  /** What names begin with, without a slash at its end. */
  prefix?: string;
  region?: string;
  endpoint?: string;
  accessKeyId?: string;
  secretAccessKey?: string;
  sessionToken?: string;
  /** "AES256" or "aws:kms", with kmsKeyId. */
  encryption?: string;
  kmsKeyId?: string;
  storageClass?: string;
  /** Certificates that are believed, a file in PEM. */
  caFile?: string;
}

export interface BulkExportOptions {
  /** The FHIR base as clients see it: `server.url` of the FhirConfig. */
  baseUrl: string;
  table: TableOptions;
  bucket: BucketOptions;
  /** Where jobs are recorded: a file (SQLite), a `postgresql:` URL, or ":memory:", which is the default: they end with
   *  the process. */
  store?: string;
  /** Where libfhirexport is; "libfhirexport.so.0", which the loader looks for. */
  library?: string;
  /** Threads that run exports; 4. 0: this process only answers, others on the same store export. */
  workers?: number;
  /** How many exports may run at a time, 2, and of one user, 1, before a kick-off is answered 429. */
  jobs?: number;
  jobsPerUser?: number;
  /** The longest file in bytes; 128 MiB. */
  partBytes?: number;
  /** How long files are kept after the end, 24 h; and how long a link is good, 1 h. */
  keepSeconds?: number;
  linkSeconds?: number;
  /** After how long another process takes up what a dead one was at; 120. */
  leaseSeconds?: number;
  /** How long the beginning waits for writes that are under way; 1. */
  settleSeconds?: number;
  /** As `enableMultiTenancy` of FHIR Works' persistence. */
  multiTenancy?: boolean;
  /** Told what went wrong inside, for an operator's log; console.error. */
  onProblem?: (text: string) => void;
}

/** `$export` of FHIR Works on AWS by libfhirexport. */
export declare class BulkExport implements BulkDataAccess {
  constructor(options: BulkExportOptions);
  /** Resolves when exports can be started; rejects with what is wrong with the options. */
  ready(): Promise<void>;
  initiateExport(request: InitiateExportRequest): Promise<string>;
  getExportStatus(jobId: string, tenantId?: string): Promise<GetExportStatusResponse>;
  cancelExport(jobId: string, tenantId?: string): Promise<void>;
  /** Parks what runs, and ends the engine; with a durable store the next process goes on. */
  close(): Promise<void>;
}

/**
 * @file The table of a FHIR Works: scans of segments, single resources, which types there are.
 *
 * There is an item for each version of a resource; `id` and `vid` are its key, and `documentStatus` says
 * whether it is in force. The versions of a resource follow each other in a scan.
 */
'use strict';

const http = require('http');
const https = require('https');
const DynamoDB = require('aws-sdk/clients/dynamodb');
const { TableFailure, resourceText } = require('./items');

// Of this type, and not a version that is only prepared, or was replaced or deleted.
const READABLE = 'resourceType = :type AND documentStatus IN (:available, :locked, :leaving)';

/** What of an error of the SDK may be told: its code, and whether trying again may help. */
function failureOf(error) {
  if (error instanceof TableFailure) return error;
  let told = new TableFailure('the adapter itself has failed');
  if (typeof error.code === 'string') {
    const code = /^\w{1,64}$/.test(error.code) ? error.code : 'unknown';
    const retryable = error.retryable === true || !(error.statusCode < 500) || /Throttling|Exceeded/.test(code);
    told = new TableFailure(
      `DynamoDB ${retryable ? 'does not answer at present' : 'refuses the request'} (${code})`, retryable);
  }
  told.cause = error;
  return told;
}

class Table {
  /**
   * @param {object} options
   * @param {string} options.name
   * @param {number} [options.pageItems] - how many items are looked at in one request
   * @param {object} [options.client] - options of the SDK's DynamoDB client
   */
  constructor({ name, pageItems, client = {} }) {
    const agent = String(client.endpoint ?? '').startsWith('http:') ? http.Agent : https.Agent;
    this.name = name;
    this.pageItems = pageItems;
    this.client = new DynamoDB({
      ...client, httpOptions: { agent: new agent({ keepAlive: true }), timeout: 60000, ...client.httpOptions },
    });
  }

  async call(action, parameters) {
    try {
      return await this.client[action]({ TableName: this.name, ...parameters }).promise();
    } catch (error) {
      throw failureOf(error);
    }
  }

  readable(type, tenant) {
    const values = {
      ':type': { S: type }, ':available': { S: 'AVAILABLE' }, ':locked': { S: 'LOCKED' },
      ':leaving': { S: 'PENDING_DELETE' }, ...(tenant ? { ':tenant': { S: tenant } } : {}),
    };
    return {
      ConsistentRead: true, // what was written before the job's time is there
      FilterExpression: tenant ? `${READABLE} AND #tenant = :tenant` : READABLE,
      ...(tenant ? { ExpressionAttributeNames: { '#tenant': '_tenantId' } } : {}),
      ExpressionAttributeValues: values,
    };
  }

  /** One page of a segment. */
  async scan(type, tenant, segment, segments, after) {
    return this.call('scan', {
      ...this.readable(type, tenant), Segment: segment, TotalSegments: segments, Limit: this.pageItems,
      ExclusiveStartKey: after,
    });
  }

  /** The newest version in force of one resource, as JSON; null: there is none. */
  async read(type, id, tenant) {
    const { ExpressionAttributeValues: values, ...filter } = this.readable(type, tenant);
    let after;
    do {
      const page = await this.call('query', {
        ...filter, KeyConditionExpression: 'id = :id', ScanIndexForward: false, ExclusiveStartKey: after,
        ExpressionAttributeValues: { ...values, ':id': { S: tenant ? `${tenant}|${id}` : id } },
      });
      if (page.Items.length > 0) return resourceText(page.Items[0]);
      after = page.LastEvaluatedKey;
    } while (after !== undefined);
    return null;
  }

  /** The types that the table has, whoever's. */
  async types(segments) {
    const found = new Set();
    const walk = async (segment) => {
      let after;
      do {
        const page = await this.call('scan', {
          ConsistentRead: true, ProjectionExpression: 'resourceType', Segment: segment, TotalSegments: segments,
          ExclusiveStartKey: after,
        });
        for (const { resourceType } of page.Items) if (resourceType !== undefined) found.add(resourceType.S);
        after = page.LastEvaluatedKey;
      } while (after !== undefined);
    };
    await Promise.all(Array.from({ length: segments }, (_, segment) => walk(segment)));
    return found;
  }

  /** About how many items and bytes, as DynamoDB counts them every six hours. */
  async size() {
    const { Table: table } = await this.call('describeTable', {});
    return { items: table.ItemCount ?? 0, bytes: table.TableSizeBytes ?? 0 };
  }
}

/**
 * One segment, read a page ahead. A page is what one reply hands over: `data`, where each resource `ends`,
 * and a `token` to go on behind the last of them.
 */
class Cursor {
  /**
   * @param {Table} table
   * @param {object} query - type, tenant, segment, segments, token (null: from the beginning)
   * @param {Promise<boolean>} wanted - whether there is anything to read
   */
  constructor(table, query, wanted) {
    this.table = table;
    this.query = query;
    this.wanted = wanted;
    this.after = query.token === null ? undefined : JSON.parse(query.token);
    this.decided = this.after;
    // The newest version seen of the resource that the scan is at: the next page may bring a newer one.
    this.held = null;
    this.page = null;
    this.failure = null;
    this.atEnd = false;
    this.isReading = false;
    this.isClosed = false;
    this.readOn();
  }

  readOn() {
    if (this.isReading || this.atEnd || this.isClosed) return;
    this.isReading = true;
    this.readPage().catch((error) => { this.failure = failureOf(error); }).finally(() => { this.isReading = false; });
  }

  async readPage() {
    if (!await this.wanted) {
      this.atEnd = true;
      return;
    }
    const rows = [];
    const { type, tenant, segment, segments } = this.query;
    do {
      const answer = await this.table.scan(type, tenant, segment, segments, this.after);
      for (const item of answer.Items) this.take(item, rows);
      this.after = answer.LastEvaluatedKey;
      this.atEnd = this.after === undefined;
      if (this.atEnd) this.handOver(rows);
      else if (this.held === null) this.decided = this.after;
    } while (rows.length === 0 && !this.atEnd && this.decided === undefined && !this.isClosed);
    if (rows.length > 0 || this.decided !== undefined) this.page = Cursor.pageOf(rows, this.decided);
  }

  take(item, rows) {
    if (item.id?.S === undefined || item.vid?.N === undefined) {
      throw new TableFailure("the table's key is not id and vid");
    }
    if (!this.query.tenant && item._tenantId !== undefined) {
      throw new TableFailure('the table is of several tenants');
    }
    if (this.held !== null && this.held.id.S !== item.id.S) this.handOver(rows);
    this.held = item;
  }

  /** The resource that was held back is the newest of its id. */
  handOver(rows) {
    if (this.held === null) return;
    rows.push(Buffer.from(resourceText(this.held)));
    this.decided = { id: this.held.id, vid: this.held.vid };
    this.held = null;
  }

  static pageOf(rows, decided) {
    const ends = new BigUint64Array(rows.length);
    let end = 0;
    rows.forEach((row, i) => {
      end += row.length;
      ends[i] = BigInt(end);
    });
    return {
      data: Buffer.concat(rows), ends, count: rows.length,
      token: decided === undefined ? null : Buffer.from(JSON.stringify(decided)),
    };
  }

  /** The page that has been read, null if there is none yet; it throws what has gone wrong. */
  next() {
    if (this.failure !== null) throw this.failure;
    if (this.page === null) return null;
    const page = this.page;
    this.page = null;
    this.readOn();
    return page;
  }

  get isOver() {
    return this.atEnd && this.page === null && !this.isReading && this.failure === null;
  }

  close() {
    this.isClosed = true;
  }
}

module.exports = { Table, Cursor, failureOf };

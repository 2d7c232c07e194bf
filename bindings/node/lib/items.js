/**
 * @file Items of a FHIR Works table, in DynamoDB's JSON ({"id": {"S": "p1"}, ...}), as FHIR resources.
 */
'use strict';

// What FHIR Works keeps beside the resource.
const OWN = new Set(['vid', 'documentStatus', 'lockEndTs', '_references', '_subscriptionStatus', '_tenantId', '_id']);
const NUMBER = /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/;

/** What is the matter with the table or DynamoDB, in words that clients may see. */
class TableFailure extends Error {
  constructor(message, retryable = false) {
    super(message);
    this.retryable = retryable;
  }
}

/** A value as JSON; numbers keep their digits. */
function valueText(value) {
  if (value.S !== undefined) return JSON.stringify(value.S);
  if (value.N !== undefined && NUMBER.test(value.N)) return value.N;
  if (value.BOOL !== undefined) return value.BOOL ? 'true' : 'false';
  if (value.NULL !== undefined) return 'null';
  if (value.M !== undefined) return membersText(Object.entries(value.M));
  if (value.L !== undefined) return `[${value.L.map(valueText).join(',')}]`;
  throw new TableFailure('an item has a value of a kind that JSON does not have');
}

function membersText(members) {
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${valueText(value)}`).join(',')}}`;
}

/** The resource of an item, without what is FHIR Works' own. */
function resourceText(item) {
  const members = Object.entries(item).filter(([name]) => !OWN.has(name));
  // With several tenants the key is "tenant|id".
  const whole = item._id === undefined ? members : members.map(([name, value]) => [name, name === 'id' ? item._id : value]);
  return membersText(whole);
}

module.exports = { TableFailure, resourceText };

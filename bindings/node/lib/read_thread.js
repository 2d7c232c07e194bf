/**
 * @file The thread that reads single resources for the engine's thread, which waits for the answer.
 */
'use strict';

const { workerData } = require('worker_threads');
const { Table, failureOf } = require('./table');

const { port, flag } = workerData;
const table = new Table(workerData.table);

port.on('message', async ({ number, type, id, tenant }) => {
  const answer = { number };
  try {
    answer.text = await table.read(type, id, tenant);
  } catch (error) {
    const { message, retryable } = failureOf(error);
    answer.failure = { message, retryable };
  }
  port.postMessage(answer);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
});

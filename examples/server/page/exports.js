// The page for operators. What comes from the server is shown by textContent alone.
'use strict';

const EVERY_MS = 2000;
const ALL_EVERY_MS = 60000;
const LOAD_LIMIT = 500;
const ROWS = 50;
const SVG = 'http://www.w3.org/2000/svg';

const jobs = new Map(); // by id
const rows = new Map(); // the table's rows, by id
const started = new Set(); // here, and not seen to end
let lastPlace = '';
let clockAheadMs = 0; // the server's clock before ours
let page = 0;
let isLoaded = false;
let throughput = null; // as it was told last

const find = (id) => document.getElementById(id);

// --- texts ---

function bytes(count) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  while (count >= 1000 && unit < units.length - 1) {
    count /= 1000;
    unit++;
  }
  return `${count.toFixed(unit > 0 && count < 100 ? 1 : 0)} ${units[unit]}`;
}

const number = (count) => count.toLocaleString('en');

function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}

const shortId = (job) => job.id.slice(0, 8);
const serverNowMs = () => Date.now() + clockAheadMs;
const seconds = (job) => ((job.ended_us ? job.ended_us / 1000 : serverNowMs()) - job.created_us / 1000) / 1000;

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// --- requests ---

class Refused extends Error {}

async function ask(path, method = 'GET', body = undefined) {
  const answer = await fetch(`/exports/${path}`, {method, body, headers: {'X-Exports': '1'}});
  if (answer.status === 401) {
    location.reload(); // the session is over: the login comes
    await new Promise(() => {});
  }
  const told = await answer.json();
  if (answer.ok) return told;
  const refused = new Refused(told.issue ? told.issue[0].diagnostics : `the server answers ${answer.status}`);
  refused.status = answer.status;
  throw refused;
}

// --- the table ---

const COLUMNS = [
  ['state-cell', 'State'], ['progress', 'Progress'], ['client', 'Client'], ['parameters', 'Parameters'],
  ['started', 'Started'], ['number resources', 'Resources'], ['number size', 'Size'],
  ['number parts', 'Parts'], ['number errors', 'Errors'], ['number retries', 'Retries'], ['actions', 'Actions'],
];

function make(name, className, parent) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (parent) parent.append(element);
  return element;
}

function makeRow(job) {
  const row = make('tr');
  row.setAttribute('role', 'row');
  const cells = {};
  for (const [className, label] of COLUMNS) {
    const cell = make('td', className, row);
    cell.setAttribute('role', 'cell');
    cell.dataset.label = label;
    cells[label] = cell;
  }
  const parts = {
    row,
    cells,
    state: make('span', '', cells.State),
    id: make('span', 'note', cells.State),
    reason: make('span', 'note reason', cells.State),
    bar: make('progress', '', cells.Progress),
    done: make('span', 'note', cells.Progress),
    client: make('span', '', cells.Client),
    tenant: make('span', 'note', cells.Client),
    started: make('span', '', cells.Started),
    took: make('span', 'note', cells.Started),
    size: make('span', '', cells.Size),
    rate: make('span', 'note', cells.Size),
    end: make('button', '', cells.Actions),
    files: make('button', '', cells.Actions),
  };
  parts.bar.max = 1;
  parts.bar.setAttribute('aria-label', `Progress of export ${shortId(job)}`);
  say(parts.id, shortId(job));
  parts.id.title = job.id;
  parts.end.type = parts.files.type = 'button';
  parts.end.addEventListener('click', () => askToEnd(job.id));
  parts.files.addEventListener('click', () => showFiles(job.id));
  say(parts.files, 'Files');
  parts.files.setAttribute('aria-label', `Files of export ${shortId(job)}`);
  return parts;
}

function fillRow(parts, job) {
  const isRunning = job.state === 'running';
  const isWaiting = isRunning && job.waiting;
  parts.state.className = `state ${job.state}${isWaiting ? ' waiting' : ''}`;
  say(parts.state, job.state);
  say(parts.reason, job.reason);
  if (parts.bar.value !== job.share) parts.bar.value = job.share;
  const tasks = `${number(job.tasks_done)} of ${number(job.tasks)} task${job.tasks === 1 ? '' : 's'}`;
  say(parts.done, `${Math.floor(job.share * 100)} %, ${tasks}${isWaiting ? ', waits for a worker' : ''}`);
  say(parts.client, job.own ? 'this page' : job.client || '(nobody known)');
  say(parts.tenant, job.tenant);
  say(parts.cells.Parameters, job.parameters ? job.parameters.replaceAll(',', ', ') : '–');
  say(parts.started, new Date(job.created_us / 1000).toLocaleString(undefined, {dateStyle: 'short', timeStyle: 'medium'}));
  say(parts.took, `${isRunning ? 'for' : 'took'} ${duration(seconds(job))}`);
  say(parts.cells.Resources, number(job.resources));
  say(parts.size, bytes(job.bytes));
  say(parts.rate, job.bytes ? `${bytes(job.bytes / Math.max(seconds(job), 0.1))}/s` : '');
  say(parts.cells.Parts, number(job.parts));
  say(parts.cells.Errors, number(job.errors));
  say(parts.cells.Retries, number(job.retries));
  const verb = isRunning ? 'Cancel' : 'Remove';
  say(parts.end, verb);
  parts.end.setAttribute('aria-label', `${verb} export ${shortId(job)}`);
  parts.files.hidden = !(job.own && job.state === 'complete');
}

// Rows that stay are changed where they are, so that the focus stays too.
function showRows(shown) {
  const body = find('rows');
  const wanted = new Set(shown.map((job) => job.id));
  const hadFocus = body.contains(document.activeElement);
  for (const [id, parts] of rows) {
    if (!wanted.has(id)) {
      parts.row.remove();
      rows.delete(id);
    }
  }
  let next = body.firstChild;
  for (const job of shown) {
    if (!rows.has(job.id)) rows.set(job.id, makeRow(job));
    const parts = rows.get(job.id);
    fillRow(parts, job);
    if (parts.row === next) next = next.nextSibling;
    else body.insertBefore(parts.row, next);
  }
  if (hadFocus && !body.contains(document.activeElement)) find('jobs').focus();
}

function show() {
  const filter = find('filter').value;
  const all = [...jobs.values()];
  const chosen = all.filter((job) => !filter || job.state === filter)
    .sort((a, b) => b.created_us - a.created_us || (a.id < b.id ? 1 : -1));
  page = Math.min(page, Math.max(0, Math.ceil(chosen.length / ROWS) - 1));
  const first = page * ROWS;
  const shown = chosen.slice(first, first + ROWS);
  for (const state of ['running', 'complete', 'failed']) {
    say(find(`count-${state}`), number(all.filter((job) => job.state === state).length));
  }
  showRows(shown);
  find('table').hidden = shown.length === 0;
  find('empty').hidden = shown.length > 0;
  if (shown.length === 0) {
    say(find('empty'), !isLoaded ? 'Loading the jobs…'
      : filter ? `There are no jobs that are ${filter}.`
      : 'There are no jobs. Start an export above, or wait until a client does.');
  }
  find('pages').hidden = chosen.length <= ROWS;
  say(find('range'), `${number(first + 1)}–${number(first + shown.length)} of ${number(chosen.length)}`);
  find('newer').disabled = page === 0;
  find('older').disabled = first + ROWS >= chosen.length;
}

// --- what changes ---

function tell(text) {
  find('news').textContent = text;
}

function take(job) {
  const before = jobs.get(job.id);
  const wasRunning = before ? before.state === 'running' : started.has(job.id);
  if (wasRunning && job.state !== 'running') {
    started.delete(job.id);
    tell(`Export ${shortId(job)} is ${job.state}: ${number(job.resources)} resources.`);
  }
  jobs.set(job.id, job);
}

async function readPages(query, each) {
  let after = '';
  for (;;) {
    const told = await ask(`jobs?limit=${LOAD_LIMIT}${query}${after ? `&after=${after}` : ''}`);
    clockAheadMs = told.now_us / 1000 - Date.now();
    told.jobs.forEach(each);
    if (told.jobs.length === 0) return;
    after = told.after;
    if (!query) {
      lastPlace = after;
      if (!isLoaded) show();
    }
    if (told.jobs.length < LOAD_LIMIT) return;
  }
}

async function readAll() {
  const seen = new Set();
  await readPages('', (job) => {
    seen.add(job.id);
    take(job);
  });
  for (const id of [...jobs.keys()]) {
    if (!seen.has(id)) jobs.delete(id);
  }
}

async function readOne(id) {
  try {
    take(await ask(`jobs/${id}`));
  } catch (error) {
    if (error.status !== 404) throw error;
    jobs.delete(id);
  }
}

async function readChanges() {
  const running = new Set([...jobs.values()].filter((job) => job.state === 'running').map((job) => job.id));
  await readPages('&states=running', (job) => {
    running.delete(job.id);
    take(job);
  });
  for (const id of running) await readOne(id);
  if (!lastPlace) return readAll();
  const told = await ask(`jobs?limit=${LOAD_LIMIT}&after=${lastPlace}`);
  told.jobs.forEach(take);
  if (told.jobs.length > 0) lastPlace = told.after;
}

// --- the chart ---

function draw(name, attributes, parent, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

// Bytes a second between each sample and the one before.
function ratesOf(samples) {
  const rates = [];
  for (let i = 1; i < samples.length; i++) {
    const passed = (samples[i][0] - samples[i - 1][0]) / 1e6;
    if (passed > 0) rates.push([samples[i][0], Math.max(0, samples[i][1] - samples[i - 1][1]) / passed]);
  }
  return rates;
}

function showChart() {
  const told = throughput;
  const rates = ratesOf(told.samples);
  const recent = rates.filter(([time]) => time > told.now_us - 10e6);
  const now = recent.reduce((sum, [, rate]) => sum + rate, 0) / Math.max(1, recent.length);
  const most = Math.max(0, ...rates.map(([, rate]) => rate));
  say(find('rate-now'), `${bytes(now)}/s`);
  const summary = most > 0 ? `now ${bytes(now)}/s, at most ${bytes(most)}/s` : 'nothing was exported';
  say(find('chart-text'), `– ${summary}`);
  const place = find('chart');
  const width = Math.max(200, place.clientWidth), height = Math.max(80, place.clientHeight);
  const bottom = height - 20, top = 18;
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', `Throughput over the last ten minutes: ${summary}`);
  const x = (time) => width * (1 - (told.now_us - time) / 600e6);
  const y = (rate) => bottom - (bottom - top) * (most > 0 ? rate / most : 0);
  for (const at of [top, (top + bottom) / 2, bottom]) {
    draw('line', {class: 'grid', x1: 0, x2: width, y1: at, y2: at}, svg);
  }
  if (rates.length > 0) {
    const points = rates.map(([time, rate]) => `${x(time).toFixed(1)},${y(rate).toFixed(1)}`).join(' L');
    const begin = x(rates[0][0]).toFixed(1), end = x(rates[rates.length - 1][0]).toFixed(1);
    draw('path', {class: 'area', d: `M${begin},${bottom} L${points} L${end},${bottom} Z`}, svg);
    draw('path', {class: 'curve', d: `M${points}`}, svg);
  }
  if (most > 0) draw('text', {x: 0, y: top - 5}, svg, `${bytes(most)}/s`);
  draw('text', {x: 0, y: height - 5}, svg, '10 min ago');
  draw('text', {x: width / 2, y: height - 5, 'text-anchor': 'middle'}, svg, '5 min ago');
  draw('text', {x: width, y: height - 5, 'text-anchor': 'end'}, svg, 'now');
  place.replaceChildren(svg);
}

// --- what operators do ---

async function start(event) {
  event.preventDefault();
  const form = new FormData(find('start'));
  const since = form.get('since');
  const fields = new URLSearchParams({
    level: form.get('level'),
    group: form.get('level') === 'group' ? form.get('group').trim() : '',
    types: form.get('types').replaceAll(' ', ''),
    since: since ? new Date(since).toISOString() : '',
  });
  say(find('start-message'), '');
  try {
    const {id} = await ask('jobs', 'POST', fields);
    started.add(id);
    tell(`Export ${id.slice(0, 8)} is started.`);
    await readOne(id);
    page = 0;
    show();
  } catch (error) {
    say(find('start-message'), `Not started: ${error.message}.`);
  }
}

function askToEnd(id) {
  const job = jobs.get(id);
  const isRunning = job.state === 'running';
  const dialog = find('cancel-dialog');
  const whose = job.own ? 'was started on this page' : `is of ${job.client || 'a client that is not known'}`;
  say(find('cancel-title'), isRunning ? 'Cancel this export?' : 'Remove this export?');
  say(find('cancel-text'), `Export ${shortId(job)} ${whose}. Its files are removed.`);
  say(find('cancel-yes'), isRunning ? 'Cancel it' : 'Remove it');
  dialog.returnValue = 'no';
  dialog.onclose = () => {
    if (dialog.returnValue === 'yes') end(id);
  };
  dialog.showModal();
}

async function end(id) {
  try {
    await ask(`jobs/${id}`, 'DELETE');
    jobs.delete(id);
    tell(`Export ${id.slice(0, 8)} is gone.`);
  } catch (error) {
    tell(`Export ${id.slice(0, 8)} could not be ended: ${error.message}.`);
  }
  show();
}

const KINDS = {output: '', deleted: 'deletions, ', error: 'errors, '};

async function showFiles(id) {
  const list = find('files');
  list.replaceChildren();
  say(find('files-message'), 'Loading…');
  find('files-dialog').showModal();
  try {
    const told = await ask(`jobs/${id}/files`);
    say(find('files-message'), told.files.length > 0
      ? 'NDJSON with patients’ data: keep it as such.' : 'The export has no files: there was nothing to export.');
    for (const file of told.files) {
      const link = make('a', '', make('li', '', list));
      link.href = `/exports/jobs/${id}/files/${file.number}`;
      link.download = '';
      link.textContent = `${KINDS[file.kind]}${file.type}: ${number(file.count)} lines`;
    }
  } catch (error) {
    say(find('files-message'), `The files cannot be listed: ${error.message}.`);
  }
}

// --- life ---

function showConnection(error) {
  find('connection').classList.toggle('lost', error !== null);
  say(find('connection'), error === null ? 'Live'
    : `${error instanceof Refused ? error.message : 'The server cannot be reached'}. Trying again.`);
  if (error !== null && !isLoaded) say(find('empty'), 'The jobs could not be read yet.');
}

async function live() {
  let allMs = 0;
  for (;;) {
    if (!document.hidden) {
      try {
        if (Date.now() - allMs >= ALL_EVERY_MS) {
          await readAll();
          allMs = Date.now();
        } else {
          await readChanges();
        }
        isLoaded = true;
        show();
        throughput = await ask('throughput');
        showChart();
        showConnection(null);
      } catch (error) {
        showConnection(error);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

find('start').addEventListener('submit', start);
find('level').addEventListener('change', () => {
  find('group-field').hidden = find('level').value !== 'group';
  find('group').required = find('level').value === 'group';
});
find('filter').addEventListener('change', () => {
  page = 0;
  show();
});
find('newer').addEventListener('click', () => {
  page--;
  show();
});
find('older').addEventListener('click', () => {
  page++;
  show();
});
addEventListener('resize', () => {
  if (throughput) showChart();
});
find('logout').addEventListener('click', async () => {
  await ask('logout', 'POST');
  location.reload();
});
show();
live();

// A file of prompts on the page: checked and sent from here, then watched by its counts.
import { act, resultsLink, submitBatch, Trouble } from "./api.js";
import { options } from "./form.js";
import { remember, songs, update } from "./history.js";
import { make } from "./lyric.js";
import { clear, showTrouble } from "./notice.js";
import * as notify from "./notify.js";
import { follow } from "./poll.js";
import { check } from "./prompts.js";
import { batch as words, duration, lost, notify as told, watch } from "./texts.js";

const $ = (id) => document.getElementById(id);
const report = $("file-report");
const SHOWN = 100;
let page;
let poll = null;
let shown = null;
let heardUnfinished = false;

function table(errors) {
  const cells = (tag, values) => make("tr", {}, ...values.map((text) => make(tag, { textContent: text })));
  const rows = errors.slice(0, SHOWN).map(({ line, custom_id, code, detail }) =>
    cells("td", [line ?? "", custom_id ?? "", words.problems[code] ?? detail ?? code]));
  return make("table", {}, make("thead", {}, cells("th", [words.line, words.id, words.problem])), make("tbody", {}, ...rows));
}

async function take(file) {
  page.edit();
  $("file-part").open = true;
  const { text, type, rows, errors } = await check(file);
  const parts = [make("h3", { textContent: errors.length ? words.notReady(errors.length, file.name) : words.ready(rows.length, file.name) })];
  if (errors.length) {
    parts.push(table(errors));
    if (errors.length > SHOWN) parts.push(make("p", { textContent: words.more(errors.length - SHOWN) }));
  } else {
    const send = make("button", { type: "button", className: "main", textContent: words.send(rows.length) });
    send.onclick = () => submit({ name: file.name, text, type, rows: rows.length }, send);
    parts.push(make("ol", {}, ...rows.slice(0, 3).map(({ prompt }) => make("li", { textContent: prompt }))),
      rows.length > 3 ? make("p", { className: "quiet", textContent: words.more(rows.length - 3) }) : "",
      make("p", { className: "quiet", textContent: words.useChoices }), send,
      make("div", { id: "file-trouble", className: "notice", hidden: true }));
  }
  report.replaceChildren(...parts);
  report.hidden = false;
  report.focus();
  page.say(parts[0].textContent);
}

async function submit(file, button) {
  const box = $("file-trouble");
  button.disabled = true;
  clear(box);
  page.say(watch.sending);
  try {
    // A mood that is not set is not sent: an empty one would override nothing.
    const chosen = Object.fromEntries(Object.entries(options()).filter(([, value]) => value !== ""));
    const key = [file.type, JSON.stringify(chosen), file.text].join("\n");
    const answer = await page.once(key, (once) => submitBatch(file.text, file.type, chosen, once));
    const { id, created_at, status } = answer.data;
    remember({ id, thing: "batches", name: file.name, rows: file.rows, status, at: created_at });
    page.listSongs();
    report.hidden = true;
    $("file").value = "";
    page.goTo("batch", id, answer);
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    showTrouble(box, error, () => submit(file, button), error.errors.length ? table(error.errors) : null);
  } finally {
    button.disabled = false;
  }
}

function render() {
  const counts = shown.request_counts;
  const over = counts.total - counts.queued - counts.running;
  const mine = songs().find(({ id }) => id === shown.id);
  $("batch-name").textContent = words.name(mine?.name ?? "", counts.total);
  Object.assign($("batch-progress"), { max: Math.max(1, counts.total), value: over });
  const left = shown.done || shown.eta_seconds == null ? "" : watch.toGo(shown.eta_seconds);
  $("batch-clock").replaceChildren(words.progress(over, counts.total), make("small", { textContent: left }));
  $("batch-counts").textContent = words.counts(counts);
  $("batch-why").textContent = !shown.done ? words.running : shown.status === "canceled" ? words.canceled : words.completed(counts);
  $("batch-results").replaceChildren(shown.done ? words.results : words.soFar,
    ...["txt", "csv", "jsonl"].map((format) =>
      make("a", { className: "button", href: resultsLink(shown.id, format), download: `${shown.id}.${format}`, textContent: format.toUpperCase() })));
  $("batch-cancel").hidden = shown.done;
  $("batch-tell").hidden = shown.done || !notify.possible() || notify.wanted();
  $("batch-retry").hidden = !shown.done || !counts.failed;
  $("batch-retry").textContent = words.retry(counts.failed);
}

function news(fresh) {
  drawLost("");
  if (!fresh) return;
  shown = fresh;
  $("batch").hidden = false;
  if (update(shown.id, { status: shown.status })) page.listSongs();
  render();
  page.showing(shown.done);
  const counts = shown.request_counts;
  if (!shown.done) {
    heardUnfinished = true;
    notify.title(words.progress(counts.total - counts.queued - counts.running, counts.total));
  } else if (heardUnfinished) {
    notify.tell(told.batch(counts), shown.id);
    page.say($("batch-why").textContent);
  }
}

function drawLost(text) {
  $("batch-lost").hidden = !text;
  $("batch-lost").textContent = text;
}

function trouble(error, seconds) {
  if (error.final) return page.unknown(error);
  if (!shown) return page.unreached(error);
  return drawLost(`${lost[error.kind] ?? lost.other} ${lost.retry(seconds)}`);
}

export function open(id, known) {
  close();
  if (known) news(known.data);
  poll = follow("batches", id, { news, trouble, insist: notify.wanted });
}

export function close() {
  poll?.stop();
  [poll, shown, heardUnfinished] = [null, null, false];
  $("batch").hidden = true;
  drawLost("");
}

function change(verb) {
  act("batches", shown.id, verb).then((answer) => open(answer.data.id, answer), (error) => trouble(error, 0));
}

function dropZone() {
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  const shade = (on) => ($("drop").hidden = !on);
  addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    shade(true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget || shade(false));
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    shade(false);
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
}

export function start(shared) {
  page = shared;
  $("file").onchange = ({ target }) => target.files[0] && take(target.files[0]);
  $("batch-cancel").onclick = () => change("cancel");
  $("batch-retry").onclick = () => change("retry-failed");
  $("batch-tell").onclick = async () => page.say((await notify.ask()) ? told.on : told.denied);
  $("batch-share").onclick = ({ target }) => page.copyLink(target);
  dropZone();
}

// One job on the page: watched until `done`, then read. Draws what the server said, and asks the
// rest of the page (`page`) to submit, to announce and to remember.
import { act } from "./api.js";
import { update } from "./history.js";
import { draw, make, plainText, sectionsFrom, sectionsOf } from "./lyric.js";
import * as notify from "./notify.js";
import { clear, show } from "./notice.js";
import { follow } from "./poll.js";
import { choices, date, duration, ended, lost, notify as told, song, steps, watch } from "./texts.js";

const $ = (id) => document.getElementById(id);
const STAGES = ["waiting", "loading_model", "writing"];
let page;
let job = null;
let poll = null;
let ticking = 0;
let drawn = 0;
let skew_ms = 0;
let heard_at = 0;
let saidStage = null;

// Seconds spent in each stage, from the timeline; a stage that is still on ends now.
function stageTimes({ created_at, events = [], finished_at }, now_ms) {
  const spent = {};
  let stage = "waiting";
  let since = Date.parse(created_at);
  const turn = (next, at) => {
    spent[stage] = (spent[stage] ?? 0) + Math.max(0, at - since) / 1000;
    [stage, since] = [next, at];
  };
  for (const { at, event, detail } of events) {
    const next = event === "claimed" ? detail : event;
    if (STAGES.includes(next)) turn(next, Date.parse(at));
    else if (["attempt_failed", "handed_back", "lease_lapsed"].includes(event)) turn("waiting", Date.parse(at));
  }
  turn(null, finished_at ? Date.parse(finished_at) : now_ms);
  return spent;
}

const now = () => Date.now() + skew_ms;

function drawSteps() {
  const spent = stageTimes(job, now());
  const at = job.done ? STAGES.length : Math.max(0, STAGES.indexOf(job.stage));
  const items = STAGES.map((stage, i) => {
    const seen = spent[stage] !== undefined;
    const skipped = !seen && at > i;
    const when = seen ? duration(spent[stage]) : skipped && stage === "loading_model" && job.status !== "canceled" ? watch.skipped : "";
    return [steps[stage], when, i < at && (seen || job.status === "succeeded") ? "past" : i === at ? "now" : ""];
  });
  const end = job.done && job.status !== "succeeded" ? (ended[job.status] ?? ended.other).title : steps.done;
  items.push([end, "", job.done ? "past" : ""]);
  $("steps").replaceChildren(...items.map(([name, when, className]) =>
    make("li", { className, aria: className === "now" ? { current: "step" } : {} },
      make("span", { textContent: name }), make("span", { className: "when", textContent: when }))));
}

function drawClock() {
  const total = Math.max(0, ((job.finished_at ? Date.parse(job.finished_at) : now()) - Date.parse(job.created_at)) / 1000);
  let note = "";
  if (!job.done) {
    const left = job.eta_seconds == null ? null : job.eta_seconds - (Date.now() - heard_at) / 1000;
    note = [watch.elapsed, left === null ? "" : left < -3 ? watch.over : watch.toGo(Math.max(0, left)),
      job.stage === "waiting" && job.queue_position > 0 ? watch.place(job.queue_position) : ""].filter(Boolean).join(" · ");
  }
  const shown = job.done ? duration(total) : total < 90 ? `${Math.floor(total)} s` : duration(total);
  $("clock").replaceChildren(shown, make("small", { textContent: note }));
}

function tick() {
  if (!job || document.hidden) return;
  drawClock();
  if (!job.done) drawSteps();
}

function drawProgress() {
  const { completed = 0, total = 0 } = job.progress ?? {};
  const writing = !job.done && job.stage === "writing" && total > 0;
  $("job-progress").hidden = !writing;
  if (writing) Object.assign($("job-progress"), { max: total, value: completed });
  const again = job.attempt > 1 && [...(job.events ?? [])].reverse()
    .find(({ event }) => ["attempt_failed", "handed_back", "lease_lapsed"].includes(event));
  const about = job.cancel_requested_at ? watch.canceling : watch.why[job.stage] ?? watch.why.waiting;
  $("why").textContent = job.done ? "" : again ? watch.retry(job.attempt, job.max_attempts, again.detail) : about;
}

function drawLyrics() {
  const written = job.status === "succeeded" && job.output;
  const sections = written ? sectionsOf(job.output) : sectionsFrom(job.preview);
  const scheme = job.output?.rhyme?.scheme ?? job.options?.rhyme_scheme ?? "none";
  drawn = draw($("lyrics"), sections, scheme, drawn);
  $("lyrics").classList.toggle("writing", job.stage === "writing");
  $("song-title").hidden = !written;
  $("song-title").textContent = written ? job.output.title || song.untitled : "";
  const score = job.output?.rhyme?.score;
  const lines = job.progress?.total && job.stage === "writing" ? watch.lines(job.progress.completed, job.progress.total) : watch.sheetWaiting;
  $("song-meta").textContent = written
    ? [song.scheme(scheme), typeof score === "number" ? song.score(score) : null, scheme === "none" ? null : song.marks].filter(Boolean).join(" · ")
    : job.done ? (drawn ? ended.partial : "") : lines;
  $("song-tools").hidden = !written;
  if (written) drawReceipt();
}

function drawReceipt() {
  const facts = { ...job.output.receipt, tokens: job.metrics?.tokens, created: date(job.created_at), attempt: job.attempt };
  const rows = Object.entries(song.receipt)
    .filter(([name]) => facts[name] !== undefined && facts[name] !== null)
    .flatMap(([name, words]) => [make("dt", { textContent: words }), make("dd", { textContent: facts[name] })]);
  $("receipt").replaceChildren(...rows);
  $("receipt-note").textContent = song.receiptNote;
}

function drawEnd() {
  clear($("job-end"));
  if (!job.done || job.status === "succeeded") return;
  const detail = job.error?.detail ? ended.reason(job.error.detail) : "";
  show($("job-end"), ended[job.status] ?? ended.other, { detail, act: () => page.submit(request(job.options)) });
}

const request = (options) => ({ prompt: job.prompt, options });

function render() {
  $("job-words").textContent = job.prompt;
  $("job-choices").textContent = choices(job.options);
  $("cancel").hidden = job.done || Boolean(job.cancel_requested_at);
  $("tell").hidden = job.done || !notify.possible() || notify.wanted();
  drawSteps();
  drawClock();
  drawProgress();
  drawLyrics();
  drawEnd();
  announce();
}

function announce() {
  const title = job.output?.title || song.untitled;
  if (!job.done) {
    notify.title(`${watch.title[job.stage] ?? ""}…`);
    if (saidStage !== job.stage) page.say(watch.stage[job.stage] ?? "");
    saidStage = job.stage;
    return;
  }
  clearInterval(ticking);
  const good = job.status === "succeeded";
  if (saidStage === null) notify.title(good ? title : null);
  else {
    notify.tell(good ? told.job(title) : told.jobOver, job.id);
    if (good) page.say(song.ready(title, drawn));
  }
  saidStage = "done";
}

function news(fresh, skew) {
  drawLost("");
  if (!fresh) return;
  job = fresh;
  skew_ms = skew;
  heard_at = Date.now();
  $("job").hidden = false;
  if (update(job.id, { status: job.status, ...(job.output?.title && { title: job.output.title }) })) page.listSongs();
  render();
  page.showing(job.done);
}

function drawLost(words) {
  if (!words && $("lost").hidden) return;
  $("lost").hidden = !words;
  $("lost").replaceChildren(words);
  if (words) $("lost").append(" ", make("button", { type: "button", textContent: lost.now, onclick: () => poll.wake(true) }));
}

function trouble(error, seconds) {
  if (error.final) return page.unknown(error);
  if (!job) return page.unreached(error);
  const words = `${lost[error.kind] ?? lost.other} ${error.kind === "offline" ? "" : lost.retry(seconds)}`;
  if ($("lost").hidden) page.say(words);
  return drawLost(words);
}

// Watches `id`; `known` is the job as the submit function answered, if it was this page that asked.
export function open(id, known) {
  close();
  if (known) news(known.data, known.skew_ms);
  if (known?.data.done) return;
  ticking = setInterval(tick, 500);
  poll = follow("jobs", id, { news, trouble, insist: notify.wanted });
}

export function close() {
  poll?.stop();
  clearInterval(ticking);
  [job, poll, drawn, saidStage] = [null, null, 0, null];
  $("job").hidden = true;
  drawLost("");
}

async function copy(text, button, done) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = song.copied;
    page.say(done);
  } catch {
    page.say(song.copyFailed);
    button.textContent = song.copyFailed;
  }
  setTimeout(() => (button.textContent = before), 3000);
}

export const copyLink = (button) => copy(location.href, button, song.linkCopied);
const asText = () => plainText(job.output.title, sectionsOf(job.output));

function download() {
  const href = URL.createObjectURL(new Blob([`${asText()}\n`], { type: "text/plain" }));
  const name = (job.output.title || song.untitled).replace(/[^\p{L}\p{N} _-]/gu, "").trim() || "song";
  make("a", { href, download: `${name}.txt` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

export function start(shared) {
  page = shared;
  $("cancel").onclick = () => act("jobs", job.id, "cancel").then(({ data }) => { news(data, skew_ms); poll?.wake(); }, (error) => trouble(error, 0));
  $("tell").onclick = async () => {
    page.say((await notify.ask()) ? told.on : told.denied);
    $("tell").hidden = true;
  };
  $("share").onclick = ({ target }) => copyLink(target);
  $("copy").onclick = ({ target }) => copy(asText(), target, song.copied);
  $("download").onclick = download;
  $("again").onclick = () => {
    const { seed, ...options } = job.options;
    page.submit(request(options));
  };
  $("more").onclick = () => page.edit(job.prompt, job.options);
  $("syllables").onchange = ({ target }) => $("lyrics").classList.toggle("counted", target.checked);
}

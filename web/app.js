// The page as a whole: which of its states is shown, what the address says, and what one part
// asks of another.
import * as api from "./api.js";
import * as batch from "./batch.js";
import * as form from "./form.js";
import * as history from "./history.js";
import * as job from "./job.js";
import { make } from "./lyric.js";
import { clear, showTrouble } from "./notice.js";
import * as notify from "./notify.js";
import { date, history as historyWords, page as words, server, watch } from "./texts.js";

const $ = (id) => document.getElementById(id);

for (const node of document.querySelectorAll("[data-t]")) node.textContent = words[node.dataset.t];
for (const node of document.querySelectorAll("[data-label]")) node.ariaLabel = words[node.dataset.label];

// Announced one at a time; the same words twice in a row are announced once.
const say = (text) => ($("live").textContent = text);

const views = { job, batch };
const address = () => {
  const query = new URLSearchParams(location.search);
  for (const kind of ["job", "batch"]) if (query.get(kind)) return { kind, id: query.get(kind) };
  return {};
};

// `done` decides whether the field is offered again below what is shown.
function showing(done) {
  $("ask").hidden = !done;
  document.body.classList.toggle("away", Boolean(address().id));
}

function route(known) {
  const { kind, id } = address();
  job.close();
  batch.close();
  clear($("notice"));
  clear($("form-trouble"));
  notify.title(null);
  say("");
  $("new-song").hidden = !id;
  showing(!id);
  if (id) views[kind].open(id, known);
}

function goTo(kind, id, known) {
  window.history.pushState(null, "", `?${kind}=${encodeURIComponent(id)}`);
  route(known);
  scrollTo(0, 0);
  $(kind === "job" ? "job-words" : "batch-title").focus({ preventScroll: true });
}

function home(event) {
  if (event && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
  event?.preventDefault();
  if (address().id) window.history.pushState(null, "", location.pathname);
  route();
  scrollTo(0, 0);
  form.focusPrompt();
}

function unknown(error) {
  job.close();
  batch.close();
  notify.title(null);
  if (history.update(address().id, { status: "gone" })) listSongs();
  showTrouble($("notice"), error, () => home());
  showing(true);
}

function unreached(error) {
  showTrouble($("notice"), error, () => route());
}

// One key for one request: a retry of the same words after a lost answer makes no second song.
const pending = { body: "", key: "" };
const newKey = () => crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export async function once(body, send) {
  if (pending.body !== body) Object.assign(pending, { body, key: newKey() });
  try {
    const answer = await send(pending.key);
    pending.body = "";
    return answer;
  } catch (error) {
    if (error.final) pending.body = "";
    throw error;
  }
}

async function submit(request) {
  if ($("send").disabled) return;
  $("send").disabled = true;
  const box = address().id && $("ask").hidden ? $("notice") : $("form-trouble");
  clear(box);
  say(watch.sending);
  try {
    const answer = await once(JSON.stringify(request), (key) => api.submitJob(request, key));
    const { id, prompt, status, created_at } = answer.data;
    history.remember({ id, thing: "jobs", name: prompt, status, at: created_at });
    listSongs();
    goTo("job", id, answer);
  } catch (error) {
    if (!(error instanceof api.Trouble)) throw error;
    const rest = form.markErrors(error.kind === "validation" ? error.errors : []);
    if (error.kind === "validation" && !rest.length && error.errors.length) return;
    const more = make("ul", {}, ...rest.map((detail) => make("li", { textContent: detail })));
    showTrouble(box, error, () => submit(request), more);
  } finally {
    $("send").disabled = false;
    if ($("live").textContent === watch.sending) say("");
  }
}

function edit(prompt, options) {
  showing(true);
  if (prompt === undefined) return;
  form.fill(prompt, options);
  $("ask").scrollIntoView();
  form.focusPrompt();
}

function listSongs() {
  const all = history.songs();
  $("songs-empty").hidden = all.length > 0;
  $("songs-tools").hidden = all.length === 0;
  $("songs-list").replaceChildren(...all.map((entry) => {
    const name = entry.title ?? (entry.rows ? historyWords.file(entry.name, entry.rows) : entry.name);
    const kind = entry.thing === "batches" ? "batch" : "job";
    const link = make("a", { href: `?${kind}=${encodeURIComponent(entry.id)}`, textContent: name });
    link.onclick = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      goTo(kind, entry.id);
    };
    const remove = make("button", { type: "button", textContent: "×", aria: { label: historyWords.remove(name) } });
    remove.onclick = () => {
      history.forget(entry.id);
      listSongs();
      $("songs").focus();
    };
    const state = `${historyWords.status[entry.status] ?? entry.status} · ${date(entry.at)}`;
    return make("li", {}, link, make("span", { className: "quiet", textContent: state }), remove);
  }));
  offerUnfinished(all);
}

function offerUnfinished(all) {
  const open = address().id ? null : all.find(history.isOpen);
  $("unfinished").hidden = !open;
  if (!open) return;
  const follow = make("button", { type: "button", textContent: historyWords.follow });
  follow.onclick = () => goTo(open.thing === "batches" ? "batch" : "job", open.id);
  $("unfinished").replaceChildren(historyWords.open(open.name), follow);
}

// What was unfinished when this page was last open: one question each, the newest few.
async function catchUp() {
  const open = history.songs().filter((entry) => history.isOpen(entry) && entry.id !== address().id).slice(0, 5);
  await Promise.all(open.map(async ({ id, thing }) => {
    try {
      const { data } = await api.read(thing, id);
      history.update(id, { status: data.status, ...(data.output?.title && { title: data.output.title }) });
    } catch (error) {
      if (error.final) history.update(id, { status: "gone" });
    }
  }));
  if (open.length) listSongs();
}

async function showServer() {
  try {
    const { data } = await api.serverStatus();
    const wait = data.expected_wait_seconds ?? {};
    const tell = data.worker === "warm" ? server.warm(wait.warm) : server.cold(wait.cold);
    $("server").textContent = tell + server.queue(data.queue_depth);
  } catch {
    $("server").textContent = "";
  }
}

// A page that nobody has looked at yet wakes nobody.
function whenSeen(act) {
  const see = () => {
    if (document.prerendering || document.hidden) return;
    document.removeEventListener("visibilitychange", see);
    document.removeEventListener("prerenderingchange", see);
    act();
  };
  document.addEventListener("visibilitychange", see);
  document.addEventListener("prerenderingchange", see);
  see();
}

const shared = { submit, say, edit, showing, unknown, unreached, listSongs, once, goTo, copyLink: job.copyLink };
job.start(shared);
batch.start(shared);
form.start(submit);
$("new-song").onclick = home;
document.querySelector("h1 a").onclick = home;
$("forget").onclick = () => {
  history.forgetAll();
  listSongs();
  $("songs").focus();
};
history.onChange(listSongs);
addEventListener("popstate", () => route());
route();
listSongs();
whenSeen(() => {
  showServer();
  catchUp();
  api.warmUp().catch(() => {});
});

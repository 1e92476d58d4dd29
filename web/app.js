// The page as a whole: what the address says, which state is shown, what is sent, and the list.
import * as api from "./api.js";
import * as batch from "./batch.js";
import { $, announce, button, make, notice, refuse } from "./dom.js";
import * as form from "./form.js";
import * as songs from "./history.js";
import * as notify from "./notify.js";
import * as T from "./texts.js";
import * as watch from "./watch.js";

for (const [id, text] of Object.entries(T.page)) $(id).textContent = text;

const link = (kind, id) => `?${kind}=${encodeURIComponent(id)}`;
function address() {
	const query = new URLSearchParams(location.search);
	const kind = ["job", "batch"].find((name) => query.get(name));
	return { kind, id: query.get(kind) };
}

// The field is offered again below what is done.
function show(done) {
	const { kind } = address();
	$("ask").hidden = !done;
	$("new").hidden = !kind;
	$("claim").textContent = kind ? T.nextClaim : T.page.claim;
	for (const id of ["lead", "try", "examples"]) $(id).hidden = kind;
	$("songs").hidden = false;
}

function route(known) {
	const { kind, id } = address();
	watch.close();
	notice($("notice"));
	notice($("refused"));
	notify.title();
	announce("");
	show(!kind);
	if (!kind) return;
	// Below something that is about to appear, the list would only jump.
	$("songs").hidden = true;
	watch.open(kind, id, known);
}

// Nothing to show: a wrong or old link, or a server that does not answer.
function nothing(error) {
	watch.close();
	if (error.final) songs.update(address().id, { status: "gone" });
	refuse($("notice"), error, () => (error.final ? location.assign(location.pathname) : route()));
	show(error.final);
}

// One key for one request: asked again after a lost answer, it makes no second song.
// Not crypto.randomUUID, which a page over plain HTTP in a local network does not have.
const pending = {};
const randomKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

async function send(kind, body, type, query, entry) {
	if ($("send").disabled) return;
	$("send").disabled = true;
	if (pending.request !== query + body) Object.assign(pending, { request: query + body, key: randomKey() });
	const box = $($("ask").hidden ? "notice" : "refused");
	notice(box);
	try {
		const answer = await api.submit(kind, body, type, pending.key, query);
		pending.request = null;
		const { id, status, created_at: at } = answer.data;
		songs.remember({ id, kind, status, at, ...entry });
		batch.clearReport();
		history.pushState(null, "", link(kind, id));
		route(answer);
		scrollTo(0, 0);
		$("words").focus({ preventScroll: true });
	} catch (error) {
		if (!(error instanceof api.Trouble)) throw error;
		if (error.final) pending.request = null;
		const again = () => send(kind, body, type, query, entry);
		const extra = error.kind === "batch-invalid" ? batch.faultTable(error.errors) : form.mark(error.errors).join(" ");
		refuse(box, error, error.final ? null : again, extra);
	} finally {
		$("send").disabled = false;
	}
}

const submit = (job) => send("job", JSON.stringify(job), "application/json", "", { name: job.prompt });

function submitFile({ text, type, name, rows }) {
	const options = Object.entries(form.options()).filter(([, value]) => value !== "");
	return send("batch", text, type, `?${new URLSearchParams(options)}`, { name, rows });
}

function edit(prompt, options) {
	show(true);
	form.edit(prompt, options);
	$("ask").scrollIntoView();
}

const forget = (id) => () => {
	songs.forget(id);
	$("songs").focus();
};

function entryRow({ id, kind, name, rows, title, status, at }) {
	const words = title || (rows ? T.batch.name(name, rows) : name);
	return make("li", {}, make("a", { href: link(kind, id) }, words),
		make("span", { className: "quiet" }, `${T.status[status] ?? status} · ${T.date(at)}`),
		button("×", forget(id), { "aria-label": T.remove(words) }));
}

function list() {
	const all = songs.songs();
	$("list").replaceChildren(...all.map(entryRow));
	$("songs-note").textContent = T.songsNote(all.length);
	$("forget").hidden = !all.length;
}

// What was unfinished when the page was last open: one question each, and the newest is offered.
async function catchUp() {
	for (const { id, kind } of songs.songs().filter(songs.isOpen).slice(0, 5)) {
		const gone = (error) => ({ data: error.final && { status: "gone" } });
		const { data } = await api.read(kind, id).catch(gone);
		if (data) songs.update(id, { status: data.status, title: data.output?.title });
	}
	const open = songs.songs().find(songs.isOpen);
	if (!open || address().kind || !$("notice").hidden) return;
	notice($("notice"), [T.open(open.name), "", T.follow], { act: () => location.assign(link(open.kind, open.id)) });
}

async function showServer() {
	const { worker, expected_wait_seconds: wait, queue_depth: queue } = (await api.status()).data;
	$("server").textContent = (worker === "warm" ? T.server.warm(wait?.warm) : T.server.cold(wait?.cold)) + T.server.queue(queue);
}

// A page that nobody looks at wakes nobody, and wakes once.
let woken = false;
function whenSeen() {
	if (woken || document.hidden || document.prerendering) return;
	woken = true;
	// Both only help: without an answer the page says less and works the same.
	showServer().catch(() => {});
	api.warmUp().catch(() => {});
	catchUp();
}

watch.start({ submit, show, edit, nothing });
batch.start(submitFile, () => show(true));
form.start(submit);
songs.onChange(list);
$("forget").onclick = forget();
addEventListener("popstate", () => route());
document.addEventListener("visibilitychange", whenSeen);
document.addEventListener("prerenderingchange", whenSeen);
list();
$("main").hidden = false;
route();
whenSeen();

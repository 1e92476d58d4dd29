// The page as a whole: what the address says, which state is shown, what is sent. What only a song,
// a file or an empty list needs is loaded when it is needed.
import * as api from "./api.js";
import { $, announce, make, notice, refuse } from "./dom.js";
import * as form from "./form.js";
import * as songs from "./history.js";
import { LANGUAGES, SONG, lang } from "./language.js";
import * as list from "./list.js";
import { T } from "./texts.js";

document.documentElement.lang = lang;
document.title = T.title;
for (const [id, text] of Object.entries(T.page)) (document.querySelector(`[for=${id}]`) ?? $(id)).textContent = text;
// It is remembered by now: who is given this address need not read in the language of who gives it.
const here = new URL(location.href);
if (here.searchParams.has("lang") && songs.lastLanguage()) {
	here.searchParams.delete("lang");
	history.replaceState(null, "", here);
}
for (const id of ["lyrics", "sample", "examples"]) $(id).lang = SONG;

function offerLanguages() {
	const here = new URL(location.href);
	$("languages").replaceChildren(...Object.entries(LANGUAGES).flatMap(([code, name]) => {
		here.searchParams.set("lang", code);
		return [make("a", { href: here.search, lang: code, hreflang: code, "aria-current": code === lang && "true" }, name), " "];
	}));
}

let watch;
async function load(name) {
	try {
		return await import(name);
	} catch {
		// A browser may remember a module that did not come, so that only a reload asks for it again.
		refuse($("notice"), new api.Trouble("unreachable"), () => location.reload());
		return null;
	}
}

async function watching() {
	if (!watch) {
		const loaded = await load("./watch.js");
		if (loaded && !watch) (watch = loaded).start({ submit, show, edit, nothing, load });
	}
	return watch;
}

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
	const isBelow = !$("watch").hidden;
	$("claim").textContent = isBelow ? T.nextClaim : T.page.claim;
	for (const id of ["lead", "examples"]) $(id).hidden = isBelow;
	$("songs").hidden = false;
	offerLanguages();
	list.draw();
	// What a song has taken tells what the next one will.
	if (done && isBelow) showServer().catch(() => {});
}

async function route(known) {
	const { kind, id } = address();
	watch?.close();
	notice($("notice"));
	notice($("refused"));
	announce("");
	show(!kind);
	if (!kind) return;
	// Below something that is about to appear, the list would only jump.
	$("songs").hidden = true;
	const loaded = await watching();
	if (loaded && address().id === id) loaded.open(kind, id, known);
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

// `body`: text, or the bytes of a file. `at`: where a refusal is shown, and what marks its fields.
async function send(kind, body, type, query, entry, at = {}) {
	if ($("send").disabled) return;
	$("send").disabled = true;
	if (pending.query !== query || pending.body !== body) Object.assign(pending, { query, body, key: randomKey() });
	const { box = $($("ask").hidden ? "notice" : "refused"), mark = form.mark } = at;
	notice(box);
	try {
		const answer = await api.submit(kind, body, type, pending.key, query);
		delete pending.body;
		const { id, status, created_at: at } = answer.data;
		songs.remember({ id, kind, status, at, ...entry });
		$("report").replaceChildren();
		history.pushState(null, "", list.link(kind, id));
		await route(answer);
		at.box ? $("sheet").scrollIntoView() : scrollTo(0, 0);
		$("words").focus({ preventScroll: true });
	} catch (error) {
		if (!(error instanceof api.Trouble)) throw error;
		if (error.final) delete pending.body;
		const again = () => send(kind, body, type, query, entry, at);
		refuse(box, error, error.final ? null : again, mark(error.errors).join(" "));
		(document.querySelector("[aria-invalid]") ?? box).scrollIntoView({ block: "center" });
	} finally {
		$("send").disabled = false;
	}
}

const submit = (job, at) => send("job", JSON.stringify(job), "application/json", "", { name: job.prompt }, at);

async function takeFile(file) {
	show(true);
	(await load("./files.js"))?.take(file, send);
}

function edit(asked) {
	show(true);
	form.edit(asked);
	$("ask").scrollIntoView();
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
	const act = () => location.assign(list.link(open.kind, open.id));
	notice($("notice"), [T.open(open.name), "", T.follow], { act, calm: true });
}

async function showServer() {
	const { worker, expected_wait_seconds: wait, queue_depth: queue, models } = (await api.status()).data;
	const start_s = Math.max(0, (wait?.cold ?? 0) - (wait?.warm ?? 0));
	$("server").textContent = (worker === "warm" ? T.server.warm : T.server.cold(start_s)) + T.server.queue(queue, wait?.queue);
	form.expect(wait ?? {});
	if (models?.length) await (await import("./models.js")).offer();
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

const drag = (type, over, act) =>
	addEventListener(type, (event) => {
		if (!event.dataTransfer?.types.includes("Files")) return;
		event.preventDefault();
		$("drop").hidden = !over(event);
		act?.(event.dataTransfer.files[0]);
	});
drag("dragover", () => true);
drag("dragleave", (event) => event.relatedTarget);
drag("drop", () => false, (file) => file && takeFile(file));
$("file").onchange = ({ target }) => target.files[0] && takeFile(target.files[0]);

form.start(submit);
list.start(edit);
// Somebody who writes will watch: then a network that breaks off breaks nothing.
$("prompt").addEventListener("input", () => import("./watch.js").catch(() => {}), { once: true });
addEventListener("popstate", () => route());
document.addEventListener("visibilitychange", whenSeen);
document.addEventListener("prerenderingchange", whenSeen);
$("main").hidden = false;
route();
whenSeen();

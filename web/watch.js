// What is open on the page, a job or a batch: followed until `done`, its buttons, and what is said
// when something changes. job.js draws it, or batch.js.
import * as api from "./api.js";
import { $, announce, button, looks, put } from "./dom.js";
import { isTold, update } from "./history.js";
import * as job from "./job.js";
import { link } from "./list.js";
import * as notify from "./notify.js";
import { follow } from "./poll.js";
import { T } from "./texts.js";

await looks("watch.css");

let page, view, kind, id, thing, poll, said, desk;
let [skew_ms, heard_at] = [0, 0];
// The earliest end that was told, and what was left of it then: who was told less is told why.
let promised = null;
const LATER_MS = 3000;
const LATER = 0.3;

const tick = () => view.tick(thing, Date.now() + skew_ms, (Date.now() - heard_at) / 1000, isLater());

function promise() {
	if (thing.eta_seconds == null) return;
	const left_ms = thing.eta_seconds * 1000;
	if (!(promised?.at <= heard_at + left_ms)) promised = { at: heard_at + left_ms, left_ms };
}

function isLater() {
	if (thing.eta_seconds == null || !promised) return false;
	return heard_at + thing.eta_seconds * 1000 - promised.at > Math.max(LATER_MS, LATER * promised.left_ms);
}

// A song opened when it was done already is no news.
function tell() {
	const step = thing.done ? "end" : view.nowAt(thing);
	const [aloud, elsewhere] = thing.done ? view.atEnd(thing) : [step];
	if (!thing.done) notify.title(step);
	else if (said) notify.tell(elsewhere, kind, id);
	else notify.title(thing.output?.title);
	if (said !== step && (thing.done ? said : kind === "job")) announce(aloud);
	said = step;
}

function news({ data, skew_ms: skew }) {
	lost();
	if (!data) return;
	[thing, skew_ms, heard_at] = [data, skew, Date.now()];
	promise();
	$("watch").hidden = false;
	$("watch").className = kind;
	$("sheet").hidden = $("steps").hidden = kind === "batch";
	$("rows").hidden = kind === "job";
	$("cancel").hidden = thing.done || thing.cancel_requested_at;
	$("tell").hidden = thing.done || thing.cancel_requested_at || !notify.possible(id);
	if (thing.done) put("told", "");
	$("retry").hidden = true;
	view.draw(thing, page.submit);
	tick();
	update(id, { status: thing.status, title: thing.output?.title });
	tell();
	page.show(thing.done);
	if (desk?.continues(thing)) work();
}

// The desk, where its lines are worked on.
async function work() {
	const [worked, known] = [thing, desk];
	const loaded = known ?? (await page.load("./desk.js"));
	// Another song by now, or a second click.
	if (!loaded || thing !== worked || desk !== known) return;
	desk = loaded;
	desk.toggle(thing, { submit: page.submit, show: showAgain });
}

// An earlier version, as it was told when it was done.
function showAgain(earlier) {
	[thing, id] = [earlier, earlier.id];
	history.replaceState(null, "", link(kind, id));
	view.draw(thing, page.submit);
	notify.title(thing.output?.title);
	tick();
}

function lost(words) {
	if (words && $("lost").hidden) announce(words);
	$("lost").hidden = !words;
	if (words) $("lost").replaceChildren(words, button(T.lost.now, () => poll.wake()));
}

function trouble(error) {
	if (error.final || !thing) return page.nothing(error);
	return lost(T.lost[error.kind] ?? T.lost.other);
}

function listen() {
	poll?.stop();
	poll = follow(kind, id, { news, trouble, insist: notify.wanted });
}

// `known` is the answer to the submission, where it was this page that asked.
export async function open(newKind, newId, known) {
	[kind, id] = [newKind, newId];
	const loaded = kind === "job" ? job : await page.load("./batch.js");
	if (!loaded || id !== newId) return;
	view = loaded;
	view.reset();
	promised = null;
	if (known) news(known);
	if (known?.data.done) return;
	listen();
	put("told", isTold(id) ? T.told.yes : "");
	// Who has asked once is told of the next song, too.
	if (known && notify.wanted()) tellOf();
}

async function tellOf() {
	const asked = id;
	$("tell").hidden = true;
	const words = await notify.ask(kind, id);
	if (id !== asked || thing?.done) return;
	put("told", words);
	announce(words);
}

export function close() {
	poll?.stop();
	desk?.close();
	poll = thing = said = id = null;
	notify.title();
	$("watch").hidden = true;
	put("told", "");
	lost();
}

async function change(verb) {
	const asked = id;
	try {
		const answer = await api.act(kind, id, verb);
		if (id !== asked) return;
		news(answer);
		if (!thing.done) listen();
	} catch (error) {
		if (id === asked) trouble(error);
	}
}

async function copy(text, { target }) {
	const usual = target.textContent;
	const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
	announce(target.textContent = done ? T.copied : T.notCopied);
	setTimeout(() => (target.textContent = usual), 2500);
}

export function start(shared) {
	page = shared;
	$("cancel").onclick = () => change("cancel");
	$("retry").onclick = () => change("retry-failed");
	$("tell").onclick = tellOf;
	$("share").onclick = (event) => copy(location.href, event);
	$("copy").onclick = (event) => copy(desk?.text() ?? thing.output.lyrics, event);
	$("again").onclick = () => page.submit(job.askedOf({ ...thing, options: { ...thing.options, seed: undefined } }));
	$("work").onclick = work;
	$("more").onclick = () => page.edit(thing);
	$("count").onchange = async ({ target }) => {
		$("lyrics").classList.toggle("counted", target.checked);
		(await page.load("./meter.js"))?.show($("lyrics"), target.checked, $("marks"));
	};
	setInterval(() => thing?.done === false && !document.hidden && tick(), 500);
}

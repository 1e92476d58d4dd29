// A batch drawn: how far it is, its songs as links, its files. Asks for its rows itself, as often as
// their number allows.
import { resultsLink, rows as askRows } from "./api.js";
import { $, button, make, notice, put } from "./dom.js";
import { nameOf } from "./history.js";
import { cents } from "./language.js";
import { link } from "./list.js";
import { T } from "./texts.js";

const SHOWN = 100;
// Each row of an answer is paid for by the reader's allowance.
const LEAST_PAUSE_S = 3;
const ROWS_A_SECOND = 10;
// After an answer that did not come.
const PATIENCE_S = 10;
// `next`: since when the rows that have ended are to be asked for; all of them where it is empty.
let batch, rows, next, asked, asking, whole;

export function reset() {
	[batch, rows, next, asked, asking, whole] = [null, [], null, {}, false, false];
	$("rows").replaceChildren();
}

const finished = ({ total, queued, running }) => total - queued - running;
const uploadOf = ({ id, metadata }) => metadata?.file ?? nameOf(id);

function songRow({ id, custom_id, status, prompt, output, error }) {
	return make("li", {}, make("span", { className: "quiet" }, custom_id), make("a", { href: link("job", id) }, output?.title || prompt),
		make("span", { className: "quiet" }, output ? prompt : error?.detail ?? T.status[status] ?? status));
}

function drawRows() {
	const name = uploadOf(batch)?.replace(/\.\w+$/, "") ?? batch.id;
	const links = ["txt", "csv", "jsonl"].map((format) =>
		make("a", { className: "button", href: resultsLink(batch.id, format), download: `${name}-songs.${format}` }, format.toUpperCase()));
	const hidden = whole ? 0 : rows.length - SHOWN;
	const showAll = () => {
		whole = true;
		drawRows();
	};
	$("rows").replaceChildren(make("h2", {}, T.batch.songs),
		rows.length ? make("ol", {}, ...rows.slice(0, whole ? rows.length : SHOWN).map(songRow)) : make("p", { className: "quiet" }, T.batch.none),
		hidden > 0 ? button(T.all(rows.length), showAll) : "",
		finished(batch.request_counts) ? make("p", { className: "buttons", id: "results" }, T.batch.results, ...links) : "");
}

// Again once something has ended and the last answer is paid for; at the end in any case.
async function refresh() {
	const { id, done, request_counts: counts } = batch;
	const over = finished(counts);
	const pause_ms = 1000 * Math.max(LEAST_PAUSE_S, next ? 0 : counts.total / ROWS_A_SECOND);
	if (asking || (asked.over === over && asked.done === done) || (!done && Date.now() - asked.at < pause_ms)) return;
	if (asked.done && !done) next = null;
	asking = true;
	asked = { over, done, at: Date.now() };
	const answer = await askRows(id, next).catch((error) => error);
	if (batch?.id !== id) return;
	asking = false;
	if (answer instanceof Error) {
		asked = {};
		setTimeout(() => batch?.id === id && refresh(), 1000 * Math.max(PATIENCE_S, answer.retryAfter));
		return;
	}
	const ended = new Map(answer.data.map((row) => [row.custom_id, row]));
	rows = next ? rows.map((row) => ended.get(row.custom_id) ?? row) : answer.data;
	next = answer.next;
	drawRows();
	if (batch.done && !asked.done) refresh();
}

export function draw(newer) {
	batch = newer;
	const counts = batch.request_counts;
	$("words").textContent = T.batch.name(uploadOf(batch) ?? "", counts.total);
	$("sub").textContent = T.batch.counts(counts);
	$("part").hidden = true;
	Object.assign($("bar"), { max: counts.total || 1, value: finished(counts), hidden: false });
	put("why", batch.done ? T.batch.over(counts.succeeded, counts.total) : T.hint.waiting);
	put("retry", batch.done && counts.failed ? T.batch.retry(counts.failed) : "");
	notice($("end"));
	drawRows();
	refresh();
}

export function tick({ done, eta_seconds, cost_usd, request_counts: counts }, now_ms, heard_s, isLater) {
	const left = done ? cost_usd != null && cents(cost_usd) : eta_seconds == null ? "" : T.toGo(eta_seconds - heard_s, 0, isLater);
	$("clock").replaceChildren(T.batch.progress(finished(counts), counts.total), make("small", {}, left || ""));
}

export const nowAt = ({ request_counts: counts }) => T.batch.progress(finished(counts), counts.total);
export const atEnd = ({ request_counts: counts }) =>
	[T.batch.over(counts.succeeded, counts.total), T.told.batch(counts.succeeded, counts.total)];

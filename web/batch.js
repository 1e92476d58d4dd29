// A file of prompts: its report before it is sent, and the batch drawn by its counts afterwards.
import { resultsLink } from "./api.js";
import { $, button, make, notice, put } from "./dom.js";
import { songs } from "./history.js";
import { check } from "./prompts.js";
import * as T from "./texts.js";

const SHOWN = 100;

export function faultTable(errors) {
	const row = (tag, cells) => make("tr", {}, ...cells.map((cell) => make(tag, {}, `${cell ?? ""}`)));
	const rows = errors.slice(0, SHOWN).map(({ line, custom_id, code, detail }) => row("td", [line, custom_id, detail ?? T.batch.faults[code]]));
	return make("table", {}, make("thead", {}, row("th", T.batch.columns)), make("tbody", {}, ...rows));
}

async function report(file, send) {
	const { text, type, rows, errors } = await check(file);
	const head = make("h3", {}, errors.length ? T.batch.bad(errors.length, file.name) : T.batch.good(rows.length, file.name));
	const more = (n) => (n > 0 ? make("p", {}, T.batch.more(n)) : "");
	$("file-part").open = true;
	$("report").replaceChildren(head, ...errors.length ? [faultTable(errors), more(errors.length - SHOWN)] : [
		make("ol", {}, ...rows.slice(0, 3).map(({ prompt }) => make("li", {}, prompt))), more(rows.length - 3),
		make("p", { className: "quiet" }, T.batch.choices),
		button(T.batch.send(rows.length), () => send({ text, type, name: file.name, rows: rows.length }), { className: "main" }),
	]);
	$("report").focus();
}

export const clearReport = () => {
	$("report").replaceChildren();
	$("file").value = "";
};

const finished = ({ total, queued, running }) => total - queued - running;

export function draw(batch) {
	const counts = batch.request_counts;
	const over = finished(counts);
	const entry = songs().find(({ id }) => id === batch.id);
	$("words").textContent = T.batch.name(entry?.name ?? "", counts.total);
	$("sub").textContent = T.batch.counts(counts);
	$("bar").hidden = false;
	Object.assign($("bar"), { max: counts.total || 1, value: over });
	put("why", batch.done ? T.batch.over(counts.succeeded, counts.total) : T.why.waiting);
	const links = ["txt", "csv", "jsonl"].map((format) =>
		make("a", { className: "button", href: resultsLink(batch.id, format), download: `${batch.id}.${format}` }, format.toUpperCase()));
	$("results").replaceChildren(T.batch.results, ...links);
	put("retry", batch.done && counts.failed ? T.batch.retry(counts.failed) : "");
	notice($("end"));
}

export function tick(batch, now_ms, heard_s) {
	const left = batch.done || batch.eta_seconds == null ? "" : T.toGo(batch.eta_seconds - heard_s);
	$("clock").replaceChildren(T.batch.progress(finished(batch.request_counts), batch.request_counts.total), make("small", {}, left));
}

export const nowAt = ({ request_counts: counts }) => T.batch.progress(finished(counts), counts.total);
export const atEnd = ({ request_counts: counts }) =>
	[T.batch.over(counts.succeeded, counts.total), T.told.batch(counts.succeeded, counts.total)];

export function start(send, makeRoom) {
	const take = (file) => {
		makeRoom();
		return report(file, send);
	};
	const drag = (type, over, act) =>
		addEventListener(type, (event) => {
			if (!event.dataTransfer?.types.includes("Files")) return;
			event.preventDefault();
			$("drop").hidden = !over(event);
			act?.(event.dataTransfer.files[0]);
		});
	drag("dragover", () => true);
	drag("dragleave", (event) => event.relatedTarget);
	drag("drop", () => false, (file) => file && take(file));
	$("file").onchange = ({ target }) => target.files[0] && take(target.files[0]);
}

// A file of prompts before it is sent: the server checks it, the report is shown, and a button sends it.
import * as api from "./api.js";
import { $, button, make, refuse } from "./dom.js";
import * as form from "./form.js";
import { MOST_MIB } from "./limits.js";
import { T } from "./texts.js";

const TYPES = { jsonl: "application/jsonl", ndjson: "application/jsonl", csv: "text/csv" };
let latest;

const heading = (words) => make("h3", {}, words);
const more = (n) => (n > 0 ? make("p", {}, T.batch.more(n)) : "");

function faultTable(errors) {
	const row = (tag, cells) => make("tr", {}, ...cells.map((cell) => make(tag, {}, `${cell ?? ""}`)));
	const rows = errors.map(({ line, custom_id, detail }) => row("td", [line, custom_id, detail]));
	return make("table", {}, make("thead", {}, row("th", T.batch.columns)), make("tbody", {}, ...rows));
}

function say(...parts) {
	$("report").replaceChildren(...parts);
	$("report").focus();
}

function query(more) {
	// A title is one song's.
	const chosen = Object.entries({ ...form.options(), title: "" }).filter(([, value]) => (value ?? "") !== "");
	return `?${new URLSearchParams([...chosen, ...Object.entries(more)])}`;
}

export async function take(file, send) {
	latest = file;
	$("file-part").open = true;
	$("file").value = "";
	const { name, size } = file;
	if (size > MOST_MIB * 2 ** 20) return say(heading(T.batch.bad(1, name)), make("p", {}, T.batch.tooLarge));
	say(heading(T.batch.checking(name)));
	const type = TYPES[name.split(".").pop().toLowerCase()] ?? "text/plain";
	const body = await file.arrayBuffer();
	try {
		const { rows, fault_count: faults, errors, first, cost_usd, ready_by } = (await api.check(body, type, query({}))).data;
		if (latest !== file) return;
		if (faults) return say(heading(T.batch.bad(faults, name)), faultTable(errors), more(faults - errors.length));
		const metadata = JSON.stringify({ file: name.slice(-200) });
		const later = make("input", { type: "checkbox" });
		const sendOff = () => send("batch", body, type, query({ metadata, ...(later.checked && { when: "later" }) }), { name, rows });
		say(heading(T.batch.good(rows, name)),
			make("ol", {}, ...first.map(({ prompt }) => make("li", {}, prompt))), more(rows - first.length),
			make("p", { className: "quiet" }, T.batch.choices),
			cost_usd == null ? "" : make("p", { className: "quiet" }, T.batch.estimate(cost_usd, ready_by)),
			make("label", { className: "check" }, later, make("span", {}, T.batch.later)),
			button(T.batch.send(rows), sendOff, { className: "main" }));
	} catch (error) {
		if (!(error instanceof api.Trouble)) throw error;
		const box = make("div", { className: "notice" });
		say(box);
		refuse(box, error, () => take(file, send), form.mark(error.errors).join(" "));
	}
}

// The field and the choices: reads them, remembers them, marks what was refused, tells how long it takes.
import { $, button, fault, make } from "./dom.js";
import { keepChoices, lastChoices } from "./history.js";
import { LONGEST } from "./limits.js";
import { T, choices } from "./texts.js";

const form = $("form");
const field = (name) => form.elements.namedItem(name);
const USUAL = { style: "rap", structure: "verse", rhyme_scheme: "AABB", lines: 16, syllables: "", tune: "", title: "", mood: "", explicit: false, continue_prompt: false, effort: "quick", model: "" };
// How much of a song its chorus is not again, and what a song takes that need not rhyme.
const WRITTEN = { verse: 1, song: 0.8 };
const UNRHYMED = 0.75;
// In the language of the songs.
const EXAMPLES = ["a slow train home", "a bakery at dawn", "next door's cat"];
let usual_s = {};
let queue_s = 0;
// Of the song whose words are edited: what the form has no field for.
let asked = {};

const clean = () => field("prompt").value.normalize("NFC").replace(/\s+/g, " ").trim();

// A tune has lines of its own, and so have parts.
const hasLines = ({ tune, structure }) => Boolean(tune) || /\d/.test(structure);

function chosen() {
	const read = ({ type, checked, value }) => (type === "checkbox" ? checked : type === "range" ? Number(value) : value.trim());
	const all = Object.fromEntries(Object.keys(USUAL).map((name) => [name, read(field(name))]));
	if (all.tune) [all.lines, all.structure, all.syllables] = [all.tune.split("\n").filter((l) => l.trim()).length, USUAL.structure, ""];
	else if (hasLines(all)) all.lines = asked.lines;
	return all;
}

// As it is sent: without what follows from the rest.
export function options() {
	const { lines, ...all } = chosen();
	const { temperature, top_p } = asked;
	return { ...all, lines: hasLines(all) ? undefined : lines, temperature, top_p };
}

// The lines that stay, while there are as many as the song has.
const given = () => asked.given?.length === chosen().lines && asked.given;

function choose(chosen) {
	asked = chosen;
	$("structure").children[Object.keys(T.structures).length]?.remove();
	if (/\d/.test(chosen.structure)) $("structure").append(radio("structure")([chosen.structure]));
	field("lines").step = chosen.lines % 2 ? 1 : 2;
	field("given").checked = true;
	for (const [name, usual] of Object.entries(USUAL)) {
		const input = field(name);
		if (typeof usual === "boolean") input.checked = chosen[name] === true;
		else input.value = chosen[name] ?? usual;
		// What an older page remembered may not exist any more.
		if (!input.value) input.value = usual;
	}
	showChoices();
}

function showChoices() {
	const all = chosen();
	$("choices").textContent = choices(all);
	$("lines-text").textContent = T.lines(all.lines);
	$("structure").parentNode.disabled = field("scheme").disabled = field("syllables").disabled = Boolean(all.tune);
	field("lines").hidden = hasLines(all);
	const kept = given();
	$("given").hidden = !kept;
	if (kept) $("given-text").textContent = T.given(kept.filter(Boolean).length);
	const lines = all.lines * (WRITTEN[all.structure] ?? 1) * (all.rhyme_scheme === "none" ? UNRHYMED : 1);
	for (const input of field("effort")) {
		input.nextSibling.data = T.effort(input.value, queue_s + (usual_s[input.value] * lines) / USUAL.lines);
	}
}

// `efforts`: seconds that a verse of the usual length takes at each, as far as is known; `queue`: before that.
export function expect({ efforts, queue = queue_s }) {
	usual_s = efforts ?? {};
	queue_s = queue;
	showChoices();
}

// Marks the fields that `errors` point at; returns the details of those that point elsewhere.
export function mark(errors) {
	for (const note of form.querySelectorAll(".error")) note.remove();
	for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
	const marked = [];
	const rest = errors.filter(({ pointer = "", detail }) => {
		const name = pointer.startsWith("/given") ? "given" : pointer.split("/").pop();
		const found = name && field(name);
		const input = found?.[0]?.type === "radio" ? found[0] : found;
		// Beside a field that is not shown nobody would read it.
		if (!input || input.closest("[hidden]")) return true;
		fault(input, detail);
		(input.closest("details") ?? {}).open = true;
		marked.push(input);
		return false;
	});
	marked[0]?.focus();
	return rest.map(({ detail }) => detail);
}

export function edit({ prompt, options, given }) {
	field("prompt").value = prompt;
	if (options) choose({ ...options, given });
	field("prompt").focus();
	field("prompt").select();
}

const radio = (name) => ([value, text]) => make("label", {}, make("input", { type: "radio", name, value }), text ?? value);

export function start(submit) {
	$("style").append(...Object.entries(T.styles).map(radio("style")));
	$("structure").append(...Object.entries(T.structures).map(radio("structure")));
	$("effort").append(...Object.keys(T.efforts).map((value) => radio("effort")([value])));
	$("scheme").append(...Object.entries(T.schemes).map(([value, text]) => make("option", { value }, text)));
	$("examples").append(...EXAMPLES.map((text) => make("li", {}, button(text, () => edit({ prompt: text })))));
	choose(lastChoices());
	form.addEventListener("input", ({ target }) => {
		if (target.id === "prompt") return;
		showChoices();
		const all = chosen();
		// A tune, parts and a title are one song's. While there are no models to choose among, the last one is kept.
		if (!hasLines(all)) keepChoices({ ...all, title: "", ...(!field("model").length && { model: lastChoices().model }) });
	});
	field("prompt").addEventListener("keydown", (event) => {
		if (event.key !== "Enter" || event.isComposing) return;
		event.preventDefault();
		form.requestSubmit();
	});
	form.addEventListener("submit", (event) => {
		event.preventDefault();
		const prompt = clean();
		const over = [...prompt].length - LONGEST;
		const detail = !prompt ? T.empty : over > 0 ? T.tooLong(over) : "";
		mark(detail ? [{ pointer: "/prompt", detail }] : []);
		const lines = field("given").checked && given();
		if (!detail) submit({ prompt, options: options(), ...(lines && { given: lines }) });
	});
}

// The field and the choices: reads them, remembers them, marks what was refused, tells how long it takes.
import { $, button, make } from "./dom.js";
import { keepChoices, lastChoices } from "./history.js";
import { LONGEST } from "./limits.js";
import { T } from "./texts.js";

const form = $("form");
const field = (name) => form.elements.namedItem(name);
const USUAL = { style: "rap", structure: "verse", rhyme_scheme: "AABB", lines: 16, mood: "", explicit: false, continue_prompt: false, effort: "quick", model: "" };
// How much of a song its chorus is not again, and what a song takes that need not rhyme.
const WRITTEN = { verse: 1, song: 0.8 };
const UNRHYMED = 0.75;
// In the language of the songs.
const EXAMPLES = ["a slow train home", "a bakery at dawn", "next door's cat"];
let usual_s = {};
let queue_s = 0;

const clean = () => field("prompt").value.normalize("NFC").replace(/\s+/g, " ").trim();

export function options() {
	const read = ([name, usual]) => {
		const input = field(name);
		return [name, typeof usual === "boolean" ? input.checked : typeof usual === "number" ? Number(input.value) : input.value.trim()];
	};
	return Object.fromEntries(Object.entries(USUAL).map(read));
}

function choose(chosen) {
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
	const chosen = options();
	$("choices").textContent = T.choices(chosen);
	$("lines-text").textContent = T.lines(chosen.lines);
	const lines = chosen.lines * WRITTEN[chosen.structure] * (chosen.rhyme_scheme === "none" ? UNRHYMED : 1);
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
		const name = pointer.split("/").pop();
		const found = name && field(name);
		const input = found?.[0]?.type === "radio" ? found[0] : found;
		// Beside a field that is not shown nobody would read it.
		if (!input || input.closest("[hidden]")) return true;
		const note = make("p", { className: "error", id: `${name}-error` }, detail);
		input.ariaInvalid = "true";
		input.setAttribute("aria-describedby", note.id);
		(input.closest("fieldset") ?? input).after(note);
		(input.closest("details") ?? {}).open = true;
		marked.push(input);
		return false;
	});
	marked[0]?.focus();
	return rest.map(({ detail }) => detail);
}

export function edit(prompt, chosen) {
	field("prompt").value = prompt;
	if (chosen) choose(chosen);
	field("prompt").focus();
	field("prompt").select();
}

const radio = (name) => ([value, text]) => make("label", {}, make("input", { type: "radio", name, value }), text ?? value);

export function start(submit) {
	$("style").append(...Object.entries(T.styles).map(radio("style")));
	$("structure").append(...Object.entries(T.structures).map(radio("structure")));
	$("effort").append(...Object.keys(T.efforts).map((value) => radio("effort")([value])));
	$("scheme").append(...Object.entries(T.schemes).map(([value, text]) => make("option", { value }, text)));
	$("examples").append(...EXAMPLES.map((text) => make("li", {}, button(text, () => edit(text)))));
	choose(lastChoices());
	form.addEventListener("input", ({ target }) => {
		if (target.id === "prompt") return;
		showChoices();
		// While there are no models to choose among, the one that was chosen last is kept.
		keepChoices(field("model").length ? options() : { ...options(), model: lastChoices().model });
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
		if (!detail) submit({ prompt, options: options() });
	});
}

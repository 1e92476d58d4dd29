// The field and the choices: reads them, remembers them, marks what the server refused.
import { keepChoices, lastChoices } from "./history.js";
import { make } from "./lyric.js";
import { choices as inWords, examples, field, schemes, styles } from "./texts.js";

const $ = (id) => document.getElementById(id);
const form = $("form");
const LONGEST = 500;
const USUAL = {
  style: "rap", structure: "verse", rhyme_scheme: "AABB", lines: 16, mood: "", temperature: 0.8,
  top_p: 0.95, explicit: false, continue_prompt: false,
};

const clean = (text) => text.normalize("NFC").replace(/\s+/g, " ").trim();
const control = (name) => form.elements.namedItem(name);

export function options() {
  const chosen = {};
  for (const [name, usual] of Object.entries(USUAL)) {
    const input = control(name);
    if (typeof usual === "boolean") chosen[name] = input.checked;
    else chosen[name] = typeof usual === "number" ? Number(input.value) : input.value.trim();
  }
  const seed = control("seed").value.trim();
  // A seed that is no number is sent as it is: the server says what is wrong with it.
  return seed ? { ...chosen, seed: /^\d+$/.test(seed) ? Number(seed) : seed } : chosen;
}

function choose(chosen) {
  for (const [name, usual] of Object.entries({ ...USUAL, seed: "" })) {
    const value = chosen[name] ?? usual;
    const input = control(name);
    if (typeof usual === "boolean") input.checked = value === true;
    else input.value = value;
    // An unknown value from an older visit leaves a select or a radio group empty.
    if (usual && !input.value) input.value = usual;
  }
  showChoices();
}

function showChoices() {
  for (const name of ["lines", "temperature", "top_p"]) $(`${name}-value`).value = control(name).value;
  $("choices-now").textContent = inWords(options());
}

export function markErrors(errors) {
  for (const node of form.querySelectorAll("[aria-invalid]")) {
    node.removeAttribute("aria-invalid");
    const note = $(`${node.name || node.id}-error`);
    if (note.id === "prompt-error") note.hidden = true;
    else note.remove();
  }
  const rest = [];
  let first = null;
  for (const { pointer = "", detail } of errors) {
    const name = pointer.split("/").pop();
    const input = name && control(name);
    if (input) first ??= markOne(input.tagName ? input : input[0], name, detail);
    else rest.push(detail);
  }
  first?.focus();
  return rest;
}

function markOne(input, name, detail) {
  input.setAttribute("aria-invalid", "true");
  let note = $(`${name}-error`);
  if (!note) {
    note = make("p", { id: `${name}-error`, className: "error" });
    (input.closest("fieldset") ?? input.parentNode).append(note);
    input.setAttribute("aria-errormessage", note.id);
  }
  note.textContent = detail;
  note.hidden = false;
  for (let part = input.closest("details"); part; part = part.parentNode.closest("details")) part.open = true;
  return input;
}

function countLeft() {
  const left = LONGEST - [...clean(control("prompt").value)].length;
  $("prompt-left").hidden = left > 100;
  $("prompt-left").textContent = left >= 0 ? field.left(left) : field.tooLong(LONGEST - left);
}

export function fill(prompt, chosen) {
  control("prompt").value = prompt;
  if (chosen) choose({ ...chosen, seed: "" });
  countLeft();
}

export const focusPrompt = () => {
  control("prompt").focus();
  control("prompt").select();
};

export function start(onSubmit) {
  const radio = ([value, words]) =>
    make("label", {}, make("input", { type: "radio", name: "style", value }), " ", make("span", { textContent: words }));
  $("styles").append(...Object.entries(styles).map(radio));
  $("rhyme_scheme").append(...Object.entries(schemes).map(([value, words]) => make("option", { value, textContent: words })));
  const example = (text) => {
    const onclick = () => {
      fill(text);
      focusPrompt();
    };
    return make("li", {}, make("button", { type: "button", textContent: text, onclick }));
  };
  $("examples").append(...examples.map(example));
  choose(lastChoices());
  form.addEventListener("input", ({ target }) => {
    if (target.name === "prompt") return countLeft();
    showChoices();
    const { seed, ...kept } = options();
    return target.type === "file" || keepChoices(kept);
  });
  $("reset").onclick = () => {
    choose({});
    keepChoices({});
  };
  control("prompt").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const prompt = clean(control("prompt").value);
    const length = [...prompt].length;
    const wrong = !length ? field.empty : length > LONGEST ? field.tooLong(length) : "";
    markErrors(wrong ? [{ pointer: "/prompt", detail: wrong }] : []);
    if (!wrong) onSubmit({ prompt, options: options() });
  });
}

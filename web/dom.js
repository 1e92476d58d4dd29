// Making nodes without markup, and the box that says what stands in the way.
import { T } from "./texts.js";

export const $ = (id) => document.getElementById(id);

// Puts words in an element, or hides it.
export function put(id, words) {
	$(id).textContent = words;
	$(id).hidden = !words;
}

export const announce = (words) => ($("live").textContent = words);

export function make(tag, props, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(props)) {
		if (name in node) node[name] = value;
		else if (value) node.setAttribute(name, value);
	}
	node.append(...children.filter(Boolean));
	return node;
}

// What is loaded later brings its looks; without them it is there all the same.
export const looks = (href) => new Promise((done) => document.head.append(make("link", { rel: "stylesheet", href, onload: done, onerror: done })));

export const button = (text, onclick, props) => make("button", { type: "button", onclick, ...props }, text);

// Says below a field what is wrong with it.
export function fault(input, detail) {
	const note = make("p", { className: "error", id: `${input.name}-error` }, detail);
	input.ariaInvalid = "true";
	input.setAttribute("aria-describedby", note.id);
	(input.closest("fieldset") ?? input.closest("label") ?? input).after(note);
}

// Shows [title, text, label] with one way on, held back for `seconds`; without words the box is closed.
// What is calm is no fault.
// A countdown read aloud every second helps nobody: only title and text are in the live part.
export function notice(box, words, { seconds = 0, act, extra, calm = false } = {}) {
	clearInterval(box.timer);
	box.hidden = !words;
	box.classList.toggle("calm", calm);
	box.replaceChildren();
	if (!words) return;
	const [title, text, label] = words;
	box.append(make("div", { role: "alert" }, make("h2", {}, title), make("p", {}, text)), extra ?? "");
	if (!act) return;
	const way = button(label ?? T.tryAgain, act);
	const wait = make("p", { className: "quiet" });
	const ready_at = Date.now() + seconds * 1000;
	const step = () => {
		const left = (ready_at - Date.now()) / 1000;
		way.disabled = left > 0;
		wait.textContent = left > 0 ? T.waitFor(left) : "";
	};
	box.append(way, wait);
	box.timer = setInterval(step, 500);
	step();
}

export function refuse(box, error, act, extra) {
	const [title, text] = T.trouble.busy;
	notice(box, T.trouble[error.kind] ?? [title, error.detail || text], { seconds: error.retryAfter, act, extra });
}

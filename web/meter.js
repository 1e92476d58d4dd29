// Syllables and stresses as the server knows them: a count for each line, a mark over each syllable.
import { meterOf } from "./api.js";
import { make } from "./dom.js";
import { lang } from "./language.js";
import { T } from "./texts.js";

// So many lines are asked about at once: an address has no room for a whole song.
const AT_ONCE = 16;
// A longer word is left without marks: a marked one does not break.
const LONGEST = 18;
const MARKS = { "/": "/", x: "x", "?": "·" };
const known = new Map();

const textOf = (words) => [...words.childNodes].filter(({ tagName }) => tagName !== "EM").map((node) => node.textContent).join("");

// Whether the server has told all.
async function ask(lines) {
	const unknown = [...new Set(lines)].filter((line) => line.trim() && !known.has(line));
	for (let i = 0; i < unknown.length; i += AT_ONCE) {
		const some = unknown.slice(i, i + AT_ONCE);
		const answer = await meterOf(some.join("\n")).catch(() => null);
		if (!answer) return false;
		answer.data.lines.forEach((line, j) => known.set(some[j], line));
	}
	return true;
}

// Puts each word under its marks, in the order in which the words were told.
function mark(words, told) {
	const left = [...told];
	const walker = document.createTreeWalker(words, NodeFilter.SHOW_TEXT, (node) =>
		node.parentNode.tagName === "EM" ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
	const nodes = [];
	while (walker.nextNode()) nodes.push(walker.currentNode);
	for (const node of nodes) {
		let rest = node.data;
		const pieces = [];
		while (left.length && rest.includes(left[0].word)) {
			const { word, stresses } = left.shift();
			const at = rest.indexOf(word);
			const signs = [...stresses].map((sign) => MARKS[sign] ?? "").join("");
			pieces.push(rest.slice(0, at), word.length > LONGEST ? word : make("ruby", {}, word, make("rt", { ariaHidden: true }, signs)));
			rest = rest.slice(at + word.length);
		}
		if (pieces.length) node.replaceWith(...pieces, rest);
	}
}

async function dress(box, legend) {
	const all = [...box.querySelectorAll(".words:not(:has(input, ruby))")];
	const isTold = await ask(all.map(textOf));
	if (legend.textContent) legend.textContent = isTold ? T.marks : T.trouble.unreachable[0];
	for (const words of all) {
		const told = known.get(textOf(words));
		if (!told || !words.isConnected || words.querySelector("ruby, input")) continue;
		mark(words, told.words);
		const count = words.parentNode.querySelector("small");
		[count.textContent, count.title] = [`${told.syllables}`, T.syllables(told.syllables)];
	}
}

let watching;

// Marks the lines in `box` and those that are drawn there afterwards, or no longer.
export function show(box, wanted, legend) {
	legend.textContent = wanted ? T.marks : "";
	legend.lang = lang;
	watching?.disconnect();
	for (const ruby of box.querySelectorAll("ruby")) {
		ruby.querySelector("rt").remove();
		ruby.replaceWith(...ruby.childNodes);
	}
	for (const words of box.querySelectorAll(".words")) words.normalize();
	if (!wanted) return;
	watching = new MutationObserver(() => dress(box, legend));
	watching.observe(box, { childList: true });
	dress(box, legend);
}

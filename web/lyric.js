// A lyric as a thing to look at: sections, rhyme letters, marked line ends, syllables.
import { make } from "./dom.js";
import * as T from "./texts.js";

// Text or lines to sections; `[Chorus]` alone on a line opens one.
export function sectionsFrom(text) {
	const sections = [];
	for (const line of [text ?? []].flat().join("\n").split("\n")) {
		const name = /^\[(.+)\]\s*$/.exec(line)?.[1];
		if (name || !sections.length) sections.push({ name: name ?? "", lines: [] });
		if (!name && line.trim()) sections.at(-1).lines.push(line.trim());
	}
	return sections.filter(({ name, lines }) => name || lines.length);
}

// The rhyme of each line of a section as a number, null where it has none: new ones every four lines.
// What is left at the end of a whole section rhymes with itself, a single line with the one before.
function rhymes(scheme, count, whole) {
	if (!/^[A-D]{4}$/.test(scheme)) return [];
	const distinct = new Set(scheme).size;
	const all = [];
	for (let i = 0; i < count; i += 1) {
		const first = i - (i % 4);
		const rest = whole ? count - first : 4;
		const place = rest < 4 ? 0 : scheme.charCodeAt(i % 4) - 65;
		all.push(rest === 1 && i ? all[i - 1] : (first / 4) * distinct + place);
	}
	return all.map((one, i) => (all.some((other, j) => j !== i && other === one) ? one : null));
}

// Vowel groups less a silent e, plus vowels spoken apart: a rule of thumb for English.
export function syllables(text) {
	let total = 0;
	for (const word of text.toLowerCase().replace(/['’]/g, "").match(/[a-z]+/g) ?? []) {
		const bare = word.replace(/(?<![aeiouytd])ed$|(?<![aeiouyszxc])es$|(?<=[aeiouy].*[^aeiouyl])e$|(?<=[aeiou]l)e$/, "");
		const apart = bare.match(/(?<![tscg])i[ao]|eo(?!u)|[aeiou]ing$/g)?.length ?? 0;
		total += Math.max(1, (bare.match(/[aeiouy]+/g)?.length ?? 0) + apart);
	}
	return total;
}

const letter = (rhyme) => (rhyme > 25 ? "A" : "") + String.fromCharCode(65 + (rhyme % 26));

function drawLine(text, rhyme, className) {
	const [, start, end, rest] = /^(.*?)([\p{L}\p{N}'’-]*)([^\p{L}\p{N}]*)$/su.exec(text);
	const mark = rhyme != null && make("mark", {}, end);
	// The golden angle: neighbours never look alike, however many rhymes there are.
	if (mark) mark.style.setProperty("--hue", 85 + 137.5 * rhyme);
	const count = syllables(text);
	return make("li", { className }, make("i", { ariaHidden: true }, mark && letter(rhyme)),
		make("span", { className: "words" }, start, mark || end, rest),
		make("small", { title: T.syllables(count) }, `${count}`));
}

// Draws everything; lines from number `fresh` on arrive with a movement. Returns their number.
export function draw(box, sections, scheme, whole, fresh) {
	let total = 0;
	box.replaceChildren(...sections.map(({ name, lines }, part) => {
		const marks = rhymes(scheme, lines.length, whole || part < sections.length - 1);
		const items = lines.map((line, i) => drawLine(line, marks[i], total++ >= fresh ? "fresh" : ""));
		return make("section", {}, name && make("h3", {}, `[${name}]`), make("ol", {}, ...items));
	}));
	return total;
}

// A lyric as a thing to look at: sections, rhyme letters, marked line ends, syllables.
import { make } from "./dom.js";
import { T } from "./texts.js";

// Where the lines of a song belong while it is written: [name, lines] of each section in order.
function shape({ structure, lines }) {
	if (structure !== "song") return [["Verse 1", lines]];
	const chorus = lines < 8 ? 1 : lines < 16 ? 2 : lines < 40 ? 4 : 8;
	const rest = lines - 2 * chorus;
	let first = Math.ceil(rest / 2);
	if (first % 2 && rest % 2 === 0 && rest > 2) first += 1;
	return [["Verse 1", first], ["Chorus", chorus], ["Verse 2", rest - first], ["Chorus", chorus]];
}

// The sections of unfinished lyrics, given as text or as lines; `total` is what a section will have.
export function sectionsFrom(preview, options) {
	const left = [preview ?? []].flat().join("\n").split("\n").filter(Boolean);
	return shape(options).map(([name, total]) => ({ name, total, lines: left.splice(0, total) }));
}

// The rhyme of each line of a section as a number, null where it has none: new ones every four lines.
// What is left at the end rhymes with itself, a single line with the one before.
export function rhymes(scheme, total) {
	if (!/^[A-D]{4}$/.test(scheme)) return [];
	const distinct = new Set(scheme).size;
	const all = [];
	for (let i = 0; i < total; i += 1) {
		const first = i - (i % 4);
		const place = total - first < 4 ? 0 : scheme.charCodeAt(i % 4) - 65;
		all.push(total - first === 1 && i ? all[i - 1] : (first / 4) * distinct + place);
	}
	return all.map((one, i) => (all.some((other, j) => j !== i && other === one) ? one : null));
}

// Vowel groups less a silent e, plus vowels spoken apart: a rule of thumb.
export function syllables(text) {
	let total = 0;
	for (const word of text.toLowerCase().replace(/['’]/g, "").match(/[a-z]+/g) ?? []) {
		const bare = word.replace(/(?<![aeiouytd])ed$|(?<![aeiouyszxc])es$|(?<![aeiouyl])e$|(?<=[aeiou]l)e$|e(?=ly$)/, "");
		const apart = bare.match(/(?<![tscg])i[ao]|oe[mt]|[aeiou]ing$/g)?.length ?? 0;
		total += Math.max(1, (bare.match(/[aeiouy]+/g)?.length ?? 0) + apart);
	}
	return total;
}

const letter = (rhyme) => (rhyme > 25 ? "A" : "") + String.fromCharCode(65 + (rhyme % 26));

function drawLine(text, rhyme, className) {
	const end = text.match(/[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu)?.at(-1) ?? "";
	const at = text.lastIndexOf(end);
	const mark = rhyme != null && make("mark", {}, end);
	// The golden angle: neighbours never look alike.
	if (mark) mark.style.setProperty("--hue", 85 + 137.5 * rhyme);
	const count = syllables(text);
	return make("li", { className }, make("i", { ariaHidden: true }, mark && letter(rhyme)),
		make("span", { className: "words" }, text.slice(0, at), mark || end, text.slice(at + end.length)),
		make("small", { title: T.syllables(count) }, `${count}`));
}

// Draws everything; lines from number `fresh` on move in. With `room` there is a blank for every line to
// come. A letter means one rhyme in the whole song: only a section that comes again has its letters again.
// Returns the number of lines.
export function draw(box, sections, scheme, fresh, room = false) {
	let [total, next] = [0, 0];
	const firsts = {};
	box.replaceChildren(...sections.filter(({ lines }) => room || lines.length).map(({ name, lines, total: full = lines.length }) => {
		const marks = rhymes(scheme, full);
		firsts[name] ??= next;
		next = Math.max(next, firsts[name] + 1 + Math.max(-1, ...marks));
		const letterOf = (mark) => (mark == null ? null : firsts[name] + mark);
		const items = lines.map((line, i) => drawLine(line, letterOf(marks[i]), total++ >= fresh ? "fresh" : ""));
		const blank = room && make("div", { className: "blank" });
		blank && blank.style.setProperty("--lines", full - lines.length);
		return make("section", {}, name && make("h3", {}, `[${name}]`), make("ol", {}, ...items), blank);
	}));
	if (room) [...box.querySelectorAll("li")].at(-1)?.classList.add("last");
	return total;
}

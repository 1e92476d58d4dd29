// A lyric as a thing to look at: sections, rhyme letters, marked line ends, room for a count.
import { make } from "./dom.js";
import { lang } from "./language.js";
import { T } from "./texts.js";

const PATTERN = /^(AABB|ABAB|ABBA|AAAA|ABCB)$/;

// The rhyme of each line of a section as a number, or null. A pattern has new ones every four lines; what is left at the
// end rhymes with itself, a single line with the one before. Any other scheme has a letter for each line.
export function rhymes(scheme, total) {
	if (!scheme || scheme === "none") return [];
	if (!PATTERN.test(scheme)) {
		const letters = [...new Set(scheme.replaceAll("-", ""))].filter((one) => scheme.split(one).length > 2);
		return [...scheme].map((one) => (letters.includes(one) ? letters.indexOf(one) : null));
	}
	const distinct = new Set(scheme).size;
	const all = [];
	for (let i = 0; i < total; i += 1) {
		const first = i - (i % 4);
		const place = total - first < 4 ? 0 : scheme.charCodeAt(i % 4) - 65;
		all.push(total - first === 1 && i ? all[i - 1] : (first / 4) * distinct + place);
	}
	return all.map((one, i) => (all.some((other, j) => j !== i && other === one) ? one : null));
}

export const letter = (rhyme) => (rhyme > 25 ? "A" : "") + String.fromCharCode(65 + (rhyme % 26));

const hue = (rhyme) => 85 + 137.5 * rhyme;
export const lastWord = (text) => text.match(/[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu)?.at(-1) ?? "";

function drawLine(text, rhyme, className) {
	const end = lastWord(text);
	const at = text.lastIndexOf(end);
	const mark = end && rhyme != null && make("mark", {}, end);
	// The golden angle: neighbours never look alike.
	if (mark) mark.style.setProperty("--hue", hue(rhyme));
	return make("li", { className }, make("i", { ariaHidden: true }, rhyme != null && letter(rhyme)),
		make("span", { className: "words" }, text.slice(0, at) || (!text && "\u00a0"), mark || end, text.slice(at + end.length)),
		make("small", {}));
}

export function markKept(li) {
	li.classList.add("kept");
	li.querySelector(".words").append(make("em", { lang }, T.kept));
}

// Draws everything and gives the number of lines; those from number `fresh` on move in. With `room` there is a blank for
// every line to come. A letter means one rhyme in the whole song; a section that comes again has its letters again.
export function draw(box, sections, scheme, fresh, room = false, kept = []) {
	let [total, next] = [0, 0];
	const firsts = {};
	box.replaceChildren(...sections.filter(({ lines }) => room || lines.length).map(({ name, lines, rhyme_scheme: own, total: full = lines.length }) => {
		const marks = rhymes(own || scheme, full);
		firsts[name] ??= next;
		next = Math.max(next, firsts[name] + 1 + Math.max(-1, ...marks));
		const letterOf = (mark) => (mark == null ? null : firsts[name] + mark);
		const items = lines.map((line, i) => {
			const li = drawLine(line, letterOf(marks[i]), total >= fresh ? "fresh" : "");
			if (kept[total++]) markKept(li);
			return li;
		});
		const blank = room && make("div", { className: "blank" });
		blank && blank.style.setProperty("--lines", full - lines.length);
		return make("section", {}, name && make("h3", {}, `[${name}]`), make("ol", {}, ...items), blank);
	}));
	if (room) [...box.querySelectorAll("li:not(.kept)")].findLast((li) => li.querySelector(".words").innerText.trim())?.classList.add("last");
	return total;
}

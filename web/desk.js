// The songwriter's desk: lines of a finished song are kept, edited, swapped for other drafts or written anew, pairs are
// changed, and all of it undone. What is not written anew stays in this browser.
import { rhymesOf } from "./api.js";
import { $, announce, button, fault, looks, make } from "./dom.js";
import { FORMATS, text as textOf } from "./formats.js";
import { deskOf, keepDesk } from "./history.js";
import { titleOf } from "./job.js";
import { SONG, lang } from "./language.js";
import { LONGEST_LINE } from "./limits.js";
import { draw as drawLyric, lastWord, markKept, rhymes } from "./lyric.js";
import { T } from "./texts.js";

await looks("desk.css");

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const MOST_RHYMES = 12;
// `heir`: what the song that is being written now came from, and which of its lines are anew.
let shared, song, now, past, opened, editing, heir;
// Ends the editing of a line, where one is edited; whether this browser has kept the last change.
let leaveField, isStored = true;
// What is on the sheet beside the lyric while the desk is open.
let bar, undoButton, restButton, note, trouble;

// `lines`: their texts; `kept`: which of them stay; `rhyme`: a number for each, equal ones of a section rhyme.
function asWritten(job) {
	const { sections, rhyme } = job.output;
	const numbers = ({ lines, rhyme_scheme: own }) => {
		const marks = rhymes(own || rhyme?.scheme, lines.length);
		return lines.map((_, i) => marks[i] ?? null);
	};
	const lines = sections.flatMap((one) => one.lines);
	return { song: job, lines, kept: lines.map((_, i) => Boolean(job.given?.[i])), rhyme: sections.flatMap(numbers), paired: false };
}

// The numbers of the lines of which `fits` is true, told where they and line i are.
function linesWhere(i, fits) {
	const all = song.output.sections.flatMap(({ name, lines }, part) => lines.map((_, at) => ({ name, part, at })));
	return all.flatMap((one, j) => (fits(one, all[i]) ? [j] : []));
}
// The same line of a chorus that comes again, itself too.
const twins = (i) => linesWhere(i, (one, mine) => one.name === mine.name && one.at === mine.at);
const others = (i) => linesWhere(i, (one, mine) => one.part === mine.part && one !== mine);
const partnerOf = (i) => others(i).find((j) => now.rhyme[i] != null && now.rhyme[j] === now.rhyme[i]);

function schemeOf(rhyme) {
	const known = [...new Set(rhyme.filter((one) => one != null))];
	return rhyme.map((one) => (one == null ? "-" : LETTERS[known.indexOf(one)])).join("");
}

function sections() {
	const [left, rhyme] = [[...now.lines], [...now.rhyme]];
	return song.output.sections.map(({ name, lines: { length } }) =>
		({ name, lines: left.splice(0, length), rhyme_scheme: schemeOf(rhyme.splice(0, length)) }));
}

const current = () => ({ title: titleOf(song), sections: sections() });
// What stands in a field counts, whatever is pressed next.
const settle = () => leaveField?.(true);
export function text() {
	settle();
	return bar ? textOf(current()) : undefined;
}

function structure() {
	const seen = new Set();
	return sections().map(({ name, lines, rhyme_scheme: scheme }) => {
		const part = name.toLowerCase().replace(/ \d+$/, "");
		if (part === "chorus" && seen.has(part)) return part;
		seen.add(part);
		return `${part} ${lines.length} ${scheme}`;
	}).join(", ");
}

// One job: those lines anew of which `anew` is true.
async function write(anew) {
	const given = now.lines.map((line, i) => (anew[i] ? null : line));
	const title = song.output.title?.slice(0, LONGEST_LINE);
	const options = { ...song.options, title, seed: undefined, ...(now.paired && { structure: structure(), tune: undefined }) };
	heir = { now, past, anew };
	await shared.submit({ prompt: song.prompt, options, ...(given.some(Boolean) && { given }) }, { box: trouble, mark });
}

// Opens the first line that was refused, with what is wrong below it; returns the details of what else is.
function mark(errors) {
	const found = errors.find(({ pointer }) => /^\/given\/\d/.test(pointer));
	if (found) {
		opened = Number(found.pointer.split("/")[2]);
		edit(opened);
		fault($("lyrics").querySelector(".edit"), found.detail);
	}
	return errors.filter((one) => one !== found).map(({ detail }) => detail);
}

// Whether this is what was asked for here, so that the desk is open again.
export const continues = (job) => job.done && job.output && heir && heir.now.song.id !== job.id && heir.now.song.prompt === job.prompt;

function show(words) {
	const { lines, kept, rhyme, paired } = now;
	isStored = keepDesk(song.id, { lines, kept, rhyme, paired });
	draw();
	announce(words);
}

function change(act, words) {
	past.push(now);
	now = { ...now, lines: [...now.lines], kept: [...now.kept], rhyme: [...now.rhyme] };
	act(now);
	show(words);
}

const setLine = (i, line) => change((to) => twins(i).forEach((j) => [to.lines[j], to.kept[j]] = [line, true]), T.desk.changed(i + 1));

function keep(i) {
	const isKept = !now.kept[i];
	change((to) => twins(i).forEach((j) => (to.kept[j] = isKept)), isKept ? T.kept : T.desk.free);
}

// Line i is to rhyme with line j of its section, or with none. It is then no longer one that stays.
function pair(i, j) {
	settle();
	change((to) => {
		const rhyme = j == null ? null : to.rhyme[j] ?? 1 + Math.max(...to.rhyme);
		const set = (one) => twins(one).forEach((k) => (to.rhyme[k] = rhyme));
		if (j != null) set(j);
		set(i);
		twins(i).forEach((k) => (to.kept[k] = false));
		to.paired = true;
	}, j == null ? T.desk.alone(i + 1) : T.desk.paired(i + 1, j + 1));
}

function undo() {
	settle();
	now = past.pop();
	if (now.song !== song) shared.show((song = now.song));
	opened = null;
	show(T.desk.undone);
	(past.length ? undoButton : restButton).focus();
}

const rows = () => [...$("lyrics").querySelectorAll("section > ol > li")];
const handleOf = (i) => rows()[i].querySelector(".handle");

function toggleLine(i) {
	settle();
	opened = opened === i ? null : i;
	draw();
	handleOf(i).focus();
}

function edit(i) {
	editing = i;
	draw();
	$("lyrics").querySelector(".edit").focus();
}

function field(i) {
	const input = make("input", { name: "line", className: "edit", value: now.lines[i], "aria-label": T.desk.line(i + 1), lang: SONG });
	leaveField = (save) => {
		editing = leaveField = null;
		const line = input.value.replace(/\s+/g, " ").trim();
		if (save && line && line !== now.lines[i]) setLine(i, line);
		else draw();
		handleOf(i).focus();
	};
	input.onkeydown = (event) => {
		if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
		event.preventDefault();
		event.stopPropagation();
		leaveField(event.key === "Enter");
	};
	return input;
}

// Words that would rhyme with the line that this one rhymes with; a click ends the line in one.
async function suggest(i, box, input) {
	const partner = partnerOf(i);
	if (partner == null) return;
	const word = lastWord(now.lines[partner]);
	// Without them a line is edited all the same.
	const { perfect = [], slant = [] } = (await rhymesOf(word.toLowerCase()).catch(() => ({}))).data ?? {};
	const words = [...perfect, ...slant].slice(0, MOST_RHYMES).map((one) => one.word);
	if (!words.length || !box.isConnected) return;
	const take = (chosen) => {
		const end = lastWord(input.value);
		const at = input.value.lastIndexOf(end);
		input.value = input.value.slice(0, at) + chosen + input.value.slice(at + end.length);
		input.focus();
	};
	box.append(make("p", { className: "quiet" }, T.desk.rhymesWith(word)),
		make("p", { className: "chips", lang: SONG }, ...words.map((one) => button(one, () => take(one)))));
}

function partners(i) {
	const select = make("select", { id: "partner" }, make("option", { value: "" }, T.desk.nothing),
		...others(i).map((j) => make("option", { value: `${j}`, lang: SONG }, `${j + 1} · ${lastWord(now.lines[j])}`)));
	select.value = `${partnerOf(i) ?? ""}`;
	select.onchange = () => {
		pair(i, select.value === "" ? null : Number(select.value));
		$("lyrics").querySelector("select").focus();
	};
	return make("p", { className: "partner" }, make("label", { htmlFor: "partner" }, T.desk.rhyme), select);
}

function choices(i) {
	const written = [song.output.sections.flatMap((one) => one.lines)[i], ...(song.output.alternatives?.[i] ?? [])];
	const drafts = [...new Set(written)].filter((line) => line !== now.lines[i]);
	const swap = (line) => {
		setLine(i, line);
		handleOf(i).focus();
	};
	const toggle = () => {
		keep(i);
		$("lyrics").querySelector(".choices button").focus();
	};
	const box = make("div", { className: "choices", role: "group", "aria-label": T.desk.line(i + 1), lang });
	box.append(make("p", { className: "buttons" },
		button(T.desk.keep, toggle, { "aria-pressed": `${now.kept[i]}` }),
		button(T.desk.edit, () => edit(i)),
		button(T.desk.anew, () => write(now.lines.map((_, j) => twins(i).includes(j))))),
	drafts.length ? make("p", { className: "quiet" }, T.desk.others) : "",
	make("ul", { className: "others", lang: SONG }, ...drafts.map((line) => make("li", {}, button(line, () => swap(line))))),
	partners(i));
	return box;
}

// A letter is drawn from its line onto another one of its section.
function drag(i, letter) {
	const lineAt = ({ clientX, clientY }) => rows().findIndex((li) => li.contains(document.elementFromPoint(clientX, clientY)));
	const fits = (j) => others(i).includes(j);
	const aim = (j) => rows().forEach((li, k) => li.classList.toggle("target", k === j && fits(j)));
	letter.onpointerdown = (event) => {
		event.preventDefault();
		letter.setPointerCapture(event.pointerId);
		letter.onpointermove = (move) => aim(lineAt(move));
		letter.onpointerup = letter.onpointercancel = (up) => {
			letter.onpointermove = letter.onpointerup = letter.onpointercancel = null;
			aim(-1);
			const j = up.type === "pointerup" ? lineAt(up) : -1;
			if (fits(j)) pair(i, j);
		};
	};
}

function dressLine(li, i) {
	if (now.kept[i]) markKept(li);
	const letter = li.querySelector("i");
	letter.title = T.desk.drag;
	drag(i, letter);
	li.append(button("⋯", () => toggleLine(i), { className: "handle", "aria-label": T.desk.line(i + 1), "aria-expanded": `${opened === i}`, lang }));
	if (opened !== i) return;
	const box = choices(i);
	if (editing === i) {
		const input = field(i);
		li.querySelector(".words").replaceChildren(input);
		box.replaceChildren(make("p", { className: "buttons" }, button(T.desk.save, settle, { className: "main" }), button(T.desk.leave, () => leaveField(false))));
		suggest(i, box, input);
	}
	li.append(box);
}

function draw() {
	drawLyric($("lyrics"), sections(), "none", Infinity);
	rows().forEach(dressLine);
	const free = now.kept.filter((one) => !one).length;
	restButton.textContent = free === now.kept.length ? T.desk.all : T.desk.rest(free);
	restButton.disabled = !free;
	undoButton.disabled = !past.length;
	note.textContent = !free ? T.desk.allKept : now.paired ? T.desk.pairs : past.length && isStored ? T.desk.local : T.desk.help;
}

function save(ending) {
	settle();
	const { write: written, type } = FORMATS[ending];
	const href = URL.createObjectURL(new Blob([written(current())], { type: `${type};charset=utf-8` }));
	make("a", { href, download: `${titleOf(song)}.${ending}` }).click();
	setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

// Whether what a browser kept is of the kind that the desk keeps.
const isLike = (kept, own) => Array.isArray(kept) && kept.length === own.length && kept.every((one, i) => typeof (one ?? 1) === typeof (own[i] ?? 1));

function open(job) {
	song = job;
	// What was canceled or went wrong has no heir.
	const from = continues(job) ? heir : null;
	const before = from?.now;
	past = before ? [...from.past, before] : [];
	heir = null;
	now = asWritten(job);
	// Who had one line written anew has not asked for all others to stay for ever.
	if (before?.kept.length === now.kept.length) now.kept = before.kept.map((one, i) => one && !from.anew[i]);
	const kept = !before && deskOf(job.id);
	if (["lines", "kept", "rhyme"].every((name) => isLike(kept?.[name], now[name]))) {
		past.push(now);
		now = { ...now, ...kept };
	}
	opened = editing = leaveField = null;
	restButton = button("", () => {
		settle();
		write(now.kept.map((one) => !one));
	}, { className: "main" });
	undoButton = button(T.page.undo, undo);
	note = make("p", { className: "quiet" });
	trouble = make("div", { className: "notice", hidden: true });
	bar = make("div", { id: "desk" }, note, trouble, make("p", { className: "buttons" }, restButton, undoButton),
		make("p", { className: "buttons" }, button(T.desk.print, () => print()), ...Object.keys(FORMATS).map((ending) =>
			button(T.desk.formats[ending], () => save(ending)))));
	$("tools").before(bar);
	Object.assign($("work"), { textContent: T.desk.close, className: "" });
	$("lyrics").onkeydown = ({ key }) => {
		if (key === "Escape" && opened != null) toggleLine(opened);
	};
	draw();
}

export function close() {
	if (!bar) return;
	settle();
	bar.remove();
	bar = null;
	$("lyrics").onkeydown = null;
	Object.assign($("work"), { textContent: T.page.work, className: "main" });
}

// Opens it on this song, or closes it.
export function toggle(job, page) {
	shared = page;
	if (bar) {
		close();
		return shared.show(song);
	}
	const anew = continues(job) && heir.anew;
	open(job);
	if (!anew) restButton.focus({ preventScroll: true });
	// Who has waited for a line goes on there.
	else if (document.activeElement === $("words")) handleOf(anew.indexOf(true)).focus();
}

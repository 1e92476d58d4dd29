// The songwriter's desk: lines of a finished song are kept, edited, swapped for other drafts or written anew, pairs
// are changed, and there is a way back. Loaded when it is opened. All but what is written anew stays in this browser.
import { rhymesOf } from "./api.js";
import { $, announce, button, make } from "./dom.js";
import { FORMATS, text as textOf } from "./formats.js";
import { deskOf, keepDesk } from "./history.js";
import { titleOf } from "./job.js";
import { SONG, lang } from "./language.js";
import { LONGEST_LINE } from "./limits.js";
import { draw as drawLyric, lastWord, markKept, rhymes } from "./lyric.js";
import { T } from "./texts.js";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const MOST_RHYMES = 12;
// `heir`: what the song that is being written now came from, and which of its lines are anew.
let shared, song, now, past, opened, editing, heir;
// Ends the editing of a line, where one is edited; whether this browser has kept the last change.
let leaveField, isStored = true;
// What is on the sheet beside the lyric while the desk is open.
let bar, undoButton, restButton, note;

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

// Of each line the number of its section, and its place in it.
const places = () => song.output.sections.flatMap(({ lines }, part) => lines.map((_, at) => ({ part, at })));
const nameAt = (i) => song.output.sections[places()[i].part].name;
// The same line of a chorus that comes again, itself too.
const twins = (i) => {
	const all = places();
	return all.map((_, j) => j).filter((j) => nameAt(j) === nameAt(i) && all[j].at === all[i].at);
};

function schemeOf(part) {
	const all = places();
	const mine = now.rhyme.filter((_, i) => all[i].part === part);
	const known = [...new Set(mine.filter((one) => one != null))];
	return mine.map((one) => (one == null ? "-" : LETTERS[known.indexOf(one)])).join("");
}

function sections() {
	const left = [...now.lines];
	return song.output.sections.map(({ name, lines }, part) => ({ name, lines: left.splice(0, lines.length), rhyme_scheme: schemeOf(part) }));
}

const current = () => ({ title: titleOf(song), sections: sections() });
// What stands in a field counts, whatever is pressed next.
const settle = () => leaveField?.(true);
export function text() {
	settle();
	return bar ? textOf(current()) : undefined;
}

// ---- what is asked of the server

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
	const options = { ...song.options, seed: undefined, ...(now.paired && { structure: structure(), tune: undefined }) };
	heir = { now, past, anew };
	await shared.submit({ prompt: song.prompt, options, ...(given.some(Boolean) && { given }) });
}

// Whether this is what was asked for here, so that the desk is open again.
export const continues = (job) => job.done && job.output && heir && heir.now.song.id !== job.id && heir.now.song.prompt === job.prompt;

// ---- what is done to lines

function change(act, words) {
	past.push(now);
	now = { ...now, lines: [...now.lines], kept: [...now.kept], rhyme: [...now.rhyme] };
	act(now);
	const { lines, kept, rhyme, paired } = now;
	isStored = keepDesk(song.id, { lines, kept, rhyme, paired });
	draw();
	announce(words);
}

const setLine = (i, line) => change((to) => twins(i).forEach((j) => [to.lines[j], to.kept[j]] = [line, true]), T.desk.changed(i + 1));

function keep(i) {
	const isKept = !now.kept[i];
	change((to) => twins(i).forEach((j) => (to.kept[j] = isKept)), isKept ? T.kept : T.desk.free);
}

// Line i is to rhyme with line j of its section, or with none. It is then no longer one that stays.
function pair(i, j) {
	settle();
	const all = places();
	change((to) => {
		const rhyme = j == null ? null : to.rhyme[j] ?? 1 + Math.max(-1, ...to.rhyme.filter((_, k) => all[k].part === all[i].part));
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
	const { lines, kept, rhyme, paired } = now;
	isStored = keepDesk(song.id, { lines, kept, rhyme, paired });
	[opened, editing] = [null, null];
	draw();
	announce(T.desk.undone);
	(past.length ? undoButton : restButton).focus();
}

// ---- how it looks

const handleOf = (i) => $("lyrics").querySelectorAll("li .handle")[i];

function toggleLine(i) {
	settle();
	[opened, editing] = [opened === i ? null : i, null];
	draw();
	handleOf(i).focus();
}

function edit(i) {
	editing = i;
	draw();
	$("lyrics").querySelector("input.edit").focus();
}

function field(i) {
	const input = make("input", { className: "edit", value: now.lines[i], maxLength: LONGEST_LINE, "aria-label": T.desk.line(i + 1), lang: SONG });
	const leave = (save) => {
		if (editing !== i) return;
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
		leave(event.key === "Enter");
	};
	leaveField = leave;
	return { input, leave };
}

// Words that would rhyme with the line that this one rhymes with; a click ends the line in one.
async function suggest(i, box, input) {
	const all = places();
	const partner = now.lines.findIndex((_, j) => j !== i && now.rhyme[i] != null && all[j].part === all[i].part && now.rhyme[j] === now.rhyme[i]);
	if (partner < 0) return;
	const word = lastWord(now.lines[partner]);
	// Without them a line is edited all the same.
	const found = (await rhymesOf(word.toLowerCase()).catch(() => null))?.data;
	const words = [...(found?.perfect ?? []), ...(found?.slant ?? [])].slice(0, MOST_RHYMES).map((one) => one.word);
	if (!words.length || !box.isConnected) return;
	const take = (chosen) => {
		const end = lastWord(input.value);
		const at = input.value.lastIndexOf(end);
		input.value = end ? input.value.slice(0, at) + chosen + input.value.slice(at + end.length) : chosen;
		input.focus();
	};
	box.append(make("p", { className: "quiet" }, T.desk.rhymesWith(word)),
		make("p", { className: "chips", lang: SONG }, ...words.map((one) => button(one, () => take(one)))));
}

function partners(i) {
	const all = places();
	const [value] = now.rhyme[i] == null ? [""] : now.lines.map((_, j) => j).filter((j) => j !== i && all[j].part === all[i].part && now.rhyme[j] === now.rhyme[i]);
	const others = now.lines.map((line, j) => [j, line]).filter(([j]) => j !== i && all[j].part === all[i].part);
	const select = make("select", { id: "partner" }, make("option", { value: "" }, T.desk.nothing),
		...others.map(([j, line]) => make("option", { value: `${j}`, lang: SONG }, `${j + 1} · ${lastWord(line)}`)));
	select.value = `${value ?? ""}`;
	select.onchange = () => {
		pair(i, select.value === "" ? null : Number(select.value));
		$("lyrics").querySelector("select").focus();
	};
	return make("p", { className: "partner" }, make("label", { htmlFor: "partner" }, T.desk.rhyme), select);
}

function choices(i) {
	const written = [song.output.sections.flatMap((one) => one.lines)[i], ...(song.output.alternatives?.[i] ?? [])];
	const others = [...new Set(written)].filter((line) => line !== now.lines[i]);
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
	others.length ? make("p", { className: "quiet" }, T.desk.others) : make("p", { className: "quiet" }, T.desk.noOthers),
	make("ul", { className: "others", lang: SONG }, ...others.map((line) => make("li", {}, button(line, () => swap(line))))),
	partners(i));
	return box;
}

// A letter is drawn from its line onto another one of its section.
function drag(i, letter) {
	const lineAt = ({ clientX, clientY }) => {
		const all = [...$("lyrics").querySelectorAll("section > ol > li")];
		return all.indexOf(document.elementFromPoint(clientX, clientY)?.closest("#lyrics section > ol > li"));
	};
	const fits = (j) => j >= 0 && j !== i && places()[j].part === places()[i].part;
	const mark = (j) => $("lyrics").querySelectorAll("section > ol > li").forEach((li, k) => li.classList.toggle("target", k === j && fits(j)));
	letter.onpointerdown = (event) => {
		event.preventDefault();
		letter.setPointerCapture(event.pointerId);
		letter.onpointermove = (move) => mark(lineAt(move));
		letter.onpointerup = (up) => {
			letter.onpointermove = letter.onpointerup = null;
			const j = lineAt(up);
			mark(-1);
			if (fits(j)) pair(i, j);
		};
		letter.onpointercancel = () => {
			letter.onpointermove = letter.onpointerup = null;
			mark(-1);
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
		const { input, leave } = field(i);
		li.querySelector(".words").replaceChildren(input);
		box.replaceChildren(make("p", { className: "buttons" }, button(T.desk.save, () => leave(true), { className: "main" }), button(T.desk.leave, () => leave(false))));
		suggest(i, box, input);
	}
	li.append(box);
}

function draw() {
	drawLyric($("lyrics"), sections(), "none", Infinity);
	$("lyrics").querySelectorAll("section > ol > li").forEach(dressLine);
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

// Whether what a browser kept is of the kind that the desk keeps: whatever else stands there was not changed here.
const isLike = (kept, own) => Array.isArray(kept) && kept.length === own.length && kept.every((one, i) => typeof (one ?? 1) === typeof (own[i] ?? 1));

function open(job) {
	song = job;
	// What was canceled or went wrong has no heir in another song, nor in the one that it came from.
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
	undoButton = button(T.desk.undo, undo);
	note = make("p", { className: "quiet" });
	bar = make("div", { id: "desk" }, note, make("p", { className: "buttons" }, restButton, undoButton),
		make("p", { className: "buttons" }, button(T.desk.print, () => print()), ...Object.keys(FORMATS).map((ending) =>
			button(T.desk.formats[ending], () => save(ending)))));
	$("tools").before(bar);
	$("work").textContent = T.desk.close;
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
	$("work").textContent = T.page.work;
}

let styled;
async function styles() {
	styled ??= new Promise((done) => {
		const link = make("link", { rel: "stylesheet", href: new URL("desk.css", import.meta.url).href });
		// A desk without its looks is a desk all the same.
		link.onload = link.onerror = done;
		document.head.append(link);
	});
	await styled;
}

const isShown = ({ id }) => new URLSearchParams(location.search).get("job") === id;

// Opens it on this song, or closes it.
export async function toggle(job, page) {
	shared = page;
	if (bar) {
		close();
		return shared.show(song);
	}
	await styles();
	// A second click, or another song, while the looks were fetched.
	if (bar || !isShown(job)) return;
	const isClicked = !continues(job);
	open(job);
	if (isClicked) restButton.focus({ preventScroll: true });
}

// The list of one's own songs, and a sample where there are none yet.
import { $, announce, button, make } from "./dom.js";
import * as songs from "./history.js";
import { date } from "./language.js";
import { T } from "./texts.js";

const SHOWN = 8;
let [edit, undo, gone, whole] = [];

export const link = (kind, id) => `?${kind}=${encodeURIComponent(id)}`;

function forget(id) {
	gone = T.forgotten(id ? 1 : songs.songs().length);
	announce(gone);
	undo = songs.forget(id);
	draw();
	$("undo").focus();
}

function entryRow({ id, kind, name, rows, title, status, at }) {
	const words = title || (rows ? T.batch.name(name, rows) : name);
	return make("li", {}, make("a", { href: link(kind, id) }, words),
		make("span", { className: "quiet" }, `${T.status[status] ?? status} · ${date(at)}`),
		button("×", () => forget(id), { "aria-label": T.remove(words) }));
}

async function drawSample() {
	if ($("sample").firstChild) return;
	const { draw: drawSong } = await import("./sample.js");
	drawSong($("sample"), edit);
}

export function draw() {
	const all = songs.songs();
	const isNew = !all.length && !undo;
	$("list").replaceChildren(...all.slice(0, whole ? all.length : SHOWN).map(entryRow));
	$("all").textContent = T.all(all.length);
	$("all").hidden = whole || all.length <= SHOWN;
	$("forget").hidden = !all.length;
	$("undo").hidden = !undo;
	$("songs-title").textContent = isNew && !$("ask").hidden ? T.sample.title : T.page["songs-title"];
	$("songs-note").textContent = undo ? gone : T.songsNote(all.length);
	$("sample").hidden = !isNew || $("ask").hidden;
	// A list without a sample is a list all the same.
	if (!$("sample").hidden) drawSample().catch(() => ($("sample").hidden = true));
}

export function start(onEdit) {
	edit = onEdit;
	$("forget").onclick = () => forget();
	$("undo").onclick = () => {
		undo();
		undo = null;
		draw();
		$("songs").focus();
	};
	$("all").onclick = () => {
		whole = true;
		draw();
		$("list").children[SHOWN].querySelector("a").focus();
	};
	songs.onChange(draw);
}

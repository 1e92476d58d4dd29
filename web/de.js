// The page's words in German, as en.js explains them.
import { MOST_MIB, MOST_ROWS } from "./limits.js";
import { cents, duration, number, time } from "./language.js";

const many = (count, one, more) => `${number(count)} ${count === 1 ? one : more}`;
const songCount = (n) => many(n, "Lied", "Lieder");

export const title = "VerseQueue: Liedtexte aus ein paar Wörtern";
export const page = {
	skip: "Zum Inhalt springen",
	new: "Neues Lied",
	"to-songs": "Deine Lieder",
	claim: "Ein paar Wörter rein,\nein Lied raus.",
	lead: "Sag, worum es geht. Ein kleines offenes Modell schreibt einen englischen Liedtext, der sich reimt, Zeile für Zeile, und du siehst zu.",
	prompt: "Worum geht es in deinem Lied? Am besten auf Englisch",
	send: "Schreib mein Lied",
	change: "Ändern",
	"effort-text": "Mehr Entwürfe je Zeile: liest sich besser, dauert länger",
	"style-text": "Stil",
	"structure-text": "Aufbau",
	scheme: "Reime",
	syllables: "Silben je Zeile, etwa 8 6 8 6",
	tune: "Nach der Melodie einer Strophe: hier einfügen",
	called: "Titel",
	mood: "Stimmung, in ein, zwei Wörtern",
	model: "Modell",
	"continue-text": "Die erste Zeile mit meinen Worten beginnen",
	"explicit-text": "Derbe Wörter erlauben",
	"file-title": "Hast du eine ganze Datei mit Themen?",
	"file-text": `Zieh sie irgendwo hierher oder wähle sie aus: JSONL, CSV mit einer Spalte „prompt“ oder ein Thema je Zeile. Bis zu ${many(MOST_ROWS, "Zeile", "Zeilen")}. Der Server prüft sie zuerst; eingereiht wird erst, wenn du es sagst.`,
	file: "Datei auswählen",
	drop: "Lass deine Datei hier los",
	cancel: "Abbrechen",
	tell: "Sag mir Bescheid, wenn es fertig ist",
	share: "Link kopieren",
	copy: "Text kopieren",
	download: "Herunterladen",
	legend: "Gleicher Buchstabe, gleiche Farbe: Diese Zeilen reimen sich.",
	again: "Noch eine Fassung schreiben",
	more: "Thema bearbeiten",
	"count-text": "Silben zählen, Betonung zeigen",
	work: "An den Zeilen arbeiten",
	receipt: "Beleg",
	"songs-title": "Deine Lieder",
	forget: "Liste leeren",
	undo: "Rückgängig",
	footer: "Dein Thema und deine Auswahl gehen an den Server, der Lieder 30 Tage aufbewahrt oder so lange sein Betreiber will. Diese Liste bleibt in deinem Browser. Keine Cookies, keine Tracker.",
};
export const nextClaim = "Noch eins schreiben";
export const styles = { rap: "Rap", pop: "Pop", country: "Country", rock: "Rock", folk: "Folk", soul: "Soul" };
export const structures = { verse: "Eine Strophe", song: "Strophe, Refrain, Strophe, Refrain" };
export const schemes = {
	AABB: "AABB, Paarreim", ABAB: "ABAB, Kreuzreim", ABBA: "ABBA, umarmender Reim",
	ABCB: "ABCB, jede zweite Zeile", AAAA: "AAAA, alle gleich", none: "Keine, freie Verse",
};
export const lines = (n) => many(n, "Zeile", "Zeilen");
export const withChorus = "mit Refrain";
export const toTune = "nach einer Melodie";
export const quoted = (title) => `„${title}“`;
export const counted = (pattern) => `${pattern} Silben`;
export const given = (n) => `Dieselben Zeilen behalten (${number(n)})`;
export const efforts = { quick: "Schnell", normal: "Normal", best: "Gründlich" };
export const effort = (name, s) => (efforts[name] ?? "") + (s ? ` · ${duration(s < 2 ? s : Math.round(s))}` : "");

export const model = (name, s, licence) => [name, s && duration(s), licence].filter(Boolean).join(" · ");

export const server = {
	warm: "Das Modell ist wach.",
	cold: (s) => `Das Modell wacht gerade für dich auf${s ? `, das dauert etwa ${duration(s)}` : ""}.`,
	queue: (n, s) => (n || s >= 1 ? ` ${n ? `Noch ${songCount(n)} vor deinem` : "Gerade wird noch eins vor deinem geschrieben"}${s >= 1 ? `, etwa ${duration(Math.round(s))}` : ""}.` : ""),
};
export const empty = "Schreib erst ein, zwei Wörter. Aus allem kann ein Lied werden.";
export const tooLong = (n) => `${number(n)} Zeichen zu viel`;

export const steps = { waiting: "Warteschlange", loading_model: "Wacht auf", writing: "Schreibt", done: "Fertig" };
export const awake = "War schon wach";
export const begun = "Eben begonnen";
export const soFar = "bisher";
export const cost = (usd, machine) =>
	`${cents(usd)} statt einer Maschine für ${number(machine)} $ im Monat`;
export const place = (n) => (n > 1 ? `Nummer ${number(n)}` : "als Nächstes");
export function toGo(s, most, isLater) {
	const why = isLater ? "dauert länger: " : "";
	if (s < -3) return "dauert länger als sonst, geht aber weiter";
	if (s < 1.5) return "jeden Moment";
	if (most > 1.4 * s) return `${why}noch ${most < 60 ? Math.round(s) : duration(Math.round(s))} bis ${duration(Math.round(most))}`;
	return `${why}noch etwa ${duration(Math.round(s))}`;
}
export const progress = (done, total) => `${number(done)} von ${lines(total)}`;
export const working = "Dein Lied";
export const hint = {
	waiting: "Dein Platz ist sicher. Schließ die Seite, wenn du magst: Der Link bringt dich zurück.",
	loading_model: "Das Modell schläft, solange niemand schreibt, und deine Worte wecken es. Dafür kostet es im Monat nur ein paar Cent statt Dollar. Das nächste Lied beginnt sofort.",
};
export const retried = (attempt, most, reason) => `Versuch ${attempt} von ${most}, weil der vorige abbrach. ${reason}`;
export const canceling = "Bricht bei der nächsten Zeile ab.";

export const untitled = "Ohne Titel";
export const finished = (title, n) => `Fertig: „${title}“, ${lines(n)}.`;
export const rhymes = (scheme, score) =>
	scheme === "none" ? "Freie Verse" : `${scheme ? `Reime ${scheme}` : "Gereimt"}${typeof score === "number" ? `, ${Math.round(score * 100)} % der Paare reimen sich, rein oder unrein` : ""}`;
export const syllables = (n) => many(n, "Silbe", "Silben");
export const marks = "/ betont, x unbetont, · beides möglich";
export const kept = "bleibt";
export const desk = {
	line: (n) => `Zeile ${number(n)}`,
	help: "Behalte, was dir gefällt, und lass den Rest neu schreiben. ⋯ öffnet eine Zeile: andere Fassungen, eigene Worte, ihr Reim.",
	local: "Was du änderst, bleibt in diesem Browser. Der Link zeigt es, sobald Zeilen neu geschrieben sind.",
	pairs: "Geänderte Reime gelten, sobald Zeilen neu geschrieben sind.",
	allKept: "Jede Zeile bleibt. Gib eine frei, die neu werden soll.",
	all: "Alles neu schreiben",
	rest: (n) => (n === 1 ? "Die übrige Zeile neu schreiben" : `Die übrigen ${number(n)} neu schreiben`),
	undone: "Rückgängig gemacht",
	close: "Bearbeitung schließen",
	keep: "Behalten",
	free: "Freigegeben",
	edit: "Bearbeiten",
	anew: "Neu schreiben",
	save: "Übernehmen",
	leave: "Verwerfen",
	changed: (n) => `Zeile ${number(n)} ist geändert und bleibt so.`,
	others: "Andere Fassungen",
	rhyme: "Reimt sich auf Zeile",
	nothing: "keine",
	paired: (n, other) => `Zeile ${number(n)} soll sich auf Zeile ${number(other)} reimen.`,
	alone: (n) => `Zeile ${number(n)} muss sich nicht reimen.`,
	drag: "Zieh den Buchstaben auf die Zeile, auf die sich diese reimen soll",
	rhymesWith: (word) => `Reime auf „${word}“:`,
	print: "Drucken",
	formats: { txt: "Reiner Text", md: "Markdown", cho: "ChordPro" },
};
export const copied = "Kopiert";
export const notCopied = "Der Browser lässt es nicht zu";
export const receipt = {
	model: "Modell", model_digest: "Prüfsumme des Modells", seed: "Startwert", input_digest: "Prüfsumme der Eingabe", version: "Version",
	tokens: "Token", asked: "Angefragt am", note: "Zweck",
};
export const receiptNote = "Dieselben Wörter, dieselbe Auswahl, derselbe Startwert und dasselbe Modell ergeben denselben Text.";

export const told = {
	yes: "Du bekommst Bescheid, auch wenn diese Seite geschlossen ist.",
	open: "Du bekommst Bescheid, solange dieser Tab offen ist.",
	no: "Der Browser erlaubt es nicht. Achte auf den Titel des Tabs.",
	job: (title) => `Dein Lied ist fertig: ${title}`,
	over: "Es ist kein Text entstanden",
	batch: (done, total) => `Deine Datei ist fertig: ${number(done)} von ${many(total, "Lied", "Liedern")}`,
};

export const tryAgain = "Noch einmal versuchen";
export const waitFor = (s) => `In ${duration(Math.ceil(s))} kannst du es noch einmal versuchen.`;
const newSong = "Ein neues Lied schreiben";
export const trouble = {
	offline: ["Du bist offline", "Deine Worte sind auf dieser Seite sicher."],
	unreachable: ["Der Server antwortet nicht", "Auch ein neuer Versuch macht kein zweites Lied."],
	"rate-limited": ["Etwas zu schnell", "Dieser Server nimmt von jedem Gast nur ein paar Themen pro Minute."],
	"budget-exhausted": ["Die Lieder von heute sind aufgebraucht", "Der Betreiber bezahlt nur so viele am Tag. Was geschrieben ist, bleibt lesbar."],
	key: ["Dieser Server verlangt einen Schlüssel", "Wenn du einen hast, nimm die API oder die Kommandozeile."],
	validation: ["Du musst noch etwas ändern", "Nichts wurde eingereiht."],
	"batch-invalid": ["Der Server hat die Datei abgelehnt", "Nichts wurde eingereiht. Sieh dir diese Zeilen an:"],
	busy: ["Der Server ist gestolpert", "Nichts ist verloren. Gib ihm einen Moment."],
	"not-found": ["Hinter diesem Link ist nichts", "Vielleicht fehlt ein Buchstabe.", newSong],
	gone: ["Dieser Link ist abgelaufen", "Lieder werden dreißig Tage aufbewahrt.", newSong],
};
export const lost = {
	offline: "Du bist offline. Dein Lied wird trotzdem geschrieben.",
	other: "Der Server antwortet nicht. Was du wolltest, ist gespeichert.",
	now: "Jetzt nachfragen",
};
export const ended = {
	failed: ["Das hat nicht geklappt", "Das Lied konnte nicht geschrieben werden."],
	canceled: ["Abgebrochen", "Du hast es selbst abgebrochen.", "Doch noch schreiben"],
	expired: ["Es hat zu lange gewartet", "Es wurde nicht rechtzeitig geschrieben."],
	other: ["Das ist schon zu Ende", "Es gibt keinen Text."],
};
export const partial = "Bis dahin geschrieben:";

export const status = {
	queued: "in der Warteschlange", running: "in Arbeit", succeeded: "fertig", completed: "fertig",
	failed: "gescheitert", canceled: "abgebrochen", expired: "nicht rechtzeitig", gone: "abgelaufen",
};
export const songsNote = (n) => (n ? "Diese Liste liegt nur in diesem Browser. Was du streichst, bleibt auf dem Server." : "Hier sammeln sich deine eigenen Lieder.");
export const all = (n) => `Alle ${number(n)} zeigen`;
export const forgotten = (n) => `${many(n, "Eintrag", "Einträge")} gestrichen.`;
export const sample = { title: "Was dabei herauskommt", of: (prompt) => `Vom kleinen Modell zu „${prompt}“ geschrieben.`, like: "Diese Wörter ausprobieren" };
export const remove = (name) => `„${name}“ von der Liste streichen`;
export const open = (name) => `Wird noch geschrieben: „${name}“`;
export const follow = "Zusehen";

export const part = (name) => (name ? `Teil von ${name}` : "Teil einer Datei mit Themen");
export const batch = {
	name: (name, rows) => [name, many(rows, "Thema", "Themen")].filter(Boolean).join(", "),
	checking: (name) => `${name} wird geprüft …`,
	good: (rows, name) => `${many(rows, "Thema", "Themen")} in ${name}, alles in Ordnung`,
	bad: (n, name) => `${name}: ${many(n, "Fehler", "Fehler")}. Nichts wurde eingereiht.`,
	more: (n) => `und noch ${number(n)}`,
	send: (n) => `${songCount(n)} schreiben`,
	choices: "Wo eine Zeile nichts vorgibt, gilt deine Auswahl oben.",
	estimate: (usd, by) =>
		`Etwa ${cents(usd)}${by ? `, fertig bis ${time(by)}` : ""}.`,
	later: "Ohne Eile: binnen einer Stunde, mit anderen, günstiger",
	columns: ["Zeile", "Kennung", "Fehler"],
	progress: (over, total) => `${number(over)} von ${number(total)}`,
	counts: (counts) =>
		Object.entries(counts).filter(([name, n]) => n && status[name]).map(([name, n]) => `${number(n)} ${status[name]}`).join(" · "),
	over: (done, total) => (done === total ? "Alle Lieder sind geschrieben." : done ? `${number(done)} von ${many(total, "Lied", "Liedern")} geschrieben.` : "Beendet, aber es wurde kein Lied geschrieben."),
	songs: "Die Lieder",
	none: "Hier sammeln sie sich, sobald sie geschrieben sind.",
	results: "Herunterladen",
	retry: (n) => (n === 1 ? "Das gescheiterte noch einmal versuchen" : `Die ${number(n)} gescheiterten noch einmal versuchen`),
	tooLarge: `Die Datei ist größer als ${MOST_MIB} MiB.`,
};

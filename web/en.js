// Every word of the page in English, but what index.html says before a script runs: title, description, noscript.
import { MOST_MIB, MOST_ROWS } from "./limits.js";
import { cents, duration, number, time } from "./language.js";

const many = (count, one, more = `${one}s`) => `${number(count)} ${count === 1 ? one : more}`;

export const title = "VerseQueue: lyrics from a few words";
// By the id of the element that shows it, or that it labels.
export const page = {
	skip: "Skip to the content",
	new: "New song",
	"to-songs": "Your songs",
	claim: "A few words in,\na song out.",
	lead: "Say what it is about. A small open model writes lyrics that rhyme, line by line, while you watch.",
	prompt: "What is your song about?",
	send: "Write my song",
	change: "Change",
	"effort-text": "More drafts of each line read better and take longer",
	"style-text": "Style",
	"structure-text": "Shape",
	scheme: "Rhymes",
	syllables: "Syllables of a line, such as 8 6 8 6",
	tune: "To the tune of a verse: paste it here",
	called: "Title",
	mood: "Mood, in a word or two",
	model: "Model",
	"continue-text": "Begin the first line with my words",
	"explicit-text": "Allow explicit words",
	"file-title": "Have a whole file of prompts?",
	"file-text": `Drop it anywhere or choose it: JSONL, CSV with a column “prompt”, or a prompt on each line. Up to ${many(MOST_ROWS, "row")}. The server checks it first; nothing is queued before you say so.`,
	file: "Choose a file",
	drop: "Drop your file of prompts",
	cancel: "Cancel",
	tell: "Tell me when it is done",
	share: "Copy the link",
	copy: "Copy the lyrics",
	download: "Download",
	legend: "Same letter, same colour: these lines rhyme.",
	again: "Write another version",
	more: "Edit the prompt",
	"count-text": "Count syllables, mark stresses",
	work: "Work on the lines",
	receipt: "Receipt",
	"songs-title": "Your songs",
	forget: "Forget them all",
	undo: "Undo",
	footer: "Your prompt and choices go to the server, which keeps songs for 30 days or as long as its owner says. This list stays in your browser. No cookies, no trackers.",
};
export const nextClaim = "Write another";
export const styles = { rap: "Rap", pop: "Pop", country: "Country", rock: "Rock", folk: "Folk", soul: "Soul" };
export const structures = { verse: "One verse", song: "Verse, chorus, verse, chorus" };
export const schemes = {
	AABB: "AABB, in pairs", ABAB: "ABAB, taking turns", ABBA: "ABBA, embracing",
	ABCB: "ABCB, every second line", AAAA: "AAAA, all alike", none: "None, free verse",
};
export const lines = (n) => many(n, "line");
export const withChorus = "with a chorus";
export const toTune = "to a tune";
export const quoted = (title) => `“${title}”`;
export const counted = (pattern) => `${pattern} syllables`;
export const given = (n) => `Keep the same lines (${number(n)})`;
export const efforts = { quick: "Quick", normal: "Normal", best: "Best" };
export const effort = (name, s) => (efforts[name] ?? "") + (s ? ` · ${duration(s < 2 ? s : Math.round(s))}` : "");

export const model = (name, s, licence) => [name, s && duration(s), licence].filter(Boolean).join(" · ");

export const server = {
	warm: "The model is awake.",
	cold: (s) => `The model is waking up for you${s ? `, which takes about ${duration(s)}` : ""}.`,
	// `s`: until those and what is written now are done.
	queue: (n, s) => (n || s >= 1 ? ` ${n ? many(n, "song") : "One is being written"} ahead of yours${s >= 1 ? `, about ${duration(Math.round(s))}` : ""}.` : ""),
};
export const empty = "Write a word or two first. Anything can be a song.";
export const tooLong = (n) => `${many(n, "character")} too many`;

export const steps = { waiting: "In the queue", loading_model: "Waking up", writing: "Writing", done: "Done" };
export const awake = "Was awake";
export const begun = "Just begun";
export const soFar = "so far";
// What it cost on pay-per-use, and what a machine that runs all day would have.
export const cost = (usd, machine) =>
	`${cents(usd)}, and no machine at $${number(machine)} a month`;
export const place = (n) => (n > 1 ? `number ${number(n)}` : "next");
// `most`: what is seldom exceeded, told where it is much more. `isLater`: less was told before.
export function toGo(s, most, isLater) {
	const why = isLater ? "it takes longer: " : "";
	if (s < -3) return "longer than usual, still going";
	if (s < 1.5) return "any moment now";
	if (most > 1.4 * s) return `${why}${most < 60 ? Math.round(s) : duration(Math.round(s))} to ${duration(Math.round(most))} to go`;
	return `${why}about ${duration(Math.round(s))} to go`;
}
export const progress = (done, total) => `${number(done)} of ${lines(total)}`;
export const working = "Your song";
export const hint = {
	waiting: "Your place is safe. Close this page if you like: the link brings you back.",
	loading_model: "The model sleeps while nobody writes, and your words are waking it. This wait is why it costs cents a month and not dollars. The next song starts at once.",
};
export const retried = (attempt, most, reason) => `Try ${attempt} of ${most}, because the one before stopped. ${reason}`;
export const canceling = "Stopping at the next line.";

export const untitled = "Untitled";
export const finished = (title, n) => `Done: “${title}”, ${lines(n)}.`;
export const rhymes = (scheme, score) =>
	scheme === "none" ? "Free verse" : `Rhymes${scheme && ` ${scheme}`}${typeof score === "number" ? `, ${Math.round(score * 100)}% of the pairs, perfect or slant` : ""}`;
export const syllables = (n) => many(n, "syllable");
export const marks = "/ stressed, x not, · either";
export const kept = "kept";
export const desk = {
	line: (n) => `Line ${number(n)}`,
	help: "Keep the lines you like, write the rest anew. ⋯ opens a line: other versions, your own words, its rhyme.",
	local: "What you change stays in this browser. The link shows it once lines are written anew.",
	pairs: "The rhymes you changed count once lines are written anew.",
	allKept: "Every line is kept. Let one go to write it anew.",
	all: "Write all of it anew",
	rest: (n) => `Write the other ${n === 1 ? "line" : many(n, "line")} anew`,
	undone: "Undone",
	close: "Close the desk",
	keep: "Keep",
	free: "No longer kept",
	edit: "Edit",
	anew: "Write anew",
	save: "Take it",
	leave: "Leave it",
	changed: (n) => `Line ${number(n)} is changed and kept.`,
	others: "Other versions",
	rhyme: "Rhymes with line",
	nothing: "none",
	paired: (n, other) => `Line ${number(n)} is to rhyme with line ${number(other)}.`,
	alone: (n) => `Line ${number(n)} need not rhyme.`,
	drag: "Draw it onto the line that this one is to rhyme with",
	rhymesWith: (word) => `Rhymes with “${word}”:`,
	print: "Print",
	formats: { txt: "Plain text", md: "Markdown", cho: "ChordPro" },
};
export const copied = "Copied";
export const notCopied = "The browser forbids it";
export const receipt = {
	model: "Model", model_digest: "Model digest", seed: "Seed", input_digest: "Input digest", version: "Version",
	tokens: "Tokens", asked: "Asked", note: "Use",
};
export const receiptNote = "The same words, choices, seed and model give the same lyrics.";

export const told = {
	yes: "You will be told, also with this page closed.",
	open: "You will be told as long as this tab is open.",
	no: "The browser forbids it. The tab’s title will tell.",
	job: (title) => `Your song is ready: ${title}`,
	over: "It ended without lyrics",
	batch: (done, total) => `Your file is done: ${number(done)} of ${many(total, "song")}`,
};

export const tryAgain = "Try again";
export const waitFor = (s) => `You can try again in ${duration(Math.ceil(s))}.`;
const newSong = "Write a new song";
// By problem: title, text, and the way on if not to try again.
export const trouble = {
	offline: ["You are offline", "Your words are safe on this page."],
	unreachable: ["The server does not answer", "Trying again will not make a second song."],
	"rate-limited": ["A little too fast", "This server takes a few prompts a minute from each visitor."],
	"budget-exhausted": ["Today’s songs are used up", "The owner pays for so many a day. What is written stays readable."],
	key: ["This server asks for a key", "With one, use its API or the command line."],
	validation: ["Something needs changing", "Nothing was sent to the queue."],
	"batch-invalid": ["The server refused the file", "Nothing was queued. These rows need a look:"],
	busy: ["The server stumbled", "Nothing is lost. Give it a moment."],
	"not-found": ["There is nothing behind this link", "Maybe a letter of it is missing.", newSong],
	gone: ["This link has expired", "Songs are kept for thirty days.", newSong],
};
// While it is followed.
export const lost = {
	offline: "You are offline. It is written all the same.",
	other: "The server does not answer. What you asked for is stored.",
	now: "Ask now",
};
export const ended = {
	failed: ["This one did not work out", "The song could not be written."],
	canceled: ["Canceled", "You stopped this one.", "Write it after all"],
	expired: ["It waited too long", "It was not written in time."],
	other: ["This one has ended", "There are no lyrics."],
};
export const partial = "Written before it ended:";

export const status = {
	queued: "in the queue", running: "being written", succeeded: "done", completed: "done",
	failed: "failed", canceled: "canceled", expired: "out of time", gone: "expired",
};
export const songsNote = (n) => (n ? "This list is kept in this browser only. What you take off it stays on the server." : "Your own songs will line up here.");
export const all = (n) => `Show all ${number(n)}`;
export const forgotten = (n) => `${many(n, "entry", "entries")} taken off the list.`;
export const sample = { title: "What comes out", of: (prompt) => `Written by the small model for “${prompt}”.`, like: "Try these words" };
export const remove = (name) => `Take “${name}” off the list`;
export const open = (name) => `Still being written: “${name}”`;
export const follow = "Watch it";

export const part = (name) => (name ? `Part of ${name}` : "Part of a file of prompts");
export const batch = {
	name: (name, rows) => [name, many(rows, "prompt")].filter(Boolean).join(", "),
	checking: (name) => `Checking ${name} …`,
	good: (rows, name) => `${many(rows, "prompt")} in ${name}, all fine`,
	bad: (n, name) => `${name}: ${many(n, "problem")}. Nothing was queued.`,
	more: (n) => `and ${number(n)} more`,
	send: (n) => `Write ${many(n, "song")}`,
	choices: "Your choices above count wherever a row has none.",
	estimate: (usd, by) =>
		`About ${cents(usd)}${by ? `, done by ${time(by)}` : ""}.`,
	later: "No hurry: within an hour and for less, together with others",
	columns: ["Line", "Id", "Problem"],
	progress: (over, total) => `${number(over)} of ${number(total)}`,
	counts: (counts) =>
		Object.entries(counts).filter(([name, n]) => n && status[name]).map(([name, n]) => `${number(n)} ${status[name]}`).join(" · "),
	over: (done, total) => (done === total ? "All songs are written." : done ? `${many(done, "song")} of ${number(total)} were written.` : "It ended, and no song was written."),
	songs: "The songs",
	none: "They will line up here as they are written.",
	results: "Download",
	retry: (n) => (n === 1 ? "Try the failed one again" : `Try the ${number(n)} failed ones again`),
	tooLarge: `The file is larger than ${MOST_MIB} MiB.`,
};

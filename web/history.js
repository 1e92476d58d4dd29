// What this browser remembers: own songs and files, the choices last made, the language. A browser that
// keeps nothing only forgets.
const [SONGS, CHOICES, LANGUAGE, DESK] = ["songs", "choices", "language", "desk"].map((name) => `versequeue.${name}`);
const MOST_DESKS = 20;
const MOST = 200;
let changed;

function load(key, otherwise) {
	try {
		return JSON.parse(localStorage.getItem(key)) ?? otherwise;
	} catch {
		return otherwise;
	}
}

// Whether it was kept.
function save(key, value) {
	try {
		localStorage.setItem(key, JSON.stringify(value));
		return true;
	} catch {
		console.info("Nothing is kept.");
		return false;
	} finally {
		changed?.();
	}
}

// {id, kind: "job" or "batch", name, rows, title, status, at, told}, the newest first.
// Whatever else stands there is no entry.
export const songs = () => [load(SONGS, [])].flat().filter((entry) => entry?.id);
export const nameOf = (id) => songs().find((entry) => entry.id === id)?.name;
export const isTold = (id) => songs().some((entry) => entry.id === id && entry.told);
export const isOpen = ({ status }) => status === "queued" || status === "running";
export const remember = (entry) => save(SONGS, [entry, ...songs().filter(({ id }) => id !== entry.id)].slice(0, MOST));

// Takes one entry off, or all, with what was changed of it; gives what brings them back below newer ones.
export function forget(id) {
	const [before, desks] = [songs(), load(DESK, {})];
	const { [id]: _, ...others } = desks;
	save(DESK, id ? others : {});
	save(SONGS, id ? before.filter((entry) => entry.id !== id) : []);
	return () => {
		save(DESK, { ...desks, ...load(DESK, {}) });
		save(SONGS, [...songs().filter((entry) => !before.some((old) => old.id === entry.id)), ...before].slice(0, MOST));
	};
}

// Changes an entry that is there: a song opened by somebody's link is not made one's own.
export function update(id, changes) {
	const list = songs();
	const entry = list.find((one) => one.id === id);
	if (!entry || Object.entries(changes).every(([name, value]) => entry[name] === value)) return;
	Object.assign(entry, changes);
	save(SONGS, list);
}

export const lastChoices = () => load(CHOICES, {});
export const keepChoices = (choices) => save(CHOICES, choices);
export const lastLanguage = () => load(LANGUAGE);
export const keepLanguage = (lang) => save(LANGUAGE, lang);

// What was changed of a song on the desk and has not become a job.
export const deskOf = (id) => load(DESK, {})[id];
export function keepDesk(id, state) {
	const { [id]: _, ...others } = load(DESK, {});
	return save(DESK, Object.fromEntries([...Object.entries(others).slice(1 - MOST_DESKS), [id, state]]));
}

// Also hears of what another tab does.
export function onChange(hear) {
	changed = hear;
	addEventListener("storage", hear);
}

// What this device remembers: own jobs and batches, and the choices last made. Nothing else reads
// or writes the browser's storage, and a browser that forbids it only forgets.
const LIST = "versequeue.songs";
const CHOICES = "versequeue.choices";
const MOST = 200;

function load(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function save(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch (error) {
    console.info("The browser keeps nothing for this page:", error.name);
  }
}

export const songs = () => {
  const list = load(LIST, []);
  return Array.isArray(list) ? list.filter((entry) => typeof entry?.id === "string") : [];
};

// An entry is {id, thing: "jobs"|"batches", name, rows?, status, at}; the newest comes first.
export function remember(entry) {
  save(LIST, [entry, ...songs().filter(({ id }) => id !== entry.id)].slice(0, MOST));
}

// Changes an entry that is there; a song opened by somebody's link is not made one's own.
export function update(id, changes) {
  const list = songs();
  const entry = list.find((one) => one.id === id);
  if (!entry || Object.entries(changes).every(([key, value]) => entry[key] === value)) return false;
  Object.assign(entry, changes);
  save(LIST, list);
  return true;
}

export const forget = (id) => save(LIST, songs().filter((entry) => entry.id !== id));
export const forgetAll = () => save(LIST, []);
export const isOpen = ({ status }) => status === "queued" || status === "running";

export const lastChoices = () => load(CHOICES, {});
export const keepChoices = (choices) => save(CHOICES, choices);

// Tells of changes made in another tab.
export const onChange = (hear) =>
  addEventListener("storage", ({ key }) => (key === LIST || key === null) && hear());

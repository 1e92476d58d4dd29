// Every word the page can say. To translate the page, translate this file: index.html repeats
// `page` for the first paint, and is filled from here by its data-t keys.
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const plural = (count, one, many = `${one}s`) => `${number.format(count)} ${count === 1 ? one : many}`;

export function duration(seconds) {
  if (seconds < 10) return `${number.format(seconds)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

export const date = (iso) =>
  new Date(iso).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });

export const page = {
  skip: "Skip to the content",
  newSong: "New song",
  yourSongs: "Your songs",
  claim: "A few words in, a song out.",
  lead: "Say what it is about. A small open model writes lyrics that rhyme, line by line, while you watch.",
  promptLabel: "What is your song about?",
  send: "Write my song",
  tryOne: "Or start from one of these:",
  style: "Style",
  structure: "Shape",
  verse: "One verse",
  song: "Verse, chorus, verse, chorus",
  rhyme: "Rhymes",
  mood: "Mood",
  moodHint: "Any word or two: wistful, furious, newly in love",
  lines: "Lines",
  continuePrompt: "Start the first line with my words",
  explicit: "Allow explicit words",
  fine: "Fine tuning",
  temperature: "Boldness",
  topP: "Vocabulary (top-p)",
  seed: "Seed",
  seedHint: "The same number gives the same song. Empty: a new one each time",
  reset: "Back to the usual",
  fileSummary: "Have a whole file of prompts?",
  fileHelp: "Drop it anywhere on this page, or choose it here: JSONL, CSV with a “prompt” column, or text with one prompt a line. Up to 1,000 rows and 1 MiB. It is checked on your device before anything is sent.",
  fileLabel: "File of prompts",
  dropHere: "Drop the file: it is checked before anything is sent",
  yourPrompt: "Your words",
  journey: "The way of your song",
  cancel: "Cancel",
  tell: "Tell me when it is done",
  share: "Copy the link",
  copy: "Copy the lyrics",
  download: "Download",
  again: "Again, other words",
  more: "One more like this",
  syllables: "Count syllables",
  receipt: "Receipt",
  historyTitle: "Your songs",
  historyNote: "Kept in this browser only. Deleting one here takes it off this list, not off the server.",
  historyEmpty: "Nothing yet. Your songs will line up here.",
  forgetAll: "Forget them all",
  fileTitle: "A file of songs",
  cancelRest: "Cancel the rest",
  footer: "Nothing leaves this device but your prompt. No cookies, no trackers, no other hosts.",
  noscript: "This page needs JavaScript. The API behind it does not: send a POST with your prompt to /v1/jobs.",
};

export const styles = { rap: "Rap", pop: "Pop", country: "Country", rock: "Rock", folk: "Folk", soul: "Soul" };

export const schemes = {
  AABB: "AABB – in pairs",
  ABAB: "ABAB – taking turns",
  ABBA: "ABBA – hugging",
  ABCB: "ABCB – every second line",
  AAAA: "AAAA – all four alike",
  none: "None – free verse",
};

export const examples = [
  "a slow train home in the rain",
  "my grandmother's kitchen radio",
  "two friends opening a bakery at dawn",
  "the cat who thinks she owns this house",
];

export const choices = (o) =>
  [styles[o.style], o.rhyme_scheme === "none" ? "free verse" : o.rhyme_scheme,
    plural(o.lines, "line"), o.structure === "song" ? "with a chorus" : null, o.mood || null]
    .filter(Boolean).join(" · ");

export const server = {
  warm: (s) => `The model is awake. A song takes ${s ? `about ${duration(s)}` : "a few seconds"}.`,
  cold: (s) => `The model is waking up for you. A song takes ${s ? `about ${duration(s)}` : "a little longer"} this time.`,
  queue: (n) => (n > 0 ? ` ${plural(n, "song")} ahead of you.` : ""),
};

export const field = {
  empty: "Write a word or two first: anything can be a song.",
  tooLong: (n) => `That is ${plural(n, "character")}. 500 is the most, so take ${n - 500} out.`,
  left: (n) => `${plural(n, "character")} left`,
};

export const steps = {
  waiting: "In the queue",
  loading_model: "Waking the model up",
  writing: "Writing",
  done: "Done",
};

export const watch = {
  sending: "Sending your words…",
  skipped: "already awake",
  place: (n) => `number ${n + 1} in the line`,
  lines: (done, total) => `${done} of ${plural(total, "line")}`,
  elapsed: "so far",
  toGo: (s) => (s < 1.5 ? "any moment now" : `about ${duration(Math.round(s))} to go`),
  over: "a little longer than usual, and still going",
  why: {
    waiting: "Your song has a place in the queue and cannot get lost. You can close this page: the link brings you back.",
    loading_model: "The model sleeps when nobody writes, and your prompt is waking it. That short wait is why this runs on cents a month instead of a server that idles all day. The next song starts at once.",
    writing: "The lines appear as they are written, and each one is made to rhyme.",
  },
  retry: (attempt, most, why) => `Try ${attempt} of ${most}. The one before stopped${why ? `: ${why}` : "."} Nothing is lost, it starts over.`,
  canceling: "Stopping at the next line…",
  stage: { waiting: "In the queue.", loading_model: "Waking the model up.", writing: "Writing. Lines are appearing." },
  title: { waiting: "Waiting", loading_model: "Waking up", writing: "Writing" },
  sheetWaiting: "Your lyrics will appear on this sheet.",
};

export const song = {
  untitled: "Untitled",
  ready: (title, lines) => `Done: “${title}”, ${plural(lines, "line")}.`,
  score: (value) => `${Math.round(value * 100)}% of the rhymes land`,
  scheme: (scheme) => (scheme === "none" ? "free verse" : `rhymes ${scheme}`),
  marks: "Lines with the same letter and colour rhyme.",
  syllables: (n) => plural(n, "syllable"),
  copied: "Copied.",
  linkCopied: "Link copied. Whoever has it can read this song.",
  copyFailed: "The browser did not allow copying. Select the text and copy it by hand.",
  receipt: {
    model: "Model", model_digest: "Model digest", seed: "Seed", input_digest: "Input digest",
    version: "Version", tokens: "Tokens", created: "Asked", attempt: "Tries",
  },
  receiptNote: "The same prompt, choices, seed and model give the same lyrics, word for word.",
};

export const notify = {
  on: "You will be told.",
  denied: "The browser does not allow notifications from this page. The tab’s title will still say when it is done.",
  job: (title) => `Your song is ready: ${title}`,
  jobOver: "Your song ended without lyrics",
  batch: (counts) => `Your file is done: ${counts.succeeded} of ${plural(counts.total, "song")}`,
};

// What stands in the way, in plain words, and the label of the way on.
export const trouble = {
  offline: { title: "You are offline", text: "Your words are safe on this page.", act: "Try again" },
  unreachable: { title: "The server does not answer", text: "It may be restarting, or the connection is weak. Trying again will not make a second song.", act: "Try again" },
  "rate-limited": { title: "Too many songs at once", text: "This server takes a few prompts a minute from each visitor.", act: "Try again" },
  "budget-exhausted": { title: "Today’s songs are used up", text: "The owner pays for a fixed number of songs a day, and that number is reached. Everything already written stays readable.", act: "Try again" },
  key: { title: "This server asks for a key", text: "Its owner lets in only those with an API key. Use the command line or the API with yours.", act: "Try again" },
  "payload-too-large": { title: "That is too much text", text: "Shorten it and try again.", act: "Try again" },
  validation: { title: "Something needs changing", text: "See the marked places below.", act: "Try again" },
  "batch-invalid": { title: "The server refused the file", text: "Nothing was queued. These rows need a look:", act: "" },
  busy: { title: "The server stumbled", text: "Nothing is lost. Give it a moment.", act: "Try again" },
  "not-found": { title: "There is no song behind this link", text: "Maybe a letter is missing from it. Check the link, or write a new song.", act: "Write a new song" },
  gone: { title: "This link has expired", text: "Songs are kept for thirty days, then deleted. The same prompt can have a new one.", act: "Write a new song" },
  wait: (s) => `Ready to try again in ${duration(Math.ceil(s))}.`,
};

// While a job or a batch is watched: it goes on without us.
export const lost = {
  offline: "You are offline. The song is written all the same; it shows up here when you are back.",
  unreachable: "The server does not answer right now. Your song is stored and goes on.",
  other: "The server is busy right now. Your song is stored and goes on.",
  retry: (s) => `Asking again in ${duration(Math.max(1, Math.ceil(s)))}.`,
  now: "Ask now",
  back: "Back in touch.",
};

export const ended = {
  failed: { title: "This one did not work out", text: "The song could not be written.", act: "Try again" },
  canceled: { title: "Canceled", text: "You stopped this one.", act: "Write it after all" },
  expired: { title: "It waited too long", text: "The song was not written in time and was taken off the queue.", act: "Try again" },
  other: { title: "This one has ended", text: "There are no lyrics here.", act: "Try again" },
  reason: (text) => `The reason: ${text}`,
  partial: "These lines were written before it ended.",
};

export const history = {
  status: {
    queued: "in the queue", running: "being written", succeeded: "done", failed: "failed",
    canceled: "canceled", expired: "ran out of time", completed: "done", gone: "expired",
  },
  remove: (name) => `Take “${name}” off this list`,
  file: (name, rows) => `${name} (${plural(rows, "row")})`,
  open: (name) => `Still being written: “${name}”.`,
  follow: "Follow it",
};

export const batch = {
  ready: (rows, name) => `${plural(rows, "prompt")} in ${name}, all fine.`,
  notReady: (bad, name) => `${name} needs a look: ${plural(bad, "problem")}. Nothing was sent.`,
  more: (n) => `and ${plural(n, "more")}`,
  send: (rows) => `Write ${plural(rows, "song")}`,
  useChoices: "Your choices above count for every row that does not name its own.",
  line: "Line", id: "Id", problem: "Problem",
  name: (name, rows) => `${name}: ${plural(rows, "prompt")}`,
  counts: (c) =>
    ["succeeded", "running", "queued", "failed", "canceled", "expired"]
      .filter((name) => c[name] > 0)
      .map((name) => `${number.format(c[name])} ${batch.count[name]}`)
      .join(" · "),
  count: { succeeded: "done", running: "being written", queued: "waiting", failed: "failed", canceled: "canceled", expired: "out of time" },
  progress: (done, total) => `${number.format(done)} of ${number.format(total)}`,
  running: "You can close this page. The songs are written all the same, and this link brings you back.",
  completed: (c) => (c.succeeded === c.total ? "All songs are written." : c.succeeded === 0 ? "It ended, and not one song was written." : `It ended: ${plural(c.succeeded, "song")} of ${number.format(c.total)}.`),
  canceled: "Canceled. What was written before stays.",
  results: "Results",
  soFar: "Results so far",
  retry: (n) => `Try ${plural(n, "failed one")} again`,
  problems: {
    "invalid-json-line": "not a JSON object",
    "duplicate-custom-id": "this custom_id is used twice",
    "missing-prompt": "no prompt",
    "prompt-too-long": "the prompt is longer than 500 characters",
    "invalid-option": "an option that does not exist, or a value out of range",
    "empty-file": "the file has no prompts",
    "too-many-rows": "more than 1,000 rows",
    "too-large": "larger than 1 MiB",
    "not-text": "not plain text in UTF-8",
    "no-prompt-column": "no column called “prompt” in the first line",
    "unknown-column": "a column that is neither “prompt”, “custom_id” nor an option",
    "control-characters": "the prompt has control characters",
  },
};

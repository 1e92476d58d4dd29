// A lyric as a thing to look at: sections, rhyme letters, marked line ends, syllables.
// Knows text only; no job, no network.
import { song } from "./texts.js";

export function make(tag, props = {}, ...children) {
  const { data, aria, ...rest } = props;
  const node = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(aria ?? {})) node.setAttribute(`aria-${name}`, value);
  Object.assign(node.dataset, data);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const TAG = /^\[(.+)\]$/;

// A preview is text, or an array of lines; `[Chorus]` alone on a line opens a section.
export function sectionsFrom(preview) {
  const sections = [];
  for (const raw of Array.isArray(preview) ? preview : String(preview ?? "").split("\n")) {
    const line = raw.trim();
    const tag = TAG.exec(line);
    if (tag) sections.push({ name: tag[1], lines: [] });
    else if (line) {
      if (!sections.length) sections.push({ name: "", lines: [] });
      sections.at(-1).lines.push(line);
    }
  }
  return sections;
}

export const sectionsOf = (output) =>
  Array.isArray(output?.sections) && output.sections.length ? output.sections : sectionsFrom(output?.lyrics);

// The rhyme letter of each line of one section: a scheme goes on with new letters every four lines.
export function lettersFor(scheme, count) {
  if (!/^[A-D]{4}$/.test(scheme)) return [];
  const distinct = new Set(scheme).size;
  return Array.from({ length: count }, (_, i) => {
    const place = Math.floor(i / 4) * distinct + scheme.charCodeAt(i % 4) - 65;
    return String.fromCharCode(65 + (place % 26));
  });
}

// Vowel groups, less a silent e, plus the pairs that are spoken apart. A rule of thumb for English.
export function syllablesIn(text) {
  let total = 0;
  for (const word of text.toLowerCase().match(/[a-z]+(?:['’][a-z]+)?/g) ?? []) {
    const bare = word
      .replace(/['’]/g, "")
      .replace(/([^aeiouytd])ed$/, "$1")
      .replace(/([^aeiouyscxzgh])es$/, "$1s")
      .replace(/([^aeiouyl])e$|([aeiouy]l)e$/, "$1$2");
    const groups = bare.match(/[aeiouy]+/g)?.length ?? 0;
    const apart = bare.match(/(?<![tscg])i[ao]|eo(?!u)|[aeiou]ing$/g)?.length ?? 0;
    total += Math.max(1, groups + apart);
  }
  return total;
}

function drawLine(text, letter, paired) {
  const end = /^(.*?)([\p{L}\p{N}'’-]+)([^\p{L}\p{N}]*)$/su.exec(text);
  const words = make("span", { className: "words" });
  if (paired && end) {
    const mark = make("mark", { className: `r${(letter.charCodeAt(0) - 65) % 6}`, textContent: end[2] });
    words.append(end[1], mark, end[3]);
  } else words.append(text);
  const count = syllablesIn(text);
  return make(
    "li",
    {},
    make("span", { className: "letter", textContent: paired ? letter : "", aria: { hidden: true } }),
    words,
    make("span", { className: "count", textContent: count, title: song.syllables(count) }),
  );
}

// Draws all of it; lines from number `fresh` on arrive with a movement. Returns how many there are.
export function draw(container, sections, scheme, fresh = Infinity) {
  let index = 0;
  const parts = sections.map(({ name, lines }) => {
    const letters = lettersFor(scheme, lines.length);
    const twice = (letter) => letters.indexOf(letter) !== letters.lastIndexOf(letter);
    const list = make("ol");
    lines.forEach((line, i) => {
      const item = drawLine(line, letters[i], Boolean(letters[i]) && twice(letters[i]));
      if (index >= fresh) item.className = "new";
      index += 1;
      list.append(item);
    });
    return make("section", {}, name ? make("h3", { textContent: `[${name}]` }) : null, list);
  });
  container.replaceChildren(...parts);
  return index;
}

export const plainText = (title, sections) =>
  [title, ...sections.map(({ name, lines }) => (name ? [`[${name}]`, ...lines] : lines).join("\n"))]
    .filter(Boolean)
    .join("\n\n");

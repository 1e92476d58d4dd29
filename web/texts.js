// The page's words, T, in its language: en.js, de.js or es.js, each with the same names.
import { lang } from "./language.js";

// Where it does not come, English does.
export const T = await import(`./${lang}.js`).catch(() => import("./en.js"));

// What a song is asked to be like. Its scheme counts for parts that have none of their own.
export const choices = (o) => [
	T.styles[o.style],
	o.tune ? T.toTune : /(\d|verse|song)(,|$)/.test(o.structure) && (o.rhyme_scheme === "none" ? T.rhymes("none") : o.rhyme_scheme),
	T.lines(o.lines),
	o.structure === "song" ? T.withChorus : o.structure !== "verse" && o.structure,
	o.syllables && T.counted(o.syllables), o.title && T.quoted(o.title), o.mood, o.model,
].filter(Boolean).join(" · ");

// The page's words, T, in its language: en.js, de.js or es.js, each with the same names.
import { lang } from "./language.js";

// Where it does not come, English does.
export const T = await import(`./${lang}.js`).catch(() => import("./en.js"));

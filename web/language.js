// Which language the page speaks: the one that was chosen in its footer, else the browser's. A song is in
// English whatever the page speaks.
import { keepLanguage, lastLanguage } from "./history.js";

export const LANGUAGES = { en: "English", de: "Deutsch", es: "Español" };
export const SONG = "en";
const known = (tag) => Object.keys(LANGUAGES).find((code) => `${tag}`.startsWith(code));

const asked = known(new URLSearchParams(location.search).get("lang"));
if (asked) keepLanguage(asked);
export const lang = asked ?? known(lastLanguage()) ?? navigator.languages.map(known).find(Boolean) ?? "en";

export const number = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 }).format;
export const date = (iso) => new Date(iso).toLocaleString(lang, { dateStyle: "medium", timeStyle: "short" });
export const time = (iso) => new Date(iso).toLocaleTimeString(lang, { timeStyle: "short" });
const twoDigits = new Intl.NumberFormat(lang, { maximumSignificantDigits: 2 }).format;
export const cents = (usd) => `${twoDigits(100 * usd)} ¢`;
export function duration(s) {
	if (s < 10) return `${number(s)} s`;
	return s < 90 ? `${Math.round(s)} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
}

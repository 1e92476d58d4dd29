// Telling somebody who looks elsewhere: the tab's title and icon, and if asked for a notification.
import { isTold, update } from "./history.js";
import { link } from "./list.js";
import { T } from "./texts.js";

const icon = document.querySelector("link[rel=icon]");
const usual = document.title;
const asked = new Set();
let granted = false;
let registration;

export const possible = (id) => "Notification" in window && Notification.permission !== "denied" && !asked.has(id) && !isTold(id);
export const wanted = () => granted;

export function title(words) {
	document.title = words ? `${words} · VerseQueue` : usual;
	icon.href = "icon.svg";
}

// At first only by the person's own click; gives the sentence that says how it will be told.
export async function ask(kind, id) {
	asked.add(id);
	granted = (await Notification.requestPermission()) === "granted";
	if (!granted) return T.told.no;
	try {
		const push = await import("./push.js");
		registration = await push.subscribe(kind, id);
		update(id, { told: true });
		return T.told.yes;
	} catch (error) {
		console.info(error.message);
		return T.told.open;
	}
}

export function tell(words, kind, id) {
	title(`✓ ${words}`);
	if (!document.hidden) return;
	icon.href = "icon-done.svg";
	if (!granted) return;
	const where = link(kind, id);
	const about = { body: words, tag: where, icon: "icon-done.svg", data: { link: where } };
	// The worker's own takes the place of this one, or this one of the worker's.
	if (registration) return void registration.showNotification("VerseQueue", about);
	try {
		new Notification("VerseQueue", about).onclick = () => window.focus();
	} catch (error) {
		// Chrome on Android wants a service worker for it; the title has told already.
		console.info(error.message);
	}
}

document.addEventListener("visibilitychange", () => {
	if (!document.hidden) icon.href = "icon.svg";
});

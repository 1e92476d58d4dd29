// Telling somebody who looks elsewhere: the tab's title and icon, and a notification if asked for.
const icon = document.querySelector("link[rel=icon]");
const usual = document.title;
let asked = false;

export const possible = () => "Notification" in window && Notification.permission !== "denied" && !asked;
export const wanted = () => asked;

export function title(words) {
	document.title = words ? `${words} · VerseQueue` : usual;
	icon.href = "icon.svg";
}

// Only ever called by the person's own click; true if the browser allows it.
export async function ask() {
	asked = (await Notification.requestPermission()) === "granted";
	return asked;
}

export function tell(words, tag) {
	title(`✓ ${words}`);
	if (!document.hidden) return;
	icon.href = "icon-done.svg";
	if (!asked) return;
	try {
		new Notification("VerseQueue", { body: words, tag, icon: "icon-done.svg" }).onclick = () => window.focus();
	} catch (error) {
		// Chrome on Android wants a service worker for it; the title has told already.
		console.info(error.message);
	}
}

document.addEventListener("visibilitychange", () => {
	if (!document.hidden) icon.href = "icon.svg";
});

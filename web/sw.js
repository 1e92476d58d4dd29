// Hears of an end though no tab is open, and says it in a notification, whose click opens it.
// Answers none of the page's requests.
import * as de from "./de.js";
import * as en from "./en.js";
import * as es from "./es.js";
import { lang } from "./language.js";

// A service worker can wait for nothing while it is loaded, so that it has all languages.
const T = { de, en, es }[lang];

const words = { "job.succeeded": ({ title }) => T.told.job(title || T.untitled), "batch.completed": (batch) => T.told.batch(batch.succeeded, batch.total) };
// Whatever the message says, it leads to this page.
const addressOf = (link) => {
	const url = new URL(registration.scope);
	url.search = new URL(link, url).search;
	return url.href;
};
const tabs = () => clients.matchAll({ type: "window", includeUncontrolled: true });

async function show(message) {
	const { type, link } = message;
	const isSeen = ({ url, visibilityState }) => visibilityState === "visible" && url === addressOf(link);
	if ((await tabs()).some(isSeen)) return;
	const body = words[type]?.(message) ?? T.told.over;
	await registration.showNotification("VerseQueue", { body, tag: link, data: { link }, icon: "icon-done.svg" });
}

async function open(url) {
	const tab = (await tabs()).find((one) => one.url === url);
	return tab ? tab.focus() : clients.openWindow(url);
}

addEventListener("push", (event) => event.waitUntil(show(event.data.json())));
addEventListener("notificationclick", (event) => {
	event.notification.close();
	event.waitUntil(open(addressOf(event.notification.data.link)));
});

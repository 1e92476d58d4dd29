// Having this browser told of an end though no tab is open.
import * as api from "./api.js";
import { lang } from "./language.js";

// A browser may leave the question open for ever, as some do in a private window.
const PATIENCE_MS = 15_000;
const late = () => new Promise((_, refuse) => setTimeout(refuse, PATIENCE_MS, new Error("No answer in time.")));

// The page's policy takes the address of a script from nobody else.
const worker = new URL(`sw.js?lang=${lang}`, import.meta.url).href;
const trusted = globalThis.trustedTypes?.createPolicy("push", { createScriptURL: () => worker });

async function subscription(manager, key) {
	const options = { userVisibleOnly: true, applicationServerKey: key };
	try {
		return await manager.subscribe(options);
	} catch (error) {
		if (error.name !== "InvalidStateError") throw error;
		// The one that there is was made with another key of the server's.
		await (await manager.getSubscription())?.unsubscribe();
		return manager.subscribe(options);
	}
}

async function subscribed(kind, id) {
	const { public_key: key } = (await api.pushKey()).data;
	const { serviceWorker } = navigator;
	await serviceWorker.register(trusted?.createScriptURL("") ?? worker, { type: "module" });
	const registration = await serviceWorker.ready;
	const { endpoint, keys } = (await subscription(registration.pushManager, key)).toJSON();
	await api.push(kind, id, { endpoint, keys });
	return registration;
}

// The registration whose worker will tell. Fails wherever that cannot be.
export const subscribe = (kind, id) => Promise.race([subscribed(kind, id), late()]);

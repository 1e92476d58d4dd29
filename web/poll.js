// When to ask again: Retry-After first, a growing pause while nothing changes, rarely in a hidden
// tab, at once when the person is back. Ends on `done` or on a final refusal.
import { read } from "./api.js";

const PAUSES_S = [1, 1, 1.5, 2, 3, 5, 8, 10];
const HIDDEN_S = 15;
// A hidden tab looks this often, ever more rarely, so that its title can say that it is done; for who
// asked to be told, until the end.
const HIDDEN_LOOKS = 6;

export function follow(kind, id, { news, trouble, insist }) {
	const stopping = new AbortController();
	const { signal } = stopping;
	let timer, etag, asking;
	let [unchanged, failures, looks, notBefore] = [0, 0, 0, 0];

	function askIn(seconds) {
		clearTimeout(timer);
		if (signal.aborted) return;
		let wait_ms = Math.max(seconds * 1000, notBefore - Date.now());
		if (document.hidden) {
			if (looks >= HIDDEN_LOOKS && !insist()) return;
			wait_ms = Math.max(wait_ms, HIDDEN_S * 1000 * 2 ** (insist() ? 0 : looks));
			looks += 1;
		}
		timer = setTimeout(look, wait_ms);
	}

	async function look() {
		if (asking || signal.aborted) return;
		asking = true;
		const answer = await read(kind, id, etag).catch((error) => error);
		asking = false;
		if (signal.aborted) return;
		const failed = answer instanceof Error;
		failures = failed ? failures + 1 : 0;
		unchanged = answer.status === 304 ? unchanged + 1 : 0;
		notBefore = Date.now() + (answer.retryAfter || 0) * 1000;
		etag = answer.etag ?? etag;
		if (answer.final || answer.data?.done) stop();
		askIn(failed ? Math.min(30, 2 ** failures) : PAUSES_S[Math.min(unchanged, PAUSES_S.length - 1)]);
		(failed ? trouble : news)(answer);
	}

	function wake() {
		if (!document.hidden) looks = unchanged = 0;
		askIn(0);
	}

	function stop() {
		clearTimeout(timer);
		stopping.abort();
	}

	document.addEventListener("visibilitychange", wake, { signal });
	addEventListener("online", wake, { signal });
	addEventListener("pageshow", wake, { signal });
	look();
	return { stop, wake };
}

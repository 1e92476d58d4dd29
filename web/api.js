// The two functions over HTTP: one question, one answer or one Trouble. Shows nothing.
import { RESULTS_BASE, SUBMIT_BASE } from "./config.js";

const PATIENCE_MS = 20_000;
const PATHS = { job: "/v1/jobs", batch: "/v1/batches" };

// `kind` is the problem's slug, or offline, unreachable, key, unknown where there is none.
export class Trouble extends Error {
	constructor(kind, facts) {
		super(facts?.detail || kind);
		Object.assign(this, { kind, status: 0, errors: [], retryAfter: 0 }, facts);
	}

	// Asked again, the server would say the same.
	get final() {
		return this.status >= 400 && this.status < 500 && ![408, 409, 429].includes(this.status);
	}
}

function secondsIn(header) {
	const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
	return Math.max(0, seconds || 0);
}

function kindOf(status, type) {
	if (status === 401 || status === 403) return "key";
	return type?.split("/").pop() || "unknown";
}

async function call(url, init, parse = JSON.parse) {
	let response, data;
	try {
		response = await fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });
		const text = await response.text();
		data = text ? (response.ok ? parse : JSON.parse)(text) : null;
	} catch {
		if (response) throw new Trouble("unknown", { status: response.ok ? 0 : response.status });
		throw new Trouble(navigator.onLine ? "unreachable" : "offline");
	}
	const { status, headers } = response;
	const retryAfter = secondsIn(headers.get("Retry-After"));
	if (status >= 400) {
		throw new Trouble(kindOf(status, data?.type), { status, retryAfter, detail: data?.detail, errors: data?.errors ?? [] });
	}
	const skew_ms = Date.parse(headers.get("Date")) - Date.now() || 0;
	return { status, data, retryAfter, skew_ms, etag: headers.get("ETag"), next: headers.get("Next-Since") };
}

const post = (path, body, headers) => call(SUBMIT_BASE + path, { method: "POST", body, headers });
const at = (kind, id) => `${PATHS[kind]}/${encodeURIComponent(id)}`;

export const submit = (kind, body, type, key, query = "") =>
	post(PATHS[kind] + query, body, { "Content-Type": type, "Idempotency-Key": key });
// What is wrong with a file, row by row; nothing is queued.
export const check = (body, type, query) => post(`/v1/file-checks${query}`, body, { "Content-Type": type });
// `verb`: cancel, or of a batch retry-failed.
export const act = (kind, id, verb) => post(`${at(kind, id)}/${verb}`);
// Whom to subscribe with, and who is to be told of an end.
export const pushKey = () => call(`${RESULTS_BASE}/v1/push-key`);
export const push = (kind, id, subscription) => post(`${at(kind, id)}/push`, JSON.stringify(subscription), { "Content-Type": "application/json" });
export const warmUp = () => post("/v1/warmup");
export const read = (kind, id, etag) =>
	call(RESULTS_BASE + at(kind, id), etag && { headers: { "If-None-Match": etag } });
export const status = () => call(`${RESULTS_BASE}/v1/status`);
export const models = () => call(`${RESULTS_BASE}/v1/models`);
export const rhymesOf = (word) => call(`${RESULTS_BASE}/v1/rhymes/${encodeURIComponent(word)}`);
export const meterOf = (text) => call(`${RESULTS_BASE}/v1/meter?text=${encodeURIComponent(text)}`);
export const lyricsLink = (id) => `${RESULTS_BASE}${at("job", id)}/lyrics`;
const eachLine = (text) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
// All rows, or those that have ended since `since`, which is the last answer's `next`.
export const rows = (id, since) => call(resultsLink(id, "jsonl") + (since ? `&since=${encodeURIComponent(since)}` : ""), {}, eachLine);
export const resultsLink = (id, format) => `${RESULTS_BASE}${at("batch", id)}/results?format=${format}`;

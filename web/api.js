// The two functions over HTTP: one request, one answer or one Trouble. Knows the contract's
// headers and problem documents; knows nothing of what the page shows.
import { RESULTS_BASE, SUBMIT_BASE } from "./config.js";

const PATIENCE_MS = 20_000;

// `kind` is the problem's slug, or `offline`, `unreachable`, `key`, `busy` where there is none.
export class Trouble extends Error {
  constructor(kind, { status = 0, detail = "", errors = [], retryAfter = null } = {}) {
    super(detail || kind);
    Object.assign(this, { kind, status, detail, errors, retryAfter });
  }

  // The same question will get the same answer however often it is asked.
  get final() {
    return this.status >= 400 && this.status < 500 && this.status !== 429 && this.status !== 408;
  }
}

function secondsFrom(header) {
  if (!header) return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, (date - Date.now()) / 1000);
}

function kindOf(status, type) {
  if (status === 401 || status === 403) return "key";
  const slug = String(type ?? "").split("/").pop();
  if (slug && slug !== "about:blank") return slug;
  return { 404: "not-found", 410: "gone", 429: "rate-limited" }[status] ?? "busy";
}

async function call(url, { method = "GET", headers = {}, body, signal } = {}) {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  let response;
  let data = null;
  try {
    response = await fetch(url, {
      method,
      body,
      headers: { Accept: "application/json", ...headers },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    const text = await response.text();
    if (text) data = JSON.parse(text);
  } catch (error) {
    if (signal?.aborted) throw error;
    if (response) throw new Trouble("busy", { status: response.ok ? 0 : response.status });
    throw new Trouble(navigator.onLine ? "unreachable" : "offline");
  }
  const retryAfter = secondsFrom(response.headers.get("Retry-After"));
  if (!response.ok && response.status !== 304) {
    throw new Trouble(kindOf(response.status, data?.type), {
      status: response.status,
      detail: data?.detail,
      errors: Array.isArray(data?.errors) ? data.errors : [],
      retryAfter,
    });
  }
  const sent = Date.parse(response.headers.get("Date") ?? "");
  return {
    status: response.status,
    data,
    retryAfter,
    etag: response.headers.get("ETag"),
    skew_ms: Number.isNaN(sent) ? 0 : sent - Date.now(),
  };
}

export const submitJob = (job, key) =>
  call(`${SUBMIT_BASE}/v1/jobs`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify(job),
  });

export const submitBatch = (text, type, options, key) =>
  call(`${SUBMIT_BASE}/v1/batches?${new URLSearchParams(options)}`, {
    method: "POST",
    headers: { "Content-Type": type, "Idempotency-Key": key },
    body: text,
  });

// `thing` is "jobs" or "batches"; `verb` one of "cancel", "retry-failed".
export const act = (thing, id, verb) =>
  call(`${SUBMIT_BASE}/v1/${thing}/${encodeURIComponent(id)}/${verb}`, { method: "POST" });

export const read = (thing, id, etag, signal) =>
  call(`${RESULTS_BASE}/v1/${thing}/${encodeURIComponent(id)}`, {
    headers: etag ? { "If-None-Match": etag } : {},
    signal,
  });

export const warmUp = () => call(`${SUBMIT_BASE}/v1/warmup`, { method: "POST" });

export const serverStatus = () => call(`${RESULTS_BASE}/v1/status`);

export const resultsLink = (id, format) =>
  `${RESULTS_BASE}/v1/batches/${encodeURIComponent(id)}/results?format=${format}`;

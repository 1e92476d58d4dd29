// One job drawn: where it is, what it has written, how it ended. Knows nothing of the network.
import { lyricsLink } from "./api.js";
import { $, make, notice, put } from "./dom.js";
import { nameOf } from "./history.js";
import { link } from "./list.js";
import { draw as drawLyric } from "./lyric.js";
import { sectionsFrom } from "./shape.js";
import { date, duration } from "./language.js";
import { T, choices } from "./texts.js";

const STAGES = ["waiting", "loading_model", "writing"];
const SETBACKS = ["attempt_failed", "handed_back", "lease_lapsed"];
let drawn = 0;

const isGood = ({ status }) => status === "succeeded";
const endOf = ({ status }) => T.ended[status] ?? T.ended.other;
const sections = ({ output, preview, options, given, done }) => output?.sections ?? sectionsFrom(preview, options, done ? [] : given);
// The tune's own are told when it is done.
const schemeOf = ({ output, options }) => output?.rhyme?.scheme ?? (options.tune ? "none" : options.rhyme_scheme);

// Seconds in each stage, from the timeline; the stage that is on ends now.
function stageTimes({ created_at, events, finished_at }, now_ms) {
	const spent = {};
	let [stage, since] = ["waiting", Date.parse(created_at)];
	const turn = (next, at) => {
		spent[stage] = (spent[stage] ?? 0) + Math.max(0, at - since) / 1000;
		[stage, since] = [next, at];
	};
	for (const { at, event, detail } of events ?? []) {
		const next = event === "claimed" ? detail : SETBACKS.includes(event) ? "waiting" : event;
		if (STAGES.includes(next)) turn(next, Date.parse(at));
	}
	turn(null, Date.parse(finished_at) || now_ms);
	return spent;
}

function drawSteps(job, now_ms) {
	const spent = stageTimes(job, now_ms);
	const at = job.done ? 3 : Math.max(0, STAGES.indexOf(job.stage));
	const items = STAGES.map((stage, i) => {
		const seen = stage in spent && i <= at;
		const awake = !seen && i === 1 && i < at && "writing" in spent;
		// There is one clock that runs: the stage that is on has none.
		const when = seen && i < at ? duration(spent[stage]) : i === 0 && job.queue_position ? T.place(job.queue_position) : "";
		return [awake ? T.awake : T.steps[stage], when, i === at ? "now" : i < at && (seen || awake) ? "past" : ""];
	});
	items.push([job.done && !isGood(job) ? endOf(job)[0] : T.steps.done, "", job.done ? "past" : ""]);
	$("steps").replaceChildren(...items.map(([name, when, className]) =>
		make("li", { class: className, "aria-current": className === "now" && "step" }, name, make("span", {}, when))));
}

const costOf = ({ cost_usd, machine_usd } = {}) => cost_usd != null && T.cost(cost_usd, machine_usd);

// What changes with every second.
export function tick(job, now_ms, heard_s, isLater) {
	drawSteps(job, now_ms);
	const total = Math.max(0, (Date.parse(job.finished_at) || now_ms) - Date.parse(job.created_at)) / 1000;
	const isNew = !job.done && total < 1;
	const note = job.done ? [costOf(job.metrics)] : [!isNew && T.soFar, job.eta_seconds != null && !job.cancel_requested_at && T.toGo(job.eta_seconds - heard_s, job.eta_at_most_seconds - heard_s, isLater)];
	$("clock").replaceChildren(isNew ? T.begun : duration(job.done ? total : Math.floor(total)), make("small", {}, note.filter(Boolean).join(" · ")));
}

function drawSheet(job) {
	const { completed = 0, total = 1 } = job.progress ?? {};
	const scheme = schemeOf(job);
	drawn = drawLyric($("lyrics"), sections(job), scheme, drawn, !job.done, job.done ? [] : job.given);
	$("lyrics").classList.toggle("writing", !job.done);
	put("hint", job.done || drawn ? "" : T.hint[job.stage] ?? T.hint.waiting);
	$("legend").hidden = scheme === "none";
	$("tools").hidden = !isGood(job);
	Object.assign($("download"), { href: lyricsLink(job.id), download: `${titleOf(job)}.txt` });
	put("title", isGood(job) ? titleOf(job) : job.done ? "" : T.working);
	put("meta", isGood(job) ? T.rhymes(scheme, job.output?.rhyme?.score)
		: job.done ? drawn && T.partial : T.progress(completed, total));
	Object.assign($("bar"), { max: total, value: completed, hidden: job.done });
}

function drawReceipt({ output, metrics, created_at }) {
	const facts = { ...output?.receipt, tokens: metrics?.tokens, asked: date(created_at), note: T.receiptNote };
	const rows = Object.entries(T.receipt).filter(([name]) => facts[name] != null);
	$("facts").replaceChildren(...rows.flatMap(([name, text]) => [make("dt", {}, text), make("dd", {}, `${facts[name]}`)]));
}

export function draw(job, submit) {
	const setback = job.events?.findLast(({ event }) => SETBACKS.includes(event));
	$("words").textContent = job.prompt;
	$("sub").textContent = [choices(job.options), T.effort(job.options.effort)].filter(Boolean).join(" · ");
	put("why", job.done ? "" : job.cancel_requested_at ? T.canceling
		: setback ? T.retried(job.attempt + (job.status === "queued"), job.max_attempts, setback.detail) : "");
	$("part").hidden = !job.batch_id;
	if (job.batch_id) $("part").replaceChildren(make("a", { href: link("batch", job.batch_id) }, T.part(nameOf(job.batch_id))));
	drawSheet(job);
	drawReceipt(job);
	notice($("end"), job.done && !isGood(job) && endOf(job), {
		extra: job.error?.detail,
		calm: job.status === "canceled",
		act: () => submit(askedOf(job)),
	});
}

// What was asked for, so that it can be asked for again.
export const askedOf = ({ prompt, options, given }) => ({ prompt, options, ...(given?.length && { given }) });
export const titleOf = (job) => job.output?.title || T.untitled;
export const nowAt = (job) => T.steps[job.stage] ?? "";
export const reset = () => (drawn = 0);

// What is said at the end: aloud, and to somebody who looks elsewhere.
export const atEnd = (job) =>
	isGood(job) ? [T.finished(titleOf(job), drawn), T.told.job(titleOf(job))] : [endOf(job)[0], T.told.over];

// A file of prompts, read on this device: its rows, and the common faults by line. The server refuses
// the same.
export const LONGEST = 500;
export const MOST_ROWS = 1000;
export const MOST_MIB = 1;
const TYPES = { jsonl: "application/jsonl", ndjson: "application/jsonl", csv: "text/csv" };
const fault = (code, line = 1, custom_id = "") => ({ line, custom_id, code });

// Records of RFC 4180 with the line on which each begins; a quoted cell may hold line ends.
function records(text) {
	const mark = [",", ";", "\t"].find((one) => text.split("\n", 1)[0].split(one).some((name) => /^\W*prompt\W*$/i.test(name)));
	const all = [];
	let [line, begin, cells, cell, opened, quoted] = [1, 1, [], "", false, false];
	for (const char of `${text}\n`) {
		// A doubled quote closes and opens again. One that does not begin a cell is a mark like any other.
		if (char === '"' && (opened || !cell)) [opened, quoted] = [true, !quoted];
		else if (quoted || (char !== mark && char !== "\n")) cell += char;
		else {
			cells.push(cell.trim());
			[cell, opened] = ["", false];
			if (char === "\n") {
				if (cells.some(Boolean)) all.push([begin, cells]);
				[cells, begin] = [[], line + 1];
			}
		}
		if (char === "\n") line += 1;
	}
	return quoted ? [...all, [begin]] : all;
}

function csvRows(text) {
	const [[, head] = [], ...rest] = records(text);
	const names = (head ?? []).map((name) => name.toLowerCase());
	if (!names.includes("prompt")) return [fault("no-prompt-column")];
	return rest.map(([line, cells]) =>
		cells ? { ...Object.fromEntries(names.map((name, i) => [name, cells[i]])), line } : fault("invalid-csv-line", line));
}

function jsonRow(text, line) {
	try {
		const { prompt, custom_id } = JSON.parse(text);
		return { line, prompt, custom_id };
	} catch {
		return fault("invalid-json-line", line);
	}
}

function faultsOf({ line, prompt, custom_id }, number, seen) {
	const id = custom_id || `${number}`;
	const text = typeof prompt === "string" ? prompt.normalize("NFC").trim() : "";
	const codes = [
		!text && "missing-prompt",
		[...text].length > LONGEST && "prompt-too-long",
		/\p{Cc}/u.test(text) && "invalid-text",
		seen.has(id) && "duplicate-custom-id",
	];
	seen.add(id);
	return codes.filter(Boolean).map((code) => fault(code, line, id));
}

// {text, type, rows, errors}; without errors the file can be sent.
export async function check(file) {
	if (file.size > MOST_MIB * 2 ** 20) return { errors: [fault("too-large")] };
	let text;
	try {
		text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
	} catch {
		return { errors: [fault("not-text")] };
	}
	if (text.includes("\0")) return { errors: [fault("not-text")] };
	const type = TYPES[file.name.split(".").pop().toLowerCase()] ?? "text/plain";
	const lines = text.replace(/\r\n?/g, "\n");
	const read = type === "text/plain" ? (prompt, line) => ({ prompt, line }) : jsonRow;
	const found = type === "text/csv" ? csvRows(lines)
		: lines.split("\n").map((line, i) => line.trim() && read(line, i + 1)).filter(Boolean);
	const rows = found.filter(({ code }) => !code);
	const seen = new Set();
	const errors = [...found.filter(({ code }) => code), ...rows.flatMap((row, i) => faultsOf(row, i + 1, seen))];
	if (!found.length) errors.push(fault("empty-file"));
	if (found.length > MOST_ROWS) errors.push(fault("too-many-rows", found[MOST_ROWS].line));
	return { text, type, rows, errors: errors.sort((a, b) => a.line - b.line) };
}

// A file of prompts, read on this device: rows, and what is wrong with them by line. The server
// checks again and knows more; this finds the common faults before anything is sent.
const MOST_ROWS = 1000;
const MOST_BYTES = 1024 * 1024;
const LONGEST = 500;
const FIELDS = ["custom_id", "prompt", "options", "lines", "rhyme_scheme", "structure", "style", "mood", "temperature", "top_p", "seed", "explicit", "continue_prompt"];
const TYPES = { jsonl: "application/jsonl", ndjson: "application/jsonl", csv: "text/csv" };

const fault = (code, line = 1, custom_id = "") => ({ line, custom_id, code });

// RFC 4180 records with the line that each begins on; a quoted field may hold line ends.
function csvRecords(text) {
  const records = [];
  let [line, start, record, cell, quoted] = [1, 1, [], "", false];
  const endRecord = () => {
    record.push(cell);
    if (record.length > 1 || record[0].trim()) records.push({ line: start, record });
    [record, cell, start] = [[], "", line];
  };
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (char === "\n") line += 1;
    if (char === '"' && (quoted || !cell)) {
      if (quoted && text[i + 1] === '"') cell += text[(i += 1)];
      else quoted = !quoted;
    } else if (char === "," && !quoted) {
      record.push(cell);
      cell = "";
    } else if (char === "\n" && !quoted) endRecord();
    else cell += char;
  }
  endRecord();
  return records;
}

function csvRows(text) {
  const [head, ...records] = csvRecords(text);
  const names = head?.record.map((name) => name.trim()) ?? [];
  if (!names.includes("prompt")) return { rows: [], errors: [fault("no-prompt-column")] };
  if (names.some((name) => name === "options" || !FIELDS.includes(name))) return { rows: [], errors: [fault("unknown-column")] };
  return { errors: [], rows: records.map(({ line, record }) => ({ line, ...Object.fromEntries(names.map((name, i) => [name, record[i] ?? ""])) })) };
}

function lineRows(text, read) {
  const errors = [];
  const rows = text.split("\n").flatMap((line, i) => {
    if (!line.trim()) return [];
    const row = read(line);
    if (row) return [{ ...row, line: i + 1 }];
    errors.push(fault("invalid-json-line", i + 1));
    return [];
  });
  return { rows, errors };
}

function readObject(line) {
  try {
    const row = JSON.parse(line);
    return row && typeof row === "object" && !Array.isArray(row) ? row : null;
  } catch {
    return null;
  }
}

function faultsOf(row, number, seen) {
  const id = String(row.custom_id || number);
  const prompt = typeof row.prompt === "string" ? row.prompt.normalize("NFC").trim() : "";
  const codes = [];
  if (!prompt) codes.push("missing-prompt");
  if ([...prompt].length > LONGEST) codes.push("prompt-too-long");
  if (/\p{Cc}/u.test(prompt)) codes.push("control-characters");
  if (Object.keys(row).some((name) => name !== "line" && !FIELDS.includes(name))) codes.push("invalid-option");
  if (seen.has(id)) codes.push("duplicate-custom-id");
  seen.add(id);
  return codes.map((code) => fault(code, row.line, id));
}

// {text, type, rows, errors}; `errors` empty means that the file can be sent.
export async function check(file) {
  const none = (code) => ({ rows: [], errors: [fault(code)] });
  if (file.size > MOST_BYTES) return none("too-large");
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()).replace(/\r\n?/g, "\n");
  } catch {
    return none("not-text");
  }
  if (text.includes("\0")) return none("not-text");
  const type = TYPES[file.name.split(".").pop().toLowerCase()] ?? "text/plain";
  const { rows, errors } = type === "text/csv" ? csvRows(text) : lineRows(text, type === "text/plain" ? (prompt) => ({ prompt }) : readObject);
  if (!rows.length && !errors.length) return none("empty-file");
  if (rows.length > MOST_ROWS) errors.push(fault("too-many-rows", rows[MOST_ROWS].line));
  const seen = new Set();
  rows.forEach((row, i) => errors.push(...faultsOf(row, i + 1, seen)));
  return { text, type, rows, errors: errors.sort((a, b) => a.line - b.line) };
}

// A finished lyric as a file: plain text, Markdown, ChordPro. Knows no page.

// ChordPro has parts of its own for some; the others are verses with a label.
const OWN = { Verse: "verse", Chorus: "chorus", Bridge: "bridge" };

const tagged = (name, lines) => (name ? [`[${name}]`, ...lines] : lines).join("\n");

// As the server writes them: a single verse as its lines, else each part with its name.
export function text({ sections }) {
	const alone = sections.length === 1;
	return sections.map(({ name, lines }) => tagged(!alone && name, lines)).join("\n\n");
}

// What would be a list, a heading or a mark in Markdown is only text here.
const plain = (line) => line.replace(/[\\`*_[\]<>#]/g, "\\$&").replace(/^(\s*\d*)([-+.)])(?=\s)/, "$1\\$2");

function markdown({ title, sections }) {
	const parts = sections.map(({ name, lines }) => `## ${name}\n\n${lines.map(plain).join("  \n")}\n`);
	return [`# ${plain(title)}\n`, ...parts].join("\n");
}

// A line that begins like a directive or a note of ChordPro's would not be sung; nor would a chord.
const sung = (line) => line.replace(/^([#{])/, " $1").replaceAll("[", "(").replaceAll("]", ")");

function chordPro({ title, sections }) {
	const seen = new Set();
	const parts = sections.map(({ name, lines }) => {
		if (seen.has(name)) return "{chorus}\n";
		if (name === "Chorus") seen.add(name);
		const kind = OWN[name.split(" ")[0]] ?? "verse";
		return `{start_of_${kind}: ${name}}\n${lines.map(sung).join("\n")}\n{end_of_${kind}}\n`;
	});
	return [`{title: ${title.replace(/[{}]/g, "")}}\n`, ...parts].join("\n");
}

// By the end of the file's name: what is written, and what it is to a browser.
export const FORMATS = {
	txt: { write: (song) => `${text(song)}\n`, type: "text/plain" },
	md: { write: markdown, type: "text/markdown" },
	cho: { write: chordPro, type: "text/plain" },
};

// Where the lines of a song belong while it is written.

// "verse 4 ABAB, chorus 2, chorus" as sections: a chorus comes again, others that share a name are numbered.
function parts(structure) {
	const asked = structure.split(",").map((text) => text.trim().split(" "));
	const count = {};
	return asked.map(([name, lines, scheme]) => {
		const [, first, own] = lines ? [name, lines, scheme] : asked.find(([one]) => one === name);
		const alone = name !== "verse" && asked.filter(([one]) => one === name).length === 1;
		count[name] = (count[name] ?? 0) + 1;
		const title = name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
		return [alone || name === "chorus" ? title : `${title} ${count[name]}`, Number(first), own];
	});
}

// [name, lines, scheme] of each section in order.
function shape({ structure, lines }) {
	if (/ \d/.test(structure)) return parts(structure);
	if (structure !== "song") return [["Verse 1", lines]];
	const chorus = lines < 8 ? 1 : lines < 16 ? 2 : lines < 40 ? 4 : 8;
	const rest = lines - 2 * chorus;
	let first = Math.ceil(rest / 2);
	if (first % 2 && rest % 2 === 0 && rest > 2) first += 1;
	return [["Verse 1", first], ["Chorus", chorus], ["Verse 2", rest - first], ["Chorus", chorus]];
}

// The sections of unfinished lyrics, given as text or as lines; `total` is what a section will have.
// Of a line that is to come there is nothing, unless it is given.
export function sectionsFrom(preview, options, given = []) {
	const left = [preview ?? []].flat().join("\n").split("\n").filter(Boolean);
	const known = given.map((line, i) => left[i] ?? line ?? "");
	const all = known.length ? known.slice(0, 1 + known.findLastIndex(Boolean)) : left;
	return shape(options).map(([name, total, scheme]) => ({ name, total, rhyme_scheme: scheme, lines: all.splice(0, total) }));
}

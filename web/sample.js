// A song that the default model wrote, for those who have none of their own yet.
import { button, make } from "./dom.js";
import { lang } from "./language.js";
import { draw as drawLyric } from "./lyric.js";
import { T } from "./texts.js";

const PROMPT = "my grandmother's kitchen radio";
const LINES = `My grandmother's kitchen radio
She had a magic voice, a soft glow
A little girl with a heart of gold
She taught me how to hold
The magic in the air
To cook, to sing and to share
But when she passed away
There was no time to play`;

export function draw(box, edit) {
	const lyric = make("div", { className: "lyric" });
	drawLyric(lyric, [{ lines: LINES.split("\n") }], "AABB", Infinity);
	box.replaceChildren(lyric, make("p", { className: "quiet", lang }, T.sample.of(PROMPT)), button(T.sample.like, () => edit({ prompt: PROMPT }), { lang }));
}

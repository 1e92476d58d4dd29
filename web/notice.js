// Something that stands in the way, said in plain words, with one way on and, where the server
// named a time, the countdown to it.
import { make } from "./lyric.js";
import { trouble } from "./texts.js";

const timers = new WeakMap();

export function clear(box) {
  clearInterval(timers.get(box));
  box.hidden = true;
  box.replaceChildren();
}

// Only title and text are in the live part: a countdown read aloud every second helps nobody.
export function show(box, words, { detail = "", seconds = 0, act = null, extra = null } = {}) {
  clear(box);
  const said = make("div", { role: "alert" }, make("h3", { textContent: words.title }), make("p", { textContent: words.text }));
  if (detail) said.append(make("p", { textContent: detail }));
  box.append(said);
  if (extra) box.append(extra);
  if (act && words.act) {
    const button = make("button", { type: "button", textContent: words.act, onclick: act });
    const wait = make("p", { className: "quiet" });
    box.append(make("p", { className: "buttons" }, button), wait);
    countDown(box, button, wait, seconds);
  }
  box.hidden = false;
}

function countDown(box, button, wait, seconds) {
  const ready_at = Date.now() + seconds * 1000;
  const step = () => {
    const left = (ready_at - Date.now()) / 1000;
    button.disabled = left > 0;
    wait.hidden = left <= 0;
    wait.textContent = trouble.wait(left);
    if (left <= 0) clearInterval(timers.get(box));
  };
  timers.set(box, setInterval(step, 500));
  step();
}

// The words for an API trouble; the server's own detail is kept where it says more.
export function showTrouble(box, error, act, extra) {
  const words = trouble[error.kind] ?? { ...trouble.busy, text: error.detail || trouble.busy.text };
  show(box, words, { seconds: error.retryAfter ?? 0, act, extra });
}

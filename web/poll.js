// When to ask again: Retry-After first, a growing pause while nothing changes, next to nothing in
// a hidden tab, at once when the person comes back. Ends on `done`, or on a final refusal.
import { read } from "./api.js";

const PAUSES_S = [1, 1, 1.5, 2, 3, 5, 8, 10];
const HIDDEN_S = 15;
// A hidden tab looks this often at growing distances, so that its title can say that it is done;
// then it stops. Someone who asked to be told is looked for until the end.
const HIDDEN_LOOKS = 6;

export function follow(thing, id, { news, trouble, insist }) {
  const abort = new AbortController();
  let etag = null;
  let timer = 0;
  let asking = false;
  let unchanged = 0;
  let failures = 0;
  let hiddenLooks = 0;
  let notBefore = 0;

  const later = (seconds) => Math.max(0, notBefore - Date.now(), seconds * 1000);

  function plan(seconds) {
    clearTimeout(timer);
    if (abort.signal.aborted) return;
    let wait_ms = later(seconds);
    if (document.hidden) {
      if (!insist() && hiddenLooks >= HIDDEN_LOOKS) return;
      const pause = HIDDEN_S * 2 ** (insist() ? 0 : hiddenLooks);
      hiddenLooks += 1;
      wait_ms = Math.max(wait_ms, pause * 1000);
    }
    timer = setTimeout(look, wait_ms);
  }

  function rememberPause(seconds) {
    notBefore = seconds ? Date.now() + seconds * 1000 : 0;
  }

  async function look() {
    if (asking || abort.signal.aborted) return;
    asking = true;
    try {
      const answer = await read(thing, id, etag, abort.signal);
      failures = 0;
      unchanged = answer.status === 304 ? unchanged + 1 : 0;
      rememberPause(answer.retryAfter);
      if (answer.data?.done) stop();
      if (answer.data) {
        etag = answer.etag;
        news(answer.data, answer.skew_ms);
      } else {
        news(null, 0);
      }
      plan(PAUSES_S[Math.min(unchanged, PAUSES_S.length - 1)]);
    } catch (error) {
      if (abort.signal.aborted) return;
      if (error.final) stop();
      failures += 1;
      rememberPause(error.retryAfter);
      const pause = Math.min(30, 2 ** failures);
      trouble(error, later(pause) / 1000);
      plan(pause);
    } finally {
      asking = false;
    }
  }

  function wake() {
    if (document.hidden) return plan(0);
    hiddenLooks = 0;
    unchanged = 0;
    return plan(0);
  }

  function stop() {
    clearTimeout(timer);
    abort.abort();
    document.removeEventListener("visibilitychange", wake);
    removeEventListener("online", wake);
    removeEventListener("pageshow", wake);
  }

  document.addEventListener("visibilitychange", wake);
  addEventListener("online", wake);
  addEventListener("pageshow", wake);
  look();
  return { stop, wake };
}

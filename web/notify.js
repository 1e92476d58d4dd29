// Telling somebody who looks elsewhere: the tab's title, its icon, and a notification if asked for.
const NAME = "VerseQueue";
const icon = document.querySelector("link[rel=icon]");
let asked = false;

export const possible = () => "Notification" in window && Notification.permission !== "denied";
export const wanted = () => asked;

export function title(words) {
  document.title = words ? `${words} · ${NAME}` : pageTitle;
  icon.href = "icon.svg";
}
const pageTitle = document.title;

// Only ever called by the person's own click. True if the browser allows it.
export async function ask() {
  asked = possible() && (await Notification.requestPermission()) === "granted";
  return asked;
}

export function tell(words, tag) {
  title(`✓ ${words}`);
  if (!document.hidden) return;
  icon.href = "icon-done.svg";
  if (!asked) return;
  try {
    const note = new Notification(NAME, { body: words, tag, icon: "icon-done.svg" });
    note.onclick = () => {
      window.focus();
      note.close();
    };
  } catch (error) {
    // Chrome on Android allows them only from a service worker; the title has told already.
    if (!(error instanceof TypeError)) throw error;
  }
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) icon.href = "icon.svg";
});

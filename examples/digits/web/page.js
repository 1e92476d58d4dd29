// Draws on 16 by 16 cells, submits them as a job, and says where the job is until it is read.
const [paper, told, guesses, clear] = ["paper", "told", "guesses", "clear"].map((id) => document.getElementById(id));
const ink = paper.getContext("2d", { willReadFrequently: true });
const STAGES = { waiting: "In the queue …", loading_model: "Waking the model …", writing: "Reading …" };
let latest = 0;

ink.lineWidth = 1.8;
ink.lineCap = ink.lineJoin = "round";

function lineTo(event) {
  const box = paper.getBoundingClientRect();
  const place = [(event.clientX - box.left) * 16 / box.width, (event.clientY - box.top) * 16 / box.height];
  ink.lineTo(...place);
  ink.stroke();
  ink.beginPath(); // what is drawn twice grows fat
  ink.moveTo(...place);
}

function drawing() {
  const alpha = ink.getImageData(0, 0, 16, 16).data.filter((_, at) => at % 4 === 3);
  const row = (at) => parseInt(Array.from(alpha.slice(at * 16, at * 16 + 16), (a) => (a > 127 ? 1 : 0)).join(""), 2);
  return Array.from({ length: 16 }, (_, at) => row(at).toString(16).padStart(4, "0")).join(" ");
}

async function ask(path, init) {
  const answer = await fetch(path, init);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body;
}

async function readDigit() {
  const mine = ++latest;
  const body = JSON.stringify({ prompt: drawing(), options: { guesses: 3 } });
  let job = await ask("/v1/jobs", { method: "POST", body, headers: { "Content-Type": "application/json" } });
  while (!job.done && mine === latest) {
    told.textContent = STAGES[job.stage];
    job = await ask(job.urls.self, { headers: { Prefer: "wait=10" } });
  }
  if (mine === latest) show(job);
}

function show(job) {
  told.textContent = job.error?.detail ?? `That is a ${job.output.lyrics}.`;
  guesses.replaceChildren(...(job.output?.guesses ?? []).map(({ digit, likelihood }) => {
    const [line, bar] = [document.createElement("li"), document.createElement("meter")];
    bar.value = likelihood;
    bar.ariaLabel = "likelihood";
    line.append(digit, bar, `${Math.round(likelihood * 100)} %`);
    return line;
  }));
}

paper.addEventListener("pointerdown", (event) => { paper.setPointerCapture(event.pointerId); ink.beginPath(); lineTo(event); });
paper.addEventListener("pointermove", (event) => { if (event.buttons) lineTo(event); });
paper.addEventListener("pointerup", () => readDigit().catch((error) => { told.textContent = error.message; }));
clear.addEventListener("click", () => { latest++; ink.clearRect(0, 0, 16, 16); guesses.replaceChildren(); told.textContent = "Large, please."; });

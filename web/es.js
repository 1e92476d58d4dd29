// The page's words in Spanish, as en.js explains them.
import { MOST_MIB, MOST_ROWS } from "./limits.js";
import { cents, duration, number, time } from "./language.js";

const many = (count, one, more = `${one}s`) => `${number(count)} ${count === 1 ? one : more}`;
const songCount = (n) => many(n, "canción", "canciones");

export const title = "VerseQueue: de unas palabras, una canción";
export const page = {
	skip: "Ir al contenido",
	new: "Nueva canción",
	"to-songs": "Tus canciones",
	claim: "Entran unas palabras,\nsale una canción.",
	lead: "Di de qué trata. Un pequeño modelo abierto escribe en inglés una letra que rima, verso a verso, mientras miras.",
	prompt: "¿De qué trata tu canción? Mejor en inglés",
	send: "Escribir mi canción",
	change: "Cambiar",
	"effort-text": "Más borradores por verso: mejor letra, más espera",
	"style-text": "Estilo",
	"structure-text": "Forma",
	scheme: "Rimas",
	syllables: "Sílabas por verso, como 8 6 8 6",
	tune: "Con la música de una estrofa: pégala aquí",
	called: "Título",
	mood: "Ánimo, en una o dos palabras",
	model: "Modelo",
	"continue-text": "Empezar el primer verso con mis palabras",
	"explicit-text": "Permitir palabras groseras",
	"file-title": "¿Tienes un archivo lleno de ideas?",
	"file-text": `Suéltalo en cualquier sitio o elígelo: JSONL, CSV con una columna «prompt» o una idea en cada línea. Hasta ${many(MOST_ROWS, "línea")}. El servidor lo revisa primero; nada entra en la cola hasta que lo digas.`,
	file: "Elegir un archivo",
	drop: "Suelta aquí tu archivo de ideas",
	cancel: "Cancelar",
	tell: "Avísame cuando esté lista",
	share: "Copiar el enlace",
	copy: "Copiar la letra",
	download: "Descargar",
	legend: "Misma letra (A, B…) y color: riman entre sí.",
	again: "Escribir otra versión",
	more: "Editar la idea",
	"count-text": "Contar sílabas y marcar acentos",
	work: "Retocar los versos",
	receipt: "Comprobante",
	"songs-title": "Tus canciones",
	forget: "Vaciar la lista",
	undo: "Deshacer",
	footer: "Tu idea y tus opciones van al servidor, que guarda las canciones 30 días o lo que diga su dueño. Esta lista se queda en tu navegador. Sin cookies ni rastreadores.",
};
export const nextClaim = "Escribe otra";
export const styles = { rap: "Rap", pop: "Pop", country: "Country", rock: "Rock", folk: "Folk", soul: "Soul" };
export const structures = { verse: "Una estrofa", song: "Estrofa, estribillo, estrofa, estribillo" };
export const schemes = {
	AABB: "AABB, pareada", ABAB: "ABAB, cruzada", ABBA: "ABBA, abrazada",
	ABCB: "ABCB, versos pares", AAAA: "AAAA, monorrima", none: "Ninguna, verso libre",
};
export const lines = (n) => many(n, "verso");
export const withChorus = "con estribillo";
export const toTune = "con música de otra";
export const quoted = (title) => `«${title}»`;
export const counted = (pattern) => `${pattern} sílabas`;
export const given = (n) => `Conservar los mismos versos (${number(n)})`;
export const efforts = { quick: "Rápida", normal: "Cuidada", best: "La mejor" };
export const effort = (name, s) => (efforts[name] ?? "") + (s ? ` · ${duration(s < 2 ? s : Math.round(s))}` : "");

export const model = (name, s, licence) => [name, s && duration(s), licence].filter(Boolean).join(" · ");

export const server = {
	warm: "El modelo está despierto.",
	cold: (s) => `El modelo se está despertando para ti${s ? ` y tarda cerca de ${duration(s)}` : ""}.`,
	queue: (n, s) => (n || s >= 1 ? ` ${n ? `Hay ${songCount(n)}` : "Se está escribiendo una"} antes de la tuya${s >= 1 ? `, cerca de ${duration(Math.round(s))}` : ""}.` : ""),
};
export const empty = "Escribe antes una o dos palabras. De todo puede salir una canción.";
export const tooLong = (n) => (n === 1 ? "Sobra 1 carácter" : `Sobran ${number(n)} caracteres`);

export const steps = { waiting: "En la cola", loading_model: "Despertando", writing: "Escribiendo", done: "Lista" };
export const awake = "Ya despierto";
export const begun = "Empezando";
export const soFar = "hasta ahora";
export const cost = (usd, machine) =>
	`${cents(usd)}, sin máquina de ${number(machine)} $ al mes`;
export const place = (n) => (n > 1 ? `número ${number(n)}` : "la siguiente");
export function toGo(s, most, isLater) {
	const why = isLater ? "tarda más: " : "";
	if (s < -3) return "tarda más de lo normal, pero sigue";
	if (s < 1.5) return "ya casi está";
	if (most > 1.4 * s) return `${why}faltan de ${most < 60 ? Math.round(s) : duration(Math.round(s))} a ${duration(Math.round(most))}`;
	return `${why}faltan unos ${duration(Math.round(s))}`;
}
export const progress = (done, total) => `${number(done)} de ${lines(total)}`;
export const working = "Tu canción";
export const hint = {
	waiting: "Tu lugar está seguro. Cierra esta página si quieres: el enlace te trae de vuelta.",
	loading_model: "El modelo duerme mientras nadie escribe, y tus palabras lo están despertando. Con esta espera, el servicio cuesta centavos al mes, no dólares. La próxima canción empieza enseguida.",
};
export const retried = (attempt, most, reason) => `Intento ${attempt} de ${most}: el anterior se detuvo. ${reason}`;
export const canceling = "Se detiene en el próximo verso.";

export const untitled = "Sin título";
export const finished = (title, n) => `Lista: «${title}», ${lines(n)}.`;
export const rhymes = (scheme, score) =>
	scheme === "none" ? "Verso libre" : `Rima${scheme && ` ${scheme}`}${typeof score === "number" ? `: ${Math.round(score * 100)} % de los pares, consonante o asonante` : ""}`;
export const syllables = (n) => many(n, "sílaba");
export const marks = "/ tónica, x átona, · ambas";
export const kept = "fijo";
export const desk = {
	line: (n) => `Verso ${number(n)}`,
	help: "Fija los versos que te gusten y reescribe los demás. ⋯ abre un verso: otras versiones, tus palabras, su rima.",
	local: "Lo que cambias se queda en este navegador. El enlace lo mostrará cuando reescribas versos.",
	pairs: "Las rimas cambiadas se aplicarán al reescribir.",
	allKept: "Todos los versos están fijos. Suelta uno para reescribirlo.",
	all: "Reescribir todo",
	rest: (n) => (n === 1 ? "Reescribir el otro verso" : `Reescribir los otros ${number(n)} versos`),
	undone: "Deshecho",
	close: "Cerrar el editor",
	keep: "Fijar",
	free: "Ya no es fijo",
	edit: "Editar",
	anew: "Reescribir",
	save: "Aceptar",
	leave: "Descartar",
	changed: (n) => `El verso ${number(n)} ha cambiado y está fijo.`,
	others: "Otras versiones",
	rhyme: "Rima con el verso",
	nothing: "ninguno",
	paired: (n, other) => `El verso ${number(n)} rimará con el verso ${number(other)}.`,
	alone: (n) => `El verso ${number(n)} no necesita rimar.`,
	drag: "Arrástrala al verso con el que este debe rimar",
	rhymesWith: (word) => `Rimas con «${word}»:`,
	print: "Imprimir",
	formats: { txt: "Texto", md: "Markdown", cho: "ChordPro" },
};
export const copied = "Copiado";
export const notCopied = "El navegador no lo permite";
export const receipt = {
	model: "Modelo", model_digest: "Huella del modelo", seed: "Semilla", input_digest: "Huella de la entrada", version: "Versión",
	tokens: "Tokens", asked: "Pedida", note: "Uso",
};
export const receiptNote = "Las mismas palabras, opciones, semilla y modelo dan la misma letra.";

export const told = {
	yes: "Te avisaremos, aunque cierres esta página.",
	open: "Te avisaremos mientras esta pestaña esté abierta.",
	no: "El navegador no lo permite. Te lo dirá el título de la pestaña.",
	job: (title) => `Tu canción está lista: ${title}`,
	over: "Terminó sin letra",
	batch: (done, total) => `Tu archivo está listo: ${number(done)} de ${songCount(total)}`,
};

export const tryAgain = "Intentar otra vez";
export const waitFor = (s) => `Puedes intentarlo otra vez en ${duration(Math.ceil(s))}.`;
const newSong = "Escribir una canción nueva";
export const trouble = {
	offline: ["No tienes conexión", "Tus palabras están a salvo en esta página."],
	unreachable: ["El servidor no responde", "Reintentar no creará otra canción."],
	"rate-limited": ["Demasiado rápido", "Este servidor acepta pocas peticiones por minuto de cada visitante."],
	"budget-exhausted": ["Se acabaron las canciones de hoy", "El dueño solo paga cierto número al día. Lo escrito se puede seguir leyendo."],
	key: ["Este servidor pide una clave", "Si la tienes, usa su API o la línea de comandos."],
	validation: ["Hay que cambiar algo", "Nada entró en la cola."],
	"batch-invalid": ["El servidor rechazó el archivo", "Nada entró en la cola. Revisa estas líneas:"],
	busy: ["El servidor tropezó", "No se ha perdido nada. Dale un momento."],
	"not-found": ["No hay nada tras este enlace", "Quizá le falte una letra.", newSong],
	gone: ["Este enlace ha caducado", "Las canciones se guardan treinta días.", newSong],
};
export const lost = {
	offline: "No tienes conexión. La canción se escribe igual.",
	other: "El servidor no responde. Lo que pediste está guardado.",
	now: "Comprobar ahora",
};
export const ended = {
	failed: ["Esta no salió bien", "No se pudo escribir la canción."],
	canceled: ["Cancelada", "La detuviste tú.", "Escribirla de todos modos"],
	expired: ["Esperó demasiado", "No se escribió a tiempo."],
	other: ["Esta ha terminado", "No hay letra."],
};
export const partial = "Escrito hasta entonces:";

export const status = {
	queued: "en la cola", running: "escribiéndose", succeeded: "lista", completed: "listo",
	failed: "fallida", canceled: "cancelada", expired: "fuera de plazo", gone: "caducada",
};
export const songsNote = (n) => (n ? "Esta lista se guarda solo en este navegador. Lo que quites sigue en el servidor." : "Aquí aparecerán tus canciones.");
export const all = (n) => `Ver todas (${number(n)})`;
export const forgotten = (n) => (n === 1 ? "1 entrada quitada de la lista." : `${number(n)} entradas quitadas de la lista.`);
export const sample = { title: "Un ejemplo", of: (prompt) => `Escrita por el modelo pequeño para «${prompt}».`, like: "Probar estas palabras" };
export const remove = (name) => `Quitar «${name}» de la lista`;
export const open = (name) => `Aún se está escribiendo: «${name}»`;
export const follow = "Verla";

export const part = (name) => (name ? `Parte de ${name}` : "Parte de un archivo de ideas");
export const batch = {
	name: (name, rows) => [name, many(rows, "idea")].filter(Boolean).join(", "),
	checking: (name) => `Revisando ${name} …`,
	good: (rows, name) => `${many(rows, "idea")} en ${name}, todo bien`,
	bad: (n, name) => `${name}: ${many(n, "problema")}. Nada entró en la cola.`,
	more: (n) => `y ${number(n)} más`,
	send: (n) => `Escribir ${songCount(n)}`,
	choices: "Tus opciones de arriba valen para las líneas sin opciones.",
	estimate: (usd, by) =>
		`Unos ${cents(usd)}${by ? `, fin: ${time(by)}` : ""}.`,
	later: "Sin prisa: antes de una hora y más barato, junto a otras",
	columns: ["Línea", "Identificador", "Problema"],
	progress: (over, total) => `${number(over)} de ${number(total)}`,
	counts: (counts) =>
		Object.entries(counts).filter(([name, n]) => n && status[name]).map(([name, n]) => `${number(n)} ${n === 1 ? status[name] : status[name].replace(/[dt]a$/, "$&s")}`).join(" · "),
	over: (done, total) => (done === total ? "Todas las canciones están escritas." : done ? `${number(done)} de ${songCount(total)} escritas.` : "Terminó sin escribir ninguna canción."),
	songs: "Las canciones",
	none: "Aparecerán aquí según se escriban.",
	results: "Descargar",
	retry: (n) => (n === 1 ? "Intentar otra vez la fallida" : `Intentar otra vez las ${number(n)} fallidas`),
	tooLarge: `El archivo ocupa más de ${MOST_MIB} MiB.`,
};
